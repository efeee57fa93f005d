"""`foremesh install`: what it writes on which machine, what it keeps, what it brings from a kalshi.env."""

import json
import os
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from collector.config import CollectorConfig
from collector.coordinator.config import CoordinatorConfig
from console.__main__ import cli
from console.installing.hosts import HOSTS
from console.installing.writing import may_write, misplaced
from forecast_server.config import ForecastServerConfig
from mesh.config import load
from mesh.secret import read_secret
from tests.conftest import ROOT
from trader.config import TraderConfig
from trader.domain.words import Mode
from trader.notifying.phone import PhoneNotifier

MODELS: dict[str, Any] = {
    "forecast_server": ForecastServerConfig,
    "coordinator": CoordinatorConfig,
    "trader": TraderConfig,
    "collector-spark": CollectorConfig,
    "collector-ec2": CollectorConfig,
    "collector-mini": CollectorConfig,
}
KEY_ID, USER, TOKEN = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c", "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "a" * 29 + "Z"

Install = Callable[..., Result]
each_role = pytest.mark.parametrize("role", list(HOSTS))


@pytest.fixture
def install(tmp_path: Path) -> Install:
    def run(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(cli, ["install", "--root", str(tmp_path / "host"), *words])
        assert done.exit_code == code, done.output
        return done

    return run


@pytest.fixture
def host(tmp_path: Path) -> Path:
    return tmp_path / "host"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "kalshi.pem"
    file.write_bytes(_pem(ed25519.Ed25519PrivateKey.generate()))
    file.chmod(0o600)
    return file


@each_role
def test_a_machine_gets_configurations_that_its_daemons_accept(role: str, install: Install, host: Path) -> None:
    install("--role", role)
    written = sorted((host / "etc/foremesh").glob("*.toml"))
    assert {file.stem for file in written} == {service.config[:-5] for service in HOSTS[role].services}
    for file in written:
        config = load(file, MODELS[file.stem])
        if hasattr(config, "kalshi"):
            assert config.kalshi.environment == "production"
        if isinstance(config, TraderConfig):
            assert config.mode is Mode.PAPER


@each_role
def test_the_units_are_those_of_the_package_to_the_byte(role: str, install: Install, host: Path) -> None:
    install("--role", role)
    for service in HOSTS[role].services:
        [shipped] = (ROOT / "deploy").glob(f"*/{service.unit}")
        assert (host / HOSTS[role].unit_file(service).lstrip("/")).read_bytes() == shipped.read_bytes()


def test_the_machines_find_each_other_at_the_addresses_that_are_given(install: Install, host: Path) -> None:
    install("--role", "ec2", "--address", "100.64.0.7", "--hub", "spark.mesh")
    trader, collector = (load(host / f"etc/foremesh/{name}.toml", MODELS[name]) for name in ("trader", "collector-ec2"))
    assert trader.forecast.targets == ("spark.mesh:8787",)
    assert collector.coordinator.targets == ("spark.mesh:8788",)
    assert (trader.rpc.listen[0], collector.rpc.listen[0]) == ("100.64.0.7:8789", "100.64.0.7:8791")


def test_on_one_machine_daemons_listen_on_loopback_once(install: Install, host: Path) -> None:
    install("--role", "spark", "--address", "127.0.0.1", "--hub", "127.0.0.1")
    for name, port in (("coordinator", 8788), ("forecast_server", 8787), ("collector-spark", 8791)):
        assert load(host / f"etc/foremesh/{name}.toml", MODELS[name]).rpc.listen == (f"127.0.0.1:{port}",)


def test_three_nodes_share_the_work_and_one_keeps_all_files(install: Install, host: Path) -> None:
    nodes = {}
    for role in HOSTS:
        install("--role", role)
        nodes[role] = load(host / f"etc/foremesh/collector-{role}.toml", CollectorConfig)
    assert [node.node_index for node in nodes.values()] == [0, 1, 2]
    assert [node.worker_id for node in nodes.values()] == list(HOSTS)
    assert [name for name, node in nodes.items() if node.copy_files] == ["spark"]


def test_on_a_mac_the_collector_reads_its_certificates_where_they_are(install: Install, host: Path) -> None:
    install("--role", "mini")
    text = (host / "etc/foremesh/collector-mini.toml").read_text()
    assert "/run/credentials" not in text
    assert 'private_key_file = "/etc/foremesh/certs/collector-mini.key"' in text
    assert not (host / "etc/systemd").exists()


def test_a_dry_run_says_all_and_writes_nothing(install: Install, host: Path) -> None:
    said = json.loads(install("--role", "ec2", "--dry-run", "--json").output)
    assert not host.exists()
    assert {file["state"] for file in said["files"]} == {"create"}
    assert {"path": "/etc/foremesh/certs", "mode": "0700"}.items() <= said["files"][1].items()
    assert "systemctl enable --now foremesh-trader.service foremesh-collector@ec2.service" in said["next"]
    contents = {Path(file["path"]).name: file["content"] for file in said["files"]}
    assert "Type=notify" in contents["foremesh-trader.service"]
    assert tomllib.loads(contents["trader.toml"])["mode"] == "paper"


def test_a_second_run_finds_nothing_to_do(install: Install, host: Path) -> None:
    install("--role", "spark")
    before = {file: file.stat().st_mtime_ns for file in host.rglob("*")}
    assert install("--role", "spark").output.endswith("Nothing to do.\n")
    assert {file: file.stat().st_mtime_ns for file in host.rglob("*")} == before


def test_what_somebody_changed_is_kept_and_the_newer_sample_laid_beside_it_once(install: Install, host: Path) -> None:
    install("--role", "ec2")
    config, unit = host / "etc/foremesh/trader.toml", host / "etc/systemd/system/foremesh-trader.service"
    for file in (config, unit):
        file.write_text(file.read_text() + "# mine\n")
    assert "Nothing to do." in install("--role", "ec2").output  # what the package has is known to them
    install("--role", "ec2", "--hub", "10.9.0.1")
    assert config.read_text().endswith("# mine\n")
    assert unit.read_text().endswith("# mine\n")
    assert "10.9.0.1:8787" in (host / "etc/foremesh/trader.toml.new").read_text()
    assert "Nothing to do." in install("--role", "ec2", "--hub", "10.9.0.1").output


def test_what_nobody_changed_follows_the_package(install: Install, host: Path) -> None:
    install("--role", "ec2")
    said = install("--role", "ec2", "--hub", "10.9.0.1").output
    assert "replace     0644" in said
    assert "10.9.0.1:8787" in (host / "etc/foremesh/trader.toml").read_text()
    assert not list(host.rglob("*.new"))


def test_who_installs_a_newer_version_need_not_know_the_addresses(install: Install, host: Path) -> None:
    install("--role", "ec2", "--address", "100.64.0.7", "--hub", "100.64.0.1")
    assert "Nothing to do." in install("--role", "ec2").output
    assert "100.64.0.1:8787" in (host / "etc/foremesh/trader.toml").read_text()


def test_notes_that_cannot_be_read_make_every_file_somebodys(install: Install, host: Path) -> None:
    install("--role", "ec2")
    (host / "etc/foremesh/.installed.json").write_text("{")
    assert "Nothing to do." in install("--role", "ec2").output
    assert "keep, new one beside it" in install("--role", "ec2", "--hub", "10.9.0.1").output


def test_a_linux_is_not_made_a_mac_by_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert (misplaced(Path("/"), mac=True), misplaced(Path("/"), mac=False)) == (True, False)
    assert not misplaced(tmp_path, mac=True)


def test_a_file_of_before_the_first_run_is_somebodys(install: Install, host: Path) -> None:
    config = host / "etc/foremesh/trader.toml"
    config.parent.mkdir(parents=True)
    config.write_text('mode = "live"\n')
    assert "keep, new one beside it" in install("--role", "ec2").output
    assert config.read_text() == 'mode = "live"\n'
    assert 'mode = "paper"' in (host / "etc/foremesh/trader.toml.new").read_text()


def test_a_unit_that_is_masked_stays_masked(install: Install, host: Path) -> None:
    unit = host / "etc/systemd/system/foremesh-trader.service"
    unit.parent.mkdir(parents=True)
    unit.symlink_to("/dev/null")
    install("--role", "ec2")
    assert unit.is_symlink()


def test_modes_do_not_depend_on_the_umask(install: Install, host: Path) -> None:
    before = os.umask(0o077)
    try:
        install("--role", "spark")
    finally:
        os.umask(before)
    assert _mode(host / "etc/foremesh") == 0o755
    assert _mode(host / "etc/foremesh/certs") == 0o700
    assert _mode(host / "etc/foremesh/coordinator.toml") == 0o644
    assert _mode(host / "etc/systemd") == 0o755


def test_the_systems_own_tree_is_written_by_root_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert (may_write(Path("/")), may_write(Path("/etc/..")), may_write(tmp_path)) == (False, False, True)


def test_a_kalshi_env_becomes_credentials_that_the_traders_unit_loads(
    install: Install, host: Path, key: Path, tmp_path: Path
) -> None:
    env = tmp_path / "kalshi.env"
    env.write_bytes(
        f"# the owner's\r\nexport KALSHI_API_KEY='{KEY_ID}' # an id\r\nKEYS={key.parent}\r\n"
        f'KALSHI_PRIVATE_KEY_PATH="$KEYS/{key.name}"\r\nPUSHOVER_USER={USER}\r\nPUSHOVER_TOKEN={TOKEN}\r\n'.encode()
    )
    env.chmod(0o600)
    said = install("--import-env", str(env)).output

    folder = host / "etc/foremesh/credentials"
    assert _mode(folder) == 0o700
    assert {file.name: _mode(file) for file in folder.iterdir()} == {"kalshi.key": 0o600, "notify.urls": 0o600}
    assert (folder / "kalshi.key").read_bytes() == key.read_bytes()
    PhoneNotifier(read_secret(folder / "notify.urls"))
    assert (folder / "notify.urls").read_text() == f"pover://{USER}@{TOKEN}\n"
    drop_in = (host / "etc/systemd/system/foremesh-trader.service.d/credentials.conf").read_text()
    loaded = [line.partition("=")[2].split(":") for line in drop_in.splitlines() if line.startswith("LoadCredential=")]
    assert {name: (host / path.lstrip("/")).is_file() for name, path in loaded} == {
        "kalshi.key": True,
        "notify.urls": True,
    }
    settings = said.partition("there must be:\n")[2].partition("Next,")[0]
    config = TraderConfig.model_validate_json(json.dumps(tomllib.loads(settings)))
    assert (config.kalshi.key_id, config.notify.url_file is not None) == (KEY_ID, True)
    assert "warning" not in said
    as_json = install("--import-env", str(env), "--dry-run", "--json").output
    for secret in (USER, TOKEN, key.read_text().splitlines()[1]):
        assert secret not in said + as_json
    notes = (host / "etc/foremesh/.installed.json").read_text()
    assert "credentials/" not in notes


def test_a_second_import_changes_nothing_and_another_key_replaces_the_first(
    install: Install, host: Path, key: Path, tmp_path: Path
) -> None:
    env = tmp_path / "kalshi.env"
    env.write_text(f"KALSHI_API_KEY={KEY_ID}\nKALSHI_PRIVATE_KEY_PATH={key.name}\n")
    install("--role", "ec2", "--import-env", str(env))
    assert "Nothing to do." in install("--role", "ec2", "--import-env", str(env)).output
    key.write_bytes(_pem(ed25519.Ed25519PrivateKey.generate()))
    assert "replace     0600" in install("--import-env", str(env)).output
    assert (host / "etc/foremesh/credentials/kalshi.key").read_bytes() == key.read_bytes()


def test_what_earlier_imports_brought_is_still_loaded(install: Install, host: Path, key: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.env", tmp_path / "second.env"
    first.write_text(f"KALSHI_API_KEY={KEY_ID}\nKALSHI_PRIVATE_KEY_PATH={key}\n")
    second.write_text(f"PUSHOVER_USER={USER}\nPUSHOVER_TOKEN={TOKEN}\n")
    install("--import-env", str(first))
    install("--import-env", str(second))
    drop_in = (host / "etc/systemd/system/foremesh-trader.service.d/credentials.conf").read_text()
    assert drop_in.count("LoadCredential=") == 2


def test_secrets_that_others_may_read_are_taken_with_a_warning(install: Install, key: Path, tmp_path: Path) -> None:
    key.chmod(0o644)
    env = tmp_path / "kalshi.env"
    env.write_text(f"KALSHI_API_KEY={KEY_ID}\nKALSHI_PRIVATE_KEY_PATH={key}\n")
    env.chmod(0o644)
    said = install("--import-env", str(env)).output
    assert f"chmod 600 {key}" in said
    assert f"chmod 600 {env}" in said


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "is empty"),
        ("OTHER=1\n", "none of KALSHI_API_KEY"),
        (f"KALSHI_API_KEY={KEY_ID}\n", "KALSHI_PRIVATE_KEY_PATH is not"),
        (f"KALSHI_API_KEY={KEY_ID}\nKALSHI_PRIVATE_KEY_PATH=\n", "KALSHI_PRIVATE_KEY_PATH is not"),
        (f"PUSHOVER_TOKEN={TOKEN}\n", "PUSHOVER_USER is not"),
        (f"KALSHI_API_KEY={KEY_ID}\nKALSHI_PRIVATE_KEY_PATH=/no/such.pem\n", "/no/such.pem: cannot be read"),
        (f"KALSHI_API_KEY={KEY_ID}\nKALSHI_PRIVATE_KEY_PATH=noise.pem\n", "is not a PEM private key"),
        (f"KALSHI_API_KEY={KEY_ID}\nKALSHI_PRIVATE_KEY_PATH=curve.pem\n", "takes RSA and Ed25519 keys"),
        ("KALSHI_API_KEY='two words'\nKALSHI_PRIVATE_KEY_PATH=kalshi.pem\n", "KALSHI_API_KEY must be"),
        (f"PUSHOVER_USER='{USER}\nPUSHOVER_TOKEN={TOKEN}\n", "line 1: is not NAME=value"),
    ],
)
def test_what_cannot_be_imported_is_said_without_a_secret(
    lines: str, words: str, install: Install, host: Path, key: Path
) -> None:
    tmp_path = key.parent
    (tmp_path / "noise.pem").write_text("hunter2hunter2\n")
    (tmp_path / "curve.pem").write_bytes(_pem(ec.generate_private_key(ec.SECP256R1())))
    env = tmp_path / "kalshi.env"
    env.write_text(lines)
    said = install("--import-env", str(env), code=1).output
    assert words in said
    assert all(secret not in said for secret in (USER, TOKEN, "hunter2"))
    assert not host.exists()


def test_the_key_belongs_to_the_traders_machine(install: Install, tmp_path: Path) -> None:
    env = tmp_path / "kalshi.env"
    env.write_text("")
    assert "runs on ec2" in install("--role", "spark", "--import-env", str(env), code=2).output
    assert "--role" in install(code=2).output


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
