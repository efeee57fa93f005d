"""Histories hold what the exchange said last of each candle, the newest of them, and no more markets than they may."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from mesh.clock import ManualClock
from mesh.kalshi.rest.price_wire import Asks, Bids, Candle, Prints
from mesh.types import DOLLAR, Hundredths, Price
from tests.fakes.trading import NOON
from trader.scanning import histories
from trader.scanning.histories import POINTS, Histories, Point

CENT = 10_000
cents = st.none() | st.integers(1, 99).map(lambda price: price * CENT)
points = st.builds(Point, end_ts=st.integers(0, 40), yes_bid=cents, yes_ask=cents, price=cents)


def candle(point: Point) -> Candle:
    bid, ask = Price(point.yes_bid or 0), Price(DOLLAR if point.yes_ask is None else point.yes_ask)
    traded = None if point.price is None else Price(point.price)
    return Candle(
        end_ts=point.end_ts,
        bid=Bids(bid, bid, bid, bid),
        ask=Asks(ask, ask, ask, ask),
        trades=Prints(traded, traded, traded, traded, traded),
        volume=Hundredths(0 if traded is None else 100),
        open_interest=Hundredths(0),
    )


def keep(found: Histories, given_: Iterable[Point], ticker: str = "T") -> None:
    found.keep(ticker, [candle(point) for point in given_], step_seconds=60, kind="trade")


@given(batches=st.lists(st.lists(points, max_size=8), max_size=8))
def test_what_comes_later_is_right_and_times_rise(batches: list[list[Point]]) -> None:
    found = Histories(ManualClock(NOON))
    expected: dict[int, Point] = {}
    for batch in batches:
        keep(found, batch)
        expected |= {point.end_ts: point for point in batch}
    history = found.of("T")
    told = [] if history is None else history.points()
    assert told == [expected[end] for end in sorted(expected)]


def test_the_newest_points_are_kept() -> None:
    found = Histories(ManualClock(NOON))
    for start in (0, 400, 800):
        keep(found, [Point(end, CENT, None, None) for end in range(start, start + 400)])
    history = found.of("T")
    assert history is not None
    assert [point.end_ts for point in history.points()] == list(range(1200 - POINTS, 1200))


def test_the_markets_read_longest_ago_are_let_go() -> None:
    found = Histories(ManualClock(NOON))
    for number in range(histories.MARKETS):
        keep(found, [Point(1, CENT, None, None)], f"T{number}")
    keep(found, [Point(2, CENT, None, None)], "T0")
    keep(found, [Point(1, CENT, None, None)], "NEW")
    assert found.of("T1") is None
    assert found.of("T0") is not None
    assert found.of("NEW") is not None


def test_the_middle_needs_both_prices() -> None:
    found = Histories(ManualClock(NOON))
    candles = [candle(Point(1, 40 * CENT, 43 * CENT, None)), candle(Point(2, 40 * CENT, None, None))]
    found.keep("T", candles, step_seconds=60, kind="mid")
    history = found.of("T")
    assert history is not None
    assert [point.price for point in history.points()] == [415_000, None]
