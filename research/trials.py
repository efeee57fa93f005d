"""The trial ledger: every run of research, written down before its score is shown. Append-only, hash-chained.

One JSON line an entry. What was tried is part of every result: the best of a hundred runs of nothing looks good. So a
run is there from its beginning on, its result before anybody has seen it, and nothing in between can be taken out:

    digest 0 = sha256("foremesh trials 1")
    digest n = sha256(digest n-1, n as 8 bytes big-endian, the line without its digest as canonical JSON)
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mesh.errors import NotReady
from mesh.files import make_folder

_BEGINNING: Final = hashlib.sha256(b"foremesh trials 1").hexdigest()
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644

Body = Mapping[str, Any]


class Kind(StrEnum):
    """What an entry says."""

    BEGUN = "begun"
    """A run began: its code, parameters and who answers."""
    ENDED = "ended"
    """It came to this, on this data."""
    SEALED = "sealed"
    """Events of a series that close from a time on are kept from ordinary runs."""
    OPENED = "opened"
    """A run saw them."""


class LedgerDamaged(NotReady):
    """An entry was changed, left out or put in."""

    default_reason = "LEDGER_DAMAGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line."""

    number: int
    time: datetime
    kind: Kind
    body: Body
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A run, and what came of it."""

    number: int
    """Of the entry that began it."""
    time: datetime
    run: Body
    """Command, series, code, parameters, and who answered."""
    result: Body | None
    """None: it was interrupted, and nobody saw a score."""

    @property
    def identity(self) -> str:
        """Equal for runs that could only come to the same: repeating one is no other trial."""
        data = None if self.result is None else self.result.get("data")
        return hashlib.sha256(_canonical({"run": dict(self.run), "data": data})).hexdigest()


class Ledger:
    """The file.

    Args:
        path: Made with its folder when something is first written.
        now: The time of entries.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path, self._now = path, now

    def entries(self) -> list[Entry]:
        """Read all entries.

        Raises:
            LedgerDamaged: The chain is broken; the text names the entry.
            OSError: The file cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        return list(_checked(_whole(content).splitlines(), self.path))

    def append(self, kind: Kind, body: Body, allowed: Callable[[Sequence[Entry]], object] = lambda _: None) -> Entry:
        """Write an entry; once this returns it is on the disk.

        Args:
            kind: What it says.
            body: JSON.
            allowed: Shown all entries before, while nobody else can write; what it raises keeps the entry out.

        Raises:
            LedgerDamaged: The entries before are.
            OSError: The file cannot be written.
        """
        make_folder(self.path.parent, _FOLDER_MODE)
        with self._locked() as descriptor:
            entries = self.entries()
            allowed(entries)
            number = len(entries) + 1
            said = {"number": number, "time": self._now().isoformat(), "kind": kind.value, "body": dict(body)}
            digest = _link(entries[-1].digest if entries else _BEGINNING, number, said)
            line = json.dumps(said | {"digest": digest}, ensure_ascii=False) + "\n"
            os.ftruncate(descriptor, len(_whole(self.path.read_bytes())))
            with os.fdopen(os.dup(descriptor), "ab") as file:
                file.write(line.encode())
            os.fsync(descriptor)
            return _entry(json.loads(line))

    def trials(self) -> list[Trial]:
        """Return all runs in their order. Raises as `entries`."""
        return trials(self.entries())

    @contextmanager
    def _locked(self) -> Iterator[int]:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def trials(entries: Sequence[Entry]) -> list[Trial]:
    """Put beginnings and results together, in the order of the beginnings."""
    results = {entry.body["begun"]: entry.body for entry in entries if entry.kind is Kind.ENDED}
    return [
        Trial(number=entry.number, time=entry.time, run=entry.body, result=results.get(entry.number))
        for entry in entries
        if entry.kind is Kind.BEGUN
    ]


def sharpes(found: Sequence[Trial]) -> list[float]:
    """Return the daily Sharpe ratio of every policy that was tried to its end.

    Repetitions count once, one without trades as 0. Models that were judged as forecasts are no policies.
    """
    scored = {trial.identity: trial.result for trial in found if trial.result is not None and "sharpe" in trial.result}
    return [float(result["sharpe"] or 0.0) for result in scored.values()]


def _whole(content: bytes) -> bytes:
    """Leave out a last line that a power cut kept from being written whole: it never counted."""
    return content[: content.rfind(b"\n") + 1]


def _checked(lines: Sequence[bytes], path: Path) -> Iterator[Entry]:
    digest = _BEGINNING
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            written = said.pop("digest")
            digest = _link(digest, number, said)
            if written != digest or said["number"] != number:
                raise ValueError("another digest")
            entry = _entry(said | {"digest": digest})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerDamaged(f"{path}: entry {number} is not what was written") from error
        yield entry


def _link(previous: str, number: int, said: Body) -> str:
    return hashlib.sha256(bytes.fromhex(previous) + number.to_bytes(8, "big") + _canonical(said)).hexdigest()


def _canonical(value: Body) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _entry(said: Body) -> Entry:
    return Entry(
        number=said["number"],
        time=datetime.fromisoformat(said["time"]),
        kind=Kind(said["kind"]),
        body=said["body"],
        digest=said["digest"],
    )
