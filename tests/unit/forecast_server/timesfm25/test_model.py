"""What the model says of itself, what it refuses, and how it fails."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from forecast_server.checkpoints import sha256_of
from forecast_server.models.base import CannotLoad, DeviceUse, Model, OutOfMemory
from forecast_server.models.timesfm25.model import TOLERANCE, TimesFM25
from forecast_server.types import Purpose
from tests.fakes.tiny_timesfm import TINY, checkpoint, prices
from tests.unit.forecast_server.timesfm25.conftest import loaded


def test_it_keeps_the_protocol_and_states_its_facts(tiny: Path) -> None:
    model: Model = TimesFM25(tiny, device="auto", precision="auto", cuda_graphs=True)
    assert model.device() == DeviceUse()
    facts = model.load()
    assert facts.name == "timesfm-2.5"
    assert facts.weights_digest == sha256_of(tiny / "model.safetensors")
    assert facts.weights_source == str(tiny / "model.safetensors")
    assert facts.licence == "Apache-2.0"
    assert facts.allowed_purposes == set(Purpose)
    assert facts.quantile_levels == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert (facts.cost_points, facts.max_horizon_steps) == (32, 1024)
    assert facts.batch_tolerance == TOLERANCE[facts.precision]
    assert not facts.equal_cost_batches
    assert torch.__version__.partition("+")[0] in model.device().runtime


def test_warming_up_tells_which_lengths_are_warm(tiny: Path) -> None:
    model = TimesFM25(tiny, device="cpu", precision="float32", cuda_graphs=True)
    assert model.load().warm_context_points == ()
    facts = model.warm()
    assert facts.warm_context_points == (32, 64, 128, 256, 512, 768, 1024)
    assert (facts.device, facts.precision, facts.compile_mode, facts.compile_detail) == ("cpu", "float32", "eager", "")


def test_on_the_cpu_auto_is_float32_and_bfloat16_is_taken_when_asked(tiny: Path) -> None:
    precisions = {
        asked: TimesFM25(tiny, device="cpu", precision=asked, cuda_graphs=True) for asked in ("auto", "bfloat16")
    }
    assert [model.load().precision for model in precisions.values()] == ["float32", "bfloat16"]


@pytest.mark.parametrize("other", [{"device": "cuda"}, {"device": "mps"}, {"device": "tpu"}, {"precision": "float16"}])
def test_a_device_or_precision_that_is_not_there_is_refused(tiny: Path, other: dict[str, str]) -> None:
    if other == {"device": "cuda"} and torch.cuda.is_available():
        pytest.skip("this machine has one")
    if other == {"device": "mps"} and torch.backends.mps.is_available():
        pytest.skip("this machine has one")
    model = TimesFM25(tiny, **{"device": "cpu", "precision": "float32", **other}, cuda_graphs=True)
    with pytest.raises(CannotLoad, match=next(iter(other.values()))):
        model.load()


@pytest.mark.parametrize(
    ("lengths", "steps"), [([], 6), ([0], 6), ([30, 0], 6), ([1025], 6), ([30], 0), ([30], -1), ([30], 1025)]
)
def test_what_it_cannot_forecast_is_refused(model: TimesFM25, lengths: list[int], steps: int) -> None:
    with pytest.raises(ValueError, match=r"points|horizon"):
        model.forecast([np.ones(length, np.float32) for length in lengths], steps)


@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (6, 3), (128, 2), (129, 2)])
def test_shapes_and_types_of_the_answer(model: TimesFM25, steps: int, rows: int) -> None:
    paths = model.forecast(prices([40] * rows), steps)
    assert paths.mean.shape == (rows, steps)
    assert paths.quantiles.shape == (rows, steps, 9)
    assert paths.mean.dtype == paths.quantiles.dtype == np.float32
    assert (np.diff(paths.quantiles, axis=2) >= 0).all()
    assert paths.padding == 0.0


def test_memory_that_runs_out_is_said_so_and_the_next_batch_works(
    model: TimesFM25, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = prices([100, 200])
    before = model.forecast(batch, 6)

    def no_room(*_: object, **__: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    with monkeypatch.context() as patch:
        patch.setattr("torch.nn.functional.scaled_dot_product_attention", no_room)
        for steps in (6, 200):
            with pytest.raises(OutOfMemory, match="Tried to allocate"):
                model.forecast(batch, steps)
    assert np.array_equal(model.forecast(batch, 6).mean, before.mean)


def test_nothing_asks_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("a model must not connect to anything")

    monkeypatch.setattr("socket.socket.connect", connect)
    monkeypatch.setattr("socket.getaddrinfo", connect)
    checkpoint(tmp_path / "models" / "timesfm")
    monkeypatch.chdir(tmp_path)
    model = loaded(Path("models/timesfm"))  # it might be a repository's name
    assert np.isfinite(model.forecast(prices([100]), 200).mean).all()


@pytest.mark.parametrize("norm_scales", [(0.3, 0.9), (0.0, 0.0)])
def test_every_tensor_of_the_tiny_checkpoint_matters_which_zero_norms_would_hide(
    tmp_path: Path, norm_scales: tuple[float, float]
) -> None:
    folder = checkpoint(tmp_path / "original", norm_scales=norm_scales)
    tensors = load_file(folder / "model.safetensors")
    batch = prices([100, 40])
    original = loaded(folder).forecast(batch, 128).quantiles
    idle = set()
    for name, tensor in tensors.items():
        save_file(tensors | {name: tensor.flip(0)}, folder / "model.safetensors")
        if np.abs(loaded(folder).forecast(batch, 128).quantiles - original).max() < 1e-3:
            idle.add(name)
    layers = {name for name in TINY.shapes() if name.startswith("stacked_xf.")}
    assert idle == (set() if norm_scales[0] else layers)
