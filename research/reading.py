"""What the forecast server says of a question, read into what research works with."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from mesh.packed import head
from research.types import Fan, Floats, Forecasted, Unsaid
from trader.domain.facts import SignalFacts
from trader.domain.words import ScanOutcome
from trader.scanning import asking

_DRIFTED = forecast_pb2.DEGRADATION_CANARY_DRIFT
_FLOAT32 = np.dtype("<f4")


def read(result: signal_pb2.SignalResult, *, at: int, step: timedelta, weights_digest: str) -> Forecasted | Unsaid:
    """Read what became of a question.

    Args:
        result: The server's word.
        at: End of the last candle that it was told, Unix seconds.
        step: Of the forecast.
        weights_digest: Of the model.
    """
    kind = result.WhichOneof("outcome")
    if kind == "signal":
        if _drifted(result.signal.provenance):
            return Unsaid("canary_drift")
        moment = datetime.fromtimestamp(at, UTC)
        signal = asking.facts(
            result.signal,
            weights_digest=weights_digest,
            last_candle_time=moment,
            step=step,
            useful_until=moment + step,
        )
        return Unsaid("unknown_words") if signal is None else _forecasted(result.signal, signal)
    outcome, reason = asking.other(result)
    if outcome is ScanOutcome.NO_SIGNAL:
        said = result.no_signal
        return Unsaid(reason, _fan(said) if said.HasField("path") and not _drifted(said.provenance) else None)
    if outcome is ScanOutcome.REJECTED:  # without the place: reasons are counted
        return Unsaid(f"rejected_{reason.partition(':')[0].partition('[')[0]}")
    return Unsaid(outcome.value)


def provenance(result: signal_pb2.SignalResult) -> forecast_pb2.Provenance | None:
    """Return where a forecast comes from; None where nothing was forecast."""
    if result.HasField("signal"):
        return result.signal.provenance
    return result.no_signal.provenance if result.no_signal.HasField("provenance") else None


def lasting(result: signal_pb2.SignalResult, source: forecast_pb2.Provenance | None) -> bool:
    """Tell whether the same question would be answered so again, by a server that is well."""
    if source is None:
        return result.HasField("no_signal")
    return not _drifted(source)


def _drifted(source: forecast_pb2.Provenance) -> bool:
    return _DRIFTED in source.degraded[:]  # of a list: protobuf's own way takes twice as long


def _forecasted(said: signal_pb2.Signal, signal: SignalFacts) -> Forecasted:
    path, quantiles, levels = _path(said.path)
    return Forecasted(
        signal=signal,
        path_cents=path,
        quantiles_cents=quantiles,
        levels=levels,
        model=said.provenance.model,
        input_digest=said.provenance.input_digest,
    )


def _fan(said: signal_pb2.NoSignal) -> Fan:
    path, quantiles, levels = _path(said.path)
    return Fan(
        path_cents=path,
        quantiles_cents=quantiles,
        levels=levels,
        model=said.provenance.model,
        input_digest=said.provenance.input_digest,
    )


def _path(path: forecast_pb2.ForecastPath) -> tuple[Floats, Floats, tuple[float, ...]]:
    """[steps] the point path, [steps, levels] the quantiles, and their levels; read-only."""
    # By their bytes: protobuf would make floats of them one by one.
    data, steps = path.SerializeToString(), path.horizon_steps
    before, between, levels = _around(steps, tuple(path.quantile_levels[:]))
    point, many = len(before), steps * len(levels)
    spread = point + _FLOAT32.itemsize * steps + between
    if len(data) == spread + _FLOAT32.itemsize * many and data.startswith(before):
        mean, quantiles = np.frombuffer(data, _FLOAT32, steps, point), np.frombuffer(data, _FLOAT32, many, spread)
    else:  # written in another order, or with more than this software knows
        mean, quantiles = np.array(path.mean_cents, _FLOAT32), np.array(path.quantiles_cents, _FLOAT32)
        mean.flags.writeable = quantiles.flags.writeable = False
    return mean, quantiles.reshape(steps, len(levels)), levels


@lru_cache
def _around(steps: int, levels: tuple[float, ...]) -> tuple[bytes, int, tuple[float, ...]]:
    """Return what stands before the points on the wire, how many bytes between them and the quantiles, and the levels.

    Equal levels are one tuple.
    """
    path, size = forecast_pb2.ForecastPath, _FLOAT32.itemsize * steps
    before = path(horizon_steps=steps).SerializeToString() + head(path.MEAN_CENTS_FIELD_NUMBER, size)
    between = path(quantile_levels=levels).SerializeToString()
    return before, len(between + head(path.QUANTILES_CENTS_FIELD_NUMBER, size * len(levels))), levels
