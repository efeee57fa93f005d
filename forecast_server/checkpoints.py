"""Weights of the models: what each needs, where they lie on this machine, and whether they are what they should be.

Imports neither torch nor a model, so any host can look. Nothing here asks the network.
"""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from forecast_server.models.base import CannotLoad
from forecast_server.types import Purpose

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
INSTALL = "pip install 'foremesh[forecast]'"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PRACTICE = frozenset({Purpose.RESEARCH, Purpose.PAPER})


class CheckpointError(CannotLoad):
    """Weights are damaged, unknown or not to be had; one line that says what to do."""


class CheckpointMissing(CheckpointError):
    """Weights are not on this machine."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a model needs to be served."""

    licence: str
    """SPDX identifier or name of the weights' licence."""
    purposes: frozenset[Purpose]
    """What licence and nature of the model allow."""
    restriction: str = ""
    """Why that is not everything, for people: it is ..."""
    packages: tuple[str, ...] = ()
    """Packages it imports, beyond those of every host."""
    repository: str = ""
    """Of its weights on the hub; empty where there is nothing to fetch."""
    files: tuple[str, ...] = ()
    """What it reads from there, or from the package that carries its weights."""
    bundled: str = ""
    """Folder within the first of its packages that carries its weights; empty where none does."""


NEEDS: Mapping[str, Needs] = {
    "timesfm-2.5": Needs(
        licence="Apache-2.0",
        purposes=frozenset(Purpose),
        packages=("timesfm", "torch"),
        repository="google/timesfm-2.5-200m-pytorch",
        files=(WEIGHTS_FILE,),
    ),
    "timesfm-3.0": Needs(
        licence="timesfm-non-commercial-license-v1.0",
        purposes=_PRACTICE,
        restriction="licensed for non-commercial use outside of production only",
        packages=("timesfm3", "torch"),
        repository="google/timesfm-3.0-pytorch",
        files=(CONFIG_FILE, WEIGHTS_FILE),
    ),
    "fracast": Needs(
        licence="Apache-2.0",
        purposes=_PRACTICE,
        restriction="a demo model, on market prices not better than the last price",
        packages=("fracast", "torch"),
        files=(CONFIG_FILE, WEIGHTS_FILE),
        bundled="weights",
    ),
    "random-walk": Needs(licence="Apache-2.0", purposes=_PRACTICE, restriction="a baseline to compare models with"),
}
"""Every model by name."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Weights that were read from the first byte to the last."""

    file: Path
    size_bytes: int
    sha256: str
    expected: Mapping[str, str]
    """SHA-256 that somebody else states, by who does; empty where nobody does."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Who states another digest."""
        return tuple(f"{who} says {digest}" for who, digest in self.expected.items() if digest != self.sha256)


def needs(name: str) -> Needs:
    """Give what a model needs.

    Raises:
        CheckpointError: there is no model of that name.
    """
    if name not in NEEDS:
        raise CheckpointError(f"no model {name}: there are {', '.join(NEEDS)}")
    return NEEDS[name]


def locate(name: str, *, checkpoint: Path | None = None, revision: str = "main") -> Path:
    """Find a model's weights on this machine. Never asks the network.

    Args:
        name: of the model.
        checkpoint: folder of the weights, or their file where the model reads no other; absent looks into the hub's
            cache (HF_HUB_CACHE, HF_HOME), or the package that carries them.
        revision: branch, tag or commit to look for in the cache.

    Returns:
        The folder, or the file that `checkpoint` names.

    Raises:
        CheckpointMissing: they are not here.
        CheckpointError: the model is unknown, has no weights, or the hub's library is not installed.
    """
    needed = needs(name)
    if not needed.files:
        raise CheckpointError(f"{name} has no weights")
    if checkpoint is not None:
        return _given(name, needed, checkpoint)
    if needed.bundled:
        return _bundled(name, needed)
    return _cached(name, needed, revision)


def weights_file(place: Path) -> Path:
    """Give the file of the weights of what `locate` gave."""
    return place / WEIGHTS_FILE if place.is_dir() else place


def sha256_of(file: Path) -> str:
    """Read a file and give its SHA-256, hexadecimal.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{file}: {error.strerror}") from error


def pinned_sha256(file: Path, pin: str) -> str:
    """Read a file and give its SHA-256, which must be that of `model.weights_sha256` unless this is empty.

    Raises:
        CheckpointError: it has another, or cannot be read.
    """
    digest = sha256_of(file)
    if pin not in ("", digest):
        raise CheckpointError(f"{file} has SHA-256 {digest}, but model.weights_sha256 is {pin}")
    return digest


def recorded_sha256(file: Path) -> str:
    """Give the SHA-256 that the hub stated when the file was fetched, without reading it; empty where none is known."""
    # The cache keeps a large file under its SHA-256; beside a folder of one's own a note holds commit, digest and time.
    stated = [file.resolve().name]
    note = file.parent / ".cache" / "huggingface" / "download" / f"{file.name}.metadata"
    with suppress(OSError):
        stated += note.read_text(errors="replace").split()
    return next((text for text in stated if _SHA256.fullmatch(text)), "")


def check(file: Path, stated: Mapping[str, str] | None = None) -> Checked:
    """Read weights, and compare their SHA-256 with what was recorded when they were fetched and with `stated`.

    Args:
        file: of the weights.
        stated: SHA-256 that they should have, by who says so.

    Raises:
        CheckpointError: they cannot be read.
    """
    digest = sha256_of(file)
    expected = {"the hub's record": recorded_sha256(file), **(stated or {})}
    return Checked(
        file=file,
        sha256=digest,
        size_bytes=file.stat().st_size,
        expected={who: says for who, says in expected.items() if says},
    )


def _given(name: str, needed: Needs, checkpoint: Path) -> Path:
    if checkpoint.is_file() and needed.files == (WEIGHTS_FILE,):
        return checkpoint
    if not checkpoint.is_dir():
        what = "is a file, where a folder is needed" if checkpoint.is_file() else "does not exist"
        raise CheckpointMissing(
            f"{checkpoint} {what}: set model.checkpoint to the folder with {' and '.join(needed.files)}, "
            f"or run `foremesh models fetch {name} --to` with a folder"
        )
    absent = [file for file in needed.files if not (checkpoint / file).is_file()]
    if absent:
        raise CheckpointMissing(f"{checkpoint} has no {' and no '.join(absent)}: is it the folder of {name}?")
    return checkpoint


def _bundled(name: str, needed: Needs) -> Path:
    package = needed.packages[0]
    found = find_spec(package)
    folder = Path(found.origin).parent / needed.bundled if found and found.origin else None
    if folder is None or not all((folder / file).is_file() for file in needed.files):
        raise CheckpointMissing(f"the weights of {name} come with the package {package}, and are not here: {INSTALL}")
    return folder


def _cached(name: str, needed: Needs, revision: str) -> Path:
    try:
        from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415  # a local folder does without it
    except ImportError as error:
        raise CheckpointError(f"the hub's library is not installed: {INSTALL}, or set model.checkpoint") from error
    found = [try_to_load_from_cache(needed.repository, file, revision=revision) for file in needed.files]
    paths = [Path(path) for path in found if isinstance(path, str)]
    if len(paths) < len(needed.files):
        command = f"foremesh models fetch {name}" + (f" --revision {revision}" if revision != "main" else "")
        raise CheckpointMissing(
            f"the weights of {name} ({needed.repository}, revision {revision}) are not in the hub's cache: "
            f"run `{command}`, or set model.checkpoint"
        )
    return paths[0].parent
