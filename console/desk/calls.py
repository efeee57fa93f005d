"""What the desk asks the trader besides its stream, a call at a time."""

from collections.abc import Sequence
from typing import Final, Protocol

from foremesh.trader.v1 import market_view_pb2, trace_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from console.daemon import TRADER
from console.trading_connection import talking
from mesh import certs
from mesh.errors import MeshError
from mesh.rpc.config import ClientConfig

Request = pb.PauseTradingRequest | pb.ResumeTradingRequest | pb.FlattenPositionsRequest
Answer = pb.PauseTradingResponse | pb.ResumeTradingResponse | pb.FlattenPositionsResponse
_SECONDS: Final = 5.0
"""For an answer."""
_ACTS: Final = "operator"


class Calls(Protocol):
    """Each raises MeshError."""

    def words(self, error: MeshError) -> str:
        """Say in one line what is wrong."""
        ...

    async def market(self, ticker: str) -> market_view_pb2.MarketView:
        """Look at a market."""
        ...

    async def trace(self, name: str, ticker: str | None = None) -> trace_pb2.Trace:
        """Follow an id through; of a scan with the market."""
        ...

    async def do(self, request: Request) -> Answer:
        """Make the trader do something."""
        ...


class TraderCalls:
    """Implements `Calls`, each on a channel of its own."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config

    def words(self, error: MeshError) -> str:
        """Say in one line what is wrong."""
        return TRADER.words(error, self._config)

    async def market(self, ticker: str) -> market_view_pb2.MarketView:
        """Look at a market."""
        async with talking(self._config) as stub:
            return (await stub.GetMarketView(pb.GetMarketViewRequest(market_ticker=ticker), timeout=_SECONDS)).view

    async def trace(self, name: str, ticker: str | None = None) -> trace_pb2.Trace:
        """Follow an id through; of a scan with the market."""
        async with talking(self._config) as stub:
            return (await stub.GetTrace(pb.GetTraceRequest(id=name, market_ticker=ticker), timeout=_SECONDS)).trace

    async def do(self, request: Request) -> Answer:
        """Make the trader do something."""
        async with talking(self._config) as stub:
            match request:
                case pb.PauseTradingRequest():
                    return await stub.PauseTrading(request, timeout=_SECONDS)
                case pb.ResumeTradingRequest():
                    return await stub.ResumeTrading(request, timeout=_SECONDS)
                case pb.FlattenPositionsRequest():
                    return await stub.FlattenPositions(request, timeout=_SECONDS)


def acts(config: ClientConfig) -> bool:
    """Tell whether the caller may do more than look; one without a certificate finds out when it tries.

    Raises:
        OSError: The certificate cannot be read.
        CertificateError: It is none.
    """
    if config.certificate_file is None:
        return True
    shown: Sequence[certs.CertificateInfo] = certs.show(config.certificate_file)
    return bool(shown) and shown[0].role == _ACTS
