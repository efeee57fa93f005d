"""One market's book: what rests, by price, then by time. Pure.

A level is a queue in time order from which any place can be taken out at once; prices are kept sorted, best last.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths
from sim_exchange.domain.types import NOTHING, Order

# On Python 3.11 each look-up of an enumeration's member costs as much as a call; the hot path does it many times.
BID = BookSide.BID
ASK = BookSide.ASK
OPPOSITE: Mapping[BookSide, BookSide] = MappingProxyType({BID: ASK, ASK: BID})


class Lot(Struct):
    """Contracts of the house at one price, with one place in time."""

    side: BookSide
    price: int
    """YES price in micros."""
    remaining_count: Hundredths
    sequence: int


Resting: TypeAlias = Order | Lot


class Level:
    """What rests at one price of one side, oldest first."""

    __slots__ = ("queue", "total")

    def __init__(self) -> None:
        self.queue: OrderedDict[int, Resting] = OrderedDict()
        """By `sequence`."""
        self.total = NOTHING


class Side:
    """One side of a book."""

    __slots__ = ("_keys", "_sign", "levels")

    def __init__(self, side: BookSide) -> None:
        self._sign = 1 if side is BID else -1
        self._keys: list[int] = []  # price times sign, ascending: the best is the last
        self.levels: dict[int, Level] = {}

    @property
    def best(self) -> int | None:
        """The best price; None when nothing rests."""
        return self._keys[-1] * self._sign if self._keys else None

    def reaches(self, limit: int) -> bool:
        """Tell whether the best price here meets an order of the other side with this limit."""
        return bool(self._keys) and self._keys[-1] >= limit * self._sign

    def first(self) -> Resting:
        """Give what trades next. IndexError when nothing rests."""
        return next(iter(self.levels[self._keys[-1] * self._sign].queue.values()))

    def prices(self) -> Iterator[int]:
        """Give the prices, best first."""
        return (key * self._sign for key in reversed(self._keys))

    def add(self, resting: Resting) -> None:
        """Put at the end of its level's queue."""
        level = self.levels.get(resting.price)
        if level is None:
            level = self.levels[resting.price] = Level()
            insort(self._keys, resting.price * self._sign)
        level.queue[resting.sequence] = resting
        level.total = Hundredths(level.total + resting.remaining_count)

    def members(self, price: int) -> list[Order]:
        """Give the members' orders at a price, oldest first."""
        level = self.levels.get(price)
        return [resting for resting in level.queue.values() if isinstance(resting, Order)] if level else []

    def last_lot(self, price: int) -> Lot | None:
        """Give the lot of the house that is last in the queue at a price, if one is."""
        level = self.levels.get(price)
        last = next(reversed(level.queue.values())) if level is not None else None
        return last if isinstance(last, Lot) else None

    def extend(self, lot: Lot, count: int) -> None:
        """Raise what remains of the last in a queue."""
        lot.remaining_count = Hundredths(lot.remaining_count + count)
        level = self.levels[lot.price]
        level.total = Hundredths(level.total + count)

    def take(self, resting: Resting, count: int) -> None:
        """Lower what remains of something that rests here; it goes when nothing is left."""
        level = self.levels[resting.price]
        resting.remaining_count = Hundredths(resting.remaining_count - count)
        level.total = Hundredths(level.total - count)
        if not resting.remaining_count:
            del level.queue[resting.sequence]
            if not level.queue:
                del self.levels[resting.price]
                del self._keys[bisect_left(self._keys, resting.price * self._sign)]

    def __iter__(self) -> Iterator[Resting]:
        """Everything that rests, in the order in which it trades."""
        for price in self.prices():
            yield from self.levels[price].queue.values()


class Book:
    """Both sides of one market, prices of YES."""

    def __init__(self) -> None:
        self.bids = Side(BID)
        self.asks = Side(ASK)

    def side(self, side: BookSide) -> Side:
        """Give one side."""
        return self.bids if side is BID else self.asks

    def orders(self) -> list[Order]:
        """Give the members' resting orders, best first, bids before asks."""
        return [resting for side in (self.bids, self.asks) for resting in side if isinstance(resting, Order)]

    def levels(self, side: BookSide) -> list[tuple[int, Hundredths]]:
        """Give price in micros and count of every level of a side, best first."""
        levels = self.side(side).levels
        return [(price, levels[price].total) for price in self.side(side).prices()]

    def ahead(self, order: Order, *, better_prices: bool) -> Hundredths:
        """Count the contracts that trade before a resting order, at its own price and, if asked, at better ones."""
        side = self.side(order.side)
        ahead = 0
        for price in side.prices():
            if price == order.price:
                break
            if better_prices:
                ahead += side.levels[price].total
        for resting in side.levels[order.price].queue.values():
            if resting is order:
                break
            ahead += resting.remaining_count
        return Hundredths(ahead)
