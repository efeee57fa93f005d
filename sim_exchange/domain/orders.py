"""Orders from entry to end: place, amend, decrease, cancel; and transfers between shards. Pure."""

from collections.abc import Sequence
from copy import copy

from msgspec import UNSET

from mesh.kalshi.terms import OrderStatus, SelfTradePrevention, TimeInForce, UpdateReason
from mesh.types import Hundredths, Micros, count_text
from sim_exchange.domain.admission import Admission
from sim_exchange.domain.book import ASK
from sim_exchange.domain.events import Transferred
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.groups import Groups
from sim_exchange.domain.ledger import Trader
from sim_exchange.domain.lifecycle import Lifecycle
from sim_exchange.domain.matching import Matching
from sim_exchange.domain.results import Amended, Cancelled, Filling, Placed
from sim_exchange.domain.types import NOTHING, Amendment, NewOrder, Order, Refused
from sim_exchange.domain.venue import Venue


class Orders:
    """Takes orders and their changes."""

    def __init__(self, floor: Floor, matching: Matching, groups: Groups, lifecycle: Lifecycle) -> None:
        self._floor = floor
        self._matching = matching
        self._lifecycle = lifecycle
        self._admission = Admission(floor, matching, groups)

    def place(self, account_id: str, new: NewOrder) -> Placed:
        """Enter an order."""
        trader = self._floor.ledger.trader(account_id)
        venue = self._floor.venue(new.ticker)
        if not self._admission.on_shard(venue, new.exchange_index):
            raise Refused(404, "market_not_found")
        self._floor.working(venue.shard)
        if new.client_order_id and new.client_order_id in trader.client_order_ids:
            raise Refused(409, "order_already_exists")
        try:
            count = self._admit(trader, venue, new)
        except Refused:
            if new.client_order_id and self._floor.quirks.refused_order_uses_its_id:
                trader.client_order_ids.add(new.client_order_id)
            raise
        if new.client_order_id:
            trader.client_order_ids.add(new.client_order_id)
        floor = self._floor
        order = Order(
            order_id=floor.ids.uuid(),
            account_id=account_id,
            client_order_id=new.client_order_id or "",
            ticker=new.ticker,
            event_ticker=venue.market.event_ticker,
            side=new.side,
            price=new.price,
            initial_count=new.count,
            remaining_count=count,
            created_time=floor.now,
            updated_time=floor.now,
            sequence=floor.ids.number(),
            self_trade_prevention=new.self_trade_prevention,
            exchange_index=venue.shard,
            post_only=new.post_only,
            cancel_order_on_pause=new.cancel_order_on_pause,
            expiration_time=new.expiration_time,
            order_group_id=new.order_group_id,
            subaccount=new.subaccount,
        )
        floor.orders[order.order_id] = order
        trader.orders.append(order)
        rests = new.time_in_force is TimeInForce.GOOD_TILL_CANCELED
        filling = self._arrive(trader, venue, order, rests=rests, prevention=new.self_trade_prevention)
        if order.status is OrderStatus.RESTING:
            self._lifecycle.expire(order)
        return Placed(copy(order), filling)

    def cancel(
        self,
        account_id: str,
        order_id: str,
        exchange_index: int | None,
        market_ticker: str | None,
        subaccount: int | None,
    ) -> Cancelled:
        """Cancel one order."""
        order = self._resting(account_id, order_id)
        venue = self._floor.venues[order.ticker]
        if market_ticker is None and exchange_index is None and self._floor.quirks.cancel_needs_market_ticker:
            exchange_index = 0
        if (
            not self._admission.on_shard(venue, exchange_index)
            or market_ticker not in (None, order.ticker)
            or subaccount not in (None, order.subaccount)
        ):
            raise Refused(404, "not_found")
        self._floor.working(venue.shard)
        reduced_by = self._floor.end(order, UpdateReason.DECREASE)
        return Cancelled(copy(order), reduced_by)

    def cancel_all(self, account_id: str, subaccount: int | None) -> Sequence[Cancelled]:
        """Cancel all orders of an account."""
        trader = self._floor.ledger.trader(account_id)
        orders = [order for order in trader.resting.values() if subaccount in (None, order.subaccount)]
        for order in orders:
            self._floor.working(order.exchange_index)
        return [Cancelled(order, self._floor.end(order, UpdateReason.DECREASE)) for order in orders]

    def amend(self, account_id: str, order_id: str, amendment: Amendment) -> Amended:
        """Change an order's terms."""
        floor = self._floor
        trader = floor.ledger.trader(account_id)
        order = self._resting(account_id, order_id)
        venue = floor.venues[order.ticker]
        self._admission.open(venue)
        remaining = Hundredths(amendment.count - order.fill_count)
        expires = order.expiration_time if amendment.expiration_time is UNSET else amendment.expiration_time
        keeps_place = amendment.price == order.price and remaining <= order.remaining_count
        renamed = amendment.updated_client_order_id
        renames = bool(renamed) and renamed != order.client_order_id
        self._admission.same_order(order, amendment)
        self._admission.terms(venue, amendment.price, remaining, expires)
        if renames and renamed in trader.client_order_ids:
            raise Refused(409, "order_already_exists")
        if not keeps_place:
            if order.post_only:
                self._admission.post_only(trader, venue, order.side, amendment.price)
            self._admission.cover(trader, venue, order.side, amendment.price, remaining, order=order)

        if renames and renamed is not None:
            if floor.quirks.renamed_client_order_id_is_free:
                trader.client_order_ids.discard(order.client_order_id)
            trader.client_order_ids.add(renamed)
            order.client_order_id = renamed
        order.initial_count = amendment.count
        if expires != order.expiration_time:
            order.expiration_time = expires
            self._lifecycle.expire(order)
        if keeps_place:
            if remaining < order.remaining_count:
                floor.lift(trader, venue, order, Hundredths(order.remaining_count - remaining))
            floor.order_changed(order, UpdateReason.AMEND)
            return Amended(copy(order), Filling())
        floor.lift(trader, venue, order, order.remaining_count)
        order.price, order.remaining_count, order.sequence = amendment.price, remaining, floor.ids.number()
        order.reason = UpdateReason.AMEND
        filling = self._arrive(trader, venue, order, rests=True, prevention=order.self_trade_prevention)
        return Amended(copy(order), filling)

    def decrease(
        self, account_id: str, order_id: str, reduce_by: Hundredths | None, reduce_to: Hundredths | None
    ) -> Order:
        """Take contracts off an order."""
        order = self._resting(account_id, order_id)
        if not self._floor.quirks.decrease_in_trading_pause:
            self._admission.open(self._floor.venues[order.ticker])
        self._floor.working(order.exchange_index)
        if reduce_by is not None and reduce_to is None:
            less = reduce_by
            wrong = less <= 0
            asked = f"by {count_text(reduce_by)}"
        elif reduce_to is not None and reduce_by is None:
            less = Hundredths(order.remaining_count - reduce_to)
            wrong = reduce_to < 0 or less < 0
            asked = f"to {count_text(reduce_to)}"
        else:
            raise Refused(400, "invalid_parameters", "exactly one of reduce_by and reduce_to must be provided")
        refused_beyond = self._floor.quirks.decrease_beyond_remaining == "refused"
        if wrong or (less > order.remaining_count and refused_beyond):
            raise Refused(400, "invalid_parameters", f"cannot reduce {count_text(order.remaining_count)} {asked}")
        if less >= order.remaining_count:
            self._floor.end(order, UpdateReason.DECREASE)
        elif less:
            trader = self._floor.ledger.trader(account_id)
            self._floor.lift(trader, self._floor.venues[order.ticker], order, less)
            self._floor.order_changed(order, UpdateReason.DECREASE)
        return copy(order)

    def queue_position(self, order: Order) -> Hundredths:
        """Count what is ahead of an order."""
        held = self._floor.orders.get(order.order_id)
        if held is None or held.status is not OrderStatus.RESTING:
            return NOTHING
        better_prices = self._floor.quirks.queue_position_counts_better_prices
        return self._floor.books[held.ticker].ahead(held, better_prices=better_prices)

    def transfer(
        self, account_id: str, source: int, destination: int, amount: Micros, client_transfer_id: str | None
    ) -> str:
        """Move money between shards."""
        floor = self._floor
        trader = floor.ledger.trader(account_id)
        if client_transfer_id in trader.client_transfer_ids:
            raise Refused(409, "transfer_already_exists")
        for shard in (source, destination):
            if shard not in floor.shards:
                raise Refused(400, "invalid_parameters", f"no exchange shard {shard}")
            floor.working(shard)
        if amount <= 0 or amount % trader.account.balance_precision:
            raise Refused(400, "invalid_parameters", "amount must be positive, in steps of the balance's precision")
        if amount > trader.available(source):
            raise Refused(400, "insufficient_balance")
        trader.cash[source] = Micros(trader.cash[source] - amount)
        trader.cash[destination] = Micros(trader.cash.get(destination, 0) + amount)
        floor.cash_changed(trader, source)
        floor.cash_changed(trader, destination)
        transfer_id = floor.ids.uuid()
        if client_transfer_id:
            trader.client_transfer_ids.add(client_transfer_id)
            floor.emit(Transferred(account_id, client_transfer_id, transfer_id, floor.now))
        return transfer_id

    def _resting(self, account_id: str, order_id: str) -> Order:
        order = self._floor.ledger.trader(account_id).resting.get(order_id)
        if order is None:
            raise Refused(404, "not_found")
        return order

    def _admit(self, trader: Trader, venue: Venue, new: NewOrder) -> Hundredths:
        """Judge a new order, and tell how much of it may be matched."""
        self._admission.open(venue)
        self._admission.terms(venue, new.price, new.count, new.expiration_time)
        self._admission.flags(trader, venue, new)
        count = new.count
        if new.reduce_only:
            position = self._floor.desk(trader, venue).position.count
            count = Hundredths(min(count, max(0, position if new.side is ASK else -position)))
            if not count:
                return count
        self._admission.cover(trader, venue, new.side, new.price, count, subaccount=new.subaccount)
        kill = new.time_in_force is TimeInForce.FILL_OR_KILL
        if kill and not self._matching.fillable(venue, trader, new.side, new.price, count):
            raise Refused(409, "fill_or_kill_insufficient_resting_volume")
        return count

    def _arrive(
        self, trader: Trader, venue: Venue, order: Order, *, rests: bool, prevention: SelfTradePrevention
    ) -> Filling:
        """Match an order that is not in the book, and let its rest stay there or end."""
        outcome = self._matching.run(venue, trader, order, prevention)
        reason = outcome.stopped
        if order.fill_count == order.initial_count:
            order.status = OrderStatus.EXECUTED
            self._floor.order_changed(order)
        elif reason is not None:
            self._floor.cancelled(order, reason)
        elif not rests:
            # Less was matched than asked for: the book ended, or a position capped it at the start.
            capped = order.fill_count + order.remaining_count < order.initial_count
            self._floor.cancelled(order, UpdateReason.REDUCE_ONLY_CANCEL if capped else order.reason)
        else:
            self._floor.enter(trader, venue, order)
            self._floor.order_changed(order)
        return outcome.filling
