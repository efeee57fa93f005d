"""Closed trades, and their sums: in all, and by day, series, exit kind and hour. Pure.

Every sum is made of the rows that the report carries, so that whoever adds them up finds the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import TypeVar

from mesh.statistics import LEVEL, Clustered, Estimate, sum_interval
from mesh.types import CENT, CONTRACT, Hundredths, Micros
from trader.domain.facts import MarketTerms, Trade
from trader.domain.state import NO_CONTRACTS, NO_MONEY
from trader.domain.words import ExitKind


@dataclass(frozen=True, slots=True)
class Row:
    """One closed trade."""

    sequence: int
    """Journal entry that closed it."""
    trade: Trade
    cluster: str
    """What it wins and loses together with: day of settlement and underlying."""
    date: date
    """Of closing, in the report's time zone."""
    hour: int
    """Of opening, 0 to 23, in the report's time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Sums over closed trades: counts, hundredths of contracts, micros."""

    trades: int = 0
    gains: int = 0
    losses: int = 0
    count: Hundredths = NO_CONTRACTS
    cost: Micros = NO_MONEY
    gross: Micros = NO_MONEY
    fees: Micros = NO_MONEY
    net: Micros = NO_MONEY
    mean_net_cents: float | None = None
    """Of one contract; None without one."""


@dataclass(frozen=True, slots=True)
class Point:
    """Net result from the beginning of the span to the end of a day, in micros."""

    date: date
    net: Micros
    low: Micros | None = None
    """Where so many events would have ended by chance, were they drawn anew; None where there are too few."""
    high: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The same trades, grouped."""

    by_day: Mapping[date, Figures]
    by_series: Mapping[str, Figures]
    by_exit_kind: Mapping[ExitKind, Figures]
    by_hour: Mapping[int, Figures]


K = TypeVar("K", date, str, ExitKind, int)


def cluster_of(market: MarketTerms, underlyings: Mapping[str, str]) -> str:
    """Name what a market wins and loses together with: the day of UTC on which it closes, and its underlying."""
    series = market.series_ticker
    return f"{underlyings.get(series, series)} {market.close_time:%Y-%m-%d}"


def row(sequence: int, trade: Trade, cluster: str, zone: tzinfo) -> Row:
    """Make a row."""
    closed, opened = trade.close_time.astimezone(zone), trade.open_time.astimezone(zone)
    return Row(sequence, trade, cluster, closed.date(), opened.hour)


def total(rows: Iterable[Row]) -> Figures:
    """Add rows up."""
    trades = [row.trade for row in rows]
    count = sum(trade.count for trade in trades)
    spent = sum(trade.cost for trade in trades)
    gross = sum(trade.proceeds for trade in trades) - spent
    fees = sum(trade.fees for trade in trades)
    return Figures(
        trades=len(trades),
        gains=sum(trade.net > 0 for trade in trades),
        losses=sum(trade.net < 0 for trade in trades),
        count=Hundredths(count),
        cost=Micros(spent),
        gross=Micros(gross),
        fees=Micros(fees),
        net=Micros(gross - fees),
        mean_net_cents=mean_cents(gross - fees, count),
    )


def mean_net(rows: Iterable[Row], level: float = LEVEL) -> Estimate | None:
    """Return the net result of one contract in cents, averaged over contracts, with its clustered interval."""
    sums = Clustered()
    for row in rows:
        if row.trade.count:
            sums.add(row.cluster, row.trade.net / CENT * CONTRACT, row.trade.count)
    return sums.estimate(level)


def mean_cents(amount: int, count: int) -> float | None:
    """Return micros over hundredths of contracts as cents of one contract; None for no contract."""
    return amount * CONTRACT / count / CENT if count else None


def groups(rows: Sequence[Row]) -> Groups:
    """Group rows; keys in their order."""
    kinds = _by(rows, lambda row: row.trade.exit_kind)
    return Groups(
        by_day=_by(rows, lambda row: row.date),
        by_series=_by(rows, lambda row: row.trade.series_ticker),
        by_exit_kind={kind: kinds[kind] for kind in ExitKind if kind in kinds},
        by_hour=_by(rows, lambda row: row.hour),
    )


def curve(rows: Iterable[Row]) -> list[Point]:
    """Return the net result as it grew, a point a day with trades."""
    days: dict[date, list[Row]] = {}
    for row in rows:
        days.setdefault(row.date, []).append(row)
    points: list[Point] = []
    clusters: dict[str, int] = {}
    net = squares = 0
    for day in sorted(days):
        for row in days[day]:
            before = clusters.get(row.cluster, 0)
            after = clusters[row.cluster] = before + row.trade.net
            net, squares = net + row.trade.net, squares + after**2 - before**2
        band = sum_interval(len(clusters), net, squares)
        low, high = (None, None) if band is None else (Micros(round(band[0])), Micros(round(band[1])))
        points.append(Point(day, Micros(net), low, high))
    return points


def within(instant: datetime, start: datetime | None, end: datetime | None) -> bool:
    """Tell whether an instant lies in a span: its first instant included, its end not; None is open."""
    return (start is None or instant >= start) and (end is None or instant < end)


def _by(rows: Sequence[Row], key: Callable[[Row], K]) -> dict[K, Figures]:
    found: dict[K, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return {name: total(found[name]) for name in sorted(found)}
