"""The engine: tells the pure domain what comes, writes what it decides, does what is written."""
