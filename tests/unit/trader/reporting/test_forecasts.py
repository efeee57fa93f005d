from datetime import timedelta

import pytest

from mesh.types import Side
from tests.fakes.trading import NOON, signal
from trader.domain.entries import SignalSeen
from trader.domain.words import Confidence
from trader.reporting.forecasts import Forecasts, ForecastSums

HOUR = timedelta(hours=1)
CLUSTERS = {"KXA-E1-T1": "KXA 2026-11-23", "KXA-E2-T1": "KXA 2026-11-24"}


def seen(ticker: str, hour: int, current: float, mean: float, **changes: object) -> SignalSeen:
    facts = signal(
        abs(mean - current),
        side=Side.NO if mean < current else Side.YES,
        current=current,
        forecast_mean_cents=mean,
        last_candle_time=NOON + hour * HOUR,
        horizon_steps=2,
        **changes,
    )
    return SignalSeen(scan_id="s", ticker=ticker, series_ticker=ticker.partition("-")[0], signal=facts, wire=b"")


def judged(*entries: SignalSeen, settled: tuple[str, int, float] | None = None) -> Forecasts:
    sums = ForecastSums()
    for entry in entries:
        sums.signal(entry, counts=True)
    if settled is not None:
        sums.settled(settled[0], NOON + settled[1] * HOUR, settled[2])
    return sums.forecasts(CLUSTERS)


def test_a_forecast_is_judged_by_the_price_at_the_end_of_its_horizon() -> None:
    first = seen("KXA-E1-T1", 0, 45, 33)
    found = judged(first, seen("KXA-E1-T1", 1, 90, 95), seen("KXA-E1-T1", 2, 40, 30))
    assert found.total is not None
    assert (found.total.judged, found.total.right) == (1, 1)
    assert found.total.absolute_error_cents == pytest.approx(7)
    assert found.total.naive_absolute_error_cents == pytest.approx(5)
    assert found.total.signed_error_cents is not None
    assert found.total.signed_error_cents.mean == pytest.approx(-7)
    assert found.points == ((-12.0, -5.0),)
    assert found.groups[0].unjudged == 2


def test_a_price_that_comes_a_step_late_is_taken_and_a_later_one_is_not() -> None:
    first = seen("KXA-E1-T1", 0, 45, 33)
    assert judged(first, seen("KXA-E1-T1", 3, 40, 30)).points
    assert not judged(first, seen("KXA-E1-T1", 4, 40, 30)).points


def test_a_market_that_settled_before_the_end_of_the_horizon_is_what_it_settled_at() -> None:
    assert judged(seen("KXA-E1-T1", 0, 45, 33), settled=("KXA-E1-T1", 1, 100.0)).points == ((-12.0, 55.0),)
    assert not judged(seen("KXA-E1-T1", 0, 45, 33), settled=("KXA-E1-T1", 3, 100.0)).points


def test_scans_that_repeat_a_forecast_on_the_same_candle_count_it_once() -> None:
    found = judged(*[seen("KXA-E1-T1", 0, 45, 33)] * 3, seen("KXA-E1-T1", 2, 40, 30))
    assert (found.groups[0].rates.judged, found.groups[0].unjudged) == (1, 1)


def test_baselines_are_judged_on_the_same_forecasts() -> None:
    # Forecast down and it fell; forecast up below 50 and it rose; forecast down above 50 and it rose; nothing moved.
    found = judged(
        seen("KXA-E1-T1", 0, 45, 33),
        seen("KXA-E1-T1", 2, 40, 55),
        seen("KXA-E1-T1", 4, 60, 50),
        seen("KXA-E1-T1", 6, 70, 60),
        seen("KXA-E1-T1", 8, 70, 60),
    ).total
    assert found is not None
    assert (found.judged, found.right, found.right_down, found.right_by_price) == (4, 2, 1, 2)
    assert found.over_down is not None
    assert found.over_down.mean == pytest.approx(0.25)
    assert found.over_down.low is None  # one event is not enough data


def test_confidence_words_are_judged_each_by_itself() -> None:
    found = judged(
        seen("KXA-E1-T1", 0, 45, 33, confidence=Confidence.HIGH),
        seen("KXA-E1-T1", 2, 40, 30, confidence=Confidence.LOW),
        seen("KXA-E1-T1", 4, 60, 50, confidence=Confidence.LOW),
    ).by_confidence
    assert {word: (rates.judged, rates.right) for word, rates in found.items()} == {
        Confidence.LOW: (1, 0),
        Confidence.HIGH: (1, 1),
    }


def test_models_and_series_stand_apart() -> None:
    found = judged(seen("KXA-E1-T1", 0, 45, 33), seen("KXA-E1-T1", 0, 45, 30, weights_digest="f" * 64))
    assert [(group.series, group.model) for group in found.groups] == [("KXA", "f" * 64), ("KXA", "random-walk")]


def test_intervals_count_events_and_not_forecasts() -> None:
    sums = ForecastSums()
    clusters = {}
    for number in range(60):
        ticker = f"KXA-E{number}-T1"
        clusters[ticker] = f"KXA {number}"
        sums.signal(seen(ticker, 0, 45, 33), counts=True)
        sums.signal(seen(ticker, 2, 40 if number % 3 else 50, 30), counts=False)
    apart = sums.forecasts(clusters).total
    together = sums.forecasts(dict.fromkeys(clusters, "KXA day")).total
    assert apart is not None
    assert apart.hit_rate is not None
    assert apart.hit_rate.low is not None
    assert together is not None
    assert together.hit_rate is not None
    assert together.hit_rate.mean == apart.hit_rate.mean == pytest.approx(40 / 60)
    assert together.hit_rate.low is None


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_a_forecast_that_is_no_number_is_not_judged(odd: float) -> None:
    facts = signal(12.0, forecast_mean_cents=odd, last_candle_time=NOON, horizon_steps=2)
    first = SignalSeen(scan_id="s", ticker="KXA-E1-T1", series_ticker="KXA", signal=facts, wire=b"")
    found = judged(first, seen("KXA-E1-T1", 2, 40, 30))
    assert found.total is not None
    assert found.total.judged == 0
