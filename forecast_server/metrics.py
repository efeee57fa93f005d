"""What is counted about forecasts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from forecast_server.types import ExpiredReason

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SERIES = tuple(float(2**power) for power in range(12))


class ForecastMetrics:
    """Counters of one engine."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"foremesh_forecast_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"foremesh_forecast_{name}", text, labels, buckets=buckets, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"foremesh_forecast_{name}", text, registry=registry)

        self.inputs = counter("inputs", "Inputs of calls that ended.")
        self.results = counter("results", "What became of them; unanswered where the caller did not wait.", "outcome")
        self.expired = counter("expired", "Inputs not computed, by why nobody would have used the answer.", "reason")
        self.late = counter("late", "Inputs that were computed and answered only after they were useful.")
        for reason in ExpiredReason:
            self.expired.labels(reason.value)  # counted from zero
        self.refused = counter("refused", "Calls refused by the engine, by reason.", "reason")
        for busy in ("QUEUE_FULL", "DEADLINE_UNREACHABLE"):  # what an alert asks for
            self.refused.labels(busy)
        self.cache_hits = counter("cache_hits", "Inputs answered from the cache.")
        self.cache_misses = counter("cache_misses", "Inputs looked for in the cache in vain.")
        self.busy_seconds = counter("model_busy_seconds", "Time in which the model computed.")
        self.padding = counter("padding_series", "Work of the model that was padding, in series.")
        self.shortages = counter("out_of_memory", "Batches that did not fit into memory and were halved.")
        self.batch_series = histogram("batch_series", "Series per batch.", _SERIES)
        self.batch_cost = histogram("batch_cost", "Cost per batch.", tuple(16 * size for size in _SERIES))
        self.batch_seconds = histogram("batch_seconds", "Duration of batches, by cost.", _SECONDS, "up_to_cost")
        self.first_answer = histogram("first_answer_seconds", "From a call to its first answer.", _SECONDS)
        self.scan_seconds = histogram("scan_seconds", "Duration of calls with histories.", _SECONDS)
        self.canary_difference = gauge(
            "canary_difference_ratio", "Last difference of the canary, as a share of its standard deviation."
        )
        self.canary_drifts = counter("canary_drifts", "Looks at the canary that were beyond the tolerance.")
        self.waiting_series = gauge("waiting_series", "Histories waiting.")
        self.waiting_cost = gauge("waiting_cost", "Cost of what waits.")
        self.running_series = gauge("running_series", "Histories being computed.")
        self.active_scans = gauge("active_scans", "Calls with histories in progress.")
        self.busy_ratio = gauge("busy_ratio", "Share of the last minute in which the model computed.")
