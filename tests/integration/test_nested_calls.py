"""A server that asks another one: less time than its caller has, the same request id, and the same end."""

import asyncio
from typing import Any

import pytest
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from mesh.errors import TooLate
from mesh.rpc.call import Call, Caller, current_call
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from tests.fakes.questions import SERVICE, plain, stub, until
from tests.fakes.serving import Unfinished, servicer_on_loopback


class Asking(Unfinished):
    """Answers GetModel by asking another server, as a trader's servicer would."""

    def __init__(self, inner: ClientConfig) -> None:
        self._inner = inner
        self.left = 0.0

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:  # noqa: N802
        self.left = context.time_remaining()
        async with connect(self._inner, SERVICE) as channel:
            return await stub(channel).GetModel(request)


class Asked(Unfinished):
    """Notes how it was asked; waits if told to."""

    def __init__(self) -> None:
        self.left, self.request_id = 0.0, ""
        self.go = asyncio.Event()
        self.go.set()
        self.arrived = asyncio.Event()

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:  # noqa: N802
        self.left = context.time_remaining()
        self.request_id = dict(context.invocation_metadata())["x-request-id"]
        self.arrived.set()
        await self.go.wait()
        return pb.GetModelResponse(instance_id="inner")


async def test_a_nested_call_has_less_time_than_its_caller_and_carries_its_id() -> None:
    asked = Asked()
    async with servicer_on_loopback(asked) as inner:
        asking = Asking(ClientConfig(targets=inner.addresses, timeout_seconds=500))
        async with servicer_on_loopback(asking) as outer, plain(outer.addresses[0]) as channel:
            call = stub(channel).GetModel(pb.GetModelRequest(), timeout=8, metadata=(("x-request-id", "id-7"),))
            assert (await call).instance_id == "inner"
            assert 0 < asked.left < asking.left <= 8.1  # on the wire a deadline is rounded up
            assert asked.request_id == "id-7"
            trailers: Any = await call.trailing_metadata()
            assert dict(trailers)["x-request-id"] == "id-7"
            asking._inner = ClientConfig(targets=inner.addresses, timeout_seconds=3)
            await stub(channel).GetModel(pb.GetModelRequest(), timeout=8)
            assert 0 < asked.left <= 3.1
            assert asked.request_id not in {"", "id-7"}


async def test_a_nested_call_ends_with_its_caller() -> None:
    asked = Asked()
    asked.go.clear()
    async with servicer_on_loopback(asked) as inner:
        asking = Asking(ClientConfig(targets=inner.addresses))
        async with servicer_on_loopback(asking) as outer, plain(outer.addresses[0]) as channel:
            call = stub(channel).GetModel(pb.GetModelRequest(), timeout=30)
            waiting = asyncio.ensure_future(call)
            await asked.arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await until(lambda: inner.in_flight() == outer.in_flight() == 0)


async def test_with_no_time_left_nobody_is_asked() -> None:
    deadline = asyncio.get_running_loop().time()
    call = Call(method="/x/y", caller=Caller("me", "trader"), request_id="id", deadline=deadline)
    token = current_call.set(call)
    try:
        async with connect(ClientConfig(targets=("127.0.0.1:9",)), SERVICE) as channel:
            with pytest.raises(TooLate) as caught:
                await stub(channel).GetModel(pb.GetModelRequest())
    finally:
        current_call.reset(token)
    assert caught.value.reason == "NO_TIME_LEFT"
