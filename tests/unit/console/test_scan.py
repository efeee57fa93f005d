"""A scan as the console asks for it and gives it on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import numpy as np
from foremesh.forecast.v1 import forecast_pb2, model_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from console.recorded import Current, Recorded, Recording
from console.scan import Question, scan
from mesh.rpc.call import Context
from mesh.rpc.config import ClientConfig
from tests.fakes.serving import Unfinished, servicer_on_loopback

END = datetime(2026, 7, 12, 12, tzinfo=UTC)


class Backwards(Unfinished):
    """Answers the last history first, and remembers what it was asked."""

    def __init__(self) -> None:
        self.header = pb.ScanHeader()
        self.histories: list[forecast_pb2.MarketHistory] = []

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:  # noqa: N802
        return pb.GetModelResponse(model=model_pb2.Model())

    async def StreamSignals(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamSignalsRequest], context: Context
    ) -> AsyncIterator[pb.StreamSignalsResponse]:
        self.header, self.histories = (await anext(aiter(request_iterator))).header, []
        yield pb.StreamSignalsResponse(accepted=pb.ScanAccepted(scan_id=self.header.scan_id))
        async for request in request_iterator:
            self.histories.extend(request.batch.histories)
        for index in reversed(range(len(self.histories))):
            expired = forecast_pb2.Expired(reason=forecast_pb2.EXPIRED_REASON_SUPERSEDED)
            result = signal_pb2.SignalResult(
                input_index=index, market_ticker=self.histories[index].market_ticker, expired=expired
            )
            yield pb.StreamSignalsResponse(results=pb.SignalBatch(results=[result]))
        count = len(self.histories)
        yield pb.StreamSignalsResponse(summary=pb.ScanSummary(input_count=count, expired_count=count))


def recorded(name: str) -> Recorded:
    return Recorded(
        market_ticker=name,
        series_ticker="KXA",
        closes_cents=np.array([1, 2, 3], np.float32),
        current=Current(cents=3.0, origin="book"),
        last_candle_time=END,
        close_time=END + timedelta(hours=9),
    )


async def test_results_are_given_in_the_order_of_the_inputs_however_they_come() -> None:
    servicer = Backwards()
    recording = Recording(markets=tuple(recorded(f"KXA-{n}") for n in range(40)), step=timedelta(hours=1))

    async with servicer_on_loopback(servicer) as server:
        found = await scan(ClientConfig(targets=(server.addresses[0],)), recording, Question())

    assert [result.input_index for result in found.results] == list(range(40))
    assert [result.market_ticker for result in found.results] == [one.market_ticker for one in recording.markets]
    assert found.counts == {"signal": 0, "no_signal": 0, "rejected": 0, "expired": 40, "failed": 0}


async def test_the_server_hears_how_old_data_may_be_and_when_each_market_closes() -> None:
    servicer = Backwards()
    recording = Recording(markets=(recorded("KXA-1"),), step=timedelta(minutes=1))

    async with servicer_on_loopback(servicer) as server:
        client = ClientConfig(targets=(server.addresses[0],))
        await scan(client, recording, Question(max_data_age=timedelta(hours=3)))
        asked = servicer.header.forecast
        await scan(client, recording, Question())

    assert asked.max_data_age.ToTimedelta() == timedelta(hours=3)
    assert not servicer.header.forecast.HasField("max_data_age")
    assert servicer.histories[0].close_time.ToDatetime(UTC) == END + timedelta(hours=9)
    assert servicer.histories[0].last_candle_time.ToDatetime(UTC) == END
