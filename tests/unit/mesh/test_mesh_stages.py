"""Where the time of a measured scan goes: every instant counts once."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.mesh_stages import Span, at_work, shared_out

SCAN = (0.0, 10.0)
WORK: dict[str, list[Span]] = {
    "exchange": [(-1, 1), (7.5, 8.5)],
    "transport": [(1.5, 9)],
    "model": [(2, 5), (4, 6)],
    "decisions": [(5.5, 7)],
    "orders": [(6.5, 8), (9.5, 12)],
}
"""Whole and half seconds, some of them outside of the scan."""
MOMENTS = st.integers(-20, 120).map(lambda tenths: tenths / 8)
SPANS = st.lists(st.tuples(MOMENTS, MOMENTS).map(sorted).map(tuple), max_size=6)


def half(start: float, end: float) -> float:
    return (end - start) / 2


def test_an_instant_counts_for_the_first_of_what_was_at_work() -> None:
    assert shared_out(SCAN, WORK, half) == {
        "model": 4,
        "decisions": 1,
        "orders": 1.5,
        "exchange": 1.5,
        "transport": 0.5,
        "trader": 1.0,
        "rest": 0.5,
    }


def test_what_overlaps_counts_for_each() -> None:
    assert at_work(SCAN, WORK, half) == {
        "model": 4,
        "decisions": 1.5,
        "orders": 2,
        "exchange": 2,
        "transport": 7.5,
        "trader": 3.5,
    }


@given(st.fixed_dictionaries(dict.fromkeys(WORK, SPANS)))
def test_stages_sum_to_the_scan(work: dict[str, list[Span]]) -> None:
    row = shared_out(SCAN, work, half)
    assert sum(row.values()) == 10
    assert min(row.values()) >= 0
    assert row["model"] == at_work(SCAN, work, half)["model"]
