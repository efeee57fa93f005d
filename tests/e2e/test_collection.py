"""A whole mesh collects from a real exchange, in processes of their own, on good days and on bad ones."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.daemon import BAD_CONFIG
from tests.fakes.cable import cable
from tests.fakes.collection import EXCHANGE, Collection, collecting_from, wait_for
from tests.fakes.collection_truth import (
    assert_visible_is_whole,
    assert_whole,
    commits,
    event_of,
    fetching,
    open_work,
)
from tests.fakes.exchange_process import ExchangeProcess, exchange_process


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """One exchange for all: whoever reads candles leaves nothing there."""
    with exchange_process(tmp_path_factory.mktemp("exchange"), EXCHANGE) as started:
        yield started


@pytest.fixture
def mesh(market: ExchangeProcess, tmp_path: Path) -> Iterator[Collection]:
    with collecting_from(market, tmp_path) as made:
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


def test_a_node_that_is_cut_off_goes_on_and_commits_nothing_that_others_got_meanwhile(mesh: Collection) -> None:
    with cable(mesh.address) as line:
        mesh.slow_down(0.4)
        mesh.start("a", **{"coordinator.targets": f'["{line.address}"]'})
        lost = wait_for(lambda: fetching(mesh).get("a"))
        line.cut()
        mesh.slow_down(0.0)
        mesh.start("b")
        mesh.wait_collected()
        cut_off = mesh.collectors["a"]
        wait_for(lambda: cut_off.entries("no coordinator: going on with what is leased"))
        assert not cut_off.ended
        line.mend()
        wait_for(lambda: cut_off.entries("the coordinator is back"))
        wait_for(lambda: not mesh.incoming("a"))
        shards = mesh.wait_collected()
        assert_whole(mesh, shards)
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
    for waiting in mesh.incoming("a"):
        waiting.unlink()  # complete when it ended, and kept for its next start, which nobody makes here
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
