"""A worker's part of the API budget: the coordinator's share put into force, and what was used of it."""

from collections import deque
from collections.abc import Callable

from collector.types import ApiShare, ApiUsage, BudgetKind
from mesh import log
from mesh.clock import Clock
from mesh.kalshi.transport.buckets import Rate
from mesh.kalshi.transport.limits import DEFAULT_COST, Limits

_LONGEST_NAP = 1.0  # seconds; a share that is renewed meanwhile is noticed within this
_WINDOW_SECONDS = 5.0
"""Over which rates are told: heartbeats may follow each other faster than calls do."""
_MOST_WANTED = 1_000_000.0
"""That a heartbeat may ask for."""

_log = log.get(__name__)


class Pace:
    """Paces reads, which are all that a collector sends.

    Before the first share the client's own limits hold.

    Args:
        limits: The client's: `client.transport.limits`.
        clock: The one that the client was made with.
        kind: Whom the exchange counts against. An account's share is cut from what the account has; an address has no
            stated limit, so there the share is the limit, and may be above what the configuration begins with.
        queued_tokens: What the calls cost that wait to be made.
    """

    def __init__(
        self, limits: Limits, clock: Clock, kind: BudgetKind, queued_tokens: Callable[[], float] = lambda: 0
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._kind = kind
        self._queued_tokens = queued_tokens
        self._share: ApiShare | None = None
        self._until = 0.0
        self._marks = deque([(clock.monotonic(), limits.read.usage.tokens)])

    def apply(self, share: ApiShare, sent: float) -> None:
        """Put a share into force.

        Args:
            share: The coordinator's.
            sent: Monotonic time at which the call was sent that brought it.
        """
        self._share, self._until = share, sent + share.hold_seconds
        if self._clock.monotonic() < self._until:
            self._set(share.tokens_per_second, share.burst_tokens)
        else:
            self._fall_back(share)

    def check(self) -> None:
        """Fall back where the share has run out."""
        if self._share is not None and self._clock.monotonic() >= self._until:
            self._fall_back(self._share)

    async def keep(self) -> None:
        """Watch the share run out, until cancelled."""
        while True:
            self.check()
            left = self._until - self._clock.monotonic()
            await self._clock.sleep(min(left, _LONGEST_NAP) if self._share is not None else _LONGEST_NAP)

    def usage(self) -> ApiUsage:
        """Return what was used since the process started, and the rates of the last seconds.

        The rate wanted is the one at which nothing would have had to wait: what was spent and what is still queued.
        """
        used, now = self._limits.read.usage, self._clock.monotonic()
        self._marks.append((now, used.tokens))
        while len(self._marks) > 2 and self._marks[1][0] <= now - _WINDOW_SECONDS:  # noqa: PLR2004  a span has two ends
            self._marks.popleft()
        since, before = self._marks[0]
        seconds, spent = now - since, used.tokens - before
        return ApiUsage(
            calls=used.calls,
            tokens=round(used.tokens),
            throttled=used.throttled,
            failed=used.failed,
            tokens_per_second=spent / seconds if seconds > 0 else 0.0,
            wanted_per_second=min(_MOST_WANTED, (spent + self._queued_tokens()) / seconds) if seconds > 0 else None,
        )

    def _fall_back(self, share: ApiShare) -> None:
        self._share = None
        _log.warning(
            "no word from the coordinator: falling back to the agreed rate",
            tokens_per_second=share.fallback_per_second,
        )
        self._set(share.fallback_per_second, share.burst_tokens)

    def _set(self, per_second: float, burst: float) -> None:
        rate = Rate(per_second, max(burst, DEFAULT_COST))
        if self._kind is BudgetKind.PER_IP:
            self._limits.read.set_account(rate)
        else:
            self._limits.set_budget(read=rate, write=None)
