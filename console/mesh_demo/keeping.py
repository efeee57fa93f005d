"""Keeps daemons running: one that dies is started again with the addresses it had, as systemd would."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from console.mesh_demo import settings
from console.mesh_demo.settings import Settings
from mesh.daemon_process import DaemonProcess

_AGAIN_SECONDS = 1.0

Told = Callable[[DaemonProcess, str], None]
"""Told when a daemon's state changes: `starting`, `ready`, `stopped`, or how it ended."""


class Keeper:
    """Starts daemons and keeps them.

    Attributes:
        daemons: In the order in which they were started.
    """

    def __init__(self, folder: Path, tasks: asyncio.TaskGroup, told: Told) -> None:
        """Take where configurations and logs go, where tasks run, and whom to tell."""
        self.daemons: list[DaemonProcess] = []
        self._folder, self._tasks, self._told = folder, tasks, told
        self._tables: dict[str, Settings] = {}
        self._environment = {"TMPDIR": str(folder)}  # where torch leaves a folder

    async def run(self, name: str, program: str, table: Settings) -> DaemonProcess:
        """Start a daemon. Raises DaemonProblem; one that ends before it is ready raises it in the task group."""
        daemon = DaemonProcess(name, f"foremesh-{program}", self._folder / f"{name}.toml")
        self._tables[name] = table
        self.pin(daemon, {})
        await daemon.start(self._environment)
        self._told(daemon, "starting")
        self.daemons.append(daemon)
        self._tasks.create_task(self._keep(daemon), name=name)
        return daemon

    async def ready(self, *daemons: DaemonProcess) -> None:
        """Wait until they are. Raises DaemonProblem."""
        for daemon in daemons:
            await daemon.heard("ready")
            self._told(daemon, "ready")

    async def address(self, daemon: DaemonProcess) -> str:
        """Learn where a daemon serves, and let it come back to the same place. Raises DaemonProblem."""
        found = str((await daemon.heard("serving"))["addresses"][0])
        self.pin(daemon, {"rpc.listen": [found]})
        return found

    def pin(self, daemon: DaemonProcess, more: Settings) -> None:
        """Write what a daemon is told, with more than that; it counts from its next start on."""
        self._tables[daemon.name] = {**self._tables[daemon.name], **more}
        (self._folder / f"{daemon.name}.toml").write_text(settings.toml(self._tables[daemon.name]))

    async def stop(self) -> None:
        """Stop all of them, the last one first. Raises DaemonProblem."""
        for daemon in self.daemons:
            daemon.stopping = True  # whoever is dead stays so
        for daemon in reversed(self.daemons):
            if daemon.pid is not None:
                await daemon.stop()
                self._told(daemon, "stopped")

    async def _keep(self, daemon: DaemonProcess) -> None:
        while True:
            why = await daemon.watch()
            if daemon.stopping:
                return
            self._told(daemon, f"ended: {why}")
            await asyncio.sleep(_AGAIN_SECONDS)
            if daemon.stopping:
                return
            await daemon.start(self._environment)
            self._told(daemon, "starting")
            if daemon.stopping:  # meanwhile
                await daemon.stop()
            self._tasks.create_task(self.ready(daemon))
