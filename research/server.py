"""A forecast server for one run of research, where none is configured."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mesh.forecast_process import ServerProblem, forecast_server
from mesh.rpc.config import ClientConfig


@asynccontextmanager
async def embedded(model: str = "fracast", policy_file: Path | None = None) -> AsyncIterator[ClientConfig]:
    """Run a forecast server on loopback while the context lasts, however it ends; gives how to connect to it.

    Args:
        model: Its name.
        policy_file: Exit and confidence policy; None is the one that the server ships.

    Raises:
        ServerProblem: The server does not start, dies, or does not stop as it should. That it died explains whatever
            else failed.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="foremesh-research-") as folder:
            async with forecast_server(Path(folder), model, lambda _: None, policy_file=policy_file) as server:
                yield server.client()
    except BaseExceptionGroup as group:
        raise _cause(group) from None


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Pick what to tell out of everything that failed together."""
    problems = group.subgroup(ServerProblem)
    error: BaseException = group if problems is None else problems
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
