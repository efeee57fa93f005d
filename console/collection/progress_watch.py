"""A coordinator's progress: asked once, or followed as it changes, over its restarts."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from foremesh.coordinator.v1 import coordinator_service_pb2_grpc as rpc
from foremesh.coordinator.v1 import progress_pb2
from google.protobuf.json_format import MessageToDict, SerializeToJsonError
from grpc_health.v1 import health_pb2, health_pb2_grpc

from console.daemon import COORDINATOR
from console.durations import span_words
from mesh.errors import MeshError, TooLate, Unavailable
from mesh.rpc import limits
from mesh.rpc.channel import connect
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import raising_mesh_errors, translated

MOST_LEASES = 512
"""The contract's limit."""
_CALL_SECONDS = float(limits.CONNECTION_AGE_SECONDS)
"""Then it is asked anew, over a new connection, before the server ends the old one."""
_SILENCE_SECONDS = 40.0
"""A coordinator speaks every 15 seconds at least."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a coordinator last said, and why it says no more."""

    progress: progress_pb2.Progress | None = None
    """None before its first word."""
    age: timedelta = timedelta()
    """Of the progress."""
    problem: MeshError | None = None

    @property
    def behind(self) -> str:
        """Say how old what is shown is, where the coordinator has gone: `as of 12 s ago`."""
        return f"as of {span_words(self.age)} ago" if self.problem is not None and self.progress is not None else ""


async def progress_of(config: ClientConfig) -> progress_pb2.Progress:
    """Ask once how far collection is.

    Raises:
        MeshError: the coordinator stays away or refuses.
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    async with connect(config, COORDINATOR.service) as channel:
        with raising_mesh_errors():
            # Unlike a call of its own this one is not tried again: where nobody listens that is known at once.
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=COORDINATOR.service))
            request = pb.GetProgressRequest(max_lease_count=MOST_LEASES)
            said: pb.GetProgressResponse = await rpc.CoordinatorServiceStub(channel).GetProgress(request)
    return said.progress


class Follower:
    """Follows one coordinator, and connects again when it has been away.

    Args:
        config: The coordinator.
        clock: Monotonic seconds.
    """

    def __init__(self, config: ClientConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._clock = config, clock
        self._progress: progress_pb2.Progress | None = None
        self._heard_at = 0.0
        self._problem: MeshError | None = None
        self.first = asyncio.Event()
        """Set once it has spoken, or failed to."""

    @property
    def heard(self) -> Heard:
        """What it said last."""
        age = timedelta(seconds=self._clock() - self._heard_at) if self._progress is not None else timedelta()
        return Heard(progress=self._progress, age=age, problem=self._problem)

    async def run(self) -> NoReturn:
        """Follow until cancelled; a refusal is told and tried again, too: somebody may be mending it.

        Raises:
            OSError: a certificate or token file cannot be read.
            CertificateError: key and certificate are not a pair.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                async with connect(self._config, COORDINATOR.service) as channel:
                    with raising_mesh_errors():
                        check = health_pb2.HealthCheckRequest(service=COORDINATOR.service)
                        await health_pb2_grpc.HealthStub(channel).Check(check)
                    await self._follow(rpc.CoordinatorServiceStub(channel))
            except MeshError as error:
                pause = _FIRST_PAUSE if self._problem is None else min(_LONGEST_PAUSE, pause * 2)
                self._problem = error
            self.first.set()
            await asyncio.sleep(pause)

    async def _follow(self, stub: "rpc.CoordinatorServiceAsyncStub") -> None:
        call = stub.WatchProgress(pb.WatchProgressRequest(max_lease_count=MOST_LEASES), timeout=_CALL_SECONDS)
        try:
            async with asyncio.timeout(_SILENCE_SECONDS) as silence:
                async for message in translated(call):
                    silence.reschedule(asyncio.get_running_loop().time() + _SILENCE_SECONDS)
                    self._progress, self._heard_at, self._problem = message.progress, self._clock(), None
                    self.first.set()
        except TooLate:
            return  # the call's own deadline: the next one goes on
        except TimeoutError:
            raise Unavailable(f"it has said nothing for {_SILENCE_SECONDS:g} s") from None
        finally:
            call.cancel()


def document(config: ClientConfig, heard: Heard, state: str) -> dict[str, Any]:
    """Return what a coordinator said for programs; the progress keeps the contract's field names."""
    found: dict[str, Any] = {"target": config.targets[0], "state": state}
    if heard.problem is not None:
        found["problem"] = COORDINATOR.words(heard.problem, config)
    if heard.progress is not None:
        found["age_seconds"] = round(heard.age.total_seconds(), 3)
        try:
            found["progress"] = MessageToDict(
                heard.progress, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
        except SerializeToJsonError as error:
            found["problem"] = f"its answer cannot be read: {error}"
    return found
