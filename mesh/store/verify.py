"""Proof that a data folder holds what it says: every byte hashed, every row looked at.

Reads only, and may run beside the process that writes the folder: a file that is replaced meanwhile is looked at again.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from mesh.records import CANDLES
from mesh.shards import Commit, ShardFile, ShardKey
from mesh.store import naming
from mesh.store.catalog import Catalog
from mesh.store.checks import check_sense, check_shard
from mesh.store.disk import Digest, digest_in
from mesh.store.errors import Damaged, WrongSchema, disk_errors
from mesh.store.findings import Finding, Problem, Report
from mesh.store.label import Label
from mesh.store.listing import shard_files, strays
from mesh.store.parquet import parsed
from mesh.store.shard_file import describe, label_in

Progress = Callable[[int, int], None]
"""Is told how many shards are done, of how many."""
_SETTLING_SECONDS = 0.1  # more than lies between a file's new name and its entry in the catalog
_LOOKS = 50


def verify(
    root: Path, *, expected: Mapping[ShardKey, Commit] | None = None, progress: Progress | None = None
) -> Report:
    """Look at everything in a data folder.

    Each file is hashed against the catalog, against the manifest where given, and its rows are checked for what it says
    of itself, for order, and for sense.

    Args:
        root: The folder; without a catalog (a plain copy) that comparison is left out.
        expected: The coordinator's manifest: the commits in force of the shards that should be here.
        progress: Called from this thread.

    Raises:
        StoreError: The disk refuses.
    """
    report = Report()
    with disk_errors(), _catalog(root, report) as catalog:
        visible = list(shard_files(root))
        known = {entry.key: entry.commit for entry in catalog.entries()} if catalog else {}
        for key in sorted((known.keys() | (expected or {}).keys()) - set(visible)):
            report.findings.append(Finding(Problem.MISSING, str(key), "committed, but not here"))
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="verify") as pool:
            for done, seen in enumerate(pool.map(lambda key: _see(root, key), visible), 1):
                commit = known.get(seen.key)
                if catalog and not seen.is_file_of(commit):
                    seen, commit = _settled(root, catalog, seen, commit)  # noqa: PLW2901  a later look
                _judge(report, seen, commit, expected)
                if progress:
                    progress(done, len(visible))
        report.findings += [Finding(Problem.STRAY, str(path), "not a shard's file") for path in strays(root)]
        report.findings += [
            Finding(Problem.WAITING, str(path), "not committed") for path in sorted((root / naming.INCOMING).glob("*"))
        ]
    return report


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at one file showed, whatever is known of it."""

    key: ShardKey
    digest: Digest | None = None
    """None where it is gone, or the disk does not give it."""
    label: Label | None = None
    file: ShardFile | None = None
    """None where it cannot be read."""
    findings: tuple[tuple[Problem, str], ...] = ()

    def is_file_of(self, commit: Commit | None) -> bool:
        return bool(commit and self.digest and self.digest.sha256 == commit.file.sha256)


def _see(root: Path, key: ShardKey) -> _Seen:
    path = naming.visible(root, key)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _Seen(key, findings=((Problem.MISSING, "committed, but not here"),))
    except OSError as error:  # a bad sector, no permission: the others are still looked at
        return _Seen(key, findings=((Problem.DAMAGED, str(error)),))
    digest = digest_in(memoryview(content))
    try:
        with parsed(pa.BufferReader(content), path, CANDLES) as file:
            label = label_in(path, file)
            table: pa.Table = file.read(use_threads=False)
    except WrongSchema as error:
        return _Seen(key, digest, findings=((Problem.SCHEMA, error.message),))
    except Damaged as error:
        return _Seen(key, digest, findings=((Problem.DAMAGED, error.message),))
    flaws = [*check_shard(table, key, label.content), *check_sense(table, key.step_seconds)]
    findings = [(Problem.ROWS, str(flaw)) for flaw in flaws]
    if label.key != key:
        findings.append((Problem.LABEL, f"says that it is {label.key}"))
    return _Seen(key, digest, label, describe(table, label.content, digest), tuple(findings))


def _settled(root: Path, catalog: Catalog, seen: _Seen, commit: Commit | None) -> tuple[_Seen, Commit | None]:
    """Look again at a file that is not the committed one, until it is or nothing changes any more: it was replaced."""
    for _ in range(_LOOKS):
        time.sleep(_SETTLING_SECONDS)
        again = _see(root, seen.key)
        entry = catalog.get(seen.key)
        unchanged = (again.digest, entry and entry.commit) == (seen.digest, commit)
        seen, commit = again, entry.commit if entry else None
        if unchanged or seen.is_file_of(commit):
            break
    return seen, commit


def _judge(report: Report, seen: _Seen, commit: Commit | None, expected: Mapping[ShardKey, Commit] | None) -> None:
    """Add what was seen of a file, and how it stands to its commits, to the report."""
    findings = list(seen.findings)
    if seen.digest:
        if commit:
            findings += _compare(seen, commit, Problem.DAMAGED)
        if expected is not None and seen.key not in expected:
            findings.append((Problem.UNEXPECTED, "not in the manifest"))
        elif expected is not None:
            intact = seen.is_file_of(commit)
            findings += _compare(seen, expected[seen.key], Problem.OUTDATED if intact else Problem.DAMAGED)
        report.shards += 1
        report.size_bytes += seen.digest.size_bytes
    if seen.file and seen.label:
        report.rows += seen.file.row_count
        report.holes += len(seen.label.holes)
        report.price_only += seen.label.content.value == "prices"
    report.findings += [Finding(problem, str(seen.key), text) for problem, text in dict.fromkeys(findings)]


def _compare(seen: _Seen, commit: Commit, other: Problem) -> Iterator[tuple[Problem, str]]:
    """Hold a file against a commit; `other` is what it is where it is another file."""
    if not seen.is_file_of(commit):
        yield other, f"its bytes are not those committed under epoch {commit.epoch}"
        return
    if seen.file and seen.file != commit.file:
        yield Problem.LABEL, f"holds {seen.file}, committed was {commit.file}"
    if seen.label and seen.label.epoch not in (0, commit.epoch):
        yield Problem.LABEL, f"says epoch {seen.label.epoch}, committed was {commit.epoch}"
    if seen.label and len(seen.label.holes) != commit.hole_count:
        yield Problem.LABEL, f"lists {len(seen.label.holes)} holes, committed were {commit.hole_count}"


@contextlib.contextmanager
def _catalog(root: Path, report: Report) -> Iterator[Catalog | None]:
    path = root / naming.CATALOG
    if not path.exists():
        yield None
        return
    try:
        catalog = Catalog(path, read_only=True)
    except sqlite3.Error as error:
        report.findings.append(Finding(Problem.CATALOG, str(path), str(error)))
        yield None
        return
    with contextlib.closing(catalog):
        yield catalog
