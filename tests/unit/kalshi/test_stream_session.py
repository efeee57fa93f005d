"""The conversation on one connection, frame by frame."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.errors import ExchangeUnavailable, NoAnswer, NotPermitted, RateLimited, RequestRefused
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Gap, Refused, Resynced
from mesh.kalshi.stream.line import MARKETS_A_COMMAND
from mesh.kalshi.stream.market import Trade
from mesh.kalshi.stream.own import Fill
from mesh.types import Hundredths, Price, Side
from tests.fakes.kalshi_session import FILL, TRADE, Talk, books, private


def test_a_book_begins_with_its_snapshot_and_follows_each_change() -> None:
    talk = Talk({Channel.BOOK: {"A"}})
    assert talk.sent == [
        {
            "id": 1,
            "cmd": "subscribe",
            "params": {
                "channels": ["orderbook_delta"],
                "market_tickers": ["A"],
                "use_yes_price": True,
                "skip_ticker_ack": True,
            },
        }
    ]
    talk.begin()
    assert talk.take() == []  # nothing is known yet
    talk.book(1)
    talk.delta(2, "-1.00", client_order_id="mine", ts_ms=1_783_692_000_123)
    talk.delta(3, "0.50", side="no", price_dollars="0.4400")

    first, second, third = talk.take()
    assert isinstance(first, BookSnapshot)
    assert isinstance(second, BookUpdated)
    assert isinstance(third, BookUpdated)
    assert first.book.best_bid() == (Price(400_000), Hundredths(300))
    assert first.book.best_ask() == (Price(450_000), Hundredths(200))
    assert second.book.best_bid() == (Price(400_000), Hundredths(200))
    assert (second.client_order_id, second.ts_ms, second.change.delta) == ("mine", 1_783_692_000_123, -100)
    assert third.book.best_ask() == (Price(440_000), Hundredths(50))
    assert third.book.best_bid(Side.NO) == (Price(560_000), Hundredths(50))
    assert talk.session.book("A") == third.book


def test_a_snapshot_without_a_side_has_none() -> None:
    talk = books("A")
    talk.book(2, yes_dollars_fp=[])
    (event,) = talk.take()
    assert isinstance(event, BookSnapshot)
    assert (event.book.bids(), event.book.asks()) == ((), ())


def test_a_hole_makes_every_book_stale_until_its_snapshot() -> None:
    talk = books("A", "B")
    talk.delta(4, ticker="A")  # 3 is missing
    assert talk.take() == [Gap(Channel.BOOK, ("A", "B"), "messages 3 to 3 are missing")]
    assert talk.session.book("A") is None
    assert talk.session.book("B") is None
    command = talk.last
    assert command["params"] == {"sids": [1], "action": "get_snapshot", "market_tickers": ["A", "B"]}

    talk.delta(5, ticker="A")  # not to be counted: a snapshot is on its way
    talk.delta(6, ticker="B")
    assert talk.take() == []
    talk.book(7, "B")
    talk.delta(8, ticker="B")
    talk.delta(9, ticker="A")
    talk.book(10, "A")
    assert [type(event) for event in talk.take()] == [BookSnapshot, BookUpdated, BookSnapshot]
    assert len(talk.sent) == 1


def test_a_hole_while_books_are_on_their_way_means_asking_again() -> None:
    talk = books("A")
    talk.delta(3)
    talk.delta(5)  # 4 may have been the book
    talk.wait(2)
    assert [command["params"]["action"] for command in talk.sent] == ["get_snapshot", "get_snapshot"]
    talk.book(6)
    assert [type(event) for event in talk.take()] == [Gap, BookSnapshot]


def test_only_the_books_are_an_answer_to_a_request_for_books() -> None:
    talk = books("A")
    talk.delta(3)
    talk.say("ok", {}, id=talk.last["id"], sid=1, seq=4)
    talk.wait(9)
    assert len(talk.sent) == 1
    talk.wait(2)
    assert talk.last["cmd"] == "unsubscribe"


def test_after_a_gap_was_made_good_nothing_is_asked_for_too_early() -> None:
    talk = books("A")
    talk.delta(3)
    talk.book(4)
    talk.wait(1)
    talk.want(Channel.BOOK, "A", "B")
    talk.say("ok", {}, id=talk.last["id"], sid=1, seq=5)
    talk.wait(5)
    assert [command["params"]["action"] for command in talk.sent] == ["get_snapshot", "add_markets"]


def test_a_message_that_was_there_before_changes_nothing() -> None:
    talk = books("A")
    talk.delta(2)
    before = talk.session.book("A")
    talk.take()
    talk.delta(2)
    talk.delta(1)
    talk.book(1, yes_dollars_fp=[["0.0100", "1.00"]])
    assert talk.take() == []
    assert talk.session.book("A") == before
    assert talk.stats.old == 3


def test_a_message_that_comes_after_its_successor_is_a_gap() -> None:
    talk = books("A")
    talk.delta(3)
    talk.delta(2)
    assert [type(event) for event in talk.take()] == [Gap]
    assert talk.stats.old == 1
    talk.book(4)
    assert [type(event) for event in talk.take()] == [BookSnapshot]


def test_confirmations_are_part_of_the_sequence() -> None:
    talk = books("A")
    talk.want(Channel.BOOK, "A", "B")
    assert talk.last["params"] == {"sids": [1], "action": "add_markets", "market_tickers": ["B"]}
    talk.say("ok", {"market_tickers": ["A", "B"]}, id=talk.last["id"], sid=1, seq=2)
    talk.book(3, "B")
    talk.delta(4, ticker="A")
    talk.say("ok", {}, id=999, sid=1, seq=5)  # nobody waits for it, but it has a number
    talk.say("something_new", {}, sid=1, seq=6)
    talk.delta(7, ticker="B")
    assert [type(event) for event in talk.take()] == [BookSnapshot, BookUpdated, BookUpdated]
    talk.error(1, sid=1, seq=9)
    assert [type(event) for event in talk.take()] == [Gap]


def test_a_numbering_that_begins_anew_is_noticed() -> None:
    talk = books("A")
    for seq in range(2, 60):
        talk.delta(seq)
    talk.take()
    for seq in range(1, 40):
        talk.delta(seq)
    assert [type(event) for event in talk.take()] == [Gap]
    assert talk.last["params"]["action"] == "get_snapshot"
    talk.book(40)
    talk.delta(41)
    assert [type(event) for event in talk.take()] == [BookSnapshot, BookUpdated]


def test_a_change_that_does_not_fit_makes_only_that_book_stale() -> None:
    talk = books("A", "B")
    talk.delta(3, "-3.01", ticker="A")
    (gap,) = talk.take()
    assert isinstance(gap, Gap)
    assert (gap.channel, gap.tickers) == (Channel.BOOK, ("A",))
    assert talk.session.book("A") is None
    assert talk.session.book("B") is not None
    assert talk.last["params"]["market_tickers"] == ["A"]


@pytest.mark.parametrize(
    "changed",
    [
        {"delta_fp": 1},
        {"price_dollars": 0.4},
        {"price_dollars": "1.4000"},
        {"price_dollars": None},
        {"side": "maybe"},
        {"side": None},
        {"delta_fp": "0.001"},
    ],
)
def test_a_malformed_change_makes_its_book_stale(changed: dict[str, Any]) -> None:
    talk = books("A", "B")
    talk.delta(3, ticker="B", **changed)
    assert talk.take() == [Gap(Channel.BOOK, ("B",), "a message could not be read")]
    assert talk.last["params"] == {"sids": [1], "action": "get_snapshot", "market_tickers": ["B"]}
    assert talk.stats.malformed == {"orderbook_delta": 1}
    talk.book(4, "B")
    talk.delta(5, ticker="B")
    assert [type(event) for event in talk.take()] == [BookSnapshot, BookUpdated]


def test_a_malformed_snapshot_is_asked_for_again_but_not_for_ever_at_once() -> None:
    talk = books("A")
    for seq in range(2, 30):
        talk.book(seq, yes_dollars_fp=[["0.4000", "1.00"], ["0.4000", "2.00"]])
    assert [type(event) for event in talk.take()] == [Gap]
    assert len(talk.sent) == 1  # 28 bad answers, and pauses that grow between the questions
    talk.wait(10)
    assert len(talk.sent) == 2
    talk.book(30)
    assert [type(event) for event in talk.take()] == [BookSnapshot]


def test_junk_concerns_everything() -> None:
    talk = Talk({Channel.BOOK: {"A"}, Channel.FILLS: None})
    for command, sid in zip(list(talk.sent), (1, 2), strict=True):
        talk.say("subscribed", {"channel": command["params"]["channels"][0], "sid": sid}, id=command["id"])
    talk.book(1)
    talk.take()
    talk.raw(b"\xff not JSON")
    gap = "a message could not be read"
    assert talk.take() == [Gap(Channel.BOOK, ("A",), gap), Gap(Channel.FILLS, None, gap), Resynced(Channel.FILLS, None)]
    assert talk.last["params"]["action"] == "get_snapshot"


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"null", b"[]", b"7", b'"text"', b"{}", b'{"type":7}', b'{"type":"fill","sid":"one","msg":{}}',
        b'{"type":"fill","msg":{}}', b'{"type":"subscribed","id":1,"msg":[]}', b'{"type":"error","msg":{"code":"x"}}',
        b"[" * 100_000, b'{"type":"ticker","sid":1,"msg":' + b"[" * 100_000, b'{"type":"fill"',
        b'{"type":"orderbook_delta","sid":1,"seq":-1,"msg":{}}',
    ],
)  # fmt: skip
def test_junk_of_any_kind_is_survived(frame: bytes) -> None:
    talk = private(Channel.FILLS)
    talk.raw(frame)
    talk.say("fill", FILL, sid=1)
    assert isinstance(talk.take()[-1], Fill)
    assert talk.stats.malformed


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
kinds = st.sampled_from(
    ["orderbook_snapshot", "orderbook_delta", "ticker", "trade", "fill", "user_order", "subscribed", "ok", "error",
     "unsubscribed", "market_lifecycle_v2", "new"]
)  # fmt: skip


numbers = st.integers(0, 5) | json_values
bodies = st.sampled_from(
    [FILL, TRADE, {"code": 25, "msg": ""}, {"code": 11, "msg": "", "market_tickers": ["A"]}]
).flatmap(
    lambda body: st.fixed_dictionaries(
        {}, optional={name: st.just(value) | json_values for name, value in body.items()}
    )
)
frames = st.fixed_dictionaries(
    {"type": kinds}, optional={"id": numbers, "sid": numbers, "seq": numbers, "msg": bodies | json_values}
)


@given(st.lists(frames, max_size=20))
def test_no_frame_breaks_the_session(frames: list[dict[str, Any]]) -> None:
    talk = Talk({Channel.BOOK: {"A"}, Channel.FILLS: None})
    for sid, (channel, number) in enumerate((("orderbook_delta", 1), ("fill", 2)), 1):
        talk.say("subscribed", {"channel": channel, "sid": sid}, id=number)
    talk.book(1)
    for frame in frames:
        try:
            talk.raw(json.dumps(frame).encode())
            talk.wait(0.5)
        except NoAnswer:
            return


@pytest.mark.parametrize("code", [10, 25])
def test_an_error_that_ends_a_subscription_leads_to_a_new_one(code: int) -> None:
    talk = books("A", "B")
    talk.error(code, sid=1, seq=3)
    (gap,) = talk.take()
    assert isinstance(gap, Gap)
    assert (gap.channel, gap.tickers) == (Channel.BOOK, ("A", "B"))
    assert talk.session.book("A") is None
    assert talk.sent == []  # not at once
    talk.wait(1)
    assert talk.last["cmd"] == "subscribe"
    talk.begin(sid=2)
    talk.delta(4, sid=1)  # of the old one
    talk.book(1, "A", sid=2)
    talk.book(2, "B", sid=2)
    assert [type(event) for event in talk.take()] == [BookSnapshot, BookSnapshot]
    assert talk.stats.stray == 1


def test_a_subscription_that_ends_again_and_again_is_renewed_more_and_more_rarely() -> None:
    talk = private(Channel.TRADES)
    begun: list[float] = []
    for sid in range(1, 7):
        talk.error(25, sid=sid, seq=1)
        started = talk.now
        while talk.last["id"] == len(begun) + 1:
            talk.wait(0.25)
        begun.append(talk.now - started)
        talk.begin(sid=sid + 1)
    assert begun[0] <= 1.25
    assert begun[-1] >= 8
    assert max(begun) <= 16.25


def test_an_end_that_names_no_subscription_ends_the_connection() -> None:
    talk = books("A")
    with pytest.raises(NoAnswer):
        talk.error(25)


def test_a_refusal_is_told_and_the_subscription_tried_again() -> None:
    talk = Talk({Channel.FILLS: None})
    talk.error(9, id=1)
    (refused,) = talk.take()
    assert isinstance(refused, Refused)
    assert (refused.channel, refused.tickers) == (Channel.FILLS, None)
    assert isinstance(refused.problem, NotPermitted)
    assert refused.problem.code == "9"
    assert len(talk.sent) == 1
    talk.wait(2)
    assert len(talk.sent) == 2
    talk.begin()
    assert talk.take() == [Resynced(Channel.FILLS, None)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [(8, RequestRefused), (11, RequestRefused), (26, RequestRefused), (27, RateLimited), (18, ExchangeUnavailable)],
)
def test_refusals_are_named_by_what_to_do(code: int, kind: type[Exception]) -> None:
    talk = Talk({Channel.TICKER: {"A"}})
    talk.error(code, id=1)
    (refused,) = talk.take()
    assert isinstance(refused, Refused)
    assert refused.tickers == ("A",)
    assert type(refused.problem) is kind


def test_markets_that_a_refusal_names_are_left_out() -> None:
    talk = Talk({Channel.BOOK: {"A", "B"}})
    talk.error(11, id=1, market_tickers=["B"])
    talk.wait(2)
    assert talk.last["params"]["market_tickers"] == ["A"]
    assert talk.wanted == {Channel.BOOK: {"A"}}
    talk.error(11, id=2, market_ticker="A")
    talk.wait(60)
    assert len(talk.sent) == 2
    assert talk.wanted == {}


def test_a_refused_request_for_books_leads_to_a_new_subscription() -> None:
    talk = books("A")
    talk.delta(3)
    talk.error(13, id=talk.last["id"])
    talk.wait(1)
    assert talk.last == {"id": talk.last["id"], "cmd": "unsubscribe", "params": {"sids": [1]}}
    talk.say("unsubscribed", id=talk.last["id"], sid=1, seq=4)
    assert talk.last["cmd"] == "subscribe"
    talk.begin(sid=2)
    talk.book(1, sid=2)
    assert [type(event) for event in talk.take()] == [Gap, BookSnapshot]


def test_books_that_do_not_come_lead_to_a_new_subscription() -> None:
    talk = books("A", "B")
    talk.delta(4)
    talk.book(5, "A")
    talk.wait(9)
    assert len(talk.sent) == 1
    talk.wait(3)
    assert talk.last["cmd"] == "unsubscribe"
    assert talk.take()[-1] == Gap(Channel.BOOK, ("A",), "it is subscribed to anew")


def test_a_market_that_the_exchange_does_not_have_does_not_hold_up_the_others() -> None:
    talk = books("A", "B")
    talk.delta(4)
    talk.error(11, id=talk.last["id"], market_tickers=["B"])
    assert talk.last["params"]["market_tickers"] == ["A"]
    talk.book(5, "A")
    assert [type(event) for event in talk.take()] == [Gap, BookSnapshot]
    talk.wait(60)
    assert all(command["cmd"] == "update_subscription" for command in talk.sent)


def test_a_book_that_never_came_is_asked_for_now_and_then() -> None:
    talk = Talk({Channel.BOOK: {"A", "B"}})
    talk.begin()
    talk.book(1, "A")
    talk.sent.clear()
    talk.wait(9)
    assert talk.sent == []
    talk.wait(2)
    assert talk.last["params"] == {"sids": [1], "action": "get_snapshot", "market_tickers": ["B"]}
    talk.wait(60)
    assert 3 <= len(talk.sent) <= 5
    talk.book(2, "B")
    assert talk.session.book("B") is not None
    assert not [event for event in talk.take() if isinstance(event, Gap)]


def test_a_subscription_that_the_exchange_forgot_is_renewed() -> None:
    talk = books("A")
    talk.want(Channel.BOOK, "A", "B")
    talk.error(7, id=talk.last["id"])
    talk.wait(2)
    assert talk.last["cmd"] == "subscribe"
    assert talk.last["params"]["market_tickers"] == ["A", "B"]
    assert [type(event) for event in talk.take()] == [Refused, Gap]


def test_a_subscription_that_the_exchange_ends_by_itself_is_renewed() -> None:
    talk = private(Channel.TRADES)
    talk.say("unsubscribed", sid=1, seq=1)
    assert [type(event) for event in talk.take()] == [Gap]
    talk.wait(2)
    talk.begin(sid=2)
    assert talk.take() == [Resynced(Channel.TRADES, None)]


def test_a_command_without_an_answer_ends_the_connection() -> None:
    talk = Talk({Channel.FILLS: None})
    talk.wait(9.75)
    with pytest.raises(NoAnswer, match="subscribe"):
        talk.wait(0.5)


def test_many_markets_go_in_several_commands() -> None:
    tickers = {f"M{number:04}" for number in range(2 * MARKETS_A_COMMAND + 1)}
    talk = Talk({Channel.TICKER: set(tickers)})
    talk.begin()
    for _ in range(2):
        talk.say("ok", {}, id=talk.last["id"], sid=1, seq=1)
    assert [command["cmd"] for command in talk.sent] == ["subscribe", "update_subscription", "update_subscription"]
    asked = [ticker for command in talk.sent for ticker in command["params"]["market_tickers"]]
    assert sorted(asked) == sorted(tickers)
    assert max(len(command["params"]["market_tickers"]) for command in talk.sent) == MARKETS_A_COMMAND
    whole = [ticker for event in talk.take() if isinstance(event, Resynced) for ticker in event.tickers or ()]
    assert sorted(whole) == sorted(tickers)
    talk.wait(60)
    assert len(talk.sent) == 3


def test_markets_are_taken_out_when_they_are_not_wanted_any_more() -> None:
    talk = books("A", "B")
    talk.want(Channel.BOOK, "B")
    assert talk.last["params"] == {"sids": [1], "action": "delete_markets", "market_tickers": ["A"]}
    talk.say("ok", {}, id=talk.last["id"], sid=1, seq=3)
    assert talk.session.book("A") is None
    talk.delta(4, ticker="A")
    talk.book(5, ticker="A")
    talk.delta(6, ticker="B")
    assert [type(event) for event in talk.take()] == [Gap, BookUpdated]


def test_a_channel_ends_when_it_is_not_wanted_any_more() -> None:
    talk = private(Channel.FILLS)
    del talk.wanted[Channel.FILLS]
    talk.session.update(talk.now)
    assert talk.last["params"] == {"sids": [1]}
    talk.say("fill", FILL, sid=1)
    talk.say("unsubscribed", id=talk.last["id"], sid=1, seq=1)
    talk.wait(60)
    assert len(talk.sent) == 2
    assert talk.take() == [Gap(Channel.FILLS, None, "it is not subscribed to any more")]


def test_from_some_markets_to_all_of_them_is_a_new_subscription() -> None:
    talk = Talk({Channel.TRADES: {"A"}})
    talk.begin()
    talk.want(Channel.TRADES)
    assert talk.last["cmd"] == "unsubscribe"
    talk.say("unsubscribed", id=talk.last["id"], sid=1, seq=1)
    assert talk.last["params"] == {"channels": ["trade"]}
    talk.begin(sid=2)
    assert [type(event) for event in talk.take()] == [Resynced, Gap, Resynced]


def test_a_subscription_that_was_there_already_is_gone_on_with() -> None:
    talk = Talk({Channel.TRADES: {"A"}})
    talk.say("ok", {"market_tickers": ["A"]}, id=1, sid=5, seq=41)
    talk.say("trade", TRADE, sid=5, seq=42)
    assert [type(event) for event in talk.take()] == [Resynced, Trade]
    talk.say("trade", TRADE, sid=5, seq=44)
    assert [type(event) for event in talk.take()] == [Gap, Resynced, Trade]


@pytest.mark.parametrize("channel", [Channel.TRADES, Channel.LIFECYCLE, Channel.GROUPS])
def test_a_hole_in_a_numbered_channel_is_told_and_nothing_else_is_to_be_done(channel: Channel) -> None:
    talk = private(channel)
    talk.say("something_new", sid=1, seq=3)
    assert talk.take() == [Gap(channel, None, "messages 1 to 2 are missing"), Resynced(channel, None)]
    assert len(talk.sent) == 1


def test_a_malformed_fill_is_a_gap_of_its_market() -> None:
    talk = private(Channel.FILLS)
    talk.say("fill", FILL | {"yes_price_dollars": 0.45}, sid=1)
    assert talk.take() == [
        Gap(Channel.FILLS, ("A",), "a message could not be read"),
        Resynced(Channel.FILLS, ("A",)),
    ]
    talk.say("fill", {name: value for name, value in FILL.items() if name != "count_fp"} | {"new": [1]}, sid=1)
    assert [type(event) for event in talk.take()] == [Gap, Resynced]
    assert talk.stats.malformed == {"fill": 2}


def test_a_numbered_message_without_its_number_is_a_gap() -> None:
    talk = private(Channel.TRADES)
    talk.say("trade", TRADE, sid=1)
    assert [type(event) for event in talk.take()] == [Gap, Resynced]


def test_a_message_on_the_wrong_subscription_is_a_gap() -> None:
    talk = private(Channel.FILLS)
    talk.say("trade", TRADE, sid=1, seq=1)
    assert [type(event) for event in talk.take()] == [Gap, Resynced]


def test_unknown_types_and_fields_are_tolerated_and_counted() -> None:
    talk = private(Channel.FILLS)
    for number in range(300):
        talk.say("rfq_created", {"id": number}, sid=77)
        talk.say(f"type {number}")
    talk.say("fill", FILL | {"new_field": {"deep": [1]}}, sid=1)
    assert [type(event) for event in talk.take()] == [Fill]
    assert talk.stats.unknown["rfq_created"] == 300
    assert talk.stats.unknown.total() == 600
    assert len(talk.stats.unknown) <= 101


def test_the_end_is_a_gap_of_everything_that_was_whole() -> None:
    talk = books("A", "B")
    talk.want(Channel.FILLS)
    talk.begin(sid=2)
    talk.want(Channel.ORDERS)  # not confirmed: nothing was promised
    talk.take()
    talk.session.end("the socket was lost")
    assert talk.take() == [
        Gap(Channel.BOOK, ("A", "B"), "the socket was lost"),
        Gap(Channel.FILLS, None, "the socket was lost"),
    ]


def test_somebody_new_is_told_what_is_whole() -> None:
    talk = books("A", "B")
    talk.want(Channel.TICKER, "A", "B")
    talk.begin(sid=2)
    talk.delta(3, "-9.00", ticker="B")
    state = list(talk.session.state())
    assert [type(event) for event in state] == [BookSnapshot, Resynced]
    assert state[1] == Resynced(Channel.TICKER, ("A", "B"))
