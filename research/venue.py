"""The exchange's side of a walk: paper mode's account and fills, on what is quoted and traded in a recording."""

from datetime import datetime

from mesh.kalshi.book import Book
from mesh.kalshi.sides import Intent, to_book
from mesh.kalshi.terms import BookSide
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros, Price
from research.board import Board, Quote, resting
from research.plan import WalkPlan
from research.types import Prints
from trader.domain.events import Accepted, Refused, Traded
from trader.domain.facts import Ending, MarketTerms, OrderTerms
from trader.domain.words import EndReason
from trader.paper.account import Account
from trader.paper.matching import Matching
from trader.paper.records import Purse


class Venue:
    """One account, and the quotes that its orders meet.

    Args:
        name: Of the account.
        plan: Its cash, and what is assumed of sizes.

    Attributes:
        account: Whoever calls takes its news afterwards.
        board: What is quoted.
        trades: Whether the exchange trades.
    """

    def __init__(self, name: str, plan: WalkPlan) -> None:
        self.account = Account([Purse(account_id=name, start=plan.cash, step=plan.precision, cash=plan.cash)])
        self.board = Board(plan.assumed_size, plan.assumed_queue)
        self.trades = True
        self._matching = Matching(self.account)

    def quote(self, ticker: str, quote: Quote | None, now: datetime) -> None:
        """Take in what is quoted from now on; None: nobody knows."""
        self.board.put(ticker, quote)
        if ticker in self.account.taken or ticker in self.account.resting:
            self._match(ticker, now)

    def shown(self, ticker: str) -> Book | None:
        """Return a market's book as the exchange would show it; None where nobody knows."""
        return self.board.shown(ticker, self.account.resting.get(ticker, ()))

    def traded(self, ticker: str, prints: Prints, place: int, now: datetime) -> None:
        """Let a public trade reach orders that rest."""
        price, count = Price(int(prints.prices[place])), Hundredths(int(prints.counts[place]))
        trade = Traded(ticker, price, count, taker_buys_yes=bool(prints.taker_buys_yes[place]))
        if self.trades:
            self._matching.traded(trade, now)

    def place(self, order: OrderTerms, market: MarketTerms, now: datetime) -> Accepted | Refused:
        """Let an order meet what is quoted, if the market trades."""
        if market.close_time <= now or self.account.held(market.ticker).settled:
            return Refused(Ending(reason=EndReason.MARKET_CLOSED, code="market_closed"))
        if not self.trades:
            return Refused(Ending(reason=EndReason.PAUSE, code="trading_is_paused"))
        quote = to_book(Intent(order.action, order.side, order.limit))
        book = self.board.meeting(order.ticker, quote.price, buys_yes=quote.side is BookSide.BID)
        return self._matching.place(order, market, book, now)

    def cancel(self, client_order_id: str, now: datetime) -> Hundredths | None:
        """End an order that rests and return how much of it that was; None where it does not rest."""
        order = self.account.by_client_id.get(client_order_id)
        return None if order is None else self._matching.cancel(order.order_id, now)

    def advance(self, now: datetime) -> None:
        """End what is over by now."""
        if self.account.resting:
            self._matching.advance(now)

    def settle(self, ticker: str, yes_value: Micros | None, now: datetime) -> None:
        """Pay a market out; nothing is traded there any more. None gives back what was paid: nobody knows."""
        self.board.put(ticker, None)
        held = self.account.held(ticker)
        if held.settled:
            return
        paid = held.cost * CONTRACT // abs(held.net) if held.net else 0
        value = Micros(paid if held.net > 0 else DOLLAR - paid) if yes_value is None else yes_value
        self.account.settle(ticker, value, now)

    def pause(self, now: datetime) -> None:
        """Trade nothing from now on: entries that rest end."""
        self.trades = False
        self._matching.halt(None, now)

    def resume(self, now: datetime) -> None:
        """Trade again, on what is quoted."""
        self.trades = True
        for ticker in sorted(self.account.resting):
            self._match(ticker, now)

    def _match(self, ticker: str, now: datetime) -> None:
        book = self.board.book(ticker, resting(self.account.resting.get(ticker, ())))
        if book is not None and self.trades:
            self._matching.book_came(book, now)
