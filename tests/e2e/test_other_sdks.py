"""Other SDKs, unmodified, against the simulated exchange: only host and key are ours.

pykalshi 2.0.0 and kalshi-sdk 22.4.0, of independent authors, place orders of version 2 and have WebSockets; both sign
with RSA keys only. kalshi-python 2.1.4 is the official SDK of 2025, from before version 2. What does not work is
asserted too, with the reason: it does not work on the real exchange either.
"""

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.sdk.exchange import PAST, STANDING_STILL, WEATHER, SdkExchange, sdk_exchange
from tests.fakes.sdk_environment import Sdk, sdk_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first run installs the SDKs

TICKER, OTHER = f"{WEATHER}-B99.5", f"{WEATHER}-B97.5"
PAST_TICKER = f"{PAST}-B97.5"
MARKETS: dict[str, Any] = {
    "event": WEATHER,
    "ticker": TICKER,
    "other": OTHER,
    "start_ts": 1783605600,  # 2026-07-09T14:00:00Z, the opening
    "end_ts": 1783695600,  # 2026-07-10T15:00:00Z, now
    "past": {"event": PAST, "ticker": PAST_TICKER, "start_ts": 1783432800, "end_ts": 1783573200},  # its whole life
}
MIDNIGHT = "2026-07-10T00:00:00Z"
MEMBERS = {
    "alice": "rsa unlimited",
    "bob": "rsa unlimited",
    "carol": "rsa unlimited",
    "eve": "ed25519 unlimited",
    "poor": "rsa basic",
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkExchange]:
    """Time stands nearly still; whatever ended before this day is in the archive."""
    with sdk_exchange(tmp_path_factory.mktemp("exchange"), STANDING_STILL, **MEMBERS) as started:
        started.archive_until(MIDNIGHT)
        yield started


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkExchange]:
    """An exchange that still sends what was removed from it in October 2026."""
    config = "quirks = { liquidity_dollars = true }\n" + STANDING_STILL
    with sdk_exchange(tmp_path_factory.mktemp("lenient"), config, **MEMBERS) as started:
        started.archive_until(MIDNIGHT)
        yield started


@pytest.fixture(scope="module")
def pykalshi() -> Sdk:
    return sdk_environment("pykalshi")


@pytest.fixture(scope="module")
def kalshi_sdk() -> Sdk:
    return sdk_environment("kalshi-sdk")


def test_pykalshi_reads_markets(pykalshi: Sdk, exchange: SdkExchange) -> None:
    seen = pykalshi.run("markets", exchange.access("alice"), **MARKETS)
    assert seen["status"] == {"exchange_active": True, "trading_active": True}
    assert [row["close_time"] for row in seen["schedule"]["standard_hours"][0]["thursday"]] == ["03:00", "00:00"]
    assert seen["as_of"] == 0  # it looks for a field that the exchange has not got, and makes do with 0
    assert [row["ticker"] for row in seen["series"]] == ["KXHIGHNY", "KXBTC"]
    assert seen["one_series"]["category"] == "Climate and Weather"
    assert {row["event_ticker"] for row in seen["events"]} >= {"KXHIGHNY-26JUL10", "KXHIGHNY-26JUL11"}
    assert seen["event_markets"] == 6
    assert seen["markets"] == [row["ticker"] for row in _wire(exchange, "/markets?series_ticker=KXBTC&limit=1000")]

    market, book = seen["market"], seen["book"]
    assert book == exchange.process.get(f"/markets/{TICKER}/orderbook")["orderbook_fp"]
    assert Decimal(seen["spread"]) == Decimal(market["yes_ask_dollars"]) - Decimal(market["yes_bid_dollars"])
    assert market["liquidity_dollars"] is None
    trades = seen["trades"] + seen["past_trades"]
    assert sum(Decimal(row["count_fp"]) for row in trades) == Decimal(market["volume_fp"])
    assert [row["created_time"] for row in seen["trades"]] == sorted(
        (row["created_time"] for row in seen["trades"]), reverse=True
    )

    candles = seen["single"]["candlesticks"]
    assert len(candles) == 25
    assert seen["batch"][TICKER]["candlesticks"] == candles
    assert set(seen["batch"]) == {TICKER, OTHER}
    assert sum(Decimal(each["volume_fp"]) for each in candles) == Decimal(market["volume_fp"])
    assert seen["cutoff"]["market_settled_ts"] == MIDNIGHT
    past = {row["ticker"]: row for row in seen["past_markets"]}
    assert len(past) == 6
    volume = sum(Decimal(each["volume"]) for each in seen["past_candles"])
    assert volume == Decimal(past[PAST_TICKER]["volume_fp"])
    assert seen["gone"] == {"type": "ResourceNotFoundError", "status": 404, "code": "not_found"}


def test_pykalshi_trades(pykalshi: Sdk, exchange: SdkExchange) -> None:
    """Ten NO bought at 0.73, which is ten YES sold at 0.27.

    0.07 × 10 × 0.27 × 0.73 = 0.13797; the balance lands on a ten-thousandth of a dollar, so 0.1380 is charged, as
    recorded on the exchange.
    """
    seen = pykalshi.run(
        "orders", exchange.access("alice"), ticker=exchange.fresh(0), taker=asdict(exchange.access("bob"))
    )
    assert (seen["placed"]["status"], seen["placed"]["remaining_count_fp"]) == ("resting", "12.50")
    assert seen["queue"]["queue_position_fp"] == "12.50"
    assert sorted(row["queue_position_fp"] for row in seen["queues"]) == ["0.00", "12.50"]
    refusals = {why: tuple(seen[why].values()) for why in ("again", "crossed", "killed", "cancel_twice")}
    assert refusals == {
        "again": ("KalshiAPIError", 409, "order_already_exists"),
        "crossed": ("KalshiAPIError", 400, "invalid_order"),
        "killed": ("KalshiAPIError", 409, "fill_or_kill_insufficient_resting_volume"),
        "cancel_twice": ("ResourceNotFoundError", 404, "not_found"),
    }
    assert tuple(seen["off_grid"].values()) == ("OrderRejectedError", 400, "invalid_price")
    assert tuple(seen["too_dear"].values()) == ("InsufficientFundsError", 400, "insufficient_balance")
    assert tuple(seen["stranger"].values()) == ("AuthenticationError", 401, "authentication_error")

    read, (fill,), (maker_fill,), (position,) = (seen[n] for n in ("sold_read", "fills", "maker_fill", "position"))
    assert (seen["sold"]["status"], seen["sold"]["fill_count_fp"]) == ("executed", "10.00")
    assert (read["status"], read["book_side"], read["no_price_dollars"]) == ("executed", "ask", "0.7300")
    assert (read["taker_fees_dollars"], read["taker_fill_cost_dollars"]) == ("0.138000", "7.300000")
    assert (fill["book_side"], fill["is_taker"], fill["fee_cost_dollars"]) == ("ask", True, "0.138000")
    assert (maker_fill["book_side"], maker_fill["fee_cost_dollars"]) == ("bid", "0.000000")
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("-10.00", "7.300000")
    assert seen["balance"]["balance"] == 99256  # 1000 − 7.30 − 0.138, in whole cents

    assert (seen["part"]["status"], seen["part"]["remaining_count_fp"]) == ("resting", "2.50")
    amended, decreased, cancelled = seen["amended"], seen["decreased"], seen["cancelled"]
    assert (amended["yes_price_dollars"], amended["remaining_count_fp"]) == ("0.2500", "2.50")
    assert (decreased["yes_price_dollars"], decreased["remaining_count_fp"]) == ("0.2500", "1.00")
    assert (cancelled["status"], cancelled["fill_count_fp"]) == ("canceled", "10.00")
    assert [row["yes_price_dollars"] for row in seen["batch"]] == ["0.1000", "0.1100", "0.1200"]
    assert [row["order_id"] for row in seen["batch_cancelled"]] == [row["order_id"] for row in seen["batch"][:2]]
    assert [row["yes_price_dollars"] for row in seen["resting"]] == ["0.1200", "0.2700"]  # newest first
    assert (seen["group"]["contracts_limit_fp"], len(seen["group"]["orders"])) == ("5.00", 1)
    assert seen["triggered"] == []
    assert [row["contracts_limit_fp"] for row in seen["groups"]] == ["7.00"]


def test_pykalshi_meets_its_limits(pykalshi: Sdk, exchange: SdkExchange) -> None:
    seen = pykalshi.run("poor", exchange.access("poor"), ticker=exchange.fresh(1))
    assert (seen["too_many"]["type"], seen["too_many"]["status"]) == ("RateLimitError", 429)
    assert pykalshi.run("ed25519", exchange.access("eve")) == "Expected RSA private key, got Ed25519PrivateKey"


def test_pykalshi_listens(pykalshi: Sdk, exchange: SdkExchange) -> None:
    """Four offered at 0.60, three of them taken: the messages in their order, each of the SDK's own type."""
    ticker = exchange.fresh(2)
    heard = pykalshi.run("stream", exchange.access("alice"), ticker=ticker, taker=asdict(exchange.access("bob")))
    by_type: dict[str, list[Any]] = {}
    for name, message in heard:
        by_type.setdefault(name, []).append(message)
    assert set(by_type) == {
        "OrderbookSnapshotMessage",
        "OrderbookDeltaMessage",
        "TickerMessage",
        "TradeMessage",
        "FillMessage",
        "UserOrderMessage",
        "PositionMessage",
    }
    (snapshot,), deltas = by_type["OrderbookSnapshotMessage"], by_type["OrderbookDeltaMessage"]
    assert (snapshot["yes_dollars_fp"], snapshot["no_dollars_fp"]) == (None, None)
    assert [(row["side"], row["price_dollars"], row["delta_fp"]) for row in deltas] == [
        ("no", "0.4000", "4.00"),  # an offer of YES at 0.60 is a bid for NO at 0.40, and that is how it is shown
        ("no", "0.4000", "-3.00"),
    ]
    assert deltas[0]["client_order_id"] == "shown"
    (trade,), (fill,), (position,) = by_type["TradeMessage"], by_type["FillMessage"], by_type["PositionMessage"]
    assert (trade["count_fp"], trade["yes_price_dollars"], trade["taker_book_side"]) == ("3.00", "0.6000", "bid")
    assert (fill["trade_id"], fill["book_side"], fill["is_taker"]) == (trade["trade_id"], "ask", False)
    assert (fill["post_position_fp"], fill["fee_cost"]) == ("-3.00", "0.000000")
    assert (position["position_fp"], position["position_cost_dollars"]) == ("-3.00", "1.200000")
    assert [row["remaining_count_fp"] for row in by_type["UserOrderMessage"]] == ["4.00", "1.00"]
    last = by_type["TickerMessage"][-1]
    assert (last["price_dollars"], last["yes_ask_dollars"], last["yes_ask_size_fp"]) == ("0.6000", "0.6000", "1.00")
    assert (last["volume_fp"], last["open_interest_fp"]) == ("3.00", "3.00")


def test_kalshi_sdk_demands_a_field_that_is_gone(kalshi_sdk: Sdk, exchange: SdkExchange) -> None:
    """`liquidity_dollars` left the exchange on 2026-10-01: without the compatibility setting no market can be read."""
    missing = kalshi_sdk.run("needs_liquidity", exchange.access("alice"), ticker=TICKER)
    assert missing == [["liquidity_dollars", "missing"]]


def test_kalshi_sdk_reads_markets(kalshi_sdk: Sdk, lenient: SdkExchange) -> None:
    seen = kalshi_sdk.run("markets", lenient.access("alice"), **MARKETS)
    assert seen["status"]["trading_active"]
    assert seen["as_of"]["as_of_time"].startswith("2026-07-10T15:00:00")
    assert (seen["limits"]["usage_tier"], seen["costs"]["default_cost"]) == ("unlimited", 10)
    assert [row["ticker"] for row in seen["series"]] == ["KXBTC"]
    assert (seen["one_series"]["fee_type"], seen["one_series"]["fee_multiplier"]) == ("quadratic", "1")
    assert seen["fee_changes"] == []
    assert {row["event_ticker"] for row in seen["events"]} == {"KXHIGHNY-26JUL10", "KXHIGHNY-26JUL11"}
    assert len(seen["event"]["markets"]) == len(seen["metadata"]["market_details"]) == 6
    wire = _wire(lenient, "/markets?series_ticker=KXBTC&limit=1000")
    assert [row["ticker"] for row in seen["markets"]] == [row["ticker"] for row in wire]

    market, book = seen["market"], seen["book"]
    sent = lenient.process.get(f"/markets/{TICKER}/orderbook")["orderbook_fp"]
    assert [[row["price"], row["quantity"]] for row in book["yes"]] == sent["yes_dollars"]
    assert [[row["price"], row["quantity"]] for row in book["no"]] == sent["no_dollars"]
    assert [row["ticker"] for row in seen["books"]] == [TICKER, OTHER]
    assert book["yes"][-1] == {"price": market["yes_bid"], "quantity": market["yes_bid_size"]}
    trades = seen["trades"] + seen["past_trades"]
    assert sum(Decimal(row["count"]) for row in trades) == Decimal(market["volume"])

    candles = seen["single"]
    assert sum(Decimal(each["volume"]) for each in candles) == Decimal(market["volume"])
    assert seen["batch"][0] == {"market_ticker": TICKER, "candlesticks": candles}
    of_event = dict(zip(seen["of_event"]["market_tickers"], seen["of_event"]["market_candlesticks"], strict=True))
    assert [each["volume"] for each in of_event[TICKER]] == [each["volume"] for each in candles]
    assert seen["cutoff"]["trades_created_ts"] == MIDNIGHT
    past = {row["ticker"]: row for row in seen["past_markets"]}
    assert sorted(row["result"] for row in past.values()) == ["no"] * 5 + ["yes"]
    volume = sum(Decimal(each["volume"]) for each in seen["past_candles"])
    assert volume == Decimal(past[PAST_TICKER]["volume"])
    assert seen["gone"][:2] == ["KalshiNotFoundError", 404]
    assert seen["announcements"][:2] == ["KalshiNotFoundError", 404]  # removed from the exchange on 2026-07-04


def test_kalshi_sdk_trades(kalshi_sdk: Sdk, lenient: SdkExchange) -> None:
    """One contract at 0.52: 0.07 × 0.52 × 0.48 = 0.017472 is charged as 0.0175, as recorded on the exchange."""
    seen = kalshi_sdk.run(
        "orders", lenient.access("alice"), ticker=lenient.fresh(0), taker=asdict(lenient.access("bob"))
    )
    assert (seen["placed"]["fill_count"], seen["placed"]["remaining_count"]) == ("0.00", "3.00")
    assert Decimal(seen["queue"]) == 0
    refusals = ("again", "crossed", "killed", "cancel_twice", "off_grid", "too_dear", "deleted", "stranger")
    assert {why: seen[why][:2] for why in refusals} == {
        "again": ["KalshiConflictError", 409],
        "crossed": ["KalshiValidationError", 400],
        "killed": ["KalshiConflictError", 409],
        "cancel_twice": ["KalshiNotFoundError", 404],
        "off_grid": ["KalshiValidationError", 400],
        "too_dear": ["KalshiValidationError", 400],
        "deleted": ["KalshiNotFoundError", 404],
        "stranger": ["KalshiAuthError", 401],
    }
    assert "post only cross" in seen["crossed"][2]
    assert "insufficient_balance" in seen["too_dear"][2]

    (fill,), (position,) = seen["fills"], seen["position"]
    assert (seen["bought"]["average_fill_price"], seen["bought"]["average_fee_paid"]) == ("0.5200", "0.0175")
    assert (fill["count"], fill["yes_price"], fill["fee_cost"], fill["is_taker"]) == (
        "1.00",
        "0.5200",
        "0.017500",
        True,
    )
    assert (position["position"], Decimal(position["market_exposure"])) == ("1.00", Decimal("0.52"))
    assert seen["balance"]["balance_dollars"] == "999.4625"
    assert seen["amended"]["remaining_count"] == "5.00"  # six in all, of which one was sold already
    now = seen["now"]
    assert (now["yes_price"], now["fill_count"], now["remaining_count"]) == ("0.5500", "1.00", "2.00")
    assert seen["cancelled"]["reduced_by"] == "2.00"
    assert [(row["error"] or {}).get("code") for row in seen["batch"]] == [None, "invalid_price", None]
    removed = seen["batch_cancelled"]["orders"]
    assert [(row["reduced_by"], (row["error"] or {}).get("code")) for row in removed] == [
        ("1.00", None),
        ("0.00", "not_found"),
    ]
    assert [row["client_order_id"] for row in seen["resting"]] == ["0.11"]
    assert seen["left"] == []
    assert (seen["group"]["contracts_limit"], len(seen["group"]["orders"])) == ("5.00", 1)
    assert [row["contracts_limit"] for row in seen["groups"]] == ["9.00"]


def test_kalshi_sdk_meets_its_limits(kalshi_sdk: Sdk, lenient: SdkExchange) -> None:
    assert kalshi_sdk.run("poor", lenient.access("poor"), ticker=lenient.fresh(1))[:2] == ["KalshiRateLimitError", 429]
    assert kalshi_sdk.run("ed25519", lenient.access("eve")).startswith("Expected RSA private key")


def test_kalshi_sdk_heals_its_book_after_a_lost_message(kalshi_sdk: Sdk, lenient: SdkExchange) -> None:
    lost = {"kind": "skip_seq", "name": "lost", "channel": "orderbook_delta", "after": 2, "count": 1}
    assert lenient.process.admin("POST", "/faults", lost)[0] == 201
    seen = kalshi_sdk.run(
        "stream", lenient.access("alice"), ticker=lenient.fresh(2), taker=asdict(lenient.access("bob"))
    )
    (fault,) = lenient.process.admin("GET", "/faults")[1]["faults"]
    assert fault["strikes"] == 1

    assert _no_side(seen["first"]) == {"0.1000": "5.00"}
    assert _no_side(seen["second"]) == {"0.1000": "5.00", "0.4000": "4.00"}
    # One order on, without the message about the one before: both are in the new snapshot.
    assert _no_side(seen["healed"]) == {"0.1000": "5.00", "0.2000": "6.00", "0.3000": "5.00", "0.4000": "4.00"}
    assert _no_side(seen["last"]) == {"0.1000": "5.00", "0.2000": "6.00", "0.3000": "5.00", "0.4000": "1.00"}
    assert all(book["yes"] == seen["first"]["yes"] for book in (seen["second"], seen["healed"], seen["last"]))

    trade, fill, position = (seen[name]["msg"] for name in ("trade", "fill", "position"))
    assert (trade["count"], trade["yes_price"], trade["taker_outcome_side"]) == ("3.00", "0.6000", "yes")
    assert (fill["trade_id"], fill["order_id"]) == (trade["trade_id"], seen["placed"]["order_id"])
    assert (fill["outcome_side"], fill["post_position"]) == ("no", "-3.00")
    assert Decimal(position["position_cost"]) == Decimal("1.20")
    assert (seen["user_order"]["msg"]["client_order_id"], seen["user_order"]["msg"]["status"]) == ("shown", "resting")
    ticker = seen["ticker"]["msg"]
    assert (ticker["yes_bid"], ticker["yes_ask"], ticker["yes_ask_size"]) == ("0.1000", "0.6000", "4.00")


def test_kalshi_sdk_cannot_hear_of_a_book_with_an_empty_side(kalshi_sdk: Sdk, lenient: SdkExchange) -> None:
    """It demands both sides in a snapshot, of which the exchange leaves out an empty one, and drops the message."""
    seen = kalshi_sdk.run("one_sided", lenient.access("alice"), ticker=lenient.fresh(3))
    assert seen["book"] is None
    assert (seen["rest"]["yes"], seen["rest"]["no"]) == ([{"price": "0.4000", "quantity": "4.00"}], [])


def test_an_sdk_from_before_version_2_can_look_but_not_trade(exchange: SdkExchange) -> None:
    """The old official SDK: what it still knows works, the rest fails as it does since cents and V1 orders are gone."""
    sdk = sdk_environment("kalshi-python")
    seen = sdk.run("everything", exchange.access("carol"), ticker=TICKER)
    assert seen["status"] == {"exchange_active": True, "trading_active": True}
    assert seen["balance"] == {"balance": 100_000}
    gone = [410, {"error": {"code": "deprecated_v1_order_endpoint", "message": "deprecated v1 order endpoint"}}]
    assert seen["create"] == seen["cancel"] == seen["amend"] == gone
    assert set(seen["markets"]) == {"status"}  # it knows no `finalized`
    assert seen["book"]["orderbook"] is None  # renamed to `orderbook_fp`
    assert (seen["trade"]["price"], seen["trade"]["count"]) == (None, None)  # cents and whole contracts
    assert seen["positions"]["positions"] is None


def _wire(exchange: SdkExchange, path: str) -> list[Any]:
    markets: list[Any] = exchange.process.get(path)["markets"]
    return markets


def _no_side(book: Any) -> dict[str, str]:
    return {row["price"]: row["quantity"] for row in book["no"]}
