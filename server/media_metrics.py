"""The media workers' counters for Prometheus, asked for when Prometheus asks us."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.control import ChildLink, ControlServer
from sfu.control import ControlError

# A worker that is slower than this is reported by its absence.
ANSWER_WITHIN_S = 1.0

_COUNTERS = {
    "received": ("diemcau_sfu_packets_received", "Datagrams read from the media port"),
    "sent": ("diemcau_sfu_packets_sent", "Datagrams sent to subscribers"),
    "cpu_s": ("diemcau_sfu_cpu_seconds", "Processor time of the worker"),
}
_GAUGES = {
    "meetings": ("diemcau_sfu_meetings", "Meetings that the worker carries"),
    "peers": ("diemcau_sfu_peers", "Media connections"),
}


class MediaMetrics(Collector):
    """The last answer of each worker."""

    def __init__(self, control: ControlServer) -> None:
        self._control = control
        self._answers: Mapping[str, dict[str, Any]] = {}

    async def refresh(self) -> None:
        """Ask every worker, all at once."""
        workers = self._control.of_kind("sfu")
        answers = await asyncio.gather(*(_ask(worker) for worker in workers))
        self._answers = {
            worker.name: answer for worker, answer in zip(workers, answers, strict=True) if answer is not None
        }

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        for key, (name, text) in _COUNTERS.items():
            counter = CounterMetricFamily(name, text, labels=["worker"])
            for worker, answer in self._answers.items():
                counter.add_metric([worker], answer[key])
            yield counter
        for key, (name, text) in _GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=["worker"])
            for worker, answer in self._answers.items():
                gauge.add_metric([worker], answer[key])
            yield gauge
        yield self._drops()

    def _drops(self) -> Metric:
        drops = CounterMetricFamily(
            "diemcau_sfu_packets_dropped",
            "Packets dropped, by the reason's name",
            labels=["worker", "reason"],
        )
        for worker, answer in self._answers.items():
            for reason, count in answer["drops"].items():
                drops.add_metric([worker, reason], count)
        return drops


async def _ask(worker: ChildLink) -> dict[str, Any] | None:
    try:
        return await worker.request("stats", timeout_s=ANSWER_WITHIN_S)
    except (ControlError, TimeoutError):
        return None
