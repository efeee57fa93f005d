"""Orders that leave: exits before entries, none that is overtaken, every one with an answer on record."""

import asyncio
from datetime import timedelta

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import Side
from tests.fakes.trading import NOON, cents, contracts, market
from tests.fakes.venue import Fault
from tests.unit.trader.engine.rig import Rig, write
from trader.domain.entries import OrderIntended, OrderSent
from trader.domain.events import Pause
from trader.domain.facts import Actor, OrderTerms
from trader.domain.words import ActorKind, EndReason, ExitKind, OrderState, Purpose
from trader.engine.engine import Engine

MARKETS = [market(f"KXHIGHNY-26NOV23-T{number}", closes=timedelta(days=2)) for number in range(20)]
SOON = NOON + timedelta(minutes=10)


def order(number: int, purpose: Purpose, seconds: float = 600.0) -> OrderTerms:
    """An order in a market of its own."""
    entry = purpose is Purpose.ENTRY
    ticker = MARKETS[number].ticker
    return OrderTerms(
        client_order_id=f"{purpose.value}-{number}",
        decision_id=f"d-{number}",
        leg=0,
        position_id=f"p-{number}",
        ticker=ticker,
        event_ticker=MARKETS[number].event_ticker,
        series_ticker=MARKETS[number].series_ticker,
        side=Side.NO,
        action=Action.BUY if entry else Action.SELL,
        purpose=purpose,
        exit_kind=None if entry else ExitKind.STOP_LOSS,
        limit=cents(58) if entry else cents(1),
        count=contracts(1),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED if entry else TimeInForce.IMMEDIATE_OR_CANCEL,
        expire_time=NOON + timedelta(seconds=seconds) if entry else None,
        reduce_only=not entry,
    )


async def ready() -> Rig:
    """An exchange with many markets and nothing to scan."""
    return Rig(markets=MARKETS)


def state_of(engine: Engine, name: str) -> OrderState:
    """The state of an order now."""
    return engine.state.books.orders[name].state


def intend(engine: Engine, *orders: OrderTerms) -> None:
    """Write orders as the domain would."""
    write(engine._core, [OrderIntended(order=each) for each in orders])


async def test_exits_leave_before_entries_that_were_decided_before_them() -> None:
    rig = await ready()
    async with rig.running() as engine:
        await rig.clock.advance(2)
        rig.venue.fail("place", *[Fault("slow", 3.0)] * 2)
        intend(engine, order(0, Purpose.ENTRY), order(1, Purpose.EXIT), order(2, Purpose.EXIT))
        await rig.clock.advance(1)
        sent = [entry.client_order_id for entry in rig.journal.of(OrderSent) if isinstance(entry, OrderSent)]
        assert sent == ["exit-1", "exit-2"]
        await rig.clock.advance(5)
        sent = [entry.client_order_id for entry in rig.journal.of(OrderSent) if isinstance(entry, OrderSent)]
        assert sent == ["exit-1", "exit-2", "entry-0"]


async def test_entries_that_wait_for_slow_answers_keep_no_exit_waiting() -> None:
    rig = await ready()
    async with rig.running() as engine:
        await rig.clock.advance(2)
        rig.venue.fail("place", *[Fault("slow", 30.0)] * 8)
        intend(engine, *(order(number, Purpose.ENTRY) for number in range(12)))
        await rig.clock.advance(1)
        assert len(rig.journal.of(OrderSent)) == 8
        intend(engine, order(15, Purpose.EXIT))
        await rig.clock.advance(0)
        assert state_of(engine, "exit-15") is OrderState.REJECTED, "it was answered: nothing is held"


async def test_an_entry_that_a_block_overtakes_never_leaves() -> None:
    rig = await ready()
    async with rig.running() as engine:
        await rig.clock.advance(2)
        rig.venue.fail("place", Fault("slow", 3.0))
        intend(engine, order(0, Purpose.ENTRY), order(1, Purpose.EXIT))
        await rig.clock.advance(1)
        engine.handle(Pause("request-1", Actor(kind=ActorKind.CALLER, name="alice"), "lunch"))
        await rig.clock.advance(5)
        entry = engine.state.books.orders["entry-0"]
        assert entry.state is OrderState.NOT_SENT
        assert entry.ending is not None
        assert entry.ending.reason is EndReason.NEVER_LEFT
        assert "lunch" in entry.ending.detail
        assert rig.venue.calls.count("place") == 1


async def test_an_entry_whose_time_is_over_never_leaves() -> None:
    rig = await ready()
    async with rig.running() as engine:
        await rig.clock.advance(2)
        rig.venue.fail("place", Fault("slow", 20.0))
        intend(engine, order(0, Purpose.ENTRY, seconds=15), order(1, Purpose.EXIT))
        await rig.clock.advance(30)
        assert state_of(engine, "entry-0") is OrderState.NOT_SENT
        assert rig.venue.calls.count("place") == 1


async def test_an_engine_that_is_cut_off_leaves_on_record_that_an_answer_is_missing() -> None:
    rig = await ready()
    async with rig.running() as engine:
        await rig.clock.advance(2)
        rig.venue.fail("place", Fault("slow", 60.0))
        intend(engine, order(0, Purpose.ENTRY))
        await rig.clock.advance(1)
    assert state_of(engine, "entry-0") is OrderState.UNKNOWN
    assert rig.refolded() == engine.state.books


async def test_whoever_waits_for_the_bell_misses_no_entry() -> None:
    rig = await ready()
    read: list[int] = []

    async def follow(engine: Engine) -> None:
        while True:
            read.extend(recorded.sequence for recorded in engine.journal.read(len(read)))
            await engine.bell.heard()

    async with rig.running() as engine, asyncio.TaskGroup() as group:
        following = group.create_task(follow(engine))
        await rig.clock.advance(30)
        intend(engine, order(0, Purpose.ENTRY))
        await rig.clock.advance(10)
        following.cancel()
    assert read == list(range(1, rig.journal.last_sequence + 1))


async def test_a_cancelled_order_is_read_until_its_end_is_known() -> None:
    rig = await ready()
    rig.venue.silent = True
    async with rig.running() as engine:
        await rig.clock.advance(2)
        rig.venue.fail("order", *[Fault("unavailable")] * 2)
        intend(engine, order(0, Purpose.ENTRY))
        rig.venue.markets[MARKETS[0].ticker].bids.clear()
        await rig.clock.advance(1)
        assert state_of(engine, "entry-0") is OrderState.RESTING
        engine.handle(Pause("request-1", Actor(kind=ActorKind.CALLER, name="alice"), "lunch"))
        await rig.clock.advance(1)
        assert state_of(engine, "entry-0") is OrderState.CANCELLED
        assert rig.venue.calls.count("cancel") == 1


async def test_a_stop_cancels_what_rests_to_enter() -> None:
    rig = await ready()
    async with rig.running() as engine:
        await rig.clock.advance(2)
        intend(engine, order(0, Purpose.ENTRY))
        rig.venue.markets[MARKETS[0].ticker].bids.clear()
        await rig.clock.advance(1)
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(engine.stop(5.0))
            while not stopping.done():
                await rig.clock.advance(0.25)
        assert state_of(engine, "entry-0") is OrderState.CANCELLED
        assert not rig.venue._resting(MARKETS[0].ticker)
