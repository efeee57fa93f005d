"""Ask a forecast server about the past of markets."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias, get_args

from foremesh.forecast.v1 import forecast_pb2, model_pb2, signal_pb2

from console.recorded import Recorded, Recording
from mesh.forecasts import forecasting
from mesh.rpc.config import ClientConfig

Purpose: TypeAlias = Literal["research", "paper", "live"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
OUTCOMES = ("signal", "no_signal", "rejected", "expired", "failed")
"""What can become of an input, as the contract names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of every market."""

    horizon_steps: int = 6
    purpose: Purpose = "research"
    min_magnitude_cents: float = 0.0
    max_data_age: timedelta | None = None
    """Older data gets no forecast; None is any age."""
    timeout_seconds: float = 120.0
    """For the whole scan: what is not answered by then comes back as expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A scan that is over."""

    recording: Recording
    question: Question
    model: model_pb2.Model
    results: tuple[signal_pb2.SignalResult, ...]
    """In the order of the recording's markets, one each."""
    elapsed_seconds: float
    """From the first input sent to the last result received."""

    @property
    def counts(self) -> dict[str, int]:
        """Inputs by outcome; they sum to the inputs."""
        found = Counter(str(result.WhichOneof("outcome")) for result in self.results)
        return {outcome: found[outcome] for outcome in OUTCOMES}

    @property
    def series_per_second(self) -> float:
        """Measured rate of the whole scan, over this connection."""
        return len(self.results) / self.elapsed_seconds


async def scan(
    config: ClientConfig, recording: Recording, question: Question, on_result: Callable[[], object] = lambda: None
) -> Scan:
    """Ask about every market in one stream of signals.

    Args:
        config: Whom, and as whom.
        recording: The markets.
        question: What.
        on_result: Called after each result.

    Raises:
        MeshError: the server stays away or refuses.
        OSError: a certificate or token file cannot be read.
        CertificateError: key and certificate are not a pair.
    """
    options = forecast_pb2.ForecastOptions(
        horizon_steps=question.horizon_steps,
        purpose=f"PURPOSE_{question.purpose.upper()}",
    )
    options.step.FromTimedelta(recording.step)
    if question.max_data_age is not None:
        options.max_data_age.FromTimedelta(question.max_data_age)
    thresholds = signal_pb2.SignalOptions(min_magnitude_cents=question.min_magnitude_cents)
    histories = [_history(market) for market in recording.markets]
    results: list[signal_pb2.SignalResult] = []
    async with forecasting(config) as client:
        model = await client.model()  # connects, so that the time below is the scan's own
        started = time.perf_counter()
        async for result in client.scan(histories, options, thresholds, timeout=question.timeout_seconds):
            results.append(result)
            on_result()
        elapsed = time.perf_counter() - started
    return Scan(
        recording=recording,
        question=question,
        model=model,
        results=tuple(sorted(results, key=lambda result: result.input_index)),
        elapsed_seconds=elapsed,
    )


def _history(market: Recorded) -> forecast_pb2.MarketHistory:
    message = forecast_pb2.MarketHistory(
        market_ticker=market.market_ticker,
        series_ticker=market.series_ticker,
        closes_cents=market.closes_cents,
        current_price_cents=market.current.cents,
    )
    if market.last_candle_time is not None:
        message.last_candle_time.FromDatetime(market.last_candle_time)
    if market.close_time is not None:
        message.close_time.FromDatetime(market.close_time)
    return message


def step_text(step: timedelta) -> str:
    """Say a step as people type it: `60m`, `90s`."""
    seconds = int(step.total_seconds())
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"
