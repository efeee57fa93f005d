"""The trader's books against the exchange's: explained, taken over, or reported. Pure."""

from trader.domain.entries import AnyEntry
from trader.domain.events import HeldView, Moment, OrderView, Snapshot
from trader.domain.state import State


def compare(state: State, snapshot: Snapshot, moment: Moment) -> list[AnyEntry]:
    """Take over what the exchange's records explain and report what they do not."""
    return []


def foreign(state: State) -> tuple[tuple[OrderView, ...], tuple[HeldView, ...]]:
    """Return resting orders and positions of the last account read that are not the trader's."""
    return (), ()
