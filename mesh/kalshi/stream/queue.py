"""What waits for one consumer of the stream: bounded, and nothing is lost without a word.

While there is room every event is kept, in order. A queue that is full keeps of each market only the newest book and
the newest ticker (a book that took the place of others is a `BookSnapshot`: it does not follow from the one before),
and what stands for itself, a fill, an order, a trade, is lost with a `Gap` and a `Resynced` of its channel.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from itertools import count

from mesh.kalshi.stream.channels import Channel, Told
from mesh.kalshi.stream.events import (
    BookSnapshot,
    BookUpdated,
    Connected,
    Disconnected,
    Event,
    Gap,
    Refused,
    Resynced,
)
from mesh.kalshi.stream.market import Ticker

TOO_SLOW = "the consumer is too slow"
ALL_CHANNELS = frozenset(Channel)


@dataclass(slots=True)
class _Notice:
    """A gap, or its end, that grows while it waits."""

    channel: Channel
    tickers: set[str] | None
    why: str | None
    """Of a gap; None is its end."""

    def widen(self, tickers: Collection[str] | None) -> None:
        if tickers is None:
            self.tickers = None
        elif self.tickers is not None:
            self.tickers.update(tickers)

    def event(self) -> Event:
        tickers = None if self.tickers is None else tuple(sorted(self.tickers))
        return Resynced(self.channel, tickers) if self.why is None else Gap(self.channel, tickers, self.why)


class Events:
    """An iterator over what is told. It ends with the stream; whoever stops reading just lets go of it.

    Args:
        channels: What it is about; connections are told to everybody.
        size: Events that may wait in order. Beyond them wait at most one book and one ticker a market, and a few
            notices a channel.
    """

    def __init__(self, channels: Collection[Channel], size: int) -> None:
        self._channels = frozenset(channels)
        self._size = size
        self._waiting: OrderedDict[Hashable, Event | _Notice] = OrderedDict()
        self._numbers = count()  # keys of what is kept in order; what can be replaced has a key that says what it is
        self._ordered = 0
        self._full = False
        self._ended = False
        self._filled = asyncio.Event()

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._filled.clear()
            await self._filled.wait()
        key, event = self._waiting.popitem(last=False)
        self._ordered -= isinstance(key, int)
        if self._ordered <= self._size // 2:
            self._full = False
        return event.event() if isinstance(event, _Notice) else event

    def __len__(self) -> int:
        """How many events wait."""
        return len(self._waiting)

    def put(self, event: Event) -> None:
        """Leave an event; never waits."""
        channel = _channel(event)
        if channel is not None and channel not in self._channels:
            return
        if not self._full and self._ordered >= self._size:
            self._full = True
            self._compact()
        if self._full:
            self._put_in_place(event)
        else:
            self._append(event)
        self._filled.set()

    def end(self) -> None:
        """Let the consumer finish with what waits."""
        self._ended = True
        self._filled.set()

    def _compact(self) -> None:
        kept, self._waiting = self._waiting, OrderedDict()
        self._ordered = 0
        for event in kept.values():
            self._put_in_place(event.event() if isinstance(event, _Notice) else event)

    def _put_in_place(self, event: Event) -> None:
        match event:
            case BookSnapshot(book=book) | BookUpdated(book=book):
                key = ("book", book.ticker)
                replaced = self._waiting.pop(key, None)
                is_next = not isinstance(replaced, BookSnapshot | BookUpdated)
                self._waiting[key] = event if is_next else BookSnapshot(book)
            case Gap(channel=Channel.BOOK, tickers=tickers, why=why):
                for ticker in tickers or ():
                    self._replace(("book", ticker), Gap(Channel.BOOK, (ticker,), why))
            case Gap():
                self._note_gap(event)
            case Resynced():
                self._note_end(event)
            case Ticker():
                self._replace((Channel.TICKER, event.ticker), event)
            case Refused():
                self._replace(("refused", event.channel), event)
            case Connected() | Disconnected():
                self._replace("connection", event)
            case _ if self._ordered < self._size:
                self._append(event)
            case _:
                self._lose(event)

    def _append(self, event: Event) -> None:
        self._ordered += 1
        self._waiting[next(self._numbers)] = event

    def _replace(self, key: Hashable, event: Event | _Notice) -> None:
        self._waiting.pop(key, None)
        self._waiting[key] = event

    def _note_gap(self, gap: Gap) -> None:
        if gap.tickers is None:
            self._waiting.pop(("whole", gap.channel), None)
        waiting = self._waiting.get(("gap", gap.channel))
        if isinstance(waiting, _Notice):
            # It may stay where it is: what counts for the consumer is the end of the gap, which comes after this one.
            waiting.widen(gap.tickers)
        else:
            tickers = None if gap.tickers is None else set(gap.tickers)
            self._waiting["gap", gap.channel] = _Notice(gap.channel, tickers, gap.why)

    def _note_end(self, end: Resynced) -> None:
        key = ("whole", end.channel)
        waiting = self._waiting.get(key)
        notice = waiting if isinstance(waiting, _Notice) else _Notice(end.channel, set(), None)
        notice.widen(end.tickers)
        self._replace(key, notice)

    def _lose(self, event: Event) -> None:
        channel, ticker = _channel(event), getattr(event, "ticker", None)
        if channel is not None:
            tickers = None if ticker is None else (ticker,)
            self._note_gap(Gap(channel, tickers, TOO_SLOW))
            self._note_end(Resynced(channel, tickers))


def _channel(event: Event) -> Channel | None:
    if isinstance(event, Told | Gap | Resynced | Refused):
        return event.channel
    return Channel.BOOK if isinstance(event, BookSnapshot | BookUpdated) else None
