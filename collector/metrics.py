"""What is counted about collecting, for Prometheus."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from collector.recording.recorder import RecordingStats
from collector.types import Condition
from mesh.shards import Hole, HoleReason

_PREFIX = "foremesh_collector_"
_ENDS = ("committed", "released", "refused", "lost", "kept")


class CollectorMetrics:
    """Counters of one collector. What the values of a label are is counted from zero, where they are known before."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"{_PREFIX}{name}", text, labels, registry=registry)

        self.leases = counter("leases", f"Leases that ended, by how: {', '.join(_ENDS)}.", "end")
        self.rows = counter("rows", "Candles in files that were committed.")
        self.holes = counter("holes", "Holes of files that were committed, by reason.", "reason")
        self.refusals = counter("commit_refusals", "Commits that the coordinator refused, by reason.", "reason")
        self.sent_bytes = counter("sent_bytes", "Bytes of committed files sent to other nodes.")
        self.fetched_bytes = counter("fetched_bytes", "Bytes of committed files received from other nodes.")
        self.copies = counter("copies", "Files fetched whole from other nodes and verified.")
        self.checks = counter("checks", "Committed files that were read again, by what was found.", "condition")
        self.leases_held = Gauge(f"{_PREFIX}leases_held", "Leases in hand.", registry=registry)
        self.missing_copies = Gauge(
            f"{_PREFIX}missing_copies", "Committed files wanted here and lacking.", registry=registry
        )
        self.recording = _Recording()
        registry.register(self.recording)
        for end in _ENDS:
            self.leases.labels(end)
        for reason in HoleReason:
            self.holes.labels(reason.value)
        for condition in Condition:
            self.checks.labels(condition.value)

    def committed(self, rows: int, holes: Iterable[Hole]) -> None:
        """Count a file that was committed."""
        self.leases.labels("committed").inc()
        self.rows.inc(rows)
        for hole in holes:
            self.holes.labels(hole.reason.value).inc()


class _Recording(Collector):
    """What the recorder counts; zeros where nothing is recorded."""

    def __init__(self) -> None:
        self.stats = RecordingStats()

    def collect(self) -> Iterable[Metric]:
        stats = self.stats
        yield GaugeMetricFamily(f"{_PREFIX}recorded_markets", "Markets whose books are recorded.", stats.markets)
        yield CounterMetricFamily(f"{_PREFIX}recorded_rows", "Rows of books and tickers on disk.", stats.written)
        yield GaugeMetricFamily(f"{_PREFIX}recorded_rows_waiting", "Rows that wait for the disk.", stats.waiting)
        yield CounterMetricFamily(
            f"{_PREFIX}recorded_rows_lost", "Rows given up because the disk refused them for too long.", stats.lost
        )
