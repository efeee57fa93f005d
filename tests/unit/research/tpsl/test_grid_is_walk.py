"""The grid and the trader agree: the same levels give the same exits and the same results, to the micro."""

from datetime import UTC, datetime
from itertools import takewhile

import numpy as np
import pytest

from mesh.types import CENT
from research.pauses import KNOWN, following
from research.tpsl import arms, grid
from tests.fakes.research_paths import FREE_RULES, paths, walked, wandering
from trader.domain.settings import ExitSettings

EVENTS = wandering(24, seed=3)
CELLS = [(1, 9), (4, 12), (20, 7), (9, 40), (42, 54)]
"""Stops outside of every spread that is quoted at the entries: no other is made by the rules as they are."""


def by_market(rows: object) -> dict[str, tuple[int, str]]:
    return {row.market_ticker: (row.pnl_micros, row.exit_kind) for row in rows}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("target", "stop"), CELLS)
def test_a_cell_is_what_the_trader_makes_with_its_levels(target: int, stop: int) -> None:
    rows = walked(EVENTS, target, stop)
    cut = paths(EVENTS, rows)
    assert len(cut) == len(rows) == 24
    (cells,) = grid.results(cut, grid.Levels.of_cents([target], [stop]))
    found = {row.market_ticker: int(each) for row, each in zip(cut.rows, cells.results[:, 0, 0], strict=True)}
    assert found == {row.market_ticker: row.pnl_micros for row in rows}
    out = arms.evaluate(cut, arms.current(cut, ExitSettings()))
    said = {
        row.market_ticker: (int(each), arms.Way(way).name.lower())
        for row, each, way in zip(cut.rows, out.results, out.ways.tolist(), strict=True)
    }
    assert said == by_market(rows)
    assert len({kind for _, kind in said.values()}) > 1


ODD = {
    "held": ExitSettings(take_profit=False, stop_loss=False),
    "trailing": ExitSettings(take_profit=False, stop_loss=False, trailing_from_cents=6, trailing_distance_cents=5),
    "trailing and levels": ExitSettings(trailing_from_cents=5, trailing_distance_cents=3),
    "time": ExitSettings(take_profit=False, stop_loss=False, time_stop_seconds=3 * 3600),
    "all": ExitSettings(trailing_from_cents=5, trailing_distance_cents=9, time_stop_seconds=4 * 3600),
    "one check": ExitSettings(stop_checks=1, floor_cents=10),
}


@pytest.mark.parametrize("exits", ODD.values(), ids=ODD.keys())
def test_other_ways_out_are_what_the_trader_makes_of_them(exits: ExitSettings) -> None:
    rows = walked(EVENTS, 15, 11, exits)
    cut = paths(EVENTS, rows, exits)
    out = arms.evaluate(cut, arms.current(cut, exits))
    said = {
        row.market_ticker: (int(each), arms.Way(way).name.lower())
        for row, each, way in zip(cut.rows, out.results, out.ways.tolist(), strict=True)
    }
    assert said == by_market(rows)


@pytest.mark.parametrize("exits", [ExitSettings(), ODD["all"]], ids=["levels", "all"])
def test_quotes_that_nobody_knows_and_nights_without_trading_are_what_they_are_for_the_trader(
    exits: ExitSettings,
) -> None:
    thursday = datetime(2026, 1, 8, 5, tzinfo=UTC)  # the exchange pauses from 8 to 10
    for events, nights in ((wandering(24, seed=5, doubtful=True), ()), (wandering(24, seed=6, begin=thursday), KNOWN)):
        rows = walked(events, 9, 12, exits)
        first, last = min(row.entry_time for row in rows), max(row.close_time for row in rows)
        spans = takewhile(lambda span, last=last: span[0] <= last, following(nights, first))  # type: ignore[misc]
        pauses = tuple((int(begin.timestamp()), int(end.timestamp())) for begin, end in spans)
        assert len(pauses) == len(nights) // 2
        cut = paths(events, rows, exits, pauses=pauses)
        out = arms.evaluate(cut, arms.current(cut, exits))
        said = {
            row.market_ticker: (int(each), arms.Way(way).name.lower())
            for row, each, way in zip(cut.rows, out.results, out.ways.tolist(), strict=True)
        }
        assert said == by_market(rows)


def test_trades_whose_stop_lies_inside_the_spread_are_not_made_by_the_trader_and_not_in_the_cell() -> None:
    rules = FREE_RULES.model_copy(update={"off": ("edge", "trades_per_series_per_scan", "spread")})
    every = walked(EVENTS, 20, 4)
    made = {row.market_ticker for row in walked(EVENTS, 20, 4, rules=rules)}
    cut = paths(EVENTS, every, stop_distance=True)
    (cells,) = grid.results(cut, grid.Levels.of_cents([20], [4]))
    found = {row.market_ticker for row, each in zip(cut.rows, cells.made[:, 0].tolist(), strict=True) if each}
    assert 0 < len(made) < len(every)
    assert found == made
    assert not cells.results[~cells.made[:, 0]].any()


def test_totals_are_the_sums_of_the_trades() -> None:
    cut = paths(EVENTS, walked(EVENTS, 20, 8), stop_distance=True)
    levels = grid.Levels.of_cents(range(1, 30, 3), range(1, 50, 5))
    (cells,) = grid.results(cut, levels)
    total = grid.totals(cut, levels)
    assert np.array_equal(total.sums.sum(axis=0), cells.results.sum(axis=0))
    assert np.array_equal(total.trades, cells.made.sum(axis=0))
    assert np.array_equal(total.wins, (cells.results > 0).sum(axis=0))
    for target in (0, 4):
        for stop in (0, 3, 9):
            levels_here = (int(levels.targets[target]), int(levels.stops[stop]))
            out = arms.evaluate(cut, arms.cell(cut, *levels_here))
            assert int(out.results.sum()) == int(total.sums[:, target, stop].sum())
            assert int((out.ways == arms.Way.TAKE_PROFIT).sum()) == int(total.hits[target, stop])
            assert int((out.ways == arms.Way.STOP_LOSS).sum()) == int(total.stopped[target, stop])
            assert int(out.made.sum()) == int(total.trades[stop])
    assert levels.targets[0] == CENT
