"""The composition root: journal, exchange, markets, forecasts, engine, server."""

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from foremesh.trader.v1 import trader_service_pb2
from prometheus_client import CollectorRegistry, ProcessCollector

from mesh import log
from mesh.clock import Clock
from mesh.daemon import Fatal, Lifecycle
from mesh.forecasts import forecasting
from mesh.rpc.server import Server, Service, serving
from mesh.secret import read_secret
from trader.config import TraderConfig
from trader.domain.events import Begun
from trader.domain.settings import hundredths
from trader.domain.state import State
from trader.domain.words import Mode
from trader.ending import Ending
from trader.engine.carrying import check, keep_carrying
from trader.engine.core import EngineFailed
from trader.engine.engine import Engine, Timing
from trader.engine.recalling import recalled
from trader.exchange.budgets import keep_learning
from trader.exchange.reaching import Kalshi, reaching
from trader.halting import GroupSwitch
from trader.journal.carried import find
from trader.journal.errors import DAMAGED, TAKEN, JournalError
from trader.journal.finding import Finder
from trader.journal.store import Store, opened
from trader.kill_switch import present
from trader.metrics import TraderMetrics
from trader.notifying.heartbeat import Heartbeat
from trader.notifying.last_word import LastWord
from trader.notifying.making import notifier
from trader.paper.exchange import paper_exchange
from trader.ports import Exchange, Markets, Scans
from trader.reporting import expectation
from trader.reporting.reading import report_on
from trader.results import Results
from trader.scanning.histories import Histories
from trader.scanning.scanner import Scanner, ScanSettings
from trader.service.reports import Reports
from trader.service.servicer import service
from trader.service.status import Facts
from trader.tapping import Tapped

_SERVICE = trader_service_pb2.DESCRIPTOR.services_by_name["TraderService"]

_log = log.get(__name__)


@asynccontextmanager
async def trader(config: TraderConfig, lifecycle: Lifecycle, clock: Clock | None = None) -> AsyncIterator[Server]:
    """Guard what is open, trade, and answer; at the end stop in order.

    `clock` is for programs that move the time themselves.

    Raises:
        Fatal: The journal or the paper account cannot be used, or another process holds it.
        ConfigError: A key, certificate or secret file cannot be used.
    """
    clock, registry = clock or config.clock.shared(), CollectorRegistry()
    ProcessCollector(registry=registry)
    run_id = uuid4().hex[:16]
    told = notifier(config.notify)
    async with AsyncExitStack() as stack:
        last_word = LastWord(told, config.state_folder / "last_word", config.mode, clock)
        journal, past, state, lived = await _past(stack, config, last_word)
        kalshi = await stack.enter_async_context(reaching(config.kalshi, clock))
        exchange, markets = await _exchange(stack, config, kalshi, clock)
        histories = Histories(clock)
        scans = await _scans(stack, config, kalshi, journal.journal_id, clock, histories=histories)
        engine = Engine(
            state,
            journal,
            exchange=exchange,
            markets=markets,
            scans=scans,
            notifier=told,
            clock=clock,
            timing=Timing(
                scan_seconds=config.scan_seconds,
                candle_steps=tuple(series.step for series in config.series),
                reconcile_seconds=config.reconcile_seconds,
            ),
            kill_switch=lambda: present(config.kill_switch),
            lived=lived,
            cancel_on_stop=config.cancel_on_stop,
        )
        TraderMetrics(registry, engine, config.journal.parent)
        server = await stack.enter_async_context(
            serving(
                config.rpc,
                [_service(engine, config, run_id, lifecycle, histories)],
                draining=lifecycle.stopping,
                registry=registry,
            )
        )
        _summary(config, journal, engine)
        group: GroupSwitch | None = None
        if kalshi.exchange is not None and config.mode is not Mode.PAPER and config.group_contracts:
            kalshi.exchange.groups.wanted = True  # no entry leaves before there are groups, not even the first
            group = GroupSwitch(engine, kalshi.exchange.groups, hundredths(config.group_contracts))
        begun = Begun(run_id, config.mode, version("foremesh"), config.digest)
        ending = Ending(engine, last_word, group)
        lifecycle.tasks.create_task(_run(engine, begun, ending), name="engine")
        lifecycle.tasks.create_task(_carry(config.journal, past, clock, ending), name="books carried forward")
        lifecycle.alive = engine.alive
        if config.kalshi.key_id is not None:
            lifecycle.tasks.create_task(keep_learning(kalshi.client, clock), name="rate limits")
        if config.notify.heartbeat_file is not None:
            beats = Heartbeat(read_secret(config.notify.heartbeat_file), engine.alive, clock)
            lifecycle.tasks.create_task(beats.run(), name="heartbeat")
        if group is not None:
            lifecycle.tasks.create_task(group.run(), name="order groups")
        try:
            await engine.started.wait()
            gc.freeze()  # what is loaded stays: looking at it again takes 40 ms, in which no exit leaves
            await server.health.set(_SERVICE.full_name, serving=True)
            lifecycle.ready(f"{config.mode.value} trading on {config.kalshi.rest_url}, {', '.join(server.addresses)}")
            yield server
        finally:
            await server.health.set(_SERVICE.full_name, serving=False)
            await engine.stop(config.stop_seconds)


def _service(engine: Engine, config: TraderConfig, run_id: str, lifecycle: Lifecycle, histories: Histories) -> Service:
    """Make the service that looks into the engine and moves its switches."""
    facts = Facts(
        instance_id=run_id,
        mode=config.mode,
        code_version=version("foremesh"),
        config_digest=config.digest,
        scan_seconds=config.scan_seconds,
        reconcile_seconds=config.reconcile_seconds,
    )
    promises = None if config.expectation_file is None else expectation.read(config.expectation_file)
    reports = Reports(partial(report_on, config.journal), promises)
    return service(engine, facts, lifecycle.stopping, reports, search=Finder(config.journal), histories=histories)


async def _run(engine: Engine, begun: Begun, ending: Ending) -> None:
    """Trade; an engine that failed takes the process with it, and systemd starts another, which reads the journal."""
    try:
        await engine.run(begun)
    except* EngineFailed as failures:
        why = str(failures.exceptions[0])
        await ending.tell(why)
        raise Fatal(why) from failures


async def _carry(journal: Path, past: int, clock: Clock, ending: Ending) -> None:
    """Check what the start did not fold, then spare later starts more of it."""
    try:
        await check(journal, past, clock)
        await keep_carrying(journal, clock)
    except JournalError as error:
        await ending.tell(str(error))
        raise Fatal(f"the journal cannot be used: {error.message}") from error


async def _past(
    stack: AsyncExitStack, config: TraderConfig, last_word: LastWord
) -> tuple[Store, int, State, datetime | None]:
    """Open the journal for this process alone, and fold it; how many entries were carried forward comes second."""
    try:
        journal = stack.enter_context(opened(config.journal))
        if journal.mode not in (None, config.mode):
            words = f"it is of mode {journal.mode}, not {config.mode}: give each mode a journal of its own"
            raise Fatal(f"the journal {config.journal} cannot be used: {words}")
        carried = find(config.journal)
        past = 0 if carried is None else carried.books.sequence
        state, lived = recalled(journal, config.settings, carried)
        if state.books.mode is not journal.mode:
            words = f"of mode {state.books.mode}, but its table of facts says {journal.mode}"
            raise JournalError(f"{config.journal}: {words}", reason=DAMAGED)
        return journal, past, state, lived
    except JournalError as error:
        if error.reason != TAKEN:  # then another trader guards
            await last_word.say(str(error), None)
        raise Fatal(f"the journal cannot be used: {error.message}") from error


async def _exchange(
    stack: AsyncExitStack, config: TraderConfig, kalshi: Kalshi, clock: Clock
) -> tuple[Exchange, Markets]:
    """Open what orders go to, and the markets as the engine is to see them."""
    if config.mode is Mode.PAPER:
        paper = await stack.enter_async_context(
            paper_exchange(config.paper, Results(kalshi.markets, kalshi.client), clock)
        )
        return paper, Tapped(kalshi.markets, paper.see)
    if kalshi.exchange is None:
        raise Fatal(f"mode {config.mode.value} needs a key")
    return kalshi.exchange, kalshi.markets


async def _scans(
    stack: AsyncExitStack, config: TraderConfig, kalshi: Kalshi, journal_id: str, clock: Clock, *, histories: Histories
) -> Scans:
    forecasts = await stack.enter_async_context(forecasting(config.forecast))
    settings = ScanSettings(
        series=config.series,
        mode=config.mode,
        client_id=journal_id,
        min_magnitude_cents=config.rules.min_magnitude_cents,
        useful_seconds=config.useful_seconds,
    )
    return Scanner(kalshi.client, kalshi.fees, forecasts, settings, clock, histories=histories)


def _summary(config: TraderConfig, journal: Store, engine: Engine) -> None:
    """Say in the log what this process may do, every limit by name."""
    books = engine.state.books
    say = _log.warning if config.mode is Mode.LIVE else _log.info
    say(
        "trading",
        mode=config.mode.value,
        exchange=config.kalshi.rest_url,
        key_id=config.kalshi.key_id,
        journal=str(config.journal),
        entries=journal.last_sequence,
        positions=len(books.positions),
        working_orders=len(books.working),
        blocks=[block.why for block in books.blocks.values()],
    )
    for name, values in config.limits():
        say("limits", table=name, **values)
