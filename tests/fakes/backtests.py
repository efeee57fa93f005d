"""A small recording of a few days, a model that sees every price fall, and a backtest of the one by the other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from forecast_server.models.base import Paths, Series
from forecast_server.models.random_walk import RandomWalk
from mesh.forecasts import ForecastClient, forecasting
from mesh.rpc.config import ClientConfig
from research.answers_store import opened
from research.backtest import Backtest, backtest, prepare
from research.backtest_plan import BacktestPlan
from research.trials import Ledger
from tests.fakes.models import HeldModel
from tests.fakes.recorded_stores import BEGIN as FIRST
from tests.fakes.recorded_stores import SERIES, candle, market, write_candles, write_markets
from tests.fakes.research_walk import plan as walk_plan
from tests.fakes.serving import forecasts_from

CANDLES = 10
MARKETS = 2


class Falling(HeldModel):
    """Falls fifteen cents from the last price."""

    def forecast(self, batch: Sequence[Series], horizon_steps: int) -> Paths:
        """Forecast."""
        found = super().forecast(batch, horizon_steps)
        return Paths(found.mean - 25, found.quantiles - 25)


def recording(root: Path, days: int = 4) -> Path:
    """Write events of two markets, one a day: prices wander, and every other day's markets come true."""
    listed = []
    for day in range(days):
        begin = FIRST + timedelta(days=day)
        event = f"{SERIES}-{begin:%y%b%d}".upper()
        rows = []
        for number, ending in enumerate(("B40.5", "B42.5")):
            chance = np.random.default_rng(10 * day + number)
            for hour, price in enumerate((50 + np.cumsum(chance.choice([-3, -1, 1, 3], CANDLES))).tolist(), 1):
                cents = 10_000 * price
                rows.append(
                    candle(
                        f"{event}-{ending}",
                        begin + timedelta(hours=hour),
                        cents - 10_000,
                        cents + 10_000,
                        price_close_micros=cents,
                    )
                )
            close = begin + timedelta(hours=CANDLES + 8)
            result = "yes" if day % 2 == number else "no"
            listed.append(market(f"{event}-{ending}", close_time=close, result=result))
        write_candles(root, rows)
    write_markets(root, listed)
    return root


def plan(root: Path, **changes: Any) -> BacktestPlan:
    """Make the plan of a run without surprises."""
    kept: dict[str, Any] = {
        "root": root,
        "series": SERIES,
        "horizon": timedelta(hours=6),
        "walk": walk_plan(),
        "baselines": False,
    }
    return BacktestPlan(**(kept | changes))


@asynccontextmanager
async def falling() -> AsyncIterator[ForecastClient]:
    """Ask a server whose model sees every price fall."""
    async with forecasts_from(Falling()) as server, forecasting(ClientConfig(targets=(server.address,))) as client:
        yield client


@asynccontextmanager
async def walking() -> AsyncIterator[ForecastClient]:
    """Ask a server of the random walk."""
    async with forecasts_from(RandomWalk()) as server, forecasting(ClientConfig(targets=(server.address,))) as client:
        yield client


async def run(asked: BacktestPlan, folder: Path, **keywords: Any) -> Backtest:
    """Run it with a server of its own; ledger, answers and CSV are in the folder."""
    prepared = prepare(asked)
    with opened(folder / "answers.sqlite") as store:
        async with falling() as client:
            ledger = keywords.pop("ledger", None) or Ledger(folder / "trials.jsonl")
            return await backtest(prepared, client, store, ledger, folder, **{"random_walk": walking, **keywords})
