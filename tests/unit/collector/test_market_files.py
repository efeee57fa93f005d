"""The files of markets: whole, sorted, each market once as it was listed last, and nothing that was there is lost."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import structlog

from collector.coordinator.markets import MarketFiles, add_markets, market_table
from mesh.clock import ManualClock
from mesh.kalshi.rest.market_wire import Market, MarketsPage
from mesh.kalshi.rest.wire import decode
from mesh.records import MARKETS
from mesh.store import parquet
from tests.integration.test_kalshi_client import market as market_body

NOW = datetime(2026, 7, 14, 12, tzinfo=UTC)
SERIES = "KXHIGHNY"


def markets(*tickers: str, **changes: Any) -> tuple[Market, ...]:
    page = {"markets": [market_body(ticker, **changes) for ticker in tickers], "cursor": ""}
    return decode(json.dumps(page).encode(), MarketsPage).items


def rows(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parquet.read(root / "markets" / f"{SERIES}.parquet", MARKETS).to_pylist()
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def files(tmp_path: Path, clock: ManualClock) -> MarketFiles:
    return MarketFiles(tmp_path, clock)


async def test_a_market_is_kept_exactly_as_the_exchange_described_it(tmp_path: Path, files: MarketFiles) -> None:
    described = {
        "status": "finalized", "result": "yes", "settlement_value_dollars": "1.0000", "expiration_value": "88.5",
        "settlement_ts": "2026-07-13T12:00:00.5Z", "strike_type": "between", "floor_strike": 88, "cap_strike": 89.99,
        "custom_strike": {"price": 1.25}, "last_price_dollars": "0.9812", "volume_fp": "12.34",
    }  # fmt: skip
    await files.take(SERIES, markets("KXHIGHNY-26JUL12-B88.5", **described), NOW)
    await files.finish(SERIES)
    (row,) = rows(tmp_path)
    assert {name: row[name] for name in row if row[name] is not None} == {
        "series_ticker": SERIES, "event_ticker": "KXHIGHNY-26JUL12", "market_ticker": "KXHIGHNY-26JUL12-B88.5",
        "yes_sub_title": "90 or above", "strike_type": "between", "floor_strike": 88.0, "cap_strike": 89.99,
        "custom_strike": '{"price":1.25}', "created_time": datetime(2026, 7, 11, 9, 30, 30, tzinfo=UTC),
        "open_time": datetime(2026, 7, 11, 14, tzinfo=UTC), "close_time": datetime(2026, 7, 13, 4, 59, tzinfo=UTC),
        "latest_expiration_time": datetime(2026, 7, 19, 14, tzinfo=UTC),
        "settlement_time": datetime(2026, 7, 13, 12, 0, 0, 500_000, tzinfo=UTC), "can_close_early": True,
        "status": "finalized", "result": "yes", "settlement_value_micros": 1_000_000, "expiration_value": "88.5",
        "last_price_micros": 981_200, "volume_hundredths": 1234, "open_interest_hundredths": 0,
        "price_grid": [{"start_micros": 0, "end_micros": 1_000_000, "step_micros": 10_000}], "listed_time": NOW,
    }  # fmt: skip


async def test_what_is_unknown_yet_is_null(tmp_path: Path, files: MarketFiles) -> None:
    await files.take(SERIES, markets("A"), NOW)
    await files.finish(SERIES)
    (row,) = rows(tmp_path)
    unknown = ("result", "settlement_value_micros", "settlement_time", "expiration_value", "last_price_micros")
    assert [row[name] for name in unknown] == [None] * 5


async def test_later_rows_replace_earlier_ones_and_the_others_stay(
    tmp_path: Path, files: MarketFiles, clock: ManualClock
) -> None:
    await files.take(SERIES, markets("C", "A"), NOW)
    await files.take(SERIES, markets("A", status="closed"), NOW)
    await files.finish(SERIES)
    assert [(row["market_ticker"], row["status"]) for row in rows(tmp_path)] == [("A", "closed"), ("C", "active")]

    await files.take(SERIES, markets("C", "B", status="finalized", result="no"), NOW)
    await files.finish(SERIES)
    assert len(rows(tmp_path)) == 2, "it is not yet time to write again"
    await clock.advance(900)
    await files.finish(SERIES)
    kept = [(row["market_ticker"], row["status"], row["result"]) for row in rows(tmp_path)]
    assert kept == [("A", "closed", None), ("B", "finalized", "no"), ("C", "finalized", "no")]
    assert [file.name for file in (tmp_path / "markets").iterdir()] == [f"{SERIES}.parquet"]


async def test_a_listing_without_markets_writes_nothing(tmp_path: Path, files: MarketFiles) -> None:
    await files.take(SERIES, (), NOW)
    await files.finish(SERIES)
    assert os.listdir(tmp_path) == []


async def test_it_is_plain_parquet_sorted_as_it_says(tmp_path: Path) -> None:
    tables = [market_table(SERIES, markets(name, event_ticker=f"E{place}"), NOW) for place, name in enumerate("XAQ")]
    add_markets(tmp_path, SERIES, tables)
    table = pq.read_table(tmp_path / "markets" / f"{SERIES}.parquet")
    assert table.column("market_ticker").to_pylist() == ["X", "A", "Q"]
    assert table.column("event_ticker").to_pylist() == ["E0", "E1", "E2"]


async def test_a_damaged_file_is_set_aside_and_begun_anew(tmp_path: Path, files: MarketFiles) -> None:
    path = tmp_path / "markets" / f"{SERIES}.parquet"
    path.parent.mkdir()
    path.write_bytes(b"PAR1 and nothing else")
    await files.take(SERIES, markets("A"), NOW)
    await files.finish(SERIES)
    assert [row["market_ticker"] for row in rows(tmp_path)] == ["A"]
    (grave,) = (tmp_path / ".damaged").iterdir()
    assert grave.read_bytes() == b"PAR1 and nothing else"


async def test_a_disk_that_refuses_is_told_and_what_waits_is_written_later(tmp_path: Path, files: MarketFiles) -> None:
    in_the_way = tmp_path / "markets"
    in_the_way.touch()
    await files.take(SERIES, markets("A"), NOW)
    with structlog.testing.capture_logs() as lines:
        await files.finish(SERIES)
    assert [(line["event"], line["series"]) for line in lines] == [("markets not written", SERIES)]
    in_the_way.unlink()
    await files.take(SERIES, markets("B"), NOW + timedelta(seconds=1))
    await files.finish(SERIES)
    assert [row["market_ticker"] for row in rows(tmp_path)] == ["A", "B"]


async def test_a_file_of_a_newer_version_stays_as_it_is(tmp_path: Path, files: MarketFiles) -> None:
    add_markets(tmp_path, SERIES, [market_table(SERIES, markets("A"), NOW)])
    path = tmp_path / "markets" / f"{SERIES}.parquet"
    table = pq.read_table(path)
    newer = {**table.schema.metadata, b"foremesh.schema_version": b"99"}
    pq.write_table(table.replace_schema_metadata(newer), path)
    before = path.read_bytes()
    await files.take(SERIES, markets("B"), NOW)
    with structlog.testing.capture_logs() as lines:
        await files.finish(SERIES)
    assert "99" in lines[0]["problem"]
    assert path.read_bytes() == before
