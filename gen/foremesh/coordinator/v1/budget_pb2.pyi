import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ApiBudgetKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    API_BUDGET_KIND_UNSPECIFIED: _ClassVar[ApiBudgetKind]
    API_BUDGET_KIND_PER_IP: _ClassVar[ApiBudgetKind]
    API_BUDGET_KIND_PER_ACCOUNT: _ClassVar[ApiBudgetKind]
API_BUDGET_KIND_UNSPECIFIED: ApiBudgetKind
API_BUDGET_KIND_PER_IP: ApiBudgetKind
API_BUDGET_KIND_PER_ACCOUNT: ApiBudgetKind

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
