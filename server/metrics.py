"""Counters for Prometheus. One registry per application, so that two in one process (tests) do not meet."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class HttpMetrics:
    """What the HTTP side counts. Others register their own on `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "diemcau_http_requests_total",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "diemcau_http_request_seconds",
            "Time to answer",
            ["route"],
            registry=self.registry,
            buckets=(0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10),
        )
        self.running = Gauge(
            "diemcau_http_requests_running", "Requests being answered", registry=self.registry
        )

        self.refreshers: list[Callable[[], Awaitable[None]]] = []
        """Called before each exposition: what others count is asked for then."""

    async def exposition(self) -> bytes:
        """Return all of the registry in Prometheus' text format."""
        await asyncio.gather(*(refresh() for refresh in self.refreshers))
        return generate_latest(self.registry)
