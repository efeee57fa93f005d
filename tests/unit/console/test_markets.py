"""Histories of open markets, read from an exchange that answers what it is told to."""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from console.markets import NoOpenMarkets, OpenMarkets, Wanted
from console.recorded import Recorded
from mesh.kalshi.errors import RequestRefused
from mesh.kalshi.pasts import on_grid
from tests.fakes.kalshi_calls import talking

NOW = datetime(2026, 7, 12, 12, 30, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
A, B = "KXHIGHNY-26JUL12-B80.5", "KXHIGHNY-26JUL12-B82.5"


def market(ticker: str = A, **changed: Any) -> dict[str, Any]:
    return {
        "ticker": ticker, "event_ticker": "KXHIGHNY-26JUL12", "market_type": "binary", "yes_sub_title": "",
        "no_sub_title": "", "created_time": "2026-07-11T09:30:30Z", "updated_time": "2026-07-11T14:00:00Z",
        "open_time": "2026-07-11T14:00:00Z", "close_time": "2026-07-13T04:59:00Z",
        "latest_expiration_time": "2026-07-19T14:00:00Z", "settlement_timer_seconds": 3600, "status": "active",
        "yes_bid_dollars": "0.4000", "yes_bid_size_fp": "3.00", "yes_ask_dollars": "0.4300",
        "yes_ask_size_fp": "2.00", "no_bid_dollars": "0.5700", "no_ask_dollars": "0.6000",
        "last_price_dollars": "0.4200", "volume_fp": "0.00", "volume_24h_fp": "0.00", "open_interest_fp": "0.00",
        "result": "", "can_close_early": True, "notional_value_dollars": "1.0000", "expiration_value": "",
        "rules_primary": "", "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}], "settlement_bounds_type": "default",
        **changed,
    }  # fmt: skip


def candle(end: datetime, close: str | None, bid: str = "0.4000", ask: str = "0.4400") -> dict[str, Any]:
    def quotes(price: str) -> dict[str, str]:
        return {f"{name}_dollars": price for name in ("open", "high", "low", "close")}

    trades = {} if close is None else quotes(close) | {"mean_dollars": close}
    return {
        "end_period_ts": int(end.timestamp()),
        "yes_bid": quotes(bid),
        "yes_ask": quotes(ask),
        "price": trades,
        "volume_fp": "0.00" if close is None else "5.00",
        "open_interest_fp": "9.00",
    }


class Exchange:
    """Lists markets, and gives their candles within what is asked for."""

    def __init__(self, *markets: dict[str, Any], candles: dict[str, list[dict[str, Any]]]) -> None:
        self.pages: list[Sequence[dict[str, Any]]] = [markets]
        self.candles = candles
        self.now = NOW
        self.asked: list[tuple[int, int]] = []
        self.refused: Callable[[int], bool] = lambda _start: False

    async def answer(self, request: web.Request) -> web.Response:
        path, query = request.path.removeprefix("/trade-api/v2"), request.query
        if path == "/markets":
            page = int(query.get("cursor") or 0)
            more = str(page + 1) if page + 1 < len(self.pages) else ""
            return self._reply({"markets": [dict(found) for found in self.pages[page]], "cursor": more})
        if path == "/markets/candlesticks":
            found = {name: self._within(name, query) for name in query["market_tickers"].split(",")}
            if self.refused(int(query["start_ts"])):
                return self._reply({"error": {"code": "bad_request", "message": "no"}}, status=400)
            markets = [
                {"market_ticker": name, "candlesticks": rows} for name, rows in found.items() if rows is not None
            ]
            return self._reply({"markets": markets})
        if path.endswith("/candlesticks"):
            name = path.split("/")[-2]
            rows = self._within(name, query)
            if rows is not None:
                return self._reply({"ticker": name, "candlesticks": rows})
        return self._reply({"error": {"code": "not_found", "message": "not found"}}, status=404)

    def _within(self, ticker: str, query: Any) -> list[dict[str, Any]] | None:
        span = int(query["start_ts"]), int(query["end_ts"])
        self.asked.append(span)
        rows = self.candles.get(ticker)
        return None if rows is None else [row for row in rows if span[0] <= row["end_period_ts"] <= span[1]]

    def _reply(self, body: Any, status: int = 200) -> web.Response:
        date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return web.json_response(body, status=status, headers={"Date": date})

    @asynccontextmanager
    async def read_by(self, wanted: Wanted | None = None) -> AsyncIterator[OpenMarkets]:
        async with talking(self.answer) as kalshi:
            yield OpenMarkets(kalshi, wanted or Wanted(series_ticker="KXHIGHNY", step=HOUR))


def at(hour: int) -> datetime:
    return datetime(2026, 7, 12, hour, tzinfo=UTC)


async def only(exchange: Exchange, wanted: Wanted | None = None) -> Recorded:
    async with exchange.read_by(wanted) as markets:
        (found,) = (await markets.read()).markets
    return found


def prices(found: Recorded) -> list[float | None]:
    return [None if math.isnan(price) else round(price, 3) for price in found.closes_cents.tolist()]


TRADED = [candle(at(7), "0.3500"), candle(at(8), None), candle(at(10), "0.5000"), candle(at(11), None, ask="1.0000")]


async def test_a_history_ends_with_the_last_candle_and_has_gaps_where_nobody_traded() -> None:
    found = await only(Exchange(market(), candles={A: TRADED}))

    assert prices(found) == [35, None, None, 50, None]
    assert found.last_candle_time == at(11)
    assert found.close_time == datetime(2026, 7, 13, 4, 59, tzinfo=UTC)
    assert found.series_ticker == "KXHIGHNY"
    assert found.note == "2 of 5 steps with a trade"


async def test_the_middle_of_bid_and_ask_is_taken_only_where_both_sides_were_quoted() -> None:
    found = await only(
        Exchange(market(), candles={A: TRADED}), Wanted(series_ticker="KXHIGHNY", step=HOUR, price="mid")
    )

    assert prices(found) == [42, 42, None, 42, None]
    assert found.note == "3 of 5 steps quoted on both sides"


async def test_a_candle_in_the_making_and_one_before_the_wanted_points_are_left_out() -> None:
    rows = [candle(at(hour), f"0.{hour:02d}00") for hour in range(8, 14)]
    found = await only(Exchange(market(), candles={A: rows}), Wanted(series_ticker="KXHIGHNY", step=HOUR, points=3))

    assert prices(found) == [10, 11, 12]


class Unbounded(Exchange):
    """Gives all that it has, whatever was asked for."""

    def _within(self, ticker: str, query: Any) -> list[dict[str, Any]] | None:
        return self.candles.get(ticker)


@pytest.mark.parametrize("year", [1970, 9999])
async def test_a_candle_from_another_age_does_not_become_a_history(year: int) -> None:
    ends = [NOW.replace(minute=0, second=0) - hour * HOUR for hour in range(3)]
    rows = [candle(end, "0.4100") for end in ends]
    exchange = Unbounded(market(), candles={A: [*rows, candle(datetime(year, 12, 31, tzinfo=UTC), "0.9900")]})
    async with exchange.read_by() as reader:
        [found] = (await reader.read()).markets
    assert found.closes_cents.tolist() == [41.0, 41.0, 41.0]
    assert found.last_candle_time == ends[0]


@pytest.mark.parametrize(
    ("changed", "cents", "origin"),
    [
        ({}, 41.5, "book"),
        ({"yes_bid_dollars": "0.0000", "yes_bid_size_fp": "0.00"}, 42.0, "last"),
        ({"yes_ask_dollars": "1.0000", "yes_ask_size_fp": "0.00"}, 42.0, "last"),
        (
            {"yes_bid_dollars": "0.0000", "yes_bid_size_fp": "0.00", "last_price_dollars": "0.0000"},
            None,
            "unknown",
        ),
    ],
)
async def test_the_current_price_says_where_it_was_read(
    changed: dict[str, str], cents: float | None, origin: str
) -> None:
    found = await only(Exchange(market(**changed), candles={A: TRADED}))

    assert (found.current.cents, found.current.origin) == (cents, origin)


async def test_markets_come_by_their_close_and_those_without_candles_too() -> None:
    early = market(B, close_time="2026-07-12T20:00:00Z")
    gone = market("KXHIGHNY-26JUL12-T90")
    exchange = Exchange(market(), early, gone, candles={A: [], B: TRADED})
    async with exchange.read_by() as markets:
        found = (await markets.read()).markets

    assert [one.market_ticker for one in found] == [B, A, gone["ticker"]]
    assert [len(one.closes_cents) for one in found] == [5, 0, 0]
    assert found[1].note == "no candle since it opened, 2026-07-11 14:00 UTC"
    assert found[2].note == "the exchange gave no candles of it: it may just have been archived"
    assert found[1].last_candle_time is None


async def test_pages_are_read_to_the_end_and_a_market_counts_once() -> None:
    exchange = Exchange(candles={A: [], B: []})
    exchange.pages = [[market(A)], [market(A), market(B)]]
    async with exchange.read_by() as markets:
        found = await markets.read()

    assert [one.market_ticker for one in found.markets] == [A, B]
    assert markets.listed == 2


async def test_a_prefix_and_a_limit_choose_among_the_listed() -> None:
    exchange = Exchange(market(A), market(B), market("KXHIGHNY-26JUL13-B80.5"), candles={A: [], B: []})
    wanted = Wanted(series_ticker="KXHIGHNY", step=HOUR, market_prefix="KXHIGHNY-26JUL12", limit=1)
    async with exchange.read_by(wanted) as markets:
        found = await markets.read()

    assert ([one.market_ticker for one in found.markets], markets.listed) == ([A], 3)


@pytest.mark.parametrize(
    ("series", "prefix", "said"),
    [
        ("KXHIGHNY", "KXHIGHNY-99", "none of the 1 open markets of KXHIGHNY starts with KXHIGHNY-99"),
        ("KXNONE", "", "the exchange has no series KXNONE"),
        ("KXHIGHNY-26JUL12", "", "has no series KXHIGHNY-26JUL12; .* KXHIGHNY --market KXHIGHNY-26JUL12"),
    ],
)
async def test_where_nothing_is_open_it_says_why(series: str, prefix: str, said: str) -> None:
    exchange = Exchange(*([market()] if prefix else []), candles={})
    async with exchange.read_by(Wanted(series_ticker=series, step=HOUR, market_prefix=prefix)) as markets:
        with pytest.raises(NoOpenMarkets, match=said):
            await markets.read()


async def test_a_second_reading_fetches_only_what_is_new() -> None:
    exchange = Exchange(market(), candles={A: list(TRADED)})
    async with exchange.read_by() as markets:
        await markets.read()
        exchange.asked.clear()
        await markets.read()
        assert exchange.asked == [], "no candle can have ended since"
        exchange.candles[A].append(candle(at(13), "0.6000"))
        exchange.now = at(13) + timedelta(minutes=1)
        for _ in range(4):  # one reply with another time is not believed
            (found,) = (await markets.read()).markets

    assert prices(found) == [35, None, None, 50, None, None, 60]
    ((start, end),) = exchange.asked
    assert at(10).timestamp() < start <= at(11).timestamp() < end


async def test_a_reading_that_fails_halfway_leaves_no_hole_for_the_next() -> None:
    rows = [candle(NOW.replace(minute=0, second=0) - hour * HOUR, "0.5000") for hour in range(8000)]
    old = {"open_time": "2024-01-01T00:00:00Z"}
    exchange = Exchange(market(A, **old), market(B, **old), candles={A: rows, B: rows})
    later = (NOW - 1000 * HOUR).timestamp()
    exchange.refused = lambda start: start > later - 3600 * 5000
    async with exchange.read_by(Wanted(series_ticker="KXHIGHNY", step=HOUR, points=8000)) as markets:
        with pytest.raises(RequestRefused):
            await markets.read()
        exchange.refused = lambda _start: False
        found = (await markets.read()).markets

    assert [one.gaps for one in found] == [0, 0]
    assert [len(one.closes_cents) for one in found] == [8000, 8000]


async def test_markets_that_closed_are_forgotten() -> None:
    exchange = Exchange(market(A), market(B), candles={A: TRADED, B: TRADED})
    async with exchange.read_by() as markets:
        await markets.read()
        exchange.pages = [[market(B)]]
        (found,) = (await markets.read()).markets

    assert found.market_ticker == B
    assert prices(found) == [35, None, None, 50, None]


@given(
    step=st.sampled_from([60, 3600]),
    last=st.integers(10**6, 10**9),
    known=st.dictionaries(st.integers(0, 300), st.floats(0, 100, width=32), min_size=1),
)
def test_every_price_has_its_place_on_the_grid_and_nothing_else_has_one(
    step: int, last: int, known: dict[int, float]
) -> None:
    closes = on_grid({last - back * step: price for back, price in known.items()}, step)

    first, newest = max(known), min(known)
    assert len(closes) == first - newest + 1
    for place, price in enumerate(closes[::-1].tolist()):
        assert (math.isnan(price) and newest + place not in known) or known.get(newest + place) == price


def test_daily_candles_keep_one_step_over_a_change_of_the_clock() -> None:
    ends = [datetime(2025, 11, day, hour, tzinfo=UTC) for day, hour in ((1, 4), (2, 4), (3, 5), (4, 5))]
    closes = on_grid({int(end.timestamp()): float(place) for place, end in enumerate(ends)}, 86_400)

    assert closes.tolist() == [0, 1, 2, 3]
    assert np.isnan(on_grid({0: 1.0, 2 * 86_400 + 3600: 2.0}, 86_400)[1])
