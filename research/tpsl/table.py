"""The grid as rows: one a cell, and one a way out that is no cell. Pure.

Intervals here are those of Student's t between clusters: with thousands of cells the bootstrap that decides would take
minutes. They say how uncertain one cell is, and nothing of how lucky the best of all cells was.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mesh.statistics import LEAST_CLUSTERS, LEVEL, effective_number, t_quantile
from mesh.types import CENT, CONTRACT, DOLLAR
from research.statistics.clusters import BY_DAY, Naming
from research.tpsl.arms import Outcomes, Way
from research.tpsl.folds import Fold
from research.tpsl.grid import Totals, clusters_of
from research.tpsl.paths import Paths
from research.types import Ints

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cell or arm. Means are net cents of one contract; `in_sample` is all days that none was tried on."""

    arm: str
    take_profit_cents: float | None
    stop_loss_cents: float | None
    trades: int
    contracts: float
    net_dollars: float
    net_cents: float | None
    low_cents: float | None
    high_cents: float | None
    in_sample_cents: float | None
    in_sample_low_cents: float | None
    in_sample_high_cents: float | None
    out_of_sample_cents: float | None
    out_of_sample_low_cents: float | None
    out_of_sample_high_cents: float | None
    win_rate: float | None
    exits_take_profit: int
    exits_stop_loss: int
    exits_trailing_stop: int
    exits_time_stop: int
    exits_settlement: int


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True, slots=True)
class Means:
    """[cells] means with their intervals, cents; NaN where there is none."""

    mean: Doubles
    low: Doubles
    high: Doubles


def means(sums: Ints, contracts: Ints) -> Means:
    """Work out means of one contract with their intervals, for many cells at once.

    Args:
        sums: [days, cells] micros.
        contracts: [days, cells] hundredths.
    """
    values = sums * (CONTRACT / CENT)
    weights = contracts.astype(float)
    total = weights.sum(axis=0)
    days = (weights > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(total > 0, values.sum(axis=0) / total, np.nan)
        rest = values - np.nan_to_num(mean) * weights
        error = np.sqrt((rest**2).sum(axis=0) * days / np.maximum(days - 1, 1)) / total
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    # Cells with the same stop have the same weights, and so the same number of effective clusters.
    known: dict[bytes, float] = {}
    for cell in np.flatnonzero(total > 0).tolist():
        column = np.ascontiguousarray(weights[:, cell])
        key = column.tobytes()
        if key not in known:
            effective = effective_number(column.tolist())
            enough = effective >= LEAST_CLUSTERS - 1e-9
            known[key] = t_quantile((1 + LEVEL) / 2, effective - 1) if enough else float("nan")
        low[cell], high[cell] = mean[cell] - known[key] * error[cell], mean[cell] + known[key] * error[cell]
    return Means(mean, low, high)


def of_cells(totals: Totals, folds: Sequence[Fold]) -> Iterator[Row]:
    """Give the row of every cell.

    Args:
        totals: The grid.
        folds: Which days levels were tried on.
    """
    days, targets, stops = totals.sums.shape
    sums = totals.sums.reshape(days, targets * stops)
    contracts = np.broadcast_to(totals.contracts[:, None, :], totals.sums.shape).reshape(sums.shape)
    whole, inside, outside = _three(sums, contracts, folds)
    count, won = np.broadcast_to(totals.trades, (targets, stops)).ravel(), totals.wins.ravel()
    net, traded = sums.sum(axis=0), contracts.sum(axis=0)
    hits, stopped = totals.hits.ravel(), totals.stopped.ravel()
    for number in range(targets * stops):
        target, stop = divmod(number, stops)
        trades, sold = int(count[number]), (int(hits[number]), int(stopped[number]))
        yield Row(
            arm="cell",
            take_profit_cents=int(totals.levels.targets[target]) / CENT,
            stop_loss_cents=int(totals.levels.stops[stop]) / CENT,
            trades=trades,
            contracts=int(traded[number]) / CONTRACT,
            net_dollars=int(net[number]) / DOLLAR,
            **_figures(number, whole, inside, outside),
            win_rate=int(won[number]) / trades if trades else None,
            exits_take_profit=sold[0],
            exits_stop_loss=sold[1],
            exits_trailing_stop=0,
            exits_time_stop=0,
            exits_settlement=trades - sum(sold),
        )


def of_arms(paths: Paths, arms: Iterable[Outcomes], folds: Sequence[Fold], naming: Naming = BY_DAY) -> Iterator[Row]:
    """Give the row of every other way out."""
    days, of_trade = clusters_of(paths, naming)
    for arm in arms:
        sums = np.bincount(of_trade, arm.results, len(days)).astype(np.int64)[:, None]
        contracts = np.bincount(of_trade, paths.contracts * arm.made, len(days)).astype(np.int64)[:, None]
        trades = int(arm.made.sum())
        sold = {way: int((arm.ways == way).sum()) for way in Way}
        yield Row(
            arm=arm.name,
            take_profit_cents=None,
            stop_loss_cents=None,
            trades=trades,
            contracts=int(contracts.sum()) / CONTRACT,
            net_dollars=int(arm.results.sum()) / DOLLAR,
            **_figures(0, *_three(sums, contracts, folds)),
            win_rate=int((arm.results > 0).sum()) / trades if trades else None,
            exits_take_profit=sold[Way.TAKE_PROFIT],
            exits_stop_loss=sold[Way.STOP_LOSS],
            exits_trailing_stop=sold[Way.TRAILING_STOP],
            exits_time_stop=sold[Way.TIME_STOP],
            exits_settlement=sold[Way.SETTLEMENT],
        )


def _three(sums: Ints, contracts: Ints, folds: Sequence[Fold]) -> tuple[Means, Means, Means]:
    tried = np.zeros(len(sums), bool)
    for fold in folds:
        tried[fold.tried] = True
    return (
        means(sums, contracts),
        means(sums[~tried], contracts[~tried]),
        means(sums[tried], contracts[tried]),
    )


def _figures(cell: int, whole: Means, inside: Means, outside: Means) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, part in (("", whole), ("in_sample_", inside), ("out_of_sample_", outside)):
        for end, values in (("net" if not name else "", part.mean), ("low", part.low), ("high", part.high)):
            figure = float(values[cell])
            label = f"{name}{end}_cents" if end else f"{name}cents"
            found[label] = figure if np.isfinite(figure) else None
    return found
