"""The samples in deploy/ are what the daemons accept, and fit each other."""

import plistlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from collector.config import CollectorConfig
from collector.coordinator.config import CoordinatorConfig
from forecast_server.config import ForecastServerConfig
from mesh.config import Strict
from mesh.daemon import BAD_CONFIG, STOP_TIMEOUT_SECONDS
from sim_exchange.config import ExchangeConfig
from tests.conftest import ROOT
from tests.fakes.systemd_analyze import analyze
from trader.config import TraderConfig

BIN = Path(sys.executable).parent
CONFIGS = sorted((ROOT / "deploy" / "config").glob("*.toml"))
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
NODE = "spark"
"""Instance of the unit that is a template, whose sample of a configuration is that of this node."""
DAEMON_OF: dict[str, tuple[str, type[Strict]]] = {
    "collector.toml": ("foremesh-collector", CollectorConfig),
    "coordinator.toml": ("foremesh-coordinator", CoordinatorConfig),
    "exchange.toml": ("foremesh-exchange", ExchangeConfig),
    "forecast_server.toml": ("foremesh-forecast-server", ForecastServerConfig),
    "trader.toml": ("foremesh-trader", TraderConfig),
}
DETAILS = {"AccountConfig", "Quirks", "RecordedConfig", "SeriesConfig"}
"""Tables that a sample may leave to docs/configuration.md."""

each_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)


@each_config
def test_the_daemon_accepts_its_sample(config: Path) -> None:
    """The certificates need not be there: checking a configuration opens no other file."""
    daemon, _ = DAEMON_OF[config.name]
    done = subprocess.run(
        [BIN / daemon, "--config", config, "--check-config"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"{config}: ok\n"), done.stderr


@each_config
def test_the_sample_names_and_explains_every_key(config: Path) -> None:
    _, model = DAEMON_OF[config.name]
    paragraphs = config.read_text().split("\n\n")
    named = {
        found[1]: paragraph
        for paragraph in paragraphs
        for found in re.finditer(r"^(?:# )?(\w+) = ", paragraph, re.MULTILINE)
    }
    keys = _keys(model.model_json_schema())
    assert set(named) == keys
    assert all(re.search(r"^# \S", paragraph, re.MULTILINE) for paragraph in named.values())


@each_config
def test_what_the_sample_shows_as_a_default_is_one(config: Path) -> None:
    """All but the addresses, the files and the model with its device, which belong to the host."""
    _, model = DAEMON_OF[config.name]
    own = {"listen", "metrics_listen", "tls", "state_folder", "data_folder", "name", "checkpoint", "device"}
    own |= {"worker_id", "node_index", "targets", "ca_file", "certificate_file", "private_key_file", "file"}
    shown, defaults = tomllib.loads(config.read_text()), model().model_dump(mode="json")
    for name, value in ((name, value) for name, value in shown.items() if name not in own):
        inner = {key: left for key, left in value.items() if key not in own} if isinstance(value, dict) else value
        known = {key: defaults[name][key] for key in inner} if isinstance(inner, dict) else defaults[name]
        assert inner == known, name


@each_unit
def test_the_unit_runs_a_command_that_is_installed_with_a_config_that_is_here(unit: Path) -> None:
    command, _, config = _settings(unit)["ExecStart"][0].split()
    assert (BIN / Path(command).name).exists()
    assert _sample(config) in {path.name for path in CONFIGS}


@each_unit
def test_the_unit_knows_how_the_daemon_behaves(unit: Path) -> None:
    settings = _settings(unit)
    assert settings["Type"] == ["notify"]
    assert settings["RestartPreventExitStatus"] == [str(BAD_CONFIG)]
    assert int(settings["TimeoutStopSec"][0]) > STOP_TIMEOUT_SECONDS
    assert "WatchdogSec" in settings


@each_unit
def test_credentials_are_the_files_that_the_config_names(unit: Path) -> None:
    settings = _settings(unit)
    place = f"/run/credentials/{_instance(unit)}"
    loaded = {f"{place}/{credential.split(':')[0]}" for credential in settings["LoadCredential"]}
    values = tomllib.loads(_config(settings))
    assert set(values.get("rpc", values)["tls"].values()) == loaded


@each_unit
def test_the_folder_that_systemd_makes_is_one_that_the_config_names(unit: Path) -> None:
    settings = _settings(unit)
    [folder] = settings["StateDirectory"]
    assert f' = "/var/lib/{folder}"\n' in _config(settings)


@each_unit
def test_its_lines_can_be_found_and_its_memory_is_never_written_down(unit: Path) -> None:
    settings = _settings(unit)
    program = Path(settings["ExecStart"][0].split()[0]).name
    assert settings["SyslogIdentifier"] == [program]
    assert settings["LogExtraFields"][0].split()[0] == f"FOREMESH_DAEMON={program.removeprefix('foremesh-')}"
    assert settings["LimitCORE"] == ["0"]


@each_unit
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    done = analyze("verify", _installed(unit, tmp_path))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@each_unit
def test_the_unit_exposes_little(unit: Path, tmp_path: Path) -> None:
    """By systemd's own measure, on which 10 is wide open; the usual unit without hardening has 9.6."""
    done = analyze("security", "--offline=true", "--threshold=20", _installed(unit, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_launchd_is_told_what_systemd_is() -> None:
    [file] = (ROOT / "deploy" / "launchd").glob("*.plist")
    job = plistlib.loads(file.read_bytes())
    assert job["Label"] == file.stem
    program, option, config = job["ProgramArguments"]
    assert (BIN / Path(program).name).exists()
    assert (option, Path(config).name) == ("--config", "collector-mini.toml")
    assert (job["RunAtLoad"], job["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert job["ExitTimeOut"] > STOP_TIMEOUT_SECONDS
    assert job["ThrottleInterval"] >= 2
    assert job["StandardErrorPath"].startswith("/usr/local/var/log/foremesh/")
    assert job["HardResourceLimits"]["Core"] == 0


def _installed(unit: Path, folder: Path) -> Path:
    """The unit as it is where the command it runs exists."""
    copy = folder / _instance(unit)
    copy.write_text(unit.read_text().replace("/opt/foremesh/bin", str(BIN)))
    return copy


def _config(settings: dict[str, list[str]]) -> str:
    """The sample of the configuration that a unit's command reads."""
    return (ROOT / "deploy" / "config" / _sample(settings["ExecStart"][0].split()[-1])).read_text()


def _sample(config: str) -> str:
    """Name the sample of a configuration; that of a template has the node in its name."""
    return Path(config).name.replace(f"-{NODE}", "")


def _instance(unit: Path) -> str:
    return unit.name.replace("@.", f"@{NODE}.")


def _settings(unit: Path) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for found in re.finditer(r"^([A-Z]\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        settings.setdefault(found[1], []).append(found[2].replace("%i", NODE))
    return settings


def _keys(schema: dict[str, Any]) -> set[str]:
    """Names of all plain keys, those of tables within tables included."""
    every = {name for name, definition in schema["$defs"].items() if "properties" in definition}
    tables = every - DETAILS
    tables -= {rule.rpartition("/")[2] for rule in re.findall(r"#/\$defs/\w+", str(schema["properties"].get("faults")))}
    keys: set[str] = set()
    for owner in (schema, *(schema["$defs"][name] for name in tables)):
        for name, field in owner["properties"].items():
            if not every.intersection(re.findall(r"#/\$defs/(\w+)", str(field))):  # else it is a table, or several
                keys.add(name)
    return keys
