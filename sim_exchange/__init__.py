"""A simulated exchange that speaks the API of Kalshi."""
