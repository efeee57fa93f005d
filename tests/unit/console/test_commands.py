"""The command's own front: every name leads to its command, and only what is asked for is imported."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from console.__main__ import COMMANDS, cli


@pytest.mark.parametrize("name", COMMANDS)
def test_a_name_leads_to_the_command_of_that_name(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name


def test_the_help_lists_every_command_and_others_are_unknown() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output.partition("Commands:\n")[2]
    assert [line.split()[0] for line in shown.splitlines() if line[2:3].strip()] == sorted(COMMANDS)
    unknown = CliRunner().invoke(cli, ["nonsense"])
    assert (unknown.exit_code, "No such command 'nonsense'" in unknown.output) == (2, True)


def test_what_was_not_asked_for_is_not_imported() -> None:
    """All of it takes most of a second, each time that somebody types a command."""
    script = "import sys; from console.__main__ import cli; cli(['certs', '-h'], standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "console.certs" in imported
    assert not {"console.models", "aiohttp", "grpc", "numpy", "pyarrow"} & imported
