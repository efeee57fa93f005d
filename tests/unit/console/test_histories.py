"""Readers of recorded histories: what they take, what they refuse, and what they never invent."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from buf.validate import validate_pb2
from foremesh.forecast.v1 import forecast_pb2

from console.histories import read
from console.recorded import MAX_POINTS, HistoryError, Recorded
from tools import sample

ROOT = Path(__file__).resolve().parents[3]
RECORDED = ROOT.parent / "shared" / "data" / "kalshi" / "candles_60m_KXHIGHNY.parquet"
HEADER = "market_ticker,end_period_ts,price_close"
QUOTED = HEADER + ",yes_bid_close,yes_ask_close"


def csv_file(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "candles.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def only(file: Path, **options: timedelta) -> Recorded:
    (market,) = read(file, **options).markets  # type: ignore[arg-type]
    return market


def refused(file: Path, **options: object) -> str:
    with pytest.raises(HistoryError) as caught:
        read(file, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def same(closes: np.ndarray, expected: Sequence[float]) -> bool:
    return np.array_equal(closes, np.array(expected, dtype=np.float32), equal_nan=True)


def test_closes_become_cents_in_order_of_time(tmp_path: Path) -> None:
    market = only(csv_file(tmp_path, HEADER, "KXA-1,7200,0.57", "KXA-1,3600,0.29", "KXA-1,10800,0.565"))

    assert same(market.closes_cents, [29, 57, 56.5])
    assert market.last_candle_time == datetime(1970, 1, 1, 3, tzinfo=UTC)


def test_a_candle_without_a_close_stays_a_gap(tmp_path: Path) -> None:
    market = only(csv_file(tmp_path, HEADER, "KXA-1,3600,0.29", "KXA-1,7200,", "KXA-1,10800,NaN", "KXA-1,14400,0.30"))

    assert same(market.closes_cents, [29, np.nan, np.nan, 30])
    assert market.gaps == 2


def test_a_candle_left_out_between_two_others_is_a_gap(tmp_path: Path) -> None:
    market = only(csv_file(tmp_path, HEADER, "KXA-1,3600,0.29", "KXA-1,14400,0.30"))

    assert same(market.closes_cents, [29, np.nan, np.nan, 30])


def test_the_current_price_is_the_mid_of_the_last_candle_where_both_sides_are_quoted(tmp_path: Path) -> None:
    market = only(csv_file(tmp_path, QUOTED, "KXA-1,3600,0.29,0.28,0.30", "KXA-1,7200,0.29,0.31,0.34"))

    assert (market.current.cents, market.current.origin) == (32.5, "mid")


@pytest.mark.parametrize("quote", ["0,0.30", "0.28,1", ",0.30", "0.28,", "0.31,0.30"])
def test_without_two_sides_the_current_price_is_the_last_known_close(tmp_path: Path, quote: str) -> None:
    market = only(csv_file(tmp_path, QUOTED, "KXA-1,3600,0.29,0.28,0.30", f"KXA-1,7200,,{quote}"))

    assert (market.current.cents, market.current.origin, market.current.steps_ago) == (29, "close", 1)


def test_a_market_without_any_price_has_no_current_price(tmp_path: Path) -> None:
    market = only(csv_file(tmp_path, HEADER, "KXA-1,3600,", "KXA-1,7200,"))

    assert (market.current.cents, market.current.origin) == (None, "unknown")
    assert market.gaps == 2


def test_markets_come_in_the_order_of_the_file_and_can_be_chosen(tmp_path: Path) -> None:
    file = csv_file(tmp_path, HEADER, "KXB-1,3600,0.1", "KXA-1,3600,0.2", "KXA-2,3600,0.3", "KXB-1,7200,0.2")

    assert [market.market_ticker for market in read(file).markets] == ["KXB-1", "KXA-1", "KXA-2"]
    assert [market.market_ticker for market in read(file, market_prefix="KXA").markets] == ["KXA-1", "KXA-2"]
    assert [market.market_ticker for market in read(file, market_prefix="KXA", limit=1).markets] == ["KXA-1"]
    assert "starts with KXZ" in refused(file, market_prefix="KXZ")


def test_nonsense_prices_and_tickers_are_kept_for_the_servers_verdict(tmp_path: Path) -> None:
    market = only(csv_file(tmp_path, HEADER, "not a ticker,3600,1.7", "not a ticker,7200,-3", "not a ticker,10800,inf"))

    assert market.market_ticker == "not a ticker"
    assert same(market.closes_cents, [170, -300, np.inf])
    assert market.current.cents == float("inf")


def test_the_file_says_the_step(tmp_path: Path) -> None:
    header = HEADER + ",period_interval_minutes"
    file = csv_file(tmp_path, header, "KXA-1,60,0.1,1", "KXA-1,180,0.2,1")

    assert read(file).step == timedelta(minutes=1)
    assert same(only(file).closes_cents, [10, np.nan, 20])
    assert read(file, step=timedelta(minutes=1)).step == timedelta(minutes=1)
    assert "candles of 1 minutes, not --step 3600s" in refused(file, step=timedelta(hours=1))


def test_without_a_word_about_it_the_step_is_an_hour_or_what_was_asked(tmp_path: Path) -> None:
    file = csv_file(tmp_path, HEADER, "KXA-1,3600,0.1", "KXA-1,10800,0.2")

    assert read(file).step == timedelta(hours=1)
    assert same(only(file, step=timedelta(hours=2)).closes_cents, [10, 20])


def test_mixed_steps_are_named(tmp_path: Path) -> None:
    file = csv_file(tmp_path, HEADER + ",period_interval_minutes", "KXA-1,3600,0.1,60", "KXA-2,3600,0.1,1")

    assert "mixed steps of 1, 60 minutes" in refused(file)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((HEADER, "KXA-1,3600,0.5", "KXA-1,7200,abc"), "line 3: price_close: invalid value 'abc'"),
        ((HEADER, "KXA-1,soon,0.5"), "line 2: end_period_ts: invalid value 'soon'"),
        ((HEADER, "KXA-1,,0.5"), "line 2: end_period_ts: is empty"),
        ((HEADER, "KXA-1,1764518400000,0.5"), "line 2: end_period_ts: 1764518400000 is not a time in unix seconds"),
        ((HEADER, "KXA-1,-1,0.5"), "line 2: end_period_ts: -1 is not a time"),
        ((HEADER, "KXA-1,3600,0.5", "KXA-1,3600,0.6"), "line 3: end_period_ts: a second candle of KXA-1 at 3600"),
        ((HEADER, "KXA-1,60,0.5", "KXA-1,3600,0.6"), "line 2: end_period_ts: 60 is no whole number of 3600 s steps"),
        (("market_ticker,price", "KXA-1,0.5"), "no column end_period_ts, price_close; it has market_ticker, price"),
        (("market_ticker,end_period_ts,price_close,price_close",), "column price_close comes twice"),
        ((HEADER, "KXA-1,3600"), "Expected 3 columns, got 2"),
        ((HEADER,), "holds no market"),
        (("",), "no column"),
    ],
)
def test_a_bad_csv_is_refused_in_one_line_that_names_the_place(
    tmp_path: Path, lines: tuple[str, ...], expected: str
) -> None:
    file = csv_file(tmp_path, *lines)

    message = refused(file)

    assert message.startswith(f"{file}: ")
    assert expected in message


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    for name, content in {
        "a.parquet": b"no parquet",
        "a.csv": b"\xff\xfe\x00",
        "a.json": b"\xff",
        "a.jsonl": b"\xff",
        "a.txt": b"text",
    }.items():
        file = tmp_path / name
        file.write_bytes(content)
        assert refused(file).startswith(f"{file}: ")
    assert "cannot be read" in refused(tmp_path / "missing.parquet")
    assert "cannot be read" in refused(tmp_path / "missing.jsonl")
    assert "cannot be read" in refused(tmp_path / "missing.csv")


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    file = tmp_path / "candles.parquet"
    columns = {
        "market_ticker": pa.array(["KXA-1", "KXA-1", "KXA-1"]).dictionary_encode(),
        "series_ticker": pa.array(["KXA"] * 3, pa.large_string()),
        "end_period_ts": pa.array([3600, 7200, 10800], pa.int32()),
        "price_close": pa.array([0.29, None, 0.3], pa.float32()),
        "volume": pa.array([1, 2, 3]),
    }
    pq.write_table(pa.table(columns), file)

    market = only(file)

    assert same(market.closes_cents, [29, np.nan, 30])
    assert (market.series_ticker, market.current.origin) == ("KXA", "close")
    assert market.current.cents == pytest.approx(30)


def test_parquet_columns_of_another_type_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "candles.parquet"
    good = {"market_ticker": pa.array(["KXA-1"]), "end_period_ts": pa.array([3600]), "price_close": pa.array([0.5])}
    for name, column in {
        "price_close": pa.array(["0.5"]),
        "end_period_ts": pa.array([datetime(2026, 1, 1, tzinfo=UTC)]),
        "market_ticker": pa.array([7]),
    }.items():
        pq.write_table(pa.table(good | {name: column}), file)
        assert f"{name}: holds" in refused(file)
    pq.write_table(pa.table(good | {"market_ticker": pa.array([None], pa.string())}), file)
    assert "row 1: market_ticker: is empty" in refused(file)
    pq.write_table(pa.table(good | {"end_period_ts": pa.array([3600.5])}), file)
    assert "end_period_ts" in refused(file)


def test_a_history_keeps_its_newest_points_and_says_what_was_cut(tmp_path: Path) -> None:
    lines = [f"KXA-1,{3600 * hour},0.{hour % 90 + 10}" for hour in range(MAX_POINTS + 5)]

    market = only(csv_file(tmp_path, HEADER, *lines))

    assert (len(market.closes_cents), market.cut_points) == (MAX_POINTS, 5)
    assert market.closes_cents[-1] == (MAX_POINTS + 4) % 90 + 10


def test_a_lone_candle_from_long_ago_costs_no_memory(tmp_path: Path) -> None:
    market = only(csv_file(tmp_path, HEADER, "KXA-1,0,0.5", "KXA-1,3600000000,0.6"))

    assert (len(market.closes_cents), market.cut_points) == (1, 1_000_000)


def test_the_most_points_are_what_the_contract_allows() -> None:
    field = forecast_pb2.MarketHistory.DESCRIPTOR.fields_by_name["closes_cents"]

    rules: Any = field.GetOptions().Extensions[validate_pb2.field]  # type: ignore[index]  # unknown to the stubs
    assert rules.repeated.max_items == MAX_POINTS


def test_json_comes_alone_in_an_array_or_one_a_line(tmp_path: Path) -> None:
    one = {"market_ticker": "KXA-1", "closes_cents": [41, None, 43.5], "current_price_cents": 44}
    alone, array, lines = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "c.jsonl"
    alone.write_text(json.dumps(one))
    array.write_text(json.dumps([one, one | {"market_ticker": "KXA-2"}]))
    lines.write_text(json.dumps(one) + "\n\n" + json.dumps(one | {"market_ticker": "KXA-2"}) + "\n")

    assert same(only(alone).closes_cents, [41, np.nan, 43.5])
    assert (only(alone).current.cents, only(alone).current.origin) == (44, "given")
    for file in (array, lines):
        assert [market.market_ticker for market in read(file).markets] == ["KXA-1", "KXA-2"]


def test_json_without_a_current_price_takes_the_last_known_close(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"market_ticker": "KXA-1", "closes_cents": [41, 42, NaN, null], "end_period_ts": 3600}')

    market = only(file)

    assert (market.current.cents, market.current.origin, market.current.steps_ago) == (42, "close", 2)
    assert market.last_candle_time == datetime(1970, 1, 1, 1, tzinfo=UTC)


def test_impossible_numbers_in_json_are_kept_for_the_servers_verdict(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"market_ticker": "", "closes_cents": [1e300, -5, 170], "current_price_cents": 170}')

    market = only(file)

    assert same(market.closes_cents, [np.inf, -5, 170])
    assert market.current.cents == 170


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"market_ticker": "KXA-1"}', "line 2: closes_cents: Field required"),
        ('{"market_ticker": "KXA-1", "closes_cents": [1, "x"]}', "line 2: closes_cents[1]: "),
        ('{"market_ticker": "KXA-1", "closes_cents": [], "price": 4}', "line 2: price: "),
        ('{"market_ticker": "KXA-1", "closes_cents": [], "end_period_ts": 1764518400000}', "line 2: end_period_ts: "),
        ("{", "line 2: Invalid JSON"),
    ],
)
def test_a_bad_json_line_is_refused_with_its_place(tmp_path: Path, line: str, expected: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"market_ticker": "KXA-1", "closes_cents": []}\n' + line + "\n")

    assert expected in refused(file)


def test_the_shipped_sample_is_what_its_generator_makes() -> None:
    assert sample.FILE.read_text() == sample.sample()
    markets = read(sample.FILE).markets
    assert len(markets) == len(sample.WALKS)
    assert all("SIM" in market.market_ticker for market in markets)


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded data beside this checkout")
def test_every_market_of_a_recorded_file_is_read() -> None:
    recording = read(RECORDED)
    table = pq.read_table(RECORDED, columns=["market_ticker", "price_close"])

    assert len(recording.markets) == 660
    assert recording.step == timedelta(hours=1)
    known = sum(len(market.closes_cents) - market.gaps for market in recording.markets)
    assert known == table.num_rows - table["price_close"].null_count
    assert {market.current.origin for market in recording.markets} >= {"mid", "close"}
