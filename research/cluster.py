"""Walks on an existing Ray cluster: each host is an actor there. The same work as on one machine, and the same results.

Ray is an optional extra and imported only here, when somebody asks for it.
"""

import os
import signal
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from mesh.errors import NotReady, Unavailable
from research.code_version import code_version
from research.hosts import Host, Packet, unpacked
from research.lanes import Job, Piece
from research.threads import Threads

AUTO: Final = "auto"
"""The cluster that this machine belongs to, or that RAY_ADDRESS names."""
_AHEAD: Final = 4
"""Events that are on their way to an actor, beside those that wait for its walks."""
_START_SECONDS: Final = 120.0
_KNOCK_SECONDS: Final = 5.0


class Ray:
    """Makes hosts that are actors. Make it with `joined`.

    Args:
        ray: The module.
    """

    def __init__(self, ray: Any) -> None:
        self._ray, self._last = ray, (-1, None)

    def room(self, events: int) -> int:
        """Return how many hosts do best with so many events: one for each processor that is free."""
        del events  # whoever asks for a cluster gets it
        return max(1, int(self._ray.available_resources().get("CPU", 1)))

    def host(self, job: Job) -> Host:
        """Start a host.

        Raises:
            Unavailable: The cluster starts none.
            NotReady: It runs other code.
        """
        return _Actor(self, job)

    def put(self, packet: Packet) -> Any:
        """Bring an event to the cluster, once for all actors."""
        if self._last[0] != packet.number:
            self._last = packet.number, self._ray.put(packet.packed)
        return self._last[1]


class _Actor:
    def __init__(self, engine: Ray, job: Job) -> None:
        self._engine, self._ray = engine, engine._ray  # its own
        self._under_way: deque[Any] = deque()
        self._actor = self._ray.remote(num_cpus=1)(Walking).remote()
        try:
            theirs = self._got(self._actor.begin.remote(job), timeout=_START_SECONDS)
            if theirs != (ours := code_version()):
                raise NotReady(f"the Ray cluster runs foremesh {theirs}, this is {ours}", reason="OTHER_CODE")
        except BaseException:
            self.close()
            raise

    def take(self, packet: Packet) -> None:
        while len(self._under_way) >= _AHEAD:
            self._got(self._under_way.popleft())
        self._under_way.append(self._actor.take.remote(self._engine.put(packet)))

    def end(self) -> None:
        while self._under_way:
            self._got(self._under_way.popleft())
        self._under_way.append(self._actor.finish.remote())

    def pieces(self) -> list[Piece]:
        found: list[Piece] = self._got(self._under_way.popleft())
        return found

    def close(self) -> None:
        self._ray.kill(self._actor)

    def _got(self, reference: Any, timeout: float | None = None) -> Any:
        """Wait for what an actor gives. Raises what its walks raised, and Unavailable where the cluster fails."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference, timeout=timeout)
        except errors.RayTaskError as error:
            raise error.cause from error
        except errors.GetTimeoutError as error:
            raise Unavailable(f"the Ray cluster gave no processor within {timeout:g} s", reason="RAY_BUSY") from error
        except errors.RayError as error:
            *_, last = str(error).strip().splitlines()
            raise Unavailable(f"the Ray cluster lost a walk: {last}", reason="RAY_FAILED") from error


class Walking:
    """A host, over there."""

    def begin(self, job: Job) -> str:
        """Start walks; returns the version of the code that walks."""
        self._threads = Threads(job)
        return code_version()

    def take(self, packed: bytes) -> None:
        """Give an event to them."""
        self._threads.take(unpacked(packed))

    def finish(self) -> list[Piece]:
        """Wait for what they came to."""
        self._threads.end()
        return self._threads.pieces()


@contextmanager
def joined(address: str = AUTO) -> Iterator[Ray]:
    """Join a cluster for a while.

    Args:
        address: `host:port` of its head, `ray://host:port`, or AUTO.

    Raises:
        NotReady: Ray is not installed.
        Unavailable: There is no cluster.
    """
    try:
        import ray  # noqa: PLC0415  # optional, and slow to import
    except ModuleNotFoundError as error:
        text = "--engine ray needs the extra of that name: pip install 'foremesh[ray]'"
        raise NotReady(text, reason="RAY_MISSING") from error
    kept = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        text = f"no Ray cluster at {address}: start one with `ray start --head`, or name one with --ray-address"
        raise Unavailable(text, reason="RAY_ABSENT") from error
    finally:
        signal.signal(signal.SIGTERM, kept)  # Ray puts a handler of its own in its place
    try:
        yield Ray(ray)
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """See whether anybody listens: Ray itself would try for minutes. Raises OSError, ValueError."""
    named = os.environ.get("RAY_ADDRESS", AUTO) if address == AUTO else address
    if named != AUTO:
        host, _, port = named.rpartition("://")[2].rpartition(":")
        socket.create_connection((host, int(port)), _KNOCK_SECONDS).close()
