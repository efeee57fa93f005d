"""What is counted about collecting, for Prometheus."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from mesh.shards import Hole, HoleReason


class CollectorMetrics:
    """Counters of one collector."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"foremesh_collector_{name}", text, labels, registry=registry)

        self._registry = registry
        self.leases = counter("leases", "Leases that ended, by how: committed, released, refused, lost, kept.", "end")
        self.rows = counter("rows", "Candles in files that were committed.")
        self.holes = counter("holes", "Holes of files that were committed, by reason.", "reason")
        self.refusals = counter("commit_refusals", "Commits that the coordinator refused, by reason.", "reason")
        self.sent_bytes = counter("sent_bytes", "Bytes of committed files sent to other nodes.")
        self.fetched_bytes = counter("fetched_bytes", "Bytes of committed files received from other nodes.")
        self.copies = counter("copies", "Files fetched whole from other nodes and verified.")
        self.checks = counter("checks", "Committed files that were read again, by what was found.", "condition")
        for reason in HoleReason:
            self.holes.labels(reason.value)  # counted from zero

    def committed(self, rows: int, holes: Iterable[Hole]) -> None:
        """Count a file that was committed."""
        self.leases.labels("committed").inc()
        self.rows.inc(rows)
        for hole in holes:
            self.holes.labels(hole.reason.value).inc()

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a value that is read when somebody asks."""
        Gauge(f"foremesh_collector_{name}", text, registry=self._registry).set_function(value)
