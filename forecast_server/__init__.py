"""The streaming forecast server."""
