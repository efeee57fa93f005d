"""What `foremesh install` says to type next is typed, and then the machine has what its daemons need."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from console import service_checks
from console.__main__ import cli
from console.installing.credentials import DROP_IN
from console.installing.handed import Handed
from console.installing.hosts import HOSTS, PROGRAMS, TRADER
from console.installing.words import next_commands
from console.installing.writing import Tree
from console.role_checks import MODELS
from mesh.config import load
from tests.fakes.documented import BIN
from tests.fakes.systemd_analyze import analyze

AUTHORITY = "/root/.config/foremesh/certs"


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.timeout(30)
def test_the_next_commands_in_their_order_make_three_machines_whole(tmp_path: Path) -> None:
    """All but users, weights and starting, which are the system's; copying goes to a folder instead of a host."""
    authority, arrived = tmp_path / "authority", tmp_path / "arrived"
    arrived.mkdir()
    for name, host in HOSTS.items():
        tree = Tree(tmp_path / name)
        commands = json.loads(run("install", "--role", name, "--root", str(tree.root), "--json"))["next"]
        assert commands == list(next_commands(host, address=host.address, hub=HOSTS["spark"].address))
        for command in filter(lambda command: not command.startswith("#"), commands):
            words = [word.replace(AUTHORITY, str(authority)) for word in shlex.split(command)]
            if words[:2] == [f"{PROGRAMS}/foremesh", "certs"]:
                run(*words[1:])
            elif words[0] == "scp":
                assert words[-1] == f"{host.address}:"
                subprocess.run(["cp", *words[1:-1], arrived], check=True)
            elif words[0] == "install":
                owned = words[words.index("-m") :]  # without the Mac's user
                where = str(tree.place(owned[-1]))
                subprocess.run(["install", *owned[:-1], where], cwd=arrived, check=True)
            elif words[0] == "rm":
                subprocess.run(words, cwd=arrived, check=True)
            elif words[-1] == "--check-config":
                assert shutil.which(Path(words[0]).name, path=BIN)
                assert tree.place(words[2]).is_file()
        for service in host.services:
            config: Any = load(tree.place(service.config_file), MODELS[service.sample])
            handed = Handed(tree, host, service)
            assert service_checks.credentials(config, handed, "credentials").verdict == "ok"
            certificate = service_checks.certificate(config.rpc, service, handed, "certificate")
            assert certificate is not None
            assert certificate.verdict == "ok", certificate.found
    assert not list(arrived.iterdir())
    assert not list(tmp_path.glob("*/etc/foremesh/certs/ca.key"))


def test_systemd_understands_the_credentials_that_an_import_adds(tmp_path: Path) -> None:
    (tmp_path / "kalshi.env").write_text("PUSHOVER_USER=" + "u" * 30 + "\nPUSHOVER_TOKEN=" + "a" * 30 + "\n")
    run("install", "--role", "ec2", "--import-env", str(tmp_path / "kalshi.env"), "--root", str(tmp_path))
    unit = Tree(tmp_path).place(HOSTS["ec2"].unit_file(TRADER))
    unit.write_text(unit.read_text().replace(PROGRAMS, str(BIN)))
    done = analyze("verify", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    drop_in = Tree(tmp_path).place(DROP_IN)
    drop_in.write_text(drop_in.read_text().replace("LoadCredential=", "LoadCredentials="))
    assert "LoadCredentials" in analyze("verify", unit).stderr  # so it was read
