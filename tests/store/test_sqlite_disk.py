"""Disks that fail, fill up or lose what they held: what the writer tells those who wait, and how it goes on."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from sqlite_library import AUTHORS, CLOCK, create, refusal, run, total, write
from writer_bench import Bench, codes_of, on_bench, put_together, refuse_if_there

from holdfast.base.errors import Unavailable
from holdfast.store.sqlite.store import SqliteStore


class FaultyFile(apsw.VFSFile):
    """A file of a disk that fails when it is told to."""

    def __init__(self, vfs: "FaultyDisk", name: Any, flags: list[int]) -> None:
        self._disk = vfs
        self._is_log = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__(vfs.base, name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802  # SQLite's name
        """Fail, or write."""
        if self._is_log and self._disk.failing == "full":
            raise apsw.FullError("no space left")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite's name
        """Fail, or sync."""
        if self._is_log and self._disk.failing == "sync":
            raise apsw.IOError("sync failed")
        super().xSync(flags)


class FaultyDisk(apsw.VFS):
    """A disk that a test can make fail: "full" for every write to the log, "sync" for every sync of it."""

    def __init__(self) -> None:
        self.base = apsw.vfs_names()[0]
        self.failing = ""
        super().__init__("faulty", self.base, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> FaultyFile:  # noqa: N802  # SQLite's name
        """Open a file of this disk."""
        return FaultyFile(self, name, flags)


@contextmanager
def faulty_disk() -> Iterator[FaultyDisk]:
    """A disk that can fail, as the one that every connection is opened on."""
    disk = FaultyDisk()
    try:
        yield disk
    finally:
        disk.unregister()


def on_faulty_disk(data_dir: Path, story: Callable[[Bench, FaultyDisk], Coroutine[Any, Any, Any]]) -> Any:
    """Run a story on a bench whose disk can fail."""
    with faulty_disk() as disk:
        return on_bench(data_dir, lambda bench: story(bench, disk))


def test_a_full_disk_at_commit_is_a_clean_refusal(tmp_path: Path) -> None:
    """When the log cannot grow nothing was done, for the whole group; once there is room, the same writer goes on by itself."""

    async def story(bench: Bench, disk: FaultyDisk) -> Any:
        await bench.put("before")
        disk.failing = "full"
        codes = await put_together(bench, 3)
        fault = bench.writer.fault
        disk.failing = ""
        for _ in range(40):  # the writer tries the disk once a second
            await asyncio.sleep(0.1)
            if not bench.writer.fault:
                break
        healed = bench.writer.fault
        await bench.put("after")
        return codes, fault, healed, bench.rows()

    codes, fault, healed, rows = on_faulty_disk(tmp_path, story)
    assert codes == ["unavailable"] * 3
    assert "FullError" in fault
    assert healed == ""
    assert rows == ["before", "after"]


def test_a_commit_that_fails_otherwise_is_of_unknown_outcome(tmp_path: Path) -> None:
    """When the disk fails to sync, nobody knows: every job of the group is told so, and the connection is replaced after a check."""

    async def story(bench: Bench, disk: FaultyDisk) -> Any:
        await bench.put("before")
        disk.failing = "sync"
        codes = await put_together(bench, 2)
        disk.failing = ""
        await bench.put("after")
        return codes, len(bench.opened), bench.rows()

    codes, opened, rows = on_faulty_disk(tmp_path, story)
    assert codes == ["outcome_unknown"] * 2
    assert opened == 2
    assert rows[0] == "before"
    assert rows[-1] == "after"


@pytest.mark.parametrize(("failing", "code"), [("full", "unavailable"), ("sync", "outcome_unknown")])
def test_nobody_is_refused_for_what_was_never_committed(tmp_path: Path, failing: str, code: str) -> None:
    """Who was refused because of a neighbour whose commit failed is told that nothing was done, not that it conflicts."""

    async def story(bench: Bench, disk: FaultyDisk) -> Any:
        await bench.put("before")
        disk.failing = failing
        deadline_s = CLOCK.monotonic_s() + 5
        with bench.turn:
            first = bench.writer.submit(refuse_if_there("before"), deadline_s)
            futures = [first, bench.put("new"), bench.writer.submit(refuse_if_there("new"), deadline_s)]
        codes = await codes_of(*futures)
        disk.failing = ""
        return codes

    assert on_faulty_disk(tmp_path, story) == ["version_conflict", code, "unavailable"]


def test_a_database_that_cannot_be_opened_is_a_clean_refusal(tmp_path: Path) -> None:
    """Where no connection can be had every queued job is refused at once, and the next one after the fault is made."""

    async def story(bench: Bench) -> Any:
        bench.path.rename(tmp_path / "away")
        codes = await put_together(bench, 2)
        fault = bench.writer.fault
        (tmp_path / "away").rename(bench.path)
        await bench.put("after")
        return codes, fault, bench.rows()

    codes, fault, rows = on_bench(tmp_path, story)
    assert codes == ["unavailable"] * 2
    assert "is gone" in fault
    assert rows == ["after"]


def test_a_database_that_fails_its_check_takes_no_more_writes(tmp_path: Path) -> None:
    """After a commit of unknown fate the database is looked through, turn or not; if it is damaged, every write is refused from then on."""

    async def story(bench: Bench, disk: FaultyDisk) -> Any:
        await asyncio.gather(*(bench.put("x" * 2_000 + str(number)) for number in range(50)))
        outside = apsw.Connection(str(bench.path))
        outside.pragma("page_count")  # a read, without which the connection knows of no log
        assert outside.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE) == (0, 0)
        outside.close()
        disk.failing = "sync"
        await refusal(bench.put("doubtful"))
        disk.failing = ""
        content = bytearray(bench.path.read_bytes())
        content[-8_192:] = b"\xff" * 8_192
        bench.path.write_bytes(content)
        with bench.turn:  # the check reads everything; meanwhile others can write
            codes = [(await refusal(bench.put(number))).code for number in range(2)]
        return codes, bench.writer.fault

    codes, fault = on_faulty_disk(tmp_path, story)
    assert codes == ["unavailable"] * 2
    assert "CorruptError" in fault


def test_a_table_that_may_not_grow_is_a_clean_refusal(tmp_path: Path) -> None:
    """A database at its size limit refuses what does not fit, takes what does, and reads go on."""

    async def story(store: SqliteStore) -> Any:
        await store.write(write(create(AUTHORS)))
        connection = store._writer._connection
        assert connection is not None
        connection.pragma("max_page_count", connection.pragma("page_count"))
        big = await refusal(store.write(write(create(AUTHORS, name="x" * 60_000))))
        small = store.write(write(create(AUTHORS)))
        neighbours = [store.write(write(create(AUTHORS, name="y" * 60_000))), small]
        answers = await asyncio.gather(*neighbours, return_exceptions=True)
        found = await total(store, AUTHORS)
        connection = store._writer._connection
        assert connection is not None
        connection.pragma("max_page_count", 1_000_000)
        await store.write(write(create(AUTHORS, name="x" * 60_000)))
        return big.code, [getattr(each, "code", "done") for each in answers], found, await total(store, AUTHORS)

    assert run(tmp_path, story) == ("unavailable", ["unavailable", "done"], 2, 3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_without_space_refuses_writes_and_serves_reads(tmp_path: Path) -> None:
    """On a real disk that fills up writes are refused cleanly, reads go on, and freeing space heals it without a restart."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")

    async def story(store: SqliteStore) -> Any:
        await store.write(write(create(AUTHORS)))
        (disk / "ballast").write_bytes(b"x" * 1_500_000)
        made, codes = 1, set()
        for _ in range(200):
            try:
                await store.write(write(create(AUTHORS, name="x" * 30_000)))
                made += 1
            except Unavailable as error:
                codes.add(error.code)
                break
        counted = await total(store, AUTHORS)
        (disk / "ballast").unlink()
        await store.write(write(create(AUTHORS, name="x" * 30_000)))
        return codes, counted - made, await total(store, AUTHORS) - made

    try:
        assert run(disk, story) == ({"unavailable"}, 0, 1)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
