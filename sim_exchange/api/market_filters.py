"""Which markets a list shows: the words of its status filter, and which time filters go with which. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from mesh.kalshi.terms import MarketStatus
from sim_exchange.api.catalogue import Catalogue
from sim_exchange.api.inputs import Query
from sim_exchange.api.replies import problem
from sim_exchange.api.text import unix_seconds
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.types import Market

FILTERS: Mapping[str, frozenset[MarketStatus]] = MappingProxyType(
    {
        "unopened": frozenset({MarketStatus.INITIALIZED}),
        "open": frozenset({MarketStatus.ACTIVE}),
        "paused": frozenset({MarketStatus.INACTIVE}),
        "closed": frozenset(
            {MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED}
        ),
        "settled": frozenset({MarketStatus.FINALIZED}),
    }
)
"""Statuses of the record by word of the filter."""


class _Family(NamedTuple):
    """A pair of time filters: what it looks at, and with which status filters it may be used."""

    time: Callable[[Market], datetime | None]
    goes_with: frozenset[str]


_FAMILIES: Mapping[str, _Family] = MappingProxyType(
    {
        "created": _Family(lambda market: market.created_time, frozenset({"unopened", "open"})),
        "close": _Family(lambda market: market.close_time, frozenset({"closed"})),
        "settled": _Family(lambda market: market.settlement_time, frozenset({"settled"})),
        "updated": _Family(lambda market: market.updated_time or market.created_time, frozenset()),
    }
)


class MarketSelection:
    """The filters of `GET /markets`. Problem (400) where they do not go together."""

    def __init__(self, query: Query) -> None:
        self.status = query.word("status", FILTERS)
        self.event_ticker = query.text("event_ticker")
        self.series_ticker = query.text("series_ticker")
        tickers = query.comma_list("tickers")
        self.tickers = None if tickers is None else dict.fromkeys(tickers)
        self.combos_only = query.word("mve_filter", ("only", "exclude")) == "only"
        excludes_combos = query.text("mve_filter") == "exclude"
        bounds = {name: (query.integer(f"min_{name}_ts"), query.integer(f"max_{name}_ts")) for name in _FAMILIES}
        self._bounds = {name: pair for name, pair in bounds.items() if pair != (None, None)}
        self._refuse_what_does_not_go_together(excludes_combos=excludes_combos)

    def candidates(self, exchange: Exchange, catalogue: Catalogue) -> Iterable[Market]:
        """Give the markets to look at, in an order that only grows: those of one event or series where one is named."""
        if self.event_ticker is not None:
            return catalogue.markets_of(self.event_ticker)
        if self.series_ticker is not None:
            return catalogue.markets_of_series(self.series_ticker)
        if self.tickers is not None:
            return [exchange.markets[ticker] for ticker in self.tickers if ticker in exchange.markets]
        return exchange.markets.values()

    def __call__(self, market: Market) -> bool:
        """Tell whether a market is shown."""
        return (
            not self.combos_only
            and (self.status is None or market.status in FILTERS[self.status])
            and (self.event_ticker is None or market.event_ticker == self.event_ticker)
            and (self.series_ticker is None or market.series_ticker == self.series_ticker)
            and (self.tickers is None or market.ticker in self.tickers)
            and all(
                _within(_FAMILIES[name].time(market), earliest, latest)
                for name, (earliest, latest) in self._bounds.items()
            )
        )

    def _refuse_what_does_not_go_together(self, *, excludes_combos: bool) -> None:
        if len(self._bounds) > 1:
            raise problem(400, "bad_request", "timestamp filters are mutually exclusive")
        for name in self._bounds:
            if self.status is not None and self.status not in _FAMILIES[name].goes_with:
                raise problem(400, "bad_request", f"{name} timestamp filters cannot be used with status {self.status}")
            if name == "updated" and (not excludes_combos or self.event_ticker or self.tickers is not None):
                raise problem(
                    400, "bad_request", "updated timestamp filters need mve_filter=exclude and no other filter"
                )


def _within(time: datetime | None, earliest: int | None, latest: int | None) -> bool:
    if time is None:
        return False
    seconds = unix_seconds(time)
    return (earliest is None or seconds >= earliest) and (latest is None or seconds <= latest)
