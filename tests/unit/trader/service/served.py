"""A trader that answers on loopback: an engine with an exchange in memory, on a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import grpc
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from google.protobuf.message import Message

from mesh.rpc.config import ServerConfig, ServerTls
from mesh.rpc.server import Server, serving
from mesh.rpc.validation import violations
from tests.fakes.screens import Kept
from tests.fakes.trading import TICKER
from tests.unit.trader.engine.rig import Rig
from trader.domain.words import Mode
from trader.engine.engine import Engine
from trader.ports import Search
from trader.reporting.report import report
from trader.scanning.histories import Histories
from trader.service.reports import Reports
from trader.service.servicer import service
from trader.service.status import Facts

FACTS = Facts(
    instance_id="run-1",
    mode=Mode.PAPER,
    code_version="0.1.0",
    config_digest="0" * 64,
    scan_seconds=30.0,
    reconcile_seconds=60.0,
)


@dataclass
class Served:
    """A trader with its parts in reach."""

    rig: Rig
    engine: Engine
    server: Server
    draining: asyncio.Event
    channel: grpc.aio.Channel
    stub: "rpc.TraderServiceAsyncStub" = field(init=False)

    def __post_init__(self) -> None:
        self.stub = rpc.TraderServiceStub(self.channel)

    async def enter(self, *tickers: str) -> int:
        """Let the next scan enter, and no later one; returns the contracts held in the usual market, in hundredths.

        It comes back when the books hold what the exchange says of each order, however many turns that takes.
        """
        self.rig.wants(*tickers)
        scans = len(self.rig.forecasts.scans)
        while len(self.rig.forecasts.scans) == scans:
            await self.rig.clock.advance(0.5)
        self.rig.forecasts.signals.clear()
        books = self.engine.state.books
        asked: set[str] = set()
        for _ in range(20):
            await self.rig.clock.advance(0.5)
            settled = [each for each in books.orders.values() if each.order_id is not None and not each.awaited]
            asked = {each.terms.ticker for each in settled}
            if asked >= set(tickers):
                break
        assert asked >= set(tickers), f"entered in {asked} only"
        return -self.rig.venue.held(TICKER)

    def watch(self, **asked: Any) -> "Watch":
        """Watch events."""
        return Watch(self.stub.WatchEvents(pb.WatchEventsRequest(**asked)))

    def screen(self, **asked: Any) -> "ScreenWatch":
        """Watch everything."""
        return ScreenWatch(self.stub.WatchState(pb.WatchStateRequest(**asked)))


class ScreenWatch:
    """A stream of all that a screen shows; every message of it keeps the contract's rules."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.kept = Kept()
        self.as_of = -1
        self.age = timedelta()

    async def next(self) -> pb.WatchStateResponse:
        """The next message."""
        async with asyncio.timeout(30):
            response = await self.call.read()
        assert isinstance(response, pb.WatchStateResponse), response
        assert violations(response) == []
        assert response.as_of_sequence >= self.as_of
        age = response.stream_age.ToTimedelta()
        assert age > self.age or response.HasField("snapshot")
        self.as_of, self.age = response.as_of_sequence, age
        self.kept.take(response)
        return response

    async def until(self, there: Callable[[Kept], bool]) -> Kept:
        """Read until a screen shows something."""
        while not there(self.kept):
            await self.next()
        return self.kept


class Watch:
    """A stream of events; every message of it keeps the contract's rules."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.through = -1

    async def next(self) -> pb.WatchEventsResponse:
        """The next message."""
        async with asyncio.timeout(30):
            response = await self.call.read()
        assert isinstance(response, pb.WatchEventsResponse), response
        assert violations(response) == []
        assert response.through_sequence >= self.through
        self.through = response.through_sequence
        return response

    async def until(self, sequence: int) -> list[Any]:
        """All events until everything up to an entry has been sent."""
        found: list[Any] = []
        while self.through < sequence:
            found += (await self.next()).batch.events
        return found


def sound(message: Message) -> None:
    """Check that a message keeps the contract's rules."""
    assert violations(message) == []


@asynccontextmanager
async def served(
    rig: Rig,
    *,
    stalled_seconds: float = 60.0,
    run: bool = True,
    histories: Histories | None = None,
    search: Search | None = None,
    tls: ServerTls | None = None,
    mode: Mode = Mode.PAPER,
) -> AsyncIterator[Served]:
    """Serve a trader; without `run` its engine has not begun, with `tls` its own stub is of no use."""
    draining = asyncio.Event()
    config = ServerConfig.model_validate({"metrics_listen": "off", "grace_seconds": 0.2, "tls": tls})

    @asynccontextmanager
    async def serve(engine: Engine) -> AsyncIterator[Served]:
        reports = Reports(lambda question, _until: report(list(rig.journal.read()), question))
        made = service(
            engine,
            replace(FACTS, mode=mode),
            draining,
            reports,
            search=search or rig.journal,
            histories=histories or Histories(rig.clock),
            stalled_seconds=stalled_seconds,
        )
        async with (
            serving(config, [made], draining=draining) as server,
            grpc.aio.insecure_channel(server.addresses[0]) as channel,
        ):
            yield Served(rig, engine, server, draining, channel)

    if run:
        async with rig.running() as engine, serve(engine) as found:
            yield found
    else:
        async with serve(rig.engine()) as found:
            yield found
