"""A member's orders, and how many contracts are ahead of them."""

from mesh.kalshi.terms import OrderStatus
from mesh.types import count_text
from sim_exchange.api.calls import Call, Route
from sim_exchange.api.own_views import order_body
from sim_exchange.api.pagination import newest_first, page_limit
from sim_exchange.api.portfolio_routes import read_subaccount, read_times
from sim_exchange.api.replies import Reply, not_found, reply
from sim_exchange.api.text import unix_seconds
from sim_exchange.domain.types import Order

_MOST_TICKERS = 100
_STATUSES = ("resting", "canceled", "executed")


def list_orders(call: Call) -> Reply:
    """`GET /portfolio/orders`."""
    return show_orders(call, archived=False)


def show_orders(call: Call, *, archived: bool) -> Reply:
    """Answer with a page of orders from one side of the cutoff, newest first."""
    query = call.query
    limit = page_limit(query, minimum=1)
    tickers = query.comma_list("ticker", most=_MOST_TICKERS)
    events = query.comma_list("event_ticker", most=_MOST_TICKERS)
    status, within = query.word("status", _STATUSES), read_times(query)
    shard, subaccount = query.integer("exchange_index", minimum=0), read_subaccount(query)
    past = call.services.archive.at(call.now).past_order

    def matches(order: Order) -> bool:
        return (
            (status is None or order.status.value == status)
            and past(order) == archived
            and (tickers is None or order.ticker in tickers)
            and (events is None or order.event_ticker in events)
            and (shard is None or order.exchange_index == shard)
            and (subaccount is None or order.subaccount == subaccount)
            and within(unix_seconds(order.created_time))
        )

    rows = call.services.history.orders(call.account_id, call.stale)
    page, cursor = newest_first(rows, matches, limit, query.text("cursor"))
    return reply({"orders": [order_body(order) for order in page], "cursor": cursor})


def get_order(call: Call) -> Reply:
    """`GET /portfolio/orders/{order_id}`."""
    return reply({"order": order_body(_own_order(call))})


def list_queue_positions(call: Call) -> Reply:
    """`GET /portfolio/orders/queue_positions`: of all resting orders, or those of some markets or of an event."""
    query = call.query
    tickers, event_ticker = query.comma_list("market_tickers"), query.text("event_ticker")
    subaccount = read_subaccount(query)
    rows = [
        {
            "order_id": order.order_id,
            "market_ticker": order.ticker,
            "queue_position_fp": count_text(call.services.exchange.queue_position(order)),
        }
        for order in call.services.exchange.orders_of(call.account_id)
        if order.status is OrderStatus.RESTING
        and (tickers is None or order.ticker in tickers)
        and (event_ticker is None or order.event_ticker == event_ticker)
        and (subaccount is None or order.subaccount == subaccount)
    ]
    return reply({"queue_positions": rows})


def get_queue_position(call: Call) -> Reply:
    """`GET /portfolio/orders/{order_id}/queue_position`: of a resting order."""
    order = call.services.exchange.orders.get(call.path["order_id"])
    if order is None or order.account_id != call.account_id or order.status is not OrderStatus.RESTING:
        raise not_found()
    return reply({"queue_position_fp": count_text(call.services.exchange.queue_position(order))})


def _own_order(call: Call) -> Order:
    order = call.services.history.order(call.account_id, call.path["order_id"], call.stale)
    if order is None or call.services.archive.at(call.now).past_order(order):
        raise not_found()
    return order


ROUTES = (
    Route("GET", "/portfolio/orders", "GetOrders", list_orders, scope="read"),
    Route("GET", "/portfolio/orders/queue_positions", "GetOrderQueuePositions", list_queue_positions, scope="read"),
    Route("GET", "/portfolio/orders/{order_id}", "GetOrder", get_order, scope="read", cost=2),
    Route(
        "GET", "/portfolio/orders/{order_id}/queue_position", "GetOrderQueuePosition", get_queue_position, scope="read"
    ),
)
