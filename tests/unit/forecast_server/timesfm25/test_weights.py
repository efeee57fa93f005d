"""Weights are read strictly, and what is wrong is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from forecast_server.checkpoints import sha256_of
from forecast_server.models.base import CannotLoad
from forecast_server.models.timesfm25.model import TimesFM25
from forecast_server.models.timesfm25.weights import read_weights
from tests.fakes.tiny_timesfm import SHORT, TINY, checkpoint, prices

Tensors = dict[str, torch.Tensor]
OUT = "stacked_xf.1.attn.out.weight"


def changed(folder: Path, tiny: Path, change: Callable[[Tensors], object]) -> Path:
    tensors = load_file(tiny / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    return folder


def refusal(checkpoint: Path, **options: str) -> str:
    with pytest.raises(CannotLoad) as refused:
        read_weights(checkpoint, **options)
    return str(refused.value)


def test_sizes_are_read_off_the_tensors(tiny: Path, short: Path) -> None:
    assert read_weights(tiny).sizes == TINY
    assert read_weights(short).sizes == SHORT


def test_a_folder_and_its_file_are_the_same(tiny: Path) -> None:
    assert read_weights(tiny).file == read_weights(tiny / "model.safetensors").file


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    assert "foremesh models fetch timesfm-2.5" in refusal(tmp_path)
    assert "does not exist" in refusal(tmp_path / "nowhere")


def test_the_digest_must_be_the_asked_one(tiny: Path) -> None:
    digest = sha256_of(tiny / "model.safetensors")
    assert read_weights(tiny, sha256=digest).sha256 == digest
    told = refusal(tiny, sha256="0" * 64)
    assert digest in told
    assert "0" * 64 in told


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\xff" * 64, b"\0" * 8])
def test_what_is_no_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    assert "cannot be read as safetensors" in refusal(tmp_path)


def test_a_file_cut_short_is_refused(tmp_path: Path, tiny: Path) -> None:
    whole = (tiny / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as safetensors" in refusal(tmp_path)


def test_a_missing_tensor_is_named(tmp_path: Path, tiny: Path) -> None:
    assert f"missing: {OUT}" in refusal(changed(tmp_path, tiny, lambda tensors: tensors.pop(OUT)))


@pytest.mark.parametrize("name", ["tokenizer.hidden_layer.weight", "stacked_xf.0.attn.query_ln.scale"])
def test_a_tensor_that_sizes_are_read_off_is_named_when_missing(tmp_path: Path, tiny: Path, name: str) -> None:
    assert f"it has no {name}" in refusal(changed(tmp_path, tiny, lambda tensors: tensors.pop(name)))


def test_an_unexpected_tensor_is_named(tmp_path: Path, tiny: Path) -> None:
    told = refusal(changed(tmp_path, tiny, lambda tensors: tensors.update({"lora.weight": torch.zeros(2)})))
    assert "unexpected: lora.weight" in told


def test_a_stray_layer_is_named_with_what_it_lacks(tmp_path: Path, tiny: Path) -> None:
    stray = "stacked_xf.4000000000.ff0.weight"
    told = refusal(changed(tmp_path, tiny, lambda tensors: tensors.update({stray: torch.zeros(2)})))
    assert stray in told
    assert "missing: stacked_xf.3." in told
    assert len(told) < 1_000


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path: Path, tiny: Path) -> None:
    told = refusal(changed(tmp_path, tiny, lambda tensors: tensors.update({OUT: torch.zeros(64, 32)})))
    assert f"of another shape: {OUT} [64, 32] instead of [64, 64]" in told


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("output_projection_point.output_layer.weight", (1285, 40)),
        ("tokenizer.hidden_layer.weight", (48,)),
        ("stacked_xf.0.attn.query_ln.scale", (15,)),
        ("stacked_xf.0.attn.query_ln.scale", ()),
        ("stacked_xf.0.attn.out.weight", (0, 64)),
    ],
)
def test_sizes_that_make_no_network_are_named(tmp_path: Path, tiny: Path, name: str, shape: tuple[int, ...]) -> None:
    told = refusal(changed(tmp_path, tiny, lambda tensors: tensors.update({name: torch.zeros(shape)})))
    assert f"{name} has the shape {list(shape)}" in told


def test_whole_numbers_are_no_weights(tmp_path: Path, tiny: Path) -> None:
    told = refusal(
        changed(tmp_path, tiny, lambda tensors: tensors.update({OUT: torch.zeros(64, 64, dtype=torch.int8)}))
    )
    assert f"not floating point: {OUT}" in told


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(tmp_path: Path, tiny: Path, value: float) -> None:
    def damage(tensors: Tensors) -> None:
        tensors[OUT][3, 5] = value

    assert f"not all numbers are finite in {OUT}" in refusal(changed(tmp_path, tiny, damage))


def test_what_happens_to_the_file_later_changes_no_forecast(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    model = TimesFM25(folder, device="cpu", precision="float32", cuda_graphs=False)
    model.load()
    batch = prices([100])
    before = model.forecast(batch, 6).mean
    file = folder / "model.safetensors"
    with file.open("r+b") as opened:
        opened.write(b"\0" * file.stat().st_size)
    assert (model.forecast(batch, 6).mean == before).all()
    with pytest.raises(CannotLoad, match=r"model\.safetensors has SHA-256"):
        model.forecast(batch, 200)  # the package would read it again
