"""A recording of many markets that are open at once, out of recorded weather markets of many days.

Only times are moved, each event's by whole hours: all of them close at the same hour, and are seen twelve hours before
it. Prices, quotes, strikes and tickers are the recorded ones. What came later is left out, so nothing moves meanwhile.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, groupby, zip_longest
from operator import itemgetter
from pathlib import Path as Folder
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.trader_world import source_table

SERIES = ("KXHIGHNY", "KXHIGHCHI")
HOURS_LEFT = 12
"""From now to the close."""
LEAST_POINTS = 8
"""Hours with a trade that a history needs: what Fracast-0 forecasts from."""
_HOUR = 3600
_EVENT, _MARKET, _END = (itemgetter(key) for key in ("event_ticker", "market_ticker", "end_period_ts"))


class NotRecorded(Exception):
    """The folder does not hold what is wanted."""


class _Past(NamedTuple):
    """A market until now, with its times moved."""

    ticker: str
    candles: list[dict[str, Any]]
    close: int
    """Unix seconds."""


def record(folder: Folder, recorded: Folder, count: int) -> str:
    """Write a recording of so many markets; gives the exchange's `source` table. Raises NotRecorded."""
    files = {
        name: recorded / f"{name}.parquet" for each in SERIES for name in (f"candles_60m_{each}", f"markets_{each}")
    }
    if missing := [file.name for file in files.values() if not file.is_file()]:
        raise NotRecorded(f"{recorded}: there is no {missing[0]}")
    now = int(datetime.now(UTC).timestamp()) // _HOUR * _HOUR
    found = [list(_pasts(files[f"candles_60m_{series}"], now)) for series in SERIES]
    wanted = [past.ticker for past in chain.from_iterable(zip_longest(*found)) if past is not None][:count]
    if len(wanted) < count:
        raise NotRecorded(f"{recorded}: {len(wanted)} markets have a past that can be forecast, not {count}")
    folder.mkdir()
    for series, pasts in zip(SERIES, found, strict=True):
        chosen = {past.ticker: past for past in pasts if past.ticker in wanted}
        candles = [candle for past in chosen.values() for candle in past.candles]
        rows = pq.read_table(files[f"markets_{series}"]).to_pylist()
        markets = [_moved(row, chosen[_MARKET(row)]) for row in rows if _MARKET(row) in chosen]
        for name, kept in ((f"candles_60m_{series}", candles), (f"markets_{series}", markets)):
            pq.write_table(pa.Table.from_pylist(kept, pq.read_schema(files[name])), folder / f"{name}.parquet")
    return source_table(folder, SERIES) + "assumed_size = 1000000\n"


def _pasts(file: Folder, now: int) -> Iterator[_Past]:
    """Give the markets that can be forecast, in the order of their events."""
    close = now + HOURS_LEFT * _HOUR
    rows = sorted(pq.read_table(file).to_pylist(), key=lambda row: (_EVENT(row), _MARKET(row), _END(row)))
    for _, event in groupby(rows, key=_EVENT):
        candles = list(event)
        moved = close - max(map(_END, candles))
        for ticker, life in groupby(candles, key=_MARKET):
            past = [row | {"end_period_ts": _END(row) + moved} for row in life if _END(row) + moved <= now]
            prices = [row["price_close"] for row in past if row["volume"] and row["price_close"] is not None]
            if len(prices) >= LEAST_POINTS and len(set(prices)) > 1:
                yield _Past(ticker, past, close)


def _moved(row: dict[str, Any], past: _Past) -> dict[str, Any]:
    """Give a market's record with the times that go with its past."""
    return row | {"open_time": _text(_END(past.candles[0]) - _HOUR), "close_time": _text(past.close)}


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
