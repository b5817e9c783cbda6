"""What Prometheus reads: requests as they pass, and the state of jobs, queues and workers when it asks."""

from collections.abc import Iterable
from dataclasses import dataclass

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
Values = dict[tuple[str, ...], float]
CONTENT_TYPE = "text/plain; version=0.0.4"


class Requests:
    """Counts and latencies by route. One registry an app: nothing is global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route")
        text = "Replies given."
        self._count = Counter("stillhouse_requests", text, (*labels, "status"), registry=self.registry)
        text = "From the request's first byte to the reply's last."
        self._seconds = Histogram("stillhouse_request_seconds", text, labels, registry=self.registry, buckets=BUCKETS)

    def seen(self, method: str, route: str, status: int, seconds: float) -> None:
        self._count.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def exposition(self) -> bytes:
        return generate_latest(self.registry)


@dataclass(frozen=True)
class Gauge:
    """A measure made for one answer: `values` by the values of `labels`."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: Values


def exposition(gauges: Iterable[Gauge]) -> bytes:
    """The text of gauges."""
    registry = CollectorRegistry()
    for gauge in gauges:
        shown = prometheus.Gauge(gauge.name, gauge.help, gauge.labels, registry=registry)
        for key, value in gauge.values.items():
            (shown.labels(*key) if gauge.labels else shown).set(value)
    return generate_latest(registry)
