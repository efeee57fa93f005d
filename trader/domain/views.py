"""The account as the exchange keeps it: its orders, positions and settlements, and all of them read together. Pure."""

from dataclasses import dataclass
from datetime import datetime

from mesh.kalshi.terms import OrderStatus, Result, UpdateReason
from mesh.types import Hundredths, Micros, Price
from trader.domain.facts import FillFacts


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as the exchange keeps it."""

    order_id: str
    client_order_id: str
    """Empty where it was placed without one."""
    ticker: str
    book_buys_yes: bool
    yes_price: Price
    status: OrderStatus
    count: Hundredths
    filled: Hundredths
    remaining: Hundredths
    expire_time: datetime | None = None
    created_time: datetime | None = None
    reason: UpdateReason | None = None
    """What changed it last, where the exchange says so: only its stream does."""


@dataclass(frozen=True, slots=True)
class HeldView:
    """A position as the exchange keeps it."""

    ticker: str
    net: Hundredths
    """Positive YES, negative NO."""
    exposure: Micros
    """What the open position cost."""
    realised: Micros
    """By the exchange's books, fees not included."""
    fees: Micros


@dataclass(frozen=True, slots=True)
class SettlementView:
    """A settlement as the exchange keeps it."""

    ticker: str
    result: Result
    yes_count: Hundredths
    no_count: Hundredths
    yes_value: Micros
    revenue: Micros
    fees: Micros
    time: datetime
    exact: bool = False
    """`revenue` is what was paid to the micro. The exchange lists whole cents, whatever the step of the balance."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the exchange says about the account, read together. Reads lag: `as_of` says how far."""

    as_of: datetime
    """What happened before is in it."""
    began: float
    """Monotonic: when the first read of it was sent."""
    orders: tuple[OrderView, ...]
    """Resting ones, and all since `orders_since`."""
    orders_since: datetime
    fills: tuple[FillFacts, ...]
    """Since `orders_since`. `side` and `action` are those of the book: YES, bought or sold."""
    positions: tuple[HeldView, ...]
    """Not yet settled ones."""
    settlements: tuple[SettlementView, ...]
    """Since `orders_since`."""
    cash: Micros
    """Available and locked, of all shards."""
    shards: tuple[tuple[int, Micros], ...] = ()
    """Available cash of each."""
    available: Micros | None = None
