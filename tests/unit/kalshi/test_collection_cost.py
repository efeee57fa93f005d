from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.collection_cost import Lifetime, cost, lifetimes

NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)


def ladder(hours_ago: int) -> list[Lifetime]:
    closed = NOON - timedelta(hours=hours_ago)
    return [
        Lifetime(f"E{hours_ago}-{number}", f"E{hours_ago}", closed - timedelta(hours=1), closed)
        for number in range(188)
    ]


def test_a_live_ladder_is_collected_by_two_calls_and_an_archived_one_by_its_markets() -> None:
    live = cost("KXBTC", ladder(0), 3, 1, live_days=90)
    both = cost("KXBTC", ladder(0) + ladder(24 * 200), 0, 1, live_days=90)

    assert (live.events, live.markets, live.left_out, live.live_markets) == (1, 188, 3, 188)
    assert (live.listing_tokens, live.single_tokens, live.plan_tokens) == (10, 10 + 1880, 10 + 20)
    assert (both.events, both.live_markets) == (2, 188)
    assert (both.listing_tokens, both.plan_tokens) == (20, 20 + 20 + 1880)


def test_markets_without_times_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "markets_KXBTC.parquet"
    columns = {
        "market_ticker": ["A", "B", "C"],
        "event_ticker": ["E", "E", "E"],
        "open_time": ["2026-07-10T11:00:00Z", None, "2026-07-10T11:00:00Z"],
        "close_time": ["2026-07-10T12:00:00Z", "2026-07-10T12:00:00Z", None],
    }
    pq.write_table(pa.table(columns), path)

    found, left_out = lifetimes(path)

    assert [market.ticker for market in found] == ["A"]
    assert left_out == 2
    assert cost("KXBTC", found, left_out, 60, 90).median_hours == pytest.approx(1.0)
