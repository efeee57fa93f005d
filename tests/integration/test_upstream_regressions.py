"""Known faults of gRPC in Python that this project designs around, each watched by a test.

`pyproject.toml` holds grpcio below the releases that fail here; these tests say when that may change.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
import psutil
import pytest
from foremesh.forecast.v1 import forecast_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration

from mesh.errors import InvalidInput, Unavailable
from mesh.rpc import limits
from mesh.rpc.call import Context
from mesh.rpc.channel import connect, service_config
from mesh.rpc.config import ClientConfig, ServerConfig
from mesh.rpc.errors import raising_mesh_errors
from mesh.rpc.server import Server, Service, serving
from tests.conftest import ForecastServer

SERVICE = pb.DESCRIPTOR.services_by_name["ForecastService"]
OPTIONS = forecast_pb2.ForecastOptions(
    horizon_steps=3, step=Duration(seconds=3600), purpose=forecast_pb2.PURPOSE_RESEARCH
)
HEADER = pb.StreamSignalsRequest(header=pb.ScanHeader(scan_id="regression", forecast=OPTIONS))


class Stubborn(rpc.ForecastServiceServicer):
    """Answers GenerateSignals only from the nth attempt on, and counts; its other methods are UNIMPLEMENTED."""

    def __init__(self, fail_first: int) -> None:
        self.fail_first = fail_first
        self.attempts = 0

    async def GenerateSignals(  # noqa: N802
        self, request: pb.GenerateSignalsRequest, context: Context
    ) -> pb.GenerateSignalsResponse:
        self.attempts += 1
        if self.attempts <= self.fail_first:
            raise Unavailable("not yet")
        return pb.GenerateSignalsResponse(instance_id="at last")

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:  # noqa: N802
        self.attempts += 1
        return pb.GetModelResponse()


@asynccontextmanager
async def serving_alone(servicer: Stubborn) -> AsyncIterator[Server]:
    service = Service(SERVICE, lambda server: rpc.add_ForecastServiceServicer_to_server(servicer, server))
    async with serving(ServerConfig(), [service]) as server:
        await server.health.set(SERVICE.full_name, serving=True)
        yield server


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


async def test_an_abandoned_stream_is_cancelled_and_frees_the_server(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    """grpc/grpc#43462: since 1.83 such a stream lives as long as the process."""
    async with (
        forecast_server_on_loopback() as server,
        connect(ClientConfig(targets=server.addresses), SERVICE.full_name) as channel,
    ):

        async def walk_away() -> None:
            call = rpc.ForecastServiceStub(channel).StreamSignals(timeout=60)
            await call.write(HEADER)
            await call.read()

        await walk_away()
        assert server.in_flight() == 1

        def freed() -> bool:
            gc.collect()
            return server.in_flight() == 0

        await until(freed)


@pytest.mark.parametrize("size", [200 * 1024, 300 * 1024, 1024 * 1024])
async def test_a_request_above_grpcs_retry_buffer_is_retried_too(size: int) -> None:
    """gRPC's buffer is 256 KiB by default; above it retries switch themselves off without a word."""
    servicer = Stubborn(fail_first=2)  # type: ignore[abstract]  # abstract in the stubs only
    history = forecast_pb2.MarketHistory(market_ticker="KX-1", closes_cents=[50.0] * 2048, current_price_cents=50)
    histories = [history] * (size // history.ByteSize() + 1)
    request = pb.GenerateSignalsRequest(forecast=OPTIONS, histories=histories)
    assert request.ByteSize() >= size
    async with (
        serving_alone(servicer) as server,
        connect(ClientConfig(targets=server.addresses), SERVICE.full_name) as channel,
    ):
        response = await rpc.ForecastServiceStub(channel).GenerateSignals(request)
    assert (response.instance_id, servicer.attempts) == ("at last", 3)


async def test_a_message_above_the_limit_names_the_sizes(forecast_server_on_loopback: ForecastServer) -> None:
    history = forecast_pb2.MarketHistory(closes_cents=[1.0] * (limits.MESSAGE_BYTES // 4))
    async with (
        forecast_server_on_loopback() as server,
        grpc.aio.insecure_channel(server.addresses[0]) as bare,
    ):
        with pytest.raises(InvalidInput, match="larger than max") as caught, raising_mesh_errors():
            await rpc.ForecastServiceStub(bare).GenerateSignals(pb.GenerateSignalsRequest(histories=[history]))
        assert caught.value.reason == "MESSAGE_TOO_LARGE"


async def test_closing_a_channel_with_a_cancelled_reader_leaves_no_connection(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    """grpc/grpc#42125: a reader cancelled at the moment of the close kept the connection open."""

    def connections(port: int) -> int:
        found = psutil.Process().net_connections(kind="tcp")
        ours = [one for one in found if one.status == psutil.CONN_ESTABLISHED]
        return len([one for one in ours if one.raddr[1:] == (port,)])

    async def use(server: Server) -> None:  # gRPC closes a connection once nobody holds a call of it any more
        async with connect(ClientConfig(targets=server.addresses), SERVICE.full_name) as channel:
            call = rpc.ForecastServiceStub(channel).StreamSignals(timeout=60)
            await call.write(HEADER)
            await call.read()
            async with asyncio.TaskGroup() as tasks:
                reader = tasks.create_task(call.read())
                await asyncio.sleep(0)
                reader.cancel()
            call.cancel()

    async with forecast_server_on_loopback() as server:
        port = int(server.addresses[0].rpartition(":")[2])
        for _ in range(5):
            await use(server)
        await until(lambda: connections(port) == 0)
        await until(lambda: server.in_flight() == 0)


async def test_with_several_targets_calls_go_where_health_says_serving() -> None:
    """Health checking needs round_robin; under pick_first the setting does nothing."""
    first, second = Stubborn(0), Stubborn(0)  # type: ignore[abstract]  # abstract in the stubs only
    async with serving_alone(first) as one, serving_alone(second) as two:
        targets = ClientConfig(targets=(*one.addresses, *two.addresses))
        async with connect(targets, SERVICE.full_name) as channel:
            stub = rpc.ForecastServiceStub(channel)

            async def ask(times: int) -> tuple[int, int]:
                before = first.attempts, second.attempts
                for _ in range(times):
                    await stub.GetModel(pb.GetModelRequest(), wait_for_ready=True)
                return first.attempts - before[0], second.attempts - before[1]

            async with asyncio.timeout(20):
                while 0 in await ask(6):
                    await asyncio.sleep(0.05)
                await one.health.set(SERVICE.full_name, serving=False)
                while (await ask(6))[0] > 0:
                    await asyncio.sleep(0.05)
            assert await ask(10) == (0, 10)


def test_keepalive_of_both_ends_fits_together() -> None:
    """A client that pings more often than the server tolerates is cut off with ENHANCE_YOUR_CALM."""
    assert limits.KEEPALIVE_FLOOR_SECONDS < limits.KEEPALIVE_PING_SECONDS


PING, GOAWAY = 6, 7
SETTINGS_FRAME = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
PING_FRAME = bytes([0, 0, 8, PING, 0, 0, 0, 0, 0]) + b"foremesh"


async def pinged(address: str, times: int) -> tuple[int, bool]:
    """Ping a server by hand, 50 ms apart, as an idle client does; returns the answers, and whether it hung up."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answers = 0
    try:
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS_FRAME)
        for _ in range(times):
            await asyncio.sleep(0.05)
            writer.write(PING_FRAME)
        async with asyncio.timeout(10):
            while answers < times:
                head = await reader.readexactly(9)
                await reader.readexactly(int.from_bytes(head[:3]))
                if head[3] == GOAWAY:
                    return answers, True
                answers += head[3] == PING
    except (ConnectionError, asyncio.IncompleteReadError):
        return answers, True
    finally:
        writer.close()
    return answers, False


async def test_a_client_that_keeps_to_the_ping_floor_is_not_cut_off(
    forecast_server_on_loopback: ForecastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The floor must reach gRPC under a name it knows: otherwise its own five minutes hold, and our pings are abuse."""
    monkeypatch.setattr(limits, "KEEPALIVE_FLOOR_SECONDS", 0.01)
    async with forecast_server_on_loopback() as server:
        assert await pinged(server.addresses[0], times=8) == (8, False)


async def test_a_client_that_pings_without_end_is_cut_off(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback() as server:
        _, hung_up = await pinged(server.addresses[0], times=8)
    assert hung_up


def test_only_idempotent_methods_are_retried() -> None:
    retried = service_config(SERVICE.full_name, health_checked=False)["methodConfig"]
    assert isinstance(retried, list)
    names = {entry["method"] for entry in retried[0]["name"]}
    assert names == {method.name for method in SERVICE.methods}
