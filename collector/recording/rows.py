"""What the exchange's stream tells of books and tickers, as rows of `mesh.records.QUOTES`. Pure.

Read in order, the rows of one market give its book at every moment: a snapshot begins it, deltas change it, and from a
`gap` on nothing is known until the next snapshot or ticker.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa

from mesh.kalshi.book import Book, Change
from mesh.kalshi.stream.channels import instant
from mesh.kalshi.stream.market import Ticker
from mesh.kalshi.terms import BookSide
from mesh.records import QUOTES
from mesh.shards import is_ticker

Row = dict[str, Any]
"""Values by column; what is absent is null."""


def table_of(rows: list[Row]) -> pa.Table:
    """Lay out rows; takes seconds for a million."""
    return pa.Table.from_pylist(rows, schema=QUOTES)


class QuoteRows:
    """Rows that wait to be written, by series, each list in the order of arrival."""

    def __init__(self) -> None:
        self.count = 0
        """Rows of all series."""
        self.nameless = 0
        """Rows left out: their market's name is no ticker, and its beginning would name a folder."""
        self._rows: dict[str, list[Row]] = defaultdict(list)

    def snapshot(self, book: Book, received: datetime, connection: str) -> None:
        """Add a whole book: a row per level, and one for an empty book."""
        levels = [
            (side, price, size)
            for side, sizes in ((BookSide.BID, book.yes_bids), (BookSide.ASK, book.yes_asks))
            for price, size in sizes.items()
        ]
        for side, price, size in levels:
            self._add(
                book.ticker, received, connection, "book_snapshot",
                side=side.value, price_micros=int(price), size_hundredths=size,
            )  # fmt: skip
        if not levels:
            self._add(book.ticker, received, connection, "book_snapshot")

    def delta(self, ticker: str, change: Change, ts_ms: int | None, received: datetime, connection: str) -> None:
        """Add a change of one level."""
        self._add(
            ticker, received, connection, "book_delta",
            exchange_time=None if ts_ms is None else instant(ts_ms),
            side=change.side.value, price_micros=int(change.price), change_hundredths=change.delta,
        )  # fmt: skip

    def ticker(self, told: Ticker, received: datetime, connection: str) -> None:
        """Add best prices and volumes."""
        bid, ask, last = told.bid, told.ask, told.last_price
        self._add(
            told.ticker, received, connection, "ticker",
            exchange_time=instant(told.ts_ms),
            yes_bid_micros=None if bid is None else int(bid),
            yes_bid_size_hundredths=None if bid is None else told.bid_size,
            yes_ask_micros=None if ask is None else int(ask),
            yes_ask_size_hundredths=None if ask is None else told.ask_size,
            last_price_micros=None if last is None else int(last),
            volume_hundredths=told.volume,
            open_interest_hundredths=told.open_interest,
        )  # fmt: skip

    def gap(self, tickers: Iterable[str], received: datetime, connection: str) -> None:
        """Add that something was missed, or that recording ends."""
        for ticker in tickers:
            self._add(ticker, received, connection, "gap")

    def take(self) -> dict[str, list[Row]]:
        """Return what waits, by series, and begin anew."""
        rows, self._rows, self.count, self.nameless = self._rows, defaultdict(list), 0, 0
        return rows

    def _add(self, ticker: str, received: datetime, connection: str, kind: str, **values: Any) -> None:
        if not is_ticker(ticker):
            self.nameless += 1
            return
        event = ticker.rpartition("-")[0] or ticker
        series = ticker.partition("-")[0]
        self.count += 1
        self._rows[series].append(
            {
                "series_ticker": series,
                "event_ticker": event,
                "market_ticker": ticker,
                "received_time": received,
                "connection": connection,
                "kind": kind,
            }
            | values
        )
