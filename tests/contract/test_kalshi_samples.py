"""Replies of the real exchange, as recorded, pass through the client's records; damaged ones do not."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mesh.kalshi.grid import PriceGrid
from mesh.kalshi.rest.exchange_wire import AccountLimits, EndpointCosts, ExchangeStatus, SeriesFeeChanges
from mesh.kalshi.rest.historical_wire import ArchivedCandle
from mesh.kalshi.rest.market_wire import Market, MarketsPage, SeriesReply
from mesh.kalshi.rest.order_wire import Cancelled, OrderReply, Placed
from mesh.kalshi.rest.portfolio_wire import Balance, Fill, FillsPage, PositionsPage, SettlementsPage
from mesh.kalshi.rest.price_wire import BookReply, Candle, CandlesReply, TradesPage
from mesh.kalshi.rest.wire import Record, decode
from mesh.kalshi.terms import BookSide, FeeType, MarketStatus, OrderStatus, Result, SelfTradePrevention, StrikeType
from mesh.types import Price, Side

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="recorded replies are not part of the repository")


def recorded(name: str) -> Any:
    """Body of a reply; demo recordings have the request around it."""
    found = json.loads((SAMPLES / f"{name}.json").read_text())
    return found.get("response", found)


def read(kind: Any, body: Any) -> Any:
    return decode(json.dumps(body).encode(), kind)


def markets(name: str) -> list[Market]:
    return [read(Market, market) for market in recorded(name)["markets"]]


def test_account_limits() -> None:
    limits = read(AccountLimits, recorded("demo-2026-06__account__limits"))

    assert limits.usage_tier == "basic"
    assert (limits.read.refill_rate, limits.read.bucket_capacity) == (200, 200)
    assert (limits.write.refill_rate, limits.write.bucket_capacity) == (100, 100)


def test_endpoint_costs() -> None:
    costs = read(EndpointCosts, recorded("demo-2026-06__account__endpoint_costs"))

    assert costs.default_cost == 10
    by_endpoint = {(cost.method, cost.path): cost.cost for cost in costs.costs}
    assert by_endpoint["DELETE", "/trade-api/v2/portfolio/events/orders/:order_id"] == 2
    assert by_endpoint["GET", "/trade-api/v2/cfbenchmarks/*endpoint"] == 150
    assert len(by_endpoint) == 16


def test_exchange_status_without_shards() -> None:
    status = read(ExchangeStatus, recorded("demo-2026-06__exchange__status"))

    assert status.exchange_active
    assert status.trading_active
    assert status.shards is None
    assert status.exchange_estimated_resume_time is None


def test_balance() -> None:
    balance = read(Balance, recorded("demo-2026-06__auth__balance_ok"))

    assert balance.cash == 98_018_600
    assert balance.portfolio_value == 1_980_000
    assert [(shard.exchange_index, shard.balance) for shard in balance.shards] == [(0, 98_018_600)]
    assert balance.updated_ts == 1_781_159_348


def test_positions() -> None:
    page = read(PositionsPage, recorded("demo-2026-06__portfolio__positions"))

    (position,) = page.items
    assert position.ticker == "KXWTACHALLENGERMATCH-26JUN11JIMLEP-LEP"
    assert position.count == 300
    assert (position.exposure, position.total_traded, position.fees_paid) == (2_500_000, 2_500_000, 18_900)
    assert position.last_updated_time == datetime(2026, 6, 11, 6, 29, 30, 165032, tzinfo=UTC)
    assert position.exchange_index is None
    (event,) = page.events
    assert (event.total_cost_count, event.exposure) == (300, 2_500_000)
    assert page.cursor == ""


def test_fills_of_a_taker() -> None:
    page = read(FillsPage, recorded("demo-2026-06__fills__after_taker"))

    fill = page.items[0]
    assert fill.fill_id == fill.trade_id
    assert fill.book_side is BookSide.BID
    assert (fill.price(Side.YES), fill.price(Side.NO)) == (520_000, 480_000)
    assert (fill.count, fill.fee) == (100, 17_500)
    assert fill.is_taker
    assert [later.fee for later in page.items] == [17_500, 700, 700]


def test_fills_of_fractions_at_prices_below_a_cent() -> None:
    fills = [read(Fill, fill) for fill in recorded("prod-2026-08__portfolio_fills_redacted")["fills"]]

    assert [(fill.count, fill.yes_price, fill.fee) for fill in fills] == [
        (22_727, 1000, 15_930),
        (9090, 1000, 6400),
        (9090, 1000, 6400),
    ]


def test_settlements() -> None:
    page = read(SettlementsPage, recorded("prod-2026-08__portfolio_settlements_redacted"))

    first = page.items[0]
    assert first.result is Result.NO
    assert (first.yes_count, first.yes_cost, first.no_count, first.no_cost) == (1000, 400_000, 0, 0)
    assert (first.revenue, first.value, first.fees) == (0, 0, 26_900)
    assert first.settled_time == datetime(2026, 8, 17, 14, tzinfo=UTC)


def test_an_order_that_rests() -> None:
    placed = read(Placed, recorded("demo-2026-06__orders__create_v2_maker"))
    assert (placed.fill_count, placed.remaining_count, placed.average_fill_price) == (0, 100, None)
    assert placed.ts_ms == 1_781_159_360_866

    order = read(OrderReply, recorded("demo-2026-06__orders__get_after_create")).order
    assert order.order_id == placed.order_id
    assert order.client_order_id == placed.client_order_id
    assert order.status is OrderStatus.RESTING
    assert (order.price(Side.YES), order.price(Side.NO)) == (10_000, 990_000)
    assert (order.initial_count, order.fill_count, order.remaining_count) == (100, 0, 100)
    assert order.self_trade_prevention is SelfTradePrevention.TAKER_AT_CROSS

    cancelled = read(Cancelled, recorded("demo-2026-06__orders__cancel_v2"))
    assert (cancelled.order_id, cancelled.reduced_by) == (placed.order_id, 100)


def test_orders_that_take_and_that_meet_themselves() -> None:
    taken = read(Placed, recorded("demo-2026-06__orders__create_v2_taker_ioc"))
    assert (taken.fill_count, taken.remaining_count) == (100, 0)
    assert (taken.average_fill_price, taken.average_fee) == (520_000, 17_500)

    stopped = read(Placed, recorded("demo-2026-06__orders__stp_self_cross"))
    assert (stopped.fill_count, stopped.remaining_count, stopped.average_fill_price) == (0, 0, None)


def test_an_order_book_of_bids_only() -> None:
    levels = read(BookReply, recorded("demo-2026-06__orderbook__base")).levels

    assert levels.bids == ((470_000, 300),)
    assert levels.asks == ((520_000, 300),)


def test_trades() -> None:
    page = read(TradesPage, recorded("demo-2026-06__trades__public_recorded"))

    assert len(page.items) == 12
    assert page.cursor.startswith("EhIKEC4Yf1dC7Fly")
    first = page.items[0]
    assert (first.count, first.price(Side.YES), first.price(Side.NO)) == (777, 30_000, 970_000)
    assert first.taker_book_side is BookSide.BID
    assert first.created_time == datetime(2026, 6, 15, 15, 48, 42, 609997, tzinfo=UTC)


def test_fee_changes_and_a_series() -> None:
    assert read(SeriesFeeChanges, recorded("demo-2026-06__series__fee_changes")).changes == ()

    series = read(SeriesReply, recorded("prod-2026-08__series_kxmlbgame")).series
    assert series.fee_type is FeeType.QUADRATIC_WITH_MAKER_FEES
    assert series.fee_multiplier == Decimal("0.5")
    assert series.exchange_index == 0
    assert series.tags == ("Baseball",)


def test_weather_markets_that_trade() -> None:
    page = read(MarketsPage, recorded("prod-2026-07__markets_kxhighny_active"))

    above, below, between = page.items
    assert above.series_ticker == "KXHIGHNY"
    assert above.status is MarketStatus.ACTIVE
    assert (above.bid, above.ask, above.ask_size, above.last_price) == (None, 10_000, 21_100, 10_000)
    assert (above.strike_type, above.floor_strike, above.cap_strike) == (StrikeType.GREATER, 89, None)
    assert (below.bid, below.bid_size, below.ask) == (160_000, 1200, 190_000)
    assert (between.strike_type, between.floor_strike, between.cap_strike) == (StrikeType.BETWEEN, 88, 89)
    assert above.close_time == datetime(2026, 7, 13, 4, 59, tzinfo=UTC)
    assert (above.result, above.settlement_value, above.settlement_time) == (Result.NONE, None, None)
    assert PriceGrid(above.price_ranges).valid(Price(10_000))
    assert not PriceGrid(above.price_ranges).valid(Price(15_000))


def test_weather_markets_that_are_settled() -> None:
    page = read(MarketsPage, recorded("prod-2026-07__markets_kxhighny_finalized"))

    lost, won = page.items
    assert (lost.status, lost.result, lost.settlement_value) == (MarketStatus.FINALIZED, Result.NO, 0)
    assert (won.result, won.settlement_value, won.expiration_value) == (Result.YES, 1_000_000, "85.00")
    assert (won.bid, won.ask, won.last_price) == (None, None, 990_000)
    assert won.settlement_time == datetime(2026, 7, 11, 12, 0, 59, 542488, tzinfo=UTC)


def test_hourly_crypto_markets() -> None:
    low, high, between = markets("prod-2026-07__markets_kxbtc_hourly")

    assert (low.strike_type, low.cap_strike, low.floor_strike) == (StrikeType.LESS, Decimal(53_200), None)
    assert high.floor_strike == Decimal("71799.99")
    assert (low.bid, low.last_price) == (None, None)
    assert (between.bid, between.ask, between.ask_size) == (280_000, 300_000, 40_148)
    assert [market.volume for market in markets("prod-2026-07__markets_kxeth_hourly")] == [0, 0, 8000]


def test_candles_with_and_without_trades() -> None:
    hourly = read(CandlesReply, recorded("prod-2026-07__candlesticks_60m_kxhighny"))
    first = hourly.candlesticks[0]
    assert hourly.ticker == "KXHIGHNY-26JUL10-T87"
    assert first.end == datetime(2026, 7, 10, 9, tzinfo=UTC)
    assert (first.bid.open, first.bid.high, first.bid.low, first.bid.close) == (620_000, 620_000, 550_000, 600_000)
    assert (first.ask.close, first.trades.mean, first.volume) == (610_000, 607_100, 8370)

    rows = recorded("prod-2026-08__candlesticks_1m_rows")
    quiet = read(Candle, rows["no_trade"][0])
    assert (quiet.trades.close, quiet.trades.previous, quiet.volume) == (None, 430_000, 0)
    assert [read(Candle, row).volume for row in rows["with_trade"]][:2] == [2236, 223]


def test_a_candle_of_the_archive_reads_like_a_live_one() -> None:
    candle = read(ArchivedCandle, recorded("prod-2024__historical_candlestick_row")).candle()

    assert isinstance(candle, Candle)
    assert (candle.bid.close, candle.ask.close) == (580_000, 590_000)
    assert (candle.trades.low, candle.trades.mean, candle.trades.previous) == (580_000, 589_800, 590_000)
    assert (candle.volume, candle.open_interest) == (3_547_100, 7_566_526_000)


READ: tuple[tuple[str, Any], ...] = (
    ("demo-2026-06__account__limits", AccountLimits),
    ("demo-2026-06__account__endpoint_costs", EndpointCosts),
    ("demo-2026-06__exchange__status", ExchangeStatus),
    ("demo-2026-06__auth__balance_ok", Balance),
    ("demo-2026-06__portfolio__positions", PositionsPage),
    ("demo-2026-06__fills__after_taker", FillsPage),
    ("prod-2026-08__portfolio_settlements_redacted", SettlementsPage),
    ("demo-2026-06__orders__create_v2_maker", Placed),
    ("demo-2026-06__orders__create_v2_taker_ioc", Placed),
    ("demo-2026-06__orders__cancel_v2", Cancelled),
    ("demo-2026-06__orders__get_after_create", OrderReply),
    ("demo-2026-06__orderbook__base", BookReply),
    ("demo-2026-06__trades__public_recorded", TradesPage),
    ("demo-2026-06__series__fee_changes", SeriesFeeChanges),
    ("prod-2026-08__series_kxmlbgame", SeriesReply),
    ("prod-2026-07__markets_kxhighny_active", MarketsPage),
    ("prod-2026-07__markets_kxhighny_finalized", MarketsPage),
    ("prod-2026-07__candlesticks_60m_kxhighny", CandlesReply),
    ("prod-2024__historical_candlestick_row", ArchivedCandle),
)
DROPPED, RENAMED = object(), object()
DAMAGES: tuple[Any, ...] = (
    DROPPED, RENAMED, None, "NaN", "", "9" * 40, "-1.00", 10**30, -1, 0, 0.5, True, [], {}, ["x"], {"x": 1},
)  # fmt: skip


def places(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where every key and list item of a body is."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from places(value, (*path, key))


def damaged(body: Any, path: tuple[str | int, ...], damage: object) -> Any:
    body = copy.deepcopy(body)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    if damage in (DROPPED, RENAMED) and isinstance(inner, list):
        return None
    if damage is RENAMED:
        inner[f"{path[-1]}_v2"] = inner.pop(path[-1])
    elif damage is DROPPED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = damage
    return body


def invented(before: Any, after: Any, said: object) -> bool:
    """Tell whether a value came out that is neither as before, nor what the body says, nor an explicit absence."""
    if after is None or after == before or getattr(after, "name", "") == "UNKNOWN":
        return False
    if isinstance(after, Record) and type(after) is type(before):
        fields = after.__struct_fields__
        return any(invented(getattr(before, name), getattr(after, name), said) for name in fields)
    if isinstance(after, tuple) and isinstance(before, tuple) and len(after) == len(before):
        return any(invented(old, new, said) for old, new in zip(before, after, strict=True))
    return not is_said(after, said)


def is_said(value: Any, said: Any) -> bool:
    """Tell whether a value is what the damaged body says in that place."""
    if isinstance(value, tuple):
        return bool(list(value) == said)
    if isinstance(value, str | dict) or isinstance(said, bool):
        return bool(value == said) or said == [value]
    if said == "-1.00":
        return bool(value in (-1_000_000, -100))  # as money, and as a count
    return isinstance(said, int | float) and bool(value in (said, said * 10_000))  # as it is, and as cents


@pytest.mark.parametrize(("name", "kind"), READ)
def test_damage_is_an_error_or_an_explicit_absence_and_never_a_default(name: str, kind: Any) -> None:
    body = recorded(name)
    whole = read(kind, body)
    refused = 0
    for path in places(body):
        for damage in DAMAGES:
            broken = damaged(body, path, damage)
            if broken is None:
                continue
            try:
                after = read(kind, broken)
            except msgspec.DecodeError:
                refused += 1
                continue
            assert not invented(whole, after, damage), f"{path} became {damage!r}: {after}"
    assert refused > 0 or not list(places(body))
