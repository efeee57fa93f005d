"""The state that all commands share, and the few moves that all of them need. Pure."""

from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime

from mesh.kalshi.terms import OrderStatus, UpdateReason
from mesh.types import Hundredths, Micros
from sim_exchange.domain.book import ASK, BID, OPPOSITE, Book, Lot
from sim_exchange.domain.events import AccountOpened, BookChanged, CashChanged, Happening, OrderChanged
from sim_exchange.domain.ids import Ids
from sim_exchange.domain.ledger import Desk, Ledger, Trader
from sim_exchange.domain.timers import Timers
from sim_exchange.domain.types import NOTHING, Account, Event, Market, Order, Position, Refused, Series
from sim_exchange.domain.venue import Venue
from sim_exchange.quirks import Quirks

# The house is three: one quotes, and its takers of the two directions are different people, so that what the house
# trades with itself leaves open contracts, as it does among strangers.
_MAKER = Account(account_id="00000000-0000-4000-a000-000000000001", name="house maker", house=True)
_BUYERS = Account(account_id="00000000-0000-4000-a000-000000000002", name="house buyers", house=True)
_SELLERS = Account(account_id="00000000-0000-4000-a000-000000000003", name="house sellers", house=True)


class Floor:
    """Everything the exchange holds."""

    def __init__(self, seed: int, quirks: Quirks, shards: Mapping[int, str]) -> None:
        self.ids = Ids(seed)
        self.quirks = quirks
        self.shards = dict(shards)
        self.timers = Timers()
        self.ledger = Ledger()
        self.series: dict[str, Series] = {}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Market] = {}
        self.venues: dict[str, Venue] = {}
        self.books: dict[str, Book] = {}
        self.members: dict[str, Account] = {}
        self.orders: dict[str, Order] = {}
        self.now = datetime.min.replace(tzinfo=UTC)
        self.trading_halted: set[int] = set()
        """Shards on which nothing new may be entered, for whatever reason."""
        self.exchange_halted: set[int] = set()
        """Shards on which nothing is possible, cancels neither."""
        self.maker = self.ledger.open(_MAKER)
        self.takers = {BID: self.ledger.open(_BUYERS), ASK: self.ledger.open(_SELLERS)}
        self.lay_withheld: Callable[[Venue], None] = lambda _: None
        """Given by whoever quotes for the house: lays what it withholds from a market's book, where it may by now."""
        self._happenings: list[Happening] = []
        self.emit = self._happenings.append

    def take(self) -> list[Happening]:
        """Give what happened since the last call."""
        happenings, self._happenings = self._happenings, []
        self.emit = self._happenings.append
        return happenings

    def open_account(self, account: Account, deposits: Mapping[int, Micros]) -> None:
        """Take in an account and its money."""
        for shard, amount in deposits.items():
            if shard not in self.shards:
                raise ValueError(f"no such shard: {shard}")
            if amount < 0 or amount % account.balance_precision:
                raise ValueError(f"not a deposit in steps of {account.balance_precision} micros: {amount}")
        trader = self.ledger.open(account)
        if not account.house:
            self.members[account.account_id] = account
            self.emit(AccountOpened(account))
        for shard, amount in deposits.items():
            self.ledger.deposit(trader, shard, amount)
            self.cash_changed(trader, shard)

    def venue(self, ticker: str) -> Venue:
        """Give a market. Refused 404 if it is not listed."""
        venue = self.venues.get(ticker)
        if venue is None:
            raise Refused(404, "market_not_found")
        return venue

    def desk(self, trader: Trader, venue: Venue) -> Desk:
        """Give an account's place in a market."""
        desk = trader.desks.get(venue.ticker)
        if desk is None:
            position = Position(
                account_id=trader.account.account_id,
                ticker=venue.ticker,
                event_ticker=venue.market.event_ticker,
                exchange_index=venue.shard,
            )
            desk = trader.desks[venue.ticker] = Desk(trader, position)
        return desk

    def working(self, shard: int) -> None:
        """Pass unless the exchange is paused, when not even cancels are taken. Refused 409 then."""
        if shard in self.exchange_halted:
            raise Refused(409, "exchange_is_paused")

    def enter(self, trader: Trader, venue: Venue, order: Order) -> None:
        """Let an order rest, behind what rests at its price."""
        venue.book.side(order.side).add(order)
        self.desk(trader, venue).rest(order)
        trader.resting[order.order_id] = order
        self.book_changed(order, order.remaining_count)

    def lift(self, trader: Trader, venue: Venue, order: Order, count: Hundredths) -> None:
        """Take contracts of a resting order off the book; the rest of it keeps its place."""
        desk = self.desk(trader, venue)
        desk.less(order, count)
        venue.book.side(order.side).take(order, count)
        desk.relock()
        if not order.remaining_count:
            del trader.resting[order.order_id]
            self.left(venue, order)
        self.book_changed(order, Hundredths(-count))

    def left(self, venue: Venue, order: Order) -> None:
        """Note that a member's order rests no more: the house need not give way to it, nor remember its queue."""
        if order.price in venue.withheld[OPPOSITE[order.side]]:
            self.timers.at(self.now, f"lay {venue.ticker}", lambda: self.lay_withheld(venue))
        untold = venue.untold[order.side]
        if order.price in untold and not venue.book.side(order.side).members(order.price):
            del untold[order.price]

    def end(self, order: Order, reason: UpdateReason) -> Hundredths:
        """Cancel a resting order and tell how much of it that was."""
        count = order.remaining_count
        self.lift(self.ledger.trader(order.account_id), self.venues[order.ticker], order, count)
        self.cancelled(order, reason)
        return count

    def cancelled(self, order: Order, reason: UpdateReason) -> None:
        """Note that an order, which rests no more, has been cancelled."""
        order.remaining_count = NOTHING
        order.status = OrderStatus.CANCELED
        self.order_changed(order, reason)

    def clear(self, venue: Venue, reason: UpdateReason) -> None:
        """Cancel everything that rests in a market."""
        for side in (venue.book.bids, venue.book.asks):
            for resting in list(side):
                if isinstance(resting, Order):
                    self.end(resting, reason)
                else:
                    self.drop(venue, resting, resting.remaining_count)
        for by_side in (venue.taken, venue.withheld, venue.untold):
            for by_price in by_side.values():
                by_price.clear()

    def drop(self, venue: Venue, lot: Lot, count: Hundredths) -> None:
        """Take contracts of the house off the book."""
        venue.book.side(lot.side).take(lot, count)
        self.lot_less(venue, lot, count)
        self.emit(BookChanged(venue.ticker, lot.side, Micros(lot.price), Hundredths(-count), self.now))

    def lot_less(self, venue: Venue, lot: Lot, count: int) -> None:
        """Note that the house has less resting at a price."""
        lots = venue.lots[lot.side]
        left = lots[lot.price] - count
        if left:
            lots[lot.price] = Hundredths(left)
        else:
            del lots[lot.price]

    def book_changed(self, order: Order, delta: Hundredths) -> None:
        """Tell that one order changed the book."""
        self.emit(
            BookChanged(
                order.ticker,
                order.side,
                order.price,
                delta,
                self.now,
                order.account_id,
                order.client_order_id,
                order.subaccount,
            )
        )

    def order_changed(self, order: Order, reason: UpdateReason | None = None) -> None:
        """Tell that an order changed, now; without a reason the one it has stays."""
        if reason is not None:
            order.reason = reason
        order.updated_time = self.now
        if order.account_id in self.members:
            self.emit(OrderChanged(copy(order)))

    def cash_changed(self, trader: Trader, shard: int) -> None:
        """Tell a member's money."""
        if not trader.house:
            self.emit(CashChanged(trader.account.account_id, shard, trader.cash[shard]))
