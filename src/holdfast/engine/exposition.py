"""The text of /metrics: the sum over all worker slots, in the Prometheus text format."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from holdfast.engine.metrics import BUCKETS_S, Series, WorkerCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ALIVE_WITHIN_S = 15.0
"""The gauges of a worker count while its file is at most so old; an idle worker's file is renewed by `Metrics.write`."""

_BOUNDS = (*(str(each) for each in BUCKETS_S), "+Inf")

_COUNTER_HELP = {"log_lines_dropped": "Log lines lost because nobody took them."}
_GAUGE_HELP = {
    "in_flight_requests": "Requests that are being answered now.",
    "queued_writes": "Writes that wait for the writer.",
    "wal_bytes": "Size of the write-ahead log.",
}


def render_metrics(workers: Sequence[WorkerCounts], *, now_s: float) -> bytes:
    """Write the sum over the workers as Prometheus text.

    Label sets are bounded: routes are templates, unknown methods are "other", and a request that met no route has route="".
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sum(workers, now_s))
    return generate_latest(registry)


class _Sum(Collector):
    def __init__(self, workers: Sequence[WorkerCounts], now_s: float) -> None:
        self._workers = workers
        self._alive = [each for each in workers if now_s - each.at_s <= ALIVE_WITHIN_S]

    def collect(self) -> Iterable[Metric]:
        series = _sum_series(self._workers)
        yield from _request_families(series)
        yield from self._counter_families()
        yield from self._gauge_families()

    def _counter_families(self) -> Iterable[Metric]:
        for name in sorted({name for each in self._workers for name in each.counters} | set(_COUNTER_HELP)):
            total = sum(each.counters.get(name, 0) for each in self._workers)
            yield CounterMetricFamily(f"holdfast_{name}", _COUNTER_HELP.get(name, name), value=total)

    def _gauge_families(self) -> Iterable[Metric]:
        for name in sorted({name for each in self._alive for name in each.gauges}):
            total = sum(each.gauges.get(name, 0) for each in self._alive)
            yield GaugeMetricFamily(f"holdfast_{name}", _GAUGE_HELP.get(name, name), value=total)
        yield GaugeMetricFamily("holdfast_workers", "Workers that have told their counts lately.", value=len(self._alive))
        started = GaugeMetricFamily("holdfast_process_start_time_seconds", "When the worker of a slot started.", labels=["worker"])
        for each in self._alive:
            started.add_metric([str(each.slot)], each.started_s)
        yield started


def _request_families(series: Sequence[Series]) -> Iterable[Metric]:
    labels = ["method", "route", "status"]
    total = CounterMetricFamily("holdfast_requests", "Requests answered.", labels=labels)
    store = CounterMetricFamily("holdfast_store_seconds", "Seconds that requests spent in the store.", labels=["method", "route"])
    received = CounterMetricFamily("holdfast_request_bytes", "Bytes of request bodies.", labels=["method", "route"])
    sent = CounterMetricFamily("holdfast_response_bytes", "Bytes of answer bodies.", labels=["method", "route"])
    duration = HistogramMetricFamily(
        "holdfast_request_duration_seconds", "Time from the head of a request to its answer.", labels=["method", "route"]
    )
    for each in series:
        total.add_metric([each.method, each.route, str(each.status)], each.count)
    for each in _without_status(series):
        place = [each.method, each.route]
        store.add_metric(place, each.store_s)
        received.add_metric(place, each.bytes_in)
        sent.add_metric(place, each.bytes_out)
        duration.add_metric(place, list(zip(_BOUNDS, accumulate(each.buckets), strict=True)), each.elapsed_s)
    return total, duration, store, received, sent


def _sum_series(workers: Sequence[WorkerCounts]) -> list[Series]:
    summed: dict[tuple[str, str, int], Series] = {}
    for each in (one for worker in workers for one in worker.series):
        key = (each.method, each.route, each.status)
        _add(summed.setdefault(key, Series(*key)), each)
    return [summed[key] for key in sorted(summed)]


def _without_status(series: Sequence[Series]) -> list[Series]:
    summed: dict[tuple[str, str], Series] = {}
    for each in series:
        _add(summed.setdefault((each.method, each.route), Series(each.method, each.route, 0)), each)
    return list(summed.values())


def _add(total: Series, one: Series) -> None:
    total.count += one.count
    total.elapsed_s += one.elapsed_s
    total.store_s += one.store_s
    total.bytes_in += one.bytes_in
    total.bytes_out += one.bytes_out
    total.buckets = [left + right for left, right in zip(total.buckets, one.buckets, strict=True)]
