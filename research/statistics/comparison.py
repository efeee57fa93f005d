"""A policy against a baseline on the same clusters: both share their luck, so the difference is surer. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from mesh.statistics import LEVEL, Estimate
from mesh.types import DOLLAR
from research.rows import TradeRow
from research.statistics import bootstrap
from research.statistics.clusters import BY_DAY, Naming, Valuing, clusters, joint, pnl


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How much better a policy did than a baseline."""

    mean_cents: Estimate | None
    """Net result of one contract, policy less baseline, over clusters in which both traded; None if there is none."""
    policy_cents: float | None
    """The policy's, over these clusters."""
    baseline_cents: float | None
    dollars: Estimate | None
    """Net result in all, policy less baseline, over clusters in which either traded: who did not trade made nothing."""
    policy_alone: int
    """Rows of the policy in clusters without the baseline; not in the means."""
    baseline_alone: int


def compare(
    rows: Iterable[TradeRow],
    baseline: Iterable[TradeRow],
    naming: Naming = BY_DAY,
    *,
    value: Valuing = pnl,
    level: float = LEVEL,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = bootstrap.SEED,
) -> Comparison:
    """Compare rows of a policy with rows of a baseline; clusters are drawn for both together.

    Args:
        rows: Of the policy.
        baseline: Of what it is compared with, such as always-NO on the same filter.
        naming: What a row wins and loses together with.
        value: What a row came to.
        level: Probability that intervals claim to cover.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    ours, theirs = ([(row, value(row)) for row in part] for part in (rows, baseline))
    both = {naming(row) for row, _ in ours} & {naming(row) for row, _ in theirs}
    common, others = ([share for share in part if naming(share[0]) in both] for part in (ours, theirs))
    mean = means = dollars = None
    if both:
        sums = joint(common, others, naming)
        mean, means = bootstrap.difference(sums, level=level, resamples=resamples, seed=seed), sums.means.tolist()
    if ours or theirs:
        amounts = [amount / DOLLAR for _, amount in ours] + [-amount / DOLLAR for _, amount in theirs]
        sums = clusters([naming(row) for row, _ in (*ours, *theirs)], amounts)
        dollars = bootstrap.total(sums, level=level, resamples=resamples, seed=seed)
    return Comparison(
        mean_cents=mean,
        policy_cents=None if means is None else means[0],
        baseline_cents=None if means is None else means[1],
        dollars=dollars,
        policy_alone=len(ours) - len(common),
        baseline_alone=len(theirs) - len(others),
    )
