"""Public market data over HTTP: lists and their filters, pages, books and candlesticks, and what is archived."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from mesh.kalshi.terms import Result
from sim_exchange.domain.results import PauseScope
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_world import (
    EVENT,
    FINE,
    LATER,
    MILD,
    NOW,
    WARM,
    Caller,
    World,
    exchange_world,
    listing,
    market,
    order,
)

CANDLES = f"/series/KXHIGHNY/markets/{WARM}/candlesticks"
NOW_TS = int(NOW.timestamp())


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.3800": "10.00", "0.3700": "5.00", "0.0100": "99.00"}, {"0.4200": "7.50"})
        yield world


async def tickers(caller: Caller, **params: Any) -> list[str]:
    answer = await caller.get("/markets", **params)
    assert answer.status == 200, answer.body
    return [row["ticker"] for row in answer.body["markets"]]


async def settle(world: World) -> None:
    """Let the market that closes first go all its way."""
    await world.pass_seconds(3600)
    world.exchange.determine(FINE, Result.YES, None, "63950.12", world.now)
    await world.pass_seconds(120)


async def test_the_status_filter_uses_words_of_its_own(world: World) -> None:
    anyone = world.anyone
    assert await tickers(anyone) == [WARM, MILD, LATER, FINE]
    assert await tickers(anyone, status="unopened") == [LATER]
    assert await tickers(anyone, status="open") == [WARM, MILD, FINE]
    world.exchange.pause(PauseScope.MARKET, MILD, world.now)
    assert await tickers(anyone, status="paused") == [MILD]
    await world.pass_seconds(3600)
    assert await tickers(anyone, status="closed") == [FINE]
    world.exchange.determine(FINE, Result.YES, None, "63950.12", world.now)
    assert await tickers(anyone, status="closed") == [FINE], "determined, not yet paid"
    await world.pass_seconds(120)
    assert (await tickers(anyone, status="closed"), await tickers(anyone, status="settled")) == ([], [FINE])
    for word in ("active", "finalized", "open,closed", "OPEN"):
        assert (await anyone.get("/markets", status=word)).status == 400, word


async def test_markets_are_selected_by_what_they_belong_to_and_when_they_are(world: World) -> None:
    anyone = world.anyone
    assert await tickers(anyone, series_ticker="KXHIGHNY") == [WARM, MILD, LATER]
    assert await tickers(anyone, event_ticker=EVENT) == [WARM, MILD]
    assert await tickers(anyone, tickers=f"{LATER},KXNONE-1-T1,{WARM}") == [LATER, WARM]
    assert await tickers(anyone, series_ticker="KXNONE") == []
    assert await tickers(anyone, mve_filter="only") == []
    assert await tickers(anyone, mve_filter="exclude", min_updated_ts=NOW_TS + 1) == []
    assert await tickers(anyone, max_close_ts=NOW_TS + 3600) == [FINE]
    assert await tickers(anyone, min_close_ts=NOW_TS + 3601) == [WARM, MILD, LATER]
    assert await tickers(anyone, min_settled_ts=0) == []
    for together in (
        {"min_close_ts": 1, "min_created_ts": 1},
        {"min_close_ts": 1, "status": "open"},
        {"min_created_ts": 1, "status": "settled"},
        {"min_updated_ts": 1},
        {"min_updated_ts": 1, "mve_filter": "exclude", "status": "open"},
    ):
        assert (await anyone.get("/markets", **together)).status == 400, together


async def test_pages_end_with_an_empty_cursor_and_junk_is_page_one(world: World) -> None:
    anyone = world.anyone
    first = (await anyone.get("/markets", limit=3)).body
    assert [row["ticker"] for row in first["markets"]] == [WARM, MILD, LATER]
    last = (await anyone.get("/markets", limit=3, cursor=first["cursor"])).body
    assert ([row["ticker"] for row in last["markets"]], last["cursor"]) == ([FINE], "")
    for junk in ("nonsense", "x" * 3000, "é", "AAAA", first["cursor"][:-2], "%00", "EhIKEC4Yf1dC7Fly"):
        again = await anyone.get("/markets", limit=3, cursor=junk)
        assert (again.status, again.body) == (200, first), junk


@pytest.mark.parametrize(
    ("path", "operation", "tag"),
    [
        ("/markets?limit=1001", "GetMarkets", "lte"),
        ("/markets/trades?limit=1001", "GetTrades", "lte"),
        ("/markets?limit=-1", "GetMarkets", "gte"),
        ("/events?limit=201", "GetEvents", "lte"),
        ("/historical/markets?limit=1001", "GetHistoricalMarkets", "lte"),
        ("/historical/trades?limit=5000", "GetTradesHistorical", "lte"),
    ],
)
async def test_a_limit_out_of_bounds_is_refused_not_cut(world: World, path: str, operation: str, tag: str) -> None:
    answer = await world.anyone.get(path)
    assert (answer.status, answer.body) == (
        400,
        {
            "msg": f"Parameter validation failed for {operation}: Key: '{operation}Params.Limit' "
            f"Error:Field validation for 'Limit' failed on the '{tag}' tag"
        },
    )


async def test_books_show_bids_of_both_sides_best_last(world: World) -> None:
    book = (await world.anyone.get(f"/markets/{WARM}/orderbook")).body["orderbook_fp"]
    assert book["yes_dollars"] == [["0.0100", "99.00"], ["0.3700", "5.00"], ["0.3800", "10.00"]]
    assert book["no_dollars"] == [["0.5800", "7.50"]]
    cut = (await world.anyone.get(f"/markets/{WARM}/orderbook", depth=2)).body["orderbook_fp"]
    assert cut["yes_dollars"] == [["0.3700", "5.00"], ["0.3800", "10.00"]]
    both = await world.anyone.get("/markets/orderbooks", tickers=[WARM, "KXNONE-1-T1", MILD])
    assert [row["ticker"] for row in both.body["orderbooks"]] == [WARM, MILD]
    assert both.body["orderbooks"][0]["orderbook_fp"] == book
    assert both.body["orderbooks"][1]["orderbook_fp"] == {"yes_dollars": [], "no_dollars": []}
    as_list = await world.anyone.get("/markets/orderbooks", tickers=f"{WARM},{MILD}")
    assert as_list.body == {"orderbooks": []}, "a comma does not separate"
    assert (await world.anyone.get("/markets/orderbooks")).status == 400
    assert (await world.anyone.get("/markets/orderbooks", tickers=[WARM] * 101)).status == 400
    assert (await world.anyone.get(f"/markets/{WARM}/orderbook", depth=101)).status == 400


async def test_events_carry_their_markets_beside_or_inside(world: World) -> None:
    anyone = world.anyone
    beside = (await anyone.get(f"/events/{EVENT}")).body
    assert [row["ticker"] for row in beside["markets"]] == [WARM, MILD]
    assert "markets" not in beside["event"]
    assert beside["event"]["category"] == "Climate and Weather"
    inside = (await anyone.get(f"/events/{EVENT}", with_nested_markets=True)).body
    assert (inside["markets"], len(inside["event"]["markets"])) == ([], 2)
    without = (await anyone.get(f"/events/{EVENT}", exclude_markets=True)).body
    assert (without["markets"], "markets" in without["event"]) == ([], False)
    both = await anyone.get(f"/events/{EVENT}", exclude_markets=True, with_nested_markets=True)
    assert both.status == 400
    assert (await anyone.get("/events/KXNONE-1")).status == 404
    details = (await anyone.get(f"/events/{EVENT}/metadata")).body["market_details"]
    assert [row["market_ticker"] for row in details] == [WARM, MILD]


async def test_an_event_matches_when_any_of_its_markets_does(world: World) -> None:
    async def found(**params: Any) -> list[str]:
        answer = await world.anyone.get("/events", **params)
        return [row["event_ticker"] for row in answer.body["events"]]

    everything = [EVENT, "KXHIGHNY-26JUL11", "KXBTC-26JUL1012"]
    assert await found() == everything
    assert await found(status="open") == [EVENT, "KXBTC-26JUL1012"]
    assert await found(status="unopened") == ["KXHIGHNY-26JUL11"]
    assert await found(series_ticker="KXHIGHNY", limit=1) == [EVENT]
    assert await found(tickers="KXBTC-26JUL1012,KXNONE-1") == ["KXBTC-26JUL1012"]
    assert await found(min_close_ts=NOW_TS + 3601) == everything[:2]
    assert (await world.anyone.get("/events", with_milestones=True)).body["milestones"] == []
    nested = (await world.anyone.get("/events", with_nested_markets=True)).body["events"]
    assert [len(event["markets"]) for event in nested] == [2, 1, 1]
    assert (await world.anyone.get("/events", status="paused")).status == 400


async def test_series_are_listed_whole(world: World) -> None:
    rows = (await world.anyone.get("/series", include_volume=True)).body["series"]
    assert [(row["ticker"], row["fee_multiplier"], row["volume_fp"]) for row in rows] == [
        ("KXHIGHNY", 1, "0.00"),
        ("KXBTC", 1, "0.00"),
    ]
    assert [row["ticker"] for row in (await world.anyone.get("/series", category="Crypto")).body["series"]] == ["KXBTC"]
    assert (await world.anyone.get("/series", category="Nothing")).body == {"series": []}
    assert "volume_fp" not in (await world.anyone.get("/series/KXBTC")).body["series"]
    assert (await world.anyone.get("/series/KXNONE")).status == 404


@pytest.mark.parametrize(
    ("params", "details"),
    [
        ({"start_ts": 0, "end_ts": 5_000 * 60, "period_interval": 1}, None),
        (
            {"start_ts": 0, "end_ts": 5_001 * 60, "period_interval": 1},
            "requested time range with candlesticks: 5001, max candlesticks: 5000",
        ),
        (
            {"start_ts": 0, "end_ts": 5_001 * 86_400, "period_interval": 1440},
            "requested time range with candlesticks: 5001, max candlesticks: 5000",
        ),
    ],
)
async def test_the_range_of_candles_is_counted_on_the_request(
    world: World, params: dict[str, int], details: str | None
) -> None:
    answer = await world.anyone.get(CANDLES, **params)
    assert answer.status == (200 if details is None else 400)
    if details is not None:
        assert answer.error["details"] == details


async def test_a_batch_counts_tickers_times_periods(world: World) -> None:
    names = [f"KXNONE-1-T{number}" for number in range(98)] + [WARM, FINE]
    params = {
        "market_tickers": ",".join(names),
        "start_ts": NOW_TS - 100 * 3600,
        "end_ts": NOW_TS,
        "period_interval": 60,
    }
    answer = await world.anyone.get("/markets/candlesticks", **params)
    assert [row["market_ticker"] for row in answer.body["markets"]] == [WARM, FINE]
    assert answer.body["markets"][1]["candlesticks"] == [], "known, but nothing was quoted"
    over = await world.anyone.get("/markets/candlesticks", **(params | {"start_ts": NOW_TS - 101 * 3600}))
    assert over.error["details"] == "requested candlesticks across all markets: 10100, max candlesticks: 10000"
    many = await world.anyone.get(
        "/markets/candlesticks", **(params | {"market_tickers": ",".join([*names, "KXA-1-2"])})
    )
    assert many.status == 400


async def test_candles_of_one_of_many_and_of_an_event_agree(world: World) -> None:
    alice = world.member("alice")
    for minute in range(5):
        await world.pass_seconds(60)
        world.book(WARM, {f"0.3{minute}00": "10.00"}, {"0.4200": "7.50"})
        await alice.post("/portfolio/events/orders", order(price="0.4200", count="0.50"))
    now = int(world.now.timestamp())
    params = {"start_ts": NOW_TS, "end_ts": now + 60, "period_interval": 1}
    one = (await world.anyone.get(CANDLES, **params)).body["candlesticks"]
    assert [candle["end_period_ts"] for candle in one] == sorted({candle["end_period_ts"] for candle in one})
    assert sum(float(candle["volume_fp"]) for candle in one) == 2.5
    batch = (await world.anyone.get("/markets/candlesticks", market_tickers=WARM, **params)).body["markets"]
    event = (await world.anyone.get(f"/series/KXHIGHNY/events/{EVENT}/candlesticks", **params)).body
    assert batch == [{"market_ticker": WARM, "candlesticks": one}]
    assert (event["market_tickers"], event["market_candlesticks"]) == ([WARM, MILD], [one, []])
    assert event["adjusted_end_ts"] == params["end_ts"]
    pulled = await world.anyone.get(
        f"/series/KXHIGHNY/events/{EVENT}/candlesticks", start_ts=0, end_ts=NOW_TS, period_interval=1
    )
    assert pulled.body["adjusted_end_ts"] == 5_000 * 60
    trades = (await world.anyone.get("/markets/trades", ticker=WARM)).body["trades"]
    assert sum(float(trade["count_fp"]) for trade in trades) == 2.5
    shown = (await world.anyone.get(f"/markets/{WARM}")).body["market"]
    assert (shown["volume_fp"], shown["volume_24h_fp"], shown["last_price_dollars"]) == ("2.50", "2.50", "0.4200")
    latest = await world.anyone.get(
        CANDLES, start_ts=now + 120, end_ts=now + 600, period_interval=1, include_latest_before_start=True
    )
    (synthetic,) = latest.body["candlesticks"]
    assert synthetic["price"] == {"previous_dollars": "0.4200"}


async def test_behind_its_clock_the_exchange_gives_no_candle_that_would_pass_for_complete(world: World) -> None:
    async def ends() -> list[int]:
        answer = await world.anyone.get(CANDLES, start_ts=NOW_TS, end_ts=NOW_TS + 600, period_interval=1)
        return [candle["end_period_ts"] - NOW_TS for candle in answer.body["candlesticks"]]

    for price in ("0.3100", "0.3200"):
        await world.pass_seconds(40)
        world.book(WARM, {price: "10.00"}, {"0.4200": "7.50"})
    *past, last = await ends()
    assert last == 120, "the minute that is under way is shown as it stands"

    world.reached = world.now + timedelta(seconds=1)
    assert await ends() == [*past, last], "what comes next is in the future"
    await world.pass_seconds(50)
    world.reached = NOW + timedelta(seconds=120)
    assert await ends() == past, "what happens at the end of a minute belongs to it"
    world.reached = NOW + timedelta(seconds=120, microseconds=1)
    assert await ends() == [*past, last]


@pytest.mark.parametrize(
    "params",
    [
        {"start_ts": 0, "end_ts": 60},
        {"start_ts": 0, "end_ts": 60, "period_interval": 5},
        {"start_ts": 0, "end_ts": 60, "period_interval": "1.0"},
        {"start_ts": 60, "end_ts": 0, "period_interval": 1},
        {"start_ts": "yesterday", "end_ts": 60, "period_interval": 1},
        {"start_ts": -(2**63), "end_ts": 2**63 - 1, "period_interval": 1440},
        {"start_ts": 0, "end_ts": 2**63, "period_interval": 1},
        {"start_ts": [0, 1], "end_ts": 60, "period_interval": 1},
    ],
)
async def test_senseless_periods_are_refused(world: World, params: dict[str, Any]) -> None:
    for path in (CANDLES, "/markets/candlesticks", f"/series/KXHIGHNY/events/{EVENT}/candlesticks"):
        assert (await world.anyone.get(path, **params, market_tickers=WARM)).status == 400, path


async def test_what_is_settled_moves_to_the_archive_at_the_cutoff(world: World) -> None:
    alice = world.member("alice", shards={2: "50.00"})
    world.book(FINE, {"0.3800": "10.00"}, {"0.4200": "7.50"})
    placed = await alice.post("/portfolio/events/orders", order(FINE, price="0.4200"))
    await alice.post("/portfolio/events/orders", order(WARM, price="0.4200", time_in_force="immediate_or_cancel"))
    resting = await alice.post("/portfolio/events/orders", order(WARM, price="0.1000"))
    await settle(world)
    end = int(world.now.timestamp())
    params = {"start_ts": NOW_TS - 60, "end_ts": end, "period_interval": 1}
    live = (await world.anyone.get(f"/series/KXBTC/markets/{FINE}/candlesticks", **params)).body["candlesticks"]
    assert live
    assert (await world.anyone.get(f"/historical/markets/{FINE}")).status == 404
    assert len((await alice.get("/portfolio/settlements")).body["settlements"]) == 1
    assert len((await alice.get("/portfolio/positions", settlement_status="settled")).body["market_positions"]) == 1

    later = world.now + timedelta(seconds=1)
    world.archive.move(market_settled=later, trades_created=later, orders_updated=later, positions_updated=later)
    cutoff = (await world.anyone.get("/historical/cutoff")).body
    assert set(cutoff.values()) == {"2026-07-10T16:02:01Z"}

    anyone = world.anyone
    assert (await anyone.get(f"/markets/{FINE}")).status == 404
    assert (await anyone.get(f"/markets/{FINE}/orderbook")).status == 404
    assert (await anyone.get(f"/series/KXBTC/markets/{FINE}/candlesticks", **params)).status == 404
    assert FINE not in await tickers(anyone)
    assert (await anyone.get("/events/KXBTC-26JUL1012")).body["markets"] == []
    assert (await anyone.get("/markets/candlesticks", market_tickers=FINE, **params)).body == {"markets": []}
    assert (await anyone.get("/markets/orderbooks", tickers=[FINE])).body == {"orderbooks": []}
    assert (await anyone.get("/markets/trades", ticker=FINE)).body == {"trades": [], "cursor": ""}
    assert (await alice.get("/portfolio/fills")).body["fills"] == []
    assert (await alice.get("/portfolio/settlements")).body["settlements"] == [], "served nowhere"
    kept = (await alice.get("/portfolio/orders")).body["orders"]
    assert [row["order_id"] for row in kept] == [resting.body["order_id"]], "what rests is never archived"
    assert (await alice.get(f"/portfolio/orders/{placed.body['order_id']}")).status == 404
    held = (await alice.get("/portfolio/positions", settlement_status="all")).body["market_positions"]
    assert [row["ticker"] for row in held] == [WARM], "nor is a position that is not settled"

    assert (await anyone.get(f"/historical/markets/{FINE}")).body["market"]["result"] == "yes"
    for by in ({}, {"tickers": FINE}, {"event_ticker": "KXBTC-26JUL1012"}, {"series_ticker": "KXBTC"}):
        rows = (await anyone.get("/historical/markets", **by)).body["markets"]
        assert [row["ticker"] for row in rows] == [FINE], by
    assert (await anyone.get("/historical/markets", tickers=FINE, series_ticker="KXBTC")).status == 400
    old = (await anyone.get(f"/historical/markets/{FINE}/candlesticks", **params)).body["candlesticks"]
    assert [row["end_period_ts"] for row in old] == [row["end_period_ts"] for row in live]
    assert [row["yes_ask"]["close"] for row in old] == [row["yes_ask"]["close_dollars"] for row in live]
    assert old[0]["price"]["previous"] is None
    assert len((await anyone.get("/historical/trades", ticker=FINE)).body["trades"]) == 1
    assert len((await alice.get("/historical/fills")).body["fills"]) == 2
    archived = (await alice.get("/historical/orders")).body["orders"]
    assert [row["ticker"] for row in archived] == [WARM, FINE]
    assert [row["ticker"] for row in (await alice.get("/historical/positions")).body["market_positions"]] == [FINE]
    assert (await anyone.get(f"/historical/markets/{WARM}")).status == 404


async def test_cutoffs_go_by_the_exchanges_clock() -> None:
    async with exchange_world(quirks=Quirks(cutoff_days=2, orders_cutoff_days=1)) as world:
        cutoff = (await world.anyone.get("/historical/cutoff")).body
        assert cutoff["market_settled_ts"] == "2026-07-08T00:00:00Z"
        assert cutoff["orders_updated_ts"] == "2026-07-09T00:00:00Z"
        await settle(world)
        assert (await world.anyone.get(f"/markets/{FINE}")).status == 200
        await world.pass_seconds(3 * 86_400)
        assert (await world.anyone.get(f"/markets/{FINE}")).status == 404
        assert (await world.anyone.get(f"/historical/markets/{FINE}")).status == 200


async def test_archived_markets_come_newest_settlement_first_by_pages() -> None:
    old = [
        market(
            f"KXBTC-26JUL1012-T{hour}",
            NOW - timedelta(hours=2),
            NOW + timedelta(hours=hour),
            settlement_timer_seconds=60,
        )
        for hour in (3, 1, 2)
    ]
    async with exchange_world(items=[*listing(), *old]) as world:
        for row in old:
            await world.pass_seconds(2 * 3600)
            await world.pass_seconds(max(0, (row.close_time - world.now).total_seconds()))
            world.exchange.determine(row.ticker, Result.NO, None, "1", world.now)
        await world.pass_seconds(3600)
        world.archive.move(market_settled=world.now)
        first = (await world.anyone.get("/historical/markets", limit=2)).body
        rest = (await world.anyone.get("/historical/markets", limit=2, cursor=first["cursor"])).body
        rows = first["markets"] + rest["markets"]
        assert [row["ticker"] for row in rows] == [row.ticker for row in reversed(old)]
        assert rest["cursor"] == ""


async def test_the_schedule_knows_thursday(world: World) -> None:
    (hours,) = (await world.anyone.get("/exchange/schedule")).body["schedule"]["standard_hours"]
    assert hours["thursday"] == [
        {"open_time": "00:00", "close_time": "03:00"},
        {"open_time": "05:00", "close_time": "00:00"},
    ]
    assert hours["friday"] == [{"open_time": "00:00", "close_time": "00:00"}]
    assert (await world.anyone.get("/exchange/user_data_timestamp")).body == {"as_of_time": "2026-07-10T15:00:00Z"}
    world.reached = NOW - timedelta(hours=1)
    assert (await world.anyone.get("/exchange/user_data_timestamp")).body == {"as_of_time": "2026-07-10T14:00:00Z"}
    assert (await world.anyone.get("/events/fee_changes")).body == {"event_fee_changes": [], "cursor": ""}
    assert (await world.anyone.get("/events/multivariate")).body == {"events": [], "cursor": ""}


@pytest.mark.parametrize("path", ["/", "/markets/", "/exchange/announcements", f"/markets/{WARM}/orderbook/x", "/nope"])
async def test_unknown_paths_and_methods_are_not_found(world: World, path: str) -> None:
    answer = await world.anyone.get(path)
    assert (answer.status, answer.body) == (404, "404 page not found")
    for method in ("POST", "PATCH"):
        assert (await world.anyone.call(method, "/markets")).status == 404


async def test_the_removed_liquidity_field_can_be_had_again() -> None:
    async with exchange_world(quirks=Quirks(liquidity_dollars=True), checked=False) as world:
        assert (await world.anyone.get(f"/markets/{WARM}")).body["market"]["liquidity_dollars"] == "0.0000"
