"""Processes die and disks fill at the worst moment: what is visible stays whole, what was begun is finished or gone."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mesh.store.errors import StoreError
from mesh.store.folder import Condition, open_folder
from mesh.store.label import Label, Origin
from mesh.store.staging import Staging
from tests.conftest import ROOT
from tests.fakes.candle_tables import BOTH, KEY, candles, committed

PUBLISH = """
import os, sys
from pathlib import Path
import mesh.store.catalog, mesh.store.disk, mesh.store.folder, mesh.store.staging
from mesh.store.folder import open_folder
from tests.fakes.candle_tables import *

def die(*_, **__):
    os.kill(os.getpid(), 9)

with open_folder(Path(sys.argv[1])) as folder:
    if sys.argv[2] == "fsync":
        os.fsync = die
    elif sys.argv[2]:
        module, _, name = sys.argv[2].rpartition(".")
        owner = mesh.store.catalog.Catalog if module == "catalog" else getattr(mesh.store, module)
        setattr(owner, name, die)
    staged = folder.stage(KEY, 2, candles(seed=2), **BOTH)
    folder.publish(staged, committed(staged, 22))
"""
HOLD = """
import sys
from pathlib import Path
from mesh.store.folder import open_folder
with open_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
FILL = """
import json, resource, sys
from pathlib import Path
from mesh.store.errors import StoreError
from mesh.store.folder import open_folder
from tests.fakes.candle_tables import *

said = []
with open_folder(Path(sys.argv[1])) as folder:
    for step in ("write", "enter"):
        staged = folder.stage(KEY, 2, candles(seed=2), **BOTH)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
        try:
            if step == "write":
                folder.stage(KEY, 3, candles(seed=3), **BOTH)
            else:
                folder.publish(staged, committed(staged, 22))
        except StoreError as error:
            said.append(str(error))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    said.append([one.epoch for one in folder.staged()])
    said.append(folder.commit(KEY).epoch)
    folder.publish(staged, committed(staged, 22))
    said.append(folder.commit(KEY).epoch)
print(json.dumps(said))
"""


def child(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)


def with_epoch_1(root: Path) -> None:
    with open_folder(root) as folder:
        staged = folder.stage(KEY, 1, candles(seed=1), **BOTH)
        folder.publish(staged, committed(staged, 11))


@pytest.mark.parametrize(
    ("moment", "epoch", "waits"),
    [
        ("fsync", 1, []),  # written, not synced
        ("staging.move", 1, []),  # synced, no name yet
        ("catalog.intend", 1, [2]),  # waits, and may have been committed
        ("folder.move", 1, [2]),  # intended, not visible
        ("catalog.settle", 2, []),  # visible, not entered
    ],
)
def test_a_process_killed_while_it_publishes_leaves_the_old_file_or_the_new(
    moment: str, epoch: int, waits: list[int], tmp_path: Path
) -> None:
    with_epoch_1(tmp_path)
    died = child(PUBLISH, tmp_path, moment)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with open_folder(tmp_path) as folder:
        commit = folder.commit(KEY)
        assert commit is not None
        assert (commit.epoch, commit.sequence, commit.worker_id) == (epoch, 11 * epoch, "spark")
        assert folder.examine(KEY) is Condition.VERIFIED
        assert folder.read(KEY).equals(candles(seed=epoch))
        assert [staged.epoch for staged in folder.staged()] == waits
        assert not list((tmp_path / ".incoming").glob("*.tmp"))
        for staged in folder.staged():
            folder.publish(staged, committed(staged, 22))
        assert folder.last_sequence() == (22 if waits or epoch == 2 else 11)


def test_a_folder_has_one_writing_process_and_says_which(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"FOLDER_TAKEN: .* process {holder.pid} on "), open_folder(tmp_path):
            pass
        holder.kill()
    with open_folder(tmp_path), pytest.raises(StoreError, match="FOLDER_TAKEN"), open_folder(tmp_path):
        pass


def test_a_full_disk_is_named_and_leaves_nothing_half_visible(tmp_path: Path) -> None:
    with_epoch_1(tmp_path)
    done = child(FILL, tmp_path)
    assert done.returncode == 0, done.stderr
    write, enter, staged, before, after = json.loads(done.stdout.splitlines()[-1])
    assert write.startswith("DISK_FULL: ")
    assert ".e3." in write
    assert enter.startswith(("DISK_FULL: catalog", "DISK_FAILED: catalog"))
    assert (staged, before, after) == ([2], 1, 2)
    assert not list((tmp_path / ".incoming").iterdir())


def test_a_lost_catalog_is_made_anew_from_what_the_files_say(tmp_path: Path) -> None:
    with_epoch_1(tmp_path)
    other = replace(KEY, event="KXHIGHNY-26NOV23")
    with open_folder(tmp_path) as folder:
        folder.adopt(other, candles(other), origin=Origin.STATIC, **BOTH)
        before = dict(folder.commits())
    for path in tmp_path.glob(".catalog*"):
        path.unlink()
    with open_folder(tmp_path) as folder:
        after = dict(folder.commits())
        assert {key: replace(commit, committed=before[key].committed) for key, commit in after.items()} == {
            key: replace(commit, sequence=0, worker_id="") for key, commit in before.items()
        }
        assert [(key, origin) for key, _, origin in folder.unentered()] == [(KEY, Origin.LEASE), (other, Origin.STATIC)]
        folder.recommit(KEY, before[KEY])
        assert folder.commit(KEY) == before[KEY]


@pytest.mark.parametrize("damage", ["garbage", "a torn page", "another version", "empty"])
def test_a_catalog_that_cannot_be_read_is_set_aside_and_made_anew(damage: str, tmp_path: Path) -> None:
    with_epoch_1(tmp_path)
    catalog = tmp_path / ".catalog.sqlite"
    content = catalog.read_bytes()
    if damage == "garbage":
        catalog.write_bytes(b"not a database" * 1000)
    elif damage == "a torn page":
        catalog.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    elif damage == "another version":
        with sqlite3.connect(catalog) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    else:
        catalog.write_bytes(b"")
    with open_folder(tmp_path) as folder:
        commit = folder.commit(KEY)
        assert commit is not None
        assert (commit.epoch, commit.sequence) == (1, 0)
        assert folder.examine(KEY) is Condition.VERIFIED
    assert len(list((tmp_path / ".damaged").iterdir())) == (damage != "empty")


def test_files_that_were_copied_here_by_hand_are_entered_by_their_own_words(tmp_path: Path) -> None:
    with_epoch_1(tmp_path / "one")
    shutil.copytree(tmp_path / "one" / "candles", tmp_path / "two" / "candles")
    with open_folder(tmp_path / "two") as folder:
        commit = folder.commit(KEY)
        assert commit is not None
        assert (commit.epoch, commit.sequence) == (1, 0)
        staged = folder.stage(KEY, 5, candles(seed=5), **BOTH)
        folder.publish(staged, committed(staged))
    shutil.copy(
        tmp_path / "two" / folder.path(KEY).relative_to(folder.root), tmp_path / "one" / "candles/60m/KXHIGHNY/"
    )
    with open_folder(tmp_path / "one") as folder:
        newer = folder.commit(KEY)
        assert newer is not None
        assert newer.epoch == 5
        assert folder.examine(KEY) is Condition.VERIFIED


def test_a_file_of_an_older_epoch_copied_over_a_newer_one_is_damage_not_news(tmp_path: Path) -> None:
    with_epoch_1(tmp_path / "old")
    with open_folder(tmp_path / "new") as folder:
        staged = folder.stage(KEY, 5, candles(seed=5), **BOTH)
        path = folder.publish(staged, committed(staged))
    time.sleep(0.01)
    path.write_bytes((tmp_path / "old" / path.relative_to(tmp_path / "new")).read_bytes())
    with open_folder(tmp_path / "new") as folder:
        assert folder.commit(KEY) == committed(staged)
        assert folder.examine(KEY) is Condition.DAMAGED


def test_what_lies_among_the_visible_and_is_no_shard_is_set_aside_or_left_alone(tmp_path: Path) -> None:
    with_epoch_1(tmp_path)
    series = tmp_path / "candles/60m/KXHIGHNY"
    (series / "KXHIGHNY-26NOV23.parquet").write_bytes(b"half of it")
    shutil.copy(series / "KXHIGHNY-26NOV22.parquet", series / "KXHIGHNY-26NOV24.parquet")
    (series / "notes.txt").write_text("mine")
    (series / ".KXHIGHNY-26NOV25.parquet.Xb3fQ1").write_bytes(b"rsync is at it")
    with open_folder(tmp_path) as folder:
        assert [key for key, _ in folder.commits()] == [KEY]
    assert sorted(path.name for path in series.iterdir()) == [
        ".KXHIGHNY-26NOV25.parquet.Xb3fQ1",
        "KXHIGHNY-26NOV22.parquet",
        "notes.txt",
    ]
    assert len(list((tmp_path / ".damaged").iterdir())) == 2


def test_a_file_that_was_on_its_way_without_a_lease_is_swept_and_nobody_is_asked_about_it(tmp_path: Path) -> None:
    with_epoch_1(tmp_path)
    other = replace(KEY, event="KXHIGHNY-26NOV23")
    Staging(tmp_path).stage(Label(other, 0, Origin.STATIC, **BOTH, holes=()), candles(other))
    with open_folder(tmp_path) as folder:
        assert folder.staged() == []
        assert not list((tmp_path / ".incoming").iterdir())
        folder.adopt(other, candles(other), origin=Origin.STATIC, **BOTH)
        assert folder.examine(other) is Condition.VERIFIED


def test_a_damaged_file_among_those_that_wait_is_set_aside(tmp_path: Path) -> None:
    with open_folder(tmp_path) as folder:
        good, bad, lying = (folder.stage(KEY, epoch, candles(), **BOTH) for epoch in (1, 2, 3))
        bad.path.write_bytes(bad.path.read_bytes()[:-100])
        lying.path.rename(lying.path.with_name(lying.path.name.replace(".e3.", ".e4.")))
        assert folder.staged() == [good]
        assert len(list((tmp_path / ".damaged").iterdir())) == 2
