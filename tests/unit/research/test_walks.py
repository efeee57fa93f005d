"""Several walks at once: each comes to what it would have come to alone."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from research import arms
from research.arms import Arm
from research.baselines import POLICY, RANDOM, beside
from research.looking import Looking
from research.near import Near
from research.timeline import in_order
from research.types import Answers, Defects, EntryPolicy, Forecasted, RecordedEvent, Unsaid
from research.walk import walk
from research.walked import Walked
from research.walks import Walks
from tests.fakes.research import BEGIN, event, market, walked
from tests.fakes.research_walk import Said, invented, plan
from trader.domain.settings import Settings


def together(
    events: Sequence[RecordedEvent], answers: Said, others: Sequence[Arm] = (), **changes: object
) -> dict[str, Walked]:
    """Walk them as a backtest does: event by event, each with its own answers."""
    with Walks(plan(**changes), others, 7) as walks:  # type: ignore[arg-type]  # as `plan` takes them
        for each in in_order(events):
            own = {one.terms.ticker for one in each.markets}
            walks.take(each, {key: said for key, said in answers.items() if key[0] in own})
        return dict(walks.finish())


@pytest.mark.parametrize(
    ("policy", "others"),
    [
        (EntryPolicy.LIVE, (arms.HOLD, arms.ALWAYS_NO)),
        (EntryPolicy.PREDECESSOR, ()),
        (EntryPolicy.INDEPENDENT, ()),
    ],
)
def test_a_walk_among_others_comes_to_what_it_comes_to_alone(policy: EntryPolicy, others: tuple[Arm, ...]) -> None:
    events, answers = invented(seed=1)

    found = together(events, answers, others, entry_policy=policy)

    assert found[POLICY.name].rows == list(walk(events, answers, plan(entry_policy=policy), Defects()))
    assert found[POLICY.name].rows
    for arm in others:
        assert found[arm.name].rows == list(arm.walk(events, answers, plan(entry_policy=policy), Defects()))


def test_every_walk_of_a_report_runs_and_the_policys_comes_first() -> None:
    events, _ = invented(seed=1)

    found = together(events, {}, beside())

    assert next(iter(found)) == POLICY.name
    assert set(found) == {POLICY.name, RANDOM.name, *(arm.name for arm in beside())}


def test_random_entries_are_as_many_as_the_policys_in_each_event() -> None:
    events, answers = invented(seed=1)

    found = together(events, answers, (arms.HOLD,))

    made, drawn = ([row.event_ticker for row in found[name].rows] for name in (POLICY.name, RANDOM.name))
    missed = found[RANDOM.name].defects.counts["event_with_fewer_moments_than_trades"]
    assert drawn
    assert len(drawn) <= len(made)
    assert sorted(drawn) == sorted(made) or missed


def test_what_a_walk_raises_is_raised() -> None:
    events, answers = invented(seed=1)

    def breaks(_: Answers) -> Answers:
        raise LookupError("no such answers")

    with pytest.raises(LookupError, match="no such answers"):
        together(events, answers, (Arm(name="broken", about="", answers=breaks),))


def test_walks_that_are_left_end() -> None:
    events, answers = invented(seed=1)

    def run() -> None:
        with Walks(plan(), (arms.HOLD,), 7) as walks:
            walks.take(events[0], answers)
            raise RuntimeError("enough")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="enough"):
        run()
    assert threading.active_count() == before


def test_the_funnel_leads_from_what_was_looked_at_to_entries() -> None:
    events, answers = invented(seed=3)
    told: dict[tuple[str, int], Forecasted | Unsaid] = dict(answers)
    told[next(iter(answers))] = Unsaid("constant")
    looking = Looking(Settings())
    asked = [(each, told) for each in in_order(events)]
    near = Near(asked, 86_400, on_look=looking.look, on_over=lambda *_: None)

    rows = list(walk(near.events(), near, plan(), Defects(), looking.watch))

    refused = list(looking.funnel())
    assert looking.unsaid == {"constant": 1}
    assert looking.signals == len(answers) - 1
    assert looking.signals - sum(step.refused for step in refused) == looking.entries >= len(rows) > 0
    assert refused[0].reached == looking.signals
    assert all(after.reached == before.reached - before.refused for before, after in pairwise(refused))


def test_what_lies_behind_a_walk_is_let_go() -> None:
    begins = [BEGIN + timedelta(days=3 * number) for number in range(8)]
    events = [
        event(market(walked(5, begin=begin), ticker=f"KXHIGHNY-{begin:%y%b%d}-T1", close=begin + timedelta(hours=9)))
        for begin in begins
    ]
    over: list[RecordedEvent] = []
    asked = [(each, Said()) for each in events]
    near = Near(asked, 3600, on_look=lambda _: None, on_over=lambda each, _: over.append(each))

    kept = [index - len(over) for index, _ in enumerate(near.events(), 1)]
    near.finish()

    assert max(kept) <= 2
    assert over == events
