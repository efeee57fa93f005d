import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.forecast.v1 import signal_pb2 as _signal_pb2
from foremesh.market.v1 import market_pb2 as _market_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from foremesh.trader.v1 import rules_pb2 as _rules_pb2
from foremesh.trader.v1 import status_pb2 as _status_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScanOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCAN_OUTCOME_UNSPECIFIED: _ClassVar[ScanOutcome]
    SCAN_OUTCOME_SIGNAL: _ClassVar[ScanOutcome]
    SCAN_OUTCOME_NO_SIGNAL: _ClassVar[ScanOutcome]
    SCAN_OUTCOME_REJECTED: _ClassVar[ScanOutcome]
    SCAN_OUTCOME_EXPIRED: _ClassVar[ScanOutcome]
    SCAN_OUTCOME_NOT_ASKED: _ClassVar[ScanOutcome]
    SCAN_OUTCOME_FAILED: _ClassVar[ScanOutcome]

class EntryStyle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_STYLE_UNSPECIFIED: _ClassVar[EntryStyle]
    ENTRY_STYLE_TAKE: _ClassVar[EntryStyle]
    ENTRY_STYLE_REST: _ClassVar[EntryStyle]

class DecisionOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_OUTCOME_UNSPECIFIED: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_ENTER: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_REFUSED: _ClassVar[DecisionOutcome]
SCAN_OUTCOME_UNSPECIFIED: ScanOutcome
SCAN_OUTCOME_SIGNAL: ScanOutcome
SCAN_OUTCOME_NO_SIGNAL: ScanOutcome
SCAN_OUTCOME_REJECTED: ScanOutcome
SCAN_OUTCOME_EXPIRED: ScanOutcome
SCAN_OUTCOME_NOT_ASKED: ScanOutcome
SCAN_OUTCOME_FAILED: ScanOutcome
ENTRY_STYLE_UNSPECIFIED: EntryStyle
ENTRY_STYLE_TAKE: EntryStyle
ENTRY_STYLE_REST: EntryStyle
DECISION_OUTCOME_UNSPECIFIED: DecisionOutcome
DECISION_OUTCOME_ENTER: DecisionOutcome
DECISION_OUTCOME_REFUSED: DecisionOutcome

class ScanSignal(_message.Message):
    __slots__ = ("scan_id", "market_ticker", "series_ticker", "side", "signal", "last_candle_time", "step", "useful_until_time", "weights_digest")
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    LAST_CANDLE_TIME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    USEFUL_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    scan_id: str
    market_ticker: str
    series_ticker: str
    side: _market_pb2.ContractSide
    signal: _signal_pb2.Signal
    last_candle_time: _timestamp_pb2.Timestamp
    step: _duration_pb2.Duration
    useful_until_time: _timestamp_pb2.Timestamp
    weights_digest: str
    def __init__(self, scan_id: _Optional[str] = ..., market_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., signal: _Optional[_Union[_signal_pb2.Signal, _Mapping]] = ..., last_candle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., useful_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., weights_digest: _Optional[str] = ...) -> None: ...

class ScanStarted(_message.Message):
    __slots__ = ("scan_id", "series_tickers", "market_count")
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKERS_FIELD_NUMBER: _ClassVar[int]
    MARKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    scan_id: str
    series_tickers: _containers.RepeatedScalarFieldContainer[str]
    market_count: int
    def __init__(self, scan_id: _Optional[str] = ..., series_tickers: _Optional[_Iterable[str]] = ..., market_count: _Optional[int] = ...) -> None: ...

class ScannedMarket(_message.Message):
    __slots__ = ("market_ticker", "outcome", "reason")
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    market_ticker: str
    outcome: ScanOutcome
    reason: str
    def __init__(self, market_ticker: _Optional[str] = ..., outcome: _Optional[_Union[ScanOutcome, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class UnreadSeries(_message.Message):
    __slots__ = ("series_ticker", "problem")
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    series_ticker: str
    problem: str
    def __init__(self, series_ticker: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...

class ScanFinished(_message.Message):
    __slots__ = ("scan_id", "market_count", "signal_count", "no_signal_count", "rejected_count", "expired_count", "not_asked_count", "failed_count", "entry_count", "unsignalled", "duration", "unread")
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    NO_SIGNAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_COUNT_FIELD_NUMBER: _ClassVar[int]
    NOT_ASKED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNSIGNALLED_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    scan_id: str
    market_count: int
    signal_count: int
    no_signal_count: int
    rejected_count: int
    expired_count: int
    not_asked_count: int
    failed_count: int
    entry_count: int
    unsignalled: _containers.RepeatedCompositeFieldContainer[ScannedMarket]
    duration: _duration_pb2.Duration
    unread: _containers.RepeatedCompositeFieldContainer[UnreadSeries]
    def __init__(self, scan_id: _Optional[str] = ..., market_count: _Optional[int] = ..., signal_count: _Optional[int] = ..., no_signal_count: _Optional[int] = ..., rejected_count: _Optional[int] = ..., expired_count: _Optional[int] = ..., not_asked_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., entry_count: _Optional[int] = ..., unsignalled: _Optional[_Iterable[_Union[ScannedMarket, _Mapping]]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., unread: _Optional[_Iterable[_Union[UnreadSeries, _Mapping]]] = ...) -> None: ...

class EntryPlan(_message.Message):
    __slots__ = ("style", "limit_price_micros", "ask_price_micros", "count_hundredths", "stake_micros", "expected_edge_cents", "exit", "depth_hundredths", "depth_micros", "depth_level_count")
    STYLE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    STAKE_MICROS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_EDGE_CENTS_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    DEPTH_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_MICROS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_LEVEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    style: EntryStyle
    limit_price_micros: int
    ask_price_micros: int
    count_hundredths: int
    stake_micros: int
    expected_edge_cents: float
    exit: _positions_pb2.ExitPlan
    depth_hundredths: int
    depth_micros: int
    depth_level_count: int
    def __init__(self, style: _Optional[_Union[EntryStyle, str]] = ..., limit_price_micros: _Optional[int] = ..., ask_price_micros: _Optional[int] = ..., count_hundredths: _Optional[int] = ..., stake_micros: _Optional[int] = ..., expected_edge_cents: _Optional[float] = ..., exit: _Optional[_Union[_positions_pb2.ExitPlan, _Mapping]] = ..., depth_hundredths: _Optional[int] = ..., depth_micros: _Optional[int] = ..., depth_level_count: _Optional[int] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("decision_id", "scan_id", "market_ticker", "series_ticker", "side", "actor", "outcome", "verdicts", "plan", "quote")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    scan_id: str
    market_ticker: str
    series_ticker: str
    side: _market_pb2.ContractSide
    actor: _status_pb2.Actor
    outcome: DecisionOutcome
    verdicts: _containers.RepeatedCompositeFieldContainer[_rules_pb2.RuleVerdict]
    plan: EntryPlan
    quote: _market_pb2.Quote
    def __init__(self, decision_id: _Optional[str] = ..., scan_id: _Optional[str] = ..., market_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., actor: _Optional[_Union[_status_pb2.Actor, _Mapping]] = ..., outcome: _Optional[_Union[DecisionOutcome, str]] = ..., verdicts: _Optional[_Iterable[_Union[_rules_pb2.RuleVerdict, _Mapping]]] = ..., plan: _Optional[_Union[EntryPlan, _Mapping]] = ..., quote: _Optional[_Union[_market_pb2.Quote, _Mapping]] = ...) -> None: ...

class ExitDecision(_message.Message):
    __slots__ = ("decision_id", "position_id", "market_ticker", "side", "kind", "actor", "count_hundredths", "level_price_micros", "floor_price_micros", "mark")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    FLOOR_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    position_id: str
    market_ticker: str
    side: _market_pb2.ContractSide
    kind: _positions_pb2.ExitKind
    actor: _status_pb2.Actor
    count_hundredths: int
    level_price_micros: int
    floor_price_micros: int
    mark: _positions_pb2.Mark
    def __init__(self, decision_id: _Optional[str] = ..., position_id: _Optional[str] = ..., market_ticker: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.ContractSide, str]] = ..., kind: _Optional[_Union[_positions_pb2.ExitKind, str]] = ..., actor: _Optional[_Union[_status_pb2.Actor, _Mapping]] = ..., count_hundredths: _Optional[int] = ..., level_price_micros: _Optional[int] = ..., floor_price_micros: _Optional[int] = ..., mark: _Optional[_Union[_positions_pb2.Mark, _Mapping]] = ...) -> None: ...
