"""`foremesh data`, and collection in `foremesh status`, as installed commands against real nodes and coordinators."""

import asyncio
import json
from pathlib import Path

from console.collection.progress_watch import Follower
from console.daemon import COORDINATOR
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.store.folder import DataFolder
from mesh.store.owner import note_owner
from tests.conftest import ForecastServer
from tests.fakes.candle_tables import BOTH, KEY, candles, committed
from tests.fakes.collector_node import node
from tests.fakes.console_command import run
from tests.fakes.coordinator import (
    SERVICE,
    Coordinated,
    beat,
    closed_event,
    commit,
    coordinator_on_loopback,
    key_of,
    registration,
    stub,
)
from tests.fakes.imported_files import candle, write

EVENT = closed_event()


def hold(folder: DataFolder, seed: int = 0) -> None:
    """Let a folder hold a committed shard; another seed makes other prices."""
    staged = folder.stage(KEY, 1, candles(seed=seed), **BOTH)
    folder.publish(staged, committed(staged))


async def collect(served: Coordinated) -> None:
    """List one event, and let a node commit it."""
    served.engine.take_events([EVENT])
    async with connect(ClientConfig(targets=(served.address,)), SERVICE) as channel:
        worker = stub(channel)
        await worker.RegisterWorker(registration(fetch_address="127.0.0.1:8791", node_index=0))
        granted = await worker.Heartbeat(beat(1, wanted=1))
        [grant] = granted.grants
        await worker.CommitShard(commit(key_of(EVENT), grant.lease.epoch))


async def test_an_import_leaves_files_that_verify_and_export(tmp_path: Path) -> None:
    write(tmp_path / "in" / "candles_60m_KXHIGHNY.parquet", [candle(hour) for hour in range(24)])
    folder = tmp_path / "data"

    imported = await run("data", "import", tmp_path / "in", "--into", folder)
    again = await run("data", "import", tmp_path / "in", "--into", folder, "--json")
    verified = await run("data", "verify", folder)
    exported = await run("data", "export", tmp_path / "all.csv", "--series", "KXHIGHNY", "--folder", folder)

    assert (imported[0], imported[2], verified[0], exported[0]) == (0, "", 0, 0)
    assert max(map(len, imported[1].split("\n"))) <= 80
    assert json.loads(again[1])["files"][0]["stored"][0]["fate"] == "unchanged"
    assert (tmp_path / "all.csv").read_text().count("\n") == 25


async def test_other_nodes_agree_byte_by_byte_or_are_named(tmp_path: Path) -> None:
    async with node(tmp_path / "a") as ours, node(tmp_path / "b") as same, node(tmp_path / "c") as other:
        hold(ours.folder)
        hold(same.folder)
        hold(other.folder, seed=2)
        agreeing, differing = await asyncio.gather(
            run("data", "verify", ours.folder.root, "--sample", "5", "--peer", same.address),
            run("data", "verify", ours.folder.root, "--sample", "5", "--peer", other.address, "--json"),
        )

    assert agreeing[0] == 0, agreeing
    assert f"{same.address}: 1 file the same, 0 shards not held" in agreeing[1]
    assert differing[0] == 1
    [different] = json.loads(differing[1])["agreement"]["different"]
    assert f"{KEY}: {other.address} holds another file" in different


async def test_a_node_that_lacks_a_shard_is_no_disagreement_and_one_that_is_away_is_told(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    away = f"127.0.0.1:{unused_tcp_port}"
    async with node(tmp_path / "a") as ours, node(tmp_path / "b") as empty:
        hold(ours.folder)
        lacking, absent = await asyncio.gather(
            run("data", "verify", ours.folder.root, "--sample", "1", "--peer", empty.address),
            run("data", "verify", ours.folder.root, "--sample", "1", "--peer", away),
        )

    assert lacking[0] == 0
    assert f"{empty.address}: 0 files the same, 1 shard not held" in lacking[1]
    assert absent[0] == 1
    assert f"not compared: {away}" in absent[1]


async def test_a_folder_is_held_against_what_the_coordinator_has_entered(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with coordinator_on_loopback(tmp_path) as served:
        await collect(served)
        asked = ("data", "verify", tmp_path / "data", "--coordinator", served.address)
        own, complete = await asyncio.gather(run(*asked), run(*asked, "--complete", "--json"))

    assert own[0] == 0, own
    assert "1 shard that the coordinator has entered is not here" in own[1]
    assert complete[0] == 1
    [finding] = json.loads(complete[1])["findings"]
    assert (finding["problem"], finding["where"]) == ("missing", str(key_of(EVENT)))


async def test_a_coordinator_that_is_away_is_one_line(tmp_path: Path, unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    code, out, err = await run("data", "verify", tmp_path, "--coordinator", address)

    assert (code, out) == (1, "")
    assert f"no coordinator answers at {address}" in " ".join(err.split())


async def test_the_status_shows_collection_beside_forecasts(
    forecast_server_on_loopback: ForecastServer, tmp_path: Path
) -> None:
    async with forecast_server_on_loopback() as forecasts, coordinator_on_loopback(tmp_path) as served:
        await collect(served)
        asked = ("status", "--target", forecasts.addresses[0], "--coordinator", served.address)
        people, programs = await asyncio.gather(run(*asked), run(*asked, "--json"))

    assert (people[0], people[2]) == (0, "")
    assert max(map(len, people[1].split("\n"))) <= 80
    assert f"coordinator {served.address} waiting, 1 node, 0 leases" in people[1]
    assert any(line.split()[:2] == ["KXHIGHNY", "60m"] for line in people[1].splitlines())
    assert any(line.split()[:2] == ["spark", "active"] for line in people[1].splitlines())
    found = json.loads(programs[1])
    assert found["forecast"][0]["state"] == "ready"
    [coordinator] = found["coordinator"]
    assert coordinator["progress"]["series"][0]["committed_count"] == 1


async def test_a_coordinator_is_enough_where_it_is_the_only_one_named(tmp_path: Path, unused_tcp_port: int) -> None:
    async with coordinator_on_loopback(tmp_path) as served:
        here = await run("status", "--coordinator", served.address)
    away = await run("status", "--coordinator", f"127.0.0.1:{unused_tcp_port}")

    assert (here[0], away[0]) == (0, 1)
    assert f"coordinator 127.0.0.1:{unused_tcp_port} away" in away[1]


async def test_a_follower_hears_a_coordinator_again_after_its_restart(tmp_path: Path, unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    follower = Follower(COORDINATOR.config(None, address, {}))
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follower.run())
        await follower.first.wait()
        assert follower.heard.progress is None
        assert follower.heard.problem is not None
        first = await _heard_of(follower, tmp_path, address)
        async with asyncio.timeout(20):
            while follower.heard.problem is None:
                await asyncio.sleep(0.05)
        assert follower.heard.behind.startswith("as of ")
        second = await _heard_of(follower, tmp_path, address, unlike=first)
        following.cancel()

    assert second != first


async def _heard_of(follower: Follower, folder: Path, address: str, *, unlike: str = "") -> str:
    """Run a coordinator until the follower has heard of it; gives its instance."""
    async with coordinator_on_loopback(folder, listen=(address,)), asyncio.timeout(20):
        while (progress := follower.heard.progress) is None or progress.instance_id in ("", unlike):
            await asyncio.sleep(0.05)
    return progress.instance_id


async def test_a_node_is_no_witness_of_its_own_folder(tmp_path: Path) -> None:
    async with coordinator_on_loopback(tmp_path) as served, node(tmp_path / "a") as ours:
        hold(ours.folder)
        note_owner(ours.folder.root, "spark")
        asked = ("data", "verify", ours.folder.root, "--coordinator", served.address, "--sample", "1", "--json")
        async with connect(ClientConfig(targets=(served.address,)), SERVICE) as channel:
            worker = stub(channel)
            await worker.RegisterWorker(registration(fetch_address=ours.address))
            alone = json.loads((await run(*asked))[1])["agreement"]
            await worker.RegisterWorker(registration("mini", fetch_address=ours.address))
            witnessed = json.loads((await run(*asked))[1])["agreement"]

    assert (alone["same"], alone["failed"]) == ({}, ["the coordinator knows of no other node"])
    assert (witnessed["same"], witnessed["failed"]) == ({"mini": 1}, [])
