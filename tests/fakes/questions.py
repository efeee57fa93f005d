"""What tests ask of a forecast server, and how they read a refusal: off the wire, without our own mapping."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc
from google.rpc import error_details_pb2, status_pb2

from tests.conftest import Certificates

SERVICE = "foremesh.forecast.v1.ForecastService"
CLOSES = (40.0, 42.0, 41.0, 44.0, 43.0, 46.0, 45.0, 48.0)
NO_RETRIES = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]


def options(
    *,
    horizon_steps: int = 3,
    step: timedelta = timedelta(hours=1),
    purpose: forecast_pb2.Purpose = forecast_pb2.PURPOSE_PAPER,
    levels: Sequence[float] = (),
    useful_until: datetime | None = None,
) -> forecast_pb2.ForecastOptions:
    """A valid question, unless told otherwise."""
    asked = forecast_pb2.ForecastOptions(horizon_steps=horizon_steps, purpose=purpose, quantile_levels=levels)
    asked.step.FromTimedelta(step)
    if useful_until is not None:
        asked.useful_until.FromDatetime(useful_until)
    return asked


def history(
    ticker: str = "KXHIGHNY-26NOV22-T50",
    closes: Iterable[float] = CLOSES,
    current: float | None = 50.0,
    **fields: Any,
) -> forecast_pb2.MarketHistory:
    """A valid history, unless told otherwise."""
    return forecast_pb2.MarketHistory(market_ticker=ticker, closes_cents=closes, current_price_cents=current, **fields)


def histories(count: int) -> list[forecast_pb2.MarketHistory]:
    """Valid histories with tickers of their own."""
    return [history(f"KXHIGHNY-{number}") for number in range(count)]


def header(asked: forecast_pb2.ForecastOptions | None = None, *, client_id: str = "") -> pb.StreamSignalsRequest:
    """The first message of a scan."""
    return pb.StreamSignalsRequest(
        header=pb.ScanHeader(scan_id="scan-1", client_id=client_id, forecast=asked or options())
    )


def batch(*wanted: forecast_pb2.MarketHistory) -> pb.StreamSignalsRequest:
    """A later message of a scan."""
    return pb.StreamSignalsRequest(batch=pb.HistoryBatch(histories=wanted))


def signals(*wanted: forecast_pb2.MarketHistory, **asked: Any) -> pb.GenerateSignalsRequest:
    """A unary question."""
    return pb.GenerateSignalsRequest(forecast=options(**asked), histories=wanted or [history()])


def forecasts(*wanted: forecast_pb2.MarketHistory, **asked: Any) -> pb.GenerateForecastsRequest:
    """A unary question about raw paths."""
    return pb.GenerateForecastsRequest(forecast=options(**asked), histories=wanted or [history()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A status as it came over the wire."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    retry_seconds: float | None = None
    fields: dict[str, str] = field(default_factory=dict)
    """Field violations: path to description."""
    wire: bytes = b""
    """Everything the caller was sent, to look for what must not be there."""

    def has_no_private_text(self, *private: str) -> bool:
        """Nothing of our files, code or secrets."""
        return not any(text.encode() in self.wire for text in ("Traceback", ".py", "/tmp", "/work", *private))  # noqa: S108


def refusal(error: grpc.RpcError) -> Refusal:
    """Read a failed call."""
    pairs: Any = error.trailing_metadata() or ()
    trailers = {key: value for key, value in pairs}
    found: dict[str, Any] = {}
    details = trailers.get("grpc-status-details-bin", b"")
    for detail in status_pb2.Status.FromString(details).details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            found |= {"reason": info.reason, "domain": info.domain, "metadata": dict(info.metadata)}
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            delay = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
            found["retry_seconds"] = delay.ToTimedelta().total_seconds()
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest.FromString(detail.value)
            found["fields"] = {broken.field: broken.description for broken in bad.field_violations}
    message = error.details() or ""
    return Refusal(code=error.code(), message=message, wire=message.encode() + repr(trailers).encode(), **found)


async def refused(call: Awaitable[object]) -> Refusal:
    """Await a call that has to fail."""
    with pytest.raises(grpc.RpcError) as caught:
        await call
    return refusal(caught.value)


async def answer(call: Any) -> pb.StreamSignalsResponse:
    """The next answer of a scan that is not at its end."""
    response = await call.read()
    assert isinstance(response, pb.StreamSignalsResponse), response
    return response


def in_order(results: Iterable[signal_pb2.SignalResult]) -> list[signal_pb2.SignalResult]:
    """Results of a stream by their inputs: they come in the order in which they were ready."""
    return sorted(results, key=lambda result: result.input_index)


async def scanned(channel: grpc.aio.Channel, *requests: pb.StreamSignalsRequest) -> list[pb.StreamSignalsResponse]:
    """Hold a scan, one message at a time, each answered before the next.

    Writing ahead would be quicker, but a write that meets a refusal loses it: grpc.aio then reports INTERNAL in place
    of the server's status (grpc/grpc#36066).
    """
    call = stub(channel).StreamSignals()
    answers: list[Any] = []
    for request in requests:
        await call.write(request)
        answers.append(await call.read())
    await call.done_writing()
    while (answer := await call.read()) is not grpc.aio.EOF:
        answers.append(answer)
    return answers


def raw(channel: grpc.aio.Channel, method: str, data: bytes) -> Awaitable[bytes]:
    """Send bytes as they are."""
    send: Any = channel.unary_unary(f"/{SERVICE}/{method}")
    answer: Awaitable[bytes] = send(data, timeout=20)
    return answer


async def raw_scan(channel: grpc.aio.Channel, *sent: bytes) -> bytes:
    """Send bytes as messages of a stream, each answered before the next; gives the last answer."""
    call: Any = channel.stream_stream(f"/{SERVICE}/StreamSignals")(timeout=20)
    last = b""
    try:
        for data in sent:
            await call.write(data)
            last = await call.read()
        await call.done_writing()
        while (answer := await call.read()) is not grpc.aio.EOF:
            last = answer
        return last
    finally:
        call.cancel()


async def until(holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait for a condition, however slow the machine; fail if it never comes."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def plain(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """A bare channel in plain text, without retries: what a stranger's client is."""
    async with grpc.aio.insecure_channel(address, options=NO_RETRIES) as channel:
        yield channel


@asynccontextmanager
async def secure(
    certificates: Certificates, address: str, name: str | None = None, *, token: str | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """A bare TLS channel, without retries, showing the certificate `name` of that folder, or a token, or neither."""
    folder = certificates.folder
    pair = [(folder / f"{name}.{kind}").read_bytes() if name else None for kind in ("key", "crt")]
    credentials = grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes(), *pair)
    if token is not None:
        credentials = grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials(token))
    async with grpc.aio.secure_channel(address, credentials, options=NO_RETRIES) as channel:
        yield channel


def stub(channel: grpc.aio.Channel) -> "rpc.ForecastServiceAsyncStub":
    """The service on a channel."""
    return rpc.ForecastServiceStub(channel)
