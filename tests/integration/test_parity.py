"""A trader's journal beside a data folder: what was asked and decided comes out again, or is named with its reason."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from foremesh.forecast.v1 import forecast_pb2
from msgspec import structs

from console import parity_words
from console.parity_run import Parity, parity
from mesh.errors import InvalidInput
from mesh.forecasts import ForecastClient, forecasting
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import GRIDS
from mesh.kalshi.terms import FeeType
from mesh.rpc.config import ClientConfig
from mesh.types import CENT, Hundredths, Micros
from research.answers_store import opened
from research.parity_walk import Beside
from tests.fakes import recorded_stores
from tests.fakes.models import HeldModel
from tests.fakes.recorded_stores import CLOSE, EVENT, SERIES, hour, write_candles, write_markets
from tests.fakes.serving import forecasts_from
from tests.fakes.trading import NOON, Desk, book
from trader.domain.entries import AnyEntry, Decided
from trader.domain.events import Begun, BookCame, Compared, Event, ExchangeSeen, ScanBegan, SignalCame
from trader.domain.facts import MarketTerms
from trader.domain.views import Snapshot
from trader.domain.words import ExchangeState, Mode
from trader.journal import store
from trader.scanning import asking
from trader.scanning.settings import ScannedSeries

TICKER = f"{EVENT}-T40"
SCANNED = ScannedSeries(ticker=SERIES, horizon_steps=3, price="mid")
MIDDLES = (30.0, 33.0, 31.0, 35.0, 34.0, 38.0)
"""Of the market's candles; the model sees ten cents more ahead of each."""
TERMS = MarketTerms(
    ticker=TICKER,
    event_ticker=EVENT,
    series_ticker=SERIES,
    title="",
    close_time=CLOSE,
    bands=GRIDS["linear_cent"],
    fees=FeeTerms(FeeType.QUADRATIC),
)


def collect(root: Path, middles: Sequence[float | None] = MIDDLES, close: datetime = CLOSE) -> None:
    """Write a data folder of the market; None is a candle in which nobody quoted."""
    write_markets(root, [recorded_stores.market(TICKER, close_time=close)])
    quotes = [(None, None) if at is None else (round((at - 1) * CENT), round((at + 1) * CENT)) for at in middles]
    write_candles(root, [recorded_stores.candle(TICKER, hour(n), *quote) for n, quote in enumerate(quotes, 1)])


class Trader:
    """Scans one market at moments and prices, and keeps a journal of it."""

    def __init__(self, client: ForecastClient, software: str = version("foremesh")) -> None:
        self.desk, self._client, self._scans = Desk(begun=False), client, 0
        cash = Micros(100_000_000)
        self._tell(hour(0), Begun("run-1", Mode.PAPER, software, "0" * 64), ExchangeSeen(ExchangeState.OPEN))
        self._tell(hour(0), Compared(Snapshot(hour(0), 0.0, (), hour(0), (), (), (), cash, (), cash)))

    def _tell(self, at: datetime, *events: Event) -> None:
        for event in events:
            self.desk.tell(event, (at - NOON).total_seconds())

    async def scan(self, candles: int, cents: float, *, after: timedelta = timedelta(minutes=7)) -> None:
        """Ask with so many candles behind it, at a price; decide on a book two cents wide around it."""
        at, self._scans = hour(candles) + after, self._scans + 1
        history = forecast_pb2.MarketHistory(
            market_ticker=TICKER,
            series_ticker=SERIES,
            closes_cents=MIDDLES[:candles],
            current_price_cents=cents,
        )
        history.last_candle_time.FromDatetime(hour(candles))
        history.close_time.FromDatetime(CLOSE)
        # The server lives now, the market does not: so nothing is said of how long an answer is of use.
        asked = forecast_pb2.ForecastOptions(horizon_steps=3, purpose=forecast_pb2.PURPOSE_PAPER)
        asked.step.FromTimedelta(SCANNED.step)
        (result,) = [each async for each in self._client.scan([history], asked)]
        facts = asking.facts(
            result.signal,
            weights_digest=(await self._client.model()).identity.weights_digest,
            last_candle_time=hour(candles),
            step=SCANNED.step,
            useful_until=at + timedelta(minutes=1),
        )
        assert facts is not None, result
        no = 100 - cents
        self._tell(
            at,
            BookCame(book(TICKER, no_bids=((no - 1, 50),), no_asks=((no + 1, 50),))),
            ScanBegan(f"scan-{self._scans}", (SERIES,), 1),
            SignalCame(f"scan-{self._scans}", TERMS, facts, result.signal.SerializeToString()),
        )

    def keep(self, path: Path) -> Path:
        """Write the journal."""
        with store.opened(path, "journal-1") as journal:
            for time, entry in self.desk.written:
                journal.append(time, [entry])
        return path


@asynccontextmanager
async def serving() -> AsyncIterator[ForecastClient]:
    async with forecasts_from(HeldModel()) as server, forecasting(ClientConfig(targets=(server.address,))) as client:
        yield client


async def held(trader: Trader, client: ForecastClient, folder: Path) -> Parity:
    with opened(folder / "answers.sqlite") as answers:
        journal = trader.keep(folder / "a.journal")
        return await parity(journal, folder / "data", {SERIES: SCANNED}, client, answers)


def fields(found: Parity) -> set[str]:
    return {each.field for differences in found.remaking.differing.values() for each in differences}


async def test_what_was_asked_and_decided_comes_out_again_at_whatever_price_and_moment(tmp_path: Path) -> None:
    collect(tmp_path / "data")
    async with serving() as client:
        trader = Trader(client)
        await trader.scan(4, MIDDLES[3])
        await trader.scan(4, 62.0, after=timedelta(minutes=40))
        await trader.scan(6, 39.0)
        found = await held(trader, client, tmp_path)

    assert found.agrees
    assert list(parity_words.rows(found)) == [
        ("signals", 3, 3),
        ("decisions to enter or not", 3, 3),
        ("decisions to sell", 0, 0),
    ]
    # At the candle's end the forecast was above the price, at 62 cents below it.
    assert found.beside == {Beside.SAME: 2, Beside.MOVED: 1}
    assert +found.entered == {Beside.MOVED: 1}
    assert list(parity_words.lines(found)) == [
        "A backtest decides once a candle, at its end: so did the trader in 2 of 3 decisions, 0 of 1 entries",
        "  1 not, 1 of them entries: price or quotes had moved since the candle ended",
    ]
    document = json.loads(json.dumps(parity_words.document(found)))
    assert document["signals"] == {"same": 3, "not_asked": {}, "different": []}


async def test_candles_that_are_not_those_that_the_trader_saw_are_found(tmp_path: Path) -> None:
    collect(tmp_path / "data", [*MIDDLES[:3], 35.5, *MIDDLES[4:]])
    async with serving() as client:
        trader = Trader(client)
        await trader.scan(3, MIDDLES[2])
        await trader.scan(5, MIDDLES[4])
        found = await held(trader, client, tmp_path)

    assert not found.agrees
    assert found.remaking.same == 1
    assert fields(found) == {"input_digest"}, "this model looks at the last price alone"


async def test_another_forecast_is_named_by_its_figures_and_decided_on(tmp_path: Path) -> None:
    collect(tmp_path / "data", [*MIDDLES[:5], 45.0])
    async with serving() as client:
        trader = Trader(client)
        await trader.scan(6, 62.0)
        found = await held(trader, client, tmp_path)

    assert not found.agrees
    assert {"signal.magnitude_cents", "signal.forecast_mean_cents", "input_digest"} <= fields(found)
    (decision,) = found.remaking.decisions.differing
    assert "findings.magnitude.figure" in {each.field for each in decision.differences}
    document = json.loads(json.dumps(parity_words.document(found)))
    assert len(document["signals"]["different"]) == len(document["decisions"]["different"]) == 1


async def test_terms_that_the_trader_had_otherwise_are_found(tmp_path: Path) -> None:
    collect(tmp_path / "data", close=CLOSE - timedelta(hours=1))
    async with serving() as client:
        trader = Trader(client)
        await trader.scan(4, MIDDLES[3])
        found = await held(trader, client, tmp_path)

    assert not found.agrees
    assert fields(found) == {"market.close_time"}


async def test_a_decision_that_was_written_otherwise_is_found(tmp_path: Path) -> None:
    collect(tmp_path / "data")
    async with serving() as client:
        trader = Trader(client)
        await trader.scan(4, 62.0)
        trader.desk.written = [(time, _deeper(entry)) for time, entry in trader.desk.written]
        found = await held(trader, client, tmp_path)

    assert found.remaking.same == 1
    assert not found.agrees
    assert list(parity_words.rows(found))[1] == ("decisions to enter or not", 1, 0)


def _deeper(entry: AnyEntry) -> AnyEntry:
    if not isinstance(entry, Decided) or entry.plan is None:
        return entry
    return structs.replace(entry, plan=structs.replace(entry.plan, depth=Hundredths(7)))


async def test_what_cannot_be_asked_again_is_counted_by_name_and_its_decision_with_it(tmp_path: Path) -> None:
    collect(tmp_path / "data", [*MIDDLES[:3], None])
    async with serving() as client:
        trader = Trader(client)
        await trader.scan(4, MIDDLES[3])
        await trader.scan(5, MIDDLES[4])
        found = await held(trader, client, tmp_path)

    assert found.agrees
    assert found.remaking.unasked == {"no_price": 1, "not_collected": 1}
    assert [made for _, made, _ in parity_words.rows(found)] == [0, 0, 0]
    assert found.beside == {Beside.UNASKED: 2}
    assert not found.remaking.decisions.unmade
    assert len(list(parity_words.lines(found))) == 4


async def test_of_an_event_that_was_not_collected_nothing_is_asked(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with serving() as client:
        trader = Trader(client)
        await trader.scan(4, MIDDLES[3])
        found = await held(trader, client, tmp_path)

    assert found.remaking.unasked == {"not_collected": 1}


async def test_a_journal_of_another_version_is_not_decided_again(tmp_path: Path) -> None:
    async with serving() as client:
        with pytest.raises(InvalidInput, match="other_version"):
            await held(Trader(client, "0.0.1"), client, tmp_path)
