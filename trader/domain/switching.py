"""What stops entries: people, the kill switch file, protections, links. Pure."""

from trader.domain.entries import AnyEntry
from trader.domain.events import Event, Flatten, KillSwitch, Moment, Pause, Remember, Resume
from trader.domain.state import State


def switch(state: State, event: KillSwitch | Pause | Resume | Flatten | Remember, moment: Moment) -> list[AnyEntry]:
    """Carry out what a person, or the file, wants."""
    return []


def protect(state: State, event: Event, moment: Moment) -> list[AnyEntry]:
    """Begin blocks whose cause is there, end those whose cause is gone."""
    return []
