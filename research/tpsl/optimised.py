"""What is asked of a search for better exits, and what comes of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from research.answering import Answering
from research.backtest_plan import BacktestPlan
from research.plan import WalkPlan
from research.tpsl.folds import FoldPlan
from research.tpsl.grid import Levels
from research.tpsl.policy_file import InForce
from research.tpsl.search import Search
from research.trials import Entry
from research.types import Defects
from trader.domain.settings import Settings

STOP_DISTANCE = "stop_distance"
"""The rule that a stop must lie outside the spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TpslPlan:
    """What is asked."""

    backtest: BacktestPlan
    """How markets are walked for entries; its settings are those of the policy in force."""
    levels: Levels
    folds: FoldPlan

    @property
    def name(self) -> str:
        """What its files are called, such as `tpsl_grid_KXHIGHNY`."""
        return f"tpsl_grid_{self.backtest.series}"

    @property
    def walk(self) -> WalkPlan:
        """How entries are found."""
        return replace(self.backtest.walk, settings=entering(self.backtest.walk.settings))

    def parameters(self) -> dict[str, Any]:
        """Write down everything that could change the result, but for data, code and who answers."""
        return self.backtest.parameters() | {
            "targets_micros": self.levels.targets.tolist(),
            "stops_micros": self.levels.stops.tolist(),
            "folds": self.folds.count,
            "first_share": self.folds.first_share,
            "embargo_seconds": self.folds.embargo.total_seconds(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimised:
    """A run and its result."""

    plan: TpslPlan
    answering: Answering
    data_digest: str
    events: int
    first_close: datetime | None
    last_close: datetime | None
    defects: Defects
    search: Search
    in_force: InForce
    csv: Path
    policy: Path | None
    """The exit policy that is proposed; None for none."""
    trial: Entry


def entering(settings: Settings) -> Settings:
    """Return settings that find entries: whatever a stop would refuse comes in, and what is sold crosses the spread."""
    rules = settings.rules.model_copy(update={"off": tuple(dict.fromkeys((*settings.rules.off, STOP_DISTANCE)))})
    exits = settings.exits.model_copy(update={"rest_take_profit": False})
    return settings.model_copy(update={"rules": rules, "exits": exits})
