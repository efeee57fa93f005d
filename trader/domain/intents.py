"""What has to be done once entries are on disk. Pure.

Nothing is done that no entry says: so a restart finds out from the journal alone what was done, what was not, and of
what nobody knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from trader.domain.entries import AnyEntry, CancelIntended, Notified, OrderIntended
from trader.domain.facts import OrderTerms
from trader.domain.words import Delivery


@dataclass(frozen=True, slots=True)
class Place:
    """Send an order. `Sending` comes before the request leaves, `Answered` after it, whatever happens."""

    order: OrderTerms


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an order. `Sending` is not needed: a second cancellation harms nobody. `CancelAnswered` comes after."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the owner. `Delivered` comes once it is known what became of it."""

    notice: Notified


Intent = Place | Cancel | Tell


def intents(entries: Iterable[AnyEntry]) -> tuple[Intent, ...]:
    """Read off entries what they ask for, in their order."""
    found: list[Intent] = []
    for entry in entries:
        match entry:
            case OrderIntended():
                found.append(Place(entry.order))
            case CancelIntended():
                found.append(Cancel(entry.client_order_id))
            case Notified(delivery=Delivery.QUEUED):
                found.append(Tell(entry))
            case _:
                pass
    return tuple(found)
