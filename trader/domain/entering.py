"""From a signal to an entry, or to the reasons against it. Pure."""

from trader.domain.entries import AnyEntry
from trader.domain.events import Moment, SignalCame
from trader.domain.state import State


def enter(state: State, event: SignalCame, moment: Moment) -> list[AnyEntry]:
    """Decide about one signal: `Decided`, and where it enters also `OrderIntended` and its shadow."""
    return []
