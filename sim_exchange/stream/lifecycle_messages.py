"""Messages about the life of events and markets, without their envelope. Pure.

The exchange says nothing when a market opens or closes by its schedule.
"""

from decimal import Decimal

from msgspec import UNSET, Struct, UnsetType

from mesh.types import dollars
from sim_exchange.api.text import price_text, unix_seconds
from sim_exchange.domain.events import MarketChange, MarketChanged
from sim_exchange.domain.types import Event, Market
from sim_exchange.stream.frames import encode

# The labels that the exchange's document knows; it sends an empty text for others.
_LABELS = frozenset(
    {"linear_cent", "deci_cent", "tapered_deci_cent", "banded_centi_cent"}
    | {f"center_whole_edge_{edge}_cent" for edge in ("half", "quint")}
    | {f"center_half_edge_{edge}_cent" for edge in ("half", "quint", "deci")}
    | {f"center_quint_edge_{edge}_cent" for edge in ("quint", "deci")}
    | {f"center_{centre}_edge_centi_cent" for centre in ("centi", "deci")}
)


class RangeBody(Struct):
    """One band of prices."""

    start: str
    end: str
    step: str


class MetadataBody(Struct, kw_only=True):
    """What a new market is about."""

    name: str
    title: str
    yes_sub_title: str
    no_sub_title: str
    rules_primary: str
    rules_secondary: str
    can_close_early: bool
    event_ticker: str
    expected_expiration_ts: int
    strike_type: str
    floor_strike: Decimal | UnsetType = UNSET
    cap_strike: Decimal | UnsetType = UNSET


class MarketBody(Struct, kw_only=True):
    """`market_lifecycle_v2`; each event type has its own fields."""

    market_ticker: str
    exchange_index: int | UnsetType = UNSET
    open_ts: int | UnsetType = UNSET
    close_ts: int | UnsetType = UNSET
    determination_ts: int | UnsetType = UNSET
    settled_ts: int | UnsetType = UNSET
    result: str | UnsetType = UNSET
    settlement_value: str | UnsetType = UNSET
    is_deactivated: bool | UnsetType = UNSET
    additional_metadata: MetadataBody | UnsetType = UNSET
    event_type: str
    price_level_structure: str | UnsetType = UNSET
    price_ranges: list[RangeBody] | UnsetType = UNSET


class EventBody(Struct, kw_only=True):
    """`event_lifecycle`."""

    event_ticker: str
    exchange_index: int
    title: str
    subtitle: str
    collateral_return_type: str
    series_ticker: str
    strike_date: int | UnsetType = UNSET
    strike_period: str | UnsetType = UNSET


class FeeBody(Struct, kw_only=True):
    """`event_fee_update`."""

    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


def event_created(event: Event) -> bytes:
    """Tell of a new event."""
    return encode(
        EventBody(
            event_ticker=event.event_ticker,
            exchange_index=event.exchange_index,
            title=event.title,
            subtitle=event.sub_title,
            collateral_return_type=event.collateral_return_type,
            series_ticker=event.series_ticker,
            strike_date=unix_seconds(event.strike_date) if event.strike_date else UNSET,
            strike_period=event.strike_period or UNSET,
        )
    )


def event_fees(event: Event) -> bytes:
    """Tell an event's own fees."""
    return encode(
        FeeBody(
            event_ticker=event.event_ticker,
            fee_type_override=event.fee_type_override.value if event.fee_type_override else None,
            fee_multiplier_override=event.fee_multiplier_override,
        )
    )


def market_created(market: Market, title: str) -> bytes:
    """Tell of a new market; `title` is its event's."""
    return encode(
        MarketBody(
            market_ticker=market.ticker,
            exchange_index=market.exchange_index,
            open_ts=unix_seconds(market.open_time),
            close_ts=unix_seconds(market.close_time),
            additional_metadata=MetadataBody(
                name=market.yes_sub_title,
                title=title,
                yes_sub_title=market.yes_sub_title,
                no_sub_title=market.no_sub_title,
                rules_primary=market.rules_primary,
                rules_secondary=market.rules_secondary,
                can_close_early=market.can_close_early,
                event_ticker=market.event_ticker,
                expected_expiration_ts=unix_seconds(market.expected_expiration_time),
                strike_type=market.strike_type.value,
                floor_strike=UNSET if market.floor_strike is None else market.floor_strike,
                cap_strike=UNSET if market.cap_strike is None else market.cap_strike,
            ),
            event_type="created",
            price_level_structure=_label(market),
            price_ranges=_ranges(market),
        )
    )


def market_changed(changed: MarketChanged) -> bytes | None:
    """Tell what became of a market; None for what the exchange does not tell."""
    market, change = changed.market, changed.change
    if not changed.announced or change is MarketChange.CLOSED:
        return None
    body = MarketBody(market_ticker=market.ticker, event_type=change.value)
    if change in (MarketChange.OPENED, MarketChange.PAUSED):
        body.is_deactivated = change is MarketChange.PAUSED
    elif change is MarketChange.CLOSE_MOVED:
        body.close_ts = unix_seconds(market.close_time)
    elif change is MarketChange.DETERMINED:
        body.result = market.result.value
        body.determination_ts = unix_seconds(market.determination_time or changed.time)
        body.settlement_value = UNSET if market.settlement_value is None else dollars(market.settlement_value)
    elif change is MarketChange.SETTLED:
        body.settled_ts = unix_seconds(market.settlement_time or changed.time)
    else:
        body.price_level_structure, body.price_ranges = _label(market), _ranges(market)
    return encode(body)


def _label(market: Market) -> str:
    return market.price_level_structure if market.price_level_structure in _LABELS else ""


def _ranges(market: Market) -> list[RangeBody]:
    return [RangeBody(*map(price_text, (band.start, band.end, band.step))) for band in market.price_ranges]
