"""The demo's mesh: certificates, keys, configurations, and daemons that are started and stopped in order."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from console.mesh_demo import settings
from console.mesh_demo.keeping import Keeper, Told
from console.mesh_demo.settings import COLLECTORS, Plan
from mesh import certs
from mesh.daemon_process import DaemonProcess
from mesh.files import replace_files
from mesh.rpc.config import ClientConfig

_DAYS = 1
_HOSTS = ("localhost", "127.0.0.1")
_PRIVATE, _PUBLIC = 0o600, 0o644
OPERATOR = "operator"
"""Whose certificate looks at the mesh."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """The running mesh.

    Attributes:
        folder: Where everything of it is.
        daemons: In the order in which they were started.
        exchange_url: Of the API.
    """

    folder: Path
    daemons: tuple[DaemonProcess, ...]
    exchange_url: str
    forecast: ClientConfig
    coordinator: ClientConfig
    trader: ClientConfig

    @property
    def journal(self) -> Path:
        """The trader's."""
        (found,) = (self.folder / "trader-state").glob("*.journal")
        return found


@asynccontextmanager
async def mesh(folder: Path, plan: Plan, told: Told) -> AsyncIterator[Mesh]:
    """Run the mesh.

    Args:
        folder: An empty one, for all that it writes.
        plan: What it shows.
        told: Whom to tell of daemons.

    Raises:
        DaemonProblem: A daemon does not start, or does not stop when told to; as part of an ExceptionGroup.
    """
    await asyncio.to_thread(_keys, folder)
    (folder / "policy.toml").write_text(settings.POLICY)
    async with asyncio.TaskGroup() as tasks:
        keeper = Keeper(folder, tasks, told)
        run, address = keeper.run, keeper.address
        try:
            exchange = await run("exchange", "exchange", settings.exchange(plan, folder))
            forecasts = await run("forecast-server", "forecast-server", settings.forecast_server(plan, folder))
            listening = await exchange.heard("listening")
            url, admin = str(listening["url"]), str(listening["admin"])
            keeper.pin(exchange, {"listen": urlsplit(url).netloc, "admin_listen": urlsplit(admin).netloc})
            coordinator = await run("coordinator", "coordinator", settings.coordinator(plan, folder, url))
            asked = await address(forecasts)
            trader = await run("trader", "trader", settings.trader(plan, folder, url, asked))
            at = await address(coordinator)
            for number in range(COLLECTORS):
                await run(f"collector-{number}", "collector", settings.collector(number, folder, url, at))
            await keeper.ready(*keeper.daemons)
            running = Mesh(
                folder,
                tuple(keeper.daemons),
                exchange_url=url,
                forecast=_client(folder, asked),
                coordinator=_client(folder, at),
                trader=_client(folder, await address(trader)),
            )
            _tables(running)
            yield running
        finally:
            await keeper.stop()  # the exchange last: all others ask it


def _keys(folder: Path) -> None:
    """Make an authority, certificates by role, and the key of the trader's account."""
    certs.init(folder)
    for name in ("exchange", "forecast-server", "coordinator"):
        certs.issue(folder, name, hosts=_HOSTS, days=_DAYS)
    for number in range(COLLECTORS):
        certs.issue(folder, f"collector-{number}", role="collector", hosts=_HOSTS, days=_DAYS)
    certs.issue(folder, "trader", role="trader", hosts=_HOSTS, days=_DAYS)
    certs.issue(folder, OPERATOR, role="operator", days=_DAYS)
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    replace_files([(folder / "account.key", private, _PRIVATE), (folder / "account.pub", public, _PUBLIC)])


def _tables(running: Mesh) -> None:
    """Write down how people reach the daemons, for commands beside the demo."""
    for name, client in (
        ("forecast-server", running.forecast),
        ("coordinator", running.coordinator),
        ("trader", running.trader),
    ):
        keys = {
            "targets": list(client.targets),
            "ca_file": str(client.ca_file),
            "certificate_file": str(client.certificate_file),
            "private_key_file": str(client.private_key_file),
        }
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in keys.items()]  # which TOML reads the same
        (running.folder / client_file(name)).write_text("".join(lines))


def client_file(daemon: str) -> str:
    """Return the name of the file that says how people reach a daemon of the demo."""
    return f"{daemon}-client.toml"


def _client(folder: Path, address: str) -> ClientConfig:
    return ClientConfig(
        targets=(address,),
        ca_file=folder / "ca.crt",
        certificate_file=folder / f"{OPERATOR}.crt",
        private_key_file=folder / f"{OPERATOR}.key",
    )
