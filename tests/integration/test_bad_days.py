"""Clients and servers that go away, hang, flood or fail: whoever is left gets a true answer, and work goes on."""

import asyncio
import resource
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mesh.errors import Denied, MeshError, NotReady, TooLate, Unavailable
from mesh.forecasts import forecasting
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import translated
from tests.conftest import ROOT, Certificates, ForecastServer
from tests.fakes.models import HeldModel
from tests.fakes.questions import (
    NO_RETRIES,
    SERVICE,
    answer,
    batch,
    header,
    histories,
    history,
    options,
    plain,
    refusal,
    refused,
    scanned,
    secure,
    signals,
    stub,
    until,
)
from tests.fakes.serving import UNMEASURED, Unfinished, forecasts_from, servicer_on_loopback, stoppable


async def opened(channel: grpc.aio.Channel, **asked: Any) -> Any:
    """A scan that has been accepted."""
    call = stub(channel).StreamSignals()
    await call.write(header(**asked))
    assert (await answer(call)).HasField("accepted")
    return call


@asynccontextmanager
async def process(module: str, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A process of a fake, with the first line that it says; killed at the end."""
    command = (sys.executable, "-m", f"tests.fakes.{module}", *arguments)
    started = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert started.stdout is not None
        line = ""
        async with asyncio.timeout(40):
            while not line.startswith(("127.", "accepted")):  # its log comes first
                line = (await started.stdout.readline()).decode()
                assert line, "the process ended before it began"
        yield started, line.strip()
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()
        # What nobody read keeps the pipe open.
        started._transport.close()  # type: ignore[attr-defined]


# Clients that go away


@pytest.mark.parametrize("waiting_for", ["nothing", "the model", "its turn"])
async def test_a_cancelled_call_leaves_nothing_behind(waiting_for: str) -> None:
    model = HeldModel(answers=False)
    async with forecasts_from(model) as served, plain(served.address) as channel:
        before: list[Any] = []
        if waiting_for == "its turn":
            before.append(await opened(channel))
            await before[0].write(batch(history()))
            await until(model.asked.is_set)
        scan = await opened(channel)
        if waiting_for != "nothing":
            await scan.write(batch(*histories(5)))
            await until(lambda: served.engine.queue.waiting + served.engine.queue.running == 5 + len(before))
        scan.cancel()
        await until(lambda: served.server.in_flight() == len(before))
        assert served.engine.queue.scans == len(before)
        assert served.engine.queue.waiting == 0
        model.may_answer.set()
        for other in before:
            assert (await answer(other)).results.results[0].HasField("signal")
            other.cancel()
        assert (await stub(channel).GenerateSignals(signals())).summary.signal_count == 1
        await until(lambda: served.server.in_flight() == 0)


async def test_a_client_that_is_killed_mid_stream_leaves_nothing_behind() -> None:
    model = HeldModel(answers=False)
    async with forecasts_from(model) as served:
        async with process("forecast_caller", served.address) as (client, said):
            assert said == "accepted"
            await until(lambda: served.server.in_flight() == 1)
            client.send_signal(signal.SIGKILL)
            await until(lambda: served.server.in_flight() == 0)
        model.may_answer.set()
        async with plain(served.address) as channel:
            assert (await stub(channel).GenerateSignals(signals())).summary.signal_count == 1
        assert served.engine.queue.scans == 0


async def test_a_hundred_cancelled_scans_do_not_add_up(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback(max_in_flight=20) as server, plain(server.addresses[0]) as channel:
        for _ in range(10):
            for scan in [await opened(channel) for _ in range(10)]:
                scan.cancel()
            await until(lambda: server.in_flight() == 0)
        assert (await stub(channel).GenerateSignals(signals())).summary.input_count == 1


async def test_a_call_that_runs_out_of_time_ends_on_both_sides() -> None:
    model = HeldModel(answers=False)
    async with forecasts_from(model) as served, plain(served.address) as channel:
        late = await refused(stub(channel).GenerateSignals(signals(), timeout=0.3))
        assert late.code is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: served.server.in_flight() == 0)
        model.may_answer.set()
        assert (await stub(channel).GenerateSignals(signals(), timeout=30)).summary.signal_count == 1


# Servers that go away


async def test_a_scan_goes_on_after_its_server_was_killed_and_every_input_is_answered_once() -> None:
    asked = histories(1000)
    async with (
        process("forecast_app", "0", "2") as (first, address),
        forecasting(ClientConfig(targets=(address,), timeout_seconds=50)) as client,
    ):
        results = client.scan(asked, options())
        found = [await anext(results) for _ in range(2 * 256)]
        first.kill()
        await first.wait()
        async with process("forecast_app", address.rpartition(":")[2], "100") as (_, again):
            assert again == address
            found += [result async for result in results]
    assert sorted(result.input_index for result in found) == list(range(1000))
    assert all(result.market_ticker == asked[result.input_index].market_ticker for result in found)
    assert all(result.HasField("signal") for result in found)


async def test_a_killed_server_is_unavailable_to_its_callers() -> None:
    async with process("forecast_app", "0", "0") as (server, address), plain(address) as channel:
        scan = await opened(channel)
        server.kill()
        for call in (scan.read(), stub(channel).GenerateSignals(signals())):
            assert (await refused(call)).code is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(Unavailable):
            async for _ in translated(stub(channel).StreamSignals(iter([header()]))):
                pass


async def test_a_server_that_stays_away_ends_a_scan_as_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh.forecasts._FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr("mesh.forecasts._LONGEST_WAIT_SECONDS", 0.01)
    async with process("forecast_app", "0", "0") as (server, address):
        server.kill()
        await server.wait()
    async with forecasting(ClientConfig(targets=(address,), timeout_seconds=1)) as client:
        with pytest.raises((Unavailable, TooLate)):
            async for _ in client.scan(histories(3), options()):
                pass


# A scan that our own client is refused


# Batches sent ahead of the first answer would lose a refusal (grpc/grpc#36066), and the client would say Broken.
@pytest.mark.parametrize(
    ("role", "purpose", "kind"),
    [("viewer", forecast_pb2.PURPOSE_PAPER, Denied), ("trader", forecast_pb2.PURPOSE_LIVE, NotReady)],
)
async def test_a_large_scan_that_is_refused_says_why(
    role: str,
    purpose: forecast_pb2.Purpose,
    kind: type[MeshError],
    certificates: Certificates,
    forecast_server_on_loopback: ForecastServer,
) -> None:
    async with (
        forecast_server_on_loopback(tls=certificates.server()) as server,
        forecasting(certificates.client(server.addresses[0], role)) as client,
    ):
        for _ in range(5):
            with pytest.raises(kind):
                async for _ in client.scan(histories(2000), options(purpose=purpose)):
                    pass


async def test_a_large_scan_waits_for_a_place_among_too_many_calls(forecast_server_on_loopback: ForecastServer) -> None:
    async with (
        forecast_server_on_loopback(max_in_flight=1, grace_seconds=1) as server,
        plain(server.addresses[0]) as channel,
    ):
        other = await opened(channel)
        async with forecasting(ClientConfig(targets=server.addresses)) as client, asyncio.TaskGroup() as tasks:

            async def scan() -> int:
                return len([result async for result in client.scan(histories(2000), options())])

            answered = tasks.create_task(scan())
            await asyncio.sleep(0.5)  # refused at least once, or not begun: both must end well
            other.cancel()
        assert answered.result() == 2000


# Load


async def test_a_reader_that_does_not_read_is_held_back_and_blocks_nobody() -> None:
    model, enough = HeldModel(), asyncio.Event()
    long = [history(closes=[40.0, 41.0] * 256)] * 128
    # A small window that does not grow: the sooner the reader's side is full, the shorter the test.
    window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536), *NO_RETRIES]
    sent = 0
    async with (
        forecasts_from(model) as served,
        grpc.aio.insecure_channel(served.address, options=window) as slow,
        plain(served.address) as quick,
        asyncio.TaskGroup() as tasks,
    ):
        scan = await opened(slow, asked=options(horizon_steps=150))

        async def write() -> None:
            nonlocal sent
            while not enough.is_set():
                await scan.write(batch(*long))  # each is answered with 800 kB
                sent += 1
            await scan.done_writing()

        tasks.create_task(write())
        computed = -1
        while model.computed != computed:
            computed = model.computed + 1  # by the one who is not held back
            assert (await stub(quick).GenerateSignals(signals(), timeout=20)).summary.input_count == 1
            await asyncio.sleep(0.5)
        assert model.computed < 40 * 128, "the server computes ahead of a reader that takes nothing"
        assert served.engine.queue.waiting <= served.engine.queue.capacity // 2
        enough.set()
        answered = 0
        while not (response := await answer(scan)).HasField("summary"):
            answered += len(response.results.results)
        assert answered == response.summary.input_count == sent * 128


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_idle_connections_leave_room_for_others(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    async with forecast_server_on_loopback() as server:
        host, _, port = server.addresses[0].rpartition(":")
        idle: list[asyncio.StreamWriter] = []
        try:
            for number in range(1000):
                reader, writer = await asyncio.open_connection(host, int(port))
                idle.append(writer)
                if number % 2:  # every other one says nothing at all
                    writer.write(PREFACE)
                    async with asyncio.timeout(20):
                        assert (await reader.readexactly(4))[3] == 4, "SETTINGS, so the server took the connection"
            async with plain(server.addresses[0]) as channel:
                for _ in range(20):
                    assert (await stub(channel).GenerateSignals(signals(), timeout=20)).summary.input_count == 1
                assert len(await scanned(channel, header(), batch(*histories(256)))) == 3
            assert server.in_flight() == 0
        finally:
            for writer in idle:
                writer.transport.abort()
        async with plain(server.addresses[0]) as channel:
            await stub(channel).GetModel(pb.GetModelRequest(), timeout=20)


async def test_one_call_too_many_is_told_when_to_come_back(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback(max_in_flight=2) as server, plain(server.addresses[0]) as channel:
        scans = [await opened(channel) for _ in range(2)]
        for call in (stub(channel).GetModel(pb.GetModelRequest()), stub(channel).StreamSignals().read()):
            many = await refused(call)
            assert many.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert (many.reason, many.domain) == ("TOO_MANY_CALLS", "foremesh")
            assert many.retry_seconds is not None
            assert 0 < many.retry_seconds <= 60
        healthy = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert healthy.status == health_pb2.HealthCheckResponse.SERVING
        scans[0].cancel()
        await until(lambda: server.in_flight() == 1)
        await stub(channel).GetModel(pb.GetModelRequest())
        scans[1].cancel()


async def test_too_many_waiting_histories_are_refused_early() -> None:
    model = HeldModel(answers=False)
    async with (
        forecasts_from(model, settings=replace(UNMEASURED, capacity_series=100)) as served,
        plain(served.address) as channel,
    ):
        scans = [await opened(channel) for _ in range(2)]
        await scans[0].write(batch(history()))
        await until(model.asked.is_set)
        await scans[1].write(batch(*histories(100)))
        await until(lambda: served.engine.queue.waiting == 100)
        full = await refused(stub(channel).GenerateSignals(signals()))
        assert (full.code, full.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
        assert full.retry_seconds is not None
        model.may_answer.set()
        for scan, count in zip(scans, (1, 100), strict=True):
            assert len((await answer(scan)).results.results) == count
            scan.cancel()
        assert (await stub(channel).GenerateSignals(signals())).summary.signal_count == 1


async def test_a_stream_that_falls_silent_is_ended(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback(stream_idle_seconds=0.3) as server, plain(server.addresses[0]) as channel:
        for scan in (stub(channel).StreamSignals(), await opened(channel)):
            silent = await refused(scan.read())
            assert silent.code is grpc.StatusCode.DEADLINE_EXCEEDED
            assert (silent.reason, silent.domain) == ("STREAM_IDLE", "foremesh")
        await until(lambda: server.in_flight() == 0)
        assert (await stub(channel).GenerateSignals(signals())).summary.input_count == 1


async def test_a_unary_call_without_a_deadline_has_one_all_the_same() -> None:
    model = HeldModel(answers=False)
    async with forecasts_from(model, unary_seconds=0.3) as served, plain(served.address) as channel:
        late = await refused(stub(channel).GenerateSignals(signals()))
        assert (late.code, late.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        await until(lambda: served.server.in_flight() == 0)
        model.may_answer.set()


# The stop


async def test_a_stop_finishes_the_call_in_progress_and_refuses_new_ones() -> None:
    model = HeldModel(answers=False)
    async with stoppable(model) as server, plain(server.served.address) as channel:
        scan = await opened(channel)
        unary = stub(channel).GenerateSignals(signals())
        await scan.write(batch(*histories(3)))
        await until(lambda: server.served.engine.queue.waiting + server.served.engine.queue.running == 4)
        server.stop()
        await until(lambda: server.served.engine.state.value == "draining")
        for call in (stub(channel).GetModel(pb.GetModelRequest()), stub(channel).StreamSignals().read()):
            late = await refused(call)
            assert late.code is grpc.StatusCode.UNAVAILABLE
            assert (late.reason, late.domain) == ("DRAINING", "foremesh")
            assert late.retry_seconds is not None
        model.may_answer.set()
        results = (await answer(scan)).results.results
        assert {result.WhichOneof("outcome") for result in results} <= {"signal", "expired"}
        await scan.write(batch(*histories(2)))
        later = (await answer(scan)).results.results
        assert [result.expired.reason for result in later] == [forecast_pb2.EXPIRED_REASON_DRAINING] * 2
        await scan.done_writing()
        summary = (await answer(scan)).summary
        assert summary.input_count == 5
        assert summary.signal_count + summary.expired_count == 5
        assert (await unary).summary.input_count == 1
        await server.stopped(20)
        assert (await refused(stub(channel).GetModel(pb.GetModelRequest()))).code is grpc.StatusCode.UNAVAILABLE


async def test_a_stop_does_not_wait_for_those_who_only_watch() -> None:
    async with stoppable(HeldModel(), grace_seconds=25) as server, plain(server.served.address) as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        server.stop()
        await server.stopped(20)


async def test_a_stop_cuts_off_what_takes_longer_than_the_grace() -> None:
    async with stoppable(HeldModel(), grace_seconds=0.3) as server, plain(server.served.address) as channel:
        scan = await opened(channel)
        server.stop()
        cut = await refused(scan.read())
        assert cut.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
        await server.stopped(20)


# Bugs of ours


class Faulty(Unfinished):
    """Fails in its own code."""

    secret = "token hunter2 of /srv/private/tokens.toml"

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:  # noqa: N802
        raise KeyError(self.secret)

    async def StreamSignals(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamSignalsRequest], context: Any
    ) -> AsyncIterator[pb.StreamSignalsResponse]:
        yield pb.StreamSignalsResponse(accepted=pb.ScanAccepted(scan_id="x"))
        raise ExceptionGroup(self.secret, [ValueError(self.secret)])

    async def GenerateSignals(  # noqa: N802
        self, request: pb.GenerateSignalsRequest, context: Any
    ) -> pb.GenerateSignalsResponse:
        return self.secret  # type: ignore[return-value]  # not a message: it cannot be sent


async def test_a_bug_in_a_servicer_tells_the_caller_an_id_and_nothing_else() -> None:
    async with servicer_on_loopback(Faulty()) as server, plain(server.addresses[0]) as channel:
        scan = stub(channel).StreamSignals()
        assert (await answer(scan)).HasField("accepted")
        for call in (stub(channel).GetModel(pb.GetModelRequest()), scan.read()):
            with pytest.raises(grpc.RpcError) as caught:
                await call
            broken = refusal(caught.value)
            assert (broken.code, broken.message) == (grpc.StatusCode.INTERNAL, "internal error")
            assert (broken.reason, broken.domain) == ("INTERNAL", "foremesh")
            assert broken.has_no_private_text("hunter2", "/srv", "KeyError", "ValueError")
            trailers: Any = caught.value.trailing_metadata()
            assert dict(trailers)["x-request-id"] == broken.metadata["request_id"]
        await until(lambda: server.in_flight() == 0)


# gRPC itself would send the text of an exception raised while an answer is serialized.
async def test_an_answer_that_cannot_be_sent_leaks_nothing() -> None:
    async with servicer_on_loopback(Faulty()) as server, plain(server.addresses[0]) as channel:
        unsent = await refused(stub(channel).GenerateSignals(signals(), timeout=20))
        assert unsent.code is grpc.StatusCode.INTERNAL
        assert unsent.has_no_private_text("hunter2", "/srv")
        await until(lambda: server.in_flight() == 0)


# Answers that nobody wants any more


async def test_a_newer_scan_of_the_same_client_supersedes_the_older() -> None:
    model = HeldModel()
    async with forecasts_from(model) as served, plain(served.address) as channel:
        older, other, nameless = [await opened(channel, client_id=name) for name in ("a", "b", "")]
        await older.write(batch(history()))
        assert (await answer(older)).results.results[0].HasField("signal")
        newer, another_nameless = await opened(channel, client_id="a"), await opened(channel)
        computed = model.computed
        await older.write(batch(*histories(3)))
        expired = (await answer(older)).results.results
        assert [result.expired.reason for result in expired] == [forecast_pb2.EXPIRED_REASON_SUPERSEDED] * 3
        assert model.computed == computed
        await older.done_writing()
        assert (await answer(older)).summary == pb.ScanSummary(input_count=4, signal_count=1, expired_count=3)
        for scan in (newer, other, nameless, another_nameless):
            await scan.write(batch(history()))
            assert (await answer(scan)).results.results[0].HasField("signal")
            scan.cancel()


async def test_another_caller_with_the_same_client_id_supersedes_nothing(
    certificates: Certificates, forecast_server_on_loopback: ForecastServer
) -> None:
    async with (
        forecast_server_on_loopback(tls=certificates.server()) as server,
        secure(certificates, server.addresses[0], "trader") as mine,
        secure(certificates, server.addresses[0], "operator") as theirs,
    ):
        older, newer = await opened(mine, client_id="a"), await opened(theirs, client_id="a")
        for scan in (older, newer):
            await scan.write(batch(history()))
            assert (await answer(scan)).results.results[0].HasField("signal")
            scan.cancel()


async def test_what_is_useful_no_more_is_not_computed() -> None:
    model = HeldModel()
    past = options(useful_until=datetime.now(UTC) - timedelta(seconds=1))
    async with forecasts_from(model) as served, plain(served.address) as channel:
        _, results, end = await scanned(channel, header(past), batch(*histories(3)))
        unary = await stub(channel).GenerateSignals(pb.GenerateSignalsRequest(forecast=past, histories=histories(2)))
    for result in (*results.results.results, *unary.results):
        assert result.expired.reason == forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL
    assert end.summary == pb.ScanSummary(input_count=3, expired_count=3)
    assert unary.summary == pb.ScanSummary(input_count=2, expired_count=2)
    assert model.batches == []


async def test_what_waited_too_long_is_not_computed() -> None:
    model = HeldModel(answers=False)
    async with forecasts_from(model) as served, plain(served.address) as channel:
        first = await opened(channel)
        await first.write(batch(history()))
        await until(model.asked.is_set)
        end = datetime.now(UTC) + timedelta(seconds=0.5)
        second = await opened(channel, asked=options(useful_until=end))
        await second.write(batch(*histories(3)))
        await until(lambda: served.engine.queue.waiting == 3)
        await until(lambda: datetime.now(UTC) > end)
        model.may_answer.set()
        assert (await answer(first)).results.results[0].HasField("signal")
        late = (await answer(second)).results.results
        assert [result.expired.reason for result in late] == [forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL] * 3
        assert model.batches == [1]
        _ = first.cancel(), second.cancel()
