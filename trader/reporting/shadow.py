"""What patience would have earned: virtual resting orders beside taken entries. Pure. In no other sum of the report.

A shadow counts once the trade of the entry beside it has closed. What it would have bought by then is taken to have
left with the trade, at the same mean price and exit fee. What it would have bought later is not counted: by then the
trader had seen enough to be out. Virtual fees are those of a maker; every rounding goes against the shadow.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mesh.statistics import Clustered, Estimate
from mesh.types import CENT, CONTRACT, Hundredths, Micros
from trader.domain.entries import ShadowFilled, ShadowPlaced
from trader.domain.facts import MarketTerms, Trade
from trader.domain.shadowing import earned
from trader.domain.state import NO_CONTRACTS, NO_MONEY, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowFigures:
    """Shadows whose trades closed in the span."""

    orders: int = 0
    filled: int = 0
    """In part or in full."""
    net: Micros = NO_MONEY
    """Of these."""
    taken_net: Micros = NO_MONEY
    """Of all the taken entries beside them, filled shadow or not."""
    unsettled: int | None = 0
    """Further shadows of the span: their entry is unfilled, or its trade has not closed; None where nobody says."""
    advantage_cents: Estimate | None = None
    """Shadow less taken, in cents of one taken contract."""


@dataclass(slots=True)
class _Shadow:
    placed: ShadowPlaced
    counts: bool
    filled: Hundredths = NO_CONTRACTS
    settled: bool = False


class ShadowSums:
    """Gathers shadows."""

    def __init__(self) -> None:
        self._shadows: dict[str, _Shadow] = {}
        self._orders = self._filled = self._net = self._taken = 0
        self._advantage = Clustered()

    def placed(self, entry: ShadowPlaced, *, counts: bool) -> None:
        """See a shadow; said again as its queue gets shorter. It `counts` where it lies in the span."""
        self._shadows.setdefault(entry.decision_id, _Shadow(entry, counts))

    def filled(self, entry: ShadowFilled) -> None:
        """See what it would have bought so far."""
        shadow = self._shadows.get(entry.decision_id)
        if shadow is not None:
            shadow.filled = entry.filled

    def closed(
        self, trade: Trade, market: MarketTerms, entries: Iterable[Order], cluster: str, *, counts: bool
    ) -> None:
        """See a trade close, with the entry orders that made it."""
        decisions: dict[str, list[Order]] = {}
        for order in entries:
            if order.seen:
                decisions.setdefault(order.terms.decision_id, []).append(order)
        if not counts or not trade.count:
            return
        exit_fees = sum(leg.fees for leg in trade.legs)
        before = 0
        for decision_id, orders in decisions.items():
            count = sum(order.seen for order in orders)
            # Shares by what was bought so far: those of all entries add up to the whole trade.
            proceeds, fees = (
                amount * (before + count) // trade.count - amount * before // trade.count
                for amount in (trade.proceeds, exit_fees)
            )
            before += count
            shadow = self._shadows.get(decision_id)
            virtual = None if shadow is None else earned(shadow.placed.price, shadow.filled, trade, market)
            if shadow is None or virtual is None:
                continue
            taken = proceeds - fees - sum(order.cost + order.fees for order in orders)
            shadow.settled = True
            self._orders += 1
            self._filled += shadow.filled > 0
            self._net, self._taken = self._net + virtual, self._taken + taken
            self._advantage.add(cluster, (virtual - taken) / CENT * CONTRACT, count)

    def figures(self) -> ShadowFigures | None:
        """Return what was counted; None where no shadow was kept."""
        unsettled = sum(shadow.counts and not shadow.settled for shadow in self._shadows.values())
        if not self._orders and not unsettled:
            return None
        return ShadowFigures(
            orders=self._orders,
            filled=self._filled,
            net=Micros(self._net),
            taken_net=Micros(self._taken),
            unsettled=unsettled,
            advantage_cents=self._advantage.estimate(),
        )
