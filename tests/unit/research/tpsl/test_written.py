"""What a search leaves behind: every cell and every other way out as a row, and a policy only where one is proposed."""

import csv
from pathlib import Path

import pytest

from forecast_server.policy import read_policy
from mesh.types import CENT
from research.statistics import bootstrap
from research.statistics.clusters import of_rows
from research.tpsl import selection, table, written
from research.tpsl.arms import Arm, evaluate
from research.tpsl.selection import Decision
from tests.fakes.optimised import LEVELS, optimised
from tests.fakes.research_paths import coins


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_nothing_is_seen_of_what_the_ledger_did_not_take(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), written.staged(optimised(tmp_path, planted=True)):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_row_for_every_cell_and_every_other_way_out_and_no_policy_without_a_proposal(tmp_path: Path) -> None:
    found = optimised(tmp_path)
    with written.staged(found):
        pass
    rows = rows_of(found.csv)
    assert [row["arm"] for row in rows].count("cell") == LEVELS.count
    assert [row["arm"] for row in rows[:2]] == ["current policy", "hold to settlement"]
    assert list(rows[0]) == list(table.COLUMNS)
    assert found.search.selection.decision is Decision.NO_CHANGE
    assert [path.name for path in tmp_path.iterdir()] == ["tpsl_grid_KXA.csv"]


def test_rows_add_up(tmp_path: Path) -> None:
    found = optimised(tmp_path, days=40)
    with written.staged(found):
        pass
    for number, row in enumerate(rows_of(found.csv)):
        exits = sum(int(row[name]) for name in row if name.startswith("exits_"))
        assert exits == int(row["trades"])
        if row["arm"] == "cell":
            cell = divmod(number - (len(found.search.rows) - LEVELS.count), len(LEVELS.stops))
            net = int(found.search.totals.sums[:, cell[0], cell[1]].sum())
            assert float(row["net_dollars"]) == net / 1_000_000
            assert float(row["net_cents"]) == pytest.approx(net / CENT / float(row["contracts"]))
            levels = (float(row["take_profit_cents"]) * CENT, float(row["stop_loss_cents"]) * CENT)
            assert levels == (LEVELS.targets[cell[0]], LEVELS.stops[cell[1]])
    held = found.search.rows[1]
    assert held.trades == held.exits_settlement == found.search.trades


def test_means_of_a_row_are_those_of_its_trades(tmp_path: Path) -> None:
    found, paths = optimised(tmp_path), coins(90, seed=1)
    held = found.search.rows[1]
    sums = of_rows(selection.with_results(paths, evaluate(paths, Arm(name="hold")), paths.places))
    assert sums is not None
    drawn = bootstrap.mean(sums)
    assert held.net_cents == pytest.approx(drawn.mean)
    assert held.low_cents is not None
    assert drawn.low is not None
    # Another way to an interval, so not the same, but of the same size.
    assert held.low_cents - drawn.mean == pytest.approx(drawn.low - drawn.mean, rel=0.2)


def test_a_proposed_policy_is_one_that_the_server_loads_and_says_where_it_comes_from(tmp_path: Path) -> None:
    found = optimised(tmp_path, planted=True)
    with written.staged(found):
        pass
    assert found.policy is not None
    policy, now = read_policy(found.policy), found.search.selection.now
    assert now is not None
    rule = policy.rules_of("KXA").exit_for(7)
    assert (rule.take_profit_cents * CENT, rule.stop_loss_cents * CENT) == (now.target, now.stop)
    assert policy.rules_of("KXB").exit_for(7).take_profit_cents == 20
    text = found.policy.read_text()
    assert "Trial 4 of the ledger" in text
    assert "random-walk@abababababab" in text


def test_the_ledger_is_told_what_came_of_later_days(tmp_path: Path) -> None:
    found = optimised(tmp_path)
    told = written.told(found, 4)
    chosen = found.search.selection
    assert chosen.chosen is not None
    assert told["mean_cents"] == chosen.chosen.mean
    assert told["trades"] == sum(block.trades for block in chosen.tried)
    assert (told["begun"], told["verdict"], told["ways_out"]) == (4, "no change", LEVELS.count + 11)
