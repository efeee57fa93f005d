"""Who has what: cash per shard, positions, and what resting orders lock. Pure.

Buying YES costs its price, buying NO one dollar less it; an opposite position is closed first, which pays that amount
back out of the dollar held for the pair. So all cash, all fees and one dollar for each open contract always make up
what was deposited.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mesh.kalshi.terms import BookSide
from mesh.types import CONTRACT, DOLLAR, Hundredths, Micros
from sim_exchange.domain.book import ASK, BID
from sim_exchange.domain.types import FREE, Account, Fill, Order, Position, Settlement, Trade


def unit(side: BookSide, price: int) -> int:
    """Give what one contract costs whoever buys on this side of the book: YES for a bid, NO for an ask."""
    return price if side is BID else DOLLAR - price


class Draft(NamedTuple):
    """A fill that has been worked out for one of its sides, and not yet booked."""

    position: int
    """Afterwards."""
    closing: int
    cash: Micros
    """Afterwards."""
    lock: int
    """What this account's orders in this market lock afterwards."""
    covered: bool
    """Nothing would be owed."""


class Desk:
    """One account in one market: its position and its resting orders, oldest first."""

    __slots__ = ("lock", "position", "resting", "trader", "whole")

    def __init__(self, trader: "Trader", position: Position) -> None:
        self.trader = trader
        self.position = position
        self.resting: dict[BookSide, dict[int, Order]] = {BID: {}, ASK: {}}
        self.whole = 0
        """What the resting orders would lock if none of them closed anything; micros."""
        self.lock = 0
        """What they do lock, which is part of the trader's `locked`."""

    def claimed(self, position: int, *, without: Order | None = None) -> tuple[int, int]:
        """Let the orders that would close the position use it up, oldest first.

        Returns:
            What they need not lock because of it, and how much of the position they leave; micros and hundredths.
        """
        left = abs(position)
        freed = 0
        if left:
            closers = self.resting[ASK if position > 0 else BID]
            for order in closers.values():
                if order is not without:
                    used = min(left, order.remaining_count)
                    freed += unit(order.side, order.price) * used // CONTRACT
                    left -= used
                    if not left:
                        break
        return freed, left

    def rest(self, order: Order) -> None:
        """Take in a resting order, as the youngest."""
        self.resting[order.side][order.sequence] = order
        self.whole += unit(order.side, order.price) * order.remaining_count // CONTRACT
        self.relock()

    def less(self, order: Order, count: int) -> None:
        """Note that a resting order will have `count` less; call `relock` once that is so."""
        self.whole -= unit(order.side, order.price) * count // CONTRACT
        if count == order.remaining_count:
            del self.resting[order.side][order.sequence]

    def relock(self) -> None:
        """Work out the lock anew."""
        lock = self.whole - self.claimed(self.position.count)[0] if self.whole else 0
        if lock != self.lock:
            locked = self.trader.locked
            shard = self.position.exchange_index
            locked[shard] = Micros(locked.get(shard, 0) + lock - self.lock)
            self.lock = lock

    def free_without(self, order: Order | None) -> tuple[int, int]:
        """Give the money available if this order did not rest, and the position that no other order would close."""
        freed, left = self.claimed(self.position.count, without=order)
        whole = self.whole
        if order is not None:
            whole -= unit(order.side, order.price) * order.remaining_count // CONTRACT
        return self.trader.available(self.position.exchange_index) + self.lock - (whole - freed), left

    def draft(self, side: BookSide, price: int, count: int, fee: int, resting: Order | None) -> Draft:
        """Work out a fill for this side of it; `resting` is the order it takes from, if that rests."""
        before = self.position.count
        after = before + count if side is BID else before - count
        closing = min(count, max(0, -before if side is BID else before))
        paid = unit(side, price)
        cash = Micros(
            self.trader.cash.get(self.position.exchange_index, 0)
            + ((DOLLAR - paid) * closing - paid * (count - closing)) // CONTRACT
            - fee
        )
        lock = 0
        if self.whole:
            whole = self.whole
            if resting is not None:
                # What closes the position shall be worked out as if the contracts were gone already.
                whole -= unit(side, resting.price) * count // CONTRACT
                resting.remaining_count = Hundredths(resting.remaining_count - count)
                lock = whole - self.claimed(after)[0]
                resting.remaining_count = Hundredths(resting.remaining_count + count)
            else:
                lock = whole - self.claimed(after)[0]
        locked = self.trader.locked.get(self.position.exchange_index, 0) - self.lock + lock
        return Draft(after, closing, cash, lock, cash >= locked)

    def book(self, draft: Draft, side: BookSide, trade: Trade, fee: int) -> None:
        """Book such a fill; a resting order must have been lowered by then."""
        count = trade.count
        position = self.position
        trader = self.trader
        shard = position.exchange_index
        paid = unit(side, trade.price)
        opened = paid * (count - draft.closing) // CONTRACT
        returned = (DOLLAR - paid) * draft.closing // CONTRACT
        if draft.closing:
            released = position.open_cost * draft.closing // abs(position.count)
            position.open_cost = Micros(position.open_cost - released)
            position.realized_pnl = Micros(position.realized_pnl + returned - released)
        position.open_cost = Micros(position.open_cost + opened)
        position.count = Hundredths(draft.position)
        position.fees_paid = Micros(position.fees_paid + fee)
        position.total_traded = Micros(position.total_traded + opened + returned)
        if side is BID:
            position.yes_bought = Hundredths(position.yes_bought + count)
            position.yes_cost = Micros(position.yes_cost + paid * count // CONTRACT)
        else:
            position.no_bought = Hundredths(position.no_bought + count)
            position.no_cost = Micros(position.no_cost + paid * count // CONTRACT)
        position.updated_time = trade.time
        trader.cash[shard] = draft.cash
        if draft.lock != self.lock:
            trader.locked[shard] = Micros(trader.locked.get(shard, 0) + draft.lock - self.lock)
            self.lock = draft.lock


class Trader:
    """One account, of a member or of the house."""

    __slots__ = (
        "account",
        "cash",
        "client_order_ids",
        "client_transfer_ids",
        "desks",
        "fills",
        "house",
        "locked",
        "orders",
        "resting",
        "settlements",
    )

    def __init__(self, account: Account) -> None:
        self.account = account
        self.house = account.house
        self.cash: dict[int, Micros] = {}
        """By shard."""
        self.locked: dict[int, Micros] = {}
        """By shard: what resting orders take out of it."""
        self.desks: dict[str, Desk] = {}
        """By market."""
        self.resting: dict[str, Order] = {}
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []
        self.client_order_ids: set[str] = set()
        self.client_transfer_ids: set[str] = set()

    def available(self, shard: int) -> Micros:
        """Tell what can still be spent on a shard."""
        return Micros(self.cash.get(shard, 0) - self.locked.get(shard, 0))

    def positions(self) -> Sequence[Position]:
        """Give the positions of every market it ever traded in."""
        return [desk.position for desk in self.desks.values() if desk.position.updated_time is not None]


class Ledger:
    """All accounts.

    Attributes:
        fees: Collected so far, residues of settlements included.
        deposits: All money ever brought in.
    """

    def __init__(self) -> None:
        self._traders: dict[str, Trader] = {}
        self.fees = FREE
        self.deposits = FREE

    def trader(self, account_id: str) -> Trader:
        """Give an account. KeyError for an unknown one."""
        return self._traders[account_id]

    def open(self, account: Account) -> Trader:
        """Take in an account, or change the record of a known one."""
        trader = self._traders.get(account.account_id)
        if trader is None:
            trader = self._traders[account.account_id] = Trader(account)
        else:
            trader.account = account
        return trader

    def deposit(self, trader: Trader, shard: int, amount: Micros) -> None:
        """Bring money in."""
        trader.cash[shard] = Micros(trader.cash.get(shard, 0) + amount)
        self.deposits = Micros(self.deposits + amount)

    def collect(self, fee: int) -> None:
        """Keep a fee."""
        self.fees = Micros(self.fees + fee)

    def house_ids(self) -> Sequence[str]:
        """Give the ids of the simulation's own accounts."""
        return [account_id for account_id, trader in self._traders.items() if trader.house]

    def traders(self) -> Iterable[Trader]:
        """Give all accounts, in the order in which they came."""
        return self._traders.values()

    def total(self) -> Micros:
        """Add up all cash, the fees, and one dollar for every open contract."""
        cash = sum(sum(trader.cash.values()) for trader in self._traders.values())
        held = sum(
            desk.position.count
            for trader in self._traders.values()
            for desk in trader.desks.values()
            if desk.position.count > 0
        )
        return Micros(cash + self.fees + held * DOLLAR // CONTRACT)
