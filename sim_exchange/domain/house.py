"""The simulation's own liquidity: ladders laid as a whole, and takers. Pure.

Lots of the house queue like orders, but nobody is told of them one by one. What members take at a price stays taken
until the source's ladder is empty there, so that a ladder that is repeated is not a well without a ground.

A recording cannot answer members, and is replayed by rules of its own. `through` ladders and prints touch a member's
order without trading with it. A print is a trade that did happen: it is printed in full, and what members get of it is
what their place in the queue gives them. Contracts that a ladder drops from ahead of a member may be the same that a
print tells of later, so that so many of later prints there count for nothing in his queue.
"""

from collections.abc import Iterable
from itertools import takewhile

from mesh.kalshi.terms import BookSide, SelfTradePrevention
from mesh.types import Hundredths, Micros
from sim_exchange.domain.book import ASK, BID, OPPOSITE, Lot
from sim_exchange.domain.events import BookChanged
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.matching import Matching
from sim_exchange.domain.types import NOTHING, Order
from sim_exchange.domain.venue import Venue


class House:
    """Quotes and takes on behalf of the simulation."""

    def __init__(self, floor: Floor, matching: Matching) -> None:
        self._floor = floor
        self._matching = matching
        floor.lay_withheld = self._lay_withheld

    def set_book(
        self,
        ticker: str,
        bids: Iterable[tuple[int, Hundredths]],
        asks: Iterable[tuple[int, Hundredths]],
        *,
        through: bool,
    ) -> None:
        """Make the house's liquidity this ladder."""
        venue = self._floor.venue(ticker)
        ladders = {BID: dict(sorted(bids, reverse=True)), ASK: dict(sorted(asks))}
        self._check(venue, ladders)
        if not self._trading(venue):
            return
        for side, ladder in ladders.items():
            venue.withheld[side].clear()
            taken = venue.taken[side]
            for price in [price for price in taken if price not in ladder]:
                del taken[price]
            for price in list(venue.lots[side]):
                excess = venue.lots[side][price] - self._target(venue, side, price, ladder.get(price, NOTHING))
                if excess > 0:
                    self._shrink(venue, side, price, excess)
        for side, ladder in ladders.items():
            lots = venue.lots[side]
            for price, count in ladder.items():
                missing = self._target(venue, side, price, count) - lots.get(price, 0)
                if missing > 0:
                    self._grow(venue, side, price, Hundredths(missing), through=through)

    def trade(self, ticker: str, side: BookSide, price: Micros, count: Hundredths) -> Hundredths:
        """Take what there is up to a limit, and tell how much that was."""
        venue = self._floor.venue(ticker)
        if not self._trading(venue):
            return NOTHING
        taker = Lot(side, price, count, 0)
        outcome = self._matching.run(venue, self._floor.takers[side], taker, SelfTradePrevention.TAKER_AT_CROSS)
        return outcome.filling.count

    def print(self, ticker: str, side: BookSide, price: Micros, count: Hundredths, *, through: bool) -> None:
        """Let a trade that was recorded happen."""
        venue = self._floor.venue(ticker)
        if not venue.grid.valid(price) or count <= 0:
            raise ValueError(f"not a trade of {ticker}: {count} hundredths at {price} micros")
        if not self._trading(venue):
            return
        resting = venue.book.side(OPPOSITE[side])
        better = takewhile(lambda met: met < price if side is BID else met > price, resting.prices())
        left = self._hit(venue, side, [order for met in better for order in resting.members(met)], count)
        house = 0 if through else self._explain(venue, OPPOSITE[side], price, left)
        left = Hundredths(left - house)
        level = resting.levels.get(price)
        for queued in list(level.queue.values()) if level else ():
            if isinstance(queued, Lot):
                if gone := Hundredths(min(left, queued.remaining_count)):
                    self._floor.drop(venue, queued, gone)
                    house += gone
                    left = Hundredths(left - gone)
            elif not through:
                left = self._hit(venue, side, [queued], left)
        if others := Hundredths(house + left):
            self._matching.among_house(venue, side, price, others)
            _less(venue.withheld[OPPOSITE[side]], price, others)

    def thin(self, ticker: str, side: BookSide, keep: Hundredths) -> None:
        """Withdraw what a taker would meet of the house beyond its best `keep`."""
        venue = self._floor.venue(ticker)
        for lot in list(venue.book.side(OPPOSITE[side])):
            if isinstance(lot, Lot):
                kept = Hundredths(min(keep, lot.remaining_count))
                keep = Hundredths(keep - kept)
                if kept < lot.remaining_count:
                    self._floor.drop(venue, lot, Hundredths(lot.remaining_count - kept))

    def _hit(self, venue: Venue, side: BookSide, orders: Iterable[Order], count: Hundredths) -> Hundredths:
        """Take from members' orders, and tell how much of `count` they leave."""
        for order in orders:
            # An order's group may have ended it when one before it was hit.
            if count and order.remaining_count:
                count = Hundredths(count - self._matching.hit(venue, side, order, count))
        return count

    @staticmethod
    def _explain(venue: Venue, side: BookSide, price: int, count: int) -> int:
        """Tell how much of a print may be what had left the queue before it was told of, and count that off."""
        explained = min(count, venue.untold[side].get(price, 0))
        _less(venue.untold[side], price, explained)
        return explained

    def _lay_withheld(self, venue: Venue) -> None:
        if self._trading(venue):
            for side, levels in venue.withheld.items():
                waiting = dict(levels)
                levels.clear()
                for price, count in waiting.items():
                    self._grow(venue, side, price, count, through=True)

    def _trading(self, venue: Venue) -> bool:
        return venue.trades and venue.shard not in self._floor.trading_halted

    @staticmethod
    def _check(venue: Venue, ladders: dict[BookSide, dict[int, Hundredths]]) -> None:
        bids, asks = ladders[BID], ladders[ASK]
        if bids and asks and max(bids) >= min(asks):
            raise ValueError(f"a ladder of {venue.ticker} that crosses itself: {max(bids)} >= {min(asks)}")
        for ladder in (bids, asks):
            for price, count in ladder.items():
                if not venue.grid.valid(price) or count <= 0:
                    raise ValueError(f"not a level of {venue.ticker}: {count} hundredths at {price} micros")

    @staticmethod
    def _target(venue: Venue, side: BookSide, price: int, count: Hundredths) -> int:
        return max(0, count - venue.taken[side].get(price, 0))

    def _shrink(self, venue: Venue, side: BookSide, price: int, excess: int) -> None:
        untold = venue.untold[side]
        ahead = False
        for lot in reversed(list(venue.book.side(side).levels[price].queue.values())):
            if isinstance(lot, Order):
                ahead = True
                continue
            gone = Hundredths(min(excess, lot.remaining_count))
            self._floor.drop(venue, lot, gone)
            if ahead:
                untold[price] = Hundredths(untold.get(price, 0) + gone)
            excess -= gone
            if not excess:
                break

    def _grow(self, venue: Venue, side: BookSide, price: int, count: Hundredths, *, through: bool) -> None:
        resting, opposite = venue.book.side(side), venue.book.side(OPPOSITE[side])
        limit = price if not through else price - 1 if side is BID else price + 1
        lot = Lot(side, limit, count, self._floor.ids.number())
        if opposite.reaches(limit):
            self._matching.run(venue, self._floor.maker, lot, SelfTradePrevention.TAKER_AT_CROSS)
            met = count - lot.remaining_count
            if met:
                taken = venue.taken[side]
                taken[price] = Hundredths(taken.get(price, 0) + met)
        lot.price = price
        if lot.remaining_count and opposite.reaches(price):
            venue.withheld[side][price] = lot.remaining_count
        elif lot.remaining_count:
            lots = venue.lots[side]
            lots[price] = Hundredths(lots.get(price, 0) + lot.remaining_count)
            last = resting.last_lot(price)
            if last is None:
                resting.add(lot)
            else:
                resting.extend(last, lot.remaining_count)
            self._floor.emit(BookChanged(venue.ticker, side, Micros(price), lot.remaining_count, self._floor.now))


def _less(levels: dict[int, Hundredths], price: int, count: int) -> None:
    """Lower a level, at most to nothing, which is not kept."""
    left = levels.get(price, 0) - count
    if left > 0:
        levels[price] = Hundredths(left)
    else:
        levels.pop(price, None)
