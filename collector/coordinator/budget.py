"""API budgets: how many tokens a second each worker may spend. Pure; times are monotonic seconds.

Workers that name the same budget share one limit. It is divided by need: nobody gets more than it could use while
others could use more. What was promised to a worker counts until the promise has run out, whether or not the worker is
still heard of: a share is raised only into what nobody else may still be spending. So the workers of a budget stay
within it while answers are lost, a worker is cut off, or the coordinator is.

A limit that the exchange states is taken as it is. One that it does not (calls without a key) is learned: begin low,
rise slowly while all of it is used, give way at once when the exchange says "too many", and remember where that was.
"""

from dataclasses import dataclass, field, replace

from collector.types import ApiBudget, ApiShare, ApiUsage, BudgetKind

CALL = 10.0
"""Tokens of an ordinary call."""
SAFETY = 0.98
"""Part of a stated limit that is divided; the rest is for a newcomer's first call, and for clocks that differ."""
FIRST_LIMIT = 30.0
"""Tokens a second that an unstated limit is begun with: three calls."""
LEAST_LIMIT = 5.0
FLOOR = 1.0
"""Tokens a second that a worker gets at least, as far as there are as many: it can always make a call some time."""
CUT = 0.7
"""What is left of a rate that was too high."""
RISE = 0.1
"""By how much an unstated limit that is all used rises each second."""
PROBE = 0.01
"""The same near the rate that was too high before."""
RECOVERY = 0.002
"""Part of the limit that a worker's own ceiling rises by each second after it was told to slow down."""
_BURST_SECONDS = 1.0


@dataclass(slots=True)
class _Member:
    """A worker process, as its budget sees it."""

    budget: ApiBudget
    heard: float
    fresh: bool
    """Its counters began at zero when it joined."""
    usage: ApiUsage | None = None
    ceiling: float | None = None
    """Its own, after it was throttled."""
    ceiling_set: float = 0.0
    share: ApiShare | None = None
    promises: list[tuple[float, float]] = field(default_factory=list)
    """Until when it may spend how much a second; the sooner a promise ends, the larger it is."""
    latest: tuple[tuple[float, float], ...] = ()
    """Those of its last share: first for as long as it holds, then for its fallback."""

    def promise(self, until: float, rate: float, now: float) -> None:
        """Remember what it may spend."""
        if any(end >= until and more >= rate for end, more in self.promises):
            return
        kept = [(end, more) for end, more in self.promises if end > now and (end > until or more > rate)]
        self.promises = [*kept, (until, rate)]

    def left(self, now: float) -> ApiShare | None:
        """Return what is left of its last share: no longer than was promised; None if nothing is."""
        if self.share is None or not self.latest or now >= self.latest[-1][0]:
            return None
        hold = self.latest[0][0] - now
        if hold > 0:
            return replace(self.share, hold_seconds=hold)
        return replace(self.share, tokens_per_second=self.share.fallback_per_second)

    def settle(self) -> None:
        """Learn that its last share is in force: what it was promised before is void."""
        self.promises = list(self.latest)

    def may_spend(self, now: float) -> float:
        """Return the most that it may be spending now."""
        most = 0.0
        for until, rate in self.promises:
            if until > now and rate > most:
                most = rate
        return most


class _Budget:
    """One limit and the workers under it."""

    def __init__(self, hold: float, lease: float) -> None:
        self.members: dict[tuple[str, str], _Member] = {}
        self.unheard: set[str] = set()
        """Workers known from before the coordinator's start: they may be spending what it promised them then."""
        self.unheard_until = 0.0
        self._hold = hold
        self._lease = lease
        self._stated: float | None = None
        self._learned = FIRST_LIMIT
        self._too_much: float | None = None
        self._cut_at: float | None = None
        self._risen_at: float | None = None

    def limit(self) -> float:
        """Return what all workers together may spend: the least that the exchange stated, or what was learned."""
        return self._stated if self._stated is not None else self._learned

    def state(self) -> None:
        """Look at what the workers' budgets say of the limit, after they changed."""
        stated = [member.budget.refill_per_second for member in self.members.values()]
        self._stated = min((refill for refill in stated if refill is not None), default=None)

    def capacity(self) -> float:
        """Return the tokens that can be saved up in all."""
        stated = [member.budget.capacity for member in self.members.values()]
        known = [capacity for capacity in stated if capacity is not None]
        return min(known) if known else max(CALL, self.limit() * _BURST_SECONDS)

    def note(self, member: _Member, usage: ApiUsage, now: float) -> None:
        """Learn from what a worker says that it used."""
        before, member.usage = member.usage, usage
        told_before = before.throttled if before else 0
        if usage.throttled <= told_before or (before is None and not member.fresh):
            self._rise(now)
            return
        spent = member.share.tokens_per_second if member.share else self.limit()
        member.ceiling = max(FLOOR, CUT * min(spent, self._ceiling(member, now)))
        member.ceiling_set = now
        if self._cut_at is None or now - self._cut_at >= self._hold:  # the rest of it is the same excess, still
            self._too_much = self._learned
            self._learned = max(LEAST_LIMIT, CUT * self._learned)
            self._cut_at = self._risen_at = now

    def share(self, key: tuple[str, str], now: float, *, eager: bool) -> ApiShare:
        """Divide, and promise a worker its part."""
        self._prune(now)
        member = self.members[key]
        limit = self.limit()
        active = [(name, each) for name, each in self.members.items() if now - each.heard < self._lease]
        fair = limit / len(active)
        floor = min(FLOOR, fair * SAFETY)
        needs = {name: max(floor, min(_need(each, fair), self._ceiling(each, now))) for name, each in active}
        if eager:
            needs[key] = max(needs[key], min(fair, self._ceiling(member, now)))
        rate = water_fill(needs, limit * SAFETY)[key]
        others = sum(each.may_spend(now) for name, each in self.members.items() if each is not member)
        rate = max(0.0, min(rate, limit - others))
        if self._waits(key[0], now):
            rate = min(rate, max(floor, member.usage.tokens_per_second if member.usage else 0.0))
        # Half, so that a newcomer finds room although those before it may fall back on theirs for a whole lease.
        fallback = min(rate, fair * SAFETY / 2)
        member.latest = ((now + self._hold, rate), (now + self._lease, fallback))
        for until, most in member.latest:
            member.promise(until, most, now)
        burst = max(CALL, self.capacity() * rate / limit) if rate > 0 else 0.0
        member.share = ApiShare(rate, burst, self._hold, fallback)
        return member.share

    def _waits(self, worker_id: str, now: float) -> bool:
        self.unheard.discard(worker_id)
        return bool(self.unheard) and now < self.unheard_until

    def _rise(self, now: float) -> None:
        """Let an unstated limit rise while its workers use all of it and could use more."""
        last, self._risen_at = self._risen_at, now
        if last is None or (self._cut_at is not None and now - self._cut_at < 2 * self._hold):
            return
        used = sum(each.usage.tokens_per_second for each in self.members.values() if each.usage)
        wanted = sum((each.usage.wanted_per_second or 0.0) for each in self.members.values() if each.usage)
        if wanted <= self._learned or used < 0.8 * self._learned:
            return
        near = self._too_much is not None and self._learned >= 0.9 * self._too_much
        self._learned += (PROBE if near else RISE) * min(now - last, self._hold)
        if self._too_much is not None and self._learned > self._too_much:
            self._too_much = None  # it bears more than it did

    def _ceiling(self, member: _Member, now: float) -> float:
        if member.ceiling is None:
            return float("inf")
        ceiling = member.ceiling + RECOVERY * self.limit() * (now - member.ceiling_set)
        if ceiling >= self.limit():
            member.ceiling = None
        return ceiling

    def _prune(self, now: float) -> None:
        gone = [
            name for name, each in self.members.items() if now - each.heard >= self._lease and not each.may_spend(now)
        ]
        for name in gone:
            del self.members[name]
        if gone:
            self.state()


class Budgets:
    """All budgets. Soft: after a restart what is promised is learned anew.

    Args:
        hold: Seconds that a share holds.
        lease: Seconds after which a worker that hears nothing has stopped all work.
    """

    def __init__(self, hold: float, lease: float) -> None:
        self._hold = hold
        self._lease = max(hold, lease)
        self._budgets: dict[tuple[BudgetKind, str], _Budget] = {}
        self._of: dict[str, tuple[tuple[BudgetKind, str], str]] = {}

    def expect(self, worker_id: str, budget: ApiBudget, now: float) -> None:
        """Reckon, after a restart, with a worker that may still hold a share from before."""
        known = self._budget((budget.kind, budget.budget_id))
        known.unheard.add(worker_id)
        known.unheard_until = now + self._hold

    def join(self, worker_id: str, instance: str, budget: ApiBudget, now: float, *, fresh: bool = False) -> None:
        """Take a worker process in, or hear of it again; an earlier one may spend on until its promises have run out.

        Args:
            worker_id: Name of the node.
            instance: The process.
            budget: That it spends.
            now: Monotonic.
            fresh: Its counters began at zero just now.
        """
        where = (budget.kind, budget.budget_id)
        if self._of.get(worker_id, (where, instance)) != (where, instance):
            self._retire(worker_id, now)
        self._of[worker_id] = (where, instance)
        members = self._budget(where).members
        member = members.get((worker_id, instance))
        if member is None:
            members[worker_id, instance] = _Member(budget, now, fresh)
            self._budgets[where].state()
        else:
            changed, member.budget, member.heard = member.budget != budget, budget, now
            if changed:
                self._budgets[where].state()

    def leave(self, worker_id: str) -> None:
        """Forget a worker whose process has ended: it spends nothing more."""
        where, instance = self._of.pop(worker_id, (None, ""))
        if where is not None:
            self._budgets[where].members.pop((worker_id, instance), None)
            self._budgets[where].state()

    def note(self, worker_id: str, usage: ApiUsage, now: float) -> None:
        """Hear what a worker used. It must have joined."""
        where, instance = self._of[worker_id]
        budget = self._budgets[where]
        member = budget.members.get((worker_id, instance))
        if member is not None:
            budget.note(member, usage, now)

    def settle(self, worker_id: str) -> None:
        """Hear that a worker goes by the last share it was given; of one that has not joined nothing is known."""
        if worker_id not in self._of:
            return
        where, instance = self._of[worker_id]
        if (member := self._budgets[where].members.get((worker_id, instance))) is not None:
            member.settle()

    def share(self, worker_id: str, now: float, *, eager: bool = False) -> ApiShare:
        """Give a worker its share of now. It must have joined.

        Args:
            worker_id: Whose.
            now: Monotonic.
            eager: It was given work just now that it did not know of when it said what it wants.
        """
        where, instance = self._of[worker_id]
        return self._budgets[where].share((worker_id, instance), now, eager=eager)

    def last_share(self, worker_id: str) -> ApiShare | None:
        """Return the share that a worker was last given; None if none was, or its promises are long over."""
        where, instance = self._of.get(worker_id, (None, ""))
        member = self._budgets[where].members.get((worker_id, instance)) if where is not None else None
        return member.share if member is not None else None

    def share_left(self, worker_id: str, now: float) -> ApiShare | None:
        """Return what is left of that share, for a worker that asks again: spans count from when it asked last."""
        where, instance = self._of.get(worker_id, (None, ""))
        member = self._budgets[where].members.get((worker_id, instance)) if where is not None else None
        return member.left(now) if member is not None else None

    def _budget(self, where: tuple[BudgetKind, str]) -> _Budget:
        return self._budgets.setdefault(where, _Budget(self._hold, self._lease))

    def _retire(self, worker_id: str, now: float) -> None:
        where, instance = self._of[worker_id]
        member = self._budgets[where].members.get((worker_id, instance))
        if member is not None:
            member.heard = now - self._lease  # it counts by its promises, and needs nothing


def water_fill(needs: dict[tuple[str, str], float], limit: float) -> dict[tuple[str, str], float]:
    """Divide a limit: everyone gets its need, or an equal part of what is left by those who need less."""
    parts: dict[tuple[str, str], float] = {}
    left = limit
    for done, (name, need) in enumerate(sorted(needs.items(), key=lambda item: item[1])):
        parts[name] = min(need, left / (len(needs) - done))
        left -= parts[name]
    return parts


def _need(member: _Member, fair: float) -> float:
    if member.usage is None:
        return fair
    if member.usage.wanted_per_second is not None:
        return member.usage.wanted_per_second
    return member.share.tokens_per_second if member.share else fair
