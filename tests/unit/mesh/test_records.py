"""The schemas say what they are, and files of them give back exactly what was written."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.records import (
    CANDLES,
    PRICE_COLUMNS,
    QUOTE_COLUMNS,
    SCHEMAS,
    VERSION,
    schema_name,
    schema_order,
    schema_version,
)
from mesh.store.errors import Damaged, WrongSchema
from mesh.store.parquet import encode, opened, read
from tests.fakes.candle_tables import candles

MICROS = st.none() | st.integers(0, 1_000_000)
WHOLE = st.none() | st.integers(0, 2**62)


@st.composite
def candle_tables(draw: st.DrawFn) -> pa.Table:
    keys = draw(st.sets(st.tuples(st.sampled_from(["A-B1", "A-B2", "A-T99.99"]), st.integers(0, 10**7)), max_size=30))
    rows = [
        {
            "series_ticker": "A",
            "event_ticker": "A-1",
            "market_ticker": market,
            "end_time": datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=minute),
            "step_seconds": 60,
        }
        | {name: draw(MICROS) for name in CANDLES.names if name.endswith("_micros")}
        | {name: draw(WHOLE) for name in CANDLES.names if name.endswith("_hundredths")}
        for market, minute in sorted(keys)
    ]
    return pa.Table.from_pylist(rows, schema=CANDLES)


@given(candle_tables())
def test_any_candles_come_back_exactly_and_equal_tables_are_equal_bytes(table: pa.Table) -> None:
    content = encode(table, {"who": "me"})
    assert content.equals(encode(pa.Table.from_pylist(table.to_pylist(), schema=CANDLES), {"who": "me"}))
    with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
        again = file.read()
    assert again.equals(table)
    assert again.schema.remove_metadata().equals(CANDLES.remove_metadata())


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_says_its_unit_and_meaning(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema_name(schema) == name
    assert schema_version(schema) == 1
    assert set(schema_order(schema)) <= set(schema.names)
    for field in schema:
        assert field.metadata[b"meaning"], field
        measured = (
            pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_timestamp(field.type)
        )
        assert not measured or field.name == "sequence" or field.metadata[b"unit"], field
        assert field.name.endswith("_micros") == (
            field.metadata.get(b"unit") == b"millionths of a dollar" and field.name != "price_grid"
        )
        assert field.name.endswith("_hundredths") == (field.metadata.get(b"unit") == b"hundredths of a contract")


def test_columns_of_candles_are_prices_or_quotes() -> None:
    assert len(QUOTE_COLUMNS) == 8
    assert sorted((*QUOTE_COLUMNS, *PRICE_COLUMNS)) == sorted(CANDLES.names)


def test_a_file_declares_its_order_its_statistics_and_its_checksums(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(encode(candles(), {"foremesh.note": "é"}))
    with opened(path, CANDLES) as file:
        group = file.metadata.row_group(0)
        assert [column.column_index for column in group.sorting_columns] == [2, 3]
        assert all(group.column(number).statistics for number in range(len(CANDLES)))
        assert {group.column(number).compression for number in range(len(CANDLES))} == {"ZSTD"}
        assert file.metadata.metadata[b"foremesh.note"] == "é".encode()
        assert file.schema_arrow.field("price_open_micros").metadata[b"unit"] == b"millionths of a dollar"


def test_a_newer_version_is_refused_with_both_versions_named(tmp_path: Path) -> None:
    path = tmp_path / "new.parquet"
    newer = CANDLES.append(pa.field("mood", pa.int8())).with_metadata(CANDLES.metadata | {VERSION.encode(): b"7"})
    pq.write_table(newer.empty_table(), path)
    with pytest.raises(WrongSchema, match=r"new\.parquet: foremesh\.candles version 7; this software reads version 1"):
        read(path, CANDLES)


def test_another_schema_and_no_schema_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    path.write_bytes(encode(SCHEMAS["foremesh.trades"].empty_table()))
    with pytest.raises(WrongSchema, match=r"holds foremesh\.trades, not foremesh\.candles"):
        read(path, CANDLES)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(WrongSchema, match="holds no schema of the mesh"):
        read(path, CANDLES)


def test_columns_that_are_not_the_schemas_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "short.parquet"
    pq.write_table(candles().select(CANDLES.names[:5]).replace_schema_metadata(CANDLES.metadata), path)
    with pytest.raises(Damaged, match="its columns are not those of"):
        read(path, CANDLES)


def test_what_is_no_parquet_is_damage_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "half.parquet"
    for content in (b"", b"PAR1", bytes(encode(candles()))[:-20], b"x" * 1000):
        path.write_bytes(content)
        with pytest.raises(Damaged, match=r"half\.parquet"):
            read(path, CANDLES)


def test_a_null_where_there_must_be_a_value_is_refused() -> None:
    table = candles().set_column(3, CANDLES.field("end_time"), pa.nulls(12, CANDLES.field("end_time").type))
    with pytest.raises(ValueError, match="null in end_time"):
        encode(table)


def test_a_table_with_a_column_of_another_type_is_refused() -> None:
    table = candles()
    floats = table.set_column(5, "price_open_micros", table.column(5).cast(pa.float64()))
    with pytest.raises(ValueError, match="price_open_micros"):
        encode(floats.replace_schema_metadata(CANDLES.metadata))
    with pytest.raises(ValueError, match="without a schema"):
        encode(table.replace_schema_metadata(None))
