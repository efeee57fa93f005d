"""`foremesh report` on journals: what it prints, writes and refuses."""

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from console.report import report
from tests.unit.trader.reporting.trading_days import Days, Try
from trader.domain.entries import AnyEntry
from trader.journal.store import opened

TRIES = (
    Try(ticker="KXHIGHNY-E1-T1", at=0.0, ends="target", shadow=40),
    Try(ticker="KXHIGHNY-E2-T1", at=3_000.0, ends="stop", below=2, fee=33_333),
    Try(ticker="KXBTCD-E1-T1", at=90_000.0, ends="lost", answer="unknown", filled=40),
    Try(ticker="KXBTCD-E2-T1", at=100_000.0, magnitude=2.0),
    Try(ticker="KXBTCD-E3-T1", at=180_000.0, ends="open"),
)
PROMISE = f"""
backtest_digest = "{"a" * 64}"

[series.KXHIGHNY]
net_cents = 1.5
low_cents = -0.5
high_cents = 3.5
"""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with a gain, two losses, a refusal and an open position."""
    days = Days()
    for tried in TRIES:
        days.live(tried)
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    entries: list[AnyEntry] = [entry for _, entry in days.written]
    with opened(path, "journal-1") as found:
        times = [time for time, _ in days.written]
        for time in sorted(set(times)):
            found.append(time, [entry for entry, when in zip(entries, times, strict=True) if when == time])
    return path


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(report, [str(argument) for argument in arguments])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_terminal_shows_the_total_and_what_it_is_made_of(journal: Path) -> None:
    shown = run(journal)
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("PAPER report 2026-11-23 12:00 to")
    assert "3 trades (1 gain, 2 losses)" in shown.output
    for words in ("take profit", "stop", "settlement", "KXHIGHNY", "2026-11-24", "magnitude", "not enough data"):
        assert words in shown.output
    assert "1, unmarked" in shown.output


def test_totals_can_be_recomputed_from_the_csv_files(journal: Path, tmp_path: Path) -> None:
    assert run(journal, "--csv", tmp_path, "--zone", "Asia/Kathmandu").exit_code == 0
    trades, groups = table(tmp_path / "trades.csv"), table(tmp_path / "groups.csv")
    assert len(trades) == 3
    for trade in trades:
        proceeds, cost, fees = (Decimal(trade[f"{name}_dollars"]) for name in ("proceeds", "cost", "fees"))
        assert Decimal(trade["net_dollars"]) == proceeds - cost - fees
    columns = {"day": "day_of_closing", "series": "series", "exit": "exit", "hour": "hour_of_entry", "total": ""}
    for name, column in columns.items():
        found = {group["key"]: group for group in groups if group["group"] == name}
        assert set(found) == {trade.get(column, "") for trade in trades}
        for key, group in found.items():
            _adds_up(group, [trade for trade in trades if trade.get(column, "") == key])


def _adds_up(group: dict[str, str], trades: Sequence[dict[str, str]]) -> None:
    sums: Counter[str] = Counter()
    for trade in trades:
        for name in ("contracts", "cost_dollars", "fees_dollars", "net_dollars"):
            sums[name] += Decimal(trade[name])  # type: ignore[assignment]  # a Counter adds up decimals as well
        net = Decimal(trade["net_dollars"])
        sums["trades"] += 1
        sums["gains"] += net > 0
        sums["losses"] += net < 0
    assert {name: Decimal(group[name]) for name in sums} == dict(sums)
    assert Decimal(group["gross_dollars"]) == Decimal(group["net_dollars"]) + Decimal(group["fees_dollars"])


def test_rules_are_a_row_each_and_their_first_refusals_are_the_decisions_that_did_not_enter(
    journal: Path, tmp_path: Path
) -> None:
    assert run(journal, "--csv", tmp_path).exit_code == 0
    rules = table(tmp_path / "rules.csv")
    found = json.loads(run(journal, "--json").output)["funnel"]
    assert found["decisions"] - sum(int(rule["refused_first"]) for rule in rules) == found["entries"] == 4
    assert {rule["rule"]: rule["at_least"] for rule in rules}["magnitude"] == "5.0"


def test_the_document_for_programs_says_the_same_as_the_csv(journal: Path, tmp_path: Path) -> None:
    assert run(journal, "--csv", tmp_path).exit_code == 0
    found = json.loads(run(journal, "--json").output)
    assert [row["net_dollars"] for row in found["rows"]] == [
        trade["net_dollars"] for trade in table(tmp_path / "trades.csv")
    ]
    assert found["total"]["net"] == sum(Decimal(row["net_dollars"]) for row in found["rows"]) * 1_000_000
    assert found["mode"] == "paper"


class Elements(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}


def test_the_page_stands_by_itself(journal: Path, tmp_path: Path) -> None:
    path, expected = tmp_path / "report.html", tmp_path / "expectation.toml"
    expected.write_text(PROMISE)
    assert run(journal, "--html", path, "--expect", expected).exit_code == 0
    text = path.read_text()
    elements = Elements()
    elements.feed(text)
    assert not {"script", "img", "link", "iframe"} & set(elements.tags)
    assert not {"src", "href", "style"} & elements.attributes
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"] * elements.tags["svg"]
    assert elements.tags["svg"] == 5
    for drawing in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(drawing)  # noqa: S314  # our own
    assert "not enough data to say whether live is within what research promised" in text
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_journal_of_nothing_gives_a_report_and_a_page_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with opened(path, "journal-1"):
        pass
    shown = run(path, "--html", tmp_path / "page.html", "--csv", tmp_path)
    assert shown.exit_code == 0, shown.output
    assert "0 trades" in shown.output
    assert table(tmp_path / "trades.csv") == []
    page = (tmp_path / "page.html").read_text()
    assert page.count("No trade has closed.") == 4
    assert "<svg" not in page
    assert "<table" not in page


def test_days_are_those_of_the_zone_that_was_asked_for(journal: Path) -> None:
    # The second day's trade closed at 13:10 UTC on the 24th: the 25th has begun in Kiritimati, at UTC+14.
    found = json.loads(run(journal, "--since", "2026-11-25", "--zone", "Pacific/Kiritimati", "--json").output)
    assert found["groups"]["by_day"].keys() == {"2026-11-25"}
    before = json.loads(run(journal, "--until", "2026-11-25", "--zone", "Pacific/Kiritimati", "--json").output)
    assert before["total"]["trades"] + found["total"]["trades"] == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "--since: 'yesterday' is no day or instant"),
        (("--since", "2026-11-24", "--until", "2026-11-24"), "--since must be before --until"),
        (("--zone", "Moon/Crater"), "is no time zone"),
        (("--trader", "127.0.0.1:8789"), "not both"),
    ],
)
def test_wrong_options_are_refused_by_name(journal: Path, arguments: tuple[str, ...], said: str) -> None:
    shown = run(journal, *arguments)
    assert shown.exit_code == 2
    assert said in shown.output


def test_a_file_that_is_no_journal_and_an_expectation_that_is_none_are_said_in_a_line(
    journal: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.sqlite"
    other.write_text("nothing")
    shown = run(other)
    assert shown.exit_code == 1
    assert len(shown.output.splitlines()) == 1
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("digest = 1")
    shown = run(journal, "--expect", wrong)
    assert shown.exit_code == 1
    assert "backtest_digest" in shown.output


@pytest.mark.parametrize("option", ["--csv", "--expect"])
def test_a_running_trader_sends_no_single_trades(tmp_path: Path, option: str) -> None:
    path = tmp_path / "promise.toml"
    path.write_text(PROMISE)
    shown = run("--trader", "127.0.0.1:1", option, path if option == "--expect" else tmp_path)
    assert shown.exit_code == 2
    assert "need the JOURNAL" in shown.output


@pytest.mark.parametrize("columns", [80, 120])
def test_every_row_of_a_table_is_one_line_in_a_narrow_terminal_too(journal: Path, columns: int) -> None:
    shown = CliRunner(env={"COLUMNS": str(columns)}).invoke(report, [str(journal)])
    assert shown.exit_code == 0, shown.output
    headed = [line for line in shown.output.splitlines() if line.startswith(("day of closing ", "series ", "exit "))]
    assert len(headed) >= 3
    assert all(" net " in line and line.rstrip().endswith("c each") for line in headed[:3])
    assert all((" gains " in line) is (columns == 120) for line in headed[:3])
