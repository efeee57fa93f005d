"""The exchange's WebSocket as a stream of typed events that says when something was missed.

    async with streaming(config, transport.sender) as stream:
        events = stream.events()
        stream.subscribe(Channel.BOOK, ["KXHIGHNY-26JUL12-T89"])
        stream.subscribe(Channel.FILLS)
        async for event in events:
            match event:
                case BookSnapshot(book) | BookUpdated(book): ...  # exact as of now
                case Gap(): ...                                   # not to be relied on
                case Resynced(): ...                              # whole from here on: compare with REST

It connects, and connects again, for as long as the context lasts, and subscribes to what is wanted at that moment.
Consumers never hold up the reader: each has a bounded queue of its own (`mesh.kalshi.stream.queue`).
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from random import Random
from weakref import WeakSet

from yarl import URL

from mesh import log
from mesh.clock import Clock, SystemClock
from mesh.errors import InvalidInput
from mesh.kalshi.book import Book
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError, NoAnswer, WrongKey
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.config import StreamConfig
from mesh.kalshi.stream.events import Connected, Disconnected, Event, Gap
from mesh.kalshi.stream.line import Wanted
from mesh.kalshi.stream.pace import Pace
from mesh.kalshi.stream.queue import ALL_CHANNELS, Events
from mesh.kalshi.stream.session import Session
from mesh.kalshi.stream.socket import Wire, opened
from mesh.kalshi.stream.stats import StreamStats
from mesh.kalshi.transport.sender import Sender

_DEFAULTS = StreamConfig()
_log = log.get(__name__)


class Stream:
    """What is subscribed to, and who listens. Make it with `streaming`.

    Attributes:
        stats: Counts since the start.
    """

    def __init__(self, url: URL, sender: Sender, clock: Clock, config: StreamConfig, random: Random) -> None:
        self.stats = StreamStats()
        self._url = url
        self._sender = sender
        self._clock = clock
        self._config = config
        self._random = random
        self._wanted: Wanted = {}
        self._session: Session | None = None
        self._consumers: WeakSet[Events] = WeakSet()
        self._ended = False

    def events(self, channels: Collection[Channel] = ALL_CHANNELS, *, queued: int | None = None) -> Events:
        """Listen, from this moment on; first comes what is whole already, and the books that are exact.

        Args:
            channels: What to listen to; connections are told in any case.
            queued: Events that may wait in order; None is what the configuration says.
        """
        events = Events(channels, self._config.queued_events if queued is None else queued)
        if self._session is not None:
            events.put(Connected())
            for event in self._session.state():
                events.put(event)
        if self._ended:
            events.end()
        else:
            self._consumers.add(events)
        return events

    def subscribe(self, channel: Channel, tickers: Iterable[str] | None = None) -> None:
        """Want a channel, or further markets of it, from now on and over all connections to come.

        `Resynced`, or a market's `BookSnapshot`, tells that it has begun; `Refused` that the exchange does not want to.

        Args:
            channel: Which one.
            tickers: Markets; None is all of them, which books do not allow and channels about no market ask for.

        Raises:
            InvalidInput: These markets do not go with the channel.
        """
        if tickers is None:
            if channel is Channel.BOOK:
                raise InvalidInput("order books need markets to be named")
            self._wanted[channel] = None
        else:
            more = _checked(channel, tickers)
            wanted = self._wanted.setdefault(channel, set())
            if wanted is not None:  # else it is about all of them anyway
                wanted.update(more)
        self._update()

    def unsubscribe(self, channel: Channel, tickers: Iterable[str] | None = None) -> None:
        """Want a channel, or some markets of it, no more. All consumers are told, with a `Gap`.

        Args:
            channel: Which one.
            tickers: Markets; None is the channel as a whole.

        Raises:
            InvalidInput: Markets cannot be taken out of a channel that is about all of them.
        """
        if tickers is None:
            self._wanted.pop(channel, None)
        elif channel in self._wanted:
            wanted = self._wanted[channel]
            if wanted is None:
                raise InvalidInput(f"{channel} is subscribed to for all markets: none can be taken out")
            wanted.difference_update(_checked(channel, tickers))
            if not wanted:
                del self._wanted[channel]
        self._update()

    def book(self, ticker: str) -> Book | None:
        """Return a market's book as it is now; None where it is not known exactly."""
        return None if self._session is None else self._session.book(ticker)

    def doubt(self, tickers: Collection[str], why: str) -> None:
        """Begin books anew that were found not to be the exchange's. All consumers are told, with a `Gap`."""
        if self._session is not None:
            self._session.doubt(tickers, why, self._clock.monotonic())

    async def _run(self) -> None:
        pace = Pace(self._config.first_pause_seconds, self._config.longest_pause_seconds, self._random)
        while True:
            problem = await self._connection()
            pause = max(pace.pause(self._clock.monotonic()), problem.retry_after or 0.0)
            _log.warning("the stream is down", problem=str(problem), retry_seconds=round(pause, 3))
            self._emit(Disconnected(problem, pause))
            await self._clock.sleep(pause)

    def _end(self) -> None:
        self._ended = True
        for consumer in self._consumers:
            consumer.end()

    async def _connection(self) -> ExchangeError:
        """Hold one connection for as long as it lasts; return why it ended, or did not come about."""
        problem: ExchangeError = NoAnswer("the stream ended", request="WS")
        try:
            async with (
                opened(self._url, self._sender, self._clock, self._config) as socket,
                asyncio.TaskGroup() as tasks,
            ):
                wire = Wire(socket, self._clock, self._config)
                session = self._begin(wire)
                tasks.create_task(wire.write())
                tasks.create_task(wire.watch(session.tick))
                tasks.create_task(wire.read(session.handle))
        except* ExchangeError as ended:
            problem = _first(ended)
        finally:
            last, self._session = self._session, None
        if last is not None:
            last.end(problem.message)
        return problem

    def _begin(self, wire: Wire) -> Session:
        self.stats.connections += 1
        _log.info("the stream is up", url=str(self._url))
        self._emit(Connected())
        self._session = Session(
            self._wanted,
            emit=self._emit,
            send=wire.send,
            config=self._config,
            stats=self.stats,
            random=self._random,
        )
        self._update()
        return self._session

    def _update(self) -> None:
        if self._session is not None:
            self._session.update(self._clock.monotonic())

    def _emit(self, event: Event) -> None:
        self.stats.gaps += isinstance(event, Gap)
        for consumer in self._consumers:
            consumer.put(event)


@asynccontextmanager
async def streaming(
    config: KalshiConfig,
    sender: Sender,
    *,
    clock: Clock | None = None,
    settings: StreamConfig = _DEFAULTS,
    random: Random | None = None,
) -> AsyncIterator[Stream]:
    """Stream while the context lasts.

    Args:
        config: Which exchange.
        sender: Signs, and knows the exchange's time: `client.transport.sender`.
        clock: Real time by default, which is what the exchange keeps its heartbeat in, the simulated one too.
        settings: Times and sizes.
        random: Chance in the pauses between attempts to connect.

    Raises:
        WrongKey: There is no key; the exchange streams to members only.
    """
    url = URL(config.stream_url, encoded=True)
    if not await sender.sign("GET", url.raw_path):
        raise WrongKey("the stream needs an API key, and none is configured", request=f"GET {url.raw_path}")
    stream = Stream(url, sender, clock or SystemClock(), settings, random or Random())  # noqa: S311  spreads load only
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stream._run())
            try:
                yield stream
            finally:
                stream._end()
                running.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:  # what the caller raised, as it was
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise


def _checked(channel: Channel, tickers: Iterable[str]) -> set[str]:
    found = set(tickers)
    if not channel.takes_markets or not found or isinstance(tickers, str) or not all(found):
        raise InvalidInput(f"{channel} cannot be asked for with these markets: {sorted(found)[:3]}")
    return found


def _first(group: BaseExceptionGroup[ExchangeError]) -> ExchangeError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
