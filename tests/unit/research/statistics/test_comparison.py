import pytest

from research.statistics.comparison import compare
from tests.fakes.trade_rows import row

EVERYWHERE = [row((number * 37 % 41) - 20, event=number) for number in range(60)]


def test_a_policy_is_held_against_the_baseline_on_the_days_of_both() -> None:
    policy = [row((number * 37 % 41) - 17 + number % 2, event=number, contracts=2) for number in range(40)]
    found = compare([*policy, row(100, event=90)], EVERYWHERE)
    assert found.mean_cents is not None
    assert found.mean_cents.mean == pytest.approx(3.5)
    assert found.mean_cents.low is not None
    assert 3.2 < found.mean_cents.low < 3.5
    assert (found.policy_alone, found.baseline_alone) == (1, 20)
    assert found.policy_cents is not None
    assert found.baseline_cents is not None
    assert found.policy_cents - found.baseline_cents == pytest.approx(3.5)


def test_in_dollars_who_did_not_trade_made_nothing() -> None:
    found = compare(EVERYWHERE[:40], EVERYWHERE)
    assert found.dollars is not None
    assert found.dollars.mean == pytest.approx(-sum(each.pnl_micros for each in EVERYWHERE[40:]) / 1e6)
    assert found.dollars.cluster_count == 60


def test_without_a_day_in_common_there_is_no_difference_of_means() -> None:
    found = compare(EVERYWHERE[:30], EVERYWHERE[30:])
    assert (found.mean_cents, found.policy_cents, found.policy_alone, found.baseline_alone) == (None, None, 30, 30)
    nothing = compare([], [])
    assert (nothing.mean_cents, nothing.dollars) == (None, None)
