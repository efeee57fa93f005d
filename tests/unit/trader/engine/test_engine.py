"""An engine from its start to its end: entries, exits, lost answers, failures around it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mesh.errors import Unavailable
from mesh.kalshi.terms import Result
from mesh.types import Side
from tests.fakes.trading import NOON, TICKER, book, signal
from tests.fakes.venue import Fault
from tests.unit.trader.engine.rig import Rig
from trader.domain.entries import Decided, Differed, Notified, OrderEnded, OrderIntended, OrderSent, OrderUnknown
from trader.domain.events import Pause
from trader.domain.facts import Actor
from trader.domain.words import ActorKind, Delivery, EndReason, ExitKind, OrderState
from trader.engine.core import Core, EngineFailed
from trader.engine.engine import Engine
from trader.engine.recalling import recalled
from trader.ports import Begin

HIGH = book(no_bids=[(80.0, 100.0)], no_asks=[(82.0, 100.0)])
LOW = book(no_bids=[(40.0, 100.0)], no_asks=[(42.0, 100.0)])
PAUSE = Pause("request-1", Actor(kind=ActorKind.CALLER, name="alice"), "lunch")
NOBODY = book(no_bids=[], no_asks=[(42.0, 100.0)])


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def enter(rig: Rig) -> int:
    """Let the next scan enter, and no later one; returns the contracts held, in hundredths."""
    rig.wants()
    scans = len(rig.forecasts.scans)
    while len(rig.forecasts.scans) == scans:
        await rig.clock.advance(0.5)
    rig.forecasts.signals.clear()
    await rig.clock.advance(0.5)
    return -rig.venue.held(TICKER)


def agrees(rig: Rig, engine: Engine) -> None:
    """Check that books and exchange say the same."""
    held = sum(position.count for position in engine.state.books.positions.values())
    assert held == -rig.venue.held(TICKER)
    assert engine.state.books.expected_cash == rig.venue.cash
    assert not rig.journal.of(Differed)
    assert rig.refolded() == engine.state.books


async def test_a_signal_becomes_a_position_that_is_guarded_to_its_exit(rig: Rig) -> None:
    async with rig.running() as engine:
        held = await enter(rig)
        assert held > 0
        agrees(rig, engine)
        rig.venue.show(HIGH)
        await rig.clock.advance(10)
        agrees(rig, engine)
        (trade,) = engine.state.books.trades
    assert (trade.exit_kind, trade.count, rig.venue.held(TICKER)) == (ExitKind.TAKE_PROFIT, held, 0)
    assert trade.net > 0


async def test_a_price_that_falls_through_the_stop_is_sold_into_once_somebody_bids(rig: Rig) -> None:
    async with rig.running() as engine:
        held = await enter(rig)
        rig.venue.show(NOBODY)
        await rig.clock.advance(60)
        assert -rig.venue.held(TICKER) == held
        rig.venue.show(LOW)
        await rig.clock.advance(30)
        agrees(rig, engine)
        (trade,) = engine.state.books.trades
    assert (trade.exit_kind, rig.venue.held(TICKER)) == (ExitKind.STOP_LOSS, 0)


async def test_a_market_that_settles_closes_its_position(rig: Rig) -> None:
    async with rig.running() as engine:
        assert await enter(rig)
        rig.venue.settle(TICKER, Result.NO)
        await rig.clock.advance(130)
        agrees(rig, engine)
        (trade,) = engine.state.books.trades
    assert (trade.exit_kind, trade.proceeds) == (ExitKind.SETTLEMENT, trade.count * 10_000)


@pytest.mark.parametrize("silent", [False, True], ids=["streams tell", "streams are silent"])
async def test_an_order_whose_reply_was_lost_is_found_and_becomes_one_position(rig: Rig, silent: bool) -> None:
    rig.venue.silent = silent
    rig.venue.fail("place", Fault("reply_lost", 1.0))
    async with rig.running() as engine:
        await enter(rig)
        await rig.clock.advance(3)
        assert bool(rig.journal.of(OrderUnknown)) is silent
        assert len(rig.venue.orders) == len(rig.journal.of(OrderIntended)) == 1
        assert -rig.venue.held(TICKER) > 0
        agrees(rig, engine)


async def test_a_request_that_never_arrived_is_given_up_only_when_it_cannot_arrive_any_more(rig: Rig) -> None:
    rig.venue.fail("place", Fault("request_lost"))
    rig.wants()
    async with rig.running() as engine:
        await rig.clock.advance(19)
        (name,) = engine.state.books.orders
        assert engine.state.books.orders[name].state is OrderState.UNKNOWN
        assert "place" not in rig.venue.calls[rig.venue.calls.index("place") + 1 :]
        await rig.clock.advance(41)
        assert engine.state.books.orders[name].state is OrderState.NOT_SENT
        await rig.clock.advance(40)
        assert -rig.venue.held(TICKER) > 0, "the market is free again"
        agrees(rig, engine)


async def test_a_request_that_arrives_late_after_all_is_one_order(rig: Rig) -> None:
    rig.venue.fail("place", Fault("late", 6.0))
    async with rig.running() as engine:
        await enter(rig)
        assert engine.state.books.working
        await rig.clock.advance(20)
        assert -rig.venue.held(TICKER) > 0
        agrees(rig, engine)


async def test_an_error_that_nobody_expects_while_placing_is_an_unknown_outcome(rig: Rig) -> None:
    rig.venue.fail("place", Fault("raises"))
    async with rig.running():
        await enter(rig)
        (unknown,) = rig.journal.of(OrderUnknown)
        assert isinstance(unknown, OrderUnknown)
        assert unknown.why == "RuntimeError while it was placed"
    assert not rig.venue.orders


async def test_fills_are_asked_for_until_they_have_come(rig: Rig) -> None:
    rig.venue.silent = True
    rig.venue.fills_lag = 5.0
    async with rig.running() as engine:
        await enter(rig)
        (order,) = engine.state.books.orders.values()
        assert order.awaited
        assert not engine.state.books.positions
        await rig.clock.advance(6)
        assert not order.awaited
        agrees(rig, engine)
        asked = rig.venue.calls.count("fills_of")
        await rig.clock.advance(10)
        assert rig.venue.calls.count("fills_of") == asked


async def test_positions_are_guarded_by_reads_while_no_stream_tells_anything(rig: Rig) -> None:
    rig.venue.silent = True
    async with rig.running() as engine:
        await enter(rig)
        await rig.clock.advance(5)
        rig.venue.show(HIGH)
        await rig.clock.advance(15)
        assert rig.venue.held(TICKER) == 0
        agrees(rig, engine)


async def test_streams_that_end_are_begun_again_and_the_account_is_compared(rig: Rig) -> None:
    async with rig.running() as engine:
        await rig.clock.advance(5)
        before = rig.venue.calls.count("snapshot")
        rig.venue.break_streams()
        await rig.clock.advance(5)
        assert (rig.venue.calls.count("told"), rig.venue.calls.count("own")) == (2, 2)
        assert rig.venue.calls.count("snapshot") > before
        await rig.clock.advance(25)
        assert await enter(rig) > 0
        agrees(rig, engine)


async def test_nothing_is_entered_before_the_account_was_read(rig: Rig) -> None:
    rig.venue.fail("snapshot", *[Fault("unavailable")] * 6)
    rig.wants()
    async with rig.running():
        await rig.clock.advance(3)
        assert not rig.journal.of(Decided)
        assert "place" not in rig.venue.calls
        await rig.clock.advance(60)
        assert -rig.venue.held(TICKER) > 0


async def test_a_disk_that_fails_ends_the_engine_and_nothing_is_done_after(rig: Rig) -> None:
    rig.wants()
    rig.journal.refuse_from = 4
    assert await rig.live_until_failed(10)
    rows, calls = len(rig.journal.rows), len(rig.venue.calls)
    await rig.clock.advance(30)
    assert (len(rig.journal.rows), len(rig.venue.calls)) == (rows, calls)


async def test_an_engine_that_failed_takes_nothing_more(rig: Rig) -> None:
    core = Core(recalled(rig.journal, rig.settings)[0], rig.journal, rig.clock)
    rig.journal.refuse_from = 1
    with pytest.raises(EngineFailed, match="the disk is full"):
        core.handle(PAUSE)
    rig.journal.refuse_from = None
    with pytest.raises(EngineFailed, match="failed before"):
        core.handle(PAUSE)
    assert not rig.journal.rows


async def test_an_engine_takes_events_only_while_somebody_acts_on_them(rig: Rig) -> None:
    engine = rig.engine()
    with pytest.raises(Unavailable, match="starting"):
        engine.handle(PAUSE)
    async with rig.running() as running:
        running.handle(PAUSE)
        await stop(rig, running, 1.0)
        with pytest.raises(Unavailable, match="stopping"):
            running.handle(PAUSE)


@pytest.mark.parametrize("fault", ["down", "hangs"])
async def test_a_phone_that_does_not_answer_keeps_nothing_waiting(rig: Rig, fault: str) -> None:
    setattr(rig.phone, fault, True)
    async with rig.running() as engine:
        assert await enter(rig) > 0
        rig.venue.show(HIGH)
        await rig.clock.advance(10)
        assert rig.venue.held(TICKER) == 0
        assert engine.state.books.notices
        assert rig.phone.tries


async def test_without_a_forecast_server_nothing_is_entered_and_exits_go_on(rig: Rig) -> None:
    async with rig.running() as engine:
        assert await enter(rig) > 0
        rig.forecasts.away = True
        await rig.clock.advance(90)
        assert any(block.why == "the forecast server is away" for block in engine.state.books.blocks.values())
        rig.venue.show(HIGH)
        await rig.clock.advance(10)
        assert rig.venue.held(TICKER) == 0
        rig.forecasts.away = False
        await rig.clock.advance(40)
        assert not engine.state.books.blocks
        agrees(rig, engine)


async def test_a_stop_lets_requests_come_to_their_answer(rig: Rig) -> None:
    rig.venue.fail("place", Fault("slow", 2.0))
    rig.wants()
    async with rig.running() as engine:
        await rig.clock.advance(1)
        assert rig.journal.of(OrderSent)
        assert not rig.journal.of(OrderEnded)
        await stop(rig, engine, 5.0)
        assert [type(entry).__name__ for entry in rig.journal.of(OrderEnded)] == ["OrderEnded"]
        assert type(list(rig.journal.read())[-1].entry).__name__ == "Stopped"


async def test_what_has_no_answer_when_the_stop_is_over_is_on_record_as_unknown(rig: Rig) -> None:
    rig.venue.fail("place", Fault("slow", 60.0))
    rig.wants()
    async with rig.running() as engine:
        await rig.clock.advance(1)
        await stop(rig, engine, 5.0)
        assert rig.journal.of(OrderUnknown)
        assert type(list(rig.journal.read())[-1].entry).__name__ == "Stopped"


async def test_a_stopped_engine_asks_about_nothing_any_more(rig: Rig) -> None:
    rig.venue.fail("place", Fault("slow", 60.0))
    rig.wants()
    async with rig.running() as engine:
        await rig.clock.advance(1)
        await stop(rig, engine, 5.0)
        assert rig.journal.of(OrderUnknown)
        calls = list(rig.venue.calls)
        await rig.clock.advance(60)
        assert rig.venue.calls[len(calls) :] == []
    assert type(list(rig.journal.read())[-1].entry).__name__ == "Stopped"


async def test_a_scan_that_fails_while_it_is_cancelled_holds_up_no_stop(rig: Rig) -> None:
    class Breaking:
        broke = False

        async def scan(self, scan_id: str) -> AsyncIterator[Begin]:
            yield Begin((), (), ())
            try:
                await asyncio.Event().wait()
            finally:
                if not self.broke:
                    self.broke = True
                    raise Unavailable("the line broke just then")

    rig.forecasts = Breaking()  # type: ignore[assignment]  # it scans
    async with rig.running() as engine:
        await rig.clock.advance(1)
        await stop(rig, engine, 5.0)
    assert type(list(rig.journal.read())[-1].entry).__name__ == "Stopped"


async def test_the_kill_switch_stops_entries_and_scans_and_leaves_exits_alone(rig: Rig) -> None:
    async with rig.running():
        assert await enter(rig) > 0
        rig.switch = True
        await rig.clock.advance(1)
        scans = len(rig.forecasts.scans)
        rig.wants()
        await rig.clock.advance(60)
        assert len(rig.forecasts.scans) == scans
        rig.venue.show(HIGH)
        await rig.clock.advance(10)
        assert rig.venue.held(TICKER) == 0
        rig.venue.show(book())
        rig.switch = False
        await rig.clock.advance(31)
        assert len(rig.forecasts.scans) > scans


async def test_notices_that_were_not_delivered_are_sent_by_the_next_process(rig: Rig) -> None:
    rig.phone.down = True
    async with rig.running():
        await rig.clock.advance(2)
    queued = {entry.notification_id for entry in rig.journal.of(Notified) if isinstance(entry, Notified)}
    rig.phone.down = False
    async with rig.running() as engine:
        await rig.clock.advance(30)
        assert queued <= {notice.notification_id for notice in rig.phone.sent}
        assert not engine.state.books.notices
    last = [entry for entry in rig.journal.of(Notified) if isinstance(entry, Notified)]
    assert {entry.notification_id for entry in last if entry.delivery is Delivery.ACCEPTED} >= queued


async def test_a_signal_for_yes_is_never_bought(rig: Rig) -> None:
    rig.forecasts.signals[TICKER] = signal(side=Side.YES, useful_until=NOON.replace(day=24))
    async with rig.running():
        await rig.clock.advance(60)
    assert not rig.venue.orders
    assert EndReason.NEVER_LEFT not in [entry.ending.reason for entry in rig.journal.of(OrderEnded)]  # type: ignore[union-attr]


async def stop(rig: Rig, engine: Engine, seconds: float) -> None:
    """Stop an engine, moving the clock meanwhile."""
    async with asyncio.TaskGroup() as group:
        stopping = group.create_task(engine.stop(seconds))
        while not stopping.done():
            await rig.clock.advance(0.25)
