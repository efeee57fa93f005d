"""The archive: what settled or happened before the cutoffs, candlesticks in a schema of their own."""

from collections.abc import Iterable

from sim_exchange.api.calls import Call, Route
from sim_exchange.api.candle_routes import CandlesBody, read_period, refuse_too_many
from sim_exchange.api.market_routes import show_market, show_trades
from sim_exchange.api.order_reads import show_orders
from sim_exchange.api.pagination import oldest_first, page_limit
from sim_exchange.api.portfolio_routes import show_fills, show_positions
from sim_exchange.api.replies import Reply, not_found, problem, reply
from sim_exchange.api.text import instant
from sim_exchange.domain.types import Market, Position

_ONE_OF = ("tickers", "event_ticker", "series_ticker")


def cutoff(call: Call) -> Reply:
    """`GET /historical/cutoff`."""
    cutoffs = call.services.archive.at(call.now)
    return reply(
        {
            "market_settled_ts": instant(cutoffs.market_settled),
            "trades_created_ts": instant(cutoffs.trades_created),
            "orders_updated_ts": instant(cutoffs.orders_updated),
            "market_positions_last_updated_ts": instant(cutoffs.positions_updated),
        }
    )


def list_markets(call: Call) -> Reply:
    """`GET /historical/markets`: newest settlement first."""
    query, services = call.query, call.services
    limit = page_limit(query)
    query.word("mve_filter", ("exclude",))
    if sum(query.text(name) is not None for name in _ONE_OF) > 1:
        raise problem(400, "bad_request", f"only one of {', '.join(_ONE_OF)} can be used")
    event_ticker, series_ticker = query.text("event_ticker"), query.text("series_ticker")
    tickers = query.comma_list("tickers")
    rows: Iterable[Market]
    if event_ticker is not None:
        rows = services.catalogue.markets_of(event_ticker)
    elif series_ticker is not None:
        rows = services.catalogue.markets_of_series(series_ticker)
    elif tickers is not None:
        rows = [
            services.exchange.markets[ticker]
            for ticker in dict.fromkeys(tickers)
            if ticker in services.exchange.markets
        ]
    else:
        rows = services.exchange.markets.values()
    cutoffs = services.archive.at(call.now)
    archived = [market for market in rows if cutoffs.past_market(market)]
    # Archived markets no longer change, so a cursor stays good until a cutoff moves.
    archived.sort(key=lambda market: market.settlement_time or market.close_time, reverse=True)
    page, cursor = oldest_first(archived, lambda _: True, limit, query.text("cursor"))
    return reply({"markets": [show_market(call, market) for market in page], "cursor": cursor})


def get_market(call: Call) -> Reply:
    """`GET /historical/markets/{ticker}`."""
    return reply({"market": show_market(call, _archived_market(call))})


def get_candles(call: Call) -> Reply:
    """`GET /historical/markets/{ticker}/candlesticks`."""
    period = read_period(call.query)
    refuse_too_many(period)
    ticker = _archived_market(call).ticker
    candles = call.services.tape.candles_json(ticker, period.interval, period.start_ts, period.end_ts, historical=True)
    return reply(CandlesBody(ticker, candles))


def list_trades(call: Call) -> Reply:
    """`GET /historical/trades`."""
    return show_trades(call, archived=True)


def list_fills(call: Call) -> Reply:
    """`GET /historical/fills`."""
    return show_fills(call, archived=True)


def list_orders(call: Call) -> Reply:
    """`GET /historical/orders`."""
    return show_orders(call, archived=True)


def list_positions(call: Call) -> Reply:
    """`GET /historical/positions`."""
    past = call.services.archive.at(call.now).past_position

    def matches(position: Position) -> bool:
        return past(position)

    return show_positions(call, matches)


def _archived_market(call: Call) -> Market:
    market = call.services.exchange.markets.get(call.path["ticker"])
    if market is None or not call.services.archive.at(call.now).past_market(market):
        raise not_found()
    return market


ROUTES = (
    Route("GET", "/historical/cutoff", "GetHistoricalCutoff", cutoff),
    Route("GET", "/historical/markets", "GetHistoricalMarkets", list_markets),
    Route("GET", "/historical/markets/{ticker}", "GetHistoricalMarket", get_market),
    Route("GET", "/historical/markets/{ticker}/candlesticks", "GetMarketCandlesticksHistorical", get_candles),
    Route("GET", "/historical/trades", "GetTradesHistorical", list_trades),
    Route("GET", "/historical/fills", "GetFillsHistorical", list_fills, scope="read"),
    Route("GET", "/historical/orders", "GetHistoricalOrders", list_orders, scope="read"),
    Route("GET", "/historical/positions", "GetHistoricalPositions", list_positions, scope="read"),
)
