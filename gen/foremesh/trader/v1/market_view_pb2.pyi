import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.trader.v1 import decisions_pb2 as _decisions_pb2
from foremesh.trader.v1 import orders_pb2 as _orders_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BookLevel(_message.Message):
    __slots__ = ("price_micros", "size_hundredths")
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    SIZE_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    price_micros: int
    size_hundredths: int
    def __init__(self, price_micros: _Optional[int] = ..., size_hundredths: _Optional[int] = ...) -> None: ...

class MarketBook(_message.Message):
    __slots__ = ("no_bids", "no_asks", "may_have_changed", "confirmed_age")
    NO_BIDS_FIELD_NUMBER: _ClassVar[int]
    NO_ASKS_FIELD_NUMBER: _ClassVar[int]
    MAY_HAVE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AGE_FIELD_NUMBER: _ClassVar[int]
    no_bids: _containers.RepeatedCompositeFieldContainer[BookLevel]
    no_asks: _containers.RepeatedCompositeFieldContainer[BookLevel]
    may_have_changed: bool
    confirmed_age: _duration_pb2.Duration
    def __init__(self, no_bids: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., no_asks: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., may_have_changed: _Optional[bool] = ..., confirmed_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class HistoryPoint(_message.Message):
    __slots__ = ("end_time", "yes_bid_micros", "yes_ask_micros", "input_micros")
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    YES_BID_MICROS_FIELD_NUMBER: _ClassVar[int]
    YES_ASK_MICROS_FIELD_NUMBER: _ClassVar[int]
    INPUT_MICROS_FIELD_NUMBER: _ClassVar[int]
    end_time: _timestamp_pb2.Timestamp
    yes_bid_micros: int
    yes_ask_micros: int
    input_micros: int
    def __init__(self, end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., yes_bid_micros: _Optional[int] = ..., yes_ask_micros: _Optional[int] = ..., input_micros: _Optional[int] = ...) -> None: ...

class PriceHistory(_message.Message):
    __slots__ = ("step", "points", "read_age")
    STEP_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    READ_AGE_FIELD_NUMBER: _ClassVar[int]
    step: _duration_pb2.Duration
    points: _containers.RepeatedCompositeFieldContainer[HistoryPoint]
    read_age: _duration_pb2.Duration
    def __init__(self, step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., points: _Optional[_Iterable[_Union[HistoryPoint, _Mapping]]] = ..., read_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class MarketView(_message.Message):
    __slots__ = ("market_ticker", "event_ticker", "series_ticker", "title", "close_time", "takes_orders", "view_time", "book", "position", "orders", "history", "signal", "signal_age", "earlier_signals", "decision", "decision_age", "scan_id", "scan_outcome", "scan_reason")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    TAKES_ORDERS_FIELD_NUMBER: _ClassVar[int]
    VIEW_TIME_FIELD_NUMBER: _ClassVar[int]
    BOOK_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_AGE_FIELD_NUMBER: _ClassVar[int]
    EARLIER_SIGNALS_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    DECISION_AGE_FIELD_NUMBER: _ClassVar[int]
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    SCAN_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SCAN_REASON_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    event_ticker: str
    series_ticker: str
    title: str
    close_time: _timestamp_pb2.Timestamp
    takes_orders: bool
    view_time: _timestamp_pb2.Timestamp
    book: MarketBook
    position: _positions_pb2.Position
    orders: _containers.RepeatedCompositeFieldContainer[_orders_pb2.Order]
    history: PriceHistory
    signal: _decisions_pb2.ScanSignal
    signal_age: _duration_pb2.Duration
    earlier_signals: _containers.RepeatedCompositeFieldContainer[_decisions_pb2.ScanSignal]
    decision: _decisions_pb2.Decision
    decision_age: _duration_pb2.Duration
    scan_id: str
    scan_outcome: _decisions_pb2.ScanOutcome
    scan_reason: str
    def __init__(self, market_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., title: _Optional[str] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., takes_orders: _Optional[bool] = ..., view_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., book: _Optional[_Union[MarketBook, _Mapping]] = ..., position: _Optional[_Union[_positions_pb2.Position, _Mapping]] = ..., orders: _Optional[_Iterable[_Union[_orders_pb2.Order, _Mapping]]] = ..., history: _Optional[_Union[PriceHistory, _Mapping]] = ..., signal: _Optional[_Union[_decisions_pb2.ScanSignal, _Mapping]] = ..., signal_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., earlier_signals: _Optional[_Iterable[_Union[_decisions_pb2.ScanSignal, _Mapping]]] = ..., decision: _Optional[_Union[_decisions_pb2.Decision, _Mapping]] = ..., decision_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., scan_id: _Optional[str] = ..., scan_outcome: _Optional[_Union[_decisions_pb2.ScanOutcome, str]] = ..., scan_reason: _Optional[str] = ...) -> None: ...
