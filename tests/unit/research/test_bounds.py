"""The worst and the best that candles allow, each worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

import numpy as np
import pytest

from mesh.types import Micros
from research.bounds import verdict
from research.pauses import Night
from research.rows import TradeRow
from research.types import ABSENT, RecordedMarket, Strip
from tests.fakes.research import BEGIN, event, market, strip
from tests.fakes.research_walk import plan, rows, said
from trader.domain.settings import Settings

MINUTE = timedelta(minutes=1)
Asks = tuple[float | None, float | None, float | None, float | None]
"""Of YES: open, high, low, close."""


def guarded(*asks: Asks, pays: bool | None = True, close: datetime = BEGIN + timedelta(days=1)) -> RecordedMarket:
    """A market that is decided on at 44 and 46, and then has these candles of a minute."""
    return market(strip([44.0], [46.0], step_seconds=60), path=minutes(asks), pays=pays, close=close)


def minutes(asks: Sequence[Asks]) -> Strip:
    """Candles of a minute; the bid is 2 cents below the closing ask."""
    closes = [46.0, *(each[3] for each in asks)]
    told = strip([None if ask is None else ask - 2 for ask in closes], closes, step_seconds=60)
    table = [[ABSENT if ask is None else round(ask * 10_000) for ask in each] for each in asks]
    return replace(told, asks=np.array([told.asks[0].tolist(), *table], np.int64))


def bounds(*asks: Asks, settings: Settings | None = None, **changes: object) -> tuple[int, int, int, str]:
    """Worst, walked and best result of five NO bought at 56, and what the candles tell."""
    recorded = guarded(*asks, **changes)  # type: ignore[arg-type]  # the keywords of `guarded`
    (row,) = rows([event(recorded)], said(recorded, 0), plan(settings))
    return row.pnl_pessimistic_micros, row.pnl_micros, row.pnl_optimistic_micros, row.path_known


PAID = 2_800_000 + 86_300
LOST, WON = -PAID, 5_000_000 - PAID
AT_TARGET = 3_800_000 - 63_900 - PAID  # five at 76, fee 0.07 x 5 x 0.76 x 0.24 = 0.06384
AT_STOP = 2_350_000 - 87_200 - PAID  # five at 47, one cent through the stop


def test_a_touch_of_the_stop_sells_at_the_lowest_bid_in_the_worst_reading_only() -> None:
    # The ask was 53 for a moment, so NO was bid 47 where the stop is 48; at the close it was 54 again.
    found = bounds((46, 53, 46, 46), (46, 46, 46, 46), pays=False)
    assert found == (AT_STOP, WON, WON, "ohlc")


def test_a_touch_of_the_target_sells_at_the_target_in_the_best_reading_only() -> None:
    found = bounds((46, 46, 23, 46), (46, 46, 46, 46), pays=True)
    assert found == (LOST, LOST, AT_TARGET, "ohlc")


def test_a_candle_that_touches_both_is_a_stop_in_the_worst_and_a_target_in_the_best_reading() -> None:
    found = bounds((46, 53, 23, 46), pays=True)
    assert found == (LOST, LOST, AT_TARGET, "ohlc")  # the walk held on, and that was worse than the stop
    assert bounds((46, 53, 23, 46), pays=False) == (AT_STOP, WON, WON, "ohlc")


def test_a_target_that_the_close_pays_sells_at_the_target_in_the_worst_reading() -> None:
    # The close bids 80: the walk sells there, the worst reading on the way, the best at the close.
    five_at_80 = 4_000_000 - 56_000 - PAID
    assert bounds((46, 46, 20, 20)) == (AT_TARGET, five_at_80, five_at_80, "ohlc")


def test_a_stop_that_the_close_confirms_sells_at_the_lowest_bid_in_the_worst_reading() -> None:
    # The lowest bid was 30: 1.50 less 0.07 x 5 x 0.3 x 0.7 = 0.0735.
    assert bounds((46, 70, 46, 53)) == (1_500_000 - 73_500 - PAID, AT_STOP, AT_STOP, "ohlc")


def test_nothing_is_sold_to_a_bid_below_the_floor_and_the_worst_waits_for_the_floor() -> None:
    # The ask was away for a moment: nobody bid for NO. On the way back to 54 a cent was bid: 0.05 less 0.0035.
    settings = Settings()
    found = bounds((46, None, 46, 46), pays=False, settings=settings)
    assert found == (50_000 - 3_500 - PAID, WON, WON, "ohlc")


def test_where_only_closes_are_recorded_all_readings_are_the_same() -> None:
    absent = (None, None, None)
    assert bounds((*absent, 53), pays=False) == (AT_STOP, AT_STOP, AT_STOP, "closes")
    assert bounds((*absent, 46), pays=False) == (WON, WON, WON, "closes")


def test_candles_with_and_without_highs_are_told_apart() -> None:
    found = bounds((None, None, None, 46), (46, 53, 46, 46), pays=False)
    assert found == (AT_STOP, WON, WON, "mixed")


def test_in_the_time_of_grace_no_stop_is_touched() -> None:
    settings = Settings()
    exits = settings.exits.model_copy(update={"grace_seconds": 120.0})
    changed = settings.model_copy(update={"exits": exits})
    assert bounds((46, 53, 46, 46), (46, 46, 46, 46), pays=False, settings=changed) == (WON, WON, WON, "ohlc")


def test_the_worst_reading_of_a_trailing_stop_takes_the_highest_bid_first() -> None:
    settings = Settings()
    trailing = {"trailing_from_cents": 5.0, "trailing_distance_cents": 4.0, "take_profit": False}
    changed = settings.model_copy(update={"exits": settings.exits.model_copy(update=trailing)})
    # The highest bid was 70 and the lowest 60: 66 sells, at 60, less 0.07 x 5 x 0.6 x 0.4 = 0.084.
    found = bounds((46, 40, 30, 31), pays=False, settings=changed)
    assert found == (3_000_000 - 84_000 - PAID, WON, WON, "ohlc")


def test_a_time_stop_sells_at_the_worst_and_at_the_best_bid_of_its_candle() -> None:
    settings = Settings()
    exits = settings.exits.model_copy(update={"time_stop_seconds": 90.0})
    changed = settings.model_copy(update={"exits": exits})
    # After half of the second minute; 54 is bid then, in that minute between 50 and 60.
    low, high = 2_500_000 - 87_500 - PAID, 3_000_000 - 84_000 - PAID
    walked = 2_700_000 - 87_000 - PAID
    assert bounds((46, 46, 46, 46), (46, 50, 40, 46), settings=changed) == (low, walked, high, "ohlc")


def test_nothing_is_touched_while_the_exchange_pauses_or_after_the_close() -> None:
    paused = (Night(start=time(7, 2), end=time(7, 10)),)
    recorded = guarded((46, 46, 46, 46), (46, 53, 23, 46), pays=False)
    settings = Settings()
    rules = settings.rules.model_copy(update={"min_seconds_to_close": 1.0, "pause_margin_seconds": 1.0})
    careless = settings.model_copy(update={"rules": rules})
    (row,) = rows([event(recorded)], said(recorded, 0), plan(careless, nights=paused))
    assert row.pnl_pessimistic_micros == row.pnl_optimistic_micros == row.pnl_micros
    closed = bounds(
        (46, 46, 46, 46), (46, 53, 23, 46),
        pays=False, close=BEGIN + 2 * MINUTE, settings=careless,
    )  # fmt: skip
    assert closed == (WON, WON, WON, "ohlc")


def test_without_a_result_what_is_not_sold_is_worth_nothing_at_worst_and_a_dollar_at_best() -> None:
    # The walk sold at the target's close; the best reading had sold before, the worst too.
    assert bounds((46, 53, 23, 53), pays=None) == (AT_STOP, AT_STOP, AT_TARGET, "ohlc")


@pytest.mark.parametrize(
    ("low", "high", "word"), [(1, 2, "profit"), (-2, -1, "loss"), (-1, 1, "not_identified"), (0, 0, "nothing")]
)
def test_a_sum_whose_bounds_differ_in_sign_is_not_identified(low: int, high: int, word: str) -> None:
    recorded = guarded((46, 46, 46, 46))
    (row,) = rows([event(recorded)], said(recorded, 0))
    told = [replace(row, pnl_pessimistic_micros=Micros(low), pnl_optimistic_micros=Micros(high))]
    assert verdict(told) == word


def test_the_walked_result_lies_between_its_bounds_always() -> None:
    rng = np.random.default_rng(7)
    found: list[TradeRow] = []
    for _ in range(25):
        closes = np.clip(46 + np.cumsum(rng.integers(-6, 7, 30)), 3, 97)
        opens = np.append(46, closes[:-1])
        highs = np.minimum(np.maximum(opens, closes) + rng.integers(0, 6, 30), 99)
        lows = np.maximum(np.minimum(opens, closes) - rng.integers(0, 6, 30), 3)
        table = (array.tolist() for array in (opens, highs, lows, closes))
        asks: list[Asks] = list(zip(*table, strict=True))
        recorded = guarded(*asks, pays=bool(rng.integers(2)))
        found += rows([event(recorded)], said(recorded, 0))
    assert all(row.pnl_pessimistic_micros <= row.pnl_micros <= row.pnl_optimistic_micros for row in found)
    assert any(row.pnl_pessimistic_micros < row.pnl_micros for row in found)
    assert any(row.pnl_micros < row.pnl_optimistic_micros for row in found)


def test_what_is_added_has_no_time_of_grace_of_its_own() -> None:
    # Five more at 56 three minutes later; the touch of 47 comes a minute after that, and the first grace is over.
    settings = Settings()
    waiting = settings.model_copy(update={"exits": settings.exits.model_copy(update={"grace_seconds": 90.0})})
    quiet: Asks = (46, 46, 46, 46)
    path = minutes([quiet, quiet, quiet, (46, 53, 46, 46), quiet])
    recorded = market(strip([44.0] * 4, [46.0] * 4, step_seconds=60), path=path, pays=False)
    (row,) = rows([event(recorded)], said(recorded, 0, 3), plan(waiting))
    assert row.entry_count == 2
    assert (row.pnl_pessimistic_micros, row.pnl_micros) == (2 * AT_STOP, 2 * WON)
