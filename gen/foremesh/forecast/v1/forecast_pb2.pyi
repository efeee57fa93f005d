import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Purpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURPOSE_UNSPECIFIED: _ClassVar[Purpose]
    PURPOSE_RESEARCH: _ClassVar[Purpose]
    PURPOSE_PAPER: _ClassVar[Purpose]
    PURPOSE_LIVE: _ClassVar[Purpose]

class NoForecastReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NO_FORECAST_REASON_UNSPECIFIED: _ClassVar[NoForecastReason]
    NO_FORECAST_REASON_TOO_SHORT: _ClassVar[NoForecastReason]
    NO_FORECAST_REASON_NO_FINITE_POINT: _ClassVar[NoForecastReason]
    NO_FORECAST_REASON_CONSTANT: _ClassVar[NoForecastReason]
    NO_FORECAST_REASON_CLOSES_BEFORE_FIRST_STEP: _ClassVar[NoForecastReason]
    NO_FORECAST_REASON_STALE: _ClassVar[NoForecastReason]

class ExpiredReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPIRED_REASON_UNSPECIFIED: _ClassVar[ExpiredReason]
    EXPIRED_REASON_USEFUL_UNTIL: _ClassVar[ExpiredReason]
    EXPIRED_REASON_SUPERSEDED: _ClassVar[ExpiredReason]
    EXPIRED_REASON_DRAINING: _ClassVar[ExpiredReason]
    EXPIRED_REASON_UNREAD: _ClassVar[ExpiredReason]

class Degradation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEGRADATION_UNSPECIFIED: _ClassVar[Degradation]
    DEGRADATION_INTERPOLATED: _ClassVar[Degradation]
    DEGRADATION_HISTORY_CUT: _ClassVar[Degradation]
    DEGRADATION_HORIZON_CUT: _ClassVar[Degradation]
    DEGRADATION_AGE_UNKNOWN: _ClassVar[Degradation]
    DEGRADATION_STALE: _ClassVar[Degradation]
    DEGRADATION_QUANTILES_INTERPOLATED: _ClassVar[Degradation]
    DEGRADATION_CANARY_DRIFT: _ClassVar[Degradation]
PURPOSE_UNSPECIFIED: Purpose
PURPOSE_RESEARCH: Purpose
PURPOSE_PAPER: Purpose
PURPOSE_LIVE: Purpose
NO_FORECAST_REASON_UNSPECIFIED: NoForecastReason
NO_FORECAST_REASON_TOO_SHORT: NoForecastReason
NO_FORECAST_REASON_NO_FINITE_POINT: NoForecastReason
NO_FORECAST_REASON_CONSTANT: NoForecastReason
NO_FORECAST_REASON_CLOSES_BEFORE_FIRST_STEP: NoForecastReason
NO_FORECAST_REASON_STALE: NoForecastReason
EXPIRED_REASON_UNSPECIFIED: ExpiredReason
EXPIRED_REASON_USEFUL_UNTIL: ExpiredReason
EXPIRED_REASON_SUPERSEDED: ExpiredReason
EXPIRED_REASON_DRAINING: ExpiredReason
EXPIRED_REASON_UNREAD: ExpiredReason
DEGRADATION_UNSPECIFIED: Degradation
DEGRADATION_INTERPOLATED: Degradation
DEGRADATION_HISTORY_CUT: Degradation
DEGRADATION_HORIZON_CUT: Degradation
DEGRADATION_AGE_UNKNOWN: Degradation
DEGRADATION_STALE: Degradation
DEGRADATION_QUANTILES_INTERPOLATED: Degradation
DEGRADATION_CANARY_DRIFT: Degradation

class ForecastOptions(_message.Message):
    __slots__ = ("horizon_steps", "step", "purpose", "useful_until", "quantile_levels", "max_data_age", "bypass_cache")
    HORIZON_STEPS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    USEFUL_UNTIL_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_LEVELS_FIELD_NUMBER: _ClassVar[int]
    MAX_DATA_AGE_FIELD_NUMBER: _ClassVar[int]
    BYPASS_CACHE_FIELD_NUMBER: _ClassVar[int]
    horizon_steps: int
    step: _duration_pb2.Duration
    purpose: Purpose
    useful_until: _timestamp_pb2.Timestamp
    quantile_levels: _containers.RepeatedScalarFieldContainer[float]
    max_data_age: _duration_pb2.Duration
    bypass_cache: bool
    def __init__(self, horizon_steps: _Optional[int] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., purpose: _Optional[_Union[Purpose, str]] = ..., useful_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quantile_levels: _Optional[_Iterable[float]] = ..., max_data_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., bypass_cache: _Optional[bool] = ...) -> None: ...

class MarketHistory(_message.Message):
    __slots__ = ("market_ticker", "series_ticker", "closes_cents", "current_price_cents", "last_candle_time", "close_time", "priority")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    CLOSES_CENTS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_CANDLE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    series_ticker: str
    closes_cents: _containers.RepeatedScalarFieldContainer[float]
    current_price_cents: float
    last_candle_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    priority: int
    def __init__(self, market_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., closes_cents: _Optional[_Iterable[float]] = ..., current_price_cents: _Optional[float] = ..., last_candle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., priority: _Optional[int] = ...) -> None: ...

class ForecastPath(_message.Message):
    __slots__ = ("horizon_steps", "mean_cents", "quantile_levels", "quantiles_cents")
    HORIZON_STEPS_FIELD_NUMBER: _ClassVar[int]
    MEAN_CENTS_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_LEVELS_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_CENTS_FIELD_NUMBER: _ClassVar[int]
    horizon_steps: int
    mean_cents: _containers.RepeatedScalarFieldContainer[float]
    quantile_levels: _containers.RepeatedScalarFieldContainer[float]
    quantiles_cents: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, horizon_steps: _Optional[int] = ..., mean_cents: _Optional[_Iterable[float]] = ..., quantile_levels: _Optional[_Iterable[float]] = ..., quantiles_cents: _Optional[_Iterable[float]] = ...) -> None: ...

class ForecastResult(_message.Message):
    __slots__ = ("input_index", "market_ticker", "forecast", "no_forecast", "rejected", "expired", "failed")
    INPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    NO_FORECAST_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    input_index: int
    market_ticker: str
    forecast: Forecast
    no_forecast: NoForecast
    rejected: Rejected
    expired: Expired
    failed: Failed
    def __init__(self, input_index: _Optional[int] = ..., market_ticker: _Optional[str] = ..., forecast: _Optional[_Union[Forecast, _Mapping]] = ..., no_forecast: _Optional[_Union[NoForecast, _Mapping]] = ..., rejected: _Optional[_Union[Rejected, _Mapping]] = ..., expired: _Optional[_Union[Expired, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ...) -> None: ...

class Forecast(_message.Message):
    __slots__ = ("path", "provenance")
    PATH_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    path: ForecastPath
    provenance: Provenance
    def __init__(self, path: _Optional[_Union[ForecastPath, _Mapping]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ...) -> None: ...

class NoForecast(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: NoForecastReason
    def __init__(self, reason: _Optional[_Union[NoForecastReason, str]] = ...) -> None: ...

class Rejected(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[FieldProblem]
    def __init__(self, problems: _Optional[_Iterable[_Union[FieldProblem, _Mapping]]] = ...) -> None: ...

class FieldProblem(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class Expired(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: ExpiredReason
    def __init__(self, reason: _Optional[_Union[ExpiredReason, str]] = ...) -> None: ...

class Failed(_message.Message):
    __slots__ = ("error_id",)
    ERROR_ID_FIELD_NUMBER: _ClassVar[int]
    error_id: str
    def __init__(self, error_id: _Optional[str] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("model", "input_digest", "data_age", "degraded", "interpolated_share", "policy_version", "cached", "policy_digest")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DATA_AGE_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATED_SHARE_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    model: str
    input_digest: str
    data_age: _duration_pb2.Duration
    degraded: _containers.RepeatedScalarFieldContainer[Degradation]
    interpolated_share: float
    policy_version: str
    cached: bool
    policy_digest: str
    def __init__(self, model: _Optional[str] = ..., input_digest: _Optional[str] = ..., data_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., degraded: _Optional[_Iterable[_Union[Degradation, str]]] = ..., interpolated_share: _Optional[float] = ..., policy_version: _Optional[str] = ..., cached: _Optional[bool] = ..., policy_digest: _Optional[str] = ...) -> None: ...
