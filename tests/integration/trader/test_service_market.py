"""GetMarketView and GetTrace over a real server: one market with its past and forecasts, and what became of things."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.trader.v1 import decisions_pb2, events_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.kalshi.rest.price_wire import Asks, Bids, Candle, Prints
from mesh.types import Hundredths, Price
from tests.fakes.questions import refused
from tests.fakes.trading import NOON, TICKER, book, market, signal
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import Served, served, sound
from trader.domain.entries import SignalSeen
from trader.journal.finding import Finder
from trader.journal.store import opened
from trader.scanning.histories import Histories

OTHER = "KXHIGHNY-26NOV23-T61"


def rig() -> Rig:
    return Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER)])


@pytest.fixture
async def trader() -> AsyncIterator[Served]:
    made = rig()
    histories = Histories(made.clock)
    async with served(made, histories=histories) as found:
        histories.keep(
            TICKER,
            [candle(hour, bid=40 + hour, ask=None if hour == 1 else 44 + hour) for hour in range(3)],
            step_seconds=3600,
            kind="mid",
        )
        yield found


def candle(hour: int, *, bid: int | None, ask: int | None) -> Candle:
    low, high = Price((bid or 0) * 10_000), Price((100 if ask is None else ask) * 10_000)
    return Candle(
        end_ts=int(NOON.timestamp()) + 3600 * (hour - 2),
        bid=Bids(low, low, low, low),
        ask=Asks(high, high, high, high),
        trades=Prints(),
        volume=Hundredths(0),
        open_interest=Hundredths(0),
    )


async def view(trader: Served, ticker: str = TICKER) -> pb.GetMarketViewResponse:
    answer = await trader.stub.GetMarketView(pb.GetMarketViewRequest(market_ticker=ticker))
    sound(answer)
    return answer


async def trace(trader: Served, name: str, ticker: str | None = None) -> pb.GetTraceResponse:
    answer = await trader.stub.GetTrace(pb.GetTraceRequest(id=name, market_ticker=ticker))
    sound(answer)
    return answer


def kinds(events: "list[events_pb2.Event]") -> list[str]:
    return [str(event.WhichOneof("payload")) for event in events]


async def test_a_market_is_shown_with_all_that_is_drawn_of_it(trader: Served) -> None:
    held = await trader.enter(TICKER)
    trader.rig.venue.show(book(TICKER, no_bids=[(54 - n, 100.0) for n in range(12)]))
    await trader.rig.clock.advance(1)
    answer = await view(trader)
    shown, state = answer.view, trader.engine.state
    assert (answer.instance_id, answer.as_of_sequence) == ("run-1", state.books.sequence)
    assert shown.title == f"Market {TICKER}"
    assert shown.takes_orders
    assert [level.price_micros for level in shown.book.no_bids] == [(54 - n) * 10_000 for n in range(10)]
    assert not shown.book.may_have_changed
    assert shown.position.count_hundredths == held
    assert shown.position.plan.HasField("stop_loss_price_micros")
    bids = [(point.yes_bid_micros, point.HasField("yes_ask_micros")) for point in shown.history.points]
    assert bids == [(400_000, True), (410_000, False), (420_000, True)]
    assert [point.input_micros for point in shown.history.points if point.HasField("input_micros")] == [
        420_000,
        440_000,
    ]
    assert shown.history.step.seconds == 3600
    assert shown.signal.market_ticker == TICKER
    assert shown.decision.outcome == decisions_pb2.DECISION_OUTCOME_ENTER
    assert len(shown.decision.verdicts) > 10
    assert shown.signal_age.ToTimedelta() >= timedelta(0)
    assert not shown.orders


async def test_a_market_without_a_signal_says_what_the_scan_made_of_it(trader: Served) -> None:
    await trader.enter(TICKER)
    await trader.rig.clock.advance(40)
    shown = (await view(trader, OTHER)).view
    assert (shown.scan_outcome, shown.scan_reason) == (decisions_pb2.SCAN_OUTCOME_NO_SIGNAL, "too_flat")
    assert not shown.HasField("signal")
    assert not shown.HasField("decision")
    assert not shown.HasField("history")
    again = (await view(trader)).view
    assert again.scan_outcome == decisions_pb2.SCAN_OUTCOME_NO_SIGNAL
    assert again.HasField("signal")  # the last one there was, with its age
    assert again.signal_age.ToTimedelta() >= timedelta(seconds=30)


async def test_of_the_forecasts_from_one_candle_only_the_last_is_kept_and_a_restart_forgets_none() -> None:
    made = rig()
    async with served(made) as trader:
        for hour in range(30):
            made.forecasts.signals[TICKER] = signal(
                3.0, last_candle_time=NOON + timedelta(hours=hour), useful_until=NOON + timedelta(days=9)
            )
            await made.clock.advance(61)
        before = (await view(trader)).view
        assert len(made.journal.of(SignalSeen)) > 50
    made.forecasts.signals.clear()
    async with served(made) as trader:
        after = (await view(trader)).view
        assert after.signal == before.signal
        assert list(after.earlier_signals) == list(before.earlier_signals)
        candles = [each.last_candle_time.ToDatetime() for each in (after.signal, *after.earlier_signals)]
        assert candles == sorted(set(candles), reverse=True)
        assert len(candles) == 25
        assert not after.HasField("history")  # until a scan has read it
    made.journal.rows = [(time - timedelta(days=8), body) for time, body in made.journal.rows]
    async with served(made) as trader:
        late = (await view(trader)).view
        assert not late.HasField("signal")
        assert not late.HasField("decision")


async def test_a_signal_comes_whole(trader: Served) -> None:
    path = forecast_pb2.ForecastPath(
        horizon_steps=2, mean_cents=[44.0, 43.0], quantile_levels=[0.1, 0.9], quantiles_cents=[40.0, 48.0, 38.0, 49.0]
    )
    whole = signal_pb2.Signal(path=path, provenance=forecast_pb2.Provenance(model="m@0"))
    trader.rig.forecasts.wires[TICKER] = whole.SerializeToString()
    await trader.enter(TICKER)
    shown = (await view(trader)).view
    assert shown.signal.signal.path == path
    assert shown.signal.signal.provenance.model == "m@0"


@pytest.mark.parametrize("ticker", ["", "kx", "A B", "X" * 65])
async def test_what_is_no_ticker_is_refused_by_name(trader: Served, ticker: str) -> None:
    found = await refused(trader.stub.GetMarketView(pb.GetMarketViewRequest(market_ticker=ticker)))
    assert found.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "market_ticker" in str(found)


async def test_a_market_never_heard_of_and_an_unknown_id_are_not_found(trader: Served) -> None:
    found = await refused(trader.stub.GetMarketView(pb.GetMarketViewRequest(market_ticker="KXOTHER-1")))
    assert found.code == grpc.StatusCode.NOT_FOUND
    found = await refused(trader.stub.GetTrace(pb.GetTraceRequest(id="d-1")))
    assert found.code == grpc.StatusCode.NOT_FOUND


async def test_before_the_start_nothing_is_answered() -> None:
    async with served(rig(), run=False) as trader:
        found = await refused(trader.stub.GetMarketView(pb.GetMarketViewRequest(market_ticker=TICKER)))
        assert found.code == grpc.StatusCode.UNAVAILABLE
        found = await refused(trader.stub.GetTrace(pb.GetTraceRequest(id="d-1")))
        assert found.code == grpc.StatusCode.UNAVAILABLE


async def test_any_id_of_a_round_trip_gives_the_whole_of_it_also_after_a_restart(tmp_path: Path) -> None:
    made = rig()
    async with served(made) as trader:
        await trader.enter(TICKER, OTHER)
        made.venue.show(book(TICKER, no_bids=[(80.0, 100.0)], no_asks=[(82.0, 100.0)]))
        await made.clock.advance(10)
        (trade,) = trader.engine.state.books.trades
        first = (await trace(trader, trade.position_id)).trace
        found = kinds(list(first.events))
        assert found[:3] == ["signal", "decision", "order"]
        assert found.index("fill") < found.index("exit") < found.index("trade") == len(found) - 1
        assert (first.market_ticker, first.truncated) == (TICKER, False)
        assert [event.sequence for event in first.events] == sorted({event.sequence for event in first.events})
        assert list(first.decision_ids) == [trade.decision_id]
        names = [*first.decision_ids, *first.exit_decision_ids, *first.client_order_ids]
        assert len(names) >= 4
        seen = (await view(trader)).view
    path = tmp_path / "journal.db"
    with opened(path, made.journal.journal_id) as store:
        for recorded in made.journal.read():
            store.append(recorded.time, [recorded.entry])
    async with served(made, search=Finder(path)) as trader:
        again = (await view(trader)).view
        assert (again.signal, again.decision.verdicts) == (seen.signal, seen.decision.verdicts)
        for name in names:
            assert (await trace(trader, name)).trace.events == first.events, name
        scan_id = first.events[0].signal.scan_id
        assert (await trace(trader, scan_id, TICKER)).trace.events == first.events
        other = (await trace(trader, scan_id, OTHER)).trace
        assert other.market_ticker == OTHER
        assert other.position_id != first.position_id
        assert "exit" not in kinds(list(other.events))


async def test_a_refused_decision_has_a_trace_of_signal_and_decision(trader: Served) -> None:
    trader.rig.forecasts.signals[TICKER] = signal(3.0, useful_until=NOON + timedelta(days=1))
    await trader.rig.clock.advance(40)
    decision = (await view(trader)).view.decision
    assert decision.outcome == decisions_pb2.DECISION_OUTCOME_REFUSED
    found = (await trace(trader, decision.decision_id)).trace
    assert kinds(list(found.events)) == ["signal", "decision"]
    assert not found.HasField("position_id")
    assert not found.client_order_ids


async def foremesh(trader: Served, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "console", "market", *words, "--trader", trader.server.addresses[0]),
        env=os.environ | {"COLUMNS": "80", "LINES": "24"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_command_draws_it(trader: Served) -> None:
    await trader.enter(TICKER)
    code, drawn = await foremesh(trader, TICKER)
    assert code == 0, drawn
    lines = drawn.splitlines()
    assert lines[0].startswith(f"Market {TICKER}, YES price")
    assert "stop 48" in lines[-1]
    assert len(lines) <= 22
    assert all(len(line) <= 80 for line in lines)
    code, written = await foremesh(trader, TICKER, "--json")
    assert code == 0, written
    assert json.loads(written)["market_ticker"] == TICKER
    code, said = await foremesh(trader, "KXOTHER-1")
    assert (code, "never heard of it" in said) == (1, True), said
