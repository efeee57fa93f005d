"""Candles of whole events, collected over HTTP from the simulated exchange and from a server that misbehaves."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from aiohttp import web

from collector.fetching import BaseFile, Collected, Fetcher
from collector.types import Grant, LeaseKey, LeaseProgress, MarketTask, Phase, Purpose, Stage
from mesh.clock import SystemClock
from mesh.errors import Denied, Unavailable
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.terms import Result
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Limits
from mesh.shards import Commit, Content, Hole, HoleReason, ShardFile, ShardKey
from sim_exchange.domain.types import Event, Series
from sim_exchange.fault_rules import PlainRequestRule, ServerError
from tests.fakes.candle_server import Asked, CandleServer, candle, minutes
from tests.fakes.exchange_world import NOW, Caller, World, exchange_world, market, order
from tests.fakes.kalshi_calls import FAST

EVENT = "KXBTC-26JUL1012"
SHARD = ShardKey("KXBTC", EVENT, 60)
TICKERS = [f"{EVENT}-B{number}" for number in range(5)]
OPENS, CLOSES = NOW, NOW + timedelta(minutes=20)
LATER = CLOSES + timedelta(days=1)
MINUTE = timedelta(minutes=1)


def task(ticker: str, **changes: Any) -> MarketTask:
    return replace(MarketTask(ticker, Phase.CLOSED, OPENS, CLOSES), **changes)


def grant(tickers: Iterable[str] = TICKERS, **changes: Any) -> Grant:
    fields: dict[str, Any] = {
        "lease": LeaseKey(SHARD, 1),
        "purpose": Purpose.COLLECT,
        "opens": OPENS,
        "closes": CLOSES,
        "settled": None,
        "fetch_from": None,
        "markets": tuple(task(ticker) for ticker in tickers),
        "base": None,
    }
    return Grant(**(fields | changes))


def commit(collected: Collected, content: Content = Content.PRICES_AND_QUOTES) -> Commit:
    file = ShardFile("0" * 64, 1, len(collected.table), 0, None, None, "foremesh.candles", 1, content)
    return Commit(1, 1, file, collected.covered_end, len(collected.holes), "spark", LATER)


@dataclass
class Run:
    """One worker's fetcher, and what it reported."""

    fetcher: Fetcher
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    reports: list[LeaseProgress] = field(default_factory=list)

    async def collect(
        self, grant: Grant, base: Collected | None = None, *, cutoff: datetime | None = None
    ) -> Collected:
        file = None if base is None else BaseFile(base.table, base.holes)
        return await self.fetcher.collect(
            grant, file, cutoff=cutoff, draining=self.draining, report=self.reports.append
        )  # fmt: skip


def run(client: KalshiClient, **settings: Any) -> Run:
    return Run(Fetcher(client, SystemClock(), **settings))


@asynccontextmanager
async def bitcoin() -> AsyncIterator[tuple[World, Run]]:
    """An hour of Bitcoin markets at an exchange that lives in July 2026, and a collector of today."""
    series = Series(ticker="KXBTC", title="Bitcoin range", category="Crypto", frequency="hourly")
    event = Event(event_ticker=EVENT, series_ticker="KXBTC", title="Bitcoin?", sub_title="At 12")
    markets = [market(ticker, OPENS, CLOSES, settlement_timer_seconds=1) for ticker in TICKERS]
    async with exchange_world(items=[series, event, *markets], checked=False) as world:
        config = KalshiConfig(environment="custom", host=world.url)
        async with connect(config, SystemClock(), limits=Limits(SystemClock(), read=FAST)) as client:
            yield world, run(client)


async def trade(world: World, seconds: int, seed: int = 1) -> None:
    """Let quotes move, vanish and come back, and members trade."""
    dice, alice = Random(seed), world.member("alice", dollars="100000.00")  # noqa: S311  no secret
    for _ in range(seconds // 20):
        for ticker in TICKERS[: world.now.minute % len(TICKERS) + 1]:
            bid = dice.randint(2, 60)
            bids = {f"0.{bid:02}00": "50.00"} if dice.random() < 0.8 else {}
            asks = {f"0.{bid + dice.randint(1, 30):02}00": "50.00"} if dice.random() < 0.8 else {}
            world.book(ticker, bids, asks)
            if dice.random() < 0.3:
                await alice.post(
                    "/portfolio/events/orders",
                    order(ticker, side="bid", price="0.9900", count="1.25", time_in_force="immediate_or_cancel"),
                )
        await world.pass_seconds(20)


async def settled(world: World) -> None:
    for ticker in TICKERS:
        world.exchange.determine(ticker, Result.YES, None, "1", world.now)
    await world.pass_seconds(2)


SIDES = {"price": "price", "yes_bid": "yes_bid", "yes_ask": "yes_ask"}
NOBODY = {"yes_bid": "0.0000", "yes_ask": "1.0000"}


def stored(ticker: str, row: dict[str, Any]) -> dict[str, Any]:
    """What a file must hold of one candle as the exchange serves it, read without our own reader."""
    made: dict[str, Any] = {
        "series_ticker": "KXBTC",
        "event_ticker": EVENT,
        "market_ticker": ticker,
        "end_time": datetime.fromtimestamp(row["end_period_ts"], UTC),
        "step_seconds": 60,
        "volume_hundredths": int(Decimal(row["volume_fp"]) * 100),
        "open_interest_hundredths": int(Decimal(row["open_interest_fp"]) * 100),
    }
    for side in ("price", "yes_bid", "yes_ask"):
        for moment in ("open", "high", "low", "close", *(("mean", "previous") if side == "price" else ())):
            shown = row[side].get(f"{moment}_dollars")
            there = shown is not None and shown != NOBODY.get(side)
            made[f"{side}_{moment}_micros"] = int(Decimal(shown) * 1_000_000) if there else None
    return made


async def served(caller: Caller, until: datetime) -> list[dict[str, Any]]:
    """Every candle that the exchange has, as it must be stored."""
    found = []
    for ticker in TICKERS:
        times = {"start_ts": int(OPENS.timestamp()), "end_ts": int(until.timestamp()), "period_interval": 1}
        answer = await caller.get(f"/series/KXBTC/markets/{ticker}/candlesticks", **times)
        found += [stored(ticker, row) for row in answer.body["candlesticks"]]
    return found


async def test_what_is_collected_equals_what_the_exchange_serves_value_by_value() -> None:
    async with bitcoin() as (world, worker):
        await trade(world, 1300)
        collected = await worker.collect(grant())

        expected = await served(world.anyone, world.now)
    rows = collected.table.to_pylist()
    assert rows == expected
    assert {row["market_ticker"] for row in rows} == set(TICKERS)
    assert any(row["price_mean_micros"] for row in rows)
    assert any(row["yes_bid_close_micros"] is None for row in rows)
    assert (collected.holes, collected.covered_end) == ((), CLOSES + MINUTE)
    assert collected.content is Content.PRICES_AND_QUOTES


async def test_a_shard_that_grew_by_refreshes_equals_one_that_was_collected_at_once() -> None:
    async with bitcoin() as (world, worker):
        grown: Collected | None = None
        for purpose in (Purpose.COLLECT, Purpose.REFRESH, Purpose.REFRESH, Purpose.FINISH):
            await trade(world, 340, seed=len(purpose.value))
            since = grown.covered_end if grown else None
            growing = grant(purpose=purpose, fetch_from=since, base=commit(grown) if grown else None)
            grown = await worker.collect(growing, grown)
            await asyncio.sleep(1.05)  # so that the exchange is asked for its time again
        assert grown is not None
        await trade(world, 220)
        whole = await worker.collect(grant())

    assert grown.table.equals(whole.table)
    assert (grown.covered_end, grown.holes) == (whole.covered_end, whole.holes)


async def test_the_candle_that_is_still_forming_is_not_stored() -> None:
    async with bitcoin() as (world, worker):
        await trade(world, 220)
        collected = await worker.collect(grant())
        shown = await served(world.anyone, world.now + MINUTE)

    assert collected.covered_end == OPENS + 3 * MINUTE
    assert max(row["end_time"] for row in shown) == OPENS + 4 * MINUTE
    assert collected.table.to_pylist() == [row for row in shown if row["end_time"] <= collected.covered_end]


@pytest.mark.parametrize("cutoff_known", [True, False])
async def test_archived_markets_come_from_the_archive_with_the_same_values(cutoff_known: bool) -> None:
    async with bitcoin() as (world, worker):
        await trade(world, 1300)
        expected = await served(world.anyone, world.now)
        await settled(world)
        over = grant(settled=world.now - MINUTE, markets=tuple(task(ticker, phase=Phase.SETTLED) for ticker in TICKERS))
        world.archive.move(market_settled=world.now + MINUTE)
        collected = await worker.collect(over, cutoff=world.now + timedelta(days=10) if cutoff_known else None)

    assert collected.table.to_pylist() == expected
    assert collected.holes == ()


async def test_too_many_requests_and_server_errors_on_the_way_leave_no_hole() -> None:
    async with bitcoin() as (world, worker):
        await trade(world, 1300)
        world.faults.add(PlainRequestRule(kind="too_many_requests", path="*candlesticks", count=1))
        world.faults.add(ServerError(kind="server_error", status=503, path="*candlesticks", count=2))
        collected = await worker.collect(grant())
        strikes = sum(count.strikes for count in world.faults.counts())
        expected = await served(world.anyone, world.now)

    assert strikes == 3
    assert (collected.table.to_pylist(), collected.holes) == (expected, ())


def serving(count: int = 5, **settings: Any) -> CandleServer:
    """A server of so many markets with a candle every minute."""
    rows = [candle(end) for end in minutes(OPENS, 20)]
    return CandleServer({f"{EVENT}-B{number}": rows for number in range(count)}, now=LATER, **settings)


def reasons(holes: Sequence[Hole]) -> dict[str, HoleReason]:
    return {hole.market: hole.reason for hole in holes}


def markets(table: pa.Table) -> set[str]:
    return set(table["market_ticker"].to_pylist())


async def test_a_whole_event_of_188_markets_takes_two_calls() -> None:
    server = serving(188)
    async with server.talking() as client:
        collected = await run(client).collect(grant(server.candles))

    assert (len(server.asked), server.times_asked) == (2, 1)
    assert len(collected.table) == 188 * 20


async def test_the_exchange_is_not_asked_for_its_time_again_once_an_event_is_known_to_be_over() -> None:
    server = serving()
    async with server.talking() as client:
        worker = run(client)
        await worker.collect(grant())
        await asyncio.sleep(1.05)
        await worker.collect(grant())

    assert server.times_asked == 1


async def test_a_market_that_neither_tier_knows_is_a_hole_and_the_others_are_whole() -> None:
    server = serving()
    async with server.talking() as client:
        collected = await run(client).collect(grant([*server.candles, "KXBTC-UNKNOWN"]))

    (hole,) = collected.holes
    assert (hole.market, hole.reason, hole.attempts) == ("KXBTC-UNKNOWN", HoleReason.NOT_FOUND, 2)
    assert markets(collected.table) == set(server.candles)


async def test_near_the_cutoff_a_market_without_live_candles_is_looked_for_in_the_archive() -> None:
    server = serving()
    moved = TICKERS[0]

    async def empty_live(asked: Asked) -> web.StreamResponse | None:
        if asked.archive:
            return None
        rows = [
            {"market_ticker": ticker, "candlesticks": [] if ticker == moved else server.candles[ticker]}
            for ticker in asked.tickers
        ]
        return web.json_response({"markets": rows})

    server.archived, server.odd = frozenset({moved}), empty_live
    near = grant(settled=CLOSES, markets=tuple(task(ticker, phase=Phase.SETTLED) for ticker in TICKERS))
    async with server.talking() as client:
        collected = await run(client).collect(near, cutoff=CLOSES - timedelta(hours=1))

    assert collected.holes == ()
    assert markets(collected.table) == set(TICKERS)


async def test_a_market_that_never_had_a_candle_is_a_hole_only_once_the_event_is_over() -> None:
    server = serving()
    server.candles = {**server.candles, "KXBTC-QUIET": []}
    async with server.talking() as client:
        over = await run(client).collect(grant(server.candles))
        server.now = OPENS + 10 * MINUTE
        trading = await run(client).collect(grant(server.candles))

    assert reasons(over.holes) == {"KXBTC-QUIET": HoleReason.NO_DATA}
    assert trading.holes == ()


async def test_one_market_that_is_never_answered_costs_only_itself() -> None:
    server = serving(24)
    poison = f"{EVENT}-B17"

    async def silent(asked: Asked) -> web.StreamResponse | None:
        return await server.never() if poison in asked.tickers else None

    server.odd = silent
    async with server.talking() as client:
        collected = await run(client, call_seconds=0.3, patience=30.0).collect(grant(server.candles))

    assert reasons(collected.holes) == {poison: HoleReason.TIMED_OUT}
    assert markets(collected.table) == set(server.candles) - {poison}


async def test_a_market_that_the_exchange_fails_on_is_found_with_few_calls() -> None:
    server = serving(24)
    poison = f"{EVENT}-B17"

    async def fails(asked: Asked) -> web.StreamResponse | None:
        return web.Response(status=500) if poison in asked.tickers else None

    server.odd = fails
    async with server.talking() as client:
        collected = await run(client, call_seconds=1.0).collect(grant(server.candles))

    found = reasons(collected.holes)
    assert found.keys() == {poison}
    assert found[poison] in {HoleReason.UNAVAILABLE, HoleReason.TIMED_OUT}  # the latter on a busy machine
    wider = Counter(asked.tickers for asked in server.asked if poison in asked.tickers and len(asked.tickers) > 1)
    assert max(number for tickers, number in wider.items() if len(tickers) < 24) == 2


async def test_an_exchange_that_answers_nothing_makes_holes_of_all_within_the_patience() -> None:
    server = serving(24)

    async def silent(_: Asked) -> web.StreamResponse | None:
        return await server.never()

    server.odd = silent
    async with server.talking() as client:
        collected = await run(client, call_seconds=0.3, patience=1.0).collect(grant(server.candles))

    assert set(reasons(collected.holes).values()) == {HoleReason.TIMED_OUT}
    assert len(collected.holes) == 24
    assert len(collected.table) == 0


async def test_an_exchange_that_only_asks_to_slow_down_makes_rate_limited_holes() -> None:
    server = serving()

    async def no(_: Asked) -> web.StreamResponse | None:
        return web.json_response({"error": {"code": "too_many_requests", "message": "slow down"}}, status=429)

    server.odd = no
    async with server.talking() as client:
        collected = await run(client, call_seconds=0.3, patience=1.0).collect(grant())

    assert set(reasons(collected.holes).values()) == {HoleReason.RATE_LIMITED}
    assert len({asked.tickers for asked in server.asked}) == 1, "it was asked for in smaller parts"


DEAR = [candle(OPENS + MINUTE, close="2.0000")]
GARBAGE = {
    "not JSON": "<html>",
    "nothing of what it must have": "{}",
    "a price of two dollars": json.dumps(
        {"ticker": TICKERS[3], "candlesticks": DEAR, "markets": [{"market_ticker": TICKERS[3], "candlesticks": DEAR}]}
    ),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_market_whose_answer_cannot_be_read_costs_only_itself(garbage: str) -> None:
    server = serving()
    poison = TICKERS[3]

    async def odd(asked: Asked) -> web.StreamResponse | None:
        return web.Response(text=GARBAGE[garbage]) if poison in asked.tickers else None

    server.odd = odd
    async with server.talking() as client:
        collected = await run(client).collect(grant())

    assert reasons(collected.holes) == {poison: HoleReason.INVALID_DATA}
    assert markets(collected.table) == set(TICKERS) - {poison}


async def test_a_market_whose_candles_break_a_rule_is_left_out_and_the_rule_is_named() -> None:
    server = serving()
    poison = TICKERS[1]
    backwards = [candle(end) for end in reversed(minutes(OPENS, 3))]
    server.candles = {**server.candles, poison: backwards}
    async with server.talking() as client:
        collected = await run(client).collect(grant())

    (hole,) = collected.holes
    assert (hole.market, hole.reason, hole.first, hole.last) == (poison, HoleReason.INVALID_DATA, None, None)
    assert "out of order" in hole.detail
    assert markets(collected.table) == set(TICKERS) - {poison}


async def test_a_refusal_of_one_market_is_told_in_the_exchange_s_own_words() -> None:
    server = serving()
    poison = TICKERS[2]

    async def refuse(asked: Asked) -> web.StreamResponse | None:
        if poison not in asked.tickers:
            return None
        return web.json_response({"error": {"code": "bad_request", "details": "no candles " + "x" * 500}}, status=400)

    server.odd = refuse
    async with server.talking() as client:
        collected = await run(client).collect(grant())

    (hole,) = collected.holes
    assert (hole.market, hole.reason, hole.attempts) == (poison, HoleReason.REFUSED, 3)
    assert "no candles" in hole.detail
    assert len(hole.detail.encode()) <= 240


async def test_candles_that_come_twice_are_stored_once() -> None:
    server = serving()
    rows = [candle(end) for end in minutes(OPENS, 20)]
    server.candles = {ticker: [row for row in rows for _ in range(2)] for ticker in TICKERS}
    async with server.talking() as client:
        collected = await run(client).collect(grant())

    assert collected.holes == ()
    assert len(collected.table) == 20 * len(TICKERS)


async def test_a_key_that_may_not_read_ends_the_lease() -> None:
    server = serving(300)

    async def forbid(_: Asked) -> web.StreamResponse | None:
        return web.json_response({"error": {"code": "forbidden"}}, status=403)

    server.odd = forbid
    async with server.talking() as client:
        with pytest.raises(Denied):
            await run(client).collect(grant(server.candles))


async def test_draining_finishes_what_is_under_way_and_names_what_was_not_asked_for() -> None:
    server = serving(20)
    server.archived = frozenset(server.candles)
    over = grant(settled=CLOSES, markets=tuple(task(ticker, phase=Phase.SETTLED) for ticker in server.candles))
    async with server.talking() as client:
        worker = run(client)

        async def drain(asked: Asked) -> web.StreamResponse | None:
            worker.draining.set()
            await asyncio.sleep(0.05)
            return None

        server.odd = drain
        collected = await worker.collect(over, cutoff=LATER)

    had, left = markets(collected.table), reasons(collected.holes)
    assert had == {ticker for asked in server.asked for ticker in asked.tickers}
    assert 0 < len(had) < 20
    assert left == dict.fromkeys(set(server.candles) - had, HoleReason.NOT_ATTEMPTED)
    assert worker.reports[-1].stage is Stage.DRAINING
    assert {hole.attempts for hole in collected.holes} == {0}


async def test_a_lease_that_drains_before_anything_could_be_asked_has_nothing_to_commit() -> None:
    server = serving()
    async with server.talking(Rate(0, 1e6)) as client:
        client.transport.limits.set_budget(read=Rate(0, 0), write=None)
        worker = run(client)
        async with asyncio.TaskGroup() as tasks:
            collecting = tasks.create_task(failing(worker))
            await asyncio.sleep(0.2)
            assert not collecting.done(), "a budget of nothing is waited out"
            worker.draining.set()
    assert server.times_asked == 0


async def failing(worker: Run) -> None:
    with pytest.raises(Unavailable, match="drained"):
        await worker.collect(grant())


async def test_a_cancelled_lease_asks_for_nothing_more() -> None:
    server = serving(60)
    server.archived = frozenset(server.candles)
    begun = asyncio.Event()

    async def slow(_: Asked) -> web.StreamResponse | None:
        begun.set()
        await asyncio.sleep(0.2)
        return None

    server.odd = slow
    over = grant(settled=CLOSES, markets=tuple(task(ticker, phase=Phase.SETTLED) for ticker in server.candles))
    async with server.talking() as client:
        worker = run(client)
        async with asyncio.TaskGroup() as tasks:
            collecting = tasks.create_task(worker.collect(over, cutoff=LATER))
            await begun.wait()
            collecting.cancel()
        asked = len(server.asked)
        await asyncio.sleep(0.5)

    assert collecting.cancelled()
    assert len(server.asked) == asked < 60
    assert worker.fetcher.queued_tokens == 0


async def test_a_retry_fills_its_hole_and_leaves_the_rest_as_it_was() -> None:
    server = serving()
    poison = TICKERS[4]

    async def refuse(asked: Asked) -> web.StreamResponse | None:
        return web.json_response({"error": {"code": "bad_request"}}, status=400) if poison in asked.tickers else None

    async with server.talking() as client:
        whole = await run(client).collect(grant())
        server.odd = refuse
        holed = await run(client).collect(grant())
        server.odd = CandleServer.odd
        retry = grant([poison], purpose=Purpose.RETRY_HOLES, base=commit(holed))
        mended = await run(client).collect(retry, holed)

    assert reasons(holed.holes) == {poison: HoleReason.REFUSED}
    assert (mended.table.equals(whole.table), mended.holes) == (True, ())


async def test_a_candle_that_the_exchange_has_revised_is_replaced() -> None:
    server = serving()
    async with server.talking() as client:
        before = await run(client).collect(grant())
        revised = [candle(end, close="0.4200") for end in minutes(OPENS, 20)]
        server.candles = {**server.candles, TICKERS[0]: revised}
        after = await run(client).collect(grant(purpose=Purpose.FINISH, base=commit(before)), before)
        anew = await run(client).collect(grant())

    assert len(after.table) == len(before.table)
    assert after.table.equals(anew.table)


@pytest.mark.parametrize("purpose", [Purpose.REPAIR, Purpose.ADD_QUOTES])
async def test_a_repair_takes_nothing_from_the_old_file(purpose: Purpose) -> None:
    server = serving()
    async with server.talking() as client:
        before = await run(client).collect(grant())
        old = replace(before, holes=(Hole(TICKERS[0], HoleReason.REFUSED),), content=Content.PRICES)
        server.candles = {ticker: rows[:5] for ticker, rows in server.candles.items()}
        after = await run(client).collect(grant(purpose=purpose, base=commit(old, Content.PRICES)), old)

    assert len(after.table) == 5 * len(TICKERS)
    assert (after.holes, after.content) == ((), Content.PRICES_AND_QUOTES)


async def test_progress_only_grows_and_ends_with_everything_done() -> None:
    server = serving(300)
    async with server.talking() as client:
        worker = run(client)
        await worker.collect(grant(server.candles))

    reports = worker.reports
    counters = [(each.done_markets, each.rows, each.tokens) for each in reports]
    assert all(earlier <= later for one, other in pairwise(counters) for earlier, later in zip(one, other, strict=True))
    last = reports[-1]
    assert (last.done_markets, last.total_markets, last.rows, last.holes) == (300, 300, 6000, 0)
    assert last.tokens == 10 * len(server.asked)
    assert last.last == OPENS + 20 * MINUTE
    assert {each.stage for each in reports} == {Stage.FETCHING}
    assert worker.fetcher.queued_tokens == 0


async def test_several_leases_at_once_share_the_budget_and_each_is_whole() -> None:
    server = serving(188)
    async with server.talking() as client:
        worker = run(client)
        async with asyncio.TaskGroup() as tasks:
            collecting = [tasks.create_task(worker.collect(grant(server.candles))) for _ in range(5)]

    assert all(len(each.result().table) == 188 * 20 and not each.result().holes for each in collecting)
    assert server.times_asked == 1


async def test_a_market_that_comes_twice_in_a_grant_is_refused() -> None:
    server = serving()
    async with server.talking() as client:
        with pytest.raises(ValueError, match="twice"):
            await run(client).collect(grant([TICKERS[0], TICKERS[0]]))
