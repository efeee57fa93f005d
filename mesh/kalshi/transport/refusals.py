"""From an HTTP status and an error body, in any of the exchange's shapes, to the error it means. Pure."""

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

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

_LONGEST_WAIT = 60.0  # seconds; a Retry-After that asks for more is not believed in full
_LONGEST_TEXT = 300  # characters of the exchange's text that errors and logs repeat

_BY_CODE: dict[str, type[ExchangeError]] = {
    "invalid_order": InvalidOrder,
    "invalid_price": InvalidPrice,
    "insufficient_balance": InsufficientBalance,
    "market_not_found": MarketNotFound,
    "not_found": ObjectNotFound,
    "order_already_exists": DuplicateClientOrderId,
    "fill_or_kill_insufficient_resting_volume": NotFilled,
    "immediate_or_cancel_insufficient_resting_volume": NotFilled,
    "market_closed": MarketClosed,
    "market_inactive": MarketClosed,
    "trading_is_paused": TradingPaused,
    "exchange_is_paused": ExchangePaused,
    "deprecated_v1_order_endpoint": EndpointGone,
    "header_timestamp_expired": ClockSkewed,
    "too_many_requests": RateLimited,
}
_BY_STATUS: dict[int, type[ExchangeError]] = {
    401: WrongKey,
    403: NotPermitted,
    404: ObjectNotFound,
    408: ExchangeUnavailable,
    409: RequestConflict,
    410: EndpointGone,
    429: RateLimited,
}
_DECIDED_BY_STATUS = frozenset({403, 410, 429})  # whatever code stands beside them


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says; empty texts where it does not."""

    code: str
    """Lower case."""
    message: str
    details: str
    foreign: bool = field(default=False, compare=False)
    """The body is no JSON: something in front of the exchange wrote it."""


def read_fault(body: bytes) -> Fault:
    """Read an error body of any shape: nested, flat, `msg`, a bare string, not JSON, or nothing at all."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Fault("", _text(body[: 4 * _LONGEST_TEXT].decode(errors="replace")), "", foreign=bool(body))
    inner = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(inner, dict):
        return Fault("", _text(inner), "")
    message = inner.get("message") or inner.get("msg")
    return Fault(_text(inner.get("code")).lower(), _text(message), _text(inner.get("details")))


def refusal(status: int | None, fault: Fault, request: str, *, retry_after: float | None = None) -> ExchangeError:
    """Return the error that a refusal means.

    Args:
        status: HTTP status; None for one item of a batch, which has only a code.
        fault: The body.
        request: Method and path.
        retry_after: Seconds that the exchange asks to wait.
    """
    said = ": ".join(dict.fromkeys(text for text in (fault.code, fault.message, fault.details) if text))
    status_text = "" if status is None else f" with {status}"
    return _kind(status, fault)(
        f"{request} was answered{status_text}" + (f": {said}" if said else ""),
        request=request,
        status=status,
        code=fault.code,
        details=fault.details,
        retry_after=retry_after,
    )


def retry_seconds(retry_after: str | None, date: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date, the latter against the reply's own Date.

    Returns:
        Seconds, at most 60; None where there is none, or none that can be read.
    """
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - parsedate_to_datetime(date or "")).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(seconds, _LONGEST_WAIT) if seconds >= 0 else None


def _kind(status: int | None, fault: Fault) -> type[ExchangeError]:
    if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ExchangeUnavailable
    if status is not None and status < HTTPStatus.BAD_REQUEST:
        return UnexpectedReply
    if fault.code == "invalid_order" and "post only cross" in fault.details.lower().replace("_", " "):
        return PostOnlyCross
    if status == HTTPStatus.NOT_FOUND and fault.foreign:
        return UnexpectedReply  # a path that leads nowhere, which says nothing about the order or market
    named = _BY_CODE.get(fault.code)
    if status == HTTPStatus.UNAUTHORIZED:
        return ClockSkewed if named is ClockSkewed else WrongKey
    if status in _DECIDED_BY_STATUS or named is None:
        return _BY_STATUS.get(status or 0, RequestRefused)
    return named


def _text(value: object) -> str:
    """Return a text cut to a line's length, without what would garble a terminal or a log; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(character if character.isprintable() else " " for character in value[:_LONGEST_TEXT]).strip()
