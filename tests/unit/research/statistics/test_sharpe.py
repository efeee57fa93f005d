from statistics import variance

import numpy as np
import pytest

from research.statistics import sharpe
from research.statistics.sharpe import Record, daily, deflated, expected_best, record
from tests.fakes.trade_rows import row

# Bailey and Lopez de Prado 2014: five years of 250 days, ratio 2.5 a year, trials' variance 1/2 of years.
PAPER = Record(sharpe=2.5 / 250**0.5, skewness=-3, kurtosis=10, days=1250)
VARIANCE = 0.5 / 250


def test_the_paper_s_example_comes_out() -> None:
    best = expected_best(100, VARIANCE)
    assert best == pytest.approx(0.1132, abs=1e-4)
    assert PAPER.probability(best) == pytest.approx(0.9004, abs=1e-4)
    assert PAPER.probability(expected_best(46, VARIANCE)) == pytest.approx(0.9505, abs=1e-4)


def test_the_expected_best_is_what_simulated_worthless_trials_show() -> None:
    chance = np.random.default_rng(1)
    best = chance.normal(0, 0.1, (4000, 50)).max(axis=1).mean()
    assert expected_best(50, 0.01) == pytest.approx(best, rel=0.02)
    assert expected_best(1, 0.01) == 0.0


def test_a_record_as_long_as_is_needed_is_just_enough() -> None:
    days = PAPER.days_needed(0.1)
    assert days is not None
    enough = Record(PAPER.sharpe, PAPER.skewness, PAPER.kurtosis, days).probability(0.1)
    short = Record(PAPER.sharpe, PAPER.skewness, PAPER.kurtosis, days - 1).probability(0.1)
    assert short < sharpe.CONFIDENCE <= enough
    assert PAPER.days_needed(PAPER.sharpe) is None


def test_more_trials_deflate_more() -> None:
    trials = [0.02 * (number % 7) for number in range(70)]
    alone, among = deflated(PAPER, trials[:1]), deflated(PAPER, trials)
    assert alone.probability == PAPER.probability()
    assert among.expected_best == expected_best(70, variance(trials))
    assert among.probability < alone.probability
    assert (alone.days_needed or 0) < (among.days_needed or 0)


def test_days_without_a_trade_made_nothing_and_are_counted() -> None:
    days, dollars = daily([row(50, event=3), row(-20, event=0), row(30, event=0, market=1)])
    assert [day.day for day in days] == [6, 7, 8, 9]
    assert dollars == pytest.approx([0.1, 0, 0, 0.5])
    assert daily([])[0] == []


def test_a_record_is_described_by_its_moments() -> None:
    found = record([1.0, -1.0, 1.0, -1.0, 5.0])
    assert found is not None
    assert found.sharpe == pytest.approx(1 / 6**0.5)
    assert found.skewness == pytest.approx(9.6 / 4.8**1.5)
    assert found.kurtosis == pytest.approx(2.5)
    assert record([2.0, 2.0, 2.0]) is None
    assert record([1.0]) is None
    assert record([0.0, 0.0]) is None
