"""A bench for the writer: a table of one column, jobs on it, and others who want the turn."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import apsw
from sqlite_library import CATALOG, CLOCK

from holdfast.base.errors import Refused
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.connection import open_writer
from holdfast.store.sqlite.file import DatabaseFile
from holdfast.store.sqlite.schema import prepare
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
        self.writer = Writer(
            DatabaseFile(self.path), self._connect, Turn(data_dir), CLOCK, queue_max=queue_max, group_max=group_max, bulk=bulk
        )

    def _connect(self, path: Path) -> apsw.Connection:
        self.opened.append(open_writer(path))
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


def refuse_if_there(value: object) -> Callable[[apsw.Connection], object]:
    """A job that is refused where a row is there."""

    def work(connection: apsw.Connection) -> object:
        if connection.execute("SELECT 1 FROM t WHERE x = ?", (value,)).fetchall():
            raise Refused("version_conflict")
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


async def codes_of(*waiting: Awaitable[Any]) -> list[Any]:
    """What some jobs are refused with; the value of one that is not."""
    return [getattr(each, "code", each) for each in await asyncio.gather(*waiting, return_exceptions=True)]


async def put_together(bench: Bench, count: int) -> list[Any]:
    """What becomes of so many values that are put in one group."""
    with bench.turn:
        futures = [bench.put(number) for number in range(count)]
    return await codes_of(*futures)


@contextmanager
def waiting_for_turn(data_dir: Path) -> Iterator[None]:
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
