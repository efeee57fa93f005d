"""A server of a model that is judged: one that is there, or one that is started for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from mesh.daemon_process import DaemonProblem
from mesh.errors import NotReady
from mesh.forecasts import ForecastClient, forecasting
from mesh.rpc.config import ClientConfig
from research.answering import answering
from research.server import embedded

Serving = Callable[[], AbstractAsyncContextManager[ForecastClient]]
"""Connects to a server while the context lasts. Raises CannotServe."""


class CannotServe(NotReady):
    """A model cannot be served on this machine."""

    default_reason = "CANNOT_SERVE"


@asynccontextmanager
async def serving(config: ClientConfig | None, model: str) -> AsyncIterator[ForecastClient]:
    """Connect to a server, or to one that is started for the model. Raises CannotServe where it does not start."""
    if config is not None:
        async with forecasting(config) as client:
            yield client
        return
    ready = False
    try:
        async with embedded(model) as own, forecasting(own) as client:
            await answering(client)
            ready = True
            yield client
    except (DaemonProblem, NotReady) as error:
        if ready:
            raise
        tail = error.tail[-1:] if isinstance(error, DaemonProblem) else ()
        raise CannotServe(": ".join((str(error), *tail))) from error
