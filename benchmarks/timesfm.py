"""What the lean pass of TimesFM 2.5 is worth: the same weights, the same series, against the package's `forecast()`.

Both sides forecast the same series in this process, in turn, so that whatever else the machine does falls on both; the
table gives medians and, of the pairs, the median ratio. The weights are random unless a checkpoint is given: speed and
agreement do not depend on what was learnt. The package runs with the options that the lean pass stands for (continuous
quantile head, flip invariance, no crossing), compiled for the context that each row names, in batches of 32.

    python -m benchmarks.timesfm [--histories FILE.parquet ...] [--checkpoint FOLDER] [--device auto] [--quick] [--json]
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path as Folder
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import markets, weights
from forecast_server.models.base import ModelFacts, Series
from forecast_server.models.timesfm25 import stock
from forecast_server.models.timesfm25.graphs import PATCHES
from forecast_server.models.timesfm25.model import TimesFM25
from forecast_server.models.timesfm25.weights import Sizes, read_weights
from forecast_server.models.torch_device import choose_device, device_use, slow_precision

HORIZON, PATCH, STOCK_BATCH = 24, 32, 32
Row = dict[str, float | str]
Quantiles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody who forecasts."""

    name: str
    forecast: Callable[[Sequence[Series]], Quantiles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Series to forecast, and how the package is compiled for them."""

    name: str
    series: list[Series]
    context: int
    batch: int = STOCK_BATCH
    """Series that the package takes at once."""
    rounds: int


def walks(count: int, points: int) -> list[Series]:
    """Draw series of one length."""
    return [market.closes for market in markets.drawn(count, points)]


def cases(scan: list[Series], *, quick: bool, cuda: bool) -> Iterator[Case]:
    """List what is compared."""
    rounds = 3 if quick else 5
    yield Case(name="32 of 512 points", series=walks(32, 512), context=512, rounds=rounds)
    yield Case(name="one of 64 points", series=walks(1, 64), context=1024, batch=1, rounds=4 * rounds)
    # A server compiles before it knows what will come.
    scanned = f"scan of {len(scan)}, mixed"
    yield Case(name=scanned, series=scan, context=markets.LONGEST, rounds=rounds if cuda or quick else 1)
    if cuda:
        yield Case(name="1000 of 512 points", series=walks(1000, 512), context=512, rounds=rounds)


def package(wrapper: Any, case: Case) -> Side:
    """Set the package up for a case."""

    def forecast(series: Sequence[Series]) -> Quantiles:
        parts = [series[start : start + case.batch] for start in range(0, len(series), case.batch)]
        return np.concatenate([stock.run(wrapper, part, HORIZON, case.context) for part in parts])

    return Side(f"package, context {case.context}", forecast)


def lean(model: TimesFM25, precision: str) -> Side:
    """Take ours as a side."""
    return Side(f"lean {precision}", lambda series: model.forecast(series, HORIZON).quantiles)


def timed(side: Side, series: Sequence[Series]) -> tuple[float, Quantiles]:
    """Forecast once; the answer is on the CPU, so the time is all of it."""
    started = time.perf_counter()
    found = side.forecast(series)
    return time.perf_counter() - started, found


def compare(case: Case, theirs: Side, ours: Sequence[Side]) -> Iterator[Row]:
    """Measure all sides in turn: ours before and after theirs in every round."""
    for side in (theirs, *ours):
        side.forecast(case.series[: case.batch])
    took: dict[str, list[float]] = {side.name: [] for side in (theirs, *ours)}
    ratios: dict[str, list[float]] = {side.name: [] for side in ours}
    answers: dict[str, Quantiles] = {}
    for _ in range(case.rounds):
        before = {side.name: timed(side, case.series)[0] for side in ours}
        peer, expected = timed(theirs, case.series)
        took[theirs.name].append(peer)
        for side in ours:
            after, answers[side.name] = timed(side, case.series)
            took[side.name] += [before[side.name], after]
            ratios[side.name].append(2 * peer / (before[side.name] + after))
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    for side in ours:
        yield {
            "case": case.name,
            "side": side.name,
            "package_series_per_second": len(case.series) / statistics.median(took[theirs.name]),
            "series_per_second": len(case.series) / statistics.median(took[side.name]),
            "ratio": statistics.median(ratios[side.name]),
            "largest_difference": float((np.abs(answers[side.name] - expected) / scale).max()),
        }


def grid(model: TimesFM25, precision: str, seconds: float) -> Iterator[Row]:
    """Time ours for every usual length and some batch sizes."""
    for patches in PATCHES:
        for count in (1, 8, 32, 128, 1024):
            series, side, took = walks(count, patches * PATCH), lean(model, precision), list[float]()
            side.forecast(series)
            end = time.perf_counter() + seconds
            while len(took) < 5 or time.perf_counter() < end:
                took.append(timed(side, series)[0])
            yield {
                "points": patches * PATCH,
                "series": count,
                "side": side.name,
                "p50_ms": float(np.percentile(took, 50)) * 1e3,
                "p99_ms": float(np.percentile(took, 99)) * 1e3,
                "series_per_second": count / statistics.median(took),
                "calls": len(took),
            }


def multiplications(sizes: Sizes, points: int, horizon: int) -> float:
    """Count the floating-point operations of the lean pass for one series and its negative; norms are left out."""
    patches, width, hidden = -(-points // sizes.patch), sizes.width, sizes.hidden
    tokenizer = patches * (4 * sizes.patch * sizes.tokenizer_hidden + sizes.tokenizer_hidden * width)
    layer = patches * (4 * width**2 + 2 * width * hidden + width * (patches + 1))
    last = patches * 2 * width**2 + 2 * width**2 + 2 * width * hidden + 2 * patches * width
    heads = width * (sizes.point_hidden + sizes.quantiles_hidden)
    heads += horizon * (width + sizes.point_hidden + 9 * (width + sizes.quantiles_hidden))
    return 2 * 2 * (tokenizer + (sizes.layers - 1) * layer + last + heads)


def multiplying(device: torch.device, dtype: torch.dtype) -> float:
    """Measure what the device multiplies, in operations per second: large square matrices, best of some."""
    size = 8192 if device.type == "cuda" else 1536
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(12):
        _wait(device)
        started = time.perf_counter()
        left @ right
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def run(arguments: argparse.Namespace, checkpoint: Folder) -> dict[str, object]:
    """Measure everything."""
    device = choose_device(arguments.device)
    read = read_weights(checkpoint)
    wrapper = stock.make(read.file, read.sizes, device)
    models: dict[str, TimesFM25] = {}
    facts: dict[str, ModelFacts] = {}
    skipped = slow_precision(device, torch.bfloat16)
    for precision in ("float32",) if skipped else ("float32", "bfloat16"):
        model = TimesFM25(checkpoint, device=arguments.device, precision=precision, cuda_graphs=True)
        model.load()
        models[precision], facts[precision] = model, model.warm()
    scan, source = _scan(arguments)
    ours = [lean(model, precision) for precision, model in models.items()]
    cuda = device.type == "cuda"
    rows = [
        row
        for case in cases(scan, quick=arguments.quick, cuda=cuda)
        for row in compare(case, package(wrapper, case), ours)
    ]
    rates = {name: multiplying(device, getattr(torch, name)) for name in models}
    full = "1000 of 512 points" if cuda else "32 of 512 points"
    work = multiplications(read.sizes, 512, HORIZON)
    for row in rows:
        if row["case"] == full:
            rate = rates[str(row["side"]).removeprefix("lean ")]
            row["share_of_multiplying"] = float(row["series_per_second"]) * work / rate
    return {
        "conditions": {
            **conditions(device),
            "weights": f"{'random' if arguments.checkpoint is None else read.sha256[:12]}, {_size(read.sizes)}",
            "scan": source,
            "bfloat16": f"skipped: {skipped}" if skipped else "measured",
            "compile_modes": {name: _mode(fact) for name, fact in facts.items()},
            "multiplying_gflops": {name: rate / 1e9 for name, rate in rates.items()},
            "gflop_per_series_of_512": work / 1e9,
        },
        "rows": rows,
        "grid": [row for name, model in models.items() for row in grid(model, name, 0.3)] if cuda else [],
    }


def _scan(arguments: argparse.Namespace) -> tuple[list[Series], str]:
    count = 100 if arguments.quick else 1000
    files = arguments.histories
    if files:
        scan = [market for file in files for market in markets.recorded(file, -(-count // len(files)))[0]][:count]
        source = f"recorded, {', '.join(file.name for file in files)}"
    else:
        scan, source = markets.drawn(count), "drawn, lengths log-uniform"
    return [market.filled() for market in scan], f"{source}: {markets.lengths(scan)}"


def conditions(device: torch.device) -> dict[str, object]:
    """State what the figures depend on."""
    use = device_use(device)
    return {
        "machine": platform.machine(),
        "device": use.name,
        "runtime": use.runtime,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "timesfm": version("timesfm"),
        "horizon_steps": HORIZON,
    }


def _size(sizes: Sizes) -> str:
    return f"{sizes.layers} layers of width {sizes.width}"


def _mode(facts: ModelFacts) -> str:
    return f"{facts.compile_mode} {facts.compile_detail}".strip()


def show(found: dict[str, Any]) -> None:
    """Print it for people."""
    for name, value in found["conditions"].items():
        print(f"{name}: {value}")
    print(f"\n{'':<24}{'':<16}{'package /s':>12}{'lean /s':>12}{'ratio':>8}{'difference':>12}{'of peak':>9}")
    for row in found["rows"]:
        share = f"{row['share_of_multiplying']:>9.0%}" if "share_of_multiplying" in row else ""
        print(
            f"{row['case']:<24}{row['side']:<16}{row['package_series_per_second']:>12.2f}"
            f"{row['series_per_second']:>12.2f}{row['ratio']:>8.2f}{row['largest_difference']:>12.1e}{share}"
        )
    if found["grid"]:
        print(f"\n{'points':>8}{'series':>8}  {'':<16}{'p50 ms':>10}{'p99 ms':>10}{'series/s':>12}")
    for row in found["grid"]:
        print(
            f"{row['points']:>8}{row['series']:>8}  {row['side']:<16}{row['p50_ms']:>10.2f}{row['p99_ms']:>10.2f}"
            f"{row['series_per_second']:>12.1f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--checkpoint", type=Folder, help="folder of the weights; absent draws random ones of full size"
    )
    parser.add_argument("--histories", type=Folder, nargs="+", default=(), help="recorded candles to scan; else drawn")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto")
    parser.add_argument(
        "--quick", action="store_true", help="a small network and few series: does it run, not how fast"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.checkpoint or Folder(name)
        if arguments.checkpoint is None:
            weights.random_checkpoint(folder, weights.sizes(4, 320) if arguments.quick else weights.sizes())
        found = run(arguments, folder)
    if arguments.json:
        json.dump(found, sys.stdout, indent=2)
    else:
        show(found)


if __name__ == "__main__":
    main()
