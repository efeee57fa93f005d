"""The simulated exchange's WebSocket against the exchange's AsyncAPI document and against recorded messages."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from mesh.kalshi.terms import FeeType, Result, StrikeType
from mesh.types import Micros
from sim_exchange.domain.results import PauseScope
from sim_exchange.domain.types import Event
from sim_exchange.stream import commands
from sim_exchange.stream.channels import CHANNELS
from tests.conftest import ROOT
from tests.fakes.asyncapi import PATH, document
from tests.fakes.exchange_stream import Ear, listening, streaming_world
from tests.fakes.exchange_world import FINE, MILD, WARM, Caller, World, market, order

SAMPLES = ROOT.parent / "shared" / "reference" / "samples"
ORDERS = "/portfolio/events/orders"

pytestmark = pytest.mark.skipif(not PATH.exists(), reason="the exchange's documents are not at hand")


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(PATH.read_text(), Loader=yaml.CSafeLoader)
    return loaded


def test_the_judge_can_say_no() -> None:
    contract = document()
    assert contract is not None
    good = {"type": "unsubscribed", "sid": 1, "seq": 2, "sending_ts_ms": 3}
    contract.check(good)
    for bad in (good | {"seq": "2"}, good | {"extra": 1}, {"type": "unsubscribed", "sid": 1}):
        with pytest.raises(AssertionError):
            contract.check(bad)


async def live_through(world: World, alice: Caller, bob: Caller) -> None:
    """Let everything happen that the channels tell of."""
    exchange = world.exchange
    group = (await alice.post("/portfolio/order_groups/create", {"contracts_limit": 50})).body["order_group_id"]
    world.book(WARM, bids={"0.4000": "10.00"}, asks={"0.4500": "10.00"})
    resting = order(price="0.4100", count="2.00", order_group_id=group, expiration_time=_later(world))
    placed = (await alice.post(ORDERS, resting)).body["order_id"]
    await bob.post(ORDERS, order(side="ask", price="0.4100", count="0.50", time_in_force="immediate_or_cancel"))
    await alice.post(f"{ORDERS}/{placed}/amend", {"ticker": WARM, "side": "bid", "price": "0.4200", "count": "2.00"})
    await alice.post(f"{ORDERS}/{placed}/decrease", {"reduce_by": "0.25"})
    await alice.put(f"/portfolio/order_groups/{group}/limit", {"contracts_limit": 60})
    await alice.put(f"/portfolio/order_groups/{group}/trigger", {})
    await alice.put(f"/portfolio/order_groups/{group}/reset", {})
    await alice.delete(f"/portfolio/order_groups/{group}")
    exchange.pause(PauseScope.MARKET, WARM, world.now)
    exchange.resume(PauseScope.MARKET, WARM, world.now)
    event = Event(
        event_ticker="KXHIGHNY-26JUL12",
        series_ticker="KXHIGHNY",
        title="High in NYC?",
        sub_title="On Jul 12",
        fee_type_override=FeeType.QUADRATIC,
        fee_multiplier_override=Decimal("0.5"),
        strike_date=world.now + timedelta(days=1),
        strike_period="1d",
    )
    exchange.list(event, world.now)
    opens, between = world.now + timedelta(hours=1), StrikeType.BETWEEN
    closes = opens + timedelta(days=1)
    strikes = {"strike_type": between, "floor_strike": Decimal("85"), "cap_strike": Decimal("86.5")}
    exchange.list(market("KXHIGHNY-26JUL12-B85.5", opens, closes, **strikes), world.now)
    exchange.list(market("KXHIGHNY-26JUL12-T9", opens, closes, price_level_structure="a_new_one"), world.now)
    exchange.move_close(MILD, world.now + timedelta(minutes=5), world.now)
    exchange.determine(WARM, Result.SCALAR, Micros(500_000), "85.00", world.now)
    exchange.determine(FINE, Result.YES, None, "63950.00", world.now)
    world.publish()
    await world.pass_seconds(2 * 3600)


def _later(world: World) -> int:
    return int((world.now + timedelta(hours=3)).timestamp())


async def hear_everything() -> list[dict[str, Any]]:
    async with streaming_world() as world:
        alice, bob = world.member("alice"), world.member("bob")
        async with listening(world, alice) as ear:
            await ear.subscribe(*CHANNELS, market_tickers=[WARM, MILD, FINE], use_yes_price=True)
            messages = await ear.settled()
            await live_through(world, alice, bob)
            messages += await ear.settled()
            assert await ear.refusal("update_subscription", sid=99, action="add_markets", market_tickers=[WARM])
            number = await ear.command("unsubscribe", sids=[1, 2])
            for sid in (1, 2):
                message = await ear.next("unsubscribed")
                assert (message["id"], message["sid"]) == (number, sid)
    return messages


async def test_every_message_is_as_documented_and_every_kind_occurs() -> None:
    messages = await hear_everything()
    assert {message["type"] for message in messages} == {
        "orderbook_snapshot",
        "orderbook_delta",
        "ticker",
        "trade",
        "fill",
        "user_order",
        "market_position",
        "market_lifecycle_v2",
        "event_lifecycle",
        "event_fee_update",
        "order_group_updates",
    }
    lives = [message["msg"] for message in messages if message["type"] == "market_lifecycle_v2"]
    assert {life["event_type"] for life in lives} == {
        "created",
        "deactivated",
        "activated",
        "close_date_updated",
        "determined",
        "settled",
    }
    groups = [message["msg"] for message in messages if message["type"] == "order_group_updates"]
    assert [group["event_type"] for group in groups] == ["created", "limit_updated", "triggered", "reset", "deleted"]
    assert [group.get("contracts_limit_fp") for group in groups] == ["50.00", "60.00", None, None, None]
    unnumbered = {message["type"] for message in messages if "seq" not in message}
    assert unnumbered == {"ticker", "fill", "user_order", "market_position"}


async def test_a_label_that_the_document_does_not_know_is_empty() -> None:
    messages = await hear_everything()
    created = [m["msg"] for m in messages if m["type"] == "market_lifecycle_v2" and m["msg"]["event_type"] == "created"]
    assert [life["price_level_structure"] for life in created] == ["linear_cent", ""]
    assert created[0]["additional_metadata"]["cap_strike"] == 86.5


def test_error_codes_are_the_documented_ones(spec: dict[str, Any]) -> None:
    table = spec["components"]["messages"]["errorResponse"]["description"]
    documented = {int(code): text for code, text in re.findall(r"\| (\d+) \| ([^|]+?) \|", table)}
    assert {code: documented[code] for code in commands.TEXTS} == dict(commands.TEXTS)


def examples(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, message in spec["components"]["messages"].items():
        if name.endswith("Command"):
            yield from (example["payload"] for example in message["examples"])


def test_documented_commands_are_understood(spec: dict[str, Any]) -> None:
    understood = 0
    for payload in examples(spec):
        elsewhere = ("cfbenchmarks", "pyth", "subscribe_indices", "indices", "indexlist", "underlying")
        if any(word in json.dumps(payload) for word in elsewhere):
            continue
        commands.parse(json.dumps(payload))
        understood += 1
    assert understood >= 13


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / name).read_text().splitlines()]


PLACE = {"market_ticker", "market_id", "clock", "ts", "ts_ms"}


def told(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What messages say, without where and when."""
    return [
        (message["type"], message["sid"], message["seq"], {k: v for k, v in message["msg"].items() if k not in PLACE})
        for message in messages
        if "seq" in message
    ]


def changes(frames: list[dict[str, Any]], *, yes_scale: bool) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """The ladder after each recorded frame."""
    bids: dict[str, str] = {}
    asks: dict[str, str] = {}

    def put(side: str, price: str, count: Decimal) -> None:
        ladder = bids if side == "yes" else asks
        place = price if side == "yes" or yes_scale else f"{1 - Decimal(price):.4f}"
        ladder[place] = str(Decimal(ladder.get(place, "0.00")) + count)
        if not Decimal(ladder[place]):
            del ladder[place]

    for frame in frames:
        message = frame["msg"]
        if frame["type"] == "orderbook_snapshot":
            for side in ("yes", "no"):
                for price, count in message.get(f"{side}_dollars_fp", ()):
                    put(side, price, Decimal(count))
        else:
            put(message["side"], message["price_dollars"], Decimal(message["delta_fp"]))
        yield dict(bids), dict(asks)


@pytest.mark.parametrize(("name", "yes_scale"), [("noleg", False), ("yes", True)])
async def test_a_recorded_book_is_told_in_the_recorded_words(name: str, yes_scale: bool) -> None:
    frames = recorded(f"demo-2026-06__ws_orderbook_{name}.jsonl")
    books = frames[2:]
    ladders = list(changes(books, yes_scale=yes_scale))
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        world.book(WARM, *ladders[0])
        flag = {"use_yes_price": True} if yes_scale else {}
        await ear.subscribe("orderbook_delta", "trade", market_tickers=[WARM], **flag)
        for ladder in ladders[1:]:
            world.book(WARM, *ladder)
        ours = await ear.settled()
    assert told(ours) == told(books)
    for mine, theirs in zip(ours, books, strict=True):
        assert set(mine["msg"]) - {"clock"} == set(theirs["msg"])
        assert {k: type(v) for k, v in theirs["msg"].items()} == {k: type(mine["msg"][k]) for k in theirs["msg"]}


async def test_a_second_subscription_goes_into_the_first_as_recorded() -> None:
    sample = json.loads((SAMPLES / "prod-2026-08__ws_orderbook_frames_trimmed.json").read_text())
    frames = {frame["frame"]["id"]: frame["frame"] for frame in sample["frames"] if "id" in frame["frame"]}
    assert frames[2]["type"] == "subscribed"
    async with streaming_world() as world, listening(world, world.member("alice")) as ear:
        await ear.socket.send_json({"id": 2, "cmd": "subscribe", "params": _book(WARM)})
        await ear.socket.send_json({"id": 4, "cmd": "subscribe", "params": _book(FINE)})
        await ear.socket.send_json({"id": 3, "cmd": "subscribe", "params": _book(MILD)})
        heard = await numbered(ear)
    assert [(m["type"], m.get("id"), m.get("seq")) for m in heard] == [
        ("subscribed", 2, None),
        ("orderbook_snapshot", None, 1),
        ("ok", 4, frames[4]["seq"]),
        ("orderbook_snapshot", None, 3),
        ("ok", 3, frames[3]["seq"]),
        ("orderbook_snapshot", None, 5),
    ]
    assert heard[2]["msg"] == {"market_tickers": sorted([WARM, FINE])}
    assert heard[4]["msg"] == {"market_tickers": sorted([WARM, FINE, MILD])}
    assert frames[3]["msg"]["market_tickers"] == sorted(frames[3]["msg"]["market_tickers"])


def _book(ticker: str) -> dict[str, Any]:
    return {"channels": ["orderbook_delta"], "market_tickers": [ticker]}


async def numbered(ear: Ear) -> list[dict[str, Any]]:
    """Everything sent so far; the ids of the test's own commands are not disturbed."""
    await ear.socket.send_json({"id": 1000, "cmd": "list_subscriptions"})
    heard = []
    while (message := await ear.next()).get("id") != 1000:
        heard.append(message)
    return heard
