"""Batches: bodies become steps, and every fault of form is told at once."""

from itertools import count
from typing import Any

import pytest

from holdfast import Access, Backend, Ref, Resource, anyone, field
from holdfast.base.errors import Refused
from holdfast.base.ids import ABSENT_ID, RecordId
from holdfast.base.instant import Instant
from holdfast.base.limits import BATCH_OPERATIONS_MAX, DETAILS_MAX
from holdfast.core.actor import NOBODY, Actor
from holdfast.core.batch import BatchReader, count_operations
from holdfast.core.entity_tag import STALE_BODY, STALE_UNSAID
from holdfast.core.permit import Permit
from holdfast.core.plan import Create, Delete, Update, WriteStep
from holdfast.model.catalog import ResourceSpec

OPEN = Access(read=anyone, write=anyone)
ID = "01890a5d-ac96-774b-bcce-b302099a8057"


class Author(Resource):
    name: str

    access = OPEN


class Book(Resource):
    title: str
    author: Ref[Author]
    editor: Ref[Author] | None = field(default=None, reverse="edited-books")

    access = OPEN


class Locked(Resource):
    text: str

    access = Access(read=anyone)


class Memo(Resource, require_version=False):
    text: str

    access = OPEN


CATALOG = Backend(Author, Book, Memo).catalog
ADMIN = Permit(CATALOG).grant(Actor(RecordId(ABSENT_ID), frozenset({"admin"})), Instant(0))


def read(*operations: Any) -> tuple[WriteStep, ...]:
    """Read a batch; new records get the ids made-1, made-2..."""
    return read_body({"operations": list(operations)})


def read_body(body: Any) -> tuple[WriteStep, ...]:
    """Read a whole body."""
    numbers = count(1)

    def make_id(_resource: ResourceSpec) -> RecordId:
        return RecordId(f"00000000-0000-7000-8000-{next(numbers):012}")

    return BatchReader(CATALOG, make_id).read(body, ADMIN)


def made(number: int) -> str:
    """The id of the n-th POST."""
    return f"00000000-0000-7000-8000-{number:012}"


def faults(*operations: Any) -> list[tuple[str, str]]:
    """(field, code) of every fault of a batch."""
    return faults_of({"operations": list(operations)})


def faults_of(body: Any) -> list[tuple[str, str]]:
    """(field, code) of every fault of a whole body."""
    refused = refusal_of(body)
    assert (refused.code, refused.status) == ("validation_failed", 422)
    return [(each.field, each.code) for each in refused.details]


def refusal_of(body: Any) -> Refused:
    """The refusal of a whole body."""
    with pytest.raises(Refused) as caught:
        read_body(body)
    return caught.value


def message(*operations: Any) -> str:
    """The message of the only fault of a batch."""
    with pytest.raises(Refused) as caught:
        read(*operations)
    (only,) = caught.value.details
    return only.message


AUTHOR = {"method": "POST", "path": "/authors", "body": {"name": "Ada"}}


def test_operations_become_steps_in_order() -> None:
    """Each method becomes its step, on the resource and record that the path names."""
    create, replace, patch, delete = read(
        AUTHOR,
        {"method": "PUT", "path": f"/authors/{ID}", "version": 2, "body": {"name": "B"}},
        {"method": "PATCH", "path": f"/authors/{ID.upper()}", "body": {"name": "C", "version": 3}},
        {"method": "DELETE", "path": f"/authors/{ID}", "version": 4},
    )
    assert isinstance(create, Create)
    assert (create.id, create.values, create.chosen_id) == (made(1), {"name": "Ada"}, False)
    assert isinstance(replace, Update)
    assert (replace.id, replace.assign, replace.version, replace.stale) == (ID, {"name": "B"}, 2, STALE_BODY)
    assert isinstance(patch, Update)
    assert (patch.id, patch.assign, patch.version, patch.stale) == (ID, {"name": "C"}, 3, STALE_BODY)
    assert isinstance(delete, Delete)
    assert (delete.id, delete.version, delete.stale) == (ID, 4, STALE_BODY)


def test_a_name_stands_for_the_id_of_its_record() -> None:
    """`$a.id` is replaced in references, ids and paths, by the id that was made or chosen."""
    author, book, patch, delete, other = read(
        {**AUTHOR, "as": "a"},
        {"method": "POST", "path": "/books", "as": "b", "body": {"title": "T", "author_id": "$a.id", "id": ID}},
        {"method": "PATCH", "path": "/books/$b.id", "version": 1, "as": "p", "body": {"editor_id": "$a.id", "id": "$b.id"}},
        {"method": "DELETE", "path": "/books/$p.id", "version": 2},
        {"method": "POST", "path": "/books", "body": {"title": "U", "author_id": "$b.author_id", "editor_id": "$p.editor_id"}},
    )
    assert isinstance(author, Create)
    assert isinstance(book, Create)
    assert isinstance(patch, Update)
    assert isinstance(delete, Delete)
    assert isinstance(other, Create)
    assert (book.id, book.chosen_id, book.values["author_id"]) == (ID, True, author.id)
    assert (patch.id, patch.assign, patch.equal) == (ID, {"editor_id": author.id}, {"id": ID})
    assert delete.id == ID
    assert (other.values["author_id"], other.values["editor_id"]) == (author.id, author.id)


def test_a_reference_that_is_null_can_be_mentioned() -> None:
    """What an earlier operation has as null is null."""
    _, _, book = read(
        {**AUTHOR, "as": "a"},
        {"method": "PATCH", "path": f"/books/{ID}", "version": 1, "as": "b", "body": {"editor_id": None}},
        {"method": "POST", "path": "/books", "body": {"title": "T", "author_id": "$a.id", "editor_id": "$b.editor_id"}},
    )
    assert isinstance(book, Create)
    assert book.values["editor_id"] is None


def test_dollar_signs_elsewhere_are_text() -> None:
    """Only the id, references and paths are looked at."""
    (author,) = read({"method": "POST", "path": "/authors", "body": {"name": "$a.id"}})
    assert isinstance(author, Create)
    assert author.values == {"name": "$a.id"}


def test_a_version_is_needed_where_the_resource_says_so() -> None:
    """Without one the step expects what no record has, unless the resource needs none."""
    patch, delete, free, gone = read(
        {"method": "PATCH", "path": f"/authors/{ID}", "body": {}},
        {"method": "DELETE", "path": f"/authors/{ID}", "version": None},
        {"method": "PATCH", "path": f"/memos/{ID}", "body": {}},
        {"method": "DELETE", "path": f"/memos/{ID}"},
    )
    assert isinstance(patch, Update)
    assert isinstance(delete, Delete)
    assert isinstance(free, Update)
    assert isinstance(gone, Delete)
    assert {(each.version, each.stale) for each in (patch, delete)} == {(0, STALE_UNSAID)}
    assert (free.version, gone.version) == (None, None)


def test_a_malformed_id_is_one_that_no_record_has() -> None:
    """It is missed in the transaction, where any other would be."""
    (step,) = read({"method": "DELETE", "path": "/authors/nonsense", "version": 1})
    assert step.id == ""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, [("", "wrong_type")]),
        ([], [("", "wrong_type")]),
        ({}, [("operations", "required")]),
        ({"operations": None}, [("operations", "wrong_type")]),
        ({"operations": {}}, [("operations", "wrong_type")]),
        ({"operations": []}, [("operations", "too_short")]),
        ({"operations": [AUTHOR] * (BATCH_OPERATIONS_MAX + 1)}, [("operations", "too_long")]),
        ({"operations": [AUTHOR], "operation": []}, [("operation", "unknown_member")]),
        ({"oprations": []}, [("oprations", "unknown_member"), ("operations", "required")]),
    ],
)
def test_a_batch_is_an_object_with_operations(body: Any, expected: list[tuple[str, str]]) -> None:
    """Anything else is told at its place."""
    assert faults_of(body) == expected


def test_so_many_operations_are_taken() -> None:
    """BATCH_OPERATIONS_MAX operations are one batch."""
    assert len(read(*[AUTHOR] * BATCH_OPERATIONS_MAX)) == BATCH_OPERATIONS_MAX


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (1, [("", "wrong_type")]),
        ({}, [(".method", "required"), (".path", "required")]),
        ({**AUTHOR, "method": "GET"}, [(".method", "not_in_choices")]),
        ({**AUTHOR, "method": None, "path": 1}, [(".method", "null_not_allowed"), (".path", "wrong_type")]),
        ({**AUTHOR, "headers": {}}, [(".headers", "unknown_member")]),
        ({**AUTHOR, "as": "no name"}, [(".as", "pattern_mismatch")]),
        ({**AUTHOR, "as": "a\n"}, [(".as", "pattern_mismatch")]),
        ({**AUTHOR, "as": 1}, [(".as", "wrong_type")]),
        ({**AUTHOR, "version": 1}, [(".version", "unknown_member")]),
        ({"method": "POST", "path": "/authors"}, [(".body", "required")]),
        ({"method": "POST", "path": "/authors", "body": None}, [(".body", "wrong_type")]),
        ({"method": "POST", "path": "/authors", "body": []}, [(".body", "wrong_type")]),
        ({"method": "POST", "path": "/authors", "body": {}}, [(".body.name", "required")]),
        ({"method": "DELETE", "path": f"/authors/{ID}", "body": {}}, [(".body", "unknown_member")]),
        ({"method": "PATCH", "path": f"/authors/{ID}"}, [(".body", "required")]),
        ({"method": "PATCH", "path": f"/authors/{ID}", "body": {}, "version": 0}, [(".version", "too_small")]),
        ({"method": "PUT", "path": f"/authors/{ID}", "body": {"nome": 1}}, [(".body.name", "required"), (".body.nome", "unknown_member")]),
        ({**AUTHOR, "path": "authors"}, [(".path", "wrong_format")]),
        ({**AUTHOR, "path": ""}, [(".path", "wrong_format")]),
        ({**AUTHOR, "path": "/api/v1/authors"}, [(".path", "wrong_format")]),
        ({**AUTHOR, "path": "/authors?fields=name"}, [(".path", "wrong_format")]),
        ({"method": "DELETE", "path": f"/authors/{ID}?version=1"}, [(".path", "wrong_format")]),
        ({"method": "DELETE", "path": "/authors/$x.id"}, [(".path", "reference_missing")]),
        ({"method": "DELETE", "path": "/authors/$x"}, [(".path", "wrong_format")]),
        ({"method": "POST", "path": "/books", "body": {"title": "T", "author_id": "$x.id"}}, [(".body.author_id", "reference_missing")]),
        ({"method": "POST", "path": "/books", "body": {"title": "T", "author_id": "$"}}, [(".body.author_id", "wrong_format")]),
        ({**AUTHOR, "body": {"name": "A", "id": "$x.id"}}, [(".body.id", "reference_missing")]),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_place(operation: Any, expected: list[tuple[str, str]]) -> None:
    """Every fault of an operation is told once, at its place below the operation."""
    assert faults(AUTHOR, operation) == [(f"operations[1]{place}", code) for place, code in expected]


DELETION = {"method": "DELETE", "version": 1}


@pytest.mark.parametrize(
    ("operation", "status", "allow"),
    [
        ({**AUTHOR, "path": "/"}, 404, None),
        ({**AUTHOR, "path": "/author"}, 404, None),
        ({**AUTHOR, "path": "/authors/"}, 404, None),
        ({**AUTHOR, "path": f"/authors/{ID}/undelete"}, 404, None),
        ({**DELETION, "path": "/author"}, 404, None),
        ({**DELETION, "path": "/authors/"}, 404, None),
        ({**DELETION, "path": f"/authors/{ID}/books"}, 404, None),
        ({**AUTHOR, "path": f"/authors/{ID}"}, 405, "PUT, PATCH, DELETE"),
        ({**AUTHOR, "path": "/authors/bulk"}, 405, "PUT, PATCH, DELETE"),
        ({**DELETION, "path": "/authors"}, 405, "POST"),
        ({"method": "PUT", "path": "/authors", "version": 1, "body": {}}, 405, "POST"),
    ],
)  # fmt: skip
def test_an_operation_without_a_route_is_answered_as_a_request_without_one(operation: Any, status: int, allow: str | None) -> None:
    """404 for a path that names nothing, 405 for one that does not take the method; the details say which operation it was."""
    refused = refusal_of({"operations": [AUTHOR, operation]})

    code = {404: "not_found", 405: "method_not_allowed"}[status]
    assert (refused.status, refused.code, refused.headers.get("allow")) == (status, code, allow)
    assert [(each.field, each.code) for each in refused.details] == [("operations[1].path", code)]


def test_the_first_operation_with_a_fault_says_the_status() -> None:
    """The details are those of all. Within an operation the route comes first, as in a request."""
    lost, wrong, mistaken = {**AUTHOR, "path": "/author"}, {**AUTHOR, "body": {}}, {**DELETION, "path": "/authors"}
    statuses: dict[int, list[list[Any]]] = {
        404: [[lost, wrong, mistaken], [AUTHOR, lost], [{**lost, "headers": {}}, wrong]],
        405: [[mistaken, lost], [{**mistaken, "body": {}}, lost]],
        422: [[wrong, lost, mistaken], [{**AUTHOR, "as": "no name"}, lost], [{"method": "GET", "path": "/author"}, lost], [1, lost]],
    }
    for status, batches in statuses.items():
        for operations in batches:
            refused = refusal_of({"operations": operations})
            assert refused.status == status, operations
            failed = sum(each is not AUTHOR for each in operations)
            assert len({each.field.split(".")[0] for each in refused.details}) == failed, refused.details
    assert refusal_of({"operations": [lost], "more": 1}).status == 422


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"version": 1}), ("PUT", {"name": "A", "version": 1})])
def test_two_versions_of_one_operation_are_refused(method: str, body: dict[str, Any]) -> None:
    """Unequal versions beside the path and in the body are 400 malformed_request, as in a single request; the operation is named."""
    with pytest.raises(Refused) as caught:
        read(AUTHOR, {"method": method, "path": f"/authors/{ID}", "version": 2, "body": body})

    assert (caught.value.status, caught.value.code) == (400, "malformed_request")
    assert caught.value.message == "The versions given in operations[1] are not equal."


def test_faults_of_all_operations_are_told_at_once() -> None:
    """Faults of form, of bodies, paths and names, of every operation, and none that only follows from another."""
    found = faults(
        {"method": "POST", "path": "/authors", "as": "a", "body": {}},
        {"method": "POST", "path": "/books", "as": "b", "body": {"author_id": "$a.id", "editor_id": "$c.id"}},
        {"method": "POST", "path": "/nowhere", "as": "c", "body": {}},
        {"method": "POST", "path": "/books", "as": "a", "body": {"title": "T", "author_id": "$c.id"}},
        {"method": "DELETE", "path": "/books/$b.title", "version": 1},
    )
    assert found == [
        ("operations[0].body.name", "required"),
        ("operations[1].body.editor_id", "reference_missing"),
        ("operations[1].body.title", "required"),
        ("operations[2].path", "not_found"),
        ("operations[3].as", "unique_conflict"),
        ("operations[4].path", "reference_missing"),
    ]


def test_more_faults_than_are_listed_end_the_reading() -> None:
    """An answer lists DETAILS_MAX faults and no more."""
    many = {"method": "POST", "path": "/authors", "body": {f"x{number}": 1 for number in range(400)}}
    assert len(faults(*[many] * 5)) == DETAILS_MAX


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({**AUTHOR, "path": "/author"}, "did you mean `/authors`?"),
        ({**AUTHOR, "path": "/api/v1/authors"}, "send `/authors`"),
        ({"method": "DELETE", "path": "/authors/$firts.id"}, "did you mean `$first`?"),
        ({"method": "DELETE", "path": "/authors/$first.name"}, "id can be asked for"),
    ],
)
def test_a_fault_says_what_to_send_instead(operation: Any, words: str) -> None:
    """Nearest names, and what is known."""
    assert words in message({**AUTHOR, "as": "first"}, operation)


def test_only_the_first_faults_look_for_the_name_that_was_meant() -> None:
    """Ten faults hint at what was meant; a thousand would compare every name with every other."""
    known = [{**AUTHOR, "as": f"name{number}"} for number in range(20)]
    strangers = [{"method": "DELETE", "path": f"/authors/$nam{number}.id"} for number in range(20)]
    with pytest.raises(Refused) as caught:
        read(*known, *strangers, *[{**AUTHOR, "path": "/author"}] * 5)
    assert ["did you mean" in each.message for each in caught.value.details] == [True] * 10 + [False] * 15


@pytest.mark.parametrize(
    ("body", "operations"),
    [
        ({"operations": [{}, {}, {}]}, 3),
        ({"operations": []}, 1),
        ({"operations": {}}, 1),
        ({}, 1),
        ([], 1),
        ({"operations": [0] * 999}, 200),
    ],
    ids=str,
)
def test_operations_are_counted_before_they_are_read(body: Any, operations: int) -> None:
    """Whatever they are, and no more than a batch may have."""
    assert count_operations(body) == operations


def test_what_is_granted_on_no_row_is_refused_where_it_stands() -> None:
    """The refusal names the operation."""
    nobody = Permit(Backend(Locked).catalog).grant(NOBODY, Instant(0))
    operations = [{"method": "POST", "path": "/lockeds", "body": {"text": "x"}}]
    with pytest.raises(Refused) as caught:
        BatchReader(Backend(Locked).catalog, lambda _: RecordId(ID)).read({"operations": operations}, nobody)
    assert [(each.field, each.code) for each in caught.value.details] == [("operations[0]", "unauthenticated")]
