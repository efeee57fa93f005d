"""An exact order book: a snapshot, and every change since. Pure.

There is one book a market, and it trades YES: who buys NO at q sells YES at 1 − q. Everything here is kept at YES
prices and can be read from either side.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mesh.errors import Conflict
from mesh.kalshi.sides import Action, Intent
from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Price, Side


class BookError(Conflict):
    """What arrived does not belong to the book as it is kept. Ask for a snapshot; the book is not to be used."""

    default_reason = "BOOK_OUT_OF_STEP"


class Level(NamedTuple):
    """Contracts that wait at one price."""

    price: Price
    size: Hundredths


@dataclass(frozen=True, slots=True)
class Change:
    """What one delta says."""

    side: BookSide
    price: Price
    """Of YES."""
    delta: Hundredths
    """Contracts more at that price, or fewer where it is negative."""


@dataclass(frozen=True, slots=True)
class Book:
    """One market's book at one moment; a change gives another book. Make it with `from_levels`."""

    ticker: str
    yes_bids: Mapping[Price, Hundredths]
    """Who buys YES: contracts by price, without empty levels."""
    yes_asks: Mapping[Price, Hundredths]
    """Who sells YES."""
    clock: int | None = None
    """The exchange's clock of the newest change in it; None where the exchange gave none."""

    @classmethod
    def from_levels(
        cls,
        ticker: str,
        bids: Iterable[tuple[Price, Hundredths]],
        asks: Iterable[tuple[Price, Hundredths]],
        clock: int | None = None,
    ) -> "Book":
        """Take a snapshot, at YES prices, in any order.

        Raises:
            BookError: A price comes twice, or a count is negative.
        """
        return cls(ticker, _by_price(ticker, bids), _by_price(ticker, asks), clock)

    def after(self, change: Change, clock: int | None = None) -> "Book":
        """Return the book that a change leaves behind.

        Raises:
            BookError: The change takes away more than there is, or is on no side that is known.
        """
        if change.side is BookSide.UNKNOWN:
            raise BookError(f"{self.ticker}: a change that is neither on the bid nor on the ask")
        is_bid = change.side is BookSide.BID
        levels = dict(self.yes_bids if is_bid else self.yes_asks)
        size = Hundredths(levels.get(change.price, 0) + change.delta)
        if size < 0:
            raise BookError(f"{self.ticker}: {size} hundredths of a contract at {change.price.dollars()}")
        if size:
            levels[change.price] = size
        else:
            levels.pop(change.price, None)
        bids, asks = (levels, self.yes_asks) if is_bid else (self.yes_bids, levels)
        return Book(self.ticker, bids, asks, self.clock if clock is None else clock)

    def bids(self, side: Side = Side.YES) -> tuple[Level, ...]:
        """Who buys contracts of a side, at prices of that side, best (highest) first."""
        if side is Side.YES:
            return tuple(Level(price, self.yes_bids[price]) for price in sorted(self.yes_bids, reverse=True))
        return tuple(Level(price.complement, self.yes_asks[price]) for price in sorted(self.yes_asks))

    def asks(self, side: Side = Side.YES) -> tuple[Level, ...]:
        """Who sells contracts of a side, at prices of that side, best (lowest) first."""
        return tuple(Level(price.complement, size) for price, size in self.bids(side.other))

    def best_bid(self, side: Side = Side.YES) -> Level | None:
        """The highest price at which somebody buys contracts of a side; None where nobody does."""
        if side is Side.YES:
            best = max(self.yes_bids, default=None)
            return None if best is None else Level(best, self.yes_bids[best])
        best = min(self.yes_asks, default=None)
        return None if best is None else Level(best.complement, self.yes_asks[best])

    def best_ask(self, side: Side = Side.YES) -> Level | None:
        """The lowest price at which somebody sells contracts of a side; None where nobody does."""
        best = self.best_bid(side.other)
        return None if best is None else Level(best.price.complement, best.size)

    def within(self, intent: Intent) -> tuple[Level, ...]:
        """What an order meets at once if it comes alone, best first, at prices of its side and within its limit."""
        if intent.action is Action.BUY:
            return tuple(level for level in self.asks(intent.side) if level.price <= intent.price)
        return tuple(level for level in self.bids(intent.side) if level.price >= intent.price)

    def depth(self, intent: Intent) -> Hundredths:
        """How many contracts an order meets at once within its limit."""
        return Hundredths(sum(level.size for level in self.within(intent)))


class Books:
    """The books of one subscription, each of them exact or not there."""

    def __init__(self) -> None:
        self._books: dict[str, Book] = {}

    def __iter__(self) -> Iterator[Book]:
        """Every book that is exact."""
        return iter(tuple(self._books.values()))

    def __contains__(self, ticker: str) -> bool:
        return ticker in self._books

    def get(self, ticker: str) -> Book | None:
        """Return a market's book; None while it is not known exactly."""
        return self._books.get(ticker)

    def put(self, book: Book) -> None:
        """Begin anew with a snapshot."""
        self._books[book.ticker] = book

    def change(self, ticker: str, change: Change, clock: int | None = None) -> Book:
        """Apply a change, and return the book after it.

        Raises:
            BookError: There is no exact book to change; or the change does not fit, and the book is lost by that.
        """
        book = self._books.pop(ticker, None)  # it comes back below: what does not fit leaves no book behind
        if book is None:
            raise BookError(f"{ticker}: a change of a book that is not known exactly")
        changed = self._books[ticker] = book.after(change, clock)
        return changed

    def lose(self, tickers: Iterable[str] | None = None) -> tuple[str, ...]:
        """Forget books, all by default, because something about them was missed; returns those that were exact."""
        lost = tuple(self._books) if tickers is None else tuple(name for name in tickers if name in self._books)
        for ticker in lost:
            del self._books[ticker]
        return lost


def _by_price(ticker: str, levels: Iterable[tuple[Price, Hundredths]]) -> Mapping[Price, Hundredths]:
    found: dict[Price, Hundredths] = {}
    for price, size in levels:
        if price in found or size < 0:
            raise BookError(f"{ticker}: a snapshot with {price.dollars()} twice, or with a count below zero")
        found[price] = size
    return {price: size for price, size in found.items() if size}
