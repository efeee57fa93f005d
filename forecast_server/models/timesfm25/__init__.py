"""TimesFM 2.5: lean inference over the original weights, with the stock package for long horizons."""
