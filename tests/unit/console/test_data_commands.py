"""`foremesh data`, as a person or a script types it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from console.collection.data import data
from console.collection.data_view import spark
from mesh.records import CANDLES, PRICE_COLUMNS
from mesh.store.folder import open_folder
from mesh.types import CENT
from tests.fakes.candle_tables import BOTH, committed
from tests.fakes.candle_tables import KEY as OTHER_KEY
from tests.fakes.candle_tables import candles as quoted_candles
from tests.fakes.imported_files import EVENT, KEY, MARKET, SERIES, candle, market, old_row, write


def run(*arguments: object, width: int = 100) -> Result:
    return CliRunner().invoke(data, [str(each) for each in arguments], env={"COLUMNS": str(width)})


def document(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Recorded hourly candles of one market, with a broken one beside it, and an old file of another event."""
    folder = tmp_path / "in"
    write(folder / "candles_60m_KXHIGHNY.parquet", [candle(0), candle(1), candle(1, f"{EVENT}-T51", price=1.5)])
    write(folder / "KXHIGHNY" / "KXHIGHNY-25NOV22.parquet", [old_row(0, "KXHIGHNY-25NOV22-B1")])
    return folder


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    """The data folder with both."""
    run("import", source, "--into", tmp_path / "data")
    return tmp_path / "data"


def test_an_import_is_summed_up_by_kind_and_fails_if_anything_was_refused(source: Path, tmp_path: Path) -> None:
    result = run("import", source, "--into", tmp_path / "data")

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[1].split() == ["recorded", "candles", "1", "1", "0", "0", "2", "1", "0", "1"]
    assert lines[2].split() == ["the", "predecessor's", "candles", "1", "1", "0", "0", "1", "0", "1", "0"]
    assert lines[3].split() == ["all", "2", "2", "0", "0", "3", "1", "1", "1"]
    assert f"refused: candles_60m_KXHIGHNY.parquet: {EVENT}-T51: price_open_micros not within a dollar" in result.stdout


def test_an_import_of_sound_files_succeeds(tmp_path: Path) -> None:
    write(tmp_path / "in" / "candles.parquet", [candle(0)])

    assert run("import", tmp_path / "in", "--into", tmp_path / "data").exit_code == 0


def test_a_single_file_may_be_imported(tmp_path: Path) -> None:
    file = write(tmp_path / "candles.parquet", [candle(0)])
    [found] = document("import", file, "--into", tmp_path / "data")["files"]

    assert (found["kind"], found["stored"][0]["fate"], found["problems"]) == ("candles", "new", [])


def test_a_folder_without_files_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = run("import", tmp_path / "in", "--into", tmp_path / "data")

    assert (result.exit_code, result.exception) == (0, None)


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path) -> None:
    result = run("import", source, "--into", tmp_path / "data", "--dry-run")

    assert "Nothing was written" in result.stdout
    assert not (tmp_path / "data").exists()


def test_a_folder_that_a_collector_writes_is_left_alone(source: Path, tmp_path: Path) -> None:
    with open_folder(tmp_path / "data"):
        result = run("import", source, "--into", tmp_path / "data")

    assert result.exit_code == 1
    assert "is being written by" in result.stderr


def test_the_list_says_of_every_shard_what_it_holds(folder: Path) -> None:
    result = run("list", folder, width=140)

    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "2026-11-22 06:00  2026-11-22 07:00      1  quotes" in lines[str(KEY)]
    assert "      0  prices" in lines[f"{SERIES}/KXHIGHNY-25NOV22/60m"]
    assert "2 shards, 3 rows" in result.stdout
    assert "1 hole, 1 price-only" in result.stdout


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ((), 2), (("--price-only",), 1), (("--holed",), 1), (("--event", EVENT), 1), (("--step", "1m"), 0),
        (("--series", "KXB"), 0), (("--series", "KXB", "--series", SERIES), 2), (("--holed", "--price-only"), 0),
    ],
)  # fmt: skip
def test_the_list_may_be_cut_down(folder: Path, filters: tuple[str, ...], count: int) -> None:
    assert len(document("list", folder, *filters)["shards"]) == count


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_listed(folder: Path) -> None:
    path = folder / "candles" / "60m" / SERIES / f"{EVENT}.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    result = run("list", folder)

    assert result.exit_code == 1
    assert f"unreadable: {path}" in result.stdout
    assert "KXHIGHNY-25NOV22/60m" in result.stdout


@pytest.mark.parametrize("command", ["list", "holes", "verify"])
def test_an_empty_folder_holds_nothing(tmp_path: Path, command: str) -> None:
    result = run(command, tmp_path)

    assert result.exit_code == 0
    assert "0 shards" in result.stdout


def test_holes_are_listed_with_their_reasons(folder: Path) -> None:
    [hole] = document("holes", folder)["holes"]

    assert (hole["shard"], hole["market"], hole["reason"]) == (str(KEY), f"{EVENT}-T51", "invalid_data")
    assert "1 hole in 2 shards: 1 invalid data" in run("holes", folder).stdout


def test_a_shard_is_shown_market_by_market(folder: Path) -> None:
    result = run("show", KEY, "--folder", folder, width=140)

    assert result.exit_code == 0
    [line] = [line for line in result.stdout.splitlines() if line.startswith(MARKET)]
    assert line.split() == [
        MARKET, "2", "2", "2026-11-22", "06:00", "2026-11-22", "07:00", "24", "47", "to", "47", "▄▄"
    ]  # fmt: skip
    [shown] = document("show", KEY, "--folder", folder)["markets"]
    assert (shown["candles"], shown["volume_hundredths"], shown["last_close_micros"]) == (2, 2400, 470_000)


@pytest.mark.parametrize(
    ("shard", "code", "said"),
    [("KXHIGHNY", 2, "not SERIES/EVENT/STEP"), ("KXA/KXA-1/60m", 1, "KXA-1"), ("../../x/60m", 2, "not ")],
)
def test_a_shard_that_is_not_there_is_one_line(folder: Path, shard: str, code: int, said: str) -> None:
    result = run("show", shard, "--folder", folder)

    assert result.exit_code == code
    assert said in result.stderr


def test_an_export_is_one_file_of_the_shards_with_quotes(folder: Path, tmp_path: Path) -> None:
    with open_folder(folder) as opened:
        key = type(OTHER_KEY)(SERIES, "KXHIGHNY-26NOV24", 3600)
        staged = opened.stage(key, 1, quoted_candles(key), **BOTH)
        opened.publish(staged, committed(staged))
    result = run("export", tmp_path / "out.parquet", "--series", SERIES, "--folder", folder)

    assert result.exit_code == 0
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.equals(CANDLES, check_metadata=False)
    assert table.column("event_ticker").unique().to_pylist() == [EVENT, "KXHIGHNY-26NOV24"]
    assert table.num_rows == 2 + 12
    assert "1 shard of traded prices alone left out" in result.stdout


def test_an_export_of_prices_has_no_quote_columns(folder: Path, tmp_path: Path) -> None:
    run("export", tmp_path / "out.csv", "--series", SERIES, "--price-only", "--folder", folder)

    table = pacsv.read_csv(tmp_path / "out.csv")
    assert table.column_names == list(PRICE_COLUMNS)
    assert table.num_rows == 3


@pytest.mark.parametrize(
    ("bounds", "rows"),
    [
        (("--from", "2026-11-22T07:00Z"), 1),
        (("--to", "2026-11-22T06:00"), 1),
        (("--from", "2026-11-22T01:00-05:00", "--to", "2026-11-22T08:00:00+01:00"), 2),
    ],
)
def test_an_export_may_be_bounded_in_time(folder: Path, tmp_path: Path, bounds: tuple[str, ...], rows: int) -> None:
    out = tmp_path / "out.parquet"
    found = document("export", out, "--series", SERIES, "--folder", folder, *bounds)

    assert found["rows"] == rows
    assert pq.read_metadata(out).num_rows == rows


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--from", "2026-11-23"),
            "nothing was written: no candles of KXHIGHNY are selected from 2026-11-23 00:00 UTC",
        ),
        (("--from", "2026-11-24", "--to", "2026-11-23"), "from 2026-11-24 00:00 UTC to 2026-11-23 00:00 UTC"),
        (("--from", "2026-11-23"), "1 shard of traded prices alone left out, --price-only has them"),
    ],
)
def test_an_export_of_nothing_is_an_error_and_no_file(
    folder: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    result = run("export", tmp_path / "out.parquet", "--series", SERIES, "--folder", folder, *options)

    assert result.exit_code == 1
    assert said in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"in", "data"}


def test_an_export_overwrites_nothing_and_leaves_nothing_half(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    out.write_text("mine")
    exists = run("export", out, "--series", SERIES, "--folder", folder)
    lacking = run("export", tmp_path / "no.parquet", "--series", "KXB", "--folder", folder)

    assert (exists.exit_code, lacking.exit_code) == (1, 1)
    assert "exists" in exists.stderr
    assert "KXB" in lacking.stderr
    assert out.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"in", "data", "out.parquet"}


def test_an_export_does_not_mix_steps(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "more" / "candles.parquet", [candle(0, period_interval_minutes=1)])
    run("import", tmp_path / "more", "--into", folder)
    result = run("export", tmp_path / "out.parquet", "--series", SERIES, "--folder", folder)

    assert result.exit_code == 2
    assert "candles of 1m and 60m are here: choose with --step" in result.stderr


def test_a_sound_folder_is_sound(folder: Path) -> None:
    result = run("verify", folder)

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "sound")
    assert document("verify", folder)["sound"] is True


def test_a_changed_byte_is_found(folder: Path) -> None:
    path = folder / "candles" / "60m" / SERIES / f"{EVENT}.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    result = run("verify", folder)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "something is wrong"
    assert document("verify", folder)["findings"][0]["problem"] == "damaged"


@pytest.mark.parametrize("options", [("--complete",), ("--sample", "3"), ("--sample", "0"), ("--coordinator", "here")])
def test_options_that_do_not_fit_together_are_refused(folder: Path, options: tuple[str, ...]) -> None:
    assert run("verify", folder, *options).exit_code == 2


@pytest.mark.parametrize(
    ("cents", "drawn"),
    [([], ""), ([None], "·"), ([0, 100], "▁█"), ([12.5, 12.4], "▂▁"), ([None] * 48, "·" * 24), ([50] * 100, "▅" * 24)],
)
def test_closes_are_drawn_between_nothing_and_a_dollar(cents: list[float | None], drawn: str) -> None:
    assert spark([None if each is None else round(each * CENT) for each in cents]) == drawn


def test_an_imported_table_is_named_by_its_place(tmp_path: Path) -> None:
    write(tmp_path / "in" / "markets.parquet", [market()])
    [found] = document("import", tmp_path / "in", "--into", tmp_path / "data")["files"]

    [stored] = found["stored"]
    assert (stored["name"], stored["fate"], stored["rows"]) == ("markets/KXHIGHNY.parquet", "new", 1)
