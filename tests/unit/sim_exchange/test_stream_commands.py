"""Commands of the WebSocket are read, or refused with the exchange's code, whatever comes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_exchange.stream.channels import BOOK, CHANNELS, LIFECYCLE, TICKER, TRADE
from sim_exchange.stream.commands import (
    ListSubscriptions,
    Selection,
    StreamError,
    Subscribe,
    Unsubscribe,
    Update,
    check_update,
    parse,
)

NONE = Selection(None, None)


def text(cmd: str, **params: Any) -> str:
    return json.dumps({"id": 5, "cmd": cmd, "params": params})


def code(message: str) -> int:
    with pytest.raises(StreamError) as refused:
        parse(message)
    return refused.value.code


def test_a_subscription_is_read() -> None:
    command = parse(
        text("subscribe", channels=["ticker", "trade", "ticker"], market_tickers=["A", "B", "A"], use_yes_price=True)
    )
    assert command == Subscribe(
        5,
        (TICKER, TRADE),
        Selection(("A", "B"), None),
        send_initial_snapshot=False,
        skip_ack=None,
        use_yes_price=True,
    )


def test_other_commands_are_read() -> None:
    assert parse(text("unsubscribe", sids=[1, 2])) == Unsubscribe(5, (1, 2))
    update = Update(5, 3, "add_markets", Selection(("A",), None), send_initial_snapshot=False)
    assert parse(text("update_subscription", sid=3, action="add_markets", market_ticker="A")) == update
    assert parse(text("update_subscription", sids=[3], action="add_markets", market_tickers=["A"])) == update
    assert parse('{"cmd": "list_subscriptions"}') == ListSubscriptions(0)
    assert parse('{"id": 0, "cmd": "list_subscriptions", "params": {}}') == ListSubscriptions(0)


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name != "orderbook_delta"])
def test_markets_are_optional_on_all_channels_but_the_book(channel: str) -> None:
    command = parse(text("subscribe", channels=[channel], market_tickers=[]))
    assert isinstance(command, Subscribe)
    assert command.selection == NONE


SUBSCRIBE: list[tuple[dict[str, Any], int]] = [
    ({"channels": []}, 3),
    ({"channels": None}, 3),
    ({"channels": "trade"}, 11),
    ({"channels": ["trade", "tarde"]}, 8),
    ({"channels": [7]}, 8),
    ({"channels": ["ticker_v2"]}, 8),
    ({"channels": ["orderbook_delta"]}, 14),
    ({"channels": ["orderbook_delta"], "market_tickers": []}, 14),
    ({"channels": ["trade", "orderbook_delta"]}, 14),
    ({"channels": ["orderbook_delta"], "market_id": "x"}, 14),
    ({"channels": ["trade"], "market_ids": ["x"]}, 11),
    ({"channels": ["trade"], "market_ticker": "A", "market_tickers": ["A"]}, 11),
    ({"channels": ["ticker"], "market_ticker": "A", "market_id": "x"}, 11),
    ({"channels": ["trade"], "market_tickers": "A"}, 11),
    ({"channels": ["trade"], "market_tickers": [1]}, 11),
    ({"channels": ["trade"], "market_ticker": ["A"]}, 11),
    ({"channels": ["ticker"], "send_initial_snapshot": "yes"}, 11),
    ({"channels": ["orderbook_delta"], "market_ticker": "A", "use_yes_price": 1}, 11),
    ({"channels": ["communications"], "shard_factor": 0}, 19),
    ({"channels": ["communications"], "shard_factor": -3}, 19),
    ({"channels": ["communications"], "shard_key": 1}, 20),
    ({"channels": ["communications"], "shard_factor": 2, "shard_key": 2}, 21),
    ({"channels": ["communications"], "shard_factor": 2, "shard_key": -1}, 21),
    ({"channels": ["communications"], "shard_factor": 101}, 22),
    ({"channels": ["communications"], "shard_factor": "2"}, 11),
]


@pytest.mark.parametrize(("params", "expected"), SUBSCRIBE)
def test_a_wrong_subscription_is_refused(params: dict[str, Any], expected: int) -> None:
    assert code(text("subscribe", **params)) == expected


OTHERS: list[tuple[str, dict[str, Any], int]] = [
    ("unsubscribe", {}, 4),
    ("unsubscribe", {"sids": []}, 4),
    ("unsubscribe", {"sids": 1}, 11),
    ("unsubscribe", {"sids": ["1"]}, 11),
    ("unsubscribe", {"sids": [True]}, 11),
    ("update_subscription", {"action": "add_markets"}, 12),
    ("update_subscription", {"sids": [], "action": "add_markets"}, 12),
    ("update_subscription", {"sids": [1, 2], "action": "add_markets"}, 12),
    ("update_subscription", {"sid": 1, "sids": [1], "action": "add_markets"}, 12),
    ("update_subscription", {"sid": "1", "action": "add_markets"}, 11),
    ("update_subscription", {"sid": 1}, 15),
    ("update_subscription", {"sid": 1, "action": "indexlist"}, 13),
    ("update_subscription", {"sid": 1, "action": ["add_markets"]}, 13),
]


@pytest.mark.parametrize(("cmd", "params", "expected"), OTHERS)
def test_other_wrong_commands_are_refused(cmd: str, params: dict[str, Any], expected: int) -> None:
    assert code(text(cmd, **params)) == expected


@pytest.mark.parametrize("cmd", ["subscribe", "unsubscribe", "update_subscription"])
def test_params_are_required(cmd: str) -> None:
    assert code(json.dumps({"id": 5, "cmd": cmd})) == 2


def test_a_refusal_carries_the_id_where_it_can_be_read() -> None:
    with pytest.raises(StreamError) as refused:
        parse(text("dance"))
    assert refused.value.command_id == 5


@pytest.mark.parametrize(
    ("channel", "action", "selection", "expected"),
    [
        (LIFECYCLE, "add_markets", Selection(("A",), None), 13),
        (TRADE, "get_snapshot", Selection(("A",), None), 13),
        (BOOK, "add_markets", NONE, 14),
        (BOOK, "get_snapshot", Selection(None, ("x",)), 14),
        (TRADE, "add_markets", Selection(None, ("x",)), 11),
        (TRADE, "delete_markets", NONE, 14),
    ],
)
def test_an_update_must_suit_its_channel(channel: Any, action: str, selection: Selection, expected: int) -> None:
    with pytest.raises(StreamError) as refused:
        check_update(Update(9, 1, action, selection, send_initial_snapshot=False), channel)
    assert (refused.value.code, refused.value.command_id) == (expected, 9)


WORDS = st.sampled_from(
    ["subscribe", "unsubscribe", "update_subscription", "list_subscriptions", "add_markets", "get_snapshot", *CHANNELS]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = (
    "channels", "sids", "sid", "action", "market_ticker", "market_tickers", "market_id", "market_ids", "use_yes_price",
    "send_initial_snapshot", "skip_ticker_ack", "shard_factor", "shard_key",
)  # fmt: skip
PARAMS = st.dictionaries(st.sampled_from(FIELDS), VALUES | st.lists(WORDS, max_size=3), max_size=6)


@given(st.fixed_dictionaries({}, optional={"id": VALUES, "cmd": WORDS | VALUES, "params": PARAMS | VALUES}) | VALUES)
def test_any_json_is_a_command_or_refused(message: Any) -> None:
    command: object
    try:
        command = parse(json.dumps(message))
    except StreamError as error:
        command = error
    assert isinstance(command, Subscribe | Unsubscribe | Update | ListSubscriptions | StreamError)


@given(st.text())
def test_any_text_is_a_command_or_refused(message: str) -> None:
    if not message.lstrip().startswith("{"):
        assert code(message) == 1
