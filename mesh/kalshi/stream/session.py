"""The conversation on one connection: what arrives is understood, and leads to events and to further commands.

It neither waits nor sends: it is given frames and the time.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count
from random import Random

import msgspec

from mesh import log
from mesh.kalshi.book import Book
from mesh.kalshi.errors import NoAnswer
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.stream.channels import Channel, Told
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.events import BookSnapshot, Event, Resynced
from mesh.kalshi.stream.feed import Place
from mesh.kalshi.stream.line import Line, Wanted
from mesh.kalshi.stream.market import SnapshotBody
from mesh.kalshi.stream.stats import StreamStats
from mesh.kalshi.stream.wire import ENDING, MESSAGES, Command, Concerning, Envelope, ErrorBody, SubscribedBody

_UNREADABLE = "a message could not be read"

_log = log.get(__name__)


class Session:
    """One connection.

    Args:
        wanted: What to subscribe to; call `update` after changing it.
        emit: Is given events.
        send: Is given commands.
        config: How patient it is.
        stats: What it counts.
        random: Chance in its pauses.
    """

    def __init__(
        self,
        wanted: Wanted,
        *,
        emit: Callable[[Event], None],
        send: Callable[[Command], None],
        config: StreamConfig,
        stats: StreamStats,
        random: Random,
    ) -> None:
        self._send = send
        self._stats = stats
        ids = count(1)
        self._lines = {
            channel: Line(channel, wanted, emit, ids=ids, config=config, random=random) for channel in Channel
        }
        self._by_sid: dict[int, Line] = {}
        self._answers: Mapping[str, Callable[[Envelope, float], None]] = {
            "subscribed": self._subscribed,
            "ok": self._done,
            "unsubscribed": self._unsubscribed,
            "error": self._refused,
        }

    def update(self, now: float) -> None:
        """Ask for what is wanted and not there yet."""
        for line in self._lines.values():
            self._step(line, now)

    def tick(self, now: float) -> None:
        """Do what is due; call it several times a second. NoAnswer if the exchange leaves a command unanswered."""
        for line in self._lines.values():
            if line.asked is not None and now >= line.asked.deadline:
                if line.asked.action != "get_snapshot":
                    raise NoAnswer(f"the stream did not answer {line.asked.action}", request="WS")
                line.undelivered(now)
        self.update(now)

    def handle(self, raw: bytes, now: float) -> None:
        """Take a frame. NoAnswer if the connection is of no use after it."""
        self._stats.frames += 1
        try:
            envelope = decode(raw, Envelope)
        except msgspec.DecodeError as error:
            self._junk("", str(error), now)
            return
        if (kind := MESSAGES.get(envelope.type)) is not None:
            self._message(envelope, kind, now)
        elif (answer := self._answers.get(envelope.type)) is not None:
            try:
                answer(envelope, now)
            except msgspec.DecodeError as error:
                self._junk(envelope.type, str(error), now)
        else:
            self._stats.note_unknown(envelope.type)
            line = self._line_of(envelope)
            if line is not None and line.feed.place(envelope.seq) is Place.NEXT:
                self._step(line, now)

    def end(self, why: str) -> None:
        """Tell that nothing more will come."""
        for line in self._lines.values():
            line.feed.closed(why)

    def state(self) -> Iterator[Event]:
        """Tell somebody new what is whole, and the books that are exact."""
        for channel, line in self._lines.items():
            if channel is Channel.BOOK:
                yield from map(BookSnapshot, line.feed.books)
            elif line.feed.sid is not None:
                tickers = line.feed.tickers
                yield Resynced(channel, None if tickers is None else tuple(sorted(tickers)))

    def book(self, ticker: str) -> Book | None:
        """Return a market's book if it is exact."""
        return self._lines[Channel.BOOK].feed.books.get(ticker)

    def doubt(self, tickers: Collection[str], why: str, now: float) -> None:
        """Begin these books anew."""
        line = self._lines[Channel.BOOK]
        line.feed.broken(why, tickers)
        self._step(line, now)

    def _step(self, line: Line, now: float) -> None:
        if (command := line.next(now)) is not None:
            self._send(command)
        self._by_sid = {each.feed.sid: each for each in self._lines.values() if each.feed.sid is not None}

    def _line_of(self, envelope: Envelope) -> Line | None:
        return None if envelope.sid is None else self._by_sid.get(envelope.sid)

    def _line_waiting(self, envelope: Envelope) -> Line | None:
        """Find whose command an answer is for."""
        for line in self._lines.values():
            if line.asked is not None and line.asked.command.id == envelope.id:
                return line
        return None

    def _message(self, envelope: Envelope, kind: type[Told], now: float) -> None:
        if envelope.sid is None:
            self._junk(envelope.type, "it names no subscription", now)
            return
        line = self._by_sid.get(envelope.sid)
        if line is None:
            self._stats.stray += 1
            return
        if line.feed.place(envelope.seq) is Place.OLD:
            self._stats.old += 1
            return
        try:
            _check(envelope, kind, line.feed.channel)
            message = decode(envelope.msg, kind)
        except msgspec.DecodeError as error:
            self._stats.note_malformed(envelope.type, str(error))
            line.feed.broken(_UNREADABLE, _concerned(envelope.msg))
        else:
            line.feed.take(message)
            if isinstance(message, SnapshotBody) and line.delivered(message.ticker):
                self._step(line, now)
        if line.has_losses:
            self._step(line, now)

    def _subscribed(self, envelope: Envelope, now: float) -> None:
        begun = decode(envelope.msg, SubscribedBody)
        line = self._line_waiting(envelope)
        if line is None or line.asked is None or line.asked.action != "subscribe":
            self._stats.stray += 1
            return
        line.confirmed(begun.sid, 0, now)
        self._step(line, now)

    def _done(self, envelope: Envelope, now: float) -> None:
        """Take an `ok`. A second subscription to a channel is answered with one, on the subscription that is there."""
        line = self._line_of(envelope)
        if line is not None and line.feed.place(envelope.seq) is Place.OLD:
            self._stats.old += 1
            return
        waiting = self._line_waiting(envelope)
        if waiting is None or envelope.sid is None:
            self._stats.stray += 1
        elif waiting.asked is not None and waiting.asked.action != "get_snapshot":  # whose answer is the books
            waiting.confirmed(envelope.sid, envelope.seq or 0, now)
        for each in filter(None, (line, waiting)):
            self._step(each, now)

    def _unsubscribed(self, envelope: Envelope, now: float) -> None:
        line, waiting = self._line_of(envelope), self._line_waiting(envelope)
        if line is not None:
            line.ended("the exchange ended the subscription", now)
        elif waiting is not None:
            waiting.confirmed(0, 0, now)
        for each in filter(None, (line, waiting)):
            self._step(each, now)

    def _refused(self, envelope: Envelope, now: float) -> None:
        error = decode(envelope.msg, ErrorBody)
        line, waiting = self._line_of(envelope), self._line_waiting(envelope)
        if line is not None and line.feed.place(envelope.seq) is Place.OLD:
            self._stats.old += 1
            return
        _log.warning("the stream refuses something", code=error.code, text=error.text[:300], tickers=error.tickers[:10])
        if waiting is not None:
            waiting.refused(error, now)
        if error.code in ENDING:
            if line is not None:
                line.ended(f"the exchange ended the subscription with {error.code}: {error.text[:100]}", now)
            elif waiting is None and envelope.sid is None:
                raise NoAnswer("a subscription is over, and the exchange does not say which", request="WS")
        for each in filter(None, (line, waiting)):
            self._step(each, now)

    def _junk(self, kind: str, why: str, now: float) -> None:
        """Nobody can tell what this was about, so it was about everything."""
        self._stats.note_malformed(kind, why)
        for line in self._lines.values():
            line.feed.broken(_UNREADABLE)
            self._step(line, now)


def _check(envelope: Envelope, kind: type[Told], channel: Channel) -> None:
    if kind.channel is not channel:
        raise msgspec.ValidationError(f"it does not belong to a subscription to {channel}")
    if channel.sequenced and envelope.seq is None:
        raise msgspec.ValidationError("it has no number")


def _concerned(msg: bytes) -> tuple[str, ...] | None:
    try:
        found = decode(msg, Concerning)
    except msgspec.DecodeError:
        return None
    ticker = found.market_ticker or found.ticker
    return None if ticker is None else (ticker,)
