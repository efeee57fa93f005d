"""One call's histories on their way through the engine: what came in, what waits, what is answered and not yet read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, get_args

from forecast_server.policy import Policy
from forecast_server.types import (
    BelowThreshold,
    Expired,
    ExpiredReason,
    Failed,
    Forecast,
    History,
    NoForecast,
    Outcome,
    Question,
    Rejected,
    Signal,
    Terms,
    Verdict,
)
from forecast_server.work import Lane, Work

UNREAD_ANSWERS = 1024
"""Answers that may be ready and unread before nothing more is computed for a scan."""
_UNREAD_NUMBERS, _LEAST_UNREAD = 4_000_000, 64
"""Long ones are fewer: numbers of their paths together, and answers at least."""


class Scan:
    """What a call asked, and everything that became of it."""

    def __init__(
        self,
        question: Question,
        terms: Terms,
        policy: Policy,
        lane: "Lane[Scan]",
        *,
        name: str,
        read_within: float,
        resumed: Callable[[], None],
    ) -> None:
        """State what is asked, and by whom.

        Args:
            question: Of every history.
            terms: What all answers share.
            policy: By which forecasts are judged.
            lane: Whose turn the scan's work takes.
            name: As the caller calls it; may be empty.
            read_within: Seconds that answers may be left unread.
            resumed: Told when a caller that was held back reads again.
        """
        self.name = name
        self.question, self.terms, self.policy = question, terms, policy
        self.lane = lane
        self.waiting: set[Work[Scan]] = set()
        self.closed = False
        """Nobody reads it any more."""
        self.superseded = False
        self.received = self.answered = self.cached = 0
        self.counts: dict[type, int] = dict.fromkeys(get_args(Verdict), 0)
        self.began = monotonic()
        self.first_answer: float | None = None
        """Seconds from the beginning to the first answer."""
        self._read_within, self._resumed = read_within, resumed
        self._unread: deque[list[Outcome]] = deque()
        self._unread_answers = 0
        numbers = question.horizon_steps * (1 + len(question.quantile_levels))
        self._most_unread = max(_LEAST_UNREAD, min(UNREAD_ANSWERS, _UNREAD_NUMBERS // numbers))
        self._unread_since = self.began
        self._given = 0.0  # when the reader was given what it is still sending
        self._problem: Exception | None = None
        self._reader: asyncio.Task[Any] | None = None
        self._complete = self._wrong = False
        self._changed = asyncio.Event()

    @property
    def completed(self) -> bool:
        """Whether everything came in, and nothing was wrong with it."""
        return self._complete and not self._wrong

    @property
    def seconds(self) -> float:
        """How long it has been open."""
        return monotonic() - self.began

    @property
    def held_back(self) -> bool:
        """Whether nothing more is to be computed until the caller has read what it has."""
        return self._unread_answers >= self._most_unread

    @property
    def unread_seconds(self) -> float:
        """How long nothing has been read although there is something to read."""
        waiting = [since for since, there in ((self._unread_since, self._unread), (self._given, self._given)) if there]
        return monotonic() - min(waiting) if waiting else 0.0

    def give_up(self) -> None:
        """End a call that has left its answers unread for twice as long as it may."""
        if self._reader is not None and self.unread_seconds > 2 * self._read_within:
            self._reader.cancel()

    def expiry(self, now: datetime, *, draining: bool) -> ExpiredReason | None:
        """Say why nobody would use an answer computed now, or None."""
        if self.superseded:
            return ExpiredReason.SUPERSEDED
        if self.question.useful_until is not None and now >= self.question.useful_until:
            return ExpiredReason.USEFUL_UNTIL
        if self.held_back and self.unread_seconds > self._read_within:
            return ExpiredReason.UNREAD
        return ExpiredReason.DRAINING if draining else None

    def answer(self, histories: Sequence[History], verdicts: Sequence[Verdict]) -> None:
        """Answer histories, in order."""
        if not histories:
            return
        for verdict in verdicts:
            self.counts[type(verdict)] += 1
        self._put([(one.index, one.market_ticker, verdict) for one, verdict in zip(histories, verdicts, strict=True)])

    def reject(self, rejected: list[Outcome]) -> None:
        """Answer inputs that broke the contract's own rules and never became histories."""
        self.received += len(rejected)
        self.counts[Rejected] += len(rejected)
        if rejected:
            self._put(rejected)

    def complete(self, problem: Exception | None = None) -> None:
        """Nothing more will come in: the caller is done, or what it sent is a problem that ends the call."""
        self._complete, self._problem, self._wrong = True, problem, problem is not None
        self._changed.set()

    async def answers(self) -> AsyncIterator[list[Outcome]]:
        """Give answers as they become ready, until every input of a complete scan is answered.

        Raises:
            Exception: what `complete` was told.
        """
        self._reader = asyncio.current_task()
        while True:
            while self._unread:
                outcomes, held_back = self._unread.popleft(), self.held_back
                self._unread_answers -= len(outcomes)
                self._unread_since = monotonic()
                if held_back and not self.held_back:
                    self._resumed()
                self._given = monotonic()
                yield outcomes
                self._given = 0.0
            if self._problem is not None:
                problem, self._problem = self._problem, None  # its traceback holds us: together we would stay for long
                raise problem
            if self._complete and self.answered == self.received:
                return
            self._changed.clear()
            await self._changed.wait()

    def count(self, *kinds: type) -> int:
        """Count the verdicts of some kinds."""
        return sum(self.counts[kind] for kind in kinds)

    def account(self) -> dict[str, int]:
        """Account for every input: the counts after the first sum to it."""
        return {
            "inputs": self.received,
            "signals": self.count(Signal, Forecast),
            "no_signals": self.count(BelowThreshold, NoForecast),
            "rejected": self.count(Rejected),
            "expired": self.count(Expired),
            "failed": self.count(Failed),
        }

    def _put(self, outcomes: list[Outcome]) -> None:
        if self.first_answer is None:
            self.first_answer = monotonic() - self.began
        self.answered += len(outcomes)
        if not self._unread:
            self._unread_since = monotonic()
        self._unread.append(outcomes)
        self._unread_answers += len(outcomes)
        self._changed.set()
