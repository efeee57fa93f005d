"""Which orders the paper account takes: the refusals, in the exchange's words. Pure."""

from datetime import datetime

from mesh.kalshi.fees import UnknownFee, charge
from mesh.kalshi.grid import PriceGrid
from mesh.kalshi.sides import Quote
from mesh.kalshi.terms import BookSide, TimeInForce
from mesh.types import Hundredths, Micros, cost, dollars
from trader.domain.events import Refused
from trader.domain.facts import Ending, MarketTerms, OrderTerms
from trader.domain.words import EndReason
from trader.paper.account import Account, unit
from trader.paper.records import FREE


def refused(reason: EndReason, code: str, detail: str = "") -> Refused:
    """Say no."""
    return Refused(Ending(reason=reason, code=code, detail=detail))


def invalid(detail: str) -> Refused:
    """Say that an order is wrong in itself."""
    return refused(EndReason.REFUSED, "invalid_order", detail)


def whole_seconds(expire_time: datetime | None) -> datetime | None:
    """Return an expiry as the exchange takes it."""
    return None if expire_time is None else expire_time.replace(microsecond=0)


def check_terms(order: OrderTerms, quote: Quote, market: MarketTerms, now: datetime) -> Refused | None:
    """Refuse what is wrong in itself; None passes."""
    resting = order.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    if order.ticker != market.ticker or quote.side is BookSide.UNKNOWN:
        return invalid("the order and the market do not belong together")
    if not order.client_order_id or order.time_in_force is TimeInForce.UNKNOWN:
        return invalid("client_order_id and time_in_force are needed")
    if not PriceGrid(market.bands).valid(quote.price):
        return refused(EndReason.REFUSED, "invalid_price", f"{quote.price.dollars()} is off the grid")
    if order.count <= 0:
        return invalid("count must be positive")
    if order.expire_time is not None and not resting:
        return invalid("expiration_time can only be used with good_till_canceled orders")
    if (expires := whole_seconds(order.expire_time)) is not None and expires <= now:
        return invalid("expiration_time is in the past")
    if order.reduce_only and order.time_in_force is not TimeInForce.IMMEDIATE_OR_CANCEL:
        return invalid("reduce_only can only be used with IoC orders")
    if order.post_only and not resting:
        return invalid("post_only can only be used with good_till_canceled orders")
    try:
        _ = market.fees.rates
    except UnknownFee as error:
        return refused(EndReason.REFUSED, "fee_type_unknown", error.message)
    return None


def check_cover(
    account: Account, market: MarketTerms, quote: Quote, count: Hundredths, now: datetime
) -> Refused | None:
    """Refuse what the account cannot pay at the limit, with the fee of a taker; None passes.

    What closes a position that no older order closes needs no money: it pays its fee out of what it brings.
    """
    buys_yes = quote.side is BookSide.BID
    opening = Hundredths(max(0, count - account.unclaimed(market.ticker, buys_yes=buys_yes)))
    if not opening:
        return None
    fee = charge(
        market.fees,
        price=quote.price,
        count=opening,
        buys_yes=buys_yes,
        maker=False,
        carried=FREE,
        precision=account.purse.step,
        at=now,
    ).net
    needed = Micros(cost(unit(quote.price, buys_yes=buys_yes), opening) + fee)
    if needed <= account.available:
        return None
    short = f"it needs {dollars(needed)}, available are {dollars(account.available)}"
    return refused(EndReason.INSUFFICIENT_BALANCE, "insufficient_balance", short)
