"""Whether a data folder holds what it says, what the coordinator says, and what other nodes hold."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc

from collector.coordination import SERVICE, Held, coordinating
from collector.wire import write_shard_key
from console.collection.words import plain
from mesh.errors import MeshError, NotFound
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import translated
from mesh.shards import Commit, ShardKey
from mesh.store import naming
from mesh.store.disk import digest_of
from mesh.store.listing import shard_files
from mesh.store.owner import owner_of
from mesh.store.reader import Candles

_FILE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the coordinator has entered."""

    held: Mapping[ShardKey, Held]
    addresses: Mapping[str, str]
    """Where nodes serve their files, by their names."""

    def expected(self, root: Path, *, complete: bool) -> dict[ShardKey, Commit]:
        """Say which files should be here: those that are, by their names, or `complete`, all."""
        here = set(shard_files(root))
        return {key: held.commit for key, held in self.held.items() if complete or key in here}

    def others(self, root: Path) -> dict[str, str]:
        """Say where nodes serve their files, by name, without the node whose folder this is: it always agrees."""
        own = owner_of(root)
        return {name: address for name, address in self.addresses.items() if name != own}

    def elsewhere(self, root: Path) -> int:
        """Count the committed shards that are not here."""
        return len(self.held.keys() - set(shard_files(root)))


@dataclass(slots=True)
class Agreement:
    """What other nodes gave for the same shards."""

    same: Counter[str] = field(default_factory=Counter)
    """By node: files that are, byte by byte, those here."""
    not_held: Counter[str] = field(default_factory=Counter)
    """By node: shards that it does not have."""
    different: list[str] = field(default_factory=list)
    """In words."""
    failed: list[str] = field(default_factory=list)
    """Nodes or files that could not be compared, in words."""


async def manifest_of(config: ClientConfig) -> Manifest:
    """Ask the coordinator for all that is committed.

    Raises:
        MeshError: it stays away or refuses.
        OSError: a certificate or token file cannot be read.
    """
    async with coordinating(config) as coordinator:
        held = {each.shard: each async for page in coordinator.committed() for each in page}
        return Manifest(held, await coordinator.addresses())


def sampled(root: Path, number: int) -> list[ShardKey]:
    """Choose shards of a folder at random; all of them where there are no more."""
    keys = list(shard_files(root))
    return sorted(random.sample(keys, min(number, len(keys))))


async def agreement(
    root: Path,
    keys: Sequence[ShardKey],
    nodes: Mapping[str, ClientConfig],
    told: Callable[[int], None] = lambda done: None,
) -> Agreement:
    """Have each node send each shard, and compare every byte with the file here.

    Args:
        root: The folder.
        keys: Shards that are here.
        nodes: By what they are called.
        told: Is told how many comparisons are done.
    """
    found, done = Agreement(), 0
    for name, config in nodes.items():
        try:
            async with connect(config, SERVICE) as channel:
                stub = rpc.CoordinatorServiceStub(channel)
                for key in keys:
                    await _compare(stub, root, key, plain(name), found)
                    done += 1
                    told(done)
        except MeshError as error:
            found.failed.append(f"{plain(name)}: {plain(error.message)}")
    if not nodes:
        found.failed.append("the coordinator knows of no other node")
    return found


async def _compare(
    stub: "rpc.CoordinatorServiceAsyncStub", root: Path, key: ShardKey, node: str, found: Agreement
) -> None:
    """Compare one file. Raises MeshError where the node cannot be asked for others either."""
    call = stub.FetchShard(pb.FetchShardRequest(shard_key=write_shard_key(key)), timeout=_FILE_SECONDS)
    hashed, header = hashlib.sha256(), pb.FetchHeader()
    try:
        async for message in translated(call):
            if message.HasField("header"):
                header = message.header
            hashed.update(message.chunk.data)
    except NotFound:
        found.not_held[node] += 1
        return
    finally:
        call.cancel()
    ours = digest_of(naming.visible(root, key)).sha256
    theirs = header.commit.file.sha256
    if hashed.hexdigest() != theirs:
        found.different.append(f"{key}: {node} sends other bytes than it says: {hashed.hexdigest()[:12]}")
    elif 0 < header.commit.epoch < Candles(root).label(key).epoch:
        found.not_held[node] += 1  # it has an earlier one, of which nobody asks that it be kept
    elif theirs != ours:
        what = f"{ours[:12]} here, {plain(theirs)[:12]} of epoch {header.commit.epoch} there"
        found.different.append(f"{key}: {node} holds another file: {what}")
    else:
        found.same[node] += 1
