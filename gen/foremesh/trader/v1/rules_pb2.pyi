import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_PASSED: _ClassVar[Verdict]
    VERDICT_REFUSED: _ClassVar[Verdict]
    VERDICT_NOT_APPLICABLE: _ClassVar[Verdict]
    VERDICT_SWITCHED_OFF: _ClassVar[Verdict]
VERDICT_UNSPECIFIED: Verdict
VERDICT_PASSED: Verdict
VERDICT_REFUSED: Verdict
VERDICT_NOT_APPLICABLE: Verdict
VERDICT_SWITCHED_OFF: Verdict

class Figure(_message.Message):
    __slots__ = ("micros", "cents", "contracts_hundredths", "count", "duration", "ratio", "word")
    MICROS_FIELD_NUMBER: _ClassVar[int]
    CENTS_FIELD_NUMBER: _ClassVar[int]
    CONTRACTS_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    micros: int
    cents: float
    contracts_hundredths: int
    count: int
    duration: _duration_pb2.Duration
    ratio: float
    word: str
    def __init__(self, micros: _Optional[int] = ..., cents: _Optional[float] = ..., contracts_hundredths: _Optional[int] = ..., count: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., ratio: _Optional[float] = ..., word: _Optional[str] = ...) -> None: ...

class Bounds(_message.Message):
    __slots__ = ("at_least", "at_most", "equal_to")
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    EQUAL_TO_FIELD_NUMBER: _ClassVar[int]
    at_least: Figure
    at_most: Figure
    equal_to: Figure
    def __init__(self, at_least: _Optional[_Union[Figure, _Mapping]] = ..., at_most: _Optional[_Union[Figure, _Mapping]] = ..., equal_to: _Optional[_Union[Figure, _Mapping]] = ...) -> None: ...

class Limit(_message.Message):
    __slots__ = ("rule", "bounds", "enabled", "used")
    RULE_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    rule: str
    bounds: Bounds
    enabled: bool
    used: Figure
    def __init__(self, rule: _Optional[str] = ..., bounds: _Optional[_Union[Bounds, _Mapping]] = ..., enabled: _Optional[bool] = ..., used: _Optional[_Union[Figure, _Mapping]] = ...) -> None: ...

class RuleVerdict(_message.Message):
    __slots__ = ("rule", "verdict", "figure", "bounds", "detail")
    RULE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    FIGURE_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    rule: str
    verdict: Verdict
    figure: Figure
    bounds: Bounds
    detail: str
    def __init__(self, rule: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., figure: _Optional[_Union[Figure, _Mapping]] = ..., bounds: _Optional[_Union[Bounds, _Mapping]] = ..., detail: _Optional[str] = ...) -> None: ...
