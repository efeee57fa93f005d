"""The desk: status, positions, markets, funnel, events. It looks; it changes nothing."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from foremesh.trader.v1 import trader_service_pb2 as pb
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static

from console.desk import columns
from console.desk.lines import WARN, Lines, Span
from console.view.screen import Screen
from mesh.certs import CertificateError

Tell = Callable[[pb.WatchStateResponse], None]
Feed = Callable[[Tell, Callable[[str], None]], Awaitable[None]]
_WIDE, _LEAST_WIDTH, _LEAST_HEIGHT = 110, 80, 24


class Desk(App[str]):
    """Shows what a feed tells. Its result is what kept it from doing so.

    Args:
        feed: Tells messages, and when it has lost the trader, until it is cancelled.
        hz: How often what has changed is drawn, a second.
    """

    CSS = """
    Screen { background: #0B0F14; color: #E6EDF3; }
    Lines { border: round #33475B; border-title-color: #9FB3C8; }
    Lines:focus { border: round #9FB3C8; border-title-color: #E6EDF3; }
    #status { height: 2; }
    #positions { height: 25%; min-height: 5; }
    #markets { width: 1fr; height: 1fr; }
    #side { width: 38; height: 1fr; }
    #middle { height: 1fr; }
    #events { height: 25%; min-height: 5; }
    .narrow #side { display: none; }
    #positions.-maximized, #events.-maximized { height: 1fr; }
    .small Lines { display: none; }
    .small #middle { display: none; }
    .small #positions { display: block; height: 1fr; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "panel('markets')", "markets"),
        Binding("2", "panel('positions')", "positions"),
        Binding("3", "panel('funnel')", "funnel"),
        Binding("4", "panel('events')", "events"),
        Binding("z", "zoom", "zoom"),
        Binding("space", "hold", "hold"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, feed: Feed, *, hz: float = 4.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._feed, self._period, self._clock = feed, 1.0 / hz, clock
        self.known = Screen()
        self.away = ""
        self._held_since: float | None = None

    def compose(self) -> ComposeResult:
        """Lay the panels out."""
        yield Static(id="status")
        with Horizontal(id="middle"):
            yield Lines("1 Markets, by event and strike", columns.MARKETS_HEADING, id="markets")
            with Vertical(id="side"):
                yield Lines("3 The last scan", "left after each rule", cursor=False, id="funnel")
        yield Lines("2 Positions", columns.POSITIONS_HEADING, id="positions")
        yield Lines("4 Events, newest first, UTC", "", cursor=False, id="events")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to listen and to draw. A signal ends it in order: else the terminal stays as it was drawn on."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self.query_one("#markets").focus()
        self.set_interval(self._period, self.redraw)
        self.listen()

    def on_resize(self) -> None:
        """Leave out what does not fit."""
        self.screen.set_class(self.size.width < _WIDE, "narrow")
        self.screen.set_class(self.size.width < _LEAST_WIDTH or self.size.height < _LEAST_HEIGHT, "small")
        self.redraw()

    @work(exclusive=True)
    async def listen(self) -> None:
        """Take in what the feed tells."""
        try:
            await self._feed(self._tell, self._lost)
        except (OSError, CertificateError) as error:
            self.exit(str(error))

    def redraw(self) -> None:
        """Draw what has changed: also ages, which change without a message."""
        if not self.query("#status"):  # not laid out yet, or no more
            return
        now = self._clock()
        first, second = columns.status_spans(self.known, now, self.away)
        if self._held_since is not None:
            second = ((f" HELD {now - self._held_since:.0f} s: space goes on ", WARN), *second)
        if self.screen.has_class("small"):
            second = ((" enlarge for more ", WARN), *second)
        self.query_one("#status", Static).update(Text("\n").join((_text(first), _text(second))))
        if self._held_since is not None:
            return
        self.query_one("#markets", Lines).show(list(columns.market_lines(self.known, now)))
        self.query_one("#positions", Lines).show(list(columns.position_lines(self.known, now)))
        self.query_one("#funnel", Lines).show(list(columns.funnel_lines(self.known.funnel)))
        self.query_one("#events", Lines).show(list(columns.event_lines(self.known)))

    def action_panel(self, name: str) -> None:
        """Go to a panel."""
        self.screen.minimize()
        self.query_one(f"#{name}").focus()

    def action_zoom(self) -> None:
        """Give the panel in focus the whole screen, or give it back."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused)

    def action_hold(self) -> None:
        """Hold the display, or let it go on; what comes is taken in all the while."""
        self._held_since = self._clock() if self._held_since is None else None
        self.redraw()

    def _tell(self, message: pb.WatchStateResponse) -> None:
        self.away = ""
        self.known.receive(message, self._clock())

    def _lost(self, words: str) -> None:
        self.away = words
        self.known.lost()
        self.redraw()


def _text(spans: tuple[Span, ...]) -> Text:
    return Text.assemble(*spans, no_wrap=True, overflow="ellipsis")
