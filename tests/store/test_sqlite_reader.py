"""Reading: at once where it is short, in the pool where it is not, and totals that the journal keeps true."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from inspect import isawaitable
from pathlib import Path
from threading import Event
from typing import Any

import apsw
import pytest
from sqlite_library import (
    AUTHORS,
    BOOKS,
    CATALOG,
    CLOCK,
    NOTES,
    create,
    delete,
    listing,
    make_id,
    page,
    read,
    refusal,
    run,
    settle,
    shown,
    total,
    update,
    where,
    write,
)

from holdfast.base.errors import Broken, Unavailable
from holdfast.core import condition as c
from holdfast.core.plan import Create, Order, ReadOne
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.statement import Statement
from holdfast.store.sqlite import counter, reader
from holdfast.store.sqlite import totals as totals_room
from holdfast.store.sqlite.connection import open_writer
from holdfast.store.sqlite.lane import Lane, Limit
from holdfast.store.sqlite.pool import CALLS_MAX, ReadPool
from holdfast.store.sqlite.store import SqliteStore
from holdfast.store.sqlite.totals import DELTA_ENTRIES_MIN, Total, Totals, build_key

FOREVER = Statement("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n", ())
SOUTH = where(AUTHORS, "name", "South")


def counted(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> list[ResourceSpec]:
    """A list that grows with each count(*) that the store asks for."""
    asked: list[ResourceSpec] = []
    rendered = store._reader._renderer.count

    def count(resource: ResourceSpec, condition: c.Condition) -> Statement:
        asked.append(resource)
        return rendered(resource, condition)

    monkeypatch.setattr(store._reader._renderer, "count", count)
    return asked


def test_a_page_says_whether_the_list_goes_on(tmp_path: Path) -> None:
    """`next` holds the sort values of the last row where there are more, and is None at the end; following it finds every row once."""

    async def story(store: SqliteStore) -> Any:
        await store.write(write(*(create(AUTHORS, name=name) for name in "cabed")))
        names, after = [], None
        for _ in range(3):
            found = await page(store, listing(AUTHORS, limit=2, after=after, order=(Order(c.Path(AUTHORS.by_member["name"])),)))
            names.append([name for text in found.rows for name in "abcde" if f'"name":"{name}"' in text])
            after = found.next
        return names, after, (await page(store, listing(AUTHORS, limit=5, count=False))).total

    assert run(tmp_path, story) == ([["a", "b"], ["c", "d"], ["e"]], None, None)


def test_short_reads_come_back_at_once(tmp_path: Path) -> None:
    """A read by id and a filtered list need no awaiting; an unfiltered total is first counted in a thread, and then comes at once."""
    made = create(AUTHORS)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(made))
        plans = [listing(AUTHORS, where(AUTHORS, "name", "Ada")), listing(AUTHORS)]
        first = [isawaitable(answer := store.read_many(plan)) and bool(await answer) for plan in plans]
        return isawaitable(store.read_one(ReadOne(made.id, made.view))), first, isawaitable(store.read_many(plans[1]))

    assert run(tmp_path, story) == (False, [False, True], False)


def test_a_moment_is_one_state_of_the_database(tmp_path: Path) -> None:
    """Reads by id, pages and totals within it see no write that commits meanwhile; what is read after it does."""
    made, counted_late = create(AUTHORS, name="North"), where(AUTHORS, "name", "North")

    async def story(store: SqliteStore) -> Any:
        await store.write(write(made))

        def look() -> tuple[bool, int | None]:
            found = store.read_many(listing(AUTHORS, counted_late))
            assert not isawaitable(found)
            return store.read_one(ReadOne(made.id, made.view)) is not None, found.total

        other = apsw.Connection(str(tmp_path / "holdfast.db"))
        with store.moment():
            before = look()
            other.execute("DELETE FROM authors")
            within = look()
            with store.moment():
                inner = look()
            still = look()
        after = store.read_one(ReadOne(made.id, made.view))
        other.close()
        connection = store._reader._lane._connection
        assert connection is not None
        return before, within, inner, still, after, connection.in_transaction

    seen = (True, 1)
    assert run(tmp_path, story) == (seen, seen, seen, seen, None, False)


def test_a_moment_outlives_a_read_that_does_not(tmp_path: Path) -> None:
    """A read that is stopped within it goes to the pool, and the moment ends all the same."""

    async def story(store: SqliteStore) -> Any:
        made = create(AUTHORS)
        await store.write(write(made, *(create(AUTHORS, name=f"x{number}") for number in range(900))))
        with store.moment(), slices(-1.0):
            slow = store.read_many(listing(AUTHORS, c.Not(SOUTH), count=False, limit=1_000))
            quick = store.read_one(ReadOne(made.id, made.view))
        connection = store._reader._lane._connection
        assert connection is not None
        return isawaitable(slow) and len((await slow).rows), quick is not None, connection.in_transaction

    assert run(tmp_path, story) == (901, True, False)


@contextmanager
def slices(seconds: float) -> Iterator[None]:
    """Give reads on the loop another slice of time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "SLICE_S", seconds)
        yield


def test_what_outlives_its_slice_is_read_in_the_pool(tmp_path: Path) -> None:
    """Reads that are stopped on the loop give the same answer from the pool, and lists that were too slow go there directly for a while."""
    slow_list = listing(AUTHORS, c.Not(SOUTH), order=(Order(c.Path(AUTHORS.by_member["name"])),), count=False, limit=1)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(*(create(AUTHORS, name="x" * 500 + str(number)) for number in range(900))))
        quick = await settle(store.read_many(slow_list))
        with slices(-1.0):
            answer = store.read_many(slow_list)
            assert isawaitable(answer)
            slow = await answer
        again = store.read_many(slow_list)
        assert isawaitable(again)
        return quick == slow == await again

    assert run(tmp_path, story)


def test_a_record_that_is_slow_to_find_is_read_in_the_pool(tmp_path: Path) -> None:
    """A read by id whose condition takes long is stopped on the loop, and answered from the pool."""
    author = create(AUTHORS, name="Author")
    ends = [c.Test(c.Path(AUTHORS.by_member["name"]), c.Operator.ENDS_WITH, f"{number}") for number in range(700)]
    plan = ReadOne(author.id, author.view, c.All(tuple(map(c.Not, ends))))

    async def story(store: SqliteStore) -> Any:
        await store.write(write(author))
        quick = await settle(store.read_one(plan))
        with slices(-1.0):
            answer = store.read_one(plan)
            assert isawaitable(answer)
            return quick is not None and quick == await answer

    assert run(tmp_path, story)


def test_a_slow_count_is_made_elsewhere(tmp_path: Path) -> None:
    """A count that is stopped on the loop is made in the pool; page and total are the same as without haste."""
    plan = listing(AUTHORS, c.Not(SOUTH), limit=1)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(*(create(AUTHORS, name="x" * 500) for _ in range(900))))
        with slices(-1.0):
            answer = store.read_many(plan)
            assert isawaitable(answer)
            found = await answer
        return len(found.rows), found.total

    assert run(tmp_path, story) == (1, 900)


def test_a_count_that_was_slow_is_not_tried_on_the_loop_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What took longer than a slice and cannot be adjusted is counted in a thread at once."""
    condition = c.Matches(AUTHORS, ("ada",))

    async def story(store: SqliteStore) -> Any:
        monkeypatch.setattr(counter, "SLICE_S", -1.0)
        await store.write(write(create(AUTHORS)))
        assert not isawaitable(store.read_many(listing(AUTHORS, condition)))
        await store.write(write(create(AUTHORS)))
        answer = store.read_many(listing(AUTHORS, condition))
        assert isawaitable(answer)
        return (await answer).total

    assert run(tmp_path, story) == 2


def test_everyone_who_asks_at_once_shares_one_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty readers of a list whose total is unknown cause one count; one who goes away takes nothing from the others."""

    async def story(store: SqliteStore) -> Any:
        await store.write(write(create(AUTHORS), create(AUTHORS)))
        asked = counted(store, monkeypatch)
        waiting = [asyncio.ensure_future(settle(store.read_many(listing(AUTHORS)))) for _ in range(20)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pages = await asyncio.gather(*waiting[1:])
        return {each.total for each in pages}, len(asked)

    assert run(tmp_path, story) == ({2}, 1)


def test_a_total_costs_nothing_while_the_journal_stands_and_a_delta_when_it_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first count a total is never counted again, whatever is created, changed or deleted."""
    made = [create(AUTHORS, name=name) for name in ("South", "South", "North")]

    async def story(store: SqliteStore) -> Any:
        await store.write(write(*made))
        asked = counted(store, monkeypatch)
        totals = [await total(store, AUTHORS, SOUTH), await total(store, AUTHORS, SOUTH)]
        for step in (update(made[2], name="South"), update(made[0], name="North"), delete(made[1]), create(AUTHORS, name="South")):
            await store.write(write(step))
            totals.append(await total(store, AUTHORS, SOUTH))
        return totals, len(asked)

    assert run(tmp_path, story) == ([2, 2, 3, 2, 1, 2], 1)


def test_a_total_is_counted_again_where_the_journal_cannot_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter through a reference is counted again once the other resource moved, a search whenever anything did."""
    ada = create(AUTHORS, name="South")
    book = create(BOOKS, author_id=ada.id, title="Notes")
    step = c.Step(BOOKS.by_member["author_id"], AUTHORS)
    through = c.Test(c.Path(AUTHORS.by_member["name"], (step,)), c.Operator.EQUALS, "South")

    async def story(store: SqliteStore) -> Any:
        await store.write(write(ada, book))
        asked = counted(store, monkeypatch)
        found = []
        for change in (None, create(BOOKS, author_id=ada.id), update(ada, name="North")):
            if change is not None:
                await store.write(write(change))
            found.append((await total(store, BOOKS, through), len(asked)))
        searched = c.Matches(BOOKS, ("notes",))
        found.append((await total(store, BOOKS, searched), len(asked)))
        await store.write(write(update(book, title="Other")))
        found.append((await total(store, BOOKS, searched), len(asked)))
        return found

    assert run(tmp_path, story) == [(1, 1), (2, 1), (0, 2), (1, 3), (0, 4)]


def test_a_long_way_is_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When more entries passed than a count costs, the total is counted again."""
    monkeypatch.setattr(totals_room, "ENTRY_COST_S", 3600.0)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(create(AUTHORS, name="South")))
        asked = counted(store, monkeypatch)
        totals = [await total(store, AUTHORS, SOUTH)]
        await store.write(write(*(create(AUTHORS, name="South") for _ in range(DELTA_ENTRIES_MIN + 1))))
        totals.append(await total(store, AUTHORS, SOUTH))
        return totals, len(asked)

    assert run(tmp_path, story) == ([1, DELTA_ENTRIES_MIN + 2], 2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_totals_are_exact_whoever_writes(tmp_path: Path, seed: int) -> None:
    """With several stores writing at random to one file, every total that any of them tells equals a count of the rows.

    The seed of the run is the parameter.
    """
    dice = random.Random(seed)  # noqa: S311  # a test
    conditions = [c.ALWAYS, SOUTH, c.Not(SOUTH), c.IsNull(c.Path(AUTHORS.by_member["email"])), c.NEVER]

    def step(living: list[Create]) -> Any:
        kind = dice.choice(("create", "create", "update", "delete"))
        if kind == "create" or not living:
            living.append(create(AUTHORS, name=dice.choice(("South", "North")), email=dice.choice((None, make_id()))))
            return living[-1]
        return update(dice.choice(living), name=dice.choice(("South", "North"))) if kind == "update" else delete(living.pop())

    async def story(store: SqliteStore) -> None:
        others = [SqliteStore(CATALOG, tmp_path, CLOCK) for _ in range(2)]
        stores = [store, *others]
        living: list[Create] = []
        for _ in range(60):
            steps = [step(living) for _ in range(dice.randint(1, 4))]
            writes = [dice.choice(stores).write(write(*steps))]
            asked = dice.choice(stores)
            for condition in conditions:
                await total(asked, AUTHORS, condition)  # remembers it at a moment somewhere around the write
            await asyncio.gather(*writes)
            for each in stores:
                exact = [await total(each, AUTHORS, condition) for condition in conditions]
                rows = [len((await page(each, listing(AUTHORS, condition, limit=500))).rows) for condition in conditions]
                assert exact == rows
        for each in others:
            await each.close()

    run(tmp_path, story)


def test_page_and_total_are_of_one_moment(tmp_path: Path) -> None:
    """While others write, a page that holds the whole list has exactly as many rows as its total says."""

    async def story(store: SqliteStore) -> Any:
        other = SqliteStore(CATALOG, tmp_path, CLOCK)
        stop = Event()

        async def keep_writing() -> None:
            while not stop.is_set():
                await other.write(write(create(AUTHORS)))

        busy = asyncio.ensure_future(keep_writing())
        differences = set()
        for number in range(150):
            condition = c.ALWAYS if number % 2 else c.Not(SOUTH)
            found = await page(store, listing(AUTHORS, condition, limit=5_000))
            differences.add(len(found.rows) - (found.total or 0))
            await asyncio.sleep(0)
        stop.set()
        await busy
        await other.close()
        return differences

    assert run(tmp_path, story) == {0}


def test_no_snapshot_is_left_open(tmp_path: Path) -> None:
    """After reads that worked and reads that failed the log can be emptied whole: nobody holds an old moment."""

    async def story(store: SqliteStore) -> Any:
        await store.write(write(create(AUTHORS)))
        await total(store, AUTHORS)
        with slices(-1.0):
            await total(store, AUTHORS, c.Not(SOUTH))
        connection = open_writer(tmp_path / "holdfast.db")
        connection.execute("DROP TABLE notes")
        with pytest.raises(Broken):
            store.read_many(listing(NOTES, c.NEVER))
        counts = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)
        connection.close()
        return counts

    frames, moved = run(tmp_path, story)
    assert frames == moved


def open_pool(data_dir: Path, threads: int = 1) -> tuple[SqliteStore, ReadPool]:
    """A store and a pool of its own on the same database."""
    store = SqliteStore(CATALOG, data_dir, CLOCK, create=True)
    return store, ReadPool(store._reader._lane._file, CLOCK, threads)


def test_the_pool_stops_what_takes_too_long(tmp_path: Path) -> None:
    """A read past its deadline is stopped and told as deadline_exceeded, one that never began too; the thread is free for the next."""

    async def story() -> Any:
        store, pool = open_pool(tmp_path)
        first = asyncio.ensure_future(pool.run(lambda lane: lane.fetch(FOREVER), 0.1))
        behind = asyncio.ensure_future(pool.run(lambda lane: lane.fetch(Statement("SELECT 1", ())), 0.01))
        began = time.monotonic()
        codes = [(await refusal(each)).code for each in (first, behind)]
        waited = time.monotonic() - began
        again = await pool.run(lambda lane: lane.fetch(Statement("SELECT 1", ())), 1.0)
        pool.close()
        await store.close()
        return codes, waited < 1.0, again

    assert asyncio.run(story()) == (["deadline_exceeded"] * 2, True, [(1,)])


def test_a_caller_who_leaves_frees_the_pool(tmp_path: Path) -> None:
    """Cancelling an awaited read stops it at its next look at the clock."""

    async def story() -> Any:
        store, pool = open_pool(tmp_path)
        endless = asyncio.ensure_future(pool.run(lambda lane: lane.fetch(FOREVER), 60.0))
        await asyncio.sleep(0.05)
        endless.cancel()
        answer = await asyncio.wait_for(pool.run(lambda lane: lane.fetch(Statement("SELECT 1", ())), 5.0), 5)
        pool.close()
        await store.close()
        return answer

    assert asyncio.run(story()) == [(1,)]


def test_the_pool_is_bounded(tmp_path: Path) -> None:
    """Beyond its bound the pool refuses at once as overloaded; closing it stops what runs."""

    async def story() -> Any:
        store, pool = open_pool(tmp_path)
        reads = [asyncio.ensure_future(pool.run(lambda lane: lane.fetch(FOREVER), 60.0)) for _ in range(CALLS_MAX)]
        await asyncio.sleep(0.05)
        error = await refusal(pool.run(lambda lane: lane.fetch(FOREVER), 60.0))
        await asyncio.get_running_loop().run_in_executor(None, pool.close)
        ended = await asyncio.gather(*reads, return_exceptions=True)
        await store.close()
        return error.code, {type(each) for each in ended} <= {Unavailable, asyncio.CancelledError}

    assert asyncio.run(story()) == ("overloaded", True)


def test_a_lane_opens_again_after_damage(tmp_path: Path) -> None:
    """A read that meets a missing file is told as unavailable, and works again once the file is back."""
    store, pool = open_pool(tmp_path)
    path, away = tmp_path / "holdfast.db", tmp_path / "away.db"
    lane = Lane(store._reader._lane._file, CLOCK)
    path.rename(away)
    with pytest.raises(Unavailable):
        lane.fetch(Statement("SELECT 1", ()))
    away.rename(path)
    assert lane.fetch(Statement("SELECT count(*) FROM authors", ())) == [(0,)]
    lane.limit = Limit()
    with pytest.raises(Broken):
        lane.fetch(Statement("SELECT nothing", ()))
    lane.close()
    lane.end()
    pool.close()
    asyncio.run(store.close())


def test_totals_forget_the_least_used_and_keep_the_latest() -> None:
    """The memory of totals is bounded, and an older snapshot never overwrites a newer one."""
    totals = Totals(kept=2)
    keys = [build_key(AUTHORS, where(AUTHORS, "name", name)) for name in "abc"]
    for place, key in enumerate(keys[:2]):
        totals.keep(key, Total(1, place + 5, 0.0))
    totals.find(keys[0])
    totals.keep(keys[2], Total(1, 1, 0.0))
    assert [totals.find(key) is None for key in keys] == [False, True, False]
    totals.keep(keys[0], Total(9, 4, 0.0))
    assert totals.find(keys[0]) == Total(1, 5, 0.0)


def test_a_read_sees_what_was_acknowledged(tmp_path: Path) -> None:
    """Another store on the file reads a write as soon as it was answered."""

    async def story(store: SqliteStore) -> Any:
        other = SqliteStore(CATALOG, tmp_path, CLOCK)
        seen = []
        made = create(AUTHORS)
        await store.write(write(made))
        for version in range(1, 30):
            seen.append(shown(await read(other, made))["version"] == version)
            await (store, other)[version % 2].write(write(update(made, version=version)))
        await other.close()
        return all(seen)

    assert run(tmp_path, story)


def test_what_is_known_to_be_much_is_asked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A total that is remembered decides how the next page is found; the page is the same."""
    plan = listing(AUTHORS, c.Any((where(AUTHORS, "email", "a@e.org"), where(AUTHORS, "name", "Ada"))), limit=3)
    rest = replace(plan, count=False)

    async def story(store: SqliteStore) -> list[Any]:
        await store.write(write(*(create(AUTHORS, name="Ada") for _ in range(9)), create(AUTHORS, name="Eve")))
        asked = [store._reader._counter.is_dense(each) for each in (plan, rest)]  # nothing else tells how it is asked
        first = await settle(store.read_many(plan))
        found = [first.total]
        for least in (10, 9):
            monkeypatch.setattr(counter, "DENSE_MIN", least)
            asked += [store._reader._counter.is_dense(each) for each in (plan, rest)]
            found.append((await settle(store.read_many(plan))) == first)
        return [asked, found]

    assert run(tmp_path, story) == [[False, True, False, False, True, True], [9, True, True]]


class BusyMachine:
    """A clock by which a second passes between any two looks: as if the machine had other things to do."""

    now = CLOCK.now

    def __init__(self) -> None:
        self._looks = 0

    def monotonic_s(self) -> float:
        """Another second."""
        self._looks += 1
        return float(self._looks)


def test_a_small_read_outlives_a_busy_machine(tmp_path: Path) -> None:
    """A statement of a few steps that is late is asked again; one that never ends is refused all the same."""
    store, pool = open_pool(tmp_path)
    busy = reader.Reader(store._reader._lane._file, store._renderer, BusyMachine())

    assert {busy.head() for _ in range(2_000)} == {0}
    with pytest.raises(Unavailable, match="took too long"):
        busy.fetch(FOREVER)

    busy.close()
    pool.close()
    asyncio.run(store.close())
