import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.access.v1 import access_pb2 as _access_pb2
from foremesh.trader.v1 import rules_pb2 as _rules_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TradingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRADING_MODE_UNSPECIFIED: _ClassVar[TradingMode]
    TRADING_MODE_PAPER: _ClassVar[TradingMode]
    TRADING_MODE_DEMO: _ClassVar[TradingMode]
    TRADING_MODE_LIVE: _ClassVar[TradingMode]

class TradingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRADING_STATE_UNSPECIFIED: _ClassVar[TradingState]
    TRADING_STATE_STARTING: _ClassVar[TradingState]
    TRADING_STATE_RUNNING: _ClassVar[TradingState]
    TRADING_STATE_PAUSED: _ClassVar[TradingState]
    TRADING_STATE_HALTED: _ClassVar[TradingState]
    TRADING_STATE_STOPPING: _ClassVar[TradingState]

class ActorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTOR_KIND_UNSPECIFIED: _ClassVar[ActorKind]
    ACTOR_KIND_TRADER: _ClassVar[ActorKind]
    ACTOR_KIND_CALLER: _ClassVar[ActorKind]
    ACTOR_KIND_KILL_SWITCH_FILE: _ClassVar[ActorKind]
    ACTOR_KIND_EXCHANGE: _ClassVar[ActorKind]

class BlockKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BLOCK_KIND_UNSPECIFIED: _ClassVar[BlockKind]
    BLOCK_KIND_PAUSE: _ClassVar[BlockKind]
    BLOCK_KIND_FLATTEN: _ClassVar[BlockKind]
    BLOCK_KIND_KILL_SWITCH_FILE: _ClassVar[BlockKind]
    BLOCK_KIND_PROTECTION: _ClassVar[BlockKind]
    BLOCK_KIND_LINK: _ClassVar[BlockKind]
    BLOCK_KIND_RECONCILIATION: _ClassVar[BlockKind]
    BLOCK_KIND_UNKNOWN_ORDER: _ClassVar[BlockKind]
    BLOCK_KIND_EXCHANGE_PAUSE: _ClassVar[BlockKind]

class LinkKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_KIND_UNSPECIFIED: _ClassVar[LinkKind]
    LINK_KIND_EXCHANGE: _ClassVar[LinkKind]
    LINK_KIND_MARKET_DATA: _ClassVar[LinkKind]
    LINK_KIND_FORECAST_SERVER: _ClassVar[LinkKind]
    LINK_KIND_EXIT_LOOP: _ClassVar[LinkKind]
    LINK_KIND_RECONCILIATION: _ClassVar[LinkKind]
    LINK_KIND_NOTIFIER: _ClassVar[LinkKind]

class LinkHealth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_HEALTH_UNSPECIFIED: _ClassVar[LinkHealth]
    LINK_HEALTH_UP: _ClassVar[LinkHealth]
    LINK_HEALTH_LATE: _ClassVar[LinkHealth]
    LINK_HEALTH_DOWN: _ClassVar[LinkHealth]

class ExchangeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXCHANGE_STATE_UNSPECIFIED: _ClassVar[ExchangeState]
    EXCHANGE_STATE_OPEN: _ClassVar[ExchangeState]
    EXCHANGE_STATE_TRADING_PAUSED: _ClassVar[ExchangeState]
    EXCHANGE_STATE_EXCHANGE_PAUSED: _ClassVar[ExchangeState]
TRADING_MODE_UNSPECIFIED: TradingMode
TRADING_MODE_PAPER: TradingMode
TRADING_MODE_DEMO: TradingMode
TRADING_MODE_LIVE: TradingMode
TRADING_STATE_UNSPECIFIED: TradingState
TRADING_STATE_STARTING: TradingState
TRADING_STATE_RUNNING: TradingState
TRADING_STATE_PAUSED: TradingState
TRADING_STATE_HALTED: TradingState
TRADING_STATE_STOPPING: TradingState
ACTOR_KIND_UNSPECIFIED: ActorKind
ACTOR_KIND_TRADER: ActorKind
ACTOR_KIND_CALLER: ActorKind
ACTOR_KIND_KILL_SWITCH_FILE: ActorKind
ACTOR_KIND_EXCHANGE: ActorKind
BLOCK_KIND_UNSPECIFIED: BlockKind
BLOCK_KIND_PAUSE: BlockKind
BLOCK_KIND_FLATTEN: BlockKind
BLOCK_KIND_KILL_SWITCH_FILE: BlockKind
BLOCK_KIND_PROTECTION: BlockKind
BLOCK_KIND_LINK: BlockKind
BLOCK_KIND_RECONCILIATION: BlockKind
BLOCK_KIND_UNKNOWN_ORDER: BlockKind
BLOCK_KIND_EXCHANGE_PAUSE: BlockKind
LINK_KIND_UNSPECIFIED: LinkKind
LINK_KIND_EXCHANGE: LinkKind
LINK_KIND_MARKET_DATA: LinkKind
LINK_KIND_FORECAST_SERVER: LinkKind
LINK_KIND_EXIT_LOOP: LinkKind
LINK_KIND_RECONCILIATION: LinkKind
LINK_KIND_NOTIFIER: LinkKind
LINK_HEALTH_UNSPECIFIED: LinkHealth
LINK_HEALTH_UP: LinkHealth
LINK_HEALTH_LATE: LinkHealth
LINK_HEALTH_DOWN: LinkHealth
EXCHANGE_STATE_UNSPECIFIED: ExchangeState
EXCHANGE_STATE_OPEN: ExchangeState
EXCHANGE_STATE_TRADING_PAUSED: ExchangeState
EXCHANGE_STATE_EXCHANGE_PAUSED: ExchangeState

class Actor(_message.Message):
    __slots__ = ("kind", "name", "role")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    kind: ActorKind
    name: str
    role: _access_pb2.Role
    def __init__(self, kind: _Optional[_Union[ActorKind, str]] = ..., name: _Optional[str] = ..., role: _Optional[_Union[_access_pb2.Role, str]] = ...) -> None: ...

class EntryBlock(_message.Message):
    __slots__ = ("block_id", "kind", "actor", "reason", "market_ticker", "event_ticker", "series_ticker", "verdict", "start_time", "end_time", "liftable")
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MARKET_TICKER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TICKER_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    LIFTABLE_FIELD_NUMBER: _ClassVar[int]
    block_id: str
    kind: BlockKind
    actor: Actor
    reason: str
    market_ticker: str
    event_ticker: str
    series_ticker: str
    verdict: _rules_pb2.RuleVerdict
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    liftable: bool
    def __init__(self, block_id: _Optional[str] = ..., kind: _Optional[_Union[BlockKind, str]] = ..., actor: _Optional[_Union[Actor, _Mapping]] = ..., reason: _Optional[str] = ..., market_ticker: _Optional[str] = ..., event_ticker: _Optional[str] = ..., series_ticker: _Optional[str] = ..., verdict: _Optional[_Union[_rules_pb2.RuleVerdict, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., liftable: _Optional[bool] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("kind", "health", "age", "detail", "late_after")
    KIND_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    LATE_AFTER_FIELD_NUMBER: _ClassVar[int]
    kind: LinkKind
    health: LinkHealth
    age: _duration_pb2.Duration
    detail: str
    late_after: _duration_pb2.Duration
    def __init__(self, kind: _Optional[_Union[LinkKind, str]] = ..., health: _Optional[_Union[LinkHealth, str]] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., detail: _Optional[str] = ..., late_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StalenessThresholds(_message.Message):
    __slots__ = ("quote_fresh_within", "quote_stale_after", "forecast_stale_after")
    QUOTE_FRESH_WITHIN_FIELD_NUMBER: _ClassVar[int]
    QUOTE_STALE_AFTER_FIELD_NUMBER: _ClassVar[int]
    FORECAST_STALE_AFTER_FIELD_NUMBER: _ClassVar[int]
    quote_fresh_within: _duration_pb2.Duration
    quote_stale_after: _duration_pb2.Duration
    forecast_stale_after: _duration_pb2.Duration
    def __init__(self, quote_fresh_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., quote_stale_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., forecast_stale_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ShardCash(_message.Message):
    __slots__ = ("exchange_index", "cash_micros")
    EXCHANGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    CASH_MICROS_FIELD_NUMBER: _ClassVar[int]
    exchange_index: int
    cash_micros: int
    def __init__(self, exchange_index: _Optional[int] = ..., cash_micros: _Optional[int] = ...) -> None: ...

class Balance(_message.Message):
    __slots__ = ("available_micros", "reserved_micros", "stake_micros", "liquidation_micros", "shards", "confirmed_age")
    AVAILABLE_MICROS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MICROS_FIELD_NUMBER: _ClassVar[int]
    STAKE_MICROS_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_MICROS_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AGE_FIELD_NUMBER: _ClassVar[int]
    available_micros: int
    reserved_micros: int
    stake_micros: int
    liquidation_micros: int
    shards: _containers.RepeatedCompositeFieldContainer[ShardCash]
    confirmed_age: _duration_pb2.Duration
    def __init__(self, available_micros: _Optional[int] = ..., reserved_micros: _Optional[int] = ..., stake_micros: _Optional[int] = ..., liquidation_micros: _Optional[int] = ..., shards: _Optional[_Iterable[_Union[ShardCash, _Mapping]]] = ..., confirmed_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Pnl(_message.Message):
    __slots__ = ("gross_realised_micros", "fees_micros", "net_realised_micros", "unrealised_micros", "unpriced_position_count")
    GROSS_REALISED_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEES_MICROS_FIELD_NUMBER: _ClassVar[int]
    NET_REALISED_MICROS_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_MICROS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_POSITION_COUNT_FIELD_NUMBER: _ClassVar[int]
    gross_realised_micros: int
    fees_micros: int
    net_realised_micros: int
    unrealised_micros: int
    unpriced_position_count: int
    def __init__(self, gross_realised_micros: _Optional[int] = ..., fees_micros: _Optional[int] = ..., net_realised_micros: _Optional[int] = ..., unrealised_micros: _Optional[int] = ..., unpriced_position_count: _Optional[int] = ...) -> None: ...

class ScanSummary(_message.Message):
    __slots__ = ("scan_id", "age", "market_count", "signal_count", "entry_count")
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    MARKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    scan_id: str
    age: _duration_pb2.Duration
    market_count: int
    signal_count: int
    entry_count: int
    def __init__(self, scan_id: _Optional[str] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., market_count: _Optional[int] = ..., signal_count: _Optional[int] = ..., entry_count: _Optional[int] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("mode", "state", "blocks", "exchange_state", "exchange_resume_time", "links", "limits", "staleness", "balance", "pnl_today", "pnl_total", "position_count", "working_order_count", "unknown_order_count", "last_scan", "code_version", "config_digest", "uptime")
    MODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_STATE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_RESUME_TIME_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    STALENESS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    PNL_TODAY_FIELD_NUMBER: _ClassVar[int]
    PNL_TOTAL_FIELD_NUMBER: _ClassVar[int]
    POSITION_COUNT_FIELD_NUMBER: _ClassVar[int]
    WORKING_ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_SCAN_FIELD_NUMBER: _ClassVar[int]
    CODE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    mode: TradingMode
    state: TradingState
    blocks: _containers.RepeatedCompositeFieldContainer[EntryBlock]
    exchange_state: ExchangeState
    exchange_resume_time: _timestamp_pb2.Timestamp
    links: _containers.RepeatedCompositeFieldContainer[Link]
    limits: _containers.RepeatedCompositeFieldContainer[_rules_pb2.Limit]
    staleness: StalenessThresholds
    balance: Balance
    pnl_today: Pnl
    pnl_total: Pnl
    position_count: int
    working_order_count: int
    unknown_order_count: int
    last_scan: ScanSummary
    code_version: str
    config_digest: str
    uptime: _duration_pb2.Duration
    def __init__(self, mode: _Optional[_Union[TradingMode, str]] = ..., state: _Optional[_Union[TradingState, str]] = ..., blocks: _Optional[_Iterable[_Union[EntryBlock, _Mapping]]] = ..., exchange_state: _Optional[_Union[ExchangeState, str]] = ..., exchange_resume_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ..., limits: _Optional[_Iterable[_Union[_rules_pb2.Limit, _Mapping]]] = ..., staleness: _Optional[_Union[StalenessThresholds, _Mapping]] = ..., balance: _Optional[_Union[Balance, _Mapping]] = ..., pnl_today: _Optional[_Union[Pnl, _Mapping]] = ..., pnl_total: _Optional[_Union[Pnl, _Mapping]] = ..., position_count: _Optional[int] = ..., working_order_count: _Optional[int] = ..., unknown_order_count: _Optional[int] = ..., last_scan: _Optional[_Union[ScanSummary, _Mapping]] = ..., code_version: _Optional[str] = ..., config_digest: _Optional[str] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
