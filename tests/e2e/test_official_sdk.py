"""The official SDK, kalshi-python-async 3.34.0, unmodified, against the simulated exchange: only host and key are ours.

It has no WebSocket. Its version is that of the exchange's OpenAPI document, so its models check every reply strictly.
Figures are worked out here by hand; what is read is compared with the bytes that the exchange sends anybody.
"""

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sdk.exchange import HURRYING, PAST, STANDING_STILL, WEATHER, SdkExchange, sdk_exchange
from tests.fakes.sdk_environment import Sdk, sdk_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first run installs the SDK

OPENED, NOW_TS = 1783605600, 1783695600  # 2026-07-09T14:00:00Z, 2026-07-10T15:00:00Z


@pytest.fixture(scope="module")
def sdk() -> Sdk:
    return sdk_environment("kalshi-python-async")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkExchange]:
    """Time stands nearly still; whatever ended before this day is in the archive."""
    folder = tmp_path_factory.mktemp("official")
    members = {"alice": "rsa unlimited", "bob": "ed25519 unlimited", "carol": "rsa unlimited", "poor": "rsa basic"}
    with sdk_exchange(folder, STANDING_STILL, **members) as started:
        started.archive_until("2026-07-10T00:00:00Z")
        yield started


def test_exchange_and_account(sdk: Sdk, exchange: SdkExchange) -> None:
    seen = sdk.run("exchange", exchange.access("poor"), ticker=exchange.fresh(0))
    assert seen["status"]["exchange_active"]
    assert seen["status"]["trading_active"]
    assert [row["exchange_index"] for row in seen["status"]["exchange_index_statuses"]] == [0]
    (hours,) = seen["schedule"]["schedule"]["standard_hours"]
    assert [(each["open_time"], each["close_time"]) for each in hours["thursday"]] == [
        ("00:00", "03:00"),
        ("05:00", "00:00"),
    ]
    assert seen["fee_changes"] == {"series_fee_change_arr": []}
    assert seen["event_fee_changes"] == {"event_fee_changes": [], "cursor": ""}
    assert seen["as_of"].startswith("2026-07-10T15:00:00")
    assert seen["limits"] == {
        "usage_tier": "basic",
        "read": {"refill_rate": 200, "bucket_capacity": 600},
        "write": {"refill_rate": 100, "bucket_capacity": 100},
        "grants": [],
    }
    costs = {(row["method"], row["path"]): row["cost"] for row in seen["costs"]["endpoint_costs"]}
    assert seen["costs"]["default_cost"] == 10
    assert costs["DELETE", "/trade-api/v2/portfolio/events/orders/:order_id"] == 2
    # Eleven orders are 110 tokens and never fit a bucket of 100. The SDK has no class of its own for 429.
    assert (seen["too_many"]["type"], seen["too_many"]["status"]) == ("ApiException", 429)


def test_markets_and_books(sdk: Sdk, exchange: SdkExchange) -> None:
    ticker, other = f"{WEATHER}-B99.5", f"{WEATHER}-B97.5"
    seen = sdk.run("markets", exchange.access("alice"), event=WEATHER, ticker=ticker, tickers=[ticker, other])
    assert [row["ticker"] for row in seen["series"]] == ["KXBTC"]
    assert (seen["one_series"]["fee_type"], seen["one_series"]["fee_multiplier"]) == ("quadratic", 1)
    assert [len(page) for page in seen["events"][:-1]] == [1] * (len(seen["events"]) - 1)
    assert {"KXHIGHNY-26JUL10", "KXHIGHNY-26JUL11"} == {row["event_ticker"] for page in seen["events"] for row in page}
    assert len(seen["event"]["event"]["markets"]) == 6
    assert len(seen["metadata"]["market_details"]) == 6

    wire = exchange.process.get("/markets?series_ticker=KXBTC&limit=1000")["markets"]
    assert len(wire) >= 96
    assert [len(page) for page in seen["pages"][:-1]] == [5] * (len(seen["pages"]) - 1)
    assert [row["ticker"] for page in seen["pages"] for row in page] == [row["ticker"] for row in wire]
    assert {row["status"] for page in seen["pages"] for row in page} >= {"initialized", "active", "finalized"}

    book, market = seen["book"]["orderbook_fp"], seen["market"]
    assert book == exchange.process.get(f"/markets/{ticker}/orderbook")["orderbook_fp"]
    assert book["yes_dollars"][-1] == [market["yes_bid_dollars"], market["yes_bid_size_fp"]]
    assert book["no_dollars"][-1][0] == market["no_bid_dollars"]
    assert Decimal(market["yes_ask_dollars"]) == 1 - Decimal(market["no_bid_dollars"])
    assert seen["top"]["orderbook_fp"] == {side: levels[-2:] for side, levels in book.items()}
    assert [row["ticker"] for row in seen["books"]["orderbooks"]] == [ticker, other]
    assert seen["books"]["orderbooks"][0]["orderbook_fp"] == book

    live = [row for page in seen["trades"] for row in page]
    archived = [row for page in seen["archived_trades"] for row in page]
    assert len(seen["trades"]) > 1, "want more than a page"
    assert all(row["created_time"] >= "2026-07-10 00:00" for row in live)
    assert all(row["created_time"] < "2026-07-10 00:00" for row in archived)
    assert len({row["trade_id"] for row in live + archived}) == len(live + archived)
    assert sum(Decimal(row["count_fp"]) for row in live + archived) == Decimal(market["volume_fp"])
    assert live[0]["yes_price_dollars"] == market["last_price_dollars"]

    assert seen["unknown"] == {
        "type": "NotFoundException",
        "status": 404,
        "body": {"error": {"code": "not_found", "message": "not found"}},
    }
    assert (seen["contradiction"]["type"], seen["contradiction"]["status"]) == ("BadRequestException", 400)


def test_candles_of_both_schemas(sdk: Sdk, exchange: SdkExchange) -> None:
    tickers = [f"{WEATHER}-B99.5", f"{WEATHER}-B97.5"]
    past = {"event": PAST, "ticker": f"{PAST}-B97.5", "start_ts": 1783432800, "end_ts": 1783573200}  # its whole life
    seen = sdk.run(
        "candles",
        exchange.access("alice"),
        event=WEATHER,
        tickers=tickers,
        past=past,
        start_ts=OPENED,
        end_ts=NOW_TS,
    )
    single = seen["single"]["candlesticks"]
    assert [each["end_period_ts"] for each in single] == list(range(OPENED + 3600, NOW_TS + 3600, 3600))
    market = exchange.process.get(f"/markets/{tickers[0]}")["market"]
    assert sum(Decimal(each["volume_fp"]) for each in single) == Decimal(market["volume_fp"])
    assert single[-1]["open_interest_fp"] == market["open_interest_fp"]
    assert (single[-1]["yes_bid"]["close_dollars"], single[-1]["yes_ask"]["close_dollars"]) == (
        market["yes_bid_dollars"],
        market["yes_ask_dollars"],
    )
    assert [row["market_ticker"] for row in seen["batch"]["markets"]] == tickers
    assert seen["batch"]["markets"][0]["candlesticks"] == single
    of_event = dict(zip(seen["event"]["market_tickers"], seen["event"]["market_candlesticks"], strict=True))
    assert len(of_event) == 6
    assert _without(of_event[tickers[0]], "min_dollars", "max_dollars") == _without(
        single, "min_dollars", "max_dollars"
    )
    assert seen["too_long"]["type"] == "BadRequestException"
    assert seen["too_long"]["body"]["error"]["details"] == (
        "requested time range with candlesticks: 5001, max candlesticks: 5000"
    )

    assert seen["cutoff"]["market_settled_ts"] == seen["cutoff"]["trades_created_ts"] == "2026-07-10 00:00:00+00:00"
    assert seen["gone"]["status"] == 404  # archived
    assert len(seen["past_markets"]) == 2  # six, four to a page
    assert [row["status"] for page in seen["past_markets"] for row in page] == ["finalized"] * 6
    assert sorted(row["result"] for page in seen["past_markets"] for row in page) == ["no"] * 5 + ["yes"]
    candles = seen["past_candles"]["candlesticks"]
    assert sum(Decimal(each["volume"]) for each in candles) == Decimal(seen["past_market"]["volume_fp"])
    assert set(candles[0]["price"]) == {"open", "low", "high", "close", "mean", "previous"}


def test_orders_meet_and_fees_are_the_formula(sdk: Sdk, exchange: SdkExchange) -> None:
    """20 at 0.33, bought at a limit of 0.40 with an Ed25519 key and sold again at 0.30; makers pay nothing.

    0.07 × 20 × 0.33 × 0.67 = 0.30954; the cost of 6.60 and the fee leave the balance on a ten-thousandth of a dollar
    by rounding the fee to 0.3096, as recorded on the exchange. 0.07 × 20 × 0.30 × 0.70 = 0.294 exactly.
    """
    ticker = exchange.fresh(1)
    seen = sdk.run("trade", exchange.access("alice"), ticker=ticker, taker=asdict(exchange.access("bob")))
    assert (seen["rests"]["fill_count"], seen["rests"]["remaining_count"]) == ("0.00", "20.00")
    resting = seen["resting"]
    assert (resting["status"], resting["book_side"], resting["outcome_side"]) == ("resting", "ask", "no")
    assert (resting["yes_price_dollars"], resting["no_price_dollars"]) == ("0.3300", "0.6700")
    assert seen["queue"] == {"queue_position_fp": "20.00"}
    assert sorted(row["queue_position_fp"] for row in seen["queues"]["queue_positions"]) == ["0.00", "20.00"]
    assert seen["locked"]["balance_dollars"] == "983.2500"  # 25 contracts sold at 0.33 may cost 0.67 each

    assert (seen["missed"]["fill_count"], seen["missed"]["remaining_count"]) == ("0.00", "0.00")
    assert _refusal(seen["killed"]) == ("ConflictException", 409, "fill_or_kill_insufficient_resting_volume")
    assert _refusal(seen["crossed"]) == ("BadRequestException", 400, "invalid_order")
    assert seen["crossed"]["body"]["error"]["details"] == "post only cross"

    bought, (fill,), (maker_fill,) = seen["bought"], seen["fills"], seen["maker_fills"]
    assert (bought["fill_count"], bought["remaining_count"]) == ("20.00", "0.00")
    assert bought["average_fill_price"] == "0.3300"  # the maker's price
    assert Decimal(bought["average_fee_paid"]) * 20 == Decimal("0.3096")
    assert (fill["count_fp"], fill["yes_price_dollars"], fill["fee_cost"]) == ("20.00", "0.3300", "0.309600")
    assert (fill["is_taker"], fill["outcome_side"], fill["order_id"]) == (True, "yes", bought["order_id"])
    assert (maker_fill["is_taker"], maker_fill["outcome_side"], maker_fill["fee_cost"]) == (False, "no", "0.000000")
    assert fill["trade_id"] == maker_fill["trade_id"] == seen["public"][1]["trade_id"]
    assert (seen["executed"]["status"], seen["executed"]["fill_count_fp"]) == ("executed", "20.00")
    assert Decimal(seen["executed"]["maker_fill_cost_dollars"]) == Decimal("13.40")

    (position,) = seen["position"]["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("20.00", "6.600000")
    assert position["fees_paid_dollars"] == "0.309600"
    assert (seen["balance"]["balance"], seen["balance"]["balance_dollars"]) == (99309, "993.0904")

    assert _refusal(seen["reduce_rests"]) == ("BadRequestException", 400, "invalid_order")
    assert seen["sold"]["fill_count"] == "20.00"  # of 30 wanted, as many as there are
    (flat,) = seen["flat"]["market_positions"]
    assert (flat["position_fp"], flat["realized_pnl_dollars"]) == ("0.00", "-0.600000")
    assert seen["sell_fill"]["fee_cost"] == "0.294000"
    assert [row["taker_book_side"] for row in seen["public"]] == ["ask", "bid"]  # newest first
    assert seen["end_balance"]["balance_dollars"] == "998.7964"  # 1000 − 6.60 − 0.3096 + 6.00 − 0.294


def test_orders_are_changed_listed_and_refused(sdk: Sdk, exchange: SdkExchange) -> None:
    seen = sdk.run("orders", exchange.access("carol"), ticker=exchange.fresh(2))
    assert _refusal(seen["again"]) == ("ConflictException", 409, "order_already_exists")
    assert (seen["amended"]["client_order_id"], seen["amended"]["remaining_count"]) == ("1b", "10.00")
    assert seen["decreased"]["remaining_count"] == "7.50"
    now, dead = seen["now"], seen["dead"]
    assert (now["yes_price_dollars"], now["remaining_count_fp"], now["status"]) == ("0.2100", "7.50", "resting")
    assert seen["cancelled"]["reduced_by"] == "7.50"
    assert (dead["status"], dead["remaining_count_fp"]) == ("canceled", "0.00")
    assert {why: _refusal(seen[why]) for why in ("cancel_twice", "amend_dead", "no_order", "no_market")} == {
        "cancel_twice": ("NotFoundException", 404, "not_found"),
        "amend_dead": ("NotFoundException", 404, "not_found"),
        "no_order": ("NotFoundException", 404, "not_found"),
        "no_market": ("NotFoundException", 404, "market_not_found"),
    }
    assert _refusal(seen["off_grid"]) == ("BadRequestException", 400, "invalid_price")
    assert _refusal(seen["too_dear"]) == ("BadRequestException", 400, "insufficient_balance")

    assert [row["client_order_id"] for row in seen["batch"]] == ["0.10", "0.105", "0.11", "0.12"]
    assert [(row["error"] or {}).get("code") for row in seen["batch"]] == [None, "invalid_price", None, None]
    assert [row["reduced_by"] for row in seen["batch_cancelled"]] == ["1.00", "0.00", "0.00"]
    assert [(row["error"] or {}).get("code") for row in seen["batch_cancelled"]] == [None, "not_found", "not_found"]
    assert seen["listed"] == ["0.12", "0.11", "0.10", "1b"]  # newest first, over two pages; the refused one never was
    assert [row["client_order_id"] for page in seen["resting"] for row in page] == ["0.12", "0.11"]
    assert seen["nothing"] is None
    assert seen["left"] == [[]]


def test_an_order_group_ends_its_orders(sdk: Sdk, exchange: SdkExchange) -> None:
    taker = asdict(exchange.access("bob"))
    seen = sdk.run("groups", exchange.access("alice"), ticker=exchange.fresh(3), taker=taker)
    assert seen["group"]["contracts_limit_fp"] == "3.00"
    assert seen["group"]["is_auto_cancel_enabled"]
    assert len(seen["group"]["orders"]) == 1
    ended = seen["ended"]
    assert (ended["status"], ended["fill_count_fp"], ended["initial_count_fp"]) == ("canceled", "4.00", "9.00")
    assert _refusal(seen["blocked"]) == ("BadRequestException", 400, "invalid_order")
    assert [row["contracts_limit_fp"] for row in seen["listed"]] == ["50.00"]
    assert (seen["triggered"]["status"], seen["triggered"]["fill_count_fp"]) == ("canceled", "0.00")
    assert seen["deleted"]["status"] == 404


def test_who_signs_wrongly_is_a_stranger(sdk: Sdk, exchange: SdkExchange) -> None:
    seen = sdk.run(
        "strangers",
        exchange.access("alice"),
        unknown="nobody",
        other_key_file=exchange.access("bob").key_file,
    )
    assert {each["type"] for each in seen.values()} == {"UnauthorizedException"}
    assert seen["unknown"]["body"]["error"]["details"] == "NOT_FOUND"
    assert seen["forged"]["body"]["error"]["details"] == "INCORRECT_API_KEY_SIGNATURE"
    assert seen["anonymous"]["body"]["error"]["code"] == "token_authentication_failure"


def test_a_position_is_settled_and_archived(sdk: Sdk, tmp_path: Path) -> None:
    """Five YES, bought at the market: paid a dollar each an hour of the exchange's time after the result."""
    ticker = "KXHIGHNY-26JUL11-B96.5"
    with sdk_exchange(tmp_path, HURRYING, dora="ed25519 unlimited") as exchange:
        access, process = exchange.access("dora"), exchange.process
        bought = sdk.run("buy", access, ticker=ticker)
        assert bought["fill_count"] == "5.00"
        assert process.admin("POST", f"/markets/{ticker}/close", {})[0] == 204
        assert process.admin("POST", f"/markets/{ticker}/determine", {"result": "yes"})[0] == 204
        exchange.wait_for_settlement(ticker)
        seen = sdk.run("settled", access, ticker=ticker)
        after = "2030-01-01T00:00:00Z"
        names = ("market_settled", "trades_created", "orders_updated", "positions_updated")
        assert process.admin("POST", "/cutoff", dict.fromkeys(names, after))[0] == 200
        gone = sdk.run("archived", access, ticker=ticker)

    cost = sum(Decimal(row["count_fp"]) * Decimal(row["yes_price_dollars"]) for row in seen["fills"])
    fees = sum(Decimal(row["fee_cost"]) for row in seen["fills"])
    assert cost == 5 * Decimal(bought["average_fill_price"])
    for row in seen["fills"]:
        count, price = Decimal(row["count_fp"]), Decimal(row["yes_price_dollars"])
        assert 0 <= Decimal(row["fee_cost"]) - Decimal("0.07") * count * price * (1 - price) < Decimal("0.0001")
    (settlement,) = seen["settlements"]
    assert (settlement["market_result"], settlement["revenue"], settlement["value"]) == ("yes", 500, 100)
    assert (settlement["yes_count_fp"], settlement["no_count_fp"]) == ("5.00", "0.00")
    assert Decimal(settlement["yes_total_cost_dollars"]) == cost
    assert Decimal(settlement["fee_cost"]) == fees
    assert Decimal(seen["balance"]["balance_dollars"]) == 1005 - cost - fees
    (position,) = seen["positions"]
    assert (position["position_fp"], Decimal(position["realized_pnl_dollars"])) == ("0.00", 5 - cost)

    assert (gone["live_orders"], gone["live_fills"], gone["live_market"]["status"]) == ([], [], 404)
    assert [row["order_id"] for row in gone["orders"]] == [bought["order_id"]]
    assert gone["fills"] == seen["fills"]
    assert [row["ticker"] for row in gone["positions"]] == [ticker]


def _refusal(seen: Any) -> tuple[str, int, str]:
    return seen["type"], seen["status"], seen["body"]["error"]["code"]


def _without(candles: list[Any], *names: str) -> list[Any]:
    """Candles whose prices lack some names: minimum and maximum belong to the event's only."""
    prices = [{key: text for key, text in each["price"].items() if key not in names} for each in candles]
    return [each | {"price": price} for each, price in zip(candles, prices, strict=True)]
