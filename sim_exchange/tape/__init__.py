"""What the public can read about markets: candlesticks, trades and quotes, all made from what happened."""
