"""Public trades, packed, in the order in which they happened. Pure."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import numpy as np

from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Micros
from sim_exchange.domain.types import Trade
from sim_exchange.tape.periods import instant, microseconds

_ID_BYTES = 16  # ids are UUIDs
_PLACE_BITS = 40


class TradeLog:
    """Trades of one market. Times never go back."""

    __slots__ = ("_bids", "_counts", "_ids", "_prices", "_times", "ticker")

    def __init__(self, ticker: str) -> None:
        self.ticker = ticker
        self._times = array("q")
        self._prices = array("i")
        self._counts = array("q")
        self._bids = bytearray()
        self._ids = bytearray()

    def __len__(self) -> int:
        return len(self._times)

    def append(self, trade: Trade) -> None:
        """Add the newest trade. ValueError if its id is no UUID."""
        identity = bytes.fromhex(trade.trade_id.replace("-", ""))
        if len(identity) != _ID_BYTES:
            raise ValueError(f"a trade id must be a UUID, not {trade.trade_id!r}")
        self._ids += identity
        self._times.append(microseconds(trade.time))
        self._prices.append(trade.price)
        self._counts.append(trade.count)
        self._bids.append(trade.taker_side is BookSide.BID)

    def __getitem__(self, index: int) -> Trade:
        """Give one trade; the index counts from 0, the oldest."""
        identity = self._ids[index * _ID_BYTES : (index + 1) * _ID_BYTES].hex()
        return Trade(
            trade_id=f"{identity[:8]}-{identity[8:12]}-{identity[12:16]}-{identity[16:20]}-{identity[20:]}",
            ticker=self.ticker,
            price=Micros(self._prices[index]),
            count=Hundredths(self._counts[index]),
            taker_side=BookSide.BID if self._bids[index] else BookSide.ASK,
            time=instant(self._times[index]),
        )

    def time(self, index: int) -> int:
        """Give a trade's time in microseconds since 1970."""
        return self._times[index]

    def times(self, count: int) -> "array[int]":
        """Give the times of the oldest `count` trades in microseconds since 1970."""
        return self._times[:count]

    def within(self, earliest: int, latest: int) -> range:
        """Give the indexes of the trades from `earliest` to `latest`, both included, in microseconds since 1970."""
        return range(bisect_left(self._times, earliest), bisect_right(self._times, latest))


class TradeIndex:
    """Where the trades of many markets lie, in the order in which they happened."""

    __slots__ = ("_places", "_times")

    def __init__(self) -> None:
        self._times = array("q")
        self._places = array("q")

    @classmethod
    def merged(cls, logs: Iterable[tuple[int, TradeLog, int]]) -> "TradeIndex":
        """Put trades of many logs in order: each log with its market's number, and how many of its oldest trades."""
        index = cls()
        for market, log, count in logs:
            index._times += log.times(count)
            index._places.extend(range(market << _PLACE_BITS, (market << _PLACE_BITS) + count))
        times, places = np.array(index._times), np.array(index._places)
        order = np.lexsort((places, times))
        index._times, index._places = array("q", times[order].tobytes()), array("q", places[order].tobytes())
        return index

    def __len__(self) -> int:
        return len(self._times)

    def append(self, time: int, market: int, place: int) -> None:
        """Add the newest: its time in microseconds, the market's number and its index in the market's log."""
        self._times.append(time)
        self._places.append(market << _PLACE_BITS | place)

    def __getitem__(self, index: int) -> tuple[int, int]:
        """Give market and place of one trade; the index counts from 0, the oldest."""
        place = self._places[index]
        return place >> _PLACE_BITS, place & (1 << _PLACE_BITS) - 1

    def within(self, earliest: int, latest: int) -> range:
        """Give the indexes of the trades from `earliest` to `latest`, both included, in microseconds since 1970."""
        return range(bisect_left(self._times, earliest), bisect_right(self._times, latest))


def newest(found: range, stop: int | None, count: int) -> range:
    """Give at most `count` indexes out of a range from its end backwards, only those before `stop`."""
    end = found.stop if stop is None else min(stop, found.stop)
    return range(end - 1, max(found.start, end - count) - 1, -1)
