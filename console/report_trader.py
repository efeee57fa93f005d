"""Asks a running trader for its report."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from console.connection import FILE, OptionError, server_words
from mesh.config import load
from mesh.errors import MeshError, Unavailable
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors
from trader.reporting.report import Question

SERVICE = "foremesh.trader.v1.TraderService"
DEFAULT = "127.0.0.1:8789"
_SECONDS = 60.0
"""A long journal takes its time."""

F = TypeVar("F", bound=Callable[..., Any])


def trader_options(command: F) -> F:
    """Give a command the options that `trader_config` takes."""
    for option in (
        click.option("--server-name", help="Name in the trader's certificate, if it is not the target's."),
        click.option("--token-file", type=FILE, help="File with a token, instead of a certificate."),
        click.option("--private-key-file", type=FILE, help="Its key."),
        click.option("--certificate-file", type=FILE, help="Certificate to show, with its role."),
        click.option("--ca-file", type=FILE, help="Authority of the trader's certificate."),
        click.option("--config", "client_file", type=FILE, help="TOML file with the keys of a client table."),
        click.option("--target", metavar="HOST:PORT", help=f"The trader, without a JOURNAL.  [default: {DEFAULT}]"),
    ):
        command = option(command)
    return command


def trader_config(options: Mapping[str, Any]) -> ClientConfig:
    """Say how the trader is reached. Raises ConfigError for a wrong file, OptionError for wrong options."""
    given = {name: value for name, value in options.items() if value is not None}
    path, target = given.pop("client_file", None), given.pop("target", None)
    base = load(path, ClientConfig)
    keys = base.model_dump() | given
    if target is not None or "targets" not in base.model_fields_set:
        keys["targets"] = (target or DEFAULT,)
    try:
        return ClientConfig.model_validate(keys)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        if "targets" in detail["loc"]:
            raise OptionError(f"--target: expected host:port, such as {DEFAULT}") from None
        raise OptionError(detail["msg"].removeprefix("Value error, ")) from None


async def asked(config: ClientConfig, question: Question) -> pb.GetReportResponse:
    """Ask a trader.

    Raises:
        MeshError: It stays away, or refuses.
        OSError: A certificate or token file cannot be read.
        CertificateError: Key and certificate are not a pair.
    """
    request = pb.GetReportRequest(series_tickers=sorted(question.series), time_zone=str(question.zone))
    if question.start is not None:
        request.start_time.FromDatetime(question.start)
    if question.end is not None:
        request.end_time.FromDatetime(question.end)
    try:
        async with connect(config, SERVICE) as channel:
            with raising_mesh_errors():
                # Unlike the report this is not tried again: where nobody listens that is known at once.
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=SERVICE))
                response: pb.GetReportResponse = await rpc.TraderServiceStub(channel).GetReport(
                    request, timeout=_SECONDS
                )
    except Unavailable as error:
        raise Unavailable(_words(error, config)) from error
    return response


def _words(error: MeshError, config: ClientConfig) -> str:
    said = server_words(error, config)
    if not said.startswith("no forecast server answers"):
        return said
    where = ", ".join(config.targets)
    return f"no trader answers at {where}; start one with foremesh-trader, name another with --target, or a JOURNAL"
