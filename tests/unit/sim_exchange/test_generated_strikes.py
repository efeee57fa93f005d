"""Exactly one question of an event is answered yes, and fair prices know which."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_exchange.sources.generated.arrays import microseconds, normal_cdf
from sim_exchange.sources.generated.calendar import occasions
from sim_exchange.sources.generated.config import FEWEST_MARKETS, SeriesConfig
from sim_exchange.sources.generated.profiles import PROFILES, configured
from sim_exchange.sources.generated.strikes import strikes
from sim_exchange.sources.generated.world import World

SERIES = st.sampled_from(sorted(PROFILES))


@given(
    series=SERIES,
    expected=st.floats(0.5, 120_000),
    value=st.decimals(-50, 150_000, places=2),
    markets=st.integers(3, 60),
)
def test_every_number_has_one_answer(series: str, expected: float, value: Decimal, markets: int) -> None:
    profile = configured(SeriesConfig(ticker=series, markets=max(markets, FEWEST_MARKETS)))  # type: ignore[arg-type]
    number = value.to_integral_value() if profile.climate is not None else value
    found = strikes(profile, expected)
    assert sum(strike.holds(number) for strike in found.strikes) == 1
    assert len({strike.suffix for strike in found.strikes}) == markets == len(found.edges) + 1
    # The edges part the numbers as the questions do.
    place = int(np.searchsorted(np.array(found.edges), float(number), side="right"))
    assert found.strikes[place].holds(number)


@settings(max_examples=12, deadline=None)
@given(series=SERIES, seed=st.integers(0, 2**62), day=st.integers(0, 700))
def test_fair_prices_are_probabilities_and_end_at_the_result(series: str, seed: int, day: int) -> None:
    world = World(seed, pauses=True, cached_events=4)
    profile = PROFILES[series]  # type: ignore[index]
    start = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    event = world.occurrence(profile, next(occasions(series, profile.times, start, start)))
    opens, closes = microseconds(event.occasion.opens), microseconds(event.occasion.closes)
    at = np.linspace(opens, closes, 40).astype(np.int64)
    below = event.underlying.below(np.array(event.strikes.edges), at)
    assert below.min() >= 0
    assert below.max() <= 1
    assert np.diff(below, axis=0).min() >= -1e-9
    fair = np.diff(np.vstack((np.zeros(40), below, np.ones(40))), axis=0)[:, -1]
    assert [result.value for result in event.results].count("yes") == 1
    won = [result.value for result in event.results].index("yes")
    assert fair[won] > 0.98
    assert event.strikes.strikes[won].holds(Decimal(event.underlying.value_text))


@pytest.mark.parametrize(("series", "events"), [("KXHIGHNY", 150), ("KXETH", 150)])
def test_fair_prices_are_as_often_right_as_they_say(series: str, events: int) -> None:
    world = World(3, pauses=True, cached_events=4)
    profile = PROFILES[series]  # type: ignore[index]
    start = datetime(2025, 2, 1, tzinfo=UTC)
    chances, won = [], []
    some = occasions(series, profile.times, start, start + timedelta(days=400))
    for _, occasion in zip(range(events), some, strict=False):
        event = world.occurrence(profile, occasion)
        half = microseconds(occasion.opens + (occasion.closes - occasion.opens) / 2)
        below = event.underlying.below(np.array(event.strikes.edges), np.array([half]))[:, 0]
        chances.append(np.diff(np.concatenate(([0.0], below, [1.0]))))
        won.append(np.array([result.value == "yes" for result in event.results]))
    chance, outcome = np.concatenate(chances), np.concatenate(won)
    for low, high in ((0.03, 0.2), (0.2, 0.97)):
        here = (chance >= low) & (chance < high)
        count = int(here.sum())
        assert count >= 100
        deviation = float(np.sqrt((chance[here] * (1 - chance[here])).sum()))
        assert abs(float((outcome[here] - chance[here]).sum())) < 4 * deviation  # four sigmas


def test_the_normal_distribution_is_right() -> None:
    known = {0.0: 0.5, 1.0: 0.8413447461, -1.0: 0.1586552539, 2.5: 0.9937903347, -6.0: 9.8659e-10}
    assert normal_cdf(np.array(list(known))) == pytest.approx(list(known.values()), abs=1e-7)
