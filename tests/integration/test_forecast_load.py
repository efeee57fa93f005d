"""Ten thousand markets, a hundred scans, and clients that vanish, stall and send garbage: it all adds up afterwards."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import grpc
import psutil
import pytest
from foremesh.forecast.v1 import forecast_pb2, model_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fakes.console_command import server_process
from tests.fakes.odd_models import RecordingModel
from tests.fakes.questions import (
    NO_RETRIES,
    SERVICE,
    batch,
    header,
    histories,
    history,
    options,
    plain,
    signals,
    stub,
    until,
)
from tests.fakes.scans import named, opened, read, scan, whole_server, write
from tests.fakes.serving import forecasts_from

GROWTH_BYTES = 24 * 1024 * 1024
"""What allocators of a busy process may keep; histories and answers left behind would be several times as much."""


@cache
def varied(count: int, seed: int = 0) -> list[forecast_pb2.MarketHistory]:
    """Histories of all lengths, a few of which cannot be forecast or are wrong."""
    chance = random.Random(seed)  # noqa: S311  prices, not secrets
    made = []
    for number in range(count):
        closes = [chance.uniform(1, 99) for _ in range(chance.choice((3, 24, 64, 168)))]
        if number % 50 == 0:
            closes = [50.0] * 10
        elif number % 50 == 1:
            closes[-1] = 400.0
        made.append(history(f"KXHIGHNY-{number}", closes=closes))
    return made


async def described(channel: grpc.aio.Channel) -> model_pb2.Model:
    return (await stub(channel).GetModel(pb.GetModelRequest())).model


async def idle(channel: grpc.aio.Channel) -> model_pb2.Model:
    """Wait until nothing is left; gives the model as it is then."""
    async with asyncio.timeout(30):
        while True:
            found = await described(channel)
            if (found.queue.waiting_series, found.queue.running_series, found.queue.active_scans) == (0, 0, 0):
                return found
            await asyncio.sleep(0.02)


async def health(channel: grpc.aio.Channel) -> int:
    answered = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=SERVICE))
    return int(answered.status)


async def test_ten_thousand_markets_in_one_scan_are_each_answered_once() -> None:
    wanted = varied(10_000)
    async with whole_server() as server, plain(server.addresses[0]) as channel:
        answered = await scan(channel, wanted)
        found = await idle(channel)
    assert answered.kinds["rejected"] == 200
    assert answered.kinds["signal"] + answered.kinds["no_signal"] == 9_800
    assert all(result.market_ticker == wanted[result.input_index].market_ticker for result in answered.results)
    assert found.activity.series == 9_600
    assert found.activity.failed_series == found.activity.expired_series == 0


async def test_a_hundred_scans_at_once_are_each_answered_as_if_they_were_alone() -> None:
    wanted = varied(150)
    async with whole_server(cache_mebibytes=0) as server, plain(server.addresses[0]) as channel:
        alone = await scan(channel, wanted)
        async with asyncio.TaskGroup() as tasks:
            together = [tasks.create_task(scan(channel, wanted)) for _ in range(100)]
        await idle(channel)
    expected = sorted(map(without_age, alone.results))
    for task in together:
        assert task.result().kinds == alone.kinds
        assert sorted(map(without_age, task.result().results)) == expected


def without_age(result: Any) -> bytes:
    """What an answer says, as bytes."""
    said: bytes = result.SerializeToString(deterministic=True)
    return said


async def test_who_serves_is_told_while_the_model_is_busy_and_thousands_wait() -> None:
    model = RecordingModel()
    async with forecasts_from(model, grace_seconds=0.5) as served, plain(served.address) as channel:
        calls = [await opened(channel) for _ in range(50)]
        for call in calls:
            await call.write(batch(*named(90)))
        await until(lambda: served.engine.queue.waiting + served.engine.queue.running == 50 * 90)
        assert not model.batches
        assert await health(channel) == health_pb2.HealthCheckResponse.SERVING
        found = await described(channel)
        assert found.queue.waiting_series + found.queue.running_series == 50 * 90
        assert (await stub(channel).ListExitPolicies(pb.ListExitPoliciesRequest())).exit_policies
        model.let_go()
        for call in calls:
            await call.done_writing()
            assert (await read(call)).kinds == {"signal": 90}


async def test_health_answers_promptly_while_a_large_scan_is_computed() -> None:
    async with (
        whole_server(cache_mebibytes=0, batch_cost=64 * 512) as server,
        plain(server.addresses[0]) as channel,
        plain(server.addresses[0]) as other,
        asyncio.TaskGroup() as tasks,
    ):
        scanning = tasks.create_task(scan(channel, varied(5_000)))
        took: list[float] = []
        while not scanning.done():
            began = monotonic()
            assert await health(other) == health_pb2.HealthCheckResponse.SERVING
            took.append(monotonic() - began)
            await asyncio.sleep(0.01)
    assert len(took) > 5
    assert median(took) < 0.1, "milliseconds are promised"


# Clients of every bad kind


async def vanishes(channel: grpc.aio.Channel) -> None:
    call = await opened(channel)
    await call.write(batch(*varied(128, 1)))
    call.cancel()


async def vanishes_while_it_reads(channel: grpc.aio.Channel) -> None:
    call = await opened(channel)
    for _ in range(4):
        await call.write(batch(*varied(128, 2)))
    await call.read()
    call.cancel()


async def read_on(call: Any) -> None:
    """Read until it ends."""
    while await call.read() is not grpc.aio.EOF:
        pass


async def sends_garbage(channel: grpc.aio.Channel) -> None:
    call: Any = channel.stream_stream(f"/{SERVICE}/StreamSignals")()
    await call.write(header().SerializeToString())
    await call.read()
    await call.write(batch(*histories(100)).SerializeToString())
    await call.write(b"\xff\xfe garbage")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_on(call)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def sends_a_second_header(channel: grpc.aio.Channel) -> None:
    call = await opened(channel)
    await call.write(batch(*histories(100)))
    await call.write(header())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_on(call)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def stalls(channel: grpc.aio.Channel) -> None:
    """Reads nothing, for a while; then everything that did not expire meanwhile."""
    call = await opened(channel, options(horizon_steps=40))
    writing = asyncio.ensure_future(write(call, varied(1300, 3)))
    await asyncio.sleep(1)
    assert sum((await read(call)).kinds.values()) == 1300
    await writing


async def runs_out_of_time(channel: grpc.aio.Channel) -> None:
    call = stub(channel).GenerateSignals(signals(*varied(256, 4), horizon_steps=40), timeout=0.02)
    expected = {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert await call.code() in expected


async def supersedes_itself(channel: grpc.aio.Channel) -> None:
    """As the others of its kind do, all under one name."""
    call = await opened(channel, client_id="scanner")
    await call.write(batch(*varied(128, 5)))
    newer = await opened(channel, client_id="scanner")
    await newer.done_writing()
    await call.done_writing()
    assert sum((await read(call)).kinds.values()) == 128
    await read(newer)


async def behaves(channel: grpc.aio.Channel) -> None:
    answered = await scan(channel, varied(300, 6))
    assert answered.kinds["rejected"] == 6
    assert sum(answered.kinds.values()) == 300


CLIENTS = (
    behaves,
    vanishes,
    vanishes_while_it_reads,
    sends_garbage,
    sends_a_second_header,
    runs_out_of_time,
    supersedes_itself,
)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[tuple[grpc.aio.Channel, grpc.aio.Channel]]:
    window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536), *NO_RETRIES]
    async with plain(address) as channel, grpc.aio.insecure_channel(address, options=window) as slow:
        yield channel, slow


@contextmanager
def measured_server(folder: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    """A server in a process of its own: its address, and what it takes of the memory, in bytes."""
    with server_process(folder, "cache_mebibytes=1", "reader_seconds=0.5") as address:
        (process,) = [
            child
            for child in psutil.Process().children()
            if any("foremesh-forecast-server" in word for word in child.cmdline())
        ]
        yield address, lambda: int(process.memory_info().rss)


async def test_after_clients_of_every_bad_kind_nothing_is_left_and_memory_is_flat(tmp_path: Path) -> None:
    with measured_server(tmp_path) as (address, memory):

        async def storm(channel: grpc.aio.Channel, slow: grpc.aio.Channel) -> int:
            async with asyncio.TaskGroup() as tasks:
                for client in CLIENTS * 6:
                    tasks.create_task(client(channel))
                tasks.create_task(stalls(slow))
            found = await idle(channel)
            assert found.state == model_pb2.MODEL_STATE_READY
            assert found.activity.failed_series == 0
            return memory()

        async with connected(address) as channels:
            sizes = [await storm(*channels) for _ in range(4)]
            assert sizes[-1] - sizes[1] < GROWTH_BYTES, [size >> 20 for size in sizes]
            assert (await scan(channels[0], histories(10))).kinds == {"signal": 10}


async def test_hundreds_of_calls_that_end_badly_leave_nothing_behind(tmp_path: Path) -> None:
    with measured_server(tmp_path) as (address, memory):
        sizes = []
        async with plain(address) as channel:
            for _ in range(3):
                for _ in range(20):
                    async with asyncio.TaskGroup() as tasks:
                        for _ in range(10):
                            tasks.create_task(sends_a_second_header(channel))
                await idle(channel)
                sizes.append(memory())
    assert sizes[-1] - sizes[0] < GROWTH_BYTES, [size >> 20 for size in sizes]
