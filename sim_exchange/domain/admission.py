"""Which orders are taken at all: the refusals, in the exchange's words. Pure."""

from datetime import datetime

from mesh.kalshi.fees import charge
from mesh.kalshi.terms import BookSide, MarketStatus, TimeInForce
from mesh.types import CONTRACT, Hundredths
from sim_exchange.domain.book import ASK, BID
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.groups import Groups
from sim_exchange.domain.ledger import Trader, unit
from sim_exchange.domain.matching import Matching
from sim_exchange.domain.types import FREE, Amendment, NewOrder, Order, Refused
from sim_exchange.domain.venue import Venue

_ANY_SHARD = -1


class Admission:
    """Judges what is asked for, and changes nothing."""

    def __init__(self, floor: Floor, matching: Matching, groups: Groups) -> None:
        self._floor = floor
        self._matching = matching
        self._groups = groups

    def on_shard(self, venue: Venue, exchange_index: int | None) -> bool:
        """Tell whether a market is on the shard that a caller named, if any."""
        return exchange_index is None or exchange_index in (_ANY_SHARD, venue.shard)

    def open(self, venue: Venue) -> None:
        """Pass if a market takes orders. Refused 409 otherwise."""
        if venue.trades and venue.shard not in self._floor.trading_halted:
            return
        self._floor.working(venue.shard)
        status = venue.market.status
        if status is MarketStatus.INITIALIZED:
            raise Refused(409, "market_inactive")
        if status not in (MarketStatus.ACTIVE, MarketStatus.INACTIVE):
            raise Refused(409, "market_closed")
        raise Refused(409, "trading_is_paused")

    def terms(self, venue: Venue, price: int, count: int, expiration_time: datetime | None) -> None:
        """Pass if price, count and expiry are possible. Refused 400 otherwise."""
        if not venue.grid.valid(price):
            raise Refused(400, "invalid_price")
        if count <= 0:
            raise Refused(400, "invalid_order", "count must be positive")
        if expiration_time is not None and expiration_time <= self._floor.now:
            raise Refused(400, "invalid_order", "expiration_time is in the past")

    def flags(self, trader: Trader, venue: Venue, new: NewOrder) -> None:
        """Pass if a new order's settings go together. Refused 400 or 404 otherwise."""
        resting = new.time_in_force is TimeInForce.GOOD_TILL_CANCELED
        if new.reduce_only and new.time_in_force is not TimeInForce.IMMEDIATE_OR_CANCEL:
            raise Refused(400, "invalid_order", "reduce_only can only be used with IoC orders")
        if new.post_only and not resting and self._floor.quirks.post_only_needs_resting:
            raise Refused(400, "invalid_order", "post_only can only be used with good_till_canceled orders")
        if new.expiration_time is not None and not resting:
            raise Refused(400, "invalid_order", "expiration_time can only be used with good_till_canceled orders")
        if new.order_group_id is not None:
            self._groups.admit(trader.account.account_id, new.order_group_id, venue.shard)
        if new.post_only:
            self.post_only(trader, venue, new.side, new.price)

    def same_order(self, order: Order, amendment: Amendment) -> None:
        """Pass if an amendment means the order that it names. Refused 400 otherwise.

        Not 404, which would say that the order rests no more.
        """
        if amendment.ticker != order.ticker or amendment.side is not order.side:
            raise Refused(400, "invalid_order", "ticker and side must be those of the order")
        if amendment.client_order_id not in (None, order.client_order_id):
            raise Refused(400, "invalid_order", "client_order_id must be that of the order")

    def post_only(self, trader: Trader, venue: Venue, side: BookSide, price: int) -> None:
        """Pass if an order would meet nothing. Refused 400 otherwise."""
        if self._matching.would_cross(venue, trader, side, price):
            raise Refused(400, "invalid_order", "post only cross")

    def cover(
        self,
        trader: Trader,
        venue: Venue,
        side: BookSide,
        price: int,
        count: int,
        *,
        subaccount: int = 0,
        order: Order | None = None,
    ) -> None:
        """Pass if the account can pay for an order at its limit; `order` is the one it replaces.

        What closes a position that no older order closes needs no money: it pays its fee out of what it brings.
        """
        if trader.house:
            return
        if subaccount:
            # There is no way to bring money into another subaccount, so there is none.
            raise Refused(400, "insufficient_balance")
        desk = self._floor.desk(trader, venue)
        available, left = desk.free_without(order)
        closes = desk.position.count > 0 if side is ASK else desk.position.count < 0
        opening = Hundredths(count - min(count, left) if closes else count)
        needed = unit(side, price) * opening // CONTRACT
        if opening and self._floor.quirks.affordable_at == "limit_and_fee":
            needed += charge(
                venue.terms,
                price=price,
                count=opening,
                buys_yes=side is BID,
                maker=False,
                carried=FREE,
                precision=trader.account.balance_precision,
                at=self._floor.now,
            ).net
        if needed > available:
            raise Refused(400, "insufficient_balance")
