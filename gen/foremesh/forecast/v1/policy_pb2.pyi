from foremesh.forecast.v1 import signal_pb2 as _signal_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConfidenceRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONFIDENCE_RULE_UNSPECIFIED: _ClassVar[ConfidenceRule]
    CONFIDENCE_RULE_MAGNITUDE: _ClassVar[ConfidenceRule]
    CONFIDENCE_RULE_QUANTILE_SHARE: _ClassVar[ConfidenceRule]
CONFIDENCE_RULE_UNSPECIFIED: ConfidenceRule
CONFIDENCE_RULE_MAGNITUDE: ConfidenceRule
CONFIDENCE_RULE_QUANTILE_SHARE: ConfidenceRule

class ExitPolicy(_message.Message):
    __slots__ = ("asset", "series_prefix", "min_magnitude_cents", "max_magnitude_cents", "take_profit_cents", "stop_loss_cents")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    SERIES_PREFIX_FIELD_NUMBER: _ClassVar[int]
    MIN_MAGNITUDE_CENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_MAGNITUDE_CENTS_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_CENTS_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_CENTS_FIELD_NUMBER: _ClassVar[int]
    asset: str
    series_prefix: str
    min_magnitude_cents: float
    max_magnitude_cents: float
    take_profit_cents: float
    stop_loss_cents: float
    def __init__(self, asset: _Optional[str] = ..., series_prefix: _Optional[str] = ..., min_magnitude_cents: _Optional[float] = ..., max_magnitude_cents: _Optional[float] = ..., take_profit_cents: _Optional[float] = ..., stop_loss_cents: _Optional[float] = ...) -> None: ...

class ConfidencePolicy(_message.Message):
    __slots__ = ("asset", "series_prefix", "rule", "bars")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    SERIES_PREFIX_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    asset: str
    series_prefix: str
    rule: ConfidenceRule
    bars: _containers.RepeatedCompositeFieldContainer[ConfidenceBar]
    def __init__(self, asset: _Optional[str] = ..., series_prefix: _Optional[str] = ..., rule: _Optional[_Union[ConfidenceRule, str]] = ..., bars: _Optional[_Iterable[_Union[ConfidenceBar, _Mapping]]] = ...) -> None: ...

class ConfidenceBar(_message.Message):
    __slots__ = ("confidence", "at_least")
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    confidence: _signal_pb2.Confidence
    at_least: float
    def __init__(self, confidence: _Optional[_Union[_signal_pb2.Confidence, str]] = ..., at_least: _Optional[float] = ...) -> None: ...
