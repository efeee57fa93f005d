"""FetchShard of a node, and fetching from it: whole, resumed, replaced, lost, damaged."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc

from collector import transfer as transfer_module
from collector import wire
from collector.serving import CHUNK_BYTES
from mesh.errors import Conflict, InvalidInput, NotFound, Unavailable, Unsupported
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors, translated
from mesh.shards import ShardKey
from mesh.store.folder import open_folder
from tests.fakes.collector_node import KEY, Node, commit_file, node, receiver

SERVICE = "foremesh.coordinator.v1.CoordinatorService"


@asynccontextmanager
async def stub_of(address: str) -> AsyncIterator[Any]:
    async with connect(ClientConfig(targets=(address,), timeout_seconds=10.0), SERVICE) as channel:
        yield rpc.CoordinatorServiceStub(channel)


async def fetched(served: Node, key: ShardKey = KEY, **request: Any) -> tuple[pb.FetchHeader, bytes, list[int]]:
    """Header, bytes and the sizes of the chunks."""
    async with stub_of(served.address) as stub:
        call = stub.FetchShard(pb.FetchShardRequest(shard_key=wire.write_shard_key(key), **request))
        messages = [message async for message in translated(call)]
    header, chunks = messages[0].header, [message.chunk for message in messages[1:]]
    at = header.offset_bytes
    for chunk in chunks:
        assert chunk.offset_bytes == at
        at += len(chunk.data)
    return header, b"".join(chunk.data for chunk in chunks), [len(chunk.data) for chunk in chunks]


def sent(served: Node) -> float:
    """Bytes that a node has sent."""
    [metric] = served.metrics.sent_bytes.collect()
    return float(metric.samples[0].value)


async def test_a_committed_file_comes_whole_with_its_commit(tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        commit = await asyncio.to_thread(commit_file, served.folder, large=True)
        header, content, sizes = await fetched(served)
        assert wire.read_commit(header.commit, "commit") == commit
        assert header.instance_id == "this-start"
        assert hashlib.sha256(content).hexdigest() == commit.file.sha256
        assert len(sizes) > 1
        assert set(sizes[:-1]) == {CHUNK_BYTES}


@pytest.mark.parametrize("offset", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1])
async def test_a_fetch_goes_on_at_any_offset(offset: int, tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        commit = await asyncio.to_thread(commit_file, served.folder, large=True)
        _, rest, _ = await fetched(served, sha256=commit.file.sha256, offset_bytes=offset)
        assert rest == served.folder.path(KEY).read_bytes()[offset:]


async def test_at_the_very_end_only_the_header_comes(tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        commit = commit_file(served.folder)
        header, rest, _ = await fetched(served, sha256=commit.file.sha256, offset_bytes=commit.file.size_bytes)
        assert (header.offset_bytes, rest) == (commit.file.size_bytes, b"")


async def test_an_offset_beyond_the_end_is_refused(tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        commit = commit_file(served.folder)
        with pytest.raises(InvalidInput) as refused:
            await fetched(served, sha256=commit.file.sha256, offset_bytes=commit.file.size_bytes + 1)
        assert refused.value.reason == "OFFSET_OUT_OF_RANGE"


async def test_another_file_than_the_one_asked_for_is_never_sent(tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        old = commit_file(served.folder)
        commit_file(served.folder, epoch=2, sequence=2, seed=2)
        with pytest.raises(Conflict) as refused:
            await fetched(served, sha256=old.file.sha256)
        assert refused.value.reason == "SHARD_REPLACED"


async def test_what_is_not_committed_is_not_served(tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        with pytest.raises(NotFound) as nothing:
            await fetched(served)
        commit_file(served.folder, sequence=0)
        with pytest.raises(NotFound) as unentered:
            await fetched(served)
        assert {nothing.value.reason, unentered.value.reason} == {"SHARD_NOT_COMMITTED"}


@pytest.mark.parametrize("harm", ["deleted", "cut short"])
async def test_a_file_that_is_lost_here_is_said_to_be(harm: str, tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        commit_file(served.folder)
        path = served.folder.path(KEY)
        if harm == "deleted":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(NotFound) as refused:
            await fetched(served)
        assert refused.value.reason == "SHARD_NOT_HELD"


async def test_a_file_that_is_replaced_while_it_is_sent_does_not_mix(tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        commit = await asyncio.to_thread(commit_file, served.folder, large=True)
        async with stub_of(served.address) as stub:
            call = stub.FetchShard(pb.FetchShardRequest(shard_key=wire.write_shard_key(KEY)))
            messages = translated(call)
            await anext(messages)
            content = (await anext(messages)).chunk.data
            await asyncio.to_thread(lambda: commit_file(served.folder, epoch=2, sequence=2, seed=2, large=True))
            content += b"".join([message.chunk.data async for message in messages])
        assert hashlib.sha256(content).hexdigest() == commit.file.sha256


async def test_a_node_serves_nothing_else_of_the_coordinator(tmp_path: Path) -> None:
    async with node(tmp_path) as served, stub_of(served.address) as stub:
        for call in (stub.ListShards(pb.ListShardsRequest()), stub.GetProgress(pb.GetProgressRequest())):
            with pytest.raises(Unsupported), raising_mesh_errors():
                await call


async def test_a_request_outside_the_contract_is_refused(tmp_path: Path) -> None:
    async with node(tmp_path) as served:
        with pytest.raises(InvalidInput):
            await fetched(served, offset_bytes=5)  # of which file?


async def test_a_viewer_gets_no_file(tmp_path: Path) -> None:
    async with node(tmp_path, loopback_role="viewer") as served, stub_of(served.address) as stub:
        commit_file(served.folder)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await anext(aiter(stub.FetchShard(pb.FetchShardRequest(shard_key=wire.write_shard_key(KEY)))))
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_stop_breaks_a_fetch_off_and_another_call_goes_on(tmp_path: Path) -> None:
    async with node(tmp_path / "a") as served, receiver(tmp_path / "b") as (folder, transfer):
        commit = await asyncio.to_thread(commit_file, served.folder, large=True)
        async with stub_of(served.address) as stub:
            messages = translated(stub.FetchShard(pb.FetchShardRequest(shard_key=wire.write_shard_key(KEY))))
            await anext(messages)
            first = (await anext(messages)).chunk.data
            served.draining.set()
            with pytest.raises(Unavailable):
                first += b"".join([message.chunk.data async for message in messages])
        served.draining.clear()
        folder.part(KEY, commit).write_bytes(first)
        before = sent(served)
        await transfer.fetch(KEY, commit, [served.address])
        assert sent(served) - before == commit.file.size_bytes - len(first)
        assert folder.path(KEY).read_bytes() == served.folder.path(KEY).read_bytes()


async def test_a_fetched_file_is_visible_and_committed_as_at_its_maker(tmp_path: Path) -> None:
    async with node(tmp_path / "a") as served, receiver(tmp_path / "b") as (folder, transfer):
        commit = await asyncio.to_thread(commit_file, served.folder, large=True)
        await asyncio.gather(*(transfer.fetch(KEY, commit, [served.address]) for _ in range(3)))
        assert folder.commit(KEY) == commit
        assert folder.read(KEY).equals(served.folder.read(KEY))
        assert sent(served) == commit.file.size_bytes  # three asked, one came


async def test_bytes_that_are_not_the_committed_ones_never_become_visible(tmp_path: Path) -> None:
    """The first node's disk has changed a byte; the second has the file."""
    async with (
        node(tmp_path / "a") as bad,
        node(tmp_path / "c") as good,
        receiver(tmp_path / "b") as (folder, transfer),
    ):
        commit = commit_file(bad.folder)
        commit_file(good.folder)
        content = bytearray(bad.folder.path(KEY).read_bytes())
        content[len(content) // 2] ^= 1
        bad.folder.path(KEY).write_bytes(content)
        with pytest.raises(NotFound):
            await transfer.fetch(KEY, commit, [bad.address])
        assert folder.commit(KEY) is None
        assert not folder.path(KEY).exists()
        await transfer.fetch(KEY, commit, [bad.address, good.address])
        assert folder.path(KEY).read_bytes() == good.folder.path(KEY).read_bytes()


async def test_nodes_that_are_away_are_passed_over(tmp_path: Path) -> None:
    async with node(tmp_path / "a") as served, receiver(tmp_path / "b") as (folder, transfer):
        commit = commit_file(served.folder)
        with pytest.raises(NotFound, match=r"127\.0\.0\.1:1: .*10\.1\.2\.3:8791: .*nothing is sent in the clear"):
            await transfer.fetch(KEY, commit, ["127.0.0.1:1", "10.1.2.3:8791"])  # the second would be in the clear
        await transfer.fetch(KEY, commit, ["127.0.0.1:1", served.address])
        assert folder.commit(KEY) == commit


async def test_a_part_longer_than_the_file_is_begun_anew(tmp_path: Path) -> None:
    async with node(tmp_path / "a") as served, receiver(tmp_path / "b") as (folder, transfer):
        commit = commit_file(served.folder)
        folder.part(KEY, commit).write_bytes(b"x" * (commit.file.size_bytes + 1))
        await transfer.fetch(KEY, commit, [served.address])
        assert folder.commit(KEY) == commit


async def test_a_part_with_other_bytes_is_thrown_away_and_fetched_again(tmp_path: Path) -> None:
    async with node(tmp_path / "a") as served, receiver(tmp_path / "b") as (folder, transfer):
        commit = commit_file(served.folder)
        folder.part(KEY, commit).write_bytes(b"x" * 10)
        await transfer.fetch(KEY, commit, [served.address, served.address])
        assert folder.commit(KEY) == commit


async def test_a_fetch_that_is_cancelled_never_writes_into_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that writes goes on after the cancellation: its descriptor must not be another file's by then."""
    reached, opened, append = threading.Event(), threading.Event(), transfer_module._append
    used = list[int]()

    def slow_append(descriptor: int, data: bytes) -> None:
        used.append(descriptor)
        reached.set()
        opened.wait(10)
        append(descriptor, data)

    monkeypatch.setattr(transfer_module, "_append", slow_append)
    async with node(tmp_path / "a") as served, receiver(tmp_path / "b") as (folder, transfer):
        commit = commit_file(served.folder)
        fetching = asyncio.ensure_future(transfer.fetch(KEY, commit, [served.address]))
        async with asyncio.timeout(10):
            while not reached.is_set():
                await asyncio.sleep(0.01)
        fetching.cancel()
        await asyncio.sleep(0.05)
        part = folder.part(KEY, commit)
        assert os.fstat(used[0]).st_ino == part.stat().st_ino, "still the part's"
        opened.set()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(used[0])
        assert part.read_bytes() == served.folder.path(KEY).read_bytes()
        monkeypatch.undo()
        await transfer.fetch(KEY, commit, [served.address])
        assert folder.commit(KEY) == commit


async def test_a_folder_is_not_opened_twice(tmp_path: Path) -> None:
    async with node(tmp_path):
        with pytest.raises(Exception, match="FOLDER_TAKEN"), open_folder(tmp_path):
            pass


async def test_one_part_is_never_written_by_two_whoever_gave_up_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first gives up while the second waits; a third that comes now must wait for the second."""
    under_way, most = 0, 0

    async def receive(*_: object) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        raise Unavailable("broken off")

    monkeypatch.setattr(transfer_module.Transfer, "_receive", receive)
    async with node(tmp_path / "a") as served, receiver(tmp_path / "b") as (_, transfer):
        commit = commit_file(served.folder)

        async def fetch() -> None:
            with pytest.raises(NotFound):
                await transfer.fetch(KEY, commit, [served.address])

        async def twice() -> None:
            await fetch()
            await fetch()

        await asyncio.gather(twice(), fetch())
    assert most == 1
