"""What a reader of kalshi-sdk's documentation would write. Runs in the environment of that SDK."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pydantic
from kalshi import (  # type: ignore[import-not-found]
    AsyncKalshiClient,
    KalshiAuth,
    KalshiAuthError,
    KalshiConfig,
    KalshiError,
)
from kalshi.models.orders import (  # type: ignore[import-not-found]
    AmendOrderV2Request,
    BatchCancelOrdersV2Request,
    BatchCreateOrdersV2Request,
    CreateOrderV2Request,
    DecreaseOrderV2Request,
)
from kalshi.ws import KalshiWebSocket  # type: ignore[import-not-found]

from tests.e2e.sdk.answer import main

Facts = dict[str, Any]


def config(access: Facts) -> Any:
    """Only host and key differ from a client of the real exchange."""
    return KalshiConfig(base_url=access["url"], ws_base_url=access["ws_url"], max_retries=0)


def client(access: Facts) -> Any:
    return AsyncKalshiClient(key_id=access["key_id"], private_key_path=access["key_file"], config=config(access))


async def refused(call: Awaitable[Any]) -> list[Any]:
    try:
        answer = await call
    except KalshiError as error:
        return [type(error).__name__, error.status_code, str(error)]
    raise AssertionError(f"not refused: {answer}")


def rows(found: Any) -> list[Facts]:
    return [row.model_dump(mode="json") for row in found]


async def every(found: AsyncIterator[Any]) -> list[Facts]:
    return [row.model_dump(mode="json") async for row in found]


async def needs_liquidity(access: Facts, arguments: Facts) -> list[Any]:
    """Read markets where the exchange sends no `liquidity_dollars`, as it does since October 2026."""
    async with client(access) as kalshi:
        try:
            await kalshi.markets.get(arguments["ticker"])
        except pydantic.ValidationError as error:
            return [[".".join(map(str, each["loc"])), each["type"]] for each in error.errors()]
    raise AssertionError("the SDK does not demand liquidity_dollars any more")


async def markets(access: Facts, arguments: Facts) -> Facts:
    event, ticker, other, past = (arguments[name] for name in ("event", "ticker", "other", "past"))
    hours = {"start_ts": arguments["start_ts"], "end_ts": arguments["end_ts"], "period_interval": 60}
    past_hours = {"start_ts": past["start_ts"], "end_ts": past["end_ts"], "period_interval": 60}
    async with client(access) as kalshi:
        return {
            "status": await kalshi.exchange.status(),
            "schedule": await kalshi.exchange.schedule(),
            "as_of": await kalshi.exchange.user_data_timestamp(),
            "limits": await kalshi.account.limits(),
            "costs": await kalshi.account.endpoint_costs(),
            "series": rows(await kalshi.series.list(category="Crypto")),
            "one_series": await kalshi.series.get("KXHIGHNY"),
            "fee_changes": rows(await kalshi.series.fee_changes()),
            "events": await every(kalshi.events.list_all(series_ticker="KXHIGHNY", status="open", limit=1)),
            "event": await kalshi.events.get(event, with_nested_markets=True),
            "metadata": await kalshi.events.metadata(event),
            "markets": await every(kalshi.markets.list_all(series_ticker="KXBTC", limit=7)),
            "market": await kalshi.markets.get(ticker),
            "book": await kalshi.markets.orderbook(ticker),
            "books": rows(await kalshi.markets.bulk_orderbooks(tickers=[ticker, other])),
            "trades": await every(kalshi.markets.list_trades_all(ticker=ticker, limit=100)),
            "past_trades": await every(kalshi.historical.trades_all(ticker=ticker, limit=100)),
            "single": rows(await kalshi.markets.candlesticks("KXHIGHNY", ticker, **hours)),
            "batch": rows(await kalshi.markets.bulk_candlesticks(market_tickers=[ticker, other], **hours)),
            "of_event": await kalshi.series.event_candlesticks("KXHIGHNY", event, **hours),
            "cutoff": await kalshi.historical.cutoff(),
            "past_markets": await every(kalshi.historical.markets_all(event_ticker=past["event"], limit=4)),
            "past_candles": rows(await kalshi.historical.candlesticks(past["ticker"], **past_hours)),
            "gone": await refused(kalshi.markets.get(past["ticker"])),
            # Removed on 2026-07-04; this SDK still has it.
            "announcements": await refused(kalshi.exchange.announcements()),
        }


def order(ticker: str, side: str, count: str, price: str, name: str, **more: Any) -> Any:
    terms = {"time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross"}
    fields = {"ticker": ticker, "side": side, "count": count, "price": price, "client_order_id": name}
    return CreateOrderV2Request(**(fields | terms | more))


async def orders(access: Facts, arguments: Facts) -> Facts:
    """One who makes and one who takes: a single contract at 0.52."""
    ticker = arguments["ticker"]
    async with client(access) as kalshi, client(arguments["taker"]) as other:
        mine, taker = kalshi.orders, other.orders
        placed = await mine.create_v2(request=order(ticker, "ask", "3", "0.52", "a", post_only=True))
        seen: Facts = {"placed": placed, "queue": await mine.queue_position(placed.order_id)}
        seen["again"] = await refused(mine.create_v2(request=order(ticker, "ask", "3", "0.52", "a")))
        cross = order(ticker, "bid", "1", "0.60", "b", post_only=True)
        seen["crossed"] = await refused(taker.create_v2(request=cross))
        kill = order(ticker, "bid", "4", "0.60", "c", time_in_force="fill_or_kill")
        seen["killed"] = await refused(taker.create_v2(request=kill))
        take = order(ticker, "bid", "1", "0.99", "d", time_in_force="immediate_or_cancel")
        seen["bought"] = await taker.create_v2(request=take)
        seen["fills"] = rows((await other.portfolio.fills(ticker=ticker)).items)
        seen["position"] = rows((await other.portfolio.positions(ticker=ticker)).market_positions)
        seen["balance"] = await other.portfolio.balance()
        amend = AmendOrderV2Request(ticker=ticker, side="ask", price="0.55", count="6")
        seen["amended"] = await mine.amend_v2(placed.order_id, request=amend)
        seen["decreased"] = await mine.decrease_v2(placed.order_id, request=DecreaseOrderV2Request(reduce_to="2"))
        seen["now"] = await mine.get(placed.order_id)
        seen["cancelled"] = await mine.cancel_v2(placed.order_id, market_ticker=ticker)
        seen["cancel_twice"] = await refused(mine.cancel_v2(placed.order_id))
        seen["off_grid"] = await refused(mine.create_v2(request=order(ticker, "bid", "1", "0.105", "e")))
        seen["too_dear"] = await refused(mine.create_v2(request=order(ticker, "bid", "5000", "0.5", "f")))
        batch = [order(ticker, "bid", "1", price, price) for price in ("0.10", "0.105", "0.11")]
        made = await mine.batch_create_v2(request=BatchCreateOrdersV2Request(orders=batch))
        seen["batch"] = rows(made.orders)
        ids = [{"order_id": made.orders[0].order_id}, {"order_id": placed.order_id}]
        seen["batch_cancelled"] = await mine.batch_cancel_v2(request=BatchCancelOrdersV2Request(orders=ids))
        seen["resting"] = await every(mine.list_all(ticker=ticker, status="resting", limit=1))
        await mine.cancel_all_v2()
        seen["left"] = await every(mine.list_all(ticker=ticker, status="resting"))
        group = await kalshi.order_groups.create(contracts_limit=5)
        grouped = order(ticker, "bid", "1", "0.10", "g", order_group_id=group.order_group_id)
        await mine.create_v2(request=grouped)
        seen["group"] = await kalshi.order_groups.get(group.order_group_id)
        await kalshi.order_groups.trigger(group.order_group_id)
        await kalshi.order_groups.reset(group.order_group_id)
        await kalshi.order_groups.update_limit(group.order_group_id, contracts_limit=9)
        seen["groups"] = rows(await kalshi.order_groups.list())
        await kalshi.order_groups.delete(group.order_group_id)
        seen["deleted"] = await refused(kalshi.order_groups.get(group.order_group_id))
        async with client(access | {"key_id": "nobody"}) as stranger:
            seen["stranger"] = await refused(stranger.portfolio.balance())
        return seen


async def poor(access: Facts, arguments: Facts) -> list[Any]:
    """What an account meets whose batch is larger than its tier allows."""
    batch = [order(arguments["ticker"], "bid", "1", "0.01", str(n)) for n in range(11)]
    async with client(access) as kalshi:
        return await refused(kalshi.orders.batch_create_v2(request=BatchCreateOrdersV2Request(orders=batch)))


def ed25519(access: Facts, arguments: Facts) -> str:
    try:
        client(access)
    except KalshiAuthError as error:
        return str(error)
    raise AssertionError("a key of the other kind was accepted")


async def stream(access: Facts, arguments: Facts) -> Facts:
    """Listen while orders are placed and part of one is taken; one message of the book is lost on its way."""
    ticker = arguments["ticker"]
    socket = KalshiWebSocket(KalshiAuth.from_key_path(access["key_id"], access["key_file"]), config(access))
    async with client(access) as kalshi, client(arguments["taker"]) as taker:

        async def place(side: str, count: str, price: str, name: str, by: Any = kalshi) -> Any:
            return await by.orders.create_v2(request=order(ticker, side, count, price, name))

        await place("bid", "5", "0.10", "below")
        await place("ask", "5", "0.90", "above")
        async with asyncio.timeout(20), socket.connect() as session:
            book = await session.orderbook(ticker)
            seen: Facts = {"first": await anext(book)}
            streams = {
                "ticker": await session.subscribe_ticker(tickers=[ticker]),
                "trade": await session.subscribe_trade(tickers=[ticker]),
                "fill": await session.subscribe_fill(),
                "user_order": await session.subscribe_user_orders(),
                "position": await session.subscribe_market_positions(),
            }
            seen["placed"] = await place("ask", "4", "0.60", "shown")
            seen["second"] = await anext(book)
            # The next change never comes; the one after it betrays the hole, and the SDK asks for a new snapshot.
            await place("ask", "5", "0.70", "lost")
            await place("ask", "6", "0.80", "betrays")
            seen["healed"] = await anext(book)
            await place("bid", "3", "0.60", "takes", by=taker)
            for name, messages in streams.items():
                seen[name] = await anext(messages)
            seen["last"] = await anext(book)
    return seen


async def one_sided(access: Facts, arguments: Facts) -> Facts:
    """Subscribe to a book of which a side is empty."""
    socket = KalshiWebSocket(KalshiAuth.from_key_path(access["key_id"], access["key_file"]), config(access))
    async with client(access) as kalshi, socket.connect() as session:
        await kalshi.orders.create_v2(request=order(arguments["ticker"], "bid", "4", "0.40", "alone"))
        book = await session.orderbook(arguments["ticker"])
        try:
            async with asyncio.timeout(1):
                return {"book": await anext(book)}
        except TimeoutError:
            return {"book": None, "rest": await kalshi.markets.orderbook(arguments["ticker"])}


if __name__ == "__main__":
    functions = (needs_liquidity, markets, orders, poor, ed25519, stream, one_sided)
    main({each.__name__: each for each in functions})
