"""Positions from their first fill to their end: when they are sold, and that it is done. Pure."""

from trader.domain.entries import AnyEntry
from trader.domain.events import Adopt, Flatten, Moment
from trader.domain.state import State


def look(state: State, ticker: str, moment: Moment) -> list[AnyEntry]:
    """Look at the positions of one market, whose book just came."""
    return []


def look_at_all(state: State, moment: Moment) -> list[AnyEntry]:
    """Look at every position: the pass of the exit loop."""
    return []


def carry_out(state: State, moment: Moment) -> list[AnyEntry]:
    """Take the next step of every exit that is decided, close what has nothing left."""
    return []


def flatten(state: State, event: Flatten, moment: Moment) -> list[AnyEntry]:
    """Decide to sell what a person wants sold."""
    return []


def adopt(state: State, event: Adopt, moment: Moment) -> list[AnyEntry]:
    """Take a position that the trader did not open."""
    return []
