"""What a backtest says: every figure of its report, from the rows of its walks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mesh.statistics import sum_interval
from mesh.types import CENT, CONTRACT, Micros
from research.baselines import EVERY_MOMENT, POLICY
from research.rows import TradeRow
from research.statistics import buckets, sharpe
from research.statistics.comparison import Comparison, compare
from research.statistics.decomposition import Decomposition, decompose
from research.statistics.headline import Headline, headline
from research.statistics.verdict import Judgement, judge
from research.walked import Walked

_WIDTH_CENTS = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One day of the equity curve."""

    day: date
    """Of settlement."""
    net: Micros
    """Of all trades that settled by then."""
    low: float | None
    """Where as many days would have ended by chance, in micros; None with too few."""
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Another walk, and what the policy did more."""

    headline: Headline
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All of it."""

    judgement: Judgement
    decomposition: Decomposition
    tables: Mapping[str, Mapping[str, Headline]]
    """By what they group by."""
    beside: Mapping[str, Beside]
    """By arm."""
    curve: tuple[Point, ...]
    distribution: Mapping[int, int]
    """Trades by result of one contract: the lower end of a band of ten cents."""
    bounds_differ: int
    """Trades whose worst and best readings differ: the others' candles say no more than their closes."""
    sharpe: float | None
    """Of days; None without two that differ."""


def summarise(walked: Mapping[str, Walked], trials: Sequence[float], seed: int) -> Summary:
    """Add up.

    Args:
        walked: By arm; `policy` is judged.
        trials: Daily Sharpe ratio of every other trial of the ledger.
        seed: Of the bootstrap.
    """
    policy = walked[POLICY.name]
    rows = policy.rows
    record = sharpe.record(sharpe.daily(rows)[1])
    own = 0.0 if record is None else record.sharpe
    always = walked[EVERY_MOMENT.name].rows if EVERY_MOMENT.name in walked else ()
    others = {name: found.rows for name, found in walked.items() if found is not policy}
    return Summary(
        judgement=judge(rows, [*trials, own], seed=seed),
        decomposition=decompose(rows, always, policy.exits.get, seed=seed),
        tables={name: buckets.table(rows, name, seed=seed) for name in buckets.GROUPINGS},
        beside={
            name: Beside(headline=headline(other, seed=seed), comparison=compare(rows, other, seed=seed))
            for name, other in others.items()
        },
        curve=tuple(_curve(rows)),
        distribution=_distribution(rows),
        bounds_differ=sum(row.pnl_pessimistic_micros != row.pnl_optimistic_micros for row in rows),
        sharpe=None if record is None else record.sharpe,
    )


def _curve(rows: Sequence[TradeRow]) -> list[Point]:
    days: dict[date, dict[str, int]] = {}
    for row in rows:
        sums = days.setdefault(date.fromisoformat(row.settlement_day), {})
        sums[row.series_ticker] = sums.get(row.series_ticker, 0) + row.pnl_micros
    points, net, squares, count = list[Point](), 0, 0, 0
    for day in sorted(days):
        for part in days[day].values():
            net, squares, count = net + part, squares + part * part, count + 1
        low, high = sum_interval(count, net, squares) or (None, None)
        points.append(Point(day, Micros(net), low, high))
    return points


def _distribution(rows: Sequence[TradeRow]) -> dict[int, int]:
    found: dict[int, int] = {}
    for row in rows:
        cents = row.pnl_micros * CONTRACT // (row.contract_count * CENT)
        band = cents // _WIDTH_CENTS * _WIDTH_CENTS
        found[band] = found.get(band, 0) + 1
    return dict(sorted(found.items()))
