"""What every request has to be before anything of it is read, and the headers of every answer. Pure ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_TYPES: Final = (b"application/proto", b"application/json", b"application/connect+", b"application/grpc-web")
_HEADERS: Final = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Lets through what comes from the page itself.

    Args:
        app: What is guarded.
        hosts: `host:port` under which this is known. Another name in the request is one that somebody else has made
            point here.
    """

    def __init__(self, app: App, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refused = self._why_not(scope["method"], headers)

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        if refused is None:
            await self._app(scope, receive, answer)
        else:
            await plain(answer, *refused)

    def _why_not(self, method: str, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if host not in self._hosts:
            return 421, "this is no name of this server"
        if method == "POST":
            origin = urlsplit(headers.get(b"origin", b"").decode("latin-1"))
            if b"origin" in headers and origin.netloc != host:
                return 403, "another site may not ask"
            if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
                return 403, "another site may not ask"
            if not headers.get(b"content-type", b"").startswith(_TYPES):
                return 415, "no content type of a call"
        elif method not in ("GET", "HEAD"):
            return 405, "GET for the page, POST for calls"
        return None


async def plain(send: Send, code: int, words: str) -> None:
    """Answer with a line of text."""
    body = words.encode() + b"\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": code, "headers": [*headers, (b"cache-control", b"no-store")]})
    await send({"type": "http.response.body", "body": body})
