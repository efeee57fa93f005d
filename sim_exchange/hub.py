"""Where what happened on the exchange goes: one list of listeners, always in the same order. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sim_exchange.domain.events import Happening

Listener: TypeAlias = Callable[[Sequence[Happening]], None]


class Hub:
    """Hands on what each command left behind, in one piece, to every listener in turn.

    Listeners are called at once and must not wait. The order is the order of arrival: the store first, so that nobody
    hears of what is not written.
    """

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)

    def add(self, listener: Listener) -> None:
        """Let somebody listen, after all who do already."""
        self._listeners.append(listener)

    def publish(self, happenings: Sequence[Happening]) -> None:
        """Hand on what one command left behind; nothing is not handed on."""
        if happenings:
            for listener in self._listeners:
                listener(happenings)
