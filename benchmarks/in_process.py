"""Our lean TimesFM 2.5 without a server around it: what a process of its own gets out of the model."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path as Folder

import numpy as np
from numpy.typing import NDArray

from benchmarks.markets import Market
from benchmarks.sides import HORIZON, Device, Precision
from forecast_server.models.base import Model, ModelFacts
from forecast_server.models.timesfm25.model import TimesFM25


class InProcess:
    """A loaded model and series to forecast, in batches."""

    def __init__(self, model: Model, facts: ModelFacts, markets: Sequence[Market], thread: ThreadPoolExecutor) -> None:
        self._model, self._facts, self._thread = model, facts, thread
        self._series = [market.filled() for market in markets]

    async def forecast(self, batch_cost: int = sys.maxsize) -> list[float]:
        """Forecast everything in order, in batches of at most this cost; gives the seconds of each."""
        return [await self._timed(batch) for batch in _batches(self._series, self._facts, batch_cost)]

    async def _timed(self, batch: Sequence[NDArray[np.float32]]) -> float:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._forecast, batch)

    def _forecast(self, batch: Sequence[NDArray[np.float32]]) -> float:
        started = time.perf_counter()
        self._model.forecast(batch, HORIZON)
        return time.perf_counter() - started


@asynccontextmanager
async def in_process(
    checkpoint: Folder, markets: Sequence[Market], *, device: Device, precision: Precision
) -> AsyncIterator[InProcess]:
    """Load and warm the model, in a thread of its own as in the server.

    Args:
        checkpoint: Folder of the weights.
        markets: What will be forecast, in order of arrival.
        device: As in the server's configuration.
        precision: As in the server's configuration.
    """
    model: Model = TimesFM25(checkpoint, device=device, precision=precision, cuda_graphs=True, weights_sha256="")

    def load() -> ModelFacts:
        model.load()
        return model.warm()

    with ThreadPoolExecutor(max_workers=1) as thread:
        facts = await asyncio.get_running_loop().run_in_executor(thread, load)
        yield InProcess(model, facts, markets, thread)


def _batches(
    given: Sequence[NDArray[np.float32]], facts: ModelFacts, batch_cost: int
) -> list[list[NDArray[np.float32]]]:
    """Cut into batches as large as they may be; one series may cost more than a batch."""
    batches: list[list[NDArray[np.float32]]] = []
    left = 0
    for series in given:
        cost = -(-len(series) // facts.cost_points)
        if not batches or cost > left or len(batches[-1]) == facts.max_batch_series:
            batches.append([])
            left = batch_cost
        batches[-1].append(series)
        left -= cost
    return batches
