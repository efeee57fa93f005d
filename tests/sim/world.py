"""A trader's life in a world with bad days: its process is killed, its network loses things, its exchange pauses.

The engine and everything below it is the real one; the exchange is `tests.fakes.venue`, the disk a list. A process may
be killed before and after everything that is written, before a request leaves, and after a reply has come.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from mesh.kalshi.book import Book
from mesh.kalshi.errors import NoAnswer
from mesh.kalshi.terms import Result
from mesh.types import Hundredths, Side
from tests.fakes.trading import book, market, signal
from tests.fakes.venue import Told, Venue
from tests.sim.loop import PROCESS, Choices, Process, SimClock, SimLoop
from tests.sim.owner import adopted, by_hand
from tests.unit.trader.engine.rig import MemoryJournal
from trader.domain.entries import AnyEntry, Notified, OrderIntended
from trader.domain.events import (
    Accepted,
    Begun,
    ExchangeSeen,
    FillSeen,
    MarketSeen,
    NoOutcome,
    OrderSeen,
    Refused,
    ScanEnded,
    SignalCame,
)
from trader.domain.facts import FillFacts, MarketTerms, OrderTerms
from trader.domain.rereading import Rereading
from trader.domain.settings import (
    EntrySettings,
    ExitSettings,
    ProtectionSettings,
    RuleSettings,
    Settings,
    SizeSettings,
)
from trader.domain.state import Books
from trader.domain.views import (
    OrderView,
    Snapshot,
)
from trader.domain.words import ExchangeState, Mode, ScanOutcome
from trader.engine.engine import Engine, Timing
from trader.engine.recalling import recalled
from trader.journal.carried import Carried, decode, encode
from trader.journal.replaying import folded
from trader.ports import Begin, CancelDone, Journal, Recorded

T = TypeVar("T")
TICKERS = ("KXHIGHNY-26NOV23-T60", "KXHIGHNY-26NOV23-T61", "KXBTC-26NOV2312-B100")
VERSION = "1"
SETTLED = TICKERS[2]
"""It is determined and paid when the bad days are over."""
BY_HAND = "KXETH-26NOV2312-B100"
"""Where the owner buys by hand; no forecast is about it."""
SETTINGS = Settings(
    rules=RuleSettings(off=("edge", "stop_distance"), max_trades_per_series_per_scan=10),
    entries=EntrySettings(shadow=False, expire_seconds=5),
    sizes=SizeSettings(max_contracts_per_market=12),
    exits=ExitSettings(check_seconds=1, grace_seconds=2, retry_seconds=1, floor_cents=2),
    protections=ProtectionSettings(
        cooldown_seconds=3,
        max_daily_loss_dollars=500,
        max_drawdown_dollars=500,
        stop_guard_count=1000,
        calibration_trades=10_000,
    ),
)


class Killed(BaseException):
    """The process died here."""


@dataclass(frozen=True)
class Plan:
    """How bad the days are."""

    faults: bool = True
    crash_rate: float = 0.01
    crashes: int = 3
    crash_at: int | None = None
    """Number of the one boundary at which the process is killed; no other fault happens then."""
    adopts: float = 0.3
    """How likely the owner is to buy by hand and to give that to the trader."""
    horizon: float = 40.0
    """Seconds of bad days."""
    healed: float = 360.0
    """Seconds after them in which nothing goes wrong: by then everything must be settled."""


class KeptJournal(Journal, Protocol):
    """A journal that says what it holds."""

    def of(self, *kinds: type[AnyEntry]) -> list[AnyEntry]:
        """Give the entries of some kinds."""
        ...


@dataclass
class World:
    """Everything outside the trader, and the trader's processes one after the other."""

    loop: SimLoop
    plan: Plan
    settings: Settings = SETTINGS
    make_journal: "Callable[[World], KeptJournal]" = field(default_factory=lambda: Disk)
    happened: Counter[str] = field(default_factory=Counter)
    """What went wrong, and how often: a suite whose faults never strike proves nothing."""
    boundaries: int = 0
    asked: range = range(0)
    """Boundaries from the wish that was granted to the next one after its answer."""
    healthy: bool = False

    def __post_init__(self) -> None:
        """Make the exchange and the first books."""
        self.choices = self.loop.choices
        self.clock = SimClock(self.loop)
        self.adopts = self.choices.flip(self.plan.adopts)
        tickers = (*TICKERS, BY_HAND) if self.adopts else TICKERS
        self.markets = tuple(market(ticker, closes=timedelta(days=2)) for ticker in tickers)
        self.venue = Venue(self.clock, self.markets)
        self.start_cash = self.venue.cash
        self.journal = self.make_journal(self)
        self.process = Process("trader 0")
        self.runs = 0
        self.carried: bytes | None = None
        self.engine: Engine | None = None
        self.crashes_left = self.plan.crashes
        for each in self.markets:
            self.venue.show(book(each.ticker))

    @property
    def bad(self) -> bool:
        """Whether things go wrong now."""
        return self.plan.faults and self.plan.crash_at is None and not self.healthy

    def fault(self, what: str, probability: float) -> bool:
        """Draw whether something goes wrong, and count it."""
        struck = self.bad and self.choices.flip(probability)
        self.happened[what] += struck
        return struck

    def strike(self, what: str) -> bool:
        """Say whether the process is killed at this boundary, and kill it."""
        here, self.boundaries = self.boundaries, self.boundaries + 1
        if self.plan.crash_at is not None:
            struck = here == self.plan.crash_at
        else:
            struck = self.bad and self.crashes_left > 0 and self.choices.flip(self.plan.crash_rate)
        if struck:
            self.crashes_left -= 1
            self.loop.note(f"boundary {here}")
            self.kill(what)
        return struck

    def kill(self, what: str) -> None:
        """End the process here; half a second later another one starts."""
        self.happened[f"killed {what}"] += 1
        self.loop.note(f"killed {what}")
        self.process.alive = False
        Context().run(self.loop.call_later, 0.5, self.start)

    def start(self) -> None:
        """Start the trader, after a crash on what its journal says, and on what it came to at the start before."""
        self.venue.break_streams()
        self.runs += 1
        self.process = Process(f"trader {self.runs}")
        state, lived = recalled(self.journal, self.settings, decode(self.carried) if self.carried else None)
        if lived is not None:
            self.carried = encode(Carried(software="", time=lived, digest=b"", books=state.books))
        wired = Wired(self)
        engine = self.engine = Engine(
            state,
            self.journal,
            exchange=wired,
            markets=wired,
            scans=Signals(self),
            notifier=Silent(),
            clock=self.clock,
            timing=Timing(scan_seconds=4.0, reconcile_seconds=15.0),
            lived=lived,
        )
        begun = Begun(f"run-{self.runs}", Mode.PAPER, VERSION, "0" * 64)
        self.loop.note(f"start {self.runs}")
        self.loop.run_as(self.process, engine.run(begun), f"trader {self.runs}")

    async def live(self) -> None:
        """Let the days pass, bad ones and then good ones."""
        self.start()
        weather = self.loop.create_task(self._weather(), name="weather", context=Context())
        owner = self.loop.create_task(self._owner(), name="owner", context=Context())
        await asyncio.sleep(self.plan.horizon)
        self.healthy = True
        self.venue.state, self.venue.silent, self.venue.fills_lag = ExchangeState.OPEN, False, 0.0
        self.happened["settled with a position"] += bool(self.venue.held(SETTLED))
        self.venue.settle(SETTLED, (Result.YES, Result.NO)[self.choices.pick(2)])
        await asyncio.sleep(self.plan.healed / 2)
        await owner
        weather.cancel()
        for each in self.markets:  # somebody pays enough for everything that is for sale
            self.venue.show(book(each.ticker, no_bids=((54, 500),), no_asks=((56, 500),)))
        await asyncio.sleep(self.plan.healed / 2)
        await self._stop()
        if not self.process.alive:  # killed while it stopped: another one starts, and stops
            await asyncio.sleep(self.plan.healed)
            await self._stop()

    async def _stop(self) -> None:
        assert self.engine is not None
        stop = self.loop.run_as(self.process, self.engine.stop(5.0), "stop")
        await asyncio.wait([stop], timeout=10.0)

    async def _owner(self) -> None:
        """Buy by hand and give it to the trader, which sells it when its price moves."""
        if self.adopts:
            await adopted(self, BY_HAND)
            bid = (54, 80, 30)[self.choices.pick(3)]
            self.venue.show(book(BY_HAND, no_bids=[(bid, 200)], no_asks=[(bid + 2, 200)]))

    async def _weather(self) -> None:
        """Move prices, pause the exchange, set the clock."""
        middle = dict.fromkeys(TICKERS, 55)
        while True:
            await asyncio.sleep(0.5 + 0.5 * self.choices.pick(4))
            ticker = TICKERS[self.choices.pick(len(TICKERS))]
            # 0, the dull choice, is the way to the target and back.
            step = (6, -6, 14, -14, 25, -25)[self.choices.pick(6)] if not self.healthy or middle[ticker] < 40 else -3
            middle[ticker] = max(12, min(88, middle[ticker] + step))
            size = (200.0, 3.0, 1.5)[self.choices.pick(3)]
            bids = [] if self.fault("no bid", 0.05) else [(middle[ticker] - 1, size), (middle[ticker] - 4, 200)]
            self.venue.show(book(ticker, no_bids=bids, no_asks=[(middle[ticker] + 1, size)]))
            if self.fault("pause", 0.03):
                self.venue.state = ExchangeState.TRADING_PAUSED
            elif self.venue.state is not ExchangeState.OPEN and self.choices.flip(0.5):
                self.venue.state = ExchangeState.OPEN
            if self.fault("clock set", 0.02):
                self.clock.jumped += timedelta(seconds=(90, -90)[self.choices.pick(2)])
            if self.fault("streams broke", 0.05):
                self.venue.break_streams()
            self.venue.silent = self.bad and self.choices.flip(0.1)
            self.venue.fills_lag = 1.0 if self.fault("fills lag", 0.2) else 0.0


class Disk(MemoryJournal):
    """A journal whose writer may be killed before and after every write."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def append(self, time: datetime, entries: Sequence[AnyEntry]) -> None:
        """Write, unless the process dies before; it may die after, too."""
        kinds = ", ".join(sorted({type(entry).__name__ for entry in entries}))
        if self.world.strike(f"before writing {kinds}"):
            raise Killed
        super().append(time, entries)
        self.world.loop.note(f"wrote {kinds}")
        if self.world.strike(f"after writing {kinds}"):
            raise Killed


class Silent:
    """A phone that takes everything."""

    async def send(self, notice: Notified) -> None:
        """Take it."""


class Signals:
    """A forecast server that likes some markets, is away at times, and answers late."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def scan(self, scan_id: str) -> AsyncIterator[Begin | SignalCame | ScanEnded]:
        """Scan; nobody enters any more in the good days, so that everything comes to an end."""
        world, others = self.world, []
        forecast = [terms for terms in world.markets if terms.ticker != BY_HAND]
        listed = tuple(terms for terms in forecast if world.venue.markets[terms.ticker].trading)
        yield Begin(("KXHIGHNY", "KXBTC"), listed, ())
        away = world.fault("forecasts away", 0.1)
        for terms in listed:
            await asyncio.sleep(0.01 * world.choices.pick(3))
            if away or world.healthy or world.choices.pick(3) == 2:  # a third
                others.append((terms.ticker, ScanOutcome.FAILED if away else ScanOutcome.NO_SIGNAL, "none"))
            else:
                useful = world.clock.now() + timedelta(seconds=30)
                yield SignalCame(scan_id, terms, signal(useful_until=useful, take_profit_cents=5.0), b"")
        yield ScanEnded(scan_id, tuple(others), 0.1)


class Wired:
    """The exchange at the other end of a bad line."""

    own_shown = True

    def __init__(self, world: World) -> None:
        self.world, self.venue = world, world.venue

    async def _call(self, what: str, work: Callable[[], Awaitable[T]]) -> T | None:
        """Make a call: late, lost, carried out with its reply lost, or twice. None: no answer came."""
        world = self.world
        await self._boundary(f"before {what}")
        reply: asyncio.Future[T] = world.loop.create_future()
        lost = world.fault(f"request lost: {what}", 0.05)
        twice = not lost and world.fault(f"twice: {what}", 0.03)

        async def carry(*, twice: bool) -> None:
            try:
                await self._delay()
                result = await work()
                # What was refused comes no second time: taken then, it would be another order, and no line makes one.
                if twice and not isinstance(result, Refused):
                    world.loop.create_task(carry(twice=False), name=f"{what} again", context=Context())
                await self._delay()
            except Exception as error:
                if not reply.done():
                    reply.set_exception(error)
                return
            if not reply.done() and not world.fault(f"reply lost: {what}", 0.07):
                reply.set_result(result)

        if not lost:  # what is on its way outlives who sent it
            world.loop.create_task(carry(twice=twice), name=what, context=Context())
        try:
            async with asyncio.timeout(1.0):
                answer = await reply
        except TimeoutError:
            return None
        finally:
            if reply.done() and not reply.cancelled():
                reply.exception()
            reply.cancel()
        await self._boundary(f"after {what}")
        return answer

    async def _boundary(self, what: str) -> None:
        if PROCESS.get() is self.world.process and self.world.strike(what):
            await self.world.loop.create_future()

    async def _delay(self) -> None:
        """From a millisecond to two seconds, against a patience of one."""
        await asyncio.sleep(0.001 * 2 ** (self.world.choices.pick(12) if self.world.bad else 0))

    async def _read(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        answer = await self._call(what, work)
        if answer is None:
            raise NoAnswer("no answer")
        return answer

    async def place(self, order: OrderTerms, market: MarketTerms) -> Accepted | Refused | NoOutcome:
        """Send an order."""
        answer = await self._call("place", lambda: self.venue.place(order, market))
        return answer or NoOutcome("no answer")

    async def cancel(self, order_id: str, market: MarketTerms) -> CancelDone | NoOutcome:
        """Cancel an order."""
        return await self._call("cancel", lambda: self.venue.cancel(order_id, market)) or NoOutcome("no answer")

    async def order(self, order_id: str) -> OrderView | None:
        """Read one order."""
        (found,) = await self._read("order", lambda: _one(self.venue.order(order_id)))
        return found

    async def find(self, client_order_id: str, ticker: str, since: datetime) -> OrderView | None:
        """Look for an order."""
        (found,) = await self._read("find", lambda: _one(self.venue.find(client_order_id, ticker, since)))
        return found

    async def fills_of(self, order_id: str) -> tuple[FillFacts, ...]:
        """Read fills."""
        return await self._read("fills", lambda: self.venue.fills_of(order_id))

    async def snapshot(self, since: datetime) -> Snapshot:
        """Read the account, which may already be another one when the answer comes."""
        began = self.world.clock.monotonic()
        found = await self._read("snapshot", lambda: self.venue.snapshot(since))
        return Snapshot(**{name: getattr(found, name) for name in found.__slots__} | {"began": began})

    async def status(self) -> ExchangeSeen:
        """Read the status."""
        return await self._read("status", self.venue.status)

    async def market(self, ticker: str) -> MarketSeen:
        """Read a market."""
        return await self._read("market", lambda: self.venue.market(ticker))

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        """Read books."""
        return await self._read("books", lambda: self.venue.books(tickers))

    def watch(self, tickers: Iterable[str]) -> None:
        """Follow books."""
        self.venue.watch(tickers)

    def told(self) -> AbstractAsyncContextManager[AsyncIterator[Told]]:
        """Stream books."""
        return self.venue.told()

    def own(self) -> AbstractAsyncContextManager[AsyncIterator[OrderSeen | FillSeen | None]]:
        """Stream what becomes of orders."""
        return self.venue.own()


async def _one(work: Awaitable[T]) -> tuple[T]:
    """Wrap what may be None, which stands for no answer."""
    return (await work,)


def lived(
    choices: Choices,
    plan: Plan,
    *,
    story: list[str] | None = None,
    make_journal: Callable[[World], KeptJournal] | None = None,
) -> World:
    """Let a world live, and check at its end that nothing is lost, doubled or left open.

    `make_journal` gives it another journal than one in memory.

    Raises:
        AssertionError: An invariant is broken; its text says which.
    """
    loop = SimLoop(choices)
    loop.story = story
    asyncio.set_event_loop(loop)
    try:
        world = World(loop, plan, make_journal=make_journal or Disk)
        loop.run_until_complete(loop.create_task(world.live(), name="world", context=Context()))
        check(world)
        return world
    finally:
        asyncio.set_event_loop(None)
        loop.bury()


def reread(world: World) -> Books:
    """Fold the journal, and make every decision in it again: the same must come of all of them."""
    rereading = Rereading(VERSION)

    def again(books: Books, recorded: Recorded) -> None:
        rereading.take(books, recorded.sequence, recorded.time, recorded.entry)

    books = folded(world.journal.journal_id, world.journal.read(), audited=True, before=again)
    rereading.end()
    found = rereading.found
    assert not found.differing, f"made again, a decision is another one: {found.differing[0]}"
    assert not found.unmade, f"a decision cannot be made again: {found.unmade}"
    world.happened.update({f"{what} made again": count for what, count in found.same.items()})
    return books


def check(world: World) -> None:
    """Check the invariants of a healed world."""
    books, venue = world.engine.state.books if world.engine else Books("none"), world.venue
    problems = [str(problem.get("exception") or problem.get("message")) for problem in world.loop.problems]
    assert problems == [], problems
    assert reread(world) == books, "the journal folds to other books"
    for ticker in venue.markets:
        ours = {side: 0 for side in Side}
        for position in books.positions.values():
            ours[position.side] += position.count if position.market.ticker == ticker else 0
        assert ours[Side.YES] == 0, "YES was bought"
        assert -ours[Side.NO] == venue.held(ticker), f"{ticker}: {ours[Side.NO]} NO here, {venue.held(ticker)} there"
        assert venue.held(ticker) <= 0, f"{ticker} was sold beyond what was held"
        assert ours[Side.NO] <= Hundredths(1200), "beyond the cap"
    kept = {name: each for name, each in venue.orders.items() if not by_hand(each.terms)}
    assert {fill.fill_id for fill in venue.fills if fill.order_id in kept} == books.fills, "fills differ"
    assert books.expected_cash == venue.cash, f"cash {books.expected_cash} here, {venue.cash} there"
    states = {order.state.value for order in books.orders.values() if not order.state.final}
    assert not states, f"orders left {states}"
    assert not books.working, "fills are missing"
    intended = [
        entry.order.client_order_id for entry in world.journal.of(OrderIntended) if isinstance(entry, OrderIntended)
    ]
    assert len(intended) == len(set(intended)), "one order was intended twice"
    reached = {each.terms.client_order_id for each in kept.values()}
    assert reached <= set(intended), "an order that no journal knows"
    entered = Counter(each.terms.decision_id for each in kept.values() if each.terms.purpose.value == "entry")
    assert all(count == 1 for count in entered.values()), "two orders for one decision"
    for position in books.positions.values():
        assert position.exit is None, f"{position.position_id} is still being sold"
