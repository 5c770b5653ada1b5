"""Health: whether the database can be read and written now, found out by a thread of its own and told without waiting."""

import os
from collections.abc import Callable
from threading import Event, Thread

from holdfast.base.errors import Answerable, Broken
from holdfast.ports.store import Health
from holdfast.ports.world import Clock
from holdfast.store.sql.statement import Statement
from holdfast.store.sqlite.file import DatabaseFile, FileMoved
from holdfast.store.sqlite.lane import Lane, Limit, TooSlow

INTERVAL_S = 1.0
STALE_AFTER_S = 2.0  # a probe that hangs for so long is an answer too
DISK_FREE_BYTES_MIN = 64 * 1024 * 1024  # as much as the log may grow before its pages are written back

_LOOK = Statement("SELECT value FROM hf_meta WHERE key = 'format'", ())


class HealthProbe:
    """Looks once a second: the file is the one that was opened, a read works, the last write worked, the disk has room."""

    def __init__(
        self, file: DatabaseFile, lane: Lane, writer_fault: Callable[[], str], clock: Clock, *, disk_free_min: int = DISK_FREE_BYTES_MIN
    ) -> None:
        self._file = file
        self._lane = lane
        self._writer_fault = writer_fault
        self._now_s = clock.monotonic_s
        self._disk_free_min = disk_free_min
        self._ended = Event()
        self._last = self._look()
        self._looked_s = self._now_s()
        self._thread = Thread(target=self._run, name="holdfast-health", daemon=True)
        self._thread.start()

    def tell(self) -> Health:
        """The last known state; never blocks."""
        if self._now_s() - self._looked_s > STALE_AFTER_S:
            return Health(readable=False, writable=False, reason="the database does not answer")
        return self._last

    def close(self) -> None:
        """End the thread and its connection; blocks for one look at most."""
        self._ended.set()
        self._thread.join(STALE_AFTER_S)

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL_S):
            self._last = self._look()
            self._looked_s = self._now_s()
        self._lane.close()

    def _look(self) -> Health:
        try:
            self._file.check()
            self._lane.limit = Limit(self._now_s() + INTERVAL_S)
            self._lane.fetch(_LOOK)
        except (FileMoved, Answerable, Broken, TooSlow) as error:
            return Health(readable=False, writable=False, reason=f"{error.__cause__ or error}")
        fault = self._writer_fault() or self._find_full_disk()
        return Health(readable=True, writable=not fault, reason=fault)

    def _find_full_disk(self) -> str:
        disk = os.statvfs(self._file.path.parent)
        free = disk.f_bavail * disk.f_frsize
        return "" if free >= self._disk_free_min else f"only {free // 1024 // 1024} MiB are free on the disk"
