"""Scans: from the open markets of the configured series to signals."""
