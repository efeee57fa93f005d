"""One market for a screen that draws it: book, past prices, forecasts, the last decision; and traces."""
