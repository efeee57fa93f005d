"""A forecast server for one run of research, where none is configured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mesh.daemon_process import DaemonProblem
from mesh.files import temporary_folder
from mesh.forecast_process import forecast_server
from mesh.rpc.config import ClientConfig


@asynccontextmanager
async def embedded(model: str = "fracast", policy_file: Path | None = None) -> AsyncIterator[ClientConfig]:
    """Run a forecast server on loopback while the context lasts, however it ends; gives how to connect to it.

    Args:
        model: Its name.
        policy_file: Exit and confidence policy; None is the one that the server ships.

    Raises:
        DaemonProblem: The server does not start, dies, or does not stop as it should. That it died explains whatever
            else failed.
    """
    try:
        with temporary_folder("foremesh-research-") as folder:
            async with forecast_server(folder, model, policy_file) as config:
                yield config
    except BaseExceptionGroup as group:
        raise _cause(group) from None


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Pick what to tell out of everything that failed together."""
    problems = group.subgroup(DaemonProblem)
    error: BaseException = group if problems is None else problems
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
