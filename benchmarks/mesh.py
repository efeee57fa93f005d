"""What a scan of a thousand recorded markets takes of the whole mesh, stage by stage, and of the design it replaces.

Real processes on this machine: `foremesh-exchange` over recorded markets, `foremesh-forecast-server` and
`foremesh-trader`, over mutual TLS, in mode demo with a key, so with WebSocket, orders and its journal on disk. Then the
predecessor's design on the same exchange: a scan that does one thing after the other, and its HTTP/JSON server in a
process of its own. Both have the same model with the same weights:

    fracast      on both sides the same inference in batches of the same size, so that what differs is the design
    timesfm-2.5  random weights of full size; ours by our pass, theirs by the package's `forecast()` as it called it,
                 for 512 points, 128 steps and 32 series at once

`cold` is the first scan of a process, which reads all candles; `warm` are the next ones, whose candles are known to
both sides. Every forecast is computed: the server's cache is off. The stages:

    exchange     a request that is no order is under way (ours: on the wire; theirs: until its reply is read)
    trader       our event loop did not wait; theirs: candles laid out as histories, the request to the server written
    transport    a call to the forecast server is under way, and its model does not compute
    model        the model computes: noted by the server around each batch; theirs: around its call
    decisions    our engine decides and writes its journal, synced to disk; theirs: filters
    orders       an order is under way; theirs: book and order, one after the other
    rest         none of these

Ours overlap. The first column counts every instant once, for the first of model, decisions, orders, exchange, trader
and transport that was at work, and sums to the scan; `at work` counts what overlaps for each. A scan of ours lasts from
its first request on the wire to its last journal entry or the answer to its last order, whichever is later.

    python -m benchmarks.mesh [--recording ../shared/data/kalshi] [--model NAME] [--markets 1000] [--warm 3]
        [--quick] [--json]
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path as Folder
from typing import Any, TypeVar

# The forecast server sets it for itself; the predecessor's, which inherits it, shall have the same advantage.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from benchmarks import mesh_ours, mesh_world, predecessor_scan, trader_world
from benchmarks.mesh_stages import REST, STAGES, Row
from benchmarks.mesh_world import NotRecorded
from benchmarks.sides import predecessor_server
from benchmarks.trader_world import World

MODELS = ("fracast", "timesfm-2.5")
PROMISES = {
    ("warm", "faster"): "at least 5",
    ("warm", "model_share"): "at least 0.60",
}
_RECORDING = Folder(__file__).resolve().parents[2] / "shared" / "data" / "kalshi"
_S = TypeVar("_S")


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    markets: int
    warm: int
    their_warm: int = 1
    """One scan of theirs takes minutes with the package's TimesFM."""
    layers: int = 20
    width: int = 1280


async def run(folder: Folder, recording: Folder, model: str, plan: Plan) -> dict[str, Any]:
    """Measure both sides with a model; gives facts and rows."""
    source = mesh_world.record(folder / "recording", recording, plan.markets)
    checkpoint, table = None, dict[str, object]()
    if model != "fracast":
        checkpoint = _random_weights(folder / "weights", plan)
        table["checkpoint"] = checkpoint
    (folder / "ours").mkdir()
    began = datetime.now(UTC)
    async with trader_world.world(folder, source) as world:
        _say(f"{model}: a cold scan and {plan.warm} warm ones, ours")
        ours, facts = await mesh_ours.scans(folder / "ours", world, {"name": model, **table}, 1 + plan.warm)
        _say(f"{model}: a cold scan and {plan.their_warm} warm ones, the predecessor's")
        theirs = await _predecessor(folder, world, checkpoint, 1 + plan.their_warm, began)
    mine, peers = ours[0].means_cents, theirs[0].means_cents
    both = mine.keys() & peers.keys()
    facts |= {
        "signals_of_both": float(len(both)),
        "signals_of_one": float(len(mine.keys() ^ peers.keys())),
        "largest_difference_cents": max((abs(mine[name] - peers[name]) for name in both), default=0.0),
    }
    return {"facts": facts, "rows": {"cold": _compared(ours[:1], theirs[:1]), "warm": _compared(ours[1:], theirs[1:])}}


async def _predecessor(
    folder: Folder, world: World, checkpoint: Folder | None, count: int, until: datetime
) -> list[predecessor_scan.Scanned]:
    async with AsyncExitStack() as stack:
        server = predecessor_server(folder, checkpoint, device="auto", compiled=False)
        caller = await stack.enter_async_context((await stack.enter_async_context(server))())
        trader = predecessor_scan.Trader(world.maker, caller.client, until)
        return [await trader.scan() for _ in range(count)]


def _random_weights(folder: Folder, plan: Plan) -> Folder:
    from benchmarks.weights import random_checkpoint, sizes  # noqa: PLC0415  # torch takes seconds, fracast needs none

    folder.mkdir()
    random_checkpoint(folder, sizes(plan.layers, plan.width))
    return folder


def _compared(ours: Sequence[mesh_ours.Scanned], theirs: Sequence[predecessor_scan.Scanned]) -> dict[str, Row]:
    """Take each side's scan of median length, whose parts sum up, and compare the two."""
    mine, peer = _middle(ours, lambda scan: scan.seconds), _middle(theirs, lambda scan: scan.seconds)
    stages = {stage: peer.stages.get(stage, 0.0) for stage in STAGES}
    return {
        "ours": {"seconds": mine.seconds, **mine.stages},
        "ours_at_work": mine.at_work,
        "ours_processor": mine.processor,
        "ours_counts": mine.counts,
        "predecessor": {"seconds": peer.seconds, **stages, REST: peer.seconds - sum(stages.values())},
        "predecessor_counts": peer.counts,
        "compared": {"faster": peer.seconds / mine.seconds, "model_share": mine.stages["model"] / mine.seconds},
    }


def _middle(scans: Sequence[_S], length: Callable[[_S], float]) -> _S:
    return sorted(scans, key=length)[(len(scans) - 1) // 2]


def conditions(plan: Plan) -> dict[str, object]:
    """State what the figures depend on."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "timesfm", "fracast", "grpcio")},
        "markets": f"{plan.markets} of {' and '.join(mesh_world.SERIES)}, recorded by the hour",
        "moved": f"times only, by whole hours: all are open at once, {mesh_world.HOURS_LEFT} hours before their close",
        "weights": f"Fracast-0's own; TimesFM: random, {plan.layers} layers of width {plan.width}",
        "exchange": "simulated, on loopback: no network between; no request budget; any size is for sale",
        "cache": "off",
        "scans": f"of each side the one of median length: warm {plan.warm} of ours, {plan.their_warm} of the other's",
        "shared": "daemons, taps and this command share the cores; the predecessor runs after ours, without taps",
        "load_average_at_the_start": os.getloadavg()[0],
    }


def table(kind: str, rows: Mapping[str, Row]) -> str:
    """Lay a kind of scan out for people, with what is promised."""
    ours, theirs, work = rows["ours"], rows["predecessor"], rows["ours_at_work"]
    lines = [f"{kind:>12}{'ours':>18}{'at work':>10}{'predecessor':>20}"]
    for stage in (*STAGES, REST, "seconds"):
        sides = [f"{side[stage]:>10.3f} {side[stage] / side['seconds']:>7.1%}" for side in (ours, theirs)]
        at_work = f"{work[stage]:>10.3f}" if stage in work else f"{'':>10}"
        lines.append(f"{stage:>12}{sides[0]}{at_work}  {sides[1]}")
    beside = [name for name in ("ours_processor", "ours_counts", "predecessor_counts") if rows[name]]
    lines += [f"{name.replace('_', ' ')}: {_listed(rows[name])}" for name in beside]
    for name, value in rows["compared"].items():
        promise = PROMISES.get((kind, name))
        lines.append(f"{name.replace('_', ' ')}: {value:.2f}{f'   promised: {promise}' if promise else ''}")
    return "\n".join(lines)


def _listed(row: Row) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value:,.4g}" for key, value in row.items())


def _say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recording", type=Folder, default=_RECORDING, help="folder of recorded candles and markets")
    parser.add_argument("--model", choices=MODELS, help="only this one")
    parser.add_argument("--markets", type=int, default=1000)
    parser.add_argument("--warm", type=int, default=3, help="warm scans of ours")
    parser.add_argument("--quick", action="store_true", help="few markets, a tiny TimesFM: shows that it works")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if min(arguments.markets, arguments.warm) < 1:
        parser.error("at least one market and one warm scan")
    plan = Plan(arguments.markets, arguments.warm)
    if arguments.quick:
        plan = Plan(markets=40, warm=1, layers=2, width=64)
    given, models = conditions(plan), dict[str, Any]()
    if not arguments.json:
        print("\n".join(f"{key}: {value}" for key, value in given.items()))
    with tempfile.TemporaryDirectory(prefix="foremesh-bench-") as name:
        for model in [arguments.model] if arguments.model else MODELS:
            folder = Folder(name).resolve() / model
            folder.mkdir()
            try:
                result = models[model] = asyncio.run(run(folder, arguments.recording.resolve(), model, plan))
            except NotRecorded as error:
                parser.error(f"nothing to measure with: {error}")
            if not arguments.json:
                print(f"\n{model}: {_listed(result['facts'])}")
                print("\n\n".join(table(kind, rows) for kind, rows in result["rows"].items()), flush=True)
    if arguments.json:
        print(json.dumps({"conditions": given, "models": models}, indent=2))


if __name__ == "__main__":
    main()
