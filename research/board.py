"""What is quoted now, as books: candles say the best prices, and what stands there is assumed."""

from collections.abc import Iterable
from typing import NamedTuple

from mesh.kalshi.book import Book
from mesh.types import Hundredths, Price
from research.types import ABSENT
from trader.paper.records import Order


class Quote(NamedTuple):
    """The best prices of YES, micros; ABSENT where nobody is."""

    bid: int
    ask: int


class Resting(NamedTuple):
    """An order at its price, and how much is ahead of it."""

    price: int
    buys_yes: bool
    ahead: Hundredths


class Board:
    """The quotes that hold. A market that is not on it: nobody knows.

    Args:
        size: Contracts shown at a best price.
        queue: Contracts ahead of an order that comes to rest at a best price, or behind it.
    """

    def __init__(self, size: Hundredths, queue: Hundredths) -> None:
        self._size, self._queue = size, queue
        self._quotes: dict[str, Quote] = {}

    def put(self, ticker: str, quote: Quote | None) -> None:
        """Take a quote in; None: nobody knows it any more."""
        if quote is None:
            self._quotes.pop(ticker, None)
        else:
            self._quotes[ticker] = quote

    def quote(self, ticker: str) -> Quote | None:
        """Return what is quoted; None where nobody knows."""
        return self._quotes.get(ticker)

    def book(self, ticker: str, resting: Iterable[Resting] = ()) -> Book | None:
        """Return the book: the best prices, and what is ahead of orders of the account.

        Behind the best price candles show nothing. There the book has what is ahead of an order, so that nobody takes
        it for gone; beyond the best price nobody is ahead.
        """
        quote = self._quotes.get(ticker)
        if quote is None:
            return None
        bids = {} if quote.bid == ABSENT else {Price(quote.bid): self._size}
        asks = {} if quote.ask == ABSENT else {Price(quote.ask): self._size}
        for order in resting:
            if _first(order.price, quote, buys_yes=order.buys_yes):
                continue
            levels = bids if order.buys_yes else asks
            levels[Price(order.price)] = order.ahead
        return Book.from_levels(ticker, bids.items(), asks.items())

    def shown(self, ticker: str, own: Iterable[Order]) -> Book | None:
        """Return the book as the exchange would show it: orders of the account are in it."""
        book = self.book(ticker)
        if book is None:
            return None
        bids, asks = dict(book.yes_bids), dict(book.yes_asks)
        for order in own:
            levels = bids if order.buys_yes else asks
            levels[Price(order.price)] = Hundredths(levels.get(Price(order.price), 0) + order.remaining)
        return Book(ticker, bids, asks)

    def meeting(self, ticker: str, price: int, *, buys_yes: bool) -> Book | None:
        """Return the book that an order meets which may come to rest at a price."""
        return self.book(ticker, [Resting(price, buys_yes, self._queue)])


def resting(orders: Iterable[Order]) -> list[Resting]:
    """Return the orders whose place is known."""
    return [Resting(order.price, order.buys_yes, order.ahead) for order in orders if order.ahead is not None]


def _first(price: int, quote: Quote, *, buys_yes: bool) -> bool:
    if buys_yes:
        return quote.bid == ABSENT or price > quote.bid
    return quote.ask == ABSENT or price < quote.ask
