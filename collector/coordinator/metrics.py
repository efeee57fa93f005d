"""What Prometheus sees of the coordinator.

What has to be read off the engine is read on its event loop and shown, because Prometheus asks on a thread of its own.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from collector.coordinator.calls import ProgressView, SeriesView, WorkerState, WorkerView
from mesh.shards import STEPS

_PREFIX = "foremesh_coordinator_"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class CoordinatorMetrics:
    """Counters of one coordinator, and its state as last shown."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.commits = Counter(
            f"{_PREFIX}commits", "Files entered into the manifest, by worker.", ["worker"], registry=registry
        )
        self.refusals = Counter(
            f"{_PREFIX}refusals", "Calls of workers that were refused, by reason.", ["reason"], registry=registry
        )
        self.saves = Histogram(
            f"{_PREFIX}save_seconds", "Time to write and sync a decision.", buckets=_SECONDS, registry=registry
        )
        self._shown = _Shown()
        registry.register(self._shown)

    def show(self, view: ProgressView) -> None:
        """Show how far collection is."""
        self._shown.metrics = (*_of_series(view.series), *_of_workers(view.workers))


class _Shown(Collector):
    """What was last shown, whole: a reader never sees half of a change."""

    metrics: tuple[Metric, ...] = ()

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def _of_series(views: Iterable[SeriesView]) -> Iterator[Metric]:
    rows = [((view.series, STEPS[view.step_seconds]), view) for view in views]

    def gauge(name: str, text: str, values: Iterable[tuple[tuple[str, str], float | None]]) -> Metric:
        return _gauge(name, text, ("series", "step"), values)

    listed = "Shards of events that the exchange lists; absent until it has been listed to the end."
    yield gauge("shards", listed, [(row, view.total) for row, view in rows])
    yield gauge("shards_committed", "Shards with a commit.", [(row, view.committed) for row, view in rows])
    yield gauge("shards_sealed", "Shards finished for good.", [(row, view.sealed) for row, view in rows])
    yield gauge("shards_open", "Shards of events that still trade.", [(row, view.open) for row, view in rows])
    yield gauge("shards_due", "Shards due now, leased ones included.", [(row, view.due) for row, view in rows])
    yield gauge("shards_leased", "Shards leased now.", [(row, view.leased) for row, view in rows])
    yield gauge("shards_holed", "Shards whose commit has holes.", [(row, view.holed) for row, view in rows])
    yield gauge("shards_price_only", "Shards without quotes.", [(row, view.price_only) for row, view in rows])
    yield gauge("holes", "Holes of all commits in force.", [(row, view.holes) for row, view in rows])
    yield gauge("rows", "Candles of all commits in force.", [(row, view.rows) for row, view in rows])
    yield gauge("bytes", "Size of all commits in force.", [(row, view.size_bytes) for row, view in rows])


def _of_workers(views: Iterable[WorkerView]) -> Iterator[Metric]:
    rows = [((view.row.worker_id,), view) for view in views]
    states = [view.state for _, view in rows]
    counts = [((state.value,), states.count(state)) for state in WorkerState]
    yield _gauge("workers", "Workers, by how they are.", ("state",), counts)

    def gauge(name: str, text: str, values: Iterable[tuple[tuple[str], float | None]]) -> Metric:
        return _gauge(name, text, ("worker",), values)

    def shares() -> Iterator[tuple[tuple[str], float]]:
        return ((row, view.share.tokens_per_second) for row, view in rows if view.share)

    used = [(row, view.usage) for row, view in rows if view.usage]
    yield gauge("leases", "Leases held.", [(row, view.leases) for row, view in rows])
    yield gauge(
        "heartbeat_age_seconds", "Time since the last heartbeat.", [(row, view.heartbeat_age) for row, view in rows]
    )
    yield gauge(
        "rows_per_second",
        "Candles received, over the last minutes.",
        [(row, view.rows_per_second) for row, view in rows],
    )
    yield gauge("budget_share_tokens_per_second", "API budget that the worker may spend.", shares())
    yield gauge(
        "budget_used_tokens_per_second", "API budget spent.", [(row, usage.tokens_per_second) for row, usage in used]
    )
    throttled = CounterMetricFamily(
        f"{_PREFIX}throttled_calls", "Calls answered 429 since the worker started.", labels=("worker",)
    )
    for row, usage in used:
        throttled.add_metric(row, usage.throttled)
    yield throttled
    yield gauge(
        "missing_copies",
        "Committed files that the worker wants and lacks.",
        [(row, view.missing_copies) for row, view in rows],
    )
    yield gauge(
        "free_disk_bytes", "Free space where the worker writes.", [(row, view.free_disk_bytes) for row, view in rows]
    )


def _gauge(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float | None]]
) -> Metric:
    """Make a gauge; what is not known is absent."""
    family = GaugeMetricFamily(_PREFIX + name, text, labels=labels)
    for label, value in values:
        if value is not None:
            family.add_metric(label, value)
    return family
