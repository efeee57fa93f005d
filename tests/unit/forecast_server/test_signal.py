"""What a signal says can be computed again by hand from the path that came with it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from foremesh.forecast.v1 import forecast_service_pb2, signal_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_server.convert import add_signal_results
from forecast_server.models.base import ModelFacts, Paths
from forecast_server.models.random_walk import LEVELS, RandomWalk
from forecast_server.policy import ConfidenceRule, ExitRule, Policy, PolicyFile
from forecast_server.signal import bounded, digests_of, drop_probability, forecasts_of, judge, read_off, terms_of
from forecast_server.types import (
    BelowThreshold,
    Confidence,
    Degradation,
    Direction,
    Forecast,
    History,
    Purpose,
    Question,
    Ready,
    Signal,
    Verdict,
)

FACTS = replace(RandomWalk().load(), quantile_levels=(0.1, 0.5, 0.9))
POLICY = Policy(
    PolicyFile(
        version="test-1",
        exits=(
            ExitRule(
                asset="A", series_prefix="KXA", max_magnitude_cents=10.0, take_profit_cents=9.0, stop_loss_cents=2.0
            ),
            ExitRule(asset="Rest", series_prefix="", take_profit_cents=20.0, stop_loss_cents=5.0),
        ),
        confidence=(
            ConfidenceRule(
                asset="S", series_prefix="KXS", rule="quantile_share", medium=0.3, medium_high=0.6, high=1.0
            ),
            ConfidenceRule(asset="Rest", series_prefix="", rule="magnitude", medium=5.0, medium_high=10.0, high=20.0),
        ),
    ),
    "0" * 64,
)


def question(**fields: Any) -> Question:
    defaults: dict[str, Any] = {
        "horizon_steps": 2, "step": timedelta(hours=1), "purpose": Purpose.PAPER, "quantile_levels": (0.1, 0.5, 0.9)
    }  # fmt: skip
    return Question(**defaults | fields)


def item(current: float = 50.0, series: str = "KXHIGH", steps: int = 2, closes: Sequence[float] = (40, 41)) -> Ready:
    values = np.asarray(closes, dtype=np.float32)
    history = History(
        index=0, market_ticker=f"{series}-1", series_ticker=series, closes=values, current_price_cents=current
    )
    return Ready(
        history=history, series=values, horizon_steps=steps, data_age=None, interpolated_share=0.0, degraded=()
    )


def paths(mean: Sequence[float], end: Sequence[float] = (40.0, 60.0, 80.0)) -> Paths:
    """One series; every step has the quantiles of the end."""
    return Paths(np.asarray([mean], dtype=np.float32), np.asarray([[list(end)] * len(mean)], dtype=np.float32))


def verdicts_of(ready: Sequence[Ready], raw: Paths, asked: Question, facts: ModelFacts = FACTS) -> list[Verdict]:
    """Everything between a model's answer and the verdicts."""
    forecasts = forecasts_of(ready, digests_of(ready, asked, facts), bounded(raw), facts, asked.quantile_levels)
    return judge(forecasts, asked, POLICY, facts.quantile_levels)


def seen(raw: Paths, facts: ModelFacts, levels: Sequence[float]) -> Paths:
    """What a caller that asks for these levels is shown."""
    own = bounded(raw)
    return Paths(own.mean, read_off(own.quantiles, facts, levels))


def judged(given: Ready, forecast: Paths, **fields: Any) -> Any:
    (verdict,) = verdicts_of([given], forecast, question(**fields))
    return verdict


def written(verdicts: Sequence[Verdict]) -> list[signal_pb2.SignalResult]:
    """What a caller is sent."""
    batch = forecast_service_pb2.SignalBatch()
    outcomes = [(index, "KXHIGH-1", verdict) for index, verdict in enumerate(verdicts)]
    add_signal_results(batch.results, outcomes, terms_of(question(), FACTS, POLICY))
    return list(batch.results)


# The verdict


def test_a_signal_is_the_mean_of_the_path_against_the_current_price() -> None:
    signal = judged(item(current=50.0), paths([52.0, 60.0]))
    assert isinstance(signal, Signal)
    assert signal.direction is Direction.UP
    assert (signal.mean_cents, signal.forecast.mean[-1], signal.magnitude_cents) == (56.0, 60.0, 6.0)
    assert (signal.take_profit_cents, signal.stop_loss_cents) == (20.0, 5.0)
    assert signal.confidence is Confidence.MEDIUM
    assert signal.forecast.mean.tolist() == [52.0, 60.0]
    assert signal.forecast.quantiles.tolist() == [[40.0, 60.0, 80.0]] * 2
    terms = terms_of(question(), FACTS, POLICY)
    assert (terms.policy_version, terms.model) == ("test-1", FACTS.reference)


def test_a_fall_is_a_signal_down() -> None:
    signal = judged(item(current=50.0), paths([30.0, 20.0]))
    assert (signal.direction, signal.magnitude_cents, signal.confidence) == (Direction.DOWN, 25.0, Confidence.HIGH)


@pytest.mark.parametrize(
    ("mean", "minimum", "is_signal"),
    [
        (50.0, 0.0, False),
        (50.5, 0.0, True),
        (54.5, 5.0, False),
        (55.0, 5.0, True),
        (45.0, 5.0, True),
        (45.5, 5.0, False),
    ],
)  # fmt: skip
def test_the_smallest_magnitude_is_itself_a_signal(mean: float, minimum: float, is_signal: bool) -> None:
    verdict = judged(item(current=50.0), paths([mean, mean]), min_magnitude_cents=minimum)
    assert isinstance(verdict, Signal) == is_signal
    if isinstance(verdict, BelowThreshold):
        assert verdict.magnitude_cents == abs(mean - 50.0)
        assert verdict.forecast.mean.tolist() == [mean, mean]


def test_a_horizon_cut_at_the_close_uses_the_steps_before_it_only() -> None:
    signal = judged(item(current=50.0, steps=1), paths([52.0, 90.0]))
    assert (signal.mean_cents, signal.forecast.mean[-1]) == (52.0, 52.0)
    assert signal.forecast.mean.tolist() == [52.0]
    assert signal.forecast.quantiles.tolist() == [[40.0, 60.0, 80.0]]


def test_a_forecast_that_was_not_to_be_judged_is_given_raw() -> None:
    verdict = judged(item(), paths([52.0, 60.0]), signals=False)
    assert isinstance(verdict, Forecast)
    assert terms_of(question(signals=False), FACTS, POLICY).policy_version == ""


def test_the_series_and_the_magnitude_choose_the_exit_levels() -> None:
    small, large = judged(item(series="KXA"), paths([55.0] * 2)), judged(item(series="KXA"), paths([60.0] * 2))
    assert (small.take_profit_cents, small.stop_loss_cents) == (9.0, 2.0)
    assert (large.take_profit_cents, large.stop_loss_cents) == (20.0, 5.0)


@pytest.mark.parametrize(
    ("mean", "end", "confidence"),
    [
        (60.0, (40.0, 45.0, 49.0), Confidence.LOW),
        (60.0, (40.0, 50.0, 50.0), Confidence.LOW),  # equal to the current price is on neither side
        (60.0, (40.0, 45.0, 51.0), Confidence.MEDIUM),
        (60.0, (40.0, 51.0, 52.0), Confidence.MEDIUM_HIGH),
        (60.0, (51.0, 52.0, 53.0), Confidence.HIGH),
        (40.0, (40.0, 45.0, 49.0), Confidence.HIGH),
        (40.0, (40.0, 55.0, 59.0), Confidence.MEDIUM),
    ],
)
def test_confidence_can_be_the_share_of_quantiles_on_the_signals_side(
    mean: float, end: tuple[float, ...], confidence: Confidence
) -> None:
    assert judged(item(series="KXS"), paths([mean] * 2, end)).confidence is confidence


@pytest.mark.parametrize(
    ("mean", "confidence"),
    [(54.5, Confidence.LOW), (55.0, Confidence.MEDIUM), (60.0, Confidence.MEDIUM_HIGH), (69.5, Confidence.MEDIUM_HIGH),
     (70.0, Confidence.HIGH), (30.0, Confidence.HIGH)],
)  # fmt: skip
def test_confidence_can_be_the_magnitude(mean: float, confidence: Confidence) -> None:
    assert judged(item(), paths([mean] * 2)).confidence is confidence


# Drops


@pytest.mark.parametrize(
    ("drop", "lower", "upper"),
    [
        (10.0, 0.1, 0.1),  # exactly the lowest quantile, at 40
        (5.0, 0.2, 0.2),  # 45: a quarter of the way from 40 to 60 in price, from 0.1 to 0.5 in level
        (20.0, 0.0, 0.1),  # 30: below the lowest quantile, and no more is known
        (50.0, 0.0, 0.1),  # 0 is still a price
        (50.5, 0.0, 0.0),  # a price is never negative
    ],
)
def test_the_probability_of_a_drop_is_read_off_the_quantiles(drop: float, lower: float, upper: float) -> None:
    (found,) = judged(item(current=50.0), paths([56.0] * 2), drop_levels_cents=(drop,)).drops
    assert (found.cents, found.lower, found.upper) == (drop, pytest.approx(lower), pytest.approx(upper))


def test_a_drop_above_the_highest_quantile_is_bounded_from_below_only() -> None:
    end = np.array([10, 20, 30], dtype=np.float32)
    for target, lower in ((30.0, 0.9), (49.0, 0.9)):
        found = drop_probability(end, (0.1, 0.5, 0.9), 50.0, 50.0 - target)
        assert (found.lower, found.upper) == (lower, 1.0)


def test_a_jump_of_the_distribution_counts_as_reached() -> None:
    end = np.array([20, 40, 40, 60], dtype=np.float32)
    found = drop_probability(end, (0.1, 0.4, 0.6, 0.9), 50.0, 10.0)
    assert found.lower == found.upper == pytest.approx(0.6)
    flat = drop_probability(np.full(4, 40, dtype=np.float32), (0.1, 0.4, 0.6, 0.9), 50.0, 10.0)
    assert (flat.lower, flat.upper) == (0.9, 1.0)


CENTS = st.floats(0, 100, width=32)


@settings(deadline=None)
@given(
    st.lists(CENTS, min_size=9, max_size=9).map(sorted), st.floats(0, 100), st.lists(st.floats(0.01, 100), min_size=2)
)
def test_a_larger_drop_is_never_more_probable(end: list[float], current: float, drops: list[float]) -> None:
    values = np.asarray(end, dtype=np.float32)
    found = [drop_probability(values, LEVELS, current, drop) for drop in sorted(drops)]
    for one in found:
        assert 0 <= one.lower <= one.upper <= 1
    for nearer, farther in pairwise(found):
        assert farther.lower <= nearer.lower + 1e-12
        assert farther.upper <= nearer.upper + 1e-12


# Bounds

WIDE = st.floats(-1e6, 1e6, width=32)
WANTED = st.lists(st.floats(0.1, 0.9), min_size=1, max_size=12, unique=True).map(sorted)
NINE = replace(FACTS, quantile_levels=LEVELS)


# Interpolating in float32 breaks the order by a rounding step, such as 25.0 and then 24.999998.
@settings(deadline=None)
@given(st.lists(st.lists(WIDE, min_size=9, max_size=9), min_size=1, max_size=6), WANTED)
def test_quantiles_come_out_ordered_and_within_the_dollar(quantiles: list[list[float]], levels: list[float]) -> None:
    raw = np.asarray([quantiles], dtype=np.float32)
    found = seen(Paths(raw[:, :, 4], raw), NINE, levels)
    assert found.quantiles.shape == (1, len(quantiles), len(levels))
    for values in (found.mean, found.quantiles):
        assert values.min() >= 0
        assert values.max() <= 100
    assert (np.diff(found.quantiles, axis=2) >= 0).all()


@settings(deadline=None)
@given(st.lists(CENTS, min_size=9, max_size=9).map(sorted))
def test_the_models_own_levels_are_given_as_they_are(quantiles: list[float]) -> None:
    raw = np.asarray([[quantiles]], dtype=np.float32)
    found = seen(Paths(raw[:, :, 4], raw), NINE, LEVELS)
    assert not terms_of(question(quantile_levels=LEVELS), NINE, POLICY).degraded
    assert found.quantiles.tobytes() == raw.tobytes()
    for place, level in enumerate(LEVELS):
        one = seen(Paths(raw[:, :, 4], raw), NINE, (level,))
        assert not terms_of(question(quantile_levels=(level,)), NINE, POLICY).degraded
        assert one.quantiles[0, 0, 0] == pytest.approx(raw[0, 0, place], abs=1e-4)


def test_levels_between_are_interpolated_and_say_so() -> None:
    raw = paths([50.0], (40.0, 60.0, 80.0))
    found = seen(raw, FACTS, (0.1, 0.2, 0.7, 0.9))
    assert found.quantiles[0, 0].tolist() == pytest.approx([40, 45, 70, 80], abs=1e-4)
    terms = terms_of(question(quantile_levels=(0.2, 0.7)), FACTS, POLICY)
    assert (terms.degraded, terms.levels) == ((Degradation.QUANTILES_INTERPOLATED,), (0.2, 0.7))


def test_crossed_quantiles_are_put_in_order() -> None:
    found = seen(paths([50.0], (80.0, -5.0, 140.0)), FACTS, (0.1, 0.5, 0.9))
    assert found.quantiles[0, 0].tolist() == [0, 80, 100]


@pytest.mark.parametrize("dtype", [np.float64, np.dtype(">f4"), np.float16])
def test_whatever_numbers_a_model_answers_with_they_leave_as_the_contract_says(dtype: Any) -> None:
    raw = paths([52.0, 60.0])
    answered = Paths(raw.mean.astype(dtype), raw.quantiles.astype(dtype))
    verdicts = verdicts_of([item()], answered, question())
    assert written(verdicts) == written(verdicts_of([item()], raw, question()))
    assert written(verdicts)[0].signal.path.mean_cents == [52.0, 60.0]


# Provenance


def digest(given: Ready, facts: ModelFacts = FACTS, **fields: Any) -> str:
    (verdict,) = verdicts_of([given], paths([56.0] * 2), question(**fields), facts)
    assert isinstance(verdict, Signal)
    return verdict.forecast.digest


def test_equal_inputs_have_equal_digests_and_whatever_decides_a_forecast_changes_them() -> None:
    same = digest(item(current=50.0))
    assert len(same) == 32
    assert same == digest(item(current=20.0, series="KXS")), "price and series decide the signal, not the forecast"
    different = [
        digest(item(closes=(40, 42))),
        digest(item(closes=(40, 41, 41))),
        digest(item(steps=1)),
        digest(item(), step=timedelta(minutes=1)),
        digest(item(), quantile_levels=(0.1, 0.5)),
        digest(item(), replace(FACTS, weights_digest="f" * 64)),
        digest(item(), replace(FACTS, precision="bfloat16")),
        digest(item(), replace(FACTS, name="other")),
    ]
    assert len({same, *different}) == 1 + len(different)


@settings(deadline=None)
@given(st.lists(st.tuples(CENTS, st.integers(1, 3), st.sampled_from(["KXA", "KXS", "KXZ"])), min_size=1, max_size=6))
def test_a_verdict_is_the_same_alone_and_in_any_company(rows: list[tuple[float, int, str]]) -> None:
    ready = [item(current, series, steps) for current, steps, series in rows]
    generator = np.random.default_rng(len(rows))
    mean = generator.uniform(0, 100, (len(rows), 3)).astype(np.float32)
    quantiles = np.sort(generator.uniform(0, 100, (len(rows), 3, 3)), axis=2).astype(np.float32)
    asked = question(horizon_steps=3, drop_levels_cents=(5.0, 20.0), quantile_levels=(0.2, 0.5, 0.8))
    together = verdicts_of(ready, Paths(mean, quantiles), asked)
    for place, one in enumerate(ready):
        part = slice(place, place + 1)
        alone = verdicts_of([one], Paths(mean[part], quantiles[part]), asked)
        assert written(alone) == written([together[place]])


# What is shown changes nothing of what is said


@pytest.mark.parametrize("levels", [(0.1, 0.5, 0.9), (0.1, 0.9), (0.5,), (0.1,), (0.9,), (0.2, 0.3)])
def test_confidence_and_probabilities_do_not_depend_on_the_levels_that_are_shown(levels: tuple[float, ...]) -> None:
    given, forecast = item(current=50.0, series="KXS"), paths([56.0] * 2)
    whole = judged(given, forecast, drop_levels_cents=(1.0, 8.0))
    shown = judged(given, forecast, drop_levels_cents=(1.0, 8.0), quantile_levels=levels)
    assert (shown.confidence, shown.drops) == (whole.confidence, whole.drops)
    assert shown.forecast.quantiles.shape == (2, len(levels))
