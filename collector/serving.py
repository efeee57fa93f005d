"""FetchShard of a node: its committed files, for whoever lacks them."""

import asyncio
import os
from collections.abc import AsyncIterator

import grpc
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb

from collector import wire
from collector.metrics import CollectorMetrics
from mesh import log
from mesh.errors import Conflict, InvalidInput, NotFound, Unavailable
from mesh.rpc.call import Context
from mesh.rpc.server import Service
from mesh.shards import Commit, ShardKey
from mesh.store.folder import DataFolder

CHUNK_BYTES = 1_044_480
"""As the contract says: the message around it stays below 1 MiB."""
DESCRIPTOR = pb.DESCRIPTOR.services_by_name["CoordinatorService"]

_log = log.get(__name__)


def file_service(folder: DataFolder, instance: str, draining: asyncio.Event, metrics: CollectorMetrics) -> Service:
    """Make the service of a node: CoordinatorService with FetchShard alone; gRPC answers UNIMPLEMENTED to the rest.

    Args:
        folder: Whose files are served.
        instance: Names this start of the process.
        draining: Once set, files under way are broken off: the receiver goes on where it was, here or elsewhere.
        metrics: Counts what is sent.
    """

    async def fetch(request: pb.FetchShardRequest, context: Context) -> AsyncIterator[pb.FetchShardResponse]:
        key = wire.read_shard_key(request.shard_key, "shard_key")
        commit, descriptor = await _opened(folder, key, request)
        try:
            offset, size = request.offset_bytes, commit.file.size_bytes
            if offset > size:
                raise InvalidInput(f"the file has {size} bytes", reason="OFFSET_OUT_OF_RANGE")
            header = pb.FetchHeader(commit=wire.write_commit(commit), offset_bytes=offset, instance_id=instance)
            yield pb.FetchShardResponse(header=header)
            while offset < size:
                if draining.is_set():
                    raise Unavailable("this node stops: go on elsewhere, or here later")
                data = await asyncio.to_thread(os.pread, descriptor, min(CHUNK_BYTES, size - offset), offset)
                if not data:
                    raise _not_held(key)
                yield pb.FetchShardResponse(chunk=pb.FetchChunk(offset_bytes=offset, data=data))
                offset += len(data)
                metrics.sent_bytes.inc(len(data))
        finally:
            os.close(descriptor)

    handler = grpc.unary_stream_rpc_method_handler(
        fetch,
        request_deserializer=pb.FetchShardRequest.FromString,
        response_serializer=pb.FetchShardResponse.SerializeToString,
    )
    handlers = grpc.method_handlers_generic_handler(DESCRIPTOR.full_name, {"FetchShard": handler})
    return Service(DESCRIPTOR, lambda server: server.add_generic_rpc_handlers((handlers,)))


async def _opened(folder: DataFolder, key: ShardKey, request: pb.FetchShardRequest) -> tuple[Commit, int]:
    """Open the committed file, once: what replaces it meanwhile has a name of its own and cannot mix with it."""
    commit = folder.commit(key)
    while commit is not None and commit.sequence:  # 0: no coordinator has entered it
        if request.HasField("sha256") and request.sha256 != commit.file.sha256:
            raise Conflict(f"{key}: another file is committed here", reason="SHARD_REPLACED")
        try:
            descriptor = await asyncio.to_thread(os.open, folder.path(key), os.O_RDONLY)
        except OSError as error:
            _log.error("a committed file cannot be read", shard=str(key), problem=str(error))
            raise _not_held(key) from error
        if folder.commit(key) == commit:
            if os.fstat(descriptor).st_size == commit.file.size_bytes:
                return commit, descriptor
            os.close(descriptor)
            raise _not_held(key)
        os.close(descriptor)  # replaced between the look and the opening
        commit = folder.commit(key)
    raise NotFound(f"{key}: nothing is committed here", reason="SHARD_NOT_COMMITTED")


def _not_held(key: ShardKey) -> NotFound:
    return NotFound(f"{key}: this node has lost the file; ask another", reason="SHARD_NOT_HELD")
