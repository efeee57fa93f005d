"""One look at a forecast server: what it says of itself, what its health says, what time it has."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc
from foremesh.forecast.v1 import model_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mesh.forecasts import SERVICE
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a server said."""

    model: model_pb2.Model
    instance_id: str
    health: str
    """Of its service: `SERVING`, `NOT_SERVING`, `SERVICE_UNKNOWN`."""
    server_time: datetime | None
    """None from a server of before the field existed."""
    asked: datetime
    answered: datetime
    """By this machine's clock."""

    @property
    def clock_offset(self) -> timedelta | None:
        """The server's clock minus this machine's, taking its answer for half way between question and answer."""
        if self.server_time is None:
            return None
        return self.server_time - (self.asked + self.clock_margin)

    @property
    def clock_margin(self) -> timedelta:
        """How far off `clock_offset` can be: half the round trip."""
        return (self.answered - self.asked) / 2

    @property
    def now(self) -> datetime:
        """The server's time, as well as it is known, for what the server says about time."""
        return self.server_time or self.answered


async def look(config: ClientConfig) -> Look:
    """Ask the server. Works while its model is loading, too.

    Raises:
        MeshError: it stays away or refuses.
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    async with connect(config, SERVICE) as channel:
        with raising_mesh_errors():
            checked = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=SERVICE))
            asked = datetime.now(UTC)  # connected by now: the round trip is the network's
            said: pb.GetModelResponse = await rpc.ForecastServiceStub(channel).GetModel(pb.GetModelRequest())
            answered = datetime.now(UTC)
    return Look(
        model=said.model,
        instance_id=said.instance_id,
        health=health_pb2.HealthCheckResponse.ServingStatus.Name(checked.status),
        server_time=said.server_time.ToDatetime(UTC) if said.HasField("server_time") else None,
        asked=asked,
        answered=answered,
    )
