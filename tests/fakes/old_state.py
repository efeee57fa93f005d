"""What a mesh of an older commit left on its disks: made by that commit's own daemons, each ended with kill -9.

    python -m tests.fakes.old_state COMMIT

checks the commit out beside this tree (the clone must have it), runs its daemons with this installation's packages and
writes `tests/sample/state/COMMIT.tar.xz`. tests/sample/README.md says what is in it.
"""

import contextlib
import json
import lzma
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import ROOT
from tests.fakes.collection import Collection, Daemon, collecting_from, wait_for
from tests.fakes.collection_truth import fetching
from tests.fakes.trader_process import TradingDesk, trading
from trader.domain.entries import PositionClosed, PositionOpened

SAMPLES = ROOT / "tests" / "sample" / "state"
EXCHANGE = """
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
weekly_pause = false
[source]
kind = "generated"
series = [{ ticker = "KXHIGHNY", markets = 6, history_hours = 24.0, trades_per_hour = 0.0, ticks_per_minute = 1 }]
[log]
format = "json"
"""
SERIES = 'series=[{ ticker = "KXHIGHNY" }]'
TRADERS = {"alice": "demo", "bob": "paper"}
"""Names and modes: the one trades at the exchange, the other beside it."""
COLLECTORS = ("a", "b")
_PROGRAMS = {
    "foremesh-trader": "trader",
    "foremesh-collector": "collector",
    "foremesh-coordinator": "collector.coordinator",
}


@dataclass(frozen=True, slots=True)
class OldState:
    """What is known of it."""

    commit: str
    ended: str
    """When, by the exchange's clock."""
    held: str
    """Market of which each trader holds NO, bought at 56 cents, with a stop eight below; since then 40 are bid."""
    sold: str
    """Market in which each has bought and sold."""
    committed: int
    """Shards that were committed."""


def sample(commit: str, folder: Path) -> OldState:
    """Lay an old state out in a folder."""
    with lzma.open(SAMPLES / f"{commit}.tar.xz") as packed, tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    return OldState(**json.loads((folder / "old.json").read_text()))


def under(daemon: Daemon, tree: Path) -> None:
    """Let a daemon run the code of another tree from its next start on."""
    place = next(number for number, word in enumerate(daemon.command) if Path(word).name in _PROGRAMS)
    module = _PROGRAMS[Path(daemon.command[place]).name]
    code = f"PYTHONPATH={tree}{os.pathsep}{tree / 'gen'}"
    daemon.command = ["env", f"--chdir={tree}", code, sys.executable, "-m", module, *daemon.command[place + 1 :]]


@contextlib.contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Have the tree of a commit while the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / commit
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, commit], cwd=ROOT, check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)


def make(commit: str, folder: Path) -> None:
    """Let daemons of a commit live in a folder, and end them as a power cut would."""
    with checked_out(commit) as tree, trading(folder, exchange=EXCHANGE) as desk:
        with collecting_from(desk.exchange, folder, SERIES) as mesh:
            committed = _collect(mesh, tree)
        held, sold = _trade(desk, tree)
        ended = datetime.now(UTC).isoformat()
        assert desk.exchange.stop() == 0
    (folder / "old.json").write_text(json.dumps(asdict(OldState(commit, ended, held, sold, committed)), indent=1))


def _collect(mesh: Collection, tree: Path) -> int:
    """Let some shards be committed, and others be under way when all end."""
    mesh.coordinator.kill()
    shutil.rmtree(mesh.folder / "coordinator-state")
    under(mesh.coordinator, tree)
    mesh.coordinator.start()
    mesh.coordinator.wait_for("ready", 2)
    mesh.slow_down(0.3)
    for name in COLLECTORS:
        mesh.collectors[name] = mesh.collector(name, {"held_leases": 1})
        under(mesh.collectors[name], tree)
        mesh.collectors[name].start()
    for daemon in mesh.daemons():
        daemon.wait_for("registered")
    wait_for(lambda: fetching(mesh) and mesh.committed())
    found = len(mesh.committed())
    for daemon in (*mesh.daemons(), mesh.coordinator):
        daemon.kill()
    return found


def _trade(desk: TradingDesk, tree: Path) -> tuple[str, str]:
    """Let each trader buy two positions and sell one of them."""
    held, sold = desk.ticker(), desk.ticker()
    traders = [desk.trader(name, mode=mode) for name, mode in TRADERS.items()]
    for ticker in (held, sold):
        desk.quote(ticker, bid=54, ask=56)
    desk.forecasts.say(held, sold, stop_loss=8.0, take_profit=15.0)
    for trader in traders:
        under(trader.daemon, tree)
        trader.start()
    for trader in traders:
        trader.wait(PositionOpened, 2)
    desk.forecasts.hush()
    desk.quote(sold, bid=75, ask=77)
    for trader in traders:
        trader.wait(PositionClosed)
        trader.wait_settled()
        time.sleep(1.5)  # one more look at the account
        trader.kill()
    desk.quote(held, bid=40, ask=42)  # while nobody guards
    return held, sold


def pack(folder: Path, target: Path) -> None:
    """Pack what a mesh leaves: no keys, no logs, nothing that a start makes anew."""
    exchange = folder / "exchange-state/exchange.sqlite"
    with contextlib.closing(sqlite3.connect(exchange)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("VACUUM")
    kept = [
        exchange,
        folder / "old.json",
        folder / "coordinator-state",
        *(folder / name / "data" for name in COLLECTORS),
    ]
    for name in TRADERS:
        kept += [folder / name / "state", *(folder / name).glob("paper.sqlite*")]
    target.parent.mkdir(exist_ok=True)
    with lzma.open(target, "wb", preset=9) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path in kept:
            archive.add(path, path.relative_to(folder), filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if member.name.endswith((".lock", "-shm")):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    name = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        make(name, Path(scratch))
        pack(Path(scratch), SAMPLES / f"{name}.tar.xz")
