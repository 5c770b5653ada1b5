"""Metrics: each worker counts, the slots' files outlive it, the text is the sum of all."""

from pathlib import Path

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from holdfast.base.observe import Observation
from holdfast.engine.exposition import render_metrics
from holdfast.engine.metrics import BUCKETS_S, Metrics, read_all_counts, read_counts, take_slot

SEEN = Observation("r", 0, "GET", "/api/v1/books", "/api/v1/books", 200, None, 0.003, 0.001, 10, 20, "127.0.0.1")
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now_s


def _samples(folder: Path, now_s: float = 1_000.0) -> Samples:
    text = render_metrics(read_all_counts(folder), now_s=now_s).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _requests(samples: Samples, **labels: str) -> float:
    return samples["holdfast_requests_total", tuple(sorted(labels.items()))]


def test_the_text_is_the_sum_over_all_slots(tmp_path: Path) -> None:
    """Counters, histograms and gauges of two workers add up."""
    for slot, count in ((0, 3), (1, 4)):
        metrics = Metrics(
            folder=tmp_path, slot=slot, now_s=Time(), gauges={"in_flight_requests": lambda: 2}, counters={"log_lines_dropped": lambda: 1}
        )
        metrics.take([SEEN] * count)
        metrics.close()

    samples = _samples(tmp_path)

    place = (("method", "GET"), ("route", "/api/v1/books"))
    assert _requests(samples, method="GET", route="/api/v1/books", status="200") == 7
    assert samples["holdfast_request_duration_seconds_count", place] == 7
    assert round(samples["holdfast_request_duration_seconds_sum", place], 6) == 0.021
    assert round(samples["holdfast_store_seconds_total", place], 6) == 0.007
    assert (samples["holdfast_request_bytes_total", place], samples["holdfast_response_bytes_total", place]) == (70, 140)
    assert (samples["holdfast_in_flight_requests", ()], samples["holdfast_log_lines_dropped_total", ()]) == (4, 2)
    assert samples["holdfast_workers", ()] == 2


def test_the_histogram_is_cumulative(tmp_path: Path) -> None:
    """A bucket counts every request at or below its bound, and the last one all of them."""
    metrics = Metrics(folder=tmp_path, slot=0, now_s=Time())
    metrics.take([replace(SEEN, elapsed_s=elapsed_s) for elapsed_s in (0.0005, 0.2, 0.2001, 60.0)])
    metrics.write()

    samples = _samples(tmp_path)
    found = {dict(labels)["le"]: value for (name, labels), value in samples.items() if name == "holdfast_request_duration_seconds_bucket"}

    assert {bound: found[bound] for bound in ("0.001", "0.2", "0.3", "10.0", "+Inf")} == {
        "0.001": 1,
        "0.2": 2,
        "0.3": 3,
        "10.0": 3,
        "+Inf": 4,
    }
    assert len(BUCKETS_S) + 1 == len(found)


def test_a_new_worker_goes_on(tmp_path: Path) -> None:
    """Counters of a slot never fall over a restart, those that a process counts itself included."""
    for _ in range(2):
        metrics = Metrics(folder=tmp_path, slot=0, now_s=Time(), counters={"log_lines_dropped": lambda: 5})
        metrics.take([SEEN])
        metrics.close()

    samples = _samples(tmp_path)

    assert _requests(samples, method="GET", route="/api/v1/books", status="200") == 2
    assert samples["holdfast_log_lines_dropped_total", ()] == 10


def test_a_dead_workers_gauges_do_not_count(tmp_path: Path) -> None:
    """What a worker counted stays; what it held when it died does not."""
    metrics = Metrics(folder=tmp_path, slot=0, now_s=Time(), gauges={"in_flight_requests": lambda: 9})
    metrics.take([SEEN])
    metrics.write()

    samples = _samples(tmp_path, now_s=1_100.0)

    assert _requests(samples, method="GET", route="/api/v1/books", status="200") == 1
    assert samples["holdfast_workers", ()] == 0
    assert ("holdfast_in_flight_requests", ()) not in samples


def test_labels_are_bounded(tmp_path: Path) -> None:
    """Made-up methods are one label, and so are routes that do not exist."""
    metrics = Metrics(folder=tmp_path, slot=0, now_s=Time())
    metrics.take([replace(SEEN, method=f"M{number}", route="", status=404) for number in range(50)])
    metrics.write()

    assert _requests(_samples(tmp_path), method="other", route="", status="404") == 50


def test_the_file_is_written_at_most_once_a_second(tmp_path: Path) -> None:
    """A beat writes what is new after a second, and renews an idle worker's file after five."""
    time = Time()
    metrics = Metrics(folder=tmp_path, slot=0, now_s=time)
    path = tmp_path / "metrics" / "worker-0.json"
    written = []

    def beat_after(seconds: float) -> None:
        time.now_s += seconds
        metrics.beat()
        counts = read_counts(path)
        written.append(None if counts is None else counts.at_s)

    beat_after(0)
    metrics.take([SEEN])
    beat_after(0.5)
    beat_after(0.5)
    beat_after(2.0)
    beat_after(3.0)
    time.now_s = 10.0
    beat_after(0)

    assert written == [1_000.0, 1_000.0, 1_001.0, 1_001.0, 1_006.0, 10.0]


def test_strange_files_are_passed_by(tmp_path: Path) -> None:
    """A file that is not ours, or counts in other buckets, is neither read nor in the way."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "worker-0.json").write_text("{")
    (folder / "worker-1.json").write_text(
        '{"slot":1,"pid":1,"started_s":0,"at_s":0,"series":[{"method":"GET","route":"","status":200,"buckets":[1]}]}'
    )

    assert read_all_counts(tmp_path) == ()
    Metrics(folder=tmp_path, slot=0, now_s=Time()).write()
    assert [each.slot for each in read_all_counts(tmp_path)] == [0]


def test_a_disk_that_refuses_stops_nobody(tmp_path: Path) -> None:
    """Where the file cannot be written the worker counts on in memory."""
    (tmp_path / "metrics").write_text("in the way")
    metrics = Metrics(folder=tmp_path, slot=0, now_s=Time())
    metrics.take([SEEN])
    metrics.write()

    assert [each.count for each in metrics.counts().series] == [1]


def test_without_a_folder_counts_stay_in_memory() -> None:
    """Without a data folder the counts of the one worker are rendered from memory."""
    metrics = Metrics(folder=None, slot=0, now_s=Time())
    metrics.take([SEEN])
    metrics.close()

    assert b'holdfast_requests_total{method="GET",route="/api/v1/books",status="200"} 1.0' in render_metrics(
        [metrics.counts()], now_s=1_000.0
    )


def test_two_workers_never_share_a_slot(tmp_path: Path) -> None:
    """Who finds a number held takes the next one that is free; a number is free again when its block ends."""
    with take_slot(tmp_path, 0) as first, take_slot(tmp_path, 0) as second:
        assert (first, second) == (0, 1)
    with take_slot(tmp_path, 0) as again:
        assert again == 0
