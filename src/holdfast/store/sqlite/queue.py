"""The queue of writes: bounded, first come first served; a job can be taken out until it runs."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import Any

import apsw

Work = Callable[[apsw.Connection], Any]
"""What a job does inside the transaction; it neither begins nor ends one."""


@dataclass(slots=True, eq=False)
class Job:
    """One request to write: queued, then taken by the writer and finished, or taken out.

    deadline_s  monotonic; after it the job is not started any more
    weight      how many steps it has, so that a group stays short
    guarded     it may be refused after it has changed something, and needs a savepoint beside others
    """

    work: Work
    deadline_s: float
    weight: int
    guarded: bool
    future: "asyncio.Future[Any]"


class JobQueue:
    """Jobs between the loop and the writer thread."""

    def __init__(self, jobs_max: int) -> None:
        self._jobs: deque[Job] = deque()
        self._jobs_max = jobs_max
        self._changed = Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def ended(self) -> bool:
        """Closed, and nothing is left to do."""
        return self._closed and not self._jobs

    def put(self, job: Job) -> bool:
        """Add a job, which waits for `wake`; False if the queue is full or closed."""
        with self._changed:
            if len(self._jobs) >= self._jobs_max:
                self._jobs = deque(each for each in self._jobs if not each.future.done())
            if self._closed or len(self._jobs) >= self._jobs_max:
                return False
            self._jobs.append(job)
            return True

    def wake(self) -> None:
        """Tell who waits that jobs were added."""
        with self._changed:
            self._changed.notify()

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until there is a job, the queue is closed, or the time is over; whether there is a job."""
        with self._changed:
            if not self._jobs and not self._closed:
                self._changed.wait(timeout_s)
            return bool(self._jobs)

    def take(self, jobs_max: int, weight_max: int) -> list[Job]:
        """Take the next group: at least one job if there is one, bounded in number and weight. Cancelled jobs vanish here."""
        taken: list[Job] = []
        weight = 0
        with self._changed:
            while self._jobs and len(taken) < jobs_max:
                job = self._jobs[0]
                if taken and weight + job.weight > weight_max:
                    break
                self._jobs.popleft()
                if not job.future.done():
                    taken.append(job)
                    weight += job.weight
        return taken

    def take_all(self) -> list[Job]:
        """Empty the queue."""
        with self._changed:
            taken = [each for each in self._jobs if not each.future.done()]
            self._jobs.clear()
        return taken

    def take_expired(self, now_s: float) -> list[Job]:
        """Take out every job whose deadline has passed."""
        with self._changed:
            expired = [each for each in self._jobs if each.deadline_s <= now_s]
            if expired:
                self._jobs = deque(each for each in self._jobs if each.deadline_s > now_s)
        return expired

    def next_deadline(self) -> float | None:
        """The earliest deadline in the queue; None if it is empty."""
        with self._changed:
            return min((each.deadline_s for each in self._jobs), default=None)

    def close(self) -> None:
        """Accept no more; what is queued is still taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()
