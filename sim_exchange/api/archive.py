"""What has left the live data: markets, trades and orders older than a cutoff are only under `/historical`.

Cutoffs move on in jumps of whole days, each kind for itself, and can be put anywhere by hand.
"""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from mesh.kalshi.terms import OrderStatus
from sim_exchange.domain.types import Fill, Market, Order, Position, Settlement
from sim_exchange.quirks import Quirks


class Cutoffs(Struct, frozen=True):
    """Instants; what is older is archived."""

    market_settled: datetime
    trades_created: datetime
    orders_updated: datetime
    positions_updated: datetime

    def past_market(self, market: Market) -> bool:
        """Tell whether a market is archived."""
        return market.settlement_time is not None and market.settlement_time < self.market_settled

    def past_order(self, order: Order) -> bool:
        """Tell whether an order is archived; one that rests never is."""
        return order.status is not OrderStatus.RESTING and order.updated_time < self.orders_updated

    def past_fill(self, fill: Fill) -> bool:
        """Tell whether a fill is archived."""
        return fill.time < self.trades_created

    def past_position(self, position: Position) -> bool:
        """Tell whether a position is archived; one that is not settled never is."""
        updated = position.updated_time
        return position.settled and updated is not None and updated < self.positions_updated

    def past_settlement(self, settlement: Settlement) -> bool:
        """Tell whether a settlement is archived, which means that it is served nowhere."""
        return settlement.time < self.market_settled


class Archive:
    """The border between live and historical data."""

    def __init__(self, quirks: Quirks) -> None:
        self._days = quirks.cutoff_days
        self._orders_days = quirks.orders_cutoff_days
        self._fixed: dict[str, datetime] = {}

    def move(self, **cutoffs: datetime) -> None:
        """Put cutoffs by name, as in `Cutoffs`, where they stay from now on. ValueError for another name."""
        if unknown := set(cutoffs) - set(Cutoffs.__struct_fields__):
            raise ValueError(f"no such cutoff: {', '.join(sorted(unknown))}")
        self._fixed |= cutoffs

    def at(self, now: datetime) -> Cutoffs:
        """Give the cutoffs at an instant of the exchange's time."""
        data, orders = _midnight(now, self._days), _midnight(now, self._orders_days)
        moving = {"market_settled": data, "trades_created": data, "orders_updated": orders, "positions_updated": data}
        return Cutoffs(**(moving | self._fixed))


def _midnight(now: datetime, days: float) -> datetime:
    then = now - timedelta(days=days)
    return datetime(then.year, then.month, then.day, tzinfo=UTC)
