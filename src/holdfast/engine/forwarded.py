"""The mark of forwarding headers that did not count: left by the workers in the data folder, read by `holdfast doctor`.

A service behind a proxy that it does not trust takes all its clients for one, whom it limits as one; the operator has to know.
"""

import contextlib
import fcntl
from collections.abc import Callable
from pathlib import Path

import msgspec

FILE = "forwarded.json"
MARK_EVERY_S = 3_600.0


class Mark(msgspec.Struct, frozen=True):
    """Who sent such headers last, and when, in seconds since 1970."""

    peer: str
    at_s: float


class ForwardedWatch:
    """Marks and warns, for one worker.

    data      the data folder
    since_s   when the server started: of all its workers the first to see such headers warns
    """

    def __init__(self, data: Path, *, since_s: float, now_s: Callable[[], float], warn: Callable[[str], None]) -> None:
        self._path, self._since_s, self._now_s, self._warn = data / FILE, since_s, now_s, warn
        self._again_s = 0.0

    def note(self, peer: str) -> None:
        """Someone who is no trusted proxy has sent forwarding headers."""
        now_s = self._now_s()
        if now_s < self._again_s:
            return
        self._again_s = now_s + MARK_EVERY_S
        if self._mark(Mark(peer, now_s)):
            self._warn(
                f"forwarding headers from {peer}, which trusted_proxies does not list: they do not count. List it if it is your proxy:"
                " until then all its clients are one caller"
            )

    def _mark(self, mark: Mark) -> bool:
        """Leave the mark; whether it is the first of this server. A disk that refuses is left alone."""
        with contextlib.suppress(OSError), self._path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = read_mark(self._path)
            file.truncate(0)
            file.write(msgspec.json.encode(mark))
            return before is None or before.at_s < self._since_s
        return True


def read_mark(path: Path) -> Mark | None:
    """The mark at a path; None if there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except (OSError, msgspec.DecodeError):
        return None
