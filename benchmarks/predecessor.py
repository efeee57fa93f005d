"""The design that foremesh replaces, as a server of its own to measure against.

A threaded HTTP/1.1 server of the standard library takes `POST /signal` with JSON, one thread a connection; one lock
guards the stock `timesfm` forecast, compiled for 512 points, 128 steps and 32 series. A request is one unit: nothing of
it can be answered, overtaken or given up before all of it is computed. It has a few advantages that its model had not,
because they cost nothing: connections stay open, Nagle's algorithm is off, and the first request does not pay for
warming up.

    python -m benchmarks.predecessor [--checkpoint FOLDER] [--device auto] [--compile]

prints its address once it serves, and serves until standard input closes. Without a checkpoint it serves Fracast-0 as
our server computes it, in batches of the same size.
"""

import argparse
import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path as Folder
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXITS = {"KXHIGH": (20, 3), "KXINX": (30, 5), "KXBTC": (50, 10), "KXETH": (50, 15)}
CRYPTO = ("KXBTC", "KXETH")
BARS, CRYPTO_BARS = (20.0, 10.0, 5.0), (40.0, 20.0, 8.0)
CONFIDENCES = ("high", "medium-high", "medium")
REQUEST_SECONDS = 3600.0
MAX_CONTEXT, MAX_HORIZON, BATCH = 512, 128, 32

Forecast = Callable[[int, Sequence[NDArray[np.float32]]], NDArray[np.float32]]
"""Steps and series to the point path, [series, steps]."""


class Predecessor(ThreadingHTTPServer):
    """One model, one lock."""

    daemon_threads = True

    def __init__(self, forecast: Forecast) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.forecast = forecast


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Predecessor

    def do_POST(self) -> None:
        """Answer `/signal`; whatever is wrong with one market fails the request."""
        try:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._reply(200, self._signals(request))
        except Exception as error:
            self._reply(500, {"error": str(error)})

    def _signals(self, request: Mapping[str, Any]) -> dict[str, Any]:
        started, horizon = time.perf_counter(), int(request["horizon"])
        series = [np.asarray(market["prices"], dtype=np.float32) for market in request["markets"]]
        usable = [number for number, prices in enumerate(series) if len(prices) > 2 and np.nanstd(prices) > 0]
        with self.server.lock:
            locked = time.perf_counter()
            paths = self.server.forecast(horizon, [series[number] for number in usable])
            model = time.perf_counter() - locked
        signals = [
            signal
            for number, path in zip(usable, paths, strict=True)
            if (signal := judged(request["markets"][number], path.tolist()))["magnitude"] >= request["signal_threshold"]
        ]
        counted = {"skipped": len(series) - len(signals), "elapsed_ms": (time.perf_counter() - started) * 1e3}
        return {"signals": signals, "model_ms": model * 1e3, **counted}

    def _reply(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


def judged(market: Mapping[str, Any], path: Sequence[float]) -> dict[str, Any]:
    """Make the signal of one market's path."""
    series, price = str(market["series_ticker"]), float(market["current_price"])
    mean = sum(path) / len(path)
    magnitude = abs(mean - price)
    bars = CRYPTO_BARS if series.startswith(CRYPTO) else BARS
    reached = (name for name, bar in zip(CONFIDENCES, bars, strict=True) if magnitude >= bar)
    profit, loss = next((levels for prefix, levels in EXITS.items() if series.startswith(prefix)), (20, 5))
    return {
        "ticker": market["ticker"],
        "series_ticker": series,
        "current_price": price,
        "forecast_mean": mean,
        "forecast_end": path[-1],
        "direction": "UP" if mean > price else "DOWN",
        "side": "yes" if mean > price else "no",
        "magnitude": magnitude,
        "point_forecast": path,
        "tp_cents": profit,
        "sl_cents": loss,
        "confidence": next(reached, "low"),
    }


class Client:
    """One connection to it, for one thread at a time."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=REQUEST_SECONDS)

    def ask(self, body: bytes) -> list[dict[str, Any]]:
        """Send a request made by `request`, and return its signals. Raises RuntimeError if it is refused."""
        signals: list[dict[str, Any]] = self.post(body)["signals"]
        return signals

    def post(self, body: bytes) -> dict[str, Any]:
        """Do the same, and return the whole answer."""
        self._connection.request("POST", "/signal", body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{reply.status} {text.decode()}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def request(markets: Sequence[Mapping[str, Any]], horizon: int, threshold_cents: float = 0.0) -> bytes:
    """Write a request for every signal of at least that magnitude.

    A market has `ticker`, `series_ticker`, `prices` and `current_price`.
    """
    return json.dumps({"markets": markets, "horizon": horizon, "signal_threshold": threshold_cents}).encode()


def load(checkpoint: Folder, *, device: str, compiled: bool) -> Forecast:
    """Load the stock model as the predecessor does.

    Args:
        checkpoint: Folder of the weights.
        device: `auto` and `cuda` take the first GPU of CUDA if there is one, the rest is the CPU: the package knows
            no other.
        compiled: Let torch compile the network, as the package does by default.
    """
    import torch  # noqa: PLC0415  # whoever imports the client need not load torch

    from forecast_server.models.timesfm25 import stock  # noqa: PLC0415
    from forecast_server.models.timesfm25.weights import read_weights  # noqa: PLC0415

    torch.set_float32_matmul_precision("high")  # TF32 on a GPU
    on_gpu = device in {"auto", "cuda"} and torch.cuda.is_available()
    weights = read_weights(checkpoint)
    wrapper = stock.make(weights.file, weights.sizes, torch.device("cuda" if on_gpu else "cpu"))
    if compiled:
        wrapper.model.forward = torch.compile(wrapper.model.forward)  # what the package's own switch does
    from timesfm import ForecastConfig  # noqa: PLC0415  # not before `make`, which keeps the package from jax

    wrapper.compile(ForecastConfig(max_context=MAX_CONTEXT, max_horizon=MAX_HORIZON, per_core_batch_size=BATCH))

    def forecast(horizon: int, series: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        path: NDArray[np.float32] = wrapper.forecast(horizon, list(series))[0]  # it appends padding to its list
        return path

    return forecast


def load_fracast(device: str) -> Forecast:
    """Load Fracast-0 as our server does; its batches are as large as the server's may be."""
    from forecast_server.models.fracast import Fracast  # noqa: PLC0415  # as above

    model = Fracast(device=device)
    size = model.load().max_batch_series
    model.warm()

    def forecast(horizon: int, series: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        batches = (series[start : start + size] for start in range(0, len(series), size))
        return np.concatenate([model.forecast(batch, horizon).mean for batch in batches])

    return forecast


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Folder, help="of TimesFM 2.5")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    if arguments.checkpoint is None:
        forecast = load_fracast(arguments.device)
    else:
        forecast = load(arguments.checkpoint, device=arguments.device, compiled=arguments.compile)
    forecast(1, [np.arange(MAX_CONTEXT, dtype=np.float32)])
    with Predecessor(forecast) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"127.0.0.1:{server.server_port}", flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
