"""How commands reach the trader: their options, and what to say when it does not work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from pydantic import ValidationError

from console.connection import FILE, OptionError, one_line_errors, server_words
from mesh import log
from mesh.config import load
from mesh.errors import MeshError
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors

SERVICE = "foremesh.trader.v1.TraderService"
DEFAULT = "127.0.0.1:8789"
_FORECAST_HINT = "; start one with foremesh-forecast-server"

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def trader_target(command: F) -> F:
    """Give a command the options that say where the trader is; `trader_config` takes them."""
    for option in (
        click.option(
            "--trader-config",
            "trader_file",
            type=FILE,
            help="TOML file with the keys of a client table for it; without one, the certificate options are its, too.",
        ),
        click.option("--trader", metavar="HOST:PORT", help=f"The trader.  [default: {DEFAULT}]"),
    ):
        command = option(command)
    return command


def trader_options(command: F) -> F:
    """Give a command that asks no other server the options that say where the trader is, and as whom it is asked."""
    for option in (
        click.option("--server-name", help="Name in the trader's certificate, if it is not the target's."),
        click.option("--token-file", type=FILE, help="File with a token, instead of a certificate."),
        click.option("--private-key-file", type=FILE, help="Its key."),
        click.option("--certificate-file", type=FILE, help="Certificate to show, with its role."),
        click.option("--ca-file", type=FILE, help="Authority of the trader's certificate."),
    ):
        command = option(command)
    return trader_target(command)


def trader_config(path: Path | None, target: str | None, identity: Mapping[str, object]) -> ClientConfig:
    """Say how the trader is reached: by `path`, or else as whom other servers are asked.

    Args:
        path: TOML with the keys of a client table.
        target: `host:port`, instead of the file's or the default.
        identity: Keys of a client table that are used where there is no file; None is none.

    Raises:
        ConfigError: the file is wrong.
        OptionError: the options are.
    """
    if path is not None:
        table = load(path, ClientConfig)
        given = table.model_dump()
        if "targets" not in table.model_fields_set:
            given["targets"] = (DEFAULT,)
    else:
        given = {name: value for name, value in identity.items() if value is not None} | {"targets": (DEFAULT,)}
    if target is not None:
        given["targets"] = (target,)
    try:
        return ClientConfig.model_validate(given)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        if "targets" in detail["loc"]:
            raise OptionError(f"--trader: expected host:port, such as {DEFAULT}") from None
        raise OptionError(detail["msg"].removeprefix("Value error, ")) from None


@asynccontextmanager
async def talking(config: ClientConfig) -> AsyncIterator["rpc.TraderServiceAsyncStub"]:
    """Open a channel to the trader; what fails inside is raised as MeshError.

    Raises:
        MeshError: the trader stays away or refuses.
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    async with connect(config, SERVICE) as channel:
        with raising_mesh_errors():
            yield rpc.TraderServiceStub(channel)


def asked(config: ClientConfig, work: Callable[["rpc.TraderServiceAsyncStub"], Coroutine[Any, Any, T]]) -> T:
    """Ask the trader something, with one line for people where that does not work."""

    async def run() -> T:
        async with talking(config) as stub:
            return await work(stub)

    log.configure(level="warning")
    with one_line_errors():
        try:
            return asyncio.run(run())
        except MeshError as error:
            raise click.ClickException(trader_words(error, config)) from error


def trader_words(error: MeshError, config: ClientConfig) -> str:
    """Say in one line what a failed call to the trader means, and what to do where nothing answers."""
    said = server_words(error, config)
    if _FORECAST_HINT not in said:
        return said
    where = ", ".join(config.targets)
    return f"no trader answers at {where}; start one with foremesh-trader, or name another with --trader"
