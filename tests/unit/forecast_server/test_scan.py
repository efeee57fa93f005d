"""A scan gives every answer once, holds back who does not read, and ends when all is answered."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from forecast_server.policy import read_policy
from forecast_server.scan import UNREAD_ANSWERS, Scan
from forecast_server.types import (
    ExpiredReason,
    History,
    NoForecast,
    NoForecastReason,
    Purpose,
    Question,
    Rejected,
    Terms,
)
from forecast_server.work import Caller, Lane
from mesh.errors import FieldViolation, InvalidInput

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SHORT = NoForecast(NoForecastReason.TOO_SHORT)
POLICY = read_policy(None)


def scan(*, useful_until: datetime | None = None, read_within: float = 60.0) -> Scan:
    question = Question(
        horizon_steps=6,
        step=timedelta(hours=1),
        purpose=Purpose.PAPER,
        quantile_levels=(0.1, 0.9),
        useful_until=useful_until,
    )
    terms = Terms(model="m@0", levels=(0.1, 0.9), degraded=(), policy_version="1", policy_digest="0")
    return Scan(question, terms, POLICY, Lane(Caller()), name="s", read_within=read_within, resumed=lambda: None)


def histories(count: int, start: int = 0) -> list[History]:
    return [History(start + place, "A-1", "A", np.zeros(1, np.float32), 50.0) for place in range(count)]


def give(one: Scan, count: int, start: int = 0) -> None:
    one.received += count
    one.answer(histories(count, start), [SHORT] * count)


async def read(one: Scan) -> list[int]:
    return [index async for outcomes in one.answers() for index, _, _ in outcomes]


async def test_answers_end_when_everything_that_came_in_is_answered() -> None:
    one = scan()
    give(one, 2)
    one.received += 1
    one.complete()
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(one))
        await asyncio.sleep(0.01)
        assert not reading.done(), "one is missing"
        one.answer(histories(1, 2), [SHORT])
    assert reading.result() == [0, 1, 2]
    assert one.account() == {"inputs": 3, "signals": 0, "no_signals": 3, "rejected": 0, "expired": 0, "failed": 0}


async def test_a_scan_without_inputs_ends_at_once() -> None:
    one = scan()
    one.complete()
    assert await read(one) == []


async def test_a_problem_ends_a_scan_after_what_was_answered() -> None:
    one, found = scan(), []
    give(one, 2)
    one.complete(InvalidInput("a second header"))
    with pytest.raises(InvalidInput):  # noqa: PT012
        async for outcomes in one.answers():
            found += outcomes
    assert [index for index, _, _ in found] == [0, 1]


def test_what_breaks_the_rules_is_counted_with_the_rest() -> None:
    one = scan()
    one.reject([(0, "A", Rejected((FieldViolation("market_ticker", "is none"),)))])
    one.reject([])
    give(one, 1, 1)
    assert (one.received, one.answered) == (2, 2)
    assert one.account()["rejected"] == 1


async def test_who_does_not_read_is_held_back_until_he_does() -> None:
    one = scan(read_within=0.0)
    give(one, UNREAD_ANSWERS - 1)
    assert not one.held_back
    assert one.expiry(NOW, draining=False) is None
    give(one, 1)
    assert one.held_back
    await asyncio.sleep(0.001)
    assert one.expiry(NOW, draining=False) is ExpiredReason.UNREAD
    one.complete()
    await read(one)
    assert not one.held_back
    assert one.expiry(NOW, draining=False) is None


@pytest.mark.parametrize(
    ("change", "draining", "reason"),
    [
        ({}, False, None),
        ({}, True, ExpiredReason.DRAINING),
        ({"useful_until": NOW}, True, ExpiredReason.USEFUL_UNTIL),
        ({"useful_until": NOW + timedelta(seconds=1)}, False, None),
    ],
)
def test_why_nobody_would_use_an_answer(change: dict[str, Any], draining: bool, reason: ExpiredReason | None) -> None:
    assert scan(**change).expiry(NOW, draining=draining) is reason


def test_a_superseded_scan_says_so_before_anything_else() -> None:
    one = scan(useful_until=NOW - timedelta(hours=1))
    one.superseded = True
    assert one.expiry(NOW, draining=True) is ExpiredReason.SUPERSEDED
