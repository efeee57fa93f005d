"""Which exits would have been best for trades that were made, and whether that means anything."""
