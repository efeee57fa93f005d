"""The paper account's books: cash, orders, positions, fills. Pure.

One contract of YES costs its price, one of NO a dollar less it; contracts of the other side are given back first, as
the exchange nets them. So at every moment cash + cost of positions + fees - realised = what it began with.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from mesh.kalshi.fees import charge
from mesh.kalshi.terms import OrderStatus
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, cost
from trader.paper.records import FREE, NOTHING, Fill, Holding, Order, Purse, Record, Settlement, Taken, Venue


def unit(price: int, *, buys_yes: bool) -> int:
    """Return what one contract costs whoever buys YES at a price, or sells it, which is buying NO; micros."""
    return price if buys_yes else DOLLAR - price


class Account:
    """The account. Whoever changes it takes away afterwards what changed (`take`)."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Take up what was kept, in the order in which it came about. ValueError without a purse."""
        self.orders: dict[str, Order] = {}
        """By order id, oldest first."""
        self.by_client_id: dict[str, Order] = {}
        self.resting: dict[str, list[Order]] = {}
        """By market, oldest first."""
        self.holdings: dict[str, Holding] = {}
        self.fills: dict[str, list[Fill]] = {}
        """By order id."""
        self.settlements: list[Settlement] = []
        self.venues: dict[str, Venue] = {}
        self.taken: dict[str, Taken] = {}
        self._changed: dict[int, Record] = {}
        self._news: list[Order | Fill | Settlement] = []
        purse: Purse | None = None
        for record in records:
            if isinstance(record, Purse):
                purse = record
            self._keep(record)
        if purse is None:
            raise ValueError("an account without a purse")
        self.purse = purse
        for order in self.orders.values():
            if order.status is OrderStatus.RESTING:
                self.resting.setdefault(order.ticker, []).append(order)

    @property
    def locked(self) -> Micros:
        """What resting orders take out of the cash."""
        return Micros(sum(self._lock(ticker, self.held(ticker).net) for ticker in self.resting))

    @property
    def available(self) -> Micros:
        """What can be spent."""
        return Micros(self.purse.cash - self.locked)

    @property
    def missing(self) -> Micros:
        """What the books do not explain; zero."""
        held = self.holdings.values()
        explained = self.purse.start + sum(one.realised - one.fees - one.cost for one in held)
        return Micros(explained - self.purse.cash)

    def held(self, ticker: str) -> Holding:
        """Give what is held in a market; nothing, where it was never traded."""
        return self.holdings.get(ticker) or Holding(ticker=ticker)

    def unclaimed(self, ticker: str, *, buys_yes: bool) -> Hundredths:
        """Give how much of a position an order could close that no resting order would close."""
        net = self.held(ticker).net
        claimed = sum(order.remaining for order in self.resting.get(ticker, ()) if order.buys_yes is buys_yes)
        return Hundredths(max(0, (-net if buys_yes else net) - claimed))

    def know(self, venue: Venue) -> None:
        """Take in what is known of a market."""
        if self.venues.get(venue.ticker) != venue:
            self._put(venue)

    def accept(self, order: Order) -> None:
        """Take in an order that is to meet the book; it rests only after `rest`."""
        self._put(order)

    def rest(self, order: Order) -> None:
        """Let an order wait, as the youngest."""
        self.resting.setdefault(order.ticker, []).append(order)
        self._put(order)
        self._news.append(order)

    def end(self, order: Order, now: datetime) -> Hundredths:
        """Let an order wait no more; returns how much of it is given up."""
        given_up = order.remaining
        order.remaining = NOTHING
        order.status = OrderStatus.EXECUTED if order.filled == order.count else OrderStatus.CANCELED
        order.updated_time = now
        waiting = [other for other in self.resting.pop(order.ticker, ()) if other is not order]
        if waiting:
            self.resting[order.ticker] = waiting
        self._put(order)
        self._news.append(order)
        return given_up

    def fill(self, order: Order, price: Micros, count: Hundredths, *, taker: bool, now: datetime) -> bool:
        """Book a fill of an order; False, and nothing is booked, where the account could not pay it.

        An order that is filled in full by it has ended.
        """
        charged = charge(
            self.venues[order.ticker].fees,
            price=price,
            count=count,
            buys_yes=order.buys_yes,
            maker=not taker,
            carried=order.carried,
            precision=self.purse.step,
            at=now,
        )
        holding = self.held(order.ticker)
        paid = unit(price, buys_yes=order.buys_yes)
        closing = Hundredths(min(count, max(0, -holding.net if order.buys_yes else holding.net)))
        opened = cost(paid, Hundredths(count - closing))
        returned = cost(DOLLAR - paid, closing)
        net = Hundredths(holding.net + count if order.buys_yes else holding.net - count)
        cash = Micros(self.purse.cash + returned - opened - charged.net)
        lock = self._lock(order.ticker, net, lowered=order, by=count) - self._lock(order.ticker, holding.net)
        if cash < self.locked + lock:
            return False
        released = holding.cost * closing // abs(holding.net) if closing else 0
        holding.net = net
        holding.cost = Micros(holding.cost + opened - released)
        holding.realised = Micros(holding.realised + returned - released)
        holding.fees = Micros(holding.fees + charged.net)
        order.carried = charged.carried
        order.filled = Hundredths(order.filled + count)
        order.remaining = Hundredths(order.remaining - count)
        order.updated_time = now
        self.purse.cash = cash
        number = self.number()
        self._put(
            Fill(
                number=number,
                fill_id=self.name("fill", number),
                order_id=order.order_id,
                ticker=order.ticker,
                buys_yes=order.buys_yes,
                price=price,
                count=count,
                fee=charged.net,
                taker=taker,
                time=now,
            )
        )
        self._put(holding)
        if order.remaining:
            self._put(order)
            self._news.append(order)
        else:
            self.end(order, now)
        self._news.append(self.fills[order.order_id][-1])
        return True

    def settle(self, ticker: str, yes_value: Micros, now: datetime) -> None:
        """Pay a market out, in whole steps of the balance, and end what still rests there."""
        for order in tuple(self.resting.get(ticker, ())):
            self.end(order, now)
        holding = self.held(ticker)
        net = holding.net
        if net:
            worth = net * yes_value if net > 0 else -net * (DOLLAR - yes_value)
            revenue = Micros(worth // (CONTRACT * self.purse.step) * self.purse.step)
            self.purse.cash = Micros(self.purse.cash + revenue)
            holding.realised = Micros(holding.realised + revenue - holding.cost)
            holding.net, holding.cost = NOTHING, FREE
            paid = Settlement(
                number=self.number(),
                ticker=ticker,
                yes_value=yes_value,
                net=net,
                revenue=revenue,
                fees=holding.fees,
                time=now,
            )
            self._put(paid)
            self._news.append(paid)
        holding.settled = True
        self._put(holding)

    def note(self, record: Order | Taken) -> None:
        """Note that a record was changed from outside in a way that may be written later."""
        self._put(record)

    def number(self) -> int:
        """Give the next number."""
        self.purse.number += 1
        return self.purse.number

    def name(self, kind: str, number: int) -> str:
        """Make an id that no other paper account makes."""
        return f"paper-{self.purse.account_id[:12]}-{kind}-{number}"

    def take(self) -> tuple[list[Order | Fill | Settlement], Iterator[Record]]:
        """Give what happened since the last call, in order, and the records that have to be written.

        Both are empty where only places in queues changed: that may wait until something happens.
        """
        news, self._news = self._news, []
        if not news:
            return news, iter(())
        changed, self._changed = self._changed, {}
        changed[id(self.purse)] = self.purse
        return news, iter(changed.values())

    def _lock(self, ticker: str, net: int, *, lowered: Order | None = None, by: int = 0) -> int:
        """Work out what a market's orders lock at a position: those that close it, oldest first, lock nothing."""
        left, lock = abs(net), 0
        for order in self.resting.get(ticker, ()):
            count = order.remaining - by if order is lowered else order.remaining
            closing = min(left, count) if order.buys_yes is (net < 0) else 0
            left -= closing
            lock += unit(order.price, buys_yes=order.buys_yes) * (count - closing) // CONTRACT
        return lock

    def _put(self, record: Record) -> None:
        self._changed[id(record)] = record
        self._keep(record)

    def _keep(self, record: Record) -> None:
        match record:
            case Order():
                self.orders[record.order_id] = self.by_client_id[record.client_order_id] = record
            case Fill():
                self.fills.setdefault(record.order_id, []).append(record)
            case Holding():
                self.holdings[record.ticker] = record
            case Settlement():
                self.settlements.append(record)
            case Venue():
                self.venues[record.ticker] = record
            case Taken():
                self.taken[record.ticker] = record
            case Purse():
                pass
