import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.trader.v1 import positions_pb2 as _positions_pb2
from foremesh.trader.v1 import rules_pb2 as _rules_pb2
from foremesh.trader.v1 import status_pb2 as _status_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExpectationVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPECTATION_VERDICT_UNSPECIFIED: _ClassVar[ExpectationVerdict]
    EXPECTATION_VERDICT_WITHIN: _ClassVar[ExpectationVerdict]
    EXPECTATION_VERDICT_BELOW: _ClassVar[ExpectationVerdict]
    EXPECTATION_VERDICT_ABOVE: _ClassVar[ExpectationVerdict]
    EXPECTATION_VERDICT_NOT_ENOUGH_DATA: _ClassVar[ExpectationVerdict]
EXPECTATION_VERDICT_UNSPECIFIED: ExpectationVerdict
EXPECTATION_VERDICT_WITHIN: ExpectationVerdict
EXPECTATION_VERDICT_BELOW: ExpectationVerdict
EXPECTATION_VERDICT_ABOVE: ExpectationVerdict
EXPECTATION_VERDICT_NOT_ENOUGH_DATA: ExpectationVerdict

class ReportFigures(_message.Message):
    __slots__ = ("trade_count", "gain_count", "loss_count", "count_hundredths", "cost_micros", "gross_micros", "fees_micros", "net_micros", "mean_net_cents")
    TRADE_COUNT_FIELD_NUMBER: _ClassVar[int]
    GAIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOSS_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNT_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    GROSS_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEES_MICROS_FIELD_NUMBER: _ClassVar[int]
    NET_MICROS_FIELD_NUMBER: _ClassVar[int]
    MEAN_NET_CENTS_FIELD_NUMBER: _ClassVar[int]
    trade_count: int
    gain_count: int
    loss_count: int
    count_hundredths: int
    cost_micros: int
    gross_micros: int
    fees_micros: int
    net_micros: int
    mean_net_cents: float
    def __init__(self, trade_count: _Optional[int] = ..., gain_count: _Optional[int] = ..., loss_count: _Optional[int] = ..., count_hundredths: _Optional[int] = ..., cost_micros: _Optional[int] = ..., gross_micros: _Optional[int] = ..., fees_micros: _Optional[int] = ..., net_micros: _Optional[int] = ..., mean_net_cents: _Optional[float] = ...) -> None: ...

class ReportRow(_message.Message):
    __slots__ = ("date", "series_ticker", "exit_kind", "hour", "figures")
    DATE_FIELD_NUMBER: _ClassVar[int]
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    EXIT_KIND_FIELD_NUMBER: _ClassVar[int]
    HOUR_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    date: str
    series_ticker: str
    exit_kind: _positions_pb2.ExitKind
    hour: int
    figures: ReportFigures
    def __init__(self, date: _Optional[str] = ..., series_ticker: _Optional[str] = ..., exit_kind: _Optional[_Union[_positions_pb2.ExitKind, str]] = ..., hour: _Optional[int] = ..., figures: _Optional[_Union[ReportFigures, _Mapping]] = ...) -> None: ...

class FunnelStep(_message.Message):
    __slots__ = ("rule", "reached_count", "refused_first_count", "refused_count", "bounds")
    RULE_FIELD_NUMBER: _ClassVar[int]
    REACHED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIRST_COUNT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    rule: str
    reached_count: int
    refused_first_count: int
    refused_count: int
    bounds: _rules_pb2.Bounds
    def __init__(self, rule: _Optional[str] = ..., reached_count: _Optional[int] = ..., refused_first_count: _Optional[int] = ..., refused_count: _Optional[int] = ..., bounds: _Optional[_Union[_rules_pb2.Bounds, _Mapping]] = ...) -> None: ...

class Funnel(_message.Message):
    __slots__ = ("scan_count", "market_count", "signal_count", "decision_count", "entry_count", "steps")
    SCAN_COUNT_FIELD_NUMBER: _ClassVar[int]
    MARKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    DECISION_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    scan_count: int
    market_count: int
    signal_count: int
    decision_count: int
    entry_count: int
    steps: _containers.RepeatedCompositeFieldContainer[FunnelStep]
    def __init__(self, scan_count: _Optional[int] = ..., market_count: _Optional[int] = ..., signal_count: _Optional[int] = ..., decision_count: _Optional[int] = ..., entry_count: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[FunnelStep, _Mapping]]] = ...) -> None: ...

class FillFigures(_message.Message):
    __slots__ = ("order_count", "filled_count", "partly_filled_count", "unfilled_count", "rejected_count", "unknown_count", "ordered_hundredths", "filled_hundredths", "fill_ratio", "slippage_micros", "mean_slippage_cents")
    ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    FILLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PARTLY_FILLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNFILLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ORDERED_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    FILLED_HUNDREDTHS_FIELD_NUMBER: _ClassVar[int]
    FILL_RATIO_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_MICROS_FIELD_NUMBER: _ClassVar[int]
    MEAN_SLIPPAGE_CENTS_FIELD_NUMBER: _ClassVar[int]
    order_count: int
    filled_count: int
    partly_filled_count: int
    unfilled_count: int
    rejected_count: int
    unknown_count: int
    ordered_hundredths: int
    filled_hundredths: int
    fill_ratio: float
    slippage_micros: int
    mean_slippage_cents: float
    def __init__(self, order_count: _Optional[int] = ..., filled_count: _Optional[int] = ..., partly_filled_count: _Optional[int] = ..., unfilled_count: _Optional[int] = ..., rejected_count: _Optional[int] = ..., unknown_count: _Optional[int] = ..., ordered_hundredths: _Optional[int] = ..., filled_hundredths: _Optional[int] = ..., fill_ratio: _Optional[float] = ..., slippage_micros: _Optional[int] = ..., mean_slippage_cents: _Optional[float] = ...) -> None: ...

class ForecastFigures(_message.Message):
    __slots__ = ("series_ticker", "model", "judged_count", "unjudged_count", "right_direction_count", "mean_absolute_error_cents", "naive_mean_absolute_error_cents")
    SERIES_TICKER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    JUDGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNJUDGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_DIRECTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEAN_ABSOLUTE_ERROR_CENTS_FIELD_NUMBER: _ClassVar[int]
    NAIVE_MEAN_ABSOLUTE_ERROR_CENTS_FIELD_NUMBER: _ClassVar[int]
    series_ticker: str
    model: str
    judged_count: int
    unjudged_count: int
    right_direction_count: int
    mean_absolute_error_cents: float
    naive_mean_absolute_error_cents: float
    def __init__(self, series_ticker: _Optional[str] = ..., model: _Optional[str] = ..., judged_count: _Optional[int] = ..., unjudged_count: _Optional[int] = ..., right_direction_count: _Optional[int] = ..., mean_absolute_error_cents: _Optional[float] = ..., naive_mean_absolute_error_cents: _Optional[float] = ...) -> None: ...

class Expectation(_message.Message):
    __slots__ = ("verdict", "promised_net_cents", "actual_net_cents", "low_net_cents", "high_net_cents", "confidence_level", "trade_count", "event_count", "needed_trade_count", "backtest_digest")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    PROMISED_NET_CENTS_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_NET_CENTS_FIELD_NUMBER: _ClassVar[int]
    LOW_NET_CENTS_FIELD_NUMBER: _ClassVar[int]
    HIGH_NET_CENTS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    TRADE_COUNT_FIELD_NUMBER: _ClassVar[int]
    EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    NEEDED_TRADE_COUNT_FIELD_NUMBER: _ClassVar[int]
    BACKTEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    verdict: ExpectationVerdict
    promised_net_cents: float
    actual_net_cents: float
    low_net_cents: float
    high_net_cents: float
    confidence_level: float
    trade_count: int
    event_count: int
    needed_trade_count: int
    backtest_digest: str
    def __init__(self, verdict: _Optional[_Union[ExpectationVerdict, str]] = ..., promised_net_cents: _Optional[float] = ..., actual_net_cents: _Optional[float] = ..., low_net_cents: _Optional[float] = ..., high_net_cents: _Optional[float] = ..., confidence_level: _Optional[float] = ..., trade_count: _Optional[int] = ..., event_count: _Optional[int] = ..., needed_trade_count: _Optional[int] = ..., backtest_digest: _Optional[str] = ...) -> None: ...

class ShadowFigures(_message.Message):
    __slots__ = ("order_count", "filled_count", "net_micros", "taken_net_micros")
    ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    FILLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    NET_MICROS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_NET_MICROS_FIELD_NUMBER: _ClassVar[int]
    order_count: int
    filled_count: int
    net_micros: int
    taken_net_micros: int
    def __init__(self, order_count: _Optional[int] = ..., filled_count: _Optional[int] = ..., net_micros: _Optional[int] = ..., taken_net_micros: _Optional[int] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("mode", "start_time", "end_time", "time_zone", "total", "by_day", "by_series", "by_exit_kind", "by_hour", "open_position_count", "open_unrealised_micros", "funnel", "entries", "exits", "forecasts", "expectation", "shadow")
    MODE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    BY_DAY_FIELD_NUMBER: _ClassVar[int]
    BY_SERIES_FIELD_NUMBER: _ClassVar[int]
    BY_EXIT_KIND_FIELD_NUMBER: _ClassVar[int]
    BY_HOUR_FIELD_NUMBER: _ClassVar[int]
    OPEN_POSITION_COUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_UNREALISED_MICROS_FIELD_NUMBER: _ClassVar[int]
    FUNNEL_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    EXITS_FIELD_NUMBER: _ClassVar[int]
    FORECASTS_FIELD_NUMBER: _ClassVar[int]
    EXPECTATION_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    mode: _status_pb2.TradingMode
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    time_zone: str
    total: ReportFigures
    by_day: _containers.RepeatedCompositeFieldContainer[ReportRow]
    by_series: _containers.RepeatedCompositeFieldContainer[ReportRow]
    by_exit_kind: _containers.RepeatedCompositeFieldContainer[ReportRow]
    by_hour: _containers.RepeatedCompositeFieldContainer[ReportRow]
    open_position_count: int
    open_unrealised_micros: int
    funnel: Funnel
    entries: FillFigures
    exits: FillFigures
    forecasts: _containers.RepeatedCompositeFieldContainer[ForecastFigures]
    expectation: Expectation
    shadow: ShadowFigures
    def __init__(self, mode: _Optional[_Union[_status_pb2.TradingMode, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_zone: _Optional[str] = ..., total: _Optional[_Union[ReportFigures, _Mapping]] = ..., by_day: _Optional[_Iterable[_Union[ReportRow, _Mapping]]] = ..., by_series: _Optional[_Iterable[_Union[ReportRow, _Mapping]]] = ..., by_exit_kind: _Optional[_Iterable[_Union[ReportRow, _Mapping]]] = ..., by_hour: _Optional[_Iterable[_Union[ReportRow, _Mapping]]] = ..., open_position_count: _Optional[int] = ..., open_unrealised_micros: _Optional[int] = ..., funnel: _Optional[_Union[Funnel, _Mapping]] = ..., entries: _Optional[_Union[FillFigures, _Mapping]] = ..., exits: _Optional[_Union[FillFigures, _Mapping]] = ..., forecasts: _Optional[_Iterable[_Union[ForecastFigures, _Mapping]]] = ..., expectation: _Optional[_Union[Expectation, _Mapping]] = ..., shadow: _Optional[_Union[ShadowFigures, _Mapping]] = ...) -> None: ...
