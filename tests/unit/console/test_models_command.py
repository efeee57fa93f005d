"""`foremesh models`, as a person or a script types it; tests/integration/test_models_fetch.py sees it fetch."""

import json
from hashlib import sha256
from pathlib import Path

import huggingface_hub.constants
import pytest
from click.testing import CliRunner, Result

from console import models as command
from console.models import models
from forecast_server.checkpoints import NEEDS

WEIGHTS = b"weights " * 1000
DIGEST = sha256(WEIGHTS).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def fetched(cache: Path) -> Path:
    """Weights of TimesFM 2.5 in the cache; gives their file."""
    repository = cache / "models--google--timesfm-2.5-200m-pytorch"
    snapshot = repository / "snapshots" / ("c" * 40)
    for folder in (repository / "blobs", repository / "refs", snapshot):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text("c" * 40)
    (repository / "blobs" / DIGEST).write_bytes(WEIGHTS)
    (snapshot / "model.safetensors").symlink_to(Path("../../blobs") / DIGEST)
    return snapshot / "model.safetensors"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models, arguments, env={"COLUMNS": "120"})


def test_the_list_says_of_every_model_what_it_may_do_and_where_its_weights_are(fetched: Path) -> None:
    result = run("list")

    assert result.exit_code == 0
    for name in NEEDS:
        assert name in result.stdout
    assert f"timesfm-2.5: {fetched}" in result.stdout
    assert DIGEST[:12] in result.stdout
    assert "timesfm-3.0: not fetched: foremesh models fetch timesfm-3.0" in result.stdout
    assert "timesfm-non-commercial-license-v1.0" in result.stdout


def test_the_list_speaks_json(fetched: Path) -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}

    assert set(rows) == set(NEEDS)
    assert rows["timesfm-2.5"]["purposes"] == ["live", "paper", "research"]
    assert {key: rows["timesfm-2.5"][key] for key in ("weights", "weights_file", "size_bytes", "sha256")} == {
        "weights": "here",
        "weights_file": str(fetched),
        "size_bytes": len(WEIGHTS),
        "sha256": DIGEST,
    }
    assert (rows["timesfm-3.0"]["weights"], rows["timesfm-3.0"]["weights_file"]) == ("not here", None)
    assert rows["timesfm-3.0"]["purposes"] == ["paper", "research"]
    assert rows["fracast"]["weights"] == "here"
    assert len(rows["fracast"]["sha256"]) == 64
    assert rows["random-walk"]["weights"] == "none needed"


def test_the_list_names_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda package: None if package == "torch" else object())

    assert "timesfm-2.5: needs torch: pip install 'foremesh[forecast]'; not fetched" in run("list").stdout
    assert json.loads(run("list", "--json").stdout)[0]["missing_packages"] == ["torch"]


def test_whole_weights_are_verified_by_name_and_by_path(fetched: Path) -> None:
    for target in ("timesfm-2.5", str(fetched), str(fetched.parent)):
        result = run("verify", target, "--sha256", DIGEST.upper())
        assert result.exit_code == 0
        assert f"SHA-256 {DIGEST}" in result.stdout
        assert "As stated by the hub's record and --sha256" in result.stdout


def test_damaged_weights_exit_with_1_and_both_digests(fetched: Path) -> None:
    fetched.write_bytes(WEIGHTS[:-1])

    result = run("verify", "timesfm-2.5")

    assert result.exit_code == 1
    assert sha256(WEIGHTS[:-1]).hexdigest() in result.stdout
    assert f"the hub's record says {DIGEST}" in result.stderr


def test_other_weights_than_asked_for_exit_with_1_as_json_too(fetched: Path) -> None:
    result = run("verify", str(fetched), "--sha256", "0" * 64, "--json")

    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["sha256"] == DIGEST
    assert document["problems"] == [f"--sha256 says {'0' * 64}"]


def test_weights_of_unknown_origin_are_not_called_verified(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)

    result = run("verify", str(tmp_path))

    assert result.exit_code == 0
    assert "Nothing is known to compare it with" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["verify", "timesfm-3.0"], 1, "foremesh models fetch timesfm-3.0"),
        (["verify", "random-walk"], 1, "random-walk has no weights"),
        (["verify", "/absent"], 1, "/absent: No such file"),
        (["verify", "fracast", "--sha256", "12"], 2, "expected 64 hexadecimal digits"),
        (["verify", "fracast", "--sha256", ""], 2, "expected 64 hexadecimal digits"),
        (["fetch", "fracast"], 1, "they come with its package"),
        (["fetch", "random-walk"], 1, "it has none"),
        (["fetch", "timesfm"], 2, "'timesfm' is not one of"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(arguments: list[str], exit_code: int, message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert result.stdout == ""
