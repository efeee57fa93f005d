"""What rows come to: exact sums, and how sure one can be of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from mesh.statistics import LEVEL, Estimate
from mesh.types import DOLLAR, Hundredths, Micros
from research.rows import TradeRow
from research.statistics import bootstrap
from research.statistics.clusters import BY_DAY, Clusters, Naming, Valuing, clusters, of_rows, pnl


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """Sums over rows, and their intervals."""

    trades: int
    gains: int
    contracts: Hundredths
    net: Micros
    pessimistic: Micros
    optimistic: Micros
    fees: Micros
    """In `net`."""
    mean_cents: Estimate | None
    """Net result of one contract; None without a trade."""
    dollars: Estimate | None
    """`net`, in dollars."""
    effective_trades: float | None
    """So many independent trades would say as much; None where nothing can be said."""


def headline(
    rows: Iterable[TradeRow],
    naming: Naming = BY_DAY,
    *,
    level: float = LEVEL,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = bootstrap.SEED,
) -> Headline:
    """Add rows up.

    Args:
        rows: In any order.
        naming: What a row wins and loses together with.
        level: Probability that intervals claim to cover.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    told = list(rows)
    sums, amounts = of_rows(told, naming), in_dollars(told, naming)
    return Headline(
        trades=len(told),
        gains=sum(row.pnl_micros > 0 for row in told),
        contracts=Hundredths(sum(row.contract_count for row in told)),
        net=Micros(sum(row.pnl_micros for row in told)),
        pessimistic=Micros(sum(row.pnl_pessimistic_micros for row in told)),
        optimistic=Micros(sum(row.pnl_optimistic_micros for row in told)),
        fees=Micros(sum(row.entry_fee_micros + row.exit_fee_micros for row in told)),
        mean_cents=None if sums is None else bootstrap.mean(sums, level=level, resamples=resamples, seed=seed),
        dollars=None if amounts is None else bootstrap.total(amounts, level=level, resamples=resamples, seed=seed),
        effective_trades=None if sums is None else sums.effective_count,
    )


def in_dollars(rows: Iterable[TradeRow], naming: Naming = BY_DAY, value: Valuing = pnl) -> Clusters | None:
    """Sum dollars over clusters, every row of weight one; None without a row."""
    told = list(rows)
    if not told:
        return None
    return clusters([naming(row) for row in told], [value(row) / DOLLAR for row in told])
