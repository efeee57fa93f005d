"""What happens around every call on a server, in one place and one order.

Metrics and log, then errors, then identity and role, then the message's own rules, then the servicer: so refusals are
counted and mapped too. One wrapper serves the four shapes of RPC. Servicers are written as coroutines and async
generators; the wrapper writes the generators' messages itself, so that a generator is always closed in its own task,
also when the client is gone while a message is being sent.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError, Message

from mesh import log
from mesh.errors import Broken, InvalidInput, MeshError, Overloaded, TooLate, Unavailable
from mesh.rpc.auth import Access, Authenticator, is_open
from mesh.rpc.call import REQUEST_ID_HEADER, Call, Caller, Context, current_call, request_id_of
from mesh.rpc.config import ServerConfig
from mesh.rpc.errors import code_of, trailers_of
from mesh.rpc.metrics import RpcMetrics
from mesh.rpc.validation import check

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_log = log.get(__name__)
_NOBODY = Caller("unknown", None)
_RETRY_SECONDS = 1.0
_NO_DEADLINE_SECONDS = 10 * 365 * 86_400
"""A deadline beyond this is gRPC's way to say that there is none."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are not the message they should be."""

    text: str


class Pipeline(grpc.aio.ServerInterceptor):
    """Wraps the handlers of a server. `draining`, once set, refuses new calls to the server's own services."""

    def __init__(
        self,
        config: ServerConfig,
        *,
        access: Access,
        own_methods: frozenset[str],
        itemised_methods: frozenset[str],
        routine_methods: frozenset[str] = frozenset(),
        metrics: RpcMetrics,
        draining: asyncio.Event,
    ) -> None:
        self._config = config
        self._authenticator = Authenticator(config)
        self._access = access
        self._own_methods = own_methods
        self._itemised_methods = itemised_methods
        self._routine_methods = routine_methods
        self._metrics = metrics
        self._draining = draining
        self._wrapped: dict[str, Handler] = {}
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_idle(self) -> None:
        """Wait until no call to the server's own services is in progress."""
        await self._idle.wait()

    @property
    def in_flight(self) -> int:
        """Calls to the server's own services in progress."""
        return self._in_flight

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Return the wrapped handler of the method; an unknown method stays unknown and is counted."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                self._metrics.calls.labels("unknown", grpc.StatusCode.UNIMPLEMENTED.name).inc()
                return handler
            wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: Any) -> Handler:
        decode = self._counted_decode(method, handler.request_deserializer)
        encode = self._counted_encode(method, handler.response_serializer)
        checked = _whole if method in self._itemised_methods else _checked
        inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        async def one(request: object, context: Context) -> object:
            async with self._serving(method, context) as call, self._within(call):
                arrived = self._requests(request, checked) if handler.request_streaming else checked(request)
                return encode(await inner(arrived, context))

        async def many(request: object, context: Context) -> None:
            async with self._serving(method, context):
                arrived = self._requests(request, checked) if handler.request_streaming else checked(request)
                if not inspect.isasyncgenfunction(inner):  # health and channelz write by themselves
                    await inner(arrived, context)
                    return
                async with aclosing(inner(arrived, context)) as responses:
                    async for response in responses:
                        await context.write(encode(response))

        make: Any = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        made: Handler = make(many if handler.response_streaming else one, decode, encode)
        return made

    @asynccontextmanager
    async def _serving(self, method: str, context: Context) -> AsyncIterator[Call]:
        """Account for one call, from its arrival to its end, whatever the end is."""
        started = time.monotonic()
        metadata = dict(context.invocation_metadata() or ())
        request_id = request_id_of(metadata)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        own = method in self._own_methods
        caller, code, problem = _NOBODY, grpc.StatusCode.OK, None
        self._enter(method, own=own)
        try:
            if not is_open(method):
                caller = self._authenticator.identify(context, metadata)
            self._access.admits(method, caller, context.peer())
            self._admit(own=own)
            remaining = _remaining(context)
            deadline = None if remaining is None else started + remaining
            call = Call(method=method, caller=caller, request_id=request_id, deadline=deadline)
            current_call.set(call)
            context.set_trailing_metadata(((REQUEST_ID_HEADER, request_id),))
            yield call
        except MeshError as error:
            code, problem = code_of(error), error
            await self._abort(context, error, request_id)
        except asyncio.CancelledError:
            late = _remaining(context) == 0
            code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            raise
        except grpc.aio.BaseError:  # the servicer aborted by itself, as gRPC's own services do
            code = _code(context)
            raise
        except Exception:
            code, problem = grpc.StatusCode.INTERNAL, Broken("internal error")
            _log.exception("call failed", method=method, caller=caller.name)
            await self._abort(context, problem, request_id)
        finally:
            self._leave(method, own=own)
            elapsed = time.monotonic() - started
            self._metrics.calls.labels(method, code.name).inc()
            self._metrics.seconds.labels(method).observe(elapsed)
            if problem is not None:
                self._metrics.refusals.labels(problem.reason).inc()
            quiet = not own or (method in self._routine_methods and code is grpc.StatusCode.OK)
            (_log.debug if quiet else _log.info)(
                "call",
                method=method,
                code=code.name,
                ms=round(elapsed * 1000, 1),
                caller=caller.name,
                role=caller.role,
                peer=context.peer(),
                **({"reason": problem.reason, "problem": problem.message} if problem else {}),
            )

    async def _abort(self, context: Context, error: MeshError, request_id: str) -> None:
        trailers = (*trailers_of(error, request_id), (REQUEST_ID_HEADER, request_id))
        await context.abort(code_of(error), error.message, trailers)

    def _enter(self, method: str, *, own: bool) -> None:
        self._metrics.in_flight.labels(method).inc()
        if own:
            self._in_flight += 1
            self._idle.clear()

    def _leave(self, method: str, *, own: bool) -> None:
        self._metrics.in_flight.labels(method).dec()
        if own:
            self._in_flight -= 1
            if self._in_flight == 0:
                self._idle.set()

    def _admit(self, *, own: bool) -> None:
        if not own:
            return
        if self._draining.is_set():
            raise Unavailable("the server is stopping", reason="DRAINING", retry_after=_RETRY_SECONDS)
        if self._in_flight > self._config.max_in_flight:
            raise Overloaded("too many calls at once", reason="TOO_MANY_CALLS", retry_after=_RETRY_SECONDS)

    @asynccontextmanager
    async def _within(self, call: Call) -> AsyncIterator[None]:
        """Bound a unary call that brought no deadline; gRPC itself ends the others."""
        if call.deadline is not None:
            yield
            return
        limit = asyncio.timeout(self._config.unary_seconds)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise TooLate(f"took longer than {self._config.unary_seconds:g} s") from None

    async def _requests(self, requests: Any, checked: Callable[[object], object]) -> AsyncIterator[object]:
        """Pass a client's stream on, each message checked; a client that falls silent is not waited for for ever."""
        arriving = aiter(requests)
        while True:
            silence = asyncio.timeout(self._config.stream_idle_seconds)
            try:
                async with silence:
                    request = await anext(arriving)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not silence.expired():
                    raise
                limit = f"{self._config.stream_idle_seconds:g} s"
                raise TooLate(f"the client sent nothing for {limit}", reason="STREAM_IDLE") from None
            yield checked(request)

    def _counted_decode(self, method: str, decode: Callable[[bytes], object]) -> Callable[[bytes], object]:
        messages = self._metrics.messages.labels(method, "received")
        received = self._metrics.bytes.labels(method, "received")

        def decoded(data: bytes) -> object:
            messages.inc()
            received.inc(len(data))
            try:
                return decode(data)
            except DecodeError as error:
                return Malformed(str(error))

        return decoded

    def _counted_encode(self, method: str, encode: Callable[[object], bytes]) -> Callable[[object], bytes]:
        messages = self._metrics.messages.labels(method, "sent")
        sent = self._metrics.bytes.labels(method, "sent")

        def encoded(message: object) -> bytes:
            if isinstance(message, bytes):  # encoded within the call, where a failure still becomes an error of ours
                return message
            data = encode(message)
            messages.inc()
            sent.inc(len(data))
            return data

        return encoded


def _remaining(context: Context) -> float | None:
    """Seconds until the caller stops waiting; None if it waits for ever. The stubs promise a float; gRPC does not."""
    left: float | None = context.time_remaining()
    return None if left is None or left > _NO_DEADLINE_SECONDS else max(0.0, left)


def _code(context: Context) -> grpc.StatusCode:
    """Status that a servicer set; gRPC keeps its number."""
    set_code: Any = context.code()
    return next((code for code in grpc.StatusCode if set_code in (code, code.value[0])), grpc.StatusCode.UNKNOWN)


def _whole(request: object) -> object:
    """Return the request if it is a message at all. Raises InvalidInput otherwise."""
    if isinstance(request, Malformed):
        raise InvalidInput("the bytes are not a message of this method", reason="MALFORMED_MESSAGE")
    return request


def _checked(request: object) -> object:
    """Return the request if it keeps its rules. Raises InvalidInput otherwise."""
    request = _whole(request)
    if isinstance(request, Message):
        check(request)
    return request
