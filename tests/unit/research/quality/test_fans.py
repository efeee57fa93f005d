"""What a model said, kept between asking and judging."""

from pathlib import Path

import numpy as np
import pytest

from mesh.errors import NotReady
from research.quality.fans import Fans
from research.types import Answers, Fan, RecordedEvent, Unsaid
from tests.fakes.forecast_fans import days

LEVELS = (0.1, 0.5, 0.9)


def answers(one: RecordedEvent, levels: tuple[float, ...] = LEVELS, steps: int = 2) -> Answers:
    """Say something at every other candle: the price is the candle's number in the event, give or take a cent."""
    keys = [(market.terms.ticker, end) for market in one.markets for end in market.decisions.ends.tolist()]
    said: dict[tuple[str, int], Unsaid] = {}
    for place, key in enumerate(keys):
        path = np.full(steps, place, np.float32)
        spread = path[:, None] + np.linspace(-1, 1, len(levels), dtype=np.float32)
        fan = Fan(path_cents=path, quantiles_cents=spread, levels=levels, model="m@0", input_digest="")
        said[key] = Unsaid("below_threshold", fan) if place % 2 else Unsaid("too_short")
    return said


def test_what_was_said_comes_back_in_the_order_of_events_and_questions(tmp_path: Path) -> None:
    events = days(2, candles=4)
    with Fans(tmp_path / "fans", 3) as fans:
        fans.put(events[0], {key: Unsaid("too_short") for key in answers(events[0])})
        fans.put(events[1], answers(events[1]))
        nothing, some = fans.read()
        assert (fans.events, fans.forecasts, fans.levels, fans.model) == (2, 4, LEVELS, "m@0")
        assert next(fans.read()).shape == nothing.shape
    assert nothing.shape == some.shape == (8, 3, 4)
    assert np.isnan(nothing).all()
    assert np.isnan(some[::2]).all()
    assert np.isnan(some[:, 2]).all()  # the path is a step shorter than the horizon
    np.testing.assert_array_equal(some[3, :2], [[3, 2, 3, 4]] * 2)


def test_a_path_beyond_the_horizon_is_cut(tmp_path: Path) -> None:
    (one,) = days(1, candles=4)
    with Fans(tmp_path / "fans", 1) as fans:
        fans.put(one, answers(one))
        assert next(fans.read()).shape == (8, 1, 4)


def test_other_quantiles_than_before_are_refused(tmp_path: Path) -> None:
    events = days(2, candles=4)
    with Fans(tmp_path / "fans", 2) as fans:
        fans.put(events[0], answers(events[0]))
        with pytest.raises(NotReady) as caught:
            fans.put(events[1], answers(events[1], (0.25, 0.5, 0.75)))
    assert caught.value.reason == "LEVELS_DIFFER"
