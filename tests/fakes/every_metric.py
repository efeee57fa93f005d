"""Every metric that the daemons show, as their own classes register them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from collector.coordinator.calls import ProgressView
from collector.coordinator.metrics import CoordinatorMetrics
from collector.metrics import CollectorMetrics
from forecast_server.metrics import ForecastMetrics
from mesh.rpc.metrics import RpcMetrics
from tests.unit.trader.engine.rig import Rig
from trader.metrics import TraderMetrics

PARTS = ("_bucket", "_count", "_sum")
"""What the samples of a histogram end with."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One metric, by the name that its samples have; that of a histogram without `PARTS`."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def every_metric() -> dict[str, Shown]:
    """Return what the daemons show of themselves, by name; `process_` is not theirs."""
    registry = CollectorRegistry()
    RpcMetrics(registry)
    ForecastMetrics(registry)
    CoordinatorMetrics(registry).show(ProgressView((), (), (), None, None, 0))
    CollectorMetrics(registry)
    TraderMetrics(registry, Rig().engine(), Path())
    return {shown.name: shown for shown in _shown(registry)}


def _shown(registry: CollectorRegistry) -> Iterator[Shown]:
    for collector in set(registry._collector_to_names):  # the library tells labels only of those that have values
        for family in getattr(collector, "describe", collector.collect)():
            labels: tuple[str, ...] = getattr(collector, "_labelnames", ()) or getattr(family, "_labelnames", ())
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield Shown(name, family.type, tuple(labels), family.documentation)
