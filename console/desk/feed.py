"""The stream behind a screen, over restarts of the trader and losses of the link."""

import asyncio
from collections.abc import Callable

from foremesh.trader.v1 import trader_service_pb2 as pb

from console.daemon import TRADER
from console.trading_connection import talking
from console.view.freshness import SILENCE_SECONDS
from mesh.errors import MeshError, TooLate, Unavailable
from mesh.rpc import limits
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import translated

_FIRST_SECONDS = 10.0
"""For the first message of a stream: a connection is made before it, and all is written down."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0


async def feed(
    config: ClientConfig,
    hz: float,
    tell: Callable[[pb.WatchStateResponse], None],
    away: Callable[[str], None],
) -> None:
    """Tell messages as they come, until cancelled.

    Args:
        config: The trader.
        hz: Most messages a second.
        tell: Called with each message; the first of every stream is a snapshot.
        away: Called with what is wrong when a stream has ended; nothing is known any more.

    Raises:
        OSError: A certificate or token file cannot be read.
        CertificateError: Key and certificate are not a pair.
    """
    request, pause = pb.WatchStateRequest(max_hz=hz), _FIRST_PAUSE
    while True:
        try:
            async with talking(config) as stub:
                call = stub.WatchState(request, timeout=float(limits.CONNECTION_AGE_SECONDS))
                try:
                    async with asyncio.timeout(_FIRST_SECONDS) as silence:
                        async for message in translated(call):
                            silence.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
                            pause = _FIRST_PAUSE
                            tell(message)
                            request.after_sequence, request.journal_id = message.as_of_sequence, message.journal_id
                finally:
                    call.cancel()
            said = "the trader ended the stream"
        except TimeoutError:
            said = "the trader says nothing"
        except TooLate:
            continue  # the call's own deadline: what is known is so until the new stream's snapshot, a moment later
        except MeshError as error:
            said = TRADER.words(error, config)
            if not isinstance(error, Unavailable):  # perhaps it is another journal, or an older one put back
                request.ClearField("after_sequence")
                request.ClearField("journal_id")
        away(said)
        await asyncio.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 2)
