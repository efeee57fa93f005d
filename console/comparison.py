"""Recorded forecasts beside those made now: the same or not, counted, shown to people and programs."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from foremesh.forecast.v1 import forecast_pb2, model_pb2
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.collection.words import plain
from console.records import Maker, Row
from console.results import model_line

_NOISE_CENTS = 1e-4
"""A dozen last bits of float32 at 100: less is no difference, whatever the model promises."""
_SHARES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A recorded forecast beside the one made now."""

    row: Row
    difference_cents: float
    """Largest of mean and quantiles; not a number where there is nothing to compare."""
    allowed_cents: float
    problem: str
    """Why they are not the same, in words; empty where they are."""
    made: bool
    """There is a forecast to compare with."""


@dataclass(slots=True)
class Replay:
    """What came of it."""

    model: model_pb2.Model
    same: int = 0
    largest_cents: float = 0.0
    """Difference of two forecasts that are the same."""
    problems: list[Compared] = field(default_factory=list)
    """Forecasts that are not the same, and those that were not made."""
    others_cents: list[float] = field(default_factory=list)
    """Differences from forecasts of another model, which claim nothing."""

    @property
    def different(self) -> int:
        """Forecasts that were made and are not the same."""
        return sum(one.made for one in self.problems)

    @property
    def count(self) -> int:
        """Forecasts asked for."""
        return self.same + len(self.problems) + len(self.others_cents)

    def account(self) -> str:
        """Account for each of them."""
        missing = len(self.problems) - self.different
        text = f"{self.count} forecasts = {self.same} the same, {self.different} different, {missing} not made"
        return text + (f", {len(self.others_cents)} of another model" if self.others_cents else "")

    def shares(self) -> dict[str, float]:
        """Return how far apart the forecasts of another model are, in cents."""
        return {name: float(np.quantile(self.others_cents, share)) for name, share in _SHARES.items()}


def maker_of(model: model_pb2.Model) -> Maker:
    """Tell who answers."""
    identity = model.identity
    return Maker(model=identity.name, weights_digest=identity.weights_digest, precision=model.precision)


def add(found: Replay, row: Row, result: forecast_pb2.ForecastResult) -> None:
    """Compare a forecast with its record, and account for it."""
    compared = compare(row, result, found.model)
    if row.maker != maker_of(found.model) and math.isfinite(compared.difference_cents):
        found.others_cents.append(compared.difference_cents)
    elif compared.problem:
        found.problems.append(compared)
    else:
        found.same += 1
        found.largest_cents = max(found.largest_cents, compared.difference_cents)


def compare(row: Row, result: forecast_pb2.ForecastResult, model: model_pb2.Model) -> Compared:
    """Compare a forecast with its record, by what the model promises."""
    allowed = model.batch_tolerance * float(np.std(row.closes, dtype=np.float64)) + _NOISE_CENTS
    difference, problem = math.nan, ""
    path, steps = result.forecast.path, len(row.mean)
    made = result.HasField("forecast")
    if not made:
        problem = f"no forecast: {_why_not(result)}"
    elif path.horizon_steps < steps or len(path.quantile_levels) != len(row.levels):
        problem = f"the answer has {path.horizon_steps} steps of {len(path.quantile_levels)} levels"
    else:
        quantiles = np.array(path.quantiles_cents).reshape(path.horizon_steps, len(row.levels))[:steps]
        apart = [np.abs(np.array(path.mean_cents)[:steps] - row.mean), np.abs(quantiles - row.quantiles)]
        difference = float(np.max([one.max() for one in apart]))  # not a number if any is not
        # The horizon is part of the digest, and a path that ended at its market's close was asked to end there.
        same_inputs = steps == row.horizon_steps and row.code_version == model.identity.code_version
        if not difference <= allowed:
            problem = "the forecast differs"
        elif same_inputs and row.input_digest != result.forecast.provenance.input_digest:
            problem = "the inputs are not those that were recorded: their digest differs"
    return Compared(row=row, difference_cents=difference, allowed_cents=allowed, problem=problem, made=made)


def _why_not(result: forecast_pb2.ForecastResult) -> str:
    outcome = result.WhichOneof("outcome")
    if outcome is None:
        return "an outcome newer than this program"
    if outcome == "rejected":
        return "; ".join(f"{found.field}: {found.description}" for found in result.rejected.problems)
    return " ".join(str(getattr(result, outcome)).split())  # its only field, and the field's name


def show(console: Console, found: Replay, makers: Iterable[Maker]) -> None:
    """Print for people: what is not the same, then the account."""
    if found.problems:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
        table.add_column("market", overflow="fold")  # a ticker cut short is no ticker
        table.add_column("file", overflow="fold")
        for heading in ("row", "differs\nc", "may\nc"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("why", overflow="fold")
        for one in found.problems:
            differs = "" if math.isnan(one.difference_cents) else f"{one.difference_cents:.4g}"
            row = one.row
            table.add_row(
                Text(plain(row.market_ticker)),
                Text(row.file.name),
                str(row.number),
                differs,
                f"{one.allowed_cents:.4g}",
                Text(plain(one.problem)),
            )
        console.print(table)
        console.print()
    console.print(found.account(), highlight=False, style="bold")
    if found.same:
        console.print(f"largest difference of those that are the same: {found.largest_cents:.2g} c", highlight=False)
    if found.others_cents:
        shares = ", ".join(f"{name} {cents:.4g} c" for name, cents in found.shares().items())
        console.print(f"{len(found.others_cents)} of another model, apart by: {shares}", highlight=False)
    console.print(f"recorded by {', '.join(sorted(map(str, makers)))}", highlight=False)
    console.print(f"replayed by {model_line(found.model)}", highlight=False, markup=False)


def document(found: Replay, makers: Iterable[Maker]) -> dict[str, Any]:
    """Return everything as one JSON document."""
    return {
        "recorded_by": [asdict(maker) for maker in sorted(makers, key=str)],
        "replayed_by": asdict(maker_of(found.model)) | {"code_version": found.model.identity.code_version},
        "batch_tolerance": found.model.batch_tolerance,
        "summary": {
            "forecast_count": found.count,
            "same_count": found.same,
            "different_count": found.different,
            "missing_count": len(found.problems) - found.different,
            "other_model_count": len(found.others_cents),
            "largest_difference_cents": found.largest_cents if found.same else None,
        },
        "other_model_difference_cents": found.shares() if found.others_cents else None,
        "problems": [
            {
                "file": str(one.row.file),
                "row": one.row.number,
                "market_ticker": one.row.market_ticker,
                "difference_cents": one.difference_cents if math.isfinite(one.difference_cents) else None,
                "allowed_cents": one.allowed_cents,
                "problem": one.problem,
            }
            for one in found.problems
        ],
    }
