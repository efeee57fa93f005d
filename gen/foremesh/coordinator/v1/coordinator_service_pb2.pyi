import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.access.v1 import access_pb2 as _access_pb2
from foremesh.market.v1 import market_pb2 as _market_pb2
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

class LeaseStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_STAGE_UNSPECIFIED: _ClassVar[LeaseStage]
    LEASE_STAGE_QUEUED: _ClassVar[LeaseStage]
    LEASE_STAGE_FETCHING: _ClassVar[LeaseStage]
    LEASE_STAGE_WRITING: _ClassVar[LeaseStage]
    LEASE_STAGE_COMMITTING: _ClassVar[LeaseStage]
    LEASE_STAGE_DRAINING: _ClassVar[LeaseStage]

class ApiBudgetKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    API_BUDGET_KIND_UNSPECIFIED: _ClassVar[ApiBudgetKind]
    API_BUDGET_KIND_PER_IP: _ClassVar[ApiBudgetKind]
    API_BUDGET_KIND_PER_ACCOUNT: _ClassVar[ApiBudgetKind]

class WorkerIntent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_INTENT_UNSPECIFIED: _ClassVar[WorkerIntent]
    WORKER_INTENT_COLLECT: _ClassVar[WorkerIntent]
    WORKER_INTENT_DRAIN: _ClassVar[WorkerIntent]
    WORKER_INTENT_LEAVE: _ClassVar[WorkerIntent]

class FileCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FILE_CONDITION_UNSPECIFIED: _ClassVar[FileCondition]
    FILE_CONDITION_VERIFIED: _ClassVar[FileCondition]
    FILE_CONDITION_MISSING: _ClassVar[FileCondition]
    FILE_CONDITION_DAMAGED: _ClassVar[FileCondition]

class LeaseRevocationReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_REVOCATION_REASON_UNSPECIFIED: _ClassVar[LeaseRevocationReason]
    LEASE_REVOCATION_REASON_REBALANCE: _ClassVar[LeaseRevocationReason]
    LEASE_REVOCATION_REASON_SLOW: _ClassVar[LeaseRevocationReason]
    LEASE_REVOCATION_REASON_WITHDRAWN: _ClassVar[LeaseRevocationReason]

class LeaseCancellationReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_CANCELLATION_REASON_UNSPECIFIED: _ClassVar[LeaseCancellationReason]
    LEASE_CANCELLATION_REASON_STALE_EPOCH: _ClassVar[LeaseCancellationReason]
    LEASE_CANCELLATION_REASON_COMMITTED: _ClassVar[LeaseCancellationReason]
    LEASE_CANCELLATION_REASON_UNKNOWN_EPOCH: _ClassVar[LeaseCancellationReason]
    LEASE_CANCELLATION_REASON_WITHDRAWN: _ClassVar[LeaseCancellationReason]

class LeasePurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_PURPOSE_UNSPECIFIED: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_COLLECT: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_REFRESH: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_FINISH: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_RETRY_HOLES: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_REPAIR: _ClassVar[LeasePurpose]
    LEASE_PURPOSE_ADD_QUOTES: _ClassVar[LeasePurpose]

class AdoptionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADOPTION_KIND_UNSPECIFIED: _ClassVar[AdoptionKind]
    ADOPTION_KIND_IMPORT: _ClassVar[AdoptionKind]
    ADOPTION_KIND_STATIC: _ClassVar[AdoptionKind]

class LeaseReleaseReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_RELEASE_REASON_UNSPECIFIED: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_REVOKED: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_SHUTDOWN: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_DISK: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_FAILED: _ClassVar[LeaseReleaseReason]

class WorkerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_STATE_UNSPECIFIED: _ClassVar[WorkerState]
    WORKER_STATE_ACTIVE: _ClassVar[WorkerState]
    WORKER_STATE_SLOW: _ClassVar[WorkerState]
    WORKER_STATE_DRAINING: _ClassVar[WorkerState]
    WORKER_STATE_SILENT: _ClassVar[WorkerState]
    WORKER_STATE_LOST: _ClassVar[WorkerState]
    WORKER_STATE_LEFT: _ClassVar[WorkerState]
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
LEASE_STAGE_UNSPECIFIED: LeaseStage
LEASE_STAGE_QUEUED: LeaseStage
LEASE_STAGE_FETCHING: LeaseStage
LEASE_STAGE_WRITING: LeaseStage
LEASE_STAGE_COMMITTING: LeaseStage
LEASE_STAGE_DRAINING: LeaseStage
API_BUDGET_KIND_UNSPECIFIED: ApiBudgetKind
API_BUDGET_KIND_PER_IP: ApiBudgetKind
API_BUDGET_KIND_PER_ACCOUNT: ApiBudgetKind
WORKER_INTENT_UNSPECIFIED: WorkerIntent
WORKER_INTENT_COLLECT: WorkerIntent
WORKER_INTENT_DRAIN: WorkerIntent
WORKER_INTENT_LEAVE: WorkerIntent
FILE_CONDITION_UNSPECIFIED: FileCondition
FILE_CONDITION_VERIFIED: FileCondition
FILE_CONDITION_MISSING: FileCondition
FILE_CONDITION_DAMAGED: FileCondition
LEASE_REVOCATION_REASON_UNSPECIFIED: LeaseRevocationReason
LEASE_REVOCATION_REASON_REBALANCE: LeaseRevocationReason
LEASE_REVOCATION_REASON_SLOW: LeaseRevocationReason
LEASE_REVOCATION_REASON_WITHDRAWN: LeaseRevocationReason
LEASE_CANCELLATION_REASON_UNSPECIFIED: LeaseCancellationReason
LEASE_CANCELLATION_REASON_STALE_EPOCH: LeaseCancellationReason
LEASE_CANCELLATION_REASON_COMMITTED: LeaseCancellationReason
LEASE_CANCELLATION_REASON_UNKNOWN_EPOCH: LeaseCancellationReason
LEASE_CANCELLATION_REASON_WITHDRAWN: LeaseCancellationReason
LEASE_PURPOSE_UNSPECIFIED: LeasePurpose
LEASE_PURPOSE_COLLECT: LeasePurpose
LEASE_PURPOSE_REFRESH: LeasePurpose
LEASE_PURPOSE_FINISH: LeasePurpose
LEASE_PURPOSE_RETRY_HOLES: LeasePurpose
LEASE_PURPOSE_REPAIR: LeasePurpose
LEASE_PURPOSE_ADD_QUOTES: LeasePurpose
ADOPTION_KIND_UNSPECIFIED: AdoptionKind
ADOPTION_KIND_IMPORT: AdoptionKind
ADOPTION_KIND_STATIC: AdoptionKind
LEASE_RELEASE_REASON_UNSPECIFIED: LeaseReleaseReason
LEASE_RELEASE_REASON_REVOKED: LeaseReleaseReason
LEASE_RELEASE_REASON_SHUTDOWN: LeaseReleaseReason
LEASE_RELEASE_REASON_DISK: LeaseReleaseReason
LEASE_RELEASE_REASON_FAILED: LeaseReleaseReason
WORKER_STATE_UNSPECIFIED: WorkerState
WORKER_STATE_ACTIVE: WorkerState
WORKER_STATE_SLOW: WorkerState
WORKER_STATE_DRAINING: WorkerState
WORKER_STATE_SILENT: WorkerState
WORKER_STATE_LOST: WorkerState
WORKER_STATE_LEFT: WorkerState

class ShardKey(_message.Message):
    __slots__ = ("series_ticker", "event_ticker", "candle_step")
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    CANDLE_STEP_FIELD_NUMBER: _ClassVar[int]
    series_ticker: str
    event_ticker: str
    candle_step: _duration_pb2.Duration
    def __init__(self, series_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., candle_step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LeaseKey(_message.Message):
    __slots__ = ("shard_key", "epoch")
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    shard_key: ShardKey
    epoch: int
    def __init__(self, shard_key: _Optional[_Union[ShardKey, _Mapping]] = ..., epoch: _Optional[int] = ...) -> None: ...

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

class ApiBudget(_message.Message):
    __slots__ = ("kind", "budget_id", "refill_tokens_per_second", "capacity_tokens")
    KIND_FIELD_NUMBER: _ClassVar[int]
    BUDGET_ID_FIELD_NUMBER: _ClassVar[int]
    REFILL_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    kind: ApiBudgetKind
    budget_id: str
    refill_tokens_per_second: float
    capacity_tokens: float
    def __init__(self, kind: _Optional[_Union[ApiBudgetKind, str]] = ..., budget_id: _Optional[str] = ..., refill_tokens_per_second: _Optional[float] = ..., capacity_tokens: _Optional[float] = ...) -> None: ...

class ApiUsage(_message.Message):
    __slots__ = ("call_count", "token_count", "throttled_count", "failed_count", "tokens_per_second", "wanted_tokens_per_second")
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    THROTTLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    WANTED_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    call_count: int
    token_count: int
    throttled_count: int
    failed_count: int
    tokens_per_second: float
    wanted_tokens_per_second: float
    def __init__(self, call_count: _Optional[int] = ..., token_count: _Optional[int] = ..., throttled_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., tokens_per_second: _Optional[float] = ..., wanted_tokens_per_second: _Optional[float] = ...) -> None: ...

class RegisterWorkerRequest(_message.Message):
    __slots__ = ("request_id", "worker_id", "worker_instance_id", "software_version", "node_index", "fetch_address", "api_budget", "leases")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    NODE_INDEX_FIELD_NUMBER: _ClassVar[int]
    FETCH_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    API_BUDGET_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    worker_id: str
    worker_instance_id: str
    software_version: str
    node_index: int
    fetch_address: str
    api_budget: ApiBudget
    leases: _containers.RepeatedCompositeFieldContainer[LeaseProgress]
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., worker_instance_id: _Optional[str] = ..., software_version: _Optional[str] = ..., node_index: _Optional[int] = ..., fetch_address: _Optional[str] = ..., api_budget: _Optional[_Union[ApiBudget, _Mapping]] = ..., leases: _Optional[_Iterable[_Union[LeaseProgress, _Mapping]]] = ...) -> None: ...

class RegisterWorkerResponse(_message.Message):
    __slots__ = ("instance_id", "heartbeat_interval", "min_heartbeat_interval", "lease_verdicts", "api_budget_share")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    MIN_HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    LEASE_VERDICTS_FIELD_NUMBER: _ClassVar[int]
    API_BUDGET_SHARE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    heartbeat_interval: _duration_pb2.Duration
    min_heartbeat_interval: _duration_pb2.Duration
    lease_verdicts: _containers.RepeatedCompositeFieldContainer[LeaseVerdict]
    api_budget_share: ApiBudgetShare
    def __init__(self, instance_id: _Optional[str] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., min_heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease_verdicts: _Optional[_Iterable[_Union[LeaseVerdict, _Mapping]]] = ..., api_budget_share: _Optional[_Union[ApiBudgetShare, _Mapping]] = ...) -> None: ...

class FileReport(_message.Message):
    __slots__ = ("shard_key", "sha256", "condition")
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    shard_key: ShardKey
    sha256: str
    condition: FileCondition
    def __init__(self, shard_key: _Optional[_Union[ShardKey, _Mapping]] = ..., sha256: _Optional[str] = ..., condition: _Optional[_Union[FileCondition, str]] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("request_id", "worker_id", "worker_instance_id", "sequence", "intent", "leases", "wanted_lease_count", "api_usage", "file_reports", "missing_copy_count", "free_disk_bytes")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    WANTED_LEASE_COUNT_FIELD_NUMBER: _ClassVar[int]
    API_USAGE_FIELD_NUMBER: _ClassVar[int]
    FILE_REPORTS_FIELD_NUMBER: _ClassVar[int]
    MISSING_COPY_COUNT_FIELD_NUMBER: _ClassVar[int]
    FREE_DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    worker_id: str
    worker_instance_id: str
    sequence: int
    intent: WorkerIntent
    leases: _containers.RepeatedCompositeFieldContainer[LeaseProgress]
    wanted_lease_count: int
    api_usage: ApiUsage
    file_reports: _containers.RepeatedCompositeFieldContainer[FileReport]
    missing_copy_count: int
    free_disk_bytes: int
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., worker_instance_id: _Optional[str] = ..., sequence: _Optional[int] = ..., intent: _Optional[_Union[WorkerIntent, str]] = ..., leases: _Optional[_Iterable[_Union[LeaseProgress, _Mapping]]] = ..., wanted_lease_count: _Optional[int] = ..., api_usage: _Optional[_Union[ApiUsage, _Mapping]] = ..., file_reports: _Optional[_Iterable[_Union[FileReport, _Mapping]]] = ..., missing_copy_count: _Optional[int] = ..., free_disk_bytes: _Optional[int] = ...) -> None: ...

class LeaseVerdict(_message.Message):
    __slots__ = ("lease", "renewed", "revoked", "cancelled")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RENEWED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseKey
    renewed: LeaseRenewal
    revoked: LeaseRevocation
    cancelled: LeaseCancellation
    def __init__(self, lease: _Optional[_Union[LeaseKey, _Mapping]] = ..., renewed: _Optional[_Union[LeaseRenewal, _Mapping]] = ..., revoked: _Optional[_Union[LeaseRevocation, _Mapping]] = ..., cancelled: _Optional[_Union[LeaseCancellation, _Mapping]] = ...) -> None: ...

class LeaseRenewal(_message.Message):
    __slots__ = ("expire_after",)
    EXPIRE_AFTER_FIELD_NUMBER: _ClassVar[int]
    expire_after: _duration_pb2.Duration
    def __init__(self, expire_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LeaseRevocation(_message.Message):
    __slots__ = ("drain_within", "reason", "next_worker_id")
    DRAIN_WITHIN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NEXT_WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    drain_within: _duration_pb2.Duration
    reason: LeaseRevocationReason
    next_worker_id: str
    def __init__(self, drain_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[_Union[LeaseRevocationReason, str]] = ..., next_worker_id: _Optional[str] = ...) -> None: ...

class LeaseCancellation(_message.Message):
    __slots__ = ("reason", "current_owner", "current_epoch")
    REASON_FIELD_NUMBER: _ClassVar[int]
    CURRENT_OWNER_FIELD_NUMBER: _ClassVar[int]
    CURRENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    reason: LeaseCancellationReason
    current_owner: str
    current_epoch: int
    def __init__(self, reason: _Optional[_Union[LeaseCancellationReason, str]] = ..., current_owner: _Optional[str] = ..., current_epoch: _Optional[int] = ...) -> None: ...

class MarketTask(_message.Message):
    __slots__ = ("market_ticker", "phase", "open_time", "close_time", "fetch_start_time")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    FETCH_START_TIME_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    phase: _market_pb2.MarketPhase
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    fetch_start_time: _timestamp_pb2.Timestamp
    def __init__(self, market_ticker: _Optional[str] = ..., phase: _Optional[_Union[_market_pb2.MarketPhase, str]] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fetch_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeaseGrant(_message.Message):
    __slots__ = ("lease", "expire_after", "purpose", "open_time", "close_time", "settle_time", "fetch_start_time", "markets", "base", "base_addresses")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    SETTLE_TIME_FIELD_NUMBER: _ClassVar[int]
    FETCH_START_TIME_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    BASE_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    lease: LeaseKey
    expire_after: _duration_pb2.Duration
    purpose: LeasePurpose
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    settle_time: _timestamp_pb2.Timestamp
    fetch_start_time: _timestamp_pb2.Timestamp
    markets: _containers.RepeatedCompositeFieldContainer[MarketTask]
    base: ShardCommit
    base_addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lease: _Optional[_Union[LeaseKey, _Mapping]] = ..., expire_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., purpose: _Optional[_Union[LeasePurpose, str]] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fetch_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., markets: _Optional[_Iterable[_Union[MarketTask, _Mapping]]] = ..., base: _Optional[_Union[ShardCommit, _Mapping]] = ..., base_addresses: _Optional[_Iterable[str]] = ...) -> None: ...

class ApiBudgetShare(_message.Message):
    __slots__ = ("tokens_per_second", "burst_tokens", "hold_for", "fallback_tokens_per_second")
    TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BURST_TOKENS_FIELD_NUMBER: _ClassVar[int]
    HOLD_FOR_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    tokens_per_second: float
    burst_tokens: float
    hold_for: _duration_pb2.Duration
    fallback_tokens_per_second: float
    def __init__(self, tokens_per_second: _Optional[float] = ..., burst_tokens: _Optional[float] = ..., hold_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., fallback_tokens_per_second: _Optional[float] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("instance_id", "lease_verdicts", "grants", "api_budget_share", "archive_cutoff_time")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_VERDICTS_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    API_BUDGET_SHARE_FIELD_NUMBER: _ClassVar[int]
    ARCHIVE_CUTOFF_TIME_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    lease_verdicts: _containers.RepeatedCompositeFieldContainer[LeaseVerdict]
    grants: _containers.RepeatedCompositeFieldContainer[LeaseGrant]
    api_budget_share: ApiBudgetShare
    archive_cutoff_time: _timestamp_pb2.Timestamp
    def __init__(self, instance_id: _Optional[str] = ..., lease_verdicts: _Optional[_Iterable[_Union[LeaseVerdict, _Mapping]]] = ..., grants: _Optional[_Iterable[_Union[LeaseGrant, _Mapping]]] = ..., api_budget_share: _Optional[_Union[ApiBudgetShare, _Mapping]] = ..., archive_cutoff_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Adoption(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: AdoptionKind
    def __init__(self, kind: _Optional[_Union[AdoptionKind, str]] = ...) -> None: ...

class CommitShardRequest(_message.Message):
    __slots__ = ("request_id", "worker_id", "shard_key", "epoch", "adoption", "file", "covered_end_time", "holes")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ADOPTION_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    COVERED_END_TIME_FIELD_NUMBER: _ClassVar[int]
    HOLES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    worker_id: str
    shard_key: ShardKey
    epoch: int
    adoption: Adoption
    file: ShardFile
    covered_end_time: _timestamp_pb2.Timestamp
    holes: _containers.RepeatedCompositeFieldContainer[Hole]
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., shard_key: _Optional[_Union[ShardKey, _Mapping]] = ..., epoch: _Optional[int] = ..., adoption: _Optional[_Union[Adoption, _Mapping]] = ..., file: _Optional[_Union[ShardFile, _Mapping]] = ..., covered_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., holes: _Optional[_Iterable[_Union[Hole, _Mapping]]] = ...) -> None: ...

class CommitShardResponse(_message.Message):
    __slots__ = ("instance_id", "commit", "state", "already_committed")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ALREADY_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    commit: ShardCommit
    state: ShardState
    already_committed: bool
    def __init__(self, instance_id: _Optional[str] = ..., commit: _Optional[_Union[ShardCommit, _Mapping]] = ..., state: _Optional[_Union[ShardState, str]] = ..., already_committed: _Optional[bool] = ...) -> None: ...

class ReleaseLeaseRequest(_message.Message):
    __slots__ = ("request_id", "worker_id", "lease", "reason", "detail")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    worker_id: str
    lease: LeaseKey
    reason: LeaseReleaseReason
    detail: str
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., lease: _Optional[_Union[LeaseKey, _Mapping]] = ..., reason: _Optional[_Union[LeaseReleaseReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class ReleaseLeaseResponse(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("worker_id", "worker_instance_id", "state", "software_version", "node_index", "fetch_address", "api_budget", "api_budget_share", "api_usage", "register_time", "heartbeat_age", "lease_count", "commit_count", "rows_per_second", "missing_copy_count", "free_disk_bytes")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    NODE_INDEX_FIELD_NUMBER: _ClassVar[int]
    FETCH_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    API_BUDGET_FIELD_NUMBER: _ClassVar[int]
    API_BUDGET_SHARE_FIELD_NUMBER: _ClassVar[int]
    API_USAGE_FIELD_NUMBER: _ClassVar[int]
    REGISTER_TIME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_AGE_FIELD_NUMBER: _ClassVar[int]
    LEASE_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMMIT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROWS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MISSING_COPY_COUNT_FIELD_NUMBER: _ClassVar[int]
    FREE_DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    worker_instance_id: str
    state: WorkerState
    software_version: str
    node_index: int
    fetch_address: str
    api_budget: ApiBudget
    api_budget_share: ApiBudgetShare
    api_usage: ApiUsage
    register_time: _timestamp_pb2.Timestamp
    heartbeat_age: _duration_pb2.Duration
    lease_count: int
    commit_count: int
    rows_per_second: float
    missing_copy_count: int
    free_disk_bytes: int
    def __init__(self, worker_id: _Optional[str] = ..., worker_instance_id: _Optional[str] = ..., state: _Optional[_Union[WorkerState, str]] = ..., software_version: _Optional[str] = ..., node_index: _Optional[int] = ..., fetch_address: _Optional[str] = ..., api_budget: _Optional[_Union[ApiBudget, _Mapping]] = ..., api_budget_share: _Optional[_Union[ApiBudgetShare, _Mapping]] = ..., api_usage: _Optional[_Union[ApiUsage, _Mapping]] = ..., register_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., heartbeat_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease_count: _Optional[int] = ..., commit_count: _Optional[int] = ..., rows_per_second: _Optional[float] = ..., missing_copy_count: _Optional[int] = ..., free_disk_bytes: _Optional[int] = ...) -> None: ...

class SeriesProgress(_message.Message):
    __slots__ = ("series_ticker", "candle_step", "total_count", "committed_count", "sealed_count", "open_count", "leased_count", "holed_count", "price_only_count", "hole_count", "row_count", "size_bytes", "estimated_remaining", "list_time")
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
    def __init__(self, series_ticker: _Optional[str] = ..., candle_step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., total_count: _Optional[int] = ..., committed_count: _Optional[int] = ..., sealed_count: _Optional[int] = ..., open_count: _Optional[int] = ..., leased_count: _Optional[int] = ..., holed_count: _Optional[int] = ..., price_only_count: _Optional[int] = ..., hole_count: _Optional[int] = ..., row_count: _Optional[int] = ..., size_bytes: _Optional[int] = ..., estimated_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., list_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("instance_id", "observe_time", "series", "workers", "leases", "estimated_remaining", "last_commit_sequence")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_TIME_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_REMAINING_FIELD_NUMBER: _ClassVar[int]
    LAST_COMMIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    observe_time: _timestamp_pb2.Timestamp
    series: _containers.RepeatedCompositeFieldContainer[SeriesProgress]
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    leases: _containers.RepeatedCompositeFieldContainer[LeaseStatus]
    estimated_remaining: _duration_pb2.Duration
    last_commit_sequence: int
    def __init__(self, instance_id: _Optional[str] = ..., observe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., series: _Optional[_Iterable[_Union[SeriesProgress, _Mapping]]] = ..., workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ..., leases: _Optional[_Iterable[_Union[LeaseStatus, _Mapping]]] = ..., estimated_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., last_commit_sequence: _Optional[int] = ...) -> None: ...

class GetProgressRequest(_message.Message):
    __slots__ = ("series_tickers", "max_lease_count")
    SERIES_TICKERS_FIELD_NUMBER: _ClassVar[int]
    MAX_LEASE_COUNT_FIELD_NUMBER: _ClassVar[int]
    series_tickers: _containers.RepeatedScalarFieldContainer[str]
    max_lease_count: int
    def __init__(self, series_tickers: _Optional[_Iterable[str]] = ..., max_lease_count: _Optional[int] = ...) -> None: ...

class GetProgressResponse(_message.Message):
    __slots__ = ("progress",)
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ...) -> None: ...

class WatchProgressRequest(_message.Message):
    __slots__ = ("series_tickers", "max_lease_count", "min_interval")
    SERIES_TICKERS_FIELD_NUMBER: _ClassVar[int]
    MAX_LEASE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MIN_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    series_tickers: _containers.RepeatedScalarFieldContainer[str]
    max_lease_count: int
    min_interval: _duration_pb2.Duration
    def __init__(self, series_tickers: _Optional[_Iterable[str]] = ..., max_lease_count: _Optional[int] = ..., min_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchProgressResponse(_message.Message):
    __slots__ = ("progress",)
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ...) -> None: ...

class ListShardsRequest(_message.Message):
    __slots__ = ("series_tickers", "event_ticker", "states", "owner_worker_id", "committed_only", "holed_only", "after_commit_sequence", "include_holes", "page_size", "page_token")
    SERIES_TICKERS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    OWNER_WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_ONLY_FIELD_NUMBER: _ClassVar[int]
    HOLED_ONLY_FIELD_NUMBER: _ClassVar[int]
    AFTER_COMMIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_HOLES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    series_tickers: _containers.RepeatedScalarFieldContainer[str]
    event_ticker: str
    states: _containers.RepeatedScalarFieldContainer[ShardState]
    owner_worker_id: str
    committed_only: bool
    holed_only: bool
    after_commit_sequence: int
    include_holes: bool
    page_size: int
    page_token: str
    def __init__(self, series_tickers: _Optional[_Iterable[str]] = ..., event_ticker: _Optional[str] = ..., states: _Optional[_Iterable[_Union[ShardState, str]]] = ..., owner_worker_id: _Optional[str] = ..., committed_only: _Optional[bool] = ..., holed_only: _Optional[bool] = ..., after_commit_sequence: _Optional[int] = ..., include_holes: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListShardsResponse(_message.Message):
    __slots__ = ("instance_id", "shards", "next_page_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    shards: _containers.RepeatedCompositeFieldContainer[Shard]
    next_page_token: str
    def __init__(self, instance_id: _Optional[str] = ..., shards: _Optional[_Iterable[_Union[Shard, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[WorkerState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[WorkerState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("instance_id", "workers", "next_page_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    next_page_token: str
    def __init__(self, instance_id: _Optional[str] = ..., workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FetchShardRequest(_message.Message):
    __slots__ = ("shard_key", "sha256", "offset_bytes")
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    shard_key: ShardKey
    sha256: str
    offset_bytes: int
    def __init__(self, shard_key: _Optional[_Union[ShardKey, _Mapping]] = ..., sha256: _Optional[str] = ..., offset_bytes: _Optional[int] = ...) -> None: ...

class FetchShardResponse(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: FetchHeader
    chunk: FetchChunk
    def __init__(self, header: _Optional[_Union[FetchHeader, _Mapping]] = ..., chunk: _Optional[_Union[FetchChunk, _Mapping]] = ...) -> None: ...

class FetchHeader(_message.Message):
    __slots__ = ("commit", "offset_bytes", "instance_id")
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    commit: ShardCommit
    offset_bytes: int
    instance_id: str
    def __init__(self, commit: _Optional[_Union[ShardCommit, _Mapping]] = ..., offset_bytes: _Optional[int] = ..., instance_id: _Optional[str] = ...) -> None: ...

class FetchChunk(_message.Message):
    __slots__ = ("offset_bytes", "data")
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    offset_bytes: int
    data: bytes
    def __init__(self, offset_bytes: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...
