"""From forecast paths to verdicts: bounded, ordered, judged. Pure, and by whole batches where numbers allow it."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from forecast_server.models.base import ModelFacts, Paths
from forecast_server.policy import Policy
from forecast_server.prepare import Ready
from forecast_server.types import (
    BelowThreshold,
    Degradation,
    Direction,
    Drop,
    Forecast,
    Path,
    Provenance,
    Question,
    Signal,
    Verdict,
)

CEILING = 100.0


def bounded(paths: Paths, facts: ModelFacts, levels: Sequence[float]) -> tuple[Paths, bool]:
    """Clip to 0 and 100 cents, put quantiles in order, and read off the levels asked for.

    Returns the paths with quantiles [series, horizon, levels], and whether levels had to be interpolated. Levels lie
    within the model's own.
    """
    mean = np.clip(paths.mean, 0.0, CEILING)
    quantiles = np.sort(np.clip(paths.quantiles, 0.0, CEILING), axis=2)
    known = np.asarray(facts.quantile_levels)
    wanted = np.asarray(levels)
    if len(known) == len(wanted) and np.allclose(known, wanted):
        return Paths(mean, quantiles), False
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    weight = ((wanted - known[right - 1]) / (known[right] - known[right - 1])).astype(np.float32)
    mixed = quantiles[..., right - 1] * (1 - weight) + quantiles[..., right] * weight
    exact = np.isclose(known[np.abs(known[:, None] - wanted).argmin(axis=0)], wanted).all()
    return Paths(mean, mixed), not exact


def judge(ready: Sequence[Ready], paths: Paths, question: Question, facts: ModelFacts, policy: Policy) -> list[Verdict]:
    """Turn the forecasts of a batch into verdicts, in order."""
    paths, interpolated = bounded(paths, facts, question.quantile_levels)
    digest = _digest_base(question, facts)
    extra = (Degradation.QUANTILES_INTERPOLATED,) if interpolated else ()
    verdicts: list[Verdict] = []
    for row, item in enumerate(ready):
        steps = item.horizon_steps
        path = Path(
            mean=paths.mean[row, :steps], levels=question.quantile_levels, quantiles=paths.quantiles[row, :steps]
        )
        provenance = Provenance(
            model=facts.reference,
            input_digest=_digest(digest, item),
            data_age=item.data_age,
            degraded=item.degraded + extra,
            interpolated_share=item.interpolated_share,
            policy_version=policy.version if question.signals else "",
        )
        verdicts.append(_verdict(item, path, provenance, question, policy))
    return verdicts


def _verdict(item: Ready, path: Path, provenance: Provenance, question: Question, policy: Policy) -> Verdict:
    if not question.signals:
        return Forecast(path, provenance)
    current = item.history.current_price_cents
    mean = float(path.mean.mean(dtype=np.float64))
    magnitude = abs(mean - current)
    if magnitude == 0 or magnitude < question.min_magnitude_cents:
        return BelowThreshold(magnitude, path, provenance)
    direction = Direction.UP if mean > current else Direction.DOWN
    end = path.quantiles[-1]
    series = item.history.series_ticker
    levels = policy.exit_for(series, magnitude)
    return Signal(
        direction=direction,
        magnitude_cents=magnitude,
        confidence=policy.confidence_of(
            series, direction=direction, magnitude_cents=magnitude, current_cents=current, end_quantiles=end
        ),
        current_price_cents=current,
        forecast_mean_cents=mean,
        forecast_end_cents=float(path.mean[-1]),
        take_profit_cents=levels.take_profit_cents,
        stop_loss_cents=levels.stop_loss_cents,
        drops=tuple(drop_probability(end, path.levels, current, cents) for cents in question.drop_levels_cents),
        path=path,
        provenance=provenance,
    )


def drop_probability(
    end_quantiles: NDArray[np.float32], levels: Sequence[float], current_cents: float, drop_cents: float
) -> Drop:
    """Bound P(price ≤ current − drop) at the last step.

    Between the outermost quantiles it is interpolated; beyond them the forecast says only on which side of the
    outermost level it lies, and no more is claimed.
    """
    target = current_cents - drop_cents
    if target < 0:
        return Drop(cents=drop_cents, lower=0.0, upper=0.0)  # a price is never negative
    if target < end_quantiles[0]:
        return Drop(cents=drop_cents, lower=0.0, upper=levels[0])
    if target >= end_quantiles[-1]:
        upper = 1.0
        return Drop(cents=drop_cents, lower=levels[-1], upper=upper)
    above = int(np.searchsorted(end_quantiles, target, side="right"))
    low, high = float(end_quantiles[above - 1]), float(end_quantiles[above])
    share = (target - low) / (high - low)
    probability = levels[above - 1] + share * (levels[above] - levels[above - 1])
    return Drop(cents=drop_cents, lower=probability, upper=probability)


def _digest_base(question: Question, facts: ModelFacts) -> "blake2b":
    """Start the digest of an input with what all inputs of a call share."""
    options = f"{facts.name}|{facts.weights_digest}|{facts.precision}|{question.step}|{question.quantile_levels}"
    return blake2b(options.encode(), digest_size=16)


def _digest(base: "blake2b", item: Ready) -> str:
    digest = base.copy()
    digest.update(item.horizon_steps.to_bytes(4))
    digest.update(np.ascontiguousarray(item.series).data)
    return digest.hexdigest()
