from buf.validate import validate_pb2 as _validate_pb2
from foremesh.forecast.v1 import forecast_pb2 as _forecast_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    DIRECTION_UP: _ClassVar[Direction]
    DIRECTION_DOWN: _ClassVar[Direction]

class Confidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONFIDENCE_UNSPECIFIED: _ClassVar[Confidence]
    CONFIDENCE_LOW: _ClassVar[Confidence]
    CONFIDENCE_MEDIUM: _ClassVar[Confidence]
    CONFIDENCE_MEDIUM_HIGH: _ClassVar[Confidence]
    CONFIDENCE_HIGH: _ClassVar[Confidence]

class NoSignalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NO_SIGNAL_REASON_UNSPECIFIED: _ClassVar[NoSignalReason]
    NO_SIGNAL_REASON_TOO_SHORT: _ClassVar[NoSignalReason]
    NO_SIGNAL_REASON_NO_FINITE_POINT: _ClassVar[NoSignalReason]
    NO_SIGNAL_REASON_CONSTANT: _ClassVar[NoSignalReason]
    NO_SIGNAL_REASON_CLOSES_BEFORE_FIRST_STEP: _ClassVar[NoSignalReason]
    NO_SIGNAL_REASON_BELOW_THRESHOLD: _ClassVar[NoSignalReason]
    NO_SIGNAL_REASON_STALE: _ClassVar[NoSignalReason]
DIRECTION_UNSPECIFIED: Direction
DIRECTION_UP: Direction
DIRECTION_DOWN: Direction
CONFIDENCE_UNSPECIFIED: Confidence
CONFIDENCE_LOW: Confidence
CONFIDENCE_MEDIUM: Confidence
CONFIDENCE_MEDIUM_HIGH: Confidence
CONFIDENCE_HIGH: Confidence
NO_SIGNAL_REASON_UNSPECIFIED: NoSignalReason
NO_SIGNAL_REASON_TOO_SHORT: NoSignalReason
NO_SIGNAL_REASON_NO_FINITE_POINT: NoSignalReason
NO_SIGNAL_REASON_CONSTANT: NoSignalReason
NO_SIGNAL_REASON_CLOSES_BEFORE_FIRST_STEP: NoSignalReason
NO_SIGNAL_REASON_BELOW_THRESHOLD: NoSignalReason
NO_SIGNAL_REASON_STALE: NoSignalReason

class SignalOptions(_message.Message):
    __slots__ = ("min_magnitude_cents", "drop_levels_cents")
    MIN_MAGNITUDE_CENTS_FIELD_NUMBER: _ClassVar[int]
    DROP_LEVELS_CENTS_FIELD_NUMBER: _ClassVar[int]
    min_magnitude_cents: float
    drop_levels_cents: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, min_magnitude_cents: _Optional[float] = ..., drop_levels_cents: _Optional[_Iterable[float]] = ...) -> None: ...

class SignalResult(_message.Message):
    __slots__ = ("input_index", "market_ticker", "signal", "no_signal", "rejected", "expired", "failed")
    INPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    NO_SIGNAL_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    input_index: int
    market_ticker: str
    signal: Signal
    no_signal: NoSignal
    rejected: _forecast_pb2.Rejected
    expired: _forecast_pb2.Expired
    failed: _forecast_pb2.Failed
    def __init__(self, input_index: _Optional[int] = ..., market_ticker: _Optional[str] = ..., signal: _Optional[_Union[Signal, _Mapping]] = ..., no_signal: _Optional[_Union[NoSignal, _Mapping]] = ..., rejected: _Optional[_Union[_forecast_pb2.Rejected, _Mapping]] = ..., expired: _Optional[_Union[_forecast_pb2.Expired, _Mapping]] = ..., failed: _Optional[_Union[_forecast_pb2.Failed, _Mapping]] = ...) -> None: ...

class Signal(_message.Message):
    __slots__ = ("direction", "magnitude_cents", "confidence", "current_price_cents", "forecast_mean_cents", "forecast_end_cents", "take_profit_cents", "stop_loss_cents", "path", "drop_probabilities", "provenance")
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    MAGNITUDE_CENTS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    FORECAST_MEAN_CENTS_FIELD_NUMBER: _ClassVar[int]
    FORECAST_END_CENTS_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_CENTS_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_CENTS_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    DROP_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    direction: Direction
    magnitude_cents: float
    confidence: Confidence
    current_price_cents: float
    forecast_mean_cents: float
    forecast_end_cents: float
    take_profit_cents: float
    stop_loss_cents: float
    path: _forecast_pb2.ForecastPath
    drop_probabilities: _containers.RepeatedCompositeFieldContainer[DropProbability]
    provenance: _forecast_pb2.Provenance
    def __init__(self, direction: _Optional[_Union[Direction, str]] = ..., magnitude_cents: _Optional[float] = ..., confidence: _Optional[_Union[Confidence, str]] = ..., current_price_cents: _Optional[float] = ..., forecast_mean_cents: _Optional[float] = ..., forecast_end_cents: _Optional[float] = ..., take_profit_cents: _Optional[float] = ..., stop_loss_cents: _Optional[float] = ..., path: _Optional[_Union[_forecast_pb2.ForecastPath, _Mapping]] = ..., drop_probabilities: _Optional[_Iterable[_Union[DropProbability, _Mapping]]] = ..., provenance: _Optional[_Union[_forecast_pb2.Provenance, _Mapping]] = ...) -> None: ...

class DropProbability(_message.Message):
    __slots__ = ("drop_cents", "lower_bound", "upper_bound")
    DROP_CENTS_FIELD_NUMBER: _ClassVar[int]
    LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    UPPER_BOUND_FIELD_NUMBER: _ClassVar[int]
    drop_cents: float
    lower_bound: float
    upper_bound: float
    def __init__(self, drop_cents: _Optional[float] = ..., lower_bound: _Optional[float] = ..., upper_bound: _Optional[float] = ...) -> None: ...

class NoSignal(_message.Message):
    __slots__ = ("reason", "magnitude_cents", "path", "provenance")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MAGNITUDE_CENTS_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    reason: NoSignalReason
    magnitude_cents: float
    path: _forecast_pb2.ForecastPath
    provenance: _forecast_pb2.Provenance
    def __init__(self, reason: _Optional[_Union[NoSignalReason, str]] = ..., magnitude_cents: _Optional[float] = ..., path: _Optional[_Union[_forecast_pb2.ForecastPath, _Mapping]] = ..., provenance: _Optional[_Union[_forecast_pb2.Provenance, _Mapping]] = ...) -> None: ...
