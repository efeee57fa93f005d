"""What the forecast server says, as research reads it."""

from datetime import timedelta

import numpy as np
import pytest
from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from mesh.types import Side
from research.reading import lasting, provenance, read
from research.types import Fan, Forecasted, Unsaid
from tests.fakes.research import BEGIN
from trader.domain.words import Confidence

AT = int(BEGIN.timestamp())
PATH = forecast_pb2.ForecastPath(
    horizon_steps=2, mean_cents=[40, 38], quantile_levels=[0.1, 0.5, 0.9], quantiles_cents=[30, 40, 50, 26, 38, 51]
)
SOURCE = forecast_pb2.Provenance(model="held@0123456789ab", input_digest="d" * 32, policy_version="7")
DRIFTED = forecast_pb2.Provenance(degraded=[forecast_pb2.DEGRADATION_STALE, forecast_pb2.DEGRADATION_CANARY_DRIFT])
BELOW = signal_pb2.NoSignal(reason=signal_pb2.NO_SIGNAL_REASON_BELOW_THRESHOLD, path=PATH, provenance=SOURCE)


def signal(source: forecast_pb2.Provenance = SOURCE, **changes: object) -> signal_pb2.SignalResult:
    said = signal_pb2.Signal(
        direction=signal_pb2.DIRECTION_DOWN,
        magnitude_cents=5,
        confidence=signal_pb2.CONFIDENCE_HIGH,
        current_price_cents=44,
        forecast_mean_cents=39,
        forecast_end_cents=38,
        take_profit_cents=20,
        stop_loss_cents=8,
        path=PATH,
        provenance=source,
    )
    said.MergeFrom(signal_pb2.Signal(**changes))  # type: ignore[arg-type]  # fields of a signal
    return signal_pb2.SignalResult(signal=said)


def said(result: signal_pb2.SignalResult) -> Forecasted | Unsaid:
    return read(result, at=AT, step=timedelta(hours=1), weights_digest="w" * 64)


def test_a_signal_is_facts_and_the_whole_fan() -> None:
    found = said(signal())
    assert isinstance(found, Forecasted)
    facts = found.signal
    assert (facts.side, facts.magnitude_cents, facts.confidence) == (Side.NO, 5, Confidence.HIGH)
    assert (facts.last_candle_time, facts.horizon_steps, facts.weights_digest) == (BEGIN, 2, "w" * 64)
    assert found.path_cents.tolist() == [40, 38]
    assert found.quantiles_cents.tolist() == [[30, 40, 50], [26, 38, 51]]
    assert found.path_cents.dtype == found.quantiles_cents.dtype == np.float32
    assert (found.levels, found.model, found.input_digest) == ((0.1, 0.5, 0.9), "held@0123456789ab", "d" * 32)


def test_a_forecast_without_a_signal_is_kept_to_be_judged() -> None:
    found = said(signal_pb2.SignalResult(no_signal=BELOW))
    assert isinstance(found, Unsaid)
    assert isinstance(found.fan, Fan)
    assert (found.reason, found.fan.path_cents.tolist(), found.fan.levels) == (
        "below_threshold",
        [40, 38],
        (0.1, 0.5, 0.9),
    )


UNSAID = {
    "too_short": signal_pb2.SignalResult(no_signal={"reason": signal_pb2.NO_SIGNAL_REASON_TOO_SHORT}),
    "constant": signal_pb2.SignalResult(no_signal={"reason": signal_pb2.NO_SIGNAL_REASON_CONSTANT}),
    "rejected_closes_cents": signal_pb2.SignalResult(
        rejected={"problems": [{"field": "closes_cents[17]", "description": "must be within 0 and 100"}]}
    ),
    "failed": signal_pb2.SignalResult(failed={"error_id": "abc"}),
    "canary_drift": signal(DRIFTED),
    "unknown_words": signal(confidence=17),
}


@pytest.mark.parametrize("reason", UNSAID)
def test_what_is_no_signal_is_named_by_its_reason(reason: str) -> None:
    assert said(UNSAID[reason]) == Unsaid(reason)


@pytest.mark.parametrize(
    ("result", "lasts"),
    [
        (signal(), True),
        (signal_pb2.SignalResult(no_signal=BELOW), True),
        (UNSAID["too_short"], True),
        (UNSAID["rejected_closes_cents"], False),
        (UNSAID["failed"], False),
        (UNSAID["canary_drift"], False),
        (signal_pb2.SignalResult(expired={"reason": forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL}), False),
    ],
)
def test_only_what_would_be_said_again_is_kept(result: signal_pb2.SignalResult, *, lasts: bool) -> None:
    assert lasting(result, provenance(result)) is lasts
