"""What a reader of kalshi-python-async's documentation would write. Runs in the environment of that SDK."""

import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import kalshi_python_async as sdk  # type: ignore[import-not-found]

from tests.e2e.sdk.answer import main

Facts = dict[str, Any]
ORDER = {"self_trade_prevention_type": "taker_at_cross", "time_in_force": "good_till_canceled"}


def client(access: Facts) -> Any:
    """Only host and key differ from a client of the real exchange."""
    configuration = sdk.Configuration(host=access["url"])
    if access["key_id"]:
        configuration.api_key_id = access["key_id"]
        configuration.private_key_pem = Path(access["key_file"]).read_text()
    return sdk.KalshiClient(configuration)


async def refused(call: Awaitable[Any]) -> Facts:
    try:
        answer = await call
    except sdk.ApiException as error:
        return {"type": type(error).__name__, "status": error.status, "body": json.loads(error.body)}
    raise AssertionError(f"not refused: {answer}")


async def pages(call: Any, field: str, **arguments: Any) -> list[Any]:
    """All pages, as their readers' loop would be: until the cursor is empty."""
    found, cursor = [], None
    while True:
        page = await call(cursor=cursor, **arguments)
        found.append([row.to_dict() for row in getattr(page, field)])
        cursor = page.cursor
        if not cursor:
            return found


async def exchange(access: Facts, arguments: Facts) -> Facts:
    async with client(access) as kalshi:
        return {
            "status": (await kalshi.get_exchange_status()).to_dict(),
            "schedule": (await kalshi.get_exchange_schedule()).to_dict(),
            "fee_changes": (await kalshi.get_series_fee_changes(series_ticker="KXHIGHNY")).to_dict(),
            "event_fee_changes": (await kalshi.get_event_fee_changes()).to_dict(),
            "as_of": (await kalshi.get_user_data_timestamp()).as_of_time.isoformat(),
            "limits": (await kalshi.get_account_api_limits()).to_dict(),
            "costs": (await kalshi.get_account_endpoint_costs()).to_dict(),
            "too_many": await refused(
                kalshi.batch_create_orders_v2(orders=[order(arguments["ticker"], "bid", "1", "0.01")] * 11)
            ),
        }


async def markets(access: Facts, arguments: Facts) -> Facts:
    event, ticker = arguments["event"], arguments["ticker"]
    async with client(access | {"key_id": ""}) as kalshi:  # nobody needs a key for public data
        return {
            "series": [row.to_dict() for row in (await kalshi.get_series_list(category="Crypto")).series],
            "one_series": (await kalshi.get_series(series_ticker="KXHIGHNY", include_volume=True)).series.to_dict(),
            "events": await pages(kalshi.get_events, "events", limit=1, series_ticker="KXHIGHNY", status="open"),
            "event": (await kalshi.get_event(event_ticker=event, with_nested_markets=True)).to_dict(),
            "metadata": (await kalshi.get_event_metadata(event_ticker=event)).to_dict(),
            "pages": await pages(kalshi.get_markets, "markets", limit=5, series_ticker="KXBTC"),
            "market": (await kalshi.get_market(ticker=ticker)).market.to_dict(),
            "book": (await kalshi.get_market_orderbook(ticker=ticker)).to_dict(),
            "top": (await kalshi.get_market_orderbook(ticker=ticker, depth=2)).to_dict(),
            "books": (await kalshi.get_market_orderbooks(tickers=arguments["tickers"])).to_dict(),
            "trades": await pages(kalshi.get_trades, "trades", ticker=ticker, limit=50),
            "archived_trades": await pages(kalshi.get_trades_historical, "trades", ticker=ticker, limit=50),
            "unknown": await refused(kalshi.get_market(ticker="KXNONE-26JUL10-T1")),
            "contradiction": await refused(kalshi.get_markets(status="open", min_close_ts=1)),
        }


async def candles(access: Facts, arguments: Facts) -> Facts:
    event, tickers, past = arguments["event"], arguments["tickers"], arguments["past"]
    hours = {"start_ts": arguments["start_ts"], "end_ts": arguments["end_ts"], "period_interval": 60}
    async with client(access) as kalshi:
        return {
            "single": (
                await kalshi.get_market_candlesticks(series_ticker="KXHIGHNY", ticker=tickers[0], **hours)
            ).to_dict(),
            "batch": (await kalshi.batch_get_market_candlesticks(market_tickers=",".join(tickers), **hours)).to_dict(),
            "event": (
                await kalshi.get_market_candlesticks_by_event(ticker=event, series_ticker="KXHIGHNY", **hours)
            ).to_dict(),
            "too_long": await refused(
                kalshi.get_market_candlesticks(
                    series_ticker="KXHIGHNY",
                    ticker=tickers[0],
                    start_ts=hours["end_ts"] - 5001 * 60,
                    end_ts=hours["end_ts"],
                    period_interval=1,
                )
            ),
            "cutoff": (await kalshi.get_historical_cutoff()).to_dict(),
            "gone": await refused(
                kalshi.get_market_candlesticks(series_ticker="KXHIGHNY", ticker=past["ticker"], **hours)
            ),
            "past_markets": await pages(kalshi.get_historical_markets, "markets", limit=4, event_ticker=past["event"]),
            "past_market": (await kalshi.get_historical_market(ticker=past["ticker"])).market.to_dict(),
            "past_candles": (
                await kalshi.get_market_candlesticks_historical(
                    ticker=past["ticker"], start_ts=past["start_ts"], end_ts=past["end_ts"], period_interval=60
                )
            ).to_dict(),
        }


def order(ticker: str, side: str, count: str, price: str, **more: Any) -> Facts:
    return {"ticker": ticker, "side": side, "count": count, "price": price} | ORDER | more


async def trade(access: Facts, arguments: Facts) -> Facts:
    """One who makes and one who takes: 20 at 0.33, and back 20 at 0.30."""
    ticker = arguments["ticker"]
    async with client(access) as maker, client(arguments["taker"]) as taker:
        rests = await maker.create_order_v2(**order(ticker, "ask", "20", "0.33", post_only=True))
        behind = await maker.create_order_v2(**order(ticker, "ask", "5.00", "0.3300"))
        seen: Facts = {
            "rests": rests.to_dict(),
            "resting": (await maker.get_order(order_id=rests.order_id)).order.to_dict(),
            "queue": (await maker.get_order_queue_position(order_id=behind.order_id)).to_dict(),
            "queues": (await maker.get_order_queue_positions(market_tickers=ticker)).to_dict(),
            "locked": (await maker.get_balance()).to_dict(),
        }
        ioc, fok = {"time_in_force": "immediate_or_cancel"}, {"time_in_force": "fill_or_kill"}
        seen["missed"] = (await taker.create_order_v2(**order(ticker, "bid", "1", "0.32", **ioc))).to_dict()
        seen["killed"] = await refused(taker.create_order_v2(**order(ticker, "bid", "26", "0.40", **fok)))
        seen["crossed"] = await refused(taker.create_order_v2(**order(ticker, "bid", "1", "0.33", post_only=True)))
        seen["bought"] = (await taker.create_order_v2(**order(ticker, "bid", "20", "0.40", **fok))).to_dict()
        seen["fills"] = [row.to_dict() for row in (await taker.get_fills(ticker=ticker)).fills]
        seen["maker_fills"] = [row.to_dict() for row in (await maker.get_fills(order_id=rests.order_id)).fills]
        seen["executed"] = (await maker.get_order(order_id=rests.order_id)).order.to_dict()
        seen["position"] = (await taker.get_positions(ticker=ticker)).to_dict()
        seen["balance"] = (await taker.get_balance()).to_dict()
        await maker.cancel_order_v2(order_id=behind.order_id)
        await maker.create_order_v2(**order(ticker, "bid", "30", "0.30"))
        reduces = order(ticker, "ask", "30", "0.30", reduce_only=True)
        seen["reduce_rests"] = await refused(taker.create_order_v2(**reduces))
        seen["sold"] = (await taker.create_order_v2(**(reduces | ioc))).to_dict()
        seen["flat"] = (await taker.get_positions(ticker=ticker)).to_dict()
        seen["sell_fill"] = (await taker.get_fills(ticker=ticker, limit=1)).fills[0].to_dict()
        seen["public"] = [row.to_dict() for row in (await maker.get_trades(ticker=ticker)).trades]
        seen["end_balance"] = (await taker.get_balance()).to_dict()
        return seen


async def orders(access: Facts, arguments: Facts) -> Facts:
    """What can be done to an order, and what cannot."""
    ticker = arguments["ticker"]
    async with client(access) as kalshi:
        first = order(ticker, "bid", "8", "0.20", client_order_id="first")
        placed = await kalshi.create_order_v2(**first)
        seen: Facts = {"again": await refused(kalshi.create_order_v2(**first))}
        amended = await kalshi.amend_order_v2(
            order_id=placed.order_id, ticker=ticker, side="bid", price="0.21", count="10", updated_client_order_id="1b"
        )
        seen["amended"] = amended.to_dict()
        seen["decreased"] = (await kalshi.decrease_order_v2(order_id=placed.order_id, reduce_by="2.5")).to_dict()
        seen["now"] = (await kalshi.get_order(order_id=placed.order_id)).order.to_dict()
        seen["cancelled"] = (await kalshi.cancel_order_v2(order_id=placed.order_id, market_ticker=ticker)).to_dict()
        seen["dead"] = (await kalshi.get_order(order_id=placed.order_id)).order.to_dict()
        for why, call in {
            "cancel_twice": kalshi.cancel_order_v2(order_id=placed.order_id),
            "amend_dead": kalshi.amend_order_v2(
                order_id=placed.order_id, ticker=ticker, side="bid", price="0.2", count="1"
            ),
            "off_grid": kalshi.create_order_v2(**order(ticker, "bid", "1", "0.205")),
            "too_dear": kalshi.create_order_v2(**order(ticker, "bid", "5000", "0.50")),
            "no_market": kalshi.create_order_v2(**order("KXNONE-26JUL10-T1", "bid", "1", "0.50")),
            "no_order": kalshi.get_order(order_id="nobody"),
        }.items():
            seen[why] = await refused(call)
        batch = [order(ticker, "bid", "1", price, client_order_id=price) for price in ("0.10", "0.105", "0.11", "0.12")]
        created = (await kalshi.batch_create_orders_v2(orders=batch)).to_dict()["orders"]
        ids = [row["order_id"] for row in created if row.get("order_id")]
        removed = await kalshi.batch_cancel_orders_v2(
            orders=[{"order_id": one} for one in (ids[0], ids[0], placed.order_id)]
        )
        seen |= {"batch": created, "batch_cancelled": removed.to_dict()["orders"]}
        listed = await pages(kalshi.get_orders, "orders", ticker=ticker, limit=2)
        seen["listed"] = [row["client_order_id"] for page in listed for row in page]
        seen["resting"] = await pages(kalshi.get_orders, "orders", ticker=ticker, status="resting")
        seen["nothing"] = await kalshi.cancel_all_orders()
        seen["left"] = await pages(kalshi.get_orders, "orders", ticker=ticker, status="resting")
        return seen


async def groups(access: Facts, arguments: Facts) -> Facts:
    """A group that ends its orders when more than 3 contracts of them are matched, and what follows."""
    ticker = arguments["ticker"]
    async with client(access) as kalshi, client(arguments["taker"]) as taker:
        group = (await kalshi.create_order_group(contracts_limit=3)).order_group_id
        placed = await kalshi.create_order_v2(**order(ticker, "ask", "9", "0.60", order_group_id=group))
        seen: Facts = {"group": (await kalshi.get_order_group(order_group_id=group)).to_dict()}
        await taker.create_order_v2(**order(ticker, "bid", "4", "0.60"))
        seen["ended"] = (await kalshi.get_order(order_id=placed.order_id)).order.to_dict()
        grouped = order(ticker, "ask", "1", "0.70", order_group_id=group)
        seen["blocked"] = await refused(kalshi.create_order_v2(**grouped))
        await kalshi.reset_order_group(order_group_id=group)
        again = await kalshi.create_order_v2(**grouped)
        await kalshi.update_order_group_limit(order_group_id=group, contracts_limit=50)
        seen["listed"] = [row.to_dict() for row in (await kalshi.get_order_groups()).order_groups]
        await kalshi.trigger_order_group(order_group_id=group)
        seen["triggered"] = (await kalshi.get_order(order_id=again.order_id)).order.to_dict()
        await kalshi.delete_order_group(order_group_id=group)
        seen["deleted"] = await refused(kalshi.get_order_group(order_group_id=group))
        return seen


async def strangers(access: Facts, arguments: Facts) -> Facts:
    """Keys that the exchange does not believe."""
    async with client(access | {"key_id": arguments["unknown"]}) as unknown:
        seen = {"unknown": await refused(unknown.get_balance())}
    async with client(access | {"key_file": arguments["other_key_file"]}) as forger:
        seen["forged"] = await refused(forger.get_balance())
    async with client(access | {"key_id": ""}) as anonymous:
        seen["anonymous"] = await refused(anonymous.get_balance())
    return seen


async def buy(access: Facts, arguments: Facts) -> Facts:
    """Buy at any price."""
    async with client(access) as kalshi:
        bought = order(arguments["ticker"], "bid", "5", "0.99", time_in_force="immediate_or_cancel")
        return dict((await kalshi.create_order_v2(**bought)).to_dict())


async def settled(access: Facts, arguments: Facts) -> Facts:
    async with client(access) as kalshi:
        return {
            "settlements": (await kalshi.get_settlements(ticker=arguments["ticker"])).to_dict()["settlements"],
            "positions": (await kalshi.get_positions(settlement_status="all")).to_dict()["market_positions"],
            "fills": (await kalshi.get_fills()).to_dict()["fills"],
            "balance": (await kalshi.get_balance()).to_dict(),
        }


async def archived(access: Facts, arguments: Facts) -> Facts:
    async with client(access) as kalshi:
        return {
            "live_orders": (await kalshi.get_orders()).to_dict()["orders"],
            "live_fills": (await kalshi.get_fills()).to_dict()["fills"],
            "orders": (await kalshi.get_historical_orders()).to_dict()["orders"],
            "fills": (await kalshi.get_fills_historical(ticker=arguments["ticker"])).to_dict()["fills"],
            "positions": (await kalshi.get_historical_positions()).to_dict()["market_positions"],
            "live_market": await refused(kalshi.get_market(ticker=arguments["ticker"])),
        }


if __name__ == "__main__":
    main(
        {
            each.__name__: each
            for each in (exchange, markets, candles, trade, orders, groups, strangers, buy, settled, archived)
        }
    )
