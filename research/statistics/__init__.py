"""What rows of trades say, and how sure one can be of it."""
