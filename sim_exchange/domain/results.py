"""What commands answer with, and what a restart needs. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import Transferred
from sim_exchange.domain.types import (
    FREE,
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
)


class Filling(Struct, frozen=True):
    """What one command's own fills come to."""

    count: Hundredths = NOTHING
    average_price: Micros | None = None
    """YES price to four decimals of a dollar, half up; None without a fill."""
    average_fee: Micros | None = None
    """Net fee per contract to six decimals of a dollar, half up; None without a fill."""


class Placed(NamedTuple):
    """An accepted order; a copy from after its fills."""

    order: Order
    filling: Filling


class Amended(NamedTuple):
    """An amended order; a copy from after its fills."""

    order: Order
    filling: Filling
    """Fills of this amendment only."""


class Cancelled(NamedTuple):
    """A cancelled order; a copy."""

    order: Order
    reduced_by: Hundredths


class PauseScope(StrEnum):
    """What stands still in a pause."""

    MARKET = "market"
    """One market, by its ticker."""
    TRADING = "trading"
    """One shard, by its index: nothing new, cancels allowed."""
    EXCHANGE = "exchange"
    """One shard, by its index: nothing at all."""


class ShardStatus(NamedTuple):
    """State of one shard."""

    exchange_index: int
    description: str
    exchange_active: bool
    trading_active: bool
    transfers_active: bool
    resumes_at: datetime | None
    """End of the weekly maintenance, while it lasts."""


class State(Struct, kw_only=True):
    """Everything a new `Exchange` needs in order to go on where an earlier one stopped.

    Sequences are in the order in which things happened. The house's ladders are not in it: its source lays them anew,
    behind the members' orders.
    """

    issued: int
    """`Exchange.issued` at that moment: no id is given out twice."""
    series: Iterable[Series] = ()
    events: Iterable[Event] = ()
    markets: Iterable[Market] = ()
    accounts: Iterable[Account] = ()
    cash: Mapping[tuple[str, int], Micros] = {}
    """By account and shard."""
    orders: Iterable[Order] = ()
    """Dead ones too."""
    fills: Iterable[Fill] = ()
    positions: Iterable[Position] = ()
    """Where the house's are missing, it is taken to hold the other side of the members'."""
    settlements: Iterable[Settlement] = ()
    groups: Iterable[OrderGroup] = ()
    used_client_order_ids: Mapping[str, Iterable[str]] = {}
    """By account; those of the orders are known without."""
    transfers: Iterable[Transferred] = ()
    """Those with an id of their sender's."""
    pauses: Iterable[tuple[PauseScope, int]] = ()
    """`Exchange.pauses`."""
    fees_collected: Micros = FREE
    deposited: Micros | None = None
    """None takes it to be what there is. With it, but without the house's cash, the house has what is missing."""
