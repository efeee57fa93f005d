"""A node's data folder: files are staged, then published when the coordinator has entered them; nobody sees the rest.

What is visible under `candles/` is committed, always whole, and only ever replaced by a newer epoch. One process writes
a folder at a time; its methods block, and may be called from any of its threads.
"""

import contextlib
import errno
import shutil
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path

import pyarrow as pa

from mesh.clock import Clock, SystemClock
from mesh.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from mesh.records import CANDLES
from mesh.shards import Commit, Content, Hole, ShardKey
from mesh.store import naming
from mesh.store.catalog import Catalog, Entry
from mesh.store.disk import digest_of, make_folder, move, sync
from mesh.store.errors import Damaged, disk_errors
from mesh.store.label import Label, Origin
from mesh.store.lock import exclusive
from mesh.store.parquet import read
from mesh.store.recovery import bury, open_catalog, reconcile
from mesh.store.shard_file import facts_of
from mesh.store.staging import Staged, Staging


class Condition(Enum):
    """What was found when a committed file was looked at."""

    VERIFIED = "verified"
    MISSING = "missing"
    DAMAGED = "damaged"
    """Its bytes are not those that were committed."""


@contextlib.contextmanager
def open_folder(root: Path, clock: Clock | None = None) -> Iterator["DataFolder"]:
    """Hold a data folder for writing; made if it does not exist, healed if a process died in it.

    Args:
        root: The folder.
        clock: For the time of commits that no coordinator made; the system's by default.

    Raises:
        StoreError: `FOLDER_TAKEN` naming the process that holds it; `DISK_FULL`, `DISK_FAILED`.
    """
    with contextlib.ExitStack() as stack:
        with disk_errors():
            for name in (naming.INCOMING, naming.DAMAGED, naming.CANDLES):
                make_folder(root / name)
            stack.enter_context(exclusive(root / naming.LOCK))
            catalog = stack.enter_context(contextlib.closing(open_catalog(root)))
            reconcile(root, catalog)
        folder = DataFolder(root, catalog, clock or SystemClock())
        folder.sweep()
        yield folder


class DataFolder:
    """See `open_folder`. Every method raises StoreError (`DISK_FULL`, `DISK_FAILED`) where the disk refuses."""

    def __init__(self, root: Path, catalog: Catalog, clock: Clock) -> None:
        self.root = root
        self._catalog = catalog
        self._clock = clock
        self._lock = threading.RLock()  # one change of what is visible at a time; looking waits for nobody
        self._staging = Staging(root)

    # -- Making files ------------------------------------------------------------------------------------------------

    def stage(
        self,
        key: ShardKey,
        epoch: int,
        table: pa.Table,
        *,
        content: Content,
        covered_end: datetime,
        holes: Sequence[Hole] = (),
    ) -> Staged:
        """Write a complete file that waits for its commit; a file staged before for the same epoch gives way.

        Args:
            key: The shard.
            epoch: Of the lease, above zero.
            table: `mesh.records.CANDLES`, all of this shard, by market and end without duplicates.
            content: What the rows hold.
            covered_end: Candles ending up to here were asked for, aware.
            holes: All holes of the file.

        Raises:
            InvalidInput: `INVALID_DATA`: rows that no file of this shard may hold; the text says which.
            ValueError: An epoch that is none, or a time without a zone.
            StoreError: The disk refuses; nothing is left behind.
        """
        return self._staging.stage(Label(key, epoch, Origin.LEASE, content, covered_end, tuple(holes)), table)

    def staged(self) -> list[Staged]:
        """Return the complete files that wait, their facts read from the files; what is damaged is set aside."""
        return self._staging.waiting()

    def publish(self, staged: Staged, commit: Commit) -> Path:
        """Make a staged file the shard's visible one; doing it twice changes nothing more.

        Args:
            staged: From `stage` or `staged`.
            commit: The coordinator's answer to it.

        Raises:
            Conflict: `STALE_EPOCH`: a newer epoch is visible; `COMMIT_CONFLICT`: the commit is of another file.
            Damaged: The staged file is gone, or its bytes changed and it was set aside.
            StoreError: The disk refuses; try again.
        """
        key = staged.key
        if (staged.epoch, staged.file) != (commit.epoch, commit.file):
            raise Conflict(f"{key}: the commit is of another file than the staged one", reason="COMMIT_CONFLICT")
        with self._lock, disk_errors():
            self._check_newest(key, commit)
            target = naming.visible(self.root, key)
            entry = Entry(key, commit, staged.holes, Origin.LEASE)
            condition = _condition(staged.path, commit)
            if condition is Condition.VERIFIED:
                return self._install(staged.path, entry)
            if condition is Condition.DAMAGED:
                bury(self.root, staged.path, "changed while it waited")
            elif _is(target, commit):  # it had got its name before, if not its entry
                self._settle(entry)
                return target
            raise Damaged(f"{staged.path}: {condition.value}")

    def discard(self, staged: Staged) -> None:
        """Delete a staged file: its epoch is stale."""
        self._staging.discard(staged)

    def adopt(
        self,
        key: ShardKey,
        table: pa.Table,
        *,
        origin: Origin,
        content: Content,
        covered_end: datetime,
        holes: Sequence[Hole] = (),
    ) -> Commit:
        """Write and publish a file that no lease covers, as a commit of epoch 0 and sequence 0.

        The same rows again change nothing. An imported file gives way to any other; prices alone never replace quotes.

        Args:
            key: The shard.
            table: As for `stage`.
            origin: Import or static.
            content: What the rows hold.
            covered_end: As for `stage`.
            holes: As for `stage`.

        Raises:
            AlreadyExists: `COMMIT_CONFLICT`: a better file is visible.
            InvalidInput: As `stage`.
            StoreError: As `stage`.
        """
        label = Label(key, 0, origin, content, covered_end, tuple(holes))
        with self._lock:
            before = self._entry(key)
            if before and (problem := _better(before, label)):
                raise AlreadyExists(f"{key}: {problem}", reason="COMMIT_CONFLICT")
            staged = self._staging.stage(label, table)
            if before and before.commit.file == staged.file:
                self.discard(staged)
                return before.commit
            commit = Commit(0, 0, staged.file, label.covered_end, len(label.holes), "", self._clock.now())
            with disk_errors():
                self._install(staged.path, Entry(key, commit, label.holes, origin))
            return commit

    def recommit(self, key: ShardKey, commit: Commit) -> None:
        """Take the coordinator's word on the visible file: epoch, sequence, worker, time.

        Raises:
            NotFound: `SHARD_NOT_COMMITTED`: nothing is visible.
            Conflict: `COMMIT_CONFLICT`: the commit is of another file; `STALE_EPOCH`.
        """
        with self._lock, disk_errors():
            entry = self._known(key)
            if entry.commit.file != commit.file:
                raise Conflict(f"{key}: another file is visible than {commit.file.sha256}", reason="COMMIT_CONFLICT")
            self._check_newest(key, commit)
            self._catalog.settle(Entry(key, commit, entry.holes, entry.origin, entry.modified_ns))

    # -- Copying files from other nodes ------------------------------------------------------------------------------

    def part(self, key: ShardKey, commit: Commit) -> Path:
        """Say where to write a copy of a committed file; what is there already is the beginning of that very file."""
        return naming.part(self.root, key, commit.epoch, commit.file.sha256)

    def accept(self, key: ShardKey, commit: Commit, part: Path) -> Path:
        """Make a copied file the shard's visible one, once it is proved to be the committed one.

        Raises:
            InvalidInput: `PART_INCOMPLETE`: bytes are still missing; it stays.
            Damaged: It is not the committed file; it is deleted.
            WrongSchema: It is of a newer version than this software reads; it stays.
            Conflict: As `publish`.
        """
        with disk_errors():
            self._check_newest(key, commit)  # a part that is behind may have been swept
            digest = digest_of(part)
            if digest.size_bytes < commit.file.size_bytes:
                raise InvalidInput(
                    f"{part}: {digest.size_bytes} of {commit.file.size_bytes} bytes", reason="PART_INCOMPLETE"
                )
            try:
                if (digest.sha256, digest.size_bytes) != (commit.file.sha256, commit.file.size_bytes):
                    raise Damaged(f"{part}: its bytes are not those that were committed")
                label, file = facts_of(part, digest)
                if (label.key, file) != (key, commit.file) or label.epoch not in (0, commit.epoch):
                    raise Damaged(f"{part}: says that it is {label.key} of epoch {label.epoch}, {file}")
            except Damaged:
                part.unlink()
                raise
            with self._lock:
                self._check_newest(key, commit)
                sync(part)
                return self._install(part, Entry(key, commit, label.holes, label.origin))

    # -- Looking -----------------------------------------------------------------------------------------------------

    def path(self, key: ShardKey) -> Path:
        """Say where the shard's visible file is, or would be."""
        return naming.visible(self.root, key)

    def commit(self, key: ShardKey) -> Commit | None:
        """Return the commit whose file is visible."""
        entry = self._entry(key)
        return entry.commit if entry else None

    def holes(self, key: ShardKey) -> tuple[Hole, ...]:
        """Return the holes of the visible file; none where nothing is visible."""
        entry = self._entry(key)
        return entry.holes if entry else ()

    def commits(self) -> Iterator[tuple[ShardKey, Commit]]:
        """Give all commits by key, as they are at the call."""
        return ((entry.key, entry.commit) for entry in self._entries())

    def unentered(self) -> Iterator[tuple[ShardKey, Commit, Origin]]:
        """Give the commits without a sequence: the coordinator has not entered them, or its word was lost here.

        Those of epoch 0 are to be adopted, the others are to be committed again under their epoch; then `recommit`.
        """
        with disk_errors():
            return ((entry.key, entry.commit, entry.origin) for entry in self._catalog.unentered())

    def last_sequence(self) -> int:
        """Return the highest commit sequence known; 0 without any. Lower ones may be lacking."""
        with disk_errors():
            return self._catalog.last_sequence()

    def read(self, key: ShardKey) -> pa.Table:
        """Read the visible file. NotFound (`SHARD_NOT_COMMITTED`) where nothing is; Damaged if it cannot be read."""
        self._known(key)
        return read(self.path(key), CANDLES)

    def examine(self, key: ShardKey) -> Condition:
        """Hash the visible file again. NotFound (`SHARD_NOT_COMMITTED`) where nothing is committed here."""
        entry = self._known(key)
        with disk_errors():
            if _is(self.path(key), entry.commit):
                return Condition.VERIFIED
            with self._lock:  # it may have been replaced while it was read
                return _condition(self.path(key), self._known(key).commit)

    def set_aside(self, key: ShardKey, commit: Commit) -> Path | None:
        """Move the visible file out of sight, and forget its commit, unless another file has replaced it meanwhile.

        Returns:
            Where it went; None if it was gone, or replaced.
        """
        with self._lock, disk_errors():
            entry = self._entry(key)
            if entry is None or entry.commit.file != commit.file:
                return None
            path = self.path(key)
            moved = bury(self.root, path, "set aside") if path.exists() else None
            self._catalog.forget(key)
            return moved

    def retire(self, key: ShardKey, newer: Commit) -> bool:
        """Delete the visible file of an earlier epoch than a commit that is elsewhere; tell whether there was one.

        What came without a lease stays: nobody has collected it. So does a file with more rows than the later one,
        which may have been collected from nothing while this node was away and the exchange answered badly.
        """
        with self._lock, disk_errors():
            entry = self._entry(key)
            if entry is None or not 0 < entry.commit.epoch < newer.epoch:
                return False
            if entry.commit.file.row_count > newer.file.row_count:
                return False
            self._catalog.forget(key)
            self.path(key).unlink(missing_ok=True)
            return True

    def lacks(self, key: ShardKey, commit: Commit) -> bool:
        """Tell whether a committed file is neither visible here nor on its way to be: it waits under its epoch."""
        with self._lock, disk_errors():  # not between its two names
            entry = self._entry(key)
            visible = entry is not None and entry.commit.file.sha256 == commit.file.sha256
            return not visible and not naming.staged(self.root, key, commit.epoch).exists()

    def sweep(self) -> int:
        """Delete what a dead process left half done, what a later epoch replaced, and stale parts; returns how many."""
        with self._lock:
            return self._staging.sweep(self._newest)

    def free_bytes(self) -> int:
        """Return the space left for this user where the folder is."""
        with disk_errors():
            return shutil.disk_usage(self.root).free

    # -- Within ------------------------------------------------------------------------------------------------------

    def _install(self, path: Path, entry: Entry) -> Path:
        target = naming.visible(self.root, entry.key)
        make_folder(target.parent)
        self._catalog.intend(entry)
        move(path, target)
        self._settle(entry)
        return target

    def _settle(self, entry: Entry) -> None:
        modified_ns = self.path(entry.key).stat().st_mtime_ns
        self._catalog.settle(Entry(entry.key, entry.commit, entry.holes, entry.origin, modified_ns))

    def _check_newest(self, key: ShardKey, commit: Commit) -> None:
        current = self._entry(key)
        if current is None or commit.epoch > current.commit.epoch:
            return
        if commit.epoch < current.commit.epoch:
            raise Conflict(
                f"{key}: epoch {current.commit.epoch} is visible, not to be replaced by {commit.epoch}",
                reason="STALE_EPOCH",
            )
        if commit.epoch and commit.file != current.commit.file:
            raise Conflict(f"{key}: epoch {commit.epoch} is visible with another file", reason="COMMIT_CONFLICT")

    def _newest(self, key: ShardKey) -> int:
        entry = self._entry(key)
        return entry.commit.epoch if entry else -1

    def _entry(self, key: ShardKey) -> Entry | None:
        with disk_errors():
            return self._catalog.get(key)

    def _entries(self) -> Iterator[Entry]:
        with disk_errors():
            return self._catalog.entries()

    def _known(self, key: ShardKey) -> Entry:
        entry = self._entry(key)
        if entry is None:
            raise NotFound(f"{key}: nothing is committed here", reason="SHARD_NOT_COMMITTED")
        return entry


def _better(before: Entry, label: Label) -> str:
    """Say why a file without a lease may not replace this one; empty if it may."""
    if before.commit.epoch > 0:
        return f"epoch {before.commit.epoch} is committed"
    if before.origin is Origin.STATIC and label.origin is Origin.IMPORT:
        return "collected here, not to be replaced by an import"
    if before.commit.file.content is Content.PRICES_AND_QUOTES and label.content is Content.PRICES:
        return "the visible file has quotes, this one has none"
    return ""


def _condition(path: Path, commit: Commit) -> Condition:
    try:
        digest = digest_of(path)
    except FileNotFoundError:
        return Condition.MISSING
    except OSError as error:
        if error.errno != errno.EIO:  # what the disk cannot read back is damaged, too
            raise
        return Condition.DAMAGED
    same = (digest.sha256, digest.size_bytes) == (commit.file.sha256, commit.file.size_bytes)
    return Condition.VERIFIED if same else Condition.DAMAGED


def _is(path: Path, commit: Commit) -> bool:
    return _condition(path, commit) is Condition.VERIFIED
