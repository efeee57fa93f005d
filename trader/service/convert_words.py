"""The trader's words, times and prices in the contract's terms. Pure.

The domain's words are the contract's own, so that a word finds its number by name. One that the contract lacks fails in
the tests, where every word of every enumeration is converted.
"""

import re
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from foremesh.access.v1 import access_pb2
from foremesh.market.v1 import market_pb2
from foremesh.trader.v1 import decisions_pb2, events_pb2, orders_pb2, positions_pb2, rules_pb2, status_pb2, switches_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import CENT, CONTRACT, DOLLAR, Side
from trader.domain import words
from trader.domain.adopting import CannotAdopt
from trader.domain.switching import TradingState

TEXT = 400
"""Longest text for people in most fields."""
_NAME = 64

_E = TypeVar("_E", bound=Enum)
_MICROSECONDS = 1_000_000

SIDE = {Side.YES: market_pb2.CONTRACT_SIDE_YES, Side.NO: market_pb2.CONTRACT_SIDE_NO}
ACTION = {Action.BUY: orders_pb2.ORDER_ACTION_BUY, Action.SELL: orders_pb2.ORDER_ACTION_SELL}
TIME_IN_FORCE = {
    TimeInForce.GOOD_TILL_CANCELED: orders_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED,
    TimeInForce.IMMEDIATE_OR_CANCEL: orders_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
    TimeInForce.FILL_OR_KILL: orders_pb2.TIME_IN_FORCE_FILL_OR_KILL,
    TimeInForce.UNKNOWN: orders_pb2.TIME_IN_FORCE_UNSPECIFIED,
}
PRIORITY = {
    words.Urgency.QUIET: events_pb2.NOTIFICATION_PRIORITY_QUIET,
    words.Urgency.NORMAL: events_pb2.NOTIFICATION_PRIORITY_NORMAL,
    words.Urgency.HIGH: events_pb2.NOTIFICATION_PRIORITY_HIGH,
    words.Urgency.EMERGENCY: events_pb2.NOTIFICATION_PRIORITY_EMERGENCY,
}


def _named(kind: type[_E], wire: Any, prefix: str) -> dict[_E, Any]:
    """Match words by name; the generated enumerations share no typed base."""
    return {word: wire.Value(f"{prefix}_{word.name}") for word in kind}


MODE = _named(words.Mode, status_pb2.TradingMode, "TRADING_MODE")
STATE = _named(TradingState, status_pb2.TradingState, "TRADING_STATE")
ACTOR_KIND = _named(words.ActorKind, status_pb2.ActorKind, "ACTOR_KIND")
BLOCK_KIND = _named(words.BlockKind, status_pb2.BlockKind, "BLOCK_KIND")
LINK_KIND = _named(words.LinkKind, status_pb2.LinkKind, "LINK_KIND")
EXCHANGE_STATE = _named(words.ExchangeState, status_pb2.ExchangeState, "EXCHANGE_STATE")
VERDICT = _named(words.Verdict, rules_pb2.Verdict, "VERDICT")
ORDER_STATE = _named(words.OrderState, orders_pb2.OrderState, "ORDER_STATE")
PURPOSE = _named(words.Purpose, orders_pb2.OrderPurpose, "ORDER_PURPOSE")
END_REASON = _named(words.EndReason, orders_pb2.OrderEndReason, "ORDER_END_REASON")
EXIT_KIND = _named(words.ExitKind, positions_pb2.ExitKind, "EXIT_KIND")
ENTRY_STYLE = _named(words.EntryStyle, decisions_pb2.EntryStyle, "ENTRY_STYLE")
SCAN_OUTCOME = _named(words.ScanOutcome, decisions_pb2.ScanOutcome, "SCAN_OUTCOME")
CANNOT_ADOPT = _named(CannotAdopt, switches_pb2.AdoptionRefusalReason, "ADOPTION_REFUSAL_REASON")
CHANGE = _named(words.ChangeKind, events_pb2.StateChangeKind, "STATE_CHANGE_KIND")
SUBJECT = _named(words.Subject, events_pb2.ReconciliationSubject, "RECONCILIATION_SUBJECT")
RESOLUTION = _named(words.Resolution, events_pb2.ReconciliationResolution, "RECONCILIATION_RESOLUTION")
POSITION_STATE: dict[str, Any] = {
    name.removeprefix("POSITION_STATE_"): number for name, number in positions_pb2.PositionState.items()
}
DELIVERY = _named(words.Delivery, events_pb2.NotificationDelivery, "NOTIFICATION_DELIVERY")


ROLE: dict[str, Any] = {name.removeprefix("ROLE_").lower(): number for name, number in access_pb2.Role.items()}
"""Roles of the mesh, as calls name them."""


def text(words_: str, most: int = TEXT) -> str:
    """Cut a text for people to what the contract takes."""
    return words_ if len(words_) <= most else f"{words_[: most - 1]}…"


def name(words_: str) -> str:
    """Make a name, as the contract wants one, of a reason that may be a sentence; empty where nothing is left."""
    return re.sub("[^a-z0-9]+", "_", words_.lower()).lstrip("_0123456789")[:_NAME].rstrip("_")


def instant(time: datetime) -> Timestamp:
    """Return an instant."""
    found = Timestamp()
    found.FromDatetime(time)
    return found


def seconds(span: float) -> Duration:
    """Return a length of time, to the microsecond."""
    found = Duration()
    found.FromMicroseconds(round(span * _MICROSECONDS))
    return found


def age(span: float) -> Duration:
    """Return an age; a clock that was set back makes none below zero."""
    return seconds(max(0.0, span))


def price(micros: int | None) -> int | None:
    """Return a price if somebody could pay it: nothing and a whole dollar are none."""
    return micros if micros is not None and 0 < micros < DOLLAR else None


def mean_cents(money: int, count: int) -> float:
    """Return the mean price of one contract, in cents.

    Args:
        money: Price times count, micros.
        count: Hundredths of a contract, above zero.
    """
    return money * CONTRACT / count / CENT
