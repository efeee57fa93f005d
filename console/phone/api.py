"""The trader's service as a browser speaks it (Connect, gRPC-Web, JSON), made from its descriptors: no second contract.

Only methods that are named here exist. Prices and orders go through as they are: nothing is read but the mode.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final

import grpc
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_codecs
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from foremesh.trader.v1 import status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["TraderService"]
LOOKS: Final = (
    "GetStatus",
    "ListPositions",
    "ListOrders",
    "ListTrades",
    "GetReport",
    "WatchState",
    "GetMarketView",
    "GetTrace",
)
ACTS: Final = ("PauseTrading", "FlattenPositions")
"""They stop entries, or reduce what is held."""
_MOST_BYTES: Final = 64 * 1024
"""Of a request: the largest is a list of markets."""
_PAPER: Final = status_pb2.TRADING_MODE_PAPER


class Api(ConnectASGIApplication["Trader"]):
    """The service as an ASGI application."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(
            service=Trader(channel),
            endpoints=lambda trader: trader.endpoints(),
            read_max_bytes=_MOST_BYTES,
            compressions=(),  # a compressed stream would wait for a block to be full
            codecs=google_protobuf_codecs(),
        )

    @property
    def path(self) -> str:
        """Where its methods are."""
        return f"/{_SERVICE.full_name}"


class Trader:
    """Hands calls on."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def endpoints(self) -> Mapping[str, Any]:
        """Return the methods that exist, by path."""
        return {
            f"/{_SERVICE.full_name}/{name}": self._endpoint(_SERVICE.methods_by_name[name]) for name in LOOKS + ACTS
        }

    def _endpoint(self, method: MethodDescriptor) -> Endpoint[Any, Any]:
        asked: type[Message] = GetMessageClass(method.input_type)
        answered: type[Message] = GetMessageClass(method.output_type)
        path = f"/{_SERVICE.full_name}/{method.name}"
        info = MethodInfo(
            name=method.name,
            service_name=_SERVICE.full_name,
            input=asked,
            output=answered,
            idempotency_level=IdempotencyLevel.UNKNOWN,  # or it could be called by GET, as other sites can
            stream_type=StreamType.SERVER_STREAM if method.server_streaming else StreamType.UNARY,
        )
        ways: dict[str, Any] = {
            "request_serializer": asked.SerializeToString,
            "response_deserializer": answered.FromString,
        }
        if method.server_streaming:
            streamed: Any = self._channel.unary_stream(path, **ways)

            async def stream(request: Message, _: RequestContext[Any, Any]) -> AsyncIterator[Message]:
                await self._on_paper()
                async with aclosing(_handed_on(streamed(request))) as answers:
                    async for answer in answers:
                        yield answer

            return Endpoint.server_stream(info, stream)
        single: Any = self._channel.unary_unary(path, **ways)

        async def unary(request: Message, _: RequestContext[Any, Any]) -> Message:
            await self._on_paper()
            answer: Message = await _answer(single(request))
            return answer

        return Endpoint.unary(info, unary)

    async def _on_paper(self) -> None:
        """Refuse while the money is real: nobody has signed in."""
        status: Any = self._channel.unary_unary(
            f"/{_SERVICE.full_name}/GetStatus",
            request_serializer=pb.GetStatusRequest.SerializeToString,
            response_deserializer=pb.GetStatusResponse.FromString,
        )
        answer = await _answer(status(pb.GetStatusRequest()))
        if answer.status.mode != _PAPER:
            raise ConnectError(
                Code.FAILED_PRECONDITION, "the page shows paper trading only: for real money it needs signing in"
            )


async def _answer(call: Any) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise said(error) from None


async def _handed_on(call: Any) -> AsyncGenerator[Message]:
    """Give what a stream says; when nobody listens any more it is cancelled at the trader."""
    try:
        async for answer in call:
            yield answer
    except grpc.aio.AioRpcError as error:
        raise said(error) from None
    finally:
        call.cancel()


def said(error: grpc.aio.AioRpcError) -> ConnectError:
    """Say an error as Connect does: the codes are the same, but for the spelling of one."""
    name = error.code().name
    return ConnectError(Code.CANCELED if name == "CANCELLED" else Code[name], error.details() or "")
