"""Recorded events from a data folder, one after the other, in the order of their first candles.

What a file holds is taken as it is, or left out and counted by name; nothing is filled in. The path of a market has at
every end the finest candle that was recorded. A market whose close was not recorded closes with the others of its
event, else as the events next to it say (`research.closes`), else at the end of its event's last candle. Candles that
begin when a market has closed are left out.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Required, TypedDict, Unpack

import pyarrow as pa
import pyarrow.compute as pc

from mesh.errors import InvalidInput
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import Band
from mesh.records import CANDLES
from mesh.shards import ShardKey
from mesh.store.naming import visible
from mesh.store.parquet import opened
from mesh.types import utc
from research.closes import Closes
from research.fees import FeeSchedule
from research.listing import Listed, assumed_bands, read_listing
from research.observed import Agreement, Observed, Proof, read_highs
from research.outcomes import outcomes
from research.shard_rows import COLUMNS, Rows, rows_of
from research.strips import before, drop_impossible, finest
from research.survey import Found, survey
from research.types import Defects, RecordedEvent, RecordedMarket, Strip
from trader.domain.facts import MarketTerms

_FEES: Final = FeeSchedule()
_PROOF: Final = Proof()


class Asked(TypedDict, total=False):
    """Arguments of `Recording`."""

    step_seconds: Required[int]
    path_step_seconds: int | None
    events: Collection[str] | None
    first: datetime | None
    last: datetime | None
    observed: Path | None
    proof: Proof
    inferred: bool
    fees: FeeSchedule


class Recording:
    """The recorded events of a series, to be loaded as often as wanted.

    Args:
        root: The data folder.
        series: Ticker.
        step_seconds: Of the candles that decisions are made on.
        path_step_seconds: The finest step that positions are guarded by; None is the finest that was recorded.
        events: Tickers; None is all.
        first: Earliest candle end, aware; None is no bound.
        last: Latest candle end, aware, included; None is no bound.
        observed: File of observed highs, which decide events without a result as far as it is proven to.
        proof: When it is.
        inferred: Whether results that were read off last prices count.
        fees: What was charged.
        defects: Told of what is wrong with the folder as a whole.

    Raises:
        NotFound: `STORE_EMPTY`, `SERIES_MISSING`, `STEP_MISSING`, `EVENTS_MISSING`, or `PRICES_ALONE`: candles without
            quotes, at which nothing could have been bought.
        InvalidInput: A step or a bound that is none, or `OBSERVED_UNREADABLE`.
        StoreError: A file cannot be read; the text names it.
    """

    def __init__(
        self,
        root: Path,
        series: str,
        *,
        step_seconds: int,
        path_step_seconds: int | None = None,
        events: Collection[str] | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        observed: Path | None = None,
        proof: Proof = _PROOF,
        inferred: bool = True,
        fees: FeeSchedule = _FEES,
        defects: Defects,
    ) -> None:
        self.series, self.fees = series, fees
        self._root, self._inferred = root, inferred
        self._first, self._last = _bound(first), _bound(last)
        self._found = survey(
            root,
            series,
            step_seconds=step_seconds,
            path_step_seconds=path_step_seconds,
            events=events,
            defects=defects,
        )
        self._listing = read_listing(root, series, defects)
        self._closes = Closes(
            (event, max(closes))
            for event, markets in self._listing.events.items()
            if (closes := [each.close_time for each in markets.values() if each.close_time is not None])
        )
        highs = {} if observed is None else read_highs(observed, series, defects)
        if observed is not None and not highs:
            defects.note("series_not_observed", series)
        self._observed = Observed(highs, self._listing, proof, inferred=inferred, defects=defects)

    @property
    def agreements(self) -> tuple[Agreement, ...]:
        """How each source of observations stands to the results that were recorded."""
        return self._observed.agreements

    @property
    def event_tickers(self) -> tuple[str, ...]:
        """Of the events in their order; one without a candle within the bounds will not be among those loaded."""
        return tuple(found.event for found in self._found)

    def load(self, defects: Defects) -> Iterator[RecordedEvent]:
        """Give the events; one at a time is in memory.

        Args:
            defects: Told of what is wrong with each.

        Raises:
            StoreError: A file cannot be read; the text names it.
        """
        seen: dict[str, str] = {}
        """Events of markets."""
        for found in self._found:
            event = self._event(found, defects)
            if event is not None and (event := _own(event, seen, defects)) is not None:
                yield event

    def _event(self, found: Found, defects: Defects) -> RecordedEvent | None:
        event, step = found.event, found.shards[0].step_seconds
        read = {key.step_seconds: rows_of(self._table(key), key, defects) for key in found.shards}
        if not any(len(rows.codes) for rows in read.values()):
            return None
        tickers = {ticker for rows in read.values() for ticker in rows.tickers}
        listed = self._listing.markets(event, sorted(tickers), defects)
        bands = {ticker: self._bands(listed[ticker], defects) for ticker in sorted(tickers)}
        for rows in read.values():
            drop_impossible(rows, bands, defects)
        closes = self._closes_of(event, listed, read.values(), defects)
        cut = {seconds: _open_strips(rows, closes, defects) for seconds, rows in read.items()}
        for ticker in sorted(listed.keys() - cut[step].keys()):
            defects.note("market_without_candles", ticker)
        high = self._observed.high(event, defects)
        ends = outcomes(event, listed, closes, high, defects, inferred=self._inferred)
        markets = []
        for ticker in sorted(cut[step]):
            if ticker not in ends:
                defects.note("market_without_result", ticker)
            path = finest({seconds: strips[ticker] for seconds, strips in cut.items() if ticker in strips})
            markets.append(
                RecordedMarket(
                    terms=MarketTerms(
                        ticker=ticker,
                        event_ticker=event,
                        series_ticker=self.series,
                        title=listed[ticker].title,
                        close_time=closes[ticker],
                        bands=bands[ticker],
                        fees=self._charged(ticker, path, closes[ticker], defects),
                    ),
                    open_time=listed[ticker].open_time,
                    decisions=cut[step][ticker],
                    path=path,
                    outcome=ends.get(ticker),
                    strikes=listed[ticker].strikes,
                )
            )
        return RecordedEvent(series_ticker=self.series, event_ticker=event, markets=tuple(markets)) if markets else None

    def _table(self, key: ShardKey) -> pa.Table:
        with opened(visible(self._root, key), CANDLES) as file:
            table: pa.Table = file.read(columns=list(COLUMNS), use_threads=False)
        for bound, keeps in ((self._first, pc.greater_equal), (self._last, pc.less_equal)):
            if bound is not None:
                table = table.filter(keeps(table.column("end_time"), pa.scalar(bound, CANDLES.field("end_time").type)))
        return table

    def _bands(self, market: Listed, defects: Defects) -> tuple[Band, ...]:
        if market.bands is not None:
            return market.bands
        defects.note("price_grid_assumed", market.ticker)
        return assumed_bands(self.series)

    def _closes_of(
        self, event: str, listed: Mapping[str, Listed], read: Collection[Rows], defects: Defects
    ) -> dict[str, datetime]:
        """Say when each market of an event closed, whoever knows it."""
        known = {each.close_time for each in listed.values() if each.close_time is not None}
        derived = self._closes.derive(event)
        last = datetime.fromtimestamp(max(int(rows.ends.max()) for rows in read if len(rows.ends)), UTC)
        closes = {}
        for ticker, each in listed.items():
            if each.close_time is not None:
                closes[ticker] = each.close_time
            elif len(known) == 1:
                defects.note("close_as_of_its_event", ticker)
                closes[ticker] = next(iter(known))
            elif derived is not None:
                defects.note("close_as_of_events_beside", ticker)
                closes[ticker] = derived
            else:
                defects.note("close_unknown", ticker)
                closes[ticker] = last
        return {ticker: utc(close) for ticker, close in closes.items()}

    def _charged(self, ticker: str, path: Strip, close: datetime, defects: Defects) -> FeeTerms:
        """Return the fees in force at the first candle."""
        begin = datetime.fromtimestamp(int(path.ends[0]), UTC)
        rule = self.fees.rule(self.series, begin)
        if rule != self.fees.rule(self.series, close):
            defects.note("fees_changed_during_market", ticker)
        return rule.terms


def _own(event: RecordedEvent, seen: dict[str, str], defects: Defects) -> RecordedEvent | None:
    """Leave out markets that an earlier event has already: a market is of one event."""
    tickers = [market.terms.ticker for market in event.markets]
    strange = {ticker for ticker in tickers if seen.setdefault(ticker, event.event_ticker) != event.event_ticker}
    for ticker in sorted(strange):
        defects.note("market_of_another_event", ticker)
    kept = tuple(market for market in event.markets if market.terms.ticker not in strange)
    return replace(event, markets=kept) if kept else None


def load(root: Path, series: str, *, defects: Defects, **asked: Unpack[Asked]) -> Iterator[RecordedEvent]:
    """Give the recorded events of a series once. Arguments and errors as `Recording`, which raises before the first."""
    return Recording(root, series, **asked, defects=defects).load(defects)


def _open_strips(rows: Rows, closes: Mapping[str, datetime], defects: Defects) -> dict[str, Strip]:
    """Cut rows into strips, without the candles that began after the close."""
    cut = (
        (ticker, before(strip, int(closes[ticker].timestamp()), ticker, defects))
        for ticker, strip in rows.strips().items()
    )
    return {ticker: strip for ticker, strip in cut if len(strip.ends)}


def _bound(bound: datetime | None) -> datetime | None:
    try:
        return None if bound is None else utc(bound)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
