"""Forecast models behind one protocol, a file each."""
