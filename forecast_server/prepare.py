"""From what arrived to what a model can take: checked, gaps filled and counted, cut to the context. Pure.

Checks look at whole batches at once; only the histories that have something wrong are looked at one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast_server.types import Degradation, History, NoForecast, NoForecastReason, Purpose, Question, Ready, Rejected
from mesh.errors import FieldViolation

_NOTHING = timedelta(0)
MAX_CENTS = 100.0
_MAX_PROBLEMS = 8
_STALE_STEPS = 2


@dataclass(frozen=True, slots=True)
class _Shaped:
    series: NDArray[np.float32] | None
    """None: as it arrived."""
    share: float
    degraded: tuple[Degradation, ...]


_UNTOUCHED = _Shaped(None, 0.0, ())


def prepare(
    histories: Sequence[History], question: Question, *, min_points: int, max_points: int, now: datetime
) -> list[Ready | NoForecast | Rejected]:
    """Check and shape a batch; one answer per history, in order."""
    prepared: list[Ready | NoForecast | Rejected] = []
    for history, (fine, priced) in zip(histories, _clean(histories, min_points), strict=True):
        shaped = _UNTOUCHED
        if not fine or len(history.closes) > max_points:
            found = _shaped(history.closes, min_points, max_points, fine=fine, priced=priced)
            if not isinstance(found, _Shaped):
                prepared.append(found)
                continue
            shaped = found
        timed = _timed(history, question, now)
        if not isinstance(timed, tuple):
            prepared.append(timed)
            continue
        steps, age, degraded = timed
        series = history.closes if shaped.series is None else shaped.series
        prepared.append(Ready(history, series, steps, age, shaped.share, shaped.degraded + degraded))
    return prepared


def _timed(
    history: History, question: Question, now: datetime
) -> tuple[int, timedelta | None, tuple[Degradation, ...]] | NoForecast | Rejected:
    """Return steps until horizon or close, the data's age, and what time takes away; or why nothing can be forecast."""
    degraded: tuple[Degradation, ...] = ()
    steps, step = question.horizon_steps, question.step
    if history.close_time is not None:
        if question.purpose is Purpose.LIVE and history.close_time <= now:
            return NoForecast(NoForecastReason.CLOSES_BEFORE_FIRST_STEP)  # it is closed, however old the data is
        steps = min(steps, (history.close_time - (history.last_candle_time or now)) // step)
        if steps < 1:
            return NoForecast(NoForecastReason.CLOSES_BEFORE_FIRST_STEP)
        if steps < question.horizon_steps:
            degraded += (Degradation.HORIZON_CUT,)
    if history.last_candle_time is None:
        return steps, None, (*degraded, Degradation.AGE_UNKNOWN)
    age = now - history.last_candle_time
    if age < -step:
        return Rejected((FieldViolation("last_candle_time", "lies more than one step in the future"),))
    if question.max_data_age is not None and age > question.max_data_age:
        return NoForecast(NoForecastReason.STALE)
    if age > _STALE_STEPS * step:
        degraded += (Degradation.STALE,)
    return steps, max(age, _NOTHING), degraded  # clocks of two machines differ a little: an age is never negative


def _clean(histories: Sequence[History], min_points: int) -> list[tuple[bool, bool]]:
    """Tell which histories need no second look, and which of the others have prices and gaps alone.

    No second look need those that are long enough, finite, in range, not constant.
    """
    lengths = np.array([len(history.closes) for history in histories])
    some = lengths > 0
    fine, priced = np.zeros(len(histories), bool), np.ones(len(histories), bool)
    if some.any():
        values = np.concatenate([history.closes for history in histories])
        starts = (np.cumsum(lengths) - lengths)[some]
        lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        # NaN and infinity fail these.
        fine[some] = (lengths[some] >= min_points) & (lowest >= 0) & (highest <= MAX_CENTS) & (lowest < highest)
        priced[some] = np.logical_and.reduceat(_prices_or_gaps(values), starts)
    return list(zip(fine.tolist(), priced.tolist(), strict=True))


def _shaped(
    closes: NDArray[np.float32], min_points: int, max_points: int, *, fine: bool, priced: bool
) -> _Shaped | NoForecast | Rejected:
    """Cut to the context and fill gaps, or say why nothing can be forecast."""
    if not priced:
        return Rejected(close_problems(closes))
    if len(closes) < min_points:
        return NoForecast(NoForecastReason.TOO_SHORT)
    series, gaps = closes, np.zeros(len(closes), dtype=bool)
    if not fine:
        gaps = np.isnan(closes)
        known = np.flatnonzero(~gaps)
        if len(known) - np.searchsorted(known, len(closes) - max_points) < min_points:
            return NoForecast(NoForecastReason.NO_FINITE_POINT)
        # Gaps before the first price say nothing; those at the cut are filled before it, with what was known then.
        series, gaps = _filled(closes[known[0] :], gaps[known[0] :]), gaps[known[0] :]
    cut = len(series) > max_points
    series, gaps = series[-max_points:], gaps[-max_points:]
    share = float(np.count_nonzero(gaps) / len(gaps))
    if (cut or not fine) and series.min() == series.max():
        return NoForecast(NoForecastReason.CONSTANT)
    return _Shaped(series, share, (Degradation.HISTORY_CUT,) * cut + (Degradation.INTERPOLATED,) * (share > 0))


def close_problems(closes: NDArray[np.float32]) -> tuple[FieldViolation, ...]:
    """Name the points that are neither a price nor a gap."""
    wrong = np.flatnonzero(~_prices_or_gaps(closes))
    return tuple(
        FieldViolation(f"closes_cents[{place}]", f"must be within 0 and 100, or NaN for none; is {closes[place]:.9g}")
        for place in wrong[:_MAX_PROBLEMS]
    )


def _prices_or_gaps(closes: NDArray[np.float32]) -> NDArray[np.bool_]:
    told: NDArray[np.bool_] = np.isnan(closes) | ((closes >= 0) & (closes <= MAX_CENTS))
    return told


def _filled(series: NDArray[np.float32], gaps: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill gaps: linearly inside, the last price at the end."""
    if not gaps.any():
        return series
    places = np.arange(len(series))
    return np.interp(places, places[~gaps], series[~gaps]).astype(np.float32)
