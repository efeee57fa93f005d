"""What a reader of pykalshi's documentation would write. Runs in the environment of that SDK."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pykalshi  # type: ignore[import-not-found]
from pykalshi import afeed
from pykalshi.enums import CandlestickPeriod, MarketStatus, OrderStatus, TimeInForce  # type: ignore[import-not-found]

from tests.e2e.sdk.answer import main

Facts = dict[str, Any]


def client(access: Facts) -> Any:
    """Only host and key differ from a client of the real exchange."""
    # The WebSocket's address is a constant of the module, without a setting: the other half of the host.
    afeed.DEFAULT_WS_BASE = access["ws_url"]
    return pykalshi.AsyncKalshiClient(
        api_key_id=access["key_id"], private_key_path=access["key_file"], api_base=access["url"], max_retries=0
    )


async def refused(call: Awaitable[Any]) -> Facts:
    try:
        answer = await call
    except pykalshi.KalshiError as error:
        return {"type": type(error).__name__, "status": error.status_code, "code": getattr(error, "error_code", None)}
    raise AssertionError(f"not refused: {answer}")


def rows(found: Any) -> list[Facts]:
    return [getattr(row, "data", row).model_dump(mode="json") for row in found]


async def markets(access: Facts, arguments: Facts) -> Facts:
    event, ticker, past = arguments["event"], arguments["ticker"], arguments["past"]
    span = {"start_ts": arguments["start_ts"], "end_ts": arguments["end_ts"]}
    hour = CandlestickPeriod.ONE_HOUR
    async with client(access) as kalshi:
        market = await kalshi.get_market(ticker)
        book = await market.get_orderbook()
        history = kalshi.history
        return {
            "status": await kalshi.exchange.get_status(),
            "schedule": await kalshi.exchange.get_schedule(),
            "as_of": await kalshi.exchange.get_user_data_timestamp(),
            "series": rows(await kalshi.get_all_series()),
            "one_series": (await kalshi.get_series("KXHIGHNY")).data,
            "events": rows(await kalshi.get_events(status=MarketStatus.OPEN, limit=1, fetch_all=True)),
            "event_markets": len(await (await kalshi.get_event(event)).get_markets()),
            "markets": [row.ticker for row in await kalshi.get_markets(series_ticker="KXBTC", limit=7, fetch_all=True)],
            "market": market.data,
            "book": book.orderbook,
            "spread": book.spread,
            "trades": rows(await market.get_trades(limit=100, fetch_all=True)),
            "past_trades": rows(await history.get_trades(ticker=ticker, limit=100, fetch_all=True)),
            "single": await market.get_candlesticks(**span, period=hour),
            "batch": await kalshi.get_candlesticks_batch([ticker, arguments["other"]], **span, period=hour),
            "cutoff": await history.get_cutoff(),
            "past_markets": rows(await history.get_markets(event_ticker=past["event"])),
            "past_candles": rows(
                await history.get_candlesticks(past["ticker"], start_ts=past["start_ts"], end_ts=past["end_ts"])
            ),
            "gone": await refused(kalshi.get_market(past["ticker"])),
        }


async def orders(access: Facts, arguments: Facts) -> Facts:
    """One who makes and one who takes, who buys NO in the words of before V2."""
    ticker = arguments["ticker"]
    async with client(access) as kalshi, client(arguments["taker"]) as other:
        mine, taker = kalshi.portfolio, other.portfolio
        bid = {"book_side": "bid", "count_fp": "12.50", "price_dollars": "0.27"}
        placed = await mine.place_order(ticker, **bid, client_order_id="one", post_only=True)
        behind = await mine.place_order(ticker, **bid)
        seen: Facts = {"placed": placed.data, "queue": await mine.get_queue_position(behind.order_id)}
        seen["queues"] = rows(await mine.get_queue_positions(market_tickers=[ticker]))
        seen["again"] = await refused(mine.place_order(ticker, **bid, client_order_id="one"))
        no = {"action": pykalshi.Action.BUY, "side": pykalshi.Side.NO}
        crossing = no | {"count_fp": "10", "no_price_dollars": "0.73"}
        seen["crossed"] = await refused(taker.place_order(ticker, **crossing, post_only=True))
        seen["killed"] = await refused(
            taker.place_order(ticker, **(crossing | {"count_fp": "26"}), time_in_force=TimeInForce.FOK)
        )
        sold = await taker.place_order(ticker, **crossing, time_in_force=TimeInForce.IOC)
        seen["sold"] = sold.data
        seen["sold_read"] = (await sold.refresh()).data
        seen["fills"] = rows(await taker.get_fills(ticker=ticker))
        seen["maker_fill"] = rows(await mine.get_fills(order_id=placed.order_id))
        seen["position"] = rows(await taker.get_positions(ticker=ticker))
        seen["balance"] = await taker.get_balance()
        await placed.refresh()
        seen["part"] = placed.data.model_dump(mode="json")
        await placed.amend(price_dollars="0.25")
        seen["amended"] = (await mine.get_order(placed.order_id)).data
        await placed.decrease("1.50")
        seen["decreased"] = (await mine.get_order(placed.order_id)).data
        await placed.cancel()
        seen["cancelled"] = (await mine.get_order(placed.order_id)).data
        seen["cancel_twice"] = await refused(placed.cancel())
        seen["off_grid"] = await refused(mine.place_order(ticker, **(bid | {"price_dollars": "0.275"})))
        seen["too_dear"] = await refused(mine.place_order(ticker, **(bid | {"count_fp": "50000"})))
        batch = [{"ticker": ticker, "book_side": "bid", "count": "1", "price_dollars": f"0.1{n}"} for n in range(3)]
        made = await mine.batch_place_orders(batch)
        seen["batch"] = rows(made)
        seen["batch_cancelled"] = rows(await mine.batch_cancel_orders([row.order_id for row in made[:2]]))
        seen["resting"] = rows(
            await mine.get_orders(ticker=ticker, status=OrderStatus.RESTING, limit=1, fetch_all=True)
        )
        group = await mine.create_order_group("5.00")
        await mine.place_order(ticker, **bid, order_group_id=group.id)
        seen["group"] = await mine.get_order_group(group.id)
        await mine.trigger_order_group(group.id)
        seen["triggered"] = (await mine.get_order_group(group.id)).orders
        await mine.reset_order_group(group.id)
        await mine.update_order_group_limit(group.id, "7.00")
        seen["groups"] = rows(await mine.get_order_groups())
        seen["stranger"] = await refused(client(access | {"key_id": "nobody"}).portfolio.get_balance())
        return seen


async def poor(access: Facts, arguments: Facts) -> Facts:
    """What an account meets whose batch is larger than its tier allows."""
    batch = [{"ticker": arguments["ticker"], "book_side": "bid", "count": "1", "price_dollars": "0.01"}] * 11
    async with client(access) as kalshi:
        return {"too_many": await refused(kalshi.portfolio.batch_place_orders(batch))}


def ed25519(access: Facts, arguments: Facts) -> str:
    try:
        client(access)
    except TypeError as error:
        return str(error)
    raise AssertionError("a key of the other kind was accepted")


async def stream(access: Facts, arguments: Facts) -> list[Any]:
    """Listen while an order is placed and half of it taken; give the messages in the order they came."""
    ticker = arguments["ticker"]
    heard: list[Any] = []
    async with client(access) as kalshi, client(arguments["taker"]) as taker:
        feed = kalshi.feed()
        for channel in ("orderbook_delta", "ticker", "trade"):
            feed.subscribe(channel, market_ticker=ticker)
        for channel in ("fill", "user_orders", "market_positions"):
            feed.subscribe(channel)

        def hear(message: Any) -> None:
            heard.append([type(message).__name__, message])

        async def listen() -> None:
            async for message in feed:
                hear(message)

        async def until(wanted: Callable[[], bool]) -> None:
            async with asyncio.timeout(10):
                while not wanted():
                    await asyncio.sleep(0.01)

        def count(name: str) -> int:
            return [kind for kind, _ in heard].count(name)

        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen())
            await until(lambda: count("OrderbookSnapshotMessage") == 1 and len(feed._sids) == 6)
            order = {"count_fp": "4", "price_dollars": "0.60"}
            await kalshi.portfolio.place_order(ticker, book_side="ask", **order, client_order_id="shown")
            await taker.portfolio.place_order(ticker, book_side="bid", **(order | {"count_fp": "3"}))
            await until(
                lambda: (
                    all(map(count, ("FillMessage", "TradeMessage", "PositionMessage")))
                    and count("OrderbookDeltaMessage") == 2
                    and count("UserOrderMessage") >= 2
                    and count("TickerMessage") >= 2
                )
            )
            await feed.disconnect()
            listening.cancel()
    return heard


if __name__ == "__main__":
    main({each.__name__: each for each in (markets, orders, poor, ed25519, stream)})
