"""What becomes of the paper account's orders: when they come, when books and trades come, when time goes on. Pure.

Pessimistic where nobody can know: see docs/paper.md. Whoever calls takes what happened from the account afterwards.
"""

from datetime import datetime
from typing import NamedTuple

from mesh.kalshi.book import Book
from mesh.kalshi.fees import UnknownFee
from mesh.kalshi.sides import Intent, Quote, to_book
from mesh.kalshi.terms import BookSide, OrderStatus, TimeInForce
from mesh.types import Hundredths, Micros
from trader.domain.events import Accepted, Refused, Traded
from trader.domain.facts import MarketTerms, OrderTerms
from trader.domain.words import EndReason, Purpose
from trader.paper import line, shown
from trader.paper.account import Account
from trader.paper.admission import check_cover, check_terms, refused, whole_seconds
from trader.paper.records import Order, Venue

NO_BOOK = "book_not_known"
"""Code of a refusal that only the paper account gives: nobody knows what the order would have met."""


class _Plan(NamedTuple):
    """What an arriving order would take."""

    steps: tuple[shown.Offer, ...]
    offered: int
    """Contracts that others offer within its limit."""
    meets_own: bool
    """It would meet an order of the account then, and stops there."""


class Matching:
    """Decides on one account.

    Args:
        account: Which.
        taker_share: Part of a shown size that may be had.
        queue_share: Part of the size at its price that is ahead of an order when it comes to rest.
    """

    def __init__(self, account: Account, *, taker_share: float = 1.0, queue_share: float = 1.0) -> None:
        self._account = account
        self._taker_share = taker_share
        self._queue_share = queue_share

    def place(self, terms: OrderTerms, market: MarketTerms, book: Book | None, now: datetime) -> Accepted | Refused:
        """Let an order meet the book as it is now; None where that is not known.

        The market must be open. Without a book only a post-only order is taken.
        """
        quote = to_book(Intent(terms.action, terms.side, terms.limit))
        count = self._count(terms, quote)
        if (no := self._refusal(terms, quote, count, market=market, book=book, now=now)) is not None:
            return no
        plan = self._plan(terms.ticker, quote, count, book)
        if terms.time_in_force is TimeInForce.FILL_OR_KILL and plan.offered < count:
            return refused(EndReason.NO_LIQUIDITY, "fill_or_kill_insufficient_resting_volume")
        account = self._account
        account.know(Venue.of(market))
        order = self._order(terms, quote, count, now)
        account.accept(order)
        rests = terms.time_in_force is TimeInForce.GOOD_TILL_CANCELED and not plan.meets_own
        if self._take(order, plan, now) and rests and order.remaining:
            if book is not None:
                line.queue(order, shown.at_price(book, order.price, buys_yes=order.buys_yes), self._queue_share)
            account.rest(order)
        elif order.status is OrderStatus.RESTING:
            account.end(order, now)
        return Accepted(order.order_id, order.filled, order.remaining)

    def cancel(self, order_id: str, now: datetime) -> Hundredths | None:
        """End an order that rests and return how much of it that was; None where it does not rest."""
        order = self._account.orders.get(order_id)
        if order is None or order.status is not OrderStatus.RESTING:
            return None
        return self._account.end(order, now)

    def book_came(self, book: Book, now: datetime) -> None:
        """Take in a market's book: lines move up, and what crosses resting orders fills them, up to its size."""
        account = self._account
        shown.forget(account, book)
        orders = account.resting.get(book.ticker, ())
        for order in sorted(orders, key=lambda order: (-order.price if order.buys_yes else order.price, order.number)):
            size = shown.at_price(book, order.price, buys_yes=order.buys_yes)
            offers = shown.offers(account, book, order.price, self._taker_share, buys_yes=order.buys_yes)
            if order.ahead is None:
                line.queue(order, size, self._queue_share)
                account.note(order)
                if self._crosses(book, order.price, buys_yes=order.buys_yes):
                    account.end(order, now)  # what nobody could tell when it came: the exchange had not taken it
                    continue
            elif line.shrink(order, size, now):
                account.note(order)
            if not order.ahead:
                self._cross(order, offers, now)

    def traded(self, trade: Traded, now: datetime) -> None:
        """Let a public trade fill resting orders beyond those ahead of them."""
        orders = self._account.resting.get(trade.ticker, ())
        passing = line.pass_trade(orders, trade.yes_price, trade.count, taker_buys_yes=trade.taker_buys_yes, now=now)
        for order, count in tuple(passing):
            self._account.note(order)
            if count:
                self._fill(order, order.price, count, now, taker=False)

    def advance(self, now: datetime) -> None:
        """End what is over by now: orders that expire, and all of a market that has closed."""
        account = self._account
        for ticker, orders in tuple(account.resting.items()):
            closed = account.venues[ticker].close_time <= now
            for order in orders:
                if closed or (order.expire_time is not None and order.expire_time <= now):
                    account.end(order, now)

    def halt(self, ticker: str | None, now: datetime) -> None:
        """End what may not rest through a pause, of a market or of all: entries, as the trader asks the exchange to."""
        for held in (ticker,) if ticker is not None else tuple(self._account.resting):
            for order in self._account.resting.get(held, ()):
                if order.entry:
                    self._account.end(order, now)

    def clear(self, ticker: str, now: datetime) -> None:
        """End everything that rests in a market."""
        for order in self._account.resting.get(ticker, ()):
            self._account.end(order, now)

    def _count(self, terms: OrderTerms, quote: Quote) -> Hundredths:
        """Return how much of an order may be filled: one that only reduces, no more than there is to reduce."""
        if not terms.reduce_only:
            return terms.count
        net = self._account.held(terms.ticker).net
        return Hundredths(min(terms.count, max(0, -net if quote.side is BookSide.BID else net)))

    def _refusal(
        self,
        terms: OrderTerms,
        quote: Quote,
        count: Hundredths,
        *,
        market: MarketTerms,
        book: Book | None,
        now: datetime,
    ) -> Refused | None:
        if terms.client_order_id in self._account.by_client_id:
            return refused(EndReason.REFUSED, "order_already_exists", "this client order id was used before")
        if (wrong := check_terms(terms, quote, market, now)) is not None:
            return wrong
        if terms.post_only and self._would_cross(terms.ticker, quote, book):
            return refused(EndReason.POST_ONLY_CROSS, "invalid_order", "post only cross")
        if (short := check_cover(self._account, market, quote, count, now)) is not None:
            return short
        if book is None and count and not terms.post_only:
            return refused(EndReason.REFUSED, NO_BOOK, "the paper account does not know the book and invents none")
        return None

    def _would_cross(self, ticker: str, quote: Quote, book: Book | None) -> bool:
        """Tell whether an order meets anything, an order of the account included."""
        buys_yes = quote.side is BookSide.BID
        if self._own(ticker, quote) is not None:
            return True
        return book is not None and self._crosses(book, quote.price, buys_yes=buys_yes)

    def _crosses(self, book: Book, price: int, *, buys_yes: bool) -> bool:
        """Tell whether others offer anything at a price, beyond what the account took already."""
        return any(offer.size for offer in shown.offers(self._account, book, price, 1.0, buys_yes=buys_yes))

    def _own(self, ticker: str, quote: Quote) -> Order | None:
        """Return the account's order that another of it would meet first."""
        buys_yes = quote.side is BookSide.BID
        met = [
            order
            for order in self._account.resting.get(ticker, ())
            if order.buys_yes is not buys_yes and shown.reaches(order.price, quote.price, buys_yes=buys_yes)
        ]
        return min(met, key=lambda order: (order.price if buys_yes else -order.price, order.number), default=None)

    def _plan(self, ticker: str, quote: Quote, count: Hundredths, book: Book | None) -> _Plan:
        """Work out what an order takes, level by level, until its limit, its end, or an order of the account."""
        buys_yes = quote.side is BookSide.BID
        own = self._own(ticker, quote)
        steps: list[shown.Offer] = []
        left = int(count)
        offers = (
            [] if book is None else shown.offers(self._account, book, quote.price, self._taker_share, buys_yes=buys_yes)
        )
        for price, size in offers:
            most = size
            if own is not None and price == own.price:
                before = (own.ahead or 0) - shown.taken(self._account, ticker, price, bids=not buys_yes)
                most = Hundredths(max(0, min(size, before)))
            elif own is not None and not shown.reaches(price, own.price, buys_yes=buys_yes):
                break
            if taken := min(left, most):
                steps.append(shown.Offer(price, Hundredths(taken)))
                left -= taken
        return _Plan(tuple(steps), sum(offer.size for offer in offers), meets_own=own is not None and left > 0)

    def _take(self, order: Order, plan: _Plan, now: datetime) -> bool:
        """Carry a plan out; False where the account could not pay all of it."""
        for price, size in plan.steps:
            if not self._fill(order, price, size, now, taker=True):
                return False
            shown.take(self._account, order, price, size)
        return True

    def _cross(self, order: Order, offers: list[shown.Offer], now: datetime) -> None:
        """Fill a resting order by what the other side shows at its price or beyond, at its own price."""
        for price, size in offers:
            count = Hundredths(min(size, order.remaining))
            if count and self._fill(order, order.price, count, now, taker=False):
                shown.take(self._account, order, price, count)

    def _fill(self, order: Order, price: Micros, count: Hundredths, now: datetime, *, taker: bool) -> bool:
        """Fill an order, or end it where that cannot be paid or nobody knows what it costs."""
        try:
            booked = self._account.fill(order, price, count, taker=taker, now=now)
        except UnknownFee:
            booked = False
        if not booked:
            self._account.end(order, now)
        return booked

    def _order(self, terms: OrderTerms, quote: Quote, count: Hundredths, now: datetime) -> Order:
        number = self._account.number()
        return Order(
            number=number,
            order_id=self._account.name("order", number),
            client_order_id=terms.client_order_id,
            ticker=terms.ticker,
            buys_yes=quote.side is BookSide.BID,
            price=Micros(int(quote.price)),
            count=terms.count,
            remaining=count,
            entry=terms.purpose is Purpose.ENTRY,
            expire_time=whole_seconds(terms.expire_time),
            created_time=now,
            updated_time=now,
        )
