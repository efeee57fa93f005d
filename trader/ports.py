"""What the engine needs from outside, as protocols: exchange, market data, forecasts, journal, phone.

Each has a real form, and tests run the same suite against every form.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mesh.kalshi.book import Book
from mesh.types import Hundredths
from trader.domain.entries import AnyEntry, Notified
from trader.domain.events import (
    Accepted,
    BookCame,
    BooksConfirmed,
    BooksLost,
    ExchangeSeen,
    FillSeen,
    MarketSeen,
    NoOutcome,
    OrderSeen,
    Refused,
    ScanEnded,
    SignalCame,
    Traded,
)
from trader.domain.facts import FillFacts, MarketTerms, OrderTerms
from trader.domain.views import (
    OrderView,
    Snapshot,
)


@dataclass(frozen=True, slots=True)
class CancelDone:
    """A cancellation was carried out, or there was nothing to cancel."""

    reduced_by: Hundredths | None
    """None: the order rested no more, or never existed; the exchange does not say which."""


class Exchange(Protocol):
    """Where orders go: the exchange itself, or the paper account. Every read may lag; nothing here retries a write.

    Reads raise `mesh.kalshi.errors.ExchangeError`.
    """

    async def place(self, order: OrderTerms, market: MarketTerms) -> Accepted | Refused | NoOutcome:
        """Send an order once. Never raises for what the exchange or the network did."""
        ...

    async def cancel(self, order_id: str, market: MarketTerms) -> CancelDone | NoOutcome:
        """Cancel an order once. Raises ExchangeError where it was refused."""
        ...

    async def order(self, order_id: str) -> OrderView | None:
        """Read one order; None where the exchange does not have it."""
        ...

    async def find(self, client_order_id: str, ticker: str, since: datetime) -> OrderView | None:
        """Look for an order by our id among those since an instant; None where no list shows it yet."""
        ...

    async def fills_of(self, order_id: str) -> tuple[FillFacts, ...]:
        """Read the fills of one order; `side` and `action` are those of the book (YES, bought or sold)."""
        ...

    async def snapshot(self, since: datetime) -> Snapshot:
        """Read the account: everything that rests or is held, and what happened since an instant."""
        ...

    def own(self) -> AbstractAsyncContextManager[AsyncIterator[OrderSeen | FillSeen | None]]:
        """Stream what becomes of the account's orders; None says that something may have been missed: compare."""
        ...


class Markets(Protocol):
    """What is public: markets, books, trades, the exchange's status. Reads raise ExchangeError."""

    @property
    def own_shown(self) -> bool:
        """Whether the books show the account's own orders, as the exchange's do."""
        ...

    async def status(self) -> ExchangeSeen:
        """Read what the exchange allows, and its scheduled pauses."""
        ...

    async def market(self, ticker: str) -> MarketSeen:
        """Read one market's terms."""
        ...

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        """Read books now; a market that the exchange does not know is not among them."""
        ...

    def watch(self, tickers: Iterable[str]) -> None:
        """Let `told` tell the books of these markets and no others."""
        ...

    def told(
        self,
    ) -> AbstractAsyncContextManager[AsyncIterator[BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen]]:
        """Stream the books of watched markets, their trades and what becomes of them."""
        ...


class Scans(Protocol):
    """Asks the forecast server about every open market of the configured series."""

    def scan(self, scan_id: str) -> AsyncIterator["Begin | SignalCame | ScanEnded"]:
        """Scan once: what it looks at, then signals as they come, the accounting last.

        Never raises for what the exchange or the forecast server did: that is in the accounting, and `ScanEnded` comes
        always.
        """
        ...


@dataclass(frozen=True, slots=True)
class Begin:
    """What a scan will look at."""

    series: tuple[str, ...]
    markets: tuple[MarketTerms, ...]
    books: tuple[Book, ...]
    """Best prices of these markets as their listing shows them, one level a side: the exchange's lists are up to 15 s
    old, so refusals can name figures, but nothing is bought or sold on them."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One entry of a journal."""

    sequence: int
    time: datetime
    entry: AnyEntry


class Journal(Protocol):
    """The append-only record. Synchronous: what `append` returned from is on disk."""

    @property
    def journal_id(self) -> str:
        """Name of the journal, the same for ever."""
        ...

    @property
    def last_sequence(self) -> int:
        """Of the last entry; 0 for an empty journal."""
        ...

    def append(self, time: datetime, entries: Sequence[AnyEntry]) -> None:
        """Write entries in one transaction, all or none, with the next sequences.

        Raises:
            JournalError: They are not on disk; the process must not go on as if they were.
        """
        ...

    def read(self, after: int = 0, *, refusals: bool = True) -> Iterator[Recorded]:
        """Give entries in their order, those after a sequence; decisions not to enter only where asked for."""
        ...


class Search(Protocol):
    """Looks entries up in the journal. Slow enough for a thread of its own; each method raises JournalError."""

    def found(self, first: int, last: int, texts: Sequence[str], kinds: Sequence[str] = ()) -> list[Recorded]:
        """Return those of a range, both ends included, whose written form has any of the texts in it, in their order.

        `kinds` are words such as `signal`; empty for all.
        """
        ...

    def at(self, sequences: Iterable[int]) -> list[Recorded]:
        """Return entries by their sequences, in the order that these are given in."""
        ...

    def reached(self, time: datetime) -> int:
        """Return the sequence of the last entry before an instant; 0 where there is none."""
        ...


class Notifier(Protocol):
    """Tells the owner."""

    async def send(self, notice: Notified) -> None:
        """Deliver one message. Raises mesh.errors.MeshError where it was not accepted."""
        ...
