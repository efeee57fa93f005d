"""Fixtures for every kind of test: certificates of a throw-away authority, and real servers on real sockets."""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests share the cores: torch's threads would wait for each other
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or hundreds of processes would compile the same modules again

from forecast_server.app import forecast_server
from forecast_server.config import ForecastRpc, ForecastServerConfig
from mesh import certs, log
from mesh.daemon import Lifecycle
from mesh.rpc.config import ClientConfig, ServerTls
from mesh.rpc.server import Server

settings.register_profile("foremesh", deadline=None)  # a busy machine is no failure
settings.load_profile("foremesh")

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than there are cores: half of what is tested waits for processes, sockets and leases."""
    return (yield) + 1


def pytest_collection_finish() -> None:
    """Collecting leaves a million objects that stay: no collection of garbage need look at them again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """The interpreter's end may look at everything again: what is frozen counts as leaked there."""
    gc.unfreeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: recorded replies carry the time, and parallel workers must agree on names."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    """One configuration per process: a command run in a test must not silence the next test's server."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    log.shutdown()
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


@dataclass(frozen=True, slots=True)
class Certificates:
    """A folder with an authority, a server certificate for loopback and one client certificate per role."""

    folder: Path

    def server(self, name: str = "server", *, mutual: bool = True) -> ServerTls:
        """The TLS table of a server."""
        return ServerTls(
            certificate_file=self.folder / f"{name}.crt",
            private_key_file=self.folder / f"{name}.key",
            client_ca_file=self.folder / "ca.crt" if mutual else None,
        )

    def client(self, address: str, role: str = "trader", *, seconds: float = 10.0) -> ClientConfig:
        """The client table of somebody with that role."""
        return ClientConfig(
            targets=(address,),
            ca_file=self.folder / "ca.crt",
            certificate_file=self.folder / f"{role}.crt",
            private_key_file=self.folder / f"{role}.key",
            timeout_seconds=seconds,
        )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority with everybody's certificates, made once."""
    folder = tmp_path_factory.mktemp("certs")
    certs.init(folder)
    certs.issue(folder, "server", hosts=["localhost", "127.0.0.1"])
    for role in certs.ROLES:
        certs.issue(folder, role, role=role)
    return Certificates(folder)


ForecastServer = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def forecast_server_on_loopback() -> ForecastServer:
    """The real forecast server in this process: `async with forecast_server_on_loopback(tls=...) as server:`."""

    @asynccontextmanager
    async def start(config: ForecastServerConfig | None = None, **rpc: object) -> AsyncIterator[Server]:
        listening = ForecastRpc.model_validate({"listen": ("127.0.0.1:0",), "metrics_listen": "off", **rpc})
        settings = config or ForecastServerConfig(rpc=listening, batch_cost=100_000)  # measuring takes time
        async with asyncio.TaskGroup() as tasks, forecast_server(settings, Lifecycle(tasks)) as server:
            yield server

    return start
