"""Protobuf to the forecast server's types and back, nothing else."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

import numpy as np
from foremesh.forecast.v1 import forecast_pb2, policy_pb2, signal_pb2
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from numpy.typing import NDArray

from forecast_server import types
from forecast_server.packed import PathWriter
from forecast_server.policy import ConfidenceRule, ExitRule
from mesh.convert import instant, span
from mesh.errors import FieldViolation, InvalidInput

DEFAULT_LEVELS = tuple(tenth / 10 for tenth in range(1, 10))

PURPOSES = {
    forecast_pb2.PURPOSE_RESEARCH: types.Purpose.RESEARCH,
    forecast_pb2.PURPOSE_PAPER: types.Purpose.PAPER,
    forecast_pb2.PURPOSE_LIVE: types.Purpose.LIVE,
}
_RULES = {
    "magnitude": policy_pb2.CONFIDENCE_RULE_MAGNITUDE,
    "quantile_share": policy_pb2.CONFIDENCE_RULE_QUANTILE_SHARE,
}


def _number(member: IntEnum) -> Any:
    """Write a member of ours as protobuf's: they are numbered alike, which a test holds."""
    return member


def _numbers(members: tuple[IntEnum, ...]) -> Any:
    return members


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
        purpose=PURPOSES[options.purpose],
        quantile_levels=levels,
        useful_until=min(ends) if ends else None,
        max_data_age=span(options.max_data_age, "forecast.max_data_age") if options.HasField("max_data_age") else None,
        bypass_cache=options.bypass_cache,
        min_magnitude_cents=signal.min_magnitude_cents if signal else 0.0,
        drop_levels_cents=tuple(signal.drop_levels_cents) if signal else (),
        signals=signal is not None,
    )


def history(index: int, message: forecast_pb2.MarketHistory, closes: NDArray[np.float32]) -> types.History:
    """Read one history that keeps its rules; its closes are read by whole messages."""
    ticker = message.market_ticker
    return types.History(
        index,
        ticker,
        message.series_ticker or ticker.partition("-")[0],
        closes,
        message.current_price_cents,
        instant(message.last_candle_time, "last_candle_time") if message.HasField("last_candle_time") else None,
        instant(message.close_time, "close_time") if message.HasField("close_time") else None,
        message.priority,
    )


def add_signal_results(
    results: "RepeatedCompositeFieldContainer[signal_pb2.SignalResult]",
    outcomes: Iterable[types.Outcome],
    terms: types.Terms,
) -> None:
    """Append what became of each history of a scan.

    Messages are filled in place, field by field: building them from keyword arguments copies every nested message and
    takes three times as long.
    """
    writer = _ForecastWriter(terms)
    for index, ticker, verdict in outcomes:
        result = results.add()
        result.input_index, result.market_ticker = index, ticker
        if isinstance(verdict, types.Signal):
            _fill_signal(result.signal, verdict, writer)
        elif isinstance(verdict, types.BelowThreshold):
            result.no_signal.reason = signal_pb2.NO_SIGNAL_REASON_BELOW_THRESHOLD
            result.no_signal.magnitude_cents = verdict.magnitude_cents
            writer.fill(result.no_signal, verdict.forecast)
        elif isinstance(verdict, types.NoForecast):
            result.no_signal.CopyFrom(signal_pb2.NoSignal(reason=f"NO_SIGNAL_REASON_{verdict.reason.name}"))
        else:
            _fill_refusal(result, verdict)


def add_forecast_results(
    results: "RepeatedCompositeFieldContainer[forecast_pb2.ForecastResult]",
    outcomes: Iterable[types.Outcome],
    terms: types.Terms,
) -> None:
    """Append what became of each history of GenerateForecasts."""
    writer = _ForecastWriter(terms)
    for index, ticker, verdict in outcomes:
        result = results.add(input_index=index, market_ticker=ticker)
        if isinstance(verdict, types.Forecast):
            writer.fill(result.forecast, verdict)
        elif isinstance(verdict, types.NoForecast):
            result.no_forecast.CopyFrom(forecast_pb2.NoForecast(reason=f"NO_FORECAST_REASON_{verdict.reason.name}"))
        else:
            _fill_refusal(result, verdict)


class _ForecastWriter:
    """Writes path and provenance of the forecasts of one call; what many of them share is made once and copied."""

    def __init__(self, terms: types.Terms) -> None:
        self._terms = terms
        self._paths = PathWriter(terms.levels)
        self._shared: dict[tuple[types.Degradation, ...], forecast_pb2.Provenance] = {}

    def fill(
        self, message: signal_pb2.Signal | signal_pb2.NoSignal | forecast_pb2.Forecast, forecast: types.Forecast
    ) -> None:
        """Fill in what all messages with a forecast have."""
        self._paths.write(message.path, forecast.mean, forecast.quantiles)
        ready, provenance = forecast.ready, message.provenance
        provenance.CopyFrom(self._shared.get(ready.degraded) or self._share(ready.degraded))
        provenance.input_digest = forecast.digest
        if forecast.cached:
            provenance.cached = True
        if ready.data_age is not None:
            provenance.data_age.FromTimedelta(ready.data_age)
        if ready.interpolated_share:
            provenance.interpolated_share = ready.interpolated_share

    def _share(self, degraded: tuple[types.Degradation, ...]) -> forecast_pb2.Provenance:
        shared = self._shared[degraded] = forecast_pb2.Provenance(
            model=self._terms.model,
            degraded=_numbers(degraded + self._terms.degraded),
            policy_version=self._terms.policy_version,
            policy_digest=self._terms.policy_digest,
        )
        return shared


def _fill_refusal(result: signal_pb2.SignalResult | forecast_pb2.ForecastResult, verdict: types.Verdict) -> None:
    if isinstance(verdict, types.Rejected):
        result.rejected.SetInParent()
        for found in verdict.problems:
            result.rejected.problems.add(field=found.field, description=found.description)
    elif isinstance(verdict, types.Expired):
        result.expired.CopyFrom(forecast_pb2.Expired(reason=f"EXPIRED_REASON_{verdict.reason.name}"))
    elif isinstance(verdict, types.Failed):
        result.failed.error_id = verdict.error_id
    else:
        raise TypeError(f"no message for {type(verdict).__name__}")


def _fill_signal(message: signal_pb2.Signal, signal: types.Signal, writer: _ForecastWriter) -> None:
    forecast = signal.forecast
    message.direction = _number(signal.direction)
    message.magnitude_cents = signal.magnitude_cents
    message.confidence = _number(signal.confidence)
    message.current_price_cents = forecast.ready.history.current_price_cents
    message.forecast_mean_cents = signal.mean_cents
    message.forecast_end_cents = float(forecast.mean[-1])
    message.take_profit_cents = signal.take_profit_cents
    message.stop_loss_cents = signal.stop_loss_cents
    for drop in signal.drops:
        message.drop_probabilities.add(drop_cents=drop.cents, lower_bound=drop.lower, upper_bound=drop.upper)
    writer.fill(message, forecast)


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
                policy_pb2.ConfidenceBar(confidence=_number(confidence), at_least=bar)
                for confidence, bar in rule.bars()
            ],
        )
        for rule in rules
    ]
