"""The lean pass answers as the published package does, on the same weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast_server.models.base import Series
from forecast_server.models.timesfm25 import stock
from forecast_server.models.timesfm25.model import MAX_CONTEXT_POINTS, TimesFM25
from tests.fakes.tiny_timesfm import SHORT, prices
from tests.unit.forecast_server.timesfm25.conftest import loaded

SHARE = 5e-6
"""Largest difference, as a share of the largest number of the package's answer."""

lengths = st.lists(st.integers(1, MAX_CONTEXT_POINTS), min_size=1, max_size=6)


def assert_equal(found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert (np.abs(found - expected) / scale).max() < SHARE


def answers(package: Any, batch: list[Series], steps: int) -> NDArray[np.float32]:
    return stock.run(package, batch, steps, MAX_CONTEXT_POINTS)


@settings(max_examples=15, deadline=None)
@given(lengths=lengths, steps=st.integers(1, 128), seed=st.integers(0, 2**32 - 1))
def test_prices_of_mixed_lengths(model: TimesFM25, package: Any, lengths: list[int], steps: int, seed: int) -> None:
    batch = prices(lengths, seed)
    paths = model.forecast(batch, steps)
    expected = answers(package, batch, steps)
    assert_equal(paths.quantiles, expected)
    assert np.array_equal(paths.mean, paths.quantiles[:, :, 4])


@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(8, MAX_CONTEXT_POINTS), min_size=1, max_size=6), seed=st.integers(0, 2**32 - 1))
def test_series_around_zero_where_no_level_hides_a_difference(
    model: TimesFM25, package: Any, lengths: list[int], seed: int
) -> None:
    drawn = np.random.default_rng(seed)
    batch = [drawn.normal(size=length).astype(np.float32) for length in lengths]
    assert_equal(model.forecast(batch, 24).quantiles, answers(package, batch, 24))


@pytest.mark.parametrize("length", [1, 2, 3, 31, 32, 33, 63, 64, 65, 512, 992, 993, 1023, 1024])
def test_lengths_at_the_edges_of_patches(model: TimesFM25, package: Any, length: int) -> None:
    batch = prices([length])
    assert_equal(model.forecast(batch, 128).quantiles, answers(package, batch, 128))


def test_the_point_forecast_is_the_packages(model: TimesFM25, package: Any) -> None:
    batch = prices([40, 300])
    answers(package, batch, 24)  # compiles
    assert_equal(model.forecast(batch, 24).mean[..., None], package.forecast(24, list(batch))[0][..., None])


def test_a_price_that_only_later_begins_to_move(model: TimesFM25, package: Any) -> None:
    moving = prices([200])[0]
    batch: list[Series] = [np.append(np.full(still, 37, np.float32), moving) for still in (5, 32, 70)]
    assert_equal(model.forecast(batch, 24).quantiles, answers(package, batch, 24))


def test_where_the_package_rounds_more_ours_is_the_exact_answer(
    model: TimesFM25, package: Any, exactly: Callable[[Series, int], NDArray[np.float32]]
) -> None:
    # A price that stood still begins to creep at the end of a patch, as one with a gap filled in does: what float32
    # rounds off its mean is then divided by a tiny deviation.
    creeping = np.interp(np.arange(384), [0, 62, 383], [90, 90, 94]).astype(np.float32)
    truth = exactly(creeping, 24)
    ours, theirs = (
        np.abs(found - truth).max() / np.abs(truth).max()
        for found in (model.forecast([creeping], 24).quantiles, answers(package, [creeping], 24))
    )
    assert ours < 1e-6
    assert theirs > 3 * ours


def test_history_below_zero_gets_no_floor(model: TimesFM25, package: Any) -> None:
    batch: list[Series] = [prices([100])[0] - np.float32(100), prices([100])[0]]
    found = model.forecast(batch, 24).quantiles
    assert_equal(found, answers(package, batch, 24))
    assert found[0].min() < 0 <= found[1].min()


@pytest.mark.parametrize("steps", [32, 33, 64, 65, 128])
def test_horizons_of_one_pass_and_of_several(short: Path, steps: int) -> None:
    batch = prices([3, 40, 64, 65, 300, 64])
    package = stock.make(short / "model.safetensors", SHORT, torch.device("cpu"))
    assert_equal(loaded(short).forecast(batch, steps).quantiles, answers(package, batch, steps))


def test_the_longest_horizon(model: TimesFM25, package: Any) -> None:
    batch = prices([100, 20, 500])
    paths = model.forecast(batch, 1024)
    assert paths.mean.shape == (3, 1024)
    assert_equal(paths.quantiles, answers(package, batch, 1024))


def test_the_packages_class_is_left_as_it_was(package: Any) -> None:
    published = type(package.model).config
    assert published.stacked_transformers.num_layers == 20
    assert published.tokenizer.hidden_dims == 1280
