"""Records the books and tickers of open markets, for as long as it runs.

Rows wait in memory for at most `flush_seconds`: that much a killed process loses. What was missed is in the recording,
as `gap` rows; a disk that refuses, too: rows that no longer fit into memory are given up with a gap in their place, and
every book is written anew once the disk takes rows again: changes alone would say nothing until the next connection.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex

import pyarrow as pa

from collector.recording.files import QuoteFiles
from collector.recording.rows import QuoteRows, Row, table_of
from collector.shielding import whole
from mesh import log
from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.rest.filters import MarketQuery
from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import BookSnapshot, BookUpdated, Connected, Event, Gap, Refused
from mesh.kalshi.stream.market import Ticker
from mesh.kalshi.stream.streaming import Stream
from mesh.kalshi.terms import MarketFilter
from mesh.store.errors import StoreError

CHANNELS = (Channel.BOOK, Channel.TICKER)
_FLUSH_ROWS = 50_000
_MOST_ROWS = 2_000_000
"""Rows that may wait for a disk."""

_log = log.get(__name__)


@dataclass(slots=True)
class RecordingStats:
    """What became of the rows, since the start."""

    markets: int = 0
    """Followed now."""
    written: int = 0
    waiting: int = 0
    lost: int = 0
    """Given up because the disk refused for too long."""


class Recorder:
    """Follows the open markets of some series.

    Args:
        client: Lists markets.
        stream: Tells of them.
        files: Where rows go.
        series: Whose markets.
        clock: Times what is received, on its arrival here.
        look_seconds: Between two looks at which markets are open.
        flush_seconds: Longest that a row waits to be written.
        most_rows: Rows that may wait for a disk that refuses.
    """

    def __init__(
        self,
        client: KalshiClient,
        stream: Stream,
        files: QuoteFiles,
        series: Collection[str],
        clock: Clock,
        *,
        look_seconds: float,
        flush_seconds: float,
        most_rows: int = _MOST_ROWS,
    ) -> None:
        self.stats = RecordingStats()
        self._client, self._stream, self._files, self._clock = client, stream, files, clock
        self._series = tuple(series)
        self._look_seconds, self._flush_seconds, self._most_rows = look_seconds, flush_seconds, most_rows
        self._followed: set[str] = set()
        self._rows = QuoteRows()
        self._taken: list[tuple[str, list[Row]]] = []
        self._tables: list[tuple[str, pa.Table]] = []
        self._connection = ""
        self._full = asyncio.Event()
        self._unknown = False  # rows were given up, so that what follows them changes books that nobody knows
        self._anew = False

    async def run(self) -> None:
        """Record until cancelled; what waits is written then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._follow())
                tasks.create_task(self._flush_regularly())
        finally:
            self._rows.gap(self._followed, self._clock.now(), self._connection)
            await self._flush()
            if self.stats.waiting:
                _log.error("recorded quotes are lost: the disk refuses them", rows=self.stats.waiting)

    async def _listen(self) -> None:
        while True:
            self._anew = False
            async for event in self._stream.events(CHANNELS):  # begins with the books as they are
                self._note(event)
                if self._rows.count >= _FLUSH_ROWS:
                    self._full.set()
                if self._anew:
                    break
            else:
                return
            # What was told and not read yet is left out, be it a loss.
            self._rows.gap(self._followed, self._clock.now(), self._connection)

    def _note(self, event: Event) -> None:
        now = self._clock.now()
        match event:
            case BookSnapshot(book):
                self._rows.snapshot(book, now, self._connection)
            case BookUpdated(book, change, ts_ms):
                self._rows.delta(book.ticker, change, ts_ms, now, self._connection)
            case Ticker():
                self._rows.ticker(event, now, self._connection)
            case Gap(_, tickers):
                self._rows.gap(self._followed if tickers is None else tickers, now, self._connection)
            case Connected():
                self._connection = token_hex(6)
            case Refused(channel, tickers, problem):
                _log.warning("not recorded", channel=str(channel), markets=len(tickers or ()), problem=str(problem))

    async def _follow(self) -> None:
        """Look at which markets are open, again and again."""
        while True:
            try:
                found = await self._open_markets()
            except ExchangeError as error:
                _log.warning("cannot list the markets to record", problem=str(error))
            else:
                new, over = found - self._followed, self._followed - found
                for channel in CHANNELS:
                    if new:
                        self._stream.subscribe(channel, new)
                    if over:
                        self._stream.unsubscribe(channel, over)
                self._followed = found
                self.stats.markets = len(found)
                if new or over:
                    _log.info("recording", markets=len(found), new=len(new), over=len(over))
            await self._clock.sleep(self._look_seconds)

    async def _open_markets(self) -> set[str]:
        found: set[str] = set()
        for series in self._series:
            query = MarketQuery(series_ticker=series, status=MarketFilter.OPEN)
            async for page in self._client.markets.markets(query):
                found |= {market.ticker for market in page.items}
        return found

    async def _flush_regularly(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._flush_seconds):
                    await self._full.wait()
            self._full.clear()
            await self._flush()

    async def _flush(self) -> None:
        """Write what waits; what the disk refuses waits on, up to a limit. Cancelled, it goes on at the next call."""
        if self._rows.nameless:
            _log.error("not recorded: the exchange told of markets without a ticker", rows=self._rows.nameless)
        self._taken.extend(self._rows.take().items())
        while self._taken:
            await whole(self._lay_out)
        while self._tables:
            try:
                await whole(self._write)
            except StoreError as error:
                _log.error("recorded quotes wait: the disk refuses them", problem=str(error))
                break
        if self._unknown and not self._tables:
            self._unknown, self._anew = False, True
        self.stats.waiting = sum(rows.num_rows for _, rows in self._tables)
        gaps = QuoteRows()
        while self.stats.waiting > self._most_rows:
            _, lost = self._tables.pop(0)
            self.stats.waiting -= lost.num_rows
            self.stats.lost += lost.num_rows
            self._unknown = True
            gaps.gap(lost.column("market_ticker").unique().to_pylist(), lost.column("received_time")[0].as_py(), "")
            _log.error("recorded quotes are lost: the disk refuses them", rows=lost.num_rows)
        # In the place of what is lost: what follows it changes books that nobody knows any more.
        self._tables[:0] = [(series, table_of(rows)) for series, rows in gaps.take().items()]

    def _lay_out(self) -> None:
        series, rows = self._taken[0]
        self._tables.append((series, table_of(rows)))
        self._taken.pop(0)

    def _write(self) -> None:
        series, rows = self._tables[0]
        self._files.write(series, rows)
        self._tables.pop(0)
        self.stats.written += rows.num_rows
