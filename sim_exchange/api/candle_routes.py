"""Candlesticks, live ones: of one market, of many at once, and of an event."""

from typing import NamedTuple

from msgspec import Raw, Struct

from sim_exchange.api.calls import Call, Route
from sim_exchange.api.inputs import Query
from sim_exchange.api.market_routes import live_market
from sim_exchange.api.replies import Reply, not_found, problem, reply
from sim_exchange.tape.periods import microseconds, minute_end, period_end

INTERVALS = (1, 60, 1440)
"""Minutes."""

_MOST_OF_ONE = 5_000
_MOST_OF_ALL = 10_000
_MOST_MARKETS = 100
_FOREVER = 1 << 50  # seconds; beyond it no calendar knows an instant


class Period(NamedTuple):
    """What was asked for: Unix seconds and minutes."""

    start_ts: int
    end_ts: int
    interval: int

    @property
    def candles(self) -> int:
        """How many candles there could be at most; counted on the request, whatever exists."""
        return (self.end_ts - self.start_ts) // (60 * self.interval)


class CandlesBody(Struct):
    """One market's candlesticks, already JSON."""

    ticker: str
    candlesticks: list[Raw]


class BatchItem(Struct):
    """`MarketCandlesticksResponse`."""

    market_ticker: str
    candlesticks: list[Raw]


class BatchBody(Struct):
    """`BatchGetMarketCandlesticksResponse`."""

    markets: list[BatchItem]


class EventCandlesBody(Struct):
    """`GetEventCandlesticksResponse`: parallel lists."""

    market_tickers: list[str]
    market_candlesticks: list[list[Raw]]
    adjusted_end_ts: int


def read_period(query: Query) -> Period:
    """Read times and interval. Problem (400) if they are missing, unknown, or the wrong way round."""
    start, end = query.required_integer("start_ts"), query.required_integer("end_ts")
    interval = query.required_integer("period_interval")
    if interval not in INTERVALS:
        raise query.invalid("period_interval", "oneof")
    if not -_FOREVER < start <= end < _FOREVER:
        raise problem(400, "bad_request", "start_ts must not be after end_ts")
    return Period(start, end, interval)


def refuse_too_many(period: Period) -> None:
    """Refuse more candles of one market than the exchange gives at once. Problem (400)."""
    if period.candles > _MOST_OF_ONE:
        details = f"requested time range with candlesticks: {period.candles}, max candlesticks: {_MOST_OF_ONE}"
        raise problem(400, "bad_request", details)


def of_market(call: Call) -> Reply:
    """`GET /series/{series}/markets/{ticker}/candlesticks`; the series is not looked at."""
    period = read_period(call.query)
    latest = bool(call.query.boolean("include_latest_before_start"))
    refuse_too_many(period)
    ticker = live_market(call).ticker
    return reply(CandlesBody(ticker, _candles(call, ticker, period, latest=latest)))


def of_many(call: Call) -> Reply:
    """`GET /markets/candlesticks`: unknown tickers are left out, those without candles are not."""
    query = call.query
    tickers = list(
        dict.fromkeys(query.required("market_tickers", query.comma_list("market_tickers", most=_MOST_MARKETS)))
    )
    period = read_period(query)
    latest = bool(query.boolean("include_latest_before_start"))
    wanted = len(tickers) * period.candles
    if wanted > _MOST_OF_ALL:
        details = f"requested candlesticks across all markets: {wanted}, max candlesticks: {_MOST_OF_ALL}"
        raise problem(400, "bad_request", details)
    markets, cutoffs = call.services.exchange.markets, call.services.archive.at(call.now)
    known = (ticker for ticker in tickers if (market := markets.get(ticker)) and not cutoffs.past_market(market))
    return reply(BatchBody([BatchItem(ticker, _candles(call, ticker, period, latest=latest)) for ticker in known]))


def of_event(call: Call) -> Reply:
    """`GET /series/{series}/events/{ticker}/candlesticks`: too late an end is pulled back, not refused."""
    period = read_period(call.query)
    services = call.services
    event_ticker = call.path["ticker"]
    if event_ticker not in services.exchange.events:
        raise not_found()
    cutoffs = services.archive.at(call.now)
    markets = services.catalogue.markets_of(event_ticker)
    tickers = [market.ticker for market in markets if not cutoffs.past_market(market)]
    most = _MOST_OF_ALL // max(len(tickers), 1)
    end = min(period.end_ts, period.start_ts + most * 60 * period.interval)
    period = period._replace(end_ts=end)
    return reply(EventCandlesBody(tickers, [_candles(call, ticker, period, latest=False) for ticker in tickers], end))


def _candles(call: Call, ticker: str, period: Period, *, latest: bool) -> list[Raw]:
    return call.services.tape.candles_json(
        ticker, period.interval, period.start_ts, _last(call, period), include_latest_before_start=latest
    )


def _last(call: Call, period: Period) -> int:
    """Return the end that was asked for, before any that has passed while what lies before it is yet to happen.

    Where markets are faster than this machine, such a candle would pass for complete.
    """
    reached = call.services.reached()
    if reached is None:
        return period.end_ts
    incomplete = period_end(minute_end(microseconds(reached)), period.interval)
    return min(period.end_ts, incomplete - 1) if incomplete <= call.now.timestamp() else period.end_ts


ROUTES = (
    Route("GET", "/series/{series_ticker}/markets/{ticker}/candlesticks", "GetMarketCandlesticks", of_market),
    Route("GET", "/markets/candlesticks", "BatchGetMarketCandlesticks", of_many),
    Route("GET", "/series/{series_ticker}/events/{ticker}/candlesticks", "GetMarketCandlesticksByEvent", of_event),
)
