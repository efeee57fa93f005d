"""Collected market history on disk: what is committed is visible, nothing else is."""
