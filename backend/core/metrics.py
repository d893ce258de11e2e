"""Prometheus metrics at `/metrics`: requests and their duration, cache hits, the queue of computed forecasts, the
endpoint.
"""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]


class Metrics:
    """One set of metrics per app, so that two apps in one process are not added up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total",
            "Requests by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds", "Seconds to the end of the answer.", ["method", "route"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        reads = Counter("cache_requests_total", "Reads of the cache.", ["kind", "result"], registry=self.registry)
        self._reads = lru_cache(maxsize=None)(reads.labels)  # looking up a label takes longer than counting
        self._of = lru_cache(maxsize=None)(
            lambda method, route, status: (
                self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            )
        )  # fmt: skip
        self.generated = Counter(
            "generate_requests_total", "Requests for forecasts by how they ended.", ["outcome"], registry=self.registry
        )
        self.waiting = Gauge("generate_queue_waiting", "Requests that wait for a worker.", registry=self.registry)
        self.running = Gauge("generate_queue_running", "Requests that a worker computes.", registry=self.registry)

        self.endpoint = Counter(
            "copilot_endpoint_requests_total", "Questions for the copilot's endpoint by how they ended.", ["outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.endpoint_open = Gauge(
            "copilot_endpoint_open", "1 while the copilot's endpoint fails and is left alone.", registry=self.registry
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        count, duration = self._of(method, route, status)
        count.inc()
        duration.observe(seconds)

    def read(self, kind: str, result: str) -> None:
        """Counts one read of the cache: a `hit` or a `miss`."""
        self._reads(kind, result).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)
