"""Calls of the trader by commands."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import click
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc

from console.connection import one_line_errors
from console.daemon import TRADER
from mesh import log
from mesh.errors import MeshError
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors

T = TypeVar("T")


@asynccontextmanager
async def talking(config: ClientConfig) -> AsyncIterator["rpc.TraderServiceAsyncStub"]:
    """Open a channel to the trader; what fails inside is raised as MeshError.

    Raises:
        MeshError: the trader stays away or refuses.
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    async with connect(config, TRADER.service) as channel:
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
            raise click.ClickException(TRADER.words(error, config)) from error
