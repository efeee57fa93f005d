"""Import of the predecessor's files: one per event, cents, no quotes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.collection.importing import Fate, Import, Outcome
from console.collection.kinds import Kind, files_below
from mesh.errors import InvalidInput
from mesh.records import PRICE_COLUMNS
from mesh.shards import Content, HoleReason, ShardKey
from mesh.store.folder import open_folder
from mesh.store.label import Origin
from mesh.store.reader import Candles
from mesh.store.verify import verify
from tests.fakes.imported_files import EVENT, KEY, MARKET, SERIES, START, old_row, write

OTHER = f"{EVENT}-T51"


def imported(tmp_path: Path, rows: list[dict[str, Any]], name: str = f"{SERIES}/{EVENT}", **how: Any) -> Outcome:
    write(tmp_path / "old" / f"{name}.parquet", rows)
    with open_folder(tmp_path / "data") as folder:
        work = Import(root=tmp_path / "data", folder=folder, **how)
        [outcome] = work.run(list(files_below(tmp_path / "old")))
    return outcome


def rows_of(tmp_path: Path, step: int = 3600) -> list[dict[str, Any]]:
    table = Candles(tmp_path / "data").read(SERIES, step_seconds=step, columns=PRICE_COLUMNS)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def test_a_file_becomes_a_committed_shard_of_prices_alone(tmp_path: Path) -> None:
    outcome = imported(tmp_path, [old_row(1, cents=4.5), old_row(0), old_row(0, OTHER, cents=None)])

    assert (outcome.kind, outcome.problems, outcome.notes) == (Kind.PREDECESSOR, [], [])
    [stored] = outcome.stored
    assert (stored.name, stored.fate, stored.rows, stored.price_only) == (str(KEY), Fate.NEW, 3, True)
    first, second, empty = rows_of(tmp_path)
    assert [row["market_ticker"] for row in (first, second, empty)] == [MARKET, MARKET, OTHER]
    assert (first["price_close_micros"], second["price_close_micros"]) == (470_000, 45_000)
    assert (empty["price_close_micros"], empty["volume_hundredths"]) == (None, 0)
    assert int(first["end_time"].timestamp()) == START
    label = Candles(tmp_path / "data").label(KEY)
    assert (label.content, label.origin, label.epoch) == (Content.PRICES, Origin.IMPORT, 0)
    assert verify(tmp_path / "data").sound


def test_research_at_executable_prices_does_not_get_them(tmp_path: Path) -> None:
    imported(tmp_path, [old_row(0)])
    candles = Candles(tmp_path / "data")

    assert candles.read(SERIES, step_seconds=3600, executable_only=True).num_rows == 0
    with pytest.raises(InvalidInput, match="prices alone"):
        candles.read(SERIES, step_seconds=3600)


@pytest.mark.parametrize(("hours", "step"), [((0, 1, 3), 3600), ((0, 1 / 60, 0.5), 60)])
def test_the_step_is_told_by_the_times(tmp_path: Path, hours: tuple[float, ...], step: int) -> None:
    [stored] = imported(tmp_path, [old_row(hour) for hour in hours]).stored

    assert stored.name == str(ShardKey(SERIES, EVENT, step))
    assert len(rows_of(tmp_path, step)) == 3


def test_the_step_may_be_named_where_the_times_leave_it_open(tmp_path: Path) -> None:
    [stored] = imported(tmp_path, [old_row(0)], step=60).stored

    assert stored.name == f"{SERIES}/{EVENT}/1m"


def test_times_on_no_grid_are_refused(tmp_path: Path) -> None:
    outcome = imported(tmp_path, [old_row(0), old_row(0.0021)])

    assert not outcome.stored
    assert "no grid" in outcome.problems[0].what


@pytest.mark.parametrize(
    "written",
    [
        START,
        datetime.fromtimestamp(START, UTC),
        datetime.fromtimestamp(START, ZoneInfo("America/New_York")),
        "2026-11-22T06:00:00Z",
        "2026-11-22T07:00:00+01:00",
    ],
)
def test_times_may_be_written_in_any_way_that_names_an_instant(tmp_path: Path, written: object) -> None:
    outcome = imported(tmp_path, [old_row(0, timestamp=written)])

    assert (outcome.problems, outcome.notes) == ([], [])
    assert [int(row["end_time"].timestamp()) for row in rows_of(tmp_path)] == [START]


@pytest.mark.parametrize("written", [datetime(2026, 11, 22, 6), "2026-11-22 06:00:00"])  # noqa: DTZ001  that is the point
@pytest.mark.parametrize(("zone", "later"), [("UTC", 0), ("America/New_York", 5 * 3600)])
def test_times_without_a_zone_are_taken_for_the_one_that_is_named_and_that_is_told(
    tmp_path: Path, written: object, zone: str, later: int
) -> None:
    outcome = imported(tmp_path, [old_row(0, timestamp=written)], zone=ZoneInfo(zone))

    assert outcome.problems == []
    assert outcome.notes == [f"times without a zone are taken for {zone} (--zone)"]
    assert [int(row["end_time"].timestamp()) for row in rows_of(tmp_path)] == [START + later]


def test_an_hour_that_a_zone_has_twice_is_not_guessed(tmp_path: Path) -> None:
    twice = datetime(2026, 11, 1, 1)  # noqa: DTZ001
    outcome = imported(tmp_path, [old_row(0, timestamp=twice)], zone=ZoneInfo("America/New_York"))

    assert not outcome.stored
    assert "timestamp" in outcome.problems[0].what


def test_a_price_of_zero_without_a_trade_is_none(tmp_path: Path) -> None:
    outcome = imported(tmp_path, [old_row(0, cents=0.0, volume=0), old_row(1)])

    assert outcome.notes == ["1 row without a trade says that the price is 0, which is none"]
    assert [row["price_close_micros"] for row in rows_of(tmp_path)] == [None, 470_000]


def test_a_mean_that_is_no_exact_price_is_left_out_and_told(tmp_path: Path) -> None:
    outcome = imported(tmp_path, [old_row(0, price_mean=47 + 1 / 3, price_high=48.0), old_row(1)])

    assert outcome.problems == []
    assert "price_mean of 1 row left out" in outcome.notes[0]
    assert [row["price_mean_micros"] for row in rows_of(tmp_path)] == [None, 470_000]


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"price_close": 47.00001}, "price_close: 47.00001"),
        ({"price_low": 48.0}, "low above high"),
        ({"price_open": 147.0, "price_high": 147.0}, "not within a dollar"),
        ({"timestamp": START + 3600}, "duplicate"),
        ({"timestamp": None}, "timestamp: is empty"),
    ],
)
def test_a_broken_row_makes_its_market_a_hole(tmp_path: Path, broken: dict[str, Any], rule: str) -> None:
    rows = [old_row(0, **broken), old_row(1), old_row(0, OTHER)]
    outcome = imported(tmp_path, rows)

    assert {row["market_ticker"] for row in rows_of(tmp_path)} == {OTHER}
    [hole] = Candles(tmp_path / "data").label(KEY).holes
    assert (hole.market, hole.reason) == (MARKET, HoleReason.INVALID_DATA)
    assert rule in hole.detail
    assert outcome.problems


@pytest.mark.parametrize(("more", "said"), [(0, ""), (1, ", nor are 1 row more")])
def test_a_row_of_another_event_refuses_the_file_and_is_named(tmp_path: Path, more: int, said: str) -> None:
    strange = [old_row(hour, "KXHIGHNY-26NOV23-B1") for hour in range(1 + more)]
    outcome = imported(tmp_path, [old_row(0), *strange])

    [problem] = outcome.problems
    assert problem.what == f"ticker: row 2, KXHIGHNY-26NOV23-B1, is no market of {EVENT}{said}"
    assert outcome.stored == []
    assert not (tmp_path / "data" / "candles" / "60m").exists()


@pytest.mark.parametrize("name", ["KXHIGHCHI/KXHIGHNY-26NOV22", "backup", "KXHIGHNY/kxhighny-26nov22"])
def test_a_file_whose_place_does_not_name_its_event_is_refused(tmp_path: Path, name: str) -> None:
    outcome = imported(tmp_path, [old_row(0)], name=name)

    assert not outcome.stored
    assert "<SERIES>/<EVENT>.parquet" in outcome.problems[0].what


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    imported(tmp_path, [old_row(0)])
    [again] = imported(tmp_path, [old_row(0)]).stored
    [other] = imported(tmp_path, [old_row(0), old_row(1)]).stored

    assert (again.fate, other.fate) == (Fate.UNCHANGED, Fate.KEPT)
    assert len(rows_of(tmp_path)) == 1


def test_only_the_series_that_are_wanted_are_taken(tmp_path: Path) -> None:
    outcome = imported(tmp_path, [old_row(0)], series=("KXBTC",))

    assert (outcome.stored, outcome.left_out) == ([], "of another series")
