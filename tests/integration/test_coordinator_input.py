"""What is wrong with a request is said by field, all else is answered, and only the roles of the contract get in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.coordinator.v1 import budget_pb2, shard_pb2
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector import wire
from mesh import certs
from mesh.clock import ManualClock
from mesh.rpc.auth import service_descriptor
from mesh.rpc.validation import violations
from mesh.shards import ShardKey
from tests.conftest import Certificates
from tests.fakes.coordinator import (
    NOW,
    SERIES,
    SERVICE,
    Coordinated,
    beat,
    closed_event,
    commit,
    coordinator_on_loopback,
    key_of,
    progress,
    registration,
    release,
    seconds,
    stub,
)
from tests.fakes.protobuf_messages import Strategy, mangled, messages
from tests.fakes.questions import plain, refusal, refused, secure, until

INVALID = grpc.StatusCode.INVALID_ARGUMENT
KEY = key_of(closed_event())
YEAR_20000 = Timestamp(seconds=568_971_820_800)
UNARY: dict[str, type[Message]] = {
    "RegisterWorker": pb.RegisterWorkerRequest,
    "Heartbeat": pb.HeartbeatRequest,
    "CommitShard": pb.CommitShardRequest,
    "ReleaseLease": pb.ReleaseLeaseRequest,
    "GetProgress": pb.GetProgressRequest,
    "ListShards": pb.ListShardsRequest,
    "ListWorkers": pb.ListWorkersRequest,
}
ANSWERS: dict[str, type[Message]] = {
    "RegisterWorker": pb.RegisterWorkerResponse,
    "Heartbeat": pb.HeartbeatResponse,
    "CommitShard": pb.CommitShardResponse,
    "ReleaseLease": pb.ReleaseLeaseResponse,
    "GetProgress": pb.GetProgressResponse,
    "ListShards": pb.ListShardsResponse,
    "ListWorkers": pb.ListWorkersResponse,
}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Coordinated]:
    async with coordinator_on_loopback(tmp_path, clock=ManualClock(NOW)) as coordinated:
        coordinated.engine.take_events([closed_event(number) for number in range(1, 9)])
        yield coordinated


@pytest.fixture
async def channel(served: Coordinated) -> AsyncIterator[grpc.aio.Channel]:
    """A stranger's channel to a coordinator that must still serve at the end."""
    async with plain(served.address) as opened:
        yield opened
        await stub(opened).RegisterWorker(registration("last", "p9"))
        assert (await stub(opened).Heartbeat(beat(1, "last", "p9"))).instance_id
        await until(lambda: served.server.in_flight() == 0)


def with_field(request: Message, **changes: Any) -> Any:
    changed = type(request)()
    changed.CopyFrom(request)
    for name in changes:
        changed.ClearField(name)
    changed.MergeFrom(type(request)(**changes))
    return changed


def key(**changes: Any) -> shard_pb2.ShardKey:
    made: shard_pb2.ShardKey = with_field(wire.write_shard_key(KEY), **changes)
    return made


def file(**changes: Any) -> shard_pb2.ShardFile:
    made: shard_pb2.ShardFile = with_field(commit(KEY, 1).file, **changes)
    return made


def lease(**changes: Any) -> shard_pb2.LeaseProgress:
    made: shard_pb2.LeaseProgress = with_field(progress(KEY, 1), **changes)
    return made


WRONG: list[tuple[str, Message, str]] = [
    ("RegisterWorker", registration(worker=""), "worker_id"),
    ("RegisterWorker", registration(worker="Spark"), "worker_id"),
    ("RegisterWorker", registration(worker="spark\n"), "worker_id"),
    ("RegisterWorker", registration(process="a b"), "worker_instance_id"),
    ("RegisterWorker", registration(node_index=1000), "node_index"),
    ("RegisterWorker", registration(fetch_address="nowhere"), "fetch_address"),
    ("RegisterWorker", with_field(registration(), request_id=""), "request_id"),
    ("RegisterWorker", registration(api_budget=budget_pb2.ApiBudget(budget_id="a")), "api_budget.kind"),
    ("RegisterWorker", registration(leases=[lease(stage=0)]), "leases[0].stage"),
    ("RegisterWorker", registration(leases=[lease(last_time=YEAR_20000)]), "leases[0].last_time"),
    ("RegisterWorker", registration(leases=[lease(last_time=Timestamp(nanos=-1))]), "leases[0].last_time"),
    ("Heartbeat", beat(0), "sequence"),
    ("Heartbeat", beat(1, wanted=513), "wanted_lease_count"),
    ("Heartbeat", beat(1, intent=0), "intent"),
    ("Heartbeat", beat(1, intent=9), "intent"),
    ("Heartbeat", beat(1, leases=[lease(progress_age=seconds(-1))]), "leases[0].progress_age"),
    (
        "Heartbeat",
        beat(1, leases=[lease(), lease(progress_age=Duration(seconds=1, nanos=-1))]),
        "leases[1].progress_age",
    ),
    ("Heartbeat", beat(1, api_usage=budget_pb2.ApiUsage(call_count=-1)), "api_usage.call_count"),
    (
        "Heartbeat",
        beat(1, api_usage=budget_pb2.ApiUsage(tokens_per_second=float("nan"))),
        "api_usage.tokens_per_second",
    ),
    ("CommitShard", with_field(commit(KEY, 1), shard_key=key(series_ticker="../x")), "shard_key.series_ticker"),
    ("CommitShard", with_field(commit(KEY, 1), shard_key=key(candle_step=seconds(61))), "shard_key.candle_step"),
    ("CommitShard", with_field(commit(KEY, 1), covered_end_time=YEAR_20000), "covered_end_time"),
    ("CommitShard", with_field(commit(KEY, 1), epoch=0), "epoch"),
    ("CommitShard", with_field(commit(KEY, None), adoption=pb.Adoption()), "adoption.kind"),
    ("CommitShard", with_field(commit(KEY, 1), file=file(sha256="A" * 64)), "file.sha256"),
    ("CommitShard", with_field(commit(KEY, 1), file=file(row_count=0)), "file"),
    ("CommitShard", with_field(commit(KEY, 1), file=file(content=7)), "file.content"),
    ("CommitShard", with_field(commit(KEY, 1), file=file(first_time=Timestamp(seconds=1))), "file.first_time"),
    (
        "CommitShard",
        with_field(
            commit(KEY, 1),
            holes=[shard_pb2.Hole(market_ticker="A", reason="HOLE_REASON_NO_DATA", start_time=YEAR_20000)],
        ),
        "holes[0].start_time",
    ),
    ("CommitShard", with_field(commit(KEY, 1), holes=[shard_pb2.Hole(market_ticker="A")]), "holes[0].reason"),
    ("ReleaseLease", release(KEY, 0), "lease.epoch"),
    ("ReleaseLease", release(KEY, 1, reason=0), "reason"),
    ("ReleaseLease", release(KEY, 1, detail="ä" * 121), "detail"),
    ("GetProgress", pb.GetProgressRequest(max_lease_count=513), "max_lease_count"),
    ("GetProgress", pb.GetProgressRequest(series_tickers=["A", "A"]), "series_tickers"),
    ("ListShards", pb.ListShardsRequest(page_size=501), "page_size"),
    ("ListShards", pb.ListShardsRequest(states=["SHARD_STATE_UNSPECIFIED"]), "states[0]"),
    ("ListShards", pb.ListShardsRequest(after_commit_sequence=-1), "after_commit_sequence"),
    ("ListWorkers", pb.ListWorkersRequest(states=["WORKER_STATE_UNSPECIFIED"]), "states[0]"),
]


@pytest.mark.parametrize(("method", "request_", "field"), WRONG, ids=[f"{row[0]} {row[2]}" for row in WRONG])
async def test_a_field_outside_its_rules_is_named(
    channel: grpc.aio.Channel, method: str, request_: Message, field: str
) -> None:
    await stub(channel).RegisterWorker(registration())
    found = await refused(getattr(stub(channel), method)(request_))
    assert (found.code, found.reason, found.domain) == (INVALID, "INVALID_REQUEST", "foremesh")
    assert field in found.fields
    assert found.retry_seconds is None


async def test_a_stream_with_a_field_outside_its_rules_names_it(channel: grpc.aio.Channel) -> None:
    watch = await refused(stub(channel).WatchProgress(pb.WatchProgressRequest(min_interval=seconds(0.05))).read())
    assert (watch.code, set(watch.fields)) == (INVALID, {"min_interval"})
    resume = pb.FetchShardRequest(shard_key=wire.write_shard_key(KEY), offset_bytes=5)
    fetch = await refused(stub(channel).FetchShard(resume).read())
    assert fetch.code is INVALID


# Anything at all

PACKAGE = "foremesh.coordinator.v1"
names = st.sampled_from(["spark", "mini"])
close = st.integers(1_700_000_000, 1_800_000_000).map(lambda seconds: Timestamp(seconds=seconds))
shard_keys = st.builds(
    lambda number, step: wire.write_shard_key(ShardKey(SERIES, closed_event(number).event, step)),
    st.integers(1, 9),
    st.sampled_from([60, 3600]),
)
request_ids = st.just("r1")
ALMOST_RIGHT: dict[str, Strategy] = {
    f"{PACKAGE}.{kind}.{field}": values
    for field, values in {
        "request_id": request_ids,
        "worker_id": names,
        "worker_instance_id": st.sampled_from(["p1", "p2"]),
        "software_version": st.just("0.1.0"),
        "shard_key": shard_keys,
        "epoch": st.integers(1, 3),
        "sequence": st.integers(1, 9),
        "intent": st.sampled_from([1, 1, 1, 2, 3]),
        "stage": st.integers(1, 5),
        "condition": st.integers(1, 3),
        "reason": st.integers(1, 4),
        "kind": st.integers(1, 2),
        "budget_id": st.just("a"),
        "sha256": st.sampled_from(["a" * 64, "b" * 64]),
        "schema_id": st.just("foremesh.candles"),
        "size_bytes": st.integers(1, 9),
        "version": st.just(1),
        "content": st.integers(1, 2),
        "market_ticker": st.from_regex(r"[A-Z0-9]{1,9}", fullmatch=True),
        "covered_end_time": close,
        "page_token": st.just(""),
        "row_count": st.just(0),
        "progress_age": st.integers(0, 9).map(lambda number: Duration(seconds=number)),
    }.items()
    for kind in (
        "RegisterWorkerRequest", "HeartbeatRequest", "CommitShardRequest", "ReleaseLeaseRequest", "ListShardsRequest",
        "ListWorkersRequest", "Adoption", "LeaseKey", "LeaseProgress", "FileReport", "ShardFile", "SchemaVersion",
        "Hole", "ApiBudget",
    )
    if field in pb.DESCRIPTOR.pool.FindMessageTypeByName(f"{PACKAGE}.{kind}").fields_by_name
}  # fmt: skip
"""Past the first rules, so that what lies behind them is reached."""


async def for_any(strategy: Strategy, holds: Callable[[Any], Coroutine[Any, Any, None]], *, examples: int) -> None:
    """Let hypothesis, in a thread of its own, look for a value for which it does not hold."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def search(value: Any) -> None:
        asyncio.run_coroutine_threadsafe(holds(value), loop).result(30)

    await asyncio.to_thread(search)


DOCUMENTED = {
    INVALID: {"INVALID_REQUEST", "MALFORMED_MESSAGE", "PAGE_TOKEN_INVALID"},
    grpc.StatusCode.NOT_FOUND: {"WORKER_NOT_FOUND", "SHARD_NOT_FOUND"},
    grpc.StatusCode.FAILED_PRECONDITION: {"WORKER_SUPERSEDED", "STALE_EPOCH", "UNKNOWN_EPOCH"},
    grpc.StatusCode.PERMISSION_DENIED: {"LEASE_NOT_YOURS"},
    grpc.StatusCode.ALREADY_EXISTS: {"COMMIT_CONFLICT"},
    grpc.StatusCode.ABORTED: {"SHARD_LEASED"},
}


async def answered(channel: grpc.aio.Channel, method: str, data: bytes) -> None:
    send: Any = channel.unary_unary(f"/{SERVICE}/{method}")
    try:
        answer = ANSWERS[method].FromString(await send(data, timeout=20))
    except grpc.RpcError as error:
        found = refusal(error)
        assert found.reason in DOCUMENTED.get(found.code, set()), found
        return
    assert violations(answer) == []


@pytest.mark.parametrize("known", [{}, ALMOST_RIGHT], ids=["any", "almost right"])
@pytest.mark.parametrize("method", UNARY)
async def test_any_message_gets_a_documented_answer(
    channel: grpc.aio.Channel, method: str, known: dict[str, Strategy]
) -> None:
    for name in ("spark", "mini"):
        await stub(channel).RegisterWorker(registration(name))
        await stub(channel).Heartbeat(beat(1, name, wanted=2))
    asked = messages(UNARY[method], known).map(lambda message: message.SerializeToString())
    await for_any(asked, partial(answered, channel, method), examples=60 if known else 20)


async def test_any_bytes_get_a_documented_answer(channel: grpc.aio.Channel) -> None:
    for method in ("Heartbeat", "CommitShard"):
        await for_any(mangled(UNARY[method], ALMOST_RIGHT), partial(answered, channel, method), examples=30)


# Roles

WORKERS, PEOPLE = {"collector"}, {"collector", "operator", "trader", "viewer"}
# The contract's `access` options, said again: a role that slips into a method's list fails here.
MAY_CALL = {
    "RegisterWorker": WORKERS,
    "Heartbeat": WORKERS,
    "CommitShard": WORKERS,
    "ReleaseLease": WORKERS,
    "GetProgress": PEOPLE,
    "WatchProgress": PEOPLE,
    "ListShards": PEOPLE - {"trader"},
    "ListWorkers": PEOPLE - {"trader"},
    "FetchShard": {"collector", "operator"},
}
CALLS: dict[str, Callable[[grpc.aio.Channel], Awaitable[object]]] = {
    "RegisterWorker": lambda channel: stub(channel).RegisterWorker(registration("collector")),
    "Heartbeat": lambda channel: stub(channel).Heartbeat(beat(1, "collector")),
    "CommitShard": lambda channel: stub(channel).CommitShard(commit(KEY, 1, "collector")),
    "ReleaseLease": lambda channel: stub(channel).ReleaseLease(release(KEY, 1, "collector")),
    "GetProgress": lambda channel: stub(channel).GetProgress(pb.GetProgressRequest()),
    "WatchProgress": lambda channel: stub(channel).WatchProgress(pb.WatchProgressRequest()).read(),
    "ListShards": lambda channel: stub(channel).ListShards(pb.ListShardsRequest()),
    "ListWorkers": lambda channel: stub(channel).ListWorkers(pb.ListWorkersRequest()),
    "FetchShard": lambda channel: (
        stub(channel).FetchShard(pb.FetchShardRequest(shard_key=wire.write_shard_key(KEY))).read()
    ),
}


async def let_in(call: Awaitable[object]) -> None:
    """Make a call that is answered, or refused for whom or what it names."""
    try:
        await call
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise


@pytest.mark.parametrize("role", certs.ROLES)
async def test_a_role_may_call_what_the_contract_says_and_nothing_else(
    role: str, certificates: Certificates, tmp_path: Path
) -> None:
    assert set(CALLS) == {method.name for method in service_descriptor(SERVICE).methods} == set(MAY_CALL)
    async with (
        coordinator_on_loopback(tmp_path, tls=certificates.server()) as served,
        secure(certificates, served.address, role) as channel,
    ):
        for method, roles in MAY_CALL.items():
            if role not in roles:
                denied = await refused(CALLS[method](channel))
                assert (denied.code, denied.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_FORBIDDEN")
                assert denied.metadata["allowed"] == ",".join(sorted(roles))
                continue
            await let_in(CALLS[method](channel))
