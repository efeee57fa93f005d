"""A scan's results: tables, plots and a summary for people, one document for programs."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from foremesh.forecast.v1 import forecast_pb2, model_pb2, signal_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console import plot
from console.recorded import MAX_POINTS, Current, Recorded
from console.scan import PURPOSES, Scan, step_text

_ARROWS = {signal_pb2.DIRECTION_UP: ("▲ up", "green"), signal_pb2.DIRECTION_DOWN: ("▼ down", "red")}
_NO_SIGNAL = {
    signal_pb2.NO_SIGNAL_REASON_TOO_SHORT: "fewer than 3 points",
    signal_pb2.NO_SIGNAL_REASON_NO_FINITE_POINT: "fewer than 3 points have a price",
    signal_pb2.NO_SIGNAL_REASON_CONSTANT: "the price never changed",
    signal_pb2.NO_SIGNAL_REASON_CLOSES_BEFORE_FIRST_STEP: "the market closes before the first step ends",
    signal_pb2.NO_SIGNAL_REASON_BELOW_THRESHOLD: "the forecast does not move enough",
}
_EXPIRED = {
    forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL: "its time was over before it was computed",
    forecast_pb2.EXPIRED_REASON_SUPERSEDED: "a newer scan of the same client took its place",
    forecast_pb2.EXPIRED_REASON_DRAINING: "the server was stopping",
}
_DEGRADED = {
    forecast_pb2.DEGRADATION_INTERPOLATED: "gaps in the history filled in",
    forecast_pb2.DEGRADATION_HISTORY_CUT: "history cut to what the model looks at",
    forecast_pb2.DEGRADATION_HORIZON_CUT: "horizon cut at the market's close",
    forecast_pb2.DEGRADATION_AGE_UNKNOWN: "age of the data unknown",
    forecast_pb2.DEGRADATION_STALE: "last candle older than two steps",
    forecast_pb2.DEGRADATION_QUANTILES_INTERPOLATED: "quantiles interpolated",
}
_WORDS = {
    "signal": "signals",
    "no_signal": "without a signal",
    "rejected": "rejected",
    "expired": "expired",
    "failed": "failed",
}


def show(console: Console, scan: Scan, *, plots: int) -> None:
    """Print tables, plots of the first `plots` markets with a forecast, and the summary."""
    _show_signals(console, scan)
    _show_others(console, scan)
    pictures = list(islice(_plots(scan, console.width), plots))
    for picture in pictures:
        console.print(Text.from_ansi(picture), no_wrap=True, overflow="ignore", crop=False)
    if pictures:
        console.print(plot.KEY, style="dim")
        console.print()
    _show_summary(console, scan)


def document(scan: Scan) -> dict[str, Any]:
    """Return everything as one JSON document; messages keep the field names of the contract."""
    return {
        "step_seconds": scan.recording.step.total_seconds(),
        "horizon_steps": scan.question.horizon_steps,
        "purpose": scan.question.purpose,
        "min_magnitude_cents": scan.question.min_magnitude_cents,
        "model": _dict(scan.model.identity),
        "summary": {
            "input_count": len(scan.recording.markets),
            **{f"{outcome}_count": count for outcome, count in scan.counts.items()},
            "elapsed_seconds": round(scan.elapsed_seconds, 6),
            "series_per_second": round(scan.series_per_second, 1),
        },
        "inputs": [_input(market) for market in scan.recording.markets],
        "results": [_dict(result) for result in scan.results],
    }


def model_line(model: model_pb2.Model) -> str:
    """Say who answers."""
    identity = model.identity
    allowed = [
        name for name in PURPOSES if forecast_pb2.Purpose.Value(f"PURPOSE_{name.upper()}") in _purposes(identity)
    ]
    return (
        f"{identity.name}@{identity.weights_digest[:12]} on {model.device} ({model.precision}, {model.compile_mode}), "
        f"licence {identity.licence}, allowed for {', '.join(allowed) or 'nothing'}; looks at most at "
        f"{model.max_context_points} points and {model.max_horizon_steps} steps ahead"
    )


def _purposes(identity: model_pb2.ModelIdentity) -> set[int]:
    return set(identity.allowed_purposes)


def _show_signals(console: Console, scan: Scan) -> None:
    signals = [(result, scan.recording.markets[result.input_index]) for result in scan.results if _is(result, "signal")]
    if not signals:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("market", overflow="fold")  # a ticker cut short is no ticker
    for heading in ("current\nc", "forecast\nmean c"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("direction", no_wrap=True)
    table.add_column("moves\nc", justify="right", no_wrap=True)
    table.add_column("confidence", no_wrap=True)
    table.add_column("TP/SL\nc", justify="right", no_wrap=True)
    for result, market in signals:
        signal = result.signal
        word, colour = _ARROWS.get(signal.direction, (str(signal.direction), ""))
        table.add_row(
            Text(result.market_ticker),
            f"{signal.current_price_cents:.1f}{_mark(market.current)}",
            f"{signal.forecast_mean_cents:.1f}",
            Text(word, style=colour),
            f"{signal.magnitude_cents:.1f}",
            _confidence(signal.confidence),
            f"{signal.take_profit_cents:g}/{signal.stop_loss_cents:g}",
        )
    console.print(table)
    for line in _current_notes([market for _, market in signals]):
        console.print(line, style="dim")
    console.print()


def _mark(current: Current) -> str:
    """Mark a price by where it was read, so that one column can hold all kinds; _current_notes explains the marks."""
    if current.origin == "close":
        return "*" if current.steps_ago else "'"
    return " "


def _current_notes(markets: list[Recorded]) -> Iterator[str]:
    marks = {_mark(market.current) for market in markets}
    origins = {market.current.origin for market in markets}
    if "mid" in origins:
        yield "current: middle of the last candle's bid and ask" + (", unless marked" if marks - {" "} else "")
    if "given" in origins:
        yield "current: as the file gives it" + (", unless marked" if marks - {" "} else "")
    if "'" in marks:
        yield "' current: close of the last candle"
    if "*" in marks:
        oldest = max(market.current.steps_ago for market in markets)
        yield f"* current: last known close, up to {oldest} steps before the last candle"


def _show_others(console: Console, scan: Scan) -> None:
    others = [result for result in scan.results if not _is(result, "signal")]
    if not others:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("market", overflow="fold")  # a ticker cut short is no ticker
    table.add_column("verdict", no_wrap=True)
    table.add_column("why", overflow="fold")
    for result in others:
        outcome = str(result.WhichOneof("outcome"))
        word = {"no_signal": "no signal"}.get(outcome, outcome)
        table.add_row(Text(result.market_ticker), word, Text(why(result)))
    console.print(table)
    console.print()


def why(result: signal_pb2.SignalResult) -> str:
    """Say in words why a history has no signal."""
    if _is(result, "no_signal"):
        if result.no_signal.HasField("magnitude_cents"):
            return f"the forecast moves only {result.no_signal.magnitude_cents:.1f} c"
        return _NO_SIGNAL.get(result.no_signal.reason, f"reason {result.no_signal.reason}, newer than this program")
    if _is(result, "rejected"):
        return "; ".join(f"{problem.field}: {problem.description}" for problem in result.rejected.problems)
    if _is(result, "expired"):
        return _EXPIRED.get(result.expired.reason, f"reason {result.expired.reason}, newer than this program")
    return f"the server could not compute it; its log says more under {result.failed.error_id}"


def _plots(scan: Scan, width: int) -> Iterator[str]:
    """Draw the markets that have a forecast, one by one."""
    for result in scan.results:
        market = scan.recording.markets[result.input_index]
        path, title = _forecast(result)
        if path is None or market.current.cents is None:
            continue
        levels = np.array(path.quantile_levels)
        quantiles = np.array(path.quantiles_cents, dtype=np.float64).reshape(path.horizon_steps, len(levels))
        low, high = (quantiles[:, np.abs(levels - level).argmin()] for level in (0.1, 0.9))
        fan = plot.Fan(mean=np.array(path.mean_cents, dtype=np.float64), low=low, high=high)
        yield plot.draw(
            title, market.closes_cents, market.current.cents, fan, step=scan.recording.step, width=min(width, 100)
        )


def _forecast(result: signal_pb2.SignalResult) -> tuple[forecast_pb2.ForecastPath | None, str]:
    if _is(result, "signal"):
        signal = result.signal
        word, _ = _ARROWS.get(signal.direction, (str(signal.direction), ""))
        return signal.path, f"{result.market_ticker}   {word} {signal.magnitude_cents:.1f} c"
    if _is(result, "no_signal") and result.no_signal.HasField("path"):
        return result.no_signal.path, f"{result.market_ticker}   no signal: {why(result)}"
    return None, ""


def _show_summary(console: Console, scan: Scan) -> None:
    counts = ", ".join(f"{count} {_WORDS[outcome]}" for outcome, count in scan.counts.items())
    markets = len(scan.recording.markets)
    console.print(f"{markets} markets = {counts}", highlight=False, style="bold")
    console.print(
        f"{scan.question.horizon_steps} steps of {step_text(scan.recording.step)} ahead, for {scan.question.purpose}; "
        f"scanned in {scan.elapsed_seconds:.3f} s, {scan.series_per_second:,.0f} series/s measured",
        highlight=False,
    )
    notes = Counter(code for result in scan.results for code in _provenance(result).degraded)
    for code, count in sorted(notes.items()):
        console.print(f"caveat for {count}: {_DEGRADED.get(code, f'degradation {code}')}", highlight=False)
    cut = sum(market.cut_points > 0 for market in scan.recording.markets)
    if cut:
        console.print(
            f"caveat for {cut}: oldest points not sent, a history carries at most {MAX_POINTS}", highlight=False
        )


def _provenance(result: signal_pb2.SignalResult) -> forecast_pb2.Provenance:
    return result.signal.provenance if _is(result, "signal") else result.no_signal.provenance


def _confidence(value: signal_pb2.Confidence) -> str:
    name = signal_pb2.Confidence.Name(value) if value in signal_pb2.Confidence.values() else str(value)
    return name.removeprefix("CONFIDENCE_").replace("_", " ").lower()


def _is(result: signal_pb2.SignalResult, outcome: str) -> bool:
    return bool(result.WhichOneof("outcome") == outcome)


def _input(market: Recorded) -> dict[str, Any]:
    time, cents = market.last_candle_time, market.current.cents
    return {
        "market_ticker": market.market_ticker,
        "points": len(market.closes_cents),
        "gaps": market.gaps,
        "cut_points": market.cut_points,
        "current_price_cents": cents if cents is not None and math.isfinite(cents) else None,
        "current_price_from": market.current.origin,
        "current_price_steps_ago": market.current.steps_ago,
        "last_candle_time": None if time is None else time.isoformat().replace("+00:00", "Z"),
    }


def _dict(message: Message) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
