"""Every call of the Kalshi client, made once with every argument, as it arrives at a server that has nothing."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from aiohttp import web

from mesh.clock import SystemClock
from mesh.kalshi.client import KalshiClient, connect
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ExchangeError
from mesh.kalshi.rest.candle_plan import CandleCall
from mesh.kalshi.rest.filters import MarketQuery
from mesh.kalshi.rest.order_terms import NewOrder, NewTerms, OrderRef
from mesh.kalshi.sides import Quote
from mesh.kalshi.terms import BookSide, MarketFilter, OrderStatus, TimeInForce
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import Limits
from mesh.types import Hundredths, Micros, Price

NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAST = Rate(1e6, 1e6)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Sent:
    """A request as it arrived."""

    method: str
    path: str
    """Below `/trade-api/v2`."""
    query: tuple[tuple[str, str], ...]
    body: Any


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """Serve on loopback; gives the host as a client's configuration wants it."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def talking(answer: Answer) -> AsyncIterator[KalshiClient]:
    """A client without a key and without pacing, and a server that answers it."""
    clock = SystemClock()
    limits = Limits(clock, read=FAST, write=FAST)
    limits.balance.set_account(FAST)
    async with serving(answer) as host:
        config = KalshiConfig(environment="custom", host=host, read_seconds=5.0, answer_seconds=5.0)
        async with connect(config, clock, limits=limits) as client:
            yield client


async def every_call() -> list[Sent]:
    """Make every call; return what arrived."""
    sent: list[Sent] = []

    async def refuse(request: web.Request) -> web.Response:
        text = await request.text()
        path = request.path.removeprefix("/trade-api/v2")
        sent.append(Sent(request.method, path, tuple(request.query.items()), json.loads(text) if text else None))
        return web.json_response({"error": {"code": "not_found", "message": "not found"}}, status=404)

    async with talking(refuse) as client:
        for call in (*public_reads(client), *account_reads(client), *writes(client)):
            before = len(sent)
            with suppress(ExchangeError):
                if isinstance(call, AsyncIterator):
                    async for _ in call:
                        pass
                else:
                    await call
            assert len(sent) > before, "a call sent nothing"
    return sent


Call = Awaitable[object] | AsyncIterator[object]


def public_reads(client: KalshiClient) -> Iterator[Call]:
    markets, candles, archive = client.markets, client.candles, client.historical
    yield client.exchange.status()
    yield client.exchange.schedule()
    yield client.exchange.user_data_time()
    yield client.exchange.series_fee_changes("KXBTC", past_too=True)
    yield client.exchange.event_fee_changes("KXBTC-26JUL1002")
    yield markets.series("KXBTC", volume=True)
    yield markets.all_series(category="Crypto", tags=["BTC", "Hourly"], updated_from=NOW)
    yield markets.event("KXBTC-26JUL1002")
    yield markets.events(
        series_ticker="KXBTC", tickers=["E1", "E2"], status=MarketFilter.OPEN,
        close_from=NOW, updated_from=NOW, nested_markets=True,
    )  # fmt: skip
    yield markets.market("KXBTC-26JUL1002-T53200")
    for query in queries():
        yield markets.markets(query)
    yield markets.markets_named(["A", "B"])
    yield markets.order_book("A", depth=10)
    yield markets.order_books(["A", "B"])
    yield markets.trades("A", first=NOW, last=NOW + HOUR, block_trades=False)
    yield candles.of_market("KXBTC-26JUL1002-T53200", NOW, NOW + HOUR, 1, latest_before=True)
    yield candles.planned([CandleCall(("A", "B"), 0, 3600, batch=True), CandleCall(("A",), 0, 3600, batch=False)], 60)
    yield candles.of_event("KXBTC-26JUL1002", NOW, NOW + HOUR, 60)
    yield archive.cutoff()
    yield archive.market("A")
    yield archive.markets(series_ticker="KXBTC")
    yield archive.markets(event_ticker="KXBTC-26JUL1002")
    yield archive.markets(tickers=["A", "B"])
    yield archive.candles("A", NOW, NOW + HOUR, 1440)
    yield archive.trades("A", first=NOW, last=NOW + HOUR, block_trades=True)
    yield client.account.learn_costs()


def queries() -> Iterator[MarketQuery]:
    later = NOW + HOUR
    yield MarketQuery(event_ticker="E", tickers=["A"], combos=True)
    yield MarketQuery(status=MarketFilter.OPEN, created_from=NOW, created_to=later)
    yield MarketQuery(status=MarketFilter.CLOSED, close_from=NOW, close_to=later)
    yield MarketQuery(status=MarketFilter.SETTLED, settled_from=NOW, settled_to=later)
    yield MarketQuery(series_ticker="KXBTC", updated_from=NOW, updated_to=later)


def account_reads(client: KalshiClient) -> Iterator[Call]:
    portfolio, orders, later = client.portfolio, client.orders, NOW + HOUR
    settlement_status: Literal["all"] = "all"
    yield client.account.learn_limits()
    yield portfolio.balance(exchange_index=2, subaccount=1)
    yield portfolio.subaccount_balances()
    yield portfolio.positions(
        ticker="A", event_ticker="E", settlement_status=settlement_status, count_filter="position",
        subaccount=1, exchange_index=2,
    )  # fmt: skip
    yield portfolio.fills(
        tickers=["A", "B"], order_id="O", first=NOW, last=later, subaccount=1, exchange_index=2
    )  # fmt: skip
    yield portfolio.settlements(ticker="A", event_ticker="E", first=NOW, last=later, subaccount=1)
    yield orders.order("O")
    yield orders.orders(
        ticker="A", event_tickers=["E", "F"], status=OrderStatus.RESTING, first=NOW, last=later,
        subaccount=1, exchange_index=2,
    )  # fmt: skip
    yield orders.find("mine", ticker="A", first=NOW)
    yield orders.queue_position("O")
    yield orders.queue_positions(market_tickers=["A", "B"], event_ticker="E", subaccount=1)
    yield client.order_groups.groups(subaccount=1)
    yield client.order_groups.group("G", subaccount=1)
    yield client.historical.fills(ticker="A", first=NOW, last=later, subaccount=1)
    yield client.historical.orders(ticker="A", first=NOW, last=later, subaccount=1)
    yield client.historical.positions(ticker="A", event_ticker="E", subaccount=1)


def new_order(client_order_id: str = "mine") -> NewOrder:
    return NewOrder(
        ticker="A",
        client_order_id=client_order_id,
        quote=Quote(BookSide.ASK, Price(470_000)),
        count=Hundredths(1250),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        expiration_time=NOW + HOUR,
        post_only=True,
        cancel_order_on_pause=True,
        order_group_id="G",
        subaccount=1,
        exchange_index=2,
    )


def writes(client: KalshiClient) -> Iterator[Call]:
    orders, groups = client.orders, client.order_groups
    ref = OrderRef(order_id="O", market_ticker="A", exchange_index=2, subaccount=1)
    terms = NewTerms(
        ticker="A", quote=Quote(BookSide.BID, Price(10_000)), count=Hundredths(100), client_order_id="mine",
        updated_client_order_id="mine too", expiration_time=NOW + HOUR, exchange_index=2,
    )  # fmt: skip
    yield orders.place(new_order())
    yield orders.cancel(ref)
    yield orders.cancel_all(subaccount=1)
    yield orders.amend("O", terms, subaccount=1)
    yield orders.decrease(ref, by=Hundredths(50))
    yield orders.decrease(ref, to=Hundredths(0))
    yield client.batches.place([new_order("one"), new_order("two")])
    yield client.batches.cancel([ref])
    yield groups.create(Hundredths(10_000), subaccount=1, exchange_index=2)
    yield groups.set_limit("G", Hundredths(10_000), subaccount=1, exchange_index=2)
    yield groups.reset("G", subaccount=1, exchange_index=2)
    yield groups.trigger("G", subaccount=1, exchange_index=2)
    yield groups.delete("G", subaccount=1, exchange_index=2)
    yield client.portfolio.transfer(
        Micros(12_300), source_shard=0, destination_shard=2, subaccount=1,
        client_transfer_id="8ae6f81d-5f9d-4bb0-8bff-076e5cb4038d",
    )  # fmt: skip
