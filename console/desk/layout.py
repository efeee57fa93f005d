"""How the desk is laid out, and its keys."""

from typing import Final

from textual.binding import Binding, BindingType

CSS: Final = """
Screen { background: #0B0F14; color: #E6EDF3; }
Lines, Picture { border: round #33475B; border-title-color: #9FB3C8; }
Lines:focus, Picture:focus { border: round #9FB3C8; border-title-color: #E6EDF3; }
#status { height: 2; }
#middle { height: 1fr; }
#markets { width: 11fr; height: 1fr; }
#side { width: 9fr; height: 1fr; }
#chart { height: 2fr; }
#why { height: 1fr; min-height: 5; }
#lower { height: 22%; min-height: 5; }
#positions { width: 1fr; height: 1fr; }
#funnel { width: 38; height: 1fr; }
#events { height: 22%; min-height: 5; }
#working { height: 1; }
#prompt { height: 1; background: #11161D; }
.narrow #side { display: none; }
.narrow #funnel { display: none; }
.narrow.chart #side, .narrow.why #side { display: block; }
.narrow.chart #markets, .narrow.why #markets { display: none; }
.narrow.chart #why, .narrow.why #chart { display: none; }
.narrow.funnel #funnel { display: block; width: 1fr; }
.narrow.funnel #positions { display: none; }
#positions.-maximized, #events.-maximized, #funnel.-maximized, #why.-maximized { height: 1fr; width: 1fr; }
.small #middle, .small #events, .small #funnel { display: none; }
.small #lower { height: 1fr; }
.small #positions { display: block; }
Face { background: #0B0F14; }
Face .status { height: 2; }
Face VerticalScroll { border: round #9FB3C8; border-title-color: #E6EDF3; height: 1fr; }
Face Lines { height: 1fr; }
#book { width: 44; }
#large { width: 1fr; height: 1fr; }
Confirm { align: center middle; background: #0B0F14 60%; }
Confirm > Vertical { width: 78; height: auto; border: heavy #D55E00; border-title-color: #FF9A5C; background: #0B0F14;
  padding: 1 2; }
"""

BINDINGS: Final[list[BindingType]] = [
    Binding("1", "panel('markets')", "markets", show=False),
    Binding("2", "panel('chart')", "chart", show=False),
    Binding("3", "panel('why')", "why", show=False),
    Binding("4", "panel('positions')", "positions", show=False),
    Binding("5", "panel('funnel')", "funnel", show=False),
    Binding("6", "panel('events')", "events", show=False),
    Binding("e", "panel('events')", "events", show=False),
    Binding("x", "exit", "exit"),
    Binding("p", "pause", "pause"),
    Binding("r", "resume", "resume", show=False),
    Binding("F", "flatten", "flatten"),
    Binding("enter", "market", "market"),
    Binding("t", "trace", "trace"),
    Binding("slash", "prompt('/')", "find"),
    Binding("colon", "prompt(':')", "command"),
    Binding("z", "zoom", "zoom", show=False),
    Binding("o", "order", "order", show=False),
    Binding("space", "hold", "hold", show=False),
    Binding("m", "mesh", "mesh", show=False),
    Binding("g", "collection", "collection", show=False),
    Binding("y", "copy", "copy", show=False),
    Binding("S", "screenshot", "screenshot", show=False),
    Binding("question_mark", "keys", "keys"),
    Binding("q", "quit", "quit"),
]

HELP: Final = (
    "1 to 6, Tab     markets, forecast, why, positions, last scan, orders and events",
    "arrows, j k     move; PgUp, PgDn by ten; the cursor stays on its market when lines move",
    "Enter           one market alone: forecast, book, every rule; Esc comes back",
    "/               show only what matches, as you type; Esc shows all",
    ":               command: a code below, or words of a market",
    "t               follow through what is under the cursor: signal, decision, orders, fills, trade",
    "x               sell the position under the cursor: y does it",
    "p, r            stop entries at once; take them again: y does it",
    "F               sell everything: FLAT and Enter do it",
    "o               markets by strike, or by the edge of an entry",
    "m, g            every daemon; collection",
    "z, Space        the panel alone, and back; hold the display while data goes on",
    "y, S            copy the line; write the screen to an SVG file here",
    "q               end; the trader is another process and goes on",
)
