"""Markets by event and series, and events by series, kept up with an exchange that only ever adds to them."""

from collections.abc import Iterable
from itertools import islice

from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Event, Market


class Catalogue:
    """Look-ups that the exchange itself has no need of; all in the order of listing."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._of_event: dict[str, list[str]] = {}
        self._of_series: dict[str, list[str]] = {}
        self._events_of_series: dict[str, list[str]] = {}
        self._markets_seen = 0
        self._events_seen = 0

    def markets_of(self, event_ticker: str) -> list[Market]:
        """Give an event's markets."""
        self._catch_up()
        return self._markets(self._of_event.get(event_ticker, ()))

    def markets_of_series(self, series_ticker: str) -> list[Market]:
        """Give all markets of a series."""
        self._catch_up()
        return self._markets(self._of_series.get(series_ticker, ()))

    def events_of(self, series_ticker: str) -> list[Event]:
        """Give the events of a series."""
        self._catch_up()
        return [self._exchange.events[ticker] for ticker in self._events_of_series.get(series_ticker, ())]

    def _markets(self, tickers: Iterable[str]) -> list[Market]:
        return [self._exchange.markets[ticker] for ticker in tickers]

    def _catch_up(self) -> None:
        markets, events = self._exchange.markets, self._exchange.events
        if len(markets) > self._markets_seen:
            for market in islice(markets.values(), self._markets_seen, None):
                self._of_event.setdefault(market.event_ticker, []).append(market.ticker)
                self._of_series.setdefault(market.series_ticker, []).append(market.ticker)
            self._markets_seen = len(markets)
        if len(events) > self._events_seen:
            for event in islice(events.values(), self._events_seen, None):
                self._events_of_series.setdefault(event.series_ticker, []).append(event.event_ticker)
            self._events_seen = len(events)
