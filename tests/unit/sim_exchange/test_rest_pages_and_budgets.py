"""Pages of lists that grow meanwhile, and token buckets, whatever the numbers."""

from hypothesis import given
from hypothesis import strategies as st

from sim_exchange.api.budgets import Budgets
from sim_exchange.api.pagination import cursor_of, newest_first, number_of, oldest_first
from sim_exchange.api.tiers import BucketLimit, Tier

ROWS = st.integers(0, 60)
LIMITS = st.integers(1, 20)
GROWTH = st.lists(st.integers(0, 5), max_size=70)


@given(ROWS, LIMITS, GROWTH, st.integers(1, 4))
def test_newest_first_shows_every_old_row_once_while_new_ones_arrive(
    count: int, limit: int, growth: list[int], every: int
) -> None:
    rows = list(range(count))
    seen: list[int] = []
    cursor, arrivals = "", iter(growth)
    while True:
        page, cursor = newest_first(rows, lambda row: row % every == 0, limit, cursor)
        assert len(page) <= limit
        seen += page
        if not cursor:
            break
        rows += range(len(rows), len(rows) + next(arrivals, 0))
    assert seen == [row for row in reversed(range(count)) if row % every == 0]


@given(ROWS, LIMITS, GROWTH)
def test_oldest_first_shows_every_row_once_new_ones_included(count: int, limit: int, growth: list[int]) -> None:
    rows = list(range(count))
    seen: list[int] = []
    cursor, arrivals = "", iter(growth)
    while True:
        page, cursor = oldest_first(rows, lambda _: True, limit, cursor)
        seen += page
        if not cursor:
            break
        rows += range(len(rows), len(rows) + min(next(arrivals, 0), limit - 1))
    assert seen == rows


@given(st.integers(0, 2**48 - 1))
def test_a_cursor_names_its_row(number: int) -> None:
    assert number_of(cursor_of(number)) == number


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_junk_names_no_row(text: str) -> None:
    assert number_of(text) is None


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 60)), max_size=60),
    st.integers(1, 50),
    st.integers(1, 100),
)
def test_nobody_spends_more_than_capacity_and_refill(calls: list[tuple[float, int]], rate: int, capacity: int) -> None:
    now = 0.0
    tier = Tier(BucketLimit(rate, capacity), BucketLimit(rate, capacity), 1)
    budgets = Budgets({"some": tier}, lambda: now, [0, 1, 2], 0)
    spent = 0
    for wait, cost in calls:
        now += wait
        held = budgets.read("me", "some", cost)
        assert held == budgets.write("me", "some", cost, None), "the same calls on the other buckets"
        spent += cost if held else 0
        assert spent <= capacity + rate * now + 1e-6


def test_a_write_that_bills_every_shard_bills_none_when_one_is_empty() -> None:
    tier = Tier(BucketLimit(0, 10), BucketLimit(0, 10), 1)
    budgets = Budgets({"some": tier}, lambda: 0.0, [0, 1], 0)
    assert budgets.write("me", "some", 10, 1)
    assert not budgets.write("me", "some", 1, None)
    assert budgets.write("me", "some", 10, 0), "the refused one cost nothing"
    assert not budgets.write("me", "some", 1, 7), "an unknown shard bills the first"


def test_addresses_are_forgotten_before_they_fill_the_memory() -> None:
    budgets = Budgets({}, lambda: 0.0, [0], 1)
    assert budgets.address("0")
    assert not budgets.address("0")
    for number in range(1, 10_001):
        assert budgets.address(str(number))
    assert budgets.address("0"), "the oldest one starts anew"
