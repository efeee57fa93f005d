"""One backtest from its beginning to its end: load, ask, walk, add up, write down.

The ledger knows of a run before anything is asked, and of its result before anybody sees it.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mesh.errors import InvalidInput, NotFound
from mesh.forecasts import ForecastClient
from research import csv_file
from research.answering import Answering, answering
from research.answers_store import AnswersStore
from research.asking import Asker
from research.baselines import POLICY, beside
from research.code_version import code_version
from research.digest import DataDigest
from research.loading import Recording
from research.plan import WalkPlan
from research.prints import with_prints
from research.questions import QuestionPlan
from research.reliability import Reliability, ReliabilitySums
from research.scanning import Tally
from research.sealing import Seal, last_close, open_seal, seal_of
from research.statistics import bootstrap
from research.summary import Summary, summarise
from research.tape import trades
from research.trials import Entry, Kind, Ledger, Trial, sharpes
from research.types import Answers, Defects, RecordedEvent
from research.walks import Walked, Walks


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPlan:
    """What is asked of a backtest."""

    root: Path
    """The data folder."""
    series: str
    horizon: timedelta
    step: timedelta = timedelta(hours=1)
    """Of candles and forecast."""
    walk: WalkPlan
    first: datetime | None = None
    last: datetime | None = None
    observed: Path | None = None
    """Observed highs, from which results are derived where that is proven."""
    seed: int = bootstrap.SEED
    """Of whatever is drawn at random."""
    baselines: bool = True
    """Walk baselines and what-ifs beside the policy."""
    open_sealed: bool = False
    """See the sealed period, and nothing else."""

    @property
    def question(self) -> QuestionPlan:
        """What is asked of every market. Raises InvalidInput where the horizon is no number of steps."""
        steps, rest = divmod(self.horizon, self.step)
        if rest or not steps:
            raise InvalidInput(f"a horizon of {self.horizon} is no whole number of steps of {self.step}")
        return QuestionPlan(horizon_steps=steps, step=self.step)

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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that makes sense: there is something to be asked about."""

    plan: BacktestPlan
    question: QuestionPlan
    recording: Recording
    defects: Defects
    """Of the folder as a whole so far."""


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
    summary: Summary
    csv: Path
    trial: Entry
    """That began it."""


class Gathering:
    """What is counted as events stream by.

    Args:
        root: The data folder.
        seal: What ordinary runs do not see.
        defects: Told of what is wrong.
        inside: See that, and nothing else.
    """

    def __init__(self, root: Path, seal: Seal | None, defects: Defects, *, inside: bool) -> None:
        self.digest, self.reliability, self.defects = DataDigest(), ReliabilitySums(), defects
        self.results: Counter[str] = Counter()
        self.events = self.markets = self.sealed = 0
        self.first_close: datetime | None = None
        self.last_close: datetime | None = None
        self.seal, self._root, self._inside = seal, root, inside

    def open_events(self, events: Iterator[RecordedEvent]) -> Iterator[RecordedEvent]:
        """Give the events that may be seen."""
        for event in events:
            if self.seal is not None and self.seal.covers(event) is not self._inside:
                self.sealed += 1
            else:
                found = trades(self._root, event.series_ticker, event.event_ticker, self.defects)
                if found is None:
                    self.defects.note("trades_not_recorded", event.event_ticker)
                yield with_prints(event, found, self.defects)

    def add(self, event: RecordedEvent, answers: Answers, horizon: timedelta) -> None:
        """Count an event."""
        self.events += 1
        self.markets += len(event.markets)
        self.digest.add(event)
        self.reliability.add(event, answers)
        close = last_close(event)
        self.first_close = close if self.first_close is None else min(self.first_close, close)
        self.last_close = close if self.last_close is None else max(self.last_close, close)
        for market in event.markets:
            self.results["unknown" if market.outcome is None else market.outcome.origin.value] += 1
            strip = market.decisions
            if len(strip.ends) * strip.step_seconds < horizon.total_seconds():
                self.defects.note("market_shorter_than_horizon", market.terms.ticker)


def prepare(plan: BacktestPlan) -> Prepared:
    """Look whether there is anything to be asked about, before a server is bothered.

    Raises:
        InvalidInput: The horizon is no number of steps.
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
    return Prepared(plan, question, recording, defects)


async def backtest(
    prepared: Prepared,
    client: ForecastClient,
    store: AnswersStore,
    ledger: Ledger,
    out: Path,
    *,
    on_progress: Callable[[int, int, Tally], object] = lambda _done, _total, _tally: None,
) -> Backtest:
    """Run a backtest; its CSV file is written, and its result is in the ledger, when this returns.

    Args:
        prepared: What is asked.
        client: Who is asked.
        store: What was answered before.
        ledger: Told of the run, and of its result.
        out: The folder of the CSV file.
        on_progress: Called now and then with the events that are done, those there are, and what became of questions.

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

    def take(event: RecordedEvent, answers: Answers) -> None:
        gathering.add(event, answers, plan.horizon)
        walks.take(event, answers)
        progress()

    with Walks(plan.walk, beside() if plan.baselines else (), plan.seed) as walks:
        await asker.ask(gathering.open_events(recording.load(gathering.defects)), take)
        walked = walks.finish()
    if not gathering.events:
        raise NotFound(f"{plan.series}: no event is left to be walked", reason="EVENTS_MISSING")
    conditions = _conditions(plan, who, recording, gathering, asker.tally)
    path = out / f"{plan.name}.csv"
    summary = _scored(conditions, walked, ledger, begun, path)
    for name, count in walked[POLICY.name].defects.counts.items():
        gathering.defects.note(name, walked[POLICY.name].defects.examples[name], count)
    return Backtest(
        conditions=conditions,
        walked=walked,
        defects=gathering.defects,
        reliability=gathering.reliability.found(),
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


def _scored(conditions: Conditions, walked: Mapping[str, Walked], ledger: Ledger, begun: Entry, path: Path) -> Summary:
    """Write the rows, add them up, and tell the ledger before anybody else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    csv_file.write(path, walked[POLICY.name].rows)
    own = Trial(number=begun.number, time=begun.time, run=begun.body, result={"data": conditions.data_digest})
    others = [trial for trial in ledger.trials() if trial.identity != own.identity]
    summary = summarise(walked, sharpes(others), conditions.plan.seed)
    ledger.append(Kind.ENDED, _result(summary, conditions, begun, path))
    return summary


def _result(summary: Summary, conditions: Conditions, begun: Entry, path: Path) -> dict[str, Any]:
    found = summary.judgement
    mean = found.headline.mean_cents
    return {
        "begun": begun.number,
        "data": conditions.data_digest,
        "csv": hashlib.sha256(path.read_bytes()).hexdigest(),
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
