"""What a ticker itself says, for markets of which nothing else is known. Pure."""

import hashlib

_DIGITS = 24


def event_of(ticker: str) -> str:
    """Return the event that the exchange's way to make tickers puts a market into."""
    return ticker.rpartition("-")[0] or ticker


def series_of(ticker: str) -> str:
    """Return the series of a market, read off its ticker in the same way."""
    return ticker.partition("-")[0] or ticker


def foreign_id(ticker: str) -> str:
    """Name a position that is not the trader's: the same at every look, and never one of its own names."""
    return "foreign-" + hashlib.sha256(ticker.encode()).hexdigest()[:_DIGITS]
