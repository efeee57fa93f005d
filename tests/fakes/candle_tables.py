"""Tables of candles for tests of the store: small, whole, and different by their seed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from mesh.records import CANDLES, QUOTE_COLUMNS
from mesh.shards import Commit, Content, ShardKey
from mesh.store.staging import Staged

KEY = ShardKey("KXHIGHNY", "KXHIGHNY-26NOV22", 3600)
START = datetime(2026, 11, 22, 6, tzinfo=UTC)
END = datetime(2026, 11, 23, 5, tzinfo=UTC)
BOTH: dict[str, Any] = {"content": Content.PRICES_AND_QUOTES, "covered_end": END}
"""What `stage` is told of a file with quotes."""
ALONE: dict[str, Any] = {"content": Content.PRICES, "covered_end": END}
"""And of one without."""


def candles(key: ShardKey = KEY, *, markets: int = 3, periods: int = 4, seed: int = 0, quotes: bool = True) -> pa.Table:
    """Sorted, sensible candles; another seed gives other prices for the same markets and times."""
    rows = []
    for market in range(markets):
        for period in range(periods):
            low = (20 + (7 * market + 3 * period + seed) % 50) * 10_000
            traded = (market + period) % 3 > 0
            bid = {name: low + (name == "yes_bid_high_micros") * 10_000 for name in QUOTE_COLUMNS if "bid" in name}
            ask = {
                name: low + 20_000 + (name == "yes_ask_high_micros") * 10_000 for name in QUOTE_COLUMNS if "ask" in name
            }
            price = {f"price_{moment}_micros": low + 10_000 for moment in ("open", "high", "low", "close", "mean")}
            rows.append(
                {
                    "series_ticker": key.series,
                    "event_ticker": key.event,
                    "market_ticker": f"{key.event}-B{market:03}",
                    "end_time": START + timedelta(seconds=key.step_seconds * period),
                    "step_seconds": key.step_seconds,
                    "volume_hundredths": 100 * (seed + 1) if traded else 0,
                    "open_interest_hundredths": 100 * period,
                }
                | (bid | ask if quotes else {})
                | (price if traded else {})
            )
    return pa.Table.from_pylist(rows, schema=CANDLES)


def committed(staged: Staged, sequence: int = 1) -> Commit:
    """What a coordinator answers to it."""
    return Commit(staged.epoch, sequence, staged.file, staged.covered_end, len(staged.holes), "spark", END)
