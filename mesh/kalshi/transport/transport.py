"""Requests to the exchange: signed, paced, bounded, and honest about what became of them.

A read is tried again with growing, random pauses until its deadline. A write is sent exactly once: what comes of it is
an answer, a refusal (raised), the certainty that nothing was sent (raised), or an `OutcomeUnknown` (returned).
"""

import asyncio
import importlib.metadata
import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec
import tenacity
from yarl import URL

from mesh import log
from mesh.clock import Clock, SystemClock
from mesh.config import ConfigError
from mesh.errors import Overloaded, Unavailable
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import (
    ClockSkewed,
    ExchangeError,
    NoAnswer,
    NoBudget,
    NotConnected,
    OutcomeUnknown,
    OutOfTime,
    UnexpectedReply,
)
from mesh.kalshi.transport.attempt import Answer, Lost, TooLarge, Unsent, never_twice
from mesh.kalshi.transport.buckets import Priority, TokenBucket
from mesh.kalshi.transport.limits import Limits
from mesh.kalshi.transport.paths import Params, url_of
from mesh.kalshi.transport.sender import Decode, Sender
from mesh.kalshi.transport.signing import load_signer

_OK = range(200, 300)
_REFUSED = range(400, 500)
_REQUEST_TIMEOUT = 408  # some proxy gave up; what it passed on before is not known
_MOST_LESSONS = 2  # times that one read is refused for its timestamp before the caller hears of it
_jittered = tenacity.wait_random_exponential(multiplier=0.25, max=5.0)  # random up to a bound that doubles

_log = log.get(__name__)

T = TypeVar("T")


class Transport:
    """Sends requests to one exchange on behalf of one account, or of nobody. Make it with `connecting`.

    Attributes:
        limits: The buckets that all requests of this account go through.
        sender: Signs, and knows the exchange's time; for the WebSocket.
    """

    def __init__(self, config: KalshiConfig, sender: Sender, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self.sender = sender
        self._config = config
        self._base = URL(config.rest_url, encoded=True)
        self._clock = clock

    async def get(
        self,
        path: str,
        params: Params,
        reply: type[T],
        *,
        priority: Priority,
        deadline: float | None = None,
        attempts: int | None = None,
        statuses: Collection[int] = (),
    ) -> T:
        """Read something, trying again while the exchange is unavailable or overloaded and there is time.

        A read that was refused for its timestamp is tried again with the time that the refusal told.

        Args:
            path: Below `/trade-api/v2`, ids in it as they are.
            params: Query.
            reply: What the answer is.
            priority: Who goes first when tokens are short.
            deadline: When the caller stops waiting, on the clock's monotonic(); None is `read_seconds` from now.
            attempts: Most of them that the exchange may leave without an answer; None is any number until the deadline.
                Being asked to slow down does not count.
            statuses: Statuses besides 2xx that may carry such an answer.

        Raises:
            ExchangeError: A refusal, NoBudget, or what still stood in the way when time ran out.
        """
        request = f"GET {path}"
        url = url_of(self._base, path, params)
        bucket, cost = self.limits.price("GET", path)
        until = self._clock.monotonic() + self._config.read_seconds if deadline is None else deadline

        earlier: BaseException | None = None

        async def once() -> T:
            if self._clock.monotonic() >= until:
                # Where the pause took too long, what stood in the way before it is the problem.
                raise earlier or OutOfTime(f"{request}: the deadline has passed", request=request)
            await bucket.take(cost, priority, until, request)
            answer = await self._read(request, url, bucket, until)
            if answer.status in statuses:
                with suppress(UnexpectedReply):  # then it is an ordinary failure with that status
                    found = self.sender.decoded(answer, reply, request)
                    bucket.passed(answer.sent)
                    return found
            if answer.status not in _OK:
                problem = self.sender.refusal(answer, request, bucket)
                bucket.usage.failed += isinstance(problem, Unavailable)
                raise problem
            bucket.passed(answer.sent)
            return self.sender.decoded(answer, reply, request)

        lessons = unanswered = 0

        def passes(problem: BaseException) -> bool:
            """Tell whether a read that failed this way may succeed later."""
            nonlocal lessons, unanswered
            if isinstance(problem, ClockSkewed) and problem.offset_seconds is not None:
                lessons += 1  # the refusal told the exchange's time, which the next attempt carries
                return lessons <= _MOST_LESSONS
            if isinstance(problem, Overloaded):
                return not isinstance(problem, NoBudget)
            unanswered += 1
            return isinstance(problem, Unavailable) and (attempts is None or unanswered < attempts)

        def again(state: tenacity.RetryCallState) -> None:
            nonlocal earlier
            earlier = _problem(state)
            _log.info("read is tried again", wait_seconds=round(state.upcoming_sleep, 3), problem=str(earlier))

        retrying = tenacity.AsyncRetrying(
            sleep=self._clock.sleep,
            retry=tenacity.retry_if_exception(passes),
            wait=_pause,
            stop=lambda state: self._clock.monotonic() + state.upcoming_sleep >= until,
            before_sleep=again,
            reraise=True,
        )
        try:
            return await retrying(once)
        except (NoBudget, OutOfTime) as error:
            raise _with_earlier(error, earlier) from earlier

    async def write(
        self,
        method: str,
        path: str,
        params: Params,
        body: msgspec.Struct | None,
        reply: type[T],
        *,
        priority: Priority,
        items: int = 1,
        deadline: float | None = None,
        timeout: float | None = None,
        client_order_id: str | None = None,
        order_id: str | None = None,
    ) -> T | OutcomeUnknown:
        """Change something, in exactly one attempt.

        It takes at most the wait for tokens, `connect_seconds` and `timeout` together. A call that is cancelled may
        have been done or not, like an unknown outcome.

        Args:
            method: POST, PUT or DELETE.
            path: Below `/trade-api/v2`, ids in it as they are.
            params: Query.
            body: Sent as JSON.
            reply: What the answer is; NoneType where it has no body.
            priority: Who goes first when tokens are short.
            items: Length of a batch, which costs as much as its items.
            deadline: When the wait for tokens must be over, on the clock's monotonic(); None is `answer_seconds` from
                now.
            timeout: Seconds that the answer may take; None is `answer_seconds`.
            client_order_id: For the OutcomeUnknown.
            order_id: For the OutcomeUnknown.

        Raises:
            ExchangeError: A refusal; or NoBudget, TooExpensive, NotConnected: nothing was sent. In all cases nothing
                was done.
        """
        request = f"{method} {path}"
        url = url_of(self._base, path, params)
        data = None if body is None else msgspec.json.encode(body)
        bucket, cost = self.limits.price(method, path, items)
        seconds = self._config.answer_seconds if timeout is None else timeout
        until = self._clock.monotonic() + self._config.answer_seconds if deadline is None else deadline
        await bucket.take(cost, priority, until, request)
        status = None
        try:
            async with asyncio.timeout(self._config.connect_seconds + seconds):
                answer = await self.sender.send(method, url, data, silence_seconds=seconds)
            status = answer.status
            if status in _OK:
                bucket.passed(answer.sent)
                return self.sender.decoded(answer, reply, request)
            problem = self.sender.refusal(answer, request, bucket)
            if status in _REFUSED and status != _REQUEST_TIMEOUT:
                raise problem
            why = problem.message
        except Unsent as error:
            bucket.usage.failed += 1
            raise NotConnected(f"{request} was not sent: {error}", request=request) from error
        except TimeoutError:
            why = f"no complete answer within {seconds:g} s"
        except Lost as error:
            why, status = str(error), error.status
        except UnexpectedReply as error:
            why = error.message
        bucket.usage.failed += 1
        _log.warning("outcome unknown", request=request, why=why, status=status, client_order_id=client_order_id)
        return OutcomeUnknown(
            request=request, why=why, status=status, client_order_id=client_order_id, order_id=order_id
        )

    async def _read(self, request: str, url: URL, bucket: TokenBucket, until: float) -> Answer:
        problem: ExchangeError
        try:
            async with asyncio.timeout(until - self._clock.monotonic()):
                return await self.sender.send("GET", url, silence_seconds=self._config.answer_seconds)
        except Unsent as error:
            problem = NotConnected(f"{request}: {error}", request=request)
        except TimeoutError:
            problem = OutOfTime(f"{request}: no complete answer before the deadline", request=request)
        except TooLarge as error:
            problem = UnexpectedReply(f"{request}: {error}", request=request, status=error.status)
        except Lost as error:
            problem = NoAnswer(f"{request}: {error}", request=request, status=error.status)
        bucket.usage.failed += 1
        raise problem


@asynccontextmanager
async def connecting(
    config: KalshiConfig, decode: Decode, *, clock: Clock | None = None, limits: Limits | None = None
) -> AsyncIterator[Transport]:
    """Talk to the exchange while the context lasts.

    Args:
        config: Which exchange, and with which key.
        decode: Reads JSON as a type.
        clock: Real time by default.
        limits: The buckets to use where several transports share an account.

    Raises:
        ConfigError: The private key or the authority's file cannot be used.
    """
    clock = clock or SystemClock()
    signer = None
    if config.key_id is not None and config.private_key_file is not None:
        signer = load_signer(config.key_id, config.private_key_file)
    if limits is None:
        limits = Limits(clock) if signer else Limits.without_key(clock, config.unauthenticated_per_second)
    async with aiohttp.ClientSession(
        # No limit: buckets bound the requests, and an exit never queues behind slow reads.
        connector=aiohttp.TCPConnector(limit=0, ssl=_trust(config.ca_file)),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"foremesh/{importlib.metadata.version('foremesh')}",
        },
        middlewares=(never_twice,),
        trust_env=False,  # a proxy from the environment would see signed requests
    ) as session:
        yield Transport(config, Sender(config, session, signer=signer, decode=decode, clock=clock), limits, clock)


def _pause(state: tenacity.RetryCallState) -> float:
    """Return seconds until the next attempt: random, and no less than the exchange asks for."""
    problem = _problem(state)
    asked = problem.retry_after if isinstance(problem, ExchangeError) else None
    return max(asked or 0.0, _jittered(state))


def _problem(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _with_earlier(error: NoBudget | OutOfTime, earlier: BaseException | None) -> NoBudget | OutOfTime:
    """Say what was wrong before the time ran out, which is only what came of it."""
    if earlier is None:
        return error
    return type(error)(f"{error.message}; before that: {earlier}", request=error.request, retry_after=error.retry_after)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whose certificates are believed: the given authority's alone, else the machine's."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # an SSLError is one
        raise ConfigError(f"kalshi.ca_file: {ca_file}: cannot be used: {error.strerror or error}") from None
