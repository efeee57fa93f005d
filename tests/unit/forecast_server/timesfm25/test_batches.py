"""A forecast does not depend on its neighbours, and scales with its series."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast_server.models.base import Series
from forecast_server.models.timesfm25.model import TOLERANCE, TimesFM25
from tests.fakes.tiny_timesfm import prices
from tests.unit.forecast_server.timesfm25.conftest import loaded

FLOAT32 = TOLERANCE["float32"]
STEPS = 24

lengths = st.lists(st.integers(3, 400), min_size=1, max_size=12)
seeds = st.integers(0, 2**32 - 1)


def furthest(found: NDArray[np.float32], expected: NDArray[np.float32], batch: Sequence[Series]) -> float:
    """Largest difference as a share of each series' standard deviation, beyond float32's own steps at its level."""
    steps = 2 * np.spacing(np.abs(expected).max(axis=(1, 2)))
    apart = np.abs(found - expected).max(axis=(1, 2)) - steps
    return float((apart / [max(series.std(), 1e-6) for series in batch]).max())


def alone(model: TimesFM25, batch: Sequence[Series]) -> NDArray[np.float32]:
    return np.concatenate([model.forecast([series], STEPS).quantiles for series in batch])


@settings(max_examples=15, deadline=None)
@given(lengths=lengths, seed=seeds)
def test_alone_and_with_neighbours_a_series_gets_the_same_answer(
    model: TimesFM25, lengths: list[int], seed: int
) -> None:
    batch = prices(lengths, seed)
    assert furthest(model.forecast(batch, STEPS).quantiles, alone(model, batch), batch) < FLOAT32


@settings(max_examples=15, deadline=None)
@given(lengths=lengths, seed=seeds, data=st.data())
def test_order_and_splits_change_nothing(model: TimesFM25, lengths: list[int], seed: int, data: st.DataObject) -> None:
    batch = prices(lengths, seed)
    order = data.draw(st.permutations(range(len(batch))))
    cut = data.draw(st.integers(0, len(batch)))
    whole = model.forecast(batch, STEPS).quantiles
    for part in (order[:cut], order[cut:]):
        if part:
            chosen = [batch[place] for place in part]
            assert furthest(model.forecast(chosen, STEPS).quantiles, whole[part], chosen) < FLOAT32


def test_a_batch_of_several_passes_keeps_its_order(model: TimesFM25) -> None:
    batch = prices(np.random.default_rng(3).integers(3, 1024, 80).tolist())  # 1,300 patches
    found = model.forecast(batch, STEPS).quantiles
    some = [0, 7, 41, 79]
    assert (
        furthest(found[some], alone(model, [batch[place] for place in some]), [batch[place] for place in some])
        < FLOAT32
    )


def test_constant_and_nearly_constant_neighbours_are_harmless(model: TimesFM25) -> None:
    walk = prices([300])[0]
    tick = np.full(300, 97.3, np.float32)
    tick[150] = 97.4
    batch = [np.full(300, 0.1, np.float32), walk, tick, np.zeros(64, np.float32), np.full(3, 100, np.float32)]
    found = model.forecast(batch, STEPS).quantiles
    assert np.isfinite(found).all()
    assert furthest(found, alone(model, batch), batch) < FLOAT32


def test_what_is_no_number_spoils_its_own_forecast_only(model: TimesFM25) -> None:
    batch = prices([100, 100, 40])
    before = model.forecast(batch, STEPS).quantiles
    batch[1][50] = np.nan
    found = model.forecast(batch, STEPS).quantiles
    assert np.isnan(found[1]).all()
    assert np.array_equal(found[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize("price", [0.0, 0.1, 33.3, 50.0, 100.0])
@pytest.mark.parametrize("length", [3, 40, 512])
def test_a_price_that_never_moved_is_forecast_as_itself(model: TimesFM25, price: float, length: int) -> None:
    found = model.forecast([np.full(length, price, np.float32)], STEPS).quantiles
    assert np.array_equal(found, np.full_like(found, price))


@settings(max_examples=15, deadline=None)
@given(length=st.integers(8, 500), seed=seeds, factor=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_scaling_and_shifting_a_series_scales_and_shifts_its_forecast(
    model: TimesFM25, length: int, seed: int, factor: float, shift: float
) -> None:
    series = np.random.default_rng(seed).normal(size=length).astype(np.float32)
    moved = (series.astype(np.float64) * factor + shift).astype(np.float32)
    first, second = model.forecast([series - 100, moved - 20_000], STEPS).quantiles.astype(np.float64)
    # Levels far below zero, so that no floor is in the way; what is lost is float32's resolution there.
    assert np.abs((first + 100) * factor + shift - (second + 20_000)).max() < 0.02 * max(factor, 1)


def test_a_series_upside_down_gets_its_forecast_upside_down(model: TimesFM25) -> None:
    series = np.random.default_rng(3).normal(size=200).astype(np.float32)
    up, down = model.forecast([series, -series], STEPS).quantiles
    assert np.abs(up + down[:, ::-1]).max() < 1e-5


def test_bfloat16_stays_within_its_tolerance_of_float32(model: TimesFM25, tiny: Path) -> None:
    batch = prices([3, 20, 33, 64, 200, 500])
    rough = loaded(tiny, "bfloat16").forecast(batch, STEPS).quantiles
    exact = model.forecast(batch, STEPS).quantiles
    assert 1e-4 < furthest(rough, exact, batch) < TOLERANCE["bfloat16"]


def test_the_callers_batch_is_left_as_it_was(model: TimesFM25) -> None:
    batch = prices([3, 200])
    before = [series.copy() for series in batch]
    for steps in (6, 200):  # ours, and the package that appends to its list
        model.forecast(batch, steps)
    assert len(batch) == 2
    assert all(np.array_equal(now, then) for now, then in zip(batch, before, strict=True))
