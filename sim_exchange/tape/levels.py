"""What is in a market's book, counted from its changes. Pure."""

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Micros
from sim_exchange.tape.candle import EMPTY_ASK, EMPTY_BID

_NONE = Hundredths(0)


class Levels:
    """Contracts at every price of both sides, and the best of each."""

    __slots__ = ("_asks", "_bids", "ask", "bid")

    def __init__(self) -> None:
        self._bids: dict[int, Hundredths] = {}
        self._asks: dict[int, Hundredths] = {}
        self.bid: Micros = EMPTY_BID
        """Best bid; 0 if there is none."""
        self.ask: Micros = EMPTY_ASK
        """Best ask; one dollar if there is none."""

    def change(self, side: BookSide, price: Micros, delta: Hundredths) -> None:
        """Add to a level, or take away from it."""
        levels = self._bids if side is BookSide.BID else self._asks
        count = levels.get(price, _NONE) + delta
        if count:
            levels[price] = Hundredths(count)
        else:
            levels.pop(price, None)
        if side is BookSide.BID:
            if price >= self.bid:
                self.bid = Micros(max(levels, default=EMPTY_BID))
        elif price <= self.ask:
            self.ask = Micros(min(levels, default=EMPTY_ASK))

    def of(self, side: BookSide) -> list[tuple[Micros, Hundredths]]:
        """Give a side's prices and counts, best first."""
        bids = side is BookSide.BID
        levels = self._bids if bids else self._asks
        return [(Micros(price), levels[price]) for price in sorted(levels, reverse=bids)]

    @property
    def bid_size(self) -> Hundredths:
        """Contracts at the best bid; 0 if there is none."""
        return self._bids.get(self.bid, _NONE)

    @property
    def ask_size(self) -> Hundredths:
        """Contracts at the best ask; 0 if there is none."""
        return self._asks.get(self.ask, _NONE)
