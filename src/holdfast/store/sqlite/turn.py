"""The turn: which of several processes on one data folder may write now.

SQLite's own lock is not fair: under load one process can wait for seconds while others pass it. Two locked files make a line: who
comes takes *next*, waits with it for *turn*, and gives *next* free for the one behind.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class Turn:
    """The right to write, as a context manager. One per writer; make it in the process that uses it, because a fork would share it."""

    def __init__(self, data_dir: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._next = os.open(data_dir / "holdfast.next", flags, 0o600)
        self._turn = os.open(data_dir / "holdfast.turn", flags, 0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._next, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def is_awaited(self) -> bool:
        """Whether another process waits while we hold the turn."""
        try:
            fcntl.flock(self._next, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._next, fcntl.LOCK_UN)
        return False

    def close(self) -> None:
        """Give both files back. Not while the turn is held or awaited."""
        os.close(self._next)
        os.close(self._turn)
