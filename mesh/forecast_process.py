"""A forecast server of our own for a while: a real process on loopback, with certificates made for the occasion."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mesh import certs
from mesh.daemon_process import DaemonProblem, DaemonProcess
from mesh.rpc.config import ClientConfig

COMMAND = "foremesh-forecast-server"
_DAYS = 1
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


@asynccontextmanager
async def forecast_server(folder: Path, model: str, policy_file: Path | None = None) -> AsyncIterator[ClientConfig]:
    """Run a server with mutual TLS on a port that the system chooses, and stop it at the end.

    Args:
        folder: An empty one, for certificates, configuration and log.
        model: Name of the model to serve.
        policy_file: Exit and confidence policy; None is the one that the server ships.

    Yields:
        How a trader connects to it.

    Raises:
        DaemonProblem: It does not start, dies, or does not exit 0 when told to stop. Inside the context it comes as
            part of an ExceptionGroup.
    """
    certs.init(folder)
    certs.issue(folder, "server", hosts=["localhost", "127.0.0.1"], days=_DAYS)
    certs.issue(folder, "trader", role="trader", days=_DAYS)
    config = folder / "server.toml"
    config.write_text(_settings(model, policy_file))
    server = DaemonProcess(COMMAND, COMMAND, config)

    async def watch() -> None:
        why = await server.watch()
        if not server.stopping:
            raise DaemonProblem(f"{COMMAND} ended: {why}", server.tail)

    async with asyncio.TaskGroup() as tasks:
        await server.start({"TMPDIR": str(folder)})  # where torch leaves a folder
        tasks.create_task(watch(), name="server")
        try:
            address = (await server.heard("serving"))["addresses"][0]
            await server.heard("ready")
            yield ClientConfig(
                targets=(address,),
                ca_file=folder / "ca.crt",
                certificate_file=folder / "trader.crt",
                private_key_file=folder / "trader.key",
            )
        finally:
            await server.stop()


def _settings(model: str, policy_file: Path | None) -> str:
    # A JSON string is a TOML string.
    policy = "" if policy_file is None else f"policy_file = {json.dumps(str(policy_file.absolute()))}\n\n"
    return _CONFIG.format(model=model, policy=policy)
