"""Committed files from the nodes that have them: resumed where a break left them, verified before they are visible."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc
from pydantic import ValidationError

from collector import wire
from collector.coordination import SERVICE
from collector.metrics import CollectorMetrics
from collector.shielding import whole
from mesh import log
from mesh.errors import Broken, MeshError, NotFound, Unavailable
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import translated
from mesh.shards import Commit, ShardKey
from mesh.store.disk import named
from mesh.store.errors import Damaged, StoreError, disk_errors
from mesh.store.folder import DataFolder

_STREAM_SECONDS = 900.0
_SILENCE_SECONDS = 30.0

_log = log.get(__name__)


class Transfer:
    """Fetches files into a folder. An async context: its connections last as long as it.

    Args:
        folder: Where they go.
        config: How other nodes are reached: the coordinator's table, with their addresses.
        metrics: Counts what arrives.
    """

    def __init__(self, folder: DataFolder, config: ClientConfig, metrics: CollectorMetrics) -> None:
        self._folder = folder
        self._config = config
        self._metrics = metrics
        self._channels = AsyncExitStack()
        self._stubs: dict[str, rpc.CoordinatorServiceAsyncStub] = {}
        # An entry lasts as long as anybody waits for it: two who write one part spoil it, even once it is visible.
        self._under_way: WeakValueDictionary[ShardKey, asyncio.Lock] = WeakValueDictionary()

    async def __aenter__(self) -> Self:
        """Connect to nobody yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._channels.aclose()

    async def fetch(self, key: ShardKey, commit: Commit, addresses: Iterable[str]) -> None:
        """Have the committed file in the folder; at once if it is there already.

        Args:
            key: The shard.
            commit: Which of its files.
            addresses: `host:port` of nodes that have it, tried in this order.

        Raises:
            MeshError: Nobody gave it; the text says what each said.
            StoreError: The folder could not take it.
        """
        turn = self._under_way.setdefault(key, asyncio.Lock())
        async with turn:
            held = self._folder.commit(key)
            if held is None or held.file.sha256 != commit.file.sha256:
                await self._from_any(key, commit, tuple(addresses))

    async def _from_any(self, key: ShardKey, commit: Commit, addresses: tuple[str, ...]) -> None:
        refusals = []
        for address in addresses:
            part = await asyncio.to_thread(self._folder.part, key, commit)
            try:
                await self._receive(await self._stub(address), key, commit, part)
                await whole(partial(self._folder.accept, key, commit, part))
            except Damaged as error:  # the part is gone: the next node is asked from the beginning
                refusals.append(f"{address}: {error.message}")
            except StoreError:  # ours: another node would not help
                raise
            except MeshError as error:
                refusals.append(f"{address}: {error}")
            else:
                self._metrics.copies.inc()
                _log.info("fetched", shard=str(key), bytes=commit.file.size_bytes, node=address)
                return
        raise NotFound(
            f"{key}: no node gave the committed file: {'; '.join(refusals) or 'no node is known to have it'}",
            reason="SHARD_NOT_HELD",
        )

    async def _receive(
        self, stub: "rpc.CoordinatorServiceAsyncStub", key: ShardKey, commit: Commit, part: Path
    ) -> None:
        """Append what is missing to a part. Raises MeshError where the node breaks off; what came stays."""
        with disk_errors():
            descriptor = await asyncio.to_thread(os.open, part, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size > commit.file.size_bytes:
                os.ftruncate(descriptor, 0)
                size = 0
            request = pb.FetchShardRequest(
                shard_key=wire.write_shard_key(key), sha256=commit.file.sha256, offset_bytes=size
            )
            call = stub.FetchShard(request, timeout=_STREAM_SECONDS)
            messages = translated(call)
            try:
                while size < commit.file.size_bytes:
                    async with asyncio.timeout(_SILENCE_SECONDS):
                        message = await anext(messages, None)
                    if message is None:
                        raise Unavailable(f"ended after {size} of {commit.file.size_bytes} bytes")
                    if not message.HasField("chunk"):
                        continue
                    if message.chunk.offset_bytes != size:
                        raise Broken(f"bytes of {message.chunk.offset_bytes} where {size} was next")
                    with disk_errors(), named(part):
                        # Whole: else a cancellation closes what the thread writes to, and its number is another file's.
                        await whole(partial(_append, descriptor, message.chunk.data))
                    size += len(message.chunk.data)
                    self._metrics.fetched_bytes.inc(len(message.chunk.data))
            except TimeoutError as error:
                raise Unavailable(f"silent for {_SILENCE_SECONDS:g} s") from error
            finally:
                call.cancel()  # a stream left alone would hold the server (grpc/grpc#43462)
        finally:
            os.close(descriptor)

    async def _stub(self, address: str) -> "rpc.CoordinatorServiceAsyncStub":
        """Connect to a node, once. Unavailable where our own terms forbid its address."""
        if address not in self._stubs:
            try:
                config = ClientConfig(**dict(self._config) | {"targets": (address,), "server_name": None})
            except ValidationError as error:
                raise Unavailable(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
            channel = await self._channels.enter_async_context(connect(config, SERVICE))
            self._stubs[address] = rpc.CoordinatorServiceStub(channel)
        return self._stubs[address]


def _append(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
