"""On what terms a forecast is given: how old, how long, for what purpose; told over the wire in clear text."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from forecast_server.models.fracast import Fracast
from tests.conftest import ForecastServer
from tests.fakes.models import HeldModel
from tests.fakes.questions import history, options, plain, refused, signals, stub
from tests.fakes.scans import opened, scan
from tests.fakes.serving import forecasts_from


def aged(minutes: float, **fields: Any) -> forecast_pb2.MarketHistory:
    """A history whose last candle ended so long ago."""
    found = history(**fields)
    found.last_candle_time.FromDatetime(datetime.now(UTC) - timedelta(minutes=minutes))
    return found


def fresh(minutes: float) -> forecast_pb2.ForecastOptions:
    """A question about data that is no older."""
    asked = options()
    asked.max_data_age.FromTimedelta(timedelta(minutes=minutes))
    return asked


async def test_data_too_old_for_the_question_gets_no_forecast_and_is_not_computed() -> None:
    model = HeldModel()
    wanted = [aged(30), aged(90), aged(110), aged(130), history()]
    async with forecasts_from(model) as served, plain(served.address) as channel:
        answered = await scan(channel, wanted, fresh(100))
        raw = await stub(channel).GenerateForecasts(pb.GenerateForecastsRequest(forecast=fresh(100), histories=wanted))
        anything = await scan(channel, wanted)
    results = sorted(answered.results, key=lambda result: result.input_index)
    stale = [result.no_signal.reason == signal_pb2.NO_SIGNAL_REASON_STALE for result in results]
    assert stale == [False, False, True, True, False]
    assert [one.no_forecast.reason == forecast_pb2.NO_FORECAST_REASON_STALE for one in raw.results] == stale
    assert model.computed == 3 + 3 + 5
    assert anything.kinds == {"signal": 5}
    said = [result.signal.provenance for result in sorted(anything.results, key=lambda result: result.input_index)]
    old, unknown = forecast_pb2.DEGRADATION_STALE, forecast_pb2.DEGRADATION_AGE_UNKNOWN
    assert [(old in one.degraded, unknown in one.degraded) for one in said] == [
        (False, False), (False, False), (False, False), (True, False), (False, True)
    ]  # fmt: skip
    ages = [one.data_age.ToTimedelta() / timedelta(minutes=1) for one in said[:4]]
    assert [round(age) for age in ages] == [30, 90, 110, 130]
    assert not said[4].HasField("data_age")


@pytest.mark.parametrize(("points", "least", "enough"), [(7, 8, False), (8, 8, True), (2, 3, False), (3, 3, True)])
async def test_a_history_shorter_than_the_model_needs_gets_no_forecast(points: int, least: int, enough: bool) -> None:
    async with forecasts_from(HeldModel(min_points=least)) as served, plain(served.address) as channel:
        short = history(closes=[40.0 + place for place in range(points)], current=20.0)
        gaps = history(closes=[*[40.0 + place for place in range(points)], *[float("nan")] * 20], current=20.0)
        answered = await stub(channel).GenerateSignals(signals(short, gaps))
        assert (await stub(channel).GetModel(pb.GetModelRequest())).model.min_points == least
    reasons = [result.no_signal.reason for result in answered.results]
    few, gappy = signal_pb2.NO_SIGNAL_REASON_TOO_SHORT, signal_pb2.NO_SIGNAL_REASON_NO_FINITE_POINT
    assert reasons == ([0, 0] if enough else [few, gappy])


async def forbidden(channel: grpc.aio.Channel) -> None:
    """Every method refuses to trade on it, and says why."""
    model = (await stub(channel).GetModel(pb.GetModelRequest())).model.identity
    live = options(purpose=forecast_pb2.PURPOSE_LIVE)
    assert forecast_pb2.PURPOSE_LIVE not in model.allowed_purposes
    for call in (
        opened(channel, live),
        stub(channel).GenerateSignals(pb.GenerateSignalsRequest(forecast=live, histories=[history()])),
        stub(channel).GenerateForecasts(pb.GenerateForecastsRequest(forecast=live, histories=[history()])),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PURPOSE_FORBIDDEN")
        assert refusal.domain == "foremesh"
        for text in (model.name, model.licence, "live", "paper", "research"):
            assert text in refusal.message
    assert (await stub(channel).GenerateSignals(signals())).summary.input_count == 1


async def test_nobody_trades_on_the_baseline(forecast_server_on_loopback: ForecastServer) -> None:
    async with forecast_server_on_loopback() as server, plain(server.addresses[0]) as channel:
        await forbidden(channel)


async def test_nobody_trades_on_the_demo_model() -> None:
    async with forecasts_from(Fracast(device="cpu")) as served, plain(served.address) as channel:
        await forbidden(channel)
        short = history(closes=[40.0, 42.0, 41.0, 43.0, 44.0, 42.0, 43.0])
        answered = await stub(channel).GenerateSignals(signals(short, history()))
        assert [result.WhichOneof("outcome") for result in answered.results] == ["no_signal", "signal"]
        assert answered.results[0].no_signal.reason == signal_pb2.NO_SIGNAL_REASON_TOO_SHORT
