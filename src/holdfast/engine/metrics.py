"""Metrics: what every worker counts, kept in one small file per worker slot, so that any worker can tell the sum of all.

`<data>/metrics/worker-<slot>.json` is replaced whole, at most once a second; a new worker in the slot goes on from it, so counters
never fall over a restart. `engine.exposition` reads the files.
"""

import contextlib
import fcntl
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from holdfast.base.observe import Observation

FOLDER = "metrics"
WRITE_EVERY_S = 1.0
RENEW_EVERY_S = 5.0
"""An idle worker renews its file so often, so that its gauges are known to be alive."""

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration buckets: dense around the target, p95 below 200 ms, and up to the request deadline of 10 s."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})


class Series(msgspec.Struct):
    """What is counted for one (method, route, status). `buckets` are not cumulative; the last one is +Inf."""

    method: str
    route: str
    status: int
    count: int = 0
    elapsed_s: float = 0.0
    store_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))


class WorkerCounts(msgspec.Struct):
    """The file of one slot. Gauges hold for the process `pid` alone, as of `at_s` (seconds since 1970)."""

    slot: int
    pid: int
    started_s: float
    at_s: float
    series: list[Series] = []
    counters: dict[str, float] = {}
    gauges: dict[str, float] = {}


class Metrics:
    """Counts the requests of one worker, as a listener of the Observer.

    folder    <data>; None: nothing is kept on disk
    gauges    name -> how to read it now ("in_flight_requests", "queued_writes")
    counters  name -> how to read what this process has counted itself ("log_lines_dropped"); earlier processes' counts are added
    now_s     seconds since 1970
    """

    def __init__(
        self,
        *,
        folder: Path | None,
        slot: int,
        now_s: Callable[[], float],
        gauges: Mapping[str, Callable[[], float]] | None = None,
        counters: Mapping[str, Callable[[], float]] | None = None,
    ) -> None:
        self._path = None if folder is None else folder / FOLDER / f"worker-{slot}.json"
        self._slot, self._now_s, self._started_s = slot, now_s, now_s()
        self._gauges, self._counters = gauges or {}, counters or {}
        before = None if self._path is None else read_counts(self._path)
        self._series = {(each.method, each.route, each.status): each for each in before.series} if before else {}
        self._before = before.counters if before else {}
        self._written_s = 0.0
        self._changed = True

    def take(self, batch: Sequence[Observation]) -> None:
        """Count a batch."""
        self._changed = True
        series = self._series
        for seen in batch:
            one = series.get((seen.method, seen.route, seen.status))
            if one is None:
                one = self._begin(seen)
            elapsed_s = seen.elapsed_s
            one.count += 1
            one.elapsed_s += elapsed_s
            one.store_s += seen.store_s
            one.bytes_in += seen.bytes_in
            one.bytes_out += seen.bytes_out
            one.buckets[bisect_left(BUCKETS_S, elapsed_s)] += 1

    def beat(self) -> None:
        """Replace the file if there is something new, or it is about to look dead."""
        age_s = self._now_s() - self._written_s
        if age_s >= RENEW_EVERY_S or (self._changed and age_s >= WRITE_EVERY_S) or age_s < 0:
            self.write()

    def counts(self) -> WorkerCounts:
        """Everything counted so far in this slot, and the gauges as they stand."""
        return WorkerCounts(
            self._slot,
            os.getpid(),
            self._started_s,
            self._now_s(),
            list(self._series.values()),
            {name: self._before.get(name, 0) + read() for name, read in self._counters.items()},
            {name: read() for name, read in self._gauges.items()},
        )

    def write(self) -> None:
        """Replace the slot's file now. A disk that refuses is left alone: the counts stay in memory, and the next try comes."""
        self._written_s, self._changed = self._now_s(), False
        if self._path is None:
            return
        draft = self._path.with_suffix(".draft")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(self.counts()))
            draft.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()

    def close(self) -> None:
        """Write the last counts."""
        self.write()

    def _begin(self, seen: Observation) -> Series:
        method = seen.method if seen.method in _METHODS else "other"
        key = (method, seen.route, seen.status)
        one = self._series.get(key)
        if one is None:
            one = self._series[key] = Series(*key)
        return one


@contextlib.contextmanager
def take_slot(folder: Path, wanted: int) -> Iterator[int]:
    """The first number from `wanted` on that no other worker on <data> holds, held until the end of the block.

    Two servers on one folder would else replace each other's counts and rotate each other's logs. The lock ends with its process.
    Where no lock file can be made (a full disk) the wanted number is taken: counting must not prevent a start.
    """
    place = folder / FOLDER
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / f"worker-{wanted}.lock").touch()
    except OSError:
        yield wanted
        return
    slot = wanted
    while True:
        with (place / f"worker-{slot}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                slot += 1
                continue
            yield slot
            return


def read_counts(path: Path) -> WorkerCounts | None:
    """Read a slot's file; None if there is none, or none of ours (another release may count in other buckets)."""
    try:
        counts = msgspec.json.decode(path.read_bytes(), type=WorkerCounts)
    except (OSError, msgspec.DecodeError):
        return None
    return counts if all(len(each.buckets) == len(BUCKETS_S) + 1 for each in counts.series) else None


def read_all_counts(folder: Path) -> tuple[WorkerCounts, ...]:
    """Read the file of every slot under <data>, by slot."""
    found = (read_counts(path) for path in sorted((folder / FOLDER).glob("worker-*.json")))
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.slot))
