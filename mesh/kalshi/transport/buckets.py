"""A token bucket, as the exchange counts requests: shared by all callers of a process, who queue by urgency.

A bucket refills continuously. A request takes its cost at once or waits its turn: more urgent first, then first come
first served. A cheap request never overtakes a dear one that came before it, so nobody of equal urgency starves.

A coordinator may give a process less than the account has (`set_budget`). The smaller budget then sets the pace; a
request that is dearer than the budget's burst waits for a full bucket and leaves a debt, and only what the account
itself could never pay is refused.
"""

import asyncio
import math
import random
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from enum import IntEnum

from mesh import log
from mesh.clock import Clock
from mesh.kalshi.errors import NoBudget, TooExpensive

_SHORTEST_NAP = 1e-4  # seconds; what a clock can resolve with certainty
_LONGEST_NAP = 1.0  # seconds; a budget that is raised is noticed within this
_TINY = 1e-9  # tokens; what rounding may leave missing
_TOLD = 0.001  # seconds; shorter waits are not worth telling
_FIRST_BACKOFF = 0.5  # seconds after the first 429
_LONGEST_BACKOFF = 8.0  # the exchange refills every bucket within 3 s; an exit with ordinary patience outlasts this

_log = log.get(__name__)


class Priority(IntEnum):
    """Who goes first when tokens are short."""

    EXIT = 0
    """Gets out of a risk: cancels, closing orders."""
    ENTRY = 1
    """Takes a risk."""
    RECONCILIATION = 2
    """Finds out what is so: orders, fills, positions, unknown outcomes."""
    SCAN = 3
    """Everything that can wait."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket's terms."""

    per_second: float
    """Tokens of refill a second; 0 lets nothing pass."""
    capacity: float
    """Tokens that it can hold."""


@dataclass(slots=True)
class Usage:
    """What went through a bucket since the process started."""

    calls: int = 0
    tokens: float = 0.0
    throttled: int = 0
    """Calls answered 429."""
    failed: int = 0
    """Calls that got no usable answer: server errors, timeouts, broken connections."""


@dataclass(slots=True, order=True)
class _Ticket:
    priority: Priority
    number: int
    cost: float = field(compare=False)
    deadline: float = field(compare=False)
    came: float = field(compare=False)
    overtaken: int = field(compare=False, default=0)
    """More urgent requests that were before it, or came and went before it."""
    turn: asyncio.Event = field(compare=False, default_factory=asyncio.Event)
    hopeless: float | None = field(compare=False, default=None)
    """Seconds that it would have to wait, once that is more than it has."""


class TokenBucket:
    """One bucket of one account or address.

    Args:
        name: For errors and logs.
        rate: The account's terms.
        clock: Monotonic time.
        dice: Spreads what follows a 429.
        lateness: Seconds by which a request may take longer to the exchange than those after it. The exchange's full
            bucket begins to refill when the first request of a burst arrives, not when it leaves; without this margin
            a burst over a fresh connection ends in a 429.
    """

    def __init__(
        self, name: str, rate: Rate, clock: Clock, dice: random.Random | None = None, *, lateness: float = 0.0
    ) -> None:
        self.name = name
        self.usage = Usage()
        self._clock = clock
        self._lateness = lateness
        self._dice = dice or random.Random()  # noqa: S311  spreads retries, keeps no secret
        self._account = rate
        self._budget: Rate | None = None
        self._tokens = rate.capacity
        self._refilled = clock.monotonic()
        self._closed_until = -math.inf
        self._throttled_at = -math.inf
        self._throttles = 0
        self._queue: list[_Ticket] = []
        self._queued_cost = 0.0
        self._numbers = 0

    @property
    def rate(self) -> Rate:
        """The terms in force: the account's, or the budget where that is smaller."""
        if self._budget is None:
            return self._account
        return Rate(
            min(self._account.per_second, self._budget.per_second), min(self._account.capacity, self._budget.capacity)
        )

    @property
    def tokens(self) -> float:
        """Tokens that are there now; negative is a debt."""
        self._refill()
        return self._tokens

    def set_account(self, rate: Rate) -> None:
        """Take what the exchange says the account has."""
        self._change(rate, self._budget)

    def set_budget(self, budget: Rate | None) -> None:
        """Take the share of the account that this process may use; None is all of it."""
        self._change(self._account, budget)

    async def take(self, cost: float, priority: Priority, deadline: float = math.inf, request: str = "") -> None:
        """Wait for a request's tokens and take them.

        Args:
            cost: Tokens.
            priority: Who goes first.
            deadline: On the clock's monotonic(); by then the tokens must have been taken.
            request: Method and path, for errors.

        Raises:
            TooExpensive: The account's bucket can never hold this many tokens.
            NoBudget: They will not be there by the deadline; raised as soon as that is known, mostly at once.
        """
        if cost > self._account.capacity:
            raise TooExpensive(
                f"{request} costs {cost:g} tokens, and the {self.name} bucket holds {self._account.capacity:g}",
                request=request,
            )
        self._numbers += 1
        ticket = _Ticket(priority, self._numbers, cost, deadline, self._clock.monotonic())
        ticket.overtaken = bisect_left(self._queue, priority, key=lambda each: each.priority)
        insort(self._queue, ticket)
        self._queued_cost += cost
        try:
            self._review(ticket)
            while (wait := self._wait(ticket, request)) > 0:
                if self._queue[0] is ticket:
                    await self._clock.sleep(min(max(wait, _SHORTEST_NAP), _LONGEST_NAP))
                else:
                    ticket.turn.clear()
                    await ticket.turn.wait()
            full = self.rate.capacity - self._lateness * self.rate.per_second
            self._tokens = min(self._tokens, full) - cost
            self.usage.calls += 1
            self.usage.tokens += cost
        finally:
            self._queue.remove(ticket)
            self._queued_cost -= cost
            if self._queue:
                self._queue[0].turn.set()

    def throttled(self, sent: float, retry_after: float | None = None) -> float:
        """Note a 429: the bucket is empty, and stays closed for a while that grows with every 429 in a row.

        Args:
            sent: Monotonic time at which the refused request was sent. Refusals of requests that were under way
                together count once.
            retry_after: Seconds that the exchange asks to wait.

        Returns:
            Seconds for which it is closed.
        """
        now = self._clock.monotonic()
        self.usage.throttled += 1
        self._refill()
        self._tokens = min(self._tokens, 0.0)
        if sent >= self._throttled_at:
            self._throttles += 1
            self._throttled_at = now
            backoff = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** min(self._throttles - 1, 16))
            self._closed_until = max(self._closed_until, now + backoff * self._dice.uniform(0.5, 1.0))
        self._closed_until = max(self._closed_until, now + (retry_after or 0.0))
        closed = self._closed_until - now
        _log.warning("the exchange counts too many requests", bucket=self.name, closed_seconds=round(closed, 3))
        self._review()
        return closed

    def passed(self, sent: float) -> None:
        """Note that a request sent then was not answered 429."""
        if sent >= self._throttled_at:
            self._throttles = 0

    def _wait(self, ticket: _Ticket, request: str) -> float:
        """Return seconds until the ticket may go; only the first in the queue can get 0."""
        if ticket.hopeless is not None:
            finite = math.isfinite(ticket.hopeless)
            raise NoBudget(
                f"{request} {self._waits(ticket, ticket.hopeless)}",
                request=request,
                retry_after=ticket.hopeless if finite else None,
            )
        if self._queue[0] is not ticket:
            return math.inf
        if (late := self._clock.monotonic() - ticket.deadline) > 0:  # this process was held up
            raise NoBudget(f"{request} is {late:.3g} s too late: this process was held up", request=request)
        return self._behind(0.0, ticket.cost)

    def _review(self, newest: _Ticket | None = None) -> None:
        """Find tickets that can no longer be served in time, and wake them to say so."""
        now = self._clock.monotonic()
        if newest is not None and self._queue[-1] is newest:  # nobody else's wait changes
            ahead, tickets = self._queued_cost - newest.cost, [newest]
        else:
            ahead, tickets = 0.0, list(self._queue)
            for ticket in tickets[bisect_left(tickets, newest) + 1 :] if newest is not None else ():
                ticket.overtaken += 1
        for ticket in tickets:
            wait = self._behind(ahead, ticket.cost)
            if now + wait > ticket.deadline:
                ticket.hopeless = wait
                ticket.turn.set()
            else:
                ahead += ticket.cost

    def _waits(self, ticket: _Ticket, left: float) -> str:
        """Say how long a ticket has waited, how much longer it would, and for what."""
        now = self._clock.monotonic()
        waited, more = now - ticket.came, f"{left:.3g} s" if math.isfinite(left) else "for ever"
        tokens = f"for its {ticket.cost:g} {self.name} tokens"
        said = f"would wait {more} {tokens}"
        if waited >= _TOLD:
            said = f"waited {waited:.3g} s {tokens} and would wait {more} more"
        causes = [f"{ticket.overtaken} more urgent requests go first"] if ticket.overtaken else []
        if (closed := self._closed_until - now) > 0:
            causes.append(f"the exchange counts too many and is asked nothing for {closed:.3g} s")
        return f"{said}: {', '.join(causes)}" if causes else said

    def _behind(self, ahead: float, cost: float) -> float:
        """Return seconds until this many tokens, or a full bucket where that is less, follow those ahead."""
        self._refill()
        rate = self.rate
        if rate.per_second <= 0:
            return math.inf
        short = ahead + min(cost, rate.capacity) - self._tokens
        closed = max(0.0, self._closed_until - self._clock.monotonic())
        return closed + (short / rate.per_second if short > _TINY else 0.0)

    def _refill(self) -> None:
        now = self._clock.monotonic()
        rate = self.rate
        # Nothing is saved up while the bucket is closed: all who waited would else set off at once.
        seconds = max(0.0, now - max(self._refilled, self._closed_until))
        self._tokens = min(rate.capacity, self._tokens + seconds * rate.per_second)
        self._refilled = now

    def _change(self, account: Rate, budget: Rate | None) -> None:
        self._refill()  # at the old rate until now
        self._account, self._budget = account, budget
        self._refill()
        self._review()
