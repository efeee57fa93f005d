"""An exchange in memory for the engine's tests: one YES book a market, an account, and answers that go wrong on demand.

It keeps `trader.ports.Exchange` and `trader.ports.Markets`. Time comes from a clock; there are no threads, sockets or
chance, so that the same steps give the same results.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from mesh.clock import Clock
from mesh.kalshi.book import Book
from mesh.kalshi.errors import ExchangeUnavailable, NoAnswer, ObjectNotFound
from mesh.kalshi.fees import charge
from mesh.kalshi.sides import Action, Intent, to_book
from mesh.kalshi.terms import BookSide, OrderStatus, Result, TimeInForce
from mesh.types import DOLLAR, Hundredths, Micros, Price, Side, cost
from trader.domain.events import (
    Accepted,
    BookCame,
    BooksConfirmed,
    BooksLost,
    ExchangeSeen,
    FillSeen,
    MarketSeen,
    NoOutcome,
    OrderSeen,
    Refused,
    Traded,
)
from trader.domain.facts import Ending, FillFacts, MarketTerms, OrderTerms
from trader.domain.state import NO_CONTRACTS, NO_MONEY
from trader.domain.views import (
    HeldView,
    OrderView,
    SettlementView,
    Snapshot,
)
from trader.domain.words import EndReason, ExchangeState
from trader.exchange.locked import locked
from trader.ports import CancelDone

Told = BookCame | BooksConfirmed | BooksLost | Traded | MarketSeen
T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call."""

    kind: Literal["slow", "request_lost", "reply_lost", "late", "refused", "unavailable", "raises"]
    seconds: float = 0.0
    """Before the answer, whatever it is; of a `late` request, before it arrives after all."""
    reason: EndReason = EndReason.REFUSED
    """Of a refused order."""


@dataclass
class Kept:
    """An order as the exchange keeps it."""

    order_id: str
    terms: OrderTerms
    buys_yes: bool
    price: Price
    """Of YES."""
    created: datetime
    count: Hundredths
    filled: Hundredths = NO_CONTRACTS
    status: OrderStatus = OrderStatus.RESTING
    carried: Micros = NO_MONEY
    changed: datetime | None = None

    @property
    def remaining(self) -> Hundredths:
        """What rests."""
        return Hundredths(self.count - self.filled if self.status is OrderStatus.RESTING else 0)

    def view(self) -> OrderView:
        """Show it."""
        return OrderView(
            order_id=self.order_id,
            client_order_id=self.terms.client_order_id,
            ticker=self.terms.ticker,
            book_buys_yes=self.buys_yes,
            yes_price=self.price,
            status=self.status,
            count=self.count,
            filled=self.filled,
            remaining=self.remaining,
            expire_time=self.terms.expire_time,
            created_time=self.created,
        )


@dataclass
class Listed:
    """A market with its public book, without our own orders."""

    terms: MarketTerms
    bids: dict[Price, Hundredths] = field(default_factory=dict)
    """Who buys YES."""
    asks: dict[Price, Hundredths] = field(default_factory=dict)
    trading: bool = True
    net: Hundredths = NO_CONTRACTS
    paid: Micros = NO_MONEY
    """For the contracts that are held."""
    realised: Micros = NO_MONEY
    fees: Micros = NO_MONEY
    settlement: SettlementView | None = None

    def side(self, *, buys_yes: bool) -> dict[Price, Hundredths]:
        """Those who buy YES, or sell it."""
        return self.bids if buys_yes else self.asks


class Venue:
    """The exchange and the account that it keeps for us."""

    own_shown = True

    def __init__(self, clock: Clock, markets: Iterable[MarketTerms], *, cash: int = 1_000_000_000) -> None:
        self.clock = clock
        self.markets = {terms.ticker: Listed(terms) for terms in markets}
        self.cash = Micros(cash)
        self.orders: dict[str, Kept] = {}
        self.fills: list[FillFacts] = []
        self.state = ExchangeState.OPEN
        self.pauses: tuple[tuple[datetime, datetime], ...] = ()
        self.faults: dict[str, deque[Fault]] = {}
        self.calls: list[str] = []
        """Names of the methods called, in order."""
        self.fills_lag = 0.0
        """Seconds after which a fill shows in `fills_of`."""
        self.silent = False
        """Whether the streams tell nothing, though they stay open."""
        self.watched: tuple[str, ...] = ()
        self._late: list[tuple[datetime, OrderTerms]] = []
        self._own: list[asyncio.Queue[OrderSeen | FillSeen | None]] = []
        self._told: list[asyncio.Queue[Told | None]] = []

    # What tests and simulations do to it.

    def fail(self, method: str, *faults: Fault) -> None:
        """Let the next calls of a method go wrong, one fault a call."""
        self.faults.setdefault(method, deque()).extend(faults)

    def show(self, book: Book) -> None:
        """Replace a market's public book; our resting orders that it crosses are filled at their own price."""
        market = self.markets[book.ticker]
        market.bids, market.asks = dict(book.yes_bids), dict(book.yes_asks)
        for kept in self._resting(book.ticker):
            self._match(kept, taker=False)
        self._tell(BookCame(self.book(book.ticker)))

    def trade(self, ticker: str, price: Price, count: Hundredths, *, taker_buys_yes: bool) -> None:
        """Let somebody take contracts up to a YES price: the best first, ours before the others' at one price."""
        self._advance()
        offers = self.markets[ticker].side(buys_yes=not taker_buys_yes)
        ours = [kept for kept in self._resting(ticker) if kept.buys_yes is not taker_buys_yes]
        left, prices = count, {*offers, *(kept.price for kept in ours)}
        for each in sorted(prices, reverse=not taker_buys_yes):
            if not _meets(each, price, buys_yes=taker_buys_yes):
                break
            for kept in ours:
                part = Hundredths(min(left, kept.remaining))
                if kept.price == each and part:
                    self._fill(kept, each, part, taker=False)
                    left = Hundredths(left - part)
            part = Hundredths(min(left, offers.get(each, 0)))
            if part:
                offers[each] = Hundredths(offers[each] - part)
                left = Hundredths(left - part)
        self._tell(Traded(ticker, price, Hundredths(count - left), taker_buys_yes))
        self.show(Book.from_levels(ticker, self.markets[ticker].bids.items(), self.markets[ticker].asks.items()))

    def settle(self, ticker: str, result: Result) -> None:
        """Determine a market and pay."""
        self._advance()
        market = self.markets[ticker]
        market.trading = False
        for kept in self._resting(ticker):
            self._end(kept)
        value = DOLLAR if result is Result.YES else Micros(0)
        yes, no = max(0, market.net), max(0, -market.net)
        revenue = Micros(cost(value, Hundredths(yes)) + cost(DOLLAR - value, Hundredths(no)))
        self.cash = Micros(self.cash + revenue)
        market.settlement = SettlementView(
            ticker=ticker,
            result=result,
            yes_count=Hundredths(yes),
            no_count=Hundredths(no),
            yes_value=value,
            revenue=revenue,
            fees=Micros(0),
            time=self.clock.now(),
        )
        market.net, market.paid = Hundredths(0), Micros(0)
        self._tell(MarketSeen(market.terms, trading=False))

    def break_streams(self) -> None:
        """End every stream; what comes until somebody streams again is told to nobody."""
        for queue in self._told:
            queue.put_nowait(None)
        for own in self._own:
            own.put_nowait(None)
        self._told, self._own = [], []

    def book(self, ticker: str) -> Book:
        """The book as everybody sees it, our own orders in it."""
        market = self.markets[ticker]
        bids, asks = dict(market.bids), dict(market.asks)
        for kept in self._resting(ticker):
            side = bids if kept.buys_yes else asks
            side[kept.price] = Hundredths(side.get(kept.price, 0) + kept.remaining)
        return Book.from_levels(ticker, bids.items(), asks.items())

    @property
    def available(self) -> Micros:
        """Cash that no resting order locks."""
        orders = [kept.view() for kept in self.orders.values()]
        positions = [HeldView(name, one.net, one.paid, one.realised, one.fees) for name, one in self.markets.items()]
        return Micros(self.cash - locked(orders, positions))

    def held(self, ticker: str) -> Hundredths:
        """Net position: positive YES, negative NO."""
        return self.markets[ticker].net

    # trader.ports.Exchange

    async def place(self, order: OrderTerms, market: MarketTerms) -> Accepted | Refused | NoOutcome:
        """Take an order."""
        fault = await self._called("place")
        match fault:
            case Fault("request_lost"):
                return NoOutcome("the connection broke")
            case Fault("late", seconds):
                self._late.append((self.clock.now() + timedelta(seconds=seconds), order))
                return NoOutcome("no answer")
            case Fault("refused", reason=reason):
                return Refused(Ending(reason=reason, code="scripted"))
            case _:
                answer = self._take(order)
        await self._after(fault)
        return NoOutcome("no answer") if fault and fault.kind == "reply_lost" else answer

    async def cancel(self, order_id: str, market: MarketTerms) -> CancelDone | NoOutcome:
        """Cancel an order."""
        fault = await self._called("cancel")
        if fault and fault.kind == "request_lost":
            return NoOutcome("the connection broke")
        if fault and fault.kind in {"unavailable", "refused"}:
            raise ExchangeUnavailable("the exchange is away")
        kept = self.orders.get(order_id)
        left = Hundredths(0) if kept is None else kept.remaining
        if kept is not None and left:
            self._end(kept)
        await self._after(fault)
        if fault and fault.kind == "reply_lost":
            return NoOutcome("no answer")
        return CancelDone(left or None)

    async def order(self, order_id: str) -> OrderView | None:
        """Read one order."""
        return await self._read("order", lambda: self.orders[order_id].view() if order_id in self.orders else None)

    async def find(self, client_order_id: str, ticker: str, since: datetime) -> OrderView | None:
        """Look for an order by our id."""

        def found() -> OrderView | None:
            mine = (kept for kept in self.orders.values() if kept.terms.client_order_id == client_order_id)
            return next((kept.view() for kept in mine if kept.created >= since), None)

        return await self._read("find", found)

    async def fills_of(self, order_id: str) -> tuple[FillFacts, ...]:
        """Read the fills of one order."""

        def seen() -> tuple[FillFacts, ...]:
            until = self.clock.now() - timedelta(seconds=self.fills_lag)
            return tuple(fill for fill in self.fills if fill.order_id == order_id and fill.time <= until)

        return await self._read("fills_of", seen)

    async def snapshot(self, since: datetime) -> Snapshot:
        """Read the account."""
        began = self.clock.monotonic()
        return await self._read("snapshot", lambda: self._account(since, began))

    @asynccontextmanager
    async def own(self) -> AsyncIterator[AsyncIterator[OrderSeen | FillSeen | None]]:
        """Stream what becomes of our orders."""
        await self._called("own")
        queue: asyncio.Queue[OrderSeen | FillSeen | None] = asyncio.Queue()
        self._own.append(queue)
        queue.put_nowait(None)

        async def told() -> AsyncIterator[OrderSeen | FillSeen | None]:
            while queue in self._own or not queue.empty():
                yield await queue.get()

        try:
            yield told()
        finally:
            if queue in self._own:
                self._own.remove(queue)

    # trader.ports.Markets

    async def status(self) -> ExchangeSeen:
        """Read what the exchange allows."""
        return await self._read("status", lambda: ExchangeSeen(self.state, pauses=self.pauses))

    async def market(self, ticker: str) -> MarketSeen:
        """Read one market's terms."""

        def found() -> MarketSeen:
            if ticker not in self.markets:
                raise ObjectNotFound(f"no market {ticker}")
            return MarketSeen(self.markets[ticker].terms, self.markets[ticker].trading)

        return await self._read("market", found)

    async def books(self, tickers: Sequence[str]) -> tuple[Book, ...]:
        """Read books now."""
        return await self._read("books", lambda: tuple(self.book(name) for name in tickers if name in self.markets))

    def watch(self, tickers: Iterable[str]) -> None:
        """Tell the books of these markets and no others."""
        before, self.watched = self.watched, tuple(tickers)
        for ticker in self.watched:
            if ticker in self.markets and ticker not in before:
                self._tell(BookCame(self.book(ticker)))

    @asynccontextmanager
    async def told(self) -> AsyncIterator[AsyncIterator[Told]]:
        """Stream the books of watched markets."""
        await self._called("told")
        queue: asyncio.Queue[Told | None] = asyncio.Queue()
        self._told.append(queue)
        for ticker in self.watched:
            queue.put_nowait(BookCame(self.book(ticker)))

        async def events() -> AsyncIterator[Told]:
            while (event := await queue.get()) is not None:
                yield event

        try:
            yield events()
        finally:
            if queue in self._told:
                self._told.remove(queue)

    # Inside.

    async def _called(self, method: str) -> Fault | None:
        self.calls.append(method)
        waiting = self.faults.get(method)
        fault = waiting.popleft() if waiting else None
        await asyncio.sleep(0)
        if fault is not None and fault.kind == "slow":
            await self.clock.sleep(fault.seconds)
        if fault is not None and fault.kind == "raises":
            raise RuntimeError("planted")
        self._advance()
        return fault

    async def _after(self, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "reply_lost":
            await self.clock.sleep(fault.seconds)

    async def _read(self, method: str, read: Callable[[], T]) -> T:
        fault = await self._called(method)
        if fault is not None and fault.kind in {"request_lost", "unavailable", "refused", "reply_lost"}:
            await self.clock.sleep(fault.seconds)
            raise NoAnswer("no answer") if fault.kind == "reply_lost" else ExchangeUnavailable("the exchange is away")
        return read()

    def _advance(self) -> None:
        """Let happen what its time has come for: late requests arrive, orders expire."""
        now = self.clock.now()
        due = [order for when, order in self._late if when <= now]
        self._late = [(when, order) for when, order in self._late if when > now]
        for order in due:
            self._take(order)
        for kept in tuple(self.orders.values()):
            expiry = kept.terms.expire_time
            if kept.status is OrderStatus.RESTING and expiry is not None and expiry <= now:
                self._end(kept)

    def _resting(self, ticker: str) -> list[Kept]:
        return [kept for kept in self.orders.values() if kept.terms.ticker == ticker and kept.remaining]

    def _take(self, order: OrderTerms) -> Accepted | Refused | NoOutcome:
        market, now = self.markets[order.ticker], self.clock.now()
        if self.state is not ExchangeState.OPEN:
            return Refused(Ending(reason=EndReason.PAUSE, code="trading_paused"))
        if not market.trading or now >= market.terms.close_time:
            return Refused(Ending(reason=EndReason.MARKET_CLOSED, code="market_closed"))
        if any(kept.terms.client_order_id == order.client_order_id for kept in self.orders.values()):
            return NoOutcome("an earlier request placed it")
        if order.expire_time is not None and order.expire_time <= now:
            return Refused(Ending(reason=EndReason.REFUSED, code="invalid_order", detail="expired"))
        quote = to_book(Intent(order.action, order.side, order.limit))
        buys = quote.side is BookSide.BID
        count = order.count
        if order.reduce_only:
            count = Hundredths(min(count, max(0, -market.net if buys else market.net)))
            if not count:
                return Refused(Ending(reason=EndReason.REDUCE_ONLY, code="invalid_order"))
        across = [price for price in market.side(buys_yes=not buys) if _meets(price, quote.price, buys_yes=buys)]
        if order.post_only and across:
            return Refused(Ending(reason=EndReason.POST_ONLY_CROSS, code="post_only_cross"))
        each = quote.price if buys else quote.price.complement
        if not order.reduce_only and cost(each, count) > self.available:
            return Refused(Ending(reason=EndReason.INSUFFICIENT_BALANCE, code="insufficient_balance"))
        kept = Kept(f"o-{len(self.orders) + 1}", order, buys, quote.price, now, count)
        self.orders[kept.order_id] = kept
        self._match(kept, taker=True)
        if order.time_in_force is not TimeInForce.GOOD_TILL_CANCELED and kept.remaining:
            kept.status = OrderStatus.CANCELED
        self._tell_own(OrderSeen(kept.view()))
        self._tell(BookCame(self.book(order.ticker)))
        return Accepted(kept.order_id, kept.filled, kept.remaining)

    def _match(self, kept: Kept, *, taker: bool) -> None:
        """Fill an order against the public book, best prices first; who rested keeps the price."""
        offers = self.markets[kept.terms.ticker].side(buys_yes=not kept.buys_yes)
        for price in sorted(offers, reverse=not kept.buys_yes):
            if not kept.remaining or not _meets(price, kept.price, buys_yes=kept.buys_yes):
                break
            count = Hundredths(min(offers[price], kept.remaining))
            offers[price] = Hundredths(offers[price] - count)
            if not offers[price]:
                del offers[price]
            self._fill(kept, price if taker else kept.price, count, taker=taker)

    def _fill(self, kept: Kept, price: Price, count: Hundredths, *, taker: bool) -> None:
        market, now = self.markets[kept.terms.ticker], self.clock.now()
        fee = charge(
            market.terms.fees,
            price=price,
            count=count,
            buys_yes=kept.buys_yes,
            maker=not taker,
            carried=kept.carried,
            at=now,
        )
        kept.carried = fee.carried
        kept.filled, kept.changed = Hundredths(kept.filled + count), now
        if kept.filled >= kept.count:
            kept.status = OrderStatus.EXECUTED
        self._move(market, price, count, buys_yes=kept.buys_yes)
        market.fees = Micros(market.fees + fee.net)
        self.cash = Micros(self.cash - fee.net)
        made = FillFacts(
            fill_id=f"f-{len(self.fills) + 1}",
            order_id=kept.order_id,
            ticker=kept.terms.ticker,
            side=Side.YES,
            action=Action.BUY if kept.buys_yes else Action.SELL,
            price=price,
            count=count,
            fee=fee.net,
            taker=taker,
            time=now,
        )
        self.fills.append(made)
        if not taker:
            self._tell_own(OrderSeen(kept.view()))
        self._tell_own(FillSeen(made))

    def _move(self, market: Listed, price: Price, count: Hundredths, *, buys_yes: bool) -> None:
        """Change the position and the cash by a fill: what closes is paid out, the rest is paid for."""
        closes = Hundredths(min(count, max(0, -market.net if buys_yes else market.net)))
        if closes:
            part = Micros(market.paid * closes // abs(market.net))
            back = cost(price.complement if buys_yes else price, closes)
            market.paid = Micros(market.paid - part)
            market.realised = Micros(market.realised + back - part)
            self.cash = Micros(self.cash + back)
        opens = cost(price if buys_yes else price.complement, Hundredths(count - closes))
        market.paid = Micros(market.paid + opens)
        self.cash = Micros(self.cash - opens)
        market.net = Hundredths(market.net + (count if buys_yes else -count))

    def _end(self, kept: Kept) -> None:
        kept.status, kept.changed = OrderStatus.CANCELED, self.clock.now()
        self._tell_own(OrderSeen(kept.view()))
        self._tell(BookCame(self.book(kept.terms.ticker)))

    def _account(self, since: datetime, began: float) -> Snapshot:
        orders = [kept for kept in self.orders.values() if kept.remaining or (kept.changed or kept.created) >= since]
        markets = self.markets.values()
        return Snapshot(
            as_of=self.clock.now(),
            began=began,
            orders=tuple(kept.view() for kept in orders),
            orders_since=since,
            fills=tuple(fill for fill in self.fills if fill.time >= since),
            positions=tuple(
                HeldView(market.terms.ticker, market.net, market.paid, market.realised, market.fees)
                for market in markets
                if market.settlement is None and (market.net or market.fees)
            ),
            settlements=tuple(
                market.settlement for market in markets if market.settlement and market.settlement.time >= since
            ),
            cash=self.cash,
            shards=((0, self.available),),
            available=self.available,
        )

    def _tell(self, event: Told) -> None:
        ticker = event.book.ticker if isinstance(event, BookCame) else None
        if not self.silent and (ticker is None or ticker in self.watched):
            for queue in self._told:
                queue.put_nowait(event)

    def _tell_own(self, event: OrderSeen | FillSeen) -> None:
        if not self.silent:
            for queue in self._own:
                queue.put_nowait(event)


def _meets(offer: Price, limit: Price, *, buys_yes: bool) -> bool:
    return offer <= limit if buys_yes else offer >= limit
