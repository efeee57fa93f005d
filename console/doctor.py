"""`foremesh doctor`: is everything here as it should be, and if not, what is to be done."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from console import certificate_checks, checks, exchange_checks, host_checks, model_checks
from console.checks import Check, ok, problem, warning
from console.connection import FILE, OptionError, client_config, connection_options, one_line_errors, server_words
from console.exchange_connection import exchange_config, exchange_options
from console.installing.hosts import HOSTS
from console.role_checks import Machine
from console.server_look import look
from forecast_server.config import ForecastServerConfig
from mesh import log
from mesh.certs import CertificateError
from mesh.config import ConfigError
from mesh.errors import MeshError
from mesh.kalshi.config import KalshiConfig
from mesh.rpc.config import ClientConfig, is_loopback

_EVERYWHERE = ("0.0.0.0", "[::]")  # noqa: S104  to be recognised, not to be listened on


@click.command()
@click.option("--role", type=click.Choice(list(HOSTS)), help="Check all that this machine of the mesh should have.")
@click.option(
    "--root",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path("/"),
    show_default=True,
    help="With --role: look at the tree there, as foremesh install wrote it.",
)
@click.option("--config", "daemon_file", type=FILE, help="Configuration of the forecast server on this machine.")
@partial(connection_options, table="--client-config")
@exchange_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")
def doctor(
    *,
    role: str | None,
    root: Path,
    daemon_file: Path | None,
    client_file: Path | None,
    exchange_file: Path | None,
    environment: str | None,
    host: str | None,
    as_json: bool,
    **identity: Path | str | None,
) -> None:
    """Check this machine, the forecast server and, where one is named, the exchange; say what to do.

    With --config also the server's own file, certificates, packages and weights, which are read as a whole. Without
    --target it asks the server where that file says it listens.

    With --role, as root, every daemon of this machine: unit, configuration, certificate, key, disk, addresses; then the
    servers and the exchange that their configurations name, asked as they would ask.

    The exit code is 0 if there is no problem, warnings or not, and 1 if there is one.
    """
    log.configure(level="error")
    with one_line_errors():
        if role is not None:
            if daemon_file or client_file or exchange_file or environment or host or any(identity.values()):
                raise OptionError("--role finds the rest by itself, in the configurations of this machine")
            _end(_as(role, root), as_json=as_json)
        found, config = _this_host(daemon_file)
        target = identity.pop("target") or (_listening(config) if config and not client_file else None)
        client = client_config(client_file, {**identity, "target": target})
        exchange = None
        if exchange_file or environment or host:
            exchange = exchange_config(exchange_file, {"environment": environment, "host": host})
        if client.certificate_file is not None:
            found.append(certificate_checks.own("own certificate", client.certificate_file))
        found += asyncio.run(_elsewhere(client, config, exchange))
    _end(found, as_json=as_json)


def _end(found: list[Check], *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps(checks.document(found), indent=2))
    else:
        checks.show(Console(highlight=False), found)
    sys.exit(1 if checks.count(found, "problem") else 0)


def _as(role: str, root: Path) -> list[Check]:
    """Check a machine of the mesh, and whom its daemons ask."""
    machine = Machine(role, root)
    found = [host_checks.python(), host_checks.grpc(), *machine.checks()]

    async def asked() -> list[Check]:
        near = [check async for check in machine.coordinator()]
        if machine.forecasts is not None:
            near += await _elsewhere(machine.forecasts, machine.served, None, option="targets in the configuration")
        if machine.exchange is not None:
            other = "[kalshi] in the configuration"
            told = [check async for check in exchange_checks.exchange(machine.exchange, other=other)]
            near += told
            if not checks.count(told, "problem"):  # one that is away is said once
                near += [check async for check in machine.exchange_keys()]
                near += [check async for check in machine.series()]
        return near

    return found + asyncio.run(asked())


def _this_host(file: Path | None) -> tuple[list[Check], ForecastServerConfig | None]:
    """Check what is here; with a server's file also what it names. None where there is no file that can be used."""
    found = [host_checks.python(), host_checks.grpc()]
    if file is None:
        return [*found, host_checks.packages(None)], None
    read, config = host_checks.configuration(file)
    found.append(read)
    if config is not None:
        found += [host_checks.packages(config.model.name), host_checks.weights(config.model)]
        if config.rpc.tls is not None:
            found.append(certificate_checks.own("its certificate", config.rpc.tls.certificate_file))
    return found, config


def _listening(config: ForecastServerConfig) -> str | None:
    """Return where to reach a server of this machine; None where the system chooses its port."""
    host, _, port = config.rpc.listen[0].rpartition(":")
    return None if port == "0" else f"{'127.0.0.1' if host in _EVERYWHERE else host}:{port}"


async def _elsewhere(
    client: ClientConfig,
    config: ForecastServerConfig | None,
    exchange: KalshiConfig | None,
    *,
    option: str = "--target",
) -> list[Check]:
    found = []
    for target in client.targets:
        one = client.model_copy(update={"targets": (target,)})
        if one.ca_file is not None:
            found.append(await asyncio.to_thread(certificate_checks.shown, one))
        found += [check async for check in _server(one, config, option)]
    if exchange is not None:
        found += [check async for check in exchange_checks.exchange(exchange)]
    return found


async def _server(client: ClientConfig, config: ForecastServerConfig | None, option: str) -> AsyncIterator[Check]:
    where = client.targets[0]
    try:
        seen = await look(client)
    except (MeshError, CertificateError, ConfigError, OSError) as error:
        said = server_words(error, client, option=option) if isinstance(error, MeshError) else str(error)
        yield problem("server", said, "see to it first: nothing of its model can be checked before")
        return
    yield ok("server", f"answers at {where} after {seen.clock_margin * 2 / timedelta(milliseconds=1):.1f} ms")
    here = is_loopback(where)
    for check in model_checks.checks(seen, gpu_expected=here and host_checks.has_gpu()):
        yield check
    served = seen.model.identity
    if config is not None and served.name not in ("", config.model.name):
        found = f"it serves {served.name}, its configuration names {config.model.name}"
        yield warning("model served", found, "restart it, or name the file that it was started with")
    if served.name and here:
        yield host_checks.served_weights(served.weights_digest, seen.model.weights_source)
