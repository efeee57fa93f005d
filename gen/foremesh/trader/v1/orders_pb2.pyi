import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.market.v1 import market_pb2 as _market_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrderState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATE_UNSPECIFIED: _ClassVar[OrderState]
    ORDER_STATE_INTENDED: _ClassVar[OrderState]
    ORDER_STATE_SENT: _ClassVar[OrderState]
    ORDER_STATE_UNKNOWN: _ClassVar[OrderState]
    ORDER_STATE_RESTING: _ClassVar[OrderState]
    ORDER_STATE_CANCELLING: _ClassVar[OrderState]
    ORDER_STATE_FILLED: _ClassVar[OrderState]
    ORDER_STATE_CANCELLED: _ClassVar[OrderState]
    ORDER_STATE_EXPIRED: _ClassVar[OrderState]
    ORDER_STATE_REJECTED: _ClassVar[OrderState]
    ORDER_STATE_NOT_SENT: _ClassVar[OrderState]

class OrderAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_ACTION_UNSPECIFIED: _ClassVar[OrderAction]
    ORDER_ACTION_BUY: _ClassVar[OrderAction]
    ORDER_ACTION_SELL: _ClassVar[OrderAction]

class OrderPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_PURPOSE_UNSPECIFIED: _ClassVar[OrderPurpose]
    ORDER_PURPOSE_ENTRY: _ClassVar[OrderPurpose]
    ORDER_PURPOSE_EXIT: _ClassVar[OrderPurpose]
    ORDER_PURPOSE_FOREIGN: _ClassVar[OrderPurpose]

class TimeInForce(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_IN_FORCE_UNSPECIFIED: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GOOD_TILL_CANCELLED: _ClassVar[TimeInForce]
    TIME_IN_FORCE_IMMEDIATE_OR_CANCEL: _ClassVar[TimeInForce]
    TIME_IN_FORCE_FILL_OR_KILL: _ClassVar[TimeInForce]

class OrderEndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_END_REASON_UNSPECIFIED: _ClassVar[OrderEndReason]
    ORDER_END_REASON_EXPIRY: _ClassVar[OrderEndReason]
    ORDER_END_REASON_TRADER: _ClassVar[OrderEndReason]
    ORDER_END_REASON_CALLER: _ClassVar[OrderEndReason]
    ORDER_END_REASON_NO_LIQUIDITY: _ClassVar[OrderEndReason]
    ORDER_END_REASON_SELF_TRADE: _ClassVar[OrderEndReason]
    ORDER_END_REASON_POST_ONLY_CROSS: _ClassVar[OrderEndReason]
    ORDER_END_REASON_REDUCE_ONLY: _ClassVar[OrderEndReason]
    ORDER_END_REASON_ORDER_GROUP: _ClassVar[OrderEndReason]
    ORDER_END_REASON_PAUSE: _ClassVar[OrderEndReason]
    ORDER_END_REASON_MARKET_CLOSED: _ClassVar[OrderEndReason]
    ORDER_END_REASON_INSUFFICIENT_BALANCE: _ClassVar[OrderEndReason]
    ORDER_END_REASON_REFUSED: _ClassVar[OrderEndReason]
    ORDER_END_REASON_EXCHANGE: _ClassVar[OrderEndReason]
    ORDER_END_REASON_NEVER_LEFT: _ClassVar[OrderEndReason]
ORDER_STATE_UNSPECIFIED: OrderState
ORDER_STATE_INTENDED: OrderState
ORDER_STATE_SENT: OrderState
ORDER_STATE_UNKNOWN: OrderState
ORDER_STATE_RESTING: OrderState
ORDER_STATE_CANCELLING: OrderState
ORDER_STATE_FILLED: OrderState
ORDER_STATE_CANCELLED: OrderState
ORDER_STATE_EXPIRED: OrderState
ORDER_STATE_REJECTED: OrderState
ORDER_STATE_NOT_SENT: OrderState
ORDER_ACTION_UNSPECIFIED: OrderAction
ORDER_ACTION_BUY: OrderAction
ORDER_ACTION_SELL: OrderAction
ORDER_PURPOSE_UNSPECIFIED: OrderPurpose
ORDER_PURPOSE_ENTRY: OrderPurpose
ORDER_PURPOSE_EXIT: OrderPurpose
ORDER_PURPOSE_FOREIGN: OrderPurpose
TIME_IN_FORCE_UNSPECIFIED: TimeInForce
TIME_IN_FORCE_GOOD_TILL_CANCELLED: TimeInForce
TIME_IN_FORCE_IMMEDIATE_OR_CANCEL: TimeInForce
TIME_IN_FORCE_FILL_OR_KILL: TimeInForce
ORDER_END_REASON_UNSPECIFIED: OrderEndReason
ORDER_END_REASON_EXPIRY: OrderEndReason
ORDER_END_REASON_TRADER: OrderEndReason
ORDER_END_REASON_CALLER: OrderEndReason
ORDER_END_REASON_NO_LIQUIDITY: OrderEndReason
ORDER_END_REASON_SELF_TRADE: OrderEndReason
ORDER_END_REASON_POST_ONLY_CROSS: OrderEndReason
ORDER_END_REASON_REDUCE_ONLY: OrderEndReason
ORDER_END_REASON_ORDER_GROUP: OrderEndReason
ORDER_END_REASON_PAUSE: OrderEndReason
ORDER_END_REASON_MARKET_CLOSED: OrderEndReason
ORDER_END_REASON_INSUFFICIENT_BALANCE: OrderEndReason
ORDER_END_REASON_REFUSED: OrderEndReason
ORDER_END_REASON_EXCHANGE: OrderEndReason
ORDER_END_REASON_NEVER_LEFT: OrderEndReason

class Order(_message.Message):
    __slots__ = ("client_order_id", "exchange_order_id", "decision_id", "position_id", "market_ticker", "series_ticker", "side", "action", "purpose", "exit_kind", "state", "end_reason", "exchange_code", "detail", "limit_price_micros", "time_in_force", "post_only", "reduce_only", "count_hundredths", "filled_hundredths", "remaining_hundredths", "fill_value_micros", "fees_micros", "mean_fill_price_cents", "create_time", "expire_time", "end_time", "sequence")
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    EXIT_KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    FILLED_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    FILL_VALUE_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEES_MICROS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FILL_PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    client_order_id: str
    exchange_order_id: str
    decision_id: str
    position_id: str
    market_ticker: str
    series_ticker: str
    side: _market_pb2.ContractSide
    action: OrderAction
    purpose: OrderPurpose
    exit_kind: _positions_pb2.ExitKind
    state: OrderState
    end_reason: OrderEndReason
    exchange_code: str
    detail: str
    limit_price_micros: int
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    count_hundredths: int
    filled_hundredths: int
    remaining_hundredths: int
    fill_value_micros: int
    fees_micros: int
    mean_fill_price_cents: float
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    sequence: int
    def __init__(self, client_order_id: _Optional[str] = ..., exchange_order_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., position_id: _Optional[str] = ..., market_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., action: _Optional[_Union[OrderAction, str]] = ..., purpose: _Optional[_Union[OrderPurpose, str]] = ..., exit_kind: _Optional[_Union[_positions_pb2.ExitKind, str]] = ..., state: _Optional[_Union[OrderState, str]] = ..., end_reason: _Optional[_Union[OrderEndReason, str]] = ..., exchange_code: _Optional[str] = ..., detail: _Optional[str] = ..., limit_price_micros: _Optional[int] = ..., time_in_force: _Optional[_Union[TimeInForce, str]] = ..., post_only: _Optional[bool] = ..., reduce_only: _Optional[bool] = ..., count_hundredths: _Optional[int] = ..., filled_hundredths: _Optional[int] = ..., remaining_hundredths: _Optional[int] = ..., fill_value_micros: _Optional[int] = ..., fees_micros: _Optional[int] = ..., mean_fill_price_cents: _Optional[float] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

class Fill(_message.Message):
    __slots__ = ("fill_id", "client_order_id", "exchange_order_id", "position_id", "market_ticker", "side", "action", "price_micros", "count_hundredths", "fee_micros", "expected_fee_micros", "taker", "fill_time")
    FILL_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    FEE_MICROS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FEE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TAKER_FIELD_NUMBER: _ClassVar[int]
    FILL_TIME_FIELD_NUMBER: _ClassVar[int]
    fill_id: str
    client_order_id: str
    exchange_order_id: str
    position_id: str
    market_ticker: str
    side: _market_pb2.ContractSide
    action: OrderAction
    price_micros: int
    count_hundredths: int
    fee_micros: int
    expected_fee_micros: int
    taker: bool
    fill_time: _timestamp_pb2.Timestamp
    def __init__(self, fill_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., exchange_order_id: _Optional[str] = ..., position_id: _Optional[str] = ..., market_ticker: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., action: _Optional[_Union[OrderAction, str]] = ..., price_micros: _Optional[int] = ..., count_hundredths: _Optional[int] = ..., fee_micros: _Optional[int] = ..., expected_fee_micros: _Optional[int] = ..., taker: _Optional[bool] = ..., fill_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
