"""Which state of an order may follow which. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from mesh.errors import Broken
from trader.domain.words import OrderState as S


class IllegalTransition(Broken):
    """Somebody wants to move an order where it cannot go. The journal stays as it was."""

    default_reason = "ILLEGAL_ORDER_TRANSITION"


_ENDS = frozenset({S.FILLED, S.CANCELLED, S.EXPIRED, S.REJECTED})

NEXT: Mapping[S, frozenset[S]] = MappingProxyType(
    {
        S.INTENDED: frozenset({S.SENT, S.NOT_SENT}),
        S.SENT: _ENDS | {S.RESTING, S.UNKNOWN, S.NOT_SENT},
        # What nobody knows is settled by the exchange's own evidence only.
        S.UNKNOWN: _ENDS | {S.RESTING, S.NOT_SENT},
        S.RESTING: frozenset({S.RESTING, S.CANCELLING, S.FILLED, S.CANCELLED, S.EXPIRED}),
        S.CANCELLING: frozenset({S.CANCELLING, S.FILLED, S.CANCELLED, S.EXPIRED}),
        **dict.fromkeys((S.FILLED, S.CANCELLED, S.EXPIRED, S.REJECTED, S.NOT_SENT), frozenset()),
    }
)
"""States that may follow. Those of a final state: none."""


def moved(client_order_id: str, before: S, after: S) -> S:
    """Return the state after a move. IllegalTransition where there is no such move."""
    if after not in NEXT[before]:
        raise IllegalTransition(
            f"order {client_order_id} cannot go from {before} to {after}",
            metadata={"client_order_id": client_order_id, "before": before.value, "after": after.value},
        )
    return after
