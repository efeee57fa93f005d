"""From forecast paths to verdicts: bounded, ordered, judged. Pure, and by whole batches where numbers allow it."""

from collections.abc import Sequence
from hashlib import sha256
from math import isclose

import numpy as np
from numpy.typing import NDArray

from forecast_server.models.base import ModelFacts, Paths
from forecast_server.policy import Policy, SeriesRules
from forecast_server.types import (
    FLOAT32,
    BelowThreshold,
    Degradation,
    Direction,
    Drop,
    Forecast,
    Question,
    Ready,
    Signal,
    Terms,
    Verdict,
)

CEILING = 100.0
DIGEST_CHARACTERS = 32
POLICY_DIGEST_CHARACTERS = 12
_UP, _DOWN = Direction


def terms_of(question: Question, facts: ModelFacts, policy: Policy) -> Terms:
    """State what all answers to a question share."""
    known = all(any(isclose(level, own) for own in facts.quantile_levels) for level in question.quantile_levels)
    return Terms(
        model=facts.reference,
        levels=question.quantile_levels,
        degraded=() if known else (Degradation.QUANTILES_INTERPOLATED,),
        policy_version=policy.version if question.signals else "",
        policy_digest=policy.digest[:POLICY_DIGEST_CHARACTERS] if question.signals else "",
    )


def bounded(paths: Paths) -> Paths:
    """Clip to 0 and 100 cents, and put quantiles in order. Levels stay the model's own."""
    mean = np.clip(paths.mean, 0.0, CEILING).astype(FLOAT32, copy=False)
    return Paths(mean, np.sort(np.clip(paths.quantiles, 0.0, CEILING).astype(FLOAT32, copy=False), axis=2))


def read_off(quantiles: NDArray[np.float32], facts: ModelFacts, levels: Sequence[float]) -> NDArray[np.float32]:
    """Read quantiles off those of the model's own levels, which lie around them: [..., own] to [..., levels]."""
    if tuple(levels) == facts.quantile_levels:
        return quantiles
    known = np.asarray(facts.quantile_levels)
    wanted = np.asarray(levels)
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    weight = ((wanted - known[right - 1]) / (known[right] - known[right - 1])).astype(np.float32)
    mixed = quantiles[..., right - 1] * (1 - weight) + quantiles[..., right] * weight
    # Rounding may undo the order by the last bit.
    return np.maximum.accumulate(np.clip(mixed, 0.0, CEILING), axis=-1)


def judge(forecasts: Sequence[Forecast], question: Question, policy: Policy, levels: Sequence[float]) -> list[Verdict]:
    """Turn forecasts into verdicts, in order.

    Numbers are computed for all of them at once; the loop only puts them together. Confidence and probabilities are
    read off the model's own `levels`, whichever the caller wants to see.
    """
    if not question.signals or not forecasts:
        return list(forecasts)
    steps = np.array([len(forecast.mean) for forecast in forecasts])
    sums = np.add.reduceat(np.concatenate([forecast.mean for forecast in forecasts], dtype=np.float64), _starts(steps))
    rules: dict[str, SeriesRules] = {}
    verdicts: list[Verdict] = []
    for forecast, mean in zip(forecasts, (sums / steps).tolist(), strict=True):
        history = forecast.ready.history
        series, current = history.series_ticker, history.current_price_cents
        magnitude = abs(mean - current)
        if magnitude == 0 or magnitude < question.min_magnitude_cents:
            verdicts.append(BelowThreshold(magnitude, forecast))
            continue
        holding = rules.get(series)
        if holding is None:
            holding = rules[series] = policy.rules_of(series)
        exits = holding.exit_for(magnitude)
        figure = _share_beyond(forecast.end, current, mean) if holding.by_share else magnitude
        signal = Signal(
            forecast,
            _UP if mean > current else _DOWN,
            magnitude,
            holding.confidence_at(figure),
            mean,
            exits.take_profit_cents,
            exits.stop_loss_cents,
            _drops(forecast, current, question, levels) if question.drop_levels_cents else (),
        )
        verdicts.append(signal)
    return verdicts


def forecasts_of(
    ready: Sequence[Ready], digests: Sequence[str], own: Paths, facts: ModelFacts, levels: Sequence[float]
) -> list[Forecast]:
    """Put the parts of each forecast together, cut to its own horizon. `own` is bounded, of the model's own levels."""
    forecasts, wanted = [], read_off(own.quantiles, facts, levels)
    for row, (item, digest) in enumerate(zip(ready, digests, strict=True)):
        until = item.horizon_steps
        forecasts.append(
            Forecast(item, digest, own.mean[row, :until], wanted[row, :until], own.quantiles[row, until - 1])
        )
    return forecasts


def _starts(lengths: NDArray[np.int_]) -> NDArray[np.int_]:
    return np.concatenate(([0], lengths.cumsum()[:-1]))


def _drops(forecast: Forecast, current_cents: float, question: Question, levels: Sequence[float]) -> tuple[Drop, ...]:
    return tuple(drop_probability(forecast.end, levels, current_cents, cents) for cents in question.drop_levels_cents)


def _share_beyond(end_quantiles: NDArray[np.float32], current_cents: float, mean_cents: float) -> float:
    """Share of the last step's quantiles on the signal's side of the current price."""
    beyond = end_quantiles > current_cents if mean_cents > current_cents else end_quantiles < current_cents
    return float(beyond.mean())


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


def digests_of(ready: Sequence[Ready], question: Question, facts: ModelFacts) -> list[str]:
    """Digest what decides each forecast: model, options, horizon and the points the model saw.

    Both horizons: the one that is computed, and the one that is left of it before the market's close.
    """
    model = f"{facts.name}|{facts.weights_digest}|{facts.precision}"
    options = f"{model}|{question.step}|{question.quantile_levels}|{question.horizon_steps}"
    begun = {steps: sha256(f"{options}|{steps}|".encode()) for steps in {item.horizon_steps for item in ready}}
    digests = []
    for item in ready:
        digest = begun[item.horizon_steps].copy()
        digest.update(item.series.tobytes())
        digests.append(digest.hexdigest()[:DIGEST_CHARACTERS])
    return digests
