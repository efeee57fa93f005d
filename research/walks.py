"""Several walks over the same recording at once: it is read, and asked about, one time.

Each walk has a thread of its own and takes events as it comes to them; who is ahead waits. So what is in memory does
not grow with the recording, and no walk can see what another does.
"""

import queue
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from research.arms import Arm
from research.baselines import POLICY, RANDOM
from research.chance import random_entries
from research.looking import Looking
from research.near import Asked, Near
from research.plan import WalkPlan
from research.rows import TradeRow
from research.statistics.decomposition import Quote
from research.types import Answers, Defects, RecordedEvent
from research.walk import walk

_AHEAD: Final = 8
"""Events that wait for a walk."""
_LOOK_SECONDS = 0.5


class _Stopped(Exception):
    """Nobody wants to know any more what a walk comes to."""


@dataclass(slots=True)
class Walked:
    """What one walk came to."""

    looking: Looking
    """What became of the forecasts that it looked at."""
    rows: list[TradeRow] = field(default_factory=list)
    exits: dict[TradeRow, Quote] = field(default_factory=dict)
    """Quotes at the exits of trades that sold, where both sides were there."""
    defects: Defects = field(default_factory=Defects)


class Walks:
    """Walks under way; a context manager, whose end stops those that are not done.

    Args:
        plan: How the policy is walked.
        beside: Other arms; their names differ. With any, random entries are drawn as well.
        seed: Of random entries.
    """

    def __init__(self, plan: WalkPlan, beside: Sequence[Arm], seed: int) -> None:
        arms = (POLICY, *beside)
        self._plan, self._seed, self._stopped = plan, seed, False
        self._random = Walked(Looking(plan.settings)) if beside else None
        self._queues: dict[str, queue.Queue[Asked | None]] = {arm.name: queue.Queue(_AHEAD) for arm in arms}
        self._pool = ThreadPoolExecutor(len(arms), thread_name_prefix="walk")
        self._futures: dict[str, Future[Walked]] = {arm.name: self._pool.submit(self._walk, arm) for arm in arms}

    def __enter__(self) -> "Walks":
        """Let walks be given events."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what still runs."""
        self._stopped = True
        self._pool.shutdown(cancel_futures=True)

    def take(self, event: RecordedEvent, answers: Answers) -> None:
        """Give an event to every walk; waits for the slowest. Raises what a walk raised."""
        for name in self._queues:
            self._put(name, (event, answers))

    def finish(self) -> Mapping[str, Walked]:
        """Wait for all, and return what they came to by name, the policy first. Raises what a walk raised."""
        for name in self._queues:
            self._put(name, None)
        found = {name: future.result() for name, future in self._futures.items()}
        return found if self._random is None else found | {RANDOM.name: self._random}

    def _put(self, name: str, item: Asked | None) -> None:
        while True:
            try:
                self._queues[name].put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                if self._futures[name].done():
                    self._futures[name].result()
                    raise RuntimeError(f"the walk {name} ended before its events") from None
            else:
                return

    def _walk(self, arm: Arm) -> Walked:
        plan = arm.plan(self._plan)
        found = Walked(Looking(plan.settings))
        looking, made = found.looking, defaultdict[str, list[TradeRow]](list)

        def on_over(event: RecordedEvent, answers: Answers) -> None:
            if arm is POLICY and self._random is not None:
                self._draw(self._random, made.pop(event.event_ticker, []), event, answers)

        near = Near(self._asked(arm), plan.stale_seconds, on_look=looking.look, on_over=on_over)
        for row in walk(near.events(), near, plan, found.defects, looking.watch):
            found.rows.append(row)
            made[row.event_ticker].append(row)
            if (quote := near.quote_at_exit(row)) is not None:
                found.exits[row] = quote
        near.finish()
        return found

    def _draw(self, found: Walked, made: Sequence[TradeRow], event: RecordedEvent, answers: Answers) -> None:
        found.rows += random_entries([event], answers, self._plan, found.defects, made=made, seed=self._seed)

    def _asked(self, arm: Arm) -> Iterator[Asked]:
        waiting = self._queues[arm.name]
        while True:
            if self._stopped:
                raise _Stopped
            try:
                item = waiting.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                return
            event, answers = item
            yield event, arm.answers(answers)
