"""`foremesh install`: units, sample configurations, folders and credentials of a host."""

import getpass
import ipaddress
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from console.connection import FILE, one_line_errors
from console.installing import samples
from console.installing.credentials import Imported, imported
from console.installing.hosts import HOSTS, HUB, TRADER, Host
from console.installing.plan import Step, Wanted, plan
from console.installing.words import commands_after_import, document, line, next_commands
from console.installing.writing import Tree, may_write, misplaced
from mesh.config import ConfigError

_SYSTEM = Path("/")


class _Host(click.ParamType[str]):
    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            ipaddress.IPv4Address(value)
        except ValueError:
            if not all(part.isascii() and part.replace("-", "").isalnum() for part in str(value).split(".")):
                self.fail(f"{value!r} is neither an IPv4 address nor a name", param, ctx)
        return str(value)


@click.command()
@click.option("--role", type=click.Choice(list(HOSTS)), help="Which machine of the mesh this is.")
@click.option(
    "--address",
    type=_Host(),
    help="Its address in the private network.  [default: as last time, at first 10.8.0.1, 10.8.0.2 or 10.8.0.3]",
)
@click.option(
    "--hub", type=_Host(), help=f"Address of the spark there.  [default: as last time, at first {HUB.address}]"
)
@click.option(
    "--import-env", "env_file", type=FILE, help="Make credential files of a kalshi.env, for the trader's host."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be written, with --json all of it, and write nothing; needs no root.",
)
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=_SYSTEM,
    show_default=True,
    help="Write a tree there instead: for packages and trials.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
def install(
    *,
    role: str | None,
    address: str | None,
    hub: str | None,
    env_file: Path | None,
    dry_run: bool,
    root: Path,
    as_json: bool,
) -> None:
    """Write the units, sample configurations and folders of one machine of the mesh, and say what to type next.

    What somebody changed is kept, and a newer sample laid beside it as FILE.new. A second run finds nothing to do.
    Certificates are made by foremesh certs; no secret is ever printed.
    """
    if role is None and env_file is None:
        raise click.UsageError(f"name a --role ({', '.join(HOSTS)}), or a file to --import-env, or both")
    host = None if role is None else HOSTS[role]
    if env_file is not None and host is not None and TRADER not in host.services:
        raise click.UsageError(f"--import-env is for the trader, which runs on ec2, not on {host.name}")
    if host is not None and not dry_run and misplaced(root, mac=host.mac):
        raise click.UsageError(f"{host.name} is {'a' if host.mac else 'no'} Mac: name a --root to write its files here")
    with one_line_errors():
        tree = Tree(root)
        noted = tree.noted()
        addresses = {} if host is None else _addresses(host, address, hub, noted.addresses)
        wanted = [] if host is None else _wanted(host, **addresses)
        brought = Imported((), (), ())
        if env_file is not None:
            brought = imported(env_file, os.environ, lambda path: tree.look(path) is not None)
        steps = plan([*wanted, *brought.wanted], tree.look, noted.files)
        if not dry_run:
            _write(tree, steps, addresses)
    commands = list(commands_after_import() if host is None else next_commands(host, **addresses))
    owner = "root" if root.resolve() == _SYSTEM else getpass.getuser()
    if as_json:
        return click.echo(json.dumps(document(steps, owner, commands, brought.settings, brought.warnings), indent=2))
    return _show(steps, owner, brought, commands, dry_run=dry_run)


def _addresses(host: Host, address: str | None, hub: str | None, noted: Mapping[str, str]) -> dict[str, str]:
    """Choose a host's address and the hub's: as given, else as noted by an earlier run, else as in the samples."""
    own = address or noted.get("address", host.address)
    return {"address": own, "hub": own if host is HUB else hub or noted.get("hub", HUB.address)}


def _wanted(host: Host, *, address: str, hub: str) -> list[Wanted]:
    """Say what should be on a host."""
    folders = [Wanted(path, mode) for path, mode in host.folders]
    units = [Wanted(host.unit_file(each), 0o644, samples.unit(each).encode()) for each in host.services]
    configs = [
        Wanted(each.config_file, 0o644, samples.config(each, host, address=address, hub=hub).encode())
        for each in host.services
    ]
    return [*folders, *units, *configs]


def _write(tree: Tree, steps: list[Step], addresses: Mapping[str, str]) -> None:
    if not any(step.written for step in steps):
        return
    if not may_write(tree.root):
        raise ConfigError("only root may write there: run it with sudo, or see what it would do with --dry-run")
    tree.write(steps, addresses)


def _show(steps: list[Step], owner: str, brought: Imported, commands: list[str], *, dry_run: bool) -> None:
    for step in steps:
        click.echo(line(step, owner))
    for text in brought.warnings:
        click.echo(f"warning: {text}", err=True)
    to_do = any(step.written for step in steps)
    if not to_do:
        click.echo("Nothing to do.")
    elif dry_run:
        click.echo("Nothing was written: --dry-run.")
    if brought.settings:
        click.echo(f"\nIn {TRADER.config_file} there must be:\n")
        for text in brought.settings:
            click.echo(f"    {text}".rstrip())
    if commands and (to_do or dry_run):
        click.echo("\nNext, as root:\n")
        for text in commands:
            click.echo(f"    {text}")
