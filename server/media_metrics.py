"""The media workers' counters for Prometheus, asked for when Prometheus asks us."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from server.control import ChildLink, ControlServer
from server.media_quality import MediaQuality
from sfu.control import ControlError

# A worker that is slower than this is reported by its absence.
ANSWER_WITHIN_S = 1.0

_COUNTERS = {
    "received": ("diemcau_sfu_packets_received", "Datagrams read from the media port"),
    "sent": ("diemcau_sfu_packets_sent", "Datagrams sent to subscribers"),
    "cpu_s": ("diemcau_sfu_cpu_seconds", "Processor time of the worker"),
    "retransmitted": (
        "diemcau_sfu_packets_retransmitted",
        "Packets sent again because a subscriber missed them",
    ),
    "nack_requests": ("diemcau_sfu_nack_requests", "Packets that were asked for again"),
    "keyframe_requests": ("diemcau_sfu_keyframe_requests", "Keyframes that publishers were asked for"),
}
_GAUGES = {
    "meetings": ("diemcau_sfu_meetings", "Meetings that the worker carries"),
    "peers": ("diemcau_sfu_peers", "Media connections"),
    "tracks": ("diemcau_sfu_tracks", "Tracks that are published"),
    "rss_kb": ("diemcau_sfu_resident_kilobytes", "Memory of the worker"),
}
# From an audio line to a full picture wall, in steps that a person tells apart.
_ESTIMATE_BOUNDS_BPS = (100e3, 300e3, 600e3, 1e6, 2e6, 4e6, 8e6, 16e6)


class MediaMetrics(Collector):
    """The last answer of each worker."""

    def __init__(self, control: ControlServer, quality: MediaQuality) -> None:
        self._control = control
        self._quality = quality
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
            for worker, value in self._told(key):
                counter.add_metric([worker], value)
            yield counter
        for key, (name, text) in _GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=["worker"])
            for worker, value in self._told(key):
                gauge.add_metric([worker], value)
            yield gauge
        yield self._drops()
        yield self._estimates()
        yield self._lag()
        yield self._links()

    def _told(self, key: str) -> Iterator[tuple[str, Any]]:
        """What each worker answered under this name, if it did."""
        return ((worker, answer[key]) for worker, answer in self._answers.items() if key in answer)

    def _drops(self) -> Metric:
        drops = CounterMetricFamily(
            "diemcau_sfu_packets_dropped",
            "Packets dropped, by the reason's name",
            labels=["worker", "reason"],
        )
        for worker, counts in self._told("drops"):
            for reason, count in counts.items():
                drops.add_metric([worker, reason], count)
        return drops

    def _estimates(self) -> Metric:
        """`estimate_bps` is one number for each receiving connection."""
        estimates = GaugeHistogramMetricFamily(
            "diemcau_sfu_estimate_bps", "Estimated bandwidth of the receiving connections", labels=["worker"]
        )
        for worker, values in self._told("estimate_bps"):
            bounds = (*_ESTIMATE_BOUNDS_BPS, math.inf)
            buckets = [(_bound_label(bound), _at_most(bound, values)) for bound in bounds]
            estimates.add_metric([worker], buckets, sum(values))
        return estimates

    def _lag(self) -> Metric:
        """`loop_lag_s` has the names `p99` and `max`, of the time since it was asked for last."""
        lag = GaugeMetricFamily(
            "diemcau_sfu_loop_lag_seconds", "How late the worker's loop ran", labels=["worker", "statistic"]
        )
        for worker, statistics in self._told("loop_lag_s"):
            for statistic, value in statistics.items():
                lag.add_metric([worker, statistic], value)
        return lag

    def _links(self) -> Metric:
        links = GaugeMetricFamily(
            "diemcau_sfu_links",
            "Participants by the quality of their line, in the words of sfu.quality",
            labels=["worker", "level"],
        )
        for (worker, word), count in self._quality.levels().items():
            links.add_metric([worker, word], count)
        return links


def _bound_label(bound: float) -> str:
    return "+Inf" if bound == math.inf else f"{bound:.0f}"


def _at_most(bound: float, values: list[float]) -> float:
    return sum(value <= bound for value in values)


async def _ask(worker: ChildLink) -> dict[str, Any] | None:
    try:
        return await worker.request("stats", timeout_s=ANSWER_WITHIN_S)
    except (ControlError, TimeoutError):
        return None
