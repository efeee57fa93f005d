"""What must hold on the exchange at any moment, counted afresh from its records. Pure."""

from collections import Counter

from msgspec import Struct

from mesh.kalshi.terms import BookSide
from mesh.types import Micros
from sim_exchange.domain.exchange import Exchange


class Invariants(Struct, frozen=True):
    """What was found. Everything holds when `hold` is true."""

    hold: bool
    deposited_micros: Micros
    """All money ever brought in."""
    held_micros: Micros
    """All cash, fees, and one dollar per open contract: the same, if no money was made or lost."""
    unbalanced: dict[str, int]
    """Markets whose positions over all accounts do not add up to zero, in hundredths of a contract."""
    crossed: dict[str, tuple[int, int]]
    """Markets whose best bid is not below the best ask, with both, in micros."""


def check(exchange: Exchange) -> Invariants:
    """Count money and positions of all accounts, the simulation's own included, and look at every book."""
    sums: Counter[str] = Counter()
    for account_id in (*exchange.accounts, *exchange.house_accounts):
        for position in exchange.positions_of(account_id):
            sums[position.ticker] += position.count
    unbalanced = {ticker: count for ticker, count in sums.items() if count}
    crossed = {}
    for ticker, book in exchange.books.items():
        bid, ask = book.side(BookSide.BID).best, book.side(BookSide.ASK).best
        if bid is not None and ask is not None and bid >= ask:
            crossed[ticker] = (bid, ask)
    deposited, held = exchange.deposited, exchange.money_held()
    return Invariants(
        hold=deposited == held and not unbalanced and not crossed,
        deposited_micros=deposited,
        held_micros=held,
        unbalanced=unbalanced,
        crossed=crossed,
    )
