"""The walks of a run shared out among hosts, and what they come to put together again: the same however many there are.

An arm whose trader has one account is walked through all events, one after the other, by one host. Where every decision
is walked alone, events do not know of each other: such an arm is shared out event by event.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from research.arms import Arm
from research.baselines import POLICY, RANDOM
from research.plan import WalkPlan
from research.types import EntryPolicy
from research.walked import Walked


@dataclass(frozen=True, slots=True)
class Lane:
    """One arm, or every so many events of it."""

    arm: Arm
    part: int = 0
    parts: int = 1

    def wants(self, number: int) -> bool:
        """Tell whether it walks an event, by its number in the order of all."""
        return number % self.parts == self.part


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one host walks."""

    plan: WalkPlan
    """Of the policy."""
    lanes: tuple[Lane, ...]
    seed: int
    """Of random entries."""
    draws: bool
    """Draw random entries beside the policy's."""


class Piece(NamedTuple):
    """What an arm came to from an event on, until its next piece."""

    number: int
    name: str
    walked: Walked


def apart(arm: Arm, plan: WalkPlan) -> bool:
    """Tell whether an arm walks each event for itself."""
    return arm.plan(plan).entry_policy is EntryPolicy.INDEPENDENT


def jobs(plan: WalkPlan, beside: Sequence[Arm], seed: int, hosts: int) -> list[Job]:
    """Share walks out.

    Args:
        plan: How the policy is walked.
        beside: Other arms. With any, random entries are drawn as well.
        seed: Of random entries.
        hosts: The most that there may be.

    Returns:
        One job a host, none of them empty.
    """
    lanes: list[list[Lane]] = [[] for _ in range(hosts)]
    load = [0] * hosts
    arms = (POLICY, *beside)
    for arm in (arm for arm in arms if apart(arm, plan)):
        for part, lane in enumerate(lanes):
            lane.append(Lane(arm, part, hosts))
    whole = (arm for arm in arms if not apart(arm, plan))
    for arm in sorted(whole, key=attrgetter("cost"), reverse=True):
        host = load.index(min(load))
        lanes[host].append(Lane(arm))
        load[host] += arm.cost
    return [Job(plan=plan, lanes=tuple(own), seed=seed, draws=bool(beside)) for own in lanes if own]


def together(pieces: Iterable[Piece], beside: Sequence[Arm]) -> Mapping[str, Walked]:
    """Put together what arms came to, by name; the policy comes first."""
    found: dict[str, Walked] = {}
    for piece in sorted(pieces, key=attrgetter("number")):
        if piece.name in found:
            found[piece.name].add(piece.walked)
        else:
            found[piece.name] = piece.walked
    names = (POLICY.name, *(arm.name for arm in beside), RANDOM.name)
    return {name: found[name] for name in names if name in found}
