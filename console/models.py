"""`foremesh models`: which forecast models there are, and their weights on this machine."""

import contextlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from forecast_server.checkpoints import (
    INSTALL,
    NEEDS,
    Checked,
    CheckpointError,
    check,
    locate,
    recorded_sha256,
    sha256_of,
    weights_file,
)
from forecast_server.downloads import Offer, fetch

_DIGEST = 64
_SHORT = 12

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_revision = click.option("--revision", default="main", show_default=True, help="Branch, tag or commit on the hub.")


@click.group()
def models() -> None:
    """See, fetch and verify the forecast models' weights. A server never downloads by itself."""


@models.command("list")
@_json
def list_models(as_json: bool) -> None:
    """Show every model: its licence, what it needs, and where its weights are."""
    rows = [_row(name) for name in NEEDS]
    if as_json:
        return click.echo(json.dumps(rows, indent=2))
    table = Table()
    for heading in ("model", "licence", "purposes", "weights", "size", "SHA-256"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("model", "SHA-256"))
    for row in rows:
        size = _size(row["size_bytes"]) if row["size_bytes"] else ""
        purposes = ", ".join(row["purposes"])
        table.add_row(row["name"], row["licence"], purposes, row["weights"], size, row["sha256"][:_SHORT])
    Console().print(table)
    for row in rows:
        click.echo(f"{row['name']}: {_hint(row)}")
    return None


@models.command("fetch")
@click.argument("name", type=click.Choice(tuple(NEEDS)))
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Folder to put them in, not the cache.")
@_revision
@_json
def fetch_model(name: str, to: Path | None, revision: str, as_json: bool) -> None:
    """Download the weights of the model NAME once, and check them.

    They go to the hub's cache (HF_HUB_CACHE, HF_HOME), where a server of this user finds them, or to the folder of
    --to, for its setting model.checkpoint. This is the only command that downloads.
    """

    def announce(offer: Offer) -> None:
        parts = ", ".join(f"{file} {_size(size)}" for file, size in offer.size_bytes.items())
        click.echo(f"{offer.repository} at {offer.commit[:_SHORT]}: {parts}. Licence: {NEEDS[name].licence}.", err=True)

    try:
        checked = fetch(name, revision=revision, to=to.expanduser().absolute() if to else None, announce=announce)
    except CheckpointError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        return click.echo(json.dumps(_facts(checked), indent=2))
    click.echo(f"{checked.file} is whole. To serve these weights and no others, set under [model]:")
    place = {"checkpoint": str(checked.file.parent)} if to else {"revision": revision}
    for key, value in {"name": name, **place, "weights_sha256": checked.sha256}.items():
        click.echo(f"  {key} = {json.dumps(value, ensure_ascii=False)}")  # a TOML string takes JSON's escapes
    return None


@models.command()
@click.argument("target", metavar="NAME|PATH")
@click.option("--sha256", "digest", metavar="HEX", help="SHA-256 that the weights must have.")
@_revision
@_json
@click.pass_context
def verify(context: click.Context, *, target: str, digest: str | None, revision: str, as_json: bool) -> None:
    """Read weights from the first byte to the last, and compare their SHA-256.

    NAME is a model whose weights are in the hub's cache or in its package; PATH is a file or a folder of weights. They
    are compared with what the hub stated when they were fetched, where that is known, and with --sha256. Exits 1 if
    they differ.
    """
    pin = (digest or "").lower()
    if digest is not None and (len(pin) != _DIGEST or set(pin) - set("0123456789abcdef")):
        raise click.BadParameter("expected 64 hexadecimal digits", param_hint="--sha256")
    try:
        place = locate(target, revision=revision) if target in NEEDS else Path(target).expanduser()
        checked = check(weights_file(place), {"--sha256": pin})
    except CheckpointError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(_facts(checked), indent=2))
    else:
        click.echo(f"{checked.file}\nSHA-256 {checked.sha256}, {_size(checked.size_bytes)}")
        agreeing = [who for who, stated in checked.expected.items() if stated == checked.sha256]
        if agreeing:
            click.echo(f"As stated by {' and '.join(agreeing)}.")
        if not checked.expected:
            click.echo("Nothing is known to compare it with: give --sha256.")
    if checked.problems:
        click.echo(f"Error: damaged or not the right file: {'; '.join(checked.problems)}", err=True)
        context.exit(1)


def _row(name: str) -> dict[str, Any]:
    needed = NEEDS[name]
    file, digest = None, ""
    if needed.files:
        with contextlib.suppress(CheckpointError):
            file = weights_file(locate(name))
            # Reading a gigabyte is for `verify`; what a package carries is small.
            digest = sha256_of(file) if needed.bundled else recorded_sha256(file)
    return {
        "name": name,
        "licence": needed.licence,
        "purposes": sorted(purpose.value for purpose in needed.purposes),
        "missing_packages": [package for package in needed.packages if find_spec(package) is None],
        "repository": needed.repository,
        "weights": "here" if file else "not here" if needed.files else "none needed",
        "weights_file": str(file) if file else None,
        "size_bytes": file.stat().st_size if file else None,
        "sha256": digest,
    }


def _hint(row: dict[str, Any]) -> str:
    """Say what a person would do next, or where the weights are."""
    hints = []
    if row["missing_packages"]:
        hints.append(f"needs {' and '.join(row['missing_packages'])}: {INSTALL}")
    if row["weights_file"]:
        hints.append(row["weights_file"])
    elif row["repository"]:
        hints.append(f"not fetched: foremesh models fetch {row['name']}")
    return "; ".join(hints) or "ready"


def _facts(checked: Checked) -> dict[str, Any]:
    return {
        "file": str(checked.file),
        "size_bytes": checked.size_bytes,
        "sha256": checked.sha256,
        "expected": dict(checked.expected),
        "problems": list(checked.problems),
    }


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
