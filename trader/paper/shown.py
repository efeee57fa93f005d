"""What a book shows, less what the account took of it already. Pure.

Nobody else sees the paper account's fills: the real book goes on showing what it took. So it is remembered by level,
and a level gives again only what others add to it. It is forgotten as the level shrinks: what is not shown cannot be
taken twice.
"""

from typing import NamedTuple

from mesh.kalshi.book import Book
from mesh.types import Hundredths, Micros, Price
from trader.paper.account import Account
from trader.paper.records import NOTHING, Order, Taken


class Offer(NamedTuple):
    """Contracts that may be had at one price."""

    price: Micros
    size: Hundredths


def at_price(book: Book, price: int, *, buys_yes: bool) -> Hundredths:
    """Return the size shown at a YES price on one side."""
    levels = book.yes_bids if buys_yes else book.yes_asks
    return levels.get(Price(price), NOTHING)


def reaches(price: int, limit: int, *, buys_yes: bool) -> bool:
    """Tell whether an order with a limit takes this price of the other side."""
    return price <= limit if buys_yes else price >= limit


def offers(account: Account, book: Book, price: int, share: float, *, buys_yes: bool) -> list[Offer]:
    """Return what an order with this limit may have now, best price first, levels with nothing left included."""
    shown = book.yes_asks if buys_yes else book.yes_bids
    within = sorted((level for level in shown if reaches(level, price, buys_yes=buys_yes)), reverse=not buys_yes)
    return [
        Offer(
            Micros(int(level)),
            Hundredths(max(0, int(shown[level] * share) - taken(account, book.ticker, level, bids=not buys_yes))),
        )
        for level in within
    ]


def taken(account: Account, ticker: str, price: int, *, bids: bool) -> int:
    """Return how much of a level's shown size the account took already."""
    record = account.taken.get(ticker)
    return 0 if record is None else record.of(bids=bids).get(price, 0)


def take(account: Account, order: Order, price: int, count: int) -> None:
    """Remember that an order took from a level of the other side."""
    record = account.taken.get(order.ticker) or Taken(ticker=order.ticker)
    side = record.of(bids=not order.buys_yes)
    side[price] = side.get(price, 0) + count
    account.note(record)


def forget(account: Account, book: Book) -> None:
    """Forget of what was taken what a new book does not show any more."""
    record = account.taken.get(book.ticker)
    if record is None:
        return
    for side, shown in ((record.bids, book.yes_bids), (record.asks, book.yes_asks)):
        for price, count in tuple(side.items()):
            left = min(count, shown.get(Price(price), 0))
            if left:
                side[price] = left
            else:
                del side[price]
    account.note(record)
