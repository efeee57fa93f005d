"""Stopping in order: no more entries, what rests of them is cancelled, what is under way gets to its answer."""

from trader.domain.entries import CancelIntended
from trader.domain.words import OrderState, Purpose
from trader.engine.acting import Acting
from trader.engine.core import Core

WHY = "the trader stops"
_LOOK_SECONDS = 0.05


class Stopping:
    """Brings what the engine has under way to an end, as far as that is possible in time."""

    def __init__(self, core: Core, acting: Acting, *, cancel_entries: bool) -> None:
        self._core = core
        self._acting = acting
        self._cancel_entries = cancel_entries

    async def drain(self, seconds: float) -> None:
        """Wait until nothing is under way, but no longer than so many seconds."""
        clock = self._core.clock
        self._acting.withheld = lambda: WHY
        self._core.state.watch.stopping = True  # the rules refuse entries from now on, and the status says so
        end = clock.monotonic() + seconds
        while clock.monotonic() < end and not self._core.failed:
            self._cancel()
            if not self._acting.busy and not self._entries(OrderState.CANCELLING):
                return
            await clock.sleep(_LOOK_SECONDS)

    def _cancel(self) -> None:
        if self._cancel_entries and (resting := self._entries(OrderState.RESTING)):
            self._core.write(CancelIntended(client_order_id=name, why=WHY) for name in resting)

    def _entries(self, state: OrderState) -> list[str]:
        """Return the entries that are in a state; an order of an exit goes on without us."""
        orders = self._core.books.orders
        return [
            name
            for name in sorted(self._core.books.working)
            if orders[name].state is state and orders[name].terms.purpose is Purpose.ENTRY
        ]
