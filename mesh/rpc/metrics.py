"""What is counted about every call, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class RpcMetrics:
    """Counters of one server. Methods are labelled by name; a method nobody serves is `unknown`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter("foremesh_rpc_calls", "Calls ended.", ["method", "code"], registry=registry)
        self.seconds = Histogram(
            "foremesh_rpc_seconds", "Duration of calls.", ["method"], buckets=_BUCKETS, registry=registry
        )
        self.in_flight = Gauge("foremesh_rpc_in_flight", "Calls in progress.", ["method"], registry=registry)
        self.messages = Counter("foremesh_rpc_messages", "Messages.", ["method", "direction"], registry=registry)
        self.bytes = Counter("foremesh_rpc_bytes", "Bytes of messages.", ["method", "direction"], registry=registry)
        self.refusals = Counter("foremesh_rpc_refusals", "Calls refused, by reason.", ["reason"], registry=registry)
        self.serving = Gauge(
            "foremesh_rpc_serving", "1 where health says SERVING, else 0.", ["service"], registry=registry
        )


@contextmanager
def exposed(registry: CollectorRegistry, address: str) -> Iterator[int | None]:
    """Serve the registry over HTTP while the context lasts; yields the port, or None where it is `off`."""
    if address == "off":
        yield None
        return
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), addr=host.strip("[]"), registry=registry)
    except OSError as error:
        raise OSError(error.errno, f"metrics_listen {address}: {error.strerror}") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
