"""Faults strike where their rules say, reproducibly, and are counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mesh.types import Hundredths
from sim_exchange.effects import (
    NO_EFFECTS,
    NO_MESSAGE_EFFECTS,
    Effects,
    MessageEffects,
    MessageFacts,
    RequestFacts,
)
from sim_exchange.faults import FaultRule, Faults

RULE: TypeAdapter[FaultRule] = TypeAdapter(FaultRule)
CREATE = RequestFacts("POST", "/trade-api/v2/portfolio/events/orders", "alice", ("KXHIGHNY-26JUL10-T87",))
READ = RequestFacts("GET", "/trade-api/v2/portfolio/orders", "alice")
DELTA = MessageFacts("orderbook_delta", "alice", "KXHIGHNY-26JUL10-T87")


def rule(kind: str, **fields: Any) -> FaultRule:
    return RULE.validate_python({"kind": kind} | fields)


def faults(*rules: FaultRule, seed: int = 7) -> Faults:
    return Faults(seed, rules)


@pytest.mark.parametrize(
    ("fault", "effects"),
    [
        (rule("latency", seconds=0.5), Effects(delay=0.5)),
        (rule("drop_socket"), Effects(drop_before=True)),
        (rule("too_many_requests"), Effects(too_many_requests=True)),
        (rule("server_error"), Effects(error_before=500)),
        (rule("server_error", status=503), Effects(error_before=503)),
        (rule("server_error", status=504, executed=True), Effects(error_after=504)),
        (rule("reply_lost"), Effects(drop_after=True)),
        (rule("no_body_object"), Effects(no_object=True)),
        (rule("pause"), Effects(pause="trading")),
        (rule("pause", scope="exchange"), Effects(pause="exchange")),
        (rule("partial_fill", contracts="1.5"), Effects(fill_at_most=Hundredths(150))),
        (rule("empty_shard", moved_to=2), Effects(moved_to_shard=2)),
    ],
)
def test_a_fault_of_requests_does_what_its_name_says(fault: FaultRule, effects: Effects) -> None:
    running = faults(fault)
    assert running.before(CREATE) == effects
    assert running.on_message(DELTA) == NO_MESSAGE_EFFECTS
    assert not running.strike_messages
    assert [(found.matches, found.strikes) for found in running.counts()] == [(1, 1)]


@pytest.mark.parametrize(
    ("fault", "effects"),
    [
        (rule("latency", seconds=0.5, channel="*"), MessageEffects(delay=0.5)),
        (rule("drop_socket", channel="orderbook_*"), MessageEffects(drop_socket=True)),
        (rule("duplicate_message"), MessageEffects(duplicate=True)),
        (rule("reorder_messages"), MessageEffects(reorder=True)),
        (rule("skip_seq"), MessageEffects(lose=True)),
    ],
)
def test_a_fault_of_messages_does_what_its_name_says(fault: FaultRule, effects: MessageEffects) -> None:
    running = faults(fault)
    assert running.strike_messages
    assert running.on_message(DELTA) == effects
    assert running.before(CREATE) == NO_EFFECTS
    assert [(found.matches, found.strikes) for found in running.counts()] == [(1, 1)]


def test_reads_are_stale_and_orders_meet_no_liquidity() -> None:
    running = faults(
        rule("stale_reads", seconds=0.4), rule("partial_fill", contracts="1"), rule("empty_shard"), rule("pause")
    )
    assert running.before(READ) == Effects(stale=0.4, pause="trading")
    assert running.before(CREATE) == Effects(fill_at_most=Hundredths(100), moved_to_shard=1, pause="trading")
    assert running.before(RequestFacts("DELETE", CREATE.path, "alice")).fill_at_most is None


def test_the_clock_is_wrong_before_the_caller_is_known() -> None:
    running = faults(rule("clock_skew", seconds=60), rule("clock_skew", seconds=-90.5, path="*/orders"))
    assert running.skew("GET", "/trade-api/v2/portfolio/balance") == 60
    assert running.skew("POST", "/trade-api/v2/portfolio/events/orders") == -30.5
    assert running.before(CREATE) == NO_EFFECTS
    assert [found.strikes for found in running.counts()] == [2, 1]
    assert faults(rule("skip_seq")).skew("GET", "/") == 0


@pytest.mark.parametrize(
    ("fields", "strikes"),
    [
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"path": "*/portfolio/events/orders"}, True),
        ({"path": "*/portfolio/*"}, True),
        ({"path": "*/portfolio/events/orders/*"}, False),
        ({"account": "a*"}, True),
        ({"account": "bob"}, False),
        ({"ticker": "KXHIGHNY-*"}, True),
        ({"ticker": "KXBTC-*"}, False),
    ],
)
def test_a_rule_strikes_where_it_matches_in_everything(fields: dict[str, str], strikes: bool) -> None:
    running = faults(rule("server_error", **fields))
    assert (running.before(CREATE).error_before == 500) is strikes
    assert running.counts()[0].matches == strikes


def test_a_ticker_pattern_needs_a_ticker() -> None:
    assert faults(rule("server_error", ticker="K*")).before(READ) == NO_EFFECTS
    assert faults(rule("server_error", ticker="*")).before(READ) == Effects(error_before=500)


def test_a_rule_begins_late_and_is_spent() -> None:
    running = faults(rule("reply_lost", after=2, count=3))
    assert [running.before(CREATE).drop_after for _ in range(7)] == [False] * 2 + [True] * 3 + [False] * 2
    assert [(found.matches, found.strikes) for found in running.counts()] == [(7, 3)]


def test_faults_of_several_rules_come_together() -> None:
    running = faults(rule("latency", seconds=1), rule("latency", seconds=2), rule("reply_lost"))
    assert running.before(CREATE) == Effects(delay=3, drop_after=True)


@given(seed=st.integers(0, 2**40), probability=st.floats(0.05, 0.95), others=st.integers(0, 3))
def test_the_same_seed_strikes_the_same_requests_whatever_else_there_is(
    seed: int, probability: float, others: int
) -> None:
    watched = rule("latency", name="watched", seconds=1, spread=1, probability=probability)
    alone = Faults(seed, [watched])
    crowd = Faults(seed, [*(rule("server_error", probability=0.5) for _ in range(others)), watched])
    assert [alone.before(CREATE).delay for _ in range(50)] == [crowd.before(CREATE).delay for _ in range(50)]


def test_a_probability_is_one() -> None:
    running = faults(rule("server_error", probability=0.25))
    strikes = sum(running.before(CREATE).error_before is not None for _ in range(4000))
    assert running.counts()[0].strikes == strikes
    assert 800 < strikes < 1200


def test_latency_spreads_over_its_range() -> None:
    running = faults(rule("latency", seconds=1, spread=2))
    delays = [running.before(CREATE).delay for _ in range(500)]
    assert 1 <= min(delays) < 1.1
    assert 2.9 < max(delays) <= 3


def test_rules_come_and_go_by_name() -> None:
    running = faults(rule("reply_lost"), rule("reply_lost"), rule("latency", seconds=1, name="slow"))
    assert [found.rule.name for found in running.counts()] == ["reply_lost-1", "reply_lost-2", "slow"]
    with pytest.raises(ValueError, match="slow"):
        running.add(rule("skip_seq", name="slow"))
    assert running.remove("reply_lost-1")
    assert not running.remove("reply_lost-1")
    assert running.add(rule("reply_lost")) == "reply_lost-1"
    running.clear()
    assert running.counts() == []
    assert running.before(CREATE) == NO_EFFECTS


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "earthquake"},
        {"kind": "latency"},
        {"kind": "latency", "seconds": 0},
        {"kind": "latency", "seconds": "1"},
        {"kind": "server_error", "status": 502},
        {"kind": "reply_lost", "channel": "trade"},
        {"kind": "skip_seq", "channel": ""},
        {"kind": "skip_seq", "path": "*/orders"},
        {"kind": "drop_socket", "channel": "*", "method": "GET"},
        {"kind": "clock_skew", "seconds": 1, "account": "alice"},
        {"kind": "partial_fill", "contracts": "0.001"},
        {"kind": "partial_fill", "contracts": "-1"},
        {"kind": "pause", "scope": "market"},
        {"kind": "reply_lost", "probability": 0},
        {"kind": "reply_lost", "probability": 1.5},
        {"kind": "reply_lost", "count": 0},
        {"kind": "reply_lost", "seconds": 1},
        {"kind": "reply_lost", "name": "a b"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python(fields)
