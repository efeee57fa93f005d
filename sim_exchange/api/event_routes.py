"""Series and events."""

from msgspec import UNSET

from mesh.types import Hundredths, count_text
from sim_exchange.api.calls import Call, Route
from sim_exchange.api.market_filters import FILTERS
from sim_exchange.api.market_routes import show_market
from sim_exchange.api.market_views import EventBody, MarketBody, event_body, series_body, sources_body
from sim_exchange.api.pagination import oldest_first, page_limit
from sim_exchange.api.replies import Reply, not_found, problem, reply
from sim_exchange.api.text import unix_seconds
from sim_exchange.domain.types import Event, Series

_EVENT_FILTERS = ("unopened", "open", "closed", "settled")
_MOST_EVENTS = 200


def list_series(call: Call) -> Reply:
    """`GET /series`: all of them, not paged."""
    query = call.query
    category, tags = query.text("category"), query.comma_list("tags")
    query.boolean("include_product_metadata")
    with_volume = bool(query.boolean("include_volume"))
    updated = query.integer("min_updated_ts")
    rows = [
        series_body(series, _volume(call, series) if with_volume else UNSET)
        for series in call.services.exchange.series.values()
        if (category is None or series.category == category)
        and (tags is None or not set(tags).isdisjoint(series.tags))
        and (updated is None or (series.updated_time is not None and unix_seconds(series.updated_time) >= updated))
    ]
    return reply({"series": rows})


def get_series(call: Call) -> Reply:
    """`GET /series/{series_ticker}`."""
    with_volume = bool(call.query.boolean("include_volume"))
    series = call.services.exchange.series.get(call.path["series_ticker"])
    if series is None:
        raise not_found()
    return reply({"series": series_body(series, _volume(call, series) if with_volume else UNSET)})


def list_events(call: Call) -> Reply:
    """`GET /events`."""
    query, services = call.query, call.services
    limit = page_limit(query, default=_MOST_EVENTS, maximum=_MOST_EVENTS, minimum=1)
    status = query.word("status", _EVENT_FILTERS)
    series, tickers = query.text("series_ticker"), query.comma_list("tickers")
    nested, milestones = query.boolean("with_nested_markets"), query.boolean("with_milestones")
    closes, updated = query.integer("min_close_ts"), query.integer("min_updated_ts")
    wanted = None if tickers is None else set(tickers)

    def matches(event: Event) -> bool:
        if wanted is not None and event.event_ticker not in wanted:
            return False
        if updated is not None and (event.updated_time is None or unix_seconds(event.updated_time) < updated):
            return False
        if status is None and closes is None:
            return True
        children = services.catalogue.markets_of(event.event_ticker)
        return (status is None or any(market.status in FILTERS[status] for market in children)) and (
            closes is None or any(unix_seconds(market.close_time) >= closes for market in children)
        )

    rows = services.exchange.events.values() if series is None else services.catalogue.events_of(series)
    page, cursor = oldest_first(rows, matches, limit, query.text("cursor"))
    body: dict[str, object] = {"events": [_event(call, event, nested=bool(nested)) for event in page], "cursor": cursor}
    return reply(body | {"milestones": []} if milestones else body)


def no_multivariate_events(call: Call) -> Reply:
    """`GET /events/multivariate`: combos are not simulated."""
    call.query.integer("limit", minimum=1, maximum=_MOST_EVENTS)
    return reply({"events": [], "cursor": ""})


def get_event(call: Call) -> Reply:
    """`GET /events/{event_ticker}`: its markets beside it, or inside it where nesting is asked for."""
    nested = bool(call.query.boolean("with_nested_markets"))
    without = bool(call.query.boolean("exclude_markets"))
    if nested and without:
        raise problem(400, "bad_request", "with_nested_markets and exclude_markets cannot be used together")
    event = _find(call)
    beside = [] if nested or without else _live_markets(call, event)
    return reply({"event": _event(call, event, nested=nested), "markets": beside})


def get_event_metadata(call: Call) -> Reply:
    """`GET /events/{event_ticker}/metadata`: pictures, of which the simulation has none."""
    event = _find(call)
    details = [
        {"market_ticker": market.ticker, "image_url": "", "color_code": ""}
        for market in call.services.catalogue.markets_of(event.event_ticker)
    ]
    series = call.services.exchange.series.get(event.series_ticker)
    return reply({"image_url": "", "settlement_sources": sources_body(series), "market_details": details})


def _find(call: Call) -> Event:
    event = call.services.exchange.events.get(call.path["event_ticker"])
    if event is None:
        raise not_found()
    return event


def _event(call: Call, event: Event, *, nested: bool) -> EventBody:
    series = call.services.exchange.series.get(event.series_ticker)
    return event_body(event, series, _live_markets(call, event) if nested else UNSET)


def _live_markets(call: Call, event: Event) -> list[MarketBody]:
    services = call.services
    cutoffs = services.archive.at(call.now)
    return [
        show_market(call, market)
        for market in services.catalogue.markets_of(event.event_ticker)
        if not cutoffs.past_market(market)
    ]


def _volume(call: Call, series: Series) -> str:
    markets = call.services.catalogue.markets_of_series(series.ticker)
    return count_text(Hundredths(sum(market.volume for market in markets)))


ROUTES = (
    Route("GET", "/series", "GetSeriesList", list_series),
    Route("GET", "/series/{series_ticker}", "GetSeries", get_series),
    Route("GET", "/events", "GetEvents", list_events),
    Route("GET", "/events/multivariate", "GetMultivariateEvents", no_multivariate_events),
    Route("GET", "/events/{event_ticker}", "GetEvent", get_event),
    Route("GET", "/events/{event_ticker}/metadata", "GetEventMetadata", get_event_metadata),
)
