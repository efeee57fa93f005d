"""A client for Kalshi's REST API and WebSocket, and the exchange's own rules: price grid, fees, sides."""
