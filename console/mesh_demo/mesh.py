"""The demo's mesh: certificates, keys, configurations, and daemons that are started and stopped in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from console.mesh_demo import settings
from console.mesh_demo.daemons import Daemon
from console.mesh_demo.settings import COLLECTORS, Plan, Settings
from mesh import certs
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
        admin: Of the exchange's admin address.
    """

    folder: Path
    daemons: tuple[Daemon, ...]
    exchange_url: str
    admin: str
    forecast: ClientConfig
    coordinator: ClientConfig
    trader: ClientConfig

    @property
    def journal(self) -> Path:
        """The trader's."""
        (found,) = (self.folder / "trader-state").glob("*.journal")
        return found


@asynccontextmanager
async def mesh(folder: Path, plan: Plan, told: Callable[[Daemon, str], None]) -> AsyncIterator[Mesh]:
    """Run the mesh.

    Args:
        folder: An empty one, for all that it writes.
        plan: What it shows.
        told: Called when a daemon's state changes: with `starting`, `ready`, `stopped`.

    Raises:
        DaemonProblem: A daemon does not start, dies, or does not stop when told to; inside the context it comes as part
            of an ExceptionGroup.
    """
    await asyncio.to_thread(_keys, folder)
    (folder / "policy.toml").write_text(settings.POLICY)
    running: list[Daemon] = []
    async with asyncio.TaskGroup() as tasks:

        async def run(name: str, program: str, told_it: Settings) -> Daemon:
            config = folder / f"{name}.toml"
            config.write_text(settings.toml(told_it))
            daemon = Daemon(name, f"foremesh-{program}", config)
            told(daemon, "starting")
            await daemon.start({"TMPDIR": str(folder)})  # where torch leaves a folder
            running.append(daemon)
            tasks.create_task(daemon.watch(), name=name)
            return daemon

        async def ready(*daemons: Daemon) -> None:
            for daemon in daemons:
                await daemon.heard("ready")
                told(daemon, "ready")

        async def address(daemon: Daemon) -> str:
            return str((await daemon.heard("serving"))["addresses"][0])

        try:
            exchange = await run("exchange", "exchange", settings.exchange(plan, folder))
            forecasts = await run("forecast-server", "forecast-server", settings.forecast_server(plan, folder))
            listening = await exchange.heard("listening")
            url = str(listening["url"])
            coordinator = await run("coordinator", "coordinator", settings.coordinator(plan, folder, url))
            asked = await address(forecasts)
            trader = await run("trader", "trader", settings.trader(plan, folder, url, asked))
            at = await address(coordinator)
            collectors = [
                await run(f"collector-{number}", "collector", settings.collector(number, folder, url, at))
                for number in range(COLLECTORS)
            ]
            await ready(exchange, coordinator, *collectors, forecasts, trader)
            yield Mesh(
                folder,
                tuple(running),
                exchange_url=url,
                admin=str(listening["admin"]),
                forecast=_client(folder, asked),
                coordinator=_client(folder, at),
                trader=_client(folder, await address(trader)),
            )
        finally:
            for daemon in reversed(running):  # the exchange last: all others ask it
                if daemon.pid is not None:
                    await daemon.stop()
                    told(daemon, "stopped")


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


def _client(folder: Path, address: str) -> ClientConfig:
    return ClientConfig(
        targets=(address,),
        ca_file=folder / "ca.crt",
        certificate_file=folder / f"{OPERATOR}.crt",
        private_key_file=folder / f"{OPERATOR}.key",
    )
