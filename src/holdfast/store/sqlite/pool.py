"""The pool: a few threads for reads that outlive their slice on the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from holdfast.base.errors import Unavailable
from holdfast.ports.world import Clock
from holdfast.store.sqlite.file import DatabaseFile
from holdfast.store.sqlite.lane import Lane, Limit, TooSlow

POOL_THREADS = 2
CALLS_MAX = 128  # waiting and running together; more would only wait past their deadlines

Value = TypeVar("Value")


class ReadPool:
    """Runs reads in threads, each on a lane of its own, within a deadline."""

    def __init__(self, file: DatabaseFile, clock: Clock, threads: int = POOL_THREADS) -> None:
        self._clock = clock
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="holdfast-reader")
        self._lanes = [Lane(file, clock) for _ in range(threads)]
        self._free: SimpleQueue[Lane] = SimpleQueue()
        for lane in self._lanes:
            self._free.put(lane)
        self._calls = 0
        self._closed = False

    async def run(self, read: Callable[[Lane], Value], timeout_s: float) -> Value:
        """Run a read. Raises Unavailable: overloaded, or deadline_exceeded after the timeout. Cancelling stops the read too."""
        if self._calls >= CALLS_MAX:
            raise Unavailable("overloaded")
        limit = Limit(self._clock.monotonic_s() + timeout_s)
        self._calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._perform, read, limit)
        finally:
            self._calls -= 1
            limit.stop_at_s = 0.0  # a caller that was cancelled leaves nothing running

    def close(self) -> None:
        """Stop what runs, end the threads and close the connections; blocks."""
        self._closed = True  # before the limits: a call that begins between the two must see one of them
        for lane in self._lanes:
            lane.limit.stop_at_s = 0.0
        self._executor.shutdown(wait=True, cancel_futures=True)
        for lane in self._lanes:
            lane.close()

    def _perform(self, read: Callable[[Lane], Value], limit: Limit) -> Value:
        lane = self._free.get()
        lane.limit = limit
        try:
            self._check(limit)
            return read(lane)
        except TooSlow as error:
            raise Unavailable("deadline_exceeded") from error
        finally:
            self._free.put(lane)

    def _check(self, limit: Limit) -> None:
        """Begin nothing that must be stopped at once. Raises TooSlow."""
        if self._closed or self._clock.monotonic_s() > limit.stop_at_s:
            raise TooSlow
