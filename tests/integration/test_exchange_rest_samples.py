"""The simulated exchange answers the calls that were recorded on the real one in the same way."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mesh.kalshi.terms import Result
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_samples import assert_same_shape, needs_samples, recorded
from tests.fakes.exchange_world import EVENT, MILD, WARM, Caller, World, exchange_world, order

pytestmark = needs_samples

STRIKES = frozenset({"cap_strike", "floor_strike"})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with exchange_world() as world:
        world.book(WARM, {"0.4700": "3.00"}, {"0.5200": "3.00"})
        yield world


@pytest.fixture
def alice(world: World) -> Caller:
    return world.member("alice", "98.0186")


async def replay(caller: Caller, name: str, **changes: Any) -> tuple[Any, Any, int, int]:
    """Send a recorded request to the simulated exchange; gives both bodies and both statuses."""
    sample = recorded(name)
    path, _, query = sample["request"]["path"].removeprefix("/trade-api/v2").partition("?")
    path = path.replace("KXWTACHALLENGERMATCH-26JUN11JIMLEP-LEP", WARM)
    params = dict(pair.split("=") for pair in query.split("&")) if query else {}
    body = sample["request"]["body"]
    if body is not None:
        body = body | {"ticker": WARM} | changes
    answer = await caller.call(sample["request"]["method"], path, params=params, body=body)
    return answer.body, sample["response"], answer.status, sample["status"]


def without_service(body: Any) -> Any:
    """Errors lost a field since."""
    if isinstance(body.get("error"), dict):
        return {"error": {name: text for name, text in body["error"].items() if name != "service"}}
    return body


@pytest.mark.parametrize(
    "name",
    [
        "exchange__status",
        "series__fee_changes",
        "orderbook__base",
        "account__limits",
        "account__endpoint_costs",
        "auth__balance_ok",
        "orders__create_v2_maker",
        "orders__create_v2_taker_ioc",
    ],
)
async def test_a_recorded_call_gets_a_reply_of_the_same_shape(alice: Caller, name: str) -> None:
    ours, theirs, status, recorded_status = await replay(alice, f"demo-2026-06__{name}.json")
    assert status == recorded_status
    assert_same_shape(ours, theirs)


async def test_the_balance_reads_as_recorded_to_the_digit(alice: Caller) -> None:
    ours, theirs, *_ = await replay(alice, "demo-2026-06__auth__balance_ok.json")
    assert ours["balance"] == theirs["balance"] == 9801
    assert ours["balance_dollars"] == theirs["balance_dollars"]


async def test_a_taker_pays_what_was_recorded(alice: Caller) -> None:
    ours, theirs, *_ = await replay(alice, "demo-2026-06__orders__create_v2_taker_ioc.json")
    same = ("average_fee_paid", "average_fill_price", "fill_count", "remaining_count", "client_order_id")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}


async def test_fills_and_positions_look_as_recorded(alice: Caller) -> None:
    await replay(alice, "demo-2026-06__orders__create_v2_taker_ioc.json")
    fills, theirs, *_ = await replay(alice, "demo-2026-06__fills__after_taker.json")
    assert_same_shape(fills, theirs)
    same = ("fee_cost", "count_fp", "yes_price_dollars", "no_price_dollars", "side", "action", "is_taker", "book_side")
    assert {name: fills["fills"][0][name] for name in same} == {name: theirs["fills"][0][name] for name in same}
    positions, theirs, *_ = await replay(alice, "demo-2026-06__portfolio__positions.json")
    assert_same_shape(positions, theirs)
    redacted = recorded("prod-2026-08__portfolio_fills_redacted.json")
    assert_same_shape({"fills": fills["fills"]}, redacted)


async def test_an_order_reads_and_cancels_as_recorded(alice: Caller) -> None:
    created, *_ = await replay(alice, "demo-2026-06__orders__create_v2_maker.json")
    path = f"/portfolio/orders/{created['order_id']}"
    ours = await alice.get(path)
    theirs = recorded("demo-2026-06__orders__get_after_create.json")["response"]
    assert_same_shape(ours.body, theirs)
    varying = {"order_id", "user_id", "created_time", "last_update_time", "ticker", "exchange_index"}
    assert {name: value for name, value in ours.body["order"].items() if name not in varying} == {
        name: value for name, value in theirs["order"].items() if name not in varying
    }
    cancelled = await alice.delete(f"/portfolio/events{path.removeprefix('/portfolio')}")
    sample = recorded("demo-2026-06__orders__cancel_v2.json")
    assert cancelled.status == sample["status"]
    assert_same_shape(cancelled.body, sample["response"])
    again = await alice.delete(f"/portfolio/events{path.removeprefix('/portfolio')}")
    sample = recorded("demo-2026-06__orders__cancel_already_canceled.json")
    assert (again.status, again.body) == (sample["status"], without_service(sample["response"]))


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("orders__duplicate_client_order_id", "orders__create_v2_maker"),
        ("orders__insufficient_balance", None),
        ("orders__invalid_price_structure", None),
        ("orders__numeric_field_types", None),
        ("orders__post_only_cross", None),
        ("markets__limit_over_max", None),
    ],
)
async def test_a_recorded_refusal_is_repeated_to_the_letter(alice: Caller, name: str, first: str | None) -> None:
    if first is not None:
        await replay(alice, f"demo-2026-06__{first}.json")
    ours, theirs, status, recorded_status = await replay(alice, f"demo-2026-06__{name}.json")
    assert (status, ours) == (recorded_status, without_service(theirs))


async def test_a_self_cross_reads_as_recorded(world: World, alice: Caller) -> None:
    world.book(WARM, {"0.4700": "3.00"})
    await alice.post("/portfolio/events/orders", order(price="0.4800"))
    ours, theirs, status, recorded_status = await replay(alice, "demo-2026-06__orders__stp_self_cross.json")
    assert status == recorded_status
    assert_same_shape(ours, theirs)
    assert (ours["fill_count"], ours["remaining_count"]) == ("0.00", "0.00")


async def test_refused_signatures_read_as_recorded(world: World, alice: Caller) -> None:
    path = "/trade-api/v2/portfolio/balance"
    assert alice.signer is not None
    good = alice.signer.headers("GET", path)
    cases = {
        "bad_signature": alice.signer.headers("POST", path),
        "unknown_key_id": Signer.rsa().headers("GET", path),
        "missing_signature_header": {name: text for name, text in good.items() if not name.endswith("SIGNATURE")},
        "skew_minus30s": alice.signer.headers("GET", path, ahead_seconds=-30),
    }
    for name, headers in cases.items():
        sample = recorded(f"demo-2026-06__auth__{name}.json")
        answer = await world.anyone.call("GET", "/portfolio/balance", headers=headers)
        assert (answer.status, answer.body) == (sample["status"], sample["response"]), name


async def test_trades_look_as_recorded(world: World, alice: Caller) -> None:
    for _ in range(14):
        await world.pass_seconds(1.000_25)
        await alice.post("/portfolio/events/orders", order(price="0.5200", count="0.10"))
    sample = recorded("demo-2026-06__trades__public_recorded.json")
    answer = await world.anyone.get("/markets/trades", ticker=WARM, limit=12)
    assert_same_shape(answer.body, sample["response"])
    assert len(answer.body["trades"]) == 12
    assert answer.body["cursor"]
    times = [trade["created_time"] for trade in answer.body["trades"]]
    assert times == sorted(times, reverse=True)
    last = await world.anyone.get("/markets/trades", ticker=WARM, limit=12, cursor=answer.body["cursor"])
    assert (len(last.body["trades"]), last.body["cursor"]) == (2, "")


@pytest.mark.parametrize(
    "name", ["markets_kxhighny_active", "markets_kxbtc_hourly", "markets_kxeth_hourly", "markets_kxhighny_finalized"]
)
async def test_markets_look_as_recorded(world: World, name: str) -> None:
    if name.endswith("finalized"):
        await world.pass_seconds(14 * 3600)
        world.exchange.determine(WARM, Result.NO, None, "90.00", world.now)
        world.exchange.determine(MILD, Result.YES, None, "85.00", world.now)
        await world.pass_seconds(3600)
    answer = await world.anyone.get("/markets", event_ticker=EVENT)
    rows = recorded(f"prod-2026-07__{name}.json")["markets"]
    assert_same_shape(answer.body["markets"], rows, optional=STRIKES)
    assert [market["status"] for market in answer.body["markets"]] == [rows[0]["status"]] * 2
    if name.endswith("finalized"):
        same = ("result", "settlement_value_dollars", "no_ask_dollars", "no_bid_dollars", "yes_ask_dollars")
        ours, theirs = answer.body["markets"], rows
        by_result = {row["result"]: {field: row[field] for field in same} for row in theirs}
        assert {row["result"]: {field: row[field] for field in same} for row in ours} == by_result


async def test_candlesticks_look_as_recorded(world: World, alice: Caller) -> None:
    await alice.post("/portfolio/events/orders", order(price="0.5200"))
    await world.pass_seconds(60)
    world.book(WARM, {"0.4600": "3.00"}, {"0.5300": "3.00"})
    await world.pass_seconds(60)
    now = int(world.now.timestamp())
    rows = recorded("prod-2026-08__candlesticks_1m_rows.json")
    path = f"/series/KXHIGHNY/markets/{WARM}/candlesticks"
    minutes = await world.anyone.get(path, start_ts=now - 600, end_ts=now, period_interval=1)
    traded, quiet = minutes.body["candlesticks"][:2]
    never_traded_before = frozenset({"previous_dollars"})
    assert_same_shape(traded, rows["with_trade"][0], optional=never_traded_before)
    assert_same_shape(quiet, rows["no_trade"][0])
    hours = await world.anyone.get(path, start_ts=now - 7200, end_ts=now + 3600, period_interval=60)
    sample = recorded("prod-2026-07__candlesticks_60m_kxhighny.json")
    assert_same_shape(
        hours.body | {"candlesticks": hours.body["candlesticks"][:1]}, sample, optional=never_traded_before
    )


async def test_archived_candlesticks_look_as_recorded(world: World, alice: Caller) -> None:
    await alice.post("/portfolio/events/orders", order(price="0.5200"))
    await world.pass_seconds(14 * 3600)
    world.exchange.determine(WARM, Result.NO, None, "90.00", world.now)
    await world.pass_seconds(7200)
    world.archive.move(market_settled=world.now)
    now = int(world.now.timestamp())
    answer = await world.anyone.get(
        f"/historical/markets/{WARM}/candlesticks", start_ts=now - 86_400, end_ts=now, period_interval=60
    )
    row = recorded("prod-2024__historical_candlestick_row.json")
    traded = answer.body["candlesticks"][0]
    assert traded["price"].pop("previous") is None  # nothing was traded before
    row["price"].pop("previous")
    assert_same_shape(traded, row)


async def test_settlements_look_as_recorded(world: World, alice: Caller) -> None:
    await alice.post("/portfolio/events/orders", order(price="0.5200"))
    await world.pass_seconds(14 * 3600)
    world.exchange.determine(WARM, Result.NO, None, "90.00", world.now)
    await world.pass_seconds(7200)
    answer = await alice.get("/portfolio/settlements")
    sample = recorded("prod-2026-08__portfolio_settlements_redacted.json")
    assert_same_shape({"settlements": answer.body["settlements"]}, sample)
    (row,) = answer.body["settlements"]
    assert (row["market_result"], row["revenue"], row["value"]) == ("no", 0, 0)
    assert (row["yes_count_fp"], row["yes_total_cost_dollars"], row["fee_cost"]) == ("1.00", "0.520000", "0.017500")


async def test_a_series_looks_as_recorded(world: World) -> None:
    answer = await world.anyone.get("/series/KXHIGHNY")
    assert_same_shape(
        answer.body, recorded("prod-2026-08__series_kxmlbgame.json"), optional=frozenset({"last_updated_ts"})
    )
