"""What the trader says, in words and figures for people."""

from datetime import UTC
from typing import Any

from foremesh.market.v1 import market_pb2
from foremesh.trader.v1 import decisions_pb2, events_pb2, orders_pb2, positions_pb2, rules_pb2, status_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from console.amounts import gain
from console.collection.words import duration_words, plain
from console.journal_words import contracts, money, price
from mesh.types import Hundredths, Micros

_FINEST = 100


def document(message: Message) -> dict[str, Any]:
    """Return a message for programs, with the contract's field names."""
    found: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return found


def word(wire: Any, number: int, prefix: str) -> str:
    """Say a word of the contract: `TRADING_STATE_RUNNING` is `running`; one that is newer than this is a number."""
    named: dict[int, str] = {value: name for name, value in wire.items()}
    return named.get(number, f"{prefix}{number}").removeprefix(prefix).lower().replace("_", " ")


def side(number: int) -> str:
    """Say a side."""
    return word(market_pb2.ContractSide, number, "CONTRACT_SIDE_").upper()


def count(hundredths: int) -> str:
    """Say a count of contracts."""
    return contracts(Hundredths(hundredths))


def cents(message: Message, field: str) -> str:
    """Say an optional price of a message; a dash for none."""
    return price(getattr(message, field)) if message.HasField(field) else "-"


def instant(time: Timestamp) -> str:
    """Say an instant of UTC."""
    return time.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S")


def state(number: int) -> str:
    """Say the trader's state."""
    return word(status_pb2.TradingState, number, "TRADING_STATE_")


def exit_kind(number: int) -> str:
    """Say why contracts were given up."""
    return word(positions_pb2.ExitKind, number, "EXIT_KIND_")


def position_state(number: int) -> str:
    """Say where a position is in its life."""
    return word(positions_pb2.PositionState, number, "POSITION_STATE_")


def block(found: status_pb2.EntryBlock) -> str:
    """Say why entries are not taken, and where."""
    scope = found.WhichOneof("scope")
    where = "all markets" if scope is None else getattr(found, scope)
    kind = word(status_pb2.BlockKind, found.kind, "BLOCK_KIND_")
    until = f", until {instant(found.end_time)}" if found.HasField("end_time") else ""
    why = f": {found.reason}" if found.reason else ""
    by_people = found.kind in {status_pb2.BLOCK_KIND_PAUSE, status_pb2.BLOCK_KIND_FLATTEN}
    named = "" if by_people else f" --block {found.block_id}"
    lift = f"; lift it with foremesh resume{named}" if found.liftable else ""
    return plain(f"{where} ({kind}{why}{until}{lift})")


def figure(found: rules_pb2.Figure) -> str:
    """Say a figure with its unit."""
    match found.WhichOneof("value"):
        case "micros":
            # Prices lie on hundredths of a cent at the finest; limits that exclude their end lie a millionth beside it.
            return money(Micros(round(found.micros / _FINEST) * _FINEST))
        case "cents":
            return f"{found.cents:g}c"
        case "contracts_hundredths":
            return count(found.contracts_hundredths)
        case "duration":
            return duration_words(found.duration)
        case "ratio":
            return f"{found.ratio:g}"
        case "count":
            return str(found.count)
        case _:
            return plain(found.word)


def event(found: events_pb2.Event) -> str:
    """Say in a line what happened, and when."""
    return f"{found.sequence:>7} {instant(found.record_time)} {happened(found)}"


def happened(found: events_pb2.Event) -> str:
    """Say what happened: its kind, in a column, and the rest."""
    kind = found.WhichOneof("payload")
    words = _EVENTS.get(kind or "")
    what = "something newer than this program" if kind is None or words is None else words(getattr(found, kind))
    return f"{(kind or '?').replace('_', ' '):<16} {plain(what)}"


def _decision(found: decisions_pb2.Decision) -> str:
    head = f"{found.market_ticker} {side(found.side)}"
    if found.outcome == decisions_pb2.DECISION_OUTCOME_ENTER:
        plan = found.plan
        return f"{head}: ENTER {count(plan.count_hundredths)} at {price(plan.limit_price_micros)} or better"
    refused = [verdict for verdict in found.verdicts if verdict.verdict == rules_pb2.VERDICT_REFUSED]
    why = (
        f"{verdict.rule} ({figure(verdict.figure) if verdict.HasField('figure') else 'not known'})"
        for verdict in refused
    )
    return f"{head}: refused by {', '.join(why)}"


def working(order: orders_pb2.Order) -> str:
    """Say what an order is and how far it got."""
    action = word(orders_pb2.OrderAction, order.action, "ORDER_ACTION_")
    what = f"{action} {count(order.count_hundredths)} {side(order.side)} at {price(order.limit_price_micros)}"
    is_now = word(orders_pb2.OrderState, order.state, "ORDER_STATE_")
    filled = f", {count(order.filled_hundredths)} filled" if order.filled_hundredths else ""
    why = f": {order.detail}" if order.detail else ""
    return plain(f"{order.market_ticker}: {what} is {is_now}{filled}{why}")


def _fill(found: orders_pb2.Fill) -> str:
    action = word(orders_pb2.OrderAction, found.action, "ORDER_ACTION_")
    what = f"{action} {count(found.count_hundredths)} {side(found.side)} at {price(found.price_micros)}"
    return f"{found.market_ticker}: {what}, fee {money(Micros(found.fee_micros))}"


def _state_change(found: events_pb2.StateChange) -> str:
    kind = word(events_pb2.StateChangeKind, found.kind, "STATE_CHANGE_KIND_")
    who = f" by {found.actor.name}" if found.actor.name else ""
    why = f": {found.reason}" if found.reason else ""
    return f"{kind}{who}{why}; the trader is {state(found.state)}"


def _difference(found: events_pb2.ReconciliationDifference) -> str:
    subject = word(events_pb2.ReconciliationSubject, found.subject, "RECONCILIATION_SUBJECT_")
    ours = figure(found.trader) if found.HasField("trader") else "nothing"
    theirs = figure(found.exchange) if found.HasField("exchange") else "nothing"
    where = f"{found.market_ticker}: " if found.market_ticker else ""
    return (
        f"{where}{subject} DIFFERS: ours {ours}, the exchange's {theirs}{f'; {found.detail}' if found.detail else ''}"
    )


_EVENTS: dict[str, Any] = {
    "scan_started": lambda found: f"{found.market_count} markets of {', '.join(found.series_tickers)}",
    "scan_finished": lambda found: (
        f"{found.market_count} markets in {duration_words(found.duration)}: {found.signal_count} signals, "
        f"{found.entry_count} entered, {found.failed_count + found.expired_count} without an answer"
    ),
    "signal": lambda found: (
        f"{found.market_ticker}: for {side(found.side)}, {found.signal.magnitude_cents:g}c from "
        f"{found.signal.current_price_cents:g}c"
    ),
    "decision": _decision,
    "order": lambda found: working(found.order),
    "fill": _fill,
    "exit": lambda found: (
        f"{found.market_ticker}: EXIT {exit_kind(found.kind)} of {count(found.count_hundredths)} {side(found.side)}"
    ),
    "settlement": lambda found: f"{found.market_ticker}: settled, paid {money(Micros(found.revenue_micros))}",
    "trade": lambda found: (
        f"{found.market_ticker}: closed by {exit_kind(found.exit_kind)}, net {gain(found.net_micros)}"
    ),
    "state_change": _state_change,
    "reconciliation_difference": _difference,
    "notification": lambda found: (
        f"{word(events_pb2.NotificationDelivery, found.delivery, 'NOTIFICATION_DELIVERY_')}: {found.title}"
    ),
}
