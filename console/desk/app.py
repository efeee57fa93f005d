"""The desk: all that the trader knows on one screen, and the few things that a person may wish of it."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from foremesh.trader.v1 import trader_service_pb2 as pb
from rich.console import RenderableType
from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, Static

from console.desk import acting, columns, market_columns
from console.desk.acting import Wish
from console.desk.calls import Calls
from console.desk.commands import CODES, read
from console.desk.dialog import Confirm
from console.desk.doing import Doing
from console.desk.drawing import Drawing
from console.desk.faces import DrawnFace, ListFace, MarketFace
from console.desk.layout import BINDINGS, CSS, HELP
from console.desk.lines import TEXT, WARN, Line, Lines
from console.desk.looking import Looking
from console.desk.picture import Picture
from console.desk.prompt import Prompt
from console.view.screen import Screen
from mesh.certs import CertificateError
from mesh.errors import MeshError

Tell = Callable[[pb.WatchStateResponse], None]
Feed = Callable[[Tell, Callable[[str], None]], Awaitable[None]]
Look = Callable[[], Awaitable[RenderableType]]
_THERE_SECONDS = 2.0
_WIDE, _LEAST_WIDTH, _LEAST_HEIGHT = 110, 80, 24
_ACTIONS = frozenset({"pause", "resume", "exit", "flatten"})


class Desk(App[str]):
    """Shows what a feed tells. Its result is what kept it from doing so.

    Args:
        feed: Tells messages, and when it has lost the trader, until it is cancelled.
        calls: What else the trader is asked.
        faces: Other pictures by name: `mesh`, `collection`.
        hz: How often what has changed is drawn, a second.
        acts: Whether the caller may do more than look.
    """

    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(
        self,
        feed: Feed,
        calls: Calls,
        faces: dict[str, Look],
        *,
        hz: float = 4.0,
        acts: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._feed, self._calls, self._faces, self._acts = feed, calls, faces, acts
        self._period, self._clock = 1.0 / hz, clock
        self.known = Screen()
        self.away = ""
        self._doing, self._looking = Doing(calls, clock), Looking(calls, clock)
        self.drawing = Drawing(self.known, self._looking, self._doing)

    def compose(self) -> ComposeResult:
        """Lay the panels out."""
        yield Static(id="status", classes="status")
        with Horizontal(id="middle"):
            yield Lines("1 Markets, by event and strike", columns.MARKETS_HEADING, id="markets")
            with Vertical(id="side"):
                yield Picture("2 Forecast over", id="chart")
                yield Lines("3 Why", "", cursor=False, id="why")
        with Horizontal(id="lower"):
            yield Lines("4 Positions", columns.POSITIONS_HEADING, id="positions")
            yield Lines("5 The last scan", "left after each rule", cursor=False, id="funnel")
        yield Lines("6 Orders and events, newest first, UTC", "", id="events")
        yield Static(id="working")
        yield Prompt()
        yield Footer()

    def on_mount(self) -> None:
        """Begin to listen and to draw. A signal ends it in order: else the terminal stays as it was drawn on."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.leave)
        self.query_one("#markets").focus()
        self.set_interval(self._period, self.redraw)
        self.set_interval(_THERE_SECONDS, self._leave_what_is_gone)
        self.listen()
        self.look()

    def on_resize(self) -> None:
        """Leave out what does not fit."""
        desk = self.screen_stack[0]
        desk.set_class(self.size.width < _WIDE, "narrow")
        desk.set_class(self.size.width < _LEAST_WIDTH or self.size.height < _LEAST_HEIGHT, "small")
        self.redraw()

    @work(exclusive=True, group="listen")
    async def listen(self) -> None:
        """Take in what the feed tells."""
        try:
            await self._feed(self._tell, self._lost)
        except (OSError, CertificateError) as error:
            self.exit(str(error))

    @work(exclusive=True, group="look")
    async def look(self) -> None:
        """Ask for the market under the cursor."""
        try:
            await self._looking.run()
        except (OSError, CertificateError) as error:
            self.exit(str(error))

    def redraw(self) -> None:
        """Draw what has changed: also ages, which change without a message."""
        if self.screen_stack and self.screen_stack[0].query("#working"):  # else not laid out yet, or no more
            self.drawing.draw(self.screen_stack, self._clock(), self.away)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what the caller may not do, and the desk's keys while something else fills the screen."""
        if action in _ACTIONS and not self._acts:
            return False
        return len(self.screen_stack) <= 1 or action in {"screenshot", "dismiss"}

    def action_panel(self, name: str) -> None:
        """Go to a panel; where there is no room for all of them it takes the place of another."""
        desk = self.screen_stack[0]
        desk.minimize()
        for each in ("chart", "why", "funnel"):
            desk.set_class(name == each, each)
        desk.query_one(f"#{name}").focus()

    def action_zoom(self) -> None:
        """Give the panel in focus the whole screen, or give it back."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused)

    def action_hold(self) -> None:
        """Hold the display, or let it go on; what comes is taken in all the while."""
        self.drawing.held_since = self._clock() if self.drawing.held_since is None else None
        self.redraw()

    def action_order(self) -> None:
        """Order the markets by strike or by edge."""
        self.drawing.by_edge = not self.drawing.by_edge
        self.redraw()

    def action_market(self) -> None:
        """Show one market alone."""
        self.push_screen(MarketFace())

    def action_prompt(self, mode: str) -> None:
        """Ask for a filter or a command."""
        self.query_one(Prompt).ask(mode, self.drawing.query if mode == "/" else "")

    def action_trace(self) -> None:
        """Follow through what is under the cursor."""
        found = columns.traced(self.known, self.focused.id or "" if self.focused else "", self._at())
        if found is None:
            self.notify("nothing is known of it that could be followed", severity="warning")
        else:
            self._trace(*found)

    def action_mesh(self) -> None:
        """Show every daemon."""
        self.push_screen(DrawnFace("The mesh", self._faces["mesh"]))

    def action_collection(self) -> None:
        """Show the collection."""
        self.push_screen(DrawnFace("Collection", self._faces["collection"]))

    def action_keys(self) -> None:
        """Show the keys."""

        async def find() -> Sequence[Line]:
            codes = [f":{code:<13} {words}" for code, (_, words) in CODES.items()]
            return [
                Line(text, ((text, TEXT),)) for text in (*HELP, "", *codes, ":trc ID        one thing followed through")
            ]

        self.push_screen(ListFace("Keys", find))

    async def action_quit(self) -> None:
        """End."""
        self.leave()

    def leave(self) -> None:
        """End, and say what is open: nobody would look for it later."""
        self.exit(self._doing.left() or None)

    def action_copy(self) -> None:
        """Copy the line under the cursor, by way of the terminal."""
        panel = self.focused
        if isinstance(panel, Lines):
            line = next((line.plain for line in panel.lines if line.key == panel.at), "")
            self.copy_to_clipboard(line)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Write the screen to a file in this folder."""
        name = filename or datetime.now(UTC).strftime("foremesh-%Y%m%dT%H%M%SZ.svg")
        self.notify(f"written to {self.save_screenshot(name, path or '.')}")

    def action_pause(self) -> None:
        """Stop entries."""
        now = self._clock()
        if not self._doing.pausing(now):
            self.wish(acting.pausing(now))

    def action_resume(self) -> None:
        """Take entries again."""
        self.wish(acting.resuming(self.known, self._clock()))

    def action_flatten(self) -> None:
        """Sell everything."""
        self.wish(acting.flattening(self.known, self._clock()))

    def action_exit(self) -> None:
        """Sell the position under the cursor, or that of the market under it."""
        ticker = self.drawing.looked_at(self.screen_stack[0])
        held = [name for name, seen in self.known.positions.items() if seen.message.market_ticker == ticker]
        if held:
            self.wish(acting.selling(self.known, held[0], self._clock()))
        else:
            self.notify("nothing is held there", severity="warning")

    @work(group="wishes")
    async def wish(self, wish: Wish) -> None:
        """Ask where it has to be asked, and send it."""
        if not self.known.linked(self._clock()):
            self.notify(
                "no link to the trader: nothing can be sent. foremesh flatten on its host, or the exchange's own site",
                severity="error",
                timeout=10,
            )
            return
        if wish.word:
            question = Confirm(wish.action, lambda: wish.lines(self._clock()), word=wish.word, clock=self._clock)
            if not await self.push_screen_wait(question):
                if wish.action.expire(self._clock()):
                    self._doing.show(wish.action)
                return
        await self._doing.carry_out(wish.action, wish.request)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        if isinstance(event.input, Prompt) and event.input.mode == "/":
            self.drawing.query = event.value
            self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep a filter, or do what a command says."""
        prompt = self.query_one(Prompt)
        mode = prompt.mode
        prompt.done()
        self.query_one("#markets").focus()
        if mode == ":":
            self._command(event.value)

    def on_prompt_left(self) -> None:
        """Show everything again."""
        self.drawing.query = ""
        self.query_one("#markets").focus()
        self.redraw()

    @work
    async def _trace(self, name: str, ticker: str | None) -> None:
        async def find() -> Sequence[Line]:
            try:
                return list(market_columns.trace_lines(await self._calls.trace(name, ticker)))
            except MeshError as error:
                return [Line("problem", ((self._calls.words(error), WARN),))]
            except (OSError, CertificateError) as error:
                return [Line("problem", ((str(error), WARN),))]

        await self.push_screen(ListFace(f"Trace of {name}", find))

    @work
    async def _command(self, line: str) -> None:
        markets = [(seen.message.market_ticker, seen.message.title) for seen in self.known.rows.values()]
        found = read(line, markets)
        if found.trace:
            self._trace(found.trace, None)
        elif found.action:
            await self.run_action(found.action)
        elif found.market:
            self.drawing.query = ""
            panel = self.query_one("#markets", Lines)
            panel.go(found.market)
            self.redraw()
            self.action_market()
        elif line.strip():
            self.notify(f"neither a code nor a market: {line}", severity="warning")

    def _leave_what_is_gone(self) -> None:
        """End where the terminal is gone and no signal said so: reading from it would go round and round for ever."""
        if not self.is_headless and (sys.__stdin__ is None or not sys.__stdin__.isatty()):
            self.leave()

    def _at(self) -> str:
        return self.focused.at or "" if isinstance(self.focused, Lines) else ""

    def _tell(self, message: pb.WatchStateResponse) -> None:
        self.away = ""
        self.known.receive(message, self._clock())

    def _lost(self, words: str) -> None:
        self.away = words
        self.known.lost()
        self.redraw()
