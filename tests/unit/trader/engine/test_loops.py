"""Scans, notifications, status, books to follow, and loops that fail."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mesh.clock import ManualClock
from mesh.errors import Unavailable
from mesh.types import Side
from tests.fakes.trading import NOON, TICKER, book, cents, market, signal
from tests.fakes.venue import Fault
from tests.unit.trader.engine.rig import Rig, write
from trader.domain.entries import Decided, Notified, PositionOpened, ScanFinished
from trader.domain.events import BookCame, BooksLost, MarketSeen, ScanEnded, SignalCame, Tick
from trader.domain.facts import ExitPlan
from trader.domain.watching import top
from trader.domain.words import Delivery, ExchangeState, LinkKind, ScanOutcome, Urgency, Verdict
from trader.engine.arrivals import Arrivals
from trader.engine.core import Core
from trader.engine.interest import followed
from trader.engine.looping import Looping
from trader.engine.recalling import recalled
from trader.engine.scan_loop import ScanLoop
from trader.engine.telling import Teller
from trader.ports import Begin

MANY = [market(f"KXHIGHNY-26NOV23-T{number}", closes=timedelta(days=2)) for number in range(90)]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def core_of(rig: Rig) -> Core:
    """The inside of an engine, without its loops."""
    return Core(recalled(rig.journal, rig.settings)[0], rig.journal, rig.clock)


def notice(number: int, urgency: Urgency = Urgency.NORMAL) -> Notified:
    """Something to tell the owner."""
    return Notified(
        notification_id=f"n-{number}", urgency=urgency, delivery=Delivery.QUEUED, title=f"title {number}", text="text"
    )


async def test_a_scan_begins_soon_after_a_candle_closes(rig: Rig) -> None:
    core = core_of(rig)
    began: list[float] = []

    class Noting:
        async def scan(self, scan_id: str) -> AsyncIterator[Begin]:
            began.append(rig.clock.monotonic())
            yield Begin((), (), ())

    steps = (timedelta(minutes=1), timedelta(hours=1))
    loop = ScanLoop(core, Noting(), rig.venue, Looping(core), name="run", seconds=40.0, steps=steps)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(loop.run())
        await rig.clock.advance(200)
        running.cancel()
    assert began == [0, 5, 45, 65, 105, 125, 165, 185]


async def test_a_clock_that_is_set_back_while_a_scan_runs_delays_the_next_one_by_nothing(rig: Rig) -> None:
    class Set(ManualClock):
        back = timedelta()

        def now(self) -> datetime:
            return super().now() - self.back

    clock = rig.clock = Set(NOON)
    core = core_of(rig)
    began: list[float] = []

    class Setting:
        async def scan(self, scan_id: str) -> AsyncIterator[Begin]:
            began.append(clock.monotonic())
            clock.back += timedelta(days=1)
            yield Begin((), (), ())

    loop = ScanLoop(core, Setting(), rig.venue, Looping(core), name="run", seconds=40.0, steps=())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(loop.run())
        await clock.advance(100)
        running.cancel()
    assert began == [0, 40, 80]


async def test_what_is_known_of_a_market_is_dropped_after_its_close_unless_something_of_ours_is_in_it(rig: Rig) -> None:
    core = core_of(rig)
    ours, over, later = (market(f"KXBTC-26NOV2313-B{number}", closes=timedelta(hours=number)) for number in (1, 2, 9))
    plan = ExitPlan(take_profit=None, stop_loss=None)
    write(core, [PositionOpened(position_id="p", market=ours, side=Side.NO, decision_id=None, ask=None, plan=plan)])
    for each in (ours, over, later):
        core.handle(SignalCame("s", each, signal(side=Side.YES), b""), BookCame(book(each.ticker)))
        core.handle(MarketSeen(each, trading=False))
    core.handle(BookCame(book("KXOLD-1")))
    watch = core.state.watch
    await rig.clock.advance(2.5 * 3600)
    core.handle(ScanEnded("s-1", (), 0.1))
    assert over.ticker in watch.terms, "a market may close later than was said"
    await rig.clock.advance(2 * 3600)
    core.handle(ScanEnded("s-2", (), 0.1))
    kept = {ours.ticker, later.ticker}
    assert [set(each) for each in (watch.terms, watch.books, watch.signals, watch.halted)] == [kept] * 4


async def test_every_market_of_a_scan_has_one_outcome_also_when_it_is_broken_off() -> None:
    rig = Rig(markets=MANY)
    rig.forecasts.seconds = 1.0
    rig.forecasts.signals[MANY[0].ticker] = signal(useful_until=NOON + timedelta(days=1))
    async with rig.running() as engine:
        await rig.clock.advance(10)
        assert engine.state.books.scan is not None
        assert engine._scan is not None
        engine._scan.cancel()
        await rig.clock.advance(1)
    (finished,) = rig.journal.of(ScanFinished)
    assert isinstance(finished, ScanFinished)
    assert finished.counts == {ScanOutcome.SIGNAL: 1, ScanOutcome.FAILED: 89}
    assert finished.unread == (("KXHIGHNY", "the scan was broken off"),), "and it is none that read everything"


async def test_many_signals_are_decided_in_few_transactions_and_each_has_its_book() -> None:
    rig = Rig(markets=MANY)
    rig.wants()
    async with rig.running():
        before = rig.journal.appends
        await rig.clock.advance(3)
        assert len(rig.journal.of(Decided)) == 90
        assert rig.journal.appends - before < 60
        assert rig.venue.calls.count("books") <= 4
    found = [entry for entry in rig.journal.of(Decided) if isinstance(entry, Decided)]
    assert all(entry.top is not None for entry in found)
    assert sum(entry.entered for entry in found) == 3, "as many as the rules allow a series in one scan"


async def test_books_are_read_only_for_signals_that_may_be_acted_on(rig: Rig) -> None:
    rig.forecasts.signals[TICKER] = signal(side=Side.YES, useful_until=NOON + timedelta(days=1))
    async with rig.running():
        await rig.clock.advance(3)
    assert "books" not in rig.venue.calls


async def test_nothing_is_bought_on_the_prices_of_a_listing(rig: Rig) -> None:
    core = core_of(rig)
    listed = Begin(("KXHIGHNY",), rig.markets, (book(no_bids=[(40.0, 1.0)], no_asks=[(41.0, 1.0)]),))
    wanted = SignalCame("scan-1", rig.markets[0], signal(useful_until=NOON + timedelta(days=1)), b"")
    await Arrivals(core, rig.venue, "scan-1").take([listed])
    shown = top(core.state.watch, TICKER, Side.NO, core.moment)
    assert shown is not None
    assert (shown.ask, shown.age_seconds) == (cents(41), None)
    await Arrivals(core, rig.venue, "scan-1").take([wanted])
    (decided,) = (entry for entry in rig.journal.of(Decided) if isinstance(entry, Decided))
    assert decided.top is not None
    assert decided.top.ask == cents(56), "the book was read, for all that the listing said"
    rig.venue.fail("books", Fault("unavailable"))
    core.handle(BooksLost(None))
    await Arrivals(core, rig.venue, "scan-2").take([listed, replace(wanted, scan_id="scan-2")])
    again = [entry for entry in rig.journal.of(Decided) if isinstance(entry, Decided)][-1]
    assert not again.entered
    assert "book_age" in {found.rule for found in again.findings if found.verdict is Verdict.REFUSED}


async def test_a_listing_overwrites_no_book_that_is_known_better(rig: Rig) -> None:
    core = core_of(rig)
    core.handle(BookCame(book(no_bids=[(54.0, 100.0), (53.0, 100.0)])))
    listed = Begin(("KXHIGHNY",), rig.markets, (book(no_bids=[(54.0, 1.0)]),))
    await Arrivals(core, rig.venue, "scan-1").take([listed])
    assert len(core.state.watch.books[TICKER].book.bids(Side.NO)) == 2
    core.handle(BooksLost(None))
    await Arrivals(core, rig.venue, "scan-2").take([listed])
    assert len(core.state.watch.books[TICKER].book.bids(Side.NO)) == 1
    assert not core.state.watch.books[TICKER].exact


async def test_urgent_messages_go_first_and_one_that_nobody_accepts_keeps_none_waiting(rig: Rig) -> None:
    core = core_of(rig)

    class Choosy:
        def __init__(self) -> None:
            self.sent: list[str] = []
            self.tries = 0

        async def send(self, notice: Notified) -> None:
            self.tries += 1
            if notice.notification_id == "n-0":
                raise Unavailable("too odd a message")
            self.sent.append(notice.notification_id)

    phone = Choosy()
    teller = Teller(core, phone)
    kinds = [Urgency.EMERGENCY, Urgency.QUIET, Urgency.NORMAL, Urgency.HIGH, Urgency.NORMAL]
    write(core, [notice(number, urgency) for number, urgency in enumerate(kinds)])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(teller.run())
        await rig.clock.advance(10)
        assert phone.sent == ["n-3", "n-2", "n-4", "n-1"]
        await rig.clock.advance(3600)
        running.cancel()
    assert not core.books.notices
    assert phone.tries == 16, "a dozen tries, and then it has failed"
    last = {each.notification_id: each.delivery for each in rig.journal.of(Notified) if isinstance(each, Notified)}
    assert last["n-0"] is Delivery.FAILED
    assert last["n-1"] is Delivery.ACCEPTED


async def test_too_many_messages_that_wait_are_cut_and_each_of_them_is_on_record(rig: Rig) -> None:
    core = core_of(rig)
    rig.phone.down = True
    write(core, [notice(number) for number in range(230)])
    teller = Teller(core, rig.phone)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(teller.run())
        await rig.clock.advance(5)
        running.cancel()
    assert len(core.books.notices) == 200


async def test_the_status_is_read_more_often_near_a_pause(rig: Rig) -> None:
    async with rig.running():
        await rig.clock.advance(60)
        assert rig.venue.calls.count("status") in range(12, 15)
        rig.venue.pauses = ((NOON + timedelta(minutes=5), NOON + timedelta(minutes=10)),)
        await rig.clock.advance(179)
        before = rig.venue.calls.count("status")
        await rig.clock.advance(62)
        assert rig.venue.calls.count("status") - before > 50


async def test_an_exchange_that_is_paused_is_seen_and_nothing_is_entered(rig: Rig) -> None:
    rig.venue.state = ExchangeState.TRADING_PAUSED
    rig.wants()
    async with rig.running() as engine:
        await rig.clock.advance(20)
        assert engine.state.watch.exchange is ExchangeState.TRADING_PAUSED
        assert "place" not in rig.venue.calls
        rig.venue.state = ExchangeState.OPEN
        await rig.clock.advance(40)
        assert "place" in rig.venue.calls


async def test_books_are_followed_of_positions_and_of_the_latest_signals_only() -> None:
    rig = Rig(markets=MANY)
    rig.wants(MANY[0].ticker)
    rig.forecasts.signals[MANY[1].ticker] = signal(magnitude=1.0, useful_until=NOON + timedelta(days=1))
    async with rig.running() as engine:
        await rig.clock.advance(2)
        assert set(rig.venue.watched) == {MANY[0].ticker, MANY[1].ticker}
        rig.forecasts.signals.clear()
        await rig.clock.advance(1000)
        assert rig.venue.watched == (MANY[0].ticker,)
        assert followed(engine.state, rig.clock.monotonic()) == (MANY[0].ticker,)


async def test_the_exit_loop_goes_on_while_books_cannot_be_read(rig: Rig) -> None:
    rig.wants()
    async with rig.running() as engine:
        await rig.clock.advance(2)
        rig.venue.silent = True
        rig.venue.fail("books", *[Fault("slow", 30.0)] * 3)
        await rig.clock.advance(20)
        assert engine.alive()
        assert engine.exits.passed is not None
        assert rig.clock.monotonic() - engine.exits.passed <= 1.0
        rig.venue.fail("books", *[Fault("unavailable")] * 1000)
        await rig.clock.advance(60)
        link = engine.state.watch.links[LinkKind.MARKET_DATA]
        assert link.up is False
        assert any(block.why == "market data is away" for block in engine.state.books.blocks.values())


async def test_a_trader_whose_exit_loop_is_silent_is_not_alive(rig: Rig) -> None:
    async with rig.running() as engine:
        await rig.clock.advance(5)
        assert engine.alive()
        engine.exits.passed = rig.clock.monotonic() - 31
        assert not engine.alive()


async def test_a_loop_that_fails_is_begun_again_whatever_went_wrong(rig: Rig) -> None:
    core = core_of(rig)
    came: list[float] = []

    async def work() -> None:
        came.append(rig.clock.monotonic())
        if len(came) == 1:
            raise ValueError("a bug")
        if len(came) == 2:
            raise Unavailable("away")
        core.handle(Tick())

    async with asyncio.TaskGroup() as group:
        running = group.create_task(Looping(core).every("work", lambda: 1.0, work, LinkKind.EXCHANGE))
        await rig.clock.advance(3)
        running.cancel()
    assert came == [0, 1, 2, 3]
    assert core.state.watch.links[LinkKind.EXCHANGE].problem == "UNAVAILABLE: away"
