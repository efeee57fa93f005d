"""`foremesh trials` and `foremesh backtest`: what they print and refuse, without any server."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.__main__ import cli
from research.trials import Kind, Ledger
from tests.fakes.recorded_stores import CLOSE, EVENT, candle, hour, ladder, write_candles, write_markets


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one event."""
    write_candles(tmp_path, [candle(f"{EVENT}-T40", hour(1))])
    write_markets(tmp_path, ladder())
    return tmp_path


def said(data: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["trials", *words, "--data", str(data)])


def ran(data: Path, series: str = "KXHIGHNY", **result: object) -> None:
    ledger = Ledger(data / "research" / "trials.jsonl", lambda: datetime(2026, 11, 23, tzinfo=UTC))
    begun = ledger.append(Kind.BEGUN, {"command": "backtest", "series": series, "model": "fracast"})
    if result:
        ledger.append(Kind.ENDED, {"begun": begun.number, **result})


def test_nothing_tried_is_said(data: Path) -> None:
    assert "nothing was tried yet" in said(data).output


def test_every_run_is_listed_with_what_it_came_to(data: Path) -> None:
    ran(data, trades=57, net_micros=-11_380_000, mean_cents=-3.74, verdict="not enough data")
    ran(data, "KXHIGHCHI")

    lines = said(data).output.splitlines()

    assert re_line(lines, "KXHIGHNY", "57", "-$11.38", "-3.74c", "not enough data")
    assert re_line(lines, "KXHIGHCHI", "interrupted")
    assert "KXHIGHNY" not in said(data, "--series", "KXHIGHCHI").output


def re_line(lines: list[str], *parts: str) -> bool:
    return any(all(part in line for part in parts) for line in lines)


def test_programs_get_the_ledger_as_it_is(data: Path) -> None:
    ran(data, trades=1, net_micros=5)

    document = json.loads(said(data, "--json").stdout)

    assert document["entries"] == 2
    assert document["trials"][0]["result"]["net_micros"] == 5


def test_a_ledger_that_somebody_changed_is_no_list(data: Path) -> None:
    ran(data, trades=1, net_micros=5)
    path = data / "research" / "trials.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"net_micros": 5', b'"net_micros": 6'))

    found = said(data)

    assert found.exit_code == 1
    assert "entry 2 is not what was written" in found.output


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (("--events", "1"), CLOSE),
        (("--from", "2026-01-01"), datetime(2026, 1, 1, tzinfo=UTC)),
        (("--days", "1"), datetime(2026, 1, 5, 4, 59, 1, tzinfo=UTC)),
    ],
)
def test_a_period_is_sealed_by_events_days_or_a_date(data: Path, words: tuple[str, ...], begins: datetime) -> None:
    found = CliRunner().invoke(cli, ["trials", "seal", "KXHIGHNY", "--data", str(data), *words])

    assert found.exit_code == 0, found.output
    (seal,) = json.loads(said(data, "--json").stdout)["seals"]
    assert (seal["kind"], seal["series"], seal["begins"]) == ("sealed", "KXHIGHNY", begins.isoformat())
    assert "sealed from" in said(data).output


def test_sealing_what_was_seen_says_so_and_another_ledger_is_no_way_round(data: Path, tmp_path: Path) -> None:
    ran(data, last_close=CLOSE.isoformat())
    found = CliRunner().invoke(cli, ["trials", "seal", "KXHIGHNY", "--data", str(data), "--events", "1"])
    assert "1 runs have seen events of it already, the last of them trial 1" in found.output

    words = ["backtest", "KXHIGHNY", "--data", str(data), "--state", str(tmp_path / "other"), "--target", "127.0.0.1:1"]
    refused = CliRunner().invoke(cli, words)

    assert refused.exit_code == 1
    assert "no run goes by another ledger" in " ".join(refused.output.split())


@pytest.mark.parametrize("words", [(), ("--days", "1", "--events", "1")])
def test_what_is_sealed_is_said_in_one_way(data: Path, words: tuple[str, ...]) -> None:
    found = CliRunner().invoke(cli, ["trials", "seal", "KXHIGHNY", "--data", str(data), *words])

    assert found.exit_code == 2
    assert "one of --from, --days, --events" in found.output


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--model", "fracast", "--target", "127.0.0.1:1"), "either that, or --target"),
        (("--horizon", "1.5"), "whole number of steps"),
        (("--first", "yesterday"), "no day or instant"),
        (("--step", "1w"), "not a length of time"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_starts(
    data: Path, words: tuple[str, ...], problem: str
) -> None:
    found = CliRunner().invoke(cli, ["backtest", "KXHIGHNY", "--data", str(data), *words])

    assert found.exit_code in {1, 2}
    assert problem in " ".join(found.output.split())
    assert not (data / "research").exists()
