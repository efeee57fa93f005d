from datetime import timedelta

import pytest

from research.statistics.buckets import GROUPINGS, table, tables
from research.statistics.headline import headline
from tests.fakes.trade_rows import row, traded

ROWS = [
    row(
        (number * 37 % 41) - 20,
        event=number % 25,
        contracts=1 + number % 4,
        series=("KXA", "KXB")[number % 2],
        price_cents=number * 7 % 99 + 0.5,
        magnitude_cents=number * 0.31,
        direction=("down", "up")[number % 5 == 0],
        exit_kind=("stop_loss", "take_profit", "settlement")[number % 3],
    )
    for number in range(100)
]


@pytest.mark.parametrize("name", GROUPINGS)
def test_every_table_adds_up_to_the_headline(name: str) -> None:
    whole, parts = headline(ROWS, resamples=50), table(ROWS, name, resamples=50).values()
    for figure in ("trades", "gains", "contracts", "net", "pessimistic", "optimistic", "fees"):
        assert sum(getattr(part, figure) for part in parts) == getattr(whole, figure)
    assert len(parts) > 1 or name == "hours to close"
    assert whole.net == sum(each.pnl_micros for each in ROWS)


def test_a_bound_belongs_to_the_group_above_it() -> None:
    rows = [row(magnitude_cents=value) for value in (1.99, 2.0, 4.99, 5.0, 10.0, 19.99, 20.0, 75.0)]
    assert {name: part.trades for name, part in table(rows, "magnitude").items()} == {
        "below 2c": 1,
        "2-5c": 2,
        "5-10c": 1,
        "10-20c": 2,
        "20c and more": 2,
    }


def test_hours_are_from_the_decision_to_the_close_and_days_those_of_settlement() -> None:
    late = row(close_time=row().decision_time + timedelta(minutes=59))
    assert list(table([late, row()], "hours to close")) == ["below 1 h", "12-24 h"]
    assert list(table([row(event=6), row(event=0)], "weekday of settlement")) == ["Tuesday", "Monday"][::-1]


def test_all_tables_are_made_of_the_same_rows() -> None:
    found = tables([each for each, _ in traded(1, events=4)])
    assert set(found) == set(GROUPINGS)
    assert len({sum(part.net for part in each.values()) for each in found.values()}) == 1
