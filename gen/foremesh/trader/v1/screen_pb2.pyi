import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.forecast.v1 import signal_pb2 as _signal_pb2
from foremesh.market.v1 import market_pb2 as _market_pb2
from foremesh.trader.v1 import decisions_pb2 as _decisions_pb2
from foremesh.trader.v1 import events_pb2 as _events_pb2
from foremesh.trader.v1 import orders_pb2 as _orders_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from foremesh.trader.v1 import report_pb2 as _report_pb2
from foremesh.trader.v1 import rules_pb2 as _rules_pb2
from foremesh.trader.v1 import status_pb2 as _status_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MarketRow(_message.Message):
    __slots__ = ("number", "market_ticker", "event_ticker", "series_ticker", "title", "close_time", "no_mark", "takes_orders", "scan_id", "scan_outcome", "scan_reason", "signal", "decision", "may_have_changed")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    NO_MARK_FIELD_NUMBER: _ClassVar[int]
    TAKES_ORDERS_FIELD_NUMBER: _ClassVar[int]
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    SCAN_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SCAN_REASON_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    MAY_HAVE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    number: int
    market_ticker: str
    event_ticker: str
    series_ticker: str
    title: str
    close_time: _timestamp_pb2.Timestamp
    no_mark: _positions_pb2.Mark
    takes_orders: bool
    scan_id: str
    scan_outcome: _decisions_pb2.ScanOutcome
    scan_reason: str
    signal: SignalLine
    decision: DecisionLine
    may_have_changed: bool
    def __init__(self, number: _Optional[int] = ..., market_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., title: _Optional[str] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., no_mark: _Optional[_Union[_positions_pb2.Mark, _Mapping]] = ..., takes_orders: _Optional[bool] = ..., scan_id: _Optional[str] = ..., scan_outcome: _Optional[_Union[_decisions_pb2.ScanOutcome, str]] = ..., scan_reason: _Optional[str] = ..., signal: _Optional[_Union[SignalLine, _Mapping]] = ..., decision: _Optional[_Union[DecisionLine, _Mapping]] = ..., may_have_changed: _Optional[bool] = ...) -> None: ...

class SignalLine(_message.Message):
    __slots__ = ("direction", "magnitude_cents", "confidence", "side", "current_cents", "forecast_mean_cents", "horizon", "age", "useful_for")
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    MAGNITUDE_CENTS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_CENTS_FIELD_NUMBER: _ClassVar[int]
    FORECAST_MEAN_CENTS_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    USEFUL_FOR_FIELD_NUMBER: _ClassVar[int]
    direction: _signal_pb2.Direction
    magnitude_cents: float
    confidence: _signal_pb2.Confidence
    side: _market_pb2.ContractSide
    current_cents: float
    forecast_mean_cents: float
    horizon: _duration_pb2.Duration
    age: _duration_pb2.Duration
    useful_for: _duration_pb2.Duration
    def __init__(self, direction: _Optional[_Union[_signal_pb2.Direction, str]] = ..., magnitude_cents: _Optional[float] = ..., confidence: _Optional[_Union[_signal_pb2.Confidence, str]] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., current_cents: _Optional[float] = ..., forecast_mean_cents: _Optional[float] = ..., horizon: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., useful_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DecisionLine(_message.Message):
    __slots__ = ("decision_id", "outcome", "refusal", "refusal_count", "expected_edge_cents", "age")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_EDGE_CENTS_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    outcome: _decisions_pb2.DecisionOutcome
    refusal: _rules_pb2.RuleVerdict
    refusal_count: int
    expected_edge_cents: float
    age: _duration_pb2.Duration
    def __init__(self, decision_id: _Optional[str] = ..., outcome: _Optional[_Union[_decisions_pb2.DecisionOutcome, str]] = ..., refusal: _Optional[_Union[_rules_pb2.RuleVerdict, _Mapping]] = ..., refusal_count: _Optional[int] = ..., expected_edge_cents: _Optional[float] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LogEvents(_message.Message):
    __slots__ = ("events", "skipped_count", "more_skipped")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_COUNT_FIELD_NUMBER: _ClassVar[int]
    MORE_SKIPPED_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_events_pb2.Event]
    skipped_count: int
    more_skipped: bool
    def __init__(self, events: _Optional[_Iterable[_Union[_events_pb2.Event, _Mapping]]] = ..., skipped_count: _Optional[int] = ..., more_skipped: _Optional[bool] = ...) -> None: ...

class Confirmed(_message.Message):
    __slots__ = ("age", "numbers")
    AGE_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    age: _duration_pb2.Duration
    numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class StateSnapshot(_message.Message):
    __slots__ = ("status", "positions", "orders", "markets", "funnel", "log")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    status: _status_pb2.Status
    positions: _containers.RepeatedCompositeFieldContainer[_positions_pb2.Position]
    orders: _containers.RepeatedCompositeFieldContainer[_orders_pb2.Order]
    markets: _containers.RepeatedCompositeFieldContainer[MarketRow]
    funnel: _report_pb2.Funnel
    log: LogEvents
    def __init__(self, status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., positions: _Optional[_Iterable[_Union[_positions_pb2.Position, _Mapping]]] = ..., orders: _Optional[_Iterable[_Union[_orders_pb2.Order, _Mapping]]] = ..., markets: _Optional[_Iterable[_Union[MarketRow, _Mapping]]] = ..., funnel: _Optional[_Union[_report_pb2.Funnel, _Mapping]] = ..., log: _Optional[_Union[LogEvents, _Mapping]] = ...) -> None: ...

class StateDelta(_message.Message):
    __slots__ = ("status", "positions", "closed_position_ids", "orders", "ended_client_order_ids", "markets", "gone_market_numbers", "funnel", "log", "confirmed", "market_order", "ended_exchange_order_ids")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_POSITION_IDS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    ENDED_CLIENT_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    GONE_MARKET_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    MARKET_ORDER_FIELD_NUMBER: _ClassVar[int]
    ENDED_EXCHANGE_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    status: _status_pb2.Status
    positions: _containers.RepeatedCompositeFieldContainer[_positions_pb2.Position]
    closed_position_ids: _containers.RepeatedScalarFieldContainer[str]
    orders: _containers.RepeatedCompositeFieldContainer[_orders_pb2.Order]
    ended_client_order_ids: _containers.RepeatedScalarFieldContainer[str]
    markets: _containers.RepeatedCompositeFieldContainer[MarketRow]
    gone_market_numbers: _containers.RepeatedScalarFieldContainer[int]
    funnel: _report_pb2.Funnel
    log: LogEvents
    confirmed: _containers.RepeatedCompositeFieldContainer[Confirmed]
    market_order: _containers.RepeatedScalarFieldContainer[int]
    ended_exchange_order_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., positions: _Optional[_Iterable[_Union[_positions_pb2.Position, _Mapping]]] = ..., closed_position_ids: _Optional[_Iterable[str]] = ..., orders: _Optional[_Iterable[_Union[_orders_pb2.Order, _Mapping]]] = ..., ended_client_order_ids: _Optional[_Iterable[str]] = ..., markets: _Optional[_Iterable[_Union[MarketRow, _Mapping]]] = ..., gone_market_numbers: _Optional[_Iterable[int]] = ..., funnel: _Optional[_Union[_report_pb2.Funnel, _Mapping]] = ..., log: _Optional[_Union[LogEvents, _Mapping]] = ..., confirmed: _Optional[_Iterable[_Union[Confirmed, _Mapping]]] = ..., market_order: _Optional[_Iterable[int]] = ..., ended_exchange_order_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class StateHeartbeat(_message.Message):
    __slots__ = ("links", "confirmed")
    LINKS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    links: _containers.RepeatedCompositeFieldContainer[_status_pb2.Link]
    confirmed: _containers.RepeatedCompositeFieldContainer[Confirmed]
    def __init__(self, links: _Optional[_Iterable[_Union[_status_pb2.Link, _Mapping]]] = ..., confirmed: _Optional[_Iterable[_Union[Confirmed, _Mapping]]] = ...) -> None: ...
