"""`foremesh certs`: the private certificate authority and the tokens of the mesh."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mesh import certs as authority
from mesh import tokens

_DEFAULT_DIRECTORY = "~/.config/foremesh/certs"
_TOKEN_FILE = "tokens.toml"  # noqa: S105 - the name of a file, which holds digests only

_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    default=_DEFAULT_DIRECTORY,
    envvar="FOREMESH_CERTS_DIR",
    show_default=True,
    show_envvar=True,
    callback=lambda _context, _option, value: value.expanduser(),
    help="Where certificates, keys and tokens.toml are kept.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_role_choice = click.Choice(authority.ROLES)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    return _directory(_json(command))


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except (authority.CertificateError, tokens.TokenError) as error:
        raise click.ClickException(str(error)) from error


@click.group()
def certs() -> None:
    """Make and look at the certificates and tokens with which processes and people are known to each other."""


@certs.command("init")
@_common
@_one_line_errors()
def init_authority(directory: Path, as_json: bool) -> None:
    """Make a new certificate authority."""
    info = authority.init(directory)
    if as_json:
        return _print_json(_certificate(info))
    click.echo(f"Made the authority {info.name}, valid until {info.not_after:%Y-%m-%d}.")
    click.echo(f"Every host needs {info.file}.")
    return click.echo(f"Keep {info.file.with_suffix('.key')} here and nowhere else: whoever has it can take any role.")


@certs.command()
@click.argument("name")
@click.option("--role", type=_role_choice, help="What the holder may do as a client.")
@click.option("--host", "hosts", multiple=True, help="Name or address under which the server is reached; repeatable.")
@click.option("--days", default=authority.DEFAULT_DAYS, show_default=True, help="Lifetime in days.")
@_common
@_one_line_errors()
def issue(
    *, name: str, role: authority.Role | None, hosts: tuple[str, ...], days: int, directory: Path, as_json: bool
) -> None:
    """Make the certificate and key NAME.crt and NAME.key, or renew them.

    With --host for a server, with --role for a client, with both for a process that is both.
    """
    info = authority.issue(directory, name, role=role, hosts=hosts, days=days)
    if as_json:
        return _print_json(_certificate(info))
    click.echo(f"Issued {info.name}, valid until {info.not_after:%Y-%m-%d}. Copy both files to its host and set there:")
    pair = [("certificate_file", info.file), ("private_key_file", info.file.with_suffix(".key"))]
    ca = info.file.with_name("ca.crt")
    if "server" in info.usage:
        _print_settings("as a server, under [rpc.tls]", [*pair, ("client_ca_file", ca)])
    if "client" in info.usage:
        _print_settings("as a client, in the table of each service it calls", [*pair, ("ca_file", ca)])
    return None


@certs.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@_common
@_one_line_errors()
def show(path: Path | None, directory: Path, as_json: bool) -> None:
    """Show one certificate, or all of a directory, and what is wrong with them.

    PATH is a certificate or a directory; without it, the one that --dir names.
    """
    found = authority.show(path or directory)
    if as_json:
        return _print_json([_certificate(info) for info in found])
    if not found:
        return click.echo(f"No certificates in {path or directory}.")
    table = Table()
    for heading in ("name", "use", "role", "hosts", "valid until", "status"):
        table.add_column(heading, overflow="fold")  # a name cut short is no name
    for info in found:
        texts = (info.name, ", ".join(info.usage), info.role or "", "\n".join(info.hosts))
        table.add_row(*map(Text, texts), f"{info.not_after:%Y-%m-%d}", _status(info))
    Console().print(table)
    if len(found) == 1:
        click.echo(f"SHA-256 {found[0].fingerprint}")
    return None


@certs.group()
def token() -> None:
    """Tokens, for callers that cannot have a certificate."""


@token.command("issue")
@click.argument("name")
@click.option("--role", type=_role_choice, required=True, help="What the holder may do.")
@_common
@_one_line_errors()
def issue_token(name: str, role: authority.Role, directory: Path, as_json: bool) -> None:
    """Make a token for NAME and print it, once: the file keeps only its digest."""
    file = directory / _TOKEN_FILE
    value = tokens.create(file, name, role)
    if as_json:
        return _print_json({"name": name, "role": role, "token": value, "file": str(file)})
    click.echo(value)
    # Beside the token, not with it: `foremesh certs token issue phone --role viewer > phone.token` makes a token file.
    click.echo(f"This is the only time the token of {name} ({role}) is shown. Servers need, under [rpc]:", err=True)
    return click.echo(f"  token_file = {_toml(file)}", err=True)


@token.command("revoke")
@click.argument("name")
@_common
@_one_line_errors()
def revoke_token(name: str, directory: Path, as_json: bool) -> None:
    """Remove the token of NAME."""
    file = directory / _TOKEN_FILE
    tokens.revoke(file, name)
    if as_json:
        return _print_json({"name": name, "revoked": True, "file": str(file)})
    return click.echo(f"Revoked the token of {name} in {file}.")


@token.command("show")
@_common
@_one_line_errors()
def show_tokens(directory: Path, as_json: bool) -> None:
    """Show who has a token, and its role."""
    entries = tokens.TokenTable.load(directory / _TOKEN_FILE).entries
    if as_json:
        return _print_json([{"name": entry.name, "role": entry.role} for entry in entries])
    if not entries:
        return click.echo("No tokens.")
    table = Table("name", "role")
    for entry in entries:
        table.add_row(entry.name, entry.role)
    return Console().print(table)


def _status(info: authority.CertificateInfo) -> Text:
    text = Text(f"ok, {info.days_left} days left", style="green")
    if info.problems:
        text = Text("\n".join(info.problems), style="red")
    return text


def _certificate(info: authority.CertificateInfo) -> dict[str, Any]:
    return asdict(info) | {"status": "problem" if info.problems else "ok"}


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, default=lambda it: it.isoformat() if isinstance(it, datetime) else str(it)))


def _print_settings(heading: str, settings: list[tuple[str, Path]]) -> None:
    click.echo(f"  {heading}:")
    for key, file in settings:
        click.echo(f"    {key} = {_toml(file)}")


def _toml(file: Path) -> str:
    return json.dumps(str(file), ensure_ascii=False)  # a TOML basic string takes JSON's escapes
