"""The two calls about one market, on one engine."""

from foremesh.trader.v1 import trader_service_pb2 as pb

from mesh.errors import NotFound
from trader.domain.events import Moment
from trader.engine.engine import Engine
from trader.ports import Search
from trader.scanning.histories import Histories
from trader.service.market.told import ToldOfMarkets
from trader.service.market.tracing import Tracing
from trader.service.market.view import view


class Looks:
    """Answers them.

    Args:
        engine: With books that are up to its journal.
        search: In the same journal.
        histories: Of its scans.
        instance_id: Of the process.
    """

    def __init__(self, engine: Engine, search: Search, histories: Histories, instance_id: str) -> None:
        self._engine, self._histories, self._instance_id = engine, histories, instance_id
        self._told, self._tracing = ToldOfMarkets(engine, search), Tracing(engine, search)

    async def view(self, request: pb.GetMarketViewRequest) -> pb.GetMarketViewResponse:
        """Show a market.

        Raises:
            NotFound: The trader has never heard of it (`NO_MARKET`).
            JournalError: The journal cannot be read.
        """
        ticker, clock = request.market_ticker, self._engine.clock
        told = await self._told.of(ticker, clock.now())
        state, moment = self._engine.state, Moment(clock.now(), clock.monotonic())
        found = view(state, ticker, self._histories.of(ticker), told, moment)
        if found is None:
            raise NotFound(f"{ticker}: this trader has never heard of it", reason="NO_MARKET")
        return pb.GetMarketViewResponse(instance_id=self._instance_id, as_of_sequence=state.books.sequence, view=found)

    async def trace(self, request: pb.GetTraceRequest) -> pb.GetTraceResponse:
        """Follow something through. Raises NotFound (`NO_TRACE`) or JournalError."""
        market = request.market_ticker if request.HasField("market_ticker") else None
        sequence = self._engine.state.books.sequence
        found = await self._tracing.trace(request.id, market, self._engine.clock.now())
        return pb.GetTraceResponse(instance_id=self._instance_id, as_of_sequence=sequence, trace=found)
