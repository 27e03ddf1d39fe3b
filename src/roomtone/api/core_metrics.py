"""The native core's counters under the metrics' names. A counter that has no name here is shown as `roomtone_core_…`, so that none is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

__all__ = ["core_metrics"]

_RTP = {
    "rtp_in": ("in", "taken"),
    "rtp_in_dropped": ("in", "dropped"),
    "rtp_in_stranger": ("in", "stranger"),
    "rtp_in_unproven": ("in", "unproven"),
    "rtp_out": ("out", "sent"),
    "rtp_out_failed": ("out", "failed"),
}
_NOW = frozenset({"legs", "buses", "realtime"})
_REJECTED = "sip_rejected_"
_RESPONSE = "sip_response_"
_LATENESS = "lateness_"


def core_metrics(statistics: Mapping[str, int | float | Sequence[int]]) -> Iterator[Metric]:
    """`statistics`: `Core.stats`, where `sip_rejected_REASON` and `sip_response_METHOD_CODE` are counters by name."""
    packets = CounterMetricFamily("roomtone_rtp_packets", "RTP packets", labels=("direction", "outcome"))
    rejected = CounterMetricFamily("roomtone_sip_rejected", "SIP that was dropped or refused", labels=("reason",))
    responses = CounterMetricFamily("roomtone_sip_responses", "SIP requests answered", labels=("method", "code"))
    others: list[Metric] = []
    for name, value in statistics.items():
        if name.startswith(_LATENESS) or not isinstance(value, int | float):
            continue
        if name in _RTP:
            packets.add_metric(_RTP[name], value)
        elif name.startswith(_REJECTED):
            rejected.add_metric((name.removeprefix(_REJECTED),), value)
        elif name.startswith(_RESPONSE):
            method, _, code = name.removeprefix(_RESPONSE).rpartition("_")
            responses.add_metric((method, code), value)
        elif name in _NOW:
            others.append(GaugeMetricFamily(f"roomtone_core_{name}", f"{name} of the media core now", value=value))
        else:
            others.append(CounterMetricFamily(f"roomtone_core_{name}", f"{name} of the media core", value=value))
    yield packets
    yield rejected
    yield responses
    yield _lateness(statistics)
    yield from others


def _lateness(statistics: Mapping[str, int | float | Sequence[int]]) -> Metric:
    bounds_us = _numbers(statistics.get("lateness_bounds_us"))
    counts = _numbers(statistics.get("lateness_counts"))
    sum_us = statistics.get("lateness_sum_us", 0)
    metric = HistogramMetricFamily("roomtone_tick_lateness_seconds", "How long after its time a tick began")
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound_us, count in zip([*bounds_us, None], counts or [0], strict=False):
        total += count
        buckets.append(("+Inf" if bound_us is None else repr(bound_us / 1e6), total))
    if buckets[-1][0] != "+Inf":
        buckets.append(("+Inf", total))
    metric.add_metric((), buckets, sum_value=sum_us / 1e6 if isinstance(sum_us, int | float) else 0.0)
    return metric


def _numbers(value: object) -> Sequence[int]:
    return [int(entry) for entry in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
