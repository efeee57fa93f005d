"""Rows on disk: what is read back is what was written, to the micro."""

import csv
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mesh.errors import InvalidInput
from mesh.types import Micros
from research import csv_file
from research.rows import COLUMNS, HINDSIGHT
from tests.fakes.research import event, market, strip
from tests.fakes.research_walk import rows, said
from tests.fakes.trade_rows import row, traded

ODD = row(
    -3.0,
    event=2,
    yes_bid_micros=None,
    yes_ask_micros=None,
    yes_value_micros=None,
    magnitude_cents=0.1 + 0.2,
    forecast_mean_cents=1e-17,
    exit_time=datetime(2026, 1, 7, 12, 0, 6, 1000, tzinfo=UTC),
    market_ticker='KX"A,B',
)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    whole = [made for made, _ in traded(1, events=20)] + [ODD]

    csv_file.write(tmp_path / "rows.csv", whole)

    assert csv_file.read(tmp_path / "rows.csv") == whole


def test_no_row_at_all_is_a_file_with_its_columns(tmp_path: Path) -> None:
    csv_file.write(tmp_path / "rows.csv", [])

    assert (tmp_path / "rows.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert csv_file.read(tmp_path / "rows.csv") == []


def test_a_stranger_who_adds_the_file_up_finds_the_same_sum(tmp_path: Path) -> None:
    whole = [made for made, _ in traded(2, events=20)]
    csv_file.write(tmp_path / "rows.csv", whole)

    with (tmp_path / "rows.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))

    assert sum(int(line["pnl_micros"]) for line in lines) == sum(each.pnl_micros for each in whole)
    for line in lines:
        parts = [int(line[name]) for name in ("entry_cost_micros", "entry_fee_micros", "exit_fee_micros")]
        assert int(line["pnl_micros"]) == int(line["exit_proceeds_micros"]) - sum(parts)


def test_a_row_tells_the_quantiles_of_the_forecast_behind_it() -> None:
    recorded = market(strip([44], [46]), pays=False)
    answers = said(recorded, 0, forecast_end_cents=31.7, forecast_mean_cents=33.2)
    ((_, forecast),) = answers.items()

    (line,) = csv.DictReader(csv_file.text(rows([event(recorded)], answers)).splitlines())

    names = [f"forecast_q{level}0_cents" for level in range(1, 10)]
    assert [float(line[name]) for name in names] == forecast.quantiles_cents[-1].tolist()
    assert line["forecast_end_cents"] == "31.7"
    assert not HINDSIGHT & {"forecast_end_cents", *names}


def test_files_of_before_there_were_quantiles_are_read(tmp_path: Path) -> None:
    kept = [name for name in COLUMNS if not name.startswith(("forecast_q", "forecast_end"))]
    lines = list(csv.DictReader(csv_file.text([ODD]).splitlines()))
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)

    assert csv_file.read(tmp_path / "rows.csv") == [ODD]


def test_times_keep_their_instant_whatever_their_zone(tmp_path: Path) -> None:
    there = datetime(2026, 1, 5, 7, tzinfo=timezone(-timedelta(hours=5)))

    csv_file.write(tmp_path / "rows.csv", [row(entry_time=there)])

    assert csv_file.read(tmp_path / "rows.csv")[0].entry_time == there


def test_columns_may_stand_in_another_order(tmp_path: Path) -> None:
    names = list(reversed(COLUMNS))
    lines = list(csv.DictReader(csv_file.text([ODD]).splitlines()))
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(lines)

    assert csv_file.read(tmp_path / "rows.csv") == [ODD]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("pnl_micros", "profit", "no column pnl_micros"),
        ("9000000", "nine", "line 2"),
        ("+00:00", "", "does not say its zone"),
    ],
)
def test_what_is_no_file_of_rows_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    content = csv_file.text([row(exit_proceeds_micros=Micros(9_000_000))])
    (tmp_path / "rows.csv").write_text(content.replace(old, new))

    with pytest.raises(InvalidInput, match=named) as caught:
        csv_file.read(tmp_path / "rows.csv")

    assert caught.value.reason == "ROWS_UNREADABLE"
