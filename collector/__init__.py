"""The collector of market history."""
