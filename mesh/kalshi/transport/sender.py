"""One signed request and its answer, read for what it teaches: the exchange's time, refusals, the record in it."""

import re
from typing import Protocol, TypeVar

import aiohttp
import msgspec
from yarl import URL

from mesh.clock import Clock
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import ClockSkewed, ExchangeError, RateLimited, UnexpectedReply
from mesh.kalshi.transport.attempt import Answer, attempt
from mesh.kalshi.transport.buckets import TokenBucket
from mesh.kalshi.transport.refusals import read_fault, refusal, retry_seconds
from mesh.kalshi.transport.server_clock import ServerClock
from mesh.kalshi.transport.signing import Signer

_FIELD = re.compile(r"at `(\$[^`]*)`")  # in msgspec's messages

T = TypeVar("T")


class Decode(Protocol):
    """Reads JSON as a type; raises msgspec.DecodeError, which names the field."""

    def __call__(self, raw: bytes, kind: type[T], /) -> T:
        """Read one reply."""
        ...


class Sender:
    """Sends requests in one account's name, or nobody's.

    Attributes:
        session: Also for the WebSocket.
        server_clock: The exchange's time.
    """

    def __init__(
        self,
        config: KalshiConfig,
        session: aiohttp.ClientSession,
        *,
        signer: Signer | None,
        decode: Decode,
        clock: Clock,
    ) -> None:
        self.session = session
        self.server_clock = ServerClock(clock)
        self._config = config
        self._signer = signer
        self._decode = decode
        self._clock = clock

    async def sign(self, method: str, path: str) -> dict[str, str]:
        """Return the headers that prove who asks; none without a key. The path is complete, `/trade-api` included."""
        if self._signer is None:
            return {}
        return await self._signer.headers(method, path, self.server_clock.timestamp_ms())

    async def send(self, method: str, url: URL, body: bytes | None = None, *, silence_seconds: float) -> Answer:
        """Send once. Raises Unsent or Lost."""
        headers = await self.sign(method, url.raw_path)
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = await attempt(
            self.session,
            self._clock,
            method,
            url,
            headers=headers,
            body=body,
            connect_seconds=self._config.connect_seconds,
            silence_seconds=silence_seconds,
            max_bytes=self._config.max_reply_bytes,
        )
        if answer.headers.get("Age", "0") == "0":  # else a cache repeats an old Date
            self.server_clock.observe(answer.headers.get("Date"), sent=answer.sent, received=answer.received)
        return answer

    def decoded(self, answer: Answer, reply: type[T], request: str) -> T:
        """Return the record that an answer must carry; NoneType asks for none. Raises UnexpectedReply."""
        if reply is type(None):
            return None
        try:
            return self._decode(answer.body, reply)
        except msgspec.DecodeError as error:
            problem = UnexpectedReply(
                f"{request} was answered with {answer.status} and an unusable body: {error}",
                request=request,
                status=answer.status,
            )
            field = _FIELD.search(str(error))
            problem.field = field[1] if field else ""
            raise problem from error

    def refusal(self, answer: Answer, request: str, bucket: TokenBucket) -> ExchangeError:
        """Return the error that an answer means, and let bucket and clock learn from it."""
        date = answer.headers.get("Date")
        asked = retry_seconds(answer.headers.get("Retry-After"), date)
        error = refusal(answer.status, read_fault(answer.body), request, retry_after=asked)
        if isinstance(error, RateLimited):
            error.retry_after = bucket.throttled(answer.sent, asked)
            return error
        bucket.passed(answer.sent)
        if isinstance(error, ClockSkewed):
            self.server_clock.observe(date, sent=answer.sent, received=answer.received, decisive=True)
            error.measured(self.server_clock.offset_seconds)
        return error
