"""Tiny checkpoints and what loads them, made once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

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


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a checkpoint of which one pass reaches 32 steps."""
    return checkpoint(tmp_path_factory.mktemp("short"), SHORT)
