"""What is counted about trading, for Prometheus."""

import math
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mesh.types import DOLLAR
from trader.domain.entries import AnyEntry, Decided, Notified, OrderEnded, PositionClosed, ScanFinished
from trader.domain.words import BlockKind, Delivery, ExitKind, OrderState, ScanOutcome, Verdict
from trader.engine.engine import Engine
from trader.journal.codec import KINDS, kind_of

_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)


class TraderMetrics:
    """Counters and gauges of one trader. What can happen is counted from zero, so that its first time is a rise.

    Args:
        registry: Where they are found.
        engine: What they tell of.
        folder: Of the journal: the room on its disk is shown.
    """

    def __init__(self, registry: CollectorRegistry, engine: Engine, folder: Path) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"foremesh_trader_{name}", text, labels, registry=registry)

        self._registry = registry
        self._entries = counter("journal_entries", "Entries written to the journal, by kind.", "kind")
        self._scanned = counter("scanned_markets", "Markets of scans, by outcome.", "outcome")
        self._decisions = counter("decisions", "Possible entries decided on, by whether they were entered.", "entered")
        self._refusals = counter("refusals", "Refusals by rule; one decision may be refused by several.", "rule")
        self._ended = counter("orders_ended", "Orders that ended, by state.", "state")
        self._trades = counter("trades", "Closed positions, by the kind of their exit.", "exit")
        self._notices = counter("notifications", "Notifications, by what became of them.", "delivery")
        self._scan_seconds = Histogram(
            "foremesh_trader_scan_seconds", "Duration of scans.", buckets=_SECONDS, registry=registry
        )
        self._begin()
        engine.listen(self._count)
        self._watch(engine, folder)

    def _begin(self) -> None:
        for counter, words in (
            (self._entries, KINDS),
            (self._scanned, ScanOutcome),
            (self._decisions, ("true", "false")),
            (self._ended, [state for state in OrderState if state.final]),
            (self._trades, ExitKind),
            (self._notices, Delivery),
        ):
            for word in words:
                counter.labels(str(word))

    def _watch(self, engine: Engine, folder: Path) -> None:
        books, watch, clock = engine.state.books, engine.state.watch, engine.clock
        orders = books.orders

        def since(seconds: float | None) -> float:
            return float("nan") if seconds is None else clock.monotonic() - seconds

        # Prometheus asks on a thread of its own: what the engine may change meanwhile is copied in one step.
        def held() -> int:
            return sum(each.count > 0 for each in list(books.positions.values()))

        def unknown() -> int:
            return sum(orders[name].state is OrderState.UNKNOWN for name in list(books.working))

        def blocked(kind: BlockKind) -> int:
            return sum(block.kind is kind for block in list(books.blocks.values()))

        def free() -> float:
            try:
                return shutil.disk_usage(folder).free
            except OSError:
                return math.nan

        self._gauge("positions", "Positions held.", held)
        self._gauge("working_orders", "Orders that may still change a position.", lambda: len(books.working))
        self._gauge("unknown_orders", "Orders of which nobody knows whether the exchange has them.", unknown)
        blocks = Gauge(
            "foremesh_trader_blocks", "Reasons why entries are not taken, by kind.", ["kind"], registry=self._registry
        )
        for kind in BlockKind:
            blocks.labels(kind.value).set_function(partial(blocked, kind))
        self._gauge("journal_sequence", "Last entry of the journal.", lambda: books.sequence)
        self._gauge("net_dollars", "Realised net result of the journal.", lambda: books.total.net / DOLLAR)
        self._gauge("exit_loop_age_seconds", "Since all positions were looked at.", lambda: since(engine.exits.passed))
        self._gauge("comparison_age_seconds", "Since the account was compared.", lambda: since(watch.compared))
        self._gauge("free_disk_bytes", "Free space where the journal is.", free)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(f"foremesh_trader_{name}", text, registry=self._registry).set_function(value)

    def _count(self, written: tuple[AnyEntry, ...]) -> None:
        for entry in written:
            self._entries.labels(kind_of(entry)).inc()
            match entry:
                case Decided():
                    self._decisions.labels(str(entry.entered).lower()).inc()
                    for finding in entry.findings:
                        if finding.verdict is Verdict.REFUSED:
                            self._refusals.labels(finding.rule).inc()
                case ScanFinished():
                    self._scan_seconds.observe(entry.seconds)
                    for outcome, count in entry.counts.items():
                        self._scanned.labels(outcome.value).inc(count)
                case OrderEnded():
                    self._ended.labels(entry.state.value).inc()
                case PositionClosed():
                    self._trades.labels(entry.trade.exit_kind.value).inc()
                case Notified():
                    self._notices.labels(entry.delivery.value).inc()
                case _:
                    pass
