"""Readers see what is committed, whole, whatever a writer does meanwhile; any other reader sees the same."""

import contextlib
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import InvalidInput, NotFound
from mesh.records import CANDLES, MARKETS, PRICE_COLUMNS, VERSION, schema_name
from mesh.shards import Content, ShardKey
from mesh.store import naming
from mesh.store.errors import Damaged, StoreError, WrongSchema
from mesh.store.folder import DataFolder, open_folder
from mesh.store.label import Origin
from mesh.store.reader import Candles
from mesh.store.tables import read_table, write_table
from tests.fakes.candle_tables import ALONE, BOTH, KEY, START, candles, committed

MINUTES = replace(KEY, step_seconds=60)
OTHER = ShardKey("KXHIGHNY", "KXHIGHNY-26NOV23", 3600)
IMPORTED = ShardKey("KXHIGHNY", "KXHIGHNY-26NOV24", 3600)
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "kalshi"
MOMENTS = st.none() | st.integers(-2, 6).map(lambda hours: START + timedelta(hours=hours, minutes=30 * (hours % 2)))


def publish(folder: DataFolder, key: ShardKey, table: pa.Table, epoch: int = 1) -> None:
    staged = folder.stage(key, epoch, table, **BOTH)
    folder.publish(staged, committed(staged))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards with quotes, one imported without, one that only waits, and a copy under way."""
    root = tmp_path_factory.mktemp("data")
    with open_folder(root) as folder:
        for seed, key in enumerate((KEY, OTHER, MINUTES)):
            publish(folder, key, candles(key, seed=seed))
        folder.adopt(IMPORTED, candles(IMPORTED, quotes=False), origin=Origin.IMPORT, **ALONE)
        waiting = folder.stage(
            replace(KEY, event="KXHIGHNY-26NOV25"), 1, candles(replace(KEY, event="KXHIGHNY-26NOV25")), **BOTH
        )
        folder.part(waiting.key, committed(waiting)).write_bytes(b"PAR1")
    return root


def hourly() -> pa.Table:
    return pa.concat_tables([candles(KEY, seed=0), candles(OTHER, seed=1)])


def test_only_committed_shards_are_listed_and_by_what_they_are(root: Path) -> None:
    reader = Candles(root)
    assert reader.shards() == [MINUTES, KEY, OTHER, IMPORTED]
    assert reader.shards("KXHIGHNY", step_seconds=60) == [MINUTES]
    assert reader.shards("KXHIGHCHI") == reader.shards(step_seconds=86400) == []
    assert reader.shards(events={OTHER.event}) == [OTHER]
    assert reader.shards(content=Content.PRICES) == [IMPORTED]
    assert reader.label(IMPORTED).origin is Origin.IMPORT
    assert Candles(root / "nowhere").shards() == []


@given(
    first=MOMENTS, last=MOMENTS, columns=st.none() | st.lists(st.sampled_from(CANDLES.names), unique=True, min_size=1)
)
def test_bounds_and_columns_choose_what_they_say(
    root: Path, first: datetime | None, last: datetime | None, columns: list[str] | None
) -> None:
    whole = hourly()
    rows = [
        number
        for number, end in enumerate(whole.column("end_time").to_pylist())
        if (first is None or end >= first) and (last is None or end <= last)
    ]
    found = Candles(root).read(
        "KXHIGHNY", step_seconds=3600, first=first, last=last, columns=columns, executable_only=True
    )
    expected = whole.take(pa.array(rows, pa.int64())).select(columns or CANDLES.names)
    assert found.equals(expected)
    assert found.schema.field(0).metadata[b"meaning"]


def test_events_choose_shards_and_one_that_is_not_here_is_named(root: Path) -> None:
    reader = Candles(root)
    assert reader.read("KXHIGHNY", step_seconds=60).equals(candles(MINUTES, seed=2))
    assert reader.read("KXHIGHNY", step_seconds=3600, events=[OTHER.event]).equals(candles(OTHER, seed=1))
    assert reader.read("KXHIGHNY", step_seconds=3600, events=[]).num_rows == 0
    with pytest.raises(NotFound, match="KXHIGHNY-26NOV25"):
        reader.read("KXHIGHNY", step_seconds=3600, events=[OTHER.event, "KXHIGHNY-26NOV25"])
    with pytest.raises(NotFound, match="KXHIGHNZ"):
        reader.read("KXHIGHNZ", step_seconds=3600)


def test_prices_alone_are_no_quotes_and_are_refused_where_quotes_are_asked_for(root: Path) -> None:
    reader = Candles(root)
    for columns in (None, ["end_time", "yes_ask_close_micros"]):
        with pytest.raises(InvalidInput, match=r"PRICES_ALONE: .*KXHIGHNY-26NOV24\.parquet: prices alone"):
            reader.read("KXHIGHNY", step_seconds=3600, columns=columns)
    assert reader.read("KXHIGHNY", step_seconds=3600, executable_only=True).equals(hourly())
    assert reader.read("KXHIGHNY", step_seconds=3600, columns=PRICE_COLUMNS).num_rows == 36
    assert reader.read("KXHIGHNY", step_seconds=3600, columns=PRICE_COLUMNS, executable_only=True).num_rows == 24


def test_a_wrong_question_is_refused_by_name(root: Path) -> None:
    for columns in (["mood"], [], ["end_time", "end_time"]):
        with pytest.raises(InvalidInput, match="columns of candles"):
            Candles(root).read("KXHIGHNY", step_seconds=3600, columns=columns)
    with pytest.raises(InvalidInput, match="without a zone"):
        Candles(root).read("KXHIGHNY", step_seconds=3600, first=START.replace(tzinfo=None))


def test_plain_pandas_pyarrow_and_duckdb_read_the_same_rows(root: Path) -> None:
    expected = hourly().to_pylist() + candles(IMPORTED, quotes=False).to_pylist()
    folder = root / "candles" / "60m" / "KXHIGHNY"
    assert pq.read_table(folder).to_pylist() == expected
    pandas = pytest.importorskip("pandas")
    assert pa.Table.from_pandas(pandas.read_parquet(folder), CANDLES, preserve_index=False).to_pylist() == expected
    with duckdb.connect() as database:
        found = database.read_parquet(f"{root}/candles/60m/*/*.parquet").order("event_ticker, market_ticker, end_time")
        assert found.to_arrow_table().cast(CANDLES).to_pylist() == expected


def test_a_damaged_file_is_named_and_a_newer_one_is_not_called_damaged(tmp_path: Path) -> None:
    with open_folder(tmp_path) as folder:
        publish(folder, KEY, candles(periods=500))
        publish(folder, OTHER, candles(OTHER))
        path = folder.path(KEY)
    content = path.read_bytes()
    path.write_bytes(content[:500] + bytes(byte ^ 255 for byte in content[500:1500]) + content[1500:])
    with pytest.raises(Damaged, match=r"KXHIGHNY-26NOV22\.parquet"):
        Candles(tmp_path).read("KXHIGHNY", step_seconds=3600)
    pq.write_table(candles().replace_schema_metadata(CANDLES.metadata | {VERSION.encode(): b"2"}), path)
    with pytest.raises(WrongSchema, match=r"KXHIGHNY-26NOV22\.parquet: .* version 2; this software reads version 1"):
        Candles(tmp_path).read("KXHIGHNY", step_seconds=3600)


def test_what_is_read_while_it_is_replaced_is_of_one_epoch(tmp_path: Path) -> None:
    stop = threading.Event()
    seen = set()
    with open_folder(tmp_path) as folder:
        publish(folder, KEY, candles(seed=1, periods=301))

        def write() -> None:
            try:
                for epoch in range(2, 40):
                    publish(folder, KEY, candles(seed=epoch, periods=300 + epoch), epoch)
            finally:
                stop.set()

        writer = threading.Thread(target=write)
        writer.start()
        while not stop.is_set():
            table = Candles(tmp_path).read("KXHIGHNY", step_seconds=3600)
            (volume,) = pc.unique(
                pc.filter(table["volume_hundredths"], pc.greater(table["volume_hundredths"], 0))
            ).to_pylist()
            epoch = volume // 100 - 1
            assert table.num_rows == 3 * (300 + epoch)
            seen.add(epoch)
        writer.join()
    assert len(seen) > 1


def test_a_file_set_aside_while_it_was_listed_is_an_error_that_names_it(tmp_path: Path) -> None:
    with open_folder(tmp_path) as folder:
        for key in (KEY, OTHER):
            publish(folder, key, candles(key))
        reader = Candles(tmp_path)
        listed = reader.shards("KXHIGHNY")
        folder.set_aside(OTHER, dict(folder.commits())[OTHER])
    with pytest.raises(StoreError, match=r"FILE_MISSING: .*KXHIGHNY-26NOV23\.parquet"):
        reader.label(listed[1])


def test_tables_come_one_by_one_and_may_be_left_early(root: Path) -> None:
    with contextlib.closing(Candles(root).tables("KXHIGHNY", step_seconds=3600, executable_only=True)) as tables:
        key, table = next(tables)
    assert (key, table.equals(candles())) == (KEY, True)


def test_tables_without_leases_are_replaced_whole_and_read_back_by_schema(tmp_path: Path) -> None:
    path = naming.markets(tmp_path, "KXHIGHNY")
    row = {"series_ticker": "KXHIGHNY", "event_ticker": KEY.event, "market_ticker": f"{KEY.event}-B60"}
    grid = [{"start_micros": 0, "end_micros": 1_000_000, "step_micros": 10_000}]
    for result in (None, "yes"):
        table = pa.Table.from_pylist(
            [row | {"result": result, "floor_strike": 60.5, "price_grid": grid}], schema=MARKETS
        )
        write_table(path, table, {"foremesh.source": "a test"})
        assert read_table(path, MARKETS).equals(table)
    with pytest.raises(InvalidInput, match="null in event_ticker"):
        write_table(path, pa.Table.from_pylist([row | {"event_ticker": None}], schema=MARKETS))
    assert read_table(path, MARKETS).equals(table)
    assert [found.name for found in path.parent.iterdir()] == ["KXHIGHNY.parquet"]
    with pytest.raises(WrongSchema, match=schema_name(MARKETS)):
        read_table(path, CANDLES)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="needs the recorded markets in ../shared")
def test_recorded_candles_go_through_the_store_and_come_back(tmp_path: Path) -> None:
    recorded = pq.read_table(RECORDED / "candles_60m_KXHIGHNY.parquet").slice(0, 3000)
    rows = [
        {name: row[name] for name in ("series_ticker", "event_ticker", "market_ticker")}
        | {"end_time": row["end_period_ts"] * 1_000_000, "step_seconds": 3600}
        | {
            f"{name}_micros": None if row[name] is None else round(row[name] * 1e6)
            for name in ("price_open", "price_close")
        }
        | {
            "yes_bid_close_micros": round(row["yes_bid_close"] * 1e6) or None
            if row["yes_bid_close"] is not None
            else None
        }
        | {"volume_hundredths": round(row["volume"] * 100)}
        for row in recorded.to_pylist()
    ]
    table = pa.Table.from_pylist(rows, schema=CANDLES).sort_by(
        [(name, "ascending") for name in ("event_ticker", "market_ticker", "end_time")]
    )
    with open_folder(tmp_path) as folder:
        for event in pc.unique(table["event_ticker"]).to_pylist():
            publish(folder, replace(KEY, event=event), table.filter(pc.equal(table["event_ticker"], event)))
    assert len(Candles(tmp_path).shards()) > 5
    assert Candles(tmp_path).read("KXHIGHNY", step_seconds=3600).equals(table)
