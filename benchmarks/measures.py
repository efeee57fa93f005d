"""The measurements of benchmarks/forecast_server.py, each one comparison of two sides."""

import asyncio
import math
import random
import statistics
import time
from collections.abc import Sequence

from foremesh.forecast.v1 import model_pb2

from benchmarks.in_process import InProcess
from benchmarks.markets import Market
from benchmarks.sides import Caller, MeshCaller

Row = dict[str, float]


async def answers(ours: Caller, theirs: Caller, markets: Sequence[Market]) -> Row:
    """Compare what both forecast of the same markets."""
    mine, peers = [(await side.scan(markets)).means_cents for side in (ours, theirs)]
    assert mine.keys() == peers.keys()
    return {"largest_difference_cents": max(abs(mine[ticker] - peers[ticker]) for ticker in mine)}


async def throughput(ours: MeshCaller, direct: InProcess, markets: Sequence[Market], rounds: int) -> dict[str, Row]:
    """Measure one big scan in process and through gRPC, in turn: `throughput` and `first_signal`."""
    await ours.scan(markets)
    taken = []
    for _ in range(rounds):
        batch_cost = (await ours.client.model()).batch_cost  # the server chooses it again as it works
        batches = await direct.forecast(batch_cost)
        taken.append((batches, await ours.scan(markets), sum(await direct.forecast())))
    firsts = [scan.first_seconds for _, scan, _ in taken]
    stated, count = batch_seconds(await ours.client.model()), len(markets)
    return {
        "throughput": {
            "in_process_series_per_second": statistics.median(count / sum(batches) for batches, _, _ in taken),
            "ours_series_per_second": statistics.median(count / scan.seconds for _, scan, _ in taken),
            "ratio": statistics.median(sum(batches) / scan.seconds for batches, scan, _ in taken),
            "in_process_at_once_series_per_second": statistics.median(count / at_once for _, _, at_once in taken),
        },
        "first_signal": {
            "median_ms": statistics.median(firsts) * 1e3,
            "worst_ms": max(firsts) * 1e3,
            "batch_ms": stated * 1e3,
            "longest_batch_in_process_ms": statistics.median(max(batches) for batches, _, _ in taken) * 1e3,
            "over_one_batch_ms": (statistics.median(firsts) - stated) * 1e3,
        },
    }


def batch_seconds(model: model_pb2.Model) -> float:
    """Read off GetModel what a full batch is expected to take; where it states more than that, its share of it."""
    timings = sorted(model.batch_timings, key=lambda timing: timing.up_to_cost)
    assert timings, "the server states no batch timings"
    nearest = next((timing for timing in timings if timing.up_to_cost >= model.batch_cost), timings[-1])
    return nearest.expected_seconds * model.batch_cost / nearest.up_to_cost


async def concurrent(
    ours: Sequence[Caller], theirs: Sequence[Caller], scans: Sequence[Sequence[Market]], *, rounds: int, our_scans: int
) -> Row:
    """Measure callers that scan at the same time, each its own markets, on both servers in turn.

    Each of our callers does `our_scans` scans in a round, each of theirs one.
    """
    pairs = [
        (await _scans_per_second(ours, scans, our_scans), await _scans_per_second(theirs, scans, 1))
        for _ in range(rounds)
    ]
    return {
        "ours_scans_per_second": statistics.median(mine for mine, _ in pairs),
        "predecessor_scans_per_second": statistics.median(peer for _, peer in pairs),
        "ratio": statistics.median(mine / peer for mine, peer in pairs),
    }


async def _scans_per_second(callers: Sequence[Caller], scans: Sequence[Sequence[Market]], each: int) -> float:
    async def repeat(caller: Caller, markets: Sequence[Market]) -> None:
        for _ in range(each):
            await caller.scan(markets)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for caller, markets in zip(callers, scans, strict=True):
            tasks.create_task(repeat(caller, markets))
    return len(callers) * each / (time.perf_counter() - started)


async def urgent(
    busy: Caller, asking: Caller, big: Sequence[Market], small: Sequence[Market], *, count: int, hold_seconds: float
) -> list[float]:
    """Time small urgent requests of one caller while another one's big scans follow each other; seconds, ascending.

    Args:
        busy: Scans `big` again and again.
        asking: Asks about `small`, urgently.
        big: Markets of the big scan.
        small: Markets of the urgent request.
        count: Requests.
        hold_seconds: How long one piece of work holds the model: before each request passes a random part of it, so
            that requests come at any moment of it.
    """
    moments = random.Random(7)  # noqa: S311  # no secrets
    found: list[float] = []
    over = False

    async def scan() -> None:
        while not over:
            await busy.scan(big)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scan())
        for _ in range(count):
            await asyncio.sleep(moments.uniform(0.05, 1) * hold_seconds)
            found.append((await asking.scan(small, urgent=True)).seconds)
        over = True
    return sorted(found)


def against(ours: Sequence[float], theirs: Sequence[float]) -> Row:
    """Compare sorted times of urgent requests."""
    row: Row = {}
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        mine, peers = (times[math.ceil(share * len(times)) - 1] for times in (ours, theirs))
        row |= {f"ours_{name}_ms": mine * 1e3, f"predecessor_{name}_ms": peers * 1e3, f"{name}_ratio": peers / mine}
    return row
