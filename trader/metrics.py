"""What is counted about trading, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from mesh.types import DOLLAR
from trader.domain.entries import AnyEntry, Decided, Notified, OrderEnded, PositionClosed, ScanFinished
from trader.domain.words import OrderState, Verdict
from trader.engine.engine import Engine
from trader.journal.codec import kind_of


class TraderMetrics:
    """Counters and gauges of one trader."""

    def __init__(self, registry: CollectorRegistry, engine: Engine) -> None:
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
        engine.listen(self._count)
        self._watch(engine)

    def _watch(self, engine: Engine) -> None:
        books, watch, clock = engine.state.books, engine.state.watch, engine.clock
        orders = books.orders

        def since(seconds: float | None) -> float:
            return float("nan") if seconds is None else clock.monotonic() - seconds

        def unknown() -> int:
            return sum(orders[name].state is OrderState.UNKNOWN for name in books.working)

        self._gauge("positions", "Positions held.", lambda: sum(each.count > 0 for each in books.positions.values()))
        self._gauge("working_orders", "Orders that may still change a position.", lambda: len(books.working))
        self._gauge("unknown_orders", "Orders of which nobody knows whether the exchange has them.", unknown)
        self._gauge("blocks", "Reasons why entries are not taken.", lambda: len(books.blocks))
        self._gauge("journal_sequence", "Last entry of the journal.", lambda: books.sequence)
        self._gauge("net_dollars", "Realised net result of the journal.", lambda: books.total.net / DOLLAR)
        self._gauge("exit_loop_age_seconds", "Since all positions were looked at.", lambda: since(engine.exits.passed))
        self._gauge("comparison_age_seconds", "Since the account was compared.", lambda: since(watch.compared))

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
