"""The engine: everything that works together from the start of the process to its end."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mesh.clock import Clock
from mesh.errors import Unavailable
from mesh.waiting import until
from trader.domain.entries import AnyEntry
from trader.domain.events import Begun, BookCame, Ended, Event
from trader.domain.state import State
from trader.engine.acting import Acting
from trader.engine.bell import Bell
from trader.engine.core import Core, Following, Listener
from trader.engine.exits import ExitLoop
from trader.engine.following import Follower
from trader.engine.looking import Looking
from trader.engine.looping import Looping
from trader.engine.reconciling import Reconciler
from trader.engine.scan_loop import ScanLoop
from trader.engine.stopping import Stop
from trader.engine.streams import Streams
from trader.engine.telling import Teller
from trader.ports import Exchange, Journal, Markets, Notifier, Scans

_EXITS_WAIT_SECONDS = 5.0
"""How long exits wait for the first comparison: it shows what became of the orders of the time before. Then they go on
without it: a position that nobody guards is worse, and reduce-only orders sell nothing that is not held."""

_CANCEL_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Timing:
    """How often things are done."""

    scan_seconds: float = 60.0
    """Longest time from the beginning of a scan to the next one's."""
    candle_steps: Sequence[timedelta] = ()
    """A scan begins soon after each of their ends."""
    reconcile_seconds: float = 60.0
    """Between two comparisons with the exchange, at most."""


class Engine:
    """Trades. `run` works until `stop` is done, or until it raises EngineFailed.

    Attributes:
        bell: Rings when the journal has grown: readers of the journal wait for it.
        started: Set once the journal's past is in the books and events are taken.
        exits: The exit loop.
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        *,
        exchange: Exchange,
        markets: Markets,
        scans: Scans,
        notifier: Notifier,
        clock: Clock,
        timing: Timing | None = None,
        kill_switch: Callable[[], bool] = lambda: False,
        lived: datetime | None = None,
        cancel_on_stop: bool = True,
    ) -> None:
        """Take what to trade with.

        Args:
            state: The fold over the journal, with an empty watch: see `recalled`.
            journal: What it is a fold of.
            exchange: Where orders go.
            markets: Public data.
            scans: Asks the forecast server.
            notifier: Tells the owner.
            clock: All times come from it.
            timing: How often things are done.
            kill_switch: Tells whether the kill switch file is there.
            lived: When an earlier process wrote the journal's last entry.
            cancel_on_stop: Whether resting entries are cancelled at a stop.
        """
        self._timing = timing or Timing()
        self._clock = clock
        state.own_shown = markets.own_shown
        self._core = Core(state, journal, clock)
        self._looping = Looping(self._core)
        self._follower = Follower(self._core, exchange, self._spawn)
        self._open = asyncio.Event()
        self._acting = Acting(
            self._core,
            exchange,
            markets,
            spawn=self._spawn,
            cancelled=self._follower.cancelled,
            opened=self._open,
        )
        self._teller = Teller(self._core, notifier)
        self._reconciler = Reconciler(self._core, exchange, self._looping, self._timing.reconcile_seconds, lived)
        self._streams = Streams(self._core, exchange, markets, self._reconciler, self._looping)
        self._looking = Looking(self._core, markets, kill_switch, self._looping)
        self._stop = Stop(self._core, self._acting, cancel_entries=cancel_on_stop)
        self._scans = scans
        self._markets = markets
        self._group: asyncio.TaskGroup | None = None
        self._running: dict[asyncio.Task[None], None] = {}
        self._scan: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self.exits = ExitLoop(self._core, markets, self._looping)
        self.started = asyncio.Event()
        self._acting.withheld = lambda: "" if self._reconciler.done.is_set() else "the account was not read yet"

    @property
    def state(self) -> State:
        """What it knows; to be read only."""
        return self._core.state

    @property
    def journal(self) -> Journal:
        """What it has written."""
        return self._core.journal

    @property
    def bell(self) -> Bell:
        """Rings when the journal has grown."""
        return self._core.bell

    @property
    def clock(self) -> Clock:
        """Its clock."""
        return self._clock

    def listen(self, listener: Listener) -> None:
        """Tell somebody of all entries from now on, once they are on disk. It must neither wait nor raise."""
        self._core.listen(listener)

    def handle(self, *events: Event | Following) -> tuple[AnyEntry, ...]:
        """Take events, as `Core.handle`: decide, write in one transaction, begin what follows, return what was written.

        Raises:
            Unavailable: It is not running yet, or no more: nobody would do what follows.
            EngineFailed: Deciding or writing failed, now or before; the process ends.
        """
        if self._group is None and not self._core.failed:
            raise Unavailable("the trader is starting or stopping", reason="ENGINE_NOT_RUNNING", retry_after=1.0)
        return self._core.handle(*events)

    async def learn(self, ticker: str) -> None:
        """Read the terms and the book of a market that nothing may have been known of.

        Raises:
            ExchangeError: The exchange does not know it (`ObjectNotFound`), or could not be asked.
            Unavailable: The engine is not running.
            EngineFailed: As `handle`.
        """
        seen = await self._markets.market(ticker)
        self.handle(seen, *(BookCame(book) for book in await self._markets.books((ticker,))))

    def alive(self) -> bool:
        """Tell whether every position has been looked at of late; true before the first look is due."""
        silence = self.state.settings.protections.max_exit_silence_seconds
        if not self.started.is_set() or self._stopped.is_set() or self.exits.passed is None:
            return True
        return self._clock.monotonic() - self.exits.passed <= silence

    async def run(self, begun: Begun) -> None:
        """Trade until `stop` is done.

        Args:
            begun: Who runs.

        Raises:
            EngineFailed: In an exception group.
        """
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._begin(begun)
                await self._stopped.wait()
        finally:
            self._group = None

    def _begin(self, begun: Begun) -> None:
        self._spawn(self._core.fail(), "failure")
        self._core.listen(self._wrote)
        self._core.handle(begun)
        self._looking.look_at_switch()
        self._follower.look()
        self._looking.follow()
        self.started.set()
        loops: dict[str, Coroutine[Any, Any, None]] = {
            "reconciliation": self._reconciler.run(),
            "exits": self._guard(),
            "followed books": self._looking.following(),
            "stale books": self.exits.audit(),
            "market data": self._streams.market_data(),
            "own orders": self._streams.own_orders(),
            "exchange status": self._looking.status(),
            "kill switch": self._looking.switch(),
            "notifications": self._teller.run(),
        }
        for name, loop in loops.items():
            self._spawn(loop, name)
        self._scan = self._spawn(self._scan_for_ever(begun.run_id), "scan")

    async def stop(self, seconds: float) -> None:
        """Stop in order: no more entries, drain what is under way for so many seconds, write the end.

        What has not come to an answer by then is on record as unknown; the next start settles it.
        """
        if self._group is None or self._scan is None or self._core.failed:
            return
        await _ended([self._scan])
        await self._stop.drain(seconds)
        self._group = None  # nothing begins any more, whatever is still written
        await _ended(self._running)
        if not self._core.failed:
            self._core.handle(Ended())
        self._stopped.set()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None] | None":
        """Start a task of the engine; None where it is not running, or ending."""
        task = None
        try:
            if self._group is not None:
                task = self._group.create_task(work, name=name)
        except RuntimeError:  # the group is shutting down
            pass
        if task is None:
            work.close()
            return None
        self._running[task] = None
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)

    def _wrote(self, written: tuple[AnyEntry, ...]) -> None:
        self._acting.act(written)
        self._follower.look()
        self._teller.look()
        self._looking.look(written)

    async def _guard(self) -> None:
        await until(self._reconciler.done, self._clock, _EXITS_WAIT_SECONDS)
        self._open.set()
        await self.exits.run()

    async def _scan_for_ever(self, run_id: str) -> None:
        await self._reconciler.done.wait()
        timing = self._timing
        seconds, steps = timing.scan_seconds, timing.candle_steps
        parts = (self._core, self._scans, self._markets, self._looping)
        await ScanLoop(*parts, name=run_id, seconds=seconds, steps=steps).run()


async def _ended(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks until they have ended: one that fails at that moment takes the first time for its failure."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)
