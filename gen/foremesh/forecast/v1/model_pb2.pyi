import datetime

from foremesh.forecast.v1 import forecast_pb2 as _forecast_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_STATE_UNSPECIFIED: _ClassVar[ModelState]
    MODEL_STATE_LOADING: _ClassVar[ModelState]
    MODEL_STATE_READY: _ClassVar[ModelState]
    MODEL_STATE_FAILED: _ClassVar[ModelState]
    MODEL_STATE_DRAINING: _ClassVar[ModelState]
MODEL_STATE_UNSPECIFIED: ModelState
MODEL_STATE_LOADING: ModelState
MODEL_STATE_READY: ModelState
MODEL_STATE_FAILED: ModelState
MODEL_STATE_DRAINING: ModelState

class ModelIdentity(_message.Message):
    __slots__ = ("name", "weights_digest", "code_version", "licence", "allowed_purposes", "restriction")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_PURPOSES_FIELD_NUMBER: _ClassVar[int]
    RESTRICTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    weights_digest: str
    code_version: str
    licence: str
    allowed_purposes: _containers.RepeatedScalarFieldContainer[_forecast_pb2.Purpose]
    restriction: str
    def __init__(self, name: _Optional[str] = ..., weights_digest: _Optional[str] = ..., code_version: _Optional[str] = ..., licence: _Optional[str] = ..., allowed_purposes: _Optional[_Iterable[_Union[_forecast_pb2.Purpose, str]]] = ..., restriction: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("identity", "state", "state_detail", "device", "precision", "compile_mode", "max_context_points", "max_horizon_steps", "max_batch_series", "quantile_levels", "warm_context_points", "queue", "start_time", "max_message_bytes", "compile_detail", "weights_source", "min_points", "batch_tolerance", "cost_points", "batch_cost", "activity", "hardware", "cache", "canary", "batch_timings", "cost_steps")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_DETAIL_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    COMPILE_MODE_FIELD_NUMBER: _ClassVar[int]
    MAX_CONTEXT_POINTS_FIELD_NUMBER: _ClassVar[int]
    MAX_HORIZON_STEPS_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_SERIES_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_LEVELS_FIELD_NUMBER: _ClassVar[int]
    WARM_CONTEXT_POINTS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    COMPILE_DETAIL_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SOURCE_FIELD_NUMBER: _ClassVar[int]
    MIN_POINTS_FIELD_NUMBER: _ClassVar[int]
    BATCH_TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    COST_POINTS_FIELD_NUMBER: _ClassVar[int]
    BATCH_COST_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    HARDWARE_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    CANARY_FIELD_NUMBER: _ClassVar[int]
    BATCH_TIMINGS_FIELD_NUMBER: _ClassVar[int]
    COST_STEPS_FIELD_NUMBER: _ClassVar[int]
    identity: ModelIdentity
    state: ModelState
    state_detail: str
    device: str
    precision: str
    compile_mode: str
    max_context_points: int
    max_horizon_steps: int
    max_batch_series: int
    quantile_levels: _containers.RepeatedScalarFieldContainer[float]
    warm_context_points: _containers.RepeatedScalarFieldContainer[int]
    queue: QueueState
    start_time: _timestamp_pb2.Timestamp
    max_message_bytes: int
    compile_detail: str
    weights_source: str
    min_points: int
    batch_tolerance: float
    cost_points: int
    batch_cost: int
    activity: ModelActivity
    hardware: Device
    cache: CacheState
    canary: CanaryState
    batch_timings: _containers.RepeatedCompositeFieldContainer[BatchTiming]
    cost_steps: int
    def __init__(self, identity: _Optional[_Union[ModelIdentity, _Mapping]] = ..., state: _Optional[_Union[ModelState, str]] = ..., state_detail: _Optional[str] = ..., device: _Optional[str] = ..., precision: _Optional[str] = ..., compile_mode: _Optional[str] = ..., max_context_points: _Optional[int] = ..., max_horizon_steps: _Optional[int] = ..., max_batch_series: _Optional[int] = ..., quantile_levels: _Optional[_Iterable[float]] = ..., warm_context_points: _Optional[_Iterable[int]] = ..., queue: _Optional[_Union[QueueState, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_message_bytes: _Optional[int] = ..., compile_detail: _Optional[str] = ..., weights_source: _Optional[str] = ..., min_points: _Optional[int] = ..., batch_tolerance: _Optional[float] = ..., cost_points: _Optional[int] = ..., batch_cost: _Optional[int] = ..., activity: _Optional[_Union[ModelActivity, _Mapping]] = ..., hardware: _Optional[_Union[Device, _Mapping]] = ..., cache: _Optional[_Union[CacheState, _Mapping]] = ..., canary: _Optional[_Union[CanaryState, _Mapping]] = ..., batch_timings: _Optional[_Iterable[_Union[BatchTiming, _Mapping]]] = ..., cost_steps: _Optional[int] = ...) -> None: ...

class ModelActivity(_message.Message):
    __slots__ = ("batches", "series", "busy_share", "padding_share", "expired_series", "failed_series", "out_of_memory_batches", "refused_calls")
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    BUSY_SHARE_FIELD_NUMBER: _ClassVar[int]
    PADDING_SHARE_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_SERIES_FIELD_NUMBER: _ClassVar[int]
    FAILED_SERIES_FIELD_NUMBER: _ClassVar[int]
    OUT_OF_MEMORY_BATCHES_FIELD_NUMBER: _ClassVar[int]
    REFUSED_CALLS_FIELD_NUMBER: _ClassVar[int]
    batches: int
    series: int
    busy_share: float
    padding_share: float
    expired_series: int
    failed_series: int
    out_of_memory_batches: int
    refused_calls: int
    def __init__(self, batches: _Optional[int] = ..., series: _Optional[int] = ..., busy_share: _Optional[float] = ..., padding_share: _Optional[float] = ..., expired_series: _Optional[int] = ..., failed_series: _Optional[int] = ..., out_of_memory_batches: _Optional[int] = ..., refused_calls: _Optional[int] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("name", "runtime", "allocated_bytes", "reserved_bytes", "total_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    ALLOCATED_BYTES_FIELD_NUMBER: _ClassVar[int]
    RESERVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    runtime: str
    allocated_bytes: int
    reserved_bytes: int
    total_bytes: int
    def __init__(self, name: _Optional[str] = ..., runtime: _Optional[str] = ..., allocated_bytes: _Optional[int] = ..., reserved_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class CacheState(_message.Message):
    __slots__ = ("entries", "used_bytes", "capacity_bytes", "hits", "misses")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_BYTES_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    entries: int
    used_bytes: int
    capacity_bytes: int
    hits: int
    misses: int
    def __init__(self, entries: _Optional[int] = ..., used_bytes: _Optional[int] = ..., capacity_bytes: _Optional[int] = ..., hits: _Optional[int] = ..., misses: _Optional[int] = ...) -> None: ...

class CanaryState(_message.Message):
    __slots__ = ("checks", "drifts", "drifted", "last_difference", "last_check_time")
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    DRIFTS_FIELD_NUMBER: _ClassVar[int]
    DRIFTED_FIELD_NUMBER: _ClassVar[int]
    LAST_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_CHECK_TIME_FIELD_NUMBER: _ClassVar[int]
    checks: int
    drifts: int
    drifted: bool
    last_difference: float
    last_check_time: _timestamp_pb2.Timestamp
    def __init__(self, checks: _Optional[int] = ..., drifts: _Optional[int] = ..., drifted: _Optional[bool] = ..., last_difference: _Optional[float] = ..., last_check_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchTiming(_message.Message):
    __slots__ = ("up_to_cost", "batches", "expected_seconds")
    UP_TO_COST_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    up_to_cost: int
    batches: int
    expected_seconds: float
    def __init__(self, up_to_cost: _Optional[int] = ..., batches: _Optional[int] = ..., expected_seconds: _Optional[float] = ...) -> None: ...

class QueueState(_message.Message):
    __slots__ = ("waiting_series", "running_series", "capacity_series", "active_scans")
    WAITING_SERIES_FIELD_NUMBER: _ClassVar[int]
    RUNNING_SERIES_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_SERIES_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_SCANS_FIELD_NUMBER: _ClassVar[int]
    waiting_series: int
    running_series: int
    capacity_series: int
    active_scans: int
    def __init__(self, waiting_series: _Optional[int] = ..., running_series: _Optional[int] = ..., capacity_series: _Optional[int] = ..., active_scans: _Optional[int] = ...) -> None: ...
