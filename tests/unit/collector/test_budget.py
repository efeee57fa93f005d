"""API budgets: nobody starves, nothing idles, and all together never spend more than there is."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.coordinator.budget import FIRST_LIMIT, LEAST_LIMIT, SAFETY, Budgets, water_fill
from collector.types import ApiBudget, ApiShare, ApiUsage, BudgetKind

HOLD, LEASE, BEAT = 15.0, 60.0, 10.0
ACCOUNT = ApiBudget(BudgetKind.PER_ACCOUNT, "main", 200.0, 600.0)
ADDRESS = ApiBudget(BudgetKind.PER_IP, "office")


@dataclass
class Spender:
    """A worker that obeys its share, as far as answers reach it."""

    budgets: Budgets
    name: str
    budget: ApiBudget = ACCOUNT
    usage: ApiUsage = field(default_factory=ApiUsage)
    share: ApiShare | None = None
    sent: float = 0.0
    """When the call went out that brought the share."""
    answered: bool = False
    """Whether the last answer came through, so that the next number follows the last."""

    def beat(self, now: float, *, wanted: float | None = None, throttled: int = 0, lost: bool = False) -> ApiShare:
        self.usage = replace(
            self.usage,
            throttled=self.usage.throttled + throttled,
            wanted_per_second=wanted,
            tokens_per_second=min(self.rate(now), wanted if wanted is not None else 1e9),
        )
        self.budgets.join(self.name, "first", self.budget, now)
        self.budgets.note(self.name, self.usage, now)
        if self.answered:
            self.budgets.settle(self.name)
        share, self.answered = self.budgets.share(self.name, now), not lost
        if not lost:
            self.share, self.sent = share, now
        return share

    def rate(self, now: float) -> float:
        """What it may spend now: nothing once its leases have run out unheard."""
        if self.share is None or now - self.sent >= LEASE:
            return 0.0
        held = now - self.sent < self.share.hold_seconds
        return self.share.tokens_per_second if held else self.share.fallback_per_second


def joined(budgets: Budgets, *names: str, budget: ApiBudget = ACCOUNT, now: float = 0.0) -> list[Spender]:
    for name in names:
        budgets.join(name, "first", budget, now, fresh=True)
    return [Spender(budgets, name, budget) for name in names]


def steady(spenders: list[Spender], now: float, rounds: int, **wanted: float) -> float:
    """Let everyone beat for some rounds; return the time after."""
    for _ in range(rounds):
        for spender in spenders:
            spender.beat(now, wanted=wanted.get(spender.name, 1000.0))
        now += BEAT
    return now


def test_who_is_alone_gets_all_but_the_reserve() -> None:
    (only,) = joined(Budgets(HOLD, LEASE), "a")
    assert only.beat(0, wanted=1000).tokens_per_second == 200 * SAFETY


def test_equals_get_equal_shares() -> None:
    spenders = joined(Budgets(HOLD, LEASE), "a", "b", "c")
    steady(spenders, 0, 8)
    assert [spender.rate(70) for spender in spenders] == [pytest.approx(200 * SAFETY / 3)] * 3


def test_who_wants_less_leaves_the_rest_to_the_others() -> None:
    spenders = joined(Budgets(HOLD, LEASE), "a", "b", "c")
    steady(spenders, 0, 8, a=10.0)
    assert [spender.rate(70) for spender in spenders] == [10.0, pytest.approx(93.0), pytest.approx(93.0)]


def test_idle_share_flows_back_when_it_is_wanted_again() -> None:
    spenders = joined(Budgets(HOLD, LEASE), "a", "b")
    now = steady(spenders, 0, 8, a=0.0)
    assert spenders[1].rate(now - BEAT) > 190
    now = steady(spenders, now, 8)
    assert [spender.rate(now - BEAT) for spender in spenders] == [pytest.approx(98.0)] * 2


def test_who_got_work_just_now_need_not_wait_to_say_so() -> None:
    budgets = Budgets(HOLD, LEASE)
    spenders = joined(budgets, "a", "b")
    now = steady(spenders, 0, 8, a=0.0, b=0.0)
    assert budgets.share("a", now).tokens_per_second == pytest.approx(1.0)
    assert budgets.share("a", now, eager=True).tokens_per_second == pytest.approx(100.0)


def test_an_idle_worker_can_always_make_a_call_some_time() -> None:
    spenders = joined(Budgets(HOLD, LEASE), "a", "b")
    steady(spenders, 0, 8, a=0.0)
    assert spenders[0].rate(70) == 1.0
    assert spenders[0].share is not None
    assert spenders[0].share.burst_tokens >= 10


def test_a_worker_that_vanished_counts_until_it_has_stopped() -> None:
    spenders = joined(Budgets(HOLD, LEASE), "a", "b")
    now = steady(spenders, 0, 8)
    gone, left = spenders
    steady([left], now, 7)
    assert left.rate(now + 60) == pytest.approx(200 * SAFETY)
    assert gone.rate(now + 60) == 0


def test_a_worker_that_left_counts_no_more_at_once() -> None:
    budgets = Budgets(HOLD, LEASE)
    spenders = joined(budgets, "a", "b")
    now = steady(spenders, 0, 8)
    budgets.leave("a")
    assert spenders[1].beat(now, wanted=1000).tokens_per_second == pytest.approx(200 * SAFETY)
    assert budgets.last_share("a") is None


def test_a_new_process_waits_for_what_the_one_before_may_still_spend() -> None:
    budgets = Budgets(HOLD, LEASE)
    (before,) = joined(budgets, "a")
    before.beat(0, wanted=1000)
    budgets.join("a", "second", ACCOUNT, 1.0, fresh=True)
    assert budgets.share("a", 1.0).tokens_per_second == pytest.approx(200 - before.rate(1.0))
    assert budgets.share("a", 20.0).tokens_per_second > 95


def test_the_least_that_is_stated_is_what_counts() -> None:
    budgets = Budgets(HOLD, LEASE)
    (one,) = joined(budgets, "a")
    joined(budgets, "b", budget=replace(ACCOUNT, refill_per_second=50.0))
    assert one.beat(0, wanted=1000).tokens_per_second <= 50


def test_budgets_of_two_accounts_and_addresses_do_not_touch() -> None:
    budgets = Budgets(HOLD, LEASE)
    spenders = joined(budgets, "a") + joined(budgets, "b", budget=replace(ACCOUNT, budget_id="other"))
    spenders += joined(budgets, "c", budget=ADDRESS) + joined(budgets, "d", budget=replace(ADDRESS, budget_id="home"))
    rates = [spender.beat(0, wanted=1000).tokens_per_second for spender in spenders]
    assert rates == [196.0, 196.0, FIRST_LIMIT * SAFETY, FIRST_LIMIT * SAFETY]


def test_too_many_calls_lower_a_workers_share_at_once_and_it_recovers() -> None:
    spenders = joined(Budgets(HOLD, LEASE), "a", "b")
    now = steady(spenders, 0, 8)
    lowered = spenders[0].beat(now, wanted=1000, throttled=3).tokens_per_second
    assert lowered == pytest.approx(0.7 * 98)
    spenders[1].beat(now, wanted=1000)
    rates = []
    for _ in range(30):
        now = steady(spenders, now + BEAT, 1) - BEAT
        rates.append(spenders[0].rate(now))
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(98.0)


def test_the_same_total_reported_again_lowers_nothing() -> None:
    (only,) = joined(Budgets(HOLD, LEASE), "a")
    only.beat(0, wanted=1000, throttled=3)
    low = only.beat(10, wanted=1000).tokens_per_second
    assert only.beat(20, wanted=1000).tokens_per_second > low


def test_an_unstated_limit_rises_slowly_while_all_of_it_is_used() -> None:
    (only,) = joined(Budgets(HOLD, LEASE), "a", budget=ADDRESS)
    now = steady([only], 0, 31)
    assert only.rate(now - BEAT) == pytest.approx((FIRST_LIMIT + 30) * SAFETY, rel=0.05)


def test_an_unstated_limit_that_is_not_used_does_not_rise() -> None:
    (only,) = joined(Budgets(HOLD, LEASE), "a", budget=ADDRESS)
    now = steady([only], 0, 50, a=20.0)
    assert only.beat(now, wanted=1000).tokens_per_second == pytest.approx(FIRST_LIMIT * SAFETY)


def test_an_unstated_limit_remembers_where_it_was_too_much() -> None:
    (only,) = joined(Budgets(HOLD, LEASE), "a", budget=ADDRESS)
    now = steady([only], 0, 31)
    ceiling = only.rate(now - BEAT) / SAFETY
    lowered = only.beat(now, wanted=1000, throttled=1).tokens_per_second
    assert lowered == pytest.approx(0.7 * ceiling * SAFETY, rel=0.02)
    now = steady([only], now + BEAT, 20)
    assert 0.85 * ceiling < only.rate(now - BEAT) < ceiling
    before = only.rate(now - BEAT)
    now = steady([only], now, 6)
    assert only.rate(now - BEAT) - before < 1.0  # a minute at a tenth of the pace


def test_an_unstated_limit_never_falls_to_nothing() -> None:
    (only,) = joined(Budgets(HOLD, LEASE), "a", budget=ADDRESS)
    for at in range(50):
        only.beat(at * 20.0, wanted=1000, throttled=1)
    assert 0 < only.rate(980) <= LEAST_LIMIT


def test_workers_behind_one_address_share_it() -> None:
    spenders = joined(Budgets(HOLD, LEASE), "a", "b", "c", budget=ADDRESS)
    now = steady(spenders, 0, 6)
    assert sum(spender.rate(now - BEAT) for spender in spenders) <= FIRST_LIMIT + 6


def test_after_a_restart_nobody_gets_more_than_it_had_until_all_are_heard() -> None:
    budgets = Budgets(HOLD, LEASE)
    for name in ("a", "b"):
        budgets.expect(name, ACCOUNT, 0.0)
    one, two = Spender(budgets, "a"), Spender(budgets, "b")
    one.share = ApiShare(30.0, 10.0, HOLD, 30.0)
    two.share = ApiShare(160.0, 10.0, HOLD, 40.0)
    assert one.beat(1, wanted=1000).tokens_per_second == 30
    assert two.beat(2, wanted=1000).tokens_per_second == pytest.approx(98.0)
    steady([one, two], 12, 4)
    assert one.rate(42) == pytest.approx(98.0)


def test_after_a_restart_old_throttling_lowers_nothing() -> None:
    budgets = Budgets(HOLD, LEASE)
    budgets.expect("a", ACCOUNT, 0.0)
    only = Spender(budgets, "a", usage=ApiUsage(throttled=7))
    assert only.beat(1, wanted=1000).tokens_per_second == 196


@given(st.lists(st.floats(0, 500), min_size=1, max_size=20), st.floats(1, 1000))
def test_water_is_filled_fairly(needs: list[float], limit: float) -> None:
    names = {("w", str(at)): need for at, need in enumerate(needs)}
    parts = water_fill(names, limit)
    assert sum(parts.values()) <= limit * (1 + 1e-9)
    assert all(0 <= parts[name] <= need * (1 + 1e-9) for name, need in names.items())
    assert sum(parts.values()) == pytest.approx(min(limit, sum(needs)))
    hungry = [parts[name] for name, need in names.items() if parts[name] < need * (1 - 1e-9)]
    assert all(part >= max(parts.values()) * (1 - 1e-9) for part in hungry)


STEP = st.tuples(
    st.integers(0, 4),  # whose heartbeat
    st.floats(0.5, 40.0),  # seconds before it
    st.one_of(st.none(), st.floats(0, 400)),  # what it wants
    st.booleans(),  # whether the answer is lost
    st.integers(0, 1),  # throttled
)


@given(st.lists(STEP, max_size=60))
def test_together_workers_never_may_spend_more_than_the_limit(
    steps: list[tuple[int, float, float | None, bool, int]],
) -> None:
    budgets = Budgets(HOLD, LEASE)
    spenders = [Spender(budgets, f"w{at}") for at in range(5)]
    now = 0.0
    for who, seconds, wanted, lost, throttled in steps:
        for moment in (now + seconds / 3, now + seconds):
            assert sum(spender.rate(moment) for spender in spenders) <= 200 * (1 + 1e-9)
        now += seconds
        spenders[who].beat(now, wanted=wanted, lost=lost, throttled=throttled)


@given(st.lists(st.floats(0, 400), min_size=2, max_size=6))
def test_nobody_starves_and_nothing_idles(wants: list[float]) -> None:
    spenders = joined(Budgets(HOLD, LEASE), *(f"w{at}" for at in range(len(wants))))
    wanted = {spender.name: want for spender, want in zip(spenders, wants, strict=True)}
    now = steady(spenders, 0, 12, **wanted) - BEAT
    fair = 200 * SAFETY / len(spenders)
    for spender in spenders:
        assert spender.rate(now) >= min(wanted[spender.name], fair) * (1 - 1e-9)
    total = sum(spender.rate(now) for spender in spenders)
    assert total >= min(sum(wants), 200 * SAFETY) * (1 - 1e-9)


def test_what_a_worker_was_promised_before_is_free_once_its_next_heartbeat_follows() -> None:
    budgets = Budgets(HOLD, LEASE)
    eager = ApiUsage(wanted_per_second=1000.0)
    for name, now in (("a", 0.0), ("b", 1.0)):
        budgets.join(name, "first", ACCOUNT, now, fresh=True)
        budgets.note(name, eager, now)
        budgets.share("a", now)
    mine = budgets.share("a", 1.0).tokens_per_second
    assert budgets.share("b", 1.0).tokens_per_second < mine / 2, "the promise of before may still be in force"
    budgets.settle("a")
    assert budgets.share("b", 1.1).tokens_per_second > 0.9 * mine


def test_a_share_that_is_told_again_ends_when_it_would_have() -> None:
    budgets = Budgets(HOLD, LEASE)
    one, _ = joined(budgets, "a", "b")
    steady([one], 0, 1)
    share = one.beat(10, wanted=1000)
    assert budgets.share_left("a", 10) == share
    assert budgets.share_left("a", 18) == replace(share, hold_seconds=HOLD - 8)
    late = budgets.share_left("a", 10 + HOLD)
    assert late is not None
    assert late.tokens_per_second == late.fallback_per_second == share.fallback_per_second < share.tokens_per_second
    assert budgets.share_left("a", 10 + LEASE) is None
    assert budgets.share_left("nobody", 10) is None


def test_of_a_worker_that_never_joined_nothing_is_settled() -> None:
    budgets = Budgets(HOLD, LEASE)
    budgets.settle("nobody")
    assert budgets.last_share("nobody") is None
