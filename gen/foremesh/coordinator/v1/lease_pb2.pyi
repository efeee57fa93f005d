import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.coordinator.v1 import shard_pb2 as _shard_pb2
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

class LeaseReleaseReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_RELEASE_REASON_UNSPECIFIED: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_REVOKED: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_SHUTDOWN: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_DISK: _ClassVar[LeaseReleaseReason]
    LEASE_RELEASE_REASON_FAILED: _ClassVar[LeaseReleaseReason]
LEASE_REVOCATION_REASON_UNSPECIFIED: LeaseRevocationReason
LEASE_REVOCATION_REASON_REBALANCE: LeaseRevocationReason
LEASE_REVOCATION_REASON_SLOW: LeaseRevocationReason
LEASE_REVOCATION_REASON_WITHDRAWN: LeaseRevocationReason
LEASE_CANCELLATION_REASON_UNSPECIFIED: LeaseCancellationReason
LEASE_CANCELLATION_REASON_STALE_EPOCH: LeaseCancellationReason
LEASE_CANCELLATION_REASON_COMMITTED: LeaseCancellationReason
LEASE_CANCELLATION_REASON_UNKNOWN_EPOCH: LeaseCancellationReason
LEASE_CANCELLATION_REASON_WITHDRAWN: LeaseCancellationReason
LEASE_RELEASE_REASON_UNSPECIFIED: LeaseReleaseReason
LEASE_RELEASE_REASON_REVOKED: LeaseReleaseReason
LEASE_RELEASE_REASON_SHUTDOWN: LeaseReleaseReason
LEASE_RELEASE_REASON_DISK: LeaseReleaseReason
LEASE_RELEASE_REASON_FAILED: LeaseReleaseReason

class LeaseVerdict(_message.Message):
    __slots__ = ("lease", "renewed", "revoked", "cancelled")
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RENEWED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    lease: _shard_pb2.LeaseKey
    renewed: LeaseRenewal
    revoked: LeaseRevocation
    cancelled: LeaseCancellation
    def __init__(self, lease: _Optional[_Union[_shard_pb2.LeaseKey, _Mapping]] = ..., renewed: _Optional[_Union[LeaseRenewal, _Mapping]] = ..., revoked: _Optional[_Union[LeaseRevocation, _Mapping]] = ..., cancelled: _Optional[_Union[LeaseCancellation, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("lease", "expire_after", "purpose", "open_time", "close_time", "settle_time", "fetch_start_time", "markets", "base", "base_addresses", "replaces")
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
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    lease: _shard_pb2.LeaseKey
    expire_after: _duration_pb2.Duration
    purpose: _shard_pb2.LeasePurpose
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    settle_time: _timestamp_pb2.Timestamp
    fetch_start_time: _timestamp_pb2.Timestamp
    markets: _containers.RepeatedCompositeFieldContainer[MarketTask]
    base: _shard_pb2.ShardCommit
    base_addresses: _containers.RepeatedScalarFieldContainer[str]
    replaces: _shard_pb2.ShardCommit
    def __init__(self, lease: _Optional[_Union[_shard_pb2.LeaseKey, _Mapping]] = ..., expire_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., purpose: _Optional[_Union[_shard_pb2.LeasePurpose, str]] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fetch_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., markets: _Optional[_Iterable[_Union[MarketTask, _Mapping]]] = ..., base: _Optional[_Union[_shard_pb2.ShardCommit, _Mapping]] = ..., base_addresses: _Optional[_Iterable[str]] = ..., replaces: _Optional[_Union[_shard_pb2.ShardCommit, _Mapping]] = ...) -> None: ...
