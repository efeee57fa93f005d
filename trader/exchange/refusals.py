"""What a refused order ended by. Pure."""

from mesh.kalshi.errors import (
    ExchangeError,
    InsufficientBalance,
    InvalidOrder,
    MarketClosed,
    MarketNotFound,
    NotFilled,
    ObjectNotFound,
    PostOnlyCross,
    TradingPaused,
)
from trader.domain.events import Refused
from trader.domain.facts import Ending
from trader.domain.words import EndReason

_REASONS: tuple[tuple[type[ExchangeError], EndReason], ...] = (
    (PostOnlyCross, EndReason.POST_ONLY_CROSS),
    (NotFilled, EndReason.NO_LIQUIDITY),
    (InsufficientBalance, EndReason.INSUFFICIENT_BALANCE),
    (MarketClosed, EndReason.MARKET_CLOSED),
    (MarketNotFound, EndReason.MARKET_CLOSED),
    (TradingPaused, EndReason.PAUSE),
    (ObjectNotFound, EndReason.ORDER_GROUP),  # the market was found: what an order can name beside it is its group
)


def refused(problem: ExchangeError) -> Refused:
    """Return what an error says about an order that was certainly not placed."""
    never_left = problem.status is None
    reason = EndReason.NEVER_LEFT if never_left else _reason(problem)
    return Refused(Ending(reason=reason, code=problem.code, detail=problem.details or problem.message), never_left)


def _reason(problem: ExchangeError) -> EndReason:
    if isinstance(problem, InvalidOrder):  # one code for many things; its details tell them apart
        details = problem.details.lower().replace("_", " ")
        if "order group" in details:
            return EndReason.ORDER_GROUP
        if "reduce only" in details:
            return EndReason.REDUCE_ONLY
    return next((reason for kind, reason in _REASONS if isinstance(problem, kind)), EndReason.REFUSED)
