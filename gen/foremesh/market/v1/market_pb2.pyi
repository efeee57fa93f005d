import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContractSide(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTRACT_SIDE_UNSPECIFIED: _ClassVar[ContractSide]
    CONTRACT_SIDE_YES: _ClassVar[ContractSide]
    CONTRACT_SIDE_NO: _ClassVar[ContractSide]

class MarketPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MARKET_PHASE_UNSPECIFIED: _ClassVar[MarketPhase]
    MARKET_PHASE_UPCOMING: _ClassVar[MarketPhase]
    MARKET_PHASE_OPEN: _ClassVar[MarketPhase]
    MARKET_PHASE_PAUSED: _ClassVar[MarketPhase]
    MARKET_PHASE_CLOSED: _ClassVar[MarketPhase]
    MARKET_PHASE_SETTLED: _ClassVar[MarketPhase]

class StrikeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRIKE_TYPE_UNSPECIFIED: _ClassVar[StrikeType]
    STRIKE_TYPE_LESS: _ClassVar[StrikeType]
    STRIKE_TYPE_BETWEEN: _ClassVar[StrikeType]
    STRIKE_TYPE_GREATER: _ClassVar[StrikeType]
    STRIKE_TYPE_GREATER_OR_EQUAL: _ClassVar[StrikeType]
    STRIKE_TYPE_NONE: _ClassVar[StrikeType]
CONTRACT_SIDE_UNSPECIFIED: ContractSide
CONTRACT_SIDE_YES: ContractSide
CONTRACT_SIDE_NO: ContractSide
MARKET_PHASE_UNSPECIFIED: MarketPhase
MARKET_PHASE_UPCOMING: MarketPhase
MARKET_PHASE_OPEN: MarketPhase
MARKET_PHASE_PAUSED: MarketPhase
MARKET_PHASE_CLOSED: MarketPhase
MARKET_PHASE_SETTLED: MarketPhase
STRIKE_TYPE_UNSPECIFIED: StrikeType
STRIKE_TYPE_LESS: StrikeType
STRIKE_TYPE_BETWEEN: StrikeType
STRIKE_TYPE_GREATER: StrikeType
STRIKE_TYPE_GREATER_OR_EQUAL: StrikeType
STRIKE_TYPE_NONE: StrikeType

class Money(_message.Message):
    __slots__ = ("micros",)
    MICROS_FIELD_NUMBER: _ClassVar[int]
    micros: int
    def __init__(self, micros: _Optional[int] = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("series_ticker", "title", "candle_step")
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CANDLE_STEP_FIELD_NUMBER: _ClassVar[int]
    series_ticker: str
    title: str
    candle_step: _duration_pb2.Duration
    def __init__(self, series_ticker: _Optional[str] = ..., title: _Optional[str] = ..., candle_step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Market(_message.Message):
    __slots__ = ("market_ticker", "event_ticker", "series_ticker", "title", "phase", "strike_type", "floor_strike", "cap_strike", "open_time", "close_time", "result")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    STRIKE_TYPE_FIELD_NUMBER: _ClassVar[int]
    FLOOR_STRIKE_FIELD_NUMBER: _ClassVar[int]
    CAP_STRIKE_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    event_ticker: str
    series_ticker: str
    title: str
    phase: MarketPhase
    strike_type: StrikeType
    floor_strike: float
    cap_strike: float
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    result: ContractSide
    def __init__(self, market_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., title: _Optional[str] = ..., phase: _Optional[_Union[MarketPhase, str]] = ..., strike_type: _Optional[_Union[StrikeType, str]] = ..., floor_strike: _Optional[float] = ..., cap_strike: _Optional[float] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., result: _Optional[_Union[ContractSide, str]] = ...) -> None: ...

class Quote(_message.Message):
    __slots__ = ("market_ticker", "yes_bid_micros", "yes_ask_micros", "yes_bid_size_hundredths", "yes_ask_size_hundredths", "confirmed_age")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    YES_BID_MICROS_FIELD_NUMBER: _ClassVar[int]
    YES_ASK_MICROS_FIELD_NUMBER: _ClassVar[int]
    YES_BID_SIZE_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    YES_ASK_SIZE_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AGE_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    yes_bid_micros: int
    yes_ask_micros: int
    yes_bid_size_hundredths: int
    yes_ask_size_hundredths: int
    confirmed_age: _duration_pb2.Duration
    def __init__(self, market_ticker: _Optional[str] = ..., yes_bid_micros: _Optional[int] = ..., yes_ask_micros: _Optional[int] = ..., yes_bid_size_hundredths: _Optional[int] = ..., yes_ask_size_hundredths: _Optional[int] = ..., confirmed_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PriceRange(_message.Message):
    __slots__ = ("open_micros", "high_micros", "low_micros", "close_micros")
    OPEN_MICROS_FIELD_NUMBER: _ClassVar[int]
    HIGH_MICROS_FIELD_NUMBER: _ClassVar[int]
    LOW_MICROS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_MICROS_FIELD_NUMBER: _ClassVar[int]
    open_micros: int
    high_micros: int
    low_micros: int
    close_micros: int
    def __init__(self, open_micros: _Optional[int] = ..., high_micros: _Optional[int] = ..., low_micros: _Optional[int] = ..., close_micros: _Optional[int] = ...) -> None: ...

class Candle(_message.Message):
    __slots__ = ("end_time", "step", "price", "yes_bid", "yes_ask", "volume_hundredths", "open_interest_hundredths")
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    YES_BID_FIELD_NUMBER: _ClassVar[int]
    YES_ASK_FIELD_NUMBER: _ClassVar[int]
    VOLUME_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    OPEN_INTEREST_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    end_time: _timestamp_pb2.Timestamp
    step: _duration_pb2.Duration
    price: PriceRange
    yes_bid: PriceRange
    yes_ask: PriceRange
    volume_hundredths: int
    open_interest_hundredths: int
    def __init__(self, end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., price: _Optional[_Union[PriceRange, _Mapping]] = ..., yes_bid: _Optional[_Union[PriceRange, _Mapping]] = ..., yes_ask: _Optional[_Union[PriceRange, _Mapping]] = ..., volume_hundredths: _Optional[int] = ..., open_interest_hundredths: _Optional[int] = ...) -> None: ...
