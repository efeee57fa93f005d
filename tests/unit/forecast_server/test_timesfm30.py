"""TimesFM 3.0 on a tiny random checkpoint: the stock answers, safe batches, and a licence that is asked about."""

import contextlib
import gc
import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from timesfm3 import TimesFM3Forecaster

from forecast_server.models.base import CannotLoad, DeviceUse, Series
from forecast_server.models.timesfm30 import TimesFM30
from forecast_server.types import Purpose
from tests.fakes.tiny_timesfm3 import tiny_timesfm3

LICENCE = "timesfm-non-commercial-license-v1.0"
RNG = np.random.default_rng(20261122)


def history(points: int) -> Series:
    return (50 + RNG.standard_normal(points).cumsum()).clip(1, 99).astype(np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_timesfm3(tmp_path_factory.mktemp("timesfm3"))


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> TimesFM30:
    loaded = made(checkpoint)
    loaded.load()
    return loaded


@pytest.fixture(scope="module")
def stock(checkpoint: Path) -> TimesFM3Forecaster:
    return TimesFM3Forecaster.from_pretrained(str(checkpoint), device="cpu")


def made(checkpoint: Path, *, accept_licence: str = LICENCE, weights_sha256: str = "") -> TimesFM30:
    return TimesFM30(checkpoint, device="cpu", accept_licence=accept_licence, weights_sha256=weights_sha256)


def alone(stock: TimesFM3Forecaster, series: Series, horizon: int) -> NDArray[np.float32]:
    quantiles: NDArray[np.float32] = stock.predict(series, horizon=horizon, return_quantiles=True).quantiles
    return quantiles


@pytest.mark.parametrize(
    ("points", "horizon"), [(3, 1), (32, 6), (33, 64), (200, 65), (512, 6), (512, 1024), (2048, 24)]
)
def test_answers_are_those_of_the_stock_forecaster(
    model: TimesFM30, stock: TimesFM3Forecaster, points: int, horizon: int
) -> None:
    series = history(points)
    paths = model.forecast([series], horizon)
    expected = stock.predict(series, horizon=horizon, return_quantiles=True)
    assert np.abs(paths.quantiles[0] - expected.quantiles).max() <= 1e-5 * series.std()
    assert np.abs(paths.mean[0] - expected.forecast).max() <= 1e-5 * series.std()


def test_in_a_batch_of_equal_patch_counts_every_answer_is_the_one_it_gets_alone(
    model: TimesFM30, stock: TimesFM3Forecaster
) -> None:
    batch = [history(points) for points in (65, 96, 70, 80, 96, 66, 95)]
    together = model.forecast(batch, 24).quantiles
    for row, series in enumerate(batch):
        assert np.abs(together[row] - alone(stock, series, 24)).max() <= model.load().batch_tolerance * series.std()


def test_a_longer_neighbour_would_change_an_answer_so_such_a_batch_is_refused(
    model: TimesFM30, stock: TimesFM3Forecaster
) -> None:
    short, long = history(60), history(300)
    beside, _ = stock.predict_batch([short, long], horizon=24, return_quantiles=True)
    assert np.abs(beside.quantiles - alone(stock, short, 24)).max() > 0.01 * short.std()

    assert model.load().equal_cost_batches
    with pytest.raises(ValueError, match=r"\[2, 10\] patches"):
        model.forecast([short, long], 24)


@pytest.mark.parametrize(("points", "more", "together"), [(3, 32, True), (32, 33, False), (33, 64, True)])
def test_series_share_a_batch_exactly_if_they_cost_the_same(
    model: TimesFM30, points: int, more: int, together: bool
) -> None:
    cost = model.load().cost_points
    assert (-(-points // cost) == -(-more // cost)) is together
    with contextlib.nullcontext() if together else pytest.raises(ValueError, match="patches"):
        model.forecast([history(points), history(more)], 1)


@pytest.mark.parametrize("said", ["", "yes", "Apache-2.0", LICENCE.upper(), LICENCE + " "])
def test_it_loads_only_for_who_wrote_out_the_name_of_its_licence(checkpoint: Path, said: str) -> None:
    with pytest.raises(
        CannotLoad, match=r"forbids commercial use and use in production.*model\.accept_licence"
    ) as error:
        made(checkpoint, accept_licence=said).load()
    assert f'"{LICENCE}"' in str(error.value)


def test_it_never_serves_live(model: TimesFM30) -> None:
    assert model.load().allowed_purposes == {Purpose.RESEARCH, Purpose.PAPER}
    assert model.load().licence == LICENCE


def test_its_identity_is_the_digest_of_its_weights_which_can_be_pinned(checkpoint: Path) -> None:
    digest = sha256((checkpoint / "model.safetensors").read_bytes()).hexdigest()
    assert made(checkpoint, weights_sha256=digest).load().weights_digest == digest
    with pytest.raises(CannotLoad, match=r"model\.weights_sha256"):
        made(checkpoint, weights_sha256="0" * 64).load()


def drop_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["output_head.bias"]
    save_file(tensors, folder / "model.safetensors")


def cut_the_weights(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def other_quantiles(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text())
    settings["quantiles"] = [0.05, *settings["quantiles"][1:]]
    (folder / "config.json").write_text(json.dumps(settings))


@pytest.mark.parametrize(
    "damage",
    [
        drop_a_tensor,
        cut_the_weights,
        other_quantiles,
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "config.json").write_text("[]"),
        lambda folder: (folder / "config.json").unlink(),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "model.safetensors").write_bytes(b""),
        shutil.rmtree,
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name(
    checkpoint: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint, folder)
    damage(folder)
    with pytest.raises(CannotLoad, match=str(folder)):
        made(folder).load()


def test_values_that_are_not_finite_are_an_error_not_an_answer(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["output_head.bias"][5] = float("nan")
    save_file(tensors, tmp_path / "model.safetensors")
    model = made(tmp_path)
    model.load()
    with pytest.raises(FloatingPointError, match="not finite"):
        model.forecast([history(40)], 6)


def test_loading_prints_nothing_that_would_stand_between_lines_of_a_log(
    checkpoint: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = made(checkpoint)
    model.load()
    model.warm()
    assert capfd.readouterr() == ("", "")


def test_a_forecast_collects_no_garbage(model: TimesFM30) -> None:
    collections: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        collections.append(phase)

    gc.disable()  # what is left are collections that somebody asks for
    gc.callbacks.append(note)
    try:
        model.forecast([history(40)], 6)
    finally:
        gc.callbacks.remove(note)
        gc.enable()
    assert collections == []


def test_nothing_is_known_of_the_device_before_it_is_chosen(checkpoint: Path) -> None:
    model = made(checkpoint)
    assert model.device() == DeviceUse()
    model.load()
    assert "torch" in model.device().runtime
