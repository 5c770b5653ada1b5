"""Limiters: a table of callers in one file of the data folder, mapped into every worker and changed under a lock.

The table has buckets of slots; a keyed digest of the key names its bucket, so that no caller can choose where he lands, and stands whole in
his slot, so that no two callers ever share a quota. A slot whose time has passed says nothing that an empty one does not, and is
taken by whoever needs it. The clock is the one that goes on while the machine sleeps and begins anew with each boot, so the table is
emptied when the boot is another one.
"""

import contextlib
import fcntl
import mmap
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path

from holdfast.base.errors import Unavailable
from holdfast.base.limits import LIMITED_CALLERS_MAX, LIMITER_BLOCKED_S, LIMITER_WAIT_S
from holdfast.core.rate import Rate, Verdict

FOLDER = "limits"

_HEADER_BYTES = 4_096
_BOOT_BYTES = 36  # a UUID as text
_SHARED_AT = 64  # one byte: 1 while more than one worker counts
_DIGEST_BYTES, _DUE_BYTES = 16, 8
_BUCKET_SLOTS = 64  # at half of all slots taken, one bucket in a hundred million is full
_BUCKET_BYTES = _BUCKET_SLOTS * _DIGEST_BYTES
_BUCKETS = LIMITED_CALLERS_MAX // _BUCKET_SLOTS
_DUES_AT = _HEADER_BYTES + LIMITED_CALLERS_MAX * _DIGEST_BYTES
_TABLE_BYTES = _DUES_AT + LIMITED_CALLERS_MAX * _DUE_BYTES
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_PAUSE_S = 0.000_05
_DIGESTS_KEPT = 4_096

Sign = Callable[[bytes], bytes]
"""A keyed 16-byte digest."""


class Table:
    """The slots, as one worker sees them. Made by `open_table`, in the process that uses it. For one thread only.

    descriptor  of the file, which is locked for each taking; None: the memory is this process's own
    """

    def __init__(self, memory: mmap.mmap, descriptor: int | None) -> None:
        self._memory, self._descriptor = memory, descriptor
        self._blocked_until_s = 0.0  # whoever has the lock seems to have stopped: nobody waits for it again before
        self._locked: bool | None = None  # within `together`: whether the lock was got; else it is taken for each taking
        self._view = memoryview(memory)
        self._dues = self._view[_DUES_AT:_TABLE_BYTES].cast("Q")

    def take(self, digest: bytes, rate: Rate, cost: int) -> Verdict:
        """Take from the quota that stands under a digest."""
        if self._locked or not self._memory[_SHARED_AT]:
            return self._take(digest, rate, cost)
        if self._locked is False:
            raise Unavailable("overloaded")
        with self.together():
            return self.take(digest, rate, cost)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Take the lock once for all that is taken within. Where it cannot be got, each of them is refused, without waiting again."""
        if not self._memory[_SHARED_AT]:
            yield
            return
        descriptor = self._descriptor
        assert descriptor is not None, "only workers of one folder share"
        wait_s = 0.0 if time.monotonic() < self._blocked_until_s else LIMITER_WAIT_S
        self._locked = _try_lock(descriptor, wait_s)
        if wait_s and not self._locked:
            self._blocked_until_s = time.monotonic() + LIMITER_BLOCKED_S
        try:
            yield
        finally:
            if self._locked:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            self._locked = None

    def close(self) -> None:
        """Give the memory back."""
        self._dues.release()
        self._view.release()
        self._memory.close()

    def _take(self, digest: bytes, rate: Rate, cost: int) -> Verdict:
        now_ns = time.clock_gettime_ns(_CLOCK)
        begin = _HEADER_BYTES + int.from_bytes(digest[:4], "little") % _BUCKETS * _BUCKET_BYTES
        end = begin + _BUCKET_BYTES
        at = self._memory.find(digest, begin, end)
        while at >= 0 and (at - begin) % _DIGEST_BYTES:  # the end of one digest and the beginning of the next
            at = self._memory.find(digest, at + 1, end)
        slot = (at - _HEADER_BYTES) // _DIGEST_BYTES
        after_ns, verdict = rate.take(0 if at < 0 else self._dues[slot], now_ns, cost)
        if verdict.allowed:
            if at < 0:
                slot = self._claim(digest, begin, now_ns)
            self._dues[slot] = after_ns  # after the digest: whoever is killed between the two leaves a slot whose time has passed
        return verdict

    def _claim(self, digest: bytes, begin: int, now_ns: int) -> int:
        first = (begin - _HEADER_BYTES) // _DIGEST_BYTES
        for slot in range(first, first + _BUCKET_SLOTS):
            if self._dues[slot] <= now_ns:
                at = _HEADER_BYTES + slot * _DIGEST_BYTES
                self._memory[at : at + _DIGEST_BYTES] = digest
                return slot
        raise Unavailable("overloaded")


class SlotLimiter:
    """One quota over a table (ports.limits.Limiter).

    scope  separates the keys of several limiters on one table
    """

    def __init__(self, table: Table, rate: Rate, sign: Sign, scope: bytes) -> None:
        self.rate = rate
        self._table = table
        self._digest = lru_cache(maxsize=_DIGESTS_KEPT)(lambda key: sign(scope + key))

    def take(self, key: bytes, cost: int = 1) -> Verdict:
        """Take from the quota of a key."""
        return self._table.take(self._digest(key), self.rate, cost)

    def together(self) -> AbstractContextManager[None]:
        """Take what is taken within it under one lock."""
        return self._table.together()


class Unlimited:
    """No limit at all (ports.limits.Limiter)."""

    __slots__ = ()
    rate = None

    def take(self, key: bytes, cost: int = 1) -> Verdict:  # noqa: ARG002  # the port's
        """Allowed."""
        return Verdict(allowed=True, remaining=0, reset_s=0, retry_s=0)

    def together(self) -> AbstractContextManager[None]:
        """Nothing to share."""
        return contextlib.nullcontext()


@contextmanager
def open_table(data: Path, warn: Callable[[str], None]) -> Iterator[Table]:
    """The table of a data folder, shared with every other worker on it.

    Where no file can be made (a full disk) each worker counts by itself, and says so: counting must not prevent a start.
    """
    with contextlib.ExitStack() as stack:
        try:
            table = stack.enter_context(_open_shared(data / FOLDER))
        except OSError as error:
            warn(f"requests are counted by each worker alone: {data / FOLDER} cannot be used ({error.strerror})")
            table = stack.enter_context(contextlib.closing(Table(mmap.mmap(-1, _TABLE_BYTES), None)))
        yield table


@contextmanager
def _open_shared(folder: Path) -> Iterator[Table]:
    folder.mkdir(parents=True, exist_ok=True)
    with _opened(folder / "present") as present, _opened(folder / "slots") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            _fill(descriptor)
            memory = mmap.mmap(descriptor, _TABLE_BYTES)
            _begin(memory, alone=_enter(present))
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        with contextlib.closing(Table(memory, descriptor)) as table:
            yield table


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _fill(descriptor: int) -> None:
    """Write the file to its full length: what is mapped and has no room on the disk kills the process that touches it (SIGBUS)."""
    missing = _TABLE_BYTES - os.fstat(descriptor).st_size
    if missing > 0:
        os.pwrite(descriptor, bytes(missing), _TABLE_BYTES - missing)
    if os.fstat(descriptor).st_size < _TABLE_BYTES:
        raise OSError(28, "No space left on device")


def _enter(present: int) -> bool:
    """Come in, until the descriptor is closed; whether nobody else is there. Under the lock of the table."""
    try:
        fcntl.flock(present, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        alone = False
    else:
        alone = True
    fcntl.flock(present, fcntl.LOCK_SH)
    return alone


def _begin(memory: mmap.mmap, *, alone: bool) -> None:
    """Empty a table of another boot, and say whether takings need the lock.

    Who was alone sees it at his next taking. One that he is in just now ends within microseconds, a start takes a hundred milliseconds.
    """
    boot = _read_boot()
    if memory[:_BOOT_BYTES] != boot or (alone and not boot.strip(b"\0")):
        memory[:] = boot.ljust(_TABLE_BYTES, b"\0")
    memory[_SHARED_AT] = 0 if alone else 1


def _read_boot() -> bytes:
    """What names this boot; zeros where the system does not say."""
    try:
        return _BOOT_ID.read_bytes()[:_BOOT_BYTES].ljust(_BOOT_BYTES, b"\0")
    except OSError:
        return bytes(_BOOT_BYTES)


def _try_lock(descriptor: int, wait_s: float) -> bool:
    """Take the lock, which others hold for microseconds; False where a worker was stopped with it, which must not stop the others."""
    until_s = 0.0
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now_s = time.monotonic()
            until_s = until_s or now_s + wait_s
            if now_s > until_s:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True
