"""What a refused order ended by."""

import pytest

from mesh.kalshi.errors import ExchangeError, InvalidOrder, InvalidPrice, NoBudget, NotConnected, TooExpensive
from mesh.kalshi.transport.refusals import Fault, refusal
from trader.domain.words import EndReason
from trader.exchange.refusals import refused


@pytest.mark.parametrize(
    ("status", "code", "details", "reason"),
    [
        (400, "insufficient_balance", "", EndReason.INSUFFICIENT_BALANCE),
        (400, "invalid_price", "", EndReason.REFUSED),
        (400, "invalid_order", "post only cross", EndReason.POST_ONLY_CROSS),
        (400, "invalid_order", "order group was triggered and has not been reset", EndReason.ORDER_GROUP),
        (400, "invalid_order", "reduce_only: no position to reduce", EndReason.REDUCE_ONLY),
        (400, "invalid_order", "count must be positive", EndReason.REFUSED),
        (400, "a_code_of_tomorrow", "", EndReason.REFUSED),
        (404, "market_not_found", "", EndReason.MARKET_CLOSED),
        (404, "not_found", "", EndReason.ORDER_GROUP),
        (409, "market_closed", "", EndReason.MARKET_CLOSED),
        (409, "market_inactive", "", EndReason.MARKET_CLOSED),
        (409, "trading_is_paused", "", EndReason.PAUSE),
        (409, "exchange_is_paused", "", EndReason.PAUSE),
        (409, "fill_or_kill_insufficient_resting_volume", "", EndReason.NO_LIQUIDITY),
        (401, "header_timestamp_expired", "", EndReason.REFUSED),
        (403, "", "", EndReason.REFUSED),
        (429, "too_many_requests", "", EndReason.REFUSED),
    ],
)
def test_every_refusal_of_the_exchange_has_its_reason(status: int, code: str, details: str, reason: EndReason) -> None:
    answer = refused(refusal(status, Fault(code, "", details), "POST /portfolio/events/orders"))
    assert (answer.ending.reason, answer.ending.code, answer.never_left) == (reason, code, False)
    assert answer.ending.detail


@pytest.mark.parametrize("kind", [NoBudget, NotConnected, TooExpensive, InvalidOrder, InvalidPrice])
def test_what_the_client_did_not_send_never_left(kind: type[ExchangeError]) -> None:
    answer = refused(kind("why"))
    assert answer.never_left
    assert (answer.ending.reason, answer.ending.code, answer.ending.detail) == (EndReason.NEVER_LEFT, "", "why")
