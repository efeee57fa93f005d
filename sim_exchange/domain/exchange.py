"""The exchange: every command and every view, in one place. Pure.

It has no clock: each command takes `now` and first does what was due until then, each thing at its own time. It raises
`Refused` where the real exchange would answer with an error, and leaves `Happening`s behind for whoever stores, tapes
or streams. The same seed and the same commands give the same outcome, ids included.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from mesh.kalshi.terms import BookSide, Result
from mesh.types import Hundredths, Micros
from sim_exchange.domain.account_views import AccountViews
from sim_exchange.domain.book import Book
from sim_exchange.domain.events import Happening
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.groups import Groups
from sim_exchange.domain.house import House
from sim_exchange.domain.lifecycle import Lifecycle
from sim_exchange.domain.matching import Matching
from sim_exchange.domain.orders import Orders
from sim_exchange.domain.pauses import Pauses
from sim_exchange.domain.restoring import restore
from sim_exchange.domain.results import Amended, Cancelled, PauseScope, Placed, ShardStatus, State
from sim_exchange.domain.types import (
    Account,
    Amendment,
    Event,
    Market,
    NewOrder,
    Order,
    OrderGroup,
    PriceBand,
    Series,
)
from sim_exchange.quirks import Quirks

SHARDS: Mapping[int, str] = MappingProxyType(
    {0: "Default", 1: "Combos", 2: "Crypto & Commodities", 3: "Tennis, Baseball, Basketball"}
)
Scope: TypeAlias = PauseScope | Literal["market", "trading", "exchange"]


class Exchange(AccountViews):
    """One exchange.

    Attributes:
        series, events, markets: What is listed, by ticker; live records, not to be changed from outside.
        accounts: Members by id; the simulation's own accounts are not in it.
        orders: Every order ever, by id; live records.
        books: The book of each market, by ticker.

    Args:
        seed: Ids derive from it.
        quirks: Choices where the real exchange is not known.
        shards: Names of the shards by index; `SHARDS` if None.
        weekly_maintenance: Trading pauses on every shard on Thursdays from 03:00 to 05:00 Eastern.
    """

    def __init__(
        self,
        *,
        seed: int,
        quirks: Quirks,
        shards: Mapping[int, str] | None = None,
        weekly_maintenance: bool = True,
    ) -> None:
        self._floor = Floor(seed, quirks, SHARDS if shards is None else shards)
        self._groups = Groups(self._floor)
        super().__init__(self._floor, self._groups)
        self._matching = Matching(self._floor, self._groups)
        self._pauses = Pauses(self._floor, weekly_maintenance=weekly_maintenance)
        self._lifecycle = Lifecycle(self._floor, self._pauses)
        self._orders = Orders(self._floor, self._matching, self._groups, self._lifecycle)
        self._house = House(self._floor, self._matching)
        self.series: Mapping[str, Series] = self._floor.series
        self.events: Mapping[str, Event] = self._floor.events
        self.markets: Mapping[str, Market] = self._floor.markets
        self.accounts: Mapping[str, Account] = self._floor.members
        self.orders: Mapping[str, Order] = self._floor.orders
        self.books: Mapping[str, Book] = self._floor.books

    # Time

    def advance(self, now: datetime) -> None:
        """Do what was due until `now`: openings, closes, expiries, settlements, the weekly pause."""
        self._lifecycle.advance(now)

    def next_deadline(self) -> datetime | None:
        """Tell when `advance` has something to do next, or may have."""
        return self._lifecycle.next_deadline()

    def take_events(self) -> Sequence[Happening]:
        """Give what happened since the last call, in order."""
        return self._floor.take()

    @property
    def issued(self) -> int:
        """How many ids were given out; a restored exchange goes on from there."""
        return self._floor.ids.issued

    # What is traded

    def list(self, item: Series | Event | Market, now: datetime) -> None:
        """Take up a series, an event or a market; one whose ticker is known is left as it is.

        Raises:
            ValueError: Its event or series, or its shard, is unknown, or its bands are not a grid.
            UnknownFee: Its fee type has no known formula.
        """
        self.advance(now)
        self._lifecycle.list(item)

    def determine(
        self, ticker: str, result: Result, value: Micros | None, expiration_value: str, now: datetime
    ) -> None:
        """Give a market its result; a market that still trades is closed first. Settles after the market's timer.

        Args:
            ticker: The market.
            result: Yes, no or scalar.
            value: What one YES contract pays; needed for scalar only.
            expiration_value: The settling number as text, such as `85.00`.
            now: The time.

        Raises:
            Refused: 404 for an unknown market; 409 for one that has been paid out.
            ValueError: No result, or a scalar one without a value within 0 and one dollar.
        """
        self.advance(now)
        self._lifecycle.determine(ticker, result, value, expiration_value)

    def move_close(self, ticker: str, close_time: datetime, now: datetime) -> None:
        """Close a market earlier or later; a closed one without a result opens again if that is in the future.

        Raises:
            Refused: 404 for an unknown market; 409 for one that has a result.
        """
        self.advance(now)
        self._lifecycle.move_close(ticker, close_time)

    def set_grid(self, ticker: str, label: str, bands: tuple[PriceBand, ...], now: datetime) -> None:
        """Change which prices a market takes; resting orders stay.

        Raises:
            Refused: 404 for an unknown market.
            ValueError: The bands are not a grid.
        """
        self.advance(now)
        self._lifecycle.set_grid(ticker, label, bands)

    def pause(self, scope: Scope, key: str | int, now: datetime) -> None:
        """Pause a market by its ticker, or trading or everything on a shard by its index. Refused 404 if unknown."""
        self.advance(now)
        self._pauses.pause(PauseScope(scope), key)

    def resume(self, scope: Scope, key: str | int, now: datetime) -> None:
        """End such a pause; a market that goes on loses its resting orders. Refused 404 if unknown."""
        self.advance(now)
        self._pauses.resume(PauseScope(scope), key)

    @property
    def pauses(self) -> Sequence[tuple[PauseScope, int]]:
        """Pauses of shards by command; the weekly one is not among them."""
        return self._pauses.by_command()

    @property
    def shards(self) -> Sequence[int]:
        """Indices of all shards, ascending."""
        return sorted(self._floor.shards)

    def status(self, shard: int) -> ShardStatus:
        """Tell whether a shard works. KeyError for an unknown one."""
        return self._pauses.status(shard)

    # Members and their money

    def open_account(self, account: Account, deposits: Mapping[int, Micros]) -> None:
        """Take in a member, or change the record of one and add to its money.

        Raises:
            ValueError: A deposit is negative, on an unknown shard, or not a multiple of the account's precision.
        """
        self._floor.open_account(account, deposits)

    def transfer(
        self,
        account_id: str,
        source: int,
        destination: int,
        amount: Micros,
        now: datetime,
        *,
        client_transfer_id: str | None = None,
    ) -> str:
        """Move money from one shard to another and give the transfer's id.

        Raises:
            Refused: 400 for an unknown shard, an amount that is not positive, or more than is available; 409 in an
                exchange pause, or for a client transfer id under which the account has moved money already.
        """
        self.advance(now)
        return self._orders.transfer(account_id, source, destination, amount, client_transfer_id)

    # Orders

    def place(self, account_id: str, order: NewOrder, now: datetime) -> Placed:
        """Enter an order.

        Raises:
            Refused: In the exchange's words: 400 for an order that is wrong or not covered, 404 for an unknown market
                or group, 409 for a used client order id, a market that does not trade, or fill-or-kill without volume.
        """
        self.advance(now)
        return self._orders.place(account_id, order)

    def cancel(
        self,
        account_id: str,
        order_id: str,
        now: datetime,
        *,
        exchange_index: int | None = None,
        market_ticker: str | None = None,
        subaccount: int | None = None,
    ) -> Cancelled:
        """Cancel a resting order. Refused 404 if there is none (dead or unknown alike), 409 in an exchange pause."""
        self.advance(now)
        return self._orders.cancel(account_id, order_id, exchange_index, market_ticker, subaccount)

    def cancel_all(self, account_id: str, now: datetime, subaccount: int | None = None) -> Sequence[Cancelled]:
        """Cancel every resting order of an account. Refused 409 if one of them is in an exchange pause."""
        self.advance(now)
        return self._orders.cancel_all(account_id, subaccount)

    def amend(self, account_id: str, order_id: str, amendment: Amendment, now: datetime) -> Amended:
        """Change a resting order; a smaller count or another expiry alone keeps its place, the rest loses it.

        Raises:
            Refused: As `place`, and 404 if no such order rests.
        """
        self.advance(now)
        return self._orders.amend(account_id, order_id, amendment)

    def decrease(
        self,
        account_id: str,
        order_id: str,
        *,
        now: datetime,
        reduce_by: Hundredths | None = None,
        reduce_to: Hundredths | None = None,
    ) -> Order:
        """Take contracts off a resting order, which keeps its place; nothing left is cancelled.

        Raises:
            Refused: 404 if no such order rests, 400 unless exactly one of the two is given and possible, 409 in an
                exchange pause.
        """
        self.advance(now)
        return self._orders.decrease(account_id, order_id, reduce_by, reduce_to)

    def queue_position(self, order: Order) -> Hundredths:
        """Tell how many contracts are ahead of an order; 0 for one that does not rest."""
        return self._orders.queue_position(order)

    # Order groups

    def create_group(
        self, account_id: str, limit: Hundredths, now: datetime, *, exchange_index: int = 0, subaccount: int = 0
    ) -> OrderGroup:
        """Open a group that ends when more than `limit` is matched within 15 s. Refused 400 for an impossible limit."""
        self.advance(now)
        return self._groups.create(account_id, limit, exchange_index, subaccount)

    def get_group(self, account_id: str, group_id: str) -> OrderGroup:
        """Give a copy of a group. Refused 404 if there is none."""
        return self._groups.get(account_id, group_id)

    def group_orders(self, account_id: str, group_id: str) -> Sequence[Order]:
        """Give the resting orders of a group, live. Refused 404 if there is none."""
        return self._groups.resting(account_id, group_id)

    def delete_group(self, account_id: str, group_id: str, now: datetime) -> OrderGroup:
        """End a group and cancel its orders. Refused 404 if there is none, 409 in an exchange pause."""
        self.advance(now)
        return self._groups.delete(account_id, group_id)

    def reset_group(self, account_id: str, group_id: str, now: datetime) -> OrderGroup:
        """Count from zero again and take orders again. Refused 404 if there is none."""
        self.advance(now)
        return self._groups.reset(account_id, group_id)

    def trigger_group(self, account_id: str, group_id: str, now: datetime) -> OrderGroup:
        """Cancel a group's orders and block it until reset. Refused 404 if there is none, 409 in an exchange pause."""
        self.advance(now)
        return self._groups.trigger(account_id, group_id)

    def set_group_limit(self, account_id: str, group_id: str, limit: Hundredths, now: datetime) -> OrderGroup:
        """Change a group's limit, which triggers it where more has been matched. Refused 400, 404 or 409."""
        self.advance(now)
        return self._groups.set_limit(account_id, group_id, limit)

    # The simulation's own liquidity

    def set_book(
        self,
        ticker: str,
        bids: Iterable[tuple[int, Hundredths]],
        asks: Iterable[tuple[int, Hundredths]],
        now: datetime,
        *,
        through: bool = False,
    ) -> None:
        """Make the house's resting liquidity this ladder, less what members took at a level since it was last empty.

        A level shrinks from the back of its queue and grows there. Where the ladder meets members' orders it trades
        with them at their price. Nothing happens while the market does not trade.

        Args:
            ticker: A listed market.
            bids: YES price in micros and count of each level, each price once, counts positive.
            asks: The same for the other side.
            now: The time.
            through: The ladder trades only with orders strictly within it; a level at an order's very price is kept
                back as long as that order rests.

        Raises:
            ValueError: The ladder crosses itself, or a price is off the market's grid.
        """
        self.advance(now)
        self._house.set_book(ticker, bids, asks, through=through)

    def house_trade(
        self, ticker: str, taker_side: BookSide, price: Micros, count: Hundredths, now: datetime
    ) -> Hundredths:
        """Let somebody of the house take up to this limit price, by ordinary priority, and tell how much was met."""
        self.advance(now)
        return self._house.trade(ticker, taker_side, price, count)

    def house_print(
        self, ticker: str, taker_side: BookSide, price: Micros, count: Hundredths, now: datetime, *, through: bool
    ) -> None:
        """Let a trade happen that did happen elsewhere: all of it, whatever the book holds.

        Members' orders at better prices than `price` fill first, at theirs. Unless `through`, those at `price` get what
        is left over by the house's contracts ahead of them, and by as many as left from there since without a print.
        The rest is traded among the house at `price`. Nothing happens while the market does not trade.

        Raises:
            ValueError: The price is off the market's grid, or the count not positive.
        """
        self.advance(now)
        self._house.print(ticker, taker_side, price, count, through=through)

    def thin(self, ticker: str, taker_side: BookSide, keep: Hundredths, now: datetime) -> None:
        """Withdraw the house's contracts beyond the best `keep` from the side that a taker meets.

        What stays keeps its place; the next ladder brings the rest back. Refused 404 for an unknown market.
        """
        self.advance(now)
        self._house.thin(ticker, taker_side, keep)

    # Restart

    def restore(self, state: State, now: datetime) -> None:
        """Go on from an earlier exchange's state; resting orders enter their books by `sequence`.

        Leaves no events, but for maintenance that runs at that moment.

        Raises:
            ValueError: This exchange has been used.
        """
        restore(state, now, floor=self._floor, groups=self._groups, lifecycle=self._lifecycle, pauses=self._pauses)
