"""New candles and holes put together with old ones."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.merging import MOST_HOLES, Missing, holes_after, merged
from collector.planning import Tier, Wanted
from mesh.kalshi.rest.candle_plan import Span
from mesh.records import CANDLES
from mesh.shards import Hole, HoleReason

STEP, LAST = 60, 20  # seconds, and the number of the last candle that a market can have; it closes one before


def rows(*candles: tuple[str, int, int]) -> pa.Table:
    """A table of candles: market, number of the period, price."""
    columns: dict[str, list[Any]] = {
        name: [None] * len(candles) for name in CANDLES.names if name.endswith(("_micros", "_hundredths"))
    }
    columns |= {
        "series_ticker": ["KXBTC"] * len(candles),
        "event_ticker": ["KXBTC-26JUL1012"] * len(candles),
        "market_ticker": [ticker for ticker, _, _ in candles],
        "end_time": [at(number) for _, number, _ in candles],
        "step_seconds": [STEP] * len(candles),
        "yes_bid_close_micros": [price or None for _, _, price in candles],
        "volume_hundredths": [0] * len(candles),
        "open_interest_hundredths": [0] * len(candles),
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in CANDLES], schema=CANDLES)


def at(number: int) -> datetime:
    return datetime.fromtimestamp(number * STEP, UTC)


def wanted(ticker: str, first: int = 1, last: int = LAST) -> Wanted:
    return Wanted(Span(ticker, first * STEP, last * STEP), STEP, (LAST - 1) * STEP, LAST * STEP, Tier.LIVE)


def missing(ticker: str, first: int = 1, last: int = LAST, **changes: Any) -> Missing:
    fields: dict[str, Any] = {"reason": HoleReason.TIMED_OUT, "detail": "silence", "attempts": 1} | changes
    return Missing(ticker, first * STEP, last * STEP, **fields)


def hole(ticker: str, first: int | None = None, last: int | None = None, **changes: Any) -> Hole:
    fields: dict[str, Any] = {"reason": HoleReason.TIMED_OUT, "detail": "silence", "attempts": 1} | changes
    return Hole(
        ticker, first=None if first is None else at(first), last=None if last is None else at(last), **fields
    )  # fmt: skip


def after(
    old: Iterable[Hole], wants: Iterable[Wanted], failed: Iterable[Missing] = (), filled: Iterable[str] = "AB"
) -> tuple[Hole, ...]:
    return holes_after(
        old, {want.span.ticker: want for want in wants}, failed, filled=filled, attempts={}, step_seconds=STEP
    )


CANDLES_OF = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(1, 6), st.integers(0, 2)), max_size=12, unique_by=lambda row: row[:2]
).map(lambda drawn: rows(*drawn))


def test_new_candles_replace_the_same_old_ones_and_the_rest_stays() -> None:
    result = merged([rows(("A", 1, 10), ("A", 2, 10), ("B", 1, 10)), rows(("A", 3, 11), ("A", 2, 11))])

    assert result.table.equals(rows(("A", 1, 10), ("A", 2, 11), ("A", 3, 11), ("B", 1, 10)))
    assert result.revised == 1


@pytest.mark.parametrize(("old", "new", "revised"), [(10, 10, 0), (10, 11, 1), (0, 0, 0), (0, 10, 1), (10, 0, 1)])
def test_a_candle_that_comes_back_different_is_counted_also_where_a_value_was_missing(
    old: int, new: int, revised: int
) -> None:
    result = merged([rows(("A", 1, old)), rows(("A", 1, new))])

    assert result.table.equals(rows(("A", 1, new)))
    assert result.revised == revised


@pytest.mark.parametrize("parts", [[], [rows()], [rows(), rows()]])
def test_nothing_together_with_nothing_is_a_table_of_no_rows(parts: list[pa.Table]) -> None:
    assert merged(parts).table.equals(CANDLES.empty_table())


@given(CANDLES_OF, CANDLES_OF)
def test_merging_the_same_again_changes_nothing(base: pa.Table, new: pa.Table) -> None:
    once = merged([base, new]).table

    again = merged([once, new])
    assert again.table.equals(once)
    assert again.revised == 0


@given(CANDLES_OF, CANDLES_OF, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(base: pa.Table, new: pa.Table, dice: Any) -> None:
    def shuffled(table: pa.Table) -> pa.Table:
        return table.take(pa.array(dice.sample(range(len(table)), len(table)), pa.int64()))

    assert merged([shuffled(base), shuffled(new)]).table.equals(merged([base, new]).table)


@given(CANDLES_OF, st.integers(1, 6))
def test_what_is_collected_in_two_parts_equals_what_is_collected_at_once(whole: pa.Table, cut: int) -> None:
    listed = whole.to_pylist()
    early = whole.filter(pa.array([row["end_time"] <= at(cut) for row in listed], pa.bool_()))
    late = whole.filter(pa.array([row["end_time"] >= at(cut) for row in listed], pa.bool_()))

    assert merged([merged([early]).table, late]).table.equals(merged([whole]).table)


@given(CANDLES_OF, CANDLES_OF)
def test_merged_candles_are_sorted_and_unique_and_none_is_lost(base: pa.Table, new: pa.Table) -> None:
    def keys(table: pa.Table) -> list[tuple[str, datetime]]:
        return [(row["market_ticker"], row["end_time"]) for row in table.to_pylist()]

    result = merged([base, new])
    assert keys(result.table) == sorted({*keys(base), *keys(new)})
    kept = result.table.to_pylist()
    assert all(row in kept for row in new.to_pylist())
    assert result.table.schema.equals(CANDLES, check_metadata=True)


def test_a_hole_that_is_filled_is_gone() -> None:
    assert after([hole("A"), hole("B", 3, 5)], [wanted("A"), wanted("B")]) == ()


def test_holes_of_markets_that_were_not_asked_for_stay() -> None:
    assert after([hole("A"), hole("C", 2)], [wanted("A")]) == (hole("C", 2),)


def test_a_market_asked_for_to_its_close_is_whole_though_one_more_candle_could_come() -> None:
    assert after([hole("A")], [wanted("A", 1, LAST - 1)]) == ()
    assert after([], [wanted("A", 1, LAST - 1)], [missing("A", 1, LAST - 1)]) == (hole("A"),)
    assert [each.reason for each in after([], [wanted("C", 1, LAST - 1)], filled="")] == [HoleReason.NO_DATA]


def test_what_fails_for_a_whole_life_is_a_hole_without_times() -> None:
    assert after([], [wanted("A")], [missing("A", attempts=3)]) == (hole("A", attempts=3),)


def test_a_refresh_that_fails_leaves_the_old_hole_and_adds_its_own() -> None:
    assert after([hole("A", 2, 4)], [wanted("A", 10, 12)], [missing("A", 10, 12)]) == (
        hole("A", 2, 4),
        hole("A", 10, 12),
    )


def test_a_hole_is_cut_where_it_was_asked_for() -> None:
    assert after([hole("A")], [wanted("A", 5, 10)]) == (hole("A", None, 4), hole("A", 11, None))


def test_holes_that_touch_are_one_with_the_reason_of_the_latest() -> None:
    failed = missing("A", 5, 8, reason=HoleReason.UNAVAILABLE, detail="503")

    assert after([hole("A", 2, 4)], [wanted("A", 5, 8)], [failed]) == (
        hole("A", 2, 8, reason=HoleReason.UNAVAILABLE, detail="503"),
    )


def test_a_market_whose_whole_life_has_no_candle_is_a_hole() -> None:
    (found,) = after([], [wanted("A"), wanted("C")], filled="A")

    assert (found.market, found.reason, found.first, found.last) == ("C", HoleReason.NO_DATA, None, None)


def test_an_open_market_without_candles_yet_is_no_hole() -> None:
    assert after([], [wanted("C", 1, LAST - 2)], filled="") == ()


def test_a_market_that_was_not_asked_for_because_nothing_has_ended_is_no_hole() -> None:
    assert after([], [wanted("C", LAST + 1, LAST)], filled="") == ()


def test_a_market_that_has_another_hole_is_not_said_to_have_no_data() -> None:
    assert after([], [wanted("C")], [missing("C")], filled="") == (hole("C"),)


def test_a_market_without_data_that_gets_some_later_is_whole() -> None:
    assert after([hole("A", reason=HoleReason.NO_DATA)], [wanted("A")], filled="A") == ()


def test_more_holes_than_a_commit_may_have_become_one_a_market() -> None:
    old = [hole(f"M{market}", number, number) for market in range(21) for number in range(2, 2 * 100, 2)]
    found = after(old, [])

    assert len(old) > MOST_HOLES
    assert [(each.market, each.first, each.last) for each in found] == sorted(
        (f"M{market}", at(2), at(198)) for market in range(21)
    )


PARTS = st.tuples(st.integers(1, LAST), st.integers(1, LAST)).map(sorted)


@given(st.lists(PARTS, max_size=4), PARTS, st.lists(PARTS, max_size=4), st.booleans())
def test_a_candle_of_the_trading_time_is_in_a_hole_if_it_was_missing_and_not_asked_for_or_asked_for_and_not_had(
    old: list[list[int]], asked: list[int], failed: list[list[int]], filled: bool
) -> None:
    first, last = asked
    lost = {
        number
        for start, end in failed
        for number in range(max(start, first), min(end, last) + 1)
    }  # fmt: skip
    before = {number for start, end in old for number in range(start, end + 1)}
    holes = after(
        [hole("A", *part) for part in old],
        [wanted("A", first, last)],
        [missing("A", max(start, first), min(end, last)) for start, end in failed if start <= last and end >= first],
        filled="A" if filled else "",
    )
    spans = [
        (1 if each.first is None else int(each.first.timestamp()) // STEP,
         LAST if each.last is None else int(each.last.timestamp()) // STEP)
        for each in holes
        if each.reason is not HoleReason.NO_DATA
    ]  # fmt: skip
    covered = [number for start, end in spans for number in range(start, end + 1) if number < LAST]

    assert covered == sorted((lost | {number for number in before if not first <= number <= last}) - {LAST})
    assert all(end + 1 < start for (_, end), (start, _) in itertools.pairwise(spans))
