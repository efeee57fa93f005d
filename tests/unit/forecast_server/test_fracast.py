"""Fracast-0 with its real weights: the package's own answers, the same in any company, and what it may be used for."""

import socket
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import metadata
from pathlib import Path

import fracast
import numpy as np
import pytest
import torch

from forecast_server.models.base import CannotLoad, DeviceUse, Series
from forecast_server.models.fracast import Fracast
from forecast_server.types import Purpose

WEIGHTS = Path(fracast.__file__).parent / "weights" / "model.safetensors"
RNG = np.random.default_rng(20261122)
HISTORIES = [
    (50 + RNG.standard_normal(points).cumsum()).clip(1, 99).astype(np.float32) for points in (8, 40, 200, 512, 2048)
]


@pytest.fixture(scope="module")
def model() -> Fracast:
    loaded = Fracast(device="cpu")
    loaded.load()
    return loaded


def alone(history: Series, horizon: int, weights: str = "fp32") -> np.ndarray:
    stock = fracast.FracastModel.from_pretrained(weights=weights)
    return stock.forecast(history, horizon=horizon)


@pytest.mark.parametrize("history", HISTORIES, ids=len)
def test_answers_are_those_of_the_package_to_the_bit(model: Fracast, history: Series) -> None:
    paths = model.forecast([history], 48)

    assert np.array_equal(paths.quantiles[0], alone(history, 48).astype(np.float32))
    assert np.array_equal(paths.mean[0], paths.quantiles[0, :, 4])


def test_its_weights_are_the_exact_ones_not_those_of_eight_bits(model: Fracast) -> None:
    exact = model.forecast([HISTORIES[2]], 6).quantiles[0]
    assert np.abs(exact - alone(HISTORIES[2], 6, weights="w8")).max() > 0.01


def test_lengths_mix_in_a_batch_without_changing_an_answer(model: Fracast) -> None:
    together = model.forecast(HISTORIES, 6).quantiles
    for row, history in enumerate(HISTORIES):
        assert np.abs(together[row] - alone(history, 6)).max() <= 1e-4 * history.std()


def test_padding_is_what_a_history_leaves_of_the_context_that_is_always_computed(model: Fracast) -> None:
    assert model.forecast([HISTORIES[4]], 1).padding == 0
    assert model.forecast([HISTORIES[3]], 1).padding == pytest.approx(0.75)
    assert model.forecast([HISTORIES[3], HISTORIES[4]], 1).padding == pytest.approx(0.375)


def test_it_serves_research_and_paper_and_never_live(model: Fracast) -> None:
    facts = model.load()
    assert facts.allowed_purposes == {Purpose.RESEARCH, Purpose.PAPER}
    assert facts.licence == metadata("fracast")["License-Expression"]


def test_its_identity_is_the_digest_of_the_file_that_it_read() -> None:
    facts = Fracast(device="cpu").load()
    assert facts.weights_digest == sha256(WEIGHTS.read_bytes()).hexdigest()
    assert facts.weights_source == str(WEIGHTS)


def test_it_loads_and_answers_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: socket.socket, address: object) -> None:
        raise AssertionError(f"asked {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model = Fracast(device="cpu")
    model.load()
    assert model.warm() == model.load()


def test_other_weights_than_the_pinned_ones_are_refused() -> None:
    digest = sha256(WEIGHTS.read_bytes()).hexdigest()
    assert Fracast(device="cpu", weights_sha256=digest).load().weights_digest == digest
    with pytest.raises(CannotLoad, match=rf"{digest}, but model\.weights_sha256 is f{{64}}"):
        Fracast(device="cpu", weights_sha256="f" * 64).load()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused_rather_than_replaced() -> None:
    with pytest.raises(CannotLoad, match="cuda"):
        Fracast(device="cuda").load()


def test_nothing_is_known_of_the_device_before_it_is_chosen() -> None:
    model = Fracast(device="cpu")
    assert model.device() == DeviceUse()
    model.load()
    assert "torch" in model.device().runtime


@pytest.mark.parametrize("batch", [HISTORIES[:1], HISTORIES[1:4]], ids=len)
def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(model: Fracast, batch: Sequence[Series]) -> None:
    short, long = model.forecast(batch, 6), model.forecast(batch, 48)
    assert np.array_equal(short.quantiles, long.quantiles[:, :6])
