"""Telling the owner, on the phone or in the log."""
