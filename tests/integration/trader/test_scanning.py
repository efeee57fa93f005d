"""Scans: the simulated exchange and a forecast server, both over real sockets."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from mesh.clock import SystemClock
from mesh.errors import Overloaded
from mesh.forecasts import forecasting
from mesh.kalshi.client import connect
from mesh.kalshi.config import KalshiConfig
from mesh.rpc.call import Context
from mesh.rpc.config import ClientConfig
from mesh.types import Side
from sim_exchange.fault_rules import ServerError
from tests.conftest import ForecastServer
from tests.fakes.exchange_world import World, exchange_world
from tests.fakes.serving import Unfinished, servicer_on_loopback
from trader.domain.events import ScanEnded, SignalCame
from trader.domain.words import Mode, ScanOutcome
from trader.exchange.fee_book import FeeBook
from trader.ports import Begin
from trader.scanning.scanner import Scanner, ScanSettings
from trader.scanning.settings import ScannedSeries, usual_series

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=7)
HIGHS = ScannedSeries(ticker="KXHIGHNY", price="mid")
Found = list[Begin | SignalCame | ScanEnded]


@asynccontextmanager
async def scanner_of(world: World, server: str, *series: ScannedSeries) -> AsyncIterator[Scanner]:
    clock = SystemClock()
    settings = ScanSettings(
        series=series, mode=Mode.PAPER, client_id="trader-1", min_magnitude_cents=0.1, useful_seconds=20.0
    )
    async with AsyncExitStack() as stack:
        kalshi = await stack.enter_async_context(
            connect(KalshiConfig(environment="custom", host=world.url, read_seconds=1, unauthenticated_per_second=100))
        )
        forecasts = await stack.enter_async_context(forecasting(ClientConfig(targets=(server,), timeout_seconds=5)))
        yield Scanner(kalshi, FeeBook(kalshi, clock), forecasts, settings, clock)


async def hours(world: World, tickers: list[str], count: int = 6) -> None:
    """Let hours pass in which prices rise."""
    for hour in range(count):
        for place, ticker in enumerate(tickers):
            bid = 0.30 + 0.03 * hour + 0.1 * place
            world.book(ticker, bids={f"{bid:.4f}": "50.00"}, asks={f"{bid + 0.02:.4f}": "50.00"})
        await world.pass_seconds(3600)


async def scanned(scanner: Scanner, scan_id: str = "s-1") -> Found:
    return [each async for each in scanner.scan(scan_id)]


def accounts(found: Found) -> dict[str, ScanOutcome]:
    """Return every market's outcome, after checking that each has exactly one."""
    begin, *signals, end = found
    assert isinstance(begin, Begin)
    assert isinstance(end, ScanEnded)
    outcomes = [(each.market.ticker, ScanOutcome.SIGNAL) for each in signals if isinstance(each, SignalCame)]
    outcomes += [(ticker, outcome) for ticker, outcome, _ in end.others]
    assert sorted(ticker for ticker, _ in outcomes) == [market.ticker for market in begin.markets]
    return dict(outcomes)


async def test_every_open_market_has_one_outcome_and_signals_carry_what_rules_need(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    warm, mild = "KXHIGHNY-26JUL10-T87", "KXHIGHNY-26JUL10-B85.5"
    async with exchange_world(now=NOW) as world, forecast_server_on_loopback() as server:
        await hours(world, [warm])
        async with scanner_of(world, server.addresses[0], HIGHS) as scanner:
            found = await scanned(scanner)

    outcomes = accounts(found)
    assert outcomes[warm] is ScanOutcome.SIGNAL
    assert outcomes[mild] is ScanOutcome.NOT_ASKED
    begin, signal = found[0], found[1]
    assert isinstance(begin, Begin)
    assert isinstance(signal, SignalCame)
    assert [book.best_bid() is not None for book in begin.books if book.ticker == warm] == [True]
    facts = signal.signal
    assert facts.side is Side.YES, "prices rose"
    assert facts.current_cents == 46
    assert facts.magnitude_cents > 0
    assert facts.policy_digest
    assert facts.step == timedelta(hours=1)
    wire = signal_pb2.Signal.FromString(signal.wire)
    assert wire.magnitude_cents == facts.magnitude_cents
    assert signal.market.fees.rates


async def test_a_second_scan_asks_the_exchange_for_no_candles_that_cannot_be_new(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    async with exchange_world(now=NOW) as world, forecast_server_on_loopback() as server:
        await hours(world, ["KXHIGHNY-26JUL10-T87"])
        await world.pass_seconds(600)
        async with scanner_of(world, server.addresses[0], HIGHS) as scanner:
            first = accounts(await scanned(scanner))
            world.faults.add(ServerError(kind="server_error", path="*candlesticks*"))
            second = accounts(await scanned(scanner, "s-2"))
    assert first == second


@pytest.mark.parametrize("away", ["candles", "forecasts"])
async def test_what_is_away_is_accounted_for_market_by_market(
    away: str, forecast_server_on_loopback: ForecastServer
) -> None:
    warm = "KXHIGHNY-26JUL10-T87"
    async with exchange_world(now=NOW) as world, forecast_server_on_loopback() as server:
        await hours(world, [warm])
        if away == "candles":
            world.faults.add(ServerError(kind="server_error", path="*candlesticks*"))
        address = server.addresses[0] if away == "candles" else "127.0.0.1:9"
        async with scanner_of(world, address, HIGHS) as scanner:
            found = await scanned(scanner)
    outcomes, end = accounts(found), found[-1]
    assert isinstance(end, ScanEnded)
    assert [(series, problem.partition(":")[0]) for series, problem in end.unread] == (
        [("KXHIGHNY", "EXCHANGE_UNAVAILABLE")] if away == "candles" else []
    )
    assert outcomes[warm] is (ScanOutcome.NOT_ASKED if away == "candles" else ScanOutcome.FAILED)


class Overrun(Unfinished):
    """Has a model, and no time: come back in a minute."""

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:  # noqa: N802
        return pb.GetModelResponse()

    async def StreamSignals(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamSignalsRequest], context: Context
    ) -> AsyncIterator[pb.StreamSignalsResponse]:
        raise Overloaded("too much to do", retry_after=60.0)
        yield


async def test_a_server_that_asks_for_more_time_than_answers_are_worth_something_ends_the_scan() -> None:
    warm = "KXHIGHNY-26JUL10-T87"
    async with exchange_world(now=NOW) as world, servicer_on_loopback(Overrun()) as server:
        await hours(world, [warm])
        async with scanner_of(world, server.addresses[0], HIGHS) as scanner, asyncio.timeout(20):
            found = await scanned(scanner)
    assert accounts(found)[warm] is ScanOutcome.FAILED


async def test_a_series_whose_markets_cannot_be_read_is_accounted_for_as_such(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    async with exchange_world(now=NOW) as world, forecast_server_on_loopback() as server:
        world.faults.add(ServerError(kind="server_error", path="*/markets"))
        async with scanner_of(world, server.addresses[0], HIGHS) as scanner:
            begin, end = await scanned(scanner)
    assert isinstance(begin, Begin)
    assert isinstance(end, ScanEnded)
    assert (begin.markets, end.others) == ((), ())
    assert [(series, problem.partition(":")[0]) for series, problem in end.unread] == [
        ("KXHIGHNY", "EXCHANGE_UNAVAILABLE")
    ]


def claimed(index: int = 0, *, magnitude: float = 9.0, steps: int = 6) -> signal_pb2.SignalResult:
    path = forecast_pb2.ForecastPath(horizon_steps=6, mean_cents=[50.0] * steps)
    said = signal_pb2.Signal(
        direction=signal_pb2.DIRECTION_UP, magnitude_cents=magnitude, confidence=signal_pb2.CONFIDENCE_HIGH,
        current_price_cents=45.0, forecast_mean_cents=54.0, forecast_end_cents=54.0,
        take_profit_cents=20.0, stop_loss_cents=8.0, path=path,
    )  # fmt: skip
    return signal_pb2.SignalResult(input_index=index, signal=said)


class Liar(Overrun):
    """Answers the one market that is asked about with whatever it was made with."""

    def __init__(self, *results: signal_pb2.SignalResult) -> None:
        self.results = results

    async def StreamSignals(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamSignalsRequest], context: Context
    ) -> AsyncIterator[pb.StreamSignalsResponse]:
        yield pb.StreamSignalsResponse()
        async for request in request_iterator:
            if request.HasField("batch"):
                for result in self.results:
                    yield pb.StreamSignalsResponse(results=pb.SignalBatch(results=[result]))


@pytest.mark.parametrize(
    ("results", "outcome"),
    [
        ([claimed()], ScanOutcome.SIGNAL),
        ([claimed(magnitude=math.nan)], ScanOutcome.FAILED),
        ([claimed(steps=20_000)], ScanOutcome.FAILED),
        ([claimed(index=1)], ScanOutcome.FAILED),
        ([claimed(), claimed(), claimed()], ScanOutcome.SIGNAL),
        ([], ScanOutcome.FAILED),
    ],
    ids=["decent", "no number", "endless", "never asked", "again and again", "nothing"],
)
async def test_a_server_that_answers_anything_gives_each_market_one_outcome(
    results: list[signal_pb2.SignalResult], outcome: ScanOutcome
) -> None:
    warm = "KXHIGHNY-26JUL10-T87"
    async with exchange_world(now=NOW) as world, servicer_on_loopback(Liar(*results)) as server:
        await hours(world, [warm], 2)
        async with scanner_of(world, server.addresses[0], HIGHS) as scanner, asyncio.timeout(20):
            assert accounts(await scanned(scanner))[warm] is outcome


async def test_a_series_that_the_exchange_does_not_have_leaves_the_others_alone(
    forecast_server_on_loopback: ForecastServer,
) -> None:
    warm = "KXHIGHNY-26JUL10-T87"
    async with exchange_world(now=NOW) as world, forecast_server_on_loopback() as server:
        await hours(world, [warm])
        async with scanner_of(world, server.addresses[0], ScannedSeries(ticker="KXNONE"), HIGHS) as scanner:
            assert accounts(await scanned(scanner))[warm] is ScanOutcome.SIGNAL


def test_the_usual_series_are_those_of_the_predecessor_with_a_step_that_fits_their_lives() -> None:
    steps = {series.ticker: (series.step_minutes, series.horizon_steps) for series in usual_series()}
    assert steps["KXHIGHNY"] == (60, 6)
    assert steps["KXBTC"] == (1, 30)
    assert len(steps) == 6
