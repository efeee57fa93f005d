"""The exchange's own kill switch follows ours."""

import asyncio

from mesh.errors import Unavailable
from mesh.types import Hundredths
from tests.unit.trader.engine.rig import Rig
from trader.domain.events import Pause, Resume
from trader.domain.facts import Actor
from trader.domain.words import ActorKind
from trader.halting import GroupSwitch

ALICE = Actor(kind=ActorKind.CALLER, name="alice")


class Groups:
    """Groups whose every first move fails."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.tries: list[str] = []

    async def _move(self, name: str) -> None:
        self.tries.append(name)
        if self.tries.count(name) == 1:
            raise Unavailable("the exchange is away")
        self.done.append(name)

    async def prepare(self, limit: Hundredths) -> None:
        await self._move(f"prepare {limit}")

    async def trigger(self) -> None:
        await self._move("trigger")

    async def reset(self) -> None:
        await self._move("reset")


async def test_it_is_triggered_while_people_stop_entries_and_reset_after() -> None:
    rig, groups = Rig(), Groups()
    async with rig.running() as engine, asyncio.TaskGroup() as group:
        running = group.create_task(GroupSwitch(engine, groups, Hundredths(100_000)).run())
        await rig.clock.advance(20)
        assert groups.done == ["prepare 100000", "reset"]
        engine.handle(Pause("request-1", ALICE, "lunch"))
        await rig.clock.advance(10)
        assert groups.done[2:] == ["trigger"]
        rig.switch = True
        await rig.clock.advance(1)
        engine.handle(Resume("request-2", ALICE, "back", ()))
        await rig.clock.advance(10)
        assert groups.done[3:] == [], "the file is still there"
        rig.switch = False
        await rig.clock.advance(10)
        assert groups.done[3:] == ["reset"]
        running.cancel()


async def test_a_process_that_cannot_go_on_ends_its_entries_at_the_exchange() -> None:
    rig, groups = Rig(), Groups()
    async with rig.running() as engine:
        switch = GroupSwitch(engine, groups, Hundredths(100_000))
        await switch.end()
        assert groups.done == [], "it failed, which is in the log"
        await switch.end()
    assert groups.done == ["trigger"]
