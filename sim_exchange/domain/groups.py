"""Order groups: orders that end together when too much of them is matched within 15 seconds. Pure."""

from collections import deque
from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta

from mesh.kalshi.terms import UpdateReason
from mesh.types import CONTRACT, Hundredths
from sim_exchange.domain.events import GroupChange, GroupChanged
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.types import Order, OrderGroup, Refused

WINDOW = timedelta(seconds=15)
_LARGEST_LIMIT = 1_000_000 * CONTRACT
_MOST_GROUPS = 100_000


class _Window:
    """What was matched within the last 15 seconds."""

    def __init__(self) -> None:
        self._matches: deque[tuple[datetime, int]] = deque()
        self._total = 0

    def add(self, time: datetime, count: int) -> None:
        self._matches.append((time, count))
        self._total += count

    def total(self, now: datetime) -> int:
        while self._matches and self._matches[0][0] <= now - WINDOW:
            self._total -= self._matches.popleft()[1]
        return self._total


class Groups:
    """All order groups."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._groups: dict[str, OrderGroup] = {}
        self._windows: dict[str, _Window] = {}
        self._by_account: dict[str, dict[str, OrderGroup]] = {}

    def create(self, account_id: str, limit: Hundredths, exchange_index: int, subaccount: int) -> OrderGroup:
        """Open a group."""
        self._check(limit)
        if exchange_index not in self._floor.shards:
            raise Refused(400, "invalid_parameters", f"no exchange shard {exchange_index}")
        self._floor.working(exchange_index)
        if len(self._by_account.get(account_id, ())) >= _MOST_GROUPS:
            raise Refused(400, "invalid_parameters", f"more than {_MOST_GROUPS} order groups")
        group = OrderGroup(
            group_id=self._floor.ids.uuid(),
            account_id=account_id,
            limit=limit,
            exchange_index=exchange_index,
            subaccount=subaccount,
            counted_from=len(self._floor.ledger.trader(account_id).fills),
        )
        self.take_in(group)
        self._changed(GroupChange.CREATED, group)
        return copy(group)

    def take_in(self, group: OrderGroup) -> None:
        """Know a group, a new one or one from an earlier run."""
        if not group.deleted:
            self._groups[group.group_id] = group
            self._windows[group.group_id] = _Window()
            self._by_account.setdefault(group.account_id, {})[group.group_id] = group

    def of(self, account_id: str) -> Sequence[OrderGroup]:
        """Give an account's groups, live."""
        return list(self._by_account.get(account_id, {}).values())

    def get(self, account_id: str, group_id: str) -> OrderGroup:
        """Give a copy of a group."""
        return copy(self._find(account_id, group_id))

    def resting(self, account_id: str, group_id: str) -> Sequence[Order]:
        """Give a group's resting orders."""
        self._find(account_id, group_id)
        resting = self._floor.ledger.trader(account_id).resting
        return [order for order in resting.values() if order.order_group_id == group_id]

    def admit(self, account_id: str, group_id: str, shard: int) -> None:
        """Pass if a new order may join. Refused 404 without such a group, 400 if it takes none or is elsewhere."""
        group = self._find(account_id, group_id)
        if group.exchange_index != shard:
            raise Refused(400, "invalid_order", f"order group is on exchange shard {group.exchange_index}")
        if group.triggered:
            raise Refused(400, "invalid_order", "order group was triggered and has not been reset")

    def matched(self, order: Order, count: Hundredths) -> bool:
        """Count a match of an order, and tell whether its group, if any, has ended the order by it."""
        group = self._groups.get(order.order_group_id) if order.order_group_id is not None else None
        if group is None:
            return False
        self._windows[group.group_id].add(self._floor.now, count)
        self._enforce(group)
        return group.triggered

    def recount(self, order: Order, time: datetime, count: Hundredths, fill_number: int) -> None:
        """Take in a match of an earlier run."""
        group = self._groups.get(order.order_group_id) if order.order_group_id is not None else None
        if group is not None and fill_number >= group.counted_from:
            self._windows[group.group_id].add(time, count)

    def delete(self, account_id: str, group_id: str) -> OrderGroup:
        """End a group."""
        group = self._find(account_id, group_id)
        self._floor.working(group.exchange_index)
        self._cancel_all(group)
        group.deleted = True
        del self._groups[group_id], self._windows[group_id], self._by_account[account_id][group_id]
        self._changed(GroupChange.DELETED, group)
        return copy(group)

    def reset(self, account_id: str, group_id: str) -> OrderGroup:
        """Count from zero again."""
        group = self._find(account_id, group_id)
        self._floor.working(group.exchange_index)
        group.triggered = False
        group.counted_from = len(self._floor.ledger.trader(account_id).fills)
        self._windows[group_id] = _Window()
        self._changed(GroupChange.RESET, group)
        return copy(group)

    def trigger(self, account_id: str, group_id: str) -> OrderGroup:
        """Cancel and block."""
        group = self._find(account_id, group_id)
        self._floor.working(group.exchange_index)
        self._trigger(group)
        return copy(group)

    def set_limit(self, account_id: str, group_id: str, limit: Hundredths) -> OrderGroup:
        """Change the limit."""
        group = self._find(account_id, group_id)
        self._check(limit)
        self._floor.working(group.exchange_index)
        group.limit = limit
        self._changed(GroupChange.LIMIT_UPDATED, group)
        self._enforce(group)
        return copy(group)

    def _find(self, account_id: str, group_id: str) -> OrderGroup:
        group = self._groups.get(group_id)
        if group is None or group.account_id != account_id:
            raise Refused(404, "not_found")
        return group

    @staticmethod
    def _check(limit: Hundredths) -> None:
        if not CONTRACT <= limit <= _LARGEST_LIMIT:
            raise Refused(400, "invalid_parameters", "contracts_limit must be within 1 and 1000000")

    def _enforce(self, group: OrderGroup) -> None:
        if not group.triggered and self._windows[group.group_id].total(self._floor.now) > group.limit:
            self._trigger(group)

    def _trigger(self, group: OrderGroup) -> None:
        group.triggered = True
        self._changed(GroupChange.TRIGGERED, group)
        self._cancel_all(group)

    def _cancel_all(self, group: OrderGroup) -> None:
        for order in self.resting(group.account_id, group.group_id):
            self._floor.end(order, UpdateReason.DECREASE)

    def _changed(self, change: GroupChange, group: OrderGroup) -> None:
        self._floor.emit(GroupChanged(change, copy(group), self._floor.now))
