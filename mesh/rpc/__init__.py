"""One way to serve and one way to connect."""
