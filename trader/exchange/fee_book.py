"""Fee terms of events, known ahead: their own or their series', and the changes that the exchange has announced."""

import asyncio
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError, UnexpectedReply
from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.rest.exchange_wire import EventFeeChange, SeriesFeeChange
from mesh.kalshi.rest.market_wire import Event, Series
from mesh.kalshi.rest.pages import gather
from mesh.kalshi.rest.reading import RECONCILE
from mesh.kalshi.stream.market import EventFeeUpdate
from mesh.kalshi.terms import FeeType
from trader.exchange.exchange_time import COPY_SECONDS, ExchangeTime

REFRESH_SECONDS = 600.0
_RETRY_SECONDS = 60.0
_EVENTS = 100  # of one call: a longer list might not fit into a URL
_KEPT = 144  # times the refresh; what nobody asked for in a day is forgotten

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class EventTerms:
    """What an event says for all of its markets."""

    title: str
    series_ticker: str
    fees: FeeTerms


@dataclass(frozen=True, slots=True)
class _Charged:
    """Fee terms as a record gave them; None where an event leaves them to its series."""

    fee_type: FeeType | None
    multiplier: Decimal | None
    title: str
    series_ticker: str
    as_of: datetime
    """By the exchange's clock: announced changes up to then are in it for certain."""
    read_seconds: float


class FeeBook:
    """What fills cost, by event. Read at most every ten minutes; an announced change holds from its instant.

    Args:
        client: Public data are enough.
        clock: The trader's.
        refresh_seconds: For which a record is not read again.
    """

    def __init__(self, client: KalshiClient, clock: Clock, refresh_seconds: float = REFRESH_SECONDS) -> None:
        self._client = client
        self._clock = clock
        self._time = ExchangeTime(client)
        self._refresh_seconds = refresh_seconds
        self._series: dict[str, _Charged] = {}
        self._events: dict[str, _Charged] = {}
        self._changes: list[SeriesFeeChange | EventFeeChange] = []
        self._changes_read: float | None = None
        self._asks_again = -math.inf
        self._reading = asyncio.Lock()

    async def events(self, tickers: Collection[str]) -> dict[str, EventTerms]:
        """Return the terms of events by ticker; those that the exchange does not know are not in it.

        What cannot be refreshed is returned as it was.

        Raises:
            ExchangeError: Something could not be read that never was before.
        """
        async with self._reading:
            await self._read_changes()
            for chunk in _chunks(sorted(ticker for ticker in set(tickers) if self._old(self._events.get(ticker)))):
                try:
                    self.learn(await gather(self._client.markets.events(tickers=chunk, urgency=RECONCILE)))
                except ExchangeError as error:
                    self._failed(error, all(ticker in self._events for ticker in chunk))
            known = {ticker: self._events[ticker] for ticker in tickers if ticker in self._events}
            for series in sorted({event.series_ticker for event in known.values()}):
                if self._old(self._series.get(series)):
                    try:
                        self.learn_series(await self._client.markets.series(series, urgency=RECONCILE))
                    except ExchangeError as error:
                        self._failed(error, series in self._series)
        return {ticker: self._terms(ticker, event) for ticker, event in known.items()}

    def learn(self, events: Iterable[Event]) -> None:
        """Take in events that were read just now, by whomever."""
        oldest = self._clock.monotonic() - _KEPT * self._refresh_seconds
        self._events = {ticker: known for ticker, known in self._events.items() if known.read_seconds >= oldest}
        for event in events:
            self._events[event.event_ticker] = self._charged(
                event.fee_type_override, event.fee_multiplier_override, event.title, event.series_ticker
            )

    def learn_series(self, series: Series) -> None:
        """Take in a series that was read just now."""
        self._series[series.ticker] = self._charged(series.fee_type, series.fee_multiplier, series.title, series.ticker)

    def overridden(self, update: EventFeeUpdate) -> None:
        """Take in that an event's own fees were set or cleared just now."""
        known = self._events.get(update.event_ticker)
        if known is not None:
            self._events[update.event_ticker] = self._charged(
                update.fee_type_override, update.fee_multiplier_override, known.title, known.series_ticker
            )

    def _terms(self, ticker: str, event: _Charged) -> EventTerms:
        own_type, own_multiplier = self._now(ticker, event)
        fee_type, multiplier = self._now(event.series_ticker, self._series[event.series_ticker])
        fee_type = fee_type if own_type is None else own_type
        multiplier = multiplier if own_multiplier is None else own_multiplier
        if fee_type is None or multiplier is None:
            raise UnexpectedReply(f"neither {ticker} nor its series says what it charges")
        return EventTerms(event.title, event.series_ticker, FeeTerms(fee_type, multiplier))

    def _now(self, ticker: str, known: _Charged) -> tuple[FeeType | None, Decimal | None]:
        """Return what a record says, and what was announced and has come into force since it was read."""
        now = self._time.theirs(self._clock.now())
        fee_type, multiplier = known.fee_type, known.multiplier
        for change in sorted(self._changes, key=lambda change: change.scheduled_time):
            about = change.series_ticker if isinstance(change, SeriesFeeChange) else change.event_ticker
            if about == ticker and known.as_of < change.scheduled_time <= now:
                fee_type, multiplier = change.fee_type, change.fee_multiplier
        return fee_type, multiplier

    async def _read_changes(self) -> None:
        if not self._due(self._changes_read):
            return
        try:
            series = await self._client.exchange.series_fee_changes(urgency=RECONCILE)
            events = await gather(self._client.exchange.event_fee_changes(urgency=RECONCILE))
        except ExchangeError as error:
            self._failed(error, self._changes_read is not None)
            return
        # The lists tell what is to come. What came into force since the last look is remembered for records read before
        # it; what was to come and is listed no more was called off.
        past = self._time.theirs(self._clock.now())
        oldest = past - timedelta(seconds=_KEPT * self._refresh_seconds)
        kept = [change for change in self._changes if oldest <= change.scheduled_time <= past]
        self._changes = [*kept, *series, *events]
        self._changes_read = self._clock.monotonic()

    def _old(self, known: _Charged | None) -> bool:
        return self._due(None if known is None else known.read_seconds)

    def _due(self, read: float | None) -> bool:
        now = self._clock.monotonic()
        return read is None or (now - read >= self._refresh_seconds and now >= self._asks_again)

    def _failed(self, error: ExchangeError, known: bool) -> None:
        """Go on with what is known, and ask no more for a while; raise where nothing is known."""
        self._asks_again = self._clock.monotonic() + _RETRY_SECONDS
        if not known:
            raise error
        _log.warning("fees cannot be read anew; those read before are used", problem=str(error))

    def _charged(
        self, fee_type: FeeType | None, multiplier: Decimal | None, title: str, series_ticker: str
    ) -> _Charged:
        as_of = self._time.theirs(self._clock.now()) - timedelta(seconds=COPY_SECONDS)
        return _Charged(fee_type, multiplier, title, series_ticker, as_of, self._clock.monotonic())


def _chunks(tickers: list[str]) -> list[list[str]]:
    return [tickers[start : start + _EVENTS] for start in range(0, len(tickers), _EVENTS)]
