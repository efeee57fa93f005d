"""What a backtest takes beside the forecasts: the command as people run it, and the same questions merely asked.

A recording is made: events of six markets of 38 hourly candles, one a day, as the recorded days of weather are. Prices
walk at random by three cents an hour. `foremesh backtest` runs on it as people run it, with a forecast server of its
own and the random walk; then the same questions are put to another new server by a caller that has them ready and
drops the answers.

The model, for a run, is a server that answers its questions as fast as it can: `asked_seconds`. What the run takes
longer is what the backtest adds, `overhead_share` of the run. A run is what the ledger says, from its beginning, with a
server that is ready, to its result; `command_seconds` is everything, the starts of Python and of the server among it.
`model_seconds` is the time in which the model computed, by the server's own count: even a caller that does nothing with
the answers waits longer.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import psutil
import pyarrow as pa
from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from benchmarks.fleet_daemons import free_address, process
from benchmarks.store import START, Size, candles
from mesh.forecasts import ForecastClient, forecasting
from mesh.records import MARKETS
from mesh.rpc.config import ClientConfig
from mesh.shards import Content, ShardKey
from mesh.store import naming
from mesh.store.label import Label, Origin
from mesh.store.parquet import encode
from mesh.store.tables import write_table
from research.asking import BATCH
from research.loading import load
from research.questions import QuestionPlan, questions
from research.types import Defects

SERIES = "KXHIGHNY"
SIZE = Size(SERIES, markets=6, periods=38, step_seconds=3600)
MOVE = 3.0
_IN_FLIGHT = 2
_LOOK_SECONDS = 0.05
_BUSY = "foremesh_forecast_model_busy_seconds_total"


def record(root: Path, forecasts: int) -> int:
    """Write a recording with at least so many candles; gives how many."""
    events = -(-forecasts // SIZE.rows)
    listed = []
    for number in range(events):
        start = START + timedelta(days=number - events)
        key = ShardKey(SERIES, f"{SERIES}-{start:%y%b%d}".upper(), SIZE.step_seconds)
        table = candles(key, SIZE, number, start, MOVE)
        path = naming.visible(root, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        close = start + timedelta(seconds=SIZE.periods * SIZE.step_seconds)
        label = Label(key, 0, Origin.IMPORT, Content.PRICES_AND_QUOTES, close, ())
        path.write_bytes(encode(table, label.notes()))
        last = table.column("yes_bid_close_micros").to_numpy().reshape(SIZE.markets, SIZE.periods)[:, -1]
        tickers = table.column("market_ticker").to_pylist()[:: SIZE.periods]
        listed += [
            {
                "series_ticker": SERIES,
                "event_ticker": key.event,
                "market_ticker": ticker,
                "open_time": start,
                "close_time": close,
                "result": "yes" if bid > 500_000 else "no",
            }
            for ticker, bid in zip(tickers, last.tolist(), strict=True)
        ]
    write_table(naming.markets(root, SERIES), pa.Table.from_pylist(listed, schema=MARKETS))
    return events * SIZE.rows


@dataclass(frozen=True, slots=True)
class Ran:
    """The command, from its start to its end."""

    command_seconds: float
    run_seconds: float
    """From its beginning to its result, by the ledger."""
    megabytes: Mapping[str, float]
    """Resident, the most at any look, by kind of process; of `walks` all together."""
    processor_seconds: Mapping[str, float]
    """The same."""
    asked: int
    """Questions that the server answered."""


def command(root: Path, state: Path, *words: str) -> Ran:
    """Run `foremesh backtest` with no answer known before."""
    arguments = [
        "backtest",
        SERIES,
        "--model",
        "random-walk",
        "--data",
        root,
        "--state",
        state,
        "--out",
        state,
        "--json",
    ]
    most, used = defaultdict[str, float](float), defaultdict[str, float](float)
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "console", *map(str, arguments), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        done = threading.Event()
        watching = threading.Thread(target=_watch, args=(psutil.Process(run.pid), most, used, done))
        watching.start()
        said, complained = run.communicate()
        seconds = time.perf_counter() - began
        done.set()
        watching.join()
    assert run.returncode == 0, complained
    return Ran(seconds, _run_seconds(state / "trials.jsonl"), most, used, json.loads(said)["questions"]["asked"])


def _run_seconds(ledger: Path) -> float:
    begun, ended = (datetime.fromisoformat(json.loads(line)["time"]) for line in ledger.read_text().splitlines())
    return (ended - begun).total_seconds()


def _watch(command: psutil.Process, most: dict[str, float], used: dict[str, float], done: threading.Event) -> None:
    while not done.wait(_LOOK_SECONDS):
        resident, processor = defaultdict[str, float](float), defaultdict[str, float](float)
        try:
            for process in (command, *command.children()):
                words = " ".join(process.cmdline())
                kind = "server" if "forecast-server" in words else "walks" if "spawn_main" in words else "command"
                resident[kind] += process.memory_info().rss / 1e6
                processor[kind] += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue  # one has ended while it was looked at
        for kind in resident:
            most[kind], used[kind] = max(most[kind], resident[kind]), max(used[kind], processor[kind])


async def asked(root: Path, folder: Path) -> Mapping[str, float]:
    """Ask a new server all that the command asks, as fast as it answers, and nothing else."""
    plan = QuestionPlan()
    histories = [
        forecast_pb2.MarketHistory.FromString(question.history)
        for event in load(root, SERIES, step_seconds=SIZE.step_seconds, defects=Defects())
        for market in event.markets
        for question in questions(market, plan)
        if question.history is not None
    ]
    metrics = free_address()
    settings = {
        "model.name": "random-walk",
        "rpc.listen": '["127.0.0.1:0"]',
        "rpc.metrics_listen": metrics,
    }
    async with process("forecast_server", folder, settings) as server:
        address = (await server.logged("serving"))["addresses"][0]
        await server.logged("ready")
        async with forecasting(ClientConfig(targets=(address,))) as client:
            began = time.perf_counter()
            limit = asyncio.Semaphore(_IN_FLIGHT)
            async with asyncio.TaskGroup() as tasks:
                for start in range(0, len(histories), BATCH):
                    tasks.create_task(_ask(client, histories[start : start + BATCH], plan, limit))
            seconds = time.perf_counter() - began
        async with aiohttp.ClientSession() as session, session.get(f"http://{metrics}/metrics") as reply:
            text = await reply.text()
    busy = next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(_BUSY))
    return {"questions": len(histories), "asked_seconds": seconds, "model_seconds": busy}


async def _ask(
    client: ForecastClient,
    histories: Sequence[forecast_pb2.MarketHistory],
    plan: QuestionPlan,
    limit: asyncio.Semaphore,
) -> None:
    everything = signal_pb2.SignalOptions(min_magnitude_cents=0)
    async with limit:
        count = 0
        async for _ in client.scan(histories, plan.options(), everything, within=600.0):
            count += 1
        assert count == len(histories)


def measure(counts: Sequence[int], *, whole: bool) -> Mapping[str, Mapping[str, float]]:
    """Measure recordings of some sizes; gives figures by forecasts and kind of run.

    Args:
        counts: Forecasts, about.
        whole: Also with the report's other walks beside the policy's.
    """
    found = {}
    kinds = {"policy alone": ["--no-baselines"], **({"whole report": []} if whole else {})}
    for forecasts in counts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            record(folder / "data", forecasts)
            alone = asyncio.run(asked(folder / "data", folder / "server"))
            for kind, words in kinds.items():
                ran = command(folder / "data", folder / kind, *words)
                assert ran.asked == alone["questions"]
                found[f"{forecasts:,}, {kind}"] = {
                    **alone,
                    "command_seconds": ran.command_seconds,
                    "run_seconds": ran.run_seconds,
                    "overhead_share": 1 - alone["asked_seconds"] / ran.run_seconds,
                    **{f"{process}_megabytes": megabytes for process, megabytes in ran.megabytes.items()},
                    **{f"{process}_processor_seconds": used for process, used in ran.processor_seconds.items()},
                }
    return found
