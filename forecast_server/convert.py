"""Protobuf to the forecast server's types and back, nothing else."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
from foremesh.forecast.v1 import forecast_pb2, model_pb2, policy_pb2, signal_pb2

from forecast_server import types
from forecast_server.engine import ModelState, Queue
from forecast_server.models.base import ModelFacts
from forecast_server.policy import ConfidenceRule, ExitRule
from mesh.convert import instant, span
from mesh.errors import FieldViolation, InvalidInput

DEFAULT_LEVELS = tuple(tenth / 10 for tenth in range(1, 10))

_PURPOSES = {
    forecast_pb2.PURPOSE_RESEARCH: types.Purpose.RESEARCH,
    forecast_pb2.PURPOSE_PAPER: types.Purpose.PAPER,
    forecast_pb2.PURPOSE_LIVE: types.Purpose.LIVE,
}
_PURPOSE_NAMES = {purpose: value for value, purpose in _PURPOSES.items()}
_DIRECTIONS = {types.Direction.UP: signal_pb2.DIRECTION_UP, types.Direction.DOWN: signal_pb2.DIRECTION_DOWN}
_CONFIDENCES = {
    types.Confidence.LOW: signal_pb2.CONFIDENCE_LOW,
    types.Confidence.MEDIUM: signal_pb2.CONFIDENCE_MEDIUM,
    types.Confidence.MEDIUM_HIGH: signal_pb2.CONFIDENCE_MEDIUM_HIGH,
    types.Confidence.HIGH: signal_pb2.CONFIDENCE_HIGH,
}
_RULES = {
    "magnitude": policy_pb2.CONFIDENCE_RULE_MAGNITUDE,
    "quantile_share": policy_pb2.CONFIDENCE_RULE_QUANTILE_SHARE,
}


def question(
    options: forecast_pb2.ForecastOptions, signal: signal_pb2.SignalOptions | None, deadline: datetime | None
) -> types.Question:
    """Read what a call asks; `deadline` is when the caller stops waiting, and bounds `useful_until`."""
    levels = tuple(options.quantile_levels) or DEFAULT_LEVELS
    if list(levels) != sorted(levels):
        found = FieldViolation("forecast.quantile_levels", "must ascend")
        raise InvalidInput(f"{found.field}: {found.description}", violations=[found])
    ends = [deadline] if deadline is not None else []
    if options.HasField("useful_until"):
        ends.append(instant(options.useful_until, "forecast.useful_until"))
    return types.Question(
        horizon_steps=options.horizon_steps,
        step=span(options.step, "forecast.step"),
        purpose=_PURPOSES[options.purpose],
        quantile_levels=levels,
        useful_until=min(ends) if ends else None,
        min_magnitude_cents=signal.min_magnitude_cents if signal else 0.0,
        drop_levels_cents=tuple(signal.drop_levels_cents) if signal else (),
        signals=signal is not None,
    )


def history(index: int, message: forecast_pb2.MarketHistory) -> types.History:
    """Read one history that keeps its rules."""
    return types.History(
        index=index,
        market_ticker=message.market_ticker,
        series_ticker=message.series_ticker or message.market_ticker.partition("-")[0],
        closes=np.asarray(message.closes_cents, dtype=np.float32),
        current_price_cents=message.current_price_cents,
        last_candle_time=instant(message.last_candle_time, "last_candle_time")
        if message.HasField("last_candle_time")
        else None,
        close_time=instant(message.close_time, "close_time") if message.HasField("close_time") else None,
        priority=message.priority,
    )


def signal_result(outcome: types.Outcome) -> signal_pb2.SignalResult:
    """Write what became of one history of a scan."""
    result = signal_pb2.SignalResult(input_index=outcome.index, market_ticker=outcome.market_ticker)
    verdict = outcome.verdict
    if isinstance(verdict, types.Signal):
        result.signal.CopyFrom(_signal(verdict))
    elif isinstance(verdict, types.BelowThreshold):
        below = signal_pb2.NoSignal(
            reason=signal_pb2.NO_SIGNAL_REASON_BELOW_THRESHOLD,
            magnitude_cents=verdict.magnitude_cents,
            path=_path(verdict.path),
            provenance=_provenance(verdict.provenance),
        )
        result.no_signal.CopyFrom(below)
    elif isinstance(verdict, types.NoForecast):
        result.no_signal.CopyFrom(signal_pb2.NoSignal(reason=f"NO_SIGNAL_REASON_{verdict.reason.name}"))
    else:
        _set_refusal(result, verdict)
    return result


def forecast_result(outcome: types.Outcome) -> forecast_pb2.ForecastResult:
    """Write what became of one history of GenerateForecasts."""
    result = forecast_pb2.ForecastResult(input_index=outcome.index, market_ticker=outcome.market_ticker)
    verdict = outcome.verdict
    if isinstance(verdict, types.Forecast):
        result.forecast.path.CopyFrom(_path(verdict.path))
        result.forecast.provenance.CopyFrom(_provenance(verdict.provenance))
    elif isinstance(verdict, types.NoForecast):
        result.no_forecast.CopyFrom(forecast_pb2.NoForecast(reason=f"NO_FORECAST_REASON_{verdict.reason.name}"))
    else:
        _set_refusal(result, verdict)
    return result


def _set_refusal(result: signal_pb2.SignalResult | forecast_pb2.ForecastResult, verdict: types.Verdict) -> None:
    if isinstance(verdict, types.Rejected):
        problems = (
            forecast_pb2.FieldProblem(field=found.field, description=found.description) for found in verdict.problems
        )
        result.rejected.problems.extend(problems)
    elif isinstance(verdict, types.Expired):
        result.expired.CopyFrom(forecast_pb2.Expired(reason=f"EXPIRED_REASON_{verdict.reason.name}"))
    elif isinstance(verdict, types.Failed):
        result.failed.error_id = verdict.error_id
    else:
        raise TypeError(f"no message for {type(verdict).__name__}")


def _signal(signal: types.Signal) -> signal_pb2.Signal:
    return signal_pb2.Signal(
        direction=_DIRECTIONS[signal.direction],
        magnitude_cents=signal.magnitude_cents,
        confidence=_CONFIDENCES[signal.confidence],
        current_price_cents=signal.current_price_cents,
        forecast_mean_cents=signal.forecast_mean_cents,
        forecast_end_cents=signal.forecast_end_cents,
        take_profit_cents=signal.take_profit_cents,
        stop_loss_cents=signal.stop_loss_cents,
        path=_path(signal.path),
        drop_probabilities=[
            signal_pb2.DropProbability(drop_cents=drop.cents, lower_bound=drop.lower, upper_bound=drop.upper)
            for drop in signal.drops
        ],
        provenance=_provenance(signal.provenance),
    )


def _path(path: types.Path) -> forecast_pb2.ForecastPath:
    return forecast_pb2.ForecastPath(
        horizon_steps=len(path.mean),
        mean_cents=path.mean.tolist(),
        quantile_levels=path.levels,
        quantiles_cents=path.quantiles.ravel().tolist(),
    )


def _provenance(provenance: types.Provenance) -> forecast_pb2.Provenance:
    message = forecast_pb2.Provenance(
        model=provenance.model,
        input_digest=provenance.input_digest,
        degraded=[f"DEGRADATION_{kind.name}" for kind in provenance.degraded],
        interpolated_share=provenance.interpolated_share,
        policy_version=provenance.policy_version,
    )
    if provenance.data_age is not None:
        message.data_age.FromTimedelta(provenance.data_age)
    return message


def identity(facts: ModelFacts, code_version: str) -> model_pb2.ModelIdentity:
    """Write who makes the forecasts."""
    return model_pb2.ModelIdentity(
        name=facts.name,
        weights_digest=facts.weights_digest,
        code_version=code_version,
        licence=facts.licence,
        allowed_purposes=sorted(_PURPOSE_NAMES[purpose] for purpose in facts.allowed_purposes),
    )


def model(
    facts: ModelFacts | None, *, code_version: str, state: ModelState, detail: str, queue: Queue
) -> model_pb2.Model:
    """Write the served model; while it loads only its state is known."""
    message = model_pb2.Model(
        state=f"MODEL_STATE_{state.name}",
        state_detail=detail,
        queue=model_pb2.QueueState(
            waiting_series=queue.waiting,
            running_series=queue.running,
            capacity_series=queue.capacity,
            active_scans=queue.scans,
        ),
    )
    if facts is not None:
        message.identity.CopyFrom(identity(facts, code_version))
        message.device, message.precision, message.compile_mode = facts.device, facts.precision, facts.compile_mode
        message.max_context_points = facts.max_context_points
        message.max_horizon_steps = facts.max_horizon_steps
        message.max_batch_series = facts.max_batch_series
        message.quantile_levels.extend(facts.quantile_levels)
        message.warm_context_points.extend(facts.warm_context_points)
    return message


def exit_policies(rules: Iterable[ExitRule]) -> list[policy_pb2.ExitPolicy]:
    """Write exit rules."""
    return [
        policy_pb2.ExitPolicy(
            asset=rule.asset,
            series_prefix=rule.series_prefix,
            min_magnitude_cents=rule.min_magnitude_cents,
            max_magnitude_cents=rule.max_magnitude_cents,
            take_profit_cents=rule.take_profit_cents,
            stop_loss_cents=rule.stop_loss_cents,
        )
        for rule in rules
    ]


def confidence_policies(rules: Sequence[ConfidenceRule]) -> list[policy_pb2.ConfidencePolicy]:
    """Write confidence rules."""
    return [
        policy_pb2.ConfidencePolicy(
            asset=rule.asset,
            series_prefix=rule.series_prefix,
            rule=_RULES[rule.rule],
            bars=[
                policy_pb2.ConfidenceBar(confidence=_CONFIDENCES[confidence], at_least=bar)
                for confidence, bar in rule.bars()
            ],
        )
        for rule in rules
    ]
