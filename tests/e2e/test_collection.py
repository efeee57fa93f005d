"""A whole mesh collects from a real exchange, in processes of their own, on good days and on bad ones."""

import json
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from foremesh.coordinator.v1 import shard_pb2

from mesh.daemon import BAD_CONFIG
from tests.fakes.collection import Collection, collection, wait_for

ABSENT = {"yes_bid": "0.0000", "yes_ask": "1.0000"}
"""What the exchange writes where nobody bids, or offers."""


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Collection]:
    with collection(tmp_path) as made:
        yield made


def test_three_collectors_share_the_work_and_every_shard_is_committed_once(mesh: Collection) -> None:
    mesh.slow_down(5.0)
    mesh.start("a", "b", "c", held_leases=1)
    wait_for(lambda: len(fetching(mesh)) == 3)
    mesh.slow_down(0.0)
    shards = mesh.wait_collected()
    assert {shard.commit.worker_id for shard in shards if shard.HasField("commit")} == {"a", "b", "c"}
    assert {daemon.stop() for daemon in mesh.collectors.values()} == {0}
    assert_whole(mesh, shards)
    assert set(commits(mesh).values()) == {1}


def test_a_collector_killed_while_it_downloads_costs_its_lease_time(mesh: Collection) -> None:
    mesh.slow_down(0.5)
    mesh.start("a")
    wait_for(lambda: "a" in fetching(mesh))
    mesh.collectors["a"].kill()
    mesh.slow_down(0.0)
    mesh.start("b")
    shards = mesh.wait_collected()
    assert_whole(mesh, shards)
    assert max(commits(mesh).values()) == 1
    assert any(shard.commit.epoch > 1 for shard in shards)


def test_a_file_whose_commit_was_never_asked_for_is_committed_after_the_restart(mesh: Collection) -> None:
    """Killed between stage and commit: the coordinator stands still meanwhile."""
    mesh.slow_down(0.3)
    mesh.start("a", concurrent_leases=1)
    wait_for(lambda: fetching(mesh))
    mesh.coordinator.signal(signal.SIGSTOP)
    staged = wait_for(lambda: [path for path in mesh.incoming("a") if path.suffix == ".parquet"])
    mesh.collectors["a"].kill()
    assert staged[0].exists()
    mesh.coordinator.kill()  # what it had in its socket is gone too
    mesh.coordinator.start()
    mesh.slow_down(0.0)
    mesh.start("a")
    shards = mesh.wait_collected()
    assert_whole(mesh, shards)
    name, epoch = staged[0].name.split(".")[0].split("+")[1], int(staged[0].name.split(".e")[1].split(".")[0])
    [shard] = [shard for shard in shards if shard.shard_key.event_ticker == name]
    assert shard.commit.epoch == epoch
    assert max(commits(mesh).values()) == 1


def test_a_collector_killed_at_any_moment_leaves_nothing_half_done(mesh: Collection) -> None:
    mesh.slow_down(0.03)
    for wait in (0.0, 0.05, 0.11, 0.17, 0.29):
        mesh.start("a", held_leases=3)
        wait_for(lambda: fetching(mesh) or mesh.incoming("a") or not open_work(mesh))
        time.sleep(wait)
        mesh.collectors["a"].kill()
        assert_visible_is_whole(mesh)
    mesh.start("a")
    shards = mesh.wait_collected()
    assert_whole(mesh, shards)
    assert max(commits(mesh).values()) == 1


def test_a_stopped_collector_that_comes_back_after_its_lease_commits_nothing(mesh: Collection) -> None:
    mesh.slow_down(0.4)
    mesh.start("a")
    lost = wait_for(lambda: fetching(mesh).get("a"))
    mesh.collectors["a"].signal(signal.SIGSTOP)
    mesh.slow_down(0.0)
    mesh.start("b")
    mesh.wait_collected()
    mesh.collectors["a"].signal(signal.SIGCONT)
    zombie = mesh.collectors["a"]
    ends = ("committed", "lease lost", REFUSED)
    wait_for(lambda: sum(len(zombie.entries(end)) for end in ends) == len(zombie.entries("leased")))
    wait_for(lambda: not mesh.incoming("a"))
    shards = mesh.wait_collected()
    assert_whole(mesh, shards)
    assert lost
    for key in lost:
        [shard] = [shard for shard in shards if event_of(shard) == key]
        assert (shard.commit.worker_id, shard.commit.epoch) == ("b", 2)
    assert max(commits(mesh).values()) == 1


def test_a_coordinator_that_is_killed_is_waited_for_and_nothing_is_collected_twice(mesh: Collection) -> None:
    mesh.slow_down(0.1)
    mesh.start("a", "b", held_leases=3)
    wait_for(lambda: len(fetching(mesh)) == 2)
    mesh.coordinator.kill()
    staged = wait_for(lambda: mesh.incoming("a") and mesh.incoming("b"))
    assert staged
    wait_for(lambda: all(daemon.entries("no coordinator: going on with what is leased") for daemon in mesh.daemons()))
    mesh.coordinator.start()
    shards = mesh.wait_collected()
    assert_whole(mesh, shards)
    assert max(commits(mesh).values()) == 1
    assert all(len(daemon.entries("registered")) == 2 for daemon in mesh.daemons())


def test_a_damaged_file_is_found_and_fetched_again_from_a_copy(mesh: Collection) -> None:
    mesh.start("a", checks_per_hour=72_000)
    mesh.wait_collected()
    mesh.start("copy", copy_files="true", held_leases=1)
    wait_for(lambda: len(mesh.files("copy")) == len(mesh.files("a")))
    wait_for(lambda: all(set(shard.holder_worker_ids) == {"a", "copy"} for shard in mesh.committed()))
    damaged, lost = mesh.files("a")[:2]
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-100] + bytes(100))
    gone = lost.read_bytes()
    lost.unlink()
    wait_for(lambda: damaged.exists() and damaged.read_bytes() == content)
    wait_for(lambda: lost.exists() and lost.read_bytes() == gone)
    shards = wait_for(
        lambda: all(set(shard.holder_worker_ids) == {"a", "copy"} for shard in mesh.committed()) and mesh.committed()
    )
    assert_whole(mesh, shards)
    assert [path.name for path in (mesh.data("a") / ".damaged").iterdir()]
    assert max(commits(mesh).values()) == 1


def test_a_file_that_is_lost_everywhere_is_collected_anew(mesh: Collection) -> None:
    mesh.start("a", checks_per_hour=72_000)
    shards = mesh.wait_collected()
    lost = mesh.files("a")[0]
    lost.unlink()
    wait_for(lost.exists)
    shards = mesh.wait_collected()
    assert_whole(mesh, shards)
    [shard] = [shard for shard in shards if event_of(shard) == lost.stem]
    assert shard.commit.epoch == 2


def test_a_disk_that_refuses_gives_the_lease_back_and_goes_on_when_it_works(mesh: Collection) -> None:
    mesh.slow_down(0.3)
    mesh.start("a")
    wait_for(lambda: fetching(mesh))
    incoming = mesh.data("a") / ".incoming"
    aside = incoming.rename(incoming.with_name(".elsewhere"))
    refused = mesh.collectors["a"].wait_for("given back")
    assert (refused["why"], ".incoming" in refused["detail"]) == ("disk", True)
    mesh.slow_down(0.0)
    aside.rename(incoming)
    assert_whole(mesh, mesh.wait_collected())


def test_without_a_coordinator_nodes_split_the_work_and_a_coordinator_adopts_it(mesh: Collection) -> None:
    mesh.coordinator.stop()
    series = '[{ ticker = "KXHIGHNY" }, { ticker = "KXHIGHCHI" }]'
    for number, name in enumerate(("a", "b")):
        settings = {"static.series": series, "static.total_nodes": 2, "static.node_id": number, "once": "true"}
        mesh.start(name, **settings)
        assert mesh.collectors[name].wait() == 0
    split = {name: {path.stem for path in mesh.files(name)} for name in ("a", "b")}
    assert split["a"]
    assert not split["a"] & split["b"]
    content = {path: path.read_bytes() for name in ("a", "b") for path in mesh.files(name)}
    mesh.collectors.clear()
    mesh.coordinator.start()
    mesh.start("a", "b")
    shards = wait_for(lambda: len(mesh.committed()) >= len(content) and mesh.wait_collected())
    assert {path: path.read_bytes() for path in content} == content
    for name, events in split.items():
        assert {event_of(shard) for shard in shards if shard.commit.worker_id == name} >= events
    assert_whole(mesh, shards)
    adopted = [entry["shard"] for name in ("a", "b") for entry in mesh.collectors[name].entries("adopted")]
    assert len(adopted) == len(content)


def test_once_ends_when_nothing_is_due_any_more(mesh: Collection) -> None:
    mesh.start("a", once="true", once_seconds=2)
    assert mesh.collectors["a"].wait(40) == 0
    assert_whole(mesh, mesh.wait_collected())


def test_of_two_processes_with_one_name_the_first_ends(mesh: Collection) -> None:
    mesh.start("a", worker_id="twin")
    mesh.collectors["a"].wait_for("registered")
    mesh.start("b", worker_id="twin")
    assert mesh.collectors["a"].wait() == BAD_CONFIG, "or systemd would let two nodes end each other for ever"
    assert "two collectors share a worker_id" in mesh.collectors["a"].said()
    assert_whole(mesh, mesh.wait_collected())


def test_a_folder_that_another_process_holds_is_not_touched(mesh: Collection) -> None:
    mesh.start("a")
    mesh.collectors["a"].wait_for("ready")
    mesh.start("b", data_folder=json.dumps(str(mesh.data("a"))))
    assert mesh.collectors["b"].wait() == 1
    assert "is being written by" in mesh.collectors["b"].wait_for("failed")["reason"]


def test_a_stop_in_the_middle_loses_nothing_and_gives_the_rest_back(mesh: Collection) -> None:
    mesh.slow_down(0.3)
    mesh.start("a")
    wait_for(lambda: fetching(mesh))
    assert mesh.collectors["a"].stop() == 0
    assert not fetching(mesh)
    assert_visible_is_whole(mesh)
    mesh.slow_down(0.0)
    mesh.start("b")
    assert_whole(mesh, mesh.wait_collected())


REFUSED = "commit refused: the file is discarded"


def event_of(shard: shard_pb2.Shard) -> str:
    return shard.shard_key.event_ticker


def file_of(shard: shard_pb2.Shard) -> tuple[str, str]:
    return event_of(shard), shard.commit.file.sha256


def open_work(mesh: Collection) -> bool:
    return any(not shard.HasField("commit") for shard in mesh.shards())


def fetching(mesh: Collection) -> dict[str, list[str]]:
    """Events that workers say they are downloading, by worker."""
    found: dict[str, list[str]] = {}
    for shard in mesh.shards():
        if shard.HasField("lease") and shard.lease.progress.stage == shard_pb2.LEASE_STAGE_FETCHING:
            found.setdefault(shard.lease.worker_id, []).append(event_of(shard))
    return found


def commits(mesh: Collection) -> Counter[str]:
    """How often each event was entered into the manifest, by its whole history."""
    database = mesh.folder / "coordinator-state" / "coordinator.sqlite"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as history:
        return Counter(event for (event,) in history.execute("SELECT event FROM commits"))


def assert_visible_is_whole(mesh: Collection) -> None:
    """Whatever can be seen can be read."""
    for name in mesh.collectors:
        for path in mesh.files(name):
            assert pq.read_table(path).num_rows >= 0


def assert_whole(mesh: Collection, shards: list[shard_pb2.Shard]) -> None:
    """Every shard has its file where it is said to be, with the right hash and the exchange's rows; nothing else is."""
    committed = [shard for shard in shards if shard.HasField("commit")]
    assert committed
    seen: dict[tuple[str, str], Path] = {}
    for name in mesh.collectors:
        assert [path.name for path in mesh.incoming(name) if path.suffix != ".part"] == []
        here = {(path.stem, mesh.sha256(path)): path for path in mesh.files(name)}
        held = {file_of(shard) for shard in committed if name in shard.holder_worker_ids}
        assert set(here) >= held
        seen |= here
    assert set(seen) == {file_of(shard) for shard in committed}
    for shard in committed:
        assert list(shard.holes) == []
        assert rows_of(seen[file_of(shard)]) == rows_at_exchange(mesh, shard)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """A file's rows as a stranger reads them."""
    rows: list[dict[str, Any]] = pq.read_table(path).drop_columns(["series_ticker", "event_ticker"]).to_pylist()
    return rows


def rows_at_exchange(mesh: Collection, shard: shard_pb2.Shard) -> list[dict[str, Any]]:
    """The same rows as the exchange serves them, market by market, up to where the commit says it asked."""
    listed = mesh.exchange.get(f"/markets?event_ticker={event_of(shard)}&limit=1000")["markets"]
    until = shard.commit.covered_end_time.ToSeconds()
    rows = []
    for market in sorted(listed, key=lambda market: str(market["ticker"])):
        start = int(datetime.fromisoformat(market["open_time"]).timestamp())
        path = f"/series/S/markets/{market['ticker']}/candlesticks?start_ts={start}&end_ts={until}&period_interval=60"
        rows += [row(market["ticker"], candle) for candle in mesh.exchange.get(path)["candlesticks"]]
    return rows


def row(ticker: str, candle: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "market_ticker": ticker,
        "end_time": datetime.fromtimestamp(candle["end_period_ts"]).astimezone(),
        "step_seconds": 3600,
    }
    for moment in ("open", "high", "low", "close", "mean", "previous"):
        made[f"price_{moment}_micros"] = micros(candle["price"].get(f"{moment}_dollars"))
    for side, nobody in ABSENT.items():
        for moment in ("open", "high", "low", "close"):
            dollars = candle[side][f"{moment}_dollars"]
            made[f"{side}_{moment}_micros"] = None if dollars == nobody else micros(dollars)
    made["volume_hundredths"] = round(float(candle["volume_fp"]) * 100)
    made["open_interest_hundredths"] = round(float(candle["open_interest_fp"]) * 100)
    return made


def micros(dollars: str | None) -> int | None:
    return None if dollars is None else round(float(dollars) * 1_000_000)
