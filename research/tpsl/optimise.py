"""One search for better exits, from its beginning to its end: load, ask, walk, try every way out, write down.

Entries are those of the trader's own rules on the policy in force, each by a trader of its own, so that how one trade
ends does not decide which others there are. That a stop must lie outside the spread is left out while walking and is
held against every cell instead. The ledger knows of the run before anything is asked, and of its result before anybody
sees it.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from mesh.errors import NotFound
from mesh.forecasts import ForecastClient
from research.answering import answering
from research.answers_store import AnswersStore
from research.asking import Asker
from research.backtest import Prepared
from research.baselines import POLICY
from research.code_version import code_version
from research.gathering import Gathering
from research.hosts import Engine
from research.pauses import following
from research.plan import WalkPlan
from research.rows import TradeRow
from research.scanning import Tally
from research.sealing import seal_of
from research.tpsl import policy_in_force, written
from research.tpsl.optimised import STOP_DISTANCE, Optimised, TpslPlan
from research.tpsl.paths import Rules, cut
from research.tpsl.search import search
from research.tpsl.selection import Decision
from research.trials import Kind, Ledger
from research.types import Answers, Defects, RecordedEvent
from research.walks import HERE, Walks


async def optimise(
    plan: TpslPlan,
    prepared: Prepared,
    client: ForecastClient,
    store: AnswersStore,
    ledger: Ledger,
    *,
    out: Path,
    engine: Engine = HERE,
    on_progress: Callable[[int, int, Tally], object] = lambda _done, _total, _tally: None,
) -> Optimised:
    """Search; files are written, and the result is in the ledger, when this returns.

    Args:
        plan: What is asked.
        prepared: By `research.backtest.prepare`, of the plan's backtest.
        client: Who is asked.
        store: What was answered before.
        ledger: Told of the run, and of its result.
        out: The folder of the files.
        engine: Where is walked; what comes of it is the same anywhere.
        on_progress: Called now and then with the events that are done, those there are, and what became of questions.

    Raises:
        MeshError: Nothing can be loaded or traded, the server refuses or stays away, the ledger is damaged.
        OSError: A file cannot be read or written.
    """
    asked, recording, defects = plan.backtest, prepared.recording, prepared.defects
    who = await answering(client)
    in_force = policy_in_force.read(await client.exit_policies())
    names = ("model", "weights_digest", "policy_digest", "precision")
    run = {"command": "tpsl", "code": code_version(), **plan.parameters()}
    begun = ledger.append(Kind.BEGUN, run | {name: getattr(who, name) for name in names})
    seal = seal_of(ledger.entries(), asked.series)
    gathering = Gathering(asked.root, seal, defects, inside=False)
    rows = await _walked(plan, client, store, prepared, gathering, engine=engine, on_progress=on_progress)
    seen = (event for event in recording.load(Defects()) if seal is None or not seal.covers(event))
    paths = cut(rows, seen, _rules(plan, rows), defects)
    if not len(paths):
        raise NotFound(f"{asked.series}: no trade is left to be sold otherwise", reason="TRADES_MISSING")
    found = search(paths, plan.levels, plan.folds, plan.walk.settings.exits, asked.seed)
    proposed = found.selection.decision is Decision.PROPOSED
    result = Optimised(
        plan=plan,
        answering=who,
        data_digest=gathering.digest.hexdigest(),
        events=gathering.events,
        first_close=gathering.first_close,
        last_close=gathering.last_close,
        defects=defects,
        search=found,
        in_force=in_force,
        csv=out / f"{plan.name}.csv",
        policy=out / f"exit_policy_{asked.series}.toml" if proposed else None,
        trial=begun,
    )
    with written.staged(result):
        ledger.append(Kind.ENDED, written.told(result, begun.number))
    return result


async def _walked(
    plan: TpslPlan,
    client: ForecastClient,
    store: AnswersStore,
    prepared: Prepared,
    gathering: Gathering,
    *,
    engine: Engine,
    on_progress: Callable[[int, int, Tally], object],
) -> list[TradeRow]:
    asked, recording = plan.backtest, prepared.recording
    total = len(recording.event_tickers)
    asker = Asker(client, store, prepared.question, on_progress=lambda *_: progress())

    def progress() -> None:
        on_progress(gathering.events + gathering.sealed, total, asker.tally)

    async def take(event: RecordedEvent, answers: Answers) -> None:
        gathering.add(event, answers, asked.horizon)
        await asyncio.to_thread(walks.take, event, answers)
        progress()

    with Walks(plan.walk, (), asked.seed, engine=engine, events=total) as walks:
        await asker.ask(gathering.open_events(recording.load(gathering.defects)), take)
        walked = (await asyncio.to_thread(walks.finish))[POLICY.name]
    for name, count in walked.defects.counts.items():
        gathering.defects.note(name, walked.defects.examples[name], count)
    return walked.rows


def _rules(plan: TpslPlan, rows: list[TradeRow]) -> Rules:
    walk, off = plan.walk, plan.backtest.walk.settings.rules.off
    pauses: list[tuple[int, int]] = []
    if rows:
        first, last = min(row.decision_time for row in rows), max(row.close_time for row in rows)
        pauses = list(_until(walk, first, last))
    return Rules(
        exits=walk.settings.exits,
        entries=walk.settings.entries,
        latency_seconds=walk.latency.total_seconds(),
        stale_seconds=walk.stale_seconds,
        precision=walk.precision,
        pauses=tuple(pauses),
        stop_distance=STOP_DISTANCE not in off,
    )


def _until(walk: WalkPlan, first: datetime, last: datetime) -> Iterator[tuple[int, int]]:
    for begin, end in following(walk.nights, first.astimezone(UTC)):
        if begin > last:
            return
        yield int(begin.timestamp()), int(end.timestamp())
