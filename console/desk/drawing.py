"""Draws what is known on the panels: pulls together view, pictures and what a person has chosen to see."""

from collections.abc import Sequence

from rich.text import Text
from textual.screen import Screen as Panels
from textual.widgets import Static

from console.desk import columns, market_columns
from console.desk.doing import Doing
from console.desk.faces import MarketFace
from console.desk.lines import TEXT, WARN, Lines, Span
from console.desk.looking import Looking
from console.desk.picture import Picture
from console.view.screen import Screen

_BOOK_SECONDS = 1.0
"""A book that is looked at alone is asked for so often; one that is asked for with the chart would look stale."""


class Drawing:
    """Draws on a stack of screens, of which the first is the desk.

    Attributes:
        query: Only lines that match are shown.
        by_edge: Markets stand by the edge of an entry.
        held_since: Since when the display is held, on the screen's clock.
    """

    def __init__(self, known: Screen, looking: Looking, doing: Doing) -> None:
        self.query, self.by_edge = "", False
        self.held_since: float | None = None
        self._known, self._looking, self._doing = known, looking, doing
        self._scan = ""

    def draw(self, stack: "Sequence[Panels[object]]", now: float, away: str) -> None:
        """Draw what is so now."""
        self._status(stack, now, away)
        if self.held_since is not None:
            return
        known, desk = self._known, stack[0]
        markets = list(columns.market_lines(known, now, self.query, by_edge=self.by_edge))
        panel = desk.query_one("#markets", Lines)
        panel.show(markets)
        panel.entitle(self._markets_title(len(markets)))
        desk.query_one("#positions", Lines).show(list(columns.position_lines(known, now)))
        desk.query_one("#funnel", Lines).show(list(columns.funnel_lines(known.funnel)))
        desk.query_one("#events", Lines).show(list(columns.event_lines(known, self.query)))
        self._market(stack, now)

    def looked_at(self, desk: "Panels[object]") -> str:
        """Return the ticker under the cursor of the panel in focus, or of the markets."""
        if desk.focused is not None and desk.focused.id == "positions":
            held = self._known.positions.get(desk.query_one("#positions", Lines).at or "")
            if held is not None:
                return held.message.market_ticker
        return desk.query_one("#markets", Lines).at or ""

    def _status(self, stack: "Sequence[Panels[object]]", now: float, away: str) -> None:
        first, second = columns.status_spans(self._known, now, away)
        if self.held_since is not None:
            second = ((f" HELD {now - self.held_since:.0f} s: space goes on ", WARN), *second)
        if stack[0].has_class("small"):
            second = ((" enlarge for more ", WARN), *second)
        text = Text("\n").join((_text(first), _text(second)))
        for screen in stack:
            for status in screen.query(".status").results(Static):
                _put(status, text)
        said, warns = self._doing.line(now)
        _put(stack[0].query_one("#working", Static), _text(((f" working: {said}", WARN if warns else TEXT),)))

    def _market(self, stack: "Sequence[Panels[object]]", now: float) -> None:
        known, desk = self._known, stack[0]
        scan = known.status.last_scan.scan_id if known.status is not None else ""
        if scan != self._scan:
            self._scan = scan
            self._looking.again()
        self._looking.want(self.looked_at(desk))
        linked, found = known.linked(now), self._looking.found
        view = found.view if linked else None
        why = list(market_columns.why_lines(view))
        desk.query_one("#chart", Picture).show(found, now, linked=linked)
        desk.query_one("#why", Lines).show(why)
        face = stack[-1]
        if isinstance(face, MarketFace) and face.query("#rules"):
            if now - found.at > _BOOK_SECONDS:
                self._looking.again()
            face.query_one("#large", Picture).show(found, now, linked=linked)
            current = market_columns.book_is_current(known, view, now - found.at)
            face.query_one("#ladder", Lines).show(list(market_columns.ladder_lines(view, current=current)))
            face.query_one("#rules", Lines).show(why)

    def _markets_title(self, count: int) -> str:
        order = "by the edge of an entry" if self.by_edge else "by event and strike"
        shown = f", {count} of {len(self._known.rows)} that match {self.query}" if self.query else ""
        return f"1 Markets, {order}{shown}"


def _put(panel: Static, text: Text) -> None:
    """Show a text. Laying everything out again, as is usual, would send the whole screen to the terminal."""
    if panel.content != text:
        panel.update(text, layout=False)


def _text(spans: tuple[Span, ...]) -> Text:
    return Text.assemble(*spans, no_wrap=True, overflow="ellipsis")
