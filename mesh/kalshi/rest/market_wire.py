"""Series, events and markets as the exchange describes them. Pure."""

from typing import Any

from msgspec import field

from mesh.kalshi.rest.wire import Count, Id, Instant, Money, Number, Record, Whole
from mesh.kalshi.terms import FeeType, MarketStatus, Result, StrikeType
from mesh.types import Price


class SettlementSource(Record, frozen=True):
    """Where the settling value is published."""

    name: str | None = None
    url: str | None = None


class Series(Record, frozen=True, kw_only=True):
    """A family of events that follow the same rules."""

    ticker: Id
    title: str
    category: str
    frequency: str
    tags: tuple[str, ...] | None
    settlement_sources: tuple[SettlementSource, ...] | None
    fee_type: FeeType
    fee_multiplier: Number
    volume: Count | None = field(name="volume_fp", default=None)
    """Only where it was asked for."""
    last_updated_time: Instant | None = field(name="last_updated_ts", default=None)
    exchange_index: Whole | None = None
    """Shard on which new events will trade; the event's own is the one that counts."""


class SeriesReply(Record, frozen=True):
    """Body of one series."""

    series: Series


class SeriesList(Record, frozen=True):
    """Body of the series list."""

    series: tuple[Series, ...]


class PriceBand(Record, frozen=True):
    """Prices from `start` to `end` lie on multiples of `step` above `start`."""

    start: Price
    end: Price
    step: Price


class Market(Record, frozen=True, kw_only=True):
    """One question that pays one dollar.

    What the exchange shows for a side without orders (0.0000 and 1.0000) and for a market that never traded (0.0000)
    is no price: `bid`, `ask` and `last_price` are None there.
    """

    ticker: Id
    event_ticker: Id
    market_type: str
    """`binary`; anything else is not understood here."""
    yes_sub_title: str
    no_sub_title: str
    created_time: Instant
    updated_time: Instant
    open_time: Instant
    close_time: Instant
    latest_expiration_time: Instant
    expected_expiration_time: Instant | None = None
    settlement_timer_seconds: Whole
    status: MarketStatus
    shown_bid: Price = field(name="yes_bid_dollars")
    bid_size: Count = field(name="yes_bid_size_fp")
    shown_ask: Price = field(name="yes_ask_dollars")
    ask_size: Count = field(name="yes_ask_size_fp")
    shown_last_price: Price = field(name="last_price_dollars")
    volume: Count = field(name="volume_fp")
    volume_24h: Count = field(name="volume_24h_fp")
    open_interest: Count = field(name="open_interest_fp")
    result: Result
    can_close_early: bool
    notional_value: Money = field(name="notional_value_dollars")
    """What the winning side pays."""
    settlement_value: Price | None = field(name="settlement_value_dollars", default=None)
    """What one YES contract pays; None before determination."""
    settlement_time: Instant | None = field(name="settlement_ts", default=None)
    settlement_bounds_type: str | None = None
    """`default` is no bound; None in answers from before the field existed."""
    settlement_floor: Price | None = field(name="settlement_floor_dollars", default=None)
    expiration_value: str
    """The settling number as text; empty before it is known."""
    occurrence_time: Instant | None = field(name="occurrence_datetime", default=None)
    fee_waiver_expiration_time: Instant | None = None
    strike_type: StrikeType | None = None
    floor_strike: Number | None = None
    cap_strike: Number | None = None
    custom_strike: dict[str, Any] | None = None
    rules_primary: str
    price_level_structure: str
    """A label only: `price_ranges` is the grid."""
    price_ranges: tuple[PriceBand, ...]
    is_provisional: bool | None = None
    exchange_index: Whole | None = None
    """Shard on which it trades."""

    @property
    def series_ticker(self) -> str:
        """The series, which a market's record does not name: what stands before the first dash of the event."""
        return self.event_ticker.partition("-")[0]

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


class MarketReply(Record, frozen=True):
    """Body of one market."""

    market: Market


class MarketsPage(Record, frozen=True):
    """A page of markets, live or archived."""

    items: tuple[Market, ...] = field(name="markets")
    cursor: str


class Event(Record, frozen=True, kw_only=True):
    """One occasion with one or more markets."""

    event_ticker: Id
    series_ticker: Id
    title: str
    sub_title: str
    mutually_exclusive: bool
    collateral_return_type: str
    strike_date: Instant | None = None
    strike_period: str | None = None
    markets: tuple[Market, ...] | None = None
    """Only where nested markets were asked for, and without those that are archived."""
    last_updated_time: Instant | None = field(name="last_updated_ts", default=None)
    fee_type_override: FeeType | None = None
    fee_multiplier_override: Number | None = None
    exchange_index: Whole | None = None
    """Shard on which its markets trade."""


class EventReply(Record, frozen=True):
    """Body of one event."""

    event: Event


class EventsPage(Record, frozen=True):
    """A page of events."""

    items: tuple[Event, ...] = field(name="events")
    cursor: str
