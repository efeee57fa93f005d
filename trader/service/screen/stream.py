"""One caller's screen: what it has been sent, and so what is new to it."""

from collections.abc import Iterator

from foremesh.trader.v1 import screen_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from trader.domain.events import Moment
from trader.engine.breathing import breath
from trader.service import convert_words as w
from trader.service.screen.picture import MOST, Picture
from trader.service.screen.rows import Row
from trader.service.status import Facts, links

_LINKS_SECONDS = 2.0
"""Ages of links are sent so often, whatever else there is."""
_CONFIRM_SECONDS = 0.7
"""Prices that did not change are confirmed after so long at the earliest."""
_LOOK_SECONDS = 0.25
_GROUPS_A_SECOND = 10
"""Ages in one group differ by less than a tenth of a second; the oldest speaks for all."""


class Screen:
    """What one caller has.

    Args:
        picture: Of everything, for all callers; the screen begins with what it is at the first message.
        facts: Of the process.
        request: What is wanted.
    """

    def __init__(self, picture: Picture, facts: Facts, request: pb.WatchStateRequest) -> None:
        self._picture, self._facts = picture, facts
        self._markets = frozenset(request.market_tickers)
        self._after = request.after_sequence if request.HasField("after_sequence") else None
        self._version = 0
        self._linked = 0.0
        self._confirmed: dict[int, float] = {}
        """What a screen knows of each market's prices: when they were so, by number."""
        self._looked = float("-inf")
        self._rows: set[int] = set()
        self._positions: set[str] = set()
        self._orders: set[tuple[bool, str]] = set()
        self.as_of = 0
        """Journal entry up to which everything has been given."""

    async def snapshot(self) -> screen_pb2.StateSnapshot:
        """Give everything."""
        picture, moment = self._picture, self._picture.moment
        version, as_of = picture.version, picture.as_of
        message = screen_pb2.StateSnapshot(status=picture.status.message(moment), log={})
        if self._after is None:
            part = picture.log.last(self._markets, as_of)
        else:
            part = picture.log.after(self._after, self._markets, as_of)
        message.log.CopyFrom(part.message(moment.now))
        self._add_positions(message, moment, 0)
        self._add_orders(message, moment, 0)
        if picture.funnel.version >= 0:
            message.funnel.CopyFrom(picture.funnel.message(moment))
        rows = list(self._wanted())
        await self._add_rows(message, [row for row in rows if row.version >= 0])
        self._rows = {row.number for row in rows}
        self._linked, self._version, self.as_of = moment.seconds, version, as_of
        return message

    async def delta(self) -> screen_pb2.StateDelta | None:
        """Give what has changed; None for nothing."""
        picture, moment, sent = self._picture, self._picture.moment, self._version
        version, as_of = picture.version, max(picture.as_of, self.as_of)
        message = screen_pb2.StateDelta()
        self._add_positions(message, moment, sent)
        self._add_orders(message, moment, sent)
        if picture.funnel.version > sent:
            message.funnel.CopyFrom(picture.funnel.message(moment))
        part = picture.log.after(self.as_of, self._markets, as_of)
        if part.told or part.skipped:
            message.log.CopyFrom(part.message(moment.now))
        rows = list(self._wanted())
        if picture.shape > sent:
            here = {row.number for row in rows}
            message.gone_market_numbers.extend(sorted(self._rows - here)[:MOST])
            message.market_order.extend(row.number for row in rows)
            for number in self._rows - here:
                self._confirmed.pop(number, None)
            self._rows = here
        await self._add_rows(message, [row for row in rows if row.version > sent])
        changed = picture.status.version > sent
        if not changed and not message.ByteSize():
            self._version, self.as_of = version, as_of
            return None
        if changed or moment.seconds - self._linked >= _LINKS_SECONDS:
            message.status.CopyFrom(picture.status.message(moment))
            self._linked = moment.seconds
        self._version, self.as_of = version, as_of
        message.confirmed.extend(self._confirm(rows, moment))
        return message

    def heartbeat(self) -> screen_pb2.StateHeartbeat:
        """Say that nothing has changed, or that it is not time to say what has."""
        moment = self._picture.moment
        self._linked = moment.seconds
        return screen_pb2.StateHeartbeat(
            links=links(self._picture.state, self._facts, moment), confirmed=self._confirm(self._wanted(), moment)
        )

    def _wanted(self) -> Iterator[Row]:
        rows, markets = self._picture.rows, self._markets
        return (
            iter(list(rows.values())[:MOST]) if not markets else (row for name, row in rows.items() if name in markets)
        )

    def _add_positions(
        self, message: screen_pb2.StateSnapshot | screen_pb2.StateDelta, moment: Moment, sent: int
    ) -> None:
        here = self._picture.positions
        for name, item in here.items():
            if item.version > sent:
                found = item.message(moment)
                if not self._markets or found.market_ticker in self._markets:
                    message.positions.append(found)
                    self._positions.add(name)
        gone = self._positions - here.keys()
        if gone and isinstance(message, screen_pb2.StateDelta):
            message.closed_position_ids.extend(sorted(gone))
        self._positions -= gone

    def _add_orders(self, message: screen_pb2.StateSnapshot | screen_pb2.StateDelta, moment: Moment, sent: int) -> None:
        here = self._picture.orders
        for name, item in here.items():
            if item.version > sent:
                found = item.message(moment)
                if not self._markets or found.market_ticker in self._markets:
                    message.orders.append(found)
                    self._orders.add(name)
        gone = self._orders - here.keys()
        if gone and isinstance(message, screen_pb2.StateDelta):
            message.ended_client_order_ids.extend(sorted(name for ours, name in gone if ours))
            message.ended_exchange_order_ids.extend(sorted(name for ours, name in gone if not ours))
        self._orders -= gone

    async def _add_rows(self, message: screen_pb2.StateSnapshot | screen_pb2.StateDelta, rows: list[Row]) -> None:
        for number, row in enumerate(rows, 1):
            message.markets.append(row.message(self._picture.moment))
            if row.confirmed is None:
                self._confirmed.pop(row.number, None)
            else:
                self._confirmed[row.number] = row.confirmed
            if number % 100 == 0:
                await breath()

    def _confirm(self, rows: Iterator[Row] | list[Row], moment: Moment) -> list[screen_pb2.Confirmed]:
        """Group markets whose prices were confirmed anew since they were last told so, by age."""
        if moment.seconds - self._looked < _LOOK_SECONDS:
            return []
        self._looked = moment.seconds
        groups: dict[int, tuple[float, list[int]]] = {}
        for row in rows:
            confirmed, known = row.confirmed, self._confirmed.get(row.number)
            if confirmed is None or known is None or confirmed - known < _CONFIRM_SECONDS:
                continue
            if row.version > self._version:  # it has changed: an old price must not look young
                continue
            self._confirmed[row.number] = confirmed
            oldest, numbers = groups.setdefault(int(confirmed * _GROUPS_A_SECOND), (confirmed, []))
            numbers.append(row.number)
            if confirmed < oldest:
                groups[int(confirmed * _GROUPS_A_SECOND)] = (confirmed, numbers)
        return [_confirmed(moment.seconds - oldest, numbers) for oldest, numbers in groups.values()]


def _confirmed(age: float, numbers: list[int]) -> screen_pb2.Confirmed:
    return screen_pb2.Confirmed(age=w.age(age), numbers=numbers)
