"""Tiny checkpoints and what loads them, made once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from forecast_server.models.base import Series
from forecast_server.models.timesfm25 import stock
from forecast_server.models.timesfm25.model import TimesFM25
from tests.fakes.tiny_timesfm import SHORT, TINY, checkpoint


def loaded(folder: Path, precision: str = "float32") -> TimesFM25:
    model = TimesFM25(folder, device="cpu", precision=precision, cuda_graphs=True)
    model.load()
    return model


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny matrices gain nothing from more, and test processes share the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny checkpoint."""
    return checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def model(tiny: Path) -> TimesFM25:
    """Ours over it, on the CPU in float32."""
    return loaded(tiny)


@pytest.fixture(scope="session")
def package(tiny: Path) -> Any:
    """The published package over it."""
    return stock.make(tiny / "model.safetensors", TINY, torch.device("cpu"))


@pytest.fixture
def exactly(tiny: Path) -> Callable[[Series, int], NDArray[np.float32]]:
    """The published package in float64, for a series and a number of steps: what both sides round."""
    wrapper = stock.make(tiny / "model.safetensors", TINY, torch.device("cpu"))
    wrapper.model.double()
    decode = wrapper.model.decode
    wrapper.model.decode = lambda horizon, inputs, masks: decode(horizon, inputs.double(), masks)

    def forecast(series: Series, steps: int) -> NDArray[np.float32]:
        torch.set_default_dtype(torch.float64)  # its tables of positions follow it
        try:
            return stock.run(wrapper, [series], steps, -(-len(series) // TINY.patch) * TINY.patch)
        finally:
            torch.set_default_dtype(torch.float32)

    return forecast


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a checkpoint of which one pass reaches 32 steps."""
    return checkpoint(tmp_path_factory.mktemp("short"), SHORT)
