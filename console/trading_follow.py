"""Following the trader's events over its restarts, without losing one."""

import asyncio
from collections.abc import Callable

from foremesh.trader.v1 import events_pb2
from foremesh.trader.v1 import trader_service_pb2 as pb

from console.daemon import TRADER
from console.trading_connection import talking
from mesh.errors import MeshError, Overloaded, TooLate, Unavailable
from mesh.rpc import limits
from mesh.rpc.config import ClientConfig
from mesh.rpc.errors import translated

_CALL_SECONDS = float(limits.CONNECTION_AGE_SECONDS)
"""Then it is asked anew, over a new connection, before the server ends the old one."""
_SILENCE_SECONDS = 20.0
"""The trader speaks every second."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


async def followed(
    config: ClientConfig,
    request: pb.WatchEventsRequest,
    tell: Callable[[events_pb2.Event], None],
    away: Callable[[str], None],
    *,
    most: int | None = None,
) -> None:
    """Tell events as they come, and go on after the last one when the trader has been away.

    Args:
        config: The trader.
        request: Where to begin and what to tell; it is moved on.
        tell: Called with each event.
        away: Called with what is wrong, when the trader goes away.
        most: Return after so many events; None follows until cancelled.

    Raises:
        MeshError: The trader refuses, or does not answer at the first try.
        OSError: A certificate or token file cannot be read.
        CertificateError: Key and certificate are not a pair.
    """
    left, pause, heard = most, _FIRST_PAUSE, False
    while left is None or left > 0:
        try:
            async with talking(config) as stub:
                call = stub.WatchEvents(request, timeout=_CALL_SECONDS)
                try:
                    async with asyncio.timeout(_SILENCE_SECONDS) as silence:
                        async for message in translated(call):
                            silence.reschedule(asyncio.get_running_loop().time() + _SILENCE_SECONDS)
                            heard, pause = True, _FIRST_PAUSE
                            for event in message.batch.events:
                                tell(event)
                                request.after_sequence = event.sequence
                                left = None if left is None else left - 1
                                if left == 0:
                                    return
                            request.after_sequence, request.journal_id = message.through_sequence, message.journal_id
                finally:
                    call.cancel()
        except TooLate:
            continue  # the call's own deadline
        except (Unavailable, Overloaded, TimeoutError) as error:
            if not heard:
                raise
            said = TRADER.words(error, config) if isinstance(error, MeshError) else "the trader says nothing"
            away(f"{said}; trying again")
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
