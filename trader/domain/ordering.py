"""The life of the trader's own orders: what answers, records, fills and time make of them. Pure."""

from trader.domain.entries import AnyEntry
from trader.domain.events import Answered, CancelAnswered, FillSeen, Moment, OrderSeen, Sending
from trader.domain.state import State


def recover(state: State, moment: Moment) -> list[AnyEntry]:
    """After a start: what was intended never left, what was sent is unknown, what was told to nobody is told."""
    return []


def happened(
    state: State, event: Sending | Answered | CancelAnswered | OrderSeen | FillSeen, moment: Moment
) -> list[AnyEntry]:
    """Write what became of an order."""
    return []


def timed(state: State, moment: Moment) -> list[AnyEntry]:
    """Cancel what waits too long."""
    return []
