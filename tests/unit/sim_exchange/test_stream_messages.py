"""Messages whose occasions are rare, and whom they reach."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh.clock import ManualClock
from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import BookChanged, Happening, Listed, MarketChange, MarketChanged
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Account, Event
from sim_exchange.effects import MessageFacts
from sim_exchange.fault_rules import PlainMessageRule
from sim_exchange.faults import Faults
from sim_exchange.hub import Hub
from sim_exchange.quirks import Quirks
from sim_exchange.stream import frames
from sim_exchange.stream.book_messages import delta, milliseconds
from sim_exchange.stream.lifecycle_messages import market_changed
from sim_exchange.stream.outbox import Outbox
from sim_exchange.stream.session import Session, StreamLimits
from sim_exchange.stream.streams import Streams
from sim_exchange.tape.tape import Tape
from tests.fakes.asyncapi import document
from tests.fakes.exchange_world import NOW, TAPERED, WARM, listing, market


def exchange() -> Exchange:
    made = Exchange(seed=1, quirks=Quirks())
    for item in listing():
        made.list(item, NOW)
    made.open_account(Account(account_id="a-1", name="alice"), {})
    made.take_events()
    return made


def streams(of: Exchange, **limits: Any) -> Streams:
    clock = ManualClock(NOW)
    return Streams(of, Tape(of.markets), clock=clock, wall=clock, faults=Faults(1), limits=StreamLimits(**limits))


async def heard(session: Session) -> list[dict[str, Any]]:
    """Everything in the outbox."""
    sent: list[bytes] = []

    async def send(frame: bytes) -> None:
        sent.append(frame)

    session.outbox.cut()
    await session.outbox.write(send, lambda: None)
    messages = [json.loads(frame) for frame in sent]
    if (contract := document()) is not None:
        for message in messages:
            contract.check(message)
    return messages


def subscribe(session: Session, *channels: str, **params: Any) -> None:
    session.handle(json.dumps({"id": 1, "cmd": "subscribe", "params": {"channels": channels} | params}))


async def test_a_new_grid_is_told_with_its_bands() -> None:
    of = exchange()
    listener = streams(of)
    session = listener.open("a-1")
    subscribe(session, "market_lifecycle_v2")
    changed = market(WARM, NOW, NOW, price_level_structure="tapered_deci_cent", price_ranges=TAPERED)
    listener([MarketChanged(MarketChange.GRID_CHANGED, changed, NOW)])
    _, message = await heard(session)
    assert message["msg"] == {
        "market_ticker": WARM,
        "event_type": "price_level_structure_updated",
        "price_level_structure": "tapered_deci_cent",
        "price_ranges": [
            {"start": "0.0000", "end": "0.1000", "step": "0.0010"},
            {"start": "0.1000", "end": "0.9000", "step": "0.0100"},
            {"start": "0.9000", "end": "1.0000", "step": "0.0010"},
        ],
    }


@pytest.mark.parametrize(
    ("change", "announced"), [(MarketChange.CLOSED, True), (MarketChange.CLOSED, False), (MarketChange.OPENED, False)]
)
def test_what_the_exchange_keeps_to_itself_is_no_message(change: MarketChange, announced: bool) -> None:
    assert market_changed(MarketChanged(change, market(WARM, NOW, NOW), NOW, announced)) is None


async def test_combination_markets_have_their_own_channel() -> None:
    listener = streams(exchange())
    session = listener.open("a-1")
    subscribe(session, "market_lifecycle_v2", "multivariate_market_lifecycle")
    listener([Listed(market("KXMVESPORTS-26JUL10-A", NOW, NOW + timedelta(days=1)), NOW)])
    listener([Listed(Event(event_ticker="KXMVE-1", series_ticker="KXMVE", title="t", sub_title="s"), NOW)])
    assert [message["type"] for message in await heard(session)] == ["subscribed", "subscribed"]


async def test_a_full_buffer_ends_one_subscription_and_leaves_the_others() -> None:
    of = exchange()
    listener = streams(of, buffered_messages=3)
    session = listener.open("a-1")
    subscribe(session, "orderbook_delta", "market_lifecycle_v2", market_tickers=[WARM], use_yes_price=True)
    for count in range(1, 6):
        of.set_book(WARM, [(400_000, Hundredths(count * 100))], [], NOW)
        listener(of.take_events())
    listener([MarketChanged(MarketChange.PAUSED, of.markets[WARM], NOW)])
    messages = await heard(session)
    books = [message for message in messages if message.get("sid") == 1]
    assert [message["seq"] for message in books] == [1, 2, 3, 4, 5]
    assert books[-1]["msg"] == {"code": 25, "msg": "Subscription buffer overflow"}
    assert messages[-1]["msg"]["event_type"] == "deactivated"


async def test_snapshots_that_were_asked_for_do_not_overflow() -> None:
    of = exchange()
    listener = streams(of, buffered_messages=1)
    session = listener.open("a-1")
    subscribe(session, "orderbook_delta", market_tickers=list(of.markets))
    of.set_book(WARM, [(400_000, Hundredths(100))], [], NOW)
    listener(of.take_events())
    kinds = [message["type"] for message in await heard(session)]
    assert kinds == ["subscribed", *["orderbook_snapshot"] * len(of.markets), "orderbook_delta"]


async def test_nobody_hears_anything_after_the_end() -> None:
    of = exchange()
    listener = streams(of)
    session = listener.open("a-1")
    subscribe(session, "orderbook_delta", "ticker", "trade", market_tickers=[WARM])
    session.close()
    of.set_book(WARM, [(400_000, Hundredths(100))], [], NOW)
    listener(of.take_events())
    kinds = [message["type"] for message in await heard(session)]
    assert kinds == ["subscribed", "subscribed", "subscribed", "orderbook_snapshot"]


async def test_a_lost_connection_fills_no_memory() -> None:
    async def lost(_: bytes) -> None:
        raise ConnectionResetError

    outbox = Outbox(1)
    outbox.put(b"one")
    await outbox.write(lost, lambda: None)
    outbox.put(b"two")
    outbox.put(b"three")
    await outbox.room()


def test_listeners_hear_in_order_and_in_one_piece() -> None:
    calls: list[tuple[str, int]] = []
    hub = Hub(lambda batch: calls.append(("store", len(batch))))
    hub.add(lambda batch: calls.append(("tape", len(batch))))
    happening: Happening = Listed(market(WARM, NOW, NOW), NOW)
    hub.publish([happening, happening])
    hub.publish([])
    assert calls == [("store", 2), ("tape", 2)]


def test_deprecated_times_are_cut_to_milliseconds() -> None:
    assert milliseconds(datetime(2026, 7, 10, 15, 0, 0, 123_999, tzinfo=UTC)) == "2026-07-10T15:00:00.123Z"
    assert milliseconds(datetime(2026, 7, 10, 15, 0, 0, 999, tzinfo=UTC)) == "2026-07-10T15:00:00Z"


def test_an_envelope_is_json() -> None:
    frame = frames.data("trade", 2, None, 5, b'{"a":1}', command_id=0)
    assert json.loads(frame) == {"type": "trade", "sid": 2, "sending_ts_ms": 5, "msg": {"a": 1}}
    frame = frames.data("trade", 2, 3, 5, b"{}", command_id=7)
    assert json.loads(frame) == {"type": "trade", "id": 7, "sid": 2, "seq": 3, "sending_ts_ms": 5, "msg": {}}


def test_whether_any_rule_is_about_messages_is_known_at_once() -> None:
    faults = Faults(1)
    assert not faults.strike_messages
    faults.add(PlainMessageRule(kind="skip_seq", ticker=WARM))
    assert faults.strike_messages
    assert not faults.on_message(MessageFacts("trade", "alice", "OTHER")).lose


def test_the_owner_of_a_change_is_told_his_subaccount_if_it_is_not_the_primary_one() -> None:
    def said(subaccount: int, *, own: bool) -> dict[str, Any]:
        change = BookChanged(WARM, BookSide.BID, Micros(480_000), Hundredths(100), NOW, "ann", "hers", subaccount)
        body: dict[str, Any] = json.loads(delta(change, "id", 1, use_yes_price=False, own=own))
        return body

    assert (said(3, own=True)["subaccount"], said(3, own=True)["client_order_id"]) == (3, "hers")
    assert "subaccount" not in said(0, own=True)
    assert "subaccount" not in said(3, own=False)
