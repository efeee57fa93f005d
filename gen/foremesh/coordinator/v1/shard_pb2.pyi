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

class ShardState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_STATE_UNSPECIFIED: _ClassVar[ShardState]
    SHARD_STATE_OPEN: _ClassVar[ShardState]
    SHARD_STATE_CLOSED: _ClassVar[ShardState]
    SHARD_STATE_SEALED: _ClassVar[ShardState]

class ShardContent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_CONTENT_UNSPECIFIED: _ClassVar[ShardContent]
    SHARD_CONTENT_PRICES_AND_QUOTES: _ClassVar[ShardContent]
    SHARD_CONTENT_PRICES: _ClassVar[ShardContent]

class HoleReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLE_REASON_UNSPECIFIED: _ClassVar[HoleReason]
    HOLE_REASON_NO_DATA: _ClassVar[HoleReason]
    HOLE_REASON_NOT_FOUND: _ClassVar[HoleReason]
    HOLE_REASON_REFUSED: _ClassVar[HoleReason]
    HOLE_REASON_RATE_LIMITED: _ClassVar[HoleReason]
    HOLE_REASON_UNAVAILABLE: _ClassVar[HoleReason]
    HOLE_REASON_TIMED_OUT: _ClassVar[HoleReason]
    HOLE_REASON_INVALID_DATA: _ClassVar[HoleReason]
    HOLE_REASON_NOT_ATTEMPTED: _ClassVar[HoleReason]

class LeasePurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_PURPOSE_UNSPECIFIED: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_COLLECT: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_REFRESH: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_FINISH: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_RETRY_HOLES: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_REPAIR: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_ADD_QUOTES: _ClassVar[LeasePurpose]

class LeaseStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_STAGE_UNSPECIFIED: _ClassVar[LeaseStage]
    LEASE_STAGE_QUEUED: _ClassVar[LeaseStage]
    LEASE_STAGE_FETCHING: _ClassVar[LeaseStage]
    LEASE_STAGE_WRITING: _ClassVar[LeaseStage]
    LEASE_STAGE_COMMITTING: _ClassVar[LeaseStage]
    LEASE_STAGE_DRAINING: _ClassVar[LeaseStage]
SHARD_STATE_UNSPECIFIED: ShardState
SHARD_STATE_OPEN: ShardState
SHARD_STATE_CLOSED: ShardState
SHARD_STATE_SEALED: ShardState
SHARD_CONTENT_UNSPECIFIED: ShardContent
SHARD_CONTENT_PRICES_AND_QUOTES: ShardContent
SHARD_CONTENT_PRICES: ShardContent
HOLE_REASON_UNSPECIFIED: HoleReason
HOLE_REASON_NO_DATA: HoleReason
HOLE_REASON_NOT_FOUND: HoleReason
HOLE_REASON_REFUSED: HoleReason
HOLE_REASON_RATE_LIMITED: HoleReason
HOLE_REASON_UNAVAILABLE: HoleReason
HOLE_REASON_TIMED_OUT: HoleReason
HOLE_REASON_INVALID_DATA: HoleReason
HOLE_REASON_NOT_ATTEMPTED: HoleReason
LEASE_PURPOSE_UNSPECIFIED: LeasePurpose
LEASE_PURPOSE_COLLECT: LeasePurpose
LEASE_PURPOSE_REFRESH: LeasePurpose
LEASE_PURPOSE_FINISH: LeasePurpose
LEASE_PURPOSE_RETRY_HOLES: LeasePurpose
LEASE_PURPOSE_REPAIR: LeasePurpose
LEASE_PURPOSE_ADD_QUOTES: LeasePurpose
LEASE_STAGE_UNSPECIFIED: LeaseStage
LEASE_STAGE_QUEUED: LeaseStage
LEASE_STAGE_FETCHING: LeaseStage
LEASE_STAGE_WRITING: LeaseStage
LEASE_STAGE_COMMITTING: LeaseStage
LEASE_STAGE_DRAINING: LeaseStage

class ShardKey(_message.Message):
    __slots__ = ("series_ticker", "event_ticker", "candle_step")
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    CANDLE_STEP_FIELD_NUMBER: _ClassVar[int]
    series_ticker: str
    event_ticker: str
    candle_step: _duration_pb2.Duration
    def __init__(self, series_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., candle_step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SchemaVersion(_message.Message):
    __slots__ = ("schema_id", "version")
    SCHEMA_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    schema_id: str
    version: int
    def __init__(self, schema_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ShardFile(_message.Message):
    __slots__ = ("sha256", "size_bytes", "row_count", "market_count", "first_time", "last_time", "schema", "content")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    MARKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    size_bytes: int
    row_count: int
    market_count: int
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    schema: SchemaVersion
    content: ShardContent
    def __init__(self, sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., row_count: _Optional[int] = ..., market_count: _Optional[int] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., schema: _Optional[_Union[SchemaVersion, _Mapping]] = ..., content: _Optional[_Union[ShardContent, str]] = ...) -> None: ...

class Hole(_message.Message):
    __slots__ = ("market_ticker", "reason", "detail", "start_time", "end_time", "attempt_count")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    reason: HoleReason
    detail: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    attempt_count: int
    def __init__(self, market_ticker: _Optional[str] = ..., reason: _Optional[_Union[HoleReason, str]] = ..., detail: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_count: _Optional[int] = ...) -> None: ...

class ShardCommit(_message.Message):
    __slots__ = ("epoch", "commit_sequence", "file", "covered_end_time", "hole_count", "worker_id", "commit_time")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    COMMIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    COVERED_END_TIME_FIELD_NUMBER: _ClassVar[int]
    HOLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    COMMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    commit_sequence: int
    file: ShardFile
    covered_end_time: _timestamp_pb2.Timestamp
    hole_count: int
    worker_id: str
    commit_time: _timestamp_pb2.Timestamp
    def __init__(self, epoch: _Optional[int] = ..., commit_sequence: _Optional[int] = ..., file: _Optional[_Union[ShardFile, _Mapping]] = ..., covered_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hole_count: _Optional[int] = ..., worker_id: _Optional[str] = ..., commit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Shard(_message.Message):
    __slots__ = ("shard_key", "state", "current_epoch", "preferred_worker_id", "lease", "commit", "holder_worker_ids", "holes", "open_time", "close_time", "due_after")
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    PREFERRED_WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    HOLDER_WORKER_IDS_FIELD_NUMBER: _ClassVar[int]
    HOLES_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    DUE_AFTER_FIELD_NUMBER: _ClassVar[int]
    shard_key: ShardKey
    state: ShardState
    current_epoch: int
    preferred_worker_id: str
    lease: LeaseStatus
    commit: ShardCommit
    holder_worker_ids: _containers.RepeatedScalarFieldContainer[str]
    holes: _containers.RepeatedCompositeFieldContainer[Hole]
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    due_after: _duration_pb2.Duration
    def __init__(self, shard_key: _Optional[_Union[ShardKey, _Mapping]] = ..., state: _Optional[_Union[ShardState, str]] = ..., current_epoch: _Optional[int] = ..., preferred_worker_id: _Optional[str] = ..., lease: _Optional[_Union[LeaseStatus, _Mapping]] = ..., commit: _Optional[_Union[ShardCommit, _Mapping]] = ..., holder_worker_ids: _Optional[_Iterable[str]] = ..., holes: _Optional[_Iterable[_Union[Hole, _Mapping]]] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LeaseKey(_message.Message):
    __slots__ = ("shard_key", "epoch")
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    shard_key: ShardKey
    epoch: int
    def __init__(self, shard_key: _Optional[_Union[ShardKey, _Mapping]] = ..., epoch: _Optional[int] = ...) -> None: ...

class LeaseProgress(_message.Message):
    __slots__ = ("lease", "stage", "done_market_count", "total_market_count", "hole_count", "row_count", "received_bytes", "token_count", "last_time", "progress_age")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DONE_MARKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MARKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    HOLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_AGE_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseKey
    stage: LeaseStage
    done_market_count: int
    total_market_count: int
    hole_count: int
    row_count: int
    received_bytes: int
    token_count: int
    last_time: _timestamp_pb2.Timestamp
    progress_age: _duration_pb2.Duration
    def __init__(self, lease: _Optional[_Union[LeaseKey, _Mapping]] = ..., stage: _Optional[_Union[LeaseStage, str]] = ..., done_market_count: _Optional[int] = ..., total_market_count: _Optional[int] = ..., hole_count: _Optional[int] = ..., row_count: _Optional[int] = ..., received_bytes: _Optional[int] = ..., token_count: _Optional[int] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., progress_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LeaseStatus(_message.Message):
    __slots__ = ("worker_id", "progress", "purpose", "held", "expire_after", "revoked")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    progress: LeaseProgress
    purpose: LeasePurpose
    held: _duration_pb2.Duration
    expire_after: _duration_pb2.Duration
    revoked: bool
    def __init__(self, worker_id: _Optional[str] = ..., progress: _Optional[_Union[LeaseProgress, _Mapping]] = ..., purpose: _Optional[_Union[LeasePurpose, str]] = ..., held: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., expire_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., revoked: _Optional[bool] = ...) -> None: ...
