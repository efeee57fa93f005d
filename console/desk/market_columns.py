"""Lines about one market: why, its book, one thing followed through. Pure."""

from collections.abc import Iterator

from foremesh.trader.v1 import decisions_pb2, market_view_pb2, trace_pb2

from console.collection.words import plain
from console.desk.columns import clock_words
from console.desk.lines import BOLD, DIM, TEXT, WARN, Line
from console.durations import span_words
from console.trading_words import count, happened, side
from console.view.screen import Screen
from console.view.why import PASSED, reasons
from mesh.types import CENT


def why_lines(view: market_view_pb2.MarketView | None) -> Iterator[Line]:
    """Say what every rule found about the last entry that was thought of."""
    if view is None or not view.HasField("decision"):
        reason = "" if view is None else plain(view.scan_reason.replace("_", " "))
        yield Line("none", ((f"no entry was decided on{': ' if reason else ''}{reason}", DIM),))
        return
    decided = view.decision
    entered = decided.outcome == decisions_pb2.DECISION_OUTCOME_ENTER
    age = span_words(view.decision_age.ToTimedelta())
    yield Line("outcome", ((f"{side(decided.side)} {'ENTERED' if entered else 'REFUSED'}, {age} ago", BOLD),))
    for each in reasons(decided):
        style = WARN if each.refused else TEXT if each.sign == PASSED else DIM
        yield Line(each.rule, ((f"{each.sign} {each.rule}  ", style), (each.words, style)))


def ladder_lines(view: market_view_pb2.MarketView | None, *, current: bool) -> Iterator[Line]:
    """Say who sells and who buys NO, best prices in the middle; nothing of a book that is not known to be so now."""
    if view is None or not view.HasField("book"):
        yield Line("none", (("no book", DIM),))
        return
    if not current:
        yield Line("stale", (("STALE: the book is not shown", WARN),))
        return
    for level in reversed(view.book.no_asks):
        yield Line(f"ask {level.price_micros}", ((f"ask {_level(level)}", TEXT),))
    yield Line("middle", (("─" * 20, DIM),))
    for level in view.book.no_bids:
        yield Line(f"bid {level.price_micros}", ((f"bid {_level(level)}", TEXT),))


def book_is_current(screen: Screen, view: market_view_pb2.MarketView | None, since: float) -> bool:
    """Tell whether a book that came so many seconds ago is known to be so now."""
    if view is None or screen.status is None:
        return False
    limit = screen.status.staleness.quote_stale_after
    age = view.book.confirmed_age
    return since + age.seconds + age.nanos / 1e9 <= limit.seconds + limit.nanos / 1e9


def trace_lines(trace: trace_pb2.Trace) -> Iterator[Line]:
    """Say one thing from its signal to its trade."""
    for event in trace.events:
        yield Line(str(event.sequence), ((f"{clock_words(event)} ", DIM), (happened(event), TEXT)))
    if trace.truncated:
        yield Line("more", (("more was written, or may have been, than is shown", WARN),))


def _level(level: market_view_pb2.BookLevel) -> str:
    return f"{level.price_micros / CENT:>5g} × {count(level.size_hundredths)}"
