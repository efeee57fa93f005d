"""What every model promises, whichever it is: `forecast_server.models.base.Model`, executable."""

import re
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_server.checkpoints import NEEDS
from forecast_server.models.base import DeviceUse, Model, ModelFacts, Paths, Series
from forecast_server.models.fracast import Fracast
from forecast_server.models.random_walk import RandomWalk
from forecast_server.models.timesfm30 import TimesFM30
from tests.conftest import ROOT
from tests.fakes.tiny_timesfm3 import tiny_timesfm3

LONGEST = 300
"""Points of the longest histories here, unless a test says otherwise."""
ROUNDING = float(np.spacing(np.float32(100)))
"""A price near a dollar in float32 is known to this, in cents, however little a history moves."""
EXAMPLES = {"random-walk": 30, "timesfm-3.0": 10, "timesfm-2.5": 10, "fracast": 4}
"""Each of fracast's costs its whole context of 2,048 points, a tenth of a second a series."""

Law = Callable[..., None]


def made(name: str, folder: Path) -> Model:
    match name:
        case "random-walk":
            return RandomWalk()
        case "fracast":
            return Fracast(device="cpu")
        case "timesfm-3.0":
            return TimesFM30(tiny_timesfm3(folder), device="cpu", accept_licence=NEEDS[name].licence)
        case "timesfm-2.5":
            from forecast_server.models.timesfm25.model import TimesFM25
            from tests.fakes.tiny_timesfm import checkpoint

            return TimesFM25(checkpoint(folder), device="cpu", precision="float32", cuda_graphs=True)
    raise AssertionError(f"a model without a test: {name}")


@pytest.fixture(scope="module", params=NEEDS)
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Model, ModelFacts]]:
    model = made(request.param, tmp_path_factory.mktemp("checkpoint"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # where every core is busy with tests, more wait for each other
    model.load()
    yield model, model.warm()
    torch.set_num_threads(threads)


def hold(law: Law, facts: ModelFacts, **drawn: st.SearchStrategy[Any]) -> None:
    """Look for a counterexample, as long as the model's cost allows."""
    settings(deadline=None, max_examples=EXAMPLES[facts.name])(given(**drawn)(law))()


def history(points: int, seed: int) -> Series:
    """Prices as they are traded, on ticks of a tenth of a cent, quiet or wild; never constant."""
    rng = np.random.default_rng(seed)
    step = rng.choice([0.02, 0.5, 5.0])
    prices = (rng.uniform(1, 99) + rng.normal(0, step, points).cumsum()).clip(0.1, 99.8).round(1)
    prices[-1] += 0.1 * (np.ptp(prices) == 0)
    return prices.astype(np.float32)


def histories(facts: ModelFacts, seed: int, count: int) -> list[Series]:
    """Draw a batch that the model allows."""
    rng = np.random.default_rng(seed)
    if facts.equal_cost_batches:
        least, most = ceil(facts.min_points / facts.cost_points), ceil(LONGEST / facts.cost_points)
        cost = int(rng.integers(least, most + 1))
        shortest, longest = max(facts.min_points, (cost - 1) * facts.cost_points + 1), cost * facts.cost_points
    else:
        shortest, longest = facts.min_points, LONGEST
    lengths = rng.integers(shortest, longest + 1, count)
    return [history(int(points), seed + number) for number, points in enumerate(lengths)]


def assert_sound(paths: Paths, facts: ModelFacts, count: int, horizon: int) -> None:
    assert paths.mean.shape == (count, horizon)
    assert paths.quantiles.shape == (count, horizon, len(facts.quantile_levels))
    assert paths.mean.dtype == paths.quantiles.dtype == np.float32
    assert np.isfinite(paths.mean).all()
    assert np.isfinite(paths.quantiles).all()
    assert 0 <= paths.padding < 1


def test_what_it_says_of_itself_is_complete_and_agrees_with_the_catalogue(loaded: tuple[Model, ModelFacts]) -> None:
    model, facts = loaded
    assert (facts.licence, facts.allowed_purposes) == (NEEDS[facts.name].licence, NEEDS[facts.name].purposes)
    assert len(facts.weights_digest) == 64
    assert bool(facts.weights_source) == bool(NEEDS[facts.name].files)
    assert facts.device == "cpu"
    assert facts.quantile_levels == tuple(sorted(set(facts.quantile_levels)))
    assert 0 < facts.quantile_levels[0] <= facts.quantile_levels[-1] < 1
    assert 1 <= facts.min_points <= facts.max_context_points
    assert min(facts.max_horizon_steps, facts.max_batch_series, facts.cost_points) >= 1
    assert 0 <= facts.batch_tolerance < 0.01
    assert model.device() != DeviceUse()


def test_the_page_about_models_states_the_same(loaded: tuple[Model, ModelFacts]) -> None:
    _, facts = loaded
    page = (ROOT / "docs" / "models.md").read_text()
    what, sizes = re.findall(rf"^\| `{re.escape(facts.name)}` \|(.*)\|$", page, re.MULTILINE)
    _, licence, purposes, _ = (cell.strip() for cell in what.split("|"))
    _, points, steps, _ = (cell.strip() for cell in sizes.split("|"))
    assert (licence, set(purposes.split(", "))) == (facts.licence, {it.value for it in facts.allowed_purposes})
    assert (int(points), int(steps)) == (facts.max_context_points, facts.max_horizon_steps)


SEEDS, COUNTS = st.integers(0, 10**6), st.integers(1, 6)


def test_every_step_of_every_series_gets_finite_numbers_in_the_promised_form(loaded: tuple[Model, ModelFacts]) -> None:
    model, facts = loaded

    def law(seed: int, count: int, horizon: int) -> None:
        assert_sound(model.forecast(histories(facts, seed, count), horizon), facts, count, horizon)

    hold(law, facts, seed=SEEDS, count=COUNTS, horizon=st.integers(1, 48))


def test_a_series_gets_the_same_answer_alone_and_in_any_batch_and_order(loaded: tuple[Model, ModelFacts]) -> None:
    model, facts = loaded

    def law(seed: int, order: list[int]) -> None:
        batch = histories(facts, seed, len(order))
        together = model.forecast([batch[place] for place in order], 6)
        for row, place in enumerate(order):
            alone = model.forecast([batch[place]], 6)
            allowed = facts.batch_tolerance * batch[place].std() + ROUNDING
            assert np.abs(together.mean[row] - alone.mean[0]).max() <= allowed
            assert np.abs(together.quantiles[row] - alone.quantiles[0]).max() <= allowed

    hold(law, facts, seed=SEEDS, order=st.integers(2, 6).flatmap(lambda count: st.permutations(range(count))))


def test_what_the_caller_gave_stays_as_it_was(loaded: tuple[Model, ModelFacts]) -> None:
    model, facts = loaded
    batch = histories(facts, 0, 5)
    before = [(series, series.copy()) for series in batch]
    for series in batch:
        series.flags.writeable = False
    model.forecast(batch, 6)
    assert len(batch) == len(before)
    for series, (same, copy) in zip(batch, before, strict=True):
        assert series is same
        assert np.array_equal(series, copy)


def test_the_shortest_and_the_longest_history_and_horizon_are_served(loaded: tuple[Model, ModelFacts]) -> None:
    model, facts = loaded
    for points in (facts.min_points, facts.max_context_points):
        for horizon in (1, facts.max_horizon_steps):
            assert_sound(model.forecast([history(points, seed=points)], horizon), facts, 1, horizon)


def test_the_largest_batch_is_served(loaded: tuple[Model, ModelFacts]) -> None:
    model, facts = loaded
    batch = [history(facts.min_points, seed) for seed in range(facts.max_batch_series)]
    assert_sound(model.forecast(batch, 6), facts, facts.max_batch_series, 6)


def test_an_answer_does_not_change_when_others_are_given(loaded: tuple[Model, ModelFacts]) -> None:
    model, facts = loaded
    paths = model.forecast(histories(facts, 1, 3), 6)
    mean, quantiles = paths.mean.copy(), paths.quantiles.copy()
    model.forecast(histories(facts, 2, 3), 6)
    assert np.array_equal(paths.mean, mean)
    assert np.array_equal(paths.quantiles, quantiles)
