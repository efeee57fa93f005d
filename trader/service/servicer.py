"""TraderService: messages in, engine, messages out. What is decided the engine writes down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc
from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc

from mesh.errors import Unavailable
from mesh.rpc.call import Context, current_call
from mesh.rpc.server import Service
from trader.domain.events import Moment
from trader.domain.state import State
from trader.engine.engine import Engine
from trader.ports import Search
from trader.scanning.histories import Histories
from trader.service import lists
from trader.service.adopting import Adopting
from trader.service.market.looks import Looks
from trader.service.pages import page
from trader.service.reports import Reports
from trader.service.screen.watching import StateWatching
from trader.service.status import Facts, status
from trader.service.streaming import RETRY_SECONDS, STALLED_SECONDS, Streaming
from trader.service.switches import Switches, actor
from trader.service.watching import Watching

_DESCRIPTOR = pb.DESCRIPTOR.services_by_name["TraderService"]


def service(
    engine: Engine,
    facts: Facts,
    draining: asyncio.Event,
    reports: Reports,
    *,
    search: Search,
    histories: Histories,
    stalled_seconds: float = STALLED_SECONDS,
) -> Service:
    """Make the service that looks into an engine and moves its switches.

    Args:
        engine: With books that are up to its journal; it may not be running yet.
        facts: Of the process.
        draining: Set when the process begins to stop.
        reports: On the engine's journal.
        search: In the engine's journal.
        histories: Of the candles that its scans read.
        stalled_seconds: How long a watcher may take nothing of what it is sent.
    """
    streaming = Streaming(engine, draining, stalled_seconds=stalled_seconds)
    looks = Looks(engine, search, histories, facts.instance_id)
    servicer = TraderServicer(engine, facts, streaming, reports, looks)
    return Service(_DESCRIPTOR, lambda server: rpc.add_TraderServiceServicer_to_server(servicer, server))


class TraderServicer(rpc.TraderServiceServicer):
    """Serves one engine. Until it has started, only its status is told."""

    def __init__(self, engine: Engine, facts: Facts, streaming: Streaming, reports: Reports, looks: Looks) -> None:
        self._engine, self._facts, self._streaming, self._reports = engine, facts, streaming, reports
        self._looks = looks
        self._watching = Watching(engine, facts, streaming)
        self._states = StateWatching(engine, facts, streaming)
        self._switches = Switches(engine, facts.instance_id)
        self._adopting = Adopting(engine, self._switches, facts.instance_id)
        self._started = engine.clock.monotonic()

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:  # noqa: N802
        """Tell everything at a glance."""
        state = self._engine.state
        return pb.GetStatusResponse(
            instance_id=self._facts.instance_id,
            journal_id=self._engine.journal.journal_id,
            as_of_sequence=state.books.sequence,
            status=status(state, self._facts, self._moment(), self._started),
        )

    async def ListPositions(  # noqa: N802
        self, request: pb.ListPositionsRequest, context: Context
    ) -> pb.ListPositionsResponse:
        """List open positions."""
        state = self._ready()
        found, token = page(request, lists.positions(state, request, self._moment()))
        return pb.ListPositionsResponse(
            instance_id=self._facts.instance_id,
            as_of_sequence=state.books.sequence,
            positions=found,
            next_page_token=token,
        )

    async def ListOrders(self, request: pb.ListOrdersRequest, context: Context) -> pb.ListOrdersResponse:  # noqa: N802
        """List orders."""
        state = self._ready()
        found, token = page(request, lists.orders(state, request))
        return pb.ListOrdersResponse(
            instance_id=self._facts.instance_id,
            as_of_sequence=state.books.sequence,
            orders=found,
            next_page_token=token,
        )

    async def ListTrades(self, request: pb.ListTradesRequest, context: Context) -> pb.ListTradesResponse:  # noqa: N802
        """List closed round trips."""
        state = self._ready()
        found, token = page(request, lists.trades(state, request))
        return pb.ListTradesResponse(
            instance_id=self._facts.instance_id,
            as_of_sequence=state.books.sequence,
            trades=found,
            next_page_token=token,
        )

    async def GetReport(self, request: pb.GetReportRequest, context: Context) -> pb.GetReportResponse:  # noqa: N802
        """Say what a span of time came to."""
        return await self._reports.make(request, self._ready(), self._moment(), self._facts.instance_id)

    async def WatchEvents(  # noqa: N802
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Tell the journal as it grows."""
        await self._reached(request.after_sequence, context)
        self._admit(context)
        async with aclosing(self._watching.events(request)) as events:
            async for response in events:
                yield response

    async def WatchState(  # noqa: N802
        self, request: pb.WatchStateRequest, context: Context
    ) -> AsyncIterator[pb.WatchStateResponse]:
        """Tell all that a screen shows."""
        await self._reached(request.after_sequence, context)
        self._admit(context)
        async with aclosing(self._states.states(request)) as states:
            async for response in states:
                yield response

    async def GetMarketView(  # noqa: N802
        self, request: pb.GetMarketViewRequest, context: Context
    ) -> pb.GetMarketViewResponse:
        """Show one market."""
        self._ready()
        return await self._looks.view(request)

    async def GetTrace(self, request: pb.GetTraceRequest, context: Context) -> pb.GetTraceResponse:  # noqa: N802
        """Follow one thing through."""
        self._ready()
        return await self._looks.trace(request)

    async def PauseTrading(  # noqa: N802
        self, request: pb.PauseTradingRequest, context: Context
    ) -> pb.PauseTradingResponse:
        """Stop entries."""
        self._ready()
        return self._switches.pause(request, actor(current_call.get()))

    async def ResumeTrading(  # noqa: N802
        self, request: pb.ResumeTradingRequest, context: Context
    ) -> pb.ResumeTradingResponse:
        """Lift blocks."""
        self._ready()
        return self._switches.resume(request, actor(current_call.get()))

    async def FlattenPositions(  # noqa: N802
        self, request: pb.FlattenPositionsRequest, context: Context
    ) -> pb.FlattenPositionsResponse:
        """Sell positions."""
        self._ready()
        return self._switches.flatten(request, actor(current_call.get()))

    async def AdoptPosition(  # noqa: N802
        self, request: pb.AdoptPositionRequest, context: Context
    ) -> pb.AdoptPositionResponse:
        """Take over a position."""
        self._ready()
        return await self._adopting.adopt(request, actor(current_call.get()))

    async def _reached(self, sequence: int, context: Context) -> None:
        """End a call that wants to go on from a place that the journal has not reached, or that comes too early."""
        self._ready()
        reached = self._engine.journal.last_sequence
        if sequence > reached:
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, f"after_sequence: the journal has reached {reached}")

    def _admit(self, context: Context) -> None:
        """Count a stream until its last byte is gone. Raises Overloaded."""
        call = current_call.get()
        release = self._streaming.admit("" if call is None else call.caller.name)
        context.add_done_callback(lambda _context: release())  # type: ignore[arg-type]  # the stubs want a class of theirs

    def _moment(self) -> Moment:
        return Moment(self._engine.clock.now(), self._engine.clock.monotonic())

    def _ready(self) -> State:
        """Return what the engine knows. Raises Unavailable until it has taken up its journal."""
        if not self._engine.started.is_set():
            raise Unavailable("the trader is starting", reason="STARTING", retry_after=RETRY_SECONDS)
        return self._engine.state
