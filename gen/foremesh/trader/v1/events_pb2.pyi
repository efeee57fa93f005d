import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.trader.v1 import decisions_pb2 as _decisions_pb2
from foremesh.trader.v1 import orders_pb2 as _orders_pb2
from foremesh.trader.v1 import rules_pb2 as _rules_pb2
from foremesh.trader.v1 import status_pb2 as _status_pb2
from foremesh.trader.v1 import trades_pb2 as _trades_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_KIND_UNSPECIFIED: _ClassVar[EventKind]
    EVENT_KIND_SCAN_STARTED: _ClassVar[EventKind]
    EVENT_KIND_SCAN_FINISHED: _ClassVar[EventKind]
    EVENT_KIND_SIGNAL: _ClassVar[EventKind]
    EVENT_KIND_DECISION: _ClassVar[EventKind]
    EVENT_KIND_ORDER: _ClassVar[EventKind]
    EVENT_KIND_FILL: _ClassVar[EventKind]
    EVENT_KIND_EXIT: _ClassVar[EventKind]
    EVENT_KIND_SETTLEMENT: _ClassVar[EventKind]
    EVENT_KIND_TRADE: _ClassVar[EventKind]
    EVENT_KIND_STATE_CHANGE: _ClassVar[EventKind]
    EVENT_KIND_RECONCILIATION_DIFFERENCE: _ClassVar[EventKind]
    EVENT_KIND_NOTIFICATION: _ClassVar[EventKind]

class StateChangeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATE_CHANGE_KIND_UNSPECIFIED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_STARTED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_STOPPED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_PAUSED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_RESUMED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_FLATTENED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_HALTED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_RELEASED: _ClassVar[StateChangeKind]
    STATE_CHANGE_KIND_ADOPTED: _ClassVar[StateChangeKind]

class ReconciliationSubject(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECONCILIATION_SUBJECT_UNSPECIFIED: _ClassVar[ReconciliationSubject]
    RECONCILIATION_SUBJECT_POSITION: _ClassVar[ReconciliationSubject]
    RECONCILIATION_SUBJECT_ORDER: _ClassVar[ReconciliationSubject]
    RECONCILIATION_SUBJECT_FILL: _ClassVar[ReconciliationSubject]
    RECONCILIATION_SUBJECT_CASH: _ClassVar[ReconciliationSubject]
    RECONCILIATION_SUBJECT_FEE: _ClassVar[ReconciliationSubject]
    RECONCILIATION_SUBJECT_SETTLEMENT: _ClassVar[ReconciliationSubject]
    RECONCILIATION_SUBJECT_ENTRY_PRICE: _ClassVar[ReconciliationSubject]

class ReconciliationResolution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECONCILIATION_RESOLUTION_UNSPECIFIED: _ClassVar[ReconciliationResolution]
    RECONCILIATION_RESOLUTION_TAKEN_OVER: _ClassVar[ReconciliationResolution]
    RECONCILIATION_RESOLUTION_LEFT_ALONE: _ClassVar[ReconciliationResolution]
    RECONCILIATION_RESOLUTION_OPEN: _ClassVar[ReconciliationResolution]

class NotificationPriority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTIFICATION_PRIORITY_UNSPECIFIED: _ClassVar[NotificationPriority]
    NOTIFICATION_PRIORITY_QUIET: _ClassVar[NotificationPriority]
    NOTIFICATION_PRIORITY_NORMAL: _ClassVar[NotificationPriority]
    NOTIFICATION_PRIORITY_HIGH: _ClassVar[NotificationPriority]
    NOTIFICATION_PRIORITY_EMERGENCY: _ClassVar[NotificationPriority]

class NotificationDelivery(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTIFICATION_DELIVERY_UNSPECIFIED: _ClassVar[NotificationDelivery]
    NOTIFICATION_DELIVERY_QUEUED: _ClassVar[NotificationDelivery]
    NOTIFICATION_DELIVERY_ACCEPTED: _ClassVar[NotificationDelivery]
    NOTIFICATION_DELIVERY_SUPPRESSED: _ClassVar[NotificationDelivery]
    NOTIFICATION_DELIVERY_FAILED: _ClassVar[NotificationDelivery]
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_SCAN_STARTED: EventKind
EVENT_KIND_SCAN_FINISHED: EventKind
EVENT_KIND_SIGNAL: EventKind
EVENT_KIND_DECISION: EventKind
EVENT_KIND_ORDER: EventKind
EVENT_KIND_FILL: EventKind
EVENT_KIND_EXIT: EventKind
EVENT_KIND_SETTLEMENT: EventKind
EVENT_KIND_TRADE: EventKind
EVENT_KIND_STATE_CHANGE: EventKind
EVENT_KIND_RECONCILIATION_DIFFERENCE: EventKind
EVENT_KIND_NOTIFICATION: EventKind
STATE_CHANGE_KIND_UNSPECIFIED: StateChangeKind
STATE_CHANGE_KIND_STARTED: StateChangeKind
STATE_CHANGE_KIND_STOPPED: StateChangeKind
STATE_CHANGE_KIND_PAUSED: StateChangeKind
STATE_CHANGE_KIND_RESUMED: StateChangeKind
STATE_CHANGE_KIND_FLATTENED: StateChangeKind
STATE_CHANGE_KIND_HALTED: StateChangeKind
STATE_CHANGE_KIND_RELEASED: StateChangeKind
STATE_CHANGE_KIND_ADOPTED: StateChangeKind
RECONCILIATION_SUBJECT_UNSPECIFIED: ReconciliationSubject
RECONCILIATION_SUBJECT_POSITION: ReconciliationSubject
RECONCILIATION_SUBJECT_ORDER: ReconciliationSubject
RECONCILIATION_SUBJECT_FILL: ReconciliationSubject
RECONCILIATION_SUBJECT_CASH: ReconciliationSubject
RECONCILIATION_SUBJECT_FEE: ReconciliationSubject
RECONCILIATION_SUBJECT_SETTLEMENT: ReconciliationSubject
RECONCILIATION_SUBJECT_ENTRY_PRICE: ReconciliationSubject
RECONCILIATION_RESOLUTION_UNSPECIFIED: ReconciliationResolution
RECONCILIATION_RESOLUTION_TAKEN_OVER: ReconciliationResolution
RECONCILIATION_RESOLUTION_LEFT_ALONE: ReconciliationResolution
RECONCILIATION_RESOLUTION_OPEN: ReconciliationResolution
NOTIFICATION_PRIORITY_UNSPECIFIED: NotificationPriority
NOTIFICATION_PRIORITY_QUIET: NotificationPriority
NOTIFICATION_PRIORITY_NORMAL: NotificationPriority
NOTIFICATION_PRIORITY_HIGH: NotificationPriority
NOTIFICATION_PRIORITY_EMERGENCY: NotificationPriority
NOTIFICATION_DELIVERY_UNSPECIFIED: NotificationDelivery
NOTIFICATION_DELIVERY_QUEUED: NotificationDelivery
NOTIFICATION_DELIVERY_ACCEPTED: NotificationDelivery
NOTIFICATION_DELIVERY_SUPPRESSED: NotificationDelivery
NOTIFICATION_DELIVERY_FAILED: NotificationDelivery

class OrderChange(_message.Message):
    __slots__ = ("order", "previous_state")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_STATE_FIELD_NUMBER: _ClassVar[int]
    order: _orders_pb2.Order
    previous_state: _orders_pb2.OrderState
    def __init__(self, order: _Optional[_Union[_orders_pb2.Order, _Mapping]] = ..., previous_state: _Optional[_Union[_orders_pb2.OrderState, str]] = ...) -> None: ...

class StateChange(_message.Message):
    __slots__ = ("kind", "state", "actor", "reason", "request_id", "begun", "ended", "position_ids")
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    POSITION_IDS_FIELD_NUMBER: _ClassVar[int]
    kind: StateChangeKind
    state: _status_pb2.TradingState
    actor: _status_pb2.Actor
    reason: str
    request_id: str
    begun: _containers.RepeatedCompositeFieldContainer[_status_pb2.EntryBlock]
    ended: _containers.RepeatedCompositeFieldContainer[_status_pb2.EntryBlock]
    position_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[_Union[StateChangeKind, str]] = ..., state: _Optional[_Union[_status_pb2.TradingState, str]] = ..., actor: _Optional[_Union[_status_pb2.Actor, _Mapping]] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ..., begun: _Optional[_Iterable[_Union[_status_pb2.EntryBlock, _Mapping]]] = ..., ended: _Optional[_Iterable[_Union[_status_pb2.EntryBlock, _Mapping]]] = ..., position_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ReconciliationDifference(_message.Message):
    __slots__ = ("subject", "market_ticker", "client_order_id", "trader", "exchange", "resolution", "detail")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRADER_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    subject: ReconciliationSubject
    market_ticker: str
    client_order_id: str
    trader: _rules_pb2.Figure
    exchange: _rules_pb2.Figure
    resolution: ReconciliationResolution
    detail: str
    def __init__(self, subject: _Optional[_Union[ReconciliationSubject, str]] = ..., market_ticker: _Optional[str] = ..., client_order_id: _Optional[str] = ..., trader: _Optional[_Union[_rules_pb2.Figure, _Mapping]] = ..., exchange: _Optional[_Union[_rules_pb2.Figure, _Mapping]] = ..., resolution: _Optional[_Union[ReconciliationResolution, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class Notification(_message.Message):
    __slots__ = ("notification_id", "priority", "delivery", "title", "text", "market_ticker", "position_id")
    NOTIFICATION_ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    notification_id: str
    priority: NotificationPriority
    delivery: NotificationDelivery
    title: str
    text: str
    market_ticker: str
    position_id: str
    def __init__(self, notification_id: _Optional[str] = ..., priority: _Optional[_Union[NotificationPriority, str]] = ..., delivery: _Optional[_Union[NotificationDelivery, str]] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., market_ticker: _Optional[str] = ..., position_id: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("sequence", "record_time", "scan_started", "scan_finished", "signal", "decision", "order", "fill", "exit", "settlement", "trade", "state_change", "reconciliation_difference", "notification")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RECORD_TIME_FIELD_NUMBER: _ClassVar[int]
    SCAN_STARTED_FIELD_NUMBER: _ClassVar[int]
    SCAN_FINISHED_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    STATE_CHANGE_FIELD_NUMBER: _ClassVar[int]
    RECONCILIATION_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    record_time: _timestamp_pb2.Timestamp
    scan_started: _decisions_pb2.ScanStarted
    scan_finished: _decisions_pb2.ScanFinished
    signal: _decisions_pb2.ScanSignal
    decision: _decisions_pb2.Decision
    order: OrderChange
    fill: _orders_pb2.Fill
    exit: _decisions_pb2.ExitDecision
    settlement: _trades_pb2.Settlement
    trade: _trades_pb2.Trade
    state_change: StateChange
    reconciliation_difference: ReconciliationDifference
    notification: Notification
    def __init__(self, sequence: _Optional[int] = ..., record_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scan_started: _Optional[_Union[_decisions_pb2.ScanStarted, _Mapping]] = ..., scan_finished: _Optional[_Union[_decisions_pb2.ScanFinished, _Mapping]] = ..., signal: _Optional[_Union[_decisions_pb2.ScanSignal, _Mapping]] = ..., decision: _Optional[_Union[_decisions_pb2.Decision, _Mapping]] = ..., order: _Optional[_Union[OrderChange, _Mapping]] = ..., fill: _Optional[_Union[_orders_pb2.Fill, _Mapping]] = ..., exit: _Optional[_Union[_decisions_pb2.ExitDecision, _Mapping]] = ..., settlement: _Optional[_Union[_trades_pb2.Settlement, _Mapping]] = ..., trade: _Optional[_Union[_trades_pb2.Trade, _Mapping]] = ..., state_change: _Optional[_Union[StateChange, _Mapping]] = ..., reconciliation_difference: _Optional[_Union[ReconciliationDifference, _Mapping]] = ..., notification: _Optional[_Union[Notification, _Mapping]] = ...) -> None: ...

class EventBatch(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("state", "links")
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    state: _status_pb2.TradingState
    links: _containers.RepeatedCompositeFieldContainer[_status_pb2.Link]
    def __init__(self, state: _Optional[_Union[_status_pb2.TradingState, str]] = ..., links: _Optional[_Iterable[_Union[_status_pb2.Link, _Mapping]]] = ...) -> None: ...
