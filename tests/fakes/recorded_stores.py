"""Small data folders for tests of research, sound or not: files are written without the checks of a real writer."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mesh.records import CANDLES, MARKETS, TRADES
from mesh.shards import Content, Hole, ShardKey
from mesh.store import naming
from mesh.store.label import Label, Origin
from mesh.store.parquet import encode
from mesh.store.tables import write_table
from mesh.types import DOLLAR

SERIES = "KXHIGHNY"
EVENT = "KXHIGHNY-26JAN05"
CLOSE = datetime(2026, 1, 6, 4, 59, tzinfo=UTC)
BEGIN = datetime(2026, 1, 5, 12, tzinfo=UTC)
LADDER = {
    "T40": ("less", None, 40.0),
    "B40.5": ("between", 40.0, 41.0),
    "B42.5": ("between", 42.0, 43.0),
    "T43": ("greater", 43.0, None),
}
"""Every whole degree, by the endings of tickers."""
Row = dict[str, Any]


def hour(number: int) -> datetime:
    """End of a candle."""
    return BEGIN + timedelta(hours=number)


def candle(
    market: str, end: datetime, bid: int | None = 300_000, ask: int | None = 320_000, *, step: int = 3600, **more: Any
) -> Row:
    """One row, quoted at its close; `more` are columns."""
    event = market.rpartition("-")[0]
    return {
        "series_ticker": event.partition("-")[0],
        "event_ticker": event,
        "market_ticker": market,
        "end_time": end,
        "step_seconds": step,
        "yes_bid_close_micros": bid,
        "yes_ask_close_micros": ask,
        **more,
    }


def market(ticker: str, **more: Any) -> Row:
    """One listed market of the ladder, by its ticker's ending; `more` are columns."""
    event, _, ending = ticker.rpartition("-")
    kind, floor, cap = LADDER.get(ending, (None, None, None))
    return {
        "series_ticker": event.partition("-")[0],
        "event_ticker": event,
        "market_ticker": ticker,
        "strike_type": kind,
        "floor_strike": floor,
        "cap_strike": cap,
        "close_time": CLOSE,
        **more,
    }


def ladder(event: str = EVENT, **more: Any) -> list[Row]:
    """All listed markets of an event."""
    return [market(f"{event}-{ending}", **more) for ending in LADDER]


def write_candles(
    root: Path, rows: Iterable[Row], *, content: Content = Content.PRICES_AND_QUOTES, holes: tuple[Hole, ...] = ()
) -> None:
    """Write the shard that the first row is of, rows as they come."""
    table = pa.Table.from_pylist(list(rows), schema=CANDLES)
    key = ShardKey(*(table.column(name)[0].as_py() for name in ("series_ticker", "event_ticker", "step_seconds")))
    label = Label(key, 0, Origin.IMPORT, content, CLOSE, holes)
    path = naming.visible(root, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(table, label.notes()))


def write_markets(root: Path, rows: Iterable[Row]) -> None:
    """Write the table of the first row's series."""
    table = pa.Table.from_pylist(list(rows), schema=MARKETS)
    write_table(naming.markets(root, table.column("series_ticker")[0].as_py()), table)


def write_trades(root: Path, rows: Iterable[Row], name: str = "trades.parquet") -> None:
    """Write trades of one series; prices in micros, counts in hundredths."""
    filled = [{"yes_price_micros": DOLLAR // 2, "count_hundredths": 100, **row} for row in rows]
    table = pa.Table.from_pylist(filled, schema=TRADES)
    write_table(root / naming.TRADES / table.column("series_ticker")[0].as_py() / name, table)


def write_highs(path: Path, highs: Iterable[tuple[str, float | None, str]], series: str = SERIES) -> Path:
    """Write observed highs: date, degrees, source."""
    rows = [{"series_ticker": series, "date": day, "tmax_f": high, "source": source} for day, high, source in highs]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path
