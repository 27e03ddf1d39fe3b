"""The metrics, read when they are asked for. No room, number or call is in a label."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from roomtone.api.core_metrics import core_metrics
from roomtone.api.sources import CoreStatistics, LiveCalls, Rooms

__all__ = ["Metrics"]

REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)


class Metrics(Collector):
    """`request(kind, outcome, seconds)` is called for each webhook; everything else is looked up at the scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._rooms: Rooms | None = None
        self._calls: LiveCalls | None = None
        self._core: CoreStatistics = dict
        self._data: Path | None = None
        self._requests = Histogram(
            "roomtone_request_seconds",
            "Time of document requests, callbacks and media, until the answer was there or failed",
            ("kind", "outcome"),
            buckets=REQUEST_BUCKETS_S,
            registry=self.registry,
        )
        self.registry.register(self)

    def watch(self, rooms: Rooms, calls: LiveCalls, core: CoreStatistics, data: Path | None) -> None:
        """Where to look."""
        self._rooms, self._calls, self._core, self._data = rooms, calls, core, data

    def request(self, kind: str, outcome: str, seconds: float) -> None:
        """A webhook is over."""
        self._requests.labels(kind, outcome).observe(seconds)

    def collect(self) -> Iterable[Metric]:
        """Everything but `roomtone_request_seconds`, as it is at this scrape; nothing before `watch`."""
        if self._rooms is None or self._calls is None:
            return
        calls = GaugeMetricFamily("roomtone_calls_active", "Calls that have not ended", labels=("dialect",))
        for dialect, count in Counter({"twilio": 0} | Counter(call.dialect_name for call in self._calls)).items():
            calls.add_metric((dialect,), count)
        yield calls
        yield GaugeMetricFamily("roomtone_rooms_active", "Live rooms", value=self._rooms.rooms_active)
        yield GaugeMetricFamily("roomtone_participants_active", "Calls in rooms", value=self._rooms.participants_active)
        yield GaugeMetricFamily("roomtone_callbacks_pending", "Callbacks not yet acknowledged", value=0)
        yield GaugeMetricFamily("roomtone_callbacks_oldest_seconds", "Age of the oldest of them", value=0)
        yield from core_metrics(self._core())
        free = shutil.disk_usage(self._data or Path.cwd()).free
        yield GaugeMetricFamily("roomtone_disk_free_bytes", "Free space where data is kept", value=free)
