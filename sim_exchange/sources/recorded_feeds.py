"""What recorded files say, event by event: quotes, full books and trades in the order of time.

A file is read a row group at a time, each only when its time has come: a long recording in the order of time needs
little memory; one kept market by market is in memory as a whole.

Prices off their market's grid and quotes that cross or lock are not believed: the row is left out and counted.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from mesh.kalshi.grid import PriceGrid
from mesh.kalshi.terms import BookSide
from mesh.types import Hundredths, Micros
from sim_exchange.domain.types import Market
from sim_exchange.sources.base import Book, Print, SourceEvent
from sim_exchange.sources.recorded_files import Kind, Rows, groups, rows
from sim_exchange.sources.recorded_quotes import (
    CLOSES,
    MESSAGE,
    POLLED,
    TOP,
    Ladder,
    Quote,
    Reader,
    hundredths,
    micros,
)
from sim_exchange.tape.periods import instant, microseconds

Timed: TypeAlias = tuple[int, int, int, SourceEvent | None]
"""Microseconds, rank among what happens at the same instant, number of the feed, what happens (None: nothing)."""

LISTING, PRINT, BOOK, RESULT = range(4)
"""Ranks. Trades come before books, since a recorded book is from after the trade."""

QUOTES = (
    Kind("book", "recv_ts_us", MESSAGE),
    Kind("book", "ts_us", MESSAGE),
    Kind("quotes", "ts_us", TOP),
    Kind("book_depth_snapshots", "ts_us", POLLED),
    Kind("snapshots", "ts_us", TOP),
    Kind("candles_1m", "end_period_ts", CLOSES, seconds=True, period=60),
    Kind("candles_60m", "end_period_ts", CLOSES, seconds=True, period=3600),
)
"""From the richest to the poorest; each market is told by the richest that has it."""
TRADES = Kind("trades", "created_ts_us", ("yes_price", "count", "taker_side"))


class Feeds:
    """Reads files.

    Args:
        markets: The chosen markets by ticker.
        assumed_size: Size of a quote whose size was not recorded.
        notes: Counts rows that were left out, by reason.
        through: Members' orders are met only strictly through their price.
        top_only: Only the best price of each side is used of a full book.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        assumed_size: Hundredths,
        notes: Counter[str],
        *,
        through: bool,
        top_only: bool,
    ) -> None:
        self._markets = markets
        self._spans = {
            ticker: (microseconds(market.open_time), microseconds(market.close_time))
            for ticker, market in markets.items()
        }
        self._grids = {bands: PriceGrid(bands) for bands in {market.price_ranges for market in markets.values()}}
        self._assumed = assumed_size
        self._notes = notes
        self._through = through
        self._depth = 1 if top_only else None

    def read(self, path: Path, kind: Kind, tickers: Collection[str], number: int) -> list[Iterator[Timed]]:
        """Give an iterator for each row group of a file. Merged by their tuples they are in the order of time."""
        ladders: dict[str, Ladder] = {}
        return [
            self._group(path, kind, tickers, begin=begin, group=group, number=number + place, ladders=ladders)
            for place, (begin, group) in enumerate(groups(path, kind))
        ]

    def _group(
        self,
        path: Path,
        kind: Kind,
        tickers: Collection[str],
        *,
        begin: int,
        group: int,
        number: int,
        ladders: dict[str, Ladder],
    ) -> Iterator[Timed]:
        yield begin, -1, number, None  # what follows runs when the merge has come to this time
        found = rows(path, kind, tickers, group)
        if kind is TRADES:
            for trade in self._prints(found):
                yield microseconds(trade.at), PRINT, number, trade
            return
        reader = Reader(self._assumed, self._depth, ladders, self._valid)
        for quote in reader.quotes(found, kind):
            if self._usable(quote.time, quote.ticker, kind) and (book := self._book(quote, kind)) is not None:
                yield quote.time, BOOK, number, book

    def _usable(self, time: int, ticker: str, kind: Kind) -> bool:
        opens, closes = self._spans[ticker]
        if not opens <= time < closes:
            self._notes[f"{kind.prefix}: outside of trading hours"] += 1
        return opens <= time < closes

    def _valid(self, ticker: str, price: Micros) -> bool:
        valid = self._grids[self._markets[ticker].price_ranges].valid(price)
        if not valid:
            self._notes["prices off the grid"] += 1
        return valid

    def _book(self, quote: Quote, kind: Kind) -> Book | None:
        if quote.bids and quote.asks and quote.bids[0][0] >= quote.asks[0][0]:
            self._notes[f"{kind.prefix}: crossed or locked"] += 1
            return None
        return Book(instant(quote.time), quote.ticker, tuple(quote.bids), tuple(quote.asks), self._through)

    def _prints(self, found: Rows) -> Iterator[Print]:
        for time, ticker, price, count, side in zip(found.times, found.tickers, *found.columns, strict=True):
            exact = micros(price)
            if self._usable(time, ticker, TRADES) and self._valid(ticker, exact):
                taker = BookSide.BID if side == "yes" else BookSide.ASK
                yield Print(instant(time), ticker, taker, exact, hundredths(count), self._through, exact=True)
