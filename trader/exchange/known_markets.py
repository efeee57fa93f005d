"""Markets as they were last read, and what the stream has told of them since."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.reading import RECONCILE
from mesh.kalshi.stream.market import LifecycleEvent, MarketLifecycle
from mesh.kalshi.terms import MarketStatus
from trader.domain.events import MarketSeen
from trader.domain.facts import MarketTerms
from trader.exchange.exchange_time import COPY_SECONDS, ExchangeTime
from trader.exchange.fee_book import EventTerms, FeeBook
from trader.exchange.terms import NotTradable, bands, terms, title_of

_log = log.get(__name__)


class KnownMarkets:
    """Terms by market.

    Args:
        client: Public data are enough.
        fees: What fills cost.
        clock: The trader's.
    """

    def __init__(self, client: KalshiClient, fees: FeeBook, clock: Clock) -> None:
        self._client = client
        self._fees = fees
        self._clock = clock
        self._time = ExchangeTime(client)
        self._seen: dict[str, MarketSeen] = {}
        self._told: dict[str, float] = {}  # when the stream last told of each, monotonic
        self._news: dict[str, None] = {}
        self._paused: frozenset[int] = frozenset()
        self._said: set[str] = set()

    async def read_one(self, ticker: str) -> MarketSeen:
        """Read a market. Raises ObjectNotFound, NotTradable or another ExchangeError."""
        began = self._clock.monotonic()
        market = await self._client.markets.market(ticker, urgency=RECONCILE)
        events = await self._fees.events((market.event_ticker,))
        return self._shown(self._seen[ticker] if self._knows_better(ticker, began) else self._take(market, events))

    async def read(self, tickers: Collection[str]) -> None:
        """Read markets.

        What was known and is listed no longer is over: it trades no more. Left out, and said in the log once, is what
        cannot be traded here. What the stream has just told of a market counts for more. Raises ExchangeError.
        """
        began = self._clock.monotonic()
        found = await self._client.markets.markets_named(tuple(tickers), urgency=RECONCILE)
        events = await self._fees.events({market.event_ticker for market in found.values()})
        for ticker in tickers:
            if not self._knows_better(ticker, began):
                self._read(ticker, found.get(ticker), events)

    def news(self, tickers: Collection[str]) -> Iterator[MarketSeen]:
        """Give those of these markets that have changed since the last call."""
        news, self._news = self._news, {}
        return (self._shown(self._seen[ticker]) for ticker in news if ticker in tickers)

    def again(self, tickers: Iterable[str]) -> None:
        """Make news of what is known of these."""
        self._news |= dict.fromkeys(ticker for ticker in tickers if ticker in self._seen)

    def happened(self, life: MarketLifecycle) -> bool:
        """Take in what became of a market; False where it has to be read to tell."""
        known = self._seen.get(life.ticker)
        if known is None:
            return False
        market, trading = known.market, known.trading
        match life.event:
            case LifecycleEvent.ACTIVATED:
                trading = not self._over(market)
            case LifecycleEvent.DEACTIVATED | LifecycleEvent.DETERMINED | LifecycleEvent.SETTLED:
                trading = False
            case LifecycleEvent.CLOSE_DATE_UPDATED if life.close_ts is not None:
                was_open = trading or self._over(market)
                market = replace(market, close_time=datetime.fromtimestamp(life.close_ts, UTC))
                trading = was_open and not self._over(market)
            case LifecycleEvent.PRICE_LEVEL_STRUCTURE_UPDATED if life.price_ranges:
                try:
                    market = replace(market, bands=bands(life.ticker, life.price_ranges))
                except NotTradable:
                    return False
            case _:
                return False
        self._told[life.ticker] = self._clock.monotonic()
        self._put(MarketSeen(market, trading))
        return True

    def close(self, tickers: Collection[str]) -> None:
        """Notice which markets' trading has ended by their schedule, of which the exchange says nothing."""
        for known in [self._seen[ticker] for ticker in tickers if ticker in self._seen]:
            if known.trading and self._over(known.market):
                self._put(MarketSeen(known.market, trading=False))

    def pause(self, shards: Collection[int]) -> None:
        """Note on which shards nothing trades while others do; on all others everything goes on."""
        changed, self._paused = self._paused ^ frozenset(shards), frozenset(shards)
        if changed:
            self.again(ticker for ticker, known in self._seen.items() if (known.market.exchange_index or 0) in changed)

    def shards_of(self, tickers: Collection[str]) -> set[int]:
        """Return the shards on which markets trade, as far as they are known."""
        return {known.market.exchange_index or 0 for ticker in tickers if (known := self._seen.get(ticker))}

    def of_event(self, event_ticker: str) -> set[str]:
        """Return the markets of an event."""
        return {ticker for ticker, known in self._seen.items() if known.market.event_ticker == event_ticker}

    def _shown(self, seen: MarketSeen) -> MarketSeen:
        paused = (seen.market.exchange_index or 0) in self._paused
        return MarketSeen(seen.market, trading=False) if paused else seen

    def _knows_better(self, ticker: str, began: float) -> bool:
        """Tell whether the stream may have told something newer than a record whose reading began then."""
        return began < self._told.get(ticker, -math.inf) + COPY_SECONDS

    def _read(self, ticker: str, market: Market | None, events: Mapping[str, EventTerms]) -> None:
        known = self._seen.get(ticker)
        if market is None:
            if known is not None:
                self._put(MarketSeen(known.market, trading=False))
            return
        try:
            self._take(market, events)
        except NotTradable as error:
            if ticker not in self._said:
                self._said.add(ticker)
                _log.warning("a market that cannot be traded here", ticker=ticker, problem=error.message)

    def _take(self, market: Market, events: Mapping[str, EventTerms]) -> MarketSeen:
        event = events.get(market.event_ticker)
        if event is None:
            raise NotTradable(f"{market.ticker} is of an event that the exchange does not list")
        found = terms(market, event.fees, title_of(event.title, market))
        return self._put(MarketSeen(found, market.status is MarketStatus.ACTIVE and not self._over(found)))

    def _over(self, market: MarketTerms) -> bool:
        return market.close_time <= self._time.theirs(self._clock.now())

    def _put(self, seen: MarketSeen) -> MarketSeen:
        if self._seen.get(seen.market.ticker) != seen:
            self._seen[seen.market.ticker] = seen
            self._news[seen.market.ticker] = None
        return seen
