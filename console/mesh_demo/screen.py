"""The demo as a terminal shows it: a screenful that fits the terminal, drawn from what was seen and nothing else."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from foremesh.trader.v1 import decisions_pb2, events_pb2, status_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from console import trading_words as w
from console.amounts import dollars
from console.collection.progress import series_table, state
from console.collection.tables import Column, Fitted
from console.collection.words import plain
from console.journal_words import price
from console.mesh_demo.settings import Plan
from console.mesh_demo.sight import Said, Sight, refused_by
from console.model_view import state as model_state
from console.trading_status import summary
from console.trading_view import positions_table, result
from mesh.convert import instant

_COLOURS = {"ready": "green", "starting": "yellow", "stopped": "dim"}
_BAR = 24
_RULES_NAMED = 4
_LINES_AT_LEAST = 3


class Screen:
    """Draws what is in a sight each time it is asked."""

    def __init__(self, plan: Plan, sight: Sight) -> None:
        """Take what is shown; `elapsed` and `seconds` are of the time in which it trades."""
        self._plan, self._sight = plan, sight
        self.elapsed, self.seconds = timedelta(), timedelta(seconds=1)
        self.now: datetime | None = None
        self.offer = ""
        """How to look closer; empty until there is something to look at."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give each part the lines that are left for it."""
        fixed = [
            self._head(),
            *([_dim(self.offer)] if self.offer else []),
            *self._mesh(),
            *self._collection(),
            *self._money(),
        ]
        height = options.height or console.height
        used = len(console.render_lines(Group(*fixed), options.update(height=None), pad=False))
        left = max(height - used - 3, 3 * _LINES_AT_LEAST)
        positions = min(len(self._sight.positions) + 1, max(left // 4, _LINES_AT_LEAST))
        signals = max((left - positions) // 2, _LINES_AT_LEAST)
        yield from fixed
        yield _titled("signals and what became of them")
        yield Fitted(list(self._sight.said)[-(signals - 1) :], _SAID) if self._sight.said else _dim("none yet")
        yield _titled(f"positions: {len(self._sight.positions)}")
        yield positions_table(self._sight.positions[-(positions - 1) :])
        yield _titled("orders, fills, exits")
        for event in list(self._sight.events)[-(left - positions - signals) :]:
            yield _event(event)

    def _head(self) -> RenderableType:
        bar = ProgressBar(total=self.seconds.total_seconds(), completed=self.elapsed.total_seconds(), width=_BAR)
        grid = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            grid.add_column(no_wrap=True)
        time = "" if self.now is None else f"{self.now:%Y-%m-%d %H:%M} UTC there"
        what = "foremesh demo"
        speed = f"{self._plan.speed:g} x"
        grid.add_row(Text(what, style="bold"), Text(time), Text(speed, style="dim"), bar)
        return grid

    def _mesh(self) -> Iterator[RenderableType]:
        yield Columns([self._daemon(name) for name in self._sight.daemons], padding=(0, 3), equal=True)
        for name, why in self._sight.away.items():
            yield Text(f"{name}: {why}", style="bold red", no_wrap=True, overflow="ellipsis")

    def _daemon(self, name: str) -> Text:
        word, pid = self._sight.daemons[name]
        colour = _COLOURS.get(word, "bold red")
        if name == "forecast-server" and self._sight.forecast is not None and word == "ready":
            model = self._sight.forecast.model
            word = f"{plain(model.identity.name)} {model_state(model)}"
        return Text.assemble(("● ", colour), name, " ", (word, "dim"), (f" {pid}" if pid else "", "dim"))

    def _collection(self) -> Iterator[RenderableType]:
        progress = self._sight.collection.progress
        yield _titled("collection" if progress is None else f"collection: {state(progress)}")
        yield _dim("not heard of yet") if progress is None else series_table(progress)

    def _money(self) -> Iterator[RenderableType]:
        status = self._sight.trader
        yield _titled("trader" if status is None else f"trader: {summary(status)}")
        if status is None:
            yield _dim("not heard of yet")
            return
        yield _balance(status, self._sight.counts["trade"])
        scans, entered = self._sight.counts["scan_finished"], self._sight.counts["decision"]
        refused = sum(self._sight.refusals.values())
        named = ", ".join(f"{rule} {count}" for rule, count in self._sight.refusals.most_common(_RULES_NAMED))
        words = f"{scans} scans, {self._sight.counts['signal']} signals, {entered - refused} entered, {refused} refused"
        yield Text(f"{words}{f': {named}' if named else ''}", no_wrap=True, overflow="ellipsis")


def _balance(status: status_pb2.Status, trades: int) -> Text:
    pnl = status.pnl_total
    words = Text("net of fees ")
    words.append_text(result(pnl.net_realised_micros))
    words.append(f" after {dollars(pnl.fees_micros)} of fees in {trades} trades")
    if status.HasField("balance"):
        words.append(f"; {dollars(status.balance.available_micros)} available, ")
        words.append(f"{dollars(status.balance.stake_micros)} in positions")
    return words


def _titled(title: str) -> Rule:
    return Rule(Text(title, style="dim"), align="left", style="dim")


def _dim(words: str) -> Text:
    return Text(words, style="dim")


def _event(event: events_pb2.Event) -> Text:
    closed = event.WhichOneof("payload") == "trade"
    net = event.trade.net_micros if closed else 0
    style = "green" if net > 0 else "red" if net < 0 else ""
    return Text(w.event(event).lstrip(), style=style, no_wrap=True, overflow="ellipsis")


def _clock(time: Timestamp) -> str:
    return f"{instant(time, 'record_time'):%d %H:%M}"


def _verdict(said: Said) -> Text:
    if said.decision.outcome == decisions_pb2.DECISION_OUTCOME_ENTER:
        plan = said.decision.plan
        return Text(f"enter {w.count(plan.count_hundredths)} NO at {price(plan.limit_price_micros)}", style="green")
    return Text(f"refused by {refused_by(said.decision)}", style="dim")


_SAID: tuple[Column[Said], ...] = (
    Column("at", lambda said: _clock(said.time)),
    Column("market", lambda said: plain(said.decision.market_ticker)),
    Column("now", lambda said: f"{said.signal.signal.current_price_cents:.4g}c", justify="right", spare=2),
    Column("expected", lambda said: f"{said.signal.signal.forecast_mean_cents:.3g}c", justify="right", spare=1),
    Column("moves", lambda said: f"{said.signal.signal.magnitude_cents:.3g}c", justify="right"),
    Column("for", lambda said: w.side(said.decision.side)),
    Column("decision", _verdict),
)
