"""The report: every figure recomputed from a journal's rows, in one pass over them. Pure.

Trades belong to a span by when they closed, orders by when they ended, everything else by its journal time. Open
positions are those at the end of the rows, whatever the span.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from mesh.statistics import Estimate
from mesh.types import CENT
from trader.domain.entries import (
    Decided,
    ExitDecided,
    OrderIntended,
    OrderUnknown,
    PositionClosed,
    ScanFinished,
    ScanStarted,
    Settled,
    ShadowFilled,
    ShadowPlaced,
    SignalSeen,
)
from trader.domain.fold import apply
from trader.domain.state import Books
from trader.domain.words import Mode, Purpose
from trader.ports import Recorded
from trader.reporting.expectation import Expectation, Promises, expectation
from trader.reporting.figures import (
    Figures,
    Groups,
    Point,
    Row,
    cluster_of,
    curve,
    groups,
    mean_net,
    row,
    total,
    within,
)
from trader.reporting.fills import FillFigures, fill_figures
from trader.reporting.forecasts import Forecasts, ForecastSums
from trader.reporting.funnel import Funnel, FunnelSums
from trader.reporting.positions import Mark, OpenPositions, open_positions
from trader.reporting.shadow import ShadowFigures, ShadowSums

_INSTANT = timedelta(microseconds=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    start: datetime | None = None
    """First instant, aware; None for the beginning of the journal."""
    end: datetime | None = None
    """First instant after the span, aware; None for the end of the journal."""
    series: frozenset[str] = frozenset()
    """Only these; empty for all."""
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """Of days and hours."""
    promises: Promises | None = None
    """What a backtest expects."""
    marks: Mapping[str, Mark] = field(default_factory=dict)
    """What open positions are worth, by position."""

    def wants(self, series: str) -> bool:
        """Tell whether a series counts."""
        return not self.series or series in self.series


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the span came to."""

    mode: Mode | None
    """None: no trader ever began on the journal."""
    start: datetime
    end: datetime
    zone: str
    """Name of the time zone."""
    as_of_sequence: int
    """Last journal entry that is in it."""
    total: Figures
    mean_net_cents: Estimate | None
    """Of one contract, with its interval; None without a trade, or where nobody says."""
    groups: Groups
    rows: tuple[Row, ...] | None
    """The trades behind them, in the order in which they closed; None where only their sums are known."""
    curve: tuple[Point, ...]
    positions: OpenPositions
    funnel: Funnel
    entries: FillFigures
    exits: FillFigures
    forecasts: Forecasts
    expectation: Expectation | None
    shadow: ShadowFigures | None


def report(rows: Iterable[Recorded], question: Question) -> Report:
    """Report on the rows of a journal, from the first on.

    Raises:
        IllegalTransition: They are no journal's: an entry cannot follow from those before. KeyError likewise.
    """
    books, gathering = Books(""), Gathering(question)
    for recorded in rows:
        gathering.see(books, recorded)
        apply(books, recorded.sequence, recorded.time, recorded.entry)
    return gathering.report(books)


class Gathering:
    """Takes a journal's rows one by one, each with the books as they stand before it."""

    def __init__(self, question: Question) -> None:
        self._asked = question
        self._rows: list[Row] = []
        self._funnel = FunnelSums(question.series, every=not question.series)
        self._forecasts, self._shadow = ForecastSums(), ShadowSums()
        self._unknown: set[str] = set()
        self._prices: dict[str, int | None] = {}
        """Prices that were decided upon, by decision: asks of entries, triggers of exits."""
        self._entries: dict[str, list[str]] = {}
        """Client order ids of entries, by position."""
        self._series: dict[str, str] = {}
        self._clusters: dict[str, str] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None

    def see(self, books: Books, recorded: Recorded) -> None:  # noqa: C901  # a case a kind
        """Take in a row."""
        asked, time = self._asked, recorded.time
        self._first, self._last = self._first or time, time
        now = within(time, asked.start, asked.end)
        match recorded.entry:
            case ScanStarted() as entry:
                self._funnel.started(entry)
            case SignalSeen() as entry:
                self._funnel.signal(entry, counts=now)
                self._forecasts.signal(entry, counts=now and asked.wants(entry.series_ticker))
            case ScanFinished() as entry if now:
                self._funnel.finished(entry)
            case Decided() as entry:
                self._decided(entry, now=now)
            case OrderIntended(order=terms) if terms.purpose is Purpose.ENTRY:
                self._entries.setdefault(terms.position_id, []).append(terms.client_order_id)
            case OrderUnknown() as entry:
                self._unknown.add(entry.client_order_id)
            case ExitDecided() as entry:
                self._prices[entry.decision_id] = entry.trigger
            case ShadowPlaced() as entry:
                self._shadow.placed(entry, counts=now and asked.wants(self._series.get(entry.ticker, "")))
            case ShadowFilled() as entry:
                self._shadow.filled(entry)
            case Settled() as entry:
                self._forecasts.settled(entry.ticker, entry.time, entry.yes_value / CENT)
            case PositionClosed() as entry:
                self._closed(books, recorded.sequence, entry)
            case _:
                pass

    def _decided(self, entry: Decided, *, now: bool) -> None:
        market = entry.market
        if market.ticker not in self._clusters:
            self._series[market.ticker] = market.series_ticker
            self._clusters[market.ticker] = cluster_of(market, self._underlyings)
        if entry.entered and entry.plan is not None:
            self._prices[entry.decision_id] = entry.plan.ask
        if now:
            self._funnel.decided(entry)

    def _closed(self, books: Books, sequence: int, entry: PositionClosed) -> None:
        trade, asked = entry.trade, self._asked
        market = books.positions[trade.position_id].market
        cluster = cluster_of(market, self._underlyings)
        counts = within(trade.close_time, asked.start, asked.end) and asked.wants(trade.series_ticker)
        if counts:
            self._rows.append(row(sequence, trade, cluster, asked.zone))
        entries = [books.orders[name] for name in self._entries.pop(trade.position_id, ())]
        self._shadow.closed(trade, market, entries, cluster, counts=counts)

    @property
    def _underlyings(self) -> Mapping[str, str]:
        return {} if self._asked.promises is None else self._asked.promises.underlyings

    def report(self, books: Books) -> Report:
        """Return the report, given the books after the last row."""
        asked, rows = self._asked, self._rows
        ended = [
            order
            for order in books.orders.values()
            if order.end_time is not None
            and within(order.end_time, asked.start, asked.end)
            and asked.wants(order.terms.series_ticker)
        ]
        start, end = self._span()
        fills = {
            purpose: fill_figures(ended, purpose, self._prices, self._unknown)
            for purpose in (Purpose.ENTRY, Purpose.EXIT)
        }
        return Report(
            mode=books.mode,
            start=start,
            end=end,
            zone=str(asked.zone),
            as_of_sequence=books.sequence,
            total=total(rows),
            mean_net_cents=mean_net(rows),
            groups=groups(rows),
            rows=tuple(rows),
            curve=tuple(curve(rows)),
            positions=open_positions(books, asked.marks, asked.wants),
            funnel=self._funnel.funnel(),
            entries=fills[Purpose.ENTRY],
            exits=fills[Purpose.EXIT],
            forecasts=self._forecasts.forecasts(self._clusters),
            expectation=None if asked.promises is None else expectation(rows, asked.promises, asked.series),
            shadow=self._shadow.figures(),
        )

    def _span(self) -> tuple[datetime, datetime]:
        """Return the span: where an end is not asked for, as far as there is anything."""
        # The exchange's clock, by which trades close, may be ahead of ours.
        last = max([self._last or _BEGINNING, *(each.trade.close_time for each in self._rows)])
        start = self._asked.start or self._first or self._asked.end or _BEGINNING
        end = self._asked.end or max(last, start) + _INSTANT
        return min(start, end), end
