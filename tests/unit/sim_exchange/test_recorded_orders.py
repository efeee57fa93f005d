"""Recorded requests to the real exchange, put to ours: the same answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from mesh.kalshi.terms import BookSide, OrderStatus, SelfTradePrevention, TimeInForce
from mesh.types import count_text, dollars, hundredths_from_count, micros_from_dollars
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import Placed
from sim_exchange.domain.types import Account, NewOrder, Refused
from tests.fakes.exchange_engine import ASK, BID, NOW, RAIN, engine, ladder, order, usd

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "reference" / "samples"


def recorded(name: str) -> dict[str, Any]:
    path = SAMPLES / f"demo-2026-06__orders__{name}.json"
    if not path.exists():
        pytest.skip(f"no recording {path}")
    sample: dict[str, Any] = json.loads(path.read_text())
    return sample


def asked(body: dict[str, Any]) -> NewOrder:
    return NewOrder(
        ticker=RAIN,
        side=BookSide(body["side"]),
        price=micros_from_dollars(body["price"]),
        count=hundredths_from_count(body["count"]),
        time_in_force=TimeInForce(body["time_in_force"]),
        self_trade_prevention=SelfTradePrevention(body["self_trade_prevention_type"]),
        client_order_id=body["client_order_id"],
        post_only=body.get("post_only", False),
    )


def market_of_that_day() -> Exchange:
    """Bids at 0.48 and asks at 0.52, and a member with the recorded account's 9,998 dollars."""
    exchange = engine()
    exchange.open_account(Account(account_id="dan", name="dan"), {0: usd(9_998)})
    exchange.set_book(RAIN, ladder((48, 10)), ladder((52, 10)), NOW)
    return exchange


def reply(placed: Placed) -> dict[str, str]:
    """Our answer in the recorded words."""
    told = {
        "fill_count": count_text(placed.filling.count),
        "remaining_count": count_text(placed.order.remaining_count),
        "client_order_id": placed.order.client_order_id,
    }
    if placed.filling.average_price is not None and placed.filling.average_fee is not None:
        told["average_fill_price"] = dollars(placed.filling.average_price)
        told["average_fee_paid"] = dollars(placed.filling.average_fee)
    return told


def without_ids(recorded_reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in recorded_reply.items() if key not in ("order_id", "ts_ms")}


@pytest.mark.parametrize("name", ["create_v2_maker", "create_v2_taker_ioc"])
def test_accepted_orders_answer_as_recorded(name: str) -> None:
    sample = recorded(name)
    placed = market_of_that_day().place("dan", asked(sample["request"]["body"]), NOW)
    assert reply(placed) == without_ids(sample["response"])


def test_a_self_cross_answers_as_recorded_and_leaves_the_resting_order() -> None:
    sample = recorded("stp_self_cross")
    exchange = market_of_that_day()
    exchange.set_book(RAIN, [], [], NOW)
    own = exchange.place("dan", order(BID, 48, 1), NOW).order
    placed = exchange.place("dan", asked(sample["request"]["body"]), NOW)
    assert reply(placed) == without_ids(sample["response"])
    assert exchange.orders[own.order_id].status is OrderStatus.RESTING
    assert exchange.books[RAIN].levels(ASK) == []


@pytest.mark.parametrize("name", ["insufficient_balance", "invalid_price_structure", "post_only_cross"])
def test_refused_orders_answer_as_recorded(name: str) -> None:
    sample = recorded(name)
    with pytest.raises(Refused) as refused:
        market_of_that_day().place("dan", asked(sample["request"]["body"]), NOW)
    error = sample["response"]["error"]
    assert (refused.value.status, refused.value.code, refused.value.message, refused.value.details) == (
        sample["status"],
        error["code"],
        error["message"],
        error.get("details", ""),
    )


def test_duplicates_and_cancels_answer_as_recorded() -> None:
    created, duplicate = recorded("create_v2_maker"), recorded("duplicate_client_order_id")
    cancelled, again = recorded("cancel_v2"), recorded("cancel_already_canceled")
    exchange = market_of_that_day()
    placed = exchange.place("dan", asked(created["request"]["body"]), NOW).order
    with pytest.raises(Refused) as refused:
        exchange.place("dan", asked(duplicate["request"]["body"]), NOW)
    assert (refused.value.status, refused.value.code) == (duplicate["status"], duplicate["response"]["error"]["code"])
    reduced_by = exchange.cancel("dan", placed.order_id, NOW).reduced_by
    assert count_text(reduced_by) == cancelled["response"]["reduced_by"]
    with pytest.raises(Refused) as refused:
        exchange.cancel("dan", placed.order_id, NOW)
    assert (refused.value.status, refused.value.code) == (again["status"], again["response"]["error"]["code"])


def test_a_position_reads_as_the_recorded_one() -> None:
    path = SAMPLES / "demo-2026-06__portfolio__positions.json"
    if not path.exists():
        pytest.skip(f"no recording {path}")
    (expected,) = json.loads(path.read_text())["response"]["market_positions"]
    exchange = market_of_that_day()
    # The recorded fills: twice one contract at 0.99, then one at 0.52.
    for cents, bid in ((99, 98), (99, 98), (52, 48)):
        exchange.set_book(RAIN, ladder((bid, 10)), ladder((cents, 1)), NOW)
        exchange.place("dan", order(BID, 99, 1, TimeInForce.IMMEDIATE_OR_CANCEL), NOW)
        exchange.set_book(RAIN, [], [], NOW)
    (position,) = exchange.positions_of("dan")
    assert count_text(position.count) == expected["position_fp"]
    assert position.open_cost == micros_from_dollars(expected["market_exposure_dollars"])
    assert position.fees_paid == micros_from_dollars(expected["fees_paid_dollars"])
    assert position.total_traded == micros_from_dollars(expected["total_traded_dollars"])
    assert position.realized_pnl == micros_from_dollars(expected["realized_pnl_dollars"])
