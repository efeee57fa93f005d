"""Whether the trader's journal and the account it traded on say the same, to the micro."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from console.mesh_demo.settings import ACCOUNT
from mesh.clock import Clock
from mesh.kalshi.config import KalshiConfig
from mesh.types import Side
from trader.domain.state import Books
from trader.domain.views import Snapshot
from trader.exchange.reaching import reaching
from trader.journal.reading import reading
from trader.journal.replaying import folded
from trader.paper import views
from trader.paper.config import PaperConfig
from trader.paper.store import opened


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that both keep."""

    what: str
    journal: object
    account: object

    @property
    def same(self) -> bool:
        """Whether they agree."""
        return self.journal == self.account


async def exchange_account(folder: Path, url: str, clock: Clock, since: datetime) -> Snapshot:
    """Read the account at the simulated exchange, over its API. Raises ExchangeError."""
    config = KalshiConfig(
        environment="custom",
        host=url,
        ca_file=folder / "ca.crt",
        key_id=ACCOUNT,
        private_key_file=folder / "account.key",
    )
    async with reaching(config, clock) as kalshi:
        if kalshi.exchange is None:
            raise AssertionError("there is a key")
        return await kalshi.exchange.snapshot(since)


def paper_account(file: Path, now: datetime, since: datetime) -> Snapshot:
    """Read the paper account's own file. The trader must have ended."""
    with opened(PaperConfig(file=file)) as store:
        return views.snapshot(store.load(), since, now, 0.0)


def compared(journal: Path, account: Snapshot) -> list[Line]:
    """Hold a journal, folded from its first entry, against the account.

    Raises:
        JournalError: It is broken.
    """
    with reading(journal) as reader:
        books = folded(reader.journal_id, reader.read(), audited=True)
    return [
        Line("cash, micros", books.expected_cash, int(account.cash)),
        Line("positions", _held(books), _positions(account)),
        Line("fills", books.fills, {fill.fill_id for fill in account.fills}),
        Line("fees, micros", _fees(books), sum(fill.fee for fill in account.fills)),
        Line("orders at work", len(books.working), sum(order.remaining > 0 for order in account.orders)),
    ]


def _held(books: Books) -> dict[str, int]:
    held: Counter[str] = Counter()
    for position in books.positions.values():
        sign = 1 if position.side is Side.YES else -1
        held[position.market.ticker] += sign * position.count
    return {ticker: count for ticker, count in held.items() if count}


def _positions(account: Snapshot) -> dict[str, int]:
    return {held.ticker: int(held.net) for held in account.positions if held.net}


def _fees(books: Books) -> int:
    return sum(order.fees for order in books.orders.values())
