"""Permission in writes: what may not be known, done or become is refused in its place, and leaves no trace."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest
from sqlite_library import (
    AUTHORS,
    BOOKS,
    NODES,
    create,
    delete,
    look,
    make_id,
    places,
    read,
    refusal,
    refused,
    run,
    shown,
    update,
    watching_connections,
    where,
    write,
)

from holdfast.core import condition as c
from holdfast.core.plan import Create, Delete, Row, Undelete, Update, WriteStep
from holdfast.store.sqlite.store import SqliteStore
from holdfast.store.sqlite.turn import Turn

ADA, GRACE = where(AUTHORS, "name", "Ada"), where(AUTHORS, "name", "Grace")
BY_ADA = c.Test(c.Path(AUTHORS.by_member["name"], (c.Step(BOOKS.by_name["author"], AUTHORS),)), c.Operator.EQUALS, "Ada")
FIRST = where(BOOKS, "title", "First")


def bounded(step: Create, **bounds: Any) -> Create:
    """The same step within bounds."""
    return replace(step, **bounds)


def entries(data_dir: Path) -> list[tuple[Any, ...]]:
    """What the journal has."""
    return look(data_dir, "SELECT resource, operation FROM hf_journal ORDER BY seq")


def test_a_record_is_made_where_it_may_be_what_it_would_be(tmp_path: Path) -> None:
    """The rule is asked of the new row, through its references too; a refusal leaves nothing behind."""
    ada, grace = create(AUTHORS, name="Ada"), create(AUTHORS, name="Grace")
    kept = bounded(create(BOOKS, author_id=ada.id), become=BY_ADA)
    other = bounded(create(BOOKS, author_id=grace.id), become=BY_ADA)

    async def story(store: SqliteStore) -> tuple[Any, Any]:
        await store.write(write(ada, grace))
        (row,) = await store.write(write(kept))
        return row, await refusal(store.write(write(other)))

    row, error = run(tmp_path, story)
    assert shown(row)["id"] == kept.id
    assert (error.code, error.status) == ("forbidden", 403)
    assert entries(tmp_path) == [("authors", "create")] * 2 + [("books", "create")]
    assert look(tmp_path, "SELECT id FROM books") == [(kept.id,)]


@pytest.mark.parametrize(
    ("step", "code", "at"),
    [
        ({"author_id": "grace", "first_page": 9}, "validation_failed", ["author_id", "last_page", "first_page"]),
        ({"author_id": "nobody"}, "validation_failed", ["author_id"]),
        ({"author_id": "ada", "first_page": 9, "title": "Other"}, "validation_failed", ["last_page", "first_page"]),
        ({"author_id": "ada", "title": "Other"}, "forbidden", []),
        ({"author_id": "ada"}, "unique_conflict", ["author_id", "title"]),
    ],
)
def test_a_creation_is_refused_in_order(tmp_path: Path, step: Mapping[str, Any], code: str, at: list[str]) -> None:
    """422 with every fault at once, what may not be read as what is not there; then 403; then 409."""
    ids = {"ada": make_id(), "grace": make_id(), "nobody": make_id()}
    values = {"title": "First", **step, "author_id": ids[step["author_id"]]}
    error = refused(
        tmp_path,
        write(create(AUTHORS, ids["ada"], name="Ada"), create(AUTHORS, ids["grace"], name="Grace")),
        write(create(BOOKS, author_id=ids["ada"], title="First")),
        write(bounded(create(BOOKS, **values), become=FIRST, targets={"author_id": ADA})),
    )
    assert (error.code, [field for field, _ in places(error)]) == (code, at)


def test_a_chosen_id_of_a_deleted_record_is_told_to_who_may_create(tmp_path: Path) -> None:
    """Who may not create such a record is refused for that, before the id is looked at."""
    made = create(AUTHORS, make_id(), name="Ada")
    before = [write(made), write(delete(made))]
    assert refused(tmp_path, *before, write(bounded(made, become=GRACE))).code == "forbidden"
    assert refused(tmp_path, write(bounded(made, become=ADA))).code == "unique_conflict"


def test_a_writer_who_may_not_read_is_told_id_and_version(tmp_path: Path) -> None:
    """What comes of a write is shown where it may be read: a creation, an update, and an undeletion."""
    made = bounded(create(AUTHORS, name="Ada"), shown=GRACE)

    async def story(store: SqliteStore) -> list[Any]:
        (first,) = await store.write(write(made))
        (second,) = await store.write(write(replace(update(made, name="Grace"), where=ADA)))
        (third,) = await store.write(write(replace(update(made, name="Grace"), where=GRACE)))
        return [first, second, third]

    first, second, third = run(tmp_path, story)
    assert (first.text, first.included) == (f'{{"id":"{made.id}","version":1}}', "")
    assert (second.text, second.included) == (f'{{"id":"{made.id}","version":2}}', "")
    assert (shown(third)["name"], shown(third)["version"]) == ("Grace", 3)


NO = c.NEVER


@pytest.mark.parametrize(
    ("change", "status", "code", "at"),
    [
        ({"where": NO, "allow": NO, "assign": {"author_id": "nobody"}, "version": 7}, 422, "validation_failed", ["author_id"]),
        (
            {"where": NO, "allow": NO, "assign": {"author_id": "grace"}, "targets": {"author_id": ADA}},
            422,
            "validation_failed",
            ["author_id"],
        ),
        ({"where": NO, "allow": NO, "version": 7}, 404, "not_found", []),
        ({"allow": NO, "assign": {"author_id": "nobody"}}, 422, "validation_failed", ["author_id"]),
        ({"allow": NO, "version": 7}, 403, "forbidden", []),
        ({"become": NO, "version": 7}, 403, "forbidden", []),
        ({"become": NO, "version": 7, "assign": {"author_id": "nobody"}}, 422, "validation_failed", ["author_id"]),
        ({"become": NO, "version": 0, "stale": 428}, 403, "forbidden", []),
        ({"version": 0, "stale": 428}, 428, "precondition_required", []),
        ({"version": 7}, 412, "version_conflict", []),
        ({"version": 7, "stale": 409, "locked": {"title": NO}}, 409, "version_conflict", []),
        ({"locked": {"title": NO, "first_page": NO}, "equal": {"version": 9}}, 422, "validation_failed", ["version", "title"]),
        ({"become": NO, "assign": {"first_page": 9}}, 422, "validation_failed", ["last_page", "first_page"]),
        ({"become": NO}, 403, "forbidden", []),
        ({"become": BY_ADA, "assign": {"author_id": "grace"}}, 403, "forbidden", []),
        ({"assign": {"author_id": "grace"}, "targets": {"author_id": ADA}}, 422, "validation_failed", ["author_id"]),
        ({"assign": {"title": "Second"}, "become": where(BOOKS, "title", "Second")}, 409, "unique_conflict", ["author_id", "title"]),
    ],
)
def test_an_update_is_refused_in_order(tmp_path: Path, change: Mapping[str, Any], status: int, code: str, at: list[str]) -> None:
    """The order of refusals: 422 of references, 404, 403, 428 and 412, the other 422 of the record as it is, 409."""
    ids = {"ada": make_id(), "grace": make_id(), "nobody": make_id()}
    made = create(BOOKS, author_id=ids["ada"], title="First")
    assign = {"title": "Changed", **change.get("assign", {})}
    if "author_id" in assign:
        assign["author_id"] = ids[assign["author_id"]]
    error = refused(
        tmp_path,
        write(create(AUTHORS, ids["ada"], name="Ada"), create(AUTHORS, ids["grace"], name="Grace")),
        write(made, create(BOOKS, author_id=ids["ada"], title="Second")),
        write(replace(Update(made.id, made.view, {}), **{**change, "assign": assign})),
    )
    assert (error.status, error.code, [field for field, _ in places(error)]) == (status, code, at)
    assert look(tmp_path, "SELECT title, version FROM books WHERE id = ?", made.id) == [("First", 1)]
    assert len(entries(tmp_path)) == 4


def test_an_update_within_its_bounds_is_made(tmp_path: Path) -> None:
    """A locked member may be sent back, a reference that stays may be out of sight, and the rule asks for the row as it would be."""
    ada, grace = create(AUTHORS, name="Ada"), create(AUTHORS, name="Grace")
    made = create(BOOKS, author_id=grace.id, title="First")
    stays = replace(
        update(made, 1, title="First", author_id=grace.id, last_page=5), locked={"title": NO}, targets={"author_id": ADA}, where=FIRST
    )
    moves = replace(
        update(made, 2, author_id=ada.id), become=BY_ADA, allow=where(BOOKS, "last_page", 5), locked={"author_id": FIRST}, where=FIRST
    )

    async def story(store: SqliteStore) -> list[Any]:
        await store.write(write(ada, grace, made))
        return [await store.write(write(each)) for each in (stays, moves)]

    (first,), (second,) = run(tmp_path, story)
    assert (shown(first)["last_page"], shown(second)["author_id"]) == (5, ada.id)


def test_a_locked_document_may_be_merged_into_itself(tmp_path: Path) -> None:
    """A merge patch that changes nothing is accepted, any other is not."""
    made = create(AUTHORS, labels='{"a":"b"}')
    same = Update(made.id, made.view, {}, merge={"labels": {"a": "b"}}, locked={"labels": NO})
    other = replace(same, merge={"labels": {"a": "c"}})

    async def story(store: SqliteStore) -> tuple[Any, Any]:
        await store.write(write(made))
        return (await store.write(write(same)))[0], await refusal(store.write(write(other)))

    row, error = run(tmp_path, story)
    assert shown(row)["labels"] == {"a": "b"}
    assert places(error) == [("labels", "read_only")]


@pytest.mark.parametrize(
    ("bounds", "version", "code"),
    [
        ({"where": GRACE, "allow": GRACE}, 7, "not_found"),
        ({"allow": GRACE}, 7, "forbidden"),
        ({"where": ADA, "allow": ADA}, 7, "version_conflict"),
        ({"where": ADA, "allow": ADA}, 1, ""),
    ],
)
def test_a_deletion_is_for_who_may(tmp_path: Path, bounds: Mapping[str, Any], version: int, code: str) -> None:
    """Hidden is 404, seen and not allowed is 403, both before the version; an undeletion asks the record as it last was."""
    made = create(AUTHORS, name="Ada")
    again = Undelete(made.id, made.view, **bounds)

    async def story(store: SqliteStore) -> list[str]:
        await store.write(write(made))
        codes = [await told(store, Delete(made.id, made.view, version, **bounds))]
        if codes == [code] != [""]:
            await store.write(write(delete(made)))
        return [*codes, await told(store, again)]

    expected = code if code in {"not_found", "forbidden"} else ""
    assert run(tmp_path, story) == [code, expected]


async def told(store: SqliteStore, step: WriteStep) -> str:
    """The code of a refusal; "" where there was none."""
    outcome = (await asyncio.gather(store.write(write(step)), return_exceptions=True))[0]
    return str(getattr(outcome, "code", "")) if isinstance(outcome, BaseException) else ""


def test_a_reference_to_itself_is_judged_of_what_it_would_be(tmp_path: Path) -> None:
    """A node may be its own parent where a parent like it may be named."""
    ids = [make_id(), make_id()]
    named = where(NODES, "name", "root")
    steps = [
        bounded(create(NODES, id_, name=name, parent_id=id_), targets={"parent_id": named})
        for id_, name in zip(ids, ("root", "leaf"), strict=True)
    ]
    error = refused(tmp_path, write(steps[0]), write(steps[1]))
    assert places(error) == [("parent_id", "reference_missing")]
    assert look(tmp_path, "SELECT id FROM nodes") == [(ids[0],)]


def test_a_conflict_names_members_and_never_records(tmp_path: Path) -> None:
    """What is taken and what refers is told by members alone: neither the ids nor the values of records that may be hidden."""
    ada = create(AUTHORS, name="Ada", email="hidden@example.org")
    book = create(BOOKS, author_id=ada.id, title="Hidden title")
    taken = refused(tmp_path, write(ada, book), write(create(AUTHORS, email="hidden@example.org")))
    held = refused(tmp_path, write(delete(ada)))
    for error, members in ((taken, ["email"]), (held, ["books.author_id"])):
        text = f"{error.message} {error.hint} {[(each.field, each.message) for each in error.details]} {dict(error.headers)}"
        assert [field for field, _ in places(error)] == members
        assert not [each for each in (ada.id, book.id, "hidden@", "Hidden") if each in text]


def test_a_forbidden_write_costs_its_group_nothing(tmp_path: Path) -> None:
    """What a bound refuses has changed nothing, so the neighbours of its group are not run again."""
    texts: list[str] = []

    def watch(connection: apsw.Connection) -> None:
        connection.exec_trace = lambda _cursor, text, _bindings: texts.append(text) or True  # type: ignore[func-returns-value]

    made = create(AUTHORS, name="Ada")
    book = create(BOOKS, author_id=made.id)
    forbidden: list[WriteStep] = [
        bounded(create(AUTHORS, name="Ada"), become=GRACE),
        replace(update(made, name="Ada"), become=GRACE),
        bounded(create(BOOKS, author_id=made.id, title="Other"), become=c.Not(BY_ADA)),
        replace(update(book, title="Other"), become=c.Not(BY_ADA)),
    ]

    async def story(store: SqliteStore) -> list[Any]:
        await store.write(write(made, book))
        texts.clear()
        with Turn(tmp_path) as _:
            asked = [asyncio.ensure_future(store.write(write(each))) for each in (create(AUTHORS), *forbidden, create(AUTHORS))]
            await asyncio.sleep(0)
        return await asyncio.gather(*asked, return_exceptions=True)

    with watching_connections(watch):
        outcomes = run(tmp_path, story)
    assert [getattr(each, "code", "made") for each in outcomes] == ["made", *["forbidden"] * 4, "made"]
    assert [each for each in texts if each.startswith(("BEGIN IMM", "COMMIT", "ROLLBACK", "SAVEPOINT"))] == ["BEGIN IMMEDIATE", "COMMIT"]


def test_a_refused_step_takes_the_others_of_its_write_with_it(tmp_path: Path) -> None:
    """All or nothing, with the step that was forbidden."""
    made = create(AUTHORS, name="Ada")

    async def story(store: SqliteStore) -> tuple[Any, Row | None]:
        error = await refusal(store.write(write(made, bounded(create(AUTHORS), become=NO), prefix="operations[{}]")))
        return error, await read(store, made)

    error, row = run(tmp_path, story)
    assert (error.code, places(error), row) == ("forbidden", [("operations[1]", "forbidden")], None)
