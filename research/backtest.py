"""One backtest from its beginning to its end: load, ask, walk, add up, write down.

The ledger knows of a run before anything is asked, and of its result before anybody sees it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from mesh.errors import NotFound
from mesh.forecasts import ForecastClient
from research import csv_file
from research.answering import Answering, answering
from research.answers_store import AnswersStore
from research.asking import Asker
from research.backtest_plan import BacktestPlan
from research.baselines import POLICY, beside
from research.code_version import code_version
from research.gathering import Gathering
from research.hosts import Engine
from research.loading import Recording
from research.quality.estimates import Chance
from research.quality.evaluation import Evaluation
from research.quality.panel import Panel
from research.quality.scoring import RANDOM_WALK
from research.quality.serving import Serving
from research.quality.spot_file import read_spot
from research.quality.spot_forecasts import Spot, spot_of
from research.quality.unsealed import Unsealed
from research.questions import QuestionPlan
from research.reliability import Reliability
from research.scanning import Tally
from research.sealing import Seal, open_seal, seal_of
from research.summary import Summary, summarise
from research.trials import Entry, Kind, Ledger, Trial, sharpes
from research.types import Answers, Defects, RecordedEvent
from research.walked import Walked
from research.walks import HERE, Walks

OnProgress = Callable[[int, int, Tally], object]

_TOLD: Final = 5
"""Defects that are named where nothing else is left to be told."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that makes sense: there is something to be asked about."""

    plan: BacktestPlan
    question: QuestionPlan
    recording: Recording
    defects: Defects
    """Of the folder as a whole so far."""
    spot: Spot | None = None
    """Of the underlying, where its path was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a result rests on."""

    plan: BacktestPlan
    answering: Answering
    code_version: str
    data_digest: str
    events: int
    markets: int
    first_close: datetime | None
    last_close: datetime | None
    fees: str
    """In words."""
    agreements: tuple[str, ...]
    """How observations stand to recorded results, in words."""
    results: Mapping[str, int]
    """Markets by origin of their result, `unknown` among them."""
    seal: Seal | None
    sealed_events: int
    """That were left out."""
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A run and its result."""

    conditions: Conditions
    walked: Mapping[str, Walked]
    """By arm; the policy's own is the first."""
    defects: Defects
    """Of the data, and of the policy's walk."""
    reliability: Reliability
    quality: Evaluation | None
    """The forecasts, judged beside those who know nothing; None where nothing was forecast."""
    summary: Summary
    csv: Path
    trial: Entry
    """That began it."""


def prepare(plan: BacktestPlan) -> Prepared:
    """Look whether there is anything to be asked about, before a server is bothered.

    Raises:
        InvalidInput: The horizon is no number of steps, or as `read_spot` and `spot_of`.
        MeshError: As `Recording`.
    """
    question, defects = plan.question, Defects()
    recording = Recording(
        plan.root,
        plan.series,
        step_seconds=int(plan.step.total_seconds()),
        first=plan.first,
        last=plan.last,
        observed=plan.observed,
        defects=defects,
    )
    spot = None if plan.spot is None else spot_of(read_spot(plan.spot), plan.series, plan.spot.name)
    return Prepared(plan, question, recording, defects, spot)


async def backtest(
    prepared: Prepared,
    client: ForecastClient,
    store: AnswersStore,
    ledger: Ledger,
    out: Path,
    *,
    random_walk: Serving | None = None,
    engine: Engine = HERE,
    on_progress: OnProgress = lambda _done, _total, _tally: None,
    on_random_walk: OnProgress = lambda _done, _total, _tally: None,
) -> Backtest:
    """Run a backtest; its CSV file is written, and its result is in the ledger, when this returns.

    Args:
        prepared: What is asked.
        client: Who is asked.
        store: What was answered before.
        ledger: Told of the run, and of its result.
        out: The folder of the CSV file.
        random_walk: Serves the random walk, which is asked the same where baselines are wanted and it is not the model.
        engine: Where is walked; what comes of it is the same anywhere.
        on_progress: Called now and then with the events that are done, those there are, and what became of questions.
        on_random_walk: Called with the same of what the random walk is asked: of questions, not of events.

    Raises:
        MeshError: Nothing can be loaded, the server refuses or stays away, the ledger is damaged, the seal holds.
        OSError: A file cannot be read or written.
    """
    plan, recording = prepared.plan, prepared.recording
    who = await answering(client)
    begun, gathering = _begun(prepared, who, ledger)
    total = len(recording.event_tickers)
    asker = Asker(client, store, prepared.question, on_progress=lambda *_: progress())

    def progress() -> None:
        on_progress(gathering.events + gathering.sealed, total, asker.tally)

    async def take(event: RecordedEvent, answers: Answers) -> None:
        gathering.add(event, answers, plan.horizon)
        panel.put(fans, event, answers)
        await asyncio.to_thread(walks.take, event, answers)
        progress()

    arms = beside() if plan.baselines else ()
    seen = Unsealed(recording, gathering.seal, inside=plan.open_sealed)
    with Panel(plan.series, seen, prepared.question) as panel:
        fans = panel.fans()
        with Walks(plan.walk, arms, plan.seed, engine=engine, events=total) as walks:
            await asker.ask(gathering.open_events(recording.load(gathering.defects)), take)
            walking = asyncio.get_running_loop().run_in_executor(None, walks.finish)
            try:  # forecasts are judged while walks come to their end
                if not gathering.events:
                    raise _nothing_left(plan.series, gathering)
                panel.seat(who.model, fans, asker.tally)
                if plan.baselines and random_walk is not None and who.model != RANDOM_WALK:
                    await panel.hear(RANDOM_WALK, random_walk, store, on_random_walk)
                quality = panel.judge(Chance(seed=plan.seed), prepared.spot)
                walked = await walking
            finally:
                walking.cancel()
    conditions = _conditions(plan, who, recording, gathering, asker.tally)
    path = out / f"{plan.name}.csv"
    summary = _scored(conditions, walked, quality, ledger, begun=begun, path=path)
    for name, count in walked[POLICY.name].defects.counts.items():
        gathering.defects.note(name, walked[POLICY.name].defects.examples[name], count)
    return Backtest(
        conditions=conditions,
        walked=walked,
        defects=gathering.defects,
        reliability=gathering.reliability.found(),
        quality=quality,
        summary=summary,
        csv=path,
        trial=begun,
    )


def _begun(prepared: Prepared, who: Answering, ledger: Ledger) -> tuple[Entry, Gathering]:
    """Tell the ledger, and find out what may be seen."""
    plan = prepared.plan
    asked = {"command": "backtest", "code": code_version(), **plan.parameters()}
    names = ("model", "weights_digest", "policy_digest", "precision")
    begun = ledger.append(Kind.BEGUN, asked | {name: getattr(who, name) for name in names})
    found = open_seal(ledger, plan.series, begun) if plan.open_sealed else seal_of(ledger.entries(), plan.series)
    return begun, Gathering(plan.root, found, prepared.defects, inside=plan.open_sealed)


def _nothing_left(series: str, gathering: Gathering) -> NotFound:
    why = ", ".join(f"{count:,} {name}" for name, count in gathering.defects.counts.most_common(_TOLD))
    left_out = f"{gathering.sealed:,} sealed; defects: {why or 'none'}"
    return NotFound(f"{series}: no event is left to be walked ({left_out})", reason="EVENTS_MISSING")


def _conditions(
    plan: BacktestPlan, who: Answering, recording: Recording, gathering: Gathering, tally: Tally
) -> Conditions:
    return Conditions(
        plan=plan,
        answering=who,
        code_version=code_version(),
        data_digest=gathering.digest.hexdigest(),
        events=gathering.events,
        markets=gathering.markets,
        first_close=gathering.first_close,
        last_close=gathering.last_close,
        fees=recording.fees.words(plan.series),
        agreements=tuple(map(str, recording.agreements)),
        results=dict(gathering.results),
        seal=gathering.seal,
        sealed_events=gathering.sealed,
        tally=tally,
    )


def _scored(
    conditions: Conditions,
    walked: Mapping[str, Walked],
    quality: Evaluation | None,
    ledger: Ledger,
    *,
    begun: Entry,
    path: Path,
) -> Summary:
    """Write the rows, add them up, and tell the ledger before anybody else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = Trial(number=begun.number, time=begun.time, run=begun.body, result={"data": conditions.data_digest})
    others = [trial for trial in ledger.trials() if trial.identity != own.identity]
    summary = summarise(walked, sharpes(others), conditions.plan.seed)
    verdicts = [] if quality is None else list(quality.verdicts)
    with csv_file.staged(path, walked[POLICY.name].rows) as digest:
        ledger.append(Kind.ENDED, _result(summary, conditions, begun, digest) | {"forecast_verdicts": verdicts})
    return summary


def _result(summary: Summary, conditions: Conditions, begun: Entry, csv: str) -> dict[str, Any]:
    found = summary.judgement
    mean = found.headline.mean_cents
    return {
        "begun": begun.number,
        "data": conditions.data_digest,
        "csv": csv,
        "events": conditions.events,
        "last_close": None if conditions.last_close is None else conditions.last_close.isoformat(),
        "trades": found.headline.trades,
        "contracts": found.headline.contracts,
        "net_micros": found.headline.net,
        "pessimistic_micros": found.headline.pessimistic,
        "optimistic_micros": found.headline.optimistic,
        "mean_cents": None if mean is None else mean.mean,
        "low_cents": None if mean is None else mean.low,
        "high_cents": None if mean is None else mean.high,
        "sharpe": summary.sharpe,
        "verdict": found.verdict.value,
    }
