"""A database file that loses its name while it is served: nobody is told that anything was written to it."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from sqlite_library import AUTHORS, create, refusal, run, total, write
from writer_bench import Bench, codes_of, insert, on_bench, put_together

from holdfast.store.sqlite.store import SqliteStore

Lose = Callable[[Path], None]


def remove(path: Path) -> None:
    """Remove the database and what belongs to it."""
    for each in path.parent.glob("holdfast.db*"):
        each.unlink()


def move(path: Path) -> None:
    """Move the database away with what belongs to it."""
    away = path.parent / "away"
    away.mkdir()
    for each in path.parent.glob("holdfast.db*"):
        each.rename(away / each.name)


def put_back(path: Path) -> None:
    """Undo `move`."""
    for each in (path.parent / "away").iterdir():
        each.rename(path.parent / each.name)


def replace(path: Path) -> None:
    """Put a copy in the place of the database."""
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def remove_part(suffix: str) -> Lose:
    """Remove one of the files that belong to the database."""
    return lambda path: path.with_name(path.name + suffix).unlink()


EVERY_WAY = pytest.mark.parametrize(
    "lose",
    [os.remove, remove, move, replace, remove_part("-wal"), remove_part("-shm")],
    ids=["file", "all", "move", "replace", "wal", "shm"],
)


async def is_healed(bench: Bench) -> bool:
    """Whether the writer finds by itself, within a few of its looks, that it can write again."""
    for _ in range(40):
        await asyncio.sleep(0.1)
        if not bench.writer.fault:
            return True
    return False


@EVERY_WAY
def test_nothing_is_written_to_a_file_without_its_name(tmp_path: Path, lose: Lose) -> None:
    """A group that comes after the loss is refused whole before any job of it runs, and the reason names the file."""
    ran: list[object] = []

    async def story(bench: Bench) -> Any:
        await bench.put("before")
        lose(bench.path)
        deadline_s = 10.0 + asyncio.get_running_loop().time()
        codes = await codes_of(bench.writer.submit(ran.append, deadline_s), *(bench.put(number) for number in range(2)))
        return codes, bench.writer.fault

    codes, fault = on_bench(tmp_path, story)
    assert codes == ["unavailable"] * 3
    assert ran == []
    assert str(tmp_path / "holdfast.db") in fault


@EVERY_WAY
def test_a_file_lost_before_the_answer_is_of_unknown_outcome(tmp_path: Path, lose: Lose) -> None:
    """A group during which the file was lost is committed nobody knows where: no job of it is told that it was done."""

    def work(connection: apsw.Connection) -> None:
        insert("during")(connection)
        lose(tmp_path / "holdfast.db")

    async def story(bench: Bench) -> Any:
        await bench.put("before")
        with bench.turn:
            futures = [bench.put("with it"), bench.writer.submit(work, 10.0 + asyncio.get_running_loop().time())]
        return await codes_of(*futures)

    assert on_bench(tmp_path, story) == ["outcome_unknown"] * 2


def test_a_file_that_comes_back_is_written_again(tmp_path: Path) -> None:
    """Once the same file has its name again the writer goes on by itself, on the same connection, and nothing is missing."""

    async def story(bench: Bench) -> Any:
        await bench.put("before")
        move(bench.path)
        codes = await put_together(bench, 1)
        put_back(bench.path)
        healed = await is_healed(bench)
        await bench.put("after")
        return codes, healed, bench.rows(), len(bench.opened)

    assert on_bench(tmp_path, story) == (["unavailable"], True, ["before", "after"], 1)


def test_another_file_in_its_place_is_neither_written_nor_harmed(tmp_path: Path) -> None:
    """What was put in the place of the database keeps its log, also when the connections to the one before are closed."""

    async def story(bench: Bench) -> Any:
        await bench.put("before")
        move(bench.path)
        other = apsw.Connection(str(bench.path))
        other.pragma("journal_mode", "wal")
        other.execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES ('kept')")
        codes = await put_together(bench, 1)
        return codes, bench.writer.fault, other

    codes, fault, other = on_bench(tmp_path, story)
    assert codes == ["unavailable"]
    assert "is not the file that was opened" in fault
    log = tmp_path / "holdfast.db-wal"
    assert log.stat().st_size > 0
    assert other.execute("SELECT * FROM theirs").fetchall() == [("kept",)]
    other.close()
    moved = apsw.Connection(str(tmp_path / "away" / "holdfast.db"))
    assert moved.execute("SELECT x FROM t").fetchall() == [("before",)]
    moved.close()


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_log_that_is_removed_alone_costs_nothing(tmp_path: Path, suffix: str) -> None:
    """Its end is held by the connections, which write it back when they are closed."""

    async def story(bench: Bench) -> Any:
        await bench.put("before")
        remove_part(suffix)(bench.path)
        await put_together(bench, 1)
        return bench.path

    outside = apsw.Connection(str(on_bench(tmp_path, story)))
    assert outside.execute("SELECT x FROM t").fetchall() == [("before",)]
    outside.close()


@EVERY_WAY
def test_reads_go_on_while_the_file_is_lost(tmp_path: Path, lose: Lose) -> None:
    """What was acknowledged is still shown by the connections that have it open."""

    async def story(store: SqliteStore) -> Any:
        await store.write(write(create(AUTHORS)))
        before = await total(store, AUTHORS)
        lose(tmp_path / "holdfast.db")
        code = (await refusal(store.write(write(create(AUTHORS))))).code
        return before, code, await total(store, AUTHORS)

    assert run(tmp_path, story) == (1, "unavailable", 1)
