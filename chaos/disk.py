"""A disk that can fail and lose power, below SQLite: a VFS over the real one, the default of this process while it is open.

It knows for each file of the database what has been synced, the *durable* content, and what was written since. What it does not model:
the shared memory of the log (it is memory), the creation and deletion of files (taken as durable at once).
"""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any, Literal, get_args

import apsw

SECTOR_BYTES = 512
_MODELLED = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL

Call = Literal["write", "sync", "read", "truncate", "open", "any"]
Kind = Literal["io", "full", "readonly", "torn", "late"]
Loss = Literal["all", "some", "torn"]
"""What a power cut takes of what was not synced: all of it, some of the writes, some of their sectors."""
LOSSES: tuple[Loss, ...] = ("all", "some", "torn")


@dataclass(frozen=True, slots=True)
class Fault:
    """What fails, from which call on.

    call     which calls are counted and fail
    kind     what it fails with: "io" EIO; "full" ENOSPC; "readonly" EROFS; "torn" half of it, then EIO; "late" all of it, then EIO
    at       the number of the first call that fails, from 1
    lasting  every call from then on; else that one alone
    """

    call: Call
    kind: Kind
    at: int
    lasting: bool

    def __str__(self) -> str:
        return f"{self.call}-{self.kind}-{self.at}{'-lasting' if self.lasting else ''}"


def parse_fault(text: str) -> Fault:
    """A fault from what str() made of it: "write-io-12", "sync-late-3-lasting". Raises ValueError."""
    call, kind, at, *lasting = text.split("-")
    if call not in get_args(Call) or kind not in get_args(Kind) or lasting not in ([], ["lasting"]):
        raise ValueError(text)
    return Fault(call, kind, int(at), bool(lasting))  # type: ignore[arg-type]  # one of them, as was just seen


@dataclass(slots=True)
class _Image:
    """A file: what is durable, and the writes since (offset and bytes; None instead of bytes: cut off at the offset)."""

    durable: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()

    def survive(self, loss: Loss, dice: random.Random) -> bytes:
        """The content after a power cut."""
        content = bytearray(self.durable)
        keep = 0.0 if loss == "all" else dice.random()
        for offset, data in self.pending:
            if loss == "torn" and data is not None:
                for start, piece in _sectors(offset, data):
                    if dice.random() < keep:
                        _apply(content, start, piece)
            elif dice.random() < keep:
                _apply(content, offset, data)
        return bytes(content)

    def current(self) -> bytes:
        content = bytearray(self.durable)
        for offset, data in self.pending:
            _apply(content, offset, data)
        return bytes(content)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """A write as the sectors it touches."""
    start = offset
    while start < offset + len(data):
        end = min((start // SECTOR_BYTES + 1) * SECTOR_BYTES, offset + len(data))
        yield start, data[start - offset : end - offset]
        start = end


class Disk(apsw.VFS):
    """The disk. `cut_at` and `fault` may be set at any time; calls are counted from `calls`, faults from when one was set.

    calls     how many writes, syncs and truncations there were
    cut_at    the number of the call at which the power goes; None: never
    survived  the files after the cut, by name; None until then
    fired     how often the present fault has fired
    """

    def __init__(self, dice: random.Random) -> None:
        self.base = apsw.vfs_names()[0]
        self.calls = 0
        self.cut_at: int | None = None
        self.survived: dict[str, bytes] | None = None
        self.fired = 0
        self._dice = dice
        self._images: dict[str, _Image] = {}
        self._fault: Fault | None = None
        self._counted = 0
        self._lock: AbstractContextManager[object] = RLock()
        super().__init__("chaos", self.base, makedefault=True)

    @property
    def fault(self) -> Fault | None:
        """What fails now."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        with self._lock:
            self._fault, self._counted, self.fired = fault, 0, 0 if fault else self.fired

    def copy(self) -> dict[str, bytes]:
        """The files as another process would find them if this one were killed now."""
        with self._lock:
            return {name: image.current() for name, image in self._images.items()}

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's name
        """Open a file."""
        if not flags[0] & _MODELLED:
            return apsw.VFSFile(self.base, name, flags)
        with self._lock:
            self.check_power()
            if self.failing("open"):
                raise apsw.CantOpenError("no file can be opened")
            return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001  # SQLite's
        """Delete a file."""
        with self._lock:
            self.check_power()
            super().xDelete(filename, syncdir)
            self._images.pop(Path(filename).name, None)

    # For its files, which hold the lock

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held during every call."""
        return self._lock

    def image(self, file: "_File") -> _Image:
        """The image of a file; what it holds when it is first opened is durable."""
        image = self._images.get(file.name)
        if image is None:
            image = self._images[file.name] = _Image(bytearray(file.content()))
        return image

    def check_power(self) -> None:
        """Raise where the power is gone."""
        if self.survived is not None:
            raise _error(apsw.SQLITE_IOERR)

    def count(self) -> None:
        """Count a call, and cut the power if it is the one. What the call would do counts as not synced."""
        self.calls += 1
        if self.cut_at is not None and self.calls >= self.cut_at:
            loss = self._dice.choice(LOSSES)
            self.survived = {name: image.survive(loss, self._dice) for name, image in sorted(self._images.items())}
            self.check_power()

    def failing(self, call: Call) -> Fault | None:
        """The fault, if this call is to fail."""
        fault = self._fault
        if fault is None or fault.call not in (call, "any"):
            return None
        self._counted += 1
        if self._counted == fault.at or (fault.lasting and self._counted > fault.at):
            self.fired += 1
            return fault
        return None


class _File(apsw.VFSFile):
    """A file of the disk."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self.name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name).name
        super().__init__(disk.base, name, flags)
        self._image = disk.image(self)

    def content(self) -> bytes:
        """All bytes of the file."""
        size = super().xFileSize()
        return super().xRead(size, 0) if size else b""

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802  # SQLite's name
        """Read, or fail."""
        with self._disk.lock:
            self._disk.check_power()
            if self._disk.failing("read"):
                raise _error(apsw.SQLITE_IOERR_READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's name
        """Write, or fail, or lose power."""
        with self._disk.lock:
            self._disk.check_power()
            fault = self._disk.failing("write")
            if fault is not None and fault.kind in ("torn", "late"):
                self._write(bytes(data)[: len(data) // 2 if fault.kind == "torn" else None], offset)
            if fault is not None:
                raise _write_error(fault)
            self._write(bytes(data), offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802  # SQLite's name
        """Cut off, or fail, or lose power."""
        with self._disk.lock:
            self._disk.check_power()
            if self._disk.failing("truncate"):
                raise _error(apsw.SQLITE_IOERR_TRUNCATE)
            self._image.pending.append((size, None))
            self._disk.count()
            super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: ARG002, N802  # SQLite's names
        """Sync, or fail, or lose power."""
        with self._disk.lock:
            self._disk.check_power()
            self._disk.count()
            fault = self._disk.failing("sync")
            if fault is None or fault.kind == "late":
                self._image.sync()  # the real disk need not: nobody cuts its power
            if fault is not None:
                raise _error(apsw.SQLITE_IOERR_FSYNC)

    def _write(self, data: bytes, offset: int) -> None:
        self._image.pending.append((offset, data))
        self._disk.count()
        super().xWrite(data, offset)


def _error(code: int) -> apsw.Error:
    error: Any = apsw.IOError("the disk fails")
    error.extendedresult = code
    return error  # type: ignore[no-any-return]  # the stub does not know the member


def _write_error(fault: Fault) -> apsw.Error:
    match fault.kind:
        case "full":
            return apsw.FullError("no space left on the disk")
        case "readonly":
            return apsw.ReadOnlyError("the disk is read-only")
        case _:
            return _error(apsw.SQLITE_IOERR_WRITE)


@contextmanager
def open_disk(dice: random.Random) -> Iterator[Disk]:
    """A disk that every connection of this process is opened on until the block ends."""
    disk = Disk(dice)
    try:
        yield disk
    finally:
        disk.unregister()


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """Write files that a disk gave to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
