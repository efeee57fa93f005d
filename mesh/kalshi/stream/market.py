"""What the WebSocket tells everybody: books, best prices, trades, the life of markets and events. Pure."""

from datetime import datetime
from typing import Any

from msgspec import field

from mesh.kalshi.book import Book, Change
from mesh.kalshi.rest.market_wire import PriceBand
from mesh.kalshi.rest.price_wire import check_pair
from mesh.kalshi.rest.wire import Count, Id, Milliseconds, NetCount, Number, Record, Seconds, Whole
from mesh.kalshi.stream.channels import Channel, Told, instant
from mesh.kalshi.terms import BookSide, FeeType, Result, StrikeType, Word
from mesh.types import Price, Side


class LifecycleEvent(Word):
    """What became of a market."""

    CREATED = "created"
    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    CLOSE_DATE_UPDATED = "close_date_updated"
    DETERMINED = "determined"
    SETTLED = "settled"
    PRICE_LEVEL_STRUCTURE_UPDATED = "price_level_structure_updated"
    METADATA_UPDATED = "metadata_updated"
    UNKNOWN = "unknown"


class SnapshotBody(Told, frozen=True, kw_only=True):
    """A whole book, both sides at YES prices because we ask for that; the key of an empty side is absent."""

    channel = Channel.BOOK

    ticker: Id = field(name="market_ticker")
    bids: tuple[tuple[Price, Count], ...] | None = field(name="yes_dollars_fp", default=None)
    asks: tuple[tuple[Price, Count], ...] | None = field(name="no_dollars_fp", default=None)
    clock: Whole | None = None

    def book(self) -> Book:
        """Return it as a book. Raises BookError for levels that cannot be."""
        return Book.from_levels(self.ticker, self.bids or (), self.asks or (), self.clock)


class DeltaBody(Told, frozen=True, kw_only=True, gc=False):
    """A change of one level of a book."""

    channel = Channel.BOOK

    ticker: Id = field(name="market_ticker")
    price: Price = field(name="price_dollars")
    """Of YES, because we ask for that."""
    delta: NetCount = field(name="delta_fp")
    side: Side
    """Whose bids it changes: NO bids are YES asks."""
    clock: Whole | None = None
    ts_ms: Milliseconds | None = None
    client_order_id: str | None = None
    """Only where an order of this account made the change."""

    def change(self) -> Change:
        """Return it as a change of the book."""
        return Change(BookSide.BID if self.side is Side.YES else BookSide.ASK, self.price, self.delta)


class Ticker(Told, frozen=True, kw_only=True, gc=False):
    """A market's best prices and volumes. What is shown for an empty side, and before the first trade, is no price."""

    channel = Channel.TICKER

    ticker: Id = field(name="market_ticker")
    shown_last_price: Price = field(name="price_dollars")
    shown_bid: Price = field(name="yes_bid_dollars")
    bid_size: Count = field(name="yes_bid_size_fp")
    shown_ask: Price = field(name="yes_ask_dollars")
    ask_size: Count = field(name="yes_ask_size_fp")
    last_size: Count = field(name="last_trade_size_fp")
    volume: Count = field(name="volume_fp")
    open_interest: Count = field(name="open_interest_fp")
    ts_ms: Milliseconds

    @property
    def bid(self) -> Price | None:
        """Best price at which somebody buys YES; None without one."""
        return self.shown_bid if self.shown_bid and self.bid_size else None

    @property
    def ask(self) -> Price | None:
        """Best price at which somebody sells YES; None without one."""
        return self.shown_ask if self.shown_ask.complement and self.ask_size else None

    @property
    def last_price(self) -> Price | None:
        """YES price of the last trade; None before the first."""
        return self.shown_last_price or None

    @property
    def time(self) -> datetime:
        """When it changed."""
        return instant(self.ts_ms)


class Trade(Told, frozen=True, kw_only=True, gc=False):
    """A public trade."""

    channel = Channel.TRADES

    trade_id: Id
    ticker: Id = field(name="market_ticker")
    count: Count = field(name="count_fp")
    yes_price: Price = field(name="yes_price_dollars")
    no_price: Price = field(name="no_price_dollars")
    taker_book_side: BookSide
    """The taker's side of the YES book."""
    is_block_trade: bool
    ts_ms: Milliseconds

    def __post_init__(self) -> None:
        """Refuse prices that contradict each other."""
        check_pair(self.yes_price, self.no_price)

    @property
    def time(self) -> datetime:
        """When it was made."""
        return instant(self.ts_ms)


class NewMarket(Record, frozen=True, kw_only=True):
    """What a market is about, told when it is created."""

    event_ticker: Id
    yes_sub_title: str
    no_sub_title: str
    rules_primary: str
    can_close_early: bool
    expected_expiration_ts: Seconds
    strike_type: StrikeType | None = None
    floor_strike: Number | None = None
    cap_strike: Number | None = None


class MarketLifecycle(Told, frozen=True, kw_only=True):
    """Something became of a market; each event has its own fields. Opening and closing by schedule are not told."""

    channel = Channel.LIFECYCLE

    event: LifecycleEvent = field(name="event_type")
    ticker: Id = field(name="market_ticker")
    exchange_index: Whole | None = None
    open_ts: Seconds | None = None
    close_ts: Seconds | None = None
    determination_ts: Seconds | None = None
    settled_ts: Seconds | None = None
    result: Result | None = None
    settlement_value: Price | None = None
    """What one YES contract pays."""
    is_deactivated: bool | None = None
    price_level_structure: str | None = None
    price_ranges: tuple[PriceBand, ...] | None = None
    created: NewMarket | None = field(name="additional_metadata", default=None)
    strike_type: StrikeType | None = None
    floor_strike: Number | None = None
    cap_strike: Number | None = None
    custom_strike: dict[str, Any] | None = None
    yes_sub_title: str | None = None


class EventLifecycle(Told, frozen=True, kw_only=True):
    """An event was created."""

    channel = Channel.LIFECYCLE

    event_ticker: Id
    series_ticker: Id
    title: str
    sub_title: str = field(name="subtitle")
    collateral_return_type: str
    exchange_index: Whole
    strike_ts: Seconds | None = field(name="strike_date", default=None)
    strike_period: str | None = None


class EventFeeUpdate(Told, frozen=True, kw_only=True):
    """An event's own fees were set, or cleared: None for both."""

    channel = Channel.LIFECYCLE

    event_ticker: Id
    fee_type_override: FeeType | None
    fee_multiplier_override: Number | None
