"""Virtual resting orders beside taken entries: what patience would have been filled. Pure."""

from mesh.kalshi.book import Book
from trader.domain.entries import AnyEntry
from trader.domain.events import Moment, Traded
from trader.domain.state import State


def book_came(state: State, book: Book, moment: Moment) -> list[AnyEntry]:
    """Fill virtual orders that the book has run through."""
    return []


def traded(state: State, event: Traded, moment: Moment) -> list[AnyEntry]:
    """Fill virtual orders by a public trade, after what waited before them."""
    return []


def timed(state: State, moment: Moment) -> list[AnyEntry]:
    """End virtual orders whose time is over."""
    return []
