"""Import of recorded files: candles, markets and trades of a series."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.collection.importing import Fate, Import, Outcome
from console.collection.kinds import Kind, files_below
from mesh.records import CANDLES, MARKETS, TRADES
from mesh.shards import Content, HoleReason, ShardKey
from mesh.store.folder import open_folder
from mesh.store.naming import visible
from mesh.store.reader import Candles
from mesh.store.tables import read_table
from mesh.store.verify import verify
from tests.fakes.imported_files import EVENT, KEY, MARKET, RECORDED, SERIES, START, candle, market, trade, write

OTHER = f"{EVENT}-T51"


def run(source: Path, root: Path, **how: Any) -> list[Outcome]:
    with open_folder(root) as folder:
        return list(Import(root=root, folder=folder, **how).run(list(files_below(source))))


def imported(tmp_path: Path, rows: list[dict[str, Any]], **how: Any) -> tuple[Outcome, Candles]:
    """Import one file of candles."""
    write(tmp_path / "in" / "candles_60m_KXHIGHNY.parquet", rows)
    [outcome] = run(tmp_path / "in", tmp_path / "data", **how)
    return outcome, Candles(tmp_path / "data")


def rows_of(candles: Candles) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = candles.read(SERIES, step_seconds=3600).to_pylist()
    return rows


def test_candles_become_a_committed_shard_with_exact_prices(tmp_path: Path) -> None:
    outcome, candles = imported(tmp_path, [candle(1, price=0.0001), candle(0, price=0.9999)])

    assert (outcome.kind, outcome.problems) == (Kind.CANDLES, [])
    [stored] = outcome.stored
    assert (stored.name, stored.fate, stored.rows, stored.price_only) == (str(KEY), Fate.NEW, 2, False)
    assert [row["price_close_micros"] for row in rows_of(candles)] == [999_900, 100]
    assert [int(row["end_time"].timestamp()) for row in rows_of(candles)] == [START, START + 3600]
    assert [row["volume_hundredths"] for row in rows_of(candles)] == [1200, 1200]
    assert candles.label(KEY).content is Content.PRICES_AND_QUOTES
    assert verify(tmp_path / "data").sound


def test_a_bid_of_zero_and_an_ask_of_a_dollar_say_that_nobody_is_there(tmp_path: Path) -> None:
    nobody: dict[str, Any] = {f"yes_bid_{moment}": 0.0 for moment in ("open", "low")} | {"yes_ask_high": 1.0}
    _, candles = imported(tmp_path, [candle(0, **nobody)])

    [row] = rows_of(candles)
    assert (row["yes_bid_open_micros"], row["yes_bid_low_micros"], row["yes_ask_high_micros"]) == (None, None, None)
    assert (row["yes_bid_close_micros"], row["yes_ask_close_micros"]) == (450_000, 490_000)


def test_candles_without_any_quote_are_marked_price_only(tmp_path: Path) -> None:
    none: dict[str, Any] = {
        f"yes_{side}_{moment}": None for side in ("bid", "ask") for moment in ("open", "high", "low", "close")
    }
    outcome, candles = imported(tmp_path, [candle(0, **none), candle(1, **none)])

    assert outcome.stored[0].price_only
    assert candles.label(KEY).content is Content.PRICES


def test_a_series_with_two_steps_has_two_shards(tmp_path: Path) -> None:
    rows = [candle(0), candle(0, period_interval_minutes=1)]
    outcome, _ = imported(tmp_path, rows)

    assert [stored.name for stored in outcome.stored] == [f"{SERIES}/{EVENT}/1m", f"{SERIES}/{EVENT}/60m"]


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"price_close": 0.4700004}, "price_close: 0.4700004 is not a whole number"),
        ({"price_high": 0.3}, "price low above high"),
        ({"price_close": 1.2, "price_high": 1.2}, "not within a dollar"),
        ({"yes_bid_close": 0.6, "yes_bid_high": 0.6}, "bid above ask"),
        ({"volume": -1.0}, "below zero"),
        ({"end_period_ts": START + 17}, "end off the step"),
        ({"end_period_ts": START * 1000}, "is no time"),
        ({"end_period_ts": START + 3600}, "duplicate"),
    ],
)
def test_a_broken_row_makes_its_market_a_hole_and_leaves_the_event(
    tmp_path: Path, broken: dict[str, Any], rule: str
) -> None:
    outcome, candles = imported(tmp_path, [candle(0, **broken), candle(1), candle(0, OTHER), candle(1, OTHER)])

    assert {row["market_ticker"] for row in rows_of(candles)} == {OTHER}
    [hole] = candles.label(KEY).holes
    assert (hole.market, hole.reason) == (MARKET, HoleReason.INVALID_DATA)
    assert rule in hole.detail
    assert any(rule in problem.what for problem in outcome.problems)
    assert verify(tmp_path / "data").sound


def test_every_broken_row_is_told_with_its_number(tmp_path: Path) -> None:
    outcome, _ = imported(tmp_path, [candle(0), *(candle(hour, price=0.1234567) for hour in range(1, 4))])

    assert {problem.place for problem in outcome.problems} >= {f"row {row}, {MARKET}" for row in (2, 3, 4)}


def test_thousands_of_broken_rows_are_counted_not_listed(tmp_path: Path) -> None:
    outcome, _ = imported(tmp_path, [candle(hour, open_interest=0.001) for hour in range(2000)])

    assert len(outcome.problems) < 110
    assert any("1,900 broken values more" in problem.what for problem in outcome.problems)


@pytest.mark.parametrize(
    "strange",
    [{"market_ticker": None}, {"event_ticker": "../up"}, {"series_ticker": "kx"}, {"market_ticker": "a\x1b[2J"}],
)
def test_a_row_that_names_no_market_is_refused_and_the_others_are_taken(
    tmp_path: Path, strange: dict[str, Any]
) -> None:
    outcome, candles = imported(tmp_path, [candle(0), candle(1, **strange)])

    assert len(rows_of(candles)) == 1
    assert outcome.problems
    assert all(character.isprintable() for problem in outcome.problems for character in problem.place + problem.what)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "data"}


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    rows = [candle(0), candle(1, OTHER, price=0.1234567)]
    write(tmp_path / "in" / "markets_KXHIGHNY.parquet", [market(), market(OTHER)])
    write(tmp_path / "in" / "trades_KXHIGHNY.parquet", [trade(0), trade(0)])
    write(tmp_path / "in" / "candles_60m_KXHIGHNY.parquet", rows)
    first = run(tmp_path / "in", tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")}

    again = run(tmp_path / "in", tmp_path / "data")

    assert {stored.fate for each in first for stored in each.stored} == {Fate.NEW}
    assert {stored.fate for each in again for stored in each.stored} == {Fate.UNCHANGED}
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")} == before
    assert len(before) == 3


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    imported(tmp_path, [candle(0)])
    outcome, candles = imported(tmp_path, [candle(0, price=0.46)])

    assert [stored.fate for stored in outcome.stored] == [Fate.KEPT]
    assert rows_of(candles)[0]["price_close_micros"] == 470_000


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "in" / "candles.parquet", [candle(0), candle(1, OTHER, price=0.1234567)])
    source = list(files_below(tmp_path / "in"))

    [dry] = Import(root=tmp_path / "data", folder=None).run(source)

    assert not (tmp_path / "data").exists()
    [wet] = run(tmp_path / "in", tmp_path / "data")
    assert (dry.stored, dry.problems) == (wet.stored, wet.problems)


def test_markets_that_the_candles_lack_are_holes(tmp_path: Path) -> None:
    write(tmp_path / "in" / "markets_KXHIGHNY.parquet", [market(), market(OTHER)])
    write(tmp_path / "in" / "candles_60m_KXHIGHNY.parquet", [candle(0)])
    run(tmp_path / "in", tmp_path / "data")

    [hole] = Candles(tmp_path / "data").label(KEY).holes
    assert (hole.market, hole.reason) == (OTHER, HoleReason.NOT_ATTEMPTED)


def test_markets_become_a_table_of_their_series(tmp_path: Path) -> None:
    inferred = market(OTHER, result=None, result_inferred="no", floor_strike=float("nan"), settlement_value=None)
    write(tmp_path / "in" / "markets.parquet", [inferred, market(settlement_value=1.0, title="Highest?")])
    [outcome] = run(tmp_path / "in", tmp_path / "data")

    assert outcome.problems == []
    yes, no = read_table(tmp_path / "data" / "markets" / "KXHIGHNY.parquet", MARKETS).to_pylist()
    assert (yes["market_ticker"], yes["result"], yes["settlement_value_micros"]) == (MARKET, "yes", 1_000_000)
    assert (yes["event_title"], yes["floor_strike"], yes["result_inferred"]) == ("Highest?", 50.0, None)
    assert yes["close_time"].isoformat() == "2026-11-23T04:59:00+00:00"
    assert (no["result"], no["result_inferred"], no["floor_strike"]) == (None, "no", None)


def test_imported_markets_are_added_to_those_that_are_listed_and_replace_none(tmp_path: Path) -> None:
    write(tmp_path / "one" / "markets.parquet", [market(result="yes"), market(OTHER)])
    write(tmp_path / "two" / "markets.parquet", [market(result="no"), market(f"{EVENT}-T40")])
    run(tmp_path / "one", tmp_path / "data")
    [added] = run(tmp_path / "two", tmp_path / "data")
    [again] = run(tmp_path / "two", tmp_path / "data")
    [first] = run(tmp_path / "one", tmp_path / "data")

    fates = [(stored.fate, stored.rows) for each in (added, again, first) for stored in each.stored]
    assert fates == [(Fate.NEW, 1), (Fate.KEPT, 2), (Fate.UNCHANGED, 2)]
    found = read_table(tmp_path / "data" / "markets" / "KXHIGHNY.parquet", MARKETS).to_pylist()
    assert [row["market_ticker"] for row in found] == [MARKET, f"{EVENT}-T40", OTHER]
    assert found[0]["result"] == "yes"


def test_a_market_that_comes_twice_is_told(tmp_path: Path) -> None:
    write(tmp_path / "in" / "markets.parquet", [market(), market(result="no")])
    [outcome] = run(tmp_path / "in", tmp_path / "data")

    assert [problem.what for problem in outcome.problems] == ["1 row for a market that has one"]


def test_trades_become_a_table_of_their_series(tmp_path: Path) -> None:
    rows = [trade(5, taker_side="no", yes_price=0.015), trade(1), trade(1), trade(2, taker_side=None)]
    write(tmp_path / "in" / "trades_KXHIGHNY.parquet", rows)
    [outcome] = run(tmp_path / "in", tmp_path / "data")

    assert outcome.problems == []
    found = read_table(tmp_path / "data" / "trades" / SERIES / "trades_KXHIGHNY.parquet", TRADES).to_pylist()
    assert [row["taker_book_side"] for row in found] == ["bid", "bid", None, "ask"]
    assert [row["yes_price_micros"] for row in found] == [470_000, 470_000, 470_000, 15_000]
    assert [row["count_hundredths"] for row in found] == [300] * 4


@pytest.mark.parametrize("broken", [{"yes_price": None}, {"taker_side": "both"}, {"count": None}, {"created_ts_us": 5}])
def test_a_broken_trade_is_refused_and_the_others_are_taken(tmp_path: Path, broken: dict[str, Any]) -> None:
    write(tmp_path / "in" / "trades.parquet", [trade(0), trade(1, **broken), trade(2)])
    [outcome] = run(tmp_path / "in", tmp_path / "data")

    assert [problem.place for problem in outcome.problems] == ["row 2"]
    assert outcome.stored[0].rows == 2


def test_only_the_series_that_are_wanted_are_taken(tmp_path: Path) -> None:
    rows = [candle(0), candle(0, "KXB-E-M", series_ticker="KXB", event_ticker="KXB-E")]
    outcome, _ = imported(tmp_path, rows, series=("KXB",))

    assert [stored.name for stored in outcome.stored] == ["KXB/KXB-E/60m"]


def test_what_is_not_imported_is_listed_with_the_reason(tmp_path: Path) -> None:
    source = tmp_path / "in"
    write(source / "quotes_KXHIGHNY.parquet", [{"market_ticker": MARKET, "ts_us": 1, "yes_bid": 0.4}])
    write(source / "strange.parquet", [{"a": 1, "b": 2}])
    write(source / "empty.parquet", [candle(0)])
    pq.write_table(pa.Table.from_pylist([candle(0)]).slice(0, 0), source / "empty.parquet")
    (source / "broken.parquet").write_bytes(b"PAR1 no parquet")
    (source / "README.md").write_text("# hello")
    outcomes = {outcome.file.name: outcome for outcome in run(source, tmp_path / "data")}

    assert "quotes" in outcomes["quotes_KXHIGHNY.parquet"].left_out
    assert outcomes["empty.parquet"].left_out == "holds no rows"
    assert outcomes["README.md"].left_out == "not a visible parquet file"
    assert "neither candles, markets nor trades: its columns are a, b" in outcomes["strange.parquet"].problems[0].what
    assert "cannot be read" in outcomes["broken.parquet"].problems[0].what
    assert len(outcomes) == 5


def test_a_column_of_another_type_refuses_the_file_not_the_import(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.parquet", [candle(0, price_close="0.47")])
    write(tmp_path / "in" / "b.parquet", [candle(0)])
    first, second = run(tmp_path / "in", tmp_path / "data")

    assert [problem.what for problem in first.problems] == ["price_close: holds string, not numbers"]
    assert second.stored


def test_a_data_folder_is_no_source(tmp_path: Path) -> None:
    imported(tmp_path, [candle(0)])
    outcomes = run(tmp_path / "data" / "candles", tmp_path / "other")

    assert "own store" in outcomes[0].left_out


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded data beside this checkout")
@pytest.mark.parametrize("name", ["candles_60m_KXHIGHCHI", "candles_1m_INXD", "candles_1m_from_trades_HIGHAUS"])
def test_real_recordings_are_taken_over_value_by_value(tmp_path: Path, name: str) -> None:
    [outcome] = run(RECORDED / f"{name}.parquet", tmp_path)
    source = pq.read_table(RECORDED / f"{name}.parquet").to_pylist()

    assert outcome.problems == []
    assert verify(tmp_path).sound
    names = {"price_close", "price_open", "yes_bid_close", "yes_ask_close", "yes_bid_low", "volume"}
    theirs = Counter((row["market_ticker"], row["end_period_ts"], *_values(row, names)) for row in source)
    [series] = {row["series_ticker"] for row in source}
    step = source[0]["period_interval_minutes"] * 60
    ours: Counter[tuple[Any, ...]] = Counter()
    for key in Candles(tmp_path).shards(series, step_seconds=step):
        for row in read_table(visible(tmp_path, key), CANDLES).to_pylist():
            dollars = {name: _dollars(row, name) for name in names}
            ours[(row["market_ticker"], int(row["end_time"].timestamp()), *_values(dollars, names))] += 1
    assert ours == theirs


def test_shard_keys_are_told_apart(tmp_path: Path) -> None:
    rows = [candle(0), candle(0, "KXHIGHNY-26NOV23-B1", event_ticker="KXHIGHNY-26NOV23")]
    outcome, candles = imported(tmp_path, rows)

    assert candles.shards(SERIES) == [KEY, ShardKey(SERIES, "KXHIGHNY-26NOV23", 3600)]
    assert [stored.rows for stored in outcome.stored] == [1, 1]


def _values(row: dict[str, Any], names: set[str]) -> list[Any]:
    """Values as the recording means them: nobody bids is nothing."""
    nobody = {"yes_bid_close": 0.0, "yes_bid_low": 0.0, "yes_ask_close": 1.0}
    return [
        None if row[name] is None or row[name] == nobody.get(name) else round(row[name], 6) for name in sorted(names)
    ]


def _dollars(row: dict[str, Any], name: str) -> float | None:
    value = row["volume_hundredths"] if name == "volume" else row[f"{name}_micros"]
    return None if value is None else value / (100 if name == "volume" else 1_000_000)
