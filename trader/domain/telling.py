"""What the owner is told. Pure."""

from trader.domain.entries import AnyEntry
from trader.domain.events import Delivered, Event, Moment
from trader.domain.state import State


def tell(state: State, entries: tuple[AnyEntry, ...], event: Event, moment: Moment) -> list[AnyEntry]:
    """Write the notifications that entries give reason for."""
    return []


def delivered(state: State, event: Delivered) -> list[AnyEntry]:
    """Write what became of a notification."""
    return []
