"""Offline research on collected history."""
