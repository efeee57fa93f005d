"""How orders were filled, and how far from the price that was decided upon. Pure.

Slippage counts contracts whose fills have come and whose decided price is known: for entries the ask that the decision
saw, for exits the trigger. A positive one cost money.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from mesh.types import CONTRACT, Hundredths, Micros
from trader.domain.state import NO_CONTRACTS, NO_MONEY, Order
from trader.domain.words import ExitKind, OrderState, Purpose
from trader.reporting.figures import mean_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFigures:
    """Orders of one purpose that ended in the span."""

    orders: int = 0
    filled: int = 0
    """In full."""
    partly: int = 0
    unfilled: int = 0
    """Rejections included."""
    rejected: int = 0
    unknown: int = 0
    """Whose outcome was unknown for a while."""
    ordered_count: Hundredths = NO_CONTRACTS
    filled_count: Hundredths = NO_CONTRACTS
    fill_ratio: float | None = None
    """Filled contracts by ordered ones; None when none was ordered."""
    priced_count: Hundredths | None = NO_CONTRACTS
    """Contracts that slippage is known of; None where nobody says."""
    slippage: Micros = NO_MONEY
    mean_slippage_cents: float | None = None
    """Of one of these contracts."""


def fill_figures(
    orders: Iterable[Order], purpose: Purpose, prices: Mapping[str, int | None], unknown: Container[str]
) -> FillFigures:
    """Add up orders of one purpose.

    Args:
        orders: Any; those of the other purpose are left out.
        purpose: Entries or exits.
        prices: That were decided upon, in micros, by decision.
        unknown: Client order ids of orders whose outcome was unknown for a while.
    """
    found = [order for order in orders if order.terms.purpose is purpose]
    ordered, filled = (sum(order.terms.count for order in found), sum(order.filled for order in found))
    full = sum(order.filled >= order.terms.count for order in found)
    none = sum(not order.filled for order in found)
    priced = slippage = 0
    for order in found:
        price = _price(order, prices)
        if price is not None and order.seen:
            worse = order.cost - price * order.seen // CONTRACT
            slippage += worse if purpose is Purpose.ENTRY else -worse
            priced += order.seen
    return FillFigures(
        orders=len(found),
        filled=full,
        partly=len(found) - full - none,
        unfilled=none,
        rejected=sum(order.state is OrderState.REJECTED and not order.filled for order in found),
        unknown=sum(order.terms.client_order_id in unknown for order in found),
        ordered_count=Hundredths(ordered),
        filled_count=Hundredths(filled),
        # Nobody gets more than was ordered; a record that says so shall not break the report.
        fill_ratio=min(filled / ordered, 1.0) if ordered else None,
        priced_count=Hundredths(priced),
        slippage=Micros(slippage),
        mean_slippage_cents=mean_cents(slippage, priced),
    )


def _price(order: Order, prices: Mapping[str, int | None]) -> int | None:
    """Find the price that was decided upon; a take-profit that rested is its own."""
    terms = order.terms
    if terms.decision_id in prices or terms.exit_kind is not ExitKind.TAKE_PROFIT:
        return prices.get(terms.decision_id)
    return terms.limit
