"""Series, events, markets, books and trades as JSON. Optional fields are absent, never null, as on the wire."""

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

from mesh.kalshi.terms import BookSide, MarketStatus
from mesh.types import DOLLAR, Hundredths, count_text, dollars
from sim_exchange.api.text import instant, price_text
from sim_exchange.domain.book import Book
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Event, Market, PriceBand, Series, Trade


class SourceBody(Struct):
    """Who settles."""

    name: str
    url: str


class SeriesBody(Struct, kw_only=True):
    """`Series`."""

    ticker: str
    frequency: str
    title: str
    category: str
    categories: list[str]
    tags: list[str]
    settlement_sources: list[SourceBody]
    contract_url: str
    contract_terms_url: str
    fee_type: str
    fee_multiplier: Decimal
    additional_prohibitions: list[str]
    volume_fp: str | UnsetType = UNSET
    last_updated_ts: str | UnsetType = UNSET
    exchange_index: int


class RangeBody(Struct):
    """`PriceRange`."""

    start: str
    end: str
    step: str


class MarketBody(Struct, kw_only=True):
    """`Market`."""

    ticker: str
    event_ticker: str
    market_type: str = "binary"
    title: str
    subtitle: str
    yes_sub_title: str
    no_sub_title: str
    created_time: str
    updated_time: str
    open_time: str
    close_time: str
    expected_expiration_time: str
    expiration_time: str
    latest_expiration_time: str
    settlement_timer_seconds: int
    status: str
    yes_bid_dollars: str
    yes_bid_size_fp: str
    yes_ask_dollars: str
    yes_ask_size_fp: str
    no_bid_dollars: str
    no_ask_dollars: str
    last_price_dollars: str
    previous_yes_bid_dollars: str
    previous_yes_ask_dollars: str
    previous_price_dollars: str
    volume_fp: str
    volume_24h_fp: str
    open_interest_fp: str
    liquidity_dollars: str | UnsetType = UNSET
    notional_value_dollars: str = "1.0000"
    result: str
    can_close_early: bool
    settlement_value_dollars: str | UnsetType = UNSET
    settlement_ts: str | UnsetType = UNSET
    settlement_bounds_type: str = "default"
    expiration_value: str
    occurrence_datetime: str
    fee_waiver_expiration_time: str | UnsetType = UNSET
    strike_type: str
    floor_strike: Decimal | UnsetType = UNSET
    cap_strike: Decimal | UnsetType = UNSET
    rules_primary: str
    rules_secondary: str
    price_level_structure: str
    price_ranges: list[RangeBody]
    exchange_index: int


class EventBody(Struct, kw_only=True):
    """`EventData`."""

    event_ticker: str
    series_ticker: str
    sub_title: str
    title: str
    collateral_return_type: str
    mutually_exclusive: bool
    category: str | UnsetType = UNSET
    strike_date: str | UnsetType = UNSET
    strike_period: str | UnsetType = UNSET
    markets: list[MarketBody] | UnsetType = UNSET
    settlement_sources: list[SourceBody]
    last_updated_ts: str | UnsetType = UNSET
    fee_type_override: str | UnsetType = UNSET
    fee_multiplier_override: Decimal | UnsetType = UNSET
    exchange_index: int


class TradeBody(Struct, kw_only=True):
    """`Trade`."""

    trade_id: str
    ticker: str
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str
    taker_side: str
    taker_outcome_side: str
    taker_book_side: str
    created_time: str
    is_block_trade: bool = False


class BookBody(Struct):
    """`OrderbookCountFp`: bids of both sides, best last."""

    yes_dollars: list[tuple[str, str]]
    no_dollars: list[tuple[str, str]]


def sources_body(series: Series | None) -> list[SourceBody]:
    """Show who settles a series."""
    return [SourceBody(name, url) for name, url in series.settlement_sources] if series else []


def series_body(series: Series, volume: str | UnsetType) -> SeriesBody:
    """Show a series; its volume only where it was asked for."""
    return SeriesBody(
        ticker=series.ticker,
        frequency=series.frequency,
        title=series.title,
        category=series.category,
        categories=[series.category],
        tags=list(series.tags),
        settlement_sources=sources_body(series),
        contract_url=series.contract_url,
        contract_terms_url=series.contract_terms_url,
        fee_type=series.fee_type.value,
        fee_multiplier=series.fee_multiplier,
        additional_prohibitions=[],
        volume_fp=volume,
        last_updated_ts=instant(series.updated_time) if series.updated_time else UNSET,
        exchange_index=series.exchange_index,
    )


def event_body(event: Event, series: Series | None, markets: list[MarketBody] | UnsetType) -> EventBody:
    """Show an event; its markets only where they were asked for."""
    override, multiplier = event.fee_type_override, event.fee_multiplier_override
    return EventBody(
        event_ticker=event.event_ticker,
        series_ticker=event.series_ticker,
        sub_title=event.sub_title,
        title=event.title,
        collateral_return_type=event.collateral_return_type,
        mutually_exclusive=event.mutually_exclusive,
        category=series.category if series else UNSET,
        strike_date=instant(event.strike_date) if event.strike_date else UNSET,
        strike_period=event.strike_period if event.strike_period else UNSET,
        markets=markets,
        settlement_sources=sources_body(series),
        last_updated_ts=instant(event.updated_time) if event.updated_time else UNSET,
        fee_type_override=override.value if override else UNSET,
        fee_multiplier_override=multiplier if multiplier is not None else UNSET,
        exchange_index=event.exchange_index,
    )


class Figures(NamedTuple):
    """What a market record says about yesterday; prices in micros, 0 where there was none."""

    volume_24h: Hundredths
    previous_bid: int
    previous_ask: int
    previous_price: int


def market_body(
    market: Market, event: Event | None, book: Book | None, figures: Figures, *, liquidity: bool
) -> MarketBody:
    """Show a market with its best quotes and its figures. `liquidity` adds the field that the exchange has removed."""
    bid, bid_size = _best(book, BookSide.BID)
    ask, ask_size = _best(book, BookSide.ASK)
    # The records of settled markets show both asks at one dollar and both bids at nothing.
    no_bid = 0 if market.status is MarketStatus.FINALIZED else DOLLAR - ask
    waiver, settled = market.fee_waiver_expiration_time, market.settlement_time
    return MarketBody(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        title=event.title if event else "",
        subtitle=market.yes_sub_title,
        yes_sub_title=market.yes_sub_title,
        no_sub_title=market.no_sub_title,
        created_time=instant(market.created_time),
        updated_time=instant(market.updated_time or market.created_time),
        open_time=instant(market.open_time),
        close_time=instant(market.close_time),
        expected_expiration_time=instant(market.expected_expiration_time),
        expiration_time=instant(market.latest_expiration_time),
        latest_expiration_time=instant(market.latest_expiration_time),
        settlement_timer_seconds=market.settlement_timer_seconds,
        status=market.status.value,
        yes_bid_dollars=price_text(bid),
        yes_bid_size_fp=count_text(bid_size),
        yes_ask_dollars=price_text(ask),
        yes_ask_size_fp=count_text(ask_size),
        no_bid_dollars=price_text(no_bid),
        no_ask_dollars=price_text(DOLLAR - bid),
        last_price_dollars=price_text(market.last_price or 0),
        previous_yes_bid_dollars=price_text(figures.previous_bid),
        previous_yes_ask_dollars=price_text(figures.previous_ask),
        previous_price_dollars=price_text(figures.previous_price),
        volume_fp=count_text(market.volume),
        volume_24h_fp=count_text(figures.volume_24h),
        open_interest_fp=count_text(market.open_interest),
        liquidity_dollars="0.0000" if liquidity else UNSET,
        result=market.result.value,
        can_close_early=market.can_close_early,
        settlement_value_dollars=dollars(market.settlement_value) if market.settlement_value is not None else UNSET,
        settlement_ts=instant(settled) if settled else UNSET,
        expiration_value=market.expiration_value,
        occurrence_datetime=instant((event and event.strike_date) or market.expected_expiration_time),
        fee_waiver_expiration_time=instant(waiver) if waiver else UNSET,
        strike_type=market.strike_type.value,
        floor_strike=market.floor_strike if market.floor_strike is not None else UNSET,
        cap_strike=market.cap_strike if market.cap_strike is not None else UNSET,
        rules_primary=market.rules_primary,
        rules_secondary=market.rules_secondary,
        price_level_structure=market.price_level_structure,
        price_ranges=_ranges(market.price_ranges),
        exchange_index=market.exchange_index,
    )


def book_body(exchange: Exchange, ticker: str, depth: int) -> BookBody:
    """Show the best `depth` levels of both sides, all if 0, as bids for YES and for NO with the best one last."""
    book = exchange.books.get(ticker)
    if book is None:
        return BookBody([], [])
    most = depth or None
    bids = list(book.levels(BookSide.BID))[:most]
    asks = list(book.levels(BookSide.ASK))[:most]
    return BookBody(
        [(price_text(price), count_text(count)) for price, count in reversed(bids)],
        [(price_text(DOLLAR - price), count_text(count)) for price, count in reversed(asks)],
    )


def trade_body(trade: Trade) -> TradeBody:
    """Show a public trade."""
    outcome = "yes" if trade.taker_side is BookSide.BID else "no"
    return TradeBody(
        trade_id=trade.trade_id,
        ticker=trade.ticker,
        count_fp=count_text(trade.count),
        yes_price_dollars=price_text(trade.price),
        no_price_dollars=price_text(DOLLAR - trade.price),
        taker_side=outcome,
        taker_outcome_side=outcome,
        taker_book_side=trade.taker_side.value,
        created_time=instant(trade.time),
    )


@lru_cache(maxsize=64)
def _ranges(bands: tuple[PriceBand, ...]) -> list[RangeBody]:
    return [RangeBody(price_text(band.start), price_text(band.end), price_text(band.step)) for band in bands]


def _best(book: Book | None, side: BookSide) -> tuple[int, Hundredths]:
    """Give price and size of the best level; of an empty side nothing at the price that nobody bids or asks."""
    levels = None if book is None else book.side(side)
    if levels is None or levels.best is None:
        return (0 if side is BookSide.BID else DOLLAR), Hundredths(0)
    return levels.best, levels.levels[levels.best].total
