"""Where journals of such tests are kept, and how they are made to do what takes a real one days."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from trader.journal import store

_MEMORY = Path("/dev/shm")  # noqa: S108


@contextlib.contextmanager
def host() -> Iterator[Path]:
    """Make an empty folder, in memory where there is one: what a sync costs is of no interest here."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        path = Path(folder).resolve() / "host"
        path.mkdir()
        yield path


def set_pragma(monkeypatch: pytest.MonkeyPatch, setting: str, number: int) -> None:
    """Let journals be opened with another setting of SQLite."""
    changed = tuple(
        (name, str(number), number) if name == setting else (name, value, was) for name, value, was in store._SETTINGS
    )
    monkeypatch.setattr(store, "_SETTINGS", changed)


def checkpoint_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring the log into the journal's file every few transactions, as happens to a long one."""
    set_pragma(monkeypatch, "wal_autocheckpoint", 4)
