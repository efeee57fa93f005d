"""A client as a process of its own, for tests to kill: opens a scan at ADDRESS, says so, and holds it for ever."""

import asyncio
import sys

from tests.fakes.questions import answer, batch, header, history, plain, stub


async def hold(address: str) -> None:
    async with plain(address) as channel:
        scan = stub(channel).StreamSignals()
        await scan.write(header())
        await answer(scan)
        await scan.write(batch(history()))
        sys.stdout.write("accepted\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1]))
