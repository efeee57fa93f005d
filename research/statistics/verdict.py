"""What a backtest says, in words for people, with the figures that decide. Pure.

In this order, the first that holds:

1. `not identified`: the pessimistic and the optimistic total differ in sign, so the order of prices inside candles
   decides, and nobody knows it;
2. `loses`: the optimistic mean's interval lies below zero;
3. `not enough data`: there is no interval, for want of clusters or because nearly all of them came to the same;
4. `no edge`: the pessimistic mean's interval does not lie above zero;
5. `not enough data`: it does, but no trade lost more than half of what it had cost, and the mean would not survive such
   losses: what did not happen in N clusters may be as frequent as 3 in N (it then stays away with probability 0.05),
   and takes the whole cost;
6. `no edge`: it does, but with so many trials the best of worthless ones would look like that (deflated ratio);
7. `edge`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mesh.statistics import LEVEL, Estimate
from mesh.types import DOLLAR, Micros
from research.rows import TradeRow
from research.statistics import bootstrap, power, sharpe
from research.statistics.clusters import BY_DAY, Naming, of_rows
from research.statistics.headline import Headline, headline
from research.statistics.power import Need
from research.statistics.sharpe import Deflated
from research.statistics.tail import Tail, cost, tail


class Verdict(StrEnum):
    """What can be said."""

    EDGE = "edge"
    NO_EDGE = "no edge"
    LOSES = "loses"
    NOT_ENOUGH_DATA = "not enough data"
    NOT_IDENTIFIED = "not identified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and what it rests on."""

    verdict: Verdict
    reason: str
    """The figures that decided, in a sentence."""
    headline: Headline
    pessimistic_cents: Estimate | None
    """Mean net result of one contract at the worst that candles allow; None without a trade."""
    optimistic_cents: Estimate | None
    unseen_loss_cents: float
    """What losses not seen yet could take from the mean; zero where a trade lost more than half of its cost."""
    need: Need | None
    deflated: Deflated | None
    """None without two days that differ."""
    tail: Tail | None
    """None without a trade."""


def judge(
    rows: Iterable[TradeRow],
    trials: Sequence[float] = (),
    naming: Naming = BY_DAY,
    *,
    level: float = LEVEL,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = bootstrap.SEED,
) -> Judgement:
    """Say what rows show.

    Args:
        rows: Of one policy.
        trials: Daily Sharpe ratio of each trial of the ledger, this one included; none to judge it as the only one.
        naming: What a row wins and loses together with.
        level: Probability that intervals claim to cover.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    told = list(rows)
    head = headline(told, naming, level=level, resamples=resamples, seed=seed)
    sums = of_rows(told, naming)
    bounds = [of_rows(told, naming, value) for value in (_pessimistic, _optimistic)]
    worst, best = (
        None if part is None else bootstrap.mean(part, level=level, resamples=resamples, seed=seed) for part in bounds
    )
    record = sharpe.record(sharpe.daily(told)[1])
    deflated = None if record is None else sharpe.deflated(record, trials or [record.sharpe])
    unseen = unseen_loss_cents(told, naming)
    verdict, reason = _decide(head, worst, best, unseen, deflated)
    return Judgement(
        verdict=verdict,
        reason=reason,
        headline=head,
        pessimistic_cents=worst,
        optimistic_cents=best,
        unseen_loss_cents=unseen,
        need=power.need(sums),
        deflated=deflated,
        tail=tail(told),
    )


def unseen_loss_cents(rows: Sequence[TradeRow], naming: Naming = BY_DAY) -> float:
    """Return what losses of nearly all, had there been any, could take from the mean of one contract."""
    spent, made = of_rows(rows, naming, cost), of_rows(rows, naming)
    if spent is None or made is None or any(2 * row.pnl_micros < -cost(row) for row in rows):
        return 0.0
    return min(3 / spent.effective_clusters, 1.0) * float(spent.means[0] + made.means[0])


def interval_words(found: Estimate | None, unit: str = "c") -> str:
    """Write a mean and its interval: `+1.20c [-0.40, +2.90]`."""
    if found is None:
        return "nothing"
    if found.low is None or found.high is None:
        return f"{found.mean:+.2f}{unit} [not enough data]"
    return f"{found.mean:+.2f}{unit} [{found.low:+.2f}, {found.high:+.2f}]"


def _decide(
    head: Headline, worst: Estimate | None, best: Estimate | None, unseen: float, deflated: Deflated | None
) -> tuple[Verdict, str]:
    if _sign(head.pessimistic) != _sign(head.optimistic):
        return Verdict.NOT_IDENTIFIED, (
            f"between {_dollars(head.pessimistic)} and {_dollars(head.optimistic)}, "
            "by the order of prices inside candles, which nobody knows"
        )
    if worst is None or best is None:
        return Verdict.NOT_ENOUGH_DATA, "no trade"
    if best.high is not None and best.high < 0:
        return Verdict.LOSES, f"{interval_words(best)} a contract, at the best that candles allow"
    if worst.low is None:
        return Verdict.NOT_ENOUGH_DATA, (
            f"{head.trades} trades in {worst.cluster_count} clusters, which say as much as "
            f"{worst.effective_clusters:.0f} equal ones, or nearly all of one kind: too few for an interval"
        )
    shown = f"{interval_words(worst)} a contract, at the worst that candles allow"
    if worst.low <= 0:
        return Verdict.NO_EDGE, shown
    if worst.mean <= unseen:
        return Verdict.NOT_ENOUGH_DATA, f"{shown}, but losses not seen yet could take {unseen:.2f}c of it"
    if deflated is not None and deflated.trials > 1 and deflated.probability < sharpe.CONFIDENCE:
        return Verdict.NO_EDGE, (
            f"{shown}, but the best of {deflated.trials} worthless trials would look like that: "
            f"it is better than these with probability {deflated.probability:.2f} only"
        )
    return Verdict.EDGE, shown


def _pessimistic(row: TradeRow) -> int:
    return row.pnl_pessimistic_micros


def _optimistic(row: TradeRow) -> int:
    return row.pnl_optimistic_micros


def _sign(amount: int) -> int:
    return (amount > 0) - (amount < 0)


def _dollars(amount: Micros) -> str:
    return f"${amount / DOLLAR:+,.2f}"
