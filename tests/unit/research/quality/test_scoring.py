"""Models side by side on the same forecasts: who is better is found, who is not is not."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mesh.types import CENT
from research.quality.came import came_of
from research.quality.estimates import Chance, difference
from research.quality.gathering import BINS, LAST_VALUE, SEEN, Gathering
from research.quality.scoring import ALL, RANDOM_WALK, Score, Scores, find, verdict
from research.quality.targets import ASK, BID, MID, PRICES, RESULT, targets
from research.types import ABSENT, CLOSE, RecordedEvent, RecordedMarket
from tests.fakes.forecast_fans import HORIZON, LEVELS, days, fan, gathered, seeing

QUICK = Chance(resamples=400)


def without_low_bids(market: RecordedMarket) -> RecordedMarket:
    path = replace(market.path, bids=np.where(market.path.bids < 50 * CENT, ABSENT, market.path.bids))
    return replace(market, path=path)


def judged(shares: dict[str, float], count: int = 40, width: float = 3.0) -> tuple[Score, ...]:
    return Scores(gathered(days(count), shares, width), QUICK).all()


def test_a_planted_better_model_wins_and_its_words_say_so() -> None:
    scores = judged({RANDOM_WALK: 0.0, "seer": 0.7})
    found = find(scores, "seer", "crps", against=RANDOM_WALK)
    assert found is not None
    assert found.high is not None
    assert found.high < 0
    assert verdict(scores, "seer", RANDOM_WALK).startswith("seer beats the random walk: on the mid it is better (CRPS")


def test_an_equal_model_does_not_win_and_a_worse_one_is_called_worse() -> None:
    scores = judged({RANDOM_WALK: 0.0, "twin": 0.0, "contrary": -0.7})
    twin, contrary = (verdict(scores, name, RANDOM_WALK) for name in ("twin", "contrary"))
    assert twin.startswith("twin does not beat the random walk: on the mid no difference is seen (CRPS")
    assert contrary.startswith("contrary does not beat the random walk: on the mid it is worse (CRPS")


def test_who_is_better_on_the_middle_alone_does_not_beat_the_random_walk() -> None:
    events = days(90, candles=5)
    sums = Gathering([RANDOM_WALK, "survivor"], LEVELS, HORIZON)
    for one in events:
        # Nobody bids any more where a market fell, so that it has no middle; there this model errs greatly.
        fallen = replace(one, markets=tuple(without_low_bids(market) for market in one.markets))
        walk, seer = seeing(one, share=0.0, seed=0), seeing(one, share=0.7, seed=1)
        came = np.concatenate([targets(market, HORIZON, Counter()).prices[BID] for market in fallen.markets])
        seer[np.isnan(came)] += 40
        sums.add(came_of(fallen, HORIZON), [walk, seer])
    words = verdict(Scores(sums, QUICK).all(), "survivor", RANDOM_WALK)
    assert words.startswith("survivor does not beat the random walk: on the mid it is better (CRPS")
    assert "; on the ask it is worse (CRPS" in words


def test_a_spread_alone_does_not_beat_the_last_value() -> None:
    scores = judged({RANDOM_WALK: 0.0})
    fan = find(scores, RANDOM_WALK, "crps", against=LAST_VALUE)
    assert fan is not None
    assert fan.high is not None
    assert fan.high < 0
    words = verdict(scores, RANDOM_WALK, LAST_VALUE)
    assert words.startswith("random-walk does not beat the last value: on the mid it is worse (MAE")


def test_few_days_are_not_enough_however_many_forecasts_they_hold() -> None:
    scores = judged({RANDOM_WALK: 0.0, "seer": 0.9}, count=29)
    found = find(scores, "seer", "crps", against=RANDOM_WALK)
    assert found is not None
    assert (found.cluster_count, found.low, found.high) == (29, None, None)
    words = verdict(scores, "seer", RANDOM_WALK)
    assert words.startswith("seer does not beat the random walk: on the mid there is not enough data (CRPS")
    assert "29 equal ones" in words


def test_equal_models_are_rarely_told_apart() -> None:
    """Of 40 pairs that are as good as each other, about 2 look different by chance at a claim of 95."""
    twins = {f"twin{number}": 0.0 for number in range(40)}
    sums = gathered(days(32, candles=4, markets=1), {RANDOM_WALK: 0.0, **twins})
    counts = np.array([one.counts[0] for one in sums.clusters.values()])
    losses = np.array([one.values[0, :, sums.quantities.names.index("crps")] for one in sums.clusters.values()])
    found = [difference(losses[:, place], losses[:, 1], counts, Chance(resamples=200)) for place in range(2, 42)]
    told_apart = sum(
        one.low > 0 or one.high < 0 for one in found if one and one.low is not None and one.high is not None
    )
    assert sum(one is not None and one.low is not None for one in found) > 30
    assert told_apart <= 5


def test_the_figures_are_those_of_a_loop_over_forecasts() -> None:
    events = days(3)
    scores = Scores(gathered(events, {RANDOM_WALK: 0.3}), QUICK).all()
    errors: dict[int, list[float]] = {1: [], 2: []}
    losses, inside, stayed = [], [], []
    for one in events:
        said = seeing(one, share=0.3, seed=0).astype(float)
        row = 0
        for market in one.markets:
            came = targets(market, HORIZON, Counter())
            for candle in range(len(came.steps)):
                for step in range(HORIZON):
                    price = came.prices[MID][candle, step]
                    if not np.isnan(price):
                        point, *quantiles = said[row, step]
                        errors[step + 1].append(abs(point - price))
                        stayed.append(abs(came.now[MID][candle] - price))
                        level, quantile = LEVELS[1], quantiles[1]
                        losses.append(max(level * (price - quantile), (level - 1) * (price - quantile)))
                        inside.append(quantiles[0] <= price <= quantiles[8])
                row += 1
    by_level = {(one.score, one.level): one.estimate for one in scores
                if (one.model, one.target, one.step) == (RANDOM_WALK, MID, ALL)}  # fmt: skip
    for step, each in errors.items():
        found = find(scores, RANDOM_WALK, "mae", step=step)
        assert found is not None
        assert found.mean == pytest.approx(np.mean(each))
        assert found.count == len(each)
    last = find(scores, LAST_VALUE, "crps")
    assert last is not None
    assert last.mean == pytest.approx(np.mean(stayed))
    assert by_level["pinball", 0.2].mean == pytest.approx(np.mean(losses))
    assert by_level["coverage", 0.8].mean == pytest.approx(np.mean(inside))


def test_the_crps_is_the_weighted_sum_of_the_pinball_rows() -> None:
    scores = judged({RANDOM_WALK: 0.2}, count=3)
    for step in (1, 2, ALL):
        parts = {one.level: one.estimate.mean for one in scores
                 if (one.model, one.target, one.step, one.score) == (RANDOM_WALK, MID, step, "pinball")}  # fmt: skip
        found = find(scores, RANDOM_WALK, "crps", step=step)
        assert found is not None
        weights = [0.15, *[0.1] * 7, 0.15]
        assert found.mean == pytest.approx(2 * sum(w * parts[level] for w, level in zip(weights, LEVELS, strict=True)))


def test_models_are_compared_on_what_all_of_them_forecast() -> None:
    events = days(2)
    sums = Gathering([RANDOM_WALK, "shy"], LEVELS, HORIZON)
    for one in events:
        bold, shy = seeing(one, share=0.0, seed=0), seeing(one, share=0.0, seed=1)
        shy[::2] = np.nan
        sums.add(came_of(one, HORIZON), [bold, shy])
    scores = Scores(sums, QUICK).all()
    counts = {find(scores, model, "crps").count for model in sums.models}  # type: ignore[union-attr]
    assert len(counts) == 1
    assert sums.alone > 0
    # The last candle has no whole step left, and nobody forecasts it.
    assert sums.questions == sums.shared + sums.alone + sum(len(one.markets) for one in events)


def test_a_model_that_has_the_same_forecasts_differs_by_nothing_and_does_not_win() -> None:
    events = days(35)
    sums = Gathering([RANDOM_WALK, "copy"], LEVELS, HORIZON)
    for one in events:
        said = seeing(one, share=0.0, seed=0)
        sums.add(came_of(one, HORIZON), [said, said])
    words = verdict(Scores(sums, QUICK).all(), "copy", RANDOM_WALK)
    assert words.startswith("copy does not beat the random walk: on the mid there is not enough data (CRPS")
    assert "all of which say the same" in words


def test_the_result_is_judged_against_the_markets_middle() -> None:
    events = days(40)
    sums = Gathering([RANDOM_WALK, "oracle"], LEVELS, HORIZON)
    for one in events:
        walk = seeing(one, share=0.0, seed=0)
        paid = np.repeat([100.0 * (market.outcome.yes_value > 0) for market in one.markets if market.outcome],
                         [len(market.decisions.ends) for market in one.markets])  # fmt: skip
        knows = fan(np.repeat(0.1 * walk[:, :1, 0] + 0.9 * paid[:, None], HORIZON, axis=1), 1.0)
        knows[np.isnan(walk)] = np.nan
        sums.add(came_of(one, HORIZON), [walk, knows])
    scores = Scores(sums, QUICK).all()
    for score in ("brier", "log"):
        found = find(scores, "oracle", score, target=RESULT, against=LAST_VALUE)
        assert found is not None
        assert found.high is not None
        assert found.high < 0
    brier = find(scores, LAST_VALUE, "brier", target=RESULT)
    assert brier is not None
    assert brier.count == 40 * 2 * HORIZON  # every day, two markets, as many candles before the close
    assert sums.results == {"recorded": 80}
    bins = np.sum([one.bins for one in sums.clusters.values()], axis=0)
    assert bins[:, :, SEEN].sum(axis=1).tolist() == [160.0] * 3
    assert bins.shape == (3, BINS, 3)


def test_a_result_is_judged_only_where_the_market_said_something_to_compare_with() -> None:
    (whole,) = days(1)
    one_sided = replace(
        whole,
        markets=tuple(
            replace(market, decisions=replace(market.decisions, bids=np.full_like(market.decisions.bids, ABSENT)))
            for market in whole.markets
        ),
    )
    sums = gathered([one_sided], {RANDOM_WALK: 0.0})
    assert sums.results == {}
    assert find(Scores(sums, QUICK).all(), RANDOM_WALK, "brier", target=RESULT) is None


def test_the_last_value_of_the_ask_is_the_ask() -> None:
    (one,) = days(1, markets=1)
    found = find(Scores(gathered([one], {RANDOM_WALK: 0.0}), QUICK).all(), LAST_VALUE, "mae", target=ASK, step=1)
    asks = one.markets[0].decisions.asks[:, CLOSE] / CENT
    assert found is not None
    assert found.mean == pytest.approx(np.abs(np.diff(asks)).mean())


def test_direction_stands_beside_who_always_says_falls() -> None:
    scores = judged({RANDOM_WALK: 0.0, "seer": 0.9})
    seer = find(scores, "seer", "direction", against="falls")
    walk = find(scores, RANDOM_WALK, "direction", against="falls")
    assert seer is not None
    assert walk is not None
    assert seer.low is not None
    assert walk.low is not None
    assert seer.low > 0.1
    assert walk.low < 0.05


def test_every_price_has_scores_at_every_step_and_over_all() -> None:
    scores = judged({RANDOM_WALK: 0.0}, count=2)
    cells = {(one.target, one.step) for one in scores if one.score == "crps" and not one.against}
    assert cells == {(target, step) for target in PRICES for step in (ALL, 1, 2)} | {(RESULT, ALL)}
    assert find(scores, RANDOM_WALK, "crps", target=ASK, against=LAST_VALUE) is not None


def test_what_is_computed_at_once_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    events, shares = days(2), {RANDOM_WALK: 0.0, "seer": 0.5}
    whole = gathered(events, shares)
    monkeypatch.setattr("research.quality.gathering._AT_ONCE", 3 * len(whole.cells) * 3 * len(whole.quantities.names))
    pages = gathered(events, shares)
    assert whole.results == pages.results
    for one, other in zip(whole.clusters.values(), pages.clusters.values(), strict=True):
        np.testing.assert_allclose(one.values, other.values)
        np.testing.assert_array_equal(one.counts, other.counts)
        np.testing.assert_allclose(one.bins, other.bins)
        np.testing.assert_array_equal(one.directions, other.directions)


def test_the_order_of_events_changes_nothing() -> None:
    events = days(31, candles=4)
    shares = {RANDOM_WALK: 0.0, "seer": 0.5}
    ahead, back = (Scores(gathered(each, shares), QUICK).all() for each in (events, events[::-1]))
    for one, other in zip(ahead, back, strict=True):
        assert replace(one, estimate=other.estimate) == other
        assert one.estimate.mean == pytest.approx(other.estimate.mean)
        assert (one.estimate.low is None) == (other.estimate.low is None)


def cut(one: RecordedEvent, moment: int) -> RecordedEvent:
    markets = tuple(
        replace(market, decisions=market.decisions.until(moment), path=market.path.until(moment), outcome=None)
        for market in one.markets
    )
    return replace(one, markets=markets)


def test_what_comes_later_does_not_change_what_was_judged_before() -> None:
    (whole,) = days(1)
    moment = int(whole.markets[0].decisions.ends[4])
    part = cut(whole, moment)
    known = np.concatenate([market.decisions.ends <= moment for market in whole.markets])
    said = seeing(whole, share=0.0, seed=0)
    early, late = Gathering([RANDOM_WALK], LEVELS, 1), Gathering([RANDOM_WALK], LEVELS, 1)
    early.add(came_of(part, 1), [said[known][:, :1]])
    hidden = said[:, :1].copy()
    ends = np.concatenate([market.decisions.ends for market in whole.markets])
    hidden[ends + 3600 > moment] = np.nan  # what is judged later
    late.add(came_of(whole, 1), [hidden])
    (one,), (other,) = early.clusters.values(), late.clusters.values()
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.counts, other.counts)
