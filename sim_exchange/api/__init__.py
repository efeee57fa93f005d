"""The REST API: what a client sends and gets, byte for byte as the exchange would."""
