"""After a restart: what is on disk and what is in the catalog agree again."""

import contextlib
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from mesh import log
from mesh.shards import Commit, ShardKey
from mesh.store import naming
from mesh.store.catalog import Catalog, Entry
from mesh.store.disk import digest_of, make_folder, move
from mesh.store.errors import Damaged, WrongSchema
from mesh.store.listing import shard_files, strays
from mesh.store.shard_file import facts_of

_log = log.get(__name__)


def open_catalog(root: Path) -> Catalog:
    """Open the catalog of a folder; one that cannot be read is set aside, and an empty one begun."""
    path = root / naming.CATALOG
    try:
        return Catalog(path)
    except sqlite3.OperationalError:
        raise  # busy, or the disk refuses: nothing is wrong with what is in it
    except sqlite3.DatabaseError as error:
        bury(root, path, f"unreadable, rebuilt from the files: {error}")
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return Catalog(path)


def reconcile(root: Path, catalog: Catalog) -> None:
    """Settle what a dead process had begun, and enter visible files that the catalog does not know, by their own words.

    A file that changed since it was entered is entered anew if it says that it is of a later epoch (somebody copied it
    here); else the commit stands, and whoever examines the file finds it damaged.
    """
    for intent in catalog.intents():
        _finish(root, catalog, intent)
    known = {entry.key: entry for entry in catalog.entries()}
    for key in shard_files(root):
        path = naming.visible(root, key)
        with contextlib.suppress(FileNotFoundError):
            _look(root, catalog, path, key, known.get(key))
    for path in strays(root):
        _log.warning("not a file of this folder", path=str(path))


def bury(root: Path, path: Path, why: str) -> Path:
    """Move a file to where nobody reads it, and log it; returns where it is now."""
    grave = root / naming.DAMAGED / f"{path.parent.name}+{path.name}.{time.time_ns()}"
    make_folder(grave.parent)
    move(path, grave)
    _log.error("set aside", path=str(path), now=str(grave), reason=why)
    return grave


def _finish(root: Path, catalog: Catalog, intent: Entry) -> None:
    path = naming.visible(root, intent.key)
    with contextlib.suppress(FileNotFoundError):
        if digest_of(path).sha256 == intent.commit.file.sha256:
            catalog.settle(_at(intent, path))
            return
    catalog.drop_intent(intent.key)


def _look(root: Path, catalog: Catalog, path: Path, key: ShardKey, entry: Entry | None) -> None:
    status = path.stat()
    if entry and (entry.commit.file.size_bytes, entry.modified_ns) == (status.st_size, status.st_mtime_ns):
        return
    digest = digest_of(path)
    if entry and digest.sha256 == entry.commit.file.sha256:
        catalog.settle(_at(entry, path))
        return
    try:
        label, file = facts_of(path, digest)
        if label.key != key:
            raise Damaged(f"{path}: says that it is {label.key}")
    except WrongSchema as error:  # perhaps of a newer version of this software: not ours to move
        _log.error("visible file not understood", path=str(path), error=error.message)
    except Damaged as error:
        if entry is None:
            bury(root, path, error.message)
        else:
            _log.error("visible file is damaged", path=str(path), error=error.message)
    else:
        if entry and label.epoch <= entry.commit.epoch:
            _log.error("visible file is not the committed one", path=str(path), sha256=digest.sha256)
            return
        written = datetime.fromtimestamp(status.st_mtime, UTC)  # the nearest to the time of its commit that is known
        commit = Commit(label.epoch, 0, file, label.covered_end, len(label.holes), "", written)
        catalog.settle(_at(Entry(key, commit, label.holes, label.origin), path))
        _log.info("entered by its own words", shard=str(key), epoch=label.epoch)


def _at(entry: Entry, path: Path) -> Entry:
    return Entry(entry.key, entry.commit, entry.holes, entry.origin, path.stat().st_mtime_ns)
