"""Creating and changing records: what is written, what is refused, and the journal of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlite_library import (
    AUTHORS,
    BOOKS,
    CATALOG,
    NODES,
    create,
    delete,
    listing,
    look,
    make_id,
    page,
    places,
    read,
    refusal,
    refused,
    run,
    shown,
    update,
    where,
    write,
)

from holdfast.base.errors import Detail
from holdfast.core import condition as c
from holdfast.core.plan import Delete, ReadOne, Row, Update
from holdfast.core.view import View
from holdfast.store.sqlite.store import SqliteStore


def test_a_created_record_is_shown_and_read(tmp_path: Path) -> None:
    """A creation answers with the record as the view shows it, and a read finds the same."""
    made = create(AUTHORS, name="Ada", labels='{"a":"b"}')

    async def story(store: SqliteStore) -> tuple[Any, Any]:
        (row,) = await store.write(write(made, actor_id="11111111-1111-4111-8111-111111111111"))
        return row, await read(store, made)

    row, found = run(tmp_path, story)
    assert row == found
    members = shown(row)
    assert (row.id, row.version, row.included) == (made.id, 1, "")
    assert members["name"] == "Ada"
    assert members["labels"] == {"a": "b"}
    assert members["created_by_id"] == "11111111-1111-4111-8111-111111111111"
    assert members["created_at"] == members["updated_at"]
    assert "password" not in members


def test_a_read_of_nothing_is_none(tmp_path: Path) -> None:
    """An unknown id, and a record for which the condition does not hold, are both not there."""
    made = create(AUTHORS, name="Ada")

    async def story(store: SqliteStore) -> tuple[Row | None, Any]:
        await store.write(write(made))
        hidden = ReadOne(made.id, made.view, where(AUTHORS, "name", "Grace"))
        return await read(store, create(AUTHORS)), store.read_one(hidden)

    assert run(tmp_path, story) == (None, None)


def test_an_update_raises_the_version_and_keeps_the_rest(tmp_path: Path) -> None:
    """An update changes what it names, adds one to the version and moves updated_at."""
    made = create(AUTHORS, name="Ada", email="ada@example.org")

    async def story(store: SqliteStore) -> tuple[Any, Any]:
        (first,) = await store.write(write(made))
        (second,) = await store.write(write(update(made, version=1, name="Grace")))
        return shown(first), shown(second)

    first, second = run(tmp_path, story)
    assert {**first, "name": "Grace", "version": 2, "updated_at": second["updated_at"]} == second
    assert second["updated_at"] > first["updated_at"]


def test_every_change_leaves_one_journal_entry(tmp_path: Path) -> None:
    """Create, update and delete each leave an entry with the images before and after, in storage form and without secrets."""
    made = create(AUTHORS, name="Ada", labels='{"a":"b"}', password="hash")  # noqa: S106  # a stored hash

    async def story(store: SqliteStore) -> None:
        for step in (made, update(made, name="Grace"), delete(made)):
            await store.write(write(step, actor_id="22222222-2222-4222-8222-222222222222"))

    run(tmp_path, story)
    entries = look(
        tmp_path, "SELECT seq, resource, record_id, version, operation, before, after, actor_id, request_id FROM hf_journal ORDER BY seq"
    )
    assert [entry[:5] for entry in entries] == [
        (1, "authors", made.id, 1, "create"),
        (2, "authors", made.id, 2, "update"),
        (3, "authors", made.id, 2, "delete"),
    ]
    assert {entry[7:] for entry in entries} == {("22222222-2222-4222-8222-222222222222", "request-1")}
    (nothing, created), (before, updated), (deleted, gone) = (entry[5:7] for entry in entries)
    assert (nothing, before, deleted, gone) == (None, created, updated, None)
    image = msgspec.json.decode(created)
    assert image["labels"] == '{"a":"b"}'
    assert "password" not in image
    later = msgspec.json.decode(updated)
    assert later == {**image, "name": "Grace", "version": 2, "updated_at": later["updated_at"]}
    assert look(tmp_path, "SELECT resource, record_id, version FROM hf_gone") == [("authors", made.id, 2)]


def test_the_full_text_index_follows(tmp_path: Path) -> None:
    """A search finds a record by what it says now, no more by what it said, and not at all once it is deleted."""
    made = create(AUTHORS, name="Zürich")

    async def found(store: SqliteStore, word: str) -> int:
        result = await page(store, listing(AUTHORS, c.Matches(AUTHORS, (word,)), ranked=True))
        assert result.total == len(result.rows)
        return len(result.rows)

    async def story(store: SqliteStore) -> list[int]:
        counts = []
        for step in (made, update(made, name="Tokyo"), update(made, email="t@example.org"), delete(made)):
            await store.write(write(step))
            counts += [await found(store, "zurich"), await found(store, "tok")]
        return counts

    assert run(tmp_path, story) == [1, 0, 0, 1, 0, 1, 0, 0]


def test_every_missing_reference_and_failed_check_is_told_at_once(tmp_path: Path) -> None:
    """A book of no author whose pages do not go together is refused for both, at their members."""
    error = refused(tmp_path, write(create(BOOKS, author_id=make_id(), first_page=9)))
    assert (error.code, error.status) == ("validation_failed", 422)
    assert places(error) == [("author_id", "reference_missing"), ("last_page", "check_failed"), ("first_page", "check_failed")]


def test_a_taken_value_is_told_at_its_members(tmp_path: Path) -> None:
    """A second record with a unique value is refused with 409 at every member of the key."""
    ada = create(AUTHORS, email="ada@example.org")
    first, second = (create(BOOKS, author_id=ada.id, title="Notes") for _ in range(2))
    error = refused(tmp_path, write(ada), write(first), write(second))
    assert (error.code, error.status) == ("unique_conflict", 409)
    assert places(error) == [("author_id", "unique_conflict"), ("title", "unique_conflict")]
    assert places(refused(tmp_path, write(create(AUTHORS, email="ada@example.org")))) == [("email", "unique_conflict")]


def test_an_update_meets_the_same_constraints(tmp_path: Path) -> None:
    """A change to a missing author, to pages that do not go together or to a taken title is refused like a creation."""
    ada = create(AUTHORS)
    taken, made = create(BOOKS, title="Taken", author_id=ada.id), create(BOOKS, title="Mine", author_id=ada.id)
    assert places(refused(tmp_path, write(ada, taken, made), write(update(made, author_id=make_id())))) == [
        ("author_id", "reference_missing")
    ]
    assert {code for _, code in places(refused(tmp_path, write(update(made, first_page=2))))} == {"check_failed"}
    assert ("title", "unique_conflict") in places(refused(tmp_path, write(update(made, title="Taken"))))


def test_the_id_of_a_living_record_is_taken(tmp_path: Path) -> None:
    """Creating a record under a chosen id twice answers 409 at `id`."""
    made = create(AUTHORS, make_id())
    error = refused(tmp_path, write(made), write(made))
    assert (error.code, places(error)) == ("unique_conflict", [("id", "unique_conflict")])


def test_the_id_of_a_deleted_record_is_never_free(tmp_path: Path) -> None:
    """Creating a record under the id of a deleted one answers 409 at `id`."""
    made = create(AUTHORS, make_id())
    error = refused(tmp_path, write(made), write(delete(made)), write(made))
    assert (error.code, places(error)) == ("unique_conflict", [("id", "unique_conflict")])


@pytest.mark.parametrize("stale", [412, 409])
@pytest.mark.parametrize("kind", ["update", "delete"])
def test_a_stale_version_is_refused_with_the_current_tag(tmp_path: Path, kind: str, stale: int) -> None:
    """A step on a version that is gone changes nothing and tells the current ETag, with the status that the plan asks for."""
    made = create(AUTHORS, name="Ada")
    step = (
        Update(made.id, made.view, {"name": "Late"}, version=1, stale=stale) if kind == "update" else Delete(made.id, made.view, 1, stale)
    )
    error = refused(tmp_path, write(made), write(update(made, name="Grace")), write(step))
    assert (error.code, error.status, error.headers) == ("version_conflict", stale, {"etag": '"2-salt"'})
    assert look(tmp_path, "SELECT name, version FROM authors") == [("Grace", 2)]


def test_a_hidden_or_missing_record_is_not_found(tmp_path: Path) -> None:
    """A step on a record that is not there, or for which the condition does not hold, is refused as not found."""
    made, nobody = create(AUTHORS), where(AUTHORS, "name", "Nobody")
    for step in (
        update(create(AUTHORS), name="x"),
        delete(create(AUTHORS)),
        Update(made.id, made.view, {"name": "x"}, where=nobody),
        Delete(made.id, made.view, where=nobody),
    ):
        assert refused(tmp_path, *([write(made)] if not (tmp_path / "holdfast.db").exists() else []), write(step)).code == "not_found"
    assert look(tmp_path, "SELECT version FROM authors") == [(1,)]


def test_a_missing_reference_is_told_before_a_missing_record_or_a_stale_version(tmp_path: Path) -> None:
    """422 comes before 404 and 412."""
    ada = create(AUTHORS)
    made = create(BOOKS, author_id=ada.id)
    assert refused(tmp_path, write(ada, made), write(update(create(BOOKS), author_id=make_id()))).status == 422
    assert refused(tmp_path, write(update(made, version=7, author_id=make_id()))).status == 422


def test_equal_members_are_compared_and_documents_merged(tmp_path: Path) -> None:
    """`equal` refuses what differs from the record as read_only; `merge` changes a stored document member by member."""
    made = create(AUTHORS, name="Ada", address='{"city":"London","zip":"N1"}', labels='{"a":"1","b":"2"}')
    step = Update(made.id, made.view, {}, merge={"address": {"zip": None}, "labels": {"a": None, "c": "3"}}, equal={"id": made.id})

    async def story(store: SqliteStore) -> Any:
        await store.write(write(made))
        wrong = Update(made.id, made.view, {}, equal={"created_at": "2000-01-01T00:00:00.000000Z", "created_by_id": None})
        error = await refusal(store.write(write(wrong)))
        assert (error.code, places(error)) == ("validation_failed", [("created_at", "read_only")])
        (row,) = await store.write(write(step))
        return shown(row)

    members = run(tmp_path, story)
    assert members["address"] == {"city": "London", "zip": None}
    assert members["labels"] == {"b": "2", "c": "3"}


def test_steps_are_all_or_nothing_and_say_which_failed(tmp_path: Path) -> None:
    """One bad step of many undoes them all; its details carry the prefix of the plan."""
    steps = [create(AUTHORS, email="a@example.org"), create(AUTHORS), create(AUTHORS, email="a@example.org")]
    error = refused(tmp_path, write(*steps, prefix="[{}]"))
    assert list(error.details) == [Detail("[2].email", "unique_conflict", "A record with this value exists already.")]
    assert look(tmp_path, "SELECT count(*) FROM authors") == [(0,)]
    assert look(tmp_path, "SELECT count(*) FROM hf_journal") == [(0,)]


def test_creates_in_one_write_are_told_and_journaled_one_by_one(tmp_path: Path) -> None:
    """Alike or not: every row and entry in the order of the steps, found by its words, and of a view that is its step's own."""
    steps = [create(AUTHORS, name=name) for name in ("Ada", "Grace", "Mary")]
    bare = replace(create(AUTHORS, name="Emmy"), view=View(AUTHORS, (AUTHORS.by_member["name"],)))
    hidden = replace(create(AUTHORS, name="Lise"), shown=where(AUTHORS, "name", "Ada"))
    node = create(NODES, name="n")
    steps += [bare, hidden, node, create(NODES, parent_id=node.id), create(AUTHORS, name="Rosa")]

    async def story(store: SqliteStore) -> tuple[Any, list[int | None]]:
        rows = await store.write(write(*steps))
        found = [await page(store, listing(AUTHORS, c.Matches(AUTHORS, (word,)), ranked=True)) for word in ("ada", "mary", "lise", "rosa")]
        return rows, [each.total for each in found]

    rows, found = run(tmp_path, story)
    assert [row.id for row in rows] == [each.id for each in steps]
    assert [shown(row).get("name") for row in rows] == ["Ada", "Grace", "Mary", "Emmy", None, "n", "n", "Rosa"]
    assert shown(rows[3]) == {"name": "Emmy"}
    assert found == [1, 1, 1, 1]
    entries = look(tmp_path, "SELECT record_id, after ->> 'id', after ->> 'version' FROM hf_journal ORDER BY seq")
    assert entries == [(each.id, each.id, 1) for each in steps]


def test_the_first_create_that_fails_is_the_one_that_is_told(tmp_path: Path) -> None:
    """Of creates that go together: whether its id is one of a deleted record, or another constraint says so; nothing of any is left."""
    old, taken = create(AUTHORS), create(AUTHORS, email="ada@example.org")
    setup = (write(old, taken), write(delete(old)))
    again, twice = create(AUTHORS, old.id), create(AUTHORS, email="ada@example.org")
    for steps, place in (((again, twice), "[1].id"), ((twice, again), "[1].email"), ((create(AUTHORS), again, twice), "[2].id")):
        data_dir = tmp_path / place.strip("[]").replace("].", "-") / str(len(steps))
        data_dir.mkdir(parents=True)
        error = refused(data_dir, *setup, write(create(AUTHORS), *steps, prefix="[{}]"))
        assert places(error) == [(place, "unique_conflict")]
        assert look(data_dir, "SELECT count(*) FROM authors") == [(1,)]
        assert look(data_dir, "SELECT count(*) FROM hf_journal") == [(3,)]


def test_later_steps_see_earlier_ones(tmp_path: Path) -> None:
    """A record may refer to one that the same write has just made, and be changed and deleted in it."""
    ada = create(AUTHORS)
    book = create(BOOKS, author_id=ada.id)

    async def story(store: SqliteStore) -> Any:
        return await store.write(write(ada, book, update(book, version=1, title="Second"), delete(book, version=2)))

    rows = run(tmp_path, story)
    assert [row and row.version for row in rows] == [1, 1, 2, None]


def test_the_catalog_of_the_tests_has_every_kind_of_reference() -> None:
    """The tests below mean restrict, cascade and set_null when they say so."""
    kinds = {each.on_delete.value for spec in CATALOG.resources.values() for each in spec.fields if each.reference}
    assert kinds == {"restrict", "cascade", "set_null"}
