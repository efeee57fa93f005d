"""What Prometheus sees of a collector."""

import pytest
from prometheus_client import CollectorRegistry

from collector.metrics import CollectorMetrics
from collector.recording.recorder import RecordingStats


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recorded_markets", 2),
        ("recorded_rows_total", 5),
        ("recorded_rows_waiting", 1),
        ("recorded_rows_lost_total", 3),
    ],
)
def test_what_is_recorded_is_shown_and_zero_where_nothing_is(name: str, value: int) -> None:
    registry = CollectorRegistry()
    metrics = CollectorMetrics(registry)
    assert registry.get_sample_value(f"foremesh_collector_{name}") == 0
    metrics.recording.stats = stats = RecordingStats(markets=1)
    stats.markets, stats.written, stats.waiting, stats.lost = 2, 5, 1, 3
    assert registry.get_sample_value(f"foremesh_collector_{name}") == value


def test_leases_that_end_badly_are_counted_from_zero() -> None:
    registry = CollectorRegistry()
    CollectorMetrics(registry)
    assert registry.get_sample_value("foremesh_collector_leases_total", {"end": "lost"}) == 0
