"""What happened on the exchange, in order. Pure.

Every command leaves these behind; the store, the tape and the WebSocket live on them and on nothing else. Records that
go on changing are given as copies.
"""

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from msgspec import Struct

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Micros
from sim_exchange.domain.types import (
    NOTHING,
    Account,
    Event,
    Fill,
    Market,
    Order,
    OrderGroup,
    Position,
    Series,
    Settlement,
    Trade,
)


class Listed(Struct, frozen=True):
    """Something new to trade: a series, an event or a market."""

    item: Series | Event | Market
    time: datetime


class MarketChange(Enum):
    """What changed about a market; the values are the WebSocket's `event_type` where it has one."""

    OPENED = "activated"
    """By reactivation; the exchange says nothing at `open_time`."""
    PAUSED = "deactivated"
    CLOSED = "closed"
    """At `close_time`; the exchange says nothing then either."""
    CLOSE_MOVED = "close_date_updated"
    DETERMINED = "determined"
    SETTLED = "settled"
    GRID_CHANGED = "price_level_structure_updated"


class MarketChanged(Struct, frozen=True):
    """A market's state changed; the market is a copy from then."""

    change: MarketChange
    market: Market
    time: datetime
    announced: bool = True
    """False for what happens by the schedule, of which the exchange sends no message."""


class BookChanged(Struct, frozen=True):
    """Contracts at one price of one side were added or taken away."""

    ticker: str
    side: BookSide
    price: Micros
    """YES price, for both sides."""
    delta: Hundredths
    time: datetime
    account_id: str | None = None
    """Whose order, if one account's order alone changed."""
    client_order_id: str = ""
    subaccount: int = 0


class Traded(Struct, frozen=True):
    """Two orders met."""

    trade: Trade
    house_only: bool
    """Both sides belong to the simulation itself."""
    open_interest: Hundredths = NOTHING
    """Contracts open in the market after it."""


class Filled(Struct, frozen=True):
    """An account's side of a trade; follows its `Traded`."""

    fill: Fill


class OrderChanged(Struct, frozen=True):
    """An order was accepted or changed; a copy from then."""

    order: Order


class PositionChanged(Struct, frozen=True):
    """By a fill or a settlement; a copy from then."""

    position: Position


class CashChanged(Struct, frozen=True):
    """An account's money on one shard, resting orders not deducted."""

    account_id: str
    exchange_index: int
    cash: Micros


class Settled(Struct, frozen=True):
    """A market paid an account."""

    settlement: Settlement


class Transferred(Struct, frozen=True):
    """An account moved money between shards under an id of its own, which counts once."""

    account_id: str
    client_transfer_id: str
    transfer_id: str
    time: datetime


class GroupChange(Enum):
    """What changed about an order group; the values are the WebSocket's."""

    CREATED = "created"
    TRIGGERED = "triggered"
    RESET = "reset"
    DELETED = "deleted"
    LIMIT_UPDATED = "limit_updated"


class GroupChanged(Struct, frozen=True):
    """An order group changed; a copy from then."""

    change: GroupChange
    group: OrderGroup
    time: datetime


class AccountOpened(Struct, frozen=True):
    """A new member."""

    account: Account


class TradingChanged(Struct, frozen=True):
    """Trading, or the whole exchange, stopped or went on, on one shard."""

    exchange_index: int
    exchange_active: bool
    trading_active: bool
    time: datetime


Happening: TypeAlias = (
    Listed
    | MarketChanged
    | BookChanged
    | Traded
    | Filled
    | OrderChanged
    | PositionChanged
    | CashChanged
    | Settled
    | Transferred
    | GroupChanged
    | AccountOpened
    | TradingChanged
)
