"""The client against a server that answers what the exchange would, and what it should not."""

import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import (
    InvalidOrder,
    InvalidPrice,
    ObjectNotFound,
    OutcomeUnknown,
    RequestRefused,
    UnexpectedReply,
)
from mesh.kalshi.rest.candle_plan import life
from mesh.kalshi.rest.filters import MarketQuery
from mesh.kalshi.rest.market_wire import PriceBand
from mesh.kalshi.rest.order_terms import NewOrder, OrderRef
from mesh.kalshi.rest.order_wire import Cancelled, Placed
from mesh.kalshi.rest.pages import gather
from mesh.kalshi.sides import Quote
from mesh.kalshi.terms import BookSide, MarketFilter, TimeInForce
from mesh.kalshi.transport.limits import Costs
from mesh.types import CONTRACT, Hundredths, Micros, Price
from tests.fakes.kalshi_calls import talking

NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)
PLACED = {"order_id": "O1", "client_order_id": "mine", "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1}

Script = Callable[[str, dict[str, Any]], Any]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[tuple[KalshiClient, list[tuple[str, dict[str, Any]]]]]:
    """A client and what it asked. The script gives bodies by request; None is a 404, an int a status."""
    asked: list[tuple[str, dict[str, Any]]] = []

    async def answer(request: web.Request) -> web.Response:
        path = f"{request.method} {request.path.removeprefix('/trade-api/v2')}"
        query: dict[str, Any] = {name: request.query.getall(name) for name in request.query}
        given = {name: values[0] if len(values) == 1 else values for name, values in query.items()}
        if text := await request.text():
            given["body"] = json.loads(text)
        asked.append((path, given))
        body = script(path, given)
        if body is None:
            return web.json_response({"error": {"code": "not_found", "message": "not found"}}, status=404)
        return web.Response(status=body) if isinstance(body, int) else web.json_response(body)

    async with talking(answer) as client:
        yield client, asked


def always(body: Any) -> Script:
    return lambda _path, _given: body


def market(ticker: str = "KXHIGHNY-26JUL12-T89", **changed: Any) -> dict[str, Any]:
    return {
        "ticker": ticker, "event_ticker": "KXHIGHNY-26JUL12", "market_type": "binary", "yes_sub_title": "90 or above",
        "no_sub_title": "89 or below", "created_time": "2026-07-11T09:30:30Z", "updated_time": "2026-07-11T14:00:00Z",
        "open_time": "2026-07-11T14:00:00Z", "close_time": "2026-07-13T04:59:00Z",
        "latest_expiration_time": "2026-07-19T14:00:00Z", "settlement_timer_seconds": 3600, "status": "active",
        "yes_bid_dollars": "0.0000", "yes_bid_size_fp": "0.00", "yes_ask_dollars": "0.0100",
        "yes_ask_size_fp": "211.00", "no_bid_dollars": "0.9900", "no_ask_dollars": "1.0000",
        "last_price_dollars": "0.0000", "volume_fp": "0.00", "volume_24h_fp": "0.00", "open_interest_fp": "0.00",
        "result": "", "can_close_early": True, "notional_value_dollars": "1.0000", "expiration_value": "",
        "rules_primary": "", "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}], "settlement_bounds_type": "default",
        **changed,
    }  # fmt: skip


def order(price: int = 10_000, client_order_id: str = "mine", **changed: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "ticker": "KXHIGHNY-26JUL12-T89",
        "client_order_id": client_order_id,
        "quote": Quote(BookSide.BID, Price(price)),
        "count": CONTRACT,
        "time_in_force": TimeInForce.GOOD_TILL_CANCELED,
    }
    return NewOrder(**{**terms, **changed})


def candle(end: int) -> dict[str, Any]:
    quote = {"open_dollars": "0.0000", "high_dollars": "0.0000", "low_dollars": "0.0000", "close_dollars": "0.0000"}
    return {
        "end_period_ts": end, "yes_bid": quote, "yes_ask": {name: "1.0000" for name in quote}, "price": {},
        "volume_fp": "0.00", "open_interest_fp": "0.00",
    }  # fmt: skip


def archived(end: int) -> dict[str, Any]:
    quote = {"open": "0.4000", "high": "0.4000", "low": "0.4000", "close": "0.4000"}
    none = dict.fromkeys(("open", "high", "low", "close", "mean", "previous"))
    return {
        "end_period_ts": end, "yes_bid": quote, "yes_ask": quote, "price": none,
        "volume": "0.00", "open_interest": "0.00",
    }  # fmt: skip


def trade(number: int, at: datetime = NOON) -> dict[str, Any]:
    return {
        "trade_id": f"T{number}", "ticker": "A", "count_fp": "1.00", "yes_price_dollars": "0.4700",
        "no_price_dollars": "0.5300", "taker_outcome_side": "yes", "taker_book_side": "bid",
        "created_time": at.isoformat(), "is_block_trade": False,
    }  # fmt: skip


async def test_a_market_without_quotes_has_no_prices() -> None:
    async with scripted(always({"market": market()})) as (client, _):
        found = await client.markets.market("KXHIGHNY-26JUL12-T89")

    assert (found.bid, found.ask, found.last_price) == (None, 10_000, None)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "market"),
        ({"market": None}, "$.market"),
        ({"market": market(yes_bid_dollars=None)}, "yes_bid_dollars"),
        ({"market": {key: value for key, value in market().items() if key != "yes_ask_dollars"}}, "yes_ask_dollars"),
        ({"market": market(open_time="yesterday")}, "open_time"),
        ([], "array"),
    ],
)
async def test_a_reply_without_what_it_must_carry_names_the_field(body: Any, named: str) -> None:
    async with scripted(always(body)) as (client, _):
        with pytest.raises(UnexpectedReply) as caught:
            await client.markets.market("A")

    assert named in caught.value.message


@pytest.mark.parametrize("body", [200, {}, {"order": {}}, {**PLACED, "order_id": ""}, {**PLACED, "fill_count": 0}])
async def test_an_accepted_order_without_the_order_has_an_unknown_fate(body: Any) -> None:
    async with scripted(always(body)) as (client, asked):
        outcome = await client.orders.place(order())

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.client_order_id == "mine"
    assert len(asked) == 1


@pytest.mark.parametrize("wrong", [{"client_order_id": "another"}, {"remaining_count": "2.00"}, {"fill_count": "1.00"}])
async def test_an_answer_that_cannot_be_about_the_order_leaves_its_fate_unknown(wrong: dict[str, str]) -> None:
    async with scripted(always({**PLACED, **wrong})) as (client, _):
        assert isinstance(await client.orders.place(order()), OutcomeUnknown)


async def test_prices_off_the_grid_are_not_sent() -> None:
    async with scripted(always({"market": market()})) as (client, asked):
        found = await client.markets.market("KXHIGHNY-26JUL12-T89")
        for price in (0, 1_000_000, 15_000, 10_001):
            with pytest.raises(InvalidPrice):
                await client.orders.place(order(price), found)
        with pytest.raises(InvalidOrder):
            await client.orders.place(order(ticker="B"), found)

    assert len(asked) == 1
    assert found.price_ranges == (PriceBand(Price(0), Price(1_000_000), Price(10_000)),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": Hundredths(0)},
        {"client_order_id": ""},
        {"reduce_only": True},
        {"time_in_force": TimeInForce.IMMEDIATE_OR_CANCEL, "post_only": True},
        {"time_in_force": TimeInForce.FILL_OR_KILL, "expiration_time": NOON},
        {"time_in_force": TimeInForce.UNKNOWN},
        {"quote": Quote(BookSide.UNKNOWN, Price(10_000))},
    ],
)
async def test_terms_that_do_not_go_together_are_not_sent(wrong: dict[str, Any]) -> None:
    async with scripted(always(PLACED)) as (client, asked):
        with pytest.raises(RequestRefused):
            await client.orders.place(order(**wrong))

    assert asked == []


async def test_an_order_is_sent_as_the_exchange_wants_it() -> None:
    async with scripted(always(PLACED)) as (client, asked):
        outcome = await client.orders.place(order())

    assert isinstance(outcome, Placed)
    assert asked[0][1]["body"] == {
        "ticker": "KXHIGHNY-26JUL12-T89", "client_order_id": "mine", "side": "bid", "count": "1.00",
        "price": "0.0100", "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross",
    }  # fmt: skip


async def test_cancels_without_an_id_never_become_a_cancel_of_all() -> None:
    async with scripted(always({})) as (client, asked):
        with pytest.raises(RequestRefused):
            await client.orders.cancel(OrderRef(order_id=""))

    assert asked == []


async def test_a_batch_of_orders_has_an_end_for_each() -> None:
    def script(_path: str, _given: dict[str, Any]) -> Any:
        return {
            "orders": [
                {**PLACED, "client_order_id": "c"},
                {"client_order_id": "b", "error": {"code": "insufficient_balance", "message": "no"}},
                {"client_order_id": "d", "error": {"code": "internal_server_error"}},
                {"client_order_id": "e", "order_id": "O5"},
            ]
        }

    async with scripted(script) as (client, _):
        outcomes = await client.batches.place([order(client_order_id=name) for name in "abcde"])

    a, b, c, d, e = outcomes
    assert isinstance(a, OutcomeUnknown)  # the answer leaves it out
    assert isinstance(b, Exception)
    assert b.code == "insufficient_balance"
    assert isinstance(c, Placed)
    assert isinstance(d, OutcomeUnknown)
    assert isinstance(e, OutcomeUnknown)
    assert [item.client_order_id for item in (a, d, e)] == ["a", "d", "e"]


async def test_answers_without_names_go_by_their_place() -> None:
    nameless = {key: value for key, value in PLACED.items() if key != "client_order_id"}
    body = {"orders": [{**nameless, "order_id": "O1"}, {"error": {"code": "invalid_price"}}]}
    async with scripted(always(body)) as (client, _):
        first, second = await client.batches.place([order(client_order_id="a"), order(client_order_id="b")])

    assert isinstance(first, Placed)
    assert isinstance(second, InvalidPrice)


async def test_a_batch_that_got_no_answer_leaves_every_order_unknown() -> None:
    async with scripted(always(503)) as (client, asked):
        placed = await client.batches.place([order(client_order_id="a"), order(client_order_id="b")])
        cancelled = await client.batches.cancel([OrderRef(order_id="O1"), OrderRef(order_id="O2")])

    assert [item.client_order_id for item in placed if isinstance(item, OutcomeUnknown)] == ["a", "b"]
    assert [item.order_id for item in cancelled if isinstance(item, OutcomeUnknown)] == ["O1", "O2"]
    assert len(asked) == 2


async def test_a_batch_of_cancels_has_an_end_for_each() -> None:
    body = {
        "orders": [
            {"order_id": "O2", "reduced_by": "0.00", "error": {"code": "not_found"}},
            {"order_id": "O1", "reduced_by": "1.00", "ts_ms": 1},
            {"order_id": "O4", "reduced_by": "0.00"},
        ]
    }
    async with scripted(always(body)) as (client, asked):
        refs = [OrderRef(order_id=f"O{number}", market_ticker="A") for number in range(1, 5)]
        first, second, third, fourth = await client.batches.cancel(refs)

    assert isinstance(first, Cancelled)
    assert first.reduced_by == 100
    assert isinstance(second, ObjectNotFound)
    assert isinstance(third, OutcomeUnknown)
    assert isinstance(fourth, OutcomeUnknown)
    assert asked[0][1]["body"]["orders"][0] == {"order_id": "O1", "market_ticker": "A"}


async def test_lists_are_followed_with_the_same_filters() -> None:
    def script(_path: str, given: dict[str, Any]) -> Any:
        number = int(given.get("cursor", "0"))
        return {"markets": [market(f"M{number}")], "cursor": str(number + 1) if number < 2 else ""}

    async with scripted(script) as (client, asked):
        query = MarketQuery(series_ticker="KXHIGHNY", status=MarketFilter.SETTLED, settled_from=NOON)
        found = await gather(client.markets.markets(query))

    assert [market.ticker for market in found] == ["M0", "M1", "M2"]
    filters = [{name: value for name, value in given.items() if name != "cursor"} for _, given in asked]
    assert filters == [filters[0]] * 3
    assert filters[0] == {
        "series_ticker": "KXHIGHNY", "status": "settled", "min_settled_ts": str(int(NOON.timestamp())),
        "mve_filter": "exclude", "limit": "1000",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"created_from": NOON, "close_from": NOON},
        {"settled_from": NOON, "status": MarketFilter.OPEN},
        {"updated_from": NOON, "event_ticker": "E"},
        {"status": MarketFilter.UNKNOWN},
    ],
)
def test_filters_that_the_exchange_would_refuse_are_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be asked for"):
        MarketQuery(**wrong)


async def test_order_books_come_by_the_hundred_and_by_repeated_names() -> None:
    def script(_path: str, given: dict[str, Any]) -> Any:
        levels = {"yes_dollars": [["0.4600", "1.00"], ["0.4700", "3.00"]], "no_dollars": []}
        known = [ticker for ticker in given["tickers"] if ticker != "T7"]
        return {"orderbooks": [{"ticker": ticker, "orderbook_fp": levels} for ticker in known]}

    async with scripted(script) as (client, asked):
        books = await client.markets.order_books([f"T{number}" for number in range(150)])

    assert [len(given["tickers"]) for _, given in asked] == [100, 50]
    assert len(books) == 149
    assert "T7" not in books
    assert books["T8"].bids == ((470_000, 300), (460_000, 100))
    assert books["T8"].asks == ()


async def test_a_long_span_of_candles_is_cut_into_calls_of_5000_periods() -> None:
    def script(_path: str, given: dict[str, Any]) -> Any:
        return {"ticker": "A", "candlesticks": [candle(int(given["start_ts"])), candle(int(given["end_ts"]))]}

    async with scripted(script) as (client, asked):
        found = await client.candles.of_market("A", NOON, NOON + timedelta(days=9), 1, latest_before=True)

    spans = [(int(given["start_ts"]), int(given["end_ts"])) for _, given in asked]
    assert all((end - start) / 60 <= 5000 for start, end in spans)
    assert spans[0][0] == NOON.timestamp()
    assert spans[-1][1] == (NOON + timedelta(days=9)).timestamp()
    assert all(later[0] == earlier[1] + 1 for earlier, later in itertools.pairwise(spans))
    assert [given.get("include_latest_before_start") for _, given in asked] == ["true", None, None]
    assert len(found) == 6
    assert found[0].bid.close is None
    assert found[0].ask.close is None


@pytest.mark.parametrize("minutes", [0, 5, 15, -60])
async def test_candles_of_a_length_that_does_not_exist_are_not_asked_for(minutes: int) -> None:
    async with scripted(always({})) as (client, asked):
        with pytest.raises(ValueError, match="minutes"):
            await client.candles.of_market("A", NOON, NOON, minutes)

    assert asked == []


async def test_a_plan_is_carried_out_and_unknown_markets_are_simply_missing() -> None:
    def script(path: str, given: dict[str, Any]) -> Any:
        if path != "GET /markets/candlesticks":
            return None
        known = [ticker for ticker in given["market_tickers"].split(",") if ticker != "M3"]
        return {"markets": [{"market_ticker": ticker, "candlesticks": [candle(60)]} for ticker in known]}

    spans = [life(f"M{number}", NOON, NOON + timedelta(hours=1), 1) for number in range(5)]
    spans.append(life("FAR", NOON + timedelta(days=30), NOON + timedelta(days=30, hours=1), 1))
    async with scripted(script) as (client, asked):
        client.transport.limits.costs = Costs(10, [("GET", "/markets/candlesticks", 12)])
        found: dict[str, Any] = {}
        async for _, candles in client.candles.planned(client.candles.plan(spans, 1), 1):
            found |= candles

    assert sorted(found) == ["M0", "M1", "M2", "M4"]
    assert [path for path, _ in asked].count("GET /markets/candlesticks") == 1
    assert "GET /series/FAR/markets/FAR/candlesticks" in [path for path, _ in asked]


async def test_what_is_no_longer_live_comes_from_the_archive() -> None:
    def script(path: str, _given: dict[str, Any]) -> Any:
        if path == "GET /historical/markets/A":
            return {"market": market("A", status="finalized")}
        return {"ticker": "A", "candlesticks": [archived(60)]} if path.startswith("GET /historical/") else None

    async with scripted(script) as (client, asked):
        (found,) = await client.anytime.candles("A", NOON, NOON + timedelta(hours=1), 60)
        assert (await client.anytime.market("A")).ticker == "A"

    assert found.bid.close == 400_000
    assert found.trades.previous is None
    assert [path.split("/")[1] for path, _ in asked] == ["series", "historical", "markets", "historical"]


async def test_what_nobody_has_is_not_found() -> None:
    async with scripted(always(None)) as (client, _):
        with pytest.raises(ObjectNotFound):
            await client.anytime.candles("A", NOON, NOON, 60)


async def test_trades_of_both_sides_of_the_cutoff_come_once_each() -> None:
    cutoff = NOON - timedelta(days=90)

    def script(path: str, given: dict[str, Any]) -> Any:
        if path == "GET /historical/cutoff":
            stamp = cutoff.isoformat()
            return {"market_settled_ts": stamp, "trades_created_ts": stamp, "orders_updated_ts": stamp}
        if path == "GET /historical/trades":
            return {"trades": [trade(2, cutoff), trade(1, cutoff)], "cursor": ""}
        later = "cursor" in given
        return {"trades": [trade(3), trade(2)] if later else [trade(5), trade(4)], "cursor": "" if later else "next"}

    async with scripted(script) as (client, asked):
        ids = [trade.trade_id async for page in client.anytime.trades("A") for trade in page]
        recent = [trade async for page in client.anytime.trades("A", first=NOON) for trade in page]

    assert ids == ["T5", "T4", "T3", "T2", "T1"]
    assert len(recent) == 4
    assert [path for path, _ in asked].count("GET /historical/trades") == 1


async def test_prices_that_contradict_each_other_are_refused() -> None:
    body = {"trades": [{**trade(1), "no_price_dollars": "0.5400"}], "cursor": ""}
    async with scripted(always(body)) as (client, _):
        with pytest.raises(UnexpectedReply, match="do not make a dollar"):
            await gather(client.markets.trades("A"))


async def test_the_accounts_limits_and_costs_are_put_into_force() -> None:
    def script(path: str, _given: dict[str, Any]) -> Any:
        if path == "GET /account/limits":
            bucket = {"refill_rate": 300, "bucket_capacity": 600}
            return {"usage_tier": "advanced", "read": bucket, "write": bucket, "grants": []}
        cost = {"method": "DELETE", "path": "/trade-api/v2/portfolio/events/orders/:order_id", "cost": 2}
        return {"default_cost": 7, "endpoint_costs": [cost]}

    async with scripted(script) as (client, _):
        await client.account.learn_limits()
        await client.account.learn_costs()
        limits = client.transport.limits

    assert (limits.read.rate.per_second, limits.write.rate.capacity) == (300, 600)
    assert limits.price("DELETE", "/portfolio/events/orders/O1")[1] == 2
    assert limits.price("GET", "/markets")[1] == 7


async def test_an_exchange_that_is_paused_says_so_with_an_error_status() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"exchange_active": False, "trading_active": False}, status=503)

    async with talking(answer) as client:
        assert not (await client.exchange.status()).exchange_active


@pytest.mark.parametrize("amount", [0, -100, 150])
async def test_amounts_that_cannot_be_moved_are_not_sent(amount: int) -> None:
    async with scripted(always({})) as (client, asked):
        with pytest.raises(ValueError, match="cannot be moved"):
            await client.portfolio.transfer(
                Micros(amount), source_shard=0, destination_shard=2, client_transfer_id="8ae6f81d"
            )

    assert asked == []


async def test_the_list_of_groups_may_be_left_out_when_there_are_none() -> None:
    async with scripted(always({})) as (client, _):
        assert await client.order_groups.groups() == ()
        assert await client.order_groups.reset("G") is None
        with pytest.raises(InvalidOrder):
            await client.order_groups.create(Hundredths(50))
