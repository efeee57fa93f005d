"""Walks on all cores of this machine: each host is a process of its own.

A host reads events off a socket and sends back what its walks came to. However this process ends, the socket ends with
it, and so do they.
"""

import gc
import multiprocessing
import os
import signal
import traceback
from multiprocessing.connection import Connection
from typing import Final

from mesh.errors import Broken
from research.hosts import Host, Packet, unpacked
from research.lanes import Job, Piece
from research.threads import Threads

FEWEST_EVENTS: Final = 24
"""With fewer, starting processes takes longer than they save."""
_END: Final = b""
_COLLECT_EVERY: Final = 50_000
"""New objects between garbage collections: events bring thousands that live until they are over."""


class Processes:
    """Makes hosts that are processes.

    Args:
        cores: How many at once; None is as many as this process may use.
        fewest_events: With fewer, there are none.
    """

    def __init__(self, cores: int | None = None, fewest_events: int = FEWEST_EVENTS) -> None:
        self._cores, self._fewest = cores or _cores(), fewest_events

    def room(self, events: int) -> int:
        """Return how many hosts do best with so many events; 0: so few are walked right here."""
        return self._cores if events >= self._fewest else 0

    def host(self, job: Job) -> Host:
        """Start a host."""
        return _Process(job)


class _Process:
    def __init__(self, job: Job) -> None:
        # A fork would copy the threads' locks of gRPC, held or not.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_walk, args=(theirs, job), name="foremesh-walks", daemon=True)
        self._process.start()
        theirs.close()

    def take(self, packet: Packet) -> None:
        self._send(packet.packed)

    def end(self) -> None:
        self._send(_END)

    def pieces(self) -> list[Piece]:
        return self._received()

    def close(self) -> None:
        self._process.terminate()
        self._process.join()

    def _send(self, packed: bytes) -> None:
        try:
            if not self._pipe.poll():
                self._pipe.send_bytes(packed)
                return
        except OSError:
            pass  # it is gone, and perhaps said why
        self._received()
        raise AssertionError("a host says nothing of its own accord but what went wrong")

    def _received(self) -> list[Piece]:
        try:
            said: list[Piece] | BaseException = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            raise Broken(f"a process that walks died: {_ended(self._process.exitcode)}", reason="WALK_DIED") from None
        if isinstance(said, BaseException):
            raise said
        return said


def _walk(pipe: Connection, job: Job) -> None:
    """Do a job: the whole of a host's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends this
    gc.freeze()  # what is loaded stays: the collector need not look at it again
    gc.set_threshold(_COLLECT_EVERY)
    threads = Threads(job)
    try:
        while packed := pipe.recv_bytes():
            threads.take(unpacked(packed))
        threads.end()
        pipe.send(threads.pieces())
    except EOFError:
        pass  # whoever asked is gone
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        pipe.send(error)
    finally:
        threads.close()


def _ended(code: int | None) -> str:
    return f"exit code {code}" if code is None or code >= 0 else f"signal {signal.Signals(-code).name}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
