"""Places: how many event streams one worker keeps open, for each caller and in all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.base.errors import Refused, Unavailable
from holdfast.base.limits import STREAMS_MAX, STREAMS_PER_CALLER_MAX

_RETRY_AFTER_S = 2  # as long as a stream tells its client to wait before it comes back


class Places:
    """Counts the streams that are open."""

    def __init__(self) -> None:
        self._all = 0
        self._of: Counter[bytes] = Counter()

    @contextmanager
    def hold(self, caller: bytes) -> Iterator[None]:
        """Hold a place of a caller (core.rate.limit_key) for as long as the block lasts.

        Raises Unavailable (overloaded) where none is left for anybody, Refused (rate_limited) where none is left for the caller.
        """
        self._require(caller)
        self._all += 1
        self._of[caller] += 1
        try:
            yield
        finally:
            self._all -= 1
            self._of[caller] -= 1
            if not self._of[caller]:
                del self._of[caller]

    def _require(self, caller: bytes) -> None:
        if self._all >= STREAMS_MAX:
            message = "As many event streams are open as there may be; nothing was done."
            raise Unavailable("overloaded", message, retry_after_s=_RETRY_AFTER_S)
        if self._of[caller] >= STREAMS_PER_CALLER_MAX:
            raise Refused(
                "rate_limited",
                "You have as many event streams open as one caller may.",
                hint=f"Close one of your {STREAMS_PER_CALLER_MAX} event streams: its place is free at once.",
                headers={"retry-after": str(_RETRY_AFTER_S)},
            )
