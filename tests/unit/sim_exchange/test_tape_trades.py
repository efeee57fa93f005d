"""Public trades: pages, bounds, and what was before the simulation."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.terms import BookSide, StrikeType
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import Traded
from sim_exchange.domain.types import Market, Trade
from sim_exchange.sources.base import Past
from sim_exchange.tape.tape import Tape

START = datetime(2026, 7, 13, 12, tzinfo=UTC)
T0 = int(START.timestamp())
NAMES = ("A", "B", "C")


def listing(ticker: str) -> Market:
    return Market(
        ticker=ticker,
        event_ticker="E",
        series_ticker="S",
        market_id=str(uuid.UUID(int=0)),
        yes_sub_title="",
        no_sub_title="",
        rules_primary="",
        created_time=START,
        open_time=START - timedelta(hours=1),
        close_time=START + timedelta(hours=1),
        expected_expiration_time=START + timedelta(hours=1),
        latest_expiration_time=START + timedelta(days=1),
        settlement_timer_seconds=60,
        strike_type=StrikeType.GREATER,
    )


def trade(ticker: str, seconds: float, number: int) -> Trade:
    return Trade(
        trade_id=str(uuid.UUID(int=number)),
        ticker=ticker,
        price=Micros(10_000 * (1 + number % 99)),
        count=Hundredths(1 + number),
        taker_side=(BookSide.BID, BookSide.ASK)[number % 2],
        time=START + timedelta(seconds=seconds),
    )


class Setting:
    """Three markets; the trades at negative seconds are the past, market by market."""

    def __init__(self, made: list[tuple[int, int]]) -> None:
        made = sorted(made, key=lambda one: one[1])
        every = [trade(NAMES[market], seconds, number) for number, (market, seconds) in enumerate(made)]
        past = [one for one in every if one.time <= START]
        lived = [one for one in every if one.time > START]
        # In the past of several markets only the times are known: those of one instant go by the market's name.
        self.every = sorted(past, key=lambda one: (one.time, one.ticker)) + lived
        self.asked: list[str] = []

        def past_of(ticker: str) -> Past:
            self.asked.append(ticker)
            return Past(ticker, trades=[one for one in past if one.ticker == ticker])

        self.tape = Tape({name: listing(name) for name in NAMES}, past_of)
        if lived:
            self.tape([Traded(one, house_only=True) for one in lived])

    def pages(self, ticker: str | None, limit: int, **bounds: int | None) -> list[Trade]:
        found: list[Trade] = []
        before = None
        while True:
            page, before = self.tape.trades(ticker, before=before, limit=limit, **bounds)
            assert len(page) <= limit
            found += page
            if before is None:
                return found
            assert page


trades = st.lists(st.tuples(st.integers(0, 2), st.integers(-50, 50)), max_size=40)
bounds = st.none() | st.integers(-60, 60)


@given(trades, st.sampled_from([None, *NAMES]), st.integers(1, 7), bounds, bounds)
def test_pages_give_every_trade_once_newest_first(
    made: list[tuple[int, int]], ticker: str | None, limit: int, earliest: int | None, latest: int | None
) -> None:
    it = Setting(made)
    expected = [
        one
        for one in reversed(it.every)
        if ticker in {None, one.ticker}
        and (earliest is None or one.time >= START + timedelta(seconds=earliest))
        and (latest is None or one.time <= START + timedelta(seconds=latest))
    ]
    asked = {"min_ts": None if earliest is None else T0 + earliest, "max_ts": None if latest is None else T0 + latest}
    if ticker is None:  # markets are numbered as they are needed, which decides ties of the past
        found = it.pages(ticker, limit, **asked)
        assert sorted(found, key=_identity) == sorted(expected, key=_identity)
        assert [one.time for one in found] == [one.time for one in expected]
    else:
        assert it.pages(ticker, limit, **asked) == expected


def _identity(one: Trade) -> str:
    return one.trade_id


def test_a_cursor_stays_good_while_trades_are_added() -> None:
    it = Setting([(0, -10), (1, -5), (0, 5), (1, 6), (0, 7)])
    page, before = it.tape.trades(limit=2)
    it.tape([Traded(trade("C", 60, 100), house_only=True)])
    rest, end = it.tape.trades(before=before, limit=100)
    assert page + rest == list(reversed(it.every))
    assert end is None


def test_the_past_of_other_markets_is_not_asked_for_without_need() -> None:
    it = Setting([(0, -10), (1, 5), (1, 6)])
    it.tape.trades(limit=1)
    it.tape.trades(min_ts=T0 + 6)
    assert it.asked == ["B"]
    it.tape.trades()
    assert sorted(it.asked) == list(NAMES)


@given(trades, st.integers(0, 4))
def test_history_that_was_loaded_before_it_was_needed_is_the_same(made: list[tuple[int, int]], steps: int) -> None:
    at_once, bit_by_bit = Setting(made), Setting(made)
    loading = bit_by_bit.tape.preload()
    for _ in range(steps):
        known = len(bit_by_bit.asked)
        next(loading, None)
        assert len(bit_by_bit.asked) <= known + 1
    found = bit_by_bit.pages(None, 3)
    assert found == at_once.pages(None, 100)
    assert list(loading) == [], "the rest was loaded by the one who needed it"
    assert sorted(bit_by_bit.asked) == list(NAMES)


def test_an_id_that_is_no_uuid_is_refused() -> None:
    it = Setting([])
    odd = Trade(
        trade_id="abc123", ticker="A", price=Micros(1), count=Hundredths(1), taker_side=BookSide.BID, time=START
    )  # fmt: skip
    with pytest.raises(ValueError, match="UUID"):
        it.tape([Traded(odd, house_only=True)])


def test_an_unknown_market_is_a_key_error() -> None:
    it = Setting([])
    with pytest.raises(KeyError):
        it.tape.trades("D")
