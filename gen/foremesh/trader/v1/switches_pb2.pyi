from buf.validate import validate_pb2 as _validate_pb2
from foremesh.market.v1 import market_pb2 as _market_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BlockRefusalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BLOCK_REFUSAL_REASON_UNSPECIFIED: _ClassVar[BlockRefusalReason]
    BLOCK_REFUSAL_REASON_NOT_FOUND: _ClassVar[BlockRefusalReason]
    BLOCK_REFUSAL_REASON_NOT_LIFTABLE: _ClassVar[BlockRefusalReason]

class FlattenRefusalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLATTEN_REFUSAL_REASON_UNSPECIFIED: _ClassVar[FlattenRefusalReason]
    FLATTEN_REFUSAL_REASON_NO_POSITION: _ClassVar[FlattenRefusalReason]
    FLATTEN_REFUSAL_REASON_FOREIGN: _ClassVar[FlattenRefusalReason]
    FLATTEN_REFUSAL_REASON_MARKET_CLOSED: _ClassVar[FlattenRefusalReason]
    FLATTEN_REFUSAL_REASON_PAUSED: _ClassVar[FlattenRefusalReason]
    FLATTEN_REFUSAL_REASON_UNKNOWN_ORDER: _ClassVar[FlattenRefusalReason]

class AdoptionRefusalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADOPTION_REFUSAL_REASON_UNSPECIFIED: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_NO_POSITION: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_OURS: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_YES_SIDE: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_UNKNOWN_MARKET: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_WORKING_ORDERS: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_UNKNOWN_COST: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_NO_PLAN: _ClassVar[AdoptionRefusalReason]
    ADOPTION_REFUSAL_REASON_PLAN_REACHED: _ClassVar[AdoptionRefusalReason]
BLOCK_REFUSAL_REASON_UNSPECIFIED: BlockRefusalReason
BLOCK_REFUSAL_REASON_NOT_FOUND: BlockRefusalReason
BLOCK_REFUSAL_REASON_NOT_LIFTABLE: BlockRefusalReason
FLATTEN_REFUSAL_REASON_UNSPECIFIED: FlattenRefusalReason
FLATTEN_REFUSAL_REASON_NO_POSITION: FlattenRefusalReason
FLATTEN_REFUSAL_REASON_FOREIGN: FlattenRefusalReason
FLATTEN_REFUSAL_REASON_MARKET_CLOSED: FlattenRefusalReason
FLATTEN_REFUSAL_REASON_PAUSED: FlattenRefusalReason
FLATTEN_REFUSAL_REASON_UNKNOWN_ORDER: FlattenRefusalReason
ADOPTION_REFUSAL_REASON_UNSPECIFIED: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_NO_POSITION: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_OURS: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_YES_SIDE: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_UNKNOWN_MARKET: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_WORKING_ORDERS: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_UNKNOWN_COST: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_NO_PLAN: AdoptionRefusalReason
ADOPTION_REFUSAL_REASON_PLAN_REACHED: AdoptionRefusalReason

class BlockLifted(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BlockKept(_message.Message):
    __slots__ = ("reason", "detail")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    reason: BlockRefusalReason
    detail: str
    def __init__(self, reason: _Optional[_Union[BlockRefusalReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class BlockOutcome(_message.Message):
    __slots__ = ("block_id", "lifted", "kept")
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    LIFTED_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    block_id: str
    lifted: BlockLifted
    kept: BlockKept
    def __init__(self, block_id: _Optional[str] = ..., lifted: _Optional[_Union[BlockLifted, _Mapping]] = ..., kept: _Optional[_Union[BlockKept, _Mapping]] = ...) -> None: ...

class FlattenAccepted(_message.Message):
    __slots__ = ("decision_id", "client_order_id", "count_hundredths", "floor_price_micros", "mark")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    FLOOR_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    client_order_id: str
    count_hundredths: int
    floor_price_micros: int
    mark: _positions_pb2.Mark
    def __init__(self, decision_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., count_hundredths: _Optional[int] = ..., floor_price_micros: _Optional[int] = ..., mark: _Optional[_Union[_positions_pb2.Mark, _Mapping]] = ...) -> None: ...

class FlattenRefused(_message.Message):
    __slots__ = ("reason", "detail")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    reason: FlattenRefusalReason
    detail: str
    def __init__(self, reason: _Optional[_Union[FlattenRefusalReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class FlattenNoBid(_message.Message):
    __slots__ = ("decision_id", "floor_price_micros", "mark")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    FLOOR_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    floor_price_micros: int
    mark: _positions_pb2.Mark
    def __init__(self, decision_id: _Optional[str] = ..., floor_price_micros: _Optional[int] = ..., mark: _Optional[_Union[_positions_pb2.Mark, _Mapping]] = ...) -> None: ...

class FlattenOutcome(_message.Message):
    __slots__ = ("market_ticker", "position_id", "side", "accepted", "refused", "no_bid")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    NO_BID_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    position_id: str
    side: _market_pb2.ContractSide
    accepted: FlattenAccepted
    refused: FlattenRefused
    no_bid: FlattenNoBid
    def __init__(self, market_ticker: _Optional[str] = ..., position_id: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., accepted: _Optional[_Union[FlattenAccepted, _Mapping]] = ..., refused: _Optional[_Union[FlattenRefused, _Mapping]] = ..., no_bid: _Optional[_Union[FlattenNoBid, _Mapping]] = ...) -> None: ...

class AdoptionRefused(_message.Message):
    __slots__ = ("reason", "detail")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    reason: AdoptionRefusalReason
    detail: str
    def __init__(self, reason: _Optional[_Union[AdoptionRefusalReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...
