"""The desk's command line, and how rules are said."""

from typing import Any

import pytest
from foremesh.trader.v1 import decisions_pb2, rules_pb2
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from console.desk.commands import CODES, Command, matches, read
from console.view.why import reasons, refusal

MARKETS = [("KXHIGHNY-26NOV22-B41.5", "New York high 41 to 42"), ("KXHIGHCHI-26NOV22-B38.5", "Chicago high 38 to 39")]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("fun", Command(action="panel('funnel')")),
        ("FUNNEL", Command(action="panel('funnel')")),
        ("mesh", Command(action="mesh")),
        ("trc d-1", Command(trace="d-1")),
        ("trace d-1", Command(trace="d-1")),
        ("ny 41", Command(market="KXHIGHNY-26NOV22-B41.5")),
        ("chicago", Command(market="KXHIGHCHI-26NOV22-B38.5")),
        ("high", Command(market="KXHIGHNY-26NOV22-B41.5")),
        ("f", Command()),
        ("", Command()),
        ("nowhere", Command()),
    ],
)
def test_a_line_is_a_code_or_words_of_a_market(line: str, command: Command) -> None:
    assert read(line, MARKETS) == command


@given(st.text(max_size=30))
def test_any_line_comes_to_at_most_one_thing(line: str) -> None:
    found = read(line, MARKETS)
    assert sum(map(bool, (found.action, found.market, found.trace))) <= 1
    assert not found.market or matches(line, *next(pair for pair in MARKETS if pair[0] == found.market))


def test_no_code_hides_another() -> None:
    for code, (action, _) in CODES.items():
        assert read(code, ()).action == action


def cents(value: float) -> rules_pb2.Figure:
    return rules_pb2.Figure(cents=value)


def verdict(kind: Any, figure: float | None = None, **bounds: rules_pb2.Figure) -> rules_pb2.RuleVerdict:
    found = rules_pb2.RuleVerdict(rule="some_rule", verdict=kind, bounds=rules_pb2.Bounds(**bounds))
    if figure is not None:
        found.figure.CopyFrom(cents(figure))
    return found


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (verdict(rules_pb2.VERDICT_PASSED, 9, at_least=cents(5)), "✓ 9c ≥ 5c"),
        (verdict(rules_pb2.VERDICT_PASSED, 9, at_most=cents(10)), "✓ 9c ≤ 10c"),
        (verdict(rules_pb2.VERDICT_PASSED, 9, at_least=cents(5), at_most=cents(10)), "✓ 9c, within 5c to 10c"),
        (verdict(rules_pb2.VERDICT_PASSED, 9, equal_to=cents(9)), "✓ 9c"),
        (verdict(rules_pb2.VERDICT_REFUSED, 12, at_most=cents(10)), "✗ 12c > 10c"),
        (verdict(rules_pb2.VERDICT_REFUSED, 4, at_least=cents(5)), "✗ 4c < 5c"),
        (verdict(rules_pb2.VERDICT_REFUSED, 4, equal_to=cents(5)), "✗ 4c, not 5c"),
        (verdict(rules_pb2.VERDICT_REFUSED, 4, at_least=cents(5), at_most=cents(9)), "✗ 4c, not within 5c to 9c"),
        (verdict(rules_pb2.VERDICT_REFUSED), "✗ not known"),
        (verdict(rules_pb2.VERDICT_SWITCHED_OFF, 4), "· switched off, 4c"),
        (verdict(rules_pb2.VERDICT_NOT_APPLICABLE), "· does not apply"),
    ],
)
def test_a_rule_says_what_it_found_and_what_it_allows(found: rules_pb2.RuleVerdict, words: str) -> None:
    (reason,) = reasons(decisions_pb2.Decision(verdicts=[found]))
    assert f"{reason.sign} {reason.words}" == words
    assert reason.rule == "some rule"


def test_what_refused_comes_first() -> None:
    decision = decisions_pb2.Decision(
        verdicts=[
            verdict(rules_pb2.VERDICT_NOT_APPLICABLE),
            verdict(rules_pb2.VERDICT_PASSED, 9),
            verdict(rules_pb2.VERDICT_REFUSED, 8),
            verdict(rules_pb2.VERDICT_REFUSED, 7),
        ]
    )
    assert [each.sign for each in reasons(decision)] == ["✗", "✗", "✓", "·"]
    assert [each.words for each in reasons(decision)][:2] == ["8c", "7c"]


def test_a_refusal_in_a_column_names_its_rule() -> None:
    assert refusal(verdict(rules_pb2.VERDICT_REFUSED, 12, at_most=cents(10))) == "some rule 12c > 10c"
    assert refusal(verdict(rules_pb2.VERDICT_REFUSED)) == "some rule: not known"


def test_a_span_is_a_figure_too() -> None:
    found = verdict(rules_pb2.VERDICT_REFUSED, at_most=rules_pb2.Figure(duration=Duration(seconds=5)))
    found.figure.duration.seconds = 9
    assert refusal(found) == "some rule 9 s > 5 s"
