"""What a backtest's report says, on the terminal, on the page and for programs; and the commands that give it."""

import asyncio
import hashlib
import io
import json
import re
import signal
import subprocess
import sys
import time
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest
from click.testing import CliRunner
from rich.console import Console

from console import backtest_document, backtest_page, backtest_run, backtest_view
from console.__main__ import cli
from research import csv_file
from research.backtest import Backtest
from research.statistics.decomposition import Part
from research.trials import Ledger, sharpes
from tests.conftest import ROOT
from tests.fakes.backtests import plan, recording, run
from tests.fakes.recorded_stores import SERIES
from trader.domain.settings import Settings


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    """A run with all that stands beside it."""
    folder = tmp_path_factory.mktemp("backtest")
    return asyncio.run(run(plan(recording(folder / "data", 2), baselines=True), folder))


@pytest.fixture(scope="module")
def shown(found: Backtest) -> str:
    """What a terminal of 80 columns shows."""
    console = Console(file=io.StringIO(), width=80, highlight=False)
    backtest_view.show(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def page(found: Backtest) -> str:
    return backtest_page.page(found)


class Tags(HTMLParser):
    """Checks that tags are closed in order, and keeps addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "rect", "line", "circle", "polyline", "polygon"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "line", "circle", "polyline", "polygon"}:
            assert self.open.pop() == tag


def test_a_what_if_without_a_trade_says_which_rule_keeps_it_from_trading(shown: str, page: str) -> None:
    told = "tick-worse makes no trade: stop distance refuses 25 signals more"
    assert told in shown
    assert told in page


def test_latencies_that_meet_the_same_quotes_are_said_to_tell_nothing(shown: str, page: str) -> None:
    told = "latency-5s, latency-15s, latency-30s change nothing"
    assert told in shown
    assert told in page


def test_what_the_data_could_show_stands_before_what_it_shows(shown: str, page: str) -> None:
    for text in (shown, page):
        needed = text.index("o see 1c a contract this filter needs")
        assert needed < text.index("not enough data") < text.index("of fees")


def test_the_terminal_shows_every_part_within_its_columns(found: Backtest, shown: str) -> None:
    assert max(map(len, shown.splitlines())) <= 80
    for name in ("Where it comes from", "Beside it", "From forecasts to trades", "Defects", "Conditions", "random"):
        assert name in shown
    for part in found.summary.decomposition.pieces:
        assert part.value in shown
    for name in found.defects.counts:
        assert name in shown


def test_the_page_is_whole_in_itself(page: str) -> None:
    tags = Tags()
    tags.feed(page)

    assert tags.open == []
    assert tags.sources == []
    assert "<script" not in page
    assert not re.search(r"url\(|@import", page)
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) >= 6
    for drawing in drawings:
        ElementTree.fromstring(drawing)  # noqa: S314  # our own


def test_texts_of_the_data_can_not_become_part_of_the_page(found: Backtest) -> None:
    found.defects.note("odd_name", "<script>alert(1)</script>")

    assert "<script" not in backtest_page.page(found)


def test_programs_get_the_sums_exactly(found: Backtest) -> None:
    document = json.loads(backtest_document.text(found))

    rows = csv_file.read(Path(document["csv"]))
    head = document["judgement"]["headline"]
    assert head["net"] == sum(row.pnl_micros for row in rows)
    assert document["decomposition"]["net"] == head["net"]
    assert document["funnel"]["trades"] == len(rows) == head["trades"]
    assert document["conditions"]["parameters"]["series"] == SERIES
    assert set(document["beside"]) >= {"hold", "always-no", "fade-longshot", "random", "tick-worse", "fees-x2"}


def test_every_report_says_how_good_the_forecasts_were(found: Backtest, shown: str, page: str) -> None:
    assert found.quality is not None
    assert any("does not beat the last value" in line for line in found.quality.verdicts)
    for text in (" ".join(shown.split()), unescape(page)):
        for line in found.quality.verdicts:
            assert line in text
        for table in ("CRPS of the middle by step", "Pinball loss", "Coverage", "Brier", "random-walk"):
            assert table in text
    told = json.loads(backtest_document.text(found))["forecasts"]
    assert told["verdicts"] == list(found.quality.verdicts)
    assert {"pinball", "crps", "coverage"} <= {row["score"] for row in told["scores"]}


def test_premium_selection_and_timing_are_told_apart_where_baselines_were_walked(found: Backtest) -> None:
    assert {Part.PREMIUM, Part.SELECTION, Part.TIMING} <= found.summary.decomposition.pieces.keys()


def test_a_backtest_without_any_trade_is_reported(tmp_path: Path) -> None:
    found = asyncio.run(run(plan(recording(tmp_path / "data", 1), walk=none_allowed()), tmp_path))
    console = Console(file=io.StringIO(), width=80)

    backtest_view.show(console, found)

    assert found.summary.judgement.headline.trades == 0
    assert "No trade." in backtest_page.page(found)
    assert json.loads(backtest_document.text(found))["judgement"]["headline"]["net"] == 0


def none_allowed() -> object:
    """A walk whose rules refuse everything."""
    whole = plan(Path()).walk
    rules = whole.settings.rules.model_copy(update={"min_magnitude_cents": 100.0})
    return type(whole)(settings=whole.settings.model_copy(update={"rules": rules}), nights=())


def test_the_traders_own_file_gives_rules_sizes_and_exits() -> None:
    read = backtest_run.settings(ROOT / "deploy" / "config" / "trader.toml")

    assert read == Settings()
    assert backtest_run.settings(None) == Settings()


def test_the_command_starts_a_server_writes_its_files_and_the_ledger_knows(tmp_path: Path) -> None:
    recording(tmp_path / "data", 1)
    folders = ("--data", str(tmp_path / "data"), "--state", str(tmp_path / "state"))
    asked = ("--model", "random-walk", "--out", str(tmp_path / "out"), "--no-baselines", "--json")

    ran = CliRunner().invoke(cli, ["backtest", SERIES, *folders, *asked])
    listed = CliRunner().invoke(cli, ["trials", *folders, "--json"])

    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout)
    assert document["conditions"]["model"] == "random-walk"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "backtest_KXHIGHNY_6h.csv",
        "backtest_KXHIGHNY_6h.html",
    }
    (trial,) = json.loads(listed.stdout)["trials"]
    assert trial["number"] == document["trial"]
    assert trial["result"]["net_micros"] == document["judgement"]["headline"]["net"]


@pytest.mark.parametrize("command_words", ["backtest --model random-walk", "tpsl --model random-walk", "evaluate"])
def test_a_command_that_is_ended_leaves_no_server_behind_and_goes_on_later(tmp_path: Path, command_words: str) -> None:
    recording(tmp_path / "data", 1)
    words = [*command_words.split(), SERIES, "--data", str(tmp_path / "data")]
    with subprocess.Popen(
        [sys.executable, "-m", "console", *words, "--out", str(tmp_path)], stderr=subprocess.PIPE, text=True
    ) as command:
        process = psutil.Process(command.pid)
        until = time.monotonic() + 30
        while not (servers := process.children()) and time.monotonic() < until:
            time.sleep(0.02)
        command.send_signal(signal.SIGTERM)
        _, said = command.communicate(timeout=40)

    assert servers
    assert not any(server.is_running() for server in servers)
    assert command.returncode == 130
    assert "the same command goes on where it was" in said


def test_an_evaluation_is_in_the_ledger_and_is_no_policy_that_was_tried(tmp_path: Path) -> None:
    recording(tmp_path / "data", 1)
    folders = ("--data", str(tmp_path / "data"), "--state", str(tmp_path / "state"))

    asked = ("--models", "random-walk", "--out", str(tmp_path / "out"))
    ran = CliRunner().invoke(cli, ["evaluate", SERIES, *folders, *asked])
    listed = CliRunner().invoke(cli, ["trials", *folders])

    assert ran.exit_code == 0, ran.output
    (trial,) = Ledger(tmp_path / "state" / "trials.jsonl").trials()
    table = (tmp_path / "out" / f"evaluate_{SERIES}.csv").read_bytes()
    assert trial.result is not None
    assert trial.result["csv"] == hashlib.sha256(table).hexdigest()
    assert sharpes([trial]) == []
    assert (listed.exit_code, "models compared" in listed.output) == (0, True), listed.output
