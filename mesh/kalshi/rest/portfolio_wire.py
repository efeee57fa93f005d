"""What the account has and did: balance, positions, fills, settlements, transfers between shards. Pure."""

from msgspec import field

from mesh.kalshi.rest.price_wire import check_pair
from mesh.kalshi.rest.wire import Body, Cents, Count, Id, Instant, Money, NetCount, Record, Seconds, Whole
from mesh.kalshi.terms import BookSide, Result
from mesh.types import Price, Side


class ShardBalance(Record, frozen=True):
    """Cash on one shard."""

    exchange_index: Whole
    balance: Money


class Balance(Record, frozen=True):
    """Cash of the account."""

    cash: Money = field(name="balance_dollars")
    """Of all shards, unless one was asked for."""
    portfolio_value: Cents
    """Of the positions; cash is not in it."""
    updated_ts: Seconds
    shards: tuple[ShardBalance, ...] | None = field(name="balance_breakdown", default=None)


class MarketPosition(Record, frozen=True, kw_only=True):
    """What the account holds in one market, or held."""

    ticker: Id
    count: NetCount = field(name="position_fp")
    """Positive YES, negative NO."""
    total_traded: Money = field(name="total_traded_dollars")
    exposure: Money = field(name="market_exposure_dollars")
    """What the open position cost."""
    realized_pnl: Money = field(name="realized_pnl_dollars")
    fees_paid: Money = field(name="fees_paid_dollars")
    last_updated_time: Instant = field(name="last_updated_ts")
    exchange_index: Whole | None = None


class EventPosition(Record, frozen=True, kw_only=True):
    """What the account holds in all markets of one event."""

    event_ticker: Id
    total_cost: Money = field(name="total_cost_dollars")
    total_cost_count: Count = field(name="total_cost_shares_fp")
    exposure: Money = field(name="event_exposure_dollars")
    realized_pnl: Money = field(name="realized_pnl_dollars")
    fees_paid: Money = field(name="fees_paid_dollars")


class PositionsPage(Record, frozen=True):
    """A page of positions."""

    items: tuple[MarketPosition, ...] = field(name="market_positions")
    events: tuple[EventPosition, ...] = field(name="event_positions")
    cursor: str | None = None


class Fill(Record, frozen=True, kw_only=True):
    """The account's side of one trade."""

    fill_id: Id
    trade_id: Id
    """The public trade's id."""
    order_id: Id
    ticker: Id
    book_side: BookSide
    """The account's side of the YES book."""
    count: Count = field(name="count_fp")
    yes_price: Price = field(name="yes_price_dollars")
    no_price: Price = field(name="no_price_dollars")
    is_taker: bool
    fee: Money = field(name="fee_cost")
    """Net of rebates."""
    created_time: Instant | None = None
    subaccount: Whole | None = field(name="subaccount_number", default=None)
    exchange_index: Whole | None = None

    def __post_init__(self) -> None:
        """Refuse prices that contradict each other."""
        check_pair(self.yes_price, self.no_price)

    def price(self, side: Side) -> Price:
        """What one contract of that side cost."""
        return self.yes_price if side is Side.YES else self.no_price


class FillsPage(Record, frozen=True):
    """A page of fills, live or archived."""

    items: tuple[Fill, ...] = field(name="fills")
    cursor: str


class Settlement(Record, frozen=True, kw_only=True):
    """What one market paid the account in the end."""

    ticker: Id
    event_ticker: Id
    result: Result = field(name="market_result")
    yes_count: Count = field(name="yes_count_fp")
    yes_cost: Money = field(name="yes_total_cost_dollars")
    no_count: Count = field(name="no_count_fp")
    no_cost: Money = field(name="no_total_cost_dollars")
    revenue: Cents
    """Paid out."""
    settled_time: Instant
    fees: Money = field(name="fee_cost")
    """Trading fees paid on the market."""
    value: Cents | None = None
    """What one YES contract paid."""
    exchange_index: Whole | None = None


class SettlementsPage(Record, frozen=True):
    """A page of settlements."""

    items: tuple[Settlement, ...] = field(name="settlements")
    cursor: str | None = None


class SubaccountBalance(Record, frozen=True):
    """Cash of one subaccount on one shard."""

    subaccount: Whole = field(name="subaccount_number")
    exchange_index: Whole
    balance: Money
    updated_ts: Seconds


class SubaccountBalances(Record, frozen=True):
    """Body of the subaccounts' balances."""

    balances: tuple[SubaccountBalance, ...] = field(name="subaccount_balances")


class ShardTransferRequest(Body, frozen=True):
    """Moves cash between two shards."""

    source: str
    destination: str
    amount: int
    """In hundredths of a cent."""
    source_exchange_shard: int | None = None
    destination_exchange_shard: int | None = None
    source_subaccount: int | None = None
    destination_subaccount: int | None = None
    client_transfer_id: str | None = None


class ShardTransfer(Record, frozen=True):
    """A transfer that was accepted; it is carried out later."""

    transfer_id: Id
