import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.access.v1 import access_pb2 as _access_pb2
from foremesh.coordinator.v1 import budget_pb2 as _budget_pb2
from foremesh.coordinator.v1 import lease_pb2 as _lease_pb2
from foremesh.coordinator.v1 import progress_pb2 as _progress_pb2
from foremesh.coordinator.v1 import shard_pb2 as _shard_pb2
from foremesh.coordinator.v1 import worker_pb2 as _worker_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AdoptionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADOPTION_KIND_UNSPECIFIED: _ClassVar[AdoptionKind]
    ADOPTION_KIND_IMPORT: _ClassVar[AdoptionKind]
    ADOPTION_KIND_STATIC: _ClassVar[AdoptionKind]
ADOPTION_KIND_UNSPECIFIED: AdoptionKind
ADOPTION_KIND_IMPORT: AdoptionKind
ADOPTION_KIND_STATIC: AdoptionKind

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
    api_budget: _budget_pb2.ApiBudget
    leases: _containers.RepeatedCompositeFieldContainer[_shard_pb2.LeaseProgress]
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., worker_instance_id: _Optional[str] = ..., software_version: _Optional[str] = ..., node_index: _Optional[int] = ..., fetch_address: _Optional[str] = ..., api_budget: _Optional[_Union[_budget_pb2.ApiBudget, _Mapping]] = ..., leases: _Optional[_Iterable[_Union[_shard_pb2.LeaseProgress, _Mapping]]] = ...) -> None: ...

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
    lease_verdicts: _containers.RepeatedCompositeFieldContainer[_lease_pb2.LeaseVerdict]
    api_budget_share: _budget_pb2.ApiBudgetShare
    def __init__(self, instance_id: _Optional[str] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., min_heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease_verdicts: _Optional[_Iterable[_Union[_lease_pb2.LeaseVerdict, _Mapping]]] = ..., api_budget_share: _Optional[_Union[_budget_pb2.ApiBudgetShare, _Mapping]] = ...) -> None: ...

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
    intent: _worker_pb2.WorkerIntent
    leases: _containers.RepeatedCompositeFieldContainer[_shard_pb2.LeaseProgress]
    wanted_lease_count: int
    api_usage: _budget_pb2.ApiUsage
    file_reports: _containers.RepeatedCompositeFieldContainer[_worker_pb2.FileReport]
    missing_copy_count: int
    free_disk_bytes: int
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., worker_instance_id: _Optional[str] = ..., sequence: _Optional[int] = ..., intent: _Optional[_Union[_worker_pb2.WorkerIntent, str]] = ..., leases: _Optional[_Iterable[_Union[_shard_pb2.LeaseProgress, _Mapping]]] = ..., wanted_lease_count: _Optional[int] = ..., api_usage: _Optional[_Union[_budget_pb2.ApiUsage, _Mapping]] = ..., file_reports: _Optional[_Iterable[_Union[_worker_pb2.FileReport, _Mapping]]] = ..., missing_copy_count: _Optional[int] = ..., free_disk_bytes: _Optional[int] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("instance_id", "lease_verdicts", "grants", "api_budget_share", "archive_cutoff_time")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_VERDICTS_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    API_BUDGET_SHARE_FIELD_NUMBER: _ClassVar[int]
    ARCHIVE_CUTOFF_TIME_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    lease_verdicts: _containers.RepeatedCompositeFieldContainer[_lease_pb2.LeaseVerdict]
    grants: _containers.RepeatedCompositeFieldContainer[_lease_pb2.LeaseGrant]
    api_budget_share: _budget_pb2.ApiBudgetShare
    archive_cutoff_time: _timestamp_pb2.Timestamp
    def __init__(self, instance_id: _Optional[str] = ..., lease_verdicts: _Optional[_Iterable[_Union[_lease_pb2.LeaseVerdict, _Mapping]]] = ..., grants: _Optional[_Iterable[_Union[_lease_pb2.LeaseGrant, _Mapping]]] = ..., api_budget_share: _Optional[_Union[_budget_pb2.ApiBudgetShare, _Mapping]] = ..., archive_cutoff_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

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
    shard_key: _shard_pb2.ShardKey
    epoch: int
    adoption: Adoption
    file: _shard_pb2.ShardFile
    covered_end_time: _timestamp_pb2.Timestamp
    holes: _containers.RepeatedCompositeFieldContainer[_shard_pb2.Hole]
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., shard_key: _Optional[_Union[_shard_pb2.ShardKey, _Mapping]] = ..., epoch: _Optional[int] = ..., adoption: _Optional[_Union[Adoption, _Mapping]] = ..., file: _Optional[_Union[_shard_pb2.ShardFile, _Mapping]] = ..., covered_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., holes: _Optional[_Iterable[_Union[_shard_pb2.Hole, _Mapping]]] = ...) -> None: ...

class CommitShardResponse(_message.Message):
    __slots__ = ("instance_id", "commit", "state", "already_committed")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ALREADY_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    commit: _shard_pb2.ShardCommit
    state: _shard_pb2.ShardState
    already_committed: bool
    def __init__(self, instance_id: _Optional[str] = ..., commit: _Optional[_Union[_shard_pb2.ShardCommit, _Mapping]] = ..., state: _Optional[_Union[_shard_pb2.ShardState, str]] = ..., already_committed: _Optional[bool] = ...) -> None: ...

class ReleaseLeaseRequest(_message.Message):
    __slots__ = ("request_id", "worker_id", "lease", "reason", "detail")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    worker_id: str
    lease: _shard_pb2.LeaseKey
    reason: _lease_pb2.LeaseReleaseReason
    detail: str
    def __init__(self, request_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., lease: _Optional[_Union[_shard_pb2.LeaseKey, _Mapping]] = ..., reason: _Optional[_Union[_lease_pb2.LeaseReleaseReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class ReleaseLeaseResponse(_message.Message):
    __slots__ = ("instance_id",)
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    def __init__(self, instance_id: _Optional[str] = ...) -> None: ...

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
    progress: _progress_pb2.Progress
    def __init__(self, progress: _Optional[_Union[_progress_pb2.Progress, _Mapping]] = ...) -> None: ...

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
    progress: _progress_pb2.Progress
    def __init__(self, progress: _Optional[_Union[_progress_pb2.Progress, _Mapping]] = ...) -> None: ...

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
    states: _containers.RepeatedScalarFieldContainer[_shard_pb2.ShardState]
    owner_worker_id: str
    committed_only: bool
    holed_only: bool
    after_commit_sequence: int
    include_holes: bool
    page_size: int
    page_token: str
    def __init__(self, series_tickers: _Optional[_Iterable[str]] = ..., event_ticker: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_shard_pb2.ShardState, str]]] = ..., owner_worker_id: _Optional[str] = ..., committed_only: _Optional[bool] = ..., holed_only: _Optional[bool] = ..., after_commit_sequence: _Optional[int] = ..., include_holes: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListShardsResponse(_message.Message):
    __slots__ = ("instance_id", "shards", "next_page_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    shards: _containers.RepeatedCompositeFieldContainer[_shard_pb2.Shard]
    next_page_token: str
    def __init__(self, instance_id: _Optional[str] = ..., shards: _Optional[_Iterable[_Union[_shard_pb2.Shard, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_worker_pb2.WorkerState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[_worker_pb2.WorkerState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("instance_id", "workers", "next_page_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    workers: _containers.RepeatedCompositeFieldContainer[_worker_pb2.Worker]
    next_page_token: str
    def __init__(self, instance_id: _Optional[str] = ..., workers: _Optional[_Iterable[_Union[_worker_pb2.Worker, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FetchShardRequest(_message.Message):
    __slots__ = ("shard_key", "sha256", "offset_bytes")
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    shard_key: _shard_pb2.ShardKey
    sha256: str
    offset_bytes: int
    def __init__(self, shard_key: _Optional[_Union[_shard_pb2.ShardKey, _Mapping]] = ..., sha256: _Optional[str] = ..., offset_bytes: _Optional[int] = ...) -> None: ...

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
    commit: _shard_pb2.ShardCommit
    offset_bytes: int
    instance_id: str
    def __init__(self, commit: _Optional[_Union[_shard_pb2.ShardCommit, _Mapping]] = ..., offset_bytes: _Optional[int] = ..., instance_id: _Optional[str] = ...) -> None: ...

class FetchChunk(_message.Message):
    __slots__ = ("offset_bytes", "data")
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    offset_bytes: int
    data: bytes
    def __init__(self, offset_bytes: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...
