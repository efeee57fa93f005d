from buf.validate import validate_pb2 as _validate_pb2
from foremesh.trader.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Trace(_message.Message):
    __slots__ = ("market_ticker", "decision_ids", "position_id", "exit_decision_ids", "client_order_ids", "events", "truncated")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    EXIT_DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    decision_ids: _containers.RepeatedScalarFieldContainer[str]
    position_id: str
    exit_decision_ids: _containers.RepeatedScalarFieldContainer[str]
    client_order_ids: _containers.RepeatedScalarFieldContainer[str]
    events: _containers.RepeatedCompositeFieldContainer[_events_pb2.Event]
    truncated: bool
    def __init__(self, market_ticker: _Optional[str] = ..., decision_ids: _Optional[_Iterable[str]] = ..., position_id: _Optional[str] = ..., exit_decision_ids: _Optional[_Iterable[str]] = ..., client_order_ids: _Optional[_Iterable[str]] = ..., events: _Optional[_Iterable[_Union[_events_pb2.Event, _Mapping]]] = ..., truncated: _Optional[bool] = ...) -> None: ...
