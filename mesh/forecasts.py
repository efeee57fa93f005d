"""ForecastClient: the forecast service for people who write Python.

Sizes, pacing and accounting are its business: messages stay below 1 MiB, a stream that breaks is resumed with what is
still unanswered, an overloaded server is given the time it asks for, and every input is answered exactly once.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from uuid import uuid4

import grpc
from foremesh.forecast.v1 import (
    forecast_pb2,
    model_pb2,
    signal_pb2,
)
from foremesh.forecast.v1 import (
    forecast_service_pb2 as pb,
)
from foremesh.forecast.v1 import (
    forecast_service_pb2_grpc as rpc,
)

from mesh import log
from mesh.errors import Broken, MeshError, Overloaded, Unavailable
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors, translated

SERVICE = "foremesh.forecast.v1.ForecastService"
BATCH_HISTORIES = 256
BATCH_BYTES = 900_000
"""Below 1 MiB with room for framing."""
_ATTEMPTS = 5
"""Failures in a row, without a single new answer, after which a scan gives up."""
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 5.0
_STOPPING_SECONDS = 1.0
_DEFAULT_LEVELS = 9
"""Quantiles that the server gives where none are asked for."""
_RESULT_BYTES = 2_500
"""What a result holds besides its floats, at most: texts of bounded length, and the levels."""

_log = log.get(__name__)


class ForecastClient:
    """Asks one forecast service. Make it with `forecasting`."""

    def __init__(self, stub: "rpc.ForecastServiceAsyncStub") -> None:
        self._stub = stub

    async def model(self, timeout: float | None = None) -> model_pb2.Model:
        """Describe the served model, within so many seconds; None takes the configured deadline. Raises MeshError."""
        with raising_mesh_errors():
            return (await self._stub.GetModel(pb.GetModelRequest(), timeout=timeout)).model

    async def exit_policies(self) -> list[pb.ListExitPoliciesResponse]:
        """Return every page of the exit policy. Raises MeshError."""
        pages: list[pb.ListExitPoliciesResponse] = []
        token = ""
        while not pages or token:
            with raising_mesh_errors():
                pages.append(await self._stub.ListExitPolicies(pb.ListExitPoliciesRequest(page_token=token)))
            token = pages[-1].next_page_token
        return pages

    async def forecasts(
        self,
        histories: Sequence[forecast_pb2.MarketHistory],
        forecast: forecast_pb2.ForecastOptions,
        *,
        timeout: float | None = None,
    ) -> AsyncIterator[forecast_pb2.ForecastResult]:
        """Give one raw forecast per history, in their order; `input_index` is the place in `histories`.

        Args:
            histories: Any number of them; a call takes as many as fit into its messages.
            forecast: What to forecast.
            timeout: Seconds for each call; None takes the configured deadline.

        Raises:
            MeshError: a call is refused, or the server stays away; results given before stand.
        """
        floats = forecast.horizon_steps * (1 + (len(forecast.quantile_levels) or _DEFAULT_LEVELS))
        largest = max([_RESULT_BYTES + 4 * floats, *(history.ByteSize() for history in histories)])
        count = max(1, min(BATCH_HISTORIES, BATCH_BYTES // largest))
        for start in range(0, len(histories), count):
            request = pb.GenerateForecastsRequest(forecast=forecast, histories=histories[start : start + count])
            results = (await self._patiently(request, timeout)).results
            if len(results) != len(request.histories):
                raise Broken(f"{len(request.histories)} inputs, {len(results)} results", reason="UNACCOUNTED")
            for result in results:
                result.input_index += start
                yield result

    async def _patiently(
        self, request: pb.GenerateForecastsRequest, timeout: float | None
    ) -> pb.GenerateForecastsResponse:
        """Ask for forecasts, giving an overloaded server its time; what is unavailable the channel retries itself."""
        for _ in range(_ATTEMPTS - 1):
            try:
                with raising_mesh_errors():
                    return await self._stub.GenerateForecasts(request, timeout=timeout)
            except Overloaded as error:
                await asyncio.sleep(error.retry_after or _LONGEST_WAIT_SECONDS)
        with raising_mesh_errors():
            return await self._stub.GenerateForecasts(request, timeout=timeout)

    async def scan(
        self,
        histories: Sequence[forecast_pb2.MarketHistory],
        forecast: forecast_pb2.ForecastOptions,
        signal: signal_pb2.SignalOptions | None = None,
        *,
        client_id: str = "",
        timeout: float | None = None,
        within: float | None = None,
        on_resume: Callable[[MeshError, int], object] = lambda _problem, _unanswered: None,
    ) -> AsyncGenerator[signal_pb2.SignalResult, None]:
        """Stream one result per history as it is ready; `input_index` is its place in `histories`.

        Args:
            histories: Any number of them.
            forecast: What to forecast.
            signal: What makes a forecast a signal.
            client_id: Names this scanner; its newer scan supersedes the older one.
            timeout: Seconds for each attempt; None takes the configured deadline.
            within: Seconds for everything, in place of `timeout`: no attempt lasts longer, no wait begins that would.
            on_resume: Called with what came in between, and how many are asked again, before each further attempt.

        Raises:
            MeshError: the scan is refused, or the server stays away; results given before stand.
        """
        time = asyncio.get_running_loop().time
        end = time() + (math.inf if within is None else within)
        unanswered = dict(enumerate(histories))
        header = pb.ScanHeader(scan_id=uuid4().hex, client_id=client_id, forecast=forecast, signal=signal)
        failures = 0
        while unanswered:
            left, stopping = len(unanswered), False
            try:
                seconds = timeout if within is None else end - time()
                async with aclosing(self._attempt(header, dict(unanswered), seconds)) as results:
                    async for result in results:
                        if result.expired.reason == forecast_pb2.EXPIRED_REASON_DRAINING:
                            stopping = True  # it stays unanswered, and is asked again
                            continue
                        if unanswered.pop(result.input_index, None) is None:
                            raise Broken(f"input {result.input_index} was answered twice", reason="UNACCOUNTED")
                        yield result
                if stopping:
                    raise Unavailable("the server is stopping", reason="DRAINING", retry_after=_STOPPING_SECONDS)
            except (Unavailable, Overloaded) as error:
                failures = failures + 1 if len(unanswered) == left else 1
                wait = max(error.retry_after or 0.0, min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**failures))
                if failures == _ATTEMPTS or time() + wait > end:
                    raise
                _log.info("scan resumes", unanswered=len(unanswered), wait_seconds=wait, problem=str(error))
                on_resume(error, len(unanswered))
                await asyncio.sleep(wait)
            else:
                if unanswered:
                    raise Broken(f"{len(unanswered)} of {left} inputs were not answered", reason="UNACCOUNTED")

    async def _attempt(
        self, header: pb.ScanHeader, histories: dict[int, forecast_pb2.MarketHistory], timeout: float | None
    ) -> AsyncGenerator[signal_pb2.SignalResult, None]:
        """Scan once; results carry the caller's indices."""
        indices = list(histories)
        accepted = asyncio.Event()
        call: grpc.aio.StreamStreamCall[pb.StreamSignalsRequest, pb.StreamSignalsResponse] = self._stub.StreamSignals(
            _requests(header, list(histories.values()), accepted), timeout=timeout
        )
        try:
            async for response in translated(call):
                accepted.set()
                for result in response.results.results:
                    if result.input_index >= len(indices):
                        raise Broken(f"there is no input {result.input_index}", reason="UNACCOUNTED")
                    result.input_index = indices[result.input_index]
                    yield result
        finally:
            call.cancel()  # a stream left alone would hold the server (grpc/grpc#43462)


@asynccontextmanager
async def forecasting(config: ClientConfig) -> AsyncIterator[ForecastClient]:
    """Connect to a forecast service while the context lasts."""
    async with connect(config, SERVICE) as channel:
        yield ForecastClient(rpc.ForecastServiceStub(channel))


async def _requests(
    header: pb.ScanHeader, histories: Sequence[forecast_pb2.MarketHistory], accepted: asyncio.Event
) -> AsyncIterator[pb.StreamSignalsRequest]:
    """Cut a scan into messages below 1 MiB, sent once the header is accepted.

    gRPC forgets why the server ended a call when a message is written to it afterwards (grpc/grpc#36066), so nothing is
    written while a refusal may still come.
    """
    yield pb.StreamSignalsRequest(header=header)
    await accepted.wait()
    batch: list[forecast_pb2.MarketHistory] = []
    size = 0
    for history in histories:
        grown = history.ByteSize()
        if batch and (len(batch) == BATCH_HISTORIES or size + grown > BATCH_BYTES):
            yield pb.StreamSignalsRequest(batch=pb.HistoryBatch(histories=batch))
            batch, size = [], 0
        batch.append(history)
        size += grown
    if batch:
        yield pb.StreamSignalsRequest(batch=pb.HistoryBatch(histories=batch))
