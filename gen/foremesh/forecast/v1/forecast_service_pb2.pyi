import datetime

from buf.validate import validate_pb2 as _validate_pb2
from foremesh.access.v1 import access_pb2 as _access_pb2
from foremesh.forecast.v1 import forecast_pb2 as _forecast_pb2
from foremesh.forecast.v1 import model_pb2 as _model_pb2
from foremesh.forecast.v1 import policy_pb2 as _policy_pb2
from foremesh.forecast.v1 import signal_pb2 as _signal_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamSignalsRequest(_message.Message):
    __slots__ = ("header", "batch")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    header: ScanHeader
    batch: HistoryBatch
    def __init__(self, header: _Optional[_Union[ScanHeader, _Mapping]] = ..., batch: _Optional[_Union[HistoryBatch, _Mapping]] = ...) -> None: ...

class StreamSignalsResponse(_message.Message):
    __slots__ = ("accepted", "results", "summary")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    accepted: ScanAccepted
    results: SignalBatch
    summary: ScanSummary
    def __init__(self, accepted: _Optional[_Union[ScanAccepted, _Mapping]] = ..., results: _Optional[_Union[SignalBatch, _Mapping]] = ..., summary: _Optional[_Union[ScanSummary, _Mapping]] = ...) -> None: ...

class ScanHeader(_message.Message):
    __slots__ = ("scan_id", "client_id", "forecast", "signal", "expected_inputs")
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_INPUTS_FIELD_NUMBER: _ClassVar[int]
    scan_id: str
    client_id: str
    forecast: _forecast_pb2.ForecastOptions
    signal: _signal_pb2.SignalOptions
    expected_inputs: int
    def __init__(self, scan_id: _Optional[str] = ..., client_id: _Optional[str] = ..., forecast: _Optional[_Union[_forecast_pb2.ForecastOptions, _Mapping]] = ..., signal: _Optional[_Union[_signal_pb2.SignalOptions, _Mapping]] = ..., expected_inputs: _Optional[int] = ...) -> None: ...

class HistoryBatch(_message.Message):
    __slots__ = ("histories",)
    HISTORIES_FIELD_NUMBER: _ClassVar[int]
    histories: _containers.RepeatedCompositeFieldContainer[_forecast_pb2.MarketHistory]
    def __init__(self, histories: _Optional[_Iterable[_Union[_forecast_pb2.MarketHistory, _Mapping]]] = ...) -> None: ...

class ScanAccepted(_message.Message):
    __slots__ = ("scan_id", "model", "policy_version", "instance_id")
    SCAN_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    scan_id: str
    model: _model_pb2.ModelIdentity
    policy_version: str
    instance_id: str
    def __init__(self, scan_id: _Optional[str] = ..., model: _Optional[_Union[_model_pb2.ModelIdentity, _Mapping]] = ..., policy_version: _Optional[str] = ..., instance_id: _Optional[str] = ...) -> None: ...

class SignalBatch(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_signal_pb2.SignalResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_signal_pb2.SignalResult, _Mapping]]] = ...) -> None: ...

class ScanSummary(_message.Message):
    __slots__ = ("input_count", "signal_count", "no_signal_count", "rejected_count", "expired_count", "failed_count")
    INPUT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    NO_SIGNAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    input_count: int
    signal_count: int
    no_signal_count: int
    rejected_count: int
    expired_count: int
    failed_count: int
    def __init__(self, input_count: _Optional[int] = ..., signal_count: _Optional[int] = ..., no_signal_count: _Optional[int] = ..., rejected_count: _Optional[int] = ..., expired_count: _Optional[int] = ..., failed_count: _Optional[int] = ...) -> None: ...

class GenerateSignalsRequest(_message.Message):
    __slots__ = ("forecast", "signal", "histories")
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    HISTORIES_FIELD_NUMBER: _ClassVar[int]
    forecast: _forecast_pb2.ForecastOptions
    signal: _signal_pb2.SignalOptions
    histories: _containers.RepeatedCompositeFieldContainer[_forecast_pb2.MarketHistory]
    def __init__(self, forecast: _Optional[_Union[_forecast_pb2.ForecastOptions, _Mapping]] = ..., signal: _Optional[_Union[_signal_pb2.SignalOptions, _Mapping]] = ..., histories: _Optional[_Iterable[_Union[_forecast_pb2.MarketHistory, _Mapping]]] = ...) -> None: ...

class GenerateSignalsResponse(_message.Message):
    __slots__ = ("results", "summary", "model", "policy_version", "instance_id")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_signal_pb2.SignalResult]
    summary: ScanSummary
    model: _model_pb2.ModelIdentity
    policy_version: str
    instance_id: str
    def __init__(self, results: _Optional[_Iterable[_Union[_signal_pb2.SignalResult, _Mapping]]] = ..., summary: _Optional[_Union[ScanSummary, _Mapping]] = ..., model: _Optional[_Union[_model_pb2.ModelIdentity, _Mapping]] = ..., policy_version: _Optional[str] = ..., instance_id: _Optional[str] = ...) -> None: ...

class GenerateForecastsRequest(_message.Message):
    __slots__ = ("forecast", "histories")
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    HISTORIES_FIELD_NUMBER: _ClassVar[int]
    forecast: _forecast_pb2.ForecastOptions
    histories: _containers.RepeatedCompositeFieldContainer[_forecast_pb2.MarketHistory]
    def __init__(self, forecast: _Optional[_Union[_forecast_pb2.ForecastOptions, _Mapping]] = ..., histories: _Optional[_Iterable[_Union[_forecast_pb2.MarketHistory, _Mapping]]] = ...) -> None: ...

class GenerateForecastsResponse(_message.Message):
    __slots__ = ("results", "model", "instance_id")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_forecast_pb2.ForecastResult]
    model: _model_pb2.ModelIdentity
    instance_id: str
    def __init__(self, results: _Optional[_Iterable[_Union[_forecast_pb2.ForecastResult, _Mapping]]] = ..., model: _Optional[_Union[_model_pb2.ModelIdentity, _Mapping]] = ..., instance_id: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model", "instance_id", "server_time")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.Model
    instance_id: str
    server_time: _timestamp_pb2.Timestamp
    def __init__(self, model: _Optional[_Union[_model_pb2.Model, _Mapping]] = ..., instance_id: _Optional[str] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListExitPoliciesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListExitPoliciesResponse(_message.Message):
    __slots__ = ("exit_policies", "confidence_policies", "next_page_token", "policy_version", "policy_digest")
    EXIT_POLICIES_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_POLICIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    exit_policies: _containers.RepeatedCompositeFieldContainer[_policy_pb2.ExitPolicy]
    confidence_policies: _containers.RepeatedCompositeFieldContainer[_policy_pb2.ConfidencePolicy]
    next_page_token: str
    policy_version: str
    policy_digest: str
    def __init__(self, exit_policies: _Optional[_Iterable[_Union[_policy_pb2.ExitPolicy, _Mapping]]] = ..., confidence_policies: _Optional[_Iterable[_Union[_policy_pb2.ConfidencePolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., policy_version: _Optional[str] = ..., policy_digest: _Optional[str] = ...) -> None: ...
