"""The n-th failure: every statement of every kind of write fails in turn, and what is left is the state before or the one after.

A group of three requests is written at once; the middle one is the kind under test, and statement n of the whole group fails. The driver
itself is told to fail, on the connection that writes: nothing of ours is replaced.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from threading import current_thread
from typing import Any

import apsw
import pytest
from sqlite_library import (
    AUTHORS,
    BOOKS,
    CATALOG,
    CHAPTERS,
    CLOCK,
    NODES,
    NOTES,
    create,
    delete,
    update,
    watching_connections,
    where,
    write,
)

from holdfast.base.errors import Unavailable
from holdfast.core import condition as c
from holdfast.core.plan import Claim, Kept, Row, WriteStep
from holdfast.store.sqlite.store import SqliteStore
from holdfast.store.sqlite.turn import Turn

_keys = count()


def _refuse(connection: apsw.Connection, _text: str) -> None:
    """The statement is refused; the transaction is left as it is, as after a full disk."""
    raise apsw.FullError("the disk is full")


def _break(connection: apsw.Connection, text: str) -> None:
    """The statement fails and takes the transaction with it, as SQLite does after an interrupt or a fault of the disk."""
    if connection.in_transaction and text != "ROLLBACK":
        connection.execute("ROLLBACK")
    raise apsw.IOError("the disk failed")


def _deceive(connection: apsw.Connection, text: str) -> None:
    """A COMMIT reaches the disk and fails all the same; any other statement is broken."""
    if text != "COMMIT":
        _break(connection, text)
    connection.execute("COMMIT")
    raise apsw.IOError("the disk failed late")


class Fault:
    """Lets statement `nth` of the writer fail, once or from then on."""

    def __init__(self) -> None:
        self.fail: Callable[[apsw.Connection, str], None] = _refuse
        self.nth, self.goes_on, self.seen, self.fired = 0, False, 0, 0
        self._failing = False

    def arm(self, fail: Callable[[apsw.Connection, str], None], nth: int, *, goes_on: bool) -> None:
        """Begin to count statements."""
        self.fail, self.nth, self.goes_on, self.seen, self.fired = fail, nth, goes_on, 0, 0

    def disarm(self) -> None:
        """Let everything pass again."""
        self.nth = 0

    def watch(self, connection: apsw.Connection) -> None:
        """Watch a new connection."""
        connection.exec_trace = lambda cursor, text, _bindings: self._trace(cursor.connection, text)

    def _trace(self, connection: apsw.Connection, text: str) -> bool:
        if not self.nth or self._failing or current_thread().name != "holdfast-writer":
            return True
        self.seen += 1
        if self.seen == self.nth or (self.goes_on and self.seen > self.nth):
            self.fired += 1
            self._failing = True
            try:
                self.fail(connection, text)
            finally:
                self._failing = False
        return True


@contextmanager
def faults() -> Iterator[Fault]:
    """A fault that every connection opened in the block can have."""
    fault = Fault()
    with watching_connections(fault.watch):
        yield fault


def keep(rows: tuple[Row | None, ...]) -> Kept:
    """The answer that is kept: what the rows show."""
    return Kept(200, (("etag", "x"),), b"|".join(b"-" if each is None else each.text.encode() for each in rows))


@dataclass
class Target:
    """The write under test: what must be there before it, its steps, and whether it has a key."""

    before: tuple[WriteStep, ...]
    steps: tuple[WriteStep, ...]
    keyed: bool = True


def _of_create() -> Target:
    return Target((), (create(AUTHORS, name="Target", email=f"t{next(_keys)}@e.org"),))


def _of_create_without_key() -> Target:
    return Target((), _of_create().steps, keyed=False)


def _of_bulk() -> Target:
    return Target((), tuple(create(AUTHORS, name="Bulk") for _ in range(3)), keyed=False)


def _of_update() -> Target:
    made = create(AUTHORS, name="Old")
    return Target((made,), (update(made, 1, name="New"),))


def _of_delete() -> Target:
    made = create(NOTES)
    return Target((made,), (delete(made, 1),), keyed=False)


def _of_cascade() -> Target:
    author = create(AUTHORS)
    book = create(BOOKS, author_id=author.id, title=f"T{next(_keys)}")
    chapter = create(CHAPTERS, book_id=book.id)
    return Target((author, book, chapter, create(NOTES, chapter_id=chapter.id)), (delete(book, 1),))


def _of_ring() -> Target:
    first = create(NODES)
    second = create(NODES, parent_id=first.id)
    return Target((first, second), (update(first, 1, parent_id=second.id), delete(second, 1)), keyed=False)


def _of_batch() -> Target:
    old, gone = create(AUTHORS, name="Old"), create(NOTES)
    new = create(AUTHORS, name="New")
    return Target((old, gone), (new, create(BOOKS, author_id=new.id), update(old, 1, name="Changed"), delete(gone, 1)))


def _of_bounded() -> Target:
    """A creation and a change that are asked what they become, and for the records that they refer to."""
    names = where(AUTHORS, "name", "Bound")
    by_name = c.Test(c.Path(AUTHORS.by_member["name"], (c.Step(BOOKS.by_name["author"], AUTHORS),)), c.Operator.EQUALS, "Bound")
    author, old = create(AUTHORS, name="Bound"), create(BOOKS, title="Old")
    old = replace(old, values={**old.values, "author_id": author.id})
    made = replace(create(BOOKS, author_id=author.id, title="New"), become=by_name, shown=by_name, targets={"author_id": names})
    changed = replace(update(old, 1, title="Changed", author_id=author.id), where=by_name, allow=by_name, become=by_name)
    return Target((author, old), (made, replace(changed, targets={"author_id": names}, locked={"last_page": c.NEVER})))


TARGETS = [_of_create, _of_create_without_key, _of_bulk, _of_update, _of_delete, _of_cascade, _of_ring, _of_batch, _of_bounded]
_TABLES = ("authors", "books", "chapters", "notes", "nodes", "hf_journal", "hf_gone", "hf_idempotency")
_INDEXES = ("hf_search_authors", "hf_search_books", "hf_search_chapters")


class Outside:
    """The database as a stranger sees it."""

    def __init__(self, data_dir: Path) -> None:
        self._connection = apsw.Connection(str(data_dir / "holdfast.db"), flags=apsw.SQLITE_OPEN_READONLY)

    def counts(self) -> dict[str, int]:
        """How many rows each table has, and how many records of each version there are."""
        found = {table: int(str(self._one(f"SELECT count(*) FROM {table}"))) for table in _TABLES}  # noqa: S608  # names of ours
        found["versions"] = sum(int(str(self._one(f"SELECT coalesce(sum(version), 0) FROM {each}"))) for each in _TABLES[:5])  # noqa: S608
        for index in ("authors", "books"):
            found[f"search {index}"] = int(str(self._one(f'SELECT count(*) FROM "hf_search_{index}"')))  # noqa: S608
        return found

    def check(self) -> None:
        """Everything that SQLite can check, and that each record's version is that of its last journal entry."""
        assert self._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert self._connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in _TABLES[:5]:
            last = "SELECT max(version) FROM hf_journal AS j WHERE j.record_id = t.id"
            assert self._one(f"SELECT count(*) FROM {table} AS t WHERE t.version IS NOT ({last})") == 0  # noqa: S608

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _one(self, query: str) -> object:
        ((value,),) = self._connection.execute(query).fetchall()
        return value


def _difference(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def _sum(parts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return {name: number for name, number in total.items() if number}


class Loop:
    """Writes one kind of target again and again, each time with the next statement failing."""

    def __init__(self, store: SqliteStore, data_dir: Path, fault: Fault, make: Callable[[], Target]) -> None:
        self.store, self.fault, self.make = store, fault, make
        self.turn, self.outside = Turn(data_dir), Outside(data_dir)

    async def learn(self) -> list[dict[str, int]]:
        """What a neighbour and the target change where nothing fails."""
        effects = []
        for target in (Target((), (create(AUTHORS),), keyed=False), self.make()):
            await self._prepare(target)
            before = self.outside.counts()
            await self._submit(target)
            effects.append(_difference(self.outside.counts(), before))
        return effects

    async def run(self, fail: Callable[[apsw.Connection, str], None], nth: int, effects: list[dict[str, int]], *, goes_on: bool) -> int:
        """One group with one failure; how often it fired."""
        target = self.make()
        await self._prepare(target)
        neighbours = [Target((), (create(AUTHORS),), keyed=False) for _ in range(2)]
        before = self.outside.counts()
        with self.turn:
            asked = [asyncio.ensure_future(self._submit(each)) for each in (neighbours[0], target, neighbours[1])]
            await asyncio.sleep(0)
            self.fault.arm(fail, nth, goes_on=goes_on)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        self.fault.disarm()
        await self._judge(outcomes, [effects[0], effects[1], effects[0]], _difference(self.outside.counts(), before))
        return self.fault.fired

    async def _judge(self, outcomes: list[Any], effects: list[dict[str, int]], change: dict[str, int]) -> None:
        """Each of the three is wholly there or not at all, and as it was told."""
        told = [_tell(each) for each in outcomes]
        possible = [
            present
            for present in _choices(len(effects))
            if _sum([effect for effect, there in zip(effects, present, strict=True) if there]) == change
            and all(said is None or said == there for said, there in zip(told, present, strict=True))
        ]
        assert possible, f"told {told}, changed {change}, {outcomes}"

    async def _prepare(self, target: Target) -> None:
        if target.before:
            await self.store.write(write(*target.before))

    async def _submit(self, target: Target) -> object:
        plan = write(*target.steps)
        if not target.keyed:
            return await self.store.write(plan)
        return await self.store.write_once(plan, Claim(next(_keys).to_bytes(16, "big"), b"f" * 16, keep))

    def close(self) -> None:
        """Give back what the loop holds."""
        self.outside.close()
        self.turn.close()


def _tell(outcome: object) -> bool | None:
    """Whether a request was told that it is done; None where it was told that nobody knows."""
    if not isinstance(outcome, BaseException):
        return True
    assert isinstance(outcome, Unavailable), outcome
    return None if outcome.code == "outcome_unknown" else False


def _choices(size: int) -> list[tuple[bool, ...]]:
    return [tuple(bool(number >> place & 1) for place in range(size)) for number in range(2**size)]


@pytest.mark.parametrize(
    ("fail", "goes_on"),
    [(_refuse, False), (_refuse, True), (_break, False), (_break, True), (_deceive, False)],
    ids=["refused once", "refused from then on", "broken once", "broken from then on", "late"],
)
@pytest.mark.parametrize("make", TARGETS)
def test_a_failing_statement_leaves_before_or_after(
    tmp_path: Path,
    make: Callable[[], Target],
    fail: Callable[[apsw.Connection, str], None],
    goes_on: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    """Whichever statement fails, and however: every request of the group is wholly there or not at all, and as it was told.

    Afterwards the store goes on without a restart, nothing is left open, and the turn is free.
    """

    async def story(fault: Fault) -> int:
        store = SqliteStore(CATALOG, tmp_path, CLOCK, create=True)
        loop = Loop(store, tmp_path, fault, make)
        fired = 0
        try:
            effects = await loop.learn()
            for nth in count(1):
                if not await loop.run(fail, nth, effects, goes_on=goes_on):
                    break
                fired += 1
            loop.outside.check()
        finally:
            loop.close()
            await store.close()
        return fired

    with faults() as fault:
        assert asyncio.run(story(fault)) >= 8
    assert not [each for each in apsw.connections() if str(tmp_path) in (each.filename or "")]
    with Turn(tmp_path):
        pass


@pytest.mark.parametrize("kept", [True, False])
def test_a_key_is_claimed_with_its_write_or_not_at_all(tmp_path: Path, kept: bool) -> None:  # noqa: FBT001  # a case
    """Whichever statement fails, a repeat under the same key ends with one record, and with the answer that it has."""

    async def story(fault: Fault) -> int:
        store = SqliteStore(CATALOG, tmp_path, CLOCK, create=True)
        outside = Outside(tmp_path)
        try:
            for nth in count(1):
                claim = Claim(next(_keys).to_bytes(16, "big"), b"f" * 16, keep if kept else None)
                before = outside.counts()["authors"]
                fault.arm(_deceive, nth, goes_on=False)
                try:
                    await store.write_once(write(create(AUTHORS)), claim)
                except Unavailable:
                    fault.disarm()
                fault.disarm()
                told = [await store.write_once(write(create(AUTHORS)), claim) for _ in range(2)]
                assert told[1].replayed
                assert told[0].kept == told[1].kept if kept else told[0].rows == told[1].rows
                assert outside.counts()["authors"] == before + 1
                if not fault.fired:
                    return nth - 1
        finally:
            outside.close()
            await store.close()
        raise AssertionError("the loop never ends")

    with faults() as fault:
        assert asyncio.run(story(fault)) >= 8
