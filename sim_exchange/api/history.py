"""A member's own records as they were a moment ago: the exchange's reads may lag behind its matching engine.

Subscribes to what happens and keeps, of everything that changed lately, what it was before. Without a lag the exchange
itself is read.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from copy import copy
from typing import Generic, TypeVar

from mesh.kalshi.terms import OrderStatus
from mesh.types import Micros
from sim_exchange.domain.events import CashChanged, Filled, Happening, OrderChanged, PositionChanged, Settled
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Fill, Order, Position, Settlement

HORIZON_SECONDS = 60.0
"""How far back a read can look, in real seconds."""

_LONG_AGO = float("-inf")

T = TypeVar("T")


class _Versions(Generic[T]):
    """What one thing was, and since when."""

    __slots__ = ("_since", "_values")

    def __init__(self, value: T, since: float) -> None:
        self._since = [since]
        self._values = [value]

    def add(self, value: T, now: float) -> None:
        """Note what it is now, and forget what it was before the horizon."""
        old = bisect_right(self._since, now - HORIZON_SECONDS) - 1
        if old > 0:
            del self._since[:old], self._values[:old]
        self._since.append(now)
        self._values.append(value)

    def at(self, then: float) -> T | None:
        """Give what it was; None if it was not there yet."""
        number = bisect_right(self._since, then)
        return self._values[number - 1] if number else None


class _Arrivals:
    """When the latest rows of a list that only grows were added."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: list[float] = []

    def add(self, now: float) -> None:
        """Note one more row."""
        if self._times and self._times[0] < now - 2 * HORIZON_SECONDS:
            del self._times[: bisect_right(self._times, now - HORIZON_SECONDS)]
        self._times.append(now)

    def since(self, then: float) -> int:
        """Count the rows that were added after this."""
        return len(self._times) - bisect_right(self._times, then)


class History:
    """Reads of an exchange's orders, fills, positions, settlements and money, some real seconds late.

    Args:
        exchange: Read directly where there is no lag.
        monotonic: Real time in seconds.
    """

    def __init__(self, exchange: Exchange, monotonic: Callable[[], float]) -> None:
        self._exchange = exchange
        self._now = monotonic
        self._orders: dict[str, _Versions[Order]] = {}
        self._ended: deque[tuple[float, str]] = deque()
        self._positions: dict[tuple[str, str], _Versions[Position]] = {}
        self._money: dict[tuple[str, int], _Versions[tuple[Micros, Micros]]] = {}
        self._fills: dict[str, _Arrivals] = {}
        self._settlements: dict[str, _Arrivals] = {}
        for order in exchange.orders.values():
            if order.status is OrderStatus.RESTING:
                self._orders[order.order_id] = _Versions(copy(order), _LONG_AGO)
        for account_id in exchange.accounts:
            for position in exchange.positions_of(account_id):
                self._positions[account_id, position.ticker] = _Versions(copy(position), _LONG_AGO)

    def __call__(self, happenings: Sequence[Happening]) -> None:
        """Note what changed."""
        now = self._now()
        while self._ended and self._ended[0][0] < now - HORIZON_SECONDS:
            # An order that has ended changes no more, so the exchange's own record says what it was.
            self._orders.pop(self._ended.popleft()[1], None)
        purses: set[tuple[str, int]] = set()
        for happening in happenings:
            if isinstance(happening, OrderChanged):
                order = happening.order
                _note(self._orders, order.order_id, order, now)
                if order.status is not OrderStatus.RESTING:
                    self._ended.append((now, order.order_id))
                purses.add((order.account_id, order.exchange_index))
            elif isinstance(happening, PositionChanged):
                position = happening.position
                _note(self._positions, (position.account_id, position.ticker), position, now)
            elif isinstance(happening, CashChanged):
                purses.add((happening.account_id, happening.exchange_index))
            elif isinstance(happening, Filled):
                self._fills.setdefault(happening.fill.account_id, _Arrivals()).add(now)
            elif isinstance(happening, Settled):
                self._settlements.setdefault(happening.settlement.account_id, _Arrivals()).add(now)
        for purse in purses:
            _note(self._money, purse, self._money_now(*purse), now)

    def orders(self, account_id: str, lag: float) -> Sequence[Order]:
        """Give an account's orders as of `lag` seconds ago, oldest first."""
        rows = self._exchange.orders_of(account_id)
        if not lag:
            return rows
        then = self._now() - lag
        return [order for row in rows if (order := self._order(row, then)) is not None]

    def order(self, account_id: str, order_id: str, lag: float) -> Order | None:
        """Give one order of an account."""
        row = self._exchange.orders.get(order_id)
        if row is None or row.account_id != account_id:
            return None
        return self._order(row, self._now() - lag) if lag else row

    def fills(self, account_id: str, lag: float) -> Sequence[Fill]:
        """Give an account's fills, oldest first."""
        return self._but_latest(self._exchange.fills_of(account_id), self._fills.get(account_id), lag)

    def settlements(self, account_id: str, lag: float) -> Sequence[Settlement]:
        """Give an account's settlements, oldest first."""
        return self._but_latest(self._exchange.settlements_of(account_id), self._settlements.get(account_id), lag)

    def positions(self, account_id: str, lag: float) -> Sequence[Position]:
        """Give an account's positions, in the order in which it came to them."""
        rows = self._exchange.positions_of(account_id)
        if not lag:
            return rows
        then = self._now() - lag
        known = (self._positions.get((account_id, row.ticker)) for row in rows)
        return [position for versions in known if versions is not None and (position := versions.at(then)) is not None]

    def money(self, account_id: str, shard: int, lag: float) -> tuple[Micros, Micros]:
        """Give an account's money on a shard: what is available, and all cash."""
        versions = self._money.get((account_id, shard))
        then = versions.at(self._now() - lag) if lag and versions is not None else None
        return self._money_now(account_id, shard) if then is None else then

    def _money_now(self, account_id: str, shard: int) -> tuple[Micros, Micros]:
        return self._exchange.available(account_id, shard), self._exchange.cash(account_id, shard)

    def _order(self, row: Order, then: float) -> Order | None:
        versions = self._orders.get(row.order_id)
        return row if versions is None else versions.at(then)

    def _but_latest(self, rows: Sequence[T], arrivals: _Arrivals | None, lag: float) -> Sequence[T]:
        latest = arrivals.since(self._now() - lag) if lag and arrivals is not None else 0
        return rows[: len(rows) - latest] if latest else rows


K = TypeVar("K")


def _note(all_versions: dict[K, _Versions[T]], key: K, value: T, now: float) -> None:
    versions = all_versions.get(key)
    if versions is None:
        all_versions[key] = _Versions(value, now)
    else:
        versions.add(value, now)
