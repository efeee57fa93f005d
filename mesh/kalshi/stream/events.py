"""What a consumer of the stream is told. Pure.

A channel is whole from a `Resynced` on until a `Gap`; a market's book is exact from a `BookSnapshot` on until a `Gap`
that names it. Four channels cannot show their gaps themselves (tickers, fills, orders, positions), and what happened
before a `Resynced` is not told again: whoever keeps state compares it with REST at each `Resynced`.
"""

from dataclasses import dataclass
from typing import TypeAlias

from mesh.kalshi.book import Book, Change
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.market import EventFeeUpdate, EventLifecycle, MarketLifecycle, Ticker, Trade
from mesh.kalshi.stream.own import Fill, GroupUpdate, OrderUpdate, PositionUpdate


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection stands; `Resynced` follows for each channel as its subscription is confirmed."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection ended, or an attempt to connect failed. The next attempt follows by itself."""

    problem: ExchangeError
    """Why; `WrongKey` and `NotPermitted` will not pass by waiting."""
    retry_seconds: float
    """When the next attempt is made."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something was missed, or cannot be relied on. Nothing that is lost goes without one."""

    channel: Channel
    tickers: tuple[str, ...] | None
    """Markets it concerns; None is all that the channel tells of."""
    why: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Resynced:
    """A channel tells everything from here on. The channel of books has its `BookSnapshot` instead."""

    channel: Channel
    tickers: tuple[str, ...] | None
    """Markets it concerns; None is all that the channel tells of."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange refused a subscription. It is tried again, more and more rarely, without the markets it named."""

    channel: Channel
    tickers: tuple[str, ...] | None
    """Markets that were asked for; None is all."""
    problem: ExchangeError


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """A market's book, with no relation to the book told before."""

    book: Book


@dataclass(frozen=True, slots=True)
class BookUpdated:
    """A market's book after one change of the book told before."""

    book: Book
    change: Change
    ts_ms: int | None
    """When it changed, Unix milliseconds."""
    client_order_id: str | None
    """Of the order of this account that made the change."""


Event: TypeAlias = (
    Connected
    | Disconnected
    | Gap
    | Resynced
    | Refused
    | BookSnapshot
    | BookUpdated
    | Ticker
    | Trade
    | Fill
    | OrderUpdate
    | PositionUpdate
    | MarketLifecycle
    | EventLifecycle
    | EventFeeUpdate
    | GroupUpdate
)
"""What a consumer is told."""
