"""The simulated exchange as a daemon: killed, stopped, started twice, given to other markets; members by command."""

import json
import subprocess
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.exchange_process import BIN, SMALL, Call, ExchangeProcess, exchange_process

MEMBER = '{name="a", key_id="k", public_key_file="missing.pem"}'


def market(exchange: ExchangeProcess) -> dict[str, Any]:
    """An open market with a bid."""
    markets = exchange.get("/markets?status=open&limit=100")["markets"]
    found: dict[str, Any] = max(
        markets, key=lambda row: float(row["yes_bid_size_fp"]) * (row["yes_bid_dollars"] < "0.9")
    )
    assert float(found["yes_bid_dollars"]) > 0, markets
    return found


def order(ticker: str, price: str, count: str, time_in_force: str = "good_till_canceled") -> dict[str, Any]:
    return {
        "ticker": ticker,
        "client_order_id": str(uuid.uuid4()),
        "side": "ask",
        "count": count,
        "price": price,
        "time_in_force": time_in_force,
        "self_trade_prevention_type": "taker_at_cross",
    }


def portfolio(call: Call) -> dict[str, Any]:
    """Everything a member can see of himself, but for what moves with the market or the clock."""
    seen = {}
    for path in ("balance", "positions", "orders", "fills", "settlements", "order_groups"):
        status, seen[path] = call("GET", f"/portfolio/{path}")
        assert status == 200
    for name in ("updated_ts", "portfolio_value"):
        del seen["balance"][name]
    return seen


def test_a_killed_exchange_still_knows_everything_it_told(tmp_path: Path) -> None:
    with exchange_process(tmp_path) as exchange:
        alice = exchange.member("alice")
        found = market(exchange)
        sold = order(found["ticker"], found["yes_bid_dollars"], "1.00", "immediate_or_cancel")
        rests = order(found["ticker"], "0.9900", "7.50")
        assert alice("POST", "/portfolio/events/orders", sold)[1]["fill_count"] == "1.00"
        status, rested = alice("POST", "/portfolio/events/orders", rests)
        assert status == 201
        group = alice("POST", "/portfolio/order_groups/create", {"contracts_limit": 5})
        assert group[0] == 201
        before = portfolio(alice)
        exchange.kill()
    with exchange_process(tmp_path) as exchange:
        alice = exchange.member("alice")
        assert portfolio(alice) == before
        assert alice("POST", "/portfolio/events/orders", rests)[0] == 409  # its id is used up for ever
        status, cancelled = alice("DELETE", f"/portfolio/events/orders/{rested['order_id']}")
        assert (status, cancelled["reduced_by"]) == (200, "7.50")
        invariants = exchange.admin("GET", "/invariants")[1]
        assert invariants["hold"], invariants
        assert exchange.stop() == 0


def test_members_orders_are_quoted_again_after_a_restart(tmp_path: Path) -> None:
    """In the market's record, which is made from the tape, as in its book; nobody else moves meanwhile."""
    still = ("clock.speed=0.001",)
    with exchange_process(tmp_path, SMALL, *still) as exchange:
        alice = exchange.member("alice")
        ticker = _wide(exchange)
        row = exchange.get(f"/markets/{ticker}")["market"]
        inside = f"{float(row['yes_ask_dollars']) - 0.01:.4f}"
        assert alice("POST", "/portfolio/events/orders", order(ticker, inside, "2.50"))[0] == 201
        exchange.kill()
    with exchange_process(tmp_path, SMALL, *still) as exchange:
        row = exchange.get(f"/markets/{ticker}")["market"]
        assert (row["yes_ask_dollars"], row["yes_ask_size_fp"]) == (inside, "2.50")
        best = exchange.get(f"/markets/{ticker}/orderbook?depth=1")["orderbook_fp"]["no_dollars"]
        assert best == [[f"{1 - float(inside):.4f}", "2.50"]]


def _wide(exchange: ExchangeProcess) -> str:
    """A market with room between bid and ask."""
    for row in exchange.get("/markets?status=open&limit=100")["markets"]:
        if float(row["yes_ask_dollars"]) - float(row["yes_bid_dollars"]) >= 0.03:
            return str(row["ticker"])
    raise AssertionError("no market with a spread of three cents")


def test_what_was_decided_by_hand_survives_a_kill(tmp_path: Path) -> None:
    with exchange_process(tmp_path) as exchange:
        alice = exchange.member("alice")
        found = market(exchange)
        ticker = found["ticker"]
        bought = order(ticker, found["yes_bid_dollars"], "2.00", "immediate_or_cancel")
        assert alice("POST", "/portfolio/events/orders", bought)[1]["fill_count"] == "2.00"
        result = {"result": "scalar", "value_dollars": "0.2500"}
        assert exchange.admin("POST", f"/markets/{ticker}/determine", result)[0] == 204
        cutoff = {"orders_updated": "2026-01-02T03:04:05Z"}
        assert exchange.admin("POST", "/cutoff", cutoff)[0] == 200
        exchange.kill()
    with exchange_process(tmp_path) as exchange:
        row = exchange.get(f"/markets/{ticker}")["market"]
        assert (row["status"], row["result"], row["settlement_value_dollars"]) == ("determined", "scalar", "0.2500")
        assert exchange.get("/historical/cutoff")["orders_updated_ts"].startswith("2026-01-02T03:04:05")
        assert exchange.admin("GET", "/invariants")[1]["hold"]


def test_the_exchange_s_time_does_not_go_back_over_a_kill(tmp_path: Path) -> None:
    """On a clock of its own, a hundred times faster: half a second is most of a minute."""
    fast = ("clock.speed=100.0",)
    with exchange_process(tmp_path, SMALL, *fast) as exchange:
        alice = exchange.member("alice")
        status, told = alice("POST", "/portfolio/events/orders", order(market(exchange)["ticker"], "0.9900", "1.00"))
        assert status == 201
        exchange.kill()
    with exchange_process(tmp_path, SMALL, *fast) as exchange:
        _, later = exchange.member("alice")("GET", "/exchange/user_data_timestamp")
        assert datetime.fromisoformat(later["as_of_time"]).timestamp() * 1000 >= told["ts_ms"]


def test_a_second_exchange_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with exchange_process(tmp_path) as exchange:
        done = _start(tmp_path)
        assert done.returncode == 1
        assert "another exchange works on this state" in done.stderr
        assert exchange.get("/exchange/status")["exchange_active"]


def test_state_of_other_markets_is_refused(tmp_path: Path) -> None:
    with exchange_process(tmp_path) as exchange:
        assert exchange.stop() == 0
    done = _start(tmp_path, "source.seed=2")
    assert done.returncode == 1
    assert "belongs to another seed or source" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ('listen="0.0.0.0:8790"', "needs tls"),
        ('admin_listen="0.0.0.0:9104"', "admin_listen must be a loopback address"),
        ("source.kind=dreamed", "source"),
        ('source={kind="recorded", folder="nowhere", series=["KXHIGHNY"]}', "nowhere"),
        (f"accounts=[{MEMBER}]", "missing.pem"),
        (f"accounts=[{MEMBER}, {MEMBER}]", "once"),
        ("clock.speed=0", "clock.speed"),
        ("quirks.nonsense=1", "nonsense"),
    ],
)
def test_a_wrong_configuration_is_named_and_ends_it_for_good(setting: str, named: str, tmp_path: Path) -> None:
    done = _start(tmp_path, setting)
    assert done.returncode == 78, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_removed_key_is_refused_at_once(tmp_path: Path) -> None:
    with exchange_process(tmp_path) as exchange:
        alice = exchange.member("alice")
        assert alice("GET", "/portfolio/balance")[0] == 200
        row = json.loads(exchange.command("account", "list", "--json"))[0]
        exchange.command("account", "remove-key", row["key_ids"][0])
        status, body = alice("GET", "/portfolio/balance")
        assert (status, body["error"]["details"]) == (401, "NOT_FOUND")


def _start(folder: Path, *settings: str) -> "subprocess.CompletedProcess[str]":
    (folder / "exchange.toml").write_text(SMALL)
    words = [word for setting in settings for word in ("--set", setting)]
    return subprocess.run(
        [BIN / "foremesh-exchange", "--config", folder / "exchange.toml", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
