import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.access.v1 import access_pb2 as _access_pb2
from foremesh.trader.v1 import events_pb2 as _events_pb2
from foremesh.trader.v1 import market_view_pb2 as _market_view_pb2
from foremesh.trader.v1 import orders_pb2 as _orders_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from foremesh.trader.v1 import report_pb2 as _report_pb2
from foremesh.trader.v1 import screen_pb2 as _screen_pb2
from foremesh.trader.v1 import status_pb2 as _status_pb2
from foremesh.trader.v1 import switches_pb2 as _switches_pb2
from foremesh.trader.v1 import trace_pb2 as _trace_pb2
from foremesh.trader.v1 import trades_pb2 as _trades_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("instance_id", "journal_id", "as_of_sequence", "status")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    journal_id: str
    as_of_sequence: int
    status: _status_pb2.Status
    def __init__(self, instance_id: _Optional[str] = ..., journal_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ("market_tickers", "series_tickers", "page_size", "page_token")
    MARKET_TICKERS_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKERS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_tickers: _containers.RepeatedScalarFieldContainer[str]
    series_tickers: _containers.RepeatedScalarFieldContainer[str]
    page_size: int
    page_token: str
    def __init__(self, market_tickers: _Optional[_Iterable[str]] = ..., series_tickers: _Optional[_Iterable[str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("instance_id", "as_of_sequence", "positions", "next_page_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    as_of_sequence: int
    positions: _containers.RepeatedCompositeFieldContainer[_positions_pb2.Position]
    next_page_token: str
    def __init__(self, instance_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., positions: _Optional[_Iterable[_Union[_positions_pb2.Position, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("market_tickers", "states", "decision_id", "client_order_id", "start_time", "end_time", "page_size", "page_token")
    MARKET_TICKERS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_tickers: _containers.RepeatedScalarFieldContainer[str]
    states: _containers.RepeatedScalarFieldContainer[_orders_pb2.OrderState]
    decision_id: str
    client_order_id: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, market_tickers: _Optional[_Iterable[str]] = ..., states: _Optional[_Iterable[_Union[_orders_pb2.OrderState, str]]] = ..., decision_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("instance_id", "as_of_sequence", "orders", "next_page_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    as_of_sequence: int
    orders: _containers.RepeatedCompositeFieldContainer[_orders_pb2.Order]
    next_page_token: str
    def __init__(self, instance_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., orders: _Optional[_Iterable[_Union[_orders_pb2.Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListTradesRequest(_message.Message):
    __slots__ = ("market_tickers", "series_tickers", "exit_kinds", "start_time", "end_time", "page_size", "page_token")
    MARKET_TICKERS_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKERS_FIELD_NUMBER: _ClassVar[int]
    EXIT_KINDS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_tickers: _containers.RepeatedScalarFieldContainer[str]
    series_tickers: _containers.RepeatedScalarFieldContainer[str]
    exit_kinds: _containers.RepeatedScalarFieldContainer[_positions_pb2.ExitKind]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, market_tickers: _Optional[_Iterable[str]] = ..., series_tickers: _Optional[_Iterable[str]] = ..., exit_kinds: _Optional[_Iterable[_Union[_positions_pb2.ExitKind, str]]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTradesResponse(_message.Message):
    __slots__ = ("instance_id", "as_of_sequence", "trades", "next_page_token")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    as_of_sequence: int
    trades: _containers.RepeatedCompositeFieldContainer[_trades_pb2.Trade]
    next_page_token: str
    def __init__(self, instance_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., trades: _Optional[_Iterable[_Union[_trades_pb2.Trade, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ("start_time", "end_time", "series_tickers", "time_zone")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKERS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    series_tickers: _containers.RepeatedScalarFieldContainer[str]
    time_zone: str
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., series_tickers: _Optional[_Iterable[str]] = ..., time_zone: _Optional[str] = ...) -> None: ...

class GetReportResponse(_message.Message):
    __slots__ = ("instance_id", "as_of_sequence", "report")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    as_of_sequence: int
    report: _report_pb2.Report
    def __init__(self, instance_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., report: _Optional[_Union[_report_pb2.Report, _Mapping]] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("after_sequence", "journal_id", "kinds", "market_tickers", "heartbeat_interval")
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKERS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    after_sequence: int
    journal_id: str
    kinds: _containers.RepeatedScalarFieldContainer[_events_pb2.EventKind]
    market_tickers: _containers.RepeatedScalarFieldContainer[str]
    heartbeat_interval: _duration_pb2.Duration
    def __init__(self, after_sequence: _Optional[int] = ..., journal_id: _Optional[str] = ..., kinds: _Optional[_Iterable[_Union[_events_pb2.EventKind, str]]] = ..., market_tickers: _Optional[_Iterable[str]] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("instance_id", "journal_id", "through_sequence", "batch", "heartbeat")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    THROUGH_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    journal_id: str
    through_sequence: int
    batch: _events_pb2.EventBatch
    heartbeat: _events_pb2.Heartbeat
    def __init__(self, instance_id: _Optional[str] = ..., journal_id: _Optional[str] = ..., through_sequence: _Optional[int] = ..., batch: _Optional[_Union[_events_pb2.EventBatch, _Mapping]] = ..., heartbeat: _Optional[_Union[_events_pb2.Heartbeat, _Mapping]] = ...) -> None: ...

class WatchStateRequest(_message.Message):
    __slots__ = ("max_hz", "market_tickers", "after_sequence", "journal_id")
    MAX_HZ_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKERS_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    max_hz: float
    market_tickers: _containers.RepeatedScalarFieldContainer[str]
    after_sequence: int
    journal_id: str
    def __init__(self, max_hz: _Optional[float] = ..., market_tickers: _Optional[_Iterable[str]] = ..., after_sequence: _Optional[int] = ..., journal_id: _Optional[str] = ...) -> None: ...

class WatchStateResponse(_message.Message):
    __slots__ = ("instance_id", "journal_id", "as_of_sequence", "snapshot", "delta", "heartbeat", "stream_age")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    STREAM_AGE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    journal_id: str
    as_of_sequence: int
    snapshot: _screen_pb2.StateSnapshot
    delta: _screen_pb2.StateDelta
    heartbeat: _screen_pb2.StateHeartbeat
    stream_age: _duration_pb2.Duration
    def __init__(self, instance_id: _Optional[str] = ..., journal_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., snapshot: _Optional[_Union[_screen_pb2.StateSnapshot, _Mapping]] = ..., delta: _Optional[_Union[_screen_pb2.StateDelta, _Mapping]] = ..., heartbeat: _Optional[_Union[_screen_pb2.StateHeartbeat, _Mapping]] = ..., stream_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PauseTradingRequest(_message.Message):
    __slots__ = ("request_id", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PauseTradingResponse(_message.Message):
    __slots__ = ("instance_id", "sequence", "repeated_request", "state", "block", "cancelling_client_order_ids")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_REQUEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    CANCELLING_CLIENT_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    sequence: int
    repeated_request: bool
    state: _status_pb2.TradingState
    block: _status_pb2.EntryBlock
    cancelling_client_order_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, instance_id: _Optional[str] = ..., sequence: _Optional[int] = ..., repeated_request: _Optional[bool] = ..., state: _Optional[_Union[_status_pb2.TradingState, str]] = ..., block: _Optional[_Union[_status_pb2.EntryBlock, _Mapping]] = ..., cancelling_client_order_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ResumeTradingRequest(_message.Message):
    __slots__ = ("request_id", "reason", "block_ids")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BLOCK_IDS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reason: str
    block_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., reason: _Optional[str] = ..., block_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ResumeTradingResponse(_message.Message):
    __slots__ = ("instance_id", "sequence", "repeated_request", "state", "outcomes", "remaining")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_REQUEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    sequence: int
    repeated_request: bool
    state: _status_pb2.TradingState
    outcomes: _containers.RepeatedCompositeFieldContainer[_switches_pb2.BlockOutcome]
    remaining: _containers.RepeatedCompositeFieldContainer[_status_pb2.EntryBlock]
    def __init__(self, instance_id: _Optional[str] = ..., sequence: _Optional[int] = ..., repeated_request: _Optional[bool] = ..., state: _Optional[_Union[_status_pb2.TradingState, str]] = ..., outcomes: _Optional[_Iterable[_Union[_switches_pb2.BlockOutcome, _Mapping]]] = ..., remaining: _Optional[_Iterable[_Union[_status_pb2.EntryBlock, _Mapping]]] = ...) -> None: ...

class FlattenPositionsRequest(_message.Message):
    __slots__ = ("request_id", "reason", "market_tickers", "floor_price_micros")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKERS_FIELD_NUMBER: _ClassVar[int]
    FLOOR_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reason: str
    market_tickers: _containers.RepeatedScalarFieldContainer[str]
    floor_price_micros: int
    def __init__(self, request_id: _Optional[str] = ..., reason: _Optional[str] = ..., market_tickers: _Optional[_Iterable[str]] = ..., floor_price_micros: _Optional[int] = ...) -> None: ...

class FlattenPositionsResponse(_message.Message):
    __slots__ = ("instance_id", "sequence", "repeated_request", "state", "blocks", "outcomes")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_REQUEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    sequence: int
    repeated_request: bool
    state: _status_pb2.TradingState
    blocks: _containers.RepeatedCompositeFieldContainer[_status_pb2.EntryBlock]
    outcomes: _containers.RepeatedCompositeFieldContainer[_switches_pb2.FlattenOutcome]
    def __init__(self, instance_id: _Optional[str] = ..., sequence: _Optional[int] = ..., repeated_request: _Optional[bool] = ..., state: _Optional[_Union[_status_pb2.TradingState, str]] = ..., blocks: _Optional[_Iterable[_Union[_status_pb2.EntryBlock, _Mapping]]] = ..., outcomes: _Optional[_Iterable[_Union[_switches_pb2.FlattenOutcome, _Mapping]]] = ...) -> None: ...

class AdoptPositionRequest(_message.Message):
    __slots__ = ("request_id", "reason", "market_ticker", "take_profit_price_micros", "stop_loss_price_micros", "hold_to_settlement")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    HOLD_TO_SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reason: str
    market_ticker: str
    take_profit_price_micros: int
    stop_loss_price_micros: int
    hold_to_settlement: bool
    def __init__(self, request_id: _Optional[str] = ..., reason: _Optional[str] = ..., market_ticker: _Optional[str] = ..., take_profit_price_micros: _Optional[int] = ..., stop_loss_price_micros: _Optional[int] = ..., hold_to_settlement: _Optional[bool] = ...) -> None: ...

class AdoptPositionResponse(_message.Message):
    __slots__ = ("instance_id", "sequence", "repeated_request", "state", "adopted", "refused")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_REQUEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ADOPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    sequence: int
    repeated_request: bool
    state: _status_pb2.TradingState
    adopted: _positions_pb2.Position
    refused: _switches_pb2.AdoptionRefused
    def __init__(self, instance_id: _Optional[str] = ..., sequence: _Optional[int] = ..., repeated_request: _Optional[bool] = ..., state: _Optional[_Union[_status_pb2.TradingState, str]] = ..., adopted: _Optional[_Union[_positions_pb2.Position, _Mapping]] = ..., refused: _Optional[_Union[_switches_pb2.AdoptionRefused, _Mapping]] = ...) -> None: ...

class GetMarketViewRequest(_message.Message):
    __slots__ = ("market_ticker",)
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    def __init__(self, market_ticker: _Optional[str] = ...) -> None: ...

class GetMarketViewResponse(_message.Message):
    __slots__ = ("instance_id", "as_of_sequence", "view")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    as_of_sequence: int
    view: _market_view_pb2.MarketView
    def __init__(self, instance_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., view: _Optional[_Union[_market_view_pb2.MarketView, _Mapping]] = ...) -> None: ...

class GetTraceRequest(_message.Message):
    __slots__ = ("id", "market_ticker")
    ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    id: str
    market_ticker: str
    def __init__(self, id: _Optional[str] = ..., market_ticker: _Optional[str] = ...) -> None: ...

class GetTraceResponse(_message.Message):
    __slots__ = ("instance_id", "as_of_sequence", "trace")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    as_of_sequence: int
    trace: _trace_pb2.Trace
    def __init__(self, instance_id: _Optional[str] = ..., as_of_sequence: _Optional[int] = ..., trace: _Optional[_Union[_trace_pb2.Trace, _Mapping]] = ...) -> None: ...
