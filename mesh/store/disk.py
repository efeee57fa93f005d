"""Bytes that survive: written, synced and named in an order that no crash can turn into half a file."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file is, byte by byte."""

    sha256: str
    """Hexadecimal."""
    size_bytes: int


def digest_of(path: Path) -> Digest:
    """Read a file once for its hash and length. OSError if it cannot be read."""
    with path.open("rb") as stream, named(path):
        return Digest(hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell())


def digest_in(content: memoryview) -> Digest:
    """Hash bytes in memory."""
    return Digest(hashlib.sha256(content).hexdigest(), content.nbytes)


def write_new(path: Path, content: memoryview) -> None:
    """Write a file that does not exist yet, and sync it. OSError, and no file, if that fails."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with named(path):
            left = content
            while left:
                left = left[os.write(descriptor, left[:_PIECE]) :]
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Make a file's content, or a folder's names, last."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with named(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, so that they last."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def move(source: Path, target: Path) -> None:
    """Give a file its final name, in place of another, so that it lasts."""
    source.replace(target)
    sync(target.parent)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Name the file in errors of calls that know only a descriptor."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
