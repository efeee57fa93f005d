"""The trader as it is put together, on the simulated exchange and a real forecast server."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from forecast_server.app import forecast_server
from forecast_server.config import ForecastServerConfig
from mesh.config import load
from mesh.daemon import Fatal, Lifecycle
from mesh.rpc.server import Server
from tests.fakes.exchange_process import ExchangeProcess, exchange_process
from tests.fakes.power.host import host
from tests.fakes.power.recorder import recording
from tests.fakes.questions import until
from tests.fakes.trading import NOON
from trader.app import trader
from trader.config import TraderConfig
from trader.domain.entries import AnyEntry, CashSeen, Differed, ScanFinished, Started, Stopped
from trader.domain.words import Mode, ScanOutcome
from trader.journal.reading import reading
from trader.journal.store import opened

PATIENCE = 20.0
SQLITE_FULL = 13


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    with exchange_process(tmp_path_factory.mktemp("exchange")) as running:
        yield running


def config(folder: Path, exchange: ExchangeProcess, forecasts: str, mode: str) -> TraderConfig:
    words = [f"mode={mode}", f"kalshi.host={exchange.url}", f'forecast.targets=["{forecasts}"]']
    words += ['rpc.listen=["127.0.0.1:0"]', "rpc.metrics_listen=off", "series=[{ticker='KXHIGHNY'}]"]
    words += [f"state_folder={folder / 'state'}", f"paper.file={folder / 'paper.sqlite'}"]
    if mode != "paper":
        name = folder.name.replace("_", "-")[:20]
        words += [f"kalshi.key_id={exchange.add_member(name)}"]
        words += [f"kalshi.private_key_file={exchange.folder / f'{name}.key'}"]
    return load(None, TraderConfig, words)


@asynccontextmanager
async def trading(config: TraderConfig) -> AsyncIterator[Server]:
    """Run a trader; at the end it stops in order, as after SIGTERM."""
    async with living(config) as (server, _):
        yield server


@asynccontextmanager
async def living(config: TraderConfig) -> AsyncIterator[tuple[Server, Lifecycle]]:
    """The same, with what its daemon knows of it."""
    try:
        async with asyncio.TaskGroup() as tasks:
            lifecycle = Lifecycle(tasks)
            async with trader(config, lifecycle) as server:
                yield server, lifecycle
                lifecycle.stopping.set()
            raise _Over  # as the daemon does, to end what still runs in the background
    except* _Over:
        pass


async def refusal(config: TraderConfig, then: Callable[[], None] | None = None) -> str:
    """Why a trader does not start, or, with something that happens once it runs, does not go on."""

    async def lives() -> None:
        async with trading(config):
            if then is not None:
                then()
                await asyncio.sleep(PATIENCE)

    with pytest.raises(ExceptionGroup) as refused:
        await lives()
    (fatal,) = refused.value.exceptions
    assert isinstance(fatal, Fatal)
    return str(fatal)


class _Over(Exception):
    """The trader has stopped."""


def written(config: TraderConfig, *kinds: type[AnyEntry]) -> list[AnyEntry]:
    """Read entries of the journal."""
    with reading(config.journal) as reader:
        return [recorded.entry for recorded in reader.read() if isinstance(recorded.entry, kinds)]


async def until_written(config: TraderConfig, kind: type[AnyEntry]) -> AnyEntry:
    """Wait until there is an entry of a kind."""
    async with asyncio.timeout(PATIENCE):
        while not (found := written(config, kind)):
            await asyncio.sleep(0.05)
    return found[0]


@pytest.mark.parametrize("mode", ["paper", "demo"])
async def test_it_compares_scans_and_stops_in_order(tmp_path: Path, exchange: ExchangeProcess, mode: str) -> None:
    settings = load(None, ForecastServerConfig, ['rpc.listen=["127.0.0.1:0"]', "rpc.metrics_listen=off"])
    async with asyncio.TaskGroup() as tasks, forecast_server(settings, Lifecycle(tasks)) as forecasts:
        chosen = config(tmp_path, exchange, forecasts.addresses[0], mode)
        async with trading(chosen):
            cash = await until_written(chosen, CashSeen)
            finished = await until_written(chosen, ScanFinished)
            assert "the journal cannot be used" in await refusal(chosen)
        assert isinstance(cash, CashSeen)
        assert cash.cash == 1_000_000_000
        assert isinstance(finished, ScanFinished)
        assert finished.market_count > 0
        assert sum(finished.counts.values()) == finished.market_count
        assert ScanOutcome.FAILED not in finished.counts
        unasked = [why for _, outcome, why in finished.others if outcome is ScanOutcome.NOT_ASKED]
        assert set(unasked) <= {"no_history"}  # within an hour of its opening a market has no candle
        assert len(unasked) < finished.market_count
        assert len(written(chosen, Stopped)) == 1
        assert not written(chosen, Differed)


async def test_a_journal_of_another_mode_is_refused(tmp_path: Path, exchange: ExchangeProcess) -> None:
    paper = config(tmp_path, exchange, "127.0.0.1:9", "paper")
    async with trading(paper):
        pass
    demo = config(tmp_path, exchange, "127.0.0.1:9", "demo").model_copy(update={"journal_file": paper.journal})
    assert "of mode paper, not demo" in await refusal(demo)


@pytest.mark.parametrize(
    ("tampered", "says"),
    [
        ("UPDATE meta SET value = 'demo' WHERE name = 'mode'", "of mode paper, but its table of facts says demo"),
        ("DELETE FROM meta WHERE name = 'mode'", "of mode paper, but its table of facts says None"),
        ("DELETE FROM entries", "of mode None, but its table of facts says paper"),
        ("DELETE FROM entries WHERE sequence = 2", "entry 2: is missing: entry 3 stands in its place"),
    ],
)
async def test_a_journal_that_somebody_changed_is_refused(
    tampered: str, says: str, tmp_path: Path, exchange: ExchangeProcess
) -> None:
    paper = config(tmp_path, exchange, "127.0.0.1:9", "paper")
    mode = Mode.DEMO if "demo" in tampered else Mode.PAPER
    chosen = paper.model_copy(update={"mode": mode, "journal_file": paper.journal})
    with opened(chosen.journal) as journal:
        journal.append(NOON, [Started(run_id=f"r-{n}", mode=Mode.PAPER, version="1", config_digest="") for n in "123"])
    with contextlib.closing(sqlite3.connect(chosen.journal)) as database, database:
        database.execute(tampered)
    assert says in await refusal(chosen)


async def test_it_is_ready_while_neither_exchange_nor_forecast_server_is_there(
    tmp_path: Path, exchange: ExchangeProcess
) -> None:
    alone = config(tmp_path, exchange, "127.0.0.1:9", "paper")
    nowhere = alone.model_copy(update={"kalshi": alone.kalshi.model_copy(update={"host": "http://127.0.0.1:9"})})
    async with trading(nowhere) as server:
        assert server.addresses
    assert isinstance(written(nowhere, Stopped)[0], Stopped)


async def test_the_watchdog_goes_by_the_exit_loop(tmp_path: Path, exchange: ExchangeProcess) -> None:
    patient = config(tmp_path, exchange, "127.0.0.1:9", "paper")
    hasty = patient.protections.model_copy(update={"max_exit_silence_seconds": 0.001})
    async with living(patient.model_copy(update={"protections": hasty})) as (_, lifecycle):
        await until(lambda: not lifecycle.alive())  # no loop passes so often


async def test_a_full_disk_ends_it_at_once_and_the_owner_is_told_once(
    exchange: ExchangeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with host() as root, recording(root) as recorder:
        chosen = config(root, exchange, "127.0.0.1:9", "paper")

        def fill() -> None:
            recorder.fail = lambda op: SQLITE_FULL if op.kind == "write" else 0

        assert "JOURNAL_FULL" in await refusal(chosen, fill)
        assert "disk is full" in await refusal(chosen), "the next process has no better one"
        assert capsys.readouterr().out.count("the trader cannot go on and has ended") == 1
        recorder.fail = lambda _op: 0
        async with trading(chosen):
            await until_written(chosen, CashSeen)
