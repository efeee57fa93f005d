"""Stopping in order: no more entries, what rests of them is cancelled, what is under way gets to its answer."""

from trader.domain.events import Stopping
from trader.domain.words import OrderState, Purpose
from trader.engine.acting import Acting
from trader.engine.core import Core

WHY = "the trader stops"
_LOOK_SECONDS = 0.05


class Stop:
    """Brings what the engine has under way to an end, as far as that is possible in time."""

    def __init__(self, core: Core, acting: Acting, *, cancel_entries: bool) -> None:
        self._core = core
        self._acting = acting
        self._cancel_entries = cancel_entries

    async def drain(self, seconds: float) -> None:
        """Wait until nothing is under way, but no longer than so many seconds."""
        clock = self._core.clock
        self._acting.withheld = lambda: WHY
        end = clock.monotonic() + seconds
        while clock.monotonic() < end and not self._core.failed:
            self._core.handle(Stopping(self._cancel_entries))
            if not self._acting.busy and not self._cancelling():
                return
            await clock.sleep(_LOOK_SECONDS)

    def _cancelling(self) -> bool:
        """Tell whether the end of an entry is waited for; an order of an exit goes on without us."""
        orders = [self._core.books.orders[name] for name in self._core.books.working]
        return any(order.state is OrderState.CANCELLING and order.terms.purpose is Purpose.ENTRY for order in orders)
