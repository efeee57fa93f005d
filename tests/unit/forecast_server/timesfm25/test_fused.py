"""Kernels that a compiler made are taken only where they work and answer as before."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from forecast_server.models.timesfm25.fused import fuse
from forecast_server.models.timesfm25.network import Network
from forecast_server.models.timesfm25.parameters import arrange
from forecast_server.models.timesfm25.pointwise import Pointwise
from forecast_server.models.timesfm25.weights import read_weights
from tests.fakes.tiny_timesfm import TINY

CPU = torch.device("cpu")
EAGER = Pointwise()


@pytest.fixture
def network(tiny: Path) -> Network:
    return Network(arrange(read_weights(tiny).tensors, TINY, CPU, torch.float32), TINY, CPU, torch.float32)


def compiler(monkeypatch: pytest.MonkeyPatch, make: Callable[[Callable[..., object]], object]) -> None:
    monkeypatch.setattr("torch.compile", make)


def test_the_plain_words_for_a_compiler_mean_the_same(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler(monkeypatch, lambda part: part)
    assert fuse(network, 1e-5) == ""
    assert network.pointwise != EAGER


def test_in_bfloat16_too(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(arrange(read_weights(tiny).tensors, TINY, CPU, torch.bfloat16), TINY, CPU, torch.bfloat16)
    compiler(monkeypatch, lambda part: part)
    assert fuse(network, 0.05) == ""


def test_a_compiler_that_fails_changes_nothing(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(part: Callable[..., object]) -> Callable[..., object]:
        def call(*_: object) -> object:
            raise FileNotFoundError(f"no compiler for {part}\nand much more")

        return call

    compiler(monkeypatch, fail)
    told = fuse(network, 1e-5)
    assert told.startswith("no fused kernels: FileNotFoundError: no compiler")
    assert "\n" not in told
    assert network.pointwise == EAGER


@pytest.mark.parametrize("error", [1.01, float("nan")])
def test_a_kernel_that_answers_otherwise_is_not_taken(
    network: Network, monkeypatch: pytest.MonkeyPatch, error: float
) -> None:
    def miscompile(part: Callable[..., object]) -> Callable[..., object]:
        def call(*given: torch.Tensor | None) -> object:
            found = part(*given)
            return found * error if isinstance(found, torch.Tensor) else found

        return call

    compiler(monkeypatch, miscompile)
    assert "they answer otherwise" in fuse(network, 1e-5)
    assert network.pointwise == EAGER
