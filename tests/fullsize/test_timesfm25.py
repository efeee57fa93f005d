"""TimesFM 2.5 at its published size, on random weights: minutes and four gigabytes, so only who asks runs it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from forecast_server.models.timesfm25 import stock
from forecast_server.models.timesfm25.model import TOLERANCE, TimesFM25
from tests.fakes.tiny_timesfm import FULL, checkpoint, prices

pytestmark = [pytest.mark.fullsize, pytest.mark.timeout(1_200)]

LENGTHS = [1, 2, 3, 17, 31, 32, 33, 64, 100, 257, 512, 700, 1000, 1024]
STEPS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint(tmp_path_factory.mktemp("full"), FULL)


@pytest.fixture(scope="module")
def model(folder: Path) -> TimesFM25:
    return loaded(folder, "float32")


@pytest.fixture(scope="module")
def package(folder: Path) -> Any:
    return stock.make(folder / "model.safetensors", FULL, torch.device("cpu"))


def loaded(folder: Path, precision: str) -> TimesFM25:
    model = TimesFM25(folder, device="cpu", precision=precision, cuda_graphs=False)
    model.load()
    return model


def shares(
    found: NDArray[np.float32], expected: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Largest difference of each series, as a share of its scale."""
    share: NDArray[np.float32] = np.abs(found - expected).max(axis=(1, 2)) / scale
    return share


def test_float32_is_the_packages_answer(model: TimesFM25, package: Any) -> None:
    batch = prices(LENGTHS)
    expected = stock.run(package, batch, STEPS, 1024)
    found = shares(model.forecast(batch, STEPS).quantiles, expected, np.abs(expected).max(axis=(1, 2)))
    print("largest difference, as a share of the largest number of the answer:", found.max())
    assert found.max() < 5e-6


def test_float32_around_zero_where_no_level_hides_a_difference(model: TimesFM25, package: Any) -> None:
    drawn = np.random.default_rng(3)
    batch = [drawn.normal(size=length).astype(np.float32) for length in (8, 40, 100, 300)]
    expected = stock.run(package, batch, STEPS, 320)
    found = shares(model.forecast(batch, STEPS).quantiles, expected, np.abs(expected).max(axis=(1, 2)))
    print("largest difference, as a share of the largest number of the answer:", found.max())
    assert found.max() < 5e-6


def test_float32_does_not_depend_on_neighbours(model: TimesFM25) -> None:
    batch = prices([3, 40, 40, 64, 100, 200, 300])
    alone = np.concatenate([model.forecast([series], STEPS).quantiles for series in batch])
    deviation = np.array([series.std() for series in batch])
    found = shares(model.forecast(batch, STEPS).quantiles, alone, deviation)
    print("largest difference, as a share of the series' standard deviation:", found.max())
    assert found.max() < TOLERANCE["float32"]


def test_bfloat16_stays_within_half_its_tolerance_of_float32(model: TimesFM25, folder: Path) -> None:
    batch = prices([3, 20, 33, 64])  # few: many CPUs compute this slowly
    exact = model.forecast(batch, STEPS).quantiles
    rough = loaded(folder, "bfloat16").forecast(batch, STEPS).quantiles
    deviation = np.array([series.std() for series in batch])
    found = shares(rough, exact, deviation)
    print(
        "largest difference, as a share of the series' standard deviation:", found, "mean", np.abs(rough - exact).mean()
    )
    assert found.max() < TOLERANCE["bfloat16"] / 2
