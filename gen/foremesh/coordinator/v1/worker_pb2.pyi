import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.coordinator.v1 import budget_pb2 as _budget_pb2
from foremesh.coordinator.v1 import shard_pb2 as _shard_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WorkerIntent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_INTENT_UNSPECIFIED: _ClassVar[WorkerIntent]
    WORKER_INTENT_COLLECT: _ClassVar[WorkerIntent]
    WORKER_INTENT_DRAIN: _ClassVar[WorkerIntent]
    WORKER_INTENT_LEAVE: _ClassVar[WorkerIntent]

class WorkerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_STATE_UNSPECIFIED: _ClassVar[WorkerState]
    WORKER_STATE_ACTIVE: _ClassVar[WorkerState]
    WORKER_STATE_SLOW: _ClassVar[WorkerState]
    WORKER_STATE_DRAINING: _ClassVar[WorkerState]
    WORKER_STATE_SILENT: _ClassVar[WorkerState]
    WORKER_STATE_LOST: _ClassVar[WorkerState]
    WORKER_STATE_LEFT: _ClassVar[WorkerState]

class FileCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FILE_CONDITION_UNSPECIFIED: _ClassVar[FileCondition]
    FILE_CONDITION_VERIFIED: _ClassVar[FileCondition]
    FILE_CONDITION_MISSING: _ClassVar[FileCondition]
    FILE_CONDITION_DAMAGED: _ClassVar[FileCondition]
WORKER_INTENT_UNSPECIFIED: WorkerIntent
WORKER_INTENT_COLLECT: WorkerIntent
WORKER_INTENT_DRAIN: WorkerIntent
WORKER_INTENT_LEAVE: WorkerIntent
WORKER_STATE_UNSPECIFIED: WorkerState
WORKER_STATE_ACTIVE: WorkerState
WORKER_STATE_SLOW: WorkerState
WORKER_STATE_DRAINING: WorkerState
WORKER_STATE_SILENT: WorkerState
WORKER_STATE_LOST: WorkerState
WORKER_STATE_LEFT: WorkerState
FILE_CONDITION_UNSPECIFIED: FileCondition
FILE_CONDITION_VERIFIED: FileCondition
FILE_CONDITION_MISSING: FileCondition
FILE_CONDITION_DAMAGED: FileCondition

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
    api_budget: _budget_pb2.ApiBudget
    api_budget_share: _budget_pb2.ApiBudgetShare
    api_usage: _budget_pb2.ApiUsage
    register_time: _timestamp_pb2.Timestamp
    heartbeat_age: _duration_pb2.Duration
    lease_count: int
    commit_count: int
    rows_per_second: float
    missing_copy_count: int
    free_disk_bytes: int
    def __init__(self, worker_id: _Optional[str] = ..., worker_instance_id: _Optional[str] = ..., state: _Optional[_Union[WorkerState, str]] = ..., software_version: _Optional[str] = ..., node_index: _Optional[int] = ..., fetch_address: _Optional[str] = ..., api_budget: _Optional[_Union[_budget_pb2.ApiBudget, _Mapping]] = ..., api_budget_share: _Optional[_Union[_budget_pb2.ApiBudgetShare, _Mapping]] = ..., api_usage: _Optional[_Union[_budget_pb2.ApiUsage, _Mapping]] = ..., register_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., heartbeat_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease_count: _Optional[int] = ..., commit_count: _Optional[int] = ..., rows_per_second: _Optional[float] = ..., missing_copy_count: _Optional[int] = ..., free_disk_bytes: _Optional[int] = ...) -> None: ...

class FileReport(_message.Message):
    __slots__ = ("shard_key", "sha256", "condition")
    SHARD_KEY_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    shard_key: _shard_pb2.ShardKey
    sha256: str
    condition: FileCondition
    def __init__(self, shard_key: _Optional[_Union[_shard_pb2.ShardKey, _Mapping]] = ..., sha256: _Optional[str] = ..., condition: _Optional[_Union[FileCondition, str]] = ...) -> None: ...
