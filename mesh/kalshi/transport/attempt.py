"""One HTTP request, sent once: what came back, or how much is known about why nothing did."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from mesh.clock import Clock

_MOST_REFUSAL_BYTES = 65_536  # what is read of the body of an error
_REFUSED = range(400, 500)


class Unsent(Exception):
    """No connection could be made: the exchange saw nothing of the request."""


class Lost(Exception):
    """The request was sent, in part or as a whole, and no usable answer came.

    Attributes:
        status: HTTP status, where the head of an answer came.
    """

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class TooLarge(Lost):
    """The answer is larger than allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: float
    """Monotonic time just before sending."""
    received: float
    """Monotonic time just after the head came."""


async def never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from quietly repeating DELETE, PUT and GET when a connection breaks: a middleware."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken(_words(error)) from error  # a type that aiohttp does not take for a stale connection


async def attempt(
    session: aiohttp.ClientSession,
    clock: Clock,
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str],
    body: bytes | None,
    connect_seconds: float,
    silence_seconds: float | None,
    max_bytes: int,
) -> Answer:
    """Send a request once and read its answer. Redirects are answers, never followed.

    Args:
        session: Has `never_twice` among its middlewares.
        clock: For the times in the answer.
        method: HTTP method.
        url: Complete.
        headers: Added to the session's own.
        body: JSON, or None.
        connect_seconds: Time to get a connection.
        silence_seconds: Longest time without a byte of the answer; None bears any.
        max_bytes: Longest body, after decompression. Of a refusal's body only the beginning is read.

    Raises:
        Unsent: Certainly nothing was sent.
        Lost: Something may have been.
    """
    limit = aiohttp.ClientTimeout(total=None, connect=connect_seconds, sock_read=silence_seconds)
    status: int | None = None
    sent = clock.monotonic()
    try:
        async with session.request(
            method, url, data=body, headers=headers, timeout=limit, allow_redirects=False
        ) as reply:
            received = clock.monotonic()
            status = reply.status
            content = await _content(reply, max_bytes)
            return Answer(status, reply.headers, content, sent, received)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Unsent(_words(error)) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Lost(_words(error), status) from error


class _Broken(aiohttp.ClientError):
    """The connection broke while in use."""


async def _content(reply: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    refused = reply.status in _REFUSED
    limit = _MOST_REFUSAL_BYTES if refused else max_bytes
    content = bytearray()
    try:
        async for piece in reply.content.iter_any():
            content += piece
            if len(content) > limit:
                break
    except (aiohttp.ClientError, OSError, ValueError):
        if not refused:  # else the status has said it all, however little of the reason arrived
            raise
    if len(content) > limit and not refused:
        raise TooLarge(f"the answer is larger than {max_bytes} bytes", reply.status)
    return bytes(content[:limit])


def _words(error: Exception) -> str:
    return f"{type(error).__name__.lstrip('_')}: {error}" if str(error) else type(error).__name__
