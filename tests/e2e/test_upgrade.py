"""New daemons on what older ones left, each killed at work; and what a newer one wrote is refused in words."""

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes.collection import collecting_from, coordinator_of, wait_for
from tests.fakes.collection_truth import assert_whole, commits, event_of, fetching
from tests.fakes.exchange_process import exchange_process
from tests.fakes.old_state import COLLECTORS, EXCHANGE, SERIES, TRADERS, OldState, checked_out, sample, under
from tests.fakes.trader_process import TraderProcess, TradingDesk, books_equal, trading
from trader.domain.entries import Differed, PositionClosed, PositionOpened, Started
from trader.domain.remaking import Unmade
from trader.domain.words import ExitKind, Resolution
from trader.journal.reading import reading
from trader.journal.replaying import replay
from trader.journal.verifying import verify

COMMITS = ("735f81a", "e8bc5d8")
pytestmark = pytest.mark.timeout(240)  # a dozen processes, one after the other


def goes_on(old: OldState) -> tuple[str, str]:
    """The time of markets, from where the old daemons ended."""
    return f"clock.start={old.ended}", f"clock.since={datetime.now(UTC).isoformat()}"


@pytest.fixture(params=COMMITS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> OldState:
    return sample(request.param, tmp_path)


def upgraded(desk: TradingDesk, clock: tuple[str, str]) -> Iterator[TraderProcess]:
    for name, mode in TRADERS.items():
        yield desk.trader(name, *clock, mode=mode)


def here(commit: str) -> None:
    """Skip without a commit's own code: continuous integration may have the last one alone."""
    if subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip(f"{commit} is not in this clone")


def test_a_trader_sells_what_an_older_one_held_when_it_was_killed(old: OldState, tmp_path: Path) -> None:
    clock = goes_on(old)
    with trading(tmp_path, *clock, exchange=EXCHANGE) as desk:
        for trader in upgraded(desk, clock):
            before = verify(trader.journal).end
            books = trader.books()
            assert [position.market.ticker for position in books.positions.values()] == [old.held]
            assert [trade.ticker for trade in books.trades] == [old.sold]
            trader.start()
            trade = trader.wait(PositionClosed, 2).trade
            assert (trade.ticker, trade.exit_kind) == (old.held, ExitKind.STOP_LOSS)
            trader.wait_settled()
            trader.wait_flat()
            assert trader.daemon.stop() == 0
            assert not trader.written(Differed)
            assert len(trader.written(Started)) == 2
            verify(trader.journal, before.sequence, before.digest)  # of what was there nothing was changed
            if trader.account is not None:
                books_equal(trader)
            with reading(trader.journal) as reader:
                decisions = replay(reader, version("foremesh")).decisions
            assert not decisions.differing
            assert {why for _, why in decisions.unmade} <= {Unmade.NO_SETTINGS}


def test_collectors_and_their_coordinator_go_on_where_older_ones_were_killed(old: OldState, tmp_path: Path) -> None:
    with (
        exchange_process(tmp_path, EXCHANGE, *goes_on(old)) as market,
        collecting_from(market, tmp_path, SERIES) as mesh,
    ):
        before = {event_of(shard): shard.commit for shard in mesh.committed()}
        assert len(before) == old.committed > 0
        mesh.start(*COLLECTORS)
        shards = mesh.wait_collected()
        assert_whole(mesh, shards)
        assert {event_of(shard): shard.commit for shard in shards if event_of(shard) in before} == before
        assert len(mesh.committed()) > old.committed
        mesh.start("copy", copy_files="true", held_leases=1)
        wait_for(lambda: len(mesh.files("copy")) == len(mesh.committed()))
        assert_whole(mesh, mesh.shards())
        assert max(commits(mesh).values()) == 1


@pytest.mark.parametrize(
    "file",
    [
        "alice/state/demo.journal",
        "bob/state/paper.journal",
        "bob/paper.sqlite",
        "coordinator-state/coordinator.sqlite",
    ],
)
def test_what_a_newer_version_wrote_is_refused_in_words_and_left_as_it_is(file: str, tmp_path: Path) -> None:
    old, path = sample(COMMITS[-1], tmp_path), tmp_path / file
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        [known] = database.execute("PRAGMA user_version").fetchone()
        database.execute("PRAGMA user_version=99")
    assert 1 <= known < 99
    written = path.read_bytes()
    clock = goes_on(old)
    with trading(tmp_path, *clock, exchange=EXCHANGE) as desk:
        if file.startswith("coordinator"):
            daemon = coordinator_of(desk.exchange, tmp_path, SERIES)
        else:
            daemon = next(each.daemon for each in upgraded(desk, clock) if each.folder.name == file.partition("/")[0])
        daemon.start()
        assert daemon.wait() == 1
    reason = str(daemon.entries("failed")[-1]["reason"])
    assert path.name in reason
    assert re.search(r"newer foremesh \(version 99; this one knows \d\)", reason)
    assert "Traceback" not in daemon.said()
    assert path.read_bytes() == written


@pytest.mark.parametrize("commit", COMMITS)
def test_the_way_back_is_the_copy_of_before(commit: str, tmp_path: Path) -> None:
    here(commit)
    with checked_out(commit) as tree, trading(tmp_path, exchange=EXCHANGE) as desk:
        trader, ticker = desk.trader("alice"), desk.ticker()
        newer = trader.daemon.command
        desk.quote(ticker, bid=54, ask=56)
        under(trader.daemon, tree)
        trader.start()
        trader.wait_settled()
        assert trader.daemon.stop() == 0
        copy = tmp_path / "before.journal"
        with closing(sqlite3.connect(trader.journal)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        trader.daemon.command = newer
        desk.forecasts.say(ticker)
        trader.start()
        trader.wait(PositionOpened)
        desk.forecasts.hush()
        trader.kill()
        verify(copy)
        under(trader.daemon, tree)
        trader.daemon.start()
        assert trader.daemon.wait() == 1
        assert "written by a newer foremesh" in str(trader.daemon.entries("failed")[-1]["reason"])
        for path in trader.journal.parent.glob(f"{trader.journal.name}*"):
            path.unlink()
        copy.rename(trader.journal)
        again = trader.again()
        again.start()
        found = again.wait(Differed)
        assert (found.ticker, found.resolution) == (ticker, Resolution.LEFT_ALONE)
        assert again.daemon.stop() == 0


@pytest.mark.parametrize("commit", COMMITS)
def test_nodes_of_two_versions_collect_together_and_their_coordinator_goes_back(commit: str, tmp_path: Path) -> None:
    here(commit)
    with (
        checked_out(commit) as tree,
        exchange_process(tmp_path, EXCHANGE) as market,
        collecting_from(market, tmp_path, SERIES) as mesh,
    ):
        mesh.slow_down(1.0)
        for name in ("older", "newer"):
            mesh.collectors[name] = mesh.collector(name, {"held_leases": 1})
        under(mesh.collectors["older"], tree)
        mesh.start("older", "newer")
        wait_for(lambda: set(fetching(mesh)) == {"older", "newer"})
        mesh.coordinator.kill()
        under(mesh.coordinator, tree)
        mesh.coordinator.start()
        mesh.coordinator.wait_for("ready", 2)
        mesh.slow_down(0.0)
        shards = mesh.wait_collected()
        assert {shard.commit.worker_id for shard in shards if shard.HasField("commit")} == {"older", "newer"}
        mesh.start("copy", copy_files="true", held_leases=1)
        wait_for(lambda: len(mesh.files("copy")) == len(mesh.committed()))
        assert_whole(mesh, mesh.shards())
        assert max(commits(mesh).values()) == 1
        assert all(len(mesh.collectors[name].entries("registered")) == 2 for name in ("older", "newer"))
