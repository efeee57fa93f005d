"""No connection is for ever: whose certificate is no good any more is out in time, and nobody else notices."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2
from structlog.testing import capture_logs

from console.collection import progress_watch
from console.trading_follow import followed
from mesh import certs
from mesh.rpc import limits
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from tests.conftest import Certificates, ForecastServer
from tests.fakes import coordinator as co
from tests.fakes.questions import SERVICE, answer, batch, header, history, secure, stub
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import served
from trader.domain.events import Pause
from trader.domain.facts import Actor
from trader.domain.words import ActorKind
from trader.service.convert_events import KIND

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
ADA = Actor(kind=ActorKind.CALLER, name="ada", role="operator")
LIVED = 4.0
"""Seconds: several ages."""


@pytest.fixture(autouse=True)
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECTION_AGE_SECONDS", 1)
    monkeypatch.setattr(limits, "CONNECTION_GRACE_SECONDS", 1)


@pytest.fixture
def own(tmp_path: Path) -> Certificates:
    """An authority that the test may do what it likes with."""
    certs.init(tmp_path)
    certs.issue(tmp_path, "server", hosts=["localhost", "127.0.0.1"])
    for role in ("trader", "collector"):
        certs.issue(tmp_path, role, role=role)
    return Certificates(tmp_path)


async def held(channel: grpc.aio.Channel) -> Any:
    """A stream that is never finished."""
    stream = stub(channel).StreamSignals(timeout=60)
    await stream.write(header())
    await answer(stream)
    return stream


async def refused_in_time(channel: grpc.aio.Channel, stream: Any, seconds: float) -> None:
    """Calls of whoever is connected, and a stream, end as if nobody were there, before so many seconds have passed."""
    ends = time.monotonic() + seconds
    code = grpc.StatusCode.OK
    while code is grpc.StatusCode.OK and time.monotonic() < ends:
        call = stub(channel).GetModel(pb.GetModelRequest(), timeout=10)
        code = await call.code()
        await asyncio.sleep(0.05)
    assert code is UNAVAILABLE
    async with asyncio.timeout(ends - time.monotonic()):
        with pytest.raises(grpc.RpcError) as ended:
            await stream.read()
    assert ended.value.code() is UNAVAILABLE


async def test_who_is_connected_is_out_in_time_after_its_authority_is_taken_away(
    own: Certificates, forecast_server_on_loopback: ForecastServer, tmp_path: Path
) -> None:
    theirs, kept = tmp_path / "theirs", tmp_path / "kept.crt"
    certs.init(theirs, "successor")
    kept.write_bytes((own.folder / "ca.crt").read_bytes())  # by which the client knows the server
    async with forecast_server_on_loopback(tls=own.server()) as server:
        stolen = own.client(server.addresses[0]).model_copy(update={"ca_file": kept})
        async with connect(stolen, SERVICE) as channel:
            stream = await held(channel)
            (own.folder / "ca.crt").write_bytes((theirs / "ca.crt").read_bytes())
            await stub(channel).GetModel(pb.GetModelRequest())  # it is still in
            await refused_in_time(channel, stream, 10.0)
        async with connect(stolen, SERVICE) as another:
            with pytest.raises(grpc.RpcError) as refused:
                await stub(another).GetModel(pb.GetModelRequest())
        assert refused.value.code() is UNAVAILABLE


async def test_who_is_connected_is_out_in_time_after_its_certificate_has_expired(
    own: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    async with forecast_server_on_loopback(tls=own.server()) as server:
        soon = datetime.now(UTC) + timedelta(seconds=2)
        certs.issue(own.folder, "trader", role="trader", days=1, now=soon - timedelta(days=1))
        async with connect(own.client(server.addresses[0]), SERVICE) as channel:
            await refused_in_time(channel, await held(channel), 12.0)
        assert datetime.now(UTC) > soon


async def test_a_scan_that_outlives_its_connections_age_ends_as_it_would(
    certificates: Certificates, forecast_server_on_loopback: ForecastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECTION_GRACE_SECONDS", 20)
    async with (
        forecast_server_on_loopback(tls=certificates.server()) as server,
        secure(certificates, server.addresses[0], "trader") as channel,
    ):
        with capture_logs() as lines:
            scan = stub(channel).StreamSignals()
            await scan.write(header())
            await answer(scan)
            await asyncio.sleep(2.0)
            await stub(channel).GetModel(pb.GetModelRequest())  # over another connection, the scan over its own
            await scan.write(batch(history()))
            assert len((await answer(scan)).results.results) == 1
            await scan.done_writing()
            assert (await answer(scan)).summary.signal_count == 1
            assert await scan.read() is grpc.aio.EOF
    assert len(peers(lines)) == 2


async def test_a_worker_keeps_its_lease_over_connection_after_connection(own: Certificates, tmp_path: Path) -> None:
    key = co.key_of(co.closed_event())
    with capture_logs() as lines:
        async with (
            co.coordinator_on_loopback(tmp_path, tls=own.server()) as coordinated,
            # As workers do: a call that meets the end of a connection, which no server sees, is made on the next one.
            connect(own.client(coordinated.address, "collector"), co.SERVICE) as channel,
        ):
            coordinated.engine.take_events([co.closed_event()])
            ask, number, ends = co.stub(channel), 1, time.monotonic() + LIVED
            await ask.RegisterWorker(co.registration("collector"))
            [grant] = (await ask.Heartbeat(co.beat(number, "collector", wanted=1))).grants
            while time.monotonic() < ends:
                number += 1
                held = [co.progress(key, grant.lease.epoch, rows=number)]
                beaten = await ask.Heartbeat(co.beat(number, "collector", leases=held))
                assert [verdict.WhichOneof("verdict") for verdict in beaten.lease_verdicts] == ["renewed"]
            assert (await ask.CommitShard(co.commit(key, grant.lease.epoch, "collector"))).commit.epoch == 1
    assert len(peers(lines)) >= LIVED / 2


async def test_a_watcher_of_collection_sees_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_watch, "_CALL_SECONDS", 1.0)
    async with co.coordinator_on_loopback(tmp_path) as coordinated, asyncio.TaskGroup() as tasks:
        follower = progress_watch.Follower(ClientConfig(targets=(coordinated.address,)))
        following = tasks.create_task(follower.run())
        await follower.first.wait()
        ends = time.monotonic() + LIVED
        while time.monotonic() < ends:
            assert follower.heard.problem is None
            await asyncio.sleep(0.02)
        coordinated.engine.take_events([co.closed_event()])
        async with asyncio.timeout(10):
            while not (said := follower.heard.progress) or not any(series.due_count for series in said.series):
                await asyncio.sleep(0.02)
        following.cancel()


async def test_who_follows_the_trader_is_cut_off_and_loses_and_hears_twice_nothing() -> None:
    """Whoever keeps a stream longer than its connection lives: the server's end of it is one to ask again after."""
    heard: list[int] = []
    away: list[str] = []
    async with served(Rig()) as trader, asyncio.TaskGroup() as tasks:
        config = ClientConfig(targets=trader.server.addresses)
        request = trader_service_pb2.WatchEventsRequest(after_sequence=0)
        following = tasks.create_task(
            followed(config, request, lambda event: heard.append(event.sequence), away.append)
        )
        async with asyncio.timeout(20):
            number = 0
            while len(away) < 2:
                number += 1
                trader.engine.handle(Pause(f"wish-{number}", ADA, "lunch"))
                await asyncio.sleep(0.1)
            told = [each.sequence for each in trader.rig.journal.read() if type(each.entry) in KIND]
            while not heard or heard[-1] < told[-1]:
                await asyncio.sleep(0.02)
        following.cancel()
    assert heard == told
    assert len(told) > number > 1


def peers(lines: list[Any]) -> set[str]:
    """Ports that calls came from: one a connection."""
    return {line["peer"] for line in lines if line.get("event") == "call"}
