"""A member's balance, positions, fills and settlements, as fresh as the exchange's reads are."""

from collections.abc import Callable

from mesh.types import CENT, CONTRACT, DOLLAR, Micros, dollars
from sim_exchange.api.calls import Bill, Call, Route
from sim_exchange.api.inputs import Query
from sim_exchange.api.own_views import event_position_body, fill_body, position_body, settlement_body
from sim_exchange.api.pagination import newest_first, page_limit
from sim_exchange.api.replies import Reply, problem, reply
from sim_exchange.api.text import unix_seconds
from sim_exchange.domain.types import Fill, Position, Settlement

_MOST_TICKERS = 100
_COUNTS = {"position": "count", "total_traded": "total_traded"}
_STATES = ("unsettled", "settled", "all")


def get_balance(call: Call) -> Reply:
    """`GET /portfolio/balance`: money that can be spent, of all shards or of one."""
    query = call.query
    shard = query.integer("exchange_index")
    subaccount = read_subaccount(query)
    shards = call.services.shards
    if shard is not None and shard not in shards:
        raise problem(400, "invalid_parameters", "unknown exchange_index")
    wanted = shards if shard is None else (shard,)
    money = {index: Micros(0) if subaccount else _spendable(call, index) for index in wanted}
    held = [] if subaccount else call.services.history.positions(call.account_id, call.stale)
    worth = sum(_worth(call, position) for position in held if position.exchange_index in wanted)
    balance = Micros(sum(money.values()))
    return reply(
        {
            "balance": balance // CENT,
            "balance_dollars": dollars(balance),
            "portfolio_value": worth // CENT,
            "updated_ts": unix_seconds(call.now),
            "balance_breakdown": [
                {"exchange_index": index, "balance": dollars(amount)} for index, amount in money.items()
            ],
        }
    )


def get_subaccount_balances(call: Call) -> Reply:
    """`GET /portfolio/subaccounts/balances`: there is only the primary account, 0."""
    rows = [
        {
            "subaccount_number": 0,
            "exchange_index": index,
            "balance": dollars(_spendable(call, index)),
            "updated_ts": unix_seconds(call.now),
        }
        for index in call.services.shards
    ]
    return reply({"subaccount_balances": rows})


def list_positions(call: Call) -> Reply:
    """`GET /portfolio/positions`."""
    query = call.query
    state = query.word("settlement_status", _STATES) or "unsettled"
    counts = query.comma_list("count_filter") or []
    if not set(counts) <= set(_COUNTS):
        raise query.invalid("count_filter", "oneof")
    shard = query.integer("exchange_index", minimum=0)
    past = call.services.archive.at(call.now).past_position

    def matches(position: Position) -> bool:
        return (
            (state == "all" or position.settled == (state == "settled"))
            and all(getattr(position, _COUNTS[name]) for name in counts)
            and (shard is None or position.exchange_index == shard)
            and not past(position)
        )

    return show_positions(call, matches)


def show_positions(call: Call, matches: Callable[[Position], bool]) -> Reply:
    """Answer with a page of positions, and what the events on it add up to."""
    query = call.query
    limit = page_limit(query, minimum=1)
    ticker, event_ticker = query.text("ticker"), query.comma_list("event_ticker", most=_MOST_TICKERS)
    if read_subaccount(query):
        return reply({"market_positions": [], "event_positions": [], "cursor": ""})

    def wanted(position: Position) -> bool:
        return (
            (ticker is None or position.ticker == ticker)
            and (event_ticker is None or position.event_ticker in event_ticker)
            and matches(position)
        )

    rows = call.services.history.positions(call.account_id, call.stale)
    page, cursor = newest_first(rows, wanted, limit, query.text("cursor"))
    of_events: dict[str, list[Position]] = {position.event_ticker: [] for position in page}
    for position in rows:
        if position.event_ticker in of_events and wanted(position):
            of_events[position.event_ticker].append(position)
    return reply(
        {
            "market_positions": [position_body(position) for position in page],
            "event_positions": [event_position_body(event, positions) for event, positions in of_events.items()],
            "cursor": cursor,
        }
    )


def list_fills(call: Call) -> Reply:
    """`GET /portfolio/fills`."""
    return show_fills(call, archived=False)


def show_fills(call: Call, *, archived: bool) -> Reply:
    """Answer with a page of fills from one side of the cutoff, newest first."""
    query = call.query
    limit = page_limit(query, minimum=1)
    tickers, order_id = query.comma_list("ticker", most=_MOST_TICKERS), query.text("order_id")
    within = read_times(query)
    shard, subaccount = query.integer("exchange_index", minimum=0), read_subaccount(query)
    past = call.services.archive.at(call.now).past_fill

    def matches(fill: Fill) -> bool:
        return (
            past(fill) == archived
            and (tickers is None or fill.ticker in tickers)
            and (order_id is None or fill.order_id == order_id)
            and (shard is None or fill.exchange_index == shard)
            and (subaccount is None or fill.subaccount == subaccount)
            and within(unix_seconds(fill.time))
        )

    rows = call.services.history.fills(call.account_id, call.stale)
    page, cursor = newest_first(rows, matches, limit, query.text("cursor"))
    return reply({"fills": [fill_body(fill) for fill in page], "cursor": cursor})


def list_settlements(call: Call) -> Reply:
    """`GET /portfolio/settlements`: newest first; archived ones are served nowhere."""
    query = call.query
    limit = page_limit(query, minimum=1)
    ticker, event_ticker = query.text("ticker"), query.text("event_ticker")
    within, subaccount = read_times(query), read_subaccount(query)
    past = call.services.archive.at(call.now).past_settlement

    def matches(settlement: Settlement) -> bool:
        return (
            not past(settlement)
            and (ticker is None or settlement.ticker == ticker)
            and (event_ticker is None or settlement.event_ticker == event_ticker)
            and (subaccount is None or settlement.subaccount == subaccount)
            and within(unix_seconds(settlement.time))
        )

    rows = call.services.history.settlements(call.account_id, call.stale)
    page, cursor = newest_first(rows, matches, limit, query.text("cursor"))
    return reply({"settlements": [settlement_body(settlement) for settlement in page], "cursor": cursor})


def no_movements(name: str) -> Callable[[Call], Reply]:
    """Answer that no money came from or went to a bank: the simulation has none."""

    def handler(call: Call) -> Reply:
        call.query.integer("limit", minimum=1, maximum=500)
        return reply({name: [], "cursor": ""})

    return handler


def read_times(query: Query) -> Callable[[int], bool]:
    """Read `min_ts` and `max_ts` into a test of Unix seconds, both ends included."""
    earliest, latest = query.integer("min_ts"), query.integer("max_ts")
    return lambda seconds: (earliest is None or seconds >= earliest) and (latest is None or seconds <= latest)


def read_subaccount(query: Query) -> int | None:
    """Read the filter for a subaccount; only 0 has anything."""
    return query.integer("subaccount", minimum=0)


def _spendable(call: Call, shard: int) -> Micros:
    available, cash = call.services.history.money(call.account_id, shard, call.stale)
    return available if call.services.quirks.balance_excludes_resting else cash


def _worth(call: Call, position: Position) -> int:
    """Value a position at the last price, or at what the market pays where that is known."""
    market = call.services.exchange.markets[position.ticker]
    yes = market.last_price if market.settlement_value is None else market.settlement_value
    if position.settled:
        return 0
    if yes is None:
        return position.open_cost
    return (yes * position.count if position.count > 0 else (DOLLAR - yes) * -position.count) // CONTRACT


ROUTES = (
    Route("GET", "/portfolio/balance", "GetBalance", get_balance, scope="read::portfolio_balance", bill=Bill.BALANCE),
    Route(
        "GET",
        "/portfolio/subaccounts/balances",
        "GetSubaccountBalances",
        get_subaccount_balances,
        scope="read::portfolio_balance",
    ),
    Route("GET", "/portfolio/positions", "GetPositions", list_positions, scope="read"),
    Route("GET", "/portfolio/fills", "GetFills", list_fills, scope="read"),
    Route("GET", "/portfolio/settlements", "GetSettlements", list_settlements, scope="read"),
    Route("GET", "/portfolio/deposits", "GetDeposits", no_movements("deposits"), scope="read"),
    Route("GET", "/portfolio/withdrawals", "GetWithdrawals", no_movements("withdrawals"), scope="read"),
)
