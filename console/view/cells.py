"""The texts of a screen's lines. What is stale is a dash, what nobody said is nothing. Pure.

No figure is computed here: prices, edges and results are the trader's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from foremesh.forecast.v1 import signal_pb2
from foremesh.trader.v1 import decisions_pb2, positions_pb2, screen_pb2

from console.amounts import gain
from console.trading_words import count
from console.trading_words import side as side_word
from console.view.freshness import Freshness
from console.view.screen import Screen, Seen
from console.view.why import refusal
from mesh.types import CENT

DASH: Final = "—"
_TENTHS_BELOW = 9.95
_ARROWS: Final[Mapping[int, str]] = {signal_pb2.DIRECTION_UP: "▲", signal_pb2.DIRECTION_DOWN: "▼"}
_DOTS: Final[Mapping[int, str]] = {
    signal_pb2.CONFIDENCE_LOW: "○○○",
    signal_pb2.CONFIDENCE_MEDIUM: "●○○",
    signal_pb2.CONFIDENCE_MEDIUM_HIGH: "●●○",
    signal_pb2.CONFIDENCE_HIGH: "●●●",
}


@dataclass(frozen=True, slots=True)
class MarketLine:
    """A market as a line."""

    market: str
    bid: str
    ask: str
    age: str
    """In seconds; with the word STALE where the prices are not shown."""
    freshness: Freshness
    signal: str
    """Where YES is forecast to go, how far and how sure; of one that nobody acts on any more only its age."""
    verdict: str
    """The edge of an entry as it was decided, or why there was none."""


@dataclass(frozen=True, slots=True)
class PositionLine:
    """A position as a line."""

    market: str
    held: str
    paid: str
    bid: str
    age: str
    freshness: Freshness
    stop: str
    target: str
    result: str
    """What selling now would bring against what was paid, both fees in it."""
    state: str
    """Empty while it is guarded as it should be."""


def market_line(screen: Screen, seen: Seen[screen_pb2.MarketRow], now: float) -> MarketLine:
    """Say what is known of a market."""
    row = seen.message
    fresh = screen.quote_freshness(seen.so_at, now)
    shown = fresh in {Freshness.FRESH, Freshness.AGEING}
    return MarketLine(
        market=row.market_ticker,
        bid=_price(row.no_mark, "bid_price_micros", shown=shown),
        ask=_price(row.no_mark, "ask_price_micros", shown=shown),
        age=_age_cell(screen.age(seen.so_at, now), fresh),
        freshness=fresh,
        signal=_signal(screen, seen, now),
        verdict=_verdict(row),
    )


def position_line(screen: Screen, seen: Seen[positions_pb2.Position], now: float) -> PositionLine:
    """Say what is known of a position."""
    found = seen.message
    fresh = screen.quote_freshness(seen.so_at, now)
    shown = fresh in {Freshness.FRESH, Freshness.AGEING}
    priced = shown and found.mark.HasField("unrealised_micros")
    guarded = found.state == positions_pb2.POSITION_STATE_GUARDED
    state = positions_pb2.PositionState.Name(found.state) if found.state in positions_pb2.PositionState.values() else ""
    return PositionLine(
        market=found.market_ticker,
        held=f"{count(found.count_hundredths)} {side_word(found.side)}",
        paid=f"{found.mean_entry_price_cents:.3g}",
        bid=_price(found.mark, "bid_price_micros", shown=shown),
        age=_age_cell(screen.age(seen.so_at, now), fresh),
        freshness=fresh,
        stop=_price(found.guard, "stop_in_force_micros"),
        target=_price(found.plan, "take_profit_price_micros"),
        result=money_cell(found.mark.unrealised_micros) if priced else DASH,
        state="" if guarded else state.removeprefix("POSITION_STATE_").replace("_", " ").lower(),
    )


def money_cell(micros: int) -> str:
    """Say a result so that it is read without colours: `▲ +$0.12`, `▼ -$0.10`, `$0.00`."""
    arrow = "▲ " if micros > 0 else "▼ " if micros < 0 else ""
    return arrow + gain(micros)


def age_text(seconds: float) -> str:
    """Say an age in a narrow column: `0.3`, `14`, `5m`, `3h`."""
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f}"
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * unit:
            return f"{int(seconds // unit)}{name}"
    return f"{seconds:.0f}"


def _age_cell(age: float | None, fresh: Freshness) -> str:
    if age is None or fresh is Freshness.ABSENT:
        return ""
    return f"{age_text(age)} STALE" if fresh is Freshness.STALE else age_text(age)


def _price(
    message: positions_pb2.Mark | positions_pb2.GuardState | positions_pb2.ExitPlan, field: str, *, shown: bool = True
) -> str:
    if not shown or not message.HasField(field):
        return DASH
    return f"{getattr(message, field) / CENT:g}"


def _signal(screen: Screen, seen: Seen[screen_pb2.MarketRow], now: float) -> str:
    row = seen.message
    if row.HasField("signal"):
        found = row.signal
        if screen.forecast_freshness(seen, now) is Freshness.STALE:
            return f"old, {age_text(screen.forecast_age(seen, now))}"
        dots = _DOTS.get(found.confidence, "?")
        return f"{_ARROWS.get(found.direction, '?')} {found.magnitude_cents:.0f}c {dots}"
    return "· none" if row.scan_outcome != decisions_pb2.SCAN_OUTCOME_UNSPECIFIED else ""


def _verdict(row: screen_pb2.MarketRow) -> str:
    if not row.HasField("decision"):
        return row.scan_reason.replace("_", " ")
    found = row.decision
    if found.outcome == decisions_pb2.DECISION_OUTCOME_ENTER:
        return f"{found.expected_edge_cents:+.1f}c" if found.HasField("expected_edge_cents") else "entered"
    more = f" and {found.refusal_count - 1} more" if found.refusal_count > 1 else ""
    return (refusal(found.refusal) if found.HasField("refusal") else "refused") + more
