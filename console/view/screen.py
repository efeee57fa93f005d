"""Everything that a screen has been told, and how old it is by the screen's own clock. Pure.

Ages come with the messages; the screen adds the time since, monotonic, and compares no clocks.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from foremesh.trader.v1 import events_pb2, orders_pb2, positions_pb2, report_pb2, screen_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from console.view.freshness import SILENCE_SECONDS, Freshness, freshness

_KEPT_EVENTS = 500

Message = TypeVar("Message")


@dataclass(slots=True)
class Seen(Generic[Message]):
    """A thing as last told, and when its prices were so, on the screen's clock; None without prices."""

    message: Message
    so_at: float | None
    told_at: float
    """When the message was sent, on the screen's clock: its other ages count from here."""


class Screen:
    """What a screen knows. Nothing is known before the first snapshot.

    Attributes:
        status: Of the trader.
        positions: By id, oldest first.
        orders: Working ones: by their own id or, where they are not the trader's, the exchange's.
        rows: Markets by number, in the trader's order.
        funnel: Of the last scan.
        events: The log, oldest first.
        missed: True when the log has a hole.
        as_of_sequence: Journal entry that is included; where a stream that broke goes on.
        journal_id: Journal that the sequence belongs to.
    """

    def __init__(self) -> None:
        self.status: status_pb2.Status | None = None
        self.positions: dict[str, Seen[positions_pb2.Position]] = {}
        self.orders: dict[tuple[bool, str], orders_pb2.Order] = {}
        self.rows: dict[int, Seen[screen_pb2.MarketRow]] = {}
        self.funnel: report_pb2.Funnel | None = None
        self.events: deque[events_pb2.Event] = deque(maxlen=_KEPT_EVENTS)
        self.missed = False
        self.as_of_sequence = 0
        self.journal_id = ""
        self._links: list[tuple[status_pb2.Link, float | None]] = []
        self._began: float | None = None
        self._heard: float | None = None

    def receive(self, response: pb.WatchStateResponse, now: float) -> None:
        """Take in a message that came now. One without a snapshot before it in its stream says nothing."""
        content = response.WhichOneof("content")
        if content == "snapshot":
            if self._began is None or not _seconds(response.stream_age):  # the first of another stream
                self._began = now
            self._replace(response, now - self._late(response, now))
        elif self._began is None or content is None:
            return
        elif content == "delta":
            self._change(response.delta, now - self._late(response, now))
        else:
            sent = now - self._late(response, now)
            self._link_ages(response.heartbeat.links, sent)
            self._confirm(response.heartbeat.confirmed, sent)
        self._heard = now
        self.as_of_sequence, self.journal_id = response.as_of_sequence, response.journal_id

    def lost(self) -> None:
        """Take in that the stream has ended: nothing that is known is so any more, until a snapshot comes."""
        self._began = self._heard = None

    def silence(self, now: float) -> float | None:
        """Return for how many seconds nothing has come; None while there is no stream."""
        return None if self._heard is None else max(0.0, now - self._heard)

    def linked(self, now: float) -> bool:
        """Tell whether the trader is heard."""
        silence = self.silence(now)
        return silence is not None and silence <= SILENCE_SECONDS

    def age(self, so_at: float | None, now: float) -> float | None:
        """Return the age of knowledge in seconds."""
        return None if so_at is None else max(0.0, now - so_at)

    def quote_freshness(self, so_at: float | None, now: float) -> Freshness:
        """Class the age of a quote; without a link every quote is stale."""
        if so_at is None or self.status is None:
            return Freshness.ABSENT
        if not self.linked(now):
            return Freshness.STALE
        limits = self.status.staleness
        return freshness(self.age(so_at, now), _seconds(limits.quote_fresh_within), _seconds(limits.quote_stale_after))

    def forecast_freshness(self, seen: Seen[screen_pb2.MarketRow], now: float) -> Freshness:
        """Class the forecast of a market: stale when its scan is too long ago, or nothing is done on it any more."""
        if self.status is None or not seen.message.HasField("signal"):
            return Freshness.ABSENT
        limit = _seconds(self.status.staleness.forecast_stale_after)
        over = now - seen.told_at >= _seconds(seen.message.signal.useful_for)
        stale = over or self.forecast_age(seen, now) > limit
        return Freshness.STALE if stale else Freshness.FRESH

    def forecast_age(self, seen: Seen[screen_pb2.MarketRow], now: float) -> float:
        """Return how long ago the trader got the forecast of a market, in seconds."""
        return max(0.0, now - seen.told_at) + _seconds(seen.message.signal.age)

    def links(self, now: float) -> Iterator[tuple[status_pb2.Link, float | None]]:
        """Give the trader's links with the ages of their last success."""
        return ((link, self.age(so_at, now)) for link, so_at in self._links)

    def _late(self, response: pb.WatchStateResponse, now: float) -> float:
        """Return how much longer this message was on its way than the first one of its stream."""
        began = now if self._began is None else self._began
        return max(0.0, now - began - _seconds(response.stream_age))

    def _replace(self, response: pb.WatchStateResponse, sent: float) -> None:
        snapshot = response.snapshot
        if response.journal_id != self.journal_id:
            self.events.clear()
            self.missed = False
        self.positions, self.orders, self.rows, self.funnel = {}, {}, {}, None
        self._take_status(snapshot.status, sent)
        self._take_things(snapshot, sent)

    def _change(self, delta: screen_pb2.StateDelta, sent: float) -> None:
        if delta.HasField("status"):
            self._take_status(delta.status, sent)
        for position_id in delta.closed_position_ids:
            self.positions.pop(position_id, None)
        for name in delta.ended_client_order_ids:
            self.orders.pop((True, name), None)
        for name in delta.ended_exchange_order_ids:
            self.orders.pop((False, name), None)
        for number in delta.gone_market_numbers:
            self.rows.pop(number, None)
        self._take_things(delta, sent)
        if delta.market_order:
            ordered = {number: self.rows[number] for number in delta.market_order if number in self.rows}
            self.rows = ordered | self.rows
        self._confirm(delta.confirmed, sent)

    def _take_status(self, status: status_pb2.Status, sent: float) -> None:
        self.status = status
        self._link_ages(status.links, sent)

    def _take_things(self, message: screen_pb2.StateSnapshot | screen_pb2.StateDelta, sent: float) -> None:
        for position in message.positions:
            at = sent - _seconds(position.mark.confirmed_age) if position.HasField("mark") else None
            self.positions[position.position_id] = Seen(position, at, sent)
        for order in message.orders:
            foreign = order.purpose == orders_pb2.ORDER_PURPOSE_FOREIGN
            self.orders[not foreign, order.exchange_order_id if foreign else order.client_order_id] = order
        for row in message.markets:
            at = sent - _seconds(row.no_mark.confirmed_age) if row.HasField("no_mark") else None
            self.rows[row.number] = Seen(row, at, sent)
        if message.HasField("funnel"):
            self.funnel = message.funnel
        if message.HasField("log"):
            last = self.events[-1].sequence if self.events else 0
            self.events.extend(event for event in message.log.events if event.sequence > last)
            self.missed = self.missed or message.log.skipped_count > 0 or message.log.more_skipped

    def _link_ages(self, links: Iterable[status_pb2.Link], sent: float) -> None:
        self._links = [(link, sent - _seconds(link.age) if link.HasField("age") else None) for link in links]

    def _confirm(self, groups: Iterable[screen_pb2.Confirmed], sent: float) -> None:
        held: dict[str, list[Seen[positions_pb2.Position]]] = {}
        for position in self.positions.values():
            held.setdefault(position.message.market_ticker, []).append(position)
        for group in groups:
            so_at = sent - _seconds(group.age)
            for number in group.numbers:
                row = self.rows.get(number)
                if row is None or row.so_at is None:
                    continue
                row.so_at = max(row.so_at, so_at)
                for position in held.get(row.message.market_ticker, ()):
                    if position.so_at is not None:
                        position.so_at = max(position.so_at, so_at)


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
