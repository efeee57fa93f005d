"""What the backtest's code decides on what the demo's collectors collected."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from console.backtest_run import scanned
from console.mesh_demo.mesh import Mesh
from console.mesh_demo.settings import collected
from console.parity_run import Parity, parity
from mesh.forecasts import forecasting
from research.answers_store import opened
from research.parity_asking import NOT_COLLECTED

_TRIES, _AGAIN_SECONDS = 20, 1.0
"""The last candles are still being collected, and copied."""


async def decided_again(running: Mesh, journal: Path, series: Iterable[str]) -> Parity:
    """Ask the forecast server, and decide, again.

    Args:
        running: The trader has ended.
        journal: The trader's.
        series: That it traded.

    Raises:
        MeshError: As `console.parity_run.parity`.
    """
    file, data = running.folder / "trader.toml", collected(running.folder)
    scans = {ticker: scanned(file, ticker) for ticker in series}
    with opened(running.folder / "answers.sqlite") as store:
        async with forecasting(running.forecast) as client:
            for _ in range(_TRIES):
                found = await parity(journal, data, scans, client, store)
                if not found.remaking.unasked[NOT_COLLECTED]:
                    break
                await asyncio.sleep(_AGAIN_SECONDS)
    return found
