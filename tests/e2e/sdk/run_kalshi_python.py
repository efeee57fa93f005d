"""What a reader of kalshi-python's documentation wrote in 2025. Runs in the environment of that SDK."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kalshi_python as sdk  # type: ignore[import-not-found]
import pydantic

from tests.e2e.sdk.answer import main

Facts = dict[str, Any]


def refused(call: Callable[[], Any]) -> list[Any]:
    try:
        answer = call()
    except sdk.ApiException as error:
        return [error.status, json.loads(error.body)]
    except pydantic.ValidationError as error:
        return [each["loc"][-1] for each in error.errors()]
    raise AssertionError(f"not refused: {answer}")


def everything(access: Facts, arguments: Facts) -> Facts:
    """Read and trade as one did before prices were text and orders had a version 2."""
    configuration = sdk.Configuration(host=access["url"])
    configuration.api_key_id = access["key_id"]
    configuration.private_key_pem = Path(access["key_file"]).read_text()
    kalshi, ticker = sdk.KalshiClient(configuration), arguments["ticker"]
    order = {"ticker": ticker, "side": "yes", "action": "buy", "count": 1, "type": "limit", "yes_price": 10}
    return {
        "status": kalshi.get_exchange_status(),
        "balance": kalshi.get_balance(),
        "markets": refused(lambda: kalshi.get_markets(series_ticker="KXHIGHNY", status="settled")),
        "book": kalshi.get_market_orderbook(ticker=ticker),
        "trade": kalshi.get_trades(ticker=ticker, limit=1).trades[0],
        "positions": kalshi.get_positions(),
        "create": refused(lambda: kalshi.create_order(**order)),
        "cancel": refused(lambda: kalshi.cancel_order(order_id="any")),
        "amend": refused(lambda: kalshi.amend_order(order_id="any", **order, client_order_id="a")),
    }


if __name__ == "__main__":
    main({"everything": everything})
