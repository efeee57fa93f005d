"""Files that others recorded, made by tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mesh.shards import ShardKey
from tests.conftest import ROOT

RECORDED = ROOT.parent / "shared" / "data" / "kalshi"
"""Real recordings, where this checkout has them."""
SERIES, EVENT = "KXHIGHNY", "KXHIGHNY-26NOV22"
KEY = ShardKey(SERIES, EVENT, 3600)
MARKET = f"{EVENT}-B50.5"
START = int(datetime(2026, 11, 22, 6, tzinfo=UTC).timestamp())
_MOMENTS = ("open", "high", "low", "close")


def candle(hour: int, market: str = MARKET, *, price: float | None = 0.47, **values: Any) -> dict[str, Any]:
    """A row of a recorded file of hourly candles; `values` replace what it says."""
    row: dict[str, Any] = {
        "series_ticker": SERIES,
        "event_ticker": EVENT,
        "market_ticker": market,
        "period_interval_minutes": 60,
        "end_period_ts": START + 3600 * hour,
        "volume": 0.0 if price is None else 12.0,
        "open_interest": 40.0,
        "origin": "test",
    }
    row |= {f"price_{moment}": price for moment in _MOMENTS}
    row |= {f"yes_bid_{moment}": 0.45 for moment in _MOMENTS}
    row |= {f"yes_ask_{moment}": 0.49 for moment in _MOMENTS}
    return row | values


def market(ticker: str = MARKET, **values: Any) -> dict[str, Any]:
    """A row of a recorded file of markets."""
    row: dict[str, Any] = dict.fromkeys(
        ("title", "subtitle", "expiration_time", "status", "expiration_value", "settlement_value", "volume",
         "open_interest", "result_inferred", "cap_strike")
    )  # fmt: skip
    row |= {
        "market_ticker": ticker,
        "event_ticker": EVENT,
        "series_ticker": SERIES,
        "strike_type": "between",
        "floor_strike": 50.0,
        "open_time": "2026-11-21T15:00:00Z",
        "close_time": "2026-11-23T04:59:00Z",
        "result": "yes",
    }
    return row | values


def trade(second: int, ticker: str = MARKET, **values: Any) -> dict[str, Any]:
    """A row of a recorded file of trades."""
    row: dict[str, Any] = {
        "series_ticker": SERIES,
        "event_ticker": EVENT,
        "market_ticker": ticker,
        "created_ts_us": (START + second) * 1_000_000,
        "yes_price": 0.47,
        "count": 3,
        "taker_side": "yes",
    }
    return row | values


def old_row(hour: float, ticker: str = MARKET, *, cents: float | None = 47.0, **values: Any) -> dict[str, Any]:
    """A row of a file of the predecessor."""
    row: dict[str, Any] = {"timestamp": START + round(3600 * hour), "ticker": ticker, "price_mean": cents}
    row |= {f"price_{moment}": cents for moment in _MOMENTS}
    row |= {"volume": 0 if cents is None else 12, "open_interest": 40}
    return row | values


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as parquet; gives the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path
