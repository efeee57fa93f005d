"""A scan's results: tables, plots and a summary for people, one document for programs."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
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
from console.collection.words import plain
from console.durations import span_words
from console.model_view import allowed
from console.recorded import MAX_POINTS, Current, Recorded
from console.scan import Scan, step_text
from console.verdicts import caveat, confidence, marks, why

_ARROWS = {signal_pb2.DIRECTION_UP: ("▲ up", "green"), signal_pb2.DIRECTION_DOWN: ("▼ down", "red")}
_WORDS = {
    "signal": "signals",
    "no_signal": "without a signal",
    "rejected": "rejected",
    "expired": "expired",
    "failed": "failed",
}
_CURRENT = {
    "mid": "middle of the last candle's bid and ask",
    "given": "as the file gives it",
    "book": "middle of the best bid and ask",
}
_WIDE = 100
"""Columns from which there is room for what is wrong with each signal."""


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
        "max_data_age_seconds": age.total_seconds() if (age := scan.question.max_data_age) else None,
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
    return plain(
        f"{identity.name}@{identity.weights_digest[:12]} on {model.device} ({model.precision}, {model.compile_mode}), "
        f"licence {identity.licence}, allowed for {allowed(identity)}; looks at most at "
        f"{model.max_context_points} points and {model.max_horizon_steps} steps ahead"
    )


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
    wide = console.width >= _WIDE
    if wide:
        table.add_column("caveats", overflow="fold")
    for result, market in signals:
        signal = result.signal
        word, colour = _ARROWS.get(signal.direction, (str(signal.direction), ""))
        table.add_row(
            Text(plain(result.market_ticker)),
            f"{signal.current_price_cents:.1f}{_mark(market.current)}",
            f"{signal.forecast_mean_cents:.1f}",
            Text(word, style=colour),
            f"{signal.magnitude_cents:.1f}",
            confidence(signal.confidence),
            f"{signal.take_profit_cents:g}/{signal.stop_loss_cents:g}",
            *([", ".join(marks(signal.provenance))] if wide else []),
        )
    console.print(table)
    for line in _current_notes([market for _, market in signals]):
        console.print(line, style="dim")
    console.print()


def _mark(current: Current) -> str:
    """Mark a price by where it was read, so that one column can hold all kinds; _current_notes explains the marks."""
    if current.origin == "close":
        return "*" if current.steps_ago else "'"
    return "*" if current.origin == "last" else " "


def _current_notes(markets: list[Recorded]) -> Iterator[str]:
    used = {_mark(market.current) for market in markets}
    origins = {market.current.origin for market in markets}
    for origin, words in _CURRENT.items():
        if origin in origins:
            yield f"current: {words}" + (", unless marked" if used - {" "} else "")
    if "'" in used:
        yield "' current: close of the last candle"
    if "close" in origins and "*" in used:
        oldest = max(market.current.steps_ago for market in markets)
        yield f"* current: last known close, up to {oldest} steps before the last candle"
    if "last" in origins:
        yield "* current: last trade, because one side of the book is empty"


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
        market = scan.recording.markets[result.input_index]
        table.add_row(
            Text(plain(result.market_ticker)), word, Text(plain(why(result, market, min_points=scan.model.min_points)))
        )
    console.print(table)
    console.print()


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
            plain(title),
            market.closes_cents,
            market.current.cents,
            fan,
            step=scan.recording.step,
            width=min(width, 100),
        )


def _forecast(result: signal_pb2.SignalResult) -> tuple[forecast_pb2.ForecastPath | None, str]:
    if _is(result, "signal"):
        signal = result.signal
        word, _ = _ARROWS.get(signal.direction, (str(signal.direction), ""))
        return signal.path, f"{result.market_ticker}   {word} {signal.magnitude_cents:.1f} c{_stale(result)}"
    if _is(result, "no_signal") and result.no_signal.HasField("path"):
        return result.no_signal.path, f"{result.market_ticker}   no signal: {why(result)}{_stale(result)}"
    return None, ""


def _stale(result: signal_pb2.SignalResult) -> str:
    """Say how old the last candle is where `now` below the picture is not what a reader takes it for."""
    found = _provenance(result)
    stale = forecast_pb2.DEGRADATION_STALE in set(found.degraded) and found.HasField("data_age")
    return f"   last candle {span_words(found.data_age.ToTimedelta())} old" if stale else ""


def _show_summary(console: Console, scan: Scan) -> None:
    counts = ", ".join(f"{count} {_WORDS[outcome]}" for outcome, count in scan.counts.items())
    markets = len(scan.recording.markets)
    console.print(f"{markets} markets = {counts}", highlight=False, style="bold")
    console.print(
        f"{scan.question.horizon_steps} steps of {step_text(scan.recording.step)} ahead, for {scan.question.purpose}; "
        f"scanned in {scan.elapsed_seconds:.3f} s, {scan.series_per_second:,.0f} series/s measured",
        highlight=False,
    )
    if cached := sum(_provenance(result).cached for result in scan.results):
        console.print(f"{cached} of the forecasts came from the server's cache", highlight=False)
    given = [_provenance(result) for result in scan.results]
    for code, count in sorted(Counter(code for provenance in given for code in provenance.degraded).items()):
        console.print(f"caveat for {count}: {caveat(code, given)}", highlight=False)
    cut = sum(market.cut_points > 0 for market in scan.recording.markets)
    if cut:
        console.print(
            f"caveat for {cut}: oldest points not sent, a history carries at most {MAX_POINTS}", highlight=False
        )


def _provenance(result: signal_pb2.SignalResult) -> forecast_pb2.Provenance:
    return result.signal.provenance if _is(result, "signal") else result.no_signal.provenance


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
        "last_candle_time": None if time is None else _iso(time),
        "close_time": None if market.close_time is None else _iso(market.close_time),
        "note": market.note,
    }


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _dict(message: Message) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
