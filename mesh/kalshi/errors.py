"""What the exchange's refusals mean, named by what the caller must do. Pure.

    InvalidInput       RequestRefused          corrects the request; never sends it again as it is
                       ├─ InvalidPrice         moves the price onto the market's grid
                       └─ InvalidOrder         corrects the order's terms
                       TooExpensive            splits the batch: it costs more tokens than the bucket can hold
    NotFound           ObjectNotFound          looks elsewhere: for a cancel, the order is no longer resting
                       └─ MarketNotFound       asks the archive, or drops the market
    AlreadyExists      DuplicateClientOrderId  looks the order up: it was accepted before
    Conflict           RequestConflict         reads the state again and decides
                       ├─ PostOnlyCross        takes a price behind the book
                       └─ NotFilled            reads the book again: fill-or-kill found too little
    NotReady           InsufficientBalance     brings cash to the market's shard, or orders less
                       MarketClosed            stops ordering in this market
                       TradingPaused           waits for the exchange's status; cancels still work
                       └─ ExchangePaused       waits; not even cancels work
    Unauthenticated    WrongKey                stops: key id, private key and host do not belong together
                       ClockSkewed             has the local clock put right
    Denied             NotPermitted            stops: the key lacks the scope, or is locked to a subaccount
    Overloaded         RateLimited             slows down
                       NoBudget                asks again later; nothing was sent
    Unavailable        ExchangeUnavailable     tries again
                       NotConnected            tries again; nothing was sent
                       NoAnswer                tries again; only reads raise this
    TooLate            OutOfTime               asks again with more time; only reads raise this
    Unsupported        EndpointGone            has this client upgraded
    Broken             UnexpectedReply         reports it: the reply is not what the exchange's documents say

A write whose fate is not known is none of these: it is a value, `OutcomeUnknown`, that the caller has to resolve.
"""

from dataclasses import dataclass

from mesh import errors


class ExchangeError(errors.MeshError):
    """Base of everything that can be wrong with a call to the exchange.

    Attributes:
        request: Method and path, without query, headers or body.
        status: HTTP status; None where there was no reply.
        code: The exchange's code in lower case, such as `insufficient_balance`; empty where it gave none.
        details: The exchange's own explanation; empty where it gave none.
    """

    default_reason = "EXCHANGE_ERROR"

    def __init__(
        self,
        message: str,
        *,
        request: str = "",
        status: int | None = None,
        code: str = "",
        details: str = "",
        retry_after: float | None = None,
    ) -> None:
        given = {"request": request, "status": str(status or ""), "code": code, "details": details}
        # The next class in line is one of mesh.errors, and not every one of them takes retry_after.
        super().__init__(message, metadata={name: value for name, value in given.items() if value})
        self.request = request
        self.status = status
        self.code = code
        self.details = details
        self.retry_after = retry_after


class RequestRefused(ExchangeError, errors.InvalidInput):
    """The request is wrong in itself."""

    default_reason = "REQUEST_REFUSED"


class InvalidPrice(RequestRefused):
    """The price is off the market's grid, or not between 0 and 1."""

    default_reason = "INVALID_PRICE"


class InvalidOrder(RequestRefused):
    """The order's terms do not go together."""

    default_reason = "INVALID_ORDER"


class TooExpensive(ExchangeError, errors.InvalidInput):
    """The request costs more tokens than its bucket can ever hold. Nothing was sent."""

    default_reason = "TOO_EXPENSIVE"


class ObjectNotFound(ExchangeError, errors.NotFound):
    """The exchange does not have it, or no longer; an order that is not resting cannot be cancelled."""

    default_reason = "OBJECT_NOT_FOUND"


class MarketNotFound(ObjectNotFound):
    """No such market, or it moved to the archive."""

    default_reason = "MARKET_NOT_FOUND"


class DuplicateClientOrderId(ExchangeError, errors.AlreadyExists):
    """An order with this client order id was accepted before, whatever became of it."""

    default_reason = "DUPLICATE_CLIENT_ORDER_ID"


class RequestConflict(ExchangeError, errors.Conflict):
    """The exchange's state does not allow it now."""

    default_reason = "REQUEST_CONFLICT"


class PostOnlyCross(RequestConflict):
    """A post-only order would have met the book. No order was made."""

    default_reason = "POST_ONLY_CROSS"


class NotFilled(RequestConflict):
    """The book holds too little for the whole fill-or-kill order. No order was made."""

    default_reason = "NOT_FILLED"


class InsufficientBalance(ExchangeError, errors.NotReady):
    """Not enough cash on the market's shard."""

    default_reason = "INSUFFICIENT_BALANCE"


class MarketClosed(ExchangeError, errors.NotReady):
    """The market takes no orders any more, or not now."""

    default_reason = "MARKET_CLOSED"


class TradingPaused(ExchangeError, errors.NotReady):
    """The exchange takes no new orders now; cancels still work."""

    default_reason = "TRADING_PAUSED"


class ExchangePaused(TradingPaused):
    """The exchange takes nothing at all now."""

    default_reason = "EXCHANGE_PAUSED"


class WrongKey(ExchangeError, errors.Unauthenticated):
    """The exchange does not accept this key id with this signature."""

    default_reason = "WRONG_KEY"


class ClockSkewed(ExchangeError, errors.Unauthenticated):
    """The exchange finds the request's timestamp too far from its own time.

    Attributes:
        offset_seconds: Exchange minus local clock as measured, this reply included; None if it sent no usable date.
    """

    default_reason = "CLOCK_SKEWED"

    offset_seconds: float | None = None

    def measured(self, offset_seconds: float | None) -> None:
        """Add what was measured."""
        self.offset_seconds = offset_seconds
        if offset_seconds is None:
            self.message += "; the reply has no usable date to measure the local clock against"
        else:
            self.message += f"; the exchange's clock is {offset_seconds:+.1f} s from the local one"
            self.metadata["offset_seconds"] = f"{offset_seconds:.3f}"


class NotPermitted(ExchangeError, errors.Denied):
    """The key is known and may not do this."""

    default_reason = "NOT_PERMITTED"


class RateLimited(ExchangeError, errors.Overloaded):
    """The exchange counted too many requests. It did not act on this one."""

    default_reason = "RATE_LIMITED"


class NoBudget(ExchangeError, errors.Overloaded):
    """The tokens for this request will not be there in the time that the caller has. Nothing was sent."""

    default_reason = "NO_BUDGET"


class ExchangeUnavailable(ExchangeError, errors.Unavailable):
    """The exchange failed to answer a read."""

    default_reason = "EXCHANGE_UNAVAILABLE"


class NotConnected(ExchangeError, errors.Unavailable):
    """No connection could be made. Nothing was sent, so nothing was done."""

    default_reason = "NOT_CONNECTED"


class NoAnswer(ExchangeError, errors.Unavailable):
    """The connection broke or stayed silent during a read."""

    default_reason = "NO_ANSWER"


class OutOfTime(ExchangeError, errors.TooLate):
    """The caller's deadline came before the answer to a read."""

    default_reason = "OUT_OF_TIME"


class EndpointGone(ExchangeError, errors.Unsupported):
    """The exchange has removed this endpoint."""

    default_reason = "ENDPOINT_GONE"


class UnexpectedReply(ExchangeError, errors.Broken):
    """The reply is not what the exchange's documents say.

    Attributes:
        field: Where in the reply, such as `$.market.yes_bid_dollars`; empty where no field is to blame.
    """

    default_reason = "UNEXPECTED_REPLY"

    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """A write was sent and may or may not have been done.

    Look the order up, by its client order id among recent orders or by its order id, before doing anything that would
    be wrong in either case.
    """

    request: str
    """Method and path."""
    why: str
    """For people: what happened instead of an answer."""
    status: int | None = None
    """HTTP status, where there was one."""
    client_order_id: str | None = None
    order_id: str | None = None
