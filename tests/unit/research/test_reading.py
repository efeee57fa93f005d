"""What the forecast server says, as research reads it."""

import pickle
from dataclasses import fields
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


@pytest.mark.parametrize(
    "path",
    [
        forecast_pb2.ForecastPath.FromString(PATH.SerializeToString() + b"\x7a\x01\x00"),  # a field of a later contract
        forecast_pb2.ForecastPath(horizon_steps=2, mean_cents=[40, 38]),
    ],
)
def test_a_path_of_another_form_is_read_as_it_is(path: forecast_pb2.ForecastPath) -> None:
    below = signal_pb2.NoSignal(reason=BELOW.reason, path=path, provenance=SOURCE)
    found = said(signal_pb2.SignalResult(no_signal=below))
    assert isinstance(found, Unsaid)
    assert found.fan is not None
    assert found.fan.path_cents.tolist() == [40, 38]
    assert found.fan.quantiles_cents.ravel().tolist() == list(path.quantiles_cents)
    assert not found.fan.path_cents.flags.writeable
    assert not found.fan.quantiles_cents.flags.writeable


@pytest.mark.parametrize("levels", [[0.1, 0.5, 0.9], []])
def test_what_was_read_travels_between_processes_as_it_is(levels: list[float]) -> None:
    numbers = PATH.quantiles_cents[: 2 * len(levels)]
    path = forecast_pb2.ForecastPath(
        horizon_steps=2, mean_cents=PATH.mean_cents, quantile_levels=levels, quantiles_cents=numbers
    )
    told = said(signal()), said(signal_pb2.SignalResult(no_signal={"reason": BELOW.reason, "path": path}))
    for sent in told:
        came = pickle.loads(pickle.dumps(sent))  # noqa: S301  # it comes from here
        for one, other in zip(_parts(sent), _parts(came), strict=True):
            assert type(one) is type(other)
            np.testing.assert_array_equal(one, other)


def _parts(found: Forecasted | Unsaid) -> list[object]:
    fan = found if isinstance(found, Forecasted) else found.fan
    assert fan is not None
    values = [getattr(fan, field.name) for field in fields(fan)]
    return [type(found), *values, getattr(found, "reason", None)]


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
