"""Asks a running trader for its report."""

from foremesh.trader.v1 import trader_service_pb2 as pb
from foremesh.trader.v1 import trader_service_pb2_grpc as rpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from console.daemon import TRADER
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors
from trader.reporting.report import Question

_SECONDS = 60.0
"""A long journal takes its time."""


async def asked(config: ClientConfig, question: Question) -> pb.GetReportResponse:
    """Ask a trader.

    Raises:
        MeshError: It stays away, or refuses.
        OSError: A certificate or token file cannot be read.
        CertificateError: Key and certificate are not a pair.
    """
    request = pb.GetReportRequest(series_tickers=sorted(question.series), time_zone=str(question.zone))
    if question.start is not None:
        request.start_time.FromDatetime(question.start)
    if question.end is not None:
        request.end_time.FromDatetime(question.end)
    async with connect(config, TRADER.service) as channel:
        with raising_mesh_errors():
            # Unlike the report this is not tried again: where nobody listens that is known at once.
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=TRADER.service))
            response: pb.GetReportResponse = await rpc.TraderServiceStub(channel).GetReport(request, timeout=_SECONDS)
            return response
