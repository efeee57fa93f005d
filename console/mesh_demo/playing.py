"""The demo from its first process to its report."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from foremesh.trader.v1 import events_pb2, status_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb
from rich.console import Console
from rich.live import Live
from rich.text import Text

from console import trading_words as w
from console.collection.progress import state
from console.mesh_demo.books import Line, compared, exchange_account, paper_account
from console.mesh_demo.deciding import decided_again
from console.mesh_demo.mesh import Mesh, client_file, mesh
from console.mesh_demo.screen import Screen
from console.mesh_demo.settings import Plan
from console.mesh_demo.sight import Sight, Watcher
from console.parity_run import Parity
from console.trading_connection import talking
from console.trading_status import summary, trader_status
from mesh.clock import Clock, ScaledClock
from mesh.daemon_process import DaemonProblem, DaemonProcess
from mesh.errors import MeshError

_REDRAWN_SECONDS = 0.25
_SETTLE_TRIES = 240
_SAID_SECONDS = 15.0
"""Without a terminal, how it stands is said so often."""


@dataclass(frozen=True, slots=True)
class Played:
    """What is left of it."""

    journal: Path
    lines: list[Line]
    """The journal held against the account."""
    parity: Parity
    """Its decisions, beside what a backtest makes of the candles that were collected."""
    sight: Sight
    """What was seen last."""


class Play:
    """One demo.

    Attributes:
        daemons: Those that were started, for who must end them at once.
        screen: What a terminal shows.
    """

    def __init__(self, plan: Plan, seconds: float, out: Path, console: Console, *, draw: bool) -> None:
        """Take what to show, for how long, where its journal is kept, and whether a screen is redrawn."""
        self.daemons: list[DaemonProcess] = []
        self._plan, self._seconds, self._out, self._console, self._draw = plan, seconds, out, console, draw
        self._sight = Sight()
        self.screen = Screen(plan, self._sight)

    async def run(self) -> Played:
        """Play it. Raises what `mesh` raises."""
        self._out.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="mesh-", dir=self._out))
        try:
            async with self._shown(), mesh(folder, self._plan, self._told) as running:
                clock = ScaledClock(self._plan.speed, self._now())
                self._offer(running)
                async with asyncio.TaskGroup() as tasks:
                    watching = tasks.create_task(Watcher(running, self._sight, self._event).run())
                    await self._live()
                    watching.cancel()
                lines = await self._ended(running, clock)
                parity = await decided_again(running, self._plan.series)
                journal = self._kept(running.journal)
            shutil.rmtree(folder)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                shutil.rmtree(folder)
            raise
        return Played(journal, lines, parity, self._sight)

    async def _ended(self, running: Mesh, clock: Clock) -> list[Line]:
        """Stop the trader, and hold its journal against its account while that can be asked."""
        (trader,) = (daemon for daemon in running.daemons if daemon.name == "trader")
        await _settled(running)
        await trader.stop()
        self._told(trader, "stopped")
        since = self._plan.start - timedelta(days=1)
        if self._plan.mode == "paper":
            file = running.folder / "trader-state" / "paper.sqlite"
            account = await asyncio.to_thread(paper_account, file, self._now(), since)
        else:
            account = await exchange_account(running.folder, running.exchange_url, clock, since)
        return await asyncio.to_thread(compared, running.journal, account)

    def _offer(self, running: Mesh) -> None:
        """Say how to look closer."""
        file, here = running.folder / client_file("trader"), Path.cwd()
        file = file.relative_to(here) if file.is_relative_to(here) else file
        self.screen.offer = f"in a second window: foremesh terminal --trader-config {file}"
        if not self._draw:
            self._console.print(Text(self.screen.offer), soft_wrap=True)

    def _kept(self, journal: Path) -> Path:
        kept = self._out / "demo.journal"
        for ending in ("", "-wal", "-shm", ".books"):
            kept.with_name(kept.name + ending).unlink(missing_ok=True)
        shutil.move(journal, kept)
        return kept

    async def _live(self) -> None:
        """Let the markets live for as long as was asked."""
        loop = asyncio.get_running_loop()
        began, said = loop.time(), 0.0
        self.screen.seconds = timedelta(seconds=self._seconds)
        while (elapsed := loop.time() - began) < self._seconds:
            self.screen.elapsed, self.screen.now = timedelta(seconds=elapsed), self._now()
            if not self._draw and loop.time() - said >= _SAID_SECONDS:
                said = loop.time()
                self._say()
            await asyncio.sleep(_REDRAWN_SECONDS)
        if not self._draw:
            self._say()

    def _now(self) -> datetime:
        return self._plan.start + (datetime.now(UTC) - self._plan.since) * self._plan.speed

    @asynccontextmanager
    async def _shown(self) -> AsyncIterator[None]:
        if not self._draw:
            yield
            return
        with Live(self.screen, console=self._console, screen=True, refresh_per_second=round(1 / _REDRAWN_SECONDS)):
            yield

    def _told(self, daemon: DaemonProcess, word: str) -> None:
        if daemon not in self.daemons:
            self.daemons.append(daemon)
        self._sight.daemons[daemon.name] = (word, daemon.pid)
        if not self._draw:
            pid = f", pid {daemon.pid}" if daemon.pid else ""
            self._console.print(Text(f"{daemon.name}: {word}{pid}"))

    def _event(self, event: events_pb2.Event) -> None:
        if not self._draw:
            self._console.print(Text(w.event(event).strip()), soft_wrap=True)

    def _say(self) -> None:
        sight = self._sight
        words = [f"{self._now():%Y-%m-%d %H:%M} UTC in the markets"]
        if sight.trader is not None:
            words.append(f"trader {summary(sight.trader)}")
        if sight.collection.progress is not None:
            words.append(f"collection {state(sight.collection.progress)}")
        self._console.print(Text("; ".join(words), style="bold"), soft_wrap=True)


async def _settled(running: Mesh) -> None:
    """Let the trader enter nothing more, and wait until it knows what became of all its orders.

    It may be down, or have just come back: then it is asked again.

    Raises:
        DaemonProblem: It does not come to that.
    """
    request = pb.PauseTradingRequest(request_id=f"demo-{uuid4()}", reason="the demo is over")
    told = ""
    for _ in range(_SETTLE_TRIES):
        try:
            async with talking(running.trader) as stub:
                await stub.PauseTrading(request)
            status = (await trader_status(running.trader)).status
        except MeshError as error:
            told = error.message
        else:
            told = f"{status.working_order_count} orders are at work"
            if status.state != status_pb2.TRADING_STATE_STARTING and not status.working_order_count:
                return
        await asyncio.sleep(_REDRAWN_SECONDS)
    raise DaemonProblem(f"the trader has not come to rest: {told}")
