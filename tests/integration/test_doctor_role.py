"""`foremesh doctor --role`, on the tree that `foremesh install` wrote, with servers that are really there."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from console import service_checks
from console.__main__ import cli
from console.role_checks import Machine
from mesh import certs
from tests.conftest import ForecastServer
from tests.fakes.coordinator import coordinator_on_loopback
from tests.fakes.exchange_process import SMALL, exchange_process

ABSENT = "192.0.2.1"
"""An address that is nobody's."""
ELSEWHERE = {"user", "exchange", "trader: state", "collector: state"}
"""What is not as it should be here whatever the tree is: no such user, no exchange, no systemd."""


@pytest.fixture
def free() -> Iterator[str]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield str(held.getsockname()[1])


@pytest.fixture
def tree(tmp_path: Path, free: str) -> Path:
    """EC2 as installed, on loopback, with certificates and an exchange that is away."""
    invoked = CliRunner().invoke(cli, ["install", "--role", "ec2", "--address", "127.0.0.1", "--root", str(tmp_path)])
    assert invoked.exit_code == 0, invoked.output
    folder = tmp_path / "etc/foremesh/certs"
    certs.init(folder)
    hosts = ["127.0.0.1", "localhost"]
    certs.issue(folder, "trader", role="trader", hosts=hosts)
    certs.issue(folder, "collector-ec2", role="collector", hosts=hosts)
    for name in ("server", "other"):
        certs.issue(folder, name, hosts=hosts)
    for config in (tmp_path / "etc/foremesh").glob("*.toml"):
        text = config.read_text().replace(
            'environment = "production"', f'environment = "custom"\nhost = "http://127.0.0.1:{free}"'
        )
        text = re.sub(r"^read_seconds = .*", "read_seconds = 0.2", text, flags=re.MULTILINE)
        config.write_text(re.sub(r"^listen = .*", 'listen = ["127.0.0.1:0"]', text, flags=re.MULTILINE))
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def doctor(tree: Path) -> tuple[dict[str, dict[str, Any]], int]:
    done = CliRunner().invoke(cli, ["doctor", "--role", "ec2", "--root", str(tree), "--json"])
    assert done.stdout, done.output
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}, done.exit_code


def wrong(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, check in found.items() if check["verdict"] == "problem"} - ELSEWHERE


async def test_a_machine_that_is_as_it_should_be_reaches_its_peers_with_its_own_certificates(
    tree: Path, forecast_server_on_loopback: ForecastServer
) -> None:
    folder = tree / "etc/foremesh/certs"
    tls = {
        "certificate_file": folder / "server.crt",
        "private_key_file": folder / "server.key",
        "client_ca_file": folder / "ca.crt",
    }
    async with (
        forecast_server_on_loopback(tls=tls) as server,
        coordinator_on_loopback(tree, tls=tls) as coordinated,
    ):
        change(tree / "etc/foremesh/trader.toml", "10.8.0.1:8787", server.addresses[0])
        change(tree / "etc/foremesh/collector-ec2.toml", "10.8.0.1:8788", coordinated.address)
        found, code = await asyncio.to_thread(doctor, tree)
    assert wrong(found) == set()
    assert {name for name, check in found.items() if check["verdict"] == "warning"} <= ELSEWHERE
    assert "has not heard of ec2" in found["coordinator"]["found"]
    assert {"server", "model", "trader: credentials", "collector: certificate", "trader: disk"} <= set(found)
    assert code == 1  # for the user and the exchange
    assert all(bool(check["remedy"]) is (check["verdict"] != "ok") for check in found.values())


def test_what_is_wrong_with_a_machine_is_said_in_words(tree: Path, free: str) -> None:
    folder = tree / "etc/foremesh/certs"
    (folder / "trader.key").chmod(0o644)
    certs.issue(folder, "collector-ec2", role="operator", hosts=["localhost"])
    change(tree / "etc/foremesh/trader.toml", 'listen = ["127.0.0.1:0"]', f'listen = ["{ABSENT}:8789"]')
    change(tree / "etc/foremesh/trader.toml", "10.8.0.1:8787", f"127.0.0.1:{free}")
    change(tree / "etc/foremesh/collector-ec2.toml", "10.8.0.1:8788", f"127.0.0.1:{free}")
    found, _ = doctor(tree)
    assert f"chmod 600 {folder}/trader.key" in found["trader: credentials"]["remedy"]
    assert "open to others" in found["trader: certificate"]["found"]
    assert "has the role operator, not collector" in found["collector: certificate"]["found"]
    assert f"{ABSENT}:8789: no address of this machine" in found["trader: addresses"]["found"]
    assert f"no connection to 127.0.0.1:{free}" in found["coordinator"]["found"]
    assert found["server"]["verdict"] == "problem"


def test_a_collector_whose_certificate_is_another_workers_is_told_so_before_the_coordinator_refuses_it(
    tree: Path,
) -> None:
    change(tree / "etc/foremesh/collector-ec2.toml", 'worker_id = "ec2"', 'worker_id = "spark"')
    change(tree / "etc/foremesh/collector-ec2.toml", "10.8.0.1:8788", "127.0.0.1:9")
    (tree / "etc/foremesh/trader.toml").unlink()
    found, _ = doctor(tree)
    assert (
        "is named collector-ec2, which the coordinator refuses as the worker spark"
        in (found["collector: certificate"]["found"])
    )
    assert "certs issue" in found["collector: certificate"]["remedy"]


def test_a_certificate_must_name_where_its_daemon_listens(tree: Path) -> None:
    change(tree / "etc/foremesh/collector-ec2.toml", 'listen = ["127.0.0.1:0"]', f'listen = ["{ABSENT}:8791"]')
    (tree / "etc/foremesh/certs/trader.crt").unlink()
    change(tree / "etc/foremesh/collector-ec2.toml", "10.8.0.1:8788", "127.0.0.1:9")
    found, _ = doctor(tree)
    assert f"does not name {ABSENT}" in found["collector: certificate"]["found"]
    assert "trader.crt: No such file" in found["trader: credentials"]["found"]
    assert "trader: certificate" not in found


def test_a_credential_that_no_unit_hands_over_is_named(tree: Path) -> None:
    key = "/run/credentials/foremesh-trader.service/kalshi.key"
    change(tree / "etc/foremesh/trader.toml", "[kalshi]\n", f'[kalshi]\nkey_id = "a"\nprivate_key_file = "{key}"\n')
    (tree / "etc/foremesh/certs/ca.crt").unlink()
    found, _ = doctor(tree)
    assert f"{key} is named, and the unit hands over no such credential" in found["trader: credentials"]["found"]
    assert "--import-env" in found["trader: credentials"]["remedy"]
    assert found["coordinator"]["verdict"] == "warning"


def test_a_key_is_shown_to_the_exchange_before_a_restart_shows_it(tree: Path, tmp_path_factory: Any, free: str) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    config = tree / "etc/foremesh/trader.toml"
    change(tree / "etc/foremesh/trader.toml", "10.8.0.1:8787", f"127.0.0.1:{free}")
    change(tree / "etc/foremesh/collector-ec2.toml", "10.8.0.1:8788", f"127.0.0.1:{free}")
    with exchange_process(folder) as exchange:
        old, new = exchange.add_member("old"), exchange.add_member("new")
        change(config, f'host = "http://127.0.0.1:{free}"', f'host = "{exchange.url}"')
        change(config, "read_seconds = 0.2", "read_seconds = 10.0")
        change(config, "# key_id = ", f'key_id = "{old}"  # ')
        change(config, "# private_key_file = ", "private_key_file = ")
        (folder / "kalshi.env").write_text(f"KALSHI_API_KEY={old}\nKALSHI_PRIVATE_KEY_PATH=old.key\n")
        brought(folder / "kalshi.env", tree)
        found, _ = doctor(tree)
        assert found["trader: key accepted"]["found"] == f"the exchange accepts {old}, tier unlimited"

        (folder / "kalshi.env").write_text(f"KALSHI_API_KEY={new}\nKALSHI_PRIVATE_KEY_PATH=new.key\n")
        brought(folder / "kalshi.env", tree)  # and its id is not in the configuration yet
        found, _ = doctor(tree)
        assert found["trader: exchange's key"]["verdict"] == "ok"
        assert found["trader: key accepted"]["verdict"] == "problem"
        assert f"does not accept the key {old}" in found["trader: key accepted"]["found"]

        change(config, f'key_id = "{old}"', f'key_id = "{new}"')
        assert doctor(tree)[0]["trader: key accepted"]["verdict"] == "ok"
        exchange.command("account", "remove-key", new)
        assert doctor(tree)[0]["trader: key accepted"]["verdict"] == "problem"
    assert "trader: key accepted" not in doctor(tree)[0], "that no exchange answers is said once"


def test_series_that_the_exchange_does_not_have_or_that_live_too_short_are_named(
    tree: Path, tmp_path_factory: Any, free: str
) -> None:
    config = tree / "etc/foremesh/trader.toml"
    change(tree / "etc/foremesh/collector-ec2.toml", "10.8.0.1:8788", f"127.0.0.1:{free}")
    change(config, "10.8.0.1:8787", f"127.0.0.1:{free}")
    listed = '{ ticker = "KXHIGHNY", history_hours = 24.0 }'
    asked = SMALL.replace(listed, listed + ', { ticker = "KXBTC", history_hours = 2.0 }')
    with exchange_process(tmp_path_factory.mktemp("exchange"), config=asked) as exchange:
        change(config, f'host = "http://127.0.0.1:{free}"', f'host = "{exchange.url}"')
        change(config, "read_seconds = 0.2", "read_seconds = 10.0")
        text = config.read_text()
        for series, verdict, words in (
            ('{ ticker = "KXHIGHNY" }, { ticker = "KXBTC", step_minutes = 1 }', "ok", "has all 2"),
            ('{ ticker = "KXHIGHNY" }, { ticker = "KXBTC" }', "warning", "events of KXBTC last for an hour or less"),
            ('{ ticker = "KXHIHGNY" }, { ticker = "KXBTC" }', "problem", "the exchange has no KXHIHGNY"),
        ):
            config.write_text(f"series = [{series}]\n{text}")
            check = doctor(tree)[0]["trader: series"]
            assert (check["verdict"], words in check["found"]) == (verdict, True), check
    assert "trader: series" not in doctor(tree)[0], "that no exchange answers is said once"


def brought(env_file: Path, tree: Path) -> None:
    done = CliRunner().invoke(cli, ["install", "--import-env", str(env_file), "--root", str(tree)])
    assert done.exit_code == 0, done.output


def test_what_is_to_be_done_is_done_in_files_and_not_by_options_that_a_role_does_not_take(
    tree: Path, free: str
) -> None:
    change(tree / "etc/foremesh/trader.toml", "10.8.0.1:8787", f"127.0.0.1:{free}")
    change(tree / "etc/foremesh/collector-ec2.toml", "10.8.0.1:8788", f"127.0.0.1:{free}")
    change(tree / "etc/foremesh/trader.toml", "read_seconds = 0.2", "read_seconds = 3.0")
    found, _ = doctor(tree)
    assert "name another with targets in the configuration" in found["server"]["found"]
    assert "name another with [kalshi] in the configuration" in found["exchange"]["found"]


def test_weights_are_looked_for_in_the_tree_and_fetched_to_where_the_configuration_looks(tmp_path: Path) -> None:
    invoked = CliRunner().invoke(cli, ["install", "--role", "spark", "--root", str(tmp_path)])
    assert invoked.exit_code == 0, invoked.output
    machine = Machine("spark", tmp_path)
    found = {check.name: check for check in machine.checks()}["weights"]
    place = tmp_path / "var/lib/foremesh/models/timesfm-2.5"
    assert found.found.startswith(f"{place} does not exist")
    assert found.remedy == f"foremesh models fetch timesfm-2.5 --to {place}"


def test_a_configuration_that_is_wrong_is_a_problem_of_its_daemon_alone(tree: Path) -> None:
    (tree / "etc/foremesh/trader.toml").write_text("mdoe = 'paper'\n")
    (tree / "etc/foremesh/certs/ca.crt").unlink()
    found, _ = doctor(tree)
    assert "did you mean 'mode'?" in found["trader: configuration"]["found"]
    assert found["collector: configuration"]["verdict"] == "ok"


def test_a_configuration_must_be_readable_by_its_daemon(tree: Path) -> None:
    (tree / "etc/foremesh/trader.toml").chmod(0o600)
    (tree / "etc/foremesh/certs/ca.crt").unlink()
    found, _ = doctor(tree)
    assert "chmod 644" in found["trader: configuration"]["remedy"]


def test_a_port_that_somebody_else_holds_is_told_from_a_daemon_that_is_deaf() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "somebody else listens" in service_checks.listening((address,), False, "a").found
        assert service_checks.listening((address,), True, "a").verdict == "ok"
        assert service_checks.listening((address,), None, "a").found == f"{address} answers"
    assert "nobody listens" in service_checks.listening((address,), True, "a").found
    assert service_checks.listening((address,), False, "a").found == f"{address} is free"


def test_the_role_is_all_that_needs_to_be_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["doctor", "--role", "ec2", "--target", "127.0.0.1:1"])
    assert (done.exit_code, "--role finds the rest by itself" in done.output) == (2, True)
