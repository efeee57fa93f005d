"""How fast research is, and how it compares with what the predecessor did.

    python -m benchmarks.research [grid|backtest] [--trades 10000] [--steps 150] [--rounds 5] [--forecasts 5000 ...]
                                  [--whole] [--quick] [--json]

`backtest`: what a backtest adds to its forecasts, and how much memory it takes; see `benchmarks.backtest`.

`grid`: all 60 x 60 pairs of a target and a stop over the same trades, next to the predecessor's way in the same run:
loops over cells, trades and closes in Python. Those would take hours, so they are timed on as many trades as a few
seconds allow, all cells of each, and scaled by the number of trades, which is what they are linear in.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import psutil

from benchmarks.backtest import measure
from mesh.types import CENT, CONTRACT, Hundredths, Micros
from research.rows import TradeRow
from research.tpsl.grid import Levels, totals
from research.tpsl.paths import Paths, Rules
from trader.domain.settings import ExitSettings

START = datetime(2026, 11, 1, tzinfo=UTC)
A_DAY = 30
"""Trades that settle on one day."""
LOOP_SECONDS = 3.0
"""Of the loops, in all rounds together."""


def wandering(trades: int, steps: int, seed: int = 7) -> Paths:
    """Make trades whose bids walk at random by cents, a minute a step; no bid in one of fifty."""
    chance = np.random.default_rng(seed)
    entries = chance.integers(30, 80, trades)
    walks = np.clip(entries[:, None] - 2 + chance.integers(-2, 3, (trades, steps)).cumsum(axis=1), 1, 99) * CENT
    walks[chance.random(walks.shape) < 1 / 50] = -1
    count = 5
    fees = np.ceil(0.07 * count * (walks / 1e6) * (1 - walks / 1e6) * 1e4).astype(np.int64) * 100
    far = int((START + timedelta(days=1000)).timestamp() * 1000)
    opened = int(START.timestamp() * 1000)
    return Paths(
        rows=tuple(_row(number) for number in range(trades)),
        rules=Rules(exits=ExitSettings()),
        starts=np.arange(trades + 1, dtype=np.int64) * steps,
        times=np.tile(opened + np.arange(steps, dtype=np.int64) * 60_000, trades),
        bids=walks.ravel().astype(np.int32),
        proceeds=np.where(walks < 0, 0, walks * count - fees).ravel(),
        opened=np.full(trades, opened),
        entries=entries * CENT,
        paid=entries * CENT * count + 80_000,
        settled=chance.integers(0, 2, trades) * 1_000_000 * count,
        lowest=np.full(trades, CENT),
        reaches=99 * CENT - entries * CENT,
        spreads=np.full(trades, 2 * CENT),
        closes=np.full(trades, far),
        ends=np.full(trades, far),
    )


def _row(number: int) -> TradeRow:
    day = START + timedelta(days=number // A_DAY)
    zero = Micros(0)
    return TradeRow(
        series_ticker="KXBENCH",
        event_ticker=f"KXBENCH-{day:%y%b%d}".upper(),
        market_ticker=f"KXBENCH-{day:%y%b%d}-T{number}".upper(),
        decision_time=day,
        entry_time=day,
        entry_style="take",
        entry_count=1,
        contract_count=Hundredths(5 * CONTRACT),
        yes_bid_micros=zero,
        yes_ask_micros=Micros(2 * CENT),
        entry_price_micros=zero,
        entry_cost_micros=zero,
        entry_fee_micros=zero,
        exit_time=day,
        exit_kind="settlement",
        exit_price_micros=zero,
        exit_proceeds_micros=zero,
        exit_fee_micros=zero,
        pnl_micros=zero,
        pnl_pessimistic_micros=zero,
        pnl_optimistic_micros=zero,
        direction="down",
        magnitude_cents=12.0,
        confidence="high",
        current_price_cents=50.0,
        forecast_mean_cents=38.0,
        tp_cents=20.0,
        sl_cents=8.0,
        model="random-walk",
        policy_version="1",
        input_digest="",
        close_time=day,
        settlement_day=day.date().isoformat(),
        result_origin="recorded",
        path_step_seconds=60,
        yes_value_micros=zero,
    )


def predecessor(closes: Sequence[Sequence[float]], entries: Sequence[float], targets: range, stops: range) -> float:
    """Search the grid as the predecessor does: closes, target before stop, booked at exactly the level; best mean."""
    best = float("-inf")
    for target in targets:
        for stop in stops:
            profits = []
            for entry, path in zip(entries, closes, strict=True):
                profit = path[-1] - entry
                for close in path:
                    if close >= entry + target:
                        profit = target
                        break
                    if close <= entry - stop:
                        profit = -stop
                        break
                profits.append(profit - 0.07 * profit if profit > 0 else profit)
            best = max(best, sum(profits) / len(profits))
    return best


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Return seconds of the clock and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - began, time.process_time() - used


def grid(trades: int, steps: int, rounds: int) -> Mapping[str, float]:
    """Measure the grid and the loops, in turn."""
    paths, levels = wandering(trades, steps), Levels.default()
    closes = (paths.bids.reshape(trades, steps) / CENT).tolist()
    entries = (paths.entries / CENT).tolist()
    one = timed(lambda: predecessor(closes[:1], entries[:1], range(1, 61), range(1, 61)))[1]
    few = max(1, min(trades, int(LOOP_SECONDS / rounds / one)))
    chosen = np.random.default_rng(1).permutation(trades)
    ours, theirs = [], []
    for number in range(rounds):
        picked = [int(place) for place in chosen[number * few % trades :][:few]]
        ours.append(timed(lambda: totals(paths, levels)))
        some_closes, some_entries = ([column[place] for place in picked] for column in (closes, entries))
        some = timed(partial(predecessor, some_closes, some_entries, range(1, 61), range(1, 61)))
        theirs.append(tuple(seconds * trades / len(picked) for seconds in some))
    wall, loops = (statistics.median(run[0] for run in runs) for runs in (ours, theirs))
    processor, loops_processor = (statistics.median(run[1] for run in runs) for runs in (ours, theirs))
    return {
        "trades": trades,
        "steps": steps,
        "cells": levels.count,
        "ours_seconds": wall,
        "ours_processor_seconds": processor,
        "predecessor_seconds_scaled": loops,
        "predecessor_processor_seconds_scaled": loops_processor,
        "predecessor_trades_timed": few,
        "ratio": loops / wall,
        "ratio_of_processor_time": loops_processor / processor,
    }


def conditions() -> Mapping[str, object]:
    """Say where and on what this was measured."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cores": os.cpu_count(),
        "load_1_minute": round(os.getloadavg()[0], 1),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["grid", "backtest"], default="grid")
    parser.add_argument("--trades", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--forecasts", type=int, nargs="+", default=[5_000, 20_000, 50_000], help="of the backtests")
    parser.add_argument("--whole", action="store_true", help="backtests with the report's other walks, too")
    parser.add_argument("--quick", action="store_true", help="show in seconds that it runs; the figures mean nothing")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.trades, arguments.rounds, arguments.forecasts = 200, 1, [200]
    found: dict[str, Mapping[str, object]] = {"conditions": conditions()}
    if arguments.part == "grid":
        found["grid"] = grid(arguments.trades, arguments.steps, arguments.rounds)
    else:
        found |= measure(arguments.forecasts, whole=arguments.whole)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for part, figures in found.items():
        print(part)
        for name, figure in figures.items():
            print(f"  {name:40} {figure:,.3f}" if isinstance(figure, float) else f"  {name:40} {figure}")


if __name__ == "__main__":
    main()
