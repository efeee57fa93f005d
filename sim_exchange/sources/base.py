"""Where markets and their prices come from: one Protocol for generated and recorded ones.

A source knows nothing of members. It says what is listed, what the rest of the world quotes and trades, and how markets
end; the exchange mixes that with its members' orders. All of it is a function of the source's configuration, so that
the same run can be had twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from msgspec import Struct

from mesh.kalshi.terms import BookSide, Result
from mesh.types import Hundredths, Micros
from sim_exchange.domain.types import Event, Market, Series, Trade
from sim_exchange.tape.candle import Candle

Item: TypeAlias = Series | Event | Market

Level: TypeAlias = tuple[Micros, Hundredths]
"""YES price and count, for both sides of the book."""


class NewListing(Struct, frozen=True):
    """Something new to trade becomes known. A series comes before its events, an event before its markets."""

    at: datetime
    item: Item


class Book(Struct, frozen=True):
    """What the rest of the world has in a market's book from now on; it replaces the earlier ladder."""

    at: datetime
    ticker: str
    bids: tuple[Level, ...]
    """Best, which is highest, first; one level a price, counts positive."""
    asks: tuple[Level, ...]
    """Best, which is lowest, first. The best bid is below the best ask."""
    through: bool = False
    """It trades with members' orders strictly through their price only. Where it touches one, that level waits."""


class Print(Struct, frozen=True):
    """Others traded: a taker of the rest of the world reached this price."""

    at: datetime
    ticker: str
    taker_side: BookSide
    price: Micros
    """YES price at which they traded."""
    count: Hundredths
    through: bool = False
    """Members' orders at this very price got nothing of it, only those at a better one. Only where it is `exact`."""
    exact: bool = False
    """It did happen like this, and is told in full at this price, whatever the book holds; else it takes what is
    there."""


class Determined(Struct, frozen=True):
    """A market's result becomes known. It may only follow the market's close."""

    at: datetime
    ticker: str
    result: Result
    value: Micros
    """What one YES contract pays."""
    expiration_value: str
    """The settling number, such as `85.00`; empty where nobody knows it."""


SourceEvent: TypeAlias = NewListing | Book | Print | Determined


class Past(Struct, frozen=True):
    """A market's history up to an instant; each list is in the order of time.

    The three agree where all are known: minutes add up to hours. Where only hours were recorded, `minutes` lacks them.
    """

    ticker: str
    minutes: Sequence[Candle] = ()
    """One-minute candles; none for a minute without a trade or a change of the best prices."""
    hours: Sequence[Candle] = ()
    """Sixty-minute candles that end before the first of `minutes`' hours; usually none."""
    trades: Sequence[Trade] = ()


class Source(Protocol):
    """Markets, quotes, trades and results of the rest of the world."""

    @property
    def start(self) -> datetime | None:
        """Where a recording begins; None if any instant will do."""
        ...

    def catalogue(self, now: datetime) -> Sequence[Item]:
        """Give everything listed up to and including `now`: series first, then events, then markets.

        Markets that have ended carry status, result and settlement; volume, open interest and last price agree with
        `past(ticker, now)`. What is listed later comes as `NewListing`.
        """
        ...

    def past(self, ticker: str, until: datetime) -> Past:
        """Give a market's history up to and including `until`. The same arguments give the same."""
        ...

    def events(self, since: datetime) -> Iterator[SourceEvent]:
        """Give what happens after `since`, in the order of time; endless if generated.

        The first thing about every open market of the catalogue is a `Book`, so that books do not start empty.
        """
        ...
