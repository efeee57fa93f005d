"""The trading daemon."""
