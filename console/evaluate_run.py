"""Runs an evaluation for the command: the ledger is told of it before anything is asked, and of its result first."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from console.connection import talking_to
from console.research_options import Asked
from console.research_paths import answers_file, ledger_of
from console.research_running import bar, finished, target
from research.answers_store import opened
from research.code_version import code_version
from research.loading import Recording
from research.quality import csv_file
from research.quality.estimates import Chance
from research.quality.evaluating import Evaluating
from research.quality.evaluation import Evaluation
from research.quality.spot_file import read_spot
from research.quality.spot_forecasts import spot_of
from research.quality.unsealed import Unsealed
from research.questions import QuestionPlan
from research.sealing import seal_of
from research.trials import Entry, Kind
from research.types import Defects

Shown = tuple[Callable[[str], object], Callable[[int, int], object]]


def run(asked: Asked, models: Sequence[str], plan: QuestionPlan, spot: Path | None) -> tuple[Evaluation, Path]:
    """Run it, and return it with its CSV file.

    Args:
        asked: What, and where things are kept.
        models: Names.
        plan: What every market is asked.
        spot: The file of the underlying's path; None for none.

    Raises:
        click.ClickException: A server dies, or the target does not answer.
        KeyboardInterrupt: Ctrl-C, or SIGTERM.
        ConfigError, OptionError, MeshError, OSError: As what they come from.
    """
    served, defects = target(asked.connection), Defects()
    recording = Recording(
        asked.root,
        asked.series,
        step_seconds=round(asked.step.total_seconds()),
        first=asked.first,
        last=asked.last,
        observed=asked.observed,
        defects=defects,
    )
    underlying = None if spot is None else spot_of(read_spot(spot), asked.series, spot.name)
    ledger = ledger_of(asked.root, asked.state, asked.series)
    begun = ledger.append(Kind.BEGUN, _parameters(asked, models, plan, spot))
    unsealed = Unsealed(recording, seal_of(ledger.entries(), asked.series))

    async def work() -> Evaluation:
        with (
            nullcontext() if served is None else talking_to(served),
            opened(answers_file(asked.root, asked.state)) as store,
            _progress(shown=not asked.as_json) as (on_model, on_progress),
        ):
            chance = Chance(**asked.seeded)
            evaluating = Evaluating(plan, store, served, on_model, on_progress, chance, underlying)
            return await evaluating.evaluate(asked.series, unsealed, models)

    found = finished(work)
    found.defects.merge(defects)
    found = replace(found, sealed=unsealed.sealed)
    with csv_file.staged(found, asked.out) as (table, digest):
        ledger.append(Kind.ENDED, _result(found, begun, digest))
    return found, table


def _parameters(asked: Asked, models: Sequence[str], plan: QuestionPlan, spot: Path | None) -> dict[str, Any]:
    return {
        "command": "evaluate",
        "code": code_version(),
        "series": asked.series,
        "model": ",".join(models),
        "horizon_steps": plan.horizon_steps,
        "step_seconds": asked.step.total_seconds(),
        "price": plan.price,
        "first": None if asked.first is None else asked.first.isoformat(),
        "last": None if asked.last is None else asked.last.isoformat(),
        "observed": asked.observed is not None,
        **({} if spot is None else {"spot": spot.name}),
        **asked.seeded,
    }


def _result(found: Evaluation, begun: Entry, csv: str) -> dict[str, Any]:
    return {
        "begun": begun.number,
        "data": found.data_digest,
        "csv": csv,
        "events": found.events,
        "forecasts": found.shared,
        "models": [one.provenance for one in found.spoken],
        "verdicts": list(found.verdicts),
    }


@contextmanager
def _progress(*, shown: bool) -> Iterator[Shown]:
    """Show a bar on a terminal; gives what to call with the model that is asked, and with how far it is."""
    with bar("forecasts", shown=shown) as (progress, task):

        def on_model(name: str) -> None:
            progress.reset(task, description=name or "judging", total=None)

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield on_model, on_progress
