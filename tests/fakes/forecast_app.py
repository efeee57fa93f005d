"""A forecast server as a process of its own, for tests to kill: at PORT, with a model that hangs after BATCHES."""

import asyncio
import sys

from tests.fakes.models import HeldModel
from tests.fakes.serving import forecasts_from


async def serve(port: str, batches: str) -> None:
    model = HeldModel(answers=False, free_batches=int(batches))
    async with forecasts_from(model, listen=(f"127.0.0.1:{port}",)) as served:
        sys.stdout.write(f"{served.address}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
