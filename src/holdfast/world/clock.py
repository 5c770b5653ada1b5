"""The real clock."""

import time

from holdfast.base.instant import Instant


class SystemClock:
    """Wall time that never goes backwards within a process, and the monotonic clock."""

    __slots__ = ("_last_us",)

    def __init__(self) -> None:
        self._last_us = 0

    def now(self) -> Instant:
        """Microseconds since 1970; after the system clock was set back, time stands still until it has caught up."""
        now_us = time.time_ns() // 1_000
        if now_us < self._last_us:
            return Instant(self._last_us)
        self._last_us = now_us
        return Instant(now_us)

    monotonic_s = staticmethod(time.monotonic)
    """Seconds on the monotonic clock."""
