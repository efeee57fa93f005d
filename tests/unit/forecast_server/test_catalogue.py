"""From the configuration's name to its model, and what does not go together."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from forecast_server.config import ModelConfig
from forecast_server.models.base import CannotLoad
from forecast_server.models.catalogue import make
from forecast_server.models.fracast import Fracast
from forecast_server.models.random_walk import RandomWalk
from forecast_server.models.timesfm25.model import TimesFM25
from forecast_server.models.timesfm30 import TimesFM30
from tests.conftest import ROOT
from tests.fakes.tiny_timesfm3 import tiny_timesfm3

LICENCE = "timesfm-non-commercial-license-v1.0"


def config(name: str, **keys: Any) -> ModelConfig:
    return ModelConfig.model_validate({"name": name, **keys})


def test_each_name_makes_its_model(tmp_path: Path) -> None:
    assert isinstance(make(config("random-walk")), RandomWalk)
    assert isinstance(make(config("fracast")), Fracast)
    assert isinstance(make(config("timesfm-3.0", checkpoint=tiny_timesfm3(tmp_path))), TimesFM30)
    assert isinstance(make(config("timesfm-2.5", checkpoint=tmp_path)), TimesFM25)


def test_what_the_configuration_says_reaches_the_model(tmp_path: Path) -> None:
    checkpoint = tiny_timesfm3(tmp_path)
    with pytest.raises(CannotLoad, match=r"model\.accept_licence"):
        make(config("timesfm-3.0", checkpoint=checkpoint)).load()
    model = make(config("timesfm-3.0", checkpoint=checkpoint, accept_licence=LICENCE, device="cpu"))
    facts = model.load()
    assert (facts.name, facts.device, facts.weights_source) == (
        "timesfm-3.0",
        "cpu",
        str(checkpoint / "model.safetensors"),
    )

    pinned = config("timesfm-3.0", checkpoint=checkpoint, accept_licence=LICENCE, weights_sha256="0" * 64)
    with pytest.raises(CannotLoad, match=r"model\.weights_sha256"):
        make(pinned).load()
    with pytest.raises(CannotLoad, match=r"model\.weights_sha256"):
        make(config("fracast", weights_sha256="0" * 64)).load()


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("random-walk", "checkpoint", Path("/weights")),
        ("random-walk", "revision", "v1"),
        ("random-walk", "weights_sha256", "0" * 64),
        ("random-walk", "device", "cuda"),
        ("random-walk", "precision", "bfloat16"),
        ("fracast", "checkpoint", Path("/weights")),
        ("fracast", "revision", "v1"),
        ("fracast", "precision", "bfloat16"),
        ("timesfm-3.0", "precision", "bfloat16"),
    ],
)
def test_a_key_that_would_be_ignored_is_refused_by_name(name: str, key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=f"{key} does not go with {name}"):
        config(name, **{key: value})


@pytest.mark.parametrize("name", ["random-walk", "fracast"])
def test_what_a_model_does_anyway_may_be_written_out(name: str) -> None:
    make(config(name, device="cpu", precision="float32", cuda_graphs=False))


@pytest.mark.parametrize("name", ["timesfm-2.5", "timesfm-3.0"])
def test_a_checkpoint_that_is_not_there_is_the_reason_given(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotLoad, match=r"absent does not exist: set model\.checkpoint"):
        make(config(name, checkpoint=tmp_path / "absent"))


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("fracast", "forecast_server.models.fracast", "fracast"),
        ("timesfm-3.0", "forecast_server.models.timesfm30", "timesfm3"),
        ("timesfm-2.5", "forecast_server.models.timesfm25.model", "torch"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_the_command_that_installs_it(
    name: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CannotLoad, match=rf"{package}.*: pip install 'foremesh\[forecast\]'"):
        make(config(name))


def test_the_random_walk_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; "
        "from forecast_server.config import ModelConfig; from forecast_server.models.catalogue import make; "
        "print(make(ModelConfig()).load().name)"
    )
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=path, capture_output=True, text=True, check=False
    )
    assert result.stdout == "random-walk\n", result.stderr
