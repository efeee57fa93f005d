"""One channel on one connection: its sequence, its books, and what that means to whoever listens. Pure."""

from collections.abc import Callable, Collection
from enum import Enum
from typing import cast

from mesh.kalshi.book import BookError, Books
from mesh.kalshi.stream.channels import Channel, Told
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Event, Gap, Resynced
from mesh.kalshi.stream.market import DeltaBody, SnapshotBody

NOT_WANTED = "it is not subscribed to any more"
_MOST_OLD = 16
"""Messages in a row with numbers that were there before, after which the numbering has begun anew."""


class Place(Enum):
    """Where a message stands in its sequence."""

    NEXT = "next"
    OLD = "old"
    """It was there before, or its place was given up as missing."""


class Feed:
    """One channel.

    Attributes:
        channel: Which one.
        sid: Its number on the connection; None without a subscription.
        tickers: Markets of the subscription; None is all.
        books: Those that are exact, on the channel of books.
        known: Markets that had a book in this subscription.
        losses: How often something was missed that a snapshot makes good.
    """

    def __init__(self, channel: Channel, emit: Callable[[Event], None]) -> None:
        self.channel = channel
        self.sid: int | None = None
        self.tickers: set[str] | None = set()
        self.books = Books()
        self.known: set[str] = set()
        self.losses = 0
        self._emit = emit
        self._seq = 0
        self._old = 0

    def opened(self, sid: int, tickers: Collection[str] | None, seq: int = 0) -> None:
        """Begin a subscription, whose last message so far was number `seq`."""
        self.sid, self._seq, self._old = sid, seq, 0
        self.tickers = None if tickers is None else set(tickers)
        self.known.clear()
        self._tell_whole(tickers)

    def added(self, tickers: Collection[str]) -> None:
        """Note that markets belong to the subscription."""
        if self.tickers is not None:
            self.tickers.update(tickers)
        self._tell_whole(tickers)

    def removed(self, tickers: Collection[str]) -> None:
        """Note that markets do not belong to the subscription any more, as was asked."""
        if self.tickers is not None:
            self.tickers.difference_update(tickers)
        gone = self.books.lose(tickers) if self.channel is Channel.BOOK else tuple(sorted(tickers))
        if gone:  # somebody else may still listen
            self._emit(Gap(self.channel, gone, NOT_WANTED))

    def closed(self, why: str) -> None:
        """Note that the subscription is over, and tell what is lost by it."""
        if self.sid is None:
            return
        lost = self.books.lose()
        self.sid = None
        self.tickers = set()
        if lost or self.channel is not Channel.BOOK:
            self._emit(Gap(self.channel, lost or None, why))

    def place(self, seq: int | None) -> Place:
        """Count a message; a hole before it is told."""
        if seq is None or not self.channel.sequenced:
            return Place.NEXT
        expected = self._seq + 1
        if seq < expected and self._old < _MOST_OLD:
            self._old += 1
            return Place.OLD
        self._seq, self._old = seq, 0
        if seq > expected:
            self.broken(f"messages {expected} to {seq - 1} are missing")
        elif seq < expected:
            self.broken(f"the numbering began anew with {seq}")
        return Place.NEXT

    def broken(self, why: str, tickers: Collection[str] | None = None) -> None:
        """Tell that something was missed; the channel is whole again at once, its books only with their snapshots.

        Args:
            why: For people.
            tickers: Markets it concerns; None is all.
        """
        if self.channel is Channel.BOOK:
            self._lose(self.books.lose(tickers), why)
        elif self.sid is not None:
            self._emit(Gap(self.channel, None if tickers is None else tuple(tickers), why))
            self._tell_whole(self.tickers if tickers is None else tickers)

    def take(self, message: Told) -> None:
        """Take a message of the channel that is in its place."""
        if isinstance(message, SnapshotBody):
            self._take_snapshot(message)
        elif isinstance(message, DeltaBody):
            self._take_delta(message)
        else:
            self._emit(cast("Event", message))  # every other kind is one as it is

    def missing(self) -> set[str]:
        """Markets of the subscription without an exact book."""
        return {ticker for ticker in self.tickers or () if ticker not in self.books}

    def is_about(self, ticker: str) -> bool:
        """Whether a market belongs to the subscription."""
        return self.tickers is None or ticker in self.tickers

    def _take_snapshot(self, snapshot: SnapshotBody) -> None:
        if not self.is_about(snapshot.ticker):
            return
        try:
            book = snapshot.book()
        except BookError as error:
            self.broken(error.message, (snapshot.ticker,))
            return
        self.books.put(book)
        self.known.add(snapshot.ticker)
        self._emit(BookSnapshot(book))

    def _take_delta(self, delta: DeltaBody) -> None:
        if delta.ticker not in self.books:  # it waits for a snapshot, which includes this
            return
        change = delta.change()
        try:
            book = self.books.change(delta.ticker, change, delta.clock)
        except BookError as error:
            self._lose((delta.ticker,), error.message)
        else:
            self._emit(BookUpdated(book, change, delta.ts_ms, delta.client_order_id))

    def _lose(self, tickers: tuple[str, ...], why: str) -> None:
        self.losses += 1  # even where no book was there to be lost: what was missed may have been its snapshot
        if tickers:
            self._emit(Gap(Channel.BOOK, tickers, why))

    def _tell_whole(self, tickers: Collection[str] | None) -> None:
        if self.channel is not Channel.BOOK:
            self._emit(Resynced(self.channel, None if tickers is None else tuple(sorted(tickers))))
