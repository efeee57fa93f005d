"""Files that nobody sees yet: being written, waiting for their commit, or being copied."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from mesh import log
from mesh.shards import Hole, ShardFile, ShardKey
from mesh.store import naming
from mesh.store.disk import digest_of, move, write_new
from mesh.store.errors import Damaged, WrongSchema, disk_errors
from mesh.store.label import Label
from mesh.store.recovery import bury
from mesh.store.shard_file import facts_of, shard_bytes

STALE_PART_SECONDS = 7 * 86_400.0
"""A copy that nothing was added to for so long is given up."""
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Staged:
    """A complete file that waits for its commit."""

    key: ShardKey
    epoch: int
    file: ShardFile
    covered_end: datetime
    holes: tuple[Hole, ...]
    path: Path


class Staging:
    """The hidden part of a data folder. Methods raise StoreError where the disk refuses."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / naming.INCOMING
        self._writing: set[Path] = set()

    def stage(self, label: Label, table: pa.Table) -> Staged:
        """Write a complete file, in place of one staged before for the same epoch. Raises as `shard_bytes`."""
        content, file = shard_bytes(label, table)
        path = naming.staged(self._root, label.key, label.epoch)
        temporary = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.tmp")
        self._writing.add(temporary)
        try:
            with disk_errors():
                write_new(temporary, content)
                move(temporary, path)
        finally:
            self._writing.discard(temporary)
        return Staged(label.key, label.epoch, file, label.covered_end, label.holes, path)

    def waiting(self) -> list[Staged]:
        """Return the complete files, their facts read from the files; what is damaged is set aside."""
        found = []
        with disk_errors():
            for path in sorted(self._folder.glob("*.parquet")):
                try:
                    label, file = facts_of(path, digest_of(path))
                    if naming.waiting_key(path) != (label.key, label.epoch):
                        raise Damaged(f"{path}: says that it is {label.key} of epoch {label.epoch}")
                except WrongSchema as error:  # of a newer version of this software, which will want it
                    _log.error("staged file left alone", path=str(path), reason=error.message)
                except (Damaged, ValueError) as error:
                    bury(self._root, path, str(error))
                else:
                    if label.epoch:  # else it is on its way through `adopt`, and nobody is asked about it
                        found.append(Staged(label.key, label.epoch, file, label.covered_end, label.holes, path))
        return found

    def discard(self, staged: Staged) -> None:
        """Delete a staged file."""
        with disk_errors():
            staged.path.unlink(missing_ok=True)

    def sweep(self, newest: Callable[[ShardKey], int]) -> int:
        """Delete what a dead process left half done, what a later epoch replaced, and stale copies; returns how many.

        Must not run beside the adoption of a file.

        Args:
            newest: Gives the epoch of a shard's visible file; below zero without any.
        """
        swept = 0
        with disk_errors():
            for path in self._folder.iterdir():
                dead = (path.suffix == ".tmp" and path not in self._writing) or path.name.endswith(".e0.parquet")
                if dead or _stale(path, newest):
                    path.unlink(missing_ok=True)
                    swept += 1
        if swept:
            _log.info("swept", folder=str(self._folder), files=swept)
        return swept


def _stale(path: Path, newest: Callable[[ShardKey], int]) -> bool:
    """Tell whether nobody will want a part or a staged file any more."""
    if path.suffix not in (".part", ".parquet"):
        return False
    is_part = path.suffix == ".part"
    try:
        key, epoch = naming.waiting_key(path)
    except ValueError:
        return is_part
    if not is_part:
        return newest(key) > epoch
    return newest(key) >= epoch or time.time() - path.stat().st_mtime > STALE_PART_SECONDS
