"""Our side of benchmarks/mesh.py: forecast server and trader as daemons, and their scans by taps and diaries."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as Folder

import aiohttp
import psutil

from benchmarks import mesh_stages
from benchmarks.fleet_daemons import Process, free_address, process
from benchmarks.mesh_stages import Row, Span
from benchmarks.mesh_world import SERIES
from benchmarks.noting import DIARY
from benchmarks.sides import START_SECONDS
from benchmarks.trader import JOURNAL, Diary, Trader, finished, spans, trading
from benchmarks.trader_tap import Call, Tap, tapped
from benchmarks.trader_world import World
from mesh import certs
from trader.domain.entries import Decided, ScanFinished, ScanStarted, SignalSeen
from trader.domain.words import ScanOutcome
from trader.journal.reading import reading

_SCAN_SECONDS = 1800.0
"""Longest that a scan may take: the largest model on a busy machine takes minutes."""
_LOOK_SECONDS = 0.05
_BUSY = re.compile(r"^foremesh_forecast_model_busy_seconds_total (\S+)$", re.MULTILINE)
_ROOM = 1_000_000
"""Dollars: so much is bought in the course of the scans that the shipped limits would end it."""
_TRADER = {
    "series": "[" + ", ".join(f"{{ticker = '{series}'}}" for series in SERIES) + "]",
    "useful_seconds": 3600,
    **{f"sizes.max_{what}_dollars": _ROOM for what in ("series", "event", "settlement", "total")},
}
_FORECAST = (ScanOutcome.SIGNAL, ScanOutcome.NO_SIGNAL)


@dataclass(frozen=True)
class Scanned:
    """A scan that is over."""

    seconds: float
    stages: Row
    """Each instant counted once."""
    at_work: Row
    processor: Row
    """Seconds on all cores by process, from the end of the scan before to the end of this one; empty for the first."""
    counts: Row
    means_cents: dict[str, float]
    """Mean forecast of every signal, by market."""


async def scans(
    folder: Folder, world: World, model: Mapping[str, object], count: int
) -> tuple[list[Scanned], dict[str, float]]:
    """Run both daemons until so many scans have ended; gives these, and how long the model computed in all.

    Args:
        folder: Existing and empty.
        world: Where the exchange is.
        model: The server's table `model`.
        count: How many.
    """
    secure, metrics = _certificates(folder), free_address()
    settings = {"rpc.listen": '["127.0.0.1:0"]', "rpc.metrics_listen": metrics, "cache_mebibytes": 0}
    settings |= {f"rpc.tls.{key}": file for key, file in secure["server"].items()}
    settings |= {f"model.{key}": value for key, value in model.items()}
    async with (
        process("benchmarks.server_process", folder / "server", settings) as server,
        tapped(world.daemon.url) as exchange_tap,
    ):
        address = (await server.logged("serving"))["addresses"][0]
        await server.logged("ready", START_SECONDS)
        async with tapped(address) as tap:
            mine = _TRADER | {f"forecast.{key}": file for key, file in secure["trader"].items()}
            target = tap.url.removeprefix("http://")
            async with trading(folder / "trader", world, exchange_tap, target, **mine) as trader:
                looks = await _watch(world, server, trader, count)
                stated, ends = await _busy(metrics), finished(folder / JOURNAL)[:count]
                diary = await trader.end()
        await server.end()
    computed = mesh_stages.pairs(json.loads((folder / "server" / DIARY).read_text())["computed"])
    told, made = _told(folder / JOURNAL), list[Scanned]()
    for place, span in enumerate(_until_the_last_order(spans(exchange_tap, ends), exchange_tap)):
        stages, at_work, counts = _scanned(span, exchange_tap, tap, computed, diary)
        processor = {name: looks[place][name] - looks[place - 1][name] for name in looks[0]} if place else {}
        found, means = told[place]
        made.append(Scanned(span[1] - span[0], stages, at_work, processor, counts | found, means))
    noted = sum(scan.at_work["model"] for scan in made)
    return made, {"model_seconds_noted": noted, "model_seconds_by_its_metric": stated}


def _certificates(folder: Folder) -> dict[str, dict[str, Folder]]:
    """Make what mutual TLS needs; gives the configurations' keys."""
    certs.init(folder)
    certs.issue(folder, "server", hosts=["127.0.0.1"])
    certs.issue(folder, "trader", role="trader")
    return {
        name: {
            authority: folder / "ca.crt",
            "certificate_file": folder / f"{name}.crt",
            "private_key_file": folder / f"{name}.key",
        }
        for name, authority in (("server", "client_ca_file"), ("trader", "ca_file"))
    }


async def _watch(world: World, server: Process, trader: Trader, count: int) -> list[Row]:
    """Wait until so many scans have ended; gives what processes had used at the end of each."""
    journal, looks = trader.folder.parent / JOURNAL, list[Row]()
    while len(looks) < count:
        async with asyncio.timeout(_SCAN_SECONDS):
            while not journal.exists() or len(finished(journal)) <= len(looks):
                for daemon in (server, trader.daemon):
                    assert daemon.process.returncode is None, daemon.log.read_text()[-5000:]
                await asyncio.sleep(_LOOK_SECONDS)
        times = psutil.Process().cpu_times()
        looks.append(
            {
                "exchange": world.daemon.cpu_seconds(),
                "forecast server": server.look(),
                "trader": trader.daemon.look(),
                "taps": times.user + times.system,
            }
        )
    await asyncio.sleep(2 * _LOOK_SECONDS)  # the last orders' answers
    return looks


async def _busy(metrics: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"http://{metrics}/metrics") as reply:
        return float(_BUSY.findall(await reply.text())[0])


def _until_the_last_order(found: Sequence[Span], tap: Tap) -> list[Span]:
    """Let scans last until the answer to the last order that they led to."""
    nexts = [start for start, _ in found[1:]] + [float("inf")]
    orders = [call for call in tap.calls if _is_order(call)]
    return [
        (start, max([end, *(call.ended for call in orders if start <= call.began < following)]))
        for (start, end), following in zip(found, nexts, strict=True)
    ]


def _is_order(call: Call) -> bool:
    return call.verb == "POST" and "/portfolio/" in call.path


def _scanned(scan: Span, exchange: Tap, forecasts: Tap, computed: Sequence[Span], diary: Diary) -> tuple[Row, Row, Row]:
    """Give each instant counted once, what was at work, and what can be counted on the wire."""
    calls = [call for call in exchange.calls if call.began < scan[1] and call.ended > scan[0]]
    orders = [call for call in calls if _is_order(call)]
    pieces = [at for at in forecasts.pieces if scan[0] <= at <= scan[1]]
    assert pieces, "the forecast server was not asked"
    work = {
        "exchange": [(call.began, call.ended) for call in calls if not _is_order(call)],
        "orders": [(call.began, call.ended) for call in orders],
        "model": computed,
        "decisions": diary.decided,
        "transport": [(pieces[0], pieces[-1])],
    }

    def busy(start: float, end: float) -> float:
        return diary.between(start, end)["wall_seconds"]

    counts = {"requests": float(len(calls)), "orders": float(len(orders))}
    return mesh_stages.shared_out(scan, work, busy), mesh_stages.at_work(scan, work, busy), counts


def _told(journal: Folder) -> list[tuple[Row, dict[str, float]]]:
    """Read off the journal what each finished scan came to, and the mean forecasts of its signals."""
    found, means, decisions = list[tuple[Row, dict[str, float]]](), dict[str, float](), 0.0
    with reading(journal) as reader:
        for entry in (recorded.entry for recorded in reader.read()):
            match entry:
                case ScanStarted():
                    means, decisions = {}, 0.0
                case SignalSeen():
                    means[entry.ticker] = entry.signal.forecast_mean_cents
                case Decided(scan_id=str()):
                    decisions += 1
                case ScanFinished():
                    forecasts = float(sum(entry.counts.get(outcome, 0) for outcome in _FORECAST))
                    signals = float(len(means))
                    found.append(({"forecasts": forecasts, "signals": signals, "decisions": decisions}, means))
    return found
