"""The simulation's own liquidity: ladders laid as a whole, and takers. Pure.

Lots of the house queue like orders, but nobody is told of them one by one. What members take at a price stays taken
until the source's ladder is empty there, so that a ladder that is repeated is not a well without a ground.
"""

from collections.abc import Iterable

from mesh.kalshi.terms import BookSide, SelfTradePrevention
from mesh.types import Hundredths, Micros
from sim_exchange.domain.book import ASK, BID, OPPOSITE, Lot
from sim_exchange.domain.events import BookChanged
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.matching import Matching
from sim_exchange.domain.types import NOTHING
from sim_exchange.domain.venue import Venue


class House:
    """Quotes and takes on behalf of the simulation."""

    def __init__(self, floor: Floor, matching: Matching) -> None:
        self._floor = floor
        self._matching = matching

    def set_book(
        self, ticker: str, bids: Iterable[tuple[int, Hundredths]], asks: Iterable[tuple[int, Hundredths]]
    ) -> None:
        """Make the house's liquidity this ladder."""
        venue = self._floor.venue(ticker)
        ladders = {BID: dict(bids), ASK: dict(asks)}
        self._check(venue, ladders)
        if not self._trading(venue):
            return
        for side, ladder in ladders.items():
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
                    self._grow(venue, side, price, Hundredths(missing))

    def trade(self, ticker: str, side: BookSide, price: Micros, count: Hundredths) -> Hundredths:
        """Take what there is up to a limit, and tell how much that was."""
        venue = self._floor.venue(ticker)
        if not self._trading(venue):
            return NOTHING
        taker = Lot(side, price, count, 0)
        outcome = self._matching.run(venue, self._floor.takers[side], taker, SelfTradePrevention.TAKER_AT_CROSS)
        return outcome.filling.count

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
        queue = venue.book.side(side).levels[price].queue
        for lot in [resting for resting in reversed(queue.values()) if isinstance(resting, Lot)]:
            gone = Hundredths(min(excess, lot.remaining_count))
            self._floor.drop(venue, lot, gone)
            excess -= gone
            if not excess:
                break

    def _grow(self, venue: Venue, side: BookSide, price: int, count: Hundredths) -> None:
        resting = venue.book.side(side)
        lot = Lot(side, price, count, self._floor.ids.number())
        if venue.book.side(OPPOSITE[side]).reaches(price):
            self._matching.run(venue, self._floor.maker, lot, SelfTradePrevention.TAKER_AT_CROSS)
            met = count - lot.remaining_count
            if met:
                taken = venue.taken[side]
                taken[price] = Hundredths(taken.get(price, 0) + met)
        if lot.remaining_count:
            lots = venue.lots[side]
            lots[price] = Hundredths(lots.get(price, 0) + lot.remaining_count)
            last = resting.last_lot(price)
            if last is None:
                resting.add(lot)
            else:
                resting.extend(last, lot.remaining_count)
            self._floor.emit(BookChanged(venue.ticker, side, Micros(price), lot.remaining_count, self._floor.now))
