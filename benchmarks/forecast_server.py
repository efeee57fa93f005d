"""What serving costs a model, and what the server wins over the design it replaces.

Three sides run the same TimesFM 2.5 weights over the same histories:

    in process    our lean model called directly, in batches of the server's own batch cost: no server, no network
    ours          `foremesh-forecast-server` over gRPC with mutual TLS, called with `mesh.forecasts.ForecastClient`
    predecessor   a threaded HTTP/JSON server around the stock `timesfm` forecast (benchmarks/predecessor.py)

and these figures come out:

    throughput     series a second of one big scan: ours against in process
    first signal   of that scan, against the time that the server states for one batch
    callers        scans a second of four concurrent callers: ours against the predecessor
    urgent         how long a small request takes while one big scan follows the other. Ours has priority 100; the
                   predecessor knows none. It comes at any moment of what holds the model: with us one batch, there a
                   whole scan

Every forecast is computed: our cache is bypassed. Servers have processes of their own, sides are measured in turn, and
all share this machine. Weights are random unless `--checkpoint` names some: speed is the same, what is forecast is
compared between the servers, so that both are known to do the same work. `--markets 1000` is the size that is promised;
the default does less of the same in a quarter of an hour on two cores.

    python -m benchmarks.forecast_server [--markets 256] [--histories FILE | --points N] [--checkpoint FOLDER]
        [--layers 20 --width 1280] [--device auto] [--precision auto] [--compile] [--alone] [--rounds 3]
        [--quick] [--json]
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path as Folder
from typing import Any, get_args

# The server sets it for itself; the model in this process, and the predecessor, shall have the same advantage.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from foremesh.forecast.v1 import model_pb2

from benchmarks import markets, measures
from benchmarks.in_process import in_process
from benchmarks.markets import Market
from benchmarks.sides import HORIZON, Caller, Device, Precision, mesh_server, predecessor_server
from benchmarks.weights import random_checkpoint, sizes
from console.recorded import HistoryError
from mesh import log
from mesh.forecasts import BATCH_HISTORIES

PROMISES = {
    ("throughput", "ratio"): "at least 0.90",
    ("first_signal", "over_one_batch_ms"): "at most 20",
    ("callers", "ratio"): "at least 3",
    ("urgent", "p99_ratio"): "at least 10",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    rounds: int
    callers: int = 4
    caller_markets: int = 64
    """Of each caller's scan: two of the predecessor's batches of 32, so that it pads none."""
    our_scans: int = 4
    """Of each of our callers in a round; the predecessor's do one."""
    urgent_markets: int = 4
    our_urgent: int = 100
    their_urgent: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured on."""

    checkpoint: Folder
    weights: str
    """What they are, for people."""
    device: Device
    precision: Precision
    compiled: bool
    """Whether the predecessor lets torch compile its model."""
    step: timedelta


async def run(folder: Folder, setting: Setting, given: Sequence[Market], plan: Plan, *, alone: bool) -> dict[str, Any]:
    """Measure everything, or what needs no predecessor; gives conditions and rows."""
    loads, checkpoint, device = [os.getloadavg()[0]], setting.checkpoint, setting.device
    _say("starting our server")
    async with (
        mesh_server(folder, checkpoint, device=device, precision=setting.precision, step=setting.step) as ours,
        AsyncExitStack() as stack,
    ):
        mine = [await stack.enter_async_context(ours()) for _ in range(plan.callers)]
        for caller in mine:
            await caller.scan(given[: plan.urgent_markets])  # the handshake of TLS is nobody's first signal
        _say("one big scan, in process and through gRPC")
        async with in_process(checkpoint, given, device=device, precision=setting.precision) as direct:
            rows = await measures.throughput(mine[0], direct, given, plan.rounds)
        if not alone:
            _say("starting the predecessor")
            async with predecessor_server(folder, checkpoint, device=device, compiled=setting.compiled) as theirs:
                peers = [await stack.enter_async_context(theirs()) for _ in range(plan.callers)]
                rows |= await compare(mine, peers, given, plan, batch_seconds=rows["first_signal"]["batch_ms"] / 1e3)
        model = await mine[0].client.model()
        assert model.cache.hits == 0, "answers were given out again"
    loads.append(os.getloadavg()[0])
    return {"conditions": conditions(setting, given, plan, model) | {"load_average": loads}, "rows": rows}


async def compare(
    ours: Sequence[Caller], theirs: Sequence[Caller], given: Sequence[Market], plan: Plan, *, batch_seconds: float
) -> dict[str, measures.Row]:
    """Measure both servers; gives `answers`, `callers` and `urgent`."""
    size, small = plan.caller_markets, given[: plan.urgent_markets]
    scans = [list(islice(cycle(given), start, start + size)) for start in range(0, plan.callers * size, size)]
    rows = {"answers": await measures.answers(ours[0], theirs[0], scans[0])}
    _say(f"{plan.callers} concurrent callers, ours and the predecessor's")
    rows["callers"] = await measures.concurrent(ours, theirs, scans, rounds=plan.rounds, our_scans=plan.our_scans)
    _say("urgent requests during big scans, ours")
    swift = await measures.urgent(ours[0], ours[1], given, small, count=plan.our_urgent, hold_seconds=batch_seconds)
    _say("urgent requests during big scans, the predecessor's")
    scan_seconds = len(given) / size / rows["callers"]["predecessor_scans_per_second"]
    slow = await measures.urgent(theirs[0], theirs[1], given, small, count=plan.their_urgent, hold_seconds=scan_seconds)
    return rows | {"urgent": measures.against(swift, slow)}


def conditions(setting: Setting, given: Sequence[Market], plan: Plan, model: model_pb2.Model) -> dict[str, object]:
    """State what the figures depend on."""
    urgent = f"{plan.our_urgent} of ours, {plan.their_urgent} of the predecessor's: its p99 is its slowest"
    return {
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "device": f"{model.device} {model.hardware.name}".strip(),
        "precision": f"{model.precision}, the predecessor float32",
        "compile_mode": f"{model.compile_mode}, the predecessor {'compiled' if setting.compiled else 'eager'}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "timesfm", "grpcio")},
        "weights": setting.weights,
        "horizon_steps": HORIZON,
        "big_scan": f"{len(given)} markets of {markets.lengths(given)}",
        "per_message": f"at most {BATCH_HISTORIES} markets or 900 kB",
        "batch": f"cost {model.batch_cost} at the end, of {model.cost_points} points each; the predecessor 32 of 512",
        "transport": "gRPC with mutual TLS on loopback, the predecessor HTTP/1.1 in the clear",
        "cache": "bypassed",
        "callers": f"{plan.callers}, each with scans of {plan.caller_markets} markets",
        "urgent_requests": f"{urgent}; {plan.urgent_markets} markets each",
        "rounds": plan.rounds,
        "figures": "medians of rounds; servers and callers share the machine",
    }


def table(rows: dict[str, measures.Row]) -> str:
    """Lay the rows out for people, with what is promised."""
    lines = []
    for name, row in rows.items():
        for column, value in row.items():
            promise = PROMISES.get((name, column))
            lines.append(f"{name:>14}  {column:<32}{value:>12,.3f}{f'   promised: {promise}' if promise else ''}")
    return "\n".join(lines)


def _say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=256, help="of the big scan")
    histories = parser.add_mutually_exclusive_group()
    histories.add_argument("--histories", type=Folder, help="recorded candles, as `foremesh forecast` reads them")
    histories.add_argument("--points", type=int, help="of every history, instead of mixed lengths")
    parser.add_argument("--checkpoint", type=Folder, help="folder with model.safetensors, instead of random weights")
    parser.add_argument("--layers", type=int, default=20, help="of random weights")
    parser.add_argument("--width", type=int, default=1280, help="of random weights")
    parser.add_argument("--device", choices=get_args(Device), default="auto")
    parser.add_argument("--precision", choices=get_args(Precision), default="auto", help="of ours")
    parser.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        help="let torch compile the predecessor's model, as its package does by default: here on CUDA only, because on "
        "a CPU the first request takes a minute longer and the others gain nothing",
    )
    parser.add_argument("--alone", action="store_true", help="leave the predecessor out: throughput and first signal")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tiny network and few requests: shows that it runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    log.configure(level="warning")
    plan = Plan(rounds=arguments.rounds)
    if arguments.quick:
        arguments.layers, arguments.width, arguments.markets = 2, 64, 48
        plan = Plan(rounds=1, caller_markets=8, our_scans=2, our_urgent=8, their_urgent=2)
    try:
        given, step = markets.drawn(arguments.markets, arguments.points), timedelta(hours=1)
        if arguments.histories:
            given, step = markets.recorded(arguments.histories, arguments.markets)
        size = sizes(arguments.layers, arguments.width)
    except (HistoryError, ValueError) as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(prefix="foremesh-bench-") as name:
        folder = Folder(name).resolve()
        checkpoint, weights = arguments.checkpoint, str(arguments.checkpoint)
        if checkpoint is None:
            checkpoint, weights = folder / "weights", f"random, {size.layers} layers of width {size.width}"
            checkpoint.mkdir()
            random_checkpoint(checkpoint, size)
        setting = Setting(
            checkpoint=checkpoint.resolve(),
            weights=weights,
            device=arguments.device,
            precision=arguments.precision,
            compiled=arguments.device != "cpu" and torch.cuda.is_available()
            if arguments.compile is None
            else arguments.compile,
            step=step,
        )
        result = asyncio.run(run(folder, setting, given, plan, alone=arguments.alone))
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    print("\n".join(f"{key}: {value}" for key, value in result["conditions"].items()), end="\n\n")
    print(table(result["rows"]))


if __name__ == "__main__":
    main()
