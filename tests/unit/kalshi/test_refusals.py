"""Every shape of error body, and what each refusal asks of the caller."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh import errors
from mesh.errors import MeshError
from mesh.kalshi.errors import (
    ClockSkewed,
    DuplicateClientOrderId,
    EndpointGone,
    ExchangeError,
    ExchangePaused,
    ExchangeUnavailable,
    InsufficientBalance,
    InvalidOrder,
    InvalidPrice,
    MarketClosed,
    MarketNotFound,
    NotFilled,
    NotPermitted,
    ObjectNotFound,
    PostOnlyCross,
    RateLimited,
    RequestConflict,
    RequestRefused,
    TradingPaused,
    UnexpectedReply,
    WrongKey,
)
from mesh.kalshi.transport.refusals import Fault, read_fault, refusal, retry_seconds

SAMPLES = Path(__file__).parents[4] / "shared" / "reference" / "samples"
RECORDED = {
    "auth__bad_signature": WrongKey,
    "auth__missing_signature_header": WrongKey,
    "auth__skew_minus30s": ClockSkewed,
    "auth__unknown_key_id": WrongKey,
    "markets__limit_over_max": RequestRefused,
    "orders__cancel_already_canceled": ObjectNotFound,
    "orders__duplicate_client_order_id": DuplicateClientOrderId,
    "orders__insufficient_balance": InsufficientBalance,
    "orders__invalid_price_structure": InvalidPrice,
    "orders__numeric_field_types": RequestRefused,
    "orders__post_only_cross": PostOnlyCross,
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs the recorded replies in ../shared")
@pytest.mark.parametrize(("name", "expected"), RECORDED.items())
def test_recorded_refusals(name: str, expected: type[ExchangeError]) -> None:
    recorded = json.loads((SAMPLES / f"demo-2026-06__{name}.json").read_bytes())
    request = f"{recorded['request']['method']} {recorded['request']['path'].partition('?')[0]}"
    error = refusal(recorded["status"], read_fault(json.dumps(recorded["response"]).encode()), request)
    assert type(error) is expected
    assert error.status == recorded["status"]
    assert request in error.message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":{"code":"invalid_order","message":"m","details":"d"}}', Fault("invalid_order", "m", "d")),
        (b'{"error":{"code":"not_found","message":"m","service":"exchange"}}', Fault("not_found", "m", "")),
        (b'{"code":"bad_request","message":"m","details":"d"}', Fault("bad_request", "m", "d")),
        (b'{"code":"token_authentication_failure"}', Fault("token_authentication_failure", "", "")),
        (b'{"msg":"Parameter validation failed"}', Fault("", "Parameter validation failed", "")),
        (b'{"error":"too many requests"}', Fault("", "too many requests", "")),
        (b'{"code":"MARKET_INACTIVE"}', Fault("market_inactive", "", "")),
        (b"", Fault("", "", "")),
        (b"null", Fault("", "", "")),
        (b"[1,2]", Fault("", "", "")),
        (b'{"error":null}', Fault("", "", "")),
        (b'{"error":{"code":404,"message":["x"],"details":{"a":1}}}', Fault("", "", "")),
        (b"<html>502 Bad\x1b[31m\nGateway</html>", Fault("", "<html>502 Bad [31m Gateway</html>", "")),
        (b'{"error":{"message":"cut', Fault("", '{"error":{"message":"cut', "")),
    ],
)
def test_shapes(body: bytes, expected: Fault) -> None:
    assert read_fault(body) == expected


@pytest.mark.parametrize(
    ("status", "code", "details", "expected", "duty"),
    [
        (400, "invalid_order", "post only cross", PostOnlyCross, errors.Conflict),
        (400, "invalid_order", "reduce_only can only be used with IoC orders", InvalidOrder, errors.InvalidInput),
        (400, "invalid_price", "", InvalidPrice, errors.InvalidInput),
        (400, "insufficient_balance", "", InsufficientBalance, errors.NotReady),
        (400, "missing_parameters", "", RequestRefused, errors.InvalidInput),
        (400, "a_code_of_the_future", "", RequestRefused, errors.InvalidInput),
        (401, "authentication_error", "NOT_FOUND", WrongKey, errors.Unauthenticated),
        (401, "not_found", "", WrongKey, errors.Unauthenticated),
        (401, "header_timestamp_expired", "", ClockSkewed, errors.Unauthenticated),
        (403, "", "", NotPermitted, errors.Denied),
        (404, "market_not_found", "", MarketNotFound, errors.NotFound),
        (404, "", "", ObjectNotFound, errors.NotFound),
        (408, "", "", ExchangeUnavailable, errors.Unavailable),
        (409, "order_already_exists", "", DuplicateClientOrderId, errors.AlreadyExists),
        (409, "fill_or_kill_insufficient_resting_volume", "", NotFilled, errors.Conflict),
        (409, "market_closed", "", MarketClosed, errors.NotReady),
        (409, "market_inactive", "", MarketClosed, errors.NotReady),
        (409, "trading_is_paused", "", TradingPaused, errors.NotReady),
        (409, "exchange_is_paused", "", ExchangePaused, errors.NotReady),
        (409, "a_code_of_the_future", "", RequestConflict, errors.Conflict),
        (410, "deprecated_v1_order_endpoint", "", EndpointGone, errors.Unsupported),
        (410, "", "", EndpointGone, errors.Unsupported),
        (418, "", "", RequestRefused, errors.InvalidInput),
        (429, "", "", RateLimited, errors.Overloaded),
        (429, "not_found", "", RateLimited, errors.Overloaded),
        (500, "invalid_price", "", ExchangeUnavailable, errors.Unavailable),
        (503, "", "", ExchangeUnavailable, errors.Unavailable),
        (504, "exchange_is_paused", "", ExchangeUnavailable, errors.Unavailable),
        (302, "", "", UnexpectedReply, errors.Broken),
        (None, "order_already_exists", "", DuplicateClientOrderId, errors.AlreadyExists),
        (None, "too_many_requests", "", RateLimited, errors.Overloaded),
        (None, "", "", RequestRefused, errors.InvalidInput),
    ],
)
def test_what_the_caller_must_do(
    status: int | None, code: str, details: str, expected: type[ExchangeError], duty: type[MeshError]
) -> None:
    error = refusal(status, Fault(code, code.replace("_", " "), details), "POST /portfolio/events/orders")
    assert type(error) is expected
    assert isinstance(error, duty)
    assert (error.status, error.code, error.details) == (status, code, details)
    assert error.request == "POST /portfolio/events/orders"
    assert str(error).startswith(f"{expected.default_reason}: POST /portfolio/events/orders was answered")


@given(
    st.integers(100, 999),
    st.binary(max_size=400)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=400),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "code", "message", "msg", "details", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_no_body_is_too_strange(status: int, body: bytes) -> None:
    error = refusal(status, read_fault(body), "GET /markets")
    assert error.status == status
    assert error.message.isprintable()
    assert len(error.message) < 1100


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"error":' * 50_000, b'{"error":"\xff"}', b"\xff\xfe"])
def test_hostile_bodies_are_only_junk(body: bytes) -> None:
    assert read_fault(body).code == ""


DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        (None, None),
        ("0", 0.0),
        ("2.5", 2.5),
        ("86400", 60.0),
        ("inf", 60.0),
        ("nan", None),
        ("-1", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 12:00:07 GMT", 7.0),
        ("Sun, 22 Nov 2026 11:59:07 GMT", None),
    ],
)
def test_retry_after(retry_after: str | None, expected: float | None) -> None:
    assert retry_seconds(retry_after, DATE) == expected


def test_a_retry_date_without_a_date_to_compare_is_nothing() -> None:
    assert retry_seconds(DATE, None) is None
    assert retry_seconds(DATE, "junk") is None
