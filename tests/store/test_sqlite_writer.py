"""The writer: groups, deadlines, cancellation, overload, and what a fault does to the neighbours of whoever met it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import Any

import apsw
import pytest
from sqlite_library import AUTHORS, CATALOG, CLOCK, create, refusal, run, total, write

from holdfast.base.errors import Broken, Refused, Unavailable
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.connection import open_writer
from holdfast.store.sqlite.schema import prepare
from holdfast.store.sqlite.store import SqliteStore
from holdfast.store.sqlite.turn import Turn
from holdfast.store.sqlite.writer import Writer


class Bench:
    """A writer on a table of one column, whose turn a test can hold."""

    def __init__(self, data_dir: Path, *, queue_max: int = 100, group_max: int = 100, bulk: bool = False) -> None:
        self.path = prepare(data_dir, CATALOG, Renderer(CATALOG), CLOCK, create=True)
        outside = apsw.Connection(str(self.path))
        outside.execute("CREATE TABLE t (x UNIQUE)")
        outside.close()
        self.turn = Turn(data_dir)
        self.opened: list[apsw.Connection] = []
        self.writer = Writer(self._connect, Turn(data_dir), CLOCK, queue_max=queue_max, group_max=group_max, bulk=bulk)

    def _connect(self) -> apsw.Connection:
        self.opened.append(open_writer(self.path))
        return self.opened[-1]

    def put(self, value: object, within_s: float = 10.0, **more: Any) -> "asyncio.Future[Any]":
        """Queue a row."""
        return self.writer.submit(insert(value), CLOCK.monotonic_s() + within_s, **more)

    def rows(self) -> list[Any]:
        """What is in the table, as a stranger sees it."""
        outside = apsw.Connection(str(self.path))
        found = [row[0] for row in outside.execute("SELECT x FROM t ORDER BY rowid").fetchall()]
        outside.close()
        return found


def insert(value: object) -> Callable[[apsw.Connection], object]:
    """A job that adds a row and gives its value back."""

    def work(connection: apsw.Connection) -> object:
        connection.execute("INSERT INTO t VALUES (?)", (value,))
        return value

    return work


def on_bench(data_dir: Path, story: Callable[[Bench], Coroutine[Any, Any, Any]], **more: Any) -> Any:
    """Run a story on a bench."""

    async def tell() -> Any:
        bench = Bench(data_dir, **more)
        try:
            return await story(bench)
        finally:
            assert bench.writer.close(10)

    return asyncio.run(tell())


def note_commits(connection: apsw.Connection) -> list[int]:
    """How many rows the connection has changed at each of its commits from now on."""
    noted: list[int] = []

    def note() -> bool:
        noted.append(connection.total_changes())
        return False  # the commit goes on

    connection.set_commit_hook(note)
    return noted


def test_what_waits_together_is_committed_together(tmp_path: Path) -> None:
    """Jobs that wait for the turn are one transaction, answered in order, each with its own value."""

    async def story(bench: Bench) -> Any:
        commits = []
        with bench.turn:
            futures = [bench.put(number) for number in range(20)]
            futures[0].add_done_callback(lambda _: commits.append([each.done() for each in futures]))
        return await asyncio.gather(*futures), bench.rows(), commits

    values, rows, commits = on_bench(tmp_path, story)
    assert values == rows == list(range(20))
    assert commits == [[True] * 20]


def test_what_comes_with_one_turn_of_the_loop_is_one_group(tmp_path: Path) -> None:
    """The thread wakes once for all of it, even where the loop gives way meanwhile: no group has the first job alone."""

    async def story(bench: Bench) -> Any:
        await bench.put("before")
        await asyncio.sleep(0.3)  # the thread waits again
        commits = note_commits(bench.opened[0])
        futures = []
        for number in range(5):
            futures.append(bench.put(number))
            time.sleep(0.02)  # noqa: ASYNC251  # gives the interpreter away, as any call of the system does
        await asyncio.gather(*futures)
        return len(commits)

    assert on_bench(tmp_path, story) == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_a_refused_job_does_not_touch_its_neighbours(tmp_path: Path, guarded: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """One bad job of a group is told its error; all others are acknowledged and present, and nothing of the bad one is."""

    def bad(connection: apsw.Connection) -> None:
        if guarded:
            connection.execute("INSERT INTO t VALUES ('half')")
        raise Refused("not_found")

    async def story(bench: Bench) -> Any:
        with bench.turn:
            futures = [bench.put(1), bench.writer.submit(bad, CLOCK.monotonic_s() + 5, guarded=guarded), bench.put(2), bench.put(1)]
        codes = [
            type(each).__name__ if isinstance(each, Exception) else each for each in await asyncio.gather(*futures, return_exceptions=True)
        ]
        return codes, bench.rows()

    assert on_bench(tmp_path, story) == ([1, "Refused", 2, "Broken"], [1, 2])


def test_a_plain_job_that_fails_half_way_leaves_nothing_all_the_same(tmp_path: Path) -> None:
    """A job without a savepoint that fails after a change costs its group the transaction; the others run again, one by one."""

    def bad(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES ('half')")
        raise ZeroDivisionError

    async def story(bench: Bench) -> Any:
        with bench.turn:
            futures = [bench.put(1), bench.writer.submit(bad, CLOCK.monotonic_s() + 5, guarded=False), bench.put(2)]
        return await asyncio.gather(*futures, return_exceptions=True), bench.rows()

    (first, broken, second), rows = on_bench(tmp_path, story)
    assert (first, second, rows) == (1, 2, [1, 2])
    assert isinstance(broken, Broken)
    assert isinstance(broken.__cause__, ZeroDivisionError)


def test_a_lost_transaction_is_run_again_without_the_offender(tmp_path: Path) -> None:
    """Where an error takes the whole transaction with it, the offender alone is refused; the others are acknowledged and present."""

    def fatal(connection: apsw.Connection) -> None:
        connection.execute("INSERT OR ROLLBACK INTO t VALUES (1)")

    async def story(bench: Bench) -> Any:
        with bench.turn:
            futures = [bench.put(1), bench.writer.submit(fatal, CLOCK.monotonic_s() + 5), bench.put(2), bench.put(1)]
        return await asyncio.gather(*futures, return_exceptions=True), bench.rows()

    (first, lost, second, taken), rows = on_bench(tmp_path, story)
    assert (first, second, rows) == (1, 2, [1, 2])
    assert isinstance(lost, Broken)
    assert isinstance(taken, Broken)


def test_a_job_that_ends_the_transaction_itself_is_broken(tmp_path: Path) -> None:
    """Nobody is told that something was done which was not: a job that rolls back unasked is told as our fault."""

    def end(connection: apsw.Connection) -> None:
        connection.execute("ROLLBACK")

    async def story(bench: Bench) -> Any:
        return await asyncio.gather(bench.writer.submit(end, CLOCK.monotonic_s() + 5), return_exceptions=True)

    (error,) = on_bench(tmp_path, story)
    assert isinstance(error, Broken)


def test_a_job_past_its_deadline_is_never_run(tmp_path: Path) -> None:
    """A queued job whose deadline passes is answered then, even while the writer waits for the turn, and never run later."""

    async def story(bench: Bench) -> Any:
        with bench.turn:
            late, patient = bench.put("late", within_s=0.05), bench.put("patient")
            error = await refusal(asyncio.wait_for(late, 2))
            assert not patient.done()
        await patient
        return error.code, bench.rows()

    assert on_bench(tmp_path, story) == ("deadline_exceeded", ["patient"])


def test_a_deadline_that_passes_unnoticed_is_seen_when_the_group_is_taken(tmp_path: Path) -> None:
    """The writer looks at the deadline itself: a loop that was busy when it passed makes no difference."""

    async def story(bench: Bench) -> Any:
        with bench.turn:
            futures = [bench.put("late", within_s=0.01), bench.put("patient"), bench.put("late too", within_s=0.01)]
            time.sleep(0.05)  # noqa: ASYNC251  # the loop is busy
        answers = await asyncio.gather(*futures, return_exceptions=True)
        return [getattr(each, "code", each) for each in answers], bench.rows()

    assert on_bench(tmp_path, story) == (["deadline_exceeded", "patient", "deadline_exceeded"], ["patient"])


def test_a_cancelled_job_is_taken_out(tmp_path: Path) -> None:
    """A caller who goes away while its job is queued leaves nothing behind; a group of such jobs alone is no transaction."""

    async def story(bench: Bench) -> Any:
        with bench.turn:
            gone = bench.put("gone")
            gone.cancel()
        await bench.put("here")
        return bench.rows()

    assert on_bench(tmp_path, story) == ["here"]


def test_a_running_job_is_finished_for_a_caller_who_left(tmp_path: Path) -> None:
    """Cancelling a job that runs already does not stop it, nor hurt the group."""
    running, go_on = Event(), Event()

    def slow(connection: apsw.Connection) -> None:
        running.set()
        go_on.wait(5)
        insert("slow")(connection)

    async def story(bench: Bench) -> Any:
        future = bench.writer.submit(slow, CLOCK.monotonic_s() + 5)
        await asyncio.to_thread(running.wait, 5)
        future.cancel()
        go_on.set()
        await bench.put("next")
        return bench.rows()

    assert on_bench(tmp_path, story) == ["slow", "next"]


def test_a_full_queue_refuses_at_once(tmp_path: Path) -> None:
    """Beyond its bound the queue takes nothing; places of callers who left are free again."""

    async def story(bench: Bench) -> Any:
        with bench.turn:
            futures = [bench.put(number) for number in range(3)]
            with pytest.raises(Unavailable, match="overloaded"):
                bench.put("too many")
            futures[1].cancel()
            futures.append(bench.put("instead"))
            assert bench.writer.queued == 3
        await asyncio.gather(*futures, return_exceptions=True)
        return bench.rows()

    assert on_bench(tmp_path, story, queue_max=3) == [0, 2, "instead"]


def test_a_group_is_bounded(tmp_path: Path) -> None:
    """No more jobs than the bound, and no more steps than a bulk request has, are one transaction."""

    async def story(bench: Bench) -> Any:
        await bench.put("before")  # the connection is there
        (connection,) = bench.opened
        written = note_commits(connection)
        with bench.turn:
            futures = [bench.put(0, weight=600), bench.put(1, weight=600), bench.put(2), bench.put(3), bench.put(4)]
        await asyncio.gather(*futures)
        return written

    assert on_bench(tmp_path, story, group_max=3) == [2, 5, 6]


@pytest.mark.parametrize(("bulk", "awaited", "joins"), [(True, False, True), (True, True, False), (False, False, False)])
def test_what_comes_meanwhile_joins_a_load(tmp_path: Path, bulk: bool, awaited: bool, joins: bool) -> None:  # noqa: FBT001  # parameters
    """A process that loads commits what was queued while it ran together with that; where another one waits it gives way first."""

    async def story(bench: Bench) -> Any:
        runs, go_on = Event(), Event()

        def slow(connection: apsw.Connection) -> None:
            insert("first")(connection)
            runs.set()
            go_on.wait(5)

        first = bench.writer.submit(slow, CLOCK.monotonic_s() + 10)
        await asyncio.to_thread(runs.wait)
        second = bench.put("second")
        joined: list[bool] = []
        first.add_done_callback(lambda _: joined.append(second.done()))
        with _waiting(tmp_path) if awaited else nullcontext():
            go_on.set()
            await asyncio.gather(first, second)
        return joined, bench.rows()

    assert on_bench(tmp_path, story, bulk=bulk) == ([joins], ["first", "second"])


@contextmanager
def _waiting(data_dir: Path) -> Iterator[None]:
    """Somebody waits for the turn, which is held, and lets it go at once when it comes."""
    turn, looking = Turn(data_dir), Turn(data_dir)

    def wait() -> None:
        with turn:
            pass

    thread = Thread(target=wait)
    thread.start()
    while not looking.is_awaited():
        time.sleep(0.01)
    yield
    thread.join()
    turn.close()
    looking.close()


def test_one_who_joins_and_fails_costs_nobody_his_row(tmp_path: Path) -> None:
    """A plain job that fails half-way takes the transaction with it: all others of its group run again, each by itself."""

    async def story(bench: Bench) -> Any:
        runs, go_on = Event(), Event()

        def slow(connection: apsw.Connection) -> None:
            insert("first")(connection)
            runs.set()
            go_on.wait(5)

        def bad(connection: apsw.Connection) -> None:
            insert("bad")(connection)
            raise Refused("forbidden")

        futures = [bench.writer.submit(slow, CLOCK.monotonic_s() + 10, guarded=False)]
        await asyncio.to_thread(runs.wait)
        futures += [bench.writer.submit(bad, CLOCK.monotonic_s() + 10, guarded=False), bench.put("third", guarded=False)]
        go_on.set()
        return await asyncio.gather(*futures, return_exceptions=True), bench.rows()

    (first, bad, third), rows = on_bench(tmp_path, story, bulk=True)
    assert (first, third, rows) == (None, "third", ["first", "third"])
    assert isinstance(bad, Refused)


def test_who_holds_the_turn_sees_that_another_waits(tmp_path: Path) -> None:
    """Only while somebody does; to look takes nobody's place."""
    ours = Turn(tmp_path)
    with ExitStack() as waiting, ours:
        seen = [ours.is_awaited()]
        waiting.enter_context(_waiting(tmp_path))
        seen += [ours.is_awaited(), ours.is_awaited()]
    assert [*seen, ours.is_awaited()] == [False, True, True, False]
    ours.close()


def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    """What was queued before closing is done; what comes later is refused."""

    async def story(bench: Bench) -> Any:
        with bench.turn:
            futures = [bench.put(number) for number in range(3)]
            closing = asyncio.get_running_loop().run_in_executor(None, bench.writer.close, 10)
            await asyncio.sleep(0.05)
            with pytest.raises(Unavailable):
                bench.put("late")
        assert await closing
        return await asyncio.gather(*futures), bench.rows()

    assert on_bench(tmp_path, story) == ([0, 1, 2], [0, 1, 2])


def test_an_answer_for_a_loop_that_ended_is_dropped(tmp_path: Path) -> None:
    """A process may end its loop while a job runs; the writer goes on for the next one."""
    bench = Bench(tmp_path)

    async def leave() -> None:
        bench.put(1)

    with bench.turn:
        asyncio.run(leave())
    asyncio.run(_await(lambda: bench.put(2)))
    assert bench.writer.close(10)
    assert bench.rows()[-1] == 2


async def _await(make: Callable[[], "asyncio.Future[Any]"]) -> Any:
    return await make()


def test_an_outsider_who_holds_the_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that locks the database without taking the turn delays writes; they are made once it lets go."""
    monkeypatch.setattr("holdfast.store.sqlite.connection.BUSY_TIMEOUT_MS", 20)

    async def story(bench: Bench) -> Any:
        outside = apsw.Connection(str(bench.path))
        outside.execute("BEGIN IMMEDIATE")
        future = bench.put("patient")
        error = await refusal(bench.put("hasty", within_s=0.1))
        assert "BusyError" in bench.writer.fault
        outside.execute("ROLLBACK")
        outside.close()
        return await future, error.code, bench.writer.fault

    assert on_bench(tmp_path, story) == ("patient", "deadline_exceeded", "")


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


def test_a_full_disk_at_commit_is_a_clean_refusal(tmp_path: Path) -> None:
    """When the log cannot grow nothing was done, for the whole group; once there is room, the same writer goes on by itself."""

    async def story(bench: Bench, disk: FaultyDisk) -> Any:
        await bench.put("before")
        disk.failing = "full"
        with bench.turn:
            futures = [bench.put(number) for number in range(3)]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        fault = bench.writer.fault
        disk.failing = ""
        for _ in range(40):  # the writer tries the disk once a second
            await asyncio.sleep(0.1)
            if not bench.writer.fault:
                break
        healed = bench.writer.fault
        await bench.put("after")
        return [getattr(each, "code", each) for each in answers], fault, healed, bench.rows()

    with faulty_disk() as disk:
        codes, fault, healed, rows = on_bench(tmp_path, lambda bench: story(bench, disk))
    assert codes == ["unavailable"] * 3
    assert "FullError" in fault
    assert healed == ""
    assert rows == ["before", "after"]


def test_a_commit_that_fails_otherwise_is_of_unknown_outcome(tmp_path: Path) -> None:
    """When the disk fails to sync, nobody knows: every job of the group is told so, and the connection is replaced after a check."""

    async def story(bench: Bench, disk: FaultyDisk) -> Any:
        await bench.put("before")
        disk.failing = "sync"
        with bench.turn:
            futures = [bench.put(number) for number in range(2)]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        disk.failing = ""
        await bench.put("after")
        return [getattr(each, "code", each) for each in answers], len(bench.opened), bench.rows()

    with faulty_disk() as disk:
        codes, opened, rows = on_bench(tmp_path, lambda bench: story(bench, disk))
    assert codes == ["outcome_unknown"] * 2
    assert opened == 2
    assert rows[0] == "before"
    assert rows[-1] == "after"


def refuse_if_there(value: object) -> Callable[[apsw.Connection], object]:
    """A job that is refused where a row is there."""

    def work(connection: apsw.Connection) -> object:
        if connection.execute("SELECT 1 FROM t WHERE x = ?", (value,)).fetchall():
            raise Refused("version_conflict")
        return value

    return work


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
        answers = await asyncio.gather(*futures, return_exceptions=True)
        disk.failing = ""
        return [getattr(each, "code", each) for each in answers]

    with faulty_disk() as disk:
        assert on_bench(tmp_path, lambda bench: story(bench, disk)) == ["version_conflict", code, "unavailable"]


def test_a_refusal_that_ends_a_transaction_is_judged_again(tmp_path: Path) -> None:
    """A job that is refused half-way, because of a neighbour that is then refused itself when it runs alone, is not refused for it."""
    runs: list[str] = []

    def fickle(connection: apsw.Connection) -> object:
        runs.append("fickle")
        if len(runs) > 2:
            raise Refused("not_found")
        connection.execute("INSERT INTO t VALUES ('new')")
        return "new"

    def bad(connection: apsw.Connection) -> object:
        runs.append("bad")
        connection.execute("INSERT INTO t VALUES ('half')")
        return refuse_if_there("new")(connection)

    async def story(bench: Bench) -> Any:
        deadline_s = CLOCK.monotonic_s() + 5
        with bench.turn:
            futures = [bench.writer.submit(each, deadline_s, guarded=False) for each in (fickle, bad)]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        return [getattr(each, "code", each) for each in answers], bench.rows()

    assert on_bench(tmp_path, story) == (["not_found", "new"], ["half"])
    assert runs == ["fickle", "bad", "fickle", "bad"]


def test_a_database_that_cannot_be_opened_is_a_clean_refusal(tmp_path: Path) -> None:
    """Where no connection can be had every queued job is refused at once, and the next one after the fault is made."""

    async def story(bench: Bench) -> Any:
        bench.path.rename(tmp_path / "away")
        with bench.turn:
            futures = [bench.put(number) for number in range(2)]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        fault = bench.writer.fault
        (tmp_path / "away").rename(bench.path)
        await bench.put("after")
        return [getattr(each, "code", each) for each in answers], fault, bench.rows()

    codes, fault, rows = on_bench(tmp_path, story)
    assert codes == ["unavailable"] * 2
    assert "CantOpenError" in fault
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

    with faulty_disk() as disk:
        codes, fault = on_bench(tmp_path, lambda bench: story(bench, disk))
    assert codes == ["unavailable"] * 2
    assert "CorruptError" in fault


def test_a_turn_that_cannot_be_taken_refuses_everyone(tmp_path: Path) -> None:
    """Whatever fails outside SQLite, nobody waits in vain and the thread goes on."""

    async def story(bench: Bench) -> Any:
        bench.writer._turn.close()
        answers = await asyncio.gather(bench.put(1), return_exceptions=True)
        bench.writer._turn = Turn(tmp_path)
        await bench.put(2)
        return [type(each) for each in answers], bench.rows()

    assert on_bench(tmp_path, story) == ([Broken], [2])


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


def test_the_turn_passes_in_the_order_of_asking(tmp_path: Path) -> None:
    """Who holds the turn and asks again goes behind the one who waits."""
    order: list[str] = []
    first, second = Turn(tmp_path), Turn(tmp_path)
    waiting = Thread(target=lambda: _take(second, "waiting", order))
    with first:
        waiting.start()
        time.sleep(0.05)
    _take(first, "again", order)
    waiting.join()
    assert order == ["waiting", "again"]
    first.close()
    second.close()


def _take(turn: Turn, name: str, order: list[str]) -> None:
    with turn:
        order.append(name)


def test_the_turn_is_given_up_by_a_process_that_dies(tmp_path: Path) -> None:
    """A killed holder leaves no lock behind."""
    script = (
        "import sys, time; from pathlib import Path; from holdfast.store.sqlite.turn import Turn\n"
        "with Turn(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.wait()
    holder.stdout.close()
    turn = Turn(tmp_path)
    with turn:
        pass
    turn.close()
