"""The picture of a market: it shows what there is, keeps its size, and takes whatever a message may hold."""

import re
from datetime import timedelta

import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.market.v1 import market_pb2
from foremesh.trader.v1 import decisions_pb2, market_view_pb2, orders_pb2, positions_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from console.market_overlay import overlay
from tests.fakes.market_views import HOUR, NOW, cases, history, instant, view

SIZES = [(58, 12), (118, 30), (40, 9), (16, 4)]


def lines(drawn: market_view_pb2.MarketView, width: int = 118, height: int = 30) -> list[str]:
    return overlay(drawn, width, height, colour=False).plain.split("\n")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", cases())
def test_every_picture_has_its_size_with_and_without_colour(name: str, size: tuple[int, int]) -> None:
    width, height = size
    plain = overlay(cases()[name], width, height, colour=False)
    coloured = overlay(cases()[name], width, height, colour=True)
    assert coloured.plain == plain.plain
    assert not plain.spans
    assert not plain.style
    assert coloured.spans
    assert len(plain.split("\n")) <= height
    assert all(line.cell_len <= width for line in plain.split("\n"))


def test_the_usual_picture_names_what_is_drawn() -> None:
    found = lines(view())
    assert found[0] == "NY high 41-42, YES price, 6h ahead"
    text = "\n".join(found)
    for word in ("mean 53c", "90 %", "10 %", "in 41", "stop 38", "target 61", "now", "+2h", "9pm", "noon", "Nov 23"):
        assert word in text, word
    assert "faint: past forecasts" in found[-1]
    # NO bought at 41 is YES at 59: the level lies right below the mark of 60.
    (entry,) = [place for place, line in enumerate(found[:-1]) if "in 41" in line]
    (sixty,) = [place for place, line in enumerate(found) if line.startswith(" 60┤")]
    assert entry in (sixty, sixty + 1)


def test_a_gap_stays_a_gap() -> None:
    drawn = view(history(gaps=True), forecast=False, held=False)
    rows = lines(drawn)[1:-2]
    whole = lines(view(forecast=False, held=False))[1:-2]
    empty = [column for column in range(4, 100) if all(len(row) <= column or row[column] == " " for row in rows)]
    filled = [column for column in range(4, 100) if all(len(row) <= column or row[column] == " " for row in whole)]
    runs = re.findall("x+", "".join("x" if column in empty else "." for column in range(100)))
    usual = re.findall("x+", "".join("x" if column in filled else "." for column in range(100)))
    assert max(map(len, runs)) > max(map(len, usual), default=0) + 10


def test_without_a_forecast_the_reason_stands_above_and_the_last_one_is_a_past_one() -> None:
    drawn = view()
    drawn.scan_outcome, drawn.scan_reason = decisions_pb2.SCAN_OUTCOME_NO_SIGNAL, "below_threshold"
    text = "\n".join(lines(drawn))
    assert "no forecast: below threshold" in text
    assert "mean" not in text
    assert "faint: past forecasts" in text


def test_a_forecast_that_nobody_acts_on_any_more_says_so() -> None:
    drawn = view()
    drawn.signal.useful_until_time.CopyFrom(instant(NOW - timedelta(seconds=1)))
    assert lines(drawn)[0].endswith("6h ahead FORECAST STALE")


def test_a_long_name_gives_way_to_the_rest() -> None:
    drawn = view()
    drawn.title = "Will the high temperature in New York be \x1b[2J between 41 and 42 degrees on Monday?"
    first = lines(drawn, 58, 12)[0]
    assert len(first) == 58
    assert first.endswith("…, YES price, 6h ahead")
    assert "\x1b" not in "\n".join(lines(drawn))


def test_a_level_far_off_does_not_press_the_rest_flat() -> None:
    drawn = view(history(constant=True), forecast=False, held=False)
    drawn.position.CopyFrom(
        positions_pb2.Position(
            side=market_pb2.CONTRACT_SIDE_NO,
            mean_entry_price_cents=50,
            plan=positions_pb2.ExitPlan(take_profit_price_micros=990_000),
        )
    )
    found = lines(drawn)
    assert "target 99" in found[-1]
    assert not any("target" in line for line in found[:-1])


def test_hours_stay_hours_when_clocks_change() -> None:
    drawn = view(held=False)
    shift = NOW.replace(month=11, day=1) - NOW  # the night in which New York sets its clocks back
    for time in (drawn.view_time, drawn.signal.last_candle_time, *(each.end_time for each in drawn.history.points)):
        time.FromDatetime(time.ToDatetime() + shift)
    axis = lines(drawn)[-2]
    assert re.search(r"9pm +Nov 1 +3am +6am +9am +noon", axis), axis


def test_one_candle_and_no_step_is_drawn() -> None:
    drawn = market_view_pb2.MarketView(view_time=instant(NOW), market_ticker="T")
    drawn.history.points.add(end_time=instant(NOW - HOUR), yes_bid_micros=500_000)
    assert any("⠂" in line or "⠄" in line or "⡀" in line or "⠁" in line or "⠐" in line for line in lines(drawn))


whole = st.integers(-(2**62), 2**62)
stamps = st.builds(Timestamp, seconds=whole | st.integers(1_700_000_000, 1_900_000_000), nanos=st.integers(-9, 10**9))
spans = st.builds(Duration, seconds=whole | st.integers(-1, 90_000), nanos=st.integers(-(10**9), 10**9))
numbers = st.floats() | st.floats(-1, 101)
micros = st.none() | whole | st.integers(0, 1_000_000)
signals = st.builds(
    decisions_pb2.ScanSignal,
    signal=st.builds(
        signal_pb2.Signal,
        current_price_cents=numbers,
        path=st.builds(
            forecast_pb2.ForecastPath,
            mean_cents=st.lists(st.floats(width=32) | st.floats(0, 100, width=32), max_size=4),
            quantile_levels=st.lists(numbers, max_size=3) | st.just([0.1, 0.9]),
            quantiles_cents=st.lists(st.floats(0, 100, width=32), max_size=8),
        ),
    ),
    last_candle_time=stamps,
    step=spans,
    useful_until_time=stamps,
)
plans = st.builds(positions_pb2.ExitPlan, take_profit_price_micros=micros, stop_loss_price_micros=micros)
views = st.builds(
    market_view_pb2.MarketView,
    market_ticker=st.text(max_size=9),
    title=st.text(max_size=60),
    view_time=stamps,
    position=st.none()
    | st.builds(positions_pb2.Position, side=st.integers(0, 2), mean_entry_price_cents=numbers, plan=plans),
    orders=st.lists(st.just(orders_pb2.Order()), max_size=1),
    history=st.builds(
        market_view_pb2.PriceHistory,
        step=spans,
        points=st.lists(
            st.builds(market_view_pb2.HistoryPoint, end_time=stamps, yes_bid_micros=micros, yes_ask_micros=micros),
            max_size=5,
        ),
    ),
    signal=st.none() | signals,
    earlier_signals=st.lists(signals, max_size=2),
    decision=st.builds(
        decisions_pb2.Decision,
        outcome=st.integers(0, 2),
        plan=st.builds(decisions_pb2.EntryPlan, limit_price_micros=whole, exit=plans),
    ),
    scan_outcome=st.integers(0, 6),
    scan_reason=st.text(max_size=9),
)


@settings(max_examples=600, deadline=None)
@given(drawn=views, width=st.integers(-1, 130), height=st.integers(-1, 40), colour=st.booleans())
def test_no_message_breaks_it_or_makes_it_larger(
    drawn: market_view_pb2.MarketView, width: int, height: int, *, colour: bool
) -> None:
    found = overlay(drawn, width, height, colour=colour)
    rows = list(found.split("\n")) if found.plain else []
    assert len(rows) <= max(0, height)
    assert all(row.cell_len <= width for row in rows)
