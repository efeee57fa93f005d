"""ForecastClient.forecasts: any number of histories, in calls that fit, each answered once and in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from foremesh.forecast.v1 import forecast_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from mesh.errors import Broken, Overloaded
from mesh.forecasts import ForecastClient, forecasting
from mesh.rpc.call import Context
from mesh.rpc.config import ClientConfig
from tests.conftest import ForecastServer
from tests.fakes.questions import history, options
from tests.fakes.serving import Unfinished, servicer_on_loopback


@asynccontextmanager
async def client_of(server: Any) -> AsyncIterator[ForecastClient]:
    async with forecasting(ClientConfig(targets=(server.addresses[0],))) as client:
        yield client


async def asked(
    client: ForecastClient, histories: Sequence[forecast_pb2.MarketHistory], **question: Any
) -> list[forecast_pb2.ForecastResult]:
    return [result async for result in client.forecasts(histories, options(**question))]


class Echo(Unfinished):
    """Names every history it gets, after it was too busy a few times; may leave out the last one."""

    def __init__(self, *, busy: int = 0, forgets: int = 0) -> None:
        self.calls: list[int] = []
        self.refused = 0
        self._busy, self._forgets = busy, forgets

    async def GenerateForecasts(  # noqa: N802
        self, request: pb.GenerateForecastsRequest, context: Context
    ) -> pb.GenerateForecastsResponse:
        if self.refused < self._busy:
            self.refused += 1
            raise Overloaded("busy", retry_after=0.001)
        self.calls.append(len(request.histories))
        answered = request.histories[: len(request.histories) - self._forgets]
        return pb.GenerateForecastsResponse(
            results=[
                forecast_pb2.ForecastResult(input_index=place, market_ticker=one.market_ticker)
                for place, one in enumerate(answered)
            ]
        )


async def test_many_histories_are_asked_in_calls_that_fit_and_answered_in_order() -> None:
    echo = Echo()
    histories = [history(f"KXA-{place}") for place in range(600)]
    async with servicer_on_loopback(echo) as server, client_of(server) as client:
        results = await asked(client, histories)
        assert echo.calls == [256, 256, 88]
        long = [history(f"KXA-{place}", closes=[50.0] * 2048) for place in range(256)]
        await asked(client, long)
    assert [(one.input_index, one.market_ticker) for one in results] == [(n, f"KXA-{n}") for n in range(600)]
    assert all(calls * long[0].ByteSize() < 1 << 20 for calls in echo.calls[3:])


async def test_answers_with_long_paths_fit_too(forecast_server_on_loopback: ForecastServer) -> None:
    histories = [history(f"KXA-{place}") for place in range(20)]
    levels = [0.1 + 0.8 * place / 31 for place in range(32)]
    async with forecast_server_on_loopback() as server, client_of(server) as client:
        results = await asked(client, histories, horizon_steps=1024, levels=levels)
    assert [one.market_ticker for one in results] == [one.market_ticker for one in histories]
    assert {len(one.forecast.path.quantiles_cents) for one in results} == {1024 * 32}


async def test_nothing_is_asked_about_nothing() -> None:
    echo = Echo()
    async with servicer_on_loopback(echo) as server, client_of(server) as client:
        assert await asked(client, []) == []
    assert echo.calls == []


async def test_an_overloaded_server_is_given_the_time_it_asks_for() -> None:
    echo = Echo(busy=3)
    async with servicer_on_loopback(echo) as server, client_of(server) as client:
        assert len(await asked(client, [history()])) == 1
    assert (echo.refused, echo.calls) == (3, [1])


async def test_a_server_that_stays_overloaded_ends_it() -> None:
    echo = Echo(busy=100)
    async with servicer_on_loopback(echo) as server, client_of(server) as client:
        with pytest.raises(Overloaded, match="busy"):
            await asked(client, [history()])
    assert echo.refused == 5


async def test_an_answer_that_leaves_somebody_out_is_an_error() -> None:
    async with servicer_on_loopback(Echo(forgets=1)) as server, client_of(server) as client:
        with pytest.raises(Broken, match="UNACCOUNTED"):
            await asked(client, [history("KXA-1"), history("KXA-2")])
