"""Where weights are looked for, without ever asking the network, and how they are told apart."""

import os
import socket
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import huggingface_hub.constants
import pytest

from forecast_server.checkpoints import (
    NEEDS,
    CheckpointError,
    CheckpointMissing,
    check,
    locate,
    needs,
    pinned_sha256,
    recorded_sha256,
    sha256_of,
    weights_file,
)
from forecast_server.models.base import CannotLoad
from tests.conftest import ROOT

WEIGHTS = b"weights " * 1000
DIGEST = sha256(WEIGHTS).hexdigest()
COMMIT, OLDER = "c" * 40, "d" * 40


def cache_with(cache: Path, name: str, *files: str, commit: str = COMMIT, branch: str = "main") -> Path:
    """Lay files out as the hub's library does, and give the snapshot's folder."""
    repository = cache / f"models--{NEEDS[name].repository.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    for folder in (repository / "blobs", repository / "refs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    (repository / "refs" / branch).write_text(commit)
    for file in files:
        is_large = file.endswith(".safetensors")
        blob = repository / "blobs" / (DIGEST if is_large else "a" * 40)
        blob.write_bytes(WEIGHTS if is_large else b"{}")
        (snapshot / file).symlink_to(Path("../../blobs") / blob.name)
    return snapshot


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache of this test, in a process that may not connect to anything."""

    def refuse(_: socket.socket, address: object) -> None:
        raise AssertionError(f"asked {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_weights_are_found_in_the_cache_by_branch_and_by_commit(cache: Path) -> None:
    snapshot = cache_with(cache, "timesfm-2.5", "model.safetensors")
    assert locate("timesfm-2.5") == locate("timesfm-2.5", revision=COMMIT) == snapshot
    assert weights_file(locate("timesfm-2.5")).read_bytes() == WEIGHTS


def test_each_revision_has_its_own_weights(cache: Path) -> None:
    newer = cache_with(cache, "timesfm-2.5", "model.safetensors")
    older = cache_with(cache, "timesfm-2.5", "model.safetensors", commit=OLDER, branch="v1")
    assert (locate("timesfm-2.5"), locate("timesfm-2.5", revision="v1")) == (newer, older)


@pytest.mark.parametrize(("revision", "option"), [("main", ""), ("v2", " --revision v2")])
def test_what_is_not_in_the_cache_is_missing_with_the_command_that_fetches_it(
    cache: Path, revision: str, option: str
) -> None:
    cache_with(cache, "timesfm-2.5", "model.safetensors", branch="v1")
    with pytest.raises(CheckpointMissing) as error:
        locate("timesfm-2.5", revision=revision)
    assert f"run `foremesh models fetch timesfm-2.5{option}`, or set model.checkpoint" in str(error.value)


def test_half_a_checkpoint_is_none(cache: Path) -> None:
    cache_with(cache, "timesfm-3.0", "config.json")
    with pytest.raises(CheckpointMissing):
        locate("timesfm-3.0")
    cache_with(cache, "timesfm-3.0", "model.safetensors")
    assert locate("timesfm-3.0").name == COMMIT


def test_a_broken_link_in_the_cache_is_missing_weights(cache: Path) -> None:
    snapshot = cache_with(cache, "timesfm-2.5", "model.safetensors")
    (snapshot / "model.safetensors").resolve().unlink()
    with pytest.raises(CheckpointMissing):
        locate("timesfm-2.5")


def test_a_folder_or_for_a_model_of_one_file_that_file_can_be_named(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(WEIGHTS)
    assert locate("timesfm-2.5", checkpoint=tmp_path) == tmp_path
    assert locate("timesfm-2.5", checkpoint=file) == file
    assert weights_file(tmp_path) == weights_file(file) == file


def test_a_named_place_is_never_replaced_by_the_cache(tmp_path: Path, cache: Path) -> None:
    cache_with(cache, "timesfm-2.5", "model.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointMissing, match=r"has no model\.safetensors"):
        locate("timesfm-2.5", checkpoint=tmp_path / "empty")
    with pytest.raises(CheckpointMissing, match=r"/absent does not exist.*model\.checkpoint"):
        locate("timesfm-2.5", checkpoint=Path("/absent"))


def test_a_model_that_reads_two_files_needs_their_folder(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(WEIGHTS)
    with pytest.raises(CheckpointMissing, match="is a file, where a folder is needed"):
        locate("timesfm-3.0", checkpoint=file)
    with pytest.raises(CheckpointMissing, match=r"has no config\.json"):
        locate("timesfm-3.0", checkpoint=tmp_path)


def test_bundled_weights_are_found_without_importing_their_package() -> None:
    code = (
        "import sys; from forecast_server.checkpoints import locate, weights_file; "
        "assert weights_file(locate('fracast')).stat().st_size > 0; print('fracast' in sys.modules)"
    )
    assert run(code) == "False"


def test_bundled_weights_are_missing_where_their_package_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()  # of whoever stands here, not of the package
    for file in NEEDS["fracast"].files:
        (tmp_path / "weights" / file).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "fracast", raising=False)
    with pytest.raises(CheckpointMissing, match=r"pip install 'foremesh\[forecast\]'"):
        locate("fracast")


def test_a_model_without_weights_and_one_that_is_none_are_named() -> None:
    with pytest.raises(CheckpointError, match="random-walk has no weights"):
        locate("random-walk")
    with pytest.raises(CheckpointError, match=r"no model timesfm: there are timesfm-2\.5, "):
        needs("timesfm")
    assert issubclass(CheckpointError, CannotLoad)


@pytest.mark.parametrize(("variable", "below"), [("HF_HUB_CACHE", "."), ("HF_HOME", "hub")])
def test_the_cache_is_where_the_hubs_own_variables_say(tmp_path: Path, variable: str, below: str) -> None:
    snapshot = cache_with(tmp_path / below, "timesfm-2.5", "model.safetensors")
    code = "from forecast_server.checkpoints import locate; print(locate('timesfm-2.5'))"
    assert run(code, **{variable: str(tmp_path)}) == str(snapshot)


def test_looking_imports_neither_torch_nor_the_hubs_library() -> None:
    code = (
        "import sys, console.models, forecast_server.models.catalogue; "
        "print(sorted({'torch', 'timesfm', 'timesfm3', 'fracast', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert run(code) == "[]"


def test_a_host_without_the_hubs_library_can_serve_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    assert locate("timesfm-2.5", checkpoint=tmp_path) == tmp_path
    with pytest.raises(CheckpointError, match=r"pip install 'foremesh\[forecast\]'"):
        locate("timesfm-2.5")


def test_the_digest_is_that_of_every_byte(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    for content in (b"", WEIGHTS):
        file.write_bytes(content)
        assert sha256_of(file) == pinned_sha256(file, "") == sha256(content).hexdigest()


def test_weights_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="absent: No such file"):
        sha256_of(tmp_path / "absent")
    with pytest.raises(CheckpointError, match="Is a directory"):
        sha256_of(tmp_path)


def test_other_weights_than_the_pinned_ones_are_refused_with_both_digests(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(WEIGHTS)
    assert pinned_sha256(file, DIGEST) == DIGEST
    with pytest.raises(CheckpointError, match=rf"{DIGEST}, but model\.weights_sha256 is 0{{64}}"):
        pinned_sha256(file, "0" * 64)


def test_damage_in_the_cache_is_noticed_by_the_name_that_the_hub_gave_the_file(cache: Path) -> None:
    file = weights_file(cache_with(cache, "timesfm-2.5", "model.safetensors"))
    assert recorded_sha256(file) == DIGEST
    assert check(file).problems == ()

    with file.open("r+b") as opened:
        opened.write(b"x")
    assert check(file).problems == (f"the hub's record says {DIGEST}",)


def test_damage_in_a_folder_is_noticed_by_the_note_that_the_download_left(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(WEIGHTS)
    assert recorded_sha256(file) == ""
    notes = tmp_path / ".cache" / "huggingface" / "download"
    notes.mkdir(parents=True)
    (notes / "model.safetensors.metadata").write_text(f"{COMMIT}\n{DIGEST}\n1795402669.17")
    assert recorded_sha256(file) == DIGEST
    assert check(file).problems == ()

    file.write_bytes(WEIGHTS[:-1])
    assert len(check(file).problems) == 1


def test_every_statement_about_a_file_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(WEIGHTS)
    checked = check(file, {"Ann": DIGEST, "Bob": "0" * 64, "nobody": ""})
    assert (checked.sha256, checked.size_bytes, set(checked.expected)) == (DIGEST, len(WEIGHTS), {"Ann", "Bob"})
    assert checked.problems == (f"Bob says {'0' * 64}",)


def run(code: str, **variables: str) -> str:
    """Run code in a fresh interpreter, where the hub's library reads its variables, and give what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
