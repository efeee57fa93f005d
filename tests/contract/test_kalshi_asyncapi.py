"""What the client reads from the WebSocket and sends to it is in the exchange's AsyncAPI document, with our types."""

import copy
import functools
import json
import types
import typing
from decimal import Decimal
from enum import Enum
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from mesh.kalshi.rest.wire import Count, Money, NetCount, Number, Record, decode
from mesh.kalshi.stream import market as stream_market
from mesh.kalshi.stream import own as stream_own
from mesh.kalshi.stream.channels import Channel, Told
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Gap
from mesh.kalshi.stream.wire import ENDING, MESSAGES, UNKNOWN_SID, Concerning, Envelope, ErrorBody, SubscribedBody
from mesh.kalshi.terms import Word
from mesh.types import Price
from tests.fakes.asyncapi import PATH
from tests.fakes.exchange_samples import FOLDER as SAMPLES
from tests.fakes.kalshi_session import Talk, books

pytestmark = pytest.mark.skipif(not PATH.exists(), reason="the exchange's document is not part of the repository")

PAYLOADS = {
    "orderbook_snapshot": ("orderbookSnapshotPayload",),
    "orderbook_delta": ("orderbookDeltaPayload",),
    "ticker": ("tickerPayload",),
    "trade": ("tradePayload",),
    "fill": ("fillPayload",),
    "user_order": ("userOrderPayload",),
    "market_position": ("marketPositionPayload",),
    "market_lifecycle_v2": ("marketLifecycleV2Payload", "marketMetadataUpdatedPayload"),
    "event_lifecycle": ("eventLifecyclePayload",),
    "event_fee_update": ("eventFeeUpdatePayload",),
    "order_group_updates": ("orderGroupUpdatesPayload",),
}
# Recordings of before the exchange's clock was told lack it.
BORNE = {("SnapshotBody", "clock"), ("DeltaBody", "clock")}
# A program for makers that has no formula that we know: it reads as UNKNOWN, which no fee is computed for.
NOT_KNOWN = {"margin_market_maker_program_fees"}
PLAIN: dict[Any, str] = {
    str: "string", bool: "boolean", int: "integer", Number: "number", Price: "string", Money: "string",
    Count: "string", NetCount: "string",
}  # fmt: skip


@functools.cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(PATH.read_text(), Loader=yaml.CSafeLoader)
    return loaded


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        inner = functools.reduce(lambda found, part: found[part], schema["$ref"].split("/")[1:], document())
        schema = {**inner, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def content(kind: str) -> dict[str, Any]:
    """The schema of what a message says; where there are two, what both of them say together."""
    found = [resolved(document()["components"]["schemas"][name]["properties"]["msg"]) for name in PAYLOADS[kind]]
    merged: dict[str, Any] = copy.deepcopy(found[0])
    for other in found[1:]:
        merged["required"] = sorted(set(merged["required"]) & set(other["required"]))
        events = merged["properties"]["event_type"]["enum"] + [other["properties"]["event_type"]["const"]]
        merged["properties"] = {**other["properties"], **merged["properties"]}
        merged["properties"]["event_type"]["enum"] = events
    return merged


def disagreements(kind: Any, schema: dict[str, Any], where: str) -> list[str]:
    """What our type and the document's do not agree on."""
    schema = resolved(schema)
    kind, optional = without_none(kind)
    listed = schema.get("type")
    given = set(listed) if isinstance(listed, list) else {listed}
    found = [f"{where} may be null"] if "null" in given and not optional else []
    given -= {"null"}
    if isinstance(kind, type) and issubclass(kind, Enum):
        found += [] if given == {"string"} else [f"{where} is no text"]
        words = {word for word in schema.get("enum", ()) if word is not None} - {"unknown"} - NOT_KNOWN
        new = sorted(words - {word.value for word in kind})
        gone = sorted({word.value for word in kind} - words) if words and not issubclass(kind, Word) else []
        return found + ([f"{where} may also be {new}"] if new else []) + ([f"{where} is never {gone}"] if gone else [])
    if typing.get_origin(kind) is tuple:
        items = [item for item in typing.get_args(kind) if item is not ...]
        if given != {"array"}:
            return [*found, f"{where} is no list"]
        inner = [problem for item in items for problem in disagreements(item, schema["items"], f"{where}[]")]
        fixed = typing.get_args(kind)[-1] is not ...
        if fixed and not schema.get("minItems") == schema.get("maxItems") == len(items):
            inner.append(f"{where} has another length")
        return found + inner
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return found + in_fields(kind, schema, where)
    expected = PLAIN.get(kind, "object")
    return found if given == {expected} else [*found, f"{where} is {listed}, not {expected}"]


def in_fields(kind: type[msgspec.Struct], schema: dict[str, Any], where: str) -> list[str]:
    if schema.get("type") != "object":
        return [f"{where} is no object"]
    found: list[str] = []
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    hints = typing.get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        name, place = field.encode_name, f"{where}.{field.encode_name}"
        if name not in properties:
            found.append(f"{place} does not exist")
            continue
        if field.required and name not in required:
            found.append(f"{place} may be missing")
        if not field.required and field.default is not None:
            found.append(f"{place} has a default that is not an absence")
        if not field.required and name in required and (kind.__name__, name) not in BORNE:
            found.append(f"{place} is never missing")
        found += disagreements(hints[field.name], properties[name], place)
    return found


def without_none(kind: Any) -> tuple[Any, bool]:
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        (inner,) = [part for part in typing.get_args(kind) if part is not type(None)]
        return inner, True
    return kind, False


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_field_that_we_read_is_there_with_our_type(kind: str) -> None:
    assert disagreements(MESSAGES[kind], content(kind), kind) == []


@pytest.mark.parametrize("kind", MESSAGES)
def test_the_channels_are_numbered_as_we_believe(kind: str) -> None:
    for name in PAYLOADS[kind]:
        payload = document()["components"]["schemas"][name]
        assert payload["properties"]["type"]["const"] == kind
        assert ("seq" in payload["required"]) == MESSAGES[kind].channel.sequenced
        assert "sid" in payload["required"]


def test_every_record_is_compared() -> None:
    written = {
        kind
        for module in (stream_market, stream_own)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Told) and kind is not Told
    }
    assert written == set(MESSAGES.values())


def test_answers_are_as_we_read_them() -> None:
    schemas = document()["components"]["schemas"]
    assert disagreements(SubscribedBody, schemas["subscribedResponsePayload"]["properties"]["msg"], "subscribed") == []
    error = schemas["errorResponsePayload"]["properties"]["msg"]
    assert disagreements(ErrorBody, error, "error") == []
    codes = set(error["properties"]["code"]["enum"])
    assert codes >= ENDING | {UNKNOWN_SID}
    for name in ("ok", "unsubscribed", "error", "subscribed"):
        properties = schemas[f"{name}ResponsePayload"]["properties"]
        assert set(properties) <= {"type", "id", "sid", "seq", "msg", "sending_ts_ms"}
        assert {"id": "integer", "seq": "integer", "sid": "integer"}.items() >= {
            field: resolved(properties[field])["type"] for field in ("id", "seq", "sid") if field in properties
        }.items()
    assert {field.name for field in msgspec.structs.fields(Envelope)} == {"type", "id", "sid", "seq", "msg"}


def test_the_markets_of_unreadable_messages_are_looked_for_where_they_are() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(Concerning)}
    for kind in MESSAGES:
        tickers = {"market_ticker", "ticker"} & set(content(kind)["properties"])
        assert tickers <= names


def test_the_channels_exist() -> None:
    params = document()["components"]["schemas"]["subscribeCommandPayload"]["properties"]["params"]
    assert {channel.value for channel in Channel} <= set(params["properties"]["channels"]["items"]["enum"])


def test_every_command_that_we_send_is_as_documented() -> None:
    talks = [books("A", "B"), *(Talk({channel: {"A"} if channel.takes_markets else None}) for channel in Channel)]
    first = talks[0]
    first.delta(4)
    first.book(5, "A")
    first.book(6, "B")
    first.want(Channel.BOOK, "A", "C")
    first.say("ok", {}, id=first.last["id"], sid=1, seq=7)
    first.say("ok", {}, id=first.last["id"], sid=1, seq=8)
    del first.wanted[Channel.BOOK]
    first.session.update(first.now)
    ticker = Talk({Channel.TICKER: {"A"}})
    ticker.begin()
    ticker.want(Channel.TICKER, "A", "B")
    commands = [command for talk in [*talks, ticker] for command in talk.sent]
    sent = {(command["cmd"], command["params"].get("action")) for command in commands}
    assert sent == {
        ("subscribe", None), ("unsubscribe", None), ("update_subscription", "add_markets"),
        ("update_subscription", "delete_markets"), ("update_subscription", "get_snapshot"),
    }  # fmt: skip
    names = {
        "subscribe": "subscribeCommandPayload",
        "unsubscribe": "unsubscribeCommandPayload",
        "update_subscription": "updateSubscriptionCommandPayload",
    }
    for command in commands:
        schema = {"$ref": f"#/components/schemas/{names[command['cmd']]}", "components": document()["components"]}
        jsonschema.Draft202012Validator(schema).validate(command)
        known = document()["components"]["schemas"][names[command["cmd"]]]["properties"]
        assert set(command) <= set(known)
        assert set(command["params"]) <= set(known["params"]["properties"])


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda fill: fill["properties"].pop("count_fp"), "count_fp does not exist"),
        (lambda fill: fill["properties"].update(count_fp={"type": "number"}), "count_fp is number, not string"),
        (lambda fill: fill["required"].remove("book_side"), "book_side may be missing"),
        (lambda fill: fill["properties"].update(is_taker={"type": ["boolean", "null"]}), "is_taker may be null"),
        (lambda fill: fill["properties"].update(book_side={"type": "string", "enum": ["up"]}), "may also be ['up']"),
        (lambda fill: fill["required"].append("client_order_id"), "client_order_id is never missing"),
    ],
)
def test_a_change_of_the_document_is_noticed(damage: Any, expected: str) -> None:
    fill = content("fill")
    damage(fill)
    (problem,) = disagreements(stream_own.Fill, fill, "fill")
    assert expected in problem


def replayed(frames: list[dict[str, Any]], ticker: str) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
    """The book after recorded frames, computed on its own: YES bids and the NO side, at the prices as recorded."""
    sides: dict[str, dict[Decimal, Decimal]] = {"yes": {}, "no": {}}
    for frame in frames:
        msg = frame["msg"]
        if frame["type"] == "orderbook_snapshot" and msg["market_ticker"] == ticker:
            for side in sides:
                sides[side] = {Decimal(price): Decimal(count) for price, count in msg.get(f"{side}_dollars_fp", ())}
        elif frame["type"] == "orderbook_delta" and msg["market_ticker"] == ticker:
            levels, price = sides[msg["side"]], Decimal(msg["price_dollars"])
            levels[price] = levels.get(price, Decimal(0)) + Decimal(msg["delta_fp"])
            if not levels[price]:
                del levels[price]
    return sides["yes"], sides["no"]


def at_yes_prices(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame recorded without the flag that we always send, as it would have been with it."""
    changed = copy.deepcopy(frame)
    msg = changed["msg"]
    for level in msg.get("no_dollars_fp", ()):
        level[0] = str(1 - Decimal(level[0]))
    if msg.get("side") == "no":
        msg["price_dollars"] = str(1 - Decimal(msg["price_dollars"]))
    return changed


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded messages are not at hand")
@pytest.mark.parametrize("name", ["yes", "noleg"])
def test_recorded_messages_replay_through_the_book(name: str) -> None:
    lines = (SAMPLES / f"demo-2026-06__ws_orderbook_{name}.jsonl").read_text().splitlines()
    frames = [json.loads(line) for line in lines]
    ticker = frames[2]["msg"]["market_ticker"]
    talk = Talk({Channel.BOOK: {ticker}})
    for frame in frames:
        talk.raw(json.dumps(frame if name == "yes" else at_yes_prices(frame)).encode() + b"\n")

    expected_bids, expected_no = replayed(frames, ticker)
    book = talk.session.book(ticker)
    assert book is not None
    assert {
        Decimal(price).scaleb(-6): Decimal(size).scaleb(-2) for price, size in book.yes_bids.items()
    } == expected_bids
    asks = {Decimal(price).scaleb(-6): Decimal(size).scaleb(-2) for price, size in book.yes_asks.items()}
    assert asks == {price if name == "yes" else 1 - price: size for price, size in expected_no.items()}
    assert [type(event) for event in talk.told] == [BookSnapshot] + [BookUpdated] * (len(frames) - 3)
    assert expected_bids
    assert expected_no


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded messages are not at hand")
def test_recorded_frames_with_holes_are_read_and_their_holes_told() -> None:
    rows = json.loads((SAMPLES / "prod-2026-08__ws_orderbook_frames_trimmed.json").read_text())["frames"]
    frames = [row["frame"] for row in rows]
    for frame in frames:
        raw = json.dumps(frame).encode()
        envelope = decode(raw, Envelope)
        assert (envelope.sid, envelope.seq) == (frame.get("sid"), frame.get("seq"))
        if envelope.type in MESSAGES:
            message = decode(envelope.msg, MESSAGES[envelope.type])
            assert isinstance(message, Record)
    begun, *rest = frames
    (snapshot,) = [frame for frame in rest if frame["type"] == "orderbook_snapshot"]
    ticker = snapshot["msg"]["market_ticker"]
    talk = Talk({Channel.BOOK: {ticker}})
    talk.raw(json.dumps(begun | {"id": 1}).encode())
    for frame in [snapshot, *(frame for frame in rest if frame is not snapshot)]:  # as they were numbered
        talk.raw(json.dumps(at_yes_prices(frame)).encode())
    assert [type(event) for event in talk.told] == [BookSnapshot, Gap]
    assert talk.session.book(ticker) is None
    assert not talk.stats.malformed
