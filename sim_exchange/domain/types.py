"""What the exchange knows: series, events, markets, accounts, orders, fills. Pure.

Prices and money are micros, counts hundredths of a contract, instants aware UTC. Records that change are plain structs,
owned by the one `Exchange` that holds them; values are frozen.
"""

from datetime import datetime
from decimal import Decimal

from msgspec import UNSET, Struct, UnsetType

from mesh.kalshi.terms import (
    BookSide,
    FeeType,
    MarketStatus,
    OrderStatus,
    Result,
    SelfTradePrevention,
    StrikeType,
    TimeInForce,
    UpdateReason,
)
from mesh.types import Hundredths, Micros

NOTHING = Hundredths(0)
FREE = Micros(0)


class Refused(Exception):
    """The exchange says no, in its own words.

    Attributes:
        status: HTTP status.
        code: Such as `insufficient_balance`.
        message: The code in words, as the exchange writes it.
        details: Why, where it says so.
    """

    def __init__(self, status: int, code: str, details: str = "") -> None:
        self.status = status
        self.code = code
        self.message = code.replace("_", " ")
        self.details = details
        super().__init__(f"{status} {code}" + (f": {details}" if details else ""))


class PriceBand(Struct, frozen=True):
    """Prices from `start` to `end` lie on multiples of `step` above `start`; all in micros."""

    start: int
    end: int
    step: int


class Series(Struct, kw_only=True):
    """A family of events that follow the same rules."""

    ticker: str
    title: str
    category: str
    frequency: str
    """`hourly`, `daily` and so on."""
    fee_type: FeeType = FeeType.QUADRATIC
    fee_multiplier: Decimal = Decimal(1)
    exchange_index: int = 0
    """Shard on which new events trade."""
    tags: tuple[str, ...] = ()
    settlement_sources: tuple[tuple[str, str], ...] = ()
    """Name and address each."""
    contract_url: str = ""
    contract_terms_url: str = ""
    updated_time: datetime | None = None


class Event(Struct, kw_only=True):
    """One occasion with one or more markets."""

    event_ticker: str
    series_ticker: str
    title: str
    sub_title: str
    mutually_exclusive: bool = True
    collateral_return_type: str = "MECNET"
    strike_date: datetime | None = None
    strike_period: str | None = None
    exchange_index: int = 0
    fee_type_override: FeeType | None = None
    fee_multiplier_override: Decimal | None = None
    updated_time: datetime | None = None


class Market(Struct, kw_only=True):
    """One question that pays one dollar."""

    ticker: str
    event_ticker: str
    series_ticker: str
    market_id: str
    """A UUID; the WebSocket names markets by both."""
    yes_sub_title: str
    no_sub_title: str
    rules_primary: str
    created_time: datetime
    open_time: datetime
    close_time: datetime
    expected_expiration_time: datetime
    latest_expiration_time: datetime
    settlement_timer_seconds: int
    strike_type: StrikeType
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    price_level_structure: str = "linear_cent"
    price_ranges: tuple[PriceBand, ...] = (PriceBand(0, 1_000_000, 10_000),)
    exchange_index: int = 0
    rules_secondary: str = ""
    can_close_early: bool = True
    fee_waiver_expiration_time: datetime | None = None
    # What changes while it lives:
    status: MarketStatus = MarketStatus.INITIALIZED
    updated_time: datetime | None = None
    result: Result = Result.NONE
    settlement_value: Micros | None = None
    """What one YES contract pays."""
    expiration_value: str = ""
    """The settling number, such as `85.00`."""
    determination_time: datetime | None = None
    settlement_time: datetime | None = None
    last_price: Micros | None = None
    """YES price of the last trade; None before the first."""
    volume: Hundredths = NOTHING
    open_interest: Hundredths = NOTHING


class Account(Struct, kw_only=True):
    """A member of the exchange."""

    account_id: str
    """A UUID: the `user_id` of its orders."""
    name: str
    usage_tier: str = "basic"
    balance_precision: Micros = Micros(100)
    """Balances stay multiples of this: 100 micros for a direct member, 10,000 through a broker."""
    house: bool = False
    """A maker or trader that the simulation itself runs: no limits, no collateral checks, not in the books of state."""


class NewOrder(Struct, frozen=True, kw_only=True):
    """An order as asked for, already well formed: words known, count and price exact."""

    ticker: str
    side: BookSide
    price: Micros
    """YES price."""
    count: Hundredths
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    client_order_id: str | None = None
    expiration_time: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_order_on_pause: bool = False
    order_group_id: str | None = None
    subaccount: int = 0
    exchange_index: int | None = None


class Amendment(Struct, frozen=True, kw_only=True):
    """New terms for a resting order."""

    ticker: str
    side: BookSide
    price: Micros
    count: Hundredths
    """Filled plus what shall rest."""
    client_order_id: str | None = None
    """The order's present one, where the caller names it."""
    updated_client_order_id: str | None = None
    expiration_time: datetime | UnsetType | None = UNSET
    """None removes it, UNSET keeps it."""


class Order(Struct, kw_only=True):
    """An order from acceptance to its end; never forgotten."""

    order_id: str
    account_id: str
    client_order_id: str
    ticker: str
    event_ticker: str
    side: BookSide
    price: Micros
    initial_count: Hundredths
    remaining_count: Hundredths
    created_time: datetime
    updated_time: datetime
    sequence: int
    """Place in time: at one price the lower sequence is first. A new one after an amendment that loses the place."""
    self_trade_prevention: SelfTradePrevention
    exchange_index: int
    fill_count: Hundredths = NOTHING
    status: OrderStatus = OrderStatus.RESTING
    reason: UpdateReason = UpdateReason.NONE
    taker_cost: Micros = FREE
    """Sum of price times count of its fills as taker, at the price of the outcome it bought."""
    maker_cost: Micros = FREE
    taker_fees: Micros = FREE
    maker_fees: Micros = FREE
    rounding_micros: Micros = FREE
    """The fee accumulator: rounding collected and not yet given back."""
    post_only: bool = False
    cancel_order_on_pause: bool = False
    expiration_time: datetime | None = None
    order_group_id: str | None = None
    subaccount: int = 0


class Fill(Struct, frozen=True, kw_only=True):
    """One account's side of a trade."""

    trade_id: str
    """Also the fill's id."""
    account_id: str
    order_id: str
    client_order_id: str
    ticker: str
    side: BookSide
    price: Micros
    """YES price."""
    count: Hundredths
    is_taker: bool
    fee: Micros
    """Net."""
    position_after: Hundredths
    time: datetime
    exchange_index: int
    subaccount: int = 0


class Trade(Struct, frozen=True, kw_only=True):
    """A public trade."""

    trade_id: str
    ticker: str
    price: Micros
    """YES price."""
    count: Hundredths
    taker_side: BookSide
    time: datetime


class Position(Struct, kw_only=True):
    """What an account holds in one market, or held."""

    account_id: str
    ticker: str
    event_ticker: str
    exchange_index: int
    count: Hundredths = NOTHING
    """Positive YES, negative NO."""
    open_cost: Micros = FREE
    """What the open contracts cost, at average price, without fees."""
    realized_pnl: Micros = FREE
    """Without fees."""
    fees_paid: Micros = FREE
    total_traded: Micros = FREE
    """Money that changed hands by fills, both directions, without fees."""
    yes_bought: Hundredths = NOTHING
    yes_cost: Micros = FREE
    no_bought: Hundredths = NOTHING
    no_cost: Micros = FREE
    updated_time: datetime | None = None
    subaccount: int = 0
    settled: bool = False


class Settlement(Struct, frozen=True, kw_only=True):
    """One account's settlement of one market."""

    account_id: str
    ticker: str
    event_ticker: str
    exchange_index: int
    result: Result
    value: Micros
    """What one YES contract paid."""
    yes_count: Hundredths
    yes_cost: Micros
    no_count: Hundredths
    no_cost: Micros
    revenue: Micros
    """Paid out."""
    fees: Micros
    """Trading fees paid on this market."""
    time: datetime
    subaccount: int = 0


class OrderGroup(Struct, kw_only=True):
    """Orders that end together when more than the limit is matched within 15 seconds."""

    group_id: str
    account_id: str
    limit: Hundredths
    exchange_index: int = 0
    triggered: bool = False
    """Its orders are cancelled and new ones refused until it is reset."""
    subaccount: int = 0
    deleted: bool = False
    counted_from: int = 0
    """How many fills the account had at the last reset: those before do not count."""
