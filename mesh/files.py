"""Files that others read while we write them: replaced whole, in order, with their mode from the first moment."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_LEFT_SECONDS: Final = 60.0
"""A younger folder may just be getting its lock, or the last of its processes be ending."""


@contextlib.contextmanager
def os_errors_as(kind: type[Exception]) -> Iterator[None]:
    """Turn what the operating system refuses into `kind`, with the file's name; also a decorator."""
    try:
        yield
    except OSError as error:
        raise kind(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold `directory` against other writers on this machine."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)  # makes the renames last
    finally:
        os.close(descriptor)


def make_folder(path: Path, mode: int) -> None:
    """Make a folder, and those above it that are missing, so that a power cut takes none of them; each with `mode`.

    A file that is synced in a folder whose own name is not on the disk yet may be gone with it. Raises OSError.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode, exist_ok=True)
        descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a folder among the temporary files, and take it away at the end, first those that killed processes left.

    Args:
        prefix: Of the name; folders of this user that begin so are ours. Whoever uses one holds it locked.

    Raises:
        OSError: There is no place for it.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # it is in use, somebody else's, or gone by now
            if left.lstat().st_uid == os.getuid() and time.time() - left.lstat().st_mtime > _LEFT_SECONDS:
                with _held(left):
                    shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix) as name, _held(Path(name)):
        inside = Path(name, "inside")  # that others may lock for themselves
        inside.mkdir(0o700)
        yield inside


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock a folder. Raises BlockingIOError where somebody else has, OSError for what is no folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def replace_files(files: Sequence[tuple[Path, bytes, int]]) -> None:
    """Replace each path by its content and mode, in order, after all contents are on disk; never a half-written file.

    A file has its mode from the first moment: there is no time in which a private one is open to others.
    """
    with staged_files(files):
        pass


@contextlib.contextmanager
def staged_files(files: Sequence[tuple[Path, bytes, int]]) -> Iterator[None]:
    """As `replace_files`, but paths are replaced when the block ends: their contents wait on disk under other names.

    A block that raises replaces nothing.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, content, mode in files:
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            written.append((temporary, path))
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(descriptor)
        yield
        for temporary, path in written:
            temporary.replace(path)
    finally:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
