"""The trader whose host loses its power in the midst of a write, in the simulated world, with its real journal.

    make sim        every disk that any write of a life may leave

That the disks are the right ones is held against strace, where it is installed.
"""

import contextlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from mesh import log
from tests.conftest import ROOT
from tests.fakes.power.cuts import left, put_back
from tests.fakes.power.disk import Disk, Files, Op
from tests.fakes.power.host import checkpoint_often, host
from tests.fakes.power.recorder import recording
from tests.sim.loop import Choices
from tests.sim.world import Killed, Plan, World, lived
from trader.domain.entries import AnyEntry
from trader.journal.store import Store, opened
from trader.ports import Recorded

LIFE = Plan(faults=False, adopts=0.0, horizon=7.0, healed=60.0)
JOURNAL = "journal-1"
PIECE = 8192
"""Bytes that are written whole or not at all: half of a page of the journal."""
_CALLS = "write,pwrite64,fsync,fdatasync,rename,unlink"
_TRACED = """
import json, sys
from pathlib import Path
from tests.fakes.power.host import checkpoint_often, host
from tests.fakes.power.recorder import recording
from tests.fakes.trading import NOON
from trader.domain.entries import OrderSent
from trader.journal.store import opened
root = Path(sys.argv[1])
with recording(root) as recorder:
    for _ in range(2):
        with opened(root / "j.sqlite") as journal:
            for _ in range(5):
                journal.append(NOON, [OrderSent(client_order_id="x" * 9000)] * 30)
print(json.dumps([[op.kind, op.path, op.other, op.at, len(op.data)] for op in recorder.ops]))
"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_often(monkeypatch)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    log.configure(level="error")
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Host:
    """A journal in real files, on a host whose power is cut in the midst of one write."""

    def __init__(self, world: World, root: Path, held: contextlib.ExitStack, cut: tuple[int, int] | None) -> None:
        """`cut` is the number of the append, and that of one of the disks that it may leave; None for no cut."""
        self.left: list[int] = []
        """For each append, how many different disks a power cut in it may leave."""
        self.appends = 0
        self._cut = cut
        self._world, self._root = world, root
        self._recorder = held.enter_context(recording(root))
        self._held = held.enter_context(contextlib.ExitStack())
        self._disk, self._done = Disk(PIECE, strict=True), 0
        self._store = self._opened()

    @property
    def journal_id(self) -> str:
        return self._store.journal_id

    @property
    def last_sequence(self) -> int:
        return self._store.last_sequence

    def append(self, time: datetime, entries: Sequence[AnyEntry]) -> None:
        for op in self._new():  # of the time since
            self._disk.apply(op)
        before = self._store.last_sequence
        self._store.append(time, entries)
        self.appends += 1
        if self._cut is None or self.appends == self._cut[0]:
            found = list({hash(frozenset(files.items())): files for files in left(self._disk, self._new())}.values())
            self.left.append(len(found))
        if self._cut is not None and self.appends == self._cut[0]:
            self._power_off(found[self._cut[1]])
            assert self.last_sequence in {before, before + len(entries)}, "half a transaction"
            self._world.kill("power")
            raise Killed

    def read(self, after: int = 0, *, refusals: bool = True) -> Iterator[Recorded]:
        return self._store.read(after, refusals=refusals)

    def of(self, *kinds: type[AnyEntry]) -> list[AnyEntry]:
        return [recorded.entry for recorded in self.read() if isinstance(recorded.entry, kinds)]

    def _opened(self) -> Store:
        return self._held.enter_context(opened(self._root / "j.sqlite", JOURNAL))

    def _new(self) -> list[Op]:
        """Return what was done to the files since the last time."""
        new = self._recorder.ops[self._done :]
        self._done += len(new)
        return new

    def _power_off(self, files: Files) -> None:
        self._held.close()
        put_back(files, self._root)
        self._new()  # what closing did has not happened
        self._disk = Disk(PIECE)
        for name, content in files.items():
            self._disk.apply(Op("link", name))
            self._disk.apply(Op("write", name, data=content or b""))
            self._disk.apply(Op("sync", name))
        self._store = self._opened()


def life(cut: tuple[int, int] | None) -> tuple[World, Host]:
    """Live once; the check at the end compares with the exchange to the micro."""
    hosts: list[Host] = []
    with host() as root, contextlib.ExitStack() as held:

        def made(world: World) -> Host:
            hosts.append(Host(world, root, held, cut))
            return hosts[0]

        return lived(Choices(1), LIFE, make_journal=made), hosts[0]


def killed_everywhere(choose: Callable[[int, int], Iterable[int]]) -> int:
    """Cut the power in every append of a life, leaving each disk that was chosen; returns how many lives that took.

    `choose` gets the number of an append and how many disks a cut in it may leave.
    """
    _, whole = life(None)
    assert len(whole.left) > 30
    count = 0
    for append, disks in enumerate(whole.left, 1):
        for disk in choose(append, disks):
            world, _ = life((append, disk))
            assert world.happened["killed power"] == 1
            count += 1
    return count


def test_a_trader_whose_host_lost_its_power_is_whole_again() -> None:
    assert killed_everywhere(lambda append, disks: [append * 7 % disks] if append % 14 == 2 else []) > 3


@pytest.mark.sim
def test_a_trader_is_whole_again_on_every_disk_that_a_power_cut_in_any_write_may_leave() -> None:
    lives = killed_everywhere(lambda _append, disks: range(disks))
    sys.stderr.write(f"\n{lives} power cuts\n")


@pytest.mark.sim
def test_what_is_recorded_is_what_the_system_was_asked_for(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    root, trace = tmp_path.resolve() / "host", tmp_path / "trace"
    root.mkdir()
    command = [
        "strace",
        "-f",
        "-y",
        "-s",
        "0",
        "-e",
        f"trace={_CALLS}",
        "-o",
        str(trace),
        sys.executable,
        "-c",
        _TRACED,
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "gen")])}
    done = subprocess.run([*command, str(root)], env=environment, capture_output=True, text=True, check=True)
    recorded = [(kind, path, other, at, size) for kind, path, other, at, size in json.loads(done.stdout)]
    assert sum(kind == "sync" for kind, *_ in recorded) > 20
    assert [each for each in recorded if each[0] in _SEEN] == list(_traced(trace.read_text(), str(root)))


_SEEN = {"write", "sync", "rename", "unlink"}


def _traced(trace: str, root: str) -> Iterator[tuple[str, str, str, int, int]]:
    """Read what strace wrote down as operations of a recorder; the lock's file and shared memory are of no account."""
    for line in trace.splitlines():
        call = re.match(r"\d+ +(\w+)\((.*)\) += (\d+)", line)
        if call is None or root not in call[2] or re.search(r"-shm|\.lock", call[2]):
            continue
        name, given, size = call[1], call[2], int(call[3])
        handle, names = re.match(r"\d+<([^>]*)>", given), re.findall(r'"([^"]*)"', given)
        path = handle[1] if handle else names[0]
        match name:
            case "write" | "pwrite64":
                yield "write", path, "", int(given.rsplit(", ", 1)[1]) if name == "pwrite64" else 0, size
            case "fsync" | "fdatasync":
                yield "sync", path, "", 0, 0
            case "rename":
                yield "rename", path, names[1], 0, 0
            case "unlink":
                yield "unlink", path, "", 0, 0
