"""What the doctor makes of systemd's words, and of what a unit hands its service."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from console import unit_checks
from console.__main__ import cli
from console.installing.handed import Handed
from console.installing.hosts import HOSTS
from console.installing.writing import Tree

RUNS = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "Result": "success",
    "NeedDaemonReload": "no",
}
EC2 = HOSTS["ec2"]
TRADER, COLLECTOR = EC2.services


@pytest.mark.parametrize(
    ("differs", "verdict", "words", "runs"),
    [
        ({}, "ok", "runs, and is started at boot", True),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, "problem", "does not know", False),
        ({"LoadState": "masked", "ActiveState": "inactive"}, "problem", "is masked", False),
        ({"ActiveState": "failed", "Result": "exit-code"}, "problem", "has failed: exit-code", False),
        ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "7"}, "problem", "7 times", False),
        ({"ActiveState": "activating", "SubState": "start"}, "warning", "is starting", True),
        ({"ActiveState": "inactive", "SubState": "dead"}, "problem", "does not run: inactive", False),
        ({"UnitFileState": "disabled"}, "warning", "not started at boot", True),
        ({"NeedDaemonReload": "yes"}, "warning", "before its file changed", True),
        ({"NRestarts": "9"}, "warning", "after 9 restarts", True),
    ],
)
def test_what_systemd_says_is_judged(differs: dict[str, str], verdict: str, words: str, runs: bool) -> None:
    check, running = unit_checks.judged({**RUNS, **differs}, "foremesh-trader.service", "trader: state")
    assert (check.verdict, running) == (verdict, runs)
    assert words in check.found
    assert bool(check.remedy) is (verdict != "ok")


def test_a_systemd_that_says_nothing_is_a_problem() -> None:
    assert unit_checks.judged({}, "foremesh-trader.service", "state")[0].verdict == "problem"


@pytest.fixture
def ec2(tmp_path: Path) -> Tree:
    assert CliRunner().invoke(cli, ["install", "--role", "ec2", "--root", str(tmp_path)]).exit_code == 0
    return Tree(tmp_path)


def test_a_unit_that_is_missing_or_old_is_named_and_one_changed_here_is_left_alone(ec2: Tree, tmp_path: Path) -> None:
    def verdict() -> tuple[str, str]:
        check = unit_checks.shipped(EC2, TRADER, ec2, "unit")
        return check.verdict, check.found.rpartition("service")[2]

    unit = ec2.place(EC2.unit_file(TRADER))
    assert verdict() == ("ok", "")
    unit.write_text(unit.read_text() + "# mine\n")
    assert verdict() == ("ok", ", changed here")
    ec2.place("/etc/foremesh/.installed.json").unlink()
    assert verdict() == ("warning", " is not that of this version")
    unit.unlink()
    assert verdict() == ("problem", " is not there")


def test_a_credential_is_the_file_that_the_unit_loads_and_a_template_loads_that_of_its_node(ec2: Tree) -> None:
    handed = Handed(ec2, EC2, COLLECTOR)
    place = Path("/run/credentials/foremesh-collector@ec2.service")
    assert handed.source(place / "collector.key") == ec2.place("/etc/foremesh/certs/collector-ec2.key")
    assert handed.source(place / "kalshi.key") is None
    assert handed.source(Path("/etc/foremesh/token")) == ec2.place("/etc/foremesh/token")


def test_drop_ins_hand_over_more(ec2: Tree) -> None:
    folder = ec2.place("/etc/systemd/system/foremesh-trader.service.d")
    folder.mkdir()
    (folder / "own.conf").write_text(
        "[Service]\n#LoadCredential=old:/old\nLoadCredential=kalshi.key:/keys/kalshi.pem\n"
    )
    handed = Handed(ec2, EC2, TRADER)
    assert handed.source(Path("/run/credentials/foremesh-trader.service/kalshi.key")) == ec2.place("/keys/kalshi.pem")
    assert handed.source(Path("/run/credentials/foremesh-trader.service/old")) is None


def test_the_user_of_the_daemons_must_be_there(ec2: Tree) -> None:
    check = unit_checks.user(HOSTS["mini"], ec2)
    assert (check.verdict, check.found) == ("problem", "there is no user _foremesh")
