"""A screen that keeps what WatchState sends, as any screen does: pure, by the contract alone."""

from collections.abc import Iterable

from foremesh.trader.v1 import events_pb2, orders_pb2, positions_pb2, report_pb2, screen_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb


class Kept:
    """What a screen has."""

    def __init__(self) -> None:
        self.status: status_pb2.Status | None = None
        self.positions: dict[str, positions_pb2.Position] = {}
        self.orders: dict[tuple[str, str], orders_pb2.Order] = {}
        self.markets: dict[int, screen_pb2.MarketRow] = {}
        self.order: list[int] = []
        self.numbers: set[int] = set()
        """Every number that was ever used."""
        self.funnel: report_pb2.Funnel | None = None
        self.log: list[events_pb2.Event] = []
        self.skipped = 0
        self.confirmed: dict[int, int] = {}
        """How often prices were confirmed alone, by number."""

    def take(self, response: pb.WatchStateResponse) -> None:
        """Take in a message."""
        if response.HasField("snapshot"):
            self._replace(response.snapshot)
        elif response.HasField("delta"):
            self._change(response.delta)
        else:
            self._confirm(response.heartbeat.confirmed)

    def _replace(self, snapshot: screen_pb2.StateSnapshot) -> None:
        self.status = snapshot.status
        self.positions = {each.position_id: each for each in snapshot.positions}
        self.orders = {_name(each): each for each in snapshot.orders}
        self.markets = {each.number: each for each in snapshot.markets}
        self.order = [each.number for each in snapshot.markets]
        self.numbers |= set(self.order)
        self.funnel = snapshot.funnel if snapshot.HasField("funnel") else None
        self._hear(snapshot.log)

    def _change(self, delta: screen_pb2.StateDelta) -> None:
        if delta.HasField("status"):
            self.status = delta.status
        self.positions |= {each.position_id: each for each in delta.positions}
        for name in delta.closed_position_ids:
            del self.positions[name]
        self.orders |= {_name(each): each for each in delta.orders}
        for name in delta.ended_client_order_ids:
            del self.orders["ours", name]
        for name in delta.ended_exchange_order_ids:
            del self.orders["others", name]
        for number in delta.gone_market_numbers:
            del self.markets[number]
        for row in delta.markets:
            assert row.number in self.markets or row.number not in self.numbers, "a number was used again"
            self.numbers.add(row.number)
            self.markets[row.number] = row
        if delta.gone_market_numbers or delta.market_order:
            self.order = list(delta.market_order)
        assert set(self.order) == self.markets.keys()
        if delta.HasField("funnel"):
            self.funnel = delta.funnel
        self._hear(delta.log)
        self._confirm(delta.confirmed)

    def _hear(self, log: screen_pb2.LogEvents) -> None:
        sequences = [event.sequence for event in (*self.log[-1:], *log.events)]
        assert sequences == sorted(set(sequences)), "events come once and in order"
        self.log += log.events
        self.skipped += log.skipped_count

    def _confirm(self, groups: Iterable[screen_pb2.Confirmed]) -> None:
        for group in groups:
            for number in group.numbers:
                assert number in self.markets
                self.confirmed[number] = self.confirmed.get(number, 0) + 1

    def rows(self) -> list[screen_pb2.MarketRow]:
        """The markets, in their order."""
        return [self.markets[number] for number in self.order]

    def row(self, ticker: str) -> screen_pb2.MarketRow:
        """One market."""
        return next(row for row in self.markets.values() if row.market_ticker == ticker)

    def content(self) -> dict[str, object]:
        """What is there, without ages: two screens of one trader have the same."""
        rows = []
        for row in self.rows():
            bare = screen_pb2.MarketRow.FromString(row.SerializeToString())
            bare.no_mark.ClearField("confirmed_age")
            bare.signal.ClearField("age")
            bare.signal.ClearField("useful_for")
            bare.decision.ClearField("age")
            rows.append(bare)
        positions = {}
        for name, position in self.positions.items():
            found = positions_pb2.Position.FromString(position.SerializeToString())
            found.mark.ClearField("confirmed_age")
            found.guard.ClearField("checked_age")
            positions[name] = found
        status = status_pb2.Status()
        if self.status is not None:
            status.CopyFrom(self.status)
        for link in status.links:
            link.ClearField("age")
        status.ClearField("uptime")
        status.balance.ClearField("confirmed_age")
        status.last_scan.ClearField("age")
        return {"status": status, "positions": positions, "orders": self.orders, "rows": rows, "funnel": self.funnel}


def _name(order: orders_pb2.Order) -> tuple[str, str]:
    if order.purpose == orders_pb2.ORDER_PURPOSE_FOREIGN:
        return "others", order.exchange_order_id
    return "ours", order.client_order_id
