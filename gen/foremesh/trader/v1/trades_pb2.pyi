import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.market.v1 import market_pb2 as _market_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExitLeg(_message.Message):
    __slots__ = ("kind", "client_order_id", "count_hundredths", "proceeds_micros", "fees_micros", "trigger_price_micros", "exit_time")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    PROCEEDS_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEES_MICROS_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    EXIT_TIME_FIELD_NUMBER: _ClassVar[int]
    kind: _positions_pb2.ExitKind
    client_order_id: str
    count_hundredths: int
    proceeds_micros: int
    fees_micros: int
    trigger_price_micros: int
    exit_time: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[_positions_pb2.ExitKind, str]] = ..., client_order_id: _Optional[str] = ..., count_hundredths: _Optional[int] = ..., proceeds_micros: _Optional[int] = ..., fees_micros: _Optional[int] = ..., trigger_price_micros: _Optional[int] = ..., exit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ShadowEntry(_message.Message):
    __slots__ = ("price_micros", "filled_hundredths", "net_micros")
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    FILLED_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    NET_MICROS_FIELD_NUMBER: _ClassVar[int]
    price_micros: int
    filled_hundredths: int
    net_micros: int
    def __init__(self, price_micros: _Optional[int] = ..., filled_hundredths: _Optional[int] = ..., net_micros: _Optional[int] = ...) -> None: ...

class Trade(_message.Message):
    __slots__ = ("trade_id", "market_ticker", "event_ticker", "series_ticker", "side", "count_hundredths", "cost_micros", "proceeds_micros", "fees_micros", "net_micros", "mean_entry_price_cents", "mean_exit_price_cents", "exit_kind", "exits", "entry_slippage_micros", "exit_slippage_micros", "decision_id", "shadow", "open_time", "close_time", "sequence")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    PROCEEDS_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEES_MICROS_FIELD_NUMBER: _ClassVar[int]
    NET_MICROS_FIELD_NUMBER: _ClassVar[int]
    MEAN_ENTRY_PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    MEAN_EXIT_PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    EXIT_KIND_FIELD_NUMBER: _ClassVar[int]
    EXITS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_SLIPPAGE_MICROS_FIELD_NUMBER: _ClassVar[int]
    EXIT_SLIPPAGE_MICROS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    market_ticker: str
    event_ticker: str
    series_ticker: str
    side: _market_pb2.ContractSide
    count_hundredths: int
    cost_micros: int
    proceeds_micros: int
    fees_micros: int
    net_micros: int
    mean_entry_price_cents: float
    mean_exit_price_cents: float
    exit_kind: _positions_pb2.ExitKind
    exits: _containers.RepeatedCompositeFieldContainer[ExitLeg]
    entry_slippage_micros: int
    exit_slippage_micros: int
    decision_id: str
    shadow: ShadowEntry
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    sequence: int
    def __init__(self, trade_id: _Optional[str] = ..., market_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., count_hundredths: _Optional[int] = ..., cost_micros: _Optional[int] = ..., proceeds_micros: _Optional[int] = ..., fees_micros: _Optional[int] = ..., net_micros: _Optional[int] = ..., mean_entry_price_cents: _Optional[float] = ..., mean_exit_price_cents: _Optional[float] = ..., exit_kind: _Optional[_Union[_positions_pb2.ExitKind, str]] = ..., exits: _Optional[_Iterable[_Union[ExitLeg, _Mapping]]] = ..., entry_slippage_micros: _Optional[int] = ..., exit_slippage_micros: _Optional[int] = ..., decision_id: _Optional[str] = ..., shadow: _Optional[_Union[ShadowEntry, _Mapping]] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

class Settlement(_message.Message):
    __slots__ = ("market_ticker", "position_id", "side", "count_hundredths", "result", "yes_value_micros", "revenue_micros", "settle_time")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    YES_VALUE_MICROS_FIELD_NUMBER: _ClassVar[int]
    REVENUE_MICROS_FIELD_NUMBER: _ClassVar[int]
    SETTLE_TIME_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    position_id: str
    side: _market_pb2.ContractSide
    count_hundredths: int
    result: _market_pb2.ContractSide
    yes_value_micros: int
    revenue_micros: int
    settle_time: _timestamp_pb2.Timestamp
    def __init__(self, market_ticker: _Optional[str] = ..., position_id: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., count_hundredths: _Optional[int] = ..., result: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., yes_value_micros: _Optional[int] = ..., revenue_micros: _Optional[int] = ..., settle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
