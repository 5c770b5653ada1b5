"""The writer: groups, deadlines, cancellation, overload, and what one who fails does to the neighbours."""

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import Any

import apsw
import pytest
from sqlite_library import CLOCK, refusal
from writer_bench import Bench, codes_of, insert, on_bench, refuse_if_there, waiting_for_turn

from holdfast.base.errors import Broken, Refused, Unavailable
from holdfast.store.sqlite.turn import Turn


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
        return await codes_of(*futures), bench.rows()

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
        with waiting_for_turn(tmp_path) if awaited else nullcontext():
            go_on.set()
            await asyncio.gather(first, second)
        return joined, bench.rows()

    assert on_bench(tmp_path, story, bulk=bulk) == ([joins], ["first", "second"])


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
        return await codes_of(*futures), bench.rows()

    assert on_bench(tmp_path, story) == (["not_found", "new"], ["half"])
    assert runs == ["fickle", "bad", "fickle", "bad"]


def test_a_turn_that_cannot_be_taken_refuses_everyone(tmp_path: Path) -> None:
    """Whatever fails outside SQLite, nobody waits in vain and the thread goes on."""

    async def story(bench: Bench) -> Any:
        bench.writer._turn.close()
        answers = await asyncio.gather(bench.put(1), return_exceptions=True)
        bench.writer._turn = Turn(tmp_path)
        await bench.put(2)
        return [type(each) for each in answers], bench.rows()

    assert on_bench(tmp_path, story) == ([Broken], [2])
