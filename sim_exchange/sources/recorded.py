"""Recorded markets, replayed event by event from a folder of parquet files.

Files are named `markets_SERIES`, `book_SERIES`, `quotes_SERIES`, `snapshots_SERIES`, `candles_1m_SERIES`,
`candles_60m_SERIES` and `trades_SERIES`; whatever is there is used. A market's quotes come from the richest kind of
file that has it, in that order; from candles only their closes, at the end of each.

How members' orders fill against a recording, which cannot answer them:

1. A taker fills only against the size that is shown, at the prices that are shown. What members took from a level
   stays taken until the recorded level is empty, however often it is quoted anew. Where no size was recorded,
   `assumed_size` contracts are shown.
2. A resting order fills only by what was recorded after it. With `maker_fills = "through"` that is a trade or a quote
   strictly through its price; a trade at its price goes to others, and a quote of the other side at its price is not
   shown while the order rests. With `"queue"` a trade at its price fills it too, but only what is left over once as
   much has traded there as was quoted there when the order came. Quotes alone bring it no further: what left the level
   without a trade may be the very trade that is told next, and would count twice. A quote of the other side at its
   price fills it.
3. A recorded trade is printed in full, whatever members took from the book before: without members, trades come out as
   they went in. What members get of one, they get at their own price, the rest is traded at the recorded one.
4. Nothing else. Nobody reacts to members' orders. When no market of an event was heard of for `outage_seconds`, their
   quotes are withdrawn until they are heard of again.

Not recorded and therefore assumed: markets are created when they open; `recorded_markets` says what is done about
missing times and results, `recorded_past` what history before the beginning looks like. What was left out, and why, is
counted and logged.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq
from msgspec.structs import replace
from pydantic import Field, PositiveFloat

from mesh import log
from mesh.config import ConfigError, Strict
from mesh.kalshi.terms import MarketStatus
from mesh.types import Hundredths, Micros
from sim_exchange.domain.types import Market
from sim_exchange.sources.base import Book, Determined, Item, NewListing, Past, Print, SourceEvent
from sim_exchange.sources.recorded_feeds import LISTING, QUOTES, RESULT, TRADES, Feeds, Timed
from sim_exchange.sources.recorded_files import ByMarket, Kind, find, tickers_of
from sim_exchange.sources.recorded_flow import beginning, withdrawing
from sim_exchange.sources.recorded_markets import Recorded, event_day, event_record, read_markets, series_record
from sim_exchange.sources.recorded_observations import read_highs
from sim_exchange.sources.recorded_past import HOURS, MINUTES, past
from sim_exchange.tape.periods import microseconds

_MINUTE = timedelta(minutes=1)
_AT_ONCE = timedelta(microseconds=1)


class RecordedConfig(Strict):
    """Recorded markets."""

    kind: Literal["recorded"]
    """Says that markets are recorded."""
    folder: Path
    """Where the parquet files are."""
    series: tuple[str, ...] = Field(min_length=1)
    """Which series are replayed, such as `KXHIGHNY`."""
    events: tuple[str, ...] = ()
    """Only these events; empty is all."""
    days: tuple[date, ...] = ()
    """Only events whose ticker names one of these days; empty is all."""
    full_depth: bool = True
    """Use the whole ladder where full books were recorded, not only its best prices."""
    assumed_size: float = Field(default=10, gt=0, le=1_000_000, multiple_of=0.01)
    """Contracts shown at a quote whose size was not recorded."""
    maker_fills: Literal["through", "queue"] = "through"
    """When resting orders fill: only through their price, or also at it, once the queue ahead has traded."""
    outage_seconds: PositiveFloat = 1800
    """Silence of all markets of an event after which their quotes are withdrawn; two hours at least where the quotes
    are hourly candles."""
    observations: Path | None = None
    """Parquet file with `series_ticker`, `date` and `tmax_f`: the observed highs decide weather markets whose results
    were not recorded. Absent leaves those without a result."""


class RecordedSource:
    """Replays a recording.

    Args:
        config: What is replayed.

    Raises:
        ConfigError: The folder has no markets of a series, nothing is left after choosing, or the observations cannot
            be read.
    """

    def __init__(self, config: RecordedConfig) -> None:
        self._config = config
        self._notes: Counter[str] = Counter()
        chosen, titles = self._choose()
        self._recorded = {recorded.market.ticker: recorded for recorded in chosen}
        self._markets = {ticker: recorded.market for ticker, recorded in self._recorded.items()}
        by_event: dict[str, list[Market]] = defaultdict(list)
        for market in self._markets.values():
            by_event[market.event_ticker].append(market)
        self._series = [series_record(ticker) for ticker in config.series]
        self._events = [event_record(markets, titles[name]) for name, markets in by_event.items()]
        self._quoted = {
            (path, kind): tickers for series in config.series for path, kind, tickers in self._quote_files(series)
        }
        self._histories: dict[tuple[str, Kind], list[ByMarket]] = {}
        say = log.get(__name__)
        say.info("recording opened", markets=len(self._markets), **_keys(self._notes))
        if open_for_ever := self._notes["without a result"]:
            say.warning("markets without a result are never paid out", markets=open_for_ever)

    @cached_property
    def start(self) -> datetime | None:
        """The minute in which the first quote or trade was recorded; the first opening if there is none."""
        first = next((event.at for event in self._flow(Counter()) if isinstance(event, Book | Print)), None)
        first = first or min(market.open_time for market in self._markets.values())
        return (first - _AT_ONCE).replace(second=0, microsecond=0)

    @property
    def notes(self) -> Counter[str]:
        """What was left out or inferred so far, counted by reason."""
        return +self._notes

    def catalogue(self, now: datetime) -> Sequence[Item]:
        """Give everything that has opened by `now`; ended markets with their results."""
        listed = [recorded for recorded in self._recorded.values() if recorded.market.open_time <= now]
        events = {recorded.market.event_ticker for recorded in listed}
        known = [event for event in self._events if event.event_ticker in events]
        return [*self._series, *known, *(self._as_of(recorded, now) for recorded in listed)]

    def past(self, ticker: str, until: datetime) -> Past:
        """Give a market's recorded history up to `until`. KeyError if the market is not part of the recording."""
        series = self._markets[ticker].series_ticker
        minutes, hours, trades = (self._history(series, kind, ticker) for kind in (MINUTES, HOURS, TRADES))
        return past(ticker, microseconds(until), minutes, hours, trades)

    def events(self, since: datetime) -> Iterator[SourceEvent]:
        """Give what was recorded after `since`, books as they stood then first."""
        yield from self._late_results(since)
        yield from beginning(self._flow(self._notes), since)
        log.get(__name__).info("recording ended", **_keys(self._notes))

    def _choose(self) -> tuple[list[Recorded], dict[str, str]]:
        config = self._config
        chosen: list[Recorded] = []
        titles: dict[str, str] = {}
        highs = {} if config.observations is None else read_highs(config.observations)
        for series in config.series:
            path = config.folder / f"markets_{series}.parquet"
            if not path.is_file():
                raise ConfigError(f"source.series: there is no markets_{series}.parquet in {config.folder}")
            rows = [row for row in pq.read_table(path).to_pylist() if self._is_chosen(row["event_ticker"])]
            titles |= {row["event_ticker"]: row["title"] or "" for row in rows}
            chosen += read_markets(rows, self._notes, highs)
        if not chosen:
            raise ConfigError("source: no market of these series, events and days has usable times")
        return sorted(chosen, key=lambda recorded: recorded.market.open_time), titles

    def _is_chosen(self, event_ticker: str) -> bool:
        events, days = self._config.events, self._config.days
        return (not events or event_ticker in events) and (not days or event_day(event_ticker) in days)

    def _quote_files(self, series: str) -> Iterator[tuple[Path, Kind, set[str]]]:
        """Give the files that tell the markets' quotes; each market is in the richest that has it."""
        left = {ticker for ticker, market in self._markets.items() if market.series_ticker == series}
        for kind in QUOTES:
            for path in find(self._config.folder, kind, series):
                if found := left & tickers_of(path):
                    yield path, kind, found
                    left -= found
        self._notes["markets without quotes"] += len(left)

    def _flow(self, notes: Counter[str]) -> Iterator[SourceEvent]:
        """Give the whole recording from its first row on; `notes` counts what is left out."""
        config = self._config
        feeds = Feeds(
            self._markets,
            Hundredths(round(config.assumed_size * 100)),
            notes,
            through=config.maker_fills == "through",
            top_only=not config.full_depth,
        )
        sources: list[Iterable[Timed]] = [self._listings(), self._results()]
        limits = dict.fromkeys((event.event_ticker for event in self._events), round(config.outage_seconds * 1_000_000))
        for (path, kind), tickers in self._quoted.items():
            sources += feeds.read(path, kind, tickers, len(sources))
            for name in {self._markets[ticker].event_ticker for ticker in tickers}:
                limits[name] = max(limits[name], 2 * kind.period * 1_000_000)
        for series in config.series:
            for path in find(config.folder, TRADES, series):
                sources += feeds.read(path, TRADES, self._markets, len(sources))
        yield from withdrawing(heapq.merge(*sources), self._markets, limits)

    def _listings(self) -> Iterator[Timed]:
        seen: set[str] = set()
        events = {event.event_ticker: event for event in self._events}
        for market in self._markets.values():
            time = microseconds(market.open_time)
            if market.event_ticker not in seen:
                seen.add(market.event_ticker)
                yield time, LISTING, 0, NewListing(market.open_time, events[market.event_ticker])
            yield time, LISTING, 0, NewListing(market.open_time, market)

    def _results(self) -> list[Timed]:
        ends = ((ticker, recorded.ending) for ticker, recorded in self._recorded.items())
        known = [(microseconds(end.at), ticker, end) for ticker, end in ends if end is not None]
        known.sort(key=lambda item: item[:2])
        return [
            (time, RESULT, 1, Determined(end.at, ticker, end.result, end.value, end.expiration_value))
            for time, ticker, end in known
        ]

    def _late_results(self, since: datetime) -> Iterator[Determined]:
        """Give the results that were known at `since` and not yet paid, as news."""
        for ticker, recorded in self._recorded.items():
            end = recorded.ending
            if end is not None and end.at <= since < end.at + _timer(recorded.market):
                yield Determined(since + _AT_ONCE, ticker, end.result, end.value, end.expiration_value)

    def _as_of(self, recorded: Recorded, now: datetime) -> Market:
        market, end = recorded.market, recorded.ending
        known = self.past(market.ticker, now)
        candles = [*known.hours, *known.minutes]
        last = candles[-1] if candles else None
        market = replace(
            market,
            volume=Hundredths(sum(candle.volume for candle in candles)),
            open_interest=last.open_interest if last is not None else Hundredths(0),
            last_price=None if last is None or last.last_price is None else Micros(last.last_price),
        )
        if end is not None and end.at + _timer(market) <= now:
            return replace(
                market,
                status=MarketStatus.FINALIZED,
                result=end.result,
                settlement_value=end.value,
                expiration_value=end.expiration_value,
                determination_time=end.at,
                settlement_time=end.at + _timer(market),
                updated_time=end.at + _timer(market),
            )
        return replace(market, status=MarketStatus.CLOSED) if market.close_time <= now else market

    def _history(self, series: str, kind: Kind, ticker: str) -> Iterator[tuple[int, tuple[object, ...]]]:
        tables = self._histories.get((series, kind))
        if tables is None:
            tables = [ByMarket(path, kind, self._markets) for path in find(self._config.folder, kind, series)]
            self._histories[series, kind] = tables
        return chain.from_iterable(table.of(ticker) for table in tables)


def _timer(market: Market) -> timedelta:
    return timedelta(seconds=market.settlement_timer_seconds)


def _keys(notes: Counter[str]) -> dict[str, int]:
    return {reason.replace(" ", "_").replace(":", "").replace(",", ""): count for reason, count in (+notes).items()}
