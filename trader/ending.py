"""The last things that a process does that cannot go on: nothing that needs its journal."""

import asyncio
from dataclasses import dataclass

from trader.engine.engine import Engine
from trader.halting import GroupSwitch
from trader.notifying.last_word import LastWord


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends the entries of an engine that has failed, and says so."""

    engine: Engine
    last_word: LastWord
    group: GroupSwitch | None
    """None where the exchange has no part in it."""

    async def tell(self, why: str) -> None:
        """Tell the owner, and have the exchange end what rests of the entries; five seconds at most."""
        held = sum(position.count > 0 for position in self.engine.state.books.positions.values())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.last_word.say(why, held))
            if self.group is not None:
                tasks.create_task(self.group.end())
