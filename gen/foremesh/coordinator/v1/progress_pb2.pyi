import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.coordinator.v1 import shard_pb2 as _shard_pb2
from foremesh.coordinator.v1 import worker_pb2 as _worker_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SeriesProgress(_message.Message):
    __slots__ = ("series_ticker", "candle_step", "total_count", "committed_count", "sealed_count", "open_count", "leased_count", "holed_count", "price_only_count", "hole_count", "row_count", "size_bytes", "estimated_remaining", "list_time", "due_count", "next_due_after")
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    CANDLE_STEP_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SEALED_COUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    LEASED_COUNT_FIELD_NUMBER: _ClassVar[int]
    HOLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRICE_ONLY_COUNT_FIELD_NUMBER: _ClassVar[int]
    HOLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_REMAINING_FIELD_NUMBER: _ClassVar[int]
    LIST_TIME_FIELD_NUMBER: _ClassVar[int]
    DUE_COUNT_FIELD_NUMBER: _ClassVar[int]
    NEXT_DUE_AFTER_FIELD_NUMBER: _ClassVar[int]
    series_ticker: str
    candle_step: _duration_pb2.Duration
    total_count: int
    committed_count: int
    sealed_count: int
    open_count: int
    leased_count: int
    holed_count: int
    price_only_count: int
    hole_count: int
    row_count: int
    size_bytes: int
    estimated_remaining: _duration_pb2.Duration
    list_time: _timestamp_pb2.Timestamp
    due_count: int
    next_due_after: _duration_pb2.Duration
    def __init__(self, series_ticker: _Optional[str] = ..., candle_step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., total_count: _Optional[int] = ..., committed_count: _Optional[int] = ..., sealed_count: _Optional[int] = ..., open_count: _Optional[int] = ..., leased_count: _Optional[int] = ..., holed_count: _Optional[int] = ..., price_only_count: _Optional[int] = ..., hole_count: _Optional[int] = ..., row_count: _Optional[int] = ..., size_bytes: _Optional[int] = ..., estimated_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., list_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_count: _Optional[int] = ..., next_due_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("instance_id", "observe_time", "series", "workers", "leases", "estimated_remaining", "last_commit_sequence", "next_due_after")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_TIME_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_REMAINING_FIELD_NUMBER: _ClassVar[int]
    LAST_COMMIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    NEXT_DUE_AFTER_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    observe_time: _timestamp_pb2.Timestamp
    series: _containers.RepeatedCompositeFieldContainer[SeriesProgress]
    workers: _containers.RepeatedCompositeFieldContainer[_worker_pb2.Worker]
    leases: _containers.RepeatedCompositeFieldContainer[_shard_pb2.LeaseStatus]
    estimated_remaining: _duration_pb2.Duration
    last_commit_sequence: int
    next_due_after: _duration_pb2.Duration
    def __init__(self, instance_id: _Optional[str] = ..., observe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., series: _Optional[_Iterable[_Union[SeriesProgress, _Mapping]]] = ..., workers: _Optional[_Iterable[_Union[_worker_pb2.Worker, _Mapping]]] = ..., leases: _Optional[_Iterable[_Union[_shard_pb2.LeaseStatus, _Mapping]]] = ..., estimated_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., last_commit_sequence: _Optional[int] = ..., next_due_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
