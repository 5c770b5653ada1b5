"""Sinks: where finished lines go. Each writes in a thread of its own, so that a full pipe or a slow disk never stops the loop.

What waits is bounded. When it is full, ordinary lines are dropped and counted, and the count is told as soon as lines flow again;
lines that must be kept (errors) have sixteen times the room.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

WAITING_BYTES_MAX = 4 * 1024 * 1024
KEPT_TIMES = 16
GATHER_S = 0.05  # lines are gathered for so long: each time the thread wakes, the loop waits for it
FILE_BYTES_MAX = 32 * 1024 * 1024


class Target(Protocol):
    """Something that takes whole lines; OSError says that it cannot now."""

    def write(self, lines: bytes) -> None:
        """Write all of it."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class Descriptor:
    """An open file descriptor that is not ours to close (standard error)."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, lines: bytes) -> None:
        """Write all of it, however often that takes."""
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._number, rest) :]

    def close(self) -> None:
        """Nothing: the descriptor belongs to the process."""


class RotatingFile:
    """A file for lines, and the one before it: at `bytes_max` the file is renamed to `<name>.1<suffix>` and a new one begun."""

    def __init__(self, path: Path, bytes_max: int = FILE_BYTES_MAX) -> None:
        self._path, self._bytes_max = path, bytes_max
        self._descriptor: int | None = None
        self._size = 0

    def write(self, lines: bytes) -> None:
        """Append; a new file is begun before the bound would be passed."""
        if self._descriptor is not None and self._size + len(lines) > self._bytes_max:
            self.close()
            self._path.replace(self._path.with_suffix(f".1{self._path.suffix}"))
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        rest = memoryview(lines)
        while rest:
            written = os.write(self._descriptor, rest)
            self._size += written
            rest = rest[written:]

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._descriptor).st_size


class Sink:
    """Hands lines to a target in the background. `put` never blocks and never raises.

    notice  makes the line that tells how many lines were lost; None: it is not told in the target
    """

    def __init__(
        self, target: Target, *, name: str, notice: Callable[[int], bytes] | None = None, waiting_bytes_max: int = WAITING_BYTES_MAX
    ) -> None:
        self.dropped = 0
        """Lines lost so far: no room, or the target refused them."""
        self._target, self._notice, self._waiting_bytes_max = target, notice, waiting_bytes_max
        self._told = 0
        self._waiting: list[tuple[bytes, int]] = []
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._urgent = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"sink-{name}", daemon=True)
        self._thread.start()

    def put(self, lines: bytes, count: int, *, keep: bool = False) -> None:
        """Queue `count` lines; without room they are dropped and counted. What is kept is written at once, with all that waits."""
        room = self._waiting_bytes_max * (KEPT_TIMES if keep else 1)
        with self._changed:
            if self._waiting_bytes + len(lines) > room or self._closed:
                self.dropped += count
                return
            self._waiting.append((lines, count))
            self._waiting_bytes += len(lines)
            self._urgent |= keep
            if keep or len(self._waiting) == 1:
                self._changed.notify()

    def close(self, within_s: float = 2.0) -> None:
        """Write what waits, then stop; a target that takes nothing for so long is given up. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(within_s)
        if not self._thread.is_alive():
            self._target.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                self._changed.wait_for(lambda: self._urgent or self._closed, GATHER_S)
                taken, self._waiting, self._urgent = self._waiting, [], False
            self._write(taken)

    def _write(self, taken: list[tuple[bytes, int]]) -> None:
        lines = b"".join(lines for lines, _ in taken)
        try:
            self._target.write(lines)
            lost = 0
            if self._notice is not None and self.dropped > self._told:
                told = self.dropped
                self._target.write(self._notice(told - self._told))
                self._told = told
        except OSError:
            lost = sum(count for _, count in taken)
        with self._changed:
            self._waiting_bytes -= len(lines)
            self.dropped += lost
