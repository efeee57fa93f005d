"""What the client reads and sends is in the exchange's OpenAPI document, with our types."""

import functools
import re
import types
import typing
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from mesh.kalshi.rest import (
    batch_wire,
    exchange_wire,
    group_wire,
    historical_wire,
    market_wire,
    order_wire,
    portfolio_wire,
)
from mesh.kalshi.rest import price_wire as prices
from mesh.kalshi.rest.wire import Body, Cents, Count, Money, NetCount, Number, Record
from mesh.kalshi.terms import Word
from mesh.types import Price
from tests.fakes.kalshi_calls import Sent, every_call

DOCUMENT = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "kalshi-openapi.yaml"

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason="the exchange's document is not part of the repository")

REPLIES: dict[str, type[Record]] = {
    "ExchangeStatus": exchange_wire.ExchangeStatus,
    "GetExchangeScheduleResponse": exchange_wire.ScheduleReply,
    "GetUserDataTimestampResponse": exchange_wire.UserDataTimestamp,
    "GetSeriesFeeChangesResponse": exchange_wire.SeriesFeeChanges,
    "GetEventFeeChangesResponse": exchange_wire.EventFeeChanges,
    "GetAccountApiLimitsResponse": exchange_wire.AccountLimits,
    "GetAccountEndpointCostsResponse": exchange_wire.EndpointCosts,
    "GetSeriesResponse": market_wire.SeriesReply,
    "GetSeriesListResponse": market_wire.SeriesList,
    "GetEventResponse": market_wire.EventReply,
    "GetEventsResponse": market_wire.EventsPage,
    "GetMarketResponse": market_wire.MarketReply,
    "GetMarketsResponse": market_wire.MarketsPage,
    "GetMarketOrderbookResponse": prices.BookReply,
    "GetMarketOrderbooksResponse": prices.BooksReply,
    "GetTradesResponse": prices.TradesPage,
    "GetMarketCandlesticksResponse": prices.CandlesReply,
    "BatchGetMarketCandlesticksResponse": prices.CandlesBatch,
    "GetEventCandlesticksResponse": prices.EventCandles,
    "GetMarketCandlesticksHistoricalResponse": historical_wire.ArchivedCandles,
    "GetHistoricalCutoffResponse": historical_wire.Cutoff,
    "GetBalanceResponse": portfolio_wire.Balance,
    "GetSubaccountBalancesResponse": portfolio_wire.SubaccountBalances,
    "GetPositionsResponse": portfolio_wire.PositionsPage,
    "GetFillsResponse": portfolio_wire.FillsPage,
    "GetSettlementsResponse": portfolio_wire.SettlementsPage,
    "IntraExchangeInstanceTransferResponse": portfolio_wire.ShardTransfer,
    "CreateOrderV2Response": order_wire.Placed,
    "CancelOrderV2Response": order_wire.Cancelled,
    "AmendOrderV2Response": order_wire.Amended,
    "DecreaseOrderV2Response": order_wire.Decreased,
    "GetOrderResponse": order_wire.OrderReply,
    "GetOrdersResponse": order_wire.OrdersPage,
    "GetOrderQueuePositionResponse": order_wire.QueuePositionReply,
    "GetOrderQueuePositionsResponse": order_wire.QueuePositions,
    "BatchCreateOrdersV2Response": batch_wire.PlacedBatch,
    "BatchCancelOrdersV2Response": batch_wire.CancelledBatch,
    "GetOrderGroupsResponse": group_wire.OrderGroups,
    "GetOrderGroupResponse": group_wire.OrderGroupState,
    "CreateOrderGroupResponse": group_wire.GroupCreated,
    "EmptyResponse": group_wire.Nothing,
}
BODIES: dict[str, type[Body]] = {
    "CreateOrderV2Request": order_wire.PlaceRequest,
    "AmendOrderV2Request": order_wire.AmendRequest,
    "DecreaseOrderV2Request": order_wire.DecreaseRequest,
    "BatchCreateOrdersV2Request": batch_wire.PlaceBatchRequest,
    "BatchCancelOrdersV2Request": batch_wire.CancelBatchRequest,
    "CreateOrderGroupRequest": group_wire.CreateGroupRequest,
    "UpdateOrderGroupLimitRequest": group_wire.GroupLimitRequest,
    "IntraExchangeInstanceTransferRequest": portfolio_wire.ShardTransferRequest,
    "EmptyResponse": group_wire.EmptyRequest,
}
# The document requires these. Recordings of before the field existed lack them; and the archive's candles may one day
# leave out, like the live ones, what is null today. So we bear their absence, as None.
BORNE = {
    ("Market", "settlement_bounds_type"),
    ("MarketPosition", "exchange_index"),
    ("Fill", "exchange_index"),
    ("Settlement", "exchange_index"),
    *(("ArchivedPrints", name) for name in ("open", "high", "low", "close", "mean", "previous")),
}
TEXTS = {Price: "FixedPointDollars", Money: "FixedPointDollars", Count: "FixedPointCount", NetCount: "FixedPointCount"}
PLAIN: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", Cents: "integer", Number: "number"}


def load() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one written in C takes a tenth of the time
    loaded: dict[str, Any] = yaml.load(DOCUMENT.read_text(), Loader=loader)  # noqa: S506  safe, both of them
    return loaded


@functools.cache
def document() -> dict[str, Any]:
    return load()


def resolved(schema: dict[str, Any]) -> tuple[dict[str, Any], str, bool]:
    """The schema itself, the name it was found under, and whether null is allowed anywhere on the way."""
    name, nullable = "", False
    while True:
        nullable = nullable or bool(schema.get("nullable"))
        if "$ref" in schema:
            parts = schema["$ref"].split("/")[1:]
            name, schema = parts[-1], functools.reduce(lambda inner, part: inner[part], parts, document())
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema, name, nullable


def disagreements(kind: Any, schema: dict[str, Any], where: str) -> list[str]:
    """What our type and the document's do not agree on."""
    schema, name, nullable = resolved(schema)
    kind, optional = without_none(kind)
    found = [f"{where} may be null"] if nullable and not optional else []
    if kind in TEXTS:
        # The document writes the bands of a grid and the levels of a book as bare strings.
        bare = schema.get("type") == "string" and not {"enum", "format"} & set(schema) and not name
        return found if name == TEXTS[kind] or bare else [*found, f"{where} is {name or schema}, not {TEXTS[kind]}"]
    if kind is datetime:
        right = (schema.get("type"), schema.get("format")) == ("string", "date-time")
        return found if right else [*found, f"{where} is no time"]
    if isinstance(kind, type) and issubclass(kind, Word):
        known = {word.value for word in kind} - {"unknown"}
        new = sorted(set(schema.get("enum", ())) - known)
        found += [f"{where} is no text"] if schema.get("type") != "string" else []
        return [*found, f"{where} may also be {new}"] if new else found
    if typing.get_origin(kind) is tuple:
        if schema.get("type") != "array":
            return [*found, f"{where} is no list"]
        items = [item for item in typing.get_args(kind) if item is not ...]
        inner = [problem for item in items for problem in disagreements(item, schema["items"], f"{where}[]")]
        fixed = typing.get_args(kind)[-1] is not ...
        if fixed and not schema.get("minItems") == schema.get("maxItems") == len(items):
            inner.append(f"{where} has another length")
        return found + inner
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return found + in_fields(kind, schema, where)
    expected = PLAIN.get(kind, "object")
    return found if schema.get("type") == expected else [*found, f"{where} is {schema.get('type')}, not {expected}"]


def in_fields(kind: type[msgspec.Struct], schema: dict[str, Any], where: str) -> list[str]:
    if schema.get("type") != "object":
        return [f"{where} is no object"]
    found: list[str] = []
    sent = issubclass(kind, Body)
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    hints = typing.get_type_hints(kind)
    ours = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in ours.items():
        place = f"{where}.{name}"
        if name not in properties:
            found.append(f"{place} does not exist")
            continue
        if field.required and name not in required and not sent:
            found.append(f"{place} may be missing")
        if not field.required and field.default is not None:
            found.append(f"{place} has a default that is not an absence")
        if not field.required and name in required and (kind.__name__, name) not in BORNE:
            found.append(f"{place} is never missing")
        wanted = properties[name]
        if sent:  # what is None is left out, so null is never sent
            hint, wanted = without_none(hints[field.name])[0], {**resolved(wanted)[0], "nullable": False}
        else:
            hint = hints[field.name]
        found += disagreements(hint, wanted, place)
    if sent:
        found += [f"{where}.{name} must be sent" for name in required if name not in ours or not ours[name].required]
    return found


def without_none(kind: Any) -> tuple[Any, bool]:
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        (inner,) = [part for part in typing.get_args(kind) if part is not type(None)]
        return inner, True
    return kind, False


@pytest.mark.parametrize("name", REPLIES)
def test_every_field_that_we_read_is_there_with_our_type(name: str) -> None:
    assert disagreements(REPLIES[name], {"$ref": f"#/components/schemas/{name}"}, name) == []


@pytest.mark.parametrize("name", BODIES)
def test_every_field_that_we_send_is_there_with_our_type(name: str) -> None:
    assert disagreements(BODIES[name], {"$ref": f"#/components/schemas/{name}"}, name) == []


def test_every_record_is_compared() -> None:
    compared: set[type] = set()

    def walk(kind: Any) -> None:
        for part in (kind, *typing.get_args(kind)):
            if part is not kind:
                walk(part)
            elif isinstance(part, type) and issubclass(part, msgspec.Struct) and part not in compared:
                compared.add(part)
                for hint in typing.get_type_hints(part).values():
                    walk(hint)

    for kind in (*REPLIES.values(), *BODIES.values()):
        walk(kind)
    modules = (batch_wire, exchange_wire, group_wire, historical_wire, market_wire, order_wire, portfolio_wire, prices)
    written = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in (Record, Body)
    }
    assert written - compared == {prices.Quotes}  # only a base


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda market: market["properties"].pop("yes_bid_dollars"), "yes_bid_dollars does not exist"),
        (lambda market: market["properties"].update(yes_bid_dollars={"type": "integer"}), "not FixedPointDollars"),
        (lambda market: market["required"].remove("yes_bid_dollars"), "yes_bid_dollars may be missing"),
        (lambda market: market["properties"]["status"]["enum"].append("dreaming"), "dreaming"),
        (lambda market: market["properties"]["open_time"].pop("format"), "open_time is no time"),
        (lambda market: market["properties"]["can_close_early"].update(nullable=True), "can_close_early may be null"),
        (lambda market: market["properties"]["floor_strike"].update(type="string"), "floor_strike is string"),
    ],
)
def test_a_change_of_the_document_is_noticed(damage: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = load()
    damage(changed["components"]["schemas"]["Market"])
    monkeypatch.setattr(f"{__name__}.document", lambda: changed)

    (problem,) = disagreements(market_wire.MarketReply, {"$ref": "#/components/schemas/GetMarketResponse"}, "reply")
    assert expected in problem


def operation(sent: Sent) -> tuple[str, dict[str, Any]]:
    """The operation of the document that a request is for; a path without parameters comes before one with them."""
    for path in sorted(document()["paths"], key=lambda path: path.count("{")):
        if (
            re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", path), sent.path)
            and sent.method.lower() in document()["paths"][path]
        ):
            found: dict[str, Any] = document()["paths"][path][sent.method.lower()]
            return path, found
    raise AssertionError(f"the exchange has no {sent.method} {sent.path}")


async def test_every_request_that_we_send_is_in_the_document() -> None:
    used: set[tuple[str, str]] = set()
    for sent in await every_call():
        path, wanted = operation(sent)
        used.add((sent.method, path))
        assert not wanted.get("deprecated"), f"{sent.method} {path} is deprecated"
        parameters = [resolved(parameter)[0] for parameter in wanted.get("parameters", ())]
        queries = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}
        assert {name for name, _ in sent.query} <= set(queries), f"{sent.method} {path}"
        assert {name for name, query in queries.items() if query.get("required")} <= {name for name, _ in sent.query}
        for name, value in sent.query:
            assert fits(value, resolved(queries[name]["schema"])[0]), f"{sent.method} {path}: {name}={value}"
        assert (sent.body is not None) == ("requestBody" in wanted), f"{sent.method} {path}"
    assert len(used) == 51  # one more? Then say so here, and in every_call


def fits(value: str, schema: dict[str, Any]) -> bool:
    """Whether a query value is what the document wants."""
    if schema["type"] == "array":
        return fits(value, resolved(schema["items"])[0])
    if schema["type"] == "integer":
        return bool(re.fullmatch(r"-?\d+", value)) and schema.get("minimum", -(10**12)) <= int(value) <= schema.get(
            "maximum", 10**12
        )
    if schema["type"] == "boolean":
        return value in ("true", "false")
    return schema["type"] == "string" and ("enum" not in schema or value in schema["enum"])
