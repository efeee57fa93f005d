"""What `foremesh forecast` says to wrong options and files, before it asks anybody."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from console.__main__ import cli
from console.connection import talking_to
from mesh import certs
from mesh.errors import Unavailable
from mesh.rpc.config import ClientConfig


@pytest.fixture
def series(tmp_path: Path) -> Path:
    file = tmp_path / "series.jsonl"
    file.write_text(json.dumps({"market_ticker": "KXA-1", "closes_cents": [1, 2, 3]}))
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--horizon", "0"), "--horizon"),
        (("--step", "2d"), "is not a length of time"),
        (("--step", "60"), "is not a length of time"),
        (("--purpose", "fun"), "--purpose"),
        (("--min-magnitude", "101"), "--min-magnitude"),
        (("--target", "nowhere"), "--target: expected host:port"),
        (("--target", "mesh.example:8787"), "needs ca_file"),
        (("--limit", "0"), "--limit"),
        (("--max-age", "366d"), "from 1s to 365d"),
        (("--points", "2049"), "--points"),
        (("--points", "9", "--host", "http://127.0.0.1:1"), "--points, --host: only with a series"),
        (("--watch", "0"), "'0' is not a number of seconds"),
        (("--series", "missing.csv"), "does not exist"),
        (("KXHIGHNY",), "name one series, such as KXHIGHNY, or one file"),
    ],
)
def test_wrong_usage_ends_with_code_2(series: Path, options: tuple[str, ...], expected: str) -> None:
    result = run("forecast", "--series", str(series), *options)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "name one series"),
        (("missing.csv",), "file 'missing.csv' does not exist"),
        (("MISSING.PARQUET",), "file 'MISSING.PARQUET' does not exist"),
        (("folder/KXHIGHNY",), "file 'folder/KXHIGHNY' does not exist"),
        (("kxhighny",), "'kxhighny' is no file, and no ticker of a series"),
        (("KXHIGHNY", "--step", "5m"), "--step: the exchange has candles of 1m, 60m and 1d"),
        (("KXHIGHNY", "--host", "http://mesh.example"), "--host: must be encrypted"),
        (("KXHIGHNY", "--environment", "custom"), "belong together"),
        (("KXHIGHNY", "--price", "bid"), "--price"),
        (("--watch", "KXHIGHNY"), "plain --watch comes last"),
    ],
)
def test_what_is_neither_a_file_nor_a_series_is_wrong_usage(options: tuple[str, ...], expected: str) -> None:
    result = run("forecast", *options)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in " ".join(result.stderr.split())


def test_a_folder_named_like_a_series_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "KXHIGHNY").mkdir()
    monkeypatch.chdir(tmp_path)

    assert "--step: the exchange has candles" in run("forecast", "KXHIGHNY", "--step", "5m").stderr


def test_a_certificate_without_its_key_is_wrong_usage(series: Path) -> None:
    result = run("forecast", "--series", str(series), "--certificate-file", str(series))

    assert result.exit_code == 2
    assert "belong together" in result.stderr


def test_a_bad_file_ends_with_code_1_and_one_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("market_ticker,end_period_ts,price_close\nKXA-1,3600,abc\n")

    result = run("forecast", str(file))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"Error: {file}: line 2: price_close: invalid value 'abc'\n"


def test_a_wrong_client_table_is_named(tmp_path: Path, series: Path) -> None:
    config = tmp_path / "client.toml"
    config.write_text('target = "127.0.0.1:8787"\n')

    result = run("forecast", "--series", str(series), "--config", str(config))

    assert result.exit_code == 1
    assert "target: unknown key, did you mean 'targets'?" in result.stderr


@pytest.mark.parametrize(
    "command", [(), ("certs",), ("certs", "issue"), ("demo",), ("doctor",), ("forecast",), ("status",)]
)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert f"Usage: {' '.join(('cli', *command))}" in result.stdout
    assert max(map(len, result.stdout.split("\n"))) <= 100


@pytest.mark.parametrize("command", ["demo", "doctor", "forecast", "status"])
def test_every_command_has_json(command: str) -> None:
    assert "--json" in run(command, "--help").stdout


def test_the_version_is_the_installed_one() -> None:
    assert run("--version").stdout.startswith("foremesh, version ")


@pytest.mark.parametrize(("days_ago", "said"), [(100, "has expired"), (0, "does it know the authority")])
def test_a_server_that_hangs_up_on_a_certificate_is_explained(tmp_path: Path, days_ago: int, said: str) -> None:
    certs.init(tmp_path, now=datetime.now(UTC) - timedelta(days=200))
    certs.issue(tmp_path, "me", role="viewer", days=90, now=datetime.now(UTC) - timedelta(days=days_ago))
    config = ClientConfig(
        targets=("127.0.0.1:1",),
        ca_file=tmp_path / "ca.crt",
        certificate_file=tmp_path / "me.crt",
        private_key_file=tmp_path / "me.key",
    )
    with pytest.raises(click.ClickException, match=said), talking_to(config):
        raise Unavailable("Socket closed")
