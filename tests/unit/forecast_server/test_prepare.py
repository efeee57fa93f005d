"""From what arrived to what a model can take: nothing invented, everything said."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_server.prepare import prepare
from forecast_server.types import Degradation, History, NoForecast, NoForecastReason, Purpose, Question, Ready, Rejected

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAN, INFINITY = float("nan"), float("inf")


def history(*closes: float, index: int = 0, **fields: Any) -> History:
    values = np.asarray(closes, dtype=np.float32)
    return History(
        index=index,
        market_ticker="KXHIGHNY-1",
        series_ticker="KXHIGHNY",
        closes=values,
        current_price_cents=50.0,
        **{"last_candle_time": NOW, **fields},
    )


def shaped(
    *histories: History,
    horizon_steps: int = 6,
    step: timedelta = HOUR,
    min_points: int = 3,
    max_points: int = 512,
    max_data_age: timedelta | None = None,
) -> list[Ready | NoForecast | Rejected]:
    asked = Question(
        horizon_steps=horizon_steps,
        step=step,
        purpose=Purpose.PAPER,
        quantile_levels=(0.1, 0.9),
        max_data_age=max_data_age,
    )
    return prepare(histories, asked, min_points=min_points, max_points=max_points, now=NOW)


def ready(*closes: float, max_points: int = 512, horizon_steps: int = 6, **fields: Any) -> Ready:
    (found,) = shaped(history(*closes, **fields), max_points=max_points, horizon_steps=horizon_steps)
    assert isinstance(found, Ready), found
    return found


def test_a_whole_history_is_taken_as_it_is() -> None:
    found = ready(40, 41, 42)
    assert found.series.tolist() == [40, 41, 42]
    assert (found.horizon_steps, found.data_age, found.interpolated_share) == (6, timedelta(0), 0.0)
    assert found.degraded == ()


@pytest.mark.parametrize(
    ("closes", "reason"),
    [
        ((), NoForecastReason.TOO_SHORT),
        ((40,), NoForecastReason.TOO_SHORT),
        ((40, 41), NoForecastReason.TOO_SHORT),
        ((NAN, NAN), NoForecastReason.TOO_SHORT),
        ((NAN, NAN, NAN), NoForecastReason.NO_FINITE_POINT),
        ((40, NAN, NAN, 41), NoForecastReason.NO_FINITE_POINT),
        ((40, 40, 40), NoForecastReason.CONSTANT),
        ((40, NAN, 40, 40), NoForecastReason.CONSTANT),
        ((0, 0, 0, 0), NoForecastReason.CONSTANT),
        ((100, 100, 100), NoForecastReason.CONSTANT),
    ],
)
def test_a_history_that_says_nothing_has_no_forecast_and_a_reason(
    closes: tuple[float, ...], reason: NoForecastReason
) -> None:
    assert shaped(history(*closes)) == [NoForecast(reason)]


@pytest.mark.parametrize(
    ("closes", "fields"),
    [
        ((40, 41, 101), ["closes_cents[2]"]),
        ((-0.001, 41, 42), ["closes_cents[0]"]),
        ((40, INFINITY, 42), ["closes_cents[1]"]),
        ((40, -INFINITY, NAN, 200), ["closes_cents[1]", "closes_cents[3]"]),
        ((200,), ["closes_cents[0]"]),
        ((200,) * 20, [f"closes_cents[{place}]" for place in range(8)]),
    ],
)
def test_what_is_neither_a_price_nor_a_gap_is_rejected_by_place(closes: tuple[float, ...], fields: list[str]) -> None:
    (found,) = shaped(history(*closes))
    assert isinstance(found, Rejected)
    assert [problem.field for problem in found.problems] == fields
    assert all("within 0 and 100" in problem.description for problem in found.problems)


def test_the_ends_of_the_range_are_prices() -> None:
    assert ready(0, 100, 0).series.tolist() == [0, 100, 0]


def test_gaps_inside_are_interpolated_and_counted() -> None:
    found = ready(40, NAN, NAN, 46, 50)
    assert found.series.tolist() == [40, 42, 44, 46, 50]
    assert found.interpolated_share == pytest.approx(2 / 5)
    assert found.degraded == (Degradation.INTERPOLATED,)


def test_gaps_at_the_end_carry_the_last_price_forward() -> None:
    found = ready(40, 41, 42, NAN)
    assert found.series.tolist() == [40, 41, 42, 42]
    assert found.interpolated_share == pytest.approx(1 / 4)


def test_gaps_before_the_first_price_are_dropped_not_invented() -> None:
    found = ready(NAN, NAN, 40, 41, 42)
    assert found.series.tolist() == [40, 41, 42]
    assert found.interpolated_share == 0.0
    assert found.degraded == ()


def test_the_oldest_points_are_cut_to_the_context() -> None:
    found = ready(1, 2, 3, 4, 5, max_points=3)
    assert found.series.tolist() == [3, 4, 5]
    assert found.degraded == (Degradation.HISTORY_CUT,)
    assert ready(1, 2, 3, max_points=3).degraded == ()


def test_a_history_that_is_constant_within_the_context_is_constant() -> None:
    assert shaped(history(1, 2, 5, 5, 5), max_points=3) == [NoForecast(NoForecastReason.CONSTANT)]
    assert shaped(history(1, 2, 3, NAN, NAN), max_points=3) == [NoForecast(NoForecastReason.NO_FINITE_POINT)]


def test_a_wrong_point_outside_the_context_is_still_said() -> None:
    (found,) = shaped(history(500, 1, 2, 3), max_points=3)
    assert isinstance(found, Rejected)


@pytest.mark.parametrize(
    ("closes_in", "steps", "degraded"),
    [
        (timedelta(hours=6), 6, ()),
        (timedelta(days=9), 6, ()),
        (timedelta(hours=5, minutes=59), 5, (Degradation.HORIZON_CUT,)),
        (timedelta(hours=1), 1, (Degradation.HORIZON_CUT,)),
    ],
)
def test_the_horizon_ends_at_the_close(closes_in: timedelta, steps: int, degraded: tuple[Degradation, ...]) -> None:
    found = ready(40, 41, 42, close_time=NOW + closes_in)
    assert (found.horizon_steps, found.degraded) == (steps, degraded)


@pytest.mark.parametrize("closes_in", [timedelta(minutes=59), timedelta(0), timedelta(hours=-1), timedelta(days=-9999)])
def test_a_market_that_closes_before_the_first_step_has_no_forecast(closes_in: timedelta) -> None:
    assert shaped(history(40, 41, 42, close_time=NOW + closes_in)) == [
        NoForecast(NoForecastReason.CLOSES_BEFORE_FIRST_STEP)
    ]


def test_the_steps_to_the_close_are_counted_from_the_last_candle() -> None:
    old = NOW - timedelta(hours=2)
    assert ready(40, 41, 42, last_candle_time=old, close_time=NOW + HOUR).horizon_steps == 3
    assert ready(40, 41, 42, last_candle_time=None, close_time=NOW + HOUR).horizon_steps == 1


def test_old_data_and_data_of_unknown_age_say_so() -> None:
    assert ready(40, 41, 42, last_candle_time=None).degraded == (Degradation.AGE_UNKNOWN,)
    assert ready(40, 41, 42, last_candle_time=None).data_age is None
    assert ready(40, 41, 42, last_candle_time=NOW - 2 * HOUR).degraded == ()
    late = ready(40, 41, 42, last_candle_time=NOW - 2 * HOUR - timedelta(microseconds=1))
    assert late.degraded == (Degradation.STALE,)
    assert late.data_age == 2 * HOUR + timedelta(microseconds=1)


def test_everything_that_made_an_answer_less_is_listed() -> None:
    found = ready(1, 40, NAN, 42, 44, max_points=4, last_candle_time=NOW - 5 * HOUR, close_time=NOW - 2 * HOUR)
    assert found.horizon_steps == 3
    assert set(found.degraded) == {
        Degradation.HISTORY_CUT, Degradation.INTERPOLATED, Degradation.HORIZON_CUT, Degradation.STALE
    }  # fmt: skip


def test_nothing_is_prepared_of_nothing() -> None:
    assert shaped() == []


POINTS = st.one_of(st.floats(0, 100, width=32), st.just(NAN), st.floats(width=32))
CLOSES = st.lists(POINTS, max_size=30)


def facts(found: Ready | NoForecast | Rejected) -> object:
    """Comparable without arrays."""
    if isinstance(found, Ready):
        return (found.series.tobytes(), found.horizon_steps, found.interpolated_share, found.degraded)
    return found


@settings(deadline=None)
@given(st.lists(CLOSES, max_size=8), st.permutations(range(8)))
def test_a_history_is_shaped_the_same_alone_and_in_any_company(
    batch: Sequence[Sequence[float]], order: Sequence[int]
) -> None:
    histories = [history(*closes, index=place) for place, closes in enumerate(batch)]
    alone = [facts(shaped(one, max_points=20)[0]) for one in histories]
    assert [facts(found) for found in shaped(*histories, max_points=20)] == alone
    places = [place for place in order if place < len(histories)]
    shuffled = shaped(*(histories[place] for place in places), max_points=20)
    assert [facts(found) for found in shuffled] == [alone[place] for place in places]


@settings(deadline=None)
@given(CLOSES)
def test_what_a_model_is_given_is_finite_in_range_and_moves(closes: Sequence[float]) -> None:
    (found,) = shaped(history(*closes), max_points=10)
    if not isinstance(found, Ready):
        return
    assert 3 <= len(found.series) <= 10
    assert found.series.dtype == np.float32
    assert np.isfinite(found.series).all()
    assert found.series.min() >= 0
    assert found.series.max() <= 100
    assert found.series.min() < found.series.max()
    known = [value for value in closes[-10:] if not np.isnan(value)]
    assert found.series.min() >= np.float32(min(known))
    assert found.series.max() <= np.float32(max(known))


@settings(deadline=None)
@given(CLOSES)
def test_the_callers_array_is_not_changed(closes: Sequence[float]) -> None:
    original = history(*closes)
    copy = replace(original, closes=original.closes.copy())
    shaped(original, max_points=10)
    assert original.closes.tobytes() == copy.closes.tobytes()


def test_a_candle_that_has_not_ended_yet_is_rejected_unless_two_clocks_explain_it() -> None:
    (found,) = shaped(history(40, 41, 42, last_candle_time=NOW + timedelta(hours=2)))
    assert isinstance(found, Rejected)
    assert [problem.field for problem in found.problems] == ["last_candle_time"]
    assert ready(40, 41, 42, last_candle_time=NOW + timedelta(seconds=5)).data_age == timedelta(0)


# What a model or a caller asks for


@pytest.mark.parametrize(("points", "enough"), [(7, False), (8, True)])
def test_a_model_that_needs_more_points_gets_no_shorter_histories(points: int, enough: bool) -> None:
    closes = [40.0 + point for point in range(points)]
    (plain,) = shaped(history(*closes), min_points=8)
    (gappy,) = shaped(history(*closes, *[NAN] * 20), min_points=8)
    assert isinstance(plain, Ready) is isinstance(gappy, Ready) is enough
    if not enough:
        assert plain == NoForecast(NoForecastReason.TOO_SHORT)
        assert gappy == NoForecast(NoForecastReason.NO_FINITE_POINT)


@pytest.mark.parametrize(("minutes", "fresh"), [(89, True), (90, True), (91, False)])
def test_data_older_than_the_caller_wants_is_not_forecast(minutes: int, fresh: bool) -> None:
    old = history(40, 41, 42, last_candle_time=NOW - timedelta(minutes=minutes))
    (found,) = shaped(old, max_data_age=timedelta(minutes=90))
    assert isinstance(found, Ready) is fresh
    assert fresh or found == NoForecast(NoForecastReason.STALE)
    assert isinstance(shaped(old)[0], Ready), "who sets no limit gets a forecast of any data"
    (unknown,) = shaped(history(40, 41, 42, last_candle_time=None), max_data_age=timedelta(minutes=90))
    assert isinstance(unknown, Ready)
    assert Degradation.AGE_UNKNOWN in unknown.degraded


def test_a_gap_across_the_cut_is_filled_with_what_was_known_before_it_and_counted() -> None:
    closes = [float(40 + place % 7) for place in range(20)]
    closes[8:12] = [NAN] * 4
    (cut,) = shaped(history(*closes), max_points=10)
    (whole,) = shaped(history(*closes))
    assert isinstance(cut, Ready)
    assert isinstance(whole, Ready)
    assert np.array_equal(cut.series, whole.series[-10:])
    assert cut.interpolated_share == pytest.approx(0.2)
    assert set(cut.degraded) == {Degradation.HISTORY_CUT, Degradation.INTERPOLATED}


def test_a_history_gets_the_same_answer_alone_and_among_others() -> None:
    mixed = [(), (40, 41, 42), (NAN, NAN), (40, INFINITY, 42), (NAN, 40, NAN, 44, 45), (7, 7, 7), (101,), (-1, NAN, 3)]
    together = shaped(*(history(*closes, index=place) for place, closes in enumerate(mixed)))
    alone = [one for place, closes in enumerate(mixed) for one in shaped(history(*closes, index=place))]
    for one, other in zip(together, alone, strict=True):
        if isinstance(one, Ready) and isinstance(other, Ready):
            assert one.series.tolist() == other.series.tolist()
            assert (one.interpolated_share, one.degraded) == (other.interpolated_share, other.degraded)
        else:
            assert one == other
