"""One call for candles: made within the budget, and read for what its failure means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from collector.planning import Ask, Tier
from mesh.clock import Clock
from mesh.errors import Denied, NotReady, Unauthenticated, Unavailable, Unsupported
from mesh.kalshi.client import KalshiClient
from mesh.kalshi.errors import ExchangeError, NoBudget, ObjectNotFound, OutOfTime, RateLimited, UnexpectedReply
from mesh.kalshi.rest.candle_plan import CallCosts
from mesh.kalshi.rest.price_wire import Candle
from mesh.kalshi.rest.reading import Urgency
from mesh.kalshi.transport.buckets import Priority
from mesh.shards import HoleReason

_MOST_DETAIL = 240  # bytes

Found = Mapping[str, tuple[Candle, ...]]
"""Candles by market; a market that the tier does not know is not there."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that brought no candles."""

    reason: HoleReason
    detail: str
    """In words, at most 240 bytes."""
    starved: bool = False
    """Nothing was sent: the budget did not allow it."""


class CandleCalls:
    """Makes calls for candles, for all leases of a process.

    Args:
        client: The exchange.
        clock: The one that the client was made with.
        seconds: What one call may take from having its tokens to its answer, the client's own retries included.

    Attributes:
        answers: Calls answered so far.
    """

    def __init__(self, client: KalshiClient, clock: Clock, seconds: float) -> None:
        self.answers = 0
        self._seconds = seconds
        self._client = client
        self._clock = clock
        self._under_way = 0.0

    def costs(self) -> CallCosts:
        """Return what calls cost, in tokens."""
        return self._client.candles.costs()

    def cost(self, ask: Ask) -> int:
        """Return what one call costs, in tokens."""
        costs = self.costs()
        return costs.batch if ask.call.batch else costs.single

    async def make(self, ask: Ask, step_minutes: int, attempts: int | None = None) -> Found | Failure:
        """Make a call.

        Args:
            ask: What is asked.
            step_minutes: Length of a candle.
            attempts: Most that may stay without an answer, see `Urgency`.

        Raises:
            Unauthenticated: The exchange does not accept the key.
            Denied: It may not read.
            Unsupported: The endpoint is gone.
        """
        cost = self.cost(ask)
        self._under_way += cost
        try:
            found = await self._asked(ask, step_minutes, self.urgency(attempts))
        except ExchangeError as error:
            return _failure(error)
        finally:
            self._under_way -= cost
        self.answers += 1
        return found

    def urgency(self, attempts: int | None = None) -> Urgency:
        """Return the urgency of a call that is made now: its deadline counts from its turn in the bucket."""
        bucket = self._client.transport.limits.read
        rate = bucket.rate.per_second
        wait = max(0.0, self._under_way - bucket.tokens) / rate if rate > 0 else 0.0
        return Urgency(Priority.SCAN, self._clock.monotonic() + wait + self._seconds, attempts)

    async def _asked(self, ask: Ask, step_minutes: int, urgency: Urgency) -> Found:
        call = ask.call
        if ask.tier is Tier.LIVE:
            planned = self._client.candles.planned([call], step_minutes, urgency=urgency)
            [(_, found)] = [answer async for answer in planned]
            return found
        (ticker,) = call.tickers
        first, last = datetime.fromtimestamp(call.start_ts, UTC), datetime.fromtimestamp(call.end_ts, UTC)
        try:
            return {
                ticker: tuple(await self._client.historical.candles(ticker, first, last, step_minutes, urgency=urgency))
            }
        except ObjectNotFound:
            return {}


def _failure(error: ExchangeError) -> Failure:
    """Say what a failure means for the markets that were asked for; raise it if it is everybody's."""
    detail = words(error.message)
    match error:
        case Unauthenticated() | Denied() | Unsupported():
            raise error
        case NoBudget():
            return Failure(HoleReason.RATE_LIMITED, detail, starved=True)
        case RateLimited():
            return Failure(HoleReason.RATE_LIMITED, detail)
        case OutOfTime():
            return Failure(HoleReason.TIMED_OUT, detail)
        case UnexpectedReply():
            return Failure(HoleReason.INVALID_DATA, detail)
        case Unavailable() | NotReady():
            return Failure(HoleReason.UNAVAILABLE, detail)
        case _:
            return Failure(HoleReason.REFUSED, detail)


def words(text: str) -> str:
    """Cut a text to what a hole may say."""
    return text.encode()[:_MOST_DETAIL].decode(errors="ignore")
