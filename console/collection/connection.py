"""How commands reach the coordinator: their options, and what to say when it does not work."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from console.connection import FILE, OptionError, server_words
from mesh.config import load
from mesh.errors import MeshError
from mesh.rpc.config import ClientConfig

SERVICE = "foremesh.coordinator.v1.CoordinatorService"
DEFAULT = "127.0.0.1:8788"
_FORECAST_HINT = "; start one with foremesh-forecast-server"

F = TypeVar("F", bound=Callable[..., Any])


def coordinator_options(command: F) -> F:
    """Give a command the options that `coordinator_config` takes, beside those of `connection_options`."""
    for option in (
        click.option(
            "--coordinator-config",
            "coordinator_file",
            type=FILE,
            help="TOML file with the keys of a client table for it; without one, the certificate options are its, too.",
        ),
        click.option(
            "--coordinator", metavar="HOST:PORT", help=f"The coordinator of collection.  [default: {DEFAULT}]"
        ),
    ):
        command = option(command)
    return command


def identity_options(command: F) -> F:
    """Give a command that asks no other server the options that say as whom the coordinator is asked."""
    for option in (
        click.option("--server-name", help="Name in the coordinator's certificate, if it is not the target's."),
        click.option("--token-file", type=FILE, help="File with a token, instead of a certificate."),
        click.option("--private-key-file", type=FILE, help="Its key."),
        click.option("--certificate-file", type=FILE, help="Certificate to show, with its role."),
        click.option("--ca-file", type=FILE, help="Authority of the coordinator's certificate."),
    ):
        command = option(command)
    return command


def coordinator_config(path: Path | None, target: str | None, identity: Mapping[str, object]) -> ClientConfig:
    """Say how the coordinator is reached: by `path`, or else as whom other servers are asked.

    Args:
        path: TOML with the keys of a client table.
        target: `host:port`, instead of the file's or the default.
        identity: Keys of a client table that are used where there is no file; None is none.

    Raises:
        ConfigError: the file is wrong.
        OptionError: the options are.
    """
    if path is not None:
        given = load(path, ClientConfig).model_dump()
        if "targets" not in load(path, ClientConfig).model_fields_set:
            given["targets"] = (DEFAULT,)
    else:
        given = {name: value for name, value in identity.items() if value is not None} | {"targets": (DEFAULT,)}
    return _validated(given | ({"targets": (target,)} if target else {}), "--coordinator")


def peer_config(coordinator: ClientConfig, address: str) -> ClientConfig:
    """Say how a node that holds files is reached: as the coordinator is. Raises OptionError for no address."""
    return _validated(coordinator.model_dump() | {"targets": (address,), "server_name": None}, "--peer")


def coordinator_words(error: MeshError, config: ClientConfig) -> str:
    """Say in one line what a failed call to the coordinator means, and what to do where nothing answers."""
    said = server_words(error, config)
    if _FORECAST_HINT not in said:
        return said
    where = ", ".join(config.targets)
    return f"no coordinator answers at {where}; start one with foremesh-coordinator, or name another with --coordinator"


def _validated(keys: Mapping[str, object], option: str) -> ClientConfig:
    try:
        return ClientConfig.model_validate(keys)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        if "targets" in detail["loc"]:
            raise OptionError(f"{option}: expected host:port, such as {DEFAULT}") from None
        raise OptionError(f"{option}: " + detail["msg"].removeprefix("Value error, ")) from None
