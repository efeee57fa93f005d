"""A paper account, its market and its time, driven directly. YES prices in cents, counts in contracts."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from mesh.kalshi.book import Book
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import DOLLAR, Micros, Side
from tests.fakes.trading import NOON, TICKER, cents, contracts, market
from trader.domain.events import Accepted, Refused, Traded
from trader.domain.facts import MarketTerms, OrderTerms
from trader.domain.words import Purpose
from trader.paper.account import Account
from trader.paper.matching import Matching
from trader.paper.records import Order, Purse

GTC, IOC, FOK = TimeInForce.GOOD_TILL_CANCELED, TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL
KINDS: tuple[dict[str, object], ...] = (
    {"tif": GTC},
    {"tif": IOC},
    {"tif": FOK},
    {"tif": IOC, "reduce_only": True},
    {"tif": GTC, "post_only": True},
)
Levels = Iterable[tuple[float, float]]


def usd(cents_of_a_dollar: float) -> Micros:
    return Micros(cents(cents_of_a_dollar))


def purse(dollars: float = 1000.0, step: int = 100) -> Purse:
    cash = Micros(round(dollars * DOLLAR))
    return Purse(account_id="a" * 32, start=cash, step=Micros(step), cash=cash)


def yes_book(bids: Levels = ((40, 100),), asks: Levels = ((42, 100),), ticker: str = TICKER) -> Book:
    return Book.from_levels(
        ticker,
        [(cents(price), contracts(count)) for price, count in bids],
        [(cents(price), contracts(count)) for price, count in asks],
    )


def order_terms(
    client_order_id: str,
    action: Action,
    price: float,
    count: float,
    *,
    side: Side = Side.YES,
    tif: TimeInForce = GTC,
    expires: datetime | None = None,
    post_only: bool = False,
    reduce_only: bool = False,
    purpose: Purpose = Purpose.ENTRY,
    ticker: str = TICKER,
) -> OrderTerms:
    return OrderTerms(
        client_order_id=client_order_id,
        decision_id="d",
        leg=0,
        position_id="p",
        ticker=ticker,
        event_ticker=ticker.rpartition("-")[0],
        series_ticker=ticker.partition("-")[0],
        side=side,
        action=action,
        purpose=purpose,
        limit=cents(price),
        count=contracts(count),
        time_in_force=tif,
        expire_time=expires,
        post_only=post_only,
        reduce_only=reduce_only,
    )


class Bench:
    def __init__(
        self,
        *,
        dollars: float = 1000.0,
        step: int = 100,
        taker_share: float = 1.0,
        queue_share: float = 1.0,
        terms: MarketTerms | None = None,
    ) -> None:
        self.account = Account([purse(dollars, step)])
        self.matching = Matching(self.account, taker_share=taker_share, queue_share=queue_share)
        self.market = terms or market()
        self.book: Book | None = None
        self.now = NOON
        self._ids = 0

    def shows(self, bids: Levels = ((40, 100),), asks: Levels = ((42, 100),)) -> None:
        self.book = yes_book(bids, asks, self.market.ticker)
        self.matching.book_came(self.book, self.now)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.matching.advance(self.now)

    def send(self, terms: OrderTerms) -> Accepted | Refused:
        return self.matching.place(terms, self.market, self.book, self.now)

    def ask_for(self, action: Action, price: float, count: float, **terms: object) -> Accepted | Refused:
        self._ids += 1
        return self.send(order_terms(f"c-{self._ids}", action, price, count, **terms))  # type: ignore[arg-type]  # as written there

    def buy(self, price: float, count: float, **terms: object) -> Order:
        return self.taken(self.ask_for(Action.BUY, price, count, **terms))

    def sell(self, price: float, count: float, **terms: object) -> Order:
        return self.taken(self.ask_for(Action.SELL, price, count, **terms))

    def taken(self, answer: Accepted | Refused) -> Order:
        assert isinstance(answer, Accepted), answer
        order = self.account.orders[answer.order_id]
        assert (answer.filled, answer.remaining) == (order.filled, order.remaining)
        return order

    def trade(self, price: float, count: float, *, taker_buys_yes: bool) -> None:
        trade = Traded(self.market.ticker, cents(price), contracts(count), taker_buys_yes)
        self.matching.traded(trade, self.now)

    @property
    def net(self) -> float:
        return self.account.held(self.market.ticker).net / 100


def said(answer: Accepted | Refused) -> str:
    assert isinstance(answer, Refused), answer
    return answer.ending.code
