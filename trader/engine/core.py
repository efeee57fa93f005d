"""One call at a time: decide, write, then tell those who act on it."""

import asyncio
from collections.abc import Callable

from mesh import log
from mesh.clock import Clock
from mesh.errors import Broken
from trader.domain.decide import decide
from trader.domain.entries import AnyEntry
from trader.domain.events import Event, Moment
from trader.domain.facts import MarketTerms, OrderTerms
from trader.domain.state import Books, State
from trader.engine.bell import Bell
from trader.ports import Journal

Following = Callable[[], Event]
"""Makes an event once those before it are decided."""
Listener = Callable[[tuple[AnyEntry, ...]], None]
"""Told of entries that are on disk. Must neither wait nor raise."""

_log = log.get(__name__)


class EngineFailed(Broken):
    """What the engine knows is no longer what the journal says: this process must end. The next one reads it again."""

    default_reason = "ENGINE_FAILED"


class Core:
    """The state, the journal that it is a fold of, and the one way to change both.

    Attributes:
        state: Everybody may read it; only `handle` changes it.
        journal: What it is a fold of.
        clock: Where the moments come from.
        bell: Rings when the journal has grown.
    """

    def __init__(self, state: State, journal: Journal, clock: Clock) -> None:
        self.state = state
        self.journal = journal
        self.clock = clock
        self.bell = Bell()
        self._listeners: list[Listener] = []
        self._failure: BaseException | None = None
        self._failed = asyncio.Event()

    @property
    def books(self) -> Books:
        """The fold over the journal."""
        return self.state.books

    @property
    def moment(self) -> Moment:
        """This moment."""
        return Moment(self.clock.now(), self.clock.monotonic())

    def listen(self, listener: Listener) -> None:
        """Tell somebody of all entries from now on, once they are on disk, in the order in which they came here."""
        self._listeners.append(listener)

    def handle(self, *events: Event | Following) -> tuple[AnyEntry, ...]:
        """Decide on events, one after the other, and write all that follows in one transaction.

        Args:
            events: Events, or what makes one of what those before it have led to.

        Returns:
            What was written.

        Raises:
            EngineFailed: Deciding or writing failed, now or before.
        """

        def decided(moment: Moment) -> list[AnyEntry]:
            return [
                entry for event in events for entry in decide(self.state, event() if callable(event) else event, moment)
            ]

        return self._take(decided)

    def _take(self, decided: Callable[[Moment], list[AnyEntry]]) -> tuple[AnyEntry, ...]:
        if self._failure is not None:
            raise EngineFailed("the engine has failed before, and takes nothing more")
        moment = self.moment  # one for both: what is read back must fold to what was folded here
        try:
            written = tuple(decided(moment))
            if written:
                self.journal.append(moment.now, written)
        except BaseException as error:  # state and journal are no longer the same, whatever it was
            self._failure = error
            self._failed.set()
            if not isinstance(error, Exception):
                raise
            _log.critical("the engine failed", error=str(error))
            raise EngineFailed(f"{type(error).__name__}: {error}") from error
        if written:
            self.bell.ring()
            for listener in self._listeners:
                listener(written)
        return written

    @property
    def failed(self) -> bool:
        """Whether it takes nothing more."""
        return self._failure is not None

    async def fail(self) -> None:
        """Wait until it has failed, and raise EngineFailed: it may have happened in a task that others wait for."""
        await self._failed.wait()
        raise EngineFailed(f"{type(self._failure).__name__}: {self._failure}") from self._failure

    def terms(self, order: OrderTerms) -> MarketTerms | None:
        """Return what is known of an order's market, the latest first."""
        if (seen := self.state.watch.terms.get(order.ticker)) is not None:
            return seen
        if (position := self.books.positions.get(order.position_id)) is not None:
            return position.market
        decision = self.books.decisions.get(order.decision_id)
        return None if decision is None else decision.market
