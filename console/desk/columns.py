"""Lines of the desk, in columns: texts from the view, colours beside words and signs. Pure."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from foremesh.trader.v1 import (
    events_pb2,
    report_pb2,
    screen_pb2,
    status_pb2,
)
from rich.cells import set_cell_size
from rich.style import Style

from console.amounts import dollars
from console.desk.commands import matches
from console.desk.lines import BOLD, DIM, DOWN, TEXT, UP, WARN, Line, Span
from console.trading_status import LINK_HEALTH_WORDS
from console.trading_words import block, happened, word, working
from console.view.cells import DASH, MarketLine, PositionLine, age_text, market_line, money_cell, position_line
from console.view.freshness import Freshness
from console.view.screen import Screen, Seen

_MARKET = 22
_SIGNAL = 11
MARKETS_HEADING = f"{'market':<{_MARKET}}{'NO':>4}{'ask':>5}{'age':>5} {'signal':<{_SIGNAL}} edge, or why not"
POSITIONS_HEADING = (
    f"{'market':<{_MARKET}}{'held':>7}{'in':>5}{'bid':>5}{'age':>10}{'stop':>5}{'goal':>5}  if sold now, net"
)
_AGE_STYLE = {Freshness.STALE: WARN, Freshness.AGEING: DIM, Freshness.ABSENT: DIM, Freshness.FRESH: TEXT}
_LINKS = {
    status_pb2.LINK_KIND_EXCHANGE: "ex",
    status_pb2.LINK_KIND_MARKET_DATA: "books",
    status_pb2.LINK_KIND_EXIT_LOOP: "exits",
    status_pb2.LINK_KIND_FORECAST_SERVER: "fc",
}
_MODES = {
    status_pb2.TRADING_MODE_PAPER: ("[PAPER]", BOLD),
    status_pb2.TRADING_MODE_DEMO: (":DEMO:", BOLD),
    status_pb2.TRADING_MODE_LIVE: (" LIVE ", BOLD + Style(reverse=True)),
}


def market_lines(screen: Screen, now: float, query: str = "", *, by_edge: bool = False) -> Iterator[Line]:
    """Say every market that a query matches, in the trader's order or by the edge of an entry."""
    rows = [seen for seen in screen.rows.values() if matches(query, seen.message.market_ticker, seen.message.title)]
    if by_edge:
        rows.sort(key=_edge, reverse=True)
    for seen in rows:
        found = market_line(screen, seen, now)
        # Not by its row's number: the next stream counts anew, and the cursor has to stay on its market.
        yield Line(found.market, (*_market(found), (found.verdict, _verdict_style(found))))


def position_lines(screen: Screen, now: float) -> Iterator[Line]:
    """Say every position, oldest first."""
    for position_id, seen in screen.positions.items():
        yield Line(position_id, _position(position_line(screen, seen, now)))


def status_spans(screen: Screen, now: float, away: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Say in two lines whose money it is, how it stands, and whether all of it is alive."""
    status = screen.status
    if status is None:
        return ((" no figure yet ", WARN),), ((f" {away}" if away else " connecting", WARN),)
    if not screen.linked(now):
        silence = screen.silence(now)
        said = "NO LINK" if silence is None else f"NO LINK {silence:.0f} s"
        mode = _MODES.get(status.mode, ("?", BOLD))
        return (mode, (f"  {said}: nothing below is so now", WARN)), ((f" {away}", WARN),)
    money = status.balance
    free = dollars(money.available_micros) if status.HasField("balance") else DASH
    running = status.state == status_pb2.TRADING_STATE_RUNNING
    state = word(status_pb2.TradingState, status.state, "TRADING_STATE_")
    first: list[Span] = [
        _MODES.get(status.mode, ("?", BOLD)),
        (f"  free cash {free}  today ", TEXT),
        (money_cell(status.pnl_today.net_realised_micros), _gain_style(status.pnl_today.net_realised_micros)),
        (f" net  open {status.position_count}, working {status.working_order_count}  entries ", TEXT),
        (state.upper(), TEXT if running else WARN),
    ]
    if status.unknown_order_count:
        first.append((f"  {status.unknown_order_count} OUTCOME NOT KNOWN", WARN))
    second: list[Span] = [(" ", TEXT)]
    for link, age in screen.links(now):
        if link.kind in _LINKS:
            well = link.health == status_pb2.LINK_HEALTH_UP
            said = DASH if age is None else age_text(age)
            how = " " + LINK_HEALTH_WORDS.get(link.health, "?") if not well else ""
            second.append((f"{_LINKS[link.kind]} {said}{how}  ", TEXT if well else WARN))
    if status.HasField("last_scan"):
        scan = status.last_scan
        second.append((f"scan: {scan.market_count} markets, {scan.signal_count} signals", DIM))
    if status.blocks:
        more = f", and {len(status.blocks) - 1} more" if len(status.blocks) > 1 else ""
        second.append((f"  {block(status.blocks[0])}{more}", WARN))
    return tuple(first), tuple(second)


def funnel_lines(funnel: report_pb2.Funnel | None) -> Iterator[Line]:
    """Say where the markets of the last scan were left behind."""
    if funnel is None:
        return
    yield _bar("looked at", funnel.market_count, funnel.market_count)
    yield _bar("signal", funnel.signal_count, funnel.market_count)
    for step in funnel.steps:
        if step.refused_first_count:
            left = step.reached_count - step.refused_first_count
            yield _bar(f"after {step.rule.replace('_', ' ')}", left, funnel.market_count)
    yield _bar("entered", funnel.entry_count, funnel.market_count)


def event_lines(screen: Screen, query: str = "") -> Iterator[Line]:
    """Say which orders work, and what happened, newest first."""
    for (own, name), order in screen.orders.items():
        found = working(order)
        if matches(query, found):
            yield Line(f"order {name}", (("working  " if own else "foreign  ", BOLD), (found, TEXT)))
    for event in reversed(screen.events):
        found = happened(event)
        if matches(query, found):
            yield Line(str(event.sequence), ((f"{clock_words(event)} ", DIM), (found, TEXT)))
    if screen.missed:
        yield Line("missed", (("earlier events are not here: foremesh events --after 0", DIM),))


def _edge(seen: Seen[screen_pb2.MarketRow]) -> float:
    decision = seen.message.decision
    return decision.expected_edge_cents if decision.HasField("expected_edge_cents") else -math.inf


def traced(screen: Screen, panel: str, key: str) -> tuple[str, str | None] | None:
    """Return the id that leads to all that is known of a line, with the market where it is a scan's."""
    if panel == "positions":
        return (key, None) if key in screen.positions else None
    if panel == "events":
        if key.startswith("order "):
            return key.removeprefix("order "), None
        event = next((each for each in screen.events if str(each.sequence) == key), None)
        return None if event is None else _traced_event(event)
    row = next((seen.message for seen in screen.rows.values() if seen.message.market_ticker == key), None)
    if row is None:
        return None
    if row.HasField("decision"):
        return row.decision.decision_id, None
    return (row.scan_id, key) if row.HasField("signal") else None


def _traced_event(event: events_pb2.Event) -> tuple[str, str | None] | None:
    kind = event.WhichOneof("payload")
    if kind == "order":
        return event.order.order.client_order_id, None
    for name in ("client_order_id", "decision_id", "position_id"):
        found = getattr(getattr(event, kind), name, "") if kind else ""
        if found:
            return found, None
    return None


def clock_words(found: events_pb2.Event) -> str:
    """Say when something was written, UTC."""
    return datetime.fromtimestamp(found.record_time.seconds, UTC).strftime("%H:%M:%S")


def _market(found: MarketLine) -> tuple[Span, ...]:
    style = _AGE_STYLE[found.freshness]
    age, _, stale = found.age.partition(" ")
    return (
        (set_cell_size(found.market.removeprefix("KX"), _MARKET), TEXT),
        (f"{found.bid:>4}{found.ask:>5}", style),
        (f"{age:>5} ", style if found.freshness is not Freshness.FRESH else DIM),
        # The word takes the place of the signal: nothing is done on such prices.
        (set_cell_size(stale or found.signal, _SIGNAL) + " ", WARN if stale else TEXT),
    )


def _verdict_style(found: MarketLine) -> Style:
    return UP if found.verdict.startswith("+") else DOWN if found.verdict.startswith("-") else DIM


def _position(found: PositionLine) -> tuple[Span, ...]:
    style = _AGE_STYLE[found.freshness]
    result = UP if "▲" in found.result else DOWN if "▼" in found.result else TEXT
    return (
        (set_cell_size(found.market.removeprefix("KX"), _MARKET), TEXT),
        (f"{found.held:>7}{found.paid:>5}", TEXT),
        (f"{found.bid:>5}{found.age:>10}", style),
        (f"{found.stop:>5}{found.target:>5}  ", TEXT),
        (f"{found.result:<12}", result),
        (found.state, WARN),
    )


def _bar(name: str, count: int, most: int) -> Line:
    width = 0 if not most else round(8 * count / most)
    return Line(name, ((f"{set_cell_size(name, 21)}{count:>5} ", TEXT), ("█" * width or ("▏" if count else ""), DIM)))


def _gain_style(micros: int) -> Style:
    return UP if micros > 0 else DOWN if micros < 0 else TEXT
