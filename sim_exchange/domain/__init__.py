"""The exchange itself, without I/O: books, matching, money, lifecycle."""
