import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.market.v1 import market_pb2 as _market_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExitKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXIT_KIND_UNSPECIFIED: _ClassVar[ExitKind]
    EXIT_KIND_TAKE_PROFIT: _ClassVar[ExitKind]
    EXIT_KIND_STOP_LOSS: _ClassVar[ExitKind]
    EXIT_KIND_TRAILING_STOP: _ClassVar[ExitKind]
    EXIT_KIND_TIME_STOP: _ClassVar[ExitKind]
    EXIT_KIND_SETTLEMENT: _ClassVar[ExitKind]
    EXIT_KIND_MANUAL: _ClassVar[ExitKind]
    EXIT_KIND_FLATTEN: _ClassVar[ExitKind]
    EXIT_KIND_FOREIGN: _ClassVar[ExitKind]

class PositionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POSITION_STATE_UNSPECIFIED: _ClassVar[PositionState]
    POSITION_STATE_GUARDED: _ClassVar[PositionState]
    POSITION_STATE_EXITING: _ClassVar[PositionState]
    POSITION_STATE_NO_BID: _ClassVar[PositionState]
    POSITION_STATE_PAUSED: _ClassVar[PositionState]
    POSITION_STATE_AWAITING_SETTLEMENT: _ClassVar[PositionState]
    POSITION_STATE_UNCERTAIN: _ClassVar[PositionState]
    POSITION_STATE_FOREIGN: _ClassVar[PositionState]
EXIT_KIND_UNSPECIFIED: ExitKind
EXIT_KIND_TAKE_PROFIT: ExitKind
EXIT_KIND_STOP_LOSS: ExitKind
EXIT_KIND_TRAILING_STOP: ExitKind
EXIT_KIND_TIME_STOP: ExitKind
EXIT_KIND_SETTLEMENT: ExitKind
EXIT_KIND_MANUAL: ExitKind
EXIT_KIND_FLATTEN: ExitKind
EXIT_KIND_FOREIGN: ExitKind
POSITION_STATE_UNSPECIFIED: PositionState
POSITION_STATE_GUARDED: PositionState
POSITION_STATE_EXITING: PositionState
POSITION_STATE_NO_BID: PositionState
POSITION_STATE_PAUSED: PositionState
POSITION_STATE_AWAITING_SETTLEMENT: PositionState
POSITION_STATE_UNCERTAIN: PositionState
POSITION_STATE_FOREIGN: PositionState

class ExitPlan(_message.Message):
    __slots__ = ("take_profit_price_micros", "stop_loss_price_micros", "trailing_arm_price_micros", "trailing_distance_micros", "time_stop_time", "floor_price_micros", "policy_version", "policy_digest")
    TAKE_PROFIT_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TRAILING_ARM_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TRAILING_DISTANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TIME_STOP_TIME_FIELD_NUMBER: _ClassVar[int]
    FLOOR_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    take_profit_price_micros: int
    stop_loss_price_micros: int
    trailing_arm_price_micros: int
    trailing_distance_micros: int
    time_stop_time: _timestamp_pb2.Timestamp
    floor_price_micros: int
    policy_version: str
    policy_digest: str
    def __init__(self, take_profit_price_micros: _Optional[int] = ..., stop_loss_price_micros: _Optional[int] = ..., trailing_arm_price_micros: _Optional[int] = ..., trailing_distance_micros: _Optional[int] = ..., time_stop_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., floor_price_micros: _Optional[int] = ..., policy_version: _Optional[str] = ..., policy_digest: _Optional[str] = ...) -> None: ...

class GuardState(_message.Message):
    __slots__ = ("peak_price_micros", "stop_in_force_micros", "trailing_armed", "stop_hit_count", "stop_hits_needed", "checked_age")
    PEAK_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    STOP_IN_FORCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TRAILING_ARMED_FIELD_NUMBER: _ClassVar[int]
    STOP_HIT_COUNT_FIELD_NUMBER: _ClassVar[int]
    STOP_HITS_NEEDED_FIELD_NUMBER: _ClassVar[int]
    CHECKED_AGE_FIELD_NUMBER: _ClassVar[int]
    peak_price_micros: int
    stop_in_force_micros: int
    trailing_armed: bool
    stop_hit_count: int
    stop_hits_needed: int
    checked_age: _duration_pb2.Duration
    def __init__(self, peak_price_micros: _Optional[int] = ..., stop_in_force_micros: _Optional[int] = ..., trailing_armed: _Optional[bool] = ..., stop_hit_count: _Optional[int] = ..., stop_hits_needed: _Optional[int] = ..., checked_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Mark(_message.Message):
    __slots__ = ("bid_price_micros", "bid_size_hundredths", "ask_price_micros", "ask_size_hundredths", "confirmed_age", "liquidation_micros", "unrealised_micros")
    BID_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    BID_SIZE_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    ASK_SIZE_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AGE_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_MICROS_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_MICROS_FIELD_NUMBER: _ClassVar[int]
    bid_price_micros: int
    bid_size_hundredths: int
    ask_price_micros: int
    ask_size_hundredths: int
    confirmed_age: _duration_pb2.Duration
    liquidation_micros: int
    unrealised_micros: int
    def __init__(self, bid_price_micros: _Optional[int] = ..., bid_size_hundredths: _Optional[int] = ..., ask_price_micros: _Optional[int] = ..., ask_size_hundredths: _Optional[int] = ..., confirmed_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., liquidation_micros: _Optional[int] = ..., unrealised_micros: _Optional[int] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("position_id", "market_ticker", "event_ticker", "series_ticker", "title", "side", "state", "count_hundredths", "cost_micros", "entry_fees_micros", "mean_entry_price_cents", "realised_micros", "plan", "guard", "mark", "exit_kind", "decision_id", "open_time", "close_time", "sequence")
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FEES_MICROS_FIELD_NUMBER: _ClassVar[int]
    MEAN_ENTRY_PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    REALISED_MICROS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    GUARD_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    EXIT_KIND_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    position_id: str
    market_ticker: str
    event_ticker: str
    series_ticker: str
    title: str
    side: _market_pb2.ContractSide
    state: PositionState
    count_hundredths: int
    cost_micros: int
    entry_fees_micros: int
    mean_entry_price_cents: float
    realised_micros: int
    plan: ExitPlan
    guard: GuardState
    mark: Mark
    exit_kind: ExitKind
    decision_id: str
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    sequence: int
    def __init__(self, position_id: _Optional[str] = ..., market_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., title: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., state: _Optional[_Union[PositionState, str]] = ..., count_hundredths: _Optional[int] = ..., cost_micros: _Optional[int] = ..., entry_fees_micros: _Optional[int] = ..., mean_entry_price_cents: _Optional[float] = ..., realised_micros: _Optional[int] = ..., plan: _Optional[_Union[ExitPlan, _Mapping]] = ..., guard: _Optional[_Union[GuardState, _Mapping]] = ..., mark: _Optional[_Union[Mark, _Mapping]] = ..., exit_kind: _Optional[_Union[ExitKind, str]] = ..., decision_id: _Optional[str] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...
