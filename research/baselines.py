"""Which walks stand beside a policy's in every report: baselines on the same filter, and what-ifs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from research import arms
from research.arms import Arm
from research.plan import WalkPlan
from research.types import EntryPolicy

POLICY: Final = Arm(name="policy", about="as asked for")
RANDOM: Final = Arm(
    name="random",
    about="as many trades of as long at random moments that the filter of prices allows",
)
"""Drawn from the policy's trades; see `research.chance`."""


def _every_moment(plan: WalkPlan) -> WalkPlan:
    return replace(arms.without_exits(arms.blind(plan)), entry_policy=EntryPolicy.INDEPENDENT)


EVERY_MOMENT: Final = Arm(
    name="always-no, apart",
    about="NO at every moment, held, each time by a trader of its own: what the decomposition calls premium",
    answers=arms.say_no,
    plan=_every_moment,
)
BASELINES: Final[Sequence[Arm]] = (
    arms.HOLD,
    arms.ALWAYS_NO,
    EVERY_MOMENT,
    arms.FADE_LONGSHOT,
    arms.REST,
    arms.REST_TARGET,
)
"""Each has a walk of its own."""


def beside() -> Sequence[Arm]:
    """Return the walks beside the policy's."""
    return (*BASELINES, *arms.variations())


def about() -> dict[str, str]:
    """Say of each name what it is."""
    return {arm.name: arm.about for arm in (RANDOM, *beside())}
