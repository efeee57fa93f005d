"""The markets of each series, as they were last listed, in `markets/SERIES.parquet` of a data folder.

Rows of earlier listings stay: what left the exchange's lists is still here. Files are replaced whole.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.terms import Result
from mesh.records import MARKETS, schema_order
from mesh.store import naming, parquet
from mesh.store.errors import Damaged, StoreError
from mesh.store.recovery import bury
from mesh.store.tables import write_table

_MOST_ROWS = 200_000
"""Rows that wait in memory, some 100 MB."""
_WRITE_SECONDS = 900.0
_PLACE = "place"

_log = log.get(__name__)
_json = msgspec.json.Encoder(decimal_format="number")


class MarketFiles:
    """Keeps the markets that discovery lists. Work on files runs in threads; calls for one series take turns."""

    def __init__(self, root: Path, clock: Clock) -> None:
        """Write below `root`, a file at most every quarter of an hour: each is written whole."""
        self._root, self._clock = root, clock
        self._waiting: defaultdict[str, list[pa.Table]] = defaultdict(list)
        self._due: dict[str, float] = {}

    async def take(self, series: str, markets: Sequence[Market], listed: datetime) -> None:
        """Take markets of a series as they were listed at an instant, aware UTC."""
        if not markets:
            return
        waiting = self._waiting[series]
        waiting.append(await asyncio.to_thread(market_table, series, markets, listed))
        rows = sum(table.num_rows for table in waiting)
        if rows >= _MOST_ROWS and not await self._write(series):
            _log.error("markets not kept until they are listed again", series=series, markets=rows)
            waiting.clear()

    async def finish(self, series: str) -> None:
        """Write what waits, if it is time."""
        now = self._clock.monotonic()
        if self._waiting[series] and now >= self._due.get(series, now) and await self._write(series):
            self._due[series] = now + _WRITE_SECONDS

    async def _write(self, series: str) -> bool:
        waiting = self._waiting[series]
        try:
            await asyncio.to_thread(add_markets, self._root, series, waiting)
        except StoreError as error:  # listing goes on: what to collect matters more
            _log.error("markets not written", series=series, reason=error.reason, problem=error.message)
            return False
        waiting.clear()
        return True


def market_table(series: str, markets: Sequence[Market], listed: datetime) -> pa.Table:
    """Lay out markets as MARKETS says."""
    return pa.Table.from_pylist([_row(series, market, listed) for market in markets], schema=MARKETS)


def add_markets(root: Path, series: str, tables: Sequence[pa.Table]) -> None:
    """Write a series' file anew with these tables' rows in it, a later row of a market in place of an earlier one.

    Raises:
        StoreError: The disk refuses, or the file is of a newer version; it stays as it is.
    """
    path = naming.markets(root, series)
    whole = pa.concat_tables([*_present(root, path), *tables])
    order = [(name, "ascending") for name in schema_order(MARKETS)]
    write_table(path, latest(whole).sort_by(order))


def latest(table: pa.Table) -> pa.Table:
    """Return the last row of each market, in no particular order."""
    places = table.append_column(_PLACE, pa.array(range(table.num_rows), pa.int64()))
    last = places.select(["market_ticker", _PLACE]).group_by("market_ticker").aggregate([(_PLACE, "max")])
    return table.take(last.column(f"{_PLACE}_max"))


def _present(root: Path, path: Path) -> list[pa.Table]:
    if not path.exists():
        return []
    try:
        return [parquet.read(path, MARKETS)]
    except Damaged as error:
        bury(root, path, error.message)
        return []


def _row(series: str, market: Market, listed: datetime) -> dict[str, Any]:
    floor, cap = market.floor_strike, market.cap_strike
    return {
        "series_ticker": series,
        "event_ticker": market.event_ticker,
        "market_ticker": market.ticker,
        "yes_sub_title": market.yes_sub_title,
        "strike_type": market.strike_type,
        "floor_strike": None if floor is None else float(floor),
        "cap_strike": None if cap is None else float(cap),
        "custom_strike": _json.encode(market.custom_strike).decode() if market.custom_strike else None,
        "created_time": market.created_time,
        "open_time": market.open_time,
        "close_time": market.close_time,
        "expected_expiration_time": market.expected_expiration_time,
        "latest_expiration_time": market.latest_expiration_time,
        "settlement_time": market.settlement_time,
        "can_close_early": market.can_close_early,
        "is_provisional": market.is_provisional,
        "status": market.status,
        "result": None if market.result is Result.NONE else market.result,
        "settlement_value_micros": market.settlement_value,
        "expiration_value": market.expiration_value or None,
        "last_price_micros": market.last_price,
        "volume_hundredths": market.volume,
        "open_interest_hundredths": market.open_interest,
        "price_grid": [
            {"start_micros": band.start, "end_micros": band.end, "step_micros": band.step}
            for band in market.price_ranges
        ],
        "listed_time": listed,
    }
