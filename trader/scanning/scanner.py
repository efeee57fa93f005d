"""One scan: open markets, their pasts, and what the forecast server says of each."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from mesh import log
from mesh.clock import Clock
from mesh.errors import MeshError, TooLate
from mesh.forecasts import ForecastClient
from mesh.kalshi.book import Book
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.pasts import Past, Pasts
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.price_wire import Candle
from trader.domain.events import ScanEnded, SignalCame
from trader.domain.facts import MarketTerms
from trader.domain.words import Mode, ScanOutcome
from trader.engine.breathing import breath
from trader.exchange.exchange_time import ExchangeTime
from trader.exchange.fee_book import FeeBook
from trader.exchange.terms import NotTradable, terms, title_of
from trader.ports import Begin
from trader.scanning import asking
from trader.scanning.histories import Histories
from trader.scanning.settings import ScannedSeries

_LONGEST_AGE = timedelta(days=365)
"""That can be asked for."""
_LEAST_SECONDS = 1.0
_PIECE = 50
"""Markets that are looked at in one go: a thousand take a while, in which exits do not wait."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSettings:
    """What every scan of a trader shares."""

    series: tuple[ScannedSeries, ...]
    mode: Mode
    client_id: str
    """Names this trader to the forecast server: its newer scan supersedes the older one."""
    min_magnitude_cents: float
    """Smaller moves come back as no signal."""
    useful_seconds: float
    """How long answers are worth anything."""


@dataclass(slots=True)
class _Listed:
    """What is scanned in one scan."""

    terms: dict[str, MarketTerms] = field(default_factory=dict)
    markets: dict[ScannedSeries, list[Market]] = field(default_factory=dict)
    tops: list[Book] = field(default_factory=list)
    """Best prices of these markets, as their listing shows them."""
    others: dict[str, tuple[ScanOutcome, str]] = field(default_factory=dict)
    """Outcomes of markets without a signal."""
    unread: dict[str, str] = field(default_factory=dict)
    """What was in the way of reading series, or their candles."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A market that is asked about."""

    series: ScannedSeries
    past: Past
    current_cents: float
    last_candle_time: datetime


class Scanner:
    """Scans again and again; candles that were read once are not read again."""

    def __init__(
        self,
        client: KalshiClient,
        fees: FeeBook,
        forecasts: ForecastClient,
        settings: ScanSettings,
        clock: Clock,
        *,
        histories: Histories | None = None,
    ) -> None:
        """Take what to scan with; `histories` keeps what was read of each market, for people to look at."""
        self._client, self._fees, self._forecasts = client, fees, forecasts
        self._settings, self._clock = settings, clock
        time = ExchangeTime(client)

        def now() -> datetime:
            return time.theirs(clock.now())

        self._pasts = {
            series: Pasts(
                client,
                series.ticker,
                series.step,
                points=series.points,
                price=series.price,
                now=now,
                on_candles=_kept(histories, series),
            )
            for series in settings.series
        }

    async def scan(self, scan_id: str) -> AsyncIterator[Begin | SignalCame | ScanEnded]:
        """Scan once, as `trader.ports.Scans` says: what goes wrong is in the accounting."""
        started = self._clock.monotonic()
        useful_until = self._clock.now() + timedelta(seconds=self._settings.useful_seconds)
        listed = await self._list()
        yield Begin(
            tuple(series.ticker for series in self._settings.series),
            tuple(listed.terms[ticker] for ticker in sorted(listed.terms)),
            tuple(listed.tops),
        )
        # What closes within the hour first; series of one step and horizon share a call.
        kinds = sorted(listed.markets, key=lambda series: (series.step, series.horizon_steps))
        for _, group in groupby(kinds, key=lambda series: (series.step, series.horizon_steps)):
            async with aclosing(self._ask(scan_id, list(group), listed, useful_until)) as signals:
                async for signal in signals:
                    yield signal
        others = tuple((ticker, *listed.others[ticker]) for ticker in sorted(listed.others))
        seconds = self._clock.monotonic() - started
        yield ScanEnded(scan_id, others, seconds, tuple(sorted(listed.unread.items())))

    async def _list(self) -> _Listed:
        """Find the open markets and what is to be known of each."""
        listed = _Listed()
        for series, pasts in self._pasts.items():
            try:
                markets = await pasts.open()
                events = await self._fees.events({market.event_ticker for market in markets})
            except ExchangeError as error:
                _log.warning("a series cannot be scanned", series=series.ticker, problem=str(error))
                listed.unread[series.ticker] = str(error)
                continue
            listed.markets[series] = []
            for place, market in enumerate(markets):
                if place % _PIECE == 0:
                    await breath()
                event = events.get(market.event_ticker)
                if event is None:
                    _log.warning("a market without its event is not scanned", market=market.ticker)
                    continue
                try:
                    listed.terms[market.ticker] = terms(market, event.fees, title_of(event.title, market))
                except NotTradable as error:
                    _log.debug("a market is not scanned", market=market.ticker, problem=str(error))
                else:
                    listed.markets[series].append(market)
                    listed.tops.append(_top(market))
        return listed

    async def _ask(
        self, scan_id: str, kind: Sequence[ScannedSeries], listed: _Listed, useful_until: datetime
    ) -> AsyncGenerator[SignalCame]:
        """Ask about the markets of series that share step and horizon; whatever happens each gets its outcome."""
        waiting: dict[int, _Asked] = {}
        histories: list[forecast_pb2.MarketHistory] = []
        for series in kind:
            for each in await self._readable(series, listed):
                if len(waiting) % _PIECE == 0:
                    await breath()
                waiting[len(waiting)] = each
                histories.append(asking.history(each.past, each.current_cents, series.ticker))
        if not waiting:
            return
        first = kind[0]
        question = asking.options(
            mode=self._settings.mode,
            step=first.step,
            horizon_steps=first.horizon_steps,
            max_data_age=min(first.step * max(series.max_data_age_steps for series in kind), _LONGEST_AGE),
            useful_until=useful_until,
        )
        digest = None
        try:
            digest = (await self._forecasts.model(self._left(useful_until))).identity.weights_digest
            results = self._forecasts.scan(
                histories,
                question,
                signal_pb2.SignalOptions(min_magnitude_cents=self._settings.min_magnitude_cents),
                client_id=f"{self._settings.client_id}-{first.step_minutes}m-{first.horizon_steps}",
                within=self._left(useful_until),
            )
            async for result in results:
                each = waiting.pop(result.input_index)
                ticker = each.past.market.ticker
                if result.WhichOneof("outcome") != "signal":
                    listed.others[ticker] = asking.other(result)
                    continue
                facts = asking.facts(
                    result.signal,
                    weights_digest=digest,
                    last_candle_time=each.last_candle_time,
                    step=first.step,
                    useful_until=useful_until,
                )
                wire = result.signal.SerializeToString()
                if facts is None or len(wire) > asking.MOST_BYTES:
                    listed.others[ticker] = (ScanOutcome.FAILED, "words or figures that no signal has for this trader")
                else:
                    yield SignalCame(scan_id, listed.terms[ticker], facts, wire)
        except MeshError as error:
            # Who answers nothing at all is not late but away: a network that swallows everything ends in TooLate, too.
            late = isinstance(error, TooLate) and digest is not None
            outcome = ScanOutcome.EXPIRED if late else ScanOutcome.FAILED
            _log.info("the forecast server left markets unanswered", markets=len(waiting), problem=str(error))
            listed.others |= {each.past.market.ticker: (outcome, error.reason.lower()) for each in waiting.values()}

    def _left(self, useful_until: datetime) -> float:
        """Return the seconds in which an answer is still of use."""
        return max(_LEAST_SECONDS, (useful_until - self._clock.now()).total_seconds())

    async def _readable(self, series: ScannedSeries, listed: _Listed) -> list[_Asked]:
        """Read the pasts of a series, and account for markets about which nothing can be asked."""
        markets = listed.markets[series]
        try:
            pasts = await self._pasts[series].of(markets)
        except ExchangeError as error:
            _log.warning("no candles of a series", series=series.ticker, problem=str(error))
            listed.unread[series.ticker] = str(error)
            listed.others |= {market.ticker: (ScanOutcome.NOT_ASKED, "no_candles") for market in markets}
            return []
        found = []
        for past in pasts:
            current = asking.price_cents(past.market)
            if current is None:
                listed.others[past.market.ticker] = (ScanOutcome.NOT_ASKED, "no_price")
            elif past.last_candle_time is None:
                listed.others[past.market.ticker] = (ScanOutcome.NOT_ASKED, "no_history")
            else:
                found.append(_Asked(series, past, current, past.last_candle_time))
        return found


def _kept(histories: Histories | None, series: ScannedSeries) -> Callable[[str, Sequence[Candle]], object]:
    if histories is None:
        return lambda _ticker, _candles: None
    return partial(histories.keep, step_seconds=series.step_minutes * 60, kind=series.price)


def _top(market: Market) -> Book:
    """Return the best prices of a listing as a book of one level a side."""
    bids = [] if market.bid is None else [(market.bid, market.bid_size)]
    asks = [] if market.ask is None else [(market.ask, market.ask_size)]
    return Book.from_levels(market.ticker, bids, asks)
