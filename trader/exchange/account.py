"""Everything that the exchange says about the account, read together."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import UnexpectedReply
from mesh.kalshi.rest.order_wire import Order
from mesh.kalshi.rest.pages import gather
from mesh.kalshi.rest.portfolio_wire import Settlement
from mesh.kalshi.rest.reading import RECONCILE
from mesh.kalshi.terms import OrderStatus
from mesh.types import Micros
from trader.domain.views import OrderView, SettlementView, Snapshot
from trader.exchange.exchange_time import ExchangeTime
from trader.exchange.locked import locked
from trader.exchange.views import fill_read, held, order_read, settled, yes_value

_ALL_LIVE = timedelta(days=7)
"""What is younger is never in the archive alone. The exchange was seen to archive orders after two weeks."""


async def read_account(client: KalshiClient, since: datetime, clock: Clock) -> Snapshot:
    """Read the account.

    Args:
        client: With a key.
        since: From when on ended orders, fills and settlements are wanted.
        clock: Ours; `Snapshot.began` is its monotonic time, `as_of` is by its wall time.

    Raises:
        ExchangeError: Something of it could not be read, so that nothing can be concluded.
    """
    time = ExchangeTime(client)
    began = clock.monotonic()
    # Before all else: what is read after the exchange said this is no older.
    as_of = time.ours(await client.exchange.user_data_time(urgency=RECONCILE))
    first = time.since(since)
    try:
        async with asyncio.TaskGroup() as tasks:
            resting = tasks.create_task(gather(client.orders.orders(status=OrderStatus.RESTING)))
            recent = tasks.create_task(gather(client.orders.orders(first=first)))
            fills = tasks.create_task(gather(client.portfolio.fills(first=first)))
            positions = tasks.create_task(gather(client.portfolio.positions(settlement_status="unsettled")))
            settlements = tasks.create_task(gather(client.portfolio.settlements(first=first)))
            balance = tasks.create_task(client.portfolio.balance())
    except ExceptionGroup as group:
        raise _first(group) from None
    now = time.theirs(clock.now())
    listed, filled = resting.result() + recent.result(), fills.result()
    if now - first > _ALL_LIVE:  # asked last: what is archived meanwhile is in one of the two
        listed += await gather(client.historical.orders(first=first))
        filled += await gather(client.historical.fills(first=first))
    orders = _merged(listed)
    holdings = tuple({row.ticker: held(row) for row in positions.result()}.values())
    money = balance.result()
    return Snapshot(
        as_of=as_of,
        began=began,
        orders=orders,
        orders_since=since,
        fills=tuple({row.trade_id: fill_read(row, now) for row in filled}.values()),
        positions=holdings,
        settlements=tuple([await _settled(client, row) for row in settlements.result()]),
        cash=Micros(money.cash + locked(orders, holdings)),
        shards=tuple((shard.exchange_index, shard.balance) for shard in money.shards or ()),
        available=money.cash,
    )


def _merged(orders: Iterable[Order]) -> tuple[OrderView, ...]:
    """Leave of each order the later record: two lists that were read together may differ by what happened meanwhile."""
    latest: dict[str, OrderView] = {}
    for order in map(order_read, orders):
        known = latest.get(order.order_id)
        if known is None or _progress(order) > _progress(known):
            latest[order.order_id] = order
    return tuple(latest.values())


def _progress(order: OrderView) -> tuple[bool, int]:
    return order.status is not OrderStatus.RESTING, order.filled


async def _settled(client: KalshiClient, row: Settlement) -> SettlementView:
    value = yes_value(row)
    if value is None:  # a value between the two, which the market's record has
        paid = (await client.anytime.market(row.ticker, urgency=RECONCILE)).settlement_value
        if paid is None:
            raise UnexpectedReply(f"{row.ticker} was settled, and nothing says at which value")
        value = Micros(paid)
    return settled(row, value)


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
