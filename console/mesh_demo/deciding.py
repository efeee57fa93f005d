"""What the backtest's code decides on what the demo's collectors collected."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from console.backtest_run import scanned
from console.mesh_demo.mesh import Mesh
from console.mesh_demo.settings import collected
from console.parity_run import Parity, parity
from mesh.errors import Unavailable
from mesh.forecasts import forecasting
from research.answers_store import opened
from research.parity_asking import NOT_COLLECTED

_TRIES, _AGAIN_SECONDS = 20, 1.0
"""The last candles are still being collected, and copied; and somebody may have killed the forecast server."""


async def decided_again(running: Mesh, series: Iterable[str]) -> Parity:
    """Ask the forecast server, and decide, again.

    Args:
        running: The trader has ended.
        series: That it traded.

    Raises:
        MeshError: As `console.parity_run.parity`.
    """
    file, data, journal = running.folder / "trader.toml", collected(running.folder), running.journal
    scans = {ticker: scanned(file, ticker) for ticker in series}
    with opened(running.folder / "answers.sqlite") as store:
        async with forecasting(running.forecast) as client:
            for _ in range(_TRIES):
                with suppress(Unavailable):
                    found = await parity(journal, data, scans, client, store)
                    if not found.remaking.unasked[NOT_COLLECTED]:
                        return found
                await asyncio.sleep(_AGAIN_SECONDS)
            return await parity(journal, data, scans, client, store)
