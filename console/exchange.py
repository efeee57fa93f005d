"""`foremesh exchange`: members of the simulated exchange."""

import json
import re
import uuid
from pathlib import Path
from typing import Any, Literal

import click
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from rich.console import Console
from rich.table import Table

from mesh.daemon import Fatal
from mesh.files import os_errors_as, replace_files
from mesh.types import Micros, dollars, micros_from_dollars
from sim_exchange.config import ExchangeConfig
from sim_exchange.domain.types import Account
from sim_exchange.members import Opening, account_id, openings, register
from sim_exchange.store import STATE_FILE, Store

_RSA_BITS = 2048
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIERS = ("basic", "advanced", "expert", "premier", "paragon", "prime", "prestige", "unlimited")

_state = click.option(
    "--state",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=ExchangeConfig().state_folder,
    show_default="exchange-state",
    help="The exchange's state_folder.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@click.group()
def exchange() -> None:
    """Look after the simulated exchange that `foremesh-exchange` runs."""


@exchange.group()
def account() -> None:
    """Members and their API keys."""


@account.command("add")
@click.argument("name")
@click.option("--cash", default="1000.00", show_default=True, help="Dollars it starts with, on shard 0.")
@click.option("--shard-cash", multiple=True, metavar="SHARD=DOLLARS", help="Dollars on a further shard; repeatable.")
@click.option("--tier", type=click.Choice(_TIERS), default="basic", show_default=True, help="Request budget.")
@click.option(
    "--key", "kind", type=click.Choice(("ed25519", "rsa")), default="ed25519", show_default=True, help="Kind of key."
)
@click.option("--key-file", type=click.Path(path_type=Path, dir_okay=False), help="Private key; default NAME.key.")
@_state
@_json
def add_account(
    *,
    name: str,
    cash: str,
    shard_cash: tuple[str, ...],
    tier: str,
    kind: Literal["ed25519", "rsa"],
    key_file: Path | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Add the account NAME with a new API key, or a further key to an account that exists.

    Works while the exchange runs, and before. The private key is written for its owner's eyes only; the exchange keeps
    the public half.
    """
    if not _NAME.fullmatch(name):
        raise click.BadParameter("letters, digits, dot, dash and underscore, at most 64", param_hint="NAME")
    deposits = {0: _micros(cash, "--cash")} | dict(_shard(text) for text in shard_cash)
    private = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, _RSA_BITS)
    file = key_file or Path(f"{name}.key")
    if file.exists():
        raise click.ClickException(f"{file} exists; a key is never overwritten")
    key_id = str(uuid.uuid4())
    member = Account(account_id=account_id(name), name=name, usage_tier=tier)
    with _opened(folder) as store:
        with os_errors_as(click.ClickException):
            replace_files([(file, _pem(private), 0o600)])
        is_new = register(store, Opening(member, deposits), key_id, _public_pem(private), ("read", "write"))
    if as_json:
        facts = {"name": name, "account_id": member.account_id, "key_id": key_id, "private_key_file": str(file)}
        return click.echo(json.dumps(facts))
    known = "" if is_new else " It existed: its money and tier stay."
    click.echo(f"Account {name}: key id {key_id}, private key in {file}.{known}")
    return click.echo("Clients send both as they would to Kalshi; docs/exchange.md shows how.")


@account.command("list")
@_state
@_json
def list_accounts(*, folder: Path, as_json: bool) -> None:
    """Show accounts and their key ids."""
    with _opened(folder) as store:
        keys = store.keys()
        rows: list[dict[str, Any]] = [
            {
                "name": opening.account.name,
                "account_id": opening.account.account_id,
                "tier": opening.account.usage_tier,
                "deposits_micros": {str(shard): amount for shard, amount in opening.deposits.items()},
                "key_ids": [key for key, owner in keys if owner == opening.account.account_id],
            }
            for opening in openings(store)
        ]
    if as_json:
        return click.echo(json.dumps(rows))
    table = Table("account", "tier", "first money", "key ids")
    for row in rows:
        money = ", ".join(f"${dollars(Micros(amount))} on {shard}" for shard, amount in row["deposits_micros"].items())
        table.add_row(row["name"], row["tier"], money, "\n".join(row["key_ids"]))
    return Console().print(table)


@account.command("remove-key")
@click.argument("key_id")
@_state
def remove_key(*, key_id: str, folder: Path) -> None:
    """Forget the API key KEY_ID, at once even while the exchange runs; its account stays."""
    with _opened(folder) as store:
        if not store.remove_key(key_id):
            raise click.ClickException(f"no key {key_id}")
    click.echo(f"Removed {key_id}.")


def _opened(folder: Path) -> Store:
    try:
        return Store(folder / STATE_FILE)
    except Fatal as error:
        raise click.ClickException(str(error)) from error


def _micros(text: str, option: str) -> Micros:
    try:
        amount = micros_from_dollars(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error
    if amount < 0:
        raise click.BadParameter("must not be negative", param_hint=option)
    return amount


def _shard(text: str) -> tuple[int, Micros]:
    shard, found, amount = text.partition("=")
    if not (found and shard.isdecimal()):
        raise click.BadParameter("expected SHARD=DOLLARS", param_hint="--shard-cash")
    return int(shard), _micros(amount, "--shard-cash")


def _pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def _public_pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form).decode()
