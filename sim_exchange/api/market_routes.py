"""Markets, order books and public trades, as far as they are not archived."""

from datetime import timedelta

from mesh.types import DOLLAR, Hundredths
from sim_exchange.api.calls import Call, Route
from sim_exchange.api.market_filters import MarketSelection
from sim_exchange.api.market_views import Figures, MarketBody, book_body, market_body, trade_body
from sim_exchange.api.pagination import cursor_of, number_of, oldest_first, page_limit
from sim_exchange.api.replies import Reply, not_found, reply
from sim_exchange.api.text import unix_micros
from sim_exchange.domain.types import Market

_DAY = timedelta(days=1)
_MOST_BOOKS = 100
_MOST_LEVELS = 100


def list_markets(call: Call) -> Reply:
    """`GET /markets`."""
    services, query = call.services, call.query
    limit = page_limit(query)
    selected = MarketSelection(query)
    cutoffs = services.archive.at(call.now)
    page, cursor = oldest_first(
        selected.candidates(services.exchange, services.catalogue),
        lambda market: selected(market) and not cutoffs.past_market(market),
        limit,
        query.text("cursor"),
    )
    return reply({"markets": [show_market(call, market) for market in page], "cursor": cursor})


def get_market(call: Call) -> Reply:
    """`GET /markets/{ticker}`."""
    return reply({"market": show_market(call, live_market(call))})


def get_book(call: Call) -> Reply:
    """`GET /markets/{ticker}/orderbook`."""
    depth = call.query.integer("depth", minimum=0, maximum=_MOST_LEVELS) or 0
    market = live_market(call)
    return reply({"orderbook_fp": book_body(call.services.exchange, market.ticker, depth)})


def get_books(call: Call) -> Reply:
    """`GET /markets/orderbooks`: the parameter is repeated; unknown tickers are left out."""
    tickers = call.query.required("tickers", call.query.repeated("tickers") or None)
    if len(tickers) > _MOST_BOOKS:
        raise call.query.invalid("tickers", "max")
    exchange, cutoffs = call.services.exchange, call.services.archive.at(call.now)
    known = [
        ticker for ticker in tickers if (market := exchange.markets.get(ticker)) and not cutoffs.past_market(market)
    ]
    rows = [{"ticker": ticker, "orderbook_fp": book_body(exchange, ticker, 0)} for ticker in known]
    return reply({"orderbooks": rows})


def list_trades(call: Call) -> Reply:
    """`GET /markets/trades`: newest first, and none of an unknown or archived market."""
    return show_trades(call, archived=False)


def live_market(call: Call) -> Market:
    """Find the market of the path. Problem (404) if it is unknown or archived."""
    market = call.services.exchange.markets.get(call.path["ticker"])
    if market is None or call.services.archive.at(call.now).past_market(market):
        raise not_found()
    return market


def show_market(call: Call, market: Market) -> MarketBody:
    """Show a market, in the same way wherever markets are shown.

    The tape is asked only about markets that traded across yesterday's now: of all others yesterday is known without
    their history, which may have to be made first.
    """
    services = call.services
    day_ago = call.now - _DAY
    if market.open_time < day_ago <= market.close_time:
        ticker = services.tape.ticker_state(market.ticker, call.now)
        figures = Figures(ticker.volume_24h, ticker.previous_bid, ticker.previous_ask, ticker.previous_price)
    elif market.close_time < day_ago:
        figures = Figures(Hundredths(0), 0, DOLLAR, market.last_price or 0)
    else:
        figures = Figures(market.volume, 0, 0, 0)
    event = services.exchange.events.get(market.event_ticker)
    book = services.exchange.books.get(market.ticker)
    return market_body(market, event, book, figures, liquidity=services.quirks.liquidity_dollars)


def show_trades(call: Call, *, archived: bool) -> Reply:
    """Answer with a page of trades from one side of the cutoff."""
    query, services = call.query, call.services
    limit, ticker = page_limit(query), query.text("ticker")
    earliest, latest = query.integer("min_ts"), query.integer("max_ts")
    nothing = bool(query.boolean("is_block_trade")) or (ticker is not None and ticker not in services.exchange.markets)
    border = -(-unix_micros(services.archive.at(call.now).trades_created) // 1_000_000)
    if archived:
        latest = border - 1 if latest is None else min(latest, border - 1)
    else:
        earliest = border if earliest is None else max(earliest, border)
    if nothing:
        return reply({"trades": [], "cursor": ""})
    before = number_of(query.text("cursor"))
    page, following = services.tape.trades(ticker, min_ts=earliest, max_ts=latest, before=before, limit=limit)
    cursor = "" if following is None else cursor_of(following)
    return reply({"trades": [trade_body(trade) for trade in page], "cursor": cursor})


ROUTES = (
    Route("GET", "/markets", "GetMarkets", list_markets),
    Route("GET", "/markets/trades", "GetTrades", list_trades),
    Route("GET", "/markets/orderbooks", "GetMarketOrderbooks", get_books),
    Route("GET", "/markets/{ticker}", "GetMarket", get_market),
    Route("GET", "/markets/{ticker}/orderbook", "GetMarketOrderbook", get_book),
)
