"""CoordinatorService: messages in, engine, messages out. What the engine decides it logs itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc
from foremesh.coordinator.v1 import progress_pb2, shard_pb2, worker_pb2

from collector import wire
from collector.coordinator import convert, views
from collector.coordinator.calls import ShardQuery, ShardView
from collector.coordinator.engine import Coordinator
from collector.coordinator.metrics import CoordinatorMetrics
from collector.coordinator.paging import PAGE, Position, fill, page_start, page_token, shard_start
from collector.naming import names_of
from mesh import log
from mesh.clock import Clock
from mesh.convert import span
from mesh.errors import Conflict, Denied, MeshError, NotFound, Unavailable
from mesh.rpc.call import Context, current_call
from mesh.shards import STEPS, ShardKey

_RETRY_SECONDS = 1.0
_SILENCE_SECONDS = 15.0
"""Longest time between two snapshots for a watcher."""
_LOOK_SECONDS = 0.1
"""Between two looks whether there is anything new for a watcher."""

_log = log.get(__name__)


class CoordinatorServicer(rpc.CoordinatorServiceServicer):
    """Serves one engine, once `engine` is set; until then, and while the process drains, callers are sent away."""

    def __init__(self, clock: Clock, metrics: CoordinatorMetrics, draining: asyncio.Event) -> None:
        self.engine: Coordinator | None = None
        self._clock, self._metrics, self._draining = clock, metrics, draining

    async def RegisterWorker(  # noqa: N802
        self, request: pb.RegisterWorkerRequest, context: Context
    ) -> pb.RegisterWorkerResponse:
        """Take a worker process on."""
        engine, registration = self._ready(), convert.read_registration(request)
        with self._refusing("worker refused", request.worker_id):
            answer = engine.register(registration)
        return convert.write_registered(answer, engine.instance_id)

    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Context) -> pb.HeartbeatResponse:  # noqa: N802
        """Hear a worker."""
        engine, beat = self._ready(), convert.read_beat(request)
        with self._refusing("heartbeat refused", request.worker_id):
            answer = engine.heartbeat(beat)
        if answer.grants:
            _log.info("leases granted", worker=request.worker_id, count=len(answer.grants))
        return convert.write_beat_answer(answer, engine.instance_id)

    async def CommitShard(  # noqa: N802
        self, request: pb.CommitShardRequest, context: Context
    ) -> pb.CommitShardResponse:
        """Enter a file into the manifest."""
        engine, call = self._ready(), convert.read_commit_call(request)
        with self._refusing("commit refused", request.worker_id, call.shard):
            answer = engine.commit(call)
        if not answer.already_committed:
            self._metrics.commits.labels(call.worker_id).inc()
        return convert.write_commit_answer(answer, engine.instance_id)

    async def ReleaseLease(  # noqa: N802
        self, request: pb.ReleaseLeaseRequest, context: Context
    ) -> pb.ReleaseLeaseResponse:
        """Take a lease back without a file."""
        engine, (lease, reason) = self._ready(), convert.read_release(request)
        with self._refusing("release refused", request.worker_id, lease.shard):
            engine.release(request.worker_id, lease, reason, request.detail)
        return pb.ReleaseLeaseResponse(instance_id=engine.instance_id)

    async def GetProgress(  # noqa: N802
        self, request: pb.GetProgressRequest, context: Context
    ) -> pb.GetProgressResponse:
        """Say how far collection is."""
        return pb.GetProgressResponse(progress=self._progress(request))

    async def WatchProgress(  # noqa: N802
        self, request: pb.WatchProgressRequest, context: Context
    ) -> AsyncIterator[pb.WatchProgressResponse]:
        """Say how far collection is, as it changes."""
        pause = span(request.min_interval, "min_interval").total_seconds() if request.HasField("min_interval") else 1.0
        while True:
            version, said = self._ready().version, self._clock.monotonic()
            yield pb.WatchProgressResponse(progress=self._progress(request))
            await self._wait(pause)
            while self._ready().version == version and self._clock.monotonic() - said < _SILENCE_SECONDS:
                await self._wait(_LOOK_SECONDS)

    async def ListShards(self, request: pb.ListShardsRequest, context: Context) -> pb.ListShardsResponse:  # noqa: N802
        """List a page of the manifest."""
        engine, query, after = self._ready(), views.read_query(request), shard_start(request)
        limit = min(request.page_size or PAGE, PAGE)

        def write(view: ShardView) -> shard_pb2.Shard:
            holed = request.include_holes and view.row.commit is not None and view.row.commit.hole_count
            return views.write_shard(view, engine.holes(view.row.key) if holed else ())

        found = engine.shards(query, after, limit + 1)
        shards, more = fill(found, write, shard_pb2.Shard.ByteSize, limit)
        token = page_token(request, _position(found[len(shards) - 1], query)) if more else ""
        return pb.ListShardsResponse(instance_id=engine.instance_id, shards=shards, next_page_token=token)

    async def ListWorkers(  # noqa: N802
        self, request: pb.ListWorkersRequest, context: Context
    ) -> pb.ListWorkersResponse:
        """List a page of the workers."""
        engine, states, after = self._ready(), views.read_worker_states(request), str(page_start(request) or "")
        found = [view for view in engine.workers() if view.row.worker_id > after and view.state in states]
        workers, more = fill(found, views.write_worker, worker_pb2.Worker.ByteSize, request.page_size or PAGE)
        token = page_token(request, found[len(workers) - 1].row.worker_id) if more else ""
        return pb.ListWorkersResponse(instance_id=engine.instance_id, workers=workers, next_page_token=token)

    async def FetchShard(  # noqa: N802
        self, request: pb.FetchShardRequest, context: Context
    ) -> AsyncIterator[pb.FetchShardResponse]:
        """Say who holds the file: the coordinator holds none itself."""
        engine, key = self._ready(), wire.read_shard_key(request.shard_key, "shard_key")
        of_event = engine.shards(ShardQuery(series=(key.series,), event=key.event), None, len(STEPS))
        row = next((view.row for view in of_event if view.row.key == key), None)
        if row is None or row.commit is None:
            raise NotFound(f"nothing is committed of {key}", reason="SHARD_NOT_COMMITTED")
        if request.HasField("sha256") and request.sha256 != row.commit.file.sha256:
            raise Conflict(f"another file of {key} is committed now", reason="SHARD_REPLACED")
        raise NotFound(
            "the coordinator holds no files; ask a node that does",
            reason="SHARD_NOT_HELD",
            metadata={"fetch_addresses": ",".join(engine.addresses(row))},
        )
        yield pb.FetchShardResponse()  # what makes this a stream

    def _ready(self) -> Coordinator:
        """Give the engine. Raises Unavailable while there is none, and while the process drains."""
        if self._draining.is_set():
            raise Unavailable("the coordinator is stopping", reason="DRAINING", retry_after=_RETRY_SECONDS)
        if self.engine is None:
            text = "the coordinator is opening its database"
            raise Unavailable(text, reason="DATABASE_OPENING", retry_after=_RETRY_SECONDS)
        return self.engine

    def _progress(self, request: pb.GetProgressRequest | pb.WatchProgressRequest) -> progress_pb2.Progress:
        engine = self._ready()
        view = engine.progress(tuple(request.series_tickers), request.max_lease_count)
        return views.write_progress(view, engine.instance_id, self._clock.now())

    async def _wait(self, seconds: float) -> None:
        """Wait, but not into the stop of the process."""
        try:
            async with asyncio.timeout(seconds):
                await self._draining.wait()
        except TimeoutError:
            return

    @contextmanager
    def _refusing(self, what: str, worker: str, shard: ShardKey | None = None) -> Iterator[None]:
        """Let a worker's own calls through; log and count a refusal, which then goes to the caller."""
        try:
            _check_identity(worker)
            yield
        except MeshError as error:
            self._metrics.refusals.labels(error.reason).inc()
            named = {"shard": str(shard)} if shard else {}
            _log.warning(what, worker=worker, **named, reason=error.reason, problem=error.message)
            raise


def _check_identity(worker_id: str) -> None:
    """Refuse a caller whose certificate or token is another worker's. Denied (`WORKER_NOT_YOURS`)."""
    call = current_call.get()
    names = names_of(worker_id)
    if call is None or not call.caller.proven or call.caller.name in names:
        return
    raise Denied(
        f"worker_id: {call.caller.name!r} may not call as {worker_id!r}: its certificate is named {' or '.join(names)}",
        reason="WORKER_NOT_YOURS",
        metadata={"field": "worker_id", "caller": call.caller.name},
    )


def _position(view: ShardView, query: ShardQuery) -> Position:
    """Say where a page ends that ends with this shard."""
    row = view.row
    return str(row.key) if query.after_sequence is None or row.commit is None else row.commit.sequence
