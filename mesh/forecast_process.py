"""A forecast server of our own for a while: a real process on loopback, with certificates made for the occasion."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay, wait_fixed

from mesh import certs
from mesh.forecasts import SERVICE
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig

COMMAND = "foremesh-forecast-server"
START_SECONDS = 120.0
"""A large model is read, and its batches are measured."""
STOP_SECONDS = 35.0
"""A little longer than the server itself takes before it gives up an orderly stop."""
_TAIL_LINES = 15
_LINE_BYTES = 1 << 20
_DAYS = 1
_CALM = {"OMP_WAIT_POLICY": "passive"}
"""torch's threads sleep while they wait for each other. Spinning, they take several times as long on a busy machine."""
_CONFIG = """\
{policy}[model]
name = "{model}"

[rpc]
listen = ["127.0.0.1:0"]
metrics_listen = "off"

[rpc.tls]
certificate_file = "server.crt"
private_key_file = "server.key"
client_ca_file = "ca.crt"

[log]
format = "json"
"""


class ServerProblem(Exception):
    """The server did not start, died, or did not stop as it should; `tail` holds the last lines of its log."""

    def __init__(self, message: str, tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.tail = tail


class _NotServing(Exception):
    """The server answers, but not yet for its service."""


class ServerProcess:
    """The running server."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process, self._folder = process, folder
        self._listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.stopping = False
        self._started = time.monotonic()
        self.ready_seconds = 0.0
        """From the start of the process to its health saying SERVING."""
        self.exit_code: int | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def address(self) -> str:
        """`host:port`, once it listens."""
        return self._listening.result()

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of its log."""
        return tuple(self._tail)

    def client(self) -> ClientConfig:
        """How a trader connects to it."""
        return ClientConfig(
            targets=(self.address,),
            ca_file=self._folder / "ca.crt",
            certificate_file=self._folder / "trader.crt",
            private_key_file=self._folder / "trader.key",
        )

    async def ready(self) -> None:
        """Wait until its health says SERVING. Raises ServerProblem after START_SECONDS."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.shield(self._listening)
            async with connect(self.client(), SERVICE) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                request = health_pb2.HealthCheckRequest(service=SERVICE)
                waiting = AsyncRetrying(
                    stop=stop_after_delay(START_SECONDS),
                    wait=wait_fixed(0.1),
                    retry=retry_if_exception_type((grpc.RpcError, _NotServing)),
                )
                async for attempt in waiting:
                    with attempt:
                        said = await health.Check(request, timeout=2.0)
                        if said.status != health_pb2.HealthCheckResponse.SERVING:
                            raise _NotServing
        except (TimeoutError, RetryError) as error:
            raise ServerProblem(f"{COMMAND} did not start within {START_SECONDS:g} s", self.tail) from error
        self.ready_seconds = time.monotonic() - self._started

    async def stop(self) -> None:
        """Send SIGTERM and wait for the end.

        Raises ServerProblem unless it exits 0; before it listens, the signal may also simply end it.
        """
        if self._process.returncode is not None:
            return  # it died, which `watch` reports
        self.stopping = True
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                self.exit_code = await self._process.wait()
        except TimeoutError:
            self.kill()
            self.exit_code = await self._process.wait()
        young = not self._listening.done() and self.exit_code == -signal.SIGTERM
        if self.exit_code != 0 and not young:
            raise ServerProblem(f"{COMMAND} ended with {_ended(self.exit_code)} after SIGTERM, not 0", self.tail)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def watch(self) -> None:
        """Read its log until it ends. Raises ServerProblem if it ends before it was told to."""
        if self._process.stderr is None:
            raise AssertionError("started with a pipe")
        async for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            self._tail.append(text)
            if not self._listening.done() and (address := _listening_on(text)):
                self._listening.set_result(address)
        code = await self._process.wait()
        if self.stopping:
            return
        reasons = [reason for line in self._tail if isinstance(reason := _logged(line, "failed", "reason"), str)]
        if reasons:
            raise ServerProblem(f"{COMMAND} ended: {reasons[-1]}")
        raise ServerProblem(f"{COMMAND} died: {_ended(code)}", self.tail)


@asynccontextmanager
async def forecast_server(
    folder: Path, model: str, on_start: Callable[[ServerProcess], object], *, policy_file: Path | None = None
) -> AsyncIterator[ServerProcess]:
    """Run a server with mutual TLS on a port that the system chooses, and stop it at the end.

    Args:
        folder: An empty one, for certificates and configuration.
        model: Name of the model to serve.
        on_start: Called as soon as there is a process.
        policy_file: Exit and confidence policy; None is the one that the server ships.

    Raises:
        ServerProblem: it does not start, dies, or does not exit 0 when told to stop. Inside the context it comes as
            part of an ExceptionGroup.
    """
    certs.init(folder)
    certs.issue(folder, "server", hosts=["localhost", "127.0.0.1"], days=_DAYS)
    certs.issue(folder, "trader", role="trader", days=_DAYS)
    config = folder / "server.toml"
    config.write_text(_settings(model, policy_file))
    async with asyncio.TaskGroup() as tasks:
        process = await asyncio.create_subprocess_exec(
            _command(),
            "--config",
            str(config),
            "--while-stdin",  # if we are killed, so is the pipe that we hold
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env=_CALM | os.environ | {"TMPDIR": str(folder)},  # where torch leaves a folder
            process_group=0,  # Ctrl-C is for us: we tell the server what to do
        )
        server = ServerProcess(process, folder)
        on_start(server)
        tasks.create_task(server.watch(), name="server")
        try:
            await server.ready()
            yield server
        finally:
            await server.stop()


def _settings(model: str, policy_file: Path | None) -> str:
    # A JSON string is a TOML string.
    policy = "" if policy_file is None else f"policy_file = {json.dumps(str(policy_file.absolute()))}\n\n"
    return _CONFIG.format(model=model, policy=policy)


def _command() -> str:
    """Return the server's command of this installation."""
    beside = Path(sys.executable).with_name(COMMAND)
    found = str(beside) if beside.exists() else shutil.which(COMMAND)
    if found is None:
        raise ServerProblem(f"{COMMAND} is not installed beside {sys.executable}")
    return found


def _listening_on(line: str) -> str | None:
    """Read the address off the log line that says it."""
    addresses = _logged(line, "serving", "addresses")
    return str(addresses[0]) if isinstance(addresses, list) and addresses else None


def _logged(line: str, event: str, key: str) -> object:
    """Read a value off the log line of an event; None off any other line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry.get(key) if isinstance(entry, dict) and entry.get("event") == event else None


def _ended(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
