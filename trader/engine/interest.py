"""Which markets' books are worth following now."""

from mesh.types import Hundredths, Side
from trader.domain.state import State

_MOST = 500
_SIGNAL_SECONDS = 900.0
"""Markets whose last signal is younger are followed too: the next one is decided on a book that is there."""


def followed(state: State, seconds: float) -> tuple[str, ...]:
    """Return the markets to follow, 500 at most: of positions and orders, of virtual orders, of the strongest signals.

    Only signals that may be bought count. They are ranked by their strength, which changes little from scan to scan:
    by their age every batch of signals would change what is followed, and each change is read and told anew.

    Args:
        state: What is known.
        seconds: Monotonic now.
    """
    books = state.books
    held = [position.market.ticker for position in books.positions.values() if position.count > Hundredths(0)]
    working = [books.orders[name].terms.ticker for name in books.working]
    shadows = [shadow.ticker for shadow in books.shadows.values()]
    signals = sorted(
        (-signal.magnitude_cents, ticker)
        for ticker, (signal, came) in state.watch.signals.items()
        if signal.side is Side.NO and seconds - came < _SIGNAL_SECONDS
    )
    wanted = dict.fromkeys([*sorted(held), *sorted(working), *sorted(shadows), *(ticker for _, ticker in signals)])
    return tuple(sorted(list(wanted)[:_MOST]))
