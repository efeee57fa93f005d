"""Between the forecast service's messages and the trader's words."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from mesh.kalshi.pasts import Past
from mesh.kalshi.rest.market_wire import Market
from mesh.types import Side
from trader.domain.facts import SignalFacts
from trader.domain.words import Confidence, Mode, ScanOutcome

_CONFIDENCE: Mapping[int, Confidence] = {
    signal_pb2.CONFIDENCE_LOW: Confidence.LOW,
    signal_pb2.CONFIDENCE_MEDIUM: Confidence.MEDIUM,
    signal_pb2.CONFIDENCE_MEDIUM_HIGH: Confidence.MEDIUM_HIGH,
    signal_pb2.CONFIDENCE_HIGH: Confidence.HIGH,
}
_PURPOSE: Mapping[Mode, forecast_pb2.Purpose] = {
    Mode.PAPER: forecast_pb2.PURPOSE_PAPER,
    Mode.DEMO: forecast_pb2.PURPOSE_PAPER,
    Mode.LIVE: forecast_pb2.PURPOSE_LIVE,
}
"""Play money is paper to whoever licenses a model."""
_DOLLAR_CENTS = 100.0
_LONGEST_WORDS = 200
"""Characters of a server's own words that are kept."""
_MOST_STEPS = 1024
"""Of a forecast, by its contract."""
MOST_BYTES = 65_536
"""Longest signal that a trader keeps: more than 1,024 steps at nine quantiles need."""


class _Words(Protocol):
    """An enumeration of the contract."""

    def items(self) -> Sequence[tuple[str, int]]:
        """Return names and numbers."""
        ...


def price_cents(market: Market) -> float | None:
    """Return what YES costs now: the middle of bid and ask, or the last trade; None where neither is known."""
    if market.bid is not None and market.ask is not None:
        return (market.bid.cents + market.ask.cents) / 2
    return None if market.last_price is None else market.last_price.cents


def options(
    *, mode: Mode, step: timedelta, horizon_steps: int, max_data_age: timedelta, useful_until: datetime
) -> forecast_pb2.ForecastOptions:
    """Make the question that all histories of a call share."""
    asked = forecast_pb2.ForecastOptions(horizon_steps=horizon_steps, purpose=_PURPOSE[mode])
    asked.step.FromTimedelta(step)
    asked.max_data_age.FromTimedelta(max_data_age)
    asked.useful_until.FromDatetime(useful_until)
    return asked


def history(past: Past, current_cents: float, series_ticker: str) -> forecast_pb2.MarketHistory:
    """Make the input of one market."""
    message = forecast_pb2.MarketHistory(
        market_ticker=past.market.ticker,
        series_ticker=series_ticker,
        closes_cents=past.closes_cents,
        current_price_cents=current_cents,
    )
    if past.last_candle_time is not None:
        message.last_candle_time.FromDatetime(past.last_candle_time)
    message.close_time.FromDatetime(past.market.close_time)
    return message


def facts(
    signal: signal_pb2.Signal,
    *,
    weights_digest: str,
    last_candle_time: datetime,
    step: timedelta,
    useful_until: datetime,
) -> SignalFacts | None:
    """Read a signal.

    None for words that are newer than this trader, which it must not guess at, and for what no signal can be: a figure
    that is no number of 0 to 100 cents, levels that would sell at once, more steps than can be asked for, endless
    names.
    """
    confidence = _CONFIDENCE.get(signal.confidence)
    if confidence is None or signal.direction not in (signal_pb2.DIRECTION_UP, signal_pb2.DIRECTION_DOWN):
        return None
    path, source = signal.path, signal.provenance
    ends = path.quantiles_cents[-len(path.quantile_levels) :]
    names = weights_digest, source.policy_version, source.policy_digest
    if not _possible(signal, ends) or max(map(len, names)) > _LONGEST_WORDS:
        return None
    return SignalFacts(
        side=Side.NO if signal.direction == signal_pb2.DIRECTION_DOWN else Side.YES,
        magnitude_cents=signal.magnitude_cents,
        confidence=confidence,
        current_cents=signal.current_price_cents,
        forecast_mean_cents=signal.forecast_mean_cents,
        forecast_end_cents=signal.forecast_end_cents,
        spread_cents=(ends[-1] - ends[0]) / 2 if path.quantile_levels and ends else 0.0,
        take_profit_cents=signal.take_profit_cents,
        stop_loss_cents=signal.stop_loss_cents,
        policy_version=names[1],
        policy_digest=names[2],
        weights_digest=weights_digest,
        last_candle_time=last_candle_time,
        step=step,
        horizon_steps=path.horizon_steps,
        useful_until=useful_until,
    )


def other(result: signal_pb2.SignalResult) -> tuple[ScanOutcome, str]:
    """Read what became of a history that gave no signal: the outcome and its reason by name."""
    match result.WhichOneof("outcome"):
        case "no_signal":
            return ScanOutcome.NO_SIGNAL, _word(signal_pb2.NoSignalReason, result.no_signal.reason, "NO_SIGNAL")
        case "rejected":
            problems = result.rejected.problems
            said = f"{problems[0].field}: {problems[0].description}" if problems else "rejected"
            return ScanOutcome.REJECTED, said[:_LONGEST_WORDS]
        case "expired":
            return ScanOutcome.EXPIRED, _word(forecast_pb2.ExpiredReason, result.expired.reason, "EXPIRED")
        case "failed":
            return ScanOutcome.FAILED, f"error {result.failed.error_id}"[:_LONGEST_WORDS]
        case kind:
            return ScanOutcome.FAILED, f"an answer that this trader does not know: {kind}"


def _possible(signal: signal_pb2.Signal, ends: Sequence[float]) -> bool:
    """Tell whether figures are what the contract says; `ends` are the last step's quantiles. NaN compares as false."""
    prices = (
        signal.magnitude_cents,
        signal.current_price_cents,
        signal.forecast_mean_cents,
        signal.forecast_end_cents,
        *ends,
    )
    for cents in prices:
        if not 0 <= cents <= _DOLLAR_CENTS:
            return False
    for cents in (signal.take_profit_cents, signal.stop_loss_cents):
        if not 0 < cents <= _DOLLAR_CENTS:
            return False
    return 1 <= signal.path.horizon_steps <= _MOST_STEPS


def _word(words: _Words, number: int, prefix: str) -> str:
    """Return a word of the contract; of one that is newer than this trader, its number."""
    names = {known: name for name, known in words.items()}
    return names.get(number, f"reason {number}").removeprefix(f"{prefix}_REASON_").lower()
