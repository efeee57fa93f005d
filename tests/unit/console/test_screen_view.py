"""What screens show, by the golden cases that all faces share, and by any sequence of messages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import protovalidate
import pytest
from foremesh.trader.v1 import trader_service_pb2 as pb
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from console.view.cells import age_text, market_line, money_cell, position_line
from console.view.freshness import SILENCE_SECONDS, Freshness
from console.view.screen import Screen

CASES = sorted((Path(__file__).parents[2] / "console" / "cases").glob("*.json"))


def response(message: dict[str, Any]) -> pb.WatchStateResponse:
    return json_format.ParseDict(message, pb.WatchStateResponse())


def shown(line: Any, fields: dict[str, str]) -> dict[str, str]:
    found = {name: getattr(line, name) for name in fields}
    return {name: value.value if isinstance(value, Freshness) else value for name, value in found.items()}


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_golden_case_is_told_as_it_is_written(file: Path) -> None:
    case = json.loads(file.read_text())
    screen, steps = Screen(), list(case["steps"])
    assert case["looks"]
    for look in case["looks"]:
        now = float(look["at"])
        while steps and steps[0]["at"] <= now:
            step = steps.pop(0)
            if step.get("lost"):
                screen.lost()
            else:
                message = response(step["message"])
                protovalidate.validate(message)
                screen.receive(message, float(step["at"]))
        if "linked" in look:
            assert screen.linked(now) is look["linked"], f"linked at {now}"
        if "markets" in look:
            agree([market_line(screen, seen, now) for seen in screen.rows.values()], look["markets"])
        if "positions" in look:
            agree([position_line(screen, seen, now) for seen in screen.positions.values()], look["positions"])


def agree(lines: Sequence[Any], wanted: list[dict[str, str]]) -> None:
    assert [shown(line, fields) for line, fields in zip(lines, wanted, strict=True)] == wanted


SNAPSHOT = json.loads(next(file for file in CASES if file.stem == "confirmed_anew").read_text())["steps"][0]["message"]


@given(st.lists(st.tuples(st.floats(0, 4), st.sampled_from(["snapshot", "beat", "confirm", "lost"])), max_size=30))
def test_nothing_is_fresh_that_was_not_heard_of_in_time(steps: list[tuple[float, str]]) -> None:
    screen, now, heard = Screen(), 100.0, float("-inf")
    for wait, what in steps:
        now += wait
        message = dict(SNAPSHOT)
        if what == "lost":
            screen.lost()
            heard = float("-inf")
            continue
        if what != "snapshot":
            del message["snapshot"]
            message["heartbeat"] = {"confirmed": [{"age": "0s", "numbers": [1, 9]}]} if what == "confirm" else {}
        message["streamAge"] = "100000s"  # nothing waits on its way here
        if what == "snapshot" or screen.linked(now) or heard > float("-inf"):
            heard = now
        screen.receive(response(message), now)
        for later in (0.0, 1.0, SILENCE_SECONDS + 0.1, 6.0):
            for seen in screen.rows.values():
                line = market_line(screen, seen, now + later)
                assert line.freshness is not Freshness.FRESH or now + later - heard <= SILENCE_SECONDS
                assert (line.bid == "—") is (line.freshness in {Freshness.STALE, Freshness.ABSENT})
            for held in screen.positions.values():
                assert position_line(screen, held, now + later).held == "7 NO"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0"), (9.94, "9.9"), (9.96, "10"), (119, "119"), (120, "2m"), (7_200, "2h"), (2e5, "2d")],
)
def test_an_age_fits_into_four_characters(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


def test_a_result_is_read_without_colours() -> None:
    assert [money_cell(micros) for micros in (120_000, -100_000, 0)] == ["▲ +$0.12", "▼ -$0.10", "$0.00"]
