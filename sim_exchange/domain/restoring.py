"""Taking up where an earlier exchange stopped. Pure."""

from copy import copy
from datetime import datetime

from mesh.kalshi.terms import OrderStatus
from mesh.types import Hundredths, Micros
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.groups import Groups
from sim_exchange.domain.ledger import Trader
from sim_exchange.domain.lifecycle import Lifecycle
from sim_exchange.domain.pauses import Pauses
from sim_exchange.domain.results import State
from sim_exchange.domain.types import Event, Market, Order, Series


def restore(state: State, now: datetime, *, floor: Floor, groups: Groups, lifecycle: Lifecycle, pauses: Pauses) -> None:
    """Fill an unused floor; what was due since is done by the next command, or by `advance`."""
    if floor.ids.issued or floor.members or floor.series:
        raise ValueError("only an exchange that has not been used can take up an earlier one's state")
    floor.now = now
    for account in state.accounts:
        floor.ledger.open(account)
        if not account.house:
            floor.members[account.account_id] = account
    items: list[Series | Event | Market] = [*state.series, *state.events, *state.markets]
    for item in items:
        lifecycle.take_in(item)
    for (account_id, shard), amount in state.cash.items():
        floor.ledger.trader(account_id).cash[shard] = amount
    for position in state.positions:
        trader = floor.ledger.trader(position.account_id)
        floor.desk(trader, floor.venues[position.ticker]).position = copy(position)
    for group in state.groups:
        groups.take_in(copy(group))
    _orders(floor, lifecycle, state)
    _fills(floor, groups, state)
    floor.ledger.fees = state.fees_collected
    for settlement in state.settlements:
        floor.ledger.trader(settlement.account_id).settlements.append(settlement)
    _used_ids(floor, state)
    _balance(floor, state)
    pauses.take_in(list(state.pauses))
    floor.ids.issued = state.issued
    lifecycle.begin(now)


def _orders(floor: Floor, lifecycle: Lifecycle, state: State) -> None:
    resting: list[tuple[Trader, Order]] = []
    for stored in state.orders:
        order = copy(stored)
        trader = floor.ledger.trader(order.account_id)
        floor.orders[order.order_id] = order
        trader.orders.append(order)
        if order.client_order_id:
            trader.client_order_ids.add(order.client_order_id)
        if order.status is OrderStatus.RESTING:
            resting.append((trader, order))
    for trader, order in sorted(resting, key=lambda pair: pair[1].sequence):
        venue = floor.venues[order.ticker]
        venue.book.side(order.side).add(order)
        floor.desk(trader, venue).rest(order)
        trader.resting[order.order_id] = order
        lifecycle.expire(order)


def _fills(floor: Floor, groups: Groups, state: State) -> None:
    for fill in state.fills:
        fills = floor.ledger.trader(fill.account_id).fills
        groups.recount(floor.orders[fill.order_id], fill.time, fill.count, len(fills))
        fills.append(fill)


def _used_ids(floor: Floor, state: State) -> None:
    for account_id, used in state.used_client_order_ids.items():
        floor.ledger.trader(account_id).client_order_ids.update(used)
    for transferred in state.transfers:
        floor.ledger.trader(transferred.account_id).client_transfer_ids.add(transferred.client_transfer_id)


def _balance(floor: Floor, state: State) -> None:
    """Let the house hold the other side of what members hold, and the money that is missing, where it is not known."""
    for venue in floor.venues.values():
        held = sum(
            trader.desks[venue.ticker].position.count
            for trader in floor.ledger.traders()
            if venue.ticker in trader.desks
        )
        if held:
            position = floor.desk(floor.maker, venue).position
            position.count = Hundredths(position.count - held)
            position.updated_time = floor.now
    house_known = any(floor.ledger.trader(account_id).house for account_id, _ in state.cash)
    if state.deposited is None:
        floor.ledger.deposits = floor.ledger.total()
    else:
        floor.ledger.deposits = state.deposited
        if not house_known:
            floor.maker.cash[0] = Micros(state.deposited - floor.ledger.total())
