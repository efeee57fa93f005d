"""Bodies of order writes, read into what the matching engine takes. Pure.

Here an order becomes well formed: words known, numbers exact. What the engine refuses, such as a price off the grid, it
refuses itself.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET

from mesh.kalshi.terms import BookSide, SelfTradePrevention, TimeInForce
from mesh.types import Hundredths, Micros, hundredths_from_count, micros_from_dollars
from sim_exchange.api.bodies import Shape
from sim_exchange.api.replies import Problem, problem
from sim_exchange.domain.types import Amendment, NewOrder

CREATE = Shape(
    "CreateOrderV2Request",
    {
        "ticker": "string",
        "client_order_id": "string",
        "side": "string",
        "count": "string",
        "price": "string",
        "expiration_time": "int64",
        "time_in_force": "string",
        "post_only": "bool",
        "self_trade_prevention_type": "string",
        "cancel_order_on_pause": "bool",
        "reduce_only": "bool",
        "subaccount": "int64",
        "order_group_id": "string",
        "exchange_index": "int64",
    },
)
BATCH_CREATE = Shape("BatchCreateOrdersV2Request", {"orders": CREATE})
AMEND = Shape(
    "AmendOrderV2Request",
    {
        "ticker": "string",
        "side": "string",
        "price": "string",
        "count": "string",
        "client_order_id": "string",
        "updated_client_order_id": "string",
        "expiration_time": "int64",
        "exchange_index": "int64",
    },
)
DECREASE = Shape(
    "DecreaseOrderV2Request",
    {"reduce_by": "string", "reduce_to": "string", "exchange_index": "int64", "market_ticker": "string"},
)
CANCEL = Shape(
    "BatchCancelOrdersV2RequestOrder",
    {"order_id": "string", "subaccount": "int64", "exchange_index": "int64", "market_ticker": "string"},
)
BATCH_CANCEL = Shape("BatchCancelOrdersV2Request", {"orders": CANCEL})

_CREATE_NEEDS = ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type")
_AMEND_NEEDS = ("ticker", "side", "price", "count")
_PRICE = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_FINEST_PRICE = 100  # micros: four decimals
_COUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_.:/+=-]{1,128}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # of the year 9999
_SIDES = {"bid": BookSide.BID, "ask": BookSide.ASK}
_TIMES_IN_FORCE = {word.value: word for word in TimeInForce if word is not TimeInForce.UNKNOWN}
_PREVENTIONS = {word.value: word for word in SelfTradePrevention if word is not SelfTradePrevention.UNKNOWN}


def new_order(fields: Mapping[str, Any]) -> NewOrder:
    """Read an order. Problem (400) if something is missing, unknown or no number."""
    _demand(fields, _CREATE_NEEDS)
    expiration = fields.get("expiration_time")
    return NewOrder(
        ticker=fields["ticker"],
        side=_word(fields["side"], _SIDES, "side"),
        price=read_price(fields["price"]),
        count=read_count(fields["count"], "count"),
        time_in_force=_word(fields["time_in_force"], _TIMES_IN_FORCE, "time_in_force"),
        self_trade_prevention=_word(fields["self_trade_prevention_type"], _PREVENTIONS, "self_trade_prevention_type"),
        client_order_id=_client_order_id(fields.get("client_order_id")),
        expiration_time=None if expiration is None else _instant(expiration),
        post_only=fields.get("post_only", False),
        reduce_only=fields.get("reduce_only", False),
        cancel_order_on_pause=fields.get("cancel_order_on_pause", False),
        order_group_id=fields.get("order_group_id") or None,
        subaccount=primary(fields.get("subaccount")),
        exchange_index=read_shard(fields.get("exchange_index")),
    )


def amendment(fields: Mapping[str, Any]) -> Amendment:
    """Read new terms of an order. Problem (400) if something is missing, unknown or no number."""
    _demand(fields, _AMEND_NEEDS)
    expiration = fields.get("expiration_time")
    if expiration is not None and expiration < 0:
        raise invalid("expiration_time must not be negative")
    return Amendment(
        ticker=fields["ticker"],
        side=_word(fields["side"], _SIDES, "side"),
        price=read_price(fields["price"]),
        count=read_count(fields["count"], "count"),
        client_order_id=fields.get("client_order_id") or None,
        updated_client_order_id=_client_order_id(fields.get("updated_client_order_id")),
        expiration_time=UNSET if expiration is None else _instant(expiration) if expiration else None,
    )


def demand_order_id(fields: Mapping[str, Any]) -> str:
    """Read which order an item of a batch is about. Problem (400) if it does not say."""
    _demand(fields, ("order_id",))
    return str(fields["order_id"])


def demand_orders(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read the items of a batch. Problem (400) if there is no list."""
    orders = fields.get("orders")
    if orders is None:
        raise problem(400, "missing_parameters")
    return list(orders)


def read_price(text: str) -> Micros:
    """Read a YES price of at most four decimals. Problem (400) if it is none."""
    if not _PRICE.fullmatch(text):
        raise invalid("price is not a fixed-point dollar amount")
    try:
        micros = micros_from_dollars(text)
    except ValueError:
        raise problem(400, "invalid_price") from None
    if micros % _FINEST_PRICE:
        raise problem(400, "invalid_price")
    return micros


def read_count(text: str, name: str, *, least: int = 1) -> Hundredths:
    """Read contracts of at most two decimals. Problem (400) if it is none, or less than `least` hundredths."""
    if not _COUNT.fullmatch(text):
        raise invalid(f"{name} is not a count with at most two decimals")
    count = hundredths_from_count(text)
    if count < least:
        raise invalid(f"{name} must be positive")
    return count


def read_shard(index: int | None) -> int | None:
    """Read `exchange_index`; None, for absent or −1, lets the exchange find the shard. Problem (400) below that."""
    if index is None or index == -1:
        return None
    if index < 0:
        raise invalid("unknown exchange_index")
    return index


def primary(subaccount: int | None) -> int:
    """Refuse every subaccount but the primary one, 0: there are no others. Problem (400)."""
    if subaccount:
        raise invalid("unknown subaccount")
    return 0


def invalid(details: str) -> Problem:
    """Refuse a value."""
    return problem(400, "invalid_parameters", details)


def _demand(fields: Mapping[str, Any], names: Iterable[str]) -> None:
    if missing := [name for name in names if not fields.get(name)]:
        raise problem(400, "missing_parameters", f"missing: {', '.join(missing)}")


def _word(text: str, words: Mapping[str, Any], name: str) -> Any:
    if text not in words:
        raise invalid(f"{name} must be one of: {' '.join(words)}")
    return words[text]


def _client_order_id(text: str | None) -> str | None:
    if text and not _CLIENT_ORDER_ID.fullmatch(text):
        raise invalid("client_order_id has unacceptable characters or length")
    return text or None


def _instant(seconds: int) -> datetime:
    if not 0 <= seconds <= _LAST_SECOND:
        raise invalid("expiration_time is out of range")
    return _EPOCH + timedelta(seconds=seconds)
