"""Deleting records: what restricts, what goes along, what is emptied."""

from pathlib import Path
from typing import Any

import pytest
from sqlite_library import (
    AUTHORS,
    BOOKS,
    CATALOG,
    CHAPTERS,
    CLOCK,
    NODES,
    NOTES,
    VIEWS,
    create,
    delete,
    look,
    read,
    refusal,
    run,
    shown,
    total,
    update,
    write,
)

from holdfast.base.errors import Refused
from holdfast.base.limits import CASCADE_ROWS_MAX
from holdfast.core.condition import Stored
from holdfast.core.plan import Create, Delete
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.connection import open_writer
from holdfast.store.sqlite.removal import Removal
from holdfast.store.sqlite.schema import prepare
from holdfast.store.sqlite.store import SqliteStore
from holdfast.store.sqlite.transaction import Transaction


def journal(data_dir: Path) -> list[tuple[Any, ...]]:
    """The operations on record, in order, after a look at the references of the whole database."""
    assert look(data_dir, "PRAGMA foreign_key_check") == []
    return look(data_dir, "SELECT operation, resource, record_id FROM hf_journal ORDER BY seq")


def test_what_is_referred_to_by_restrict_stays(tmp_path: Path) -> None:
    """An author with books is not deleted: 409 reference_conflict names the referring resource."""
    ada = create(AUTHORS)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(ada, create(BOOKS, author_id=ada.id)))
        return await refusal(store.write(write(delete(ada)))), await read(store, ada)

    error, row = run(tmp_path, story)
    assert (error.code, error.status) == ("reference_conflict", 409)
    assert [(each.field, each.code) for each in error.details] == [("books.author_id", "reference_conflict")]
    assert shown(row)["version"] == 1


def test_a_cascade_deletes_what_goes_along_and_empties_what_stays(tmp_path: Path) -> None:
    """A deleted book takes its chapters with it; the notes on them stay, lose the reference and gain a version. All is journaled."""
    ada = create(AUTHORS)
    book = create(BOOKS, author_id=ada.id)
    chapters = [create(CHAPTERS, book_id=book.id) for _ in range(2)]
    note, other = create(NOTES, chapter_id=chapters[0].id), create(NOTES)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(ada, book, *chapters, note, other))
        await store.write(write(delete(book)))
        return [await read(store, each) for each in (ada, book, *chapters, note, other)]

    rows = run(tmp_path, story)
    assert [row and row.version for row in rows] == [1, None, None, None, 2, 1]
    assert shown(rows[4])["chapter_id"] is None
    later = journal(tmp_path)[6:]
    assert later[0] == ("update", "notes", note.id)
    assert {entry[1:] for entry in later[1:3]} == {("chapters", each.id) for each in chapters}
    assert later[3:] == [("delete", "books", book.id)]


def test_a_record_that_cannot_be_emptied_keeps_what_it_refers_to(tmp_path: Path) -> None:
    """A pinned note cannot lose its chapter, so nothing of the deletion happens; its neighbours in the queue are not touched."""
    ada = create(AUTHORS)
    book = create(BOOKS, author_id=ada.id)
    chapter = create(CHAPTERS, book_id=book.id)
    notes = [create(NOTES, chapter_id=chapter.id), create(NOTES, text="pinned", chapter_id=chapter.id)]

    async def story(store: SqliteStore) -> Any:
        await store.write(write(ada, book, chapter, *notes))
        before, refused, after = store.write(write(create(AUTHORS))), store.write(write(delete(book))), store.write(write(create(AUTHORS)))
        error = await refusal(refused)
        await before, await after
        return error, [await read(store, each) for each in (book, chapter, *notes)], await total(store, AUTHORS)

    error, rows, authors = run(tmp_path, story)
    assert (error.code, [each.field for each in error.details]) == ("reference_conflict", ["notes.chapter_id"])
    assert [row.version for row in rows] == [1, 1, 1, 1]
    assert authors == 3


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_ring_of_cascades_is_deleted_whole(tmp_path: Path, size: int) -> None:
    """Records that refer to each other in a ring all go when one goes, whoever it is, and the foreign keys hold again afterwards."""
    ring = [create(NODES, name=str(place)) for place in range(size)]
    outsider = create(NODES, friend_id=ring[0].id)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(*ring, outsider))
        await store.write(write(*(update(each, parent_id=ring[place - 1].id) for place, each in enumerate(ring))))
        await store.write(write(delete(ring[size // 2])))
        wrong = await refusal(store.write(write(create(NODES, parent_id=ring[0].id))))
        return [await read(store, each) for each in ring], shown(await read(store, outsider)), wrong

    rows, left, wrong = run(tmp_path, story)
    assert rows == [None] * size
    assert (left["friend_id"], left["version"]) == (None, 2)
    assert [each.code for each in wrong.details] == ["reference_missing"]
    assert sum(entry[0] == "delete" for entry in journal(tmp_path)) == size


def test_records_that_go_together_are_no_obstacle_to_each_other(tmp_path: Path) -> None:
    """A child that is also a friend of its parent's sibling goes before both, in an order that the foreign keys accept."""
    top = create(NODES)
    left, right = create(NODES, parent_id=top.id), create(NODES, parent_id=top.id)
    deep = create(NODES, parent_id=left.id, friend_id=right.id)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(top, left, right, deep))
        await store.write(write(delete(top)))
        return await total(store, NODES)

    assert run(tmp_path, story) == 0
    assert journal(tmp_path)[-1] == ("delete", "nodes", top.id)


def test_a_long_chain_is_deleted_without_recursion(tmp_path: Path) -> None:
    """A cascade follows a chain as long as may be, which is deeper than Python goes."""
    chain = [create(NODES)]
    while len(chain) < CASCADE_ROWS_MAX:
        chain.append(create(NODES, parent_id=chain[-1].id))

    async def story(store: SqliteStore) -> Any:
        await store.write(write(*chain))
        await store.write(write(delete(chain[0])))
        return await total(store, NODES)

    assert run(tmp_path, story) == 0


def test_a_deletion_of_too_many_records_is_refused(tmp_path: Path) -> None:
    """A cascade, or the records it would empty, beyond the limit is refused before anything is changed."""
    renderer = Renderer(CATALOG)
    connection = open_writer(prepare(tmp_path, CATALOG, renderer, CLOCK, create=True))
    tx = Transaction(connection, renderer, None, "request-1", "2026-11-23T13:29:00.000000Z")
    parent = create(NODES)

    def make(step: Create) -> None:
        system: dict[str, Stored] = {"version": 1, "created_at": tx.at, "updated_at": tx.at, "created_by_id": None}
        tx.insert_each([renderer.insert(step, system)])

    make(parent)
    for member in ("parent_id", "friend_id"):
        for _ in range(2):
            make(create(NODES, **{member: parent.id}))
    with pytest.raises(Refused, match="More than 2 records") as refused:
        Removal(CATALOG, rows_max=2).run(tx, Delete(parent.id, VIEWS["nodes"]))
    assert "a part at a time" in str(refused.value.hint)
    assert refused.value.code == "reference_conflict"
    with pytest.raises(Refused, match="More than 4 records"):
        Removal(CATALOG, rows_max=4).run(tx, Delete(parent.id, VIEWS["nodes"]))
    assert connection.execute("SELECT count(*) FROM nodes").fetchall() == [(5,)]
    Removal(CATALOG, rows_max=5).run(tx, Delete(parent.id, VIEWS["nodes"]))
    assert connection.execute("SELECT count(*), count(friend_id) FROM nodes").fetchall() == [(2, 0)]
    connection.close()
