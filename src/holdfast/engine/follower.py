"""The follower: one look at the head of the journal for all who listen to it, ten times a second, and none while nobody does."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdfast.base.errors import HoldfastError
from holdfast.base.limits import STREAMS_PER_TURN

LOOK_S = 0.1
HEARTBEAT_S = 15.0  # proxies close what is silent for a minute, some after half of that

Now = Callable[[], float]


class Follower:
    """Tells listeners of one loop when the journal has moved, when it is time for a heartbeat, and when all is over.

    However many they are, few go on in one turn of the loop, so that nobody else waits long.

    head   the last sequence of the journal
    moved  called before anybody is told that it has moved, and when the last listener leaves: what was read for them is of no more use then
    """

    def __init__(self, head: Callable[[], int], now_s: Now, moved: Callable[[], None]) -> None:
        self._head, self._now_s, self._moved = head, now_s, moved
        self._seen = -1
        self._beat_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._due: deque[asyncio.Future[None]] = deque()
        self._is_letting_on = False
        self.news = 0
        self.listeners = 0
        self.ended = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count a listener in for as long as the block lasts."""
        self.listeners += 1
        if self._timer is None and not self.ended:
            self._beat_at_s = self._now_s() + HEARTBEAT_S
            self._look_later()
        try:
            yield
        finally:
            self.listeners -= 1
            if not self.listeners:
                self._stop_looking()
                self._moved()

    async def go_on(self, heard: int | None) -> None:
        """Wait for news, then for one's turn.

        heard  `news` as it was before the last reading: what is committed after that is news; None: go on without any
        """
        mine = asyncio.get_running_loop().create_future()
        if heard == self.news:
            self._waiting.add(mine)
        else:
            self._due.append(mine)
            self._let_on_soon()
        try:
            await mine
        finally:
            self._waiting.discard(mine)

    def end(self) -> None:
        """Tell every listener to stop; who comes later stops at once."""
        self.ended = True
        self._stop_looking()
        self._tell()

    def _tell(self) -> None:
        self.news += 1
        self._due.extend(self._waiting)
        self._waiting.clear()
        self._let_on_soon()

    def _let_on_soon(self) -> None:
        if self._due and not self._is_letting_on:
            self._is_letting_on = True
            asyncio.get_running_loop().call_soon(self._let_on)

    def _let_on(self) -> None:
        """Let a few go on; the next ones in the next turn of the loop, behind whatever else has come."""
        for mine in [self._due.popleft() for _ in range(min(STREAMS_PER_TURN, len(self._due)))]:
            if not mine.done():
                mine.set_result(None)
        self._is_letting_on = False
        self._let_on_soon()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
            self._tell()
        elif now_s >= self._beat_at_s:
            self._beat_at_s = now_s + HEARTBEAT_S
            self._tell()
