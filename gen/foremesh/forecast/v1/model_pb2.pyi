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
    __slots__ = ("name", "weights_digest", "code_version", "licence", "allowed_purposes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_PURPOSES_FIELD_NUMBER: _ClassVar[int]
    name: str
    weights_digest: str
    code_version: str
    licence: str
    allowed_purposes: _containers.RepeatedScalarFieldContainer[_forecast_pb2.Purpose]
    def __init__(self, name: _Optional[str] = ..., weights_digest: _Optional[str] = ..., code_version: _Optional[str] = ..., licence: _Optional[str] = ..., allowed_purposes: _Optional[_Iterable[_Union[_forecast_pb2.Purpose, str]]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("identity", "state", "state_detail", "device", "precision", "compile_mode", "max_context_points", "max_horizon_steps", "max_batch_series", "quantile_levels", "warm_context_points", "queue", "start_time", "max_message_bytes")
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
    def __init__(self, identity: _Optional[_Union[ModelIdentity, _Mapping]] = ..., state: _Optional[_Union[ModelState, str]] = ..., state_detail: _Optional[str] = ..., device: _Optional[str] = ..., precision: _Optional[str] = ..., compile_mode: _Optional[str] = ..., max_context_points: _Optional[int] = ..., max_horizon_steps: _Optional[int] = ..., max_batch_series: _Optional[int] = ..., quantile_levels: _Optional[_Iterable[float]] = ..., warm_context_points: _Optional[_Iterable[int]] = ..., queue: _Optional[_Union[QueueState, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_message_bytes: _Optional[int] = ...) -> None: ...

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
