"""What is asked of a backtest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mesh.errors import InvalidInput
from mesh.kalshi.pasts import PriceKind
from research.plan import WalkPlan
from research.questions import QuestionPlan
from research.statistics import bootstrap


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPlan:
    """What is asked of a backtest."""

    root: Path
    """The data folder."""
    series: str
    horizon: timedelta
    step: timedelta = timedelta(hours=1)
    """Of candles and forecast."""
    price: PriceKind = "trade"
    """What is forecast from: last trades, or the middle of bid and ask."""
    points: int = 512
    """Most steps of a history."""
    walk: WalkPlan
    first: datetime | None = None
    last: datetime | None = None
    observed: Path | None = None
    """Observed highs, from which results are derived where that is proven."""
    spot: Path | None = None
    """The path of the underlying, which forecasts are judged beside; no trade depends on it."""
    seed: int = bootstrap.SEED
    """Of whatever is drawn at random."""
    baselines: bool = True
    """Walk baselines and what-ifs beside the policy, and ask the random walk."""
    open_sealed: bool = False
    """See the sealed period, and nothing else."""

    @property
    def question(self) -> QuestionPlan:
        """What is asked of every market. Raises InvalidInput where the horizon is no number of steps."""
        steps, rest = divmod(self.horizon, self.step)
        if rest or not steps:
            raise InvalidInput(f"a horizon of {self.horizon} is no whole number of steps of {self.step}")
        return QuestionPlan(horizon_steps=steps, step=self.step, points=self.points, price=self.price)

    @property
    def name(self) -> str:
        """What its files are called, such as `backtest_KXHIGHNY_6h`."""
        hours = self.horizon / timedelta(hours=1)
        return f"backtest_{self.series}_{hours:g}h"

    def parameters(self) -> dict[str, Any]:
        """Write down everything that could change the result, but for data, code and who answers."""
        walk = self.walk
        return {
            "series": self.series,
            "horizon_seconds": self.horizon.total_seconds(),
            "step_seconds": self.step.total_seconds(),
            "price": self.price,
            "points": self.points,
            "entry_policy": walk.entry_policy.value,
            "protections": walk.protections,
            "latency_seconds": walk.latency.total_seconds(),
            "cash_micros": walk.cash,
            "assumed_size": walk.assumed_size,
            "assumed_queue": walk.assumed_queue,
            "stale_seconds": walk.stale_seconds,
            "precision_micros": walk.precision,
            "fee_factor": str(walk.fee_factor),
            "worse_ticks": walk.worse_ticks,
            "settings": walk.settings.model_dump(mode="json"),
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "observed": self.observed is not None,
            "sealed": self.open_sealed,
        }
