"""The trader in a simulated world: killed everywhere, and through many bad days.

    make sim                                 thousands of lives, with seeds from the date, which are printed
    SIM_SEEDS=100 SIM_FIRST=7 make sim       so many, from this seed on

A failing seed prints how to live it again, as simple as it could be made.
"""

import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh import log
from mesh.types import Hundredths
from tests.sim.loop import Choices, shrunk
from tests.sim.world import Disk, Plan, World, lived
from trader.domain import comparing, ordering
from trader.domain.entries import OrderEnded
from trader.domain.facts import Ending
from trader.domain.words import EndReason, OrderState

BRIEF = Plan(faults=False, adopts=0.0, horizon=7.0, healed=60.0)
KNOWN = (0, 61, 63, 80, 102)
"""Seeds that found something once."""
LONG = int(os.environ.get("SIM_SEEDS", "3000"))
FIRST = int(os.environ.get("SIM_FIRST") or datetime.now(UTC).strftime("%Y%m%d0000"))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A life writes hundreds of lines, and its end some more that mean nothing."""
    log.configure(level="error")
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def live(seed: int, plan: Plan) -> World:
    """Live a seed; a failing one is made simpler, and its story is told."""
    choices = Choices(seed)
    try:
        return lived(choices, plan)
    except AssertionError as problem:
        first = str(problem)

        def fails(tape: list[int]) -> bool:
            try:
                lived(Choices(seed, tape), plan)
            except AssertionError:
                return True
            return False

        tape = shrunk(fails, list(choices.tape), tries=60)
        story: list[str] = []
        try:
            lived(Choices(seed, tape), plan, story=story)
        except AssertionError as simpler:
            first = f"{first}; as simple as it gets: {simpler}"
        raise AssertionError(f"seed {seed}, {plan}: {first}\n" + "\n".join(story[-80:])) from problem


@pytest.mark.timeout(300)  # twenty seconds where nothing else runs
@pytest.mark.parametrize("seed", [1])
def test_a_trader_that_is_killed_at_any_write_request_or_reply_is_whole_again(seed: int) -> None:
    whole = live(seed, BRIEF)
    assert whole.boundaries > 50
    kinds: Counter[str] = Counter()
    for place in range(whole.boundaries):
        kinds += live(seed, replace(BRIEF, crash_at=place)).happened
    struck = [kind for kind, count in kinds.items() if count]
    for when, what in (
        ("before writing", "OrderIntended"),
        ("after writing", "OrderIntended"),
        ("after writing", "OrderSent"),
        ("before place", ""),
        ("after place", ""),
        ("before writing", "Filled"),
        ("before writing", "ExitDecided"),
        ("before writing", "Settled"),
    ):
        assert any(when in kind and what in kind for kind in struck), f"never killed {when} {what}"


def test_a_trader_that_is_killed_while_a_position_is_given_to_it_has_it_once() -> None:
    plan = replace(BRIEF, adopts=1.0, healed=110.0)  # an unknown order is settled before cash is compared
    whole = live(1, plan)
    assert whole.asked.stop - whole.asked.start > 5
    lives = [live(1, replace(plan, crash_at=place)) for place in whole.asked]
    assert {life.happened["adopted"] for life in lives} == {1}
    assert {life.happened["adopted, and the answer repeated"] for life in lives} == {0, 1}


@pytest.mark.parametrize("first", [0, 20, 40])
def test_bad_days_leave_nothing_lost_doubled_or_open(first: int) -> None:
    happened: Counter[str] = Counter()
    for seed in (*range(first, first + 20), *(KNOWN if first == 0 else ())):
        happened += live(seed, Plan()).happened
    for what in (
        "request lost: place",
        "reply lost: place",
        "twice: place",
        "fills lag",
        "streams broke",
        "pause",
        "no bid",
        "clock set",
        "forecasts away",
        "settled with a position",
        "adopted",
        "entry made again",
        "exit made again",
    ):
        assert happened[what], f"{what} never happened: these days were not bad"


def test_a_seed_is_the_same_life_every_time_and_in_every_process() -> None:
    one, two = lived(Choices(5), Plan()), lived(Choices(5), Plan())
    assert (one.loop.digest, list(one.journal.read())) == (two.loop.digest, list(two.journal.read()))
    code = (
        "import logging; from mesh import log; log.configure(level='error'); logging.disable(logging.CRITICAL)\n"
        "from tests.sim.loop import Choices; from tests.sim.world import Plan, lived\n"
        "print(lived(Choices(5), Plan()).loop.digest)"
    )
    for hashes in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": hashes}, capture_output=True, check=True
        )
        assert int(found.stdout) == one.loop.digest


def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart takes what was sent for never sent."""
    monkeypatch.setattr(
        ordering,
        "recover",
        lambda state, moment: [
            OrderEnded(
                client_order_id=name,
                state=OrderState.NOT_SENT,
                order_id=None,
                filled=Hundredths(0),
                ending=Ending(reason=EndReason.NEVER_LEFT),
            )
            for name in sorted(state.books.working)
            if state.books.orders[name].state in {OrderState.INTENDED, OrderState.SENT}
        ],
    )


def _lossy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk loses what it said was on it."""
    start = World.start

    def started(world: World) -> None:
        assert isinstance(world.journal, Disk)
        del world.journal.rows[max(0, len(world.journal.rows) - 4) :]
        start(world)

    monkeypatch.setattr(World, "start", started)


def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one read does not show never was."""
    monkeypatch.setattr(comparing, "_EXPIRY_MARGIN", timedelta(days=-1))
    monkeypatch.setattr(comparing, "PROOF", 1)


@pytest.mark.parametrize("plant", [_forgetful, _lossy, _impatient])
def test_a_planted_fault_is_found(plant: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    for seed in (14, *range(60)):  # that one shows each of them
        try:
            lived(Choices(seed), Plan())
        except AssertionError:
            return
    pytest.fail("sixty bad lives, and nobody noticed")


@pytest.mark.sim
def test_thousands_of_bad_lives() -> None:
    sys.stderr.write(f"\n{LONG} lives from seed {FIRST} on\n")
    happened: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + LONG):
        happened += live(seed, Plan()).happened
    sys.stderr.write("\n".join(f"{count:8} {what}" for what, count in happened.most_common()) + "\n")
    assert happened["killed after place"]
