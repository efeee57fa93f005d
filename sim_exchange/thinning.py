"""The fault that leaves an order little to fill: the simulation's own liquidity withdraws just before it. Pure."""

from datetime import datetime

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths
from sim_exchange.domain.book import Book, Lot
from sim_exchange.domain.exchange import Exchange


def thin(exchange: Exchange, ticker: str, keep: Hundredths, now: datetime) -> None:
    """Withdraw the house's contracts beyond the best `keep` on each side of a market's book; members' orders stay.

    The next quote of the market's source brings them back. Nothing happens for an unknown market.
    """
    book = exchange.books.get(ticker)
    if book is not None:
        bids, asks = _best(book, BookSide.BID, keep), _best(book, BookSide.ASK, keep)
        exchange.set_book(ticker, (), (), now)  # else what members took before would be taken off these as well
        exchange.set_book(ticker, bids, asks, now)


def _best(book: Book, side: BookSide, keep: Hundredths) -> list[tuple[int, Hundredths]]:
    kept: dict[int, Hundredths] = {}
    left = keep
    for resting in book.side(side):
        if isinstance(resting, Lot) and left > 0:
            count = min(left, resting.remaining_count)
            kept[resting.price] = Hundredths(kept.get(resting.price, 0) + count)
            left = Hundredths(left - count)
    return list(kept.items())
