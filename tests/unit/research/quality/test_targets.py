"""What came about: known times, cut at the close, never filled in."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np

from research.quality.targets import ASK, BID, MID, targets
from tests.fakes.research import BEGIN, HOUR, market, strip

NAN = np.nan


def found(horizon: int = 2, **kept: object) -> tuple[dict[str, list[list[float]]], list[float], Counter[str]]:
    missing: Counter[str] = Counter()
    decisions = strip([10, 20, None, 40], [12, 22, 32, 42])
    said = targets(market(decisions, **kept), horizon, missing)  # type: ignore[arg-type]
    return {name: prices.tolist() for name, prices in said.prices.items()}, said.result.tolist(), +missing


def test_a_step_is_judged_by_the_quote_that_holds_when_it_ends() -> None:
    prices, _, missing = found()
    np.testing.assert_array_equal(prices[BID], [[20, NAN], [NAN, 40], [40, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(prices[ASK], [[22, 32], [32, 42], [42, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(prices[MID], [[21, NAN], [NAN, 41], [41, NAN], [NAN, NAN]])
    assert missing == {"no_bid": 2, "no_candle": 3}


def test_steps_past_the_close_are_cut_as_the_server_cuts_them() -> None:
    early = BEGIN + timedelta(hours=3, minutes=59)  # a minute before the last candle ends
    prices, _, missing = found(close=early)
    np.testing.assert_array_equal(prices[ASK], [[22, 32], [32, NAN], [NAN, NAN], [NAN, NAN]])
    assert missing == {"no_bid": 2, "cut_at_close": 5, "no_result": 2}


def test_the_result_is_a_target_where_the_horizon_runs_to_the_close_and_nowhere_else() -> None:
    _, result, _ = found(close=BEGIN + timedelta(hours=4), pays=True)
    # Three, two, one and no hour before the close, two hours ahead.
    np.testing.assert_array_equal(result, [NAN, 100, 100, NAN])


def test_a_result_that_nobody_knows_is_counted() -> None:
    _, result, missing = found(close=BEGIN + timedelta(hours=4))
    assert np.isnan(result).all()
    assert missing["no_result"] == 2


def test_a_finer_path_is_read_at_the_minute() -> None:
    decisions = strip([10], [12])
    path = strip(
        [30, 31], [32, 33], step_seconds=60, ends=[int(BEGIN.timestamp()) + 2 * HOUR + late for late in (-60, 60)]
    )
    said = targets(market(decisions, path=path), 1, Counter())
    assert said.prices[BID].tolist() == [[30]]


def test_a_quote_of_a_whole_step_ago_is_none() -> None:
    first = int(BEGIN.timestamp()) + HOUR
    missing: Counter[str] = Counter()
    said = targets(market(strip([10, 30], [12, 32], ends=[first, first + 2 * HOUR])), 2, missing)
    np.testing.assert_array_equal(said.prices[MID], [[NAN, 31], [NAN, NAN]])
    assert +missing == {"no_candle": 3}


def test_what_comes_later_changes_nothing_that_was_known() -> None:
    whole = market(strip([10, 20, 30, 40], [12, 22, 32, 42]), pays=True)
    end = int(whole.decisions.ends[2])
    cut = replace(whole, decisions=whole.decisions.until(end), path=whole.path.until(end))
    later, earlier = (targets(one, 2, Counter()) for one in (whole, cut))
    known = whole.decisions.ends[:3, None] + np.arange(1, 3) * HOUR <= end
    for name, prices in earlier.prices.items():
        np.testing.assert_array_equal(np.where(known, later.prices[name][:3], NAN), prices)
    for name, prices in earlier.now.items():
        np.testing.assert_array_equal(later.now[name][:3], prices)


def test_the_last_value_of_a_price_is_that_price_else_the_middle_else_the_last_trade() -> None:
    said = targets(market(strip([10, None, None], [14, 24, None], [11, 21, 31])), 1, Counter())
    assert said.now[MID].tolist() == [12, 21, 31]
    assert said.now[BID].tolist() == [10, 21, 31]
    assert said.now[ASK].tolist() == [14, 24, 31]
