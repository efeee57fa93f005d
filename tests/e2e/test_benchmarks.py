"""The benchmarks run and print the figures they promise; what the figures are is a matter of the machine."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT.parent / "shared" / "data" / "kalshi"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def measured(module: str, *words: str) -> dict[str, Any]:
    """Run a benchmark at its quickest."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *words, "--quick", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_forecast_server_is_measured_against_its_model_and_its_predecessor() -> None:
    document = measured("forecast_server")
    rows = document["rows"]
    promised = {
        "answers": {"largest_difference_cents"},
        "throughput": {
            "in_process_series_per_second",
            "ours_series_per_second",
            "ratio",
            "in_process_at_once_series_per_second",
        },
        "first_signal": {"median_ms", "worst_ms", "batch_ms", "longest_batch_in_process_ms", "over_one_batch_ms"},
        "callers": {"ours_scans_per_second", "predecessor_scans_per_second", "ratio"},
        "urgent": {f"{side}_{name}" for side in ("ours", "predecessor") for name in ("p50_ms", "p99_ms")}
        | {"p50_ratio", "p99_ratio"},
    }
    assert {name: set(row) for name, row in rows.items()} == promised
    assert all(math.isfinite(value) for row in rows.values() for value in row.values())
    assert rows["answers"]["largest_difference_cents"] < 0.01  # or the sides do not do the same work
    assert document["conditions"]["cache"] == "bypassed"
    assert document["conditions"]["weights"] == "random, 2 layers of width 64"


def test_the_lean_pass_is_measured_against_the_package() -> None:
    document = measured("timesfm")
    compared = {(row["case"], row["side"]): row for row in document["rows"]}
    for case in ("32 of 512 points", "one of 64 points", "scan of 100, mixed"):
        row = compared[case, "lean float32"]
        assert min(row["package_series_per_second"], row["series_per_second"], row["ratio"]) > 0
        assert row["largest_difference"] < 1e-4  # or the sides do not do the same work
    assert "share_of_multiplying" in compared["32 of 512 points", "lean float32"]
    assert document["conditions"]["weights"] == "random, 4 layers of width 320"


def test_collecting_is_measured_against_the_predecessors_plan() -> None:
    document = measured("collection")
    ours, theirs = document["rows"]["ours"], document["rows"]["predecessor"]
    assert ours["candles"] == theirs["candles"] > 0  # or the sides do not do the same work
    assert ours["throttled"] == ours["failed"] == ours["holes"] == 0
    assert document["facts"]["fewer_calls"] == theirs["calls"] / ours["calls"] > 20
    assert document["facts"]["faster"] > 0


def test_the_store_is_measured() -> None:
    for row in measured("store")["rows"].values():
        assert {"stage", "publish", "examine", "verify", "read", "size"} <= set(row)
        assert all(figure > 0 for figures in row.values() for figure in figures.values())


def test_the_coordinator_is_measured() -> None:
    document = measured("coordinator")
    for name in ("Heartbeat", "CommitShard"):
        row = document["rows"][name]
        assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["worst_ms"]
        assert row["per_second"] > 0
    assert "synced at every decision" in document["conditions"]["database"]


def test_the_trader_is_measured() -> None:
    document = measured("trader")
    rows = document["rows"]
    for name in ("cold", "warm", "full_cold", "full_warm"):
        assert 0 < rows[name]["wall_seconds"] <= rows[name]["seconds"]
        assert rows[name]["cpu_seconds"] > 0
    assert 0 < rows["exits"]["p50_ms"] <= rows["exits"]["p99_ms"] <= rows["exits"]["worst_ms"]
    assert rows["exits"]["count"] >= 2
    assert 0 < rows["start"]["seconds"] <= rows["start"]["worst_seconds"]
    assert rows["memory"]["megabytes"] > 10
    assert rows["memory"]["torch"] == 0
    assert 900 < document["facts"]["journal_rows"] <= 1000


def test_the_terminal_is_measured() -> None:
    rows = measured("ui")["rows"]
    assert [row["size"] for row in rows] == ["120x40", "80x24"]
    for row in rows:
        assert row["percent"] > 0
        assert row["bytes_per_second"] > 0
        assert 0 < row["key_ms"][0] <= row["key_ms"][1] <= row["key_ms"][2]
        assert 0 < row["first_paint_ms"][0] <= row["first_paint_ms"][1]


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"needs the recorded markets in {RECORDED}")
@pytest.mark.parametrize("model", ["fracast", "timesfm-2.5"])
def test_a_scan_of_the_whole_mesh_is_measured_against_the_design_it_replaces(model: str) -> None:
    measurement = measured("mesh", "--model", model)["models"][model]
    facts = measurement["facts"]
    assert facts["signals_of_both"] > 0
    assert facts["signals_of_one"] == 0  # or the sides do not do the same work
    assert facts["largest_difference_cents"] < 0.01
    assert facts["model_seconds_noted"] == pytest.approx(facts["model_seconds_by_its_metric"], rel=0.05, abs=0.005)
    for rows in measurement["rows"].values():
        ours, theirs = rows["ours"], rows["predecessor"]
        for side in (ours, theirs):
            assert min(side.values()) > -1e-6
            assert 2 * side["seconds"] == pytest.approx(sum(side.values()))  # its parts and their sum
            assert side["model"] > 0
        assert all(rows["ours_at_work"][stage] > ours[stage] - 1e-6 for stage in ("model", "decisions", "exchange"))
        assert rows["ours_counts"]["forecasts"] == rows["predecessor_counts"]["forecasts"] == 40
        assert rows["compared"]["faster"] == pytest.approx(theirs["seconds"] / ours["seconds"])
    cold, warm = measurement["rows"]["cold"], measurement["rows"]["warm"]
    assert min(cold["ours_counts"]["orders"], cold["predecessor_counts"]["orders"]) > 0
    assert warm["ours_counts"]["requests"] < 40 < cold["predecessor_counts"]["requests"]
    assert set(warm["ours_processor"]) == {"exchange", "forecast server", "trader", "taps"}


def test_without_recorded_markets_the_mesh_is_not_measured(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mesh", "--recording", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert f"nothing to measure with: {tmp_path}: there is no candles_60m_KXHIGHNY.parquet" in done.stderr


def test_the_grid_of_exits_is_measured_against_nested_loops_over_the_same_trades() -> None:
    document = measured("research")
    grid = document["grid"]
    assert (grid["trades"], grid["steps"], grid["cells"]) == (200, 150, 3600)
    assert grid["predecessor_trades_timed"] > 0
    assert grid["ratio"] > 1
    assert all(math.isfinite(value) for value in grid.values())
    assert document["conditions"]["cores"] > 0


def test_a_backtest_is_measured_against_its_questions_merely_asked() -> None:
    document = measured("research", "backtest")
    (run,) = (figures for name, figures in document.items() if name != "conditions")
    assert run["questions"] == 228  # or the sides do not do the same work
    assert min(run[f"{name}_seconds"] for name in ("model", "asked", "run", "command")) > 0
    assert run["overhead_share"] == pytest.approx(1 - run["asked_seconds"] / run["run_seconds"])
    assert run["command_megabytes"] > 10
