"""The exchange behind the trader's ports: Kalshi, or whatever speaks its API."""
