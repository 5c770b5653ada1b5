"""The follower: one look at the head of the journal for all who listen to it, ten times a second, and none while nobody does."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.base.errors import HoldfastError

LOOK_S = 0.1
HEARTBEAT_S = 15.0  # proxies close what is silent for a minute, some after half of that

Now = Callable[[], float]


class Follower:
    """Tells listeners of one loop when the journal has moved, when it is time for a heartbeat, and when all is over.

    head   the last sequence of the journal
    moved  called before anybody is told that it has moved, and when the last listener leaves: what was read for them may be old then
    """

    def __init__(self, head: Callable[[], int], now_s: Now, moved: Callable[[], None]) -> None:
        self._head, self._now_s, self._moved = head, now_s, moved
        self._seen = -1
        self._beat_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._turned = asyncio.Event()
        self.listeners = 0
        self.ended = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count a listener in for as long as the block lasts."""
        self.listeners += 1
        if self._timer is None:
            self._beat_at_s = self._now_s() + HEARTBEAT_S
            self._look_later()
        try:
            yield
        finally:
            self.listeners -= 1
            if not self.listeners and self._timer is not None:
                self._timer.cancel()
                self._timer = None
                self._moved()

    @property
    def turned(self) -> asyncio.Event:
        """Set at the next turn of things. Take it before reading: what is committed after that will set it."""
        return self._turned

    def end(self) -> None:
        """Tell every listener to stop; who comes later stops at once."""
        self.ended = True
        self._turn()

    def _turn(self) -> None:
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._look_later()
        try:
            head = self._head()
        except HoldfastError:
            return  # the database cannot be read now: readiness and every request say so, and the next look may be luckier
        now_s = self._now_s()
        if head != self._seen:
            self._seen = head
            self._moved()
            self._turn()
        elif now_s >= self._beat_at_s:
            self._beat_at_s = now_s + HEARTBEAT_S
            self._turn()
