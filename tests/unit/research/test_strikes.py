"""Strikes answer numbers, a ladder's answers agree or do not, and tickers tell strikes only where that is proven."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.terms import StrikeType
from research.strikes import Strikes, agree, named_so, strikes, told_by_ticker

LADDER = [
    Strikes(StrikeType.LESS, None, 40),
    Strikes(StrikeType.BETWEEN, 40, 41),
    Strikes(StrikeType.BETWEEN, 42, 43),
    Strikes(StrikeType.GREATER, 43, None),
]
NAMES = ["E-T40", "E-B40.5", "E-B42.5", "E-T43"]


@pytest.mark.parametrize(
    ("kind", "floor", "cap", "right"),
    [
        ("greater", 43.0, None, [44]),
        ("greater_or_equal", 43.0, None, [43, 44]),
        ("less", None, 43.0, [42]),
        ("less_or_equal", None, 43.0, [42, 43]),
        ("between", 42.0, 43.0, [42, 43]),
    ],
)
def test_each_kind_of_strike_answers_at_its_ends(
    kind: str, floor: float | None, cap: float | None, right: list[int]
) -> None:
    found = strikes(kind, floor, cap)
    assert found is not None
    assert [value for value in (42, 43, 44) if found.answer(value)] == right


@pytest.mark.parametrize(
    ("kind", "floor", "cap"),
    [(None, 1.0, 2.0), ("custom", 1.0, 2.0), ("between", 1.0, None), ("less", 1.0, None), ("greater", None, 2.0)],
)
def test_strikes_that_are_no_numbers_or_incomplete_are_none(
    kind: str | None, floor: float | None, cap: float | None
) -> None:
    assert strikes(kind, floor, cap) is None


@given(st.lists(st.booleans(), min_size=4, max_size=4))
def test_of_a_complete_ladder_exactly_one_market_is_right(answers: list[bool]) -> None:
    assert agree(list(zip(LADDER, answers, strict=True))) == (sum(answers) == 1)


def test_of_a_part_of_a_ladder_none_may_be_right() -> None:
    part = [LADDER[0], LADDER[2]]
    assert agree([(each, False) for each in part])
    assert not agree([(each, True) for each in part])
    assert agree([])


def test_thresholds_agree_where_one_number_lies_between_them() -> None:
    levels = [Strikes(StrikeType.GREATER_OR_EQUAL, floor, None) for floor in (62_982.29, 63_000.0, 63_000.19)]
    assert agree(list(zip(levels, (True, True, False), strict=True)))
    assert not agree(list(zip(levels, (True, False, True), strict=True)))


def test_ranges_of_cents_leave_nothing_between_them() -> None:
    ranges = [Strikes(StrikeType.BETWEEN, 4100.0, 4149.99), Strikes(StrikeType.BETWEEN, 4150.0, 4199.99)]
    ends = [Strikes(StrikeType.LESS, None, 4100.0), Strikes(StrikeType.GREATER, 4199.99, None)]
    assert not agree([(each, False) for each in [*ranges, *ends]])


def test_a_ticker_tells_a_bracket_and_which_end_of_the_ladder_it_is() -> None:
    assert [told_by_ticker(name, NAMES) for name in NAMES] == LADDER
    assert told_by_ticker("E-T-4", ["E-T-4", "E-B-2.5"]) == Strikes(StrikeType.LESS, None, -4)
    assert told_by_ticker("E-T40", ["E-T40"]) is None
    assert told_by_ticker("E-45", NAMES) is None


def test_tickers_are_believed_only_where_they_tell_every_strike_that_is_known() -> None:
    events = {f"E{number}": dict(zip(NAMES, LADDER, strict=True)) for number in range(8)}
    assert named_so(events)
    assert not named_so({"E": events["E1"]})  # too few to say
    unknown = events | {"F": {**dict.fromkeys(NAMES), "E-T40": LADDER[0]}}
    assert named_so(unknown)
    assert not named_so(events | {"F": {"E-B40.5": Strikes(StrikeType.BETWEEN, 40, 42)}})
