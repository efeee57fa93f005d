"""The trader's journal: append-only, hash-chained, one SQLite file."""
