"""Batches over the whole API: many writes in one transaction, all or none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from story_case import ABSENT_ID, Story, check_fields, telling
from story_library import backend

from holdfast.base.limits import BATCH_OPERATIONS_MAX
from holdfast.testing import Response

PATHS = ("/houses", "/authors", "/books", "/chapters", "/accounts", "/memos")


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One database for all of this module."""
    with telling(backend) as story:
        yield story


def post(path: str, name: str | None = None, /, **body: Any) -> dict[str, Any]:
    """An operation that creates."""
    return {"method": "POST", "path": path, "body": body, **({} if name is None else {"as": name})}


def patch(path: str, version: int | None, /, **body: Any) -> dict[str, Any]:
    """An operation that changes."""
    return {"method": "PATCH", "path": path, "body": body, **({} if version is None else {"version": version})}


def delete(path: str, version: int | None) -> dict[str, Any]:
    """An operation that deletes."""
    return {"method": "DELETE", "path": path, **({} if version is None else {"version": version})}


def batch(story: Story, *operations: Any, **headers: str) -> Response:
    """Send a batch."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return story.ask("POST", "/batch", json={"operations": list(operations)}, headers=sent)


def everything(story: Story) -> dict[str, Any]:
    """All that there is."""
    return {path: story.get(f"{path}?limit=200").json() for path in PATHS}


def test_operations_run_in_order_and_each_has_its_answer(story: Story) -> None:
    """The example of the contract: what one operation makes the next can refer to, change and delete."""
    email = f"{story.unique('batch')}@example.org"
    answer = batch(
        story,
        post("/authors", "a", name="Ada", email=email),
        post("/books", "b", title="One", price="1.00", author_id="$a.id"),
        patch("/books/$b.id", 1, title="Two"),
        post("/chapters", title="C", book_id="$b.id", number=1),
        post("/memos", "m", text="x"),
        delete("/memos/$m.id", None),
    )
    assert answer.status == 200, answer
    author, book, changed, chapter, memo, gone = answer.data
    assert [each["status"] for each in answer.data] == [201, 201, 200, 201, 201, 200]
    assert author["data"] == story.get(f"/authors/{author['data']['id']}").data
    assert (book["data"]["title"], book["data"]["version"], book["data"]["author_id"]) == ("One", 1, author["data"]["id"])
    assert changed["data"] == story.get(f"/books/{book['data']['id']}").data
    assert (changed["data"]["title"], changed["data"]["version"]) == ("Two", 2)
    assert chapter["data"]["book_id"] == book["data"]["id"]
    assert gone["data"] is None
    assert story.ask("GET", f"/memos/{memo['data']['id']}").status == 404


def test_put_in_a_batch_is_a_full_update(story: Story) -> None:
    """What is left out of a PUT gets its default, and the version may stand in the body, as it was read."""
    house = story.house(city="Bath")
    answer = batch(story, {"method": "PUT", "path": f"/houses/{house['id']}", "body": {**house, "city": None}})
    assert answer.status == 200, answer
    assert (answer.data[0]["data"]["city"], answer.data[0]["data"]["version"]) == (None, 2)


def test_secrets_are_kept_as_anywhere(story: Story) -> None:
    """A secret field is hashed in a batch too, and never shown."""
    made = post("/accounts", "a", login="batched", password="correct horse")  # noqa: S106  # to be hashed
    answer = batch(story, made, patch("/accounts/$a.id", 1, token="to ken"))  # noqa: S106  # to be encrypted
    assert answer.status == 200, answer
    assert "correct horse" not in answer.text
    assert "to ken" not in answer.text
    assert "password" not in answer.data[0]["data"]


@dataclass(frozen=True)
class Failing:
    """An operation that fails. `fields` are the details, below its place."""

    operation: dict[str, Any]
    status: int
    code: str
    fields: tuple[str, ...]


def failing(story: Story) -> list[Failing]:
    """One of each way to fail."""
    house, book = story.house(), story.book()
    path, new = f"/houses/{house['id']}", {"name": "A", "email": "a@e.org"}
    return [
        Failing(post("/houses", name=""), 422, "validation_failed", (".body.name:too_short",)),
        Failing(post("/authors", **new, house_id=ABSENT_ID), 422, "validation_failed", (".body.house_id:reference_missing",)),
        Failing(post("/authors", **new, house_id="$h.id"), 422, "validation_failed", (".body.house_id:reference_missing",)),
        Failing(
            patch(f"/books/{book['id']}", 1, sold=5), 422, "validation_failed", (".body.sold:check_failed", ".body.printed:check_failed")
        ),
        Failing(post("/housse", name="A"), 404, "not_found", (".path:not_found",)),
        Failing(post(path, name="A"), 405, "method_not_allowed", (".path:method_not_allowed",)),
        Failing(patch(f"/houses/{ABSENT_ID}", 1, city="x"), 404, "not_found", (":not_found",)),
        Failing(delete("/houses/nonsense", 1), 404, "not_found", (":not_found",)),
        Failing(patch(path, 7, city="x"), 409, "version_conflict", (":version_conflict",)),
        Failing(patch(path, None, city="x"), 428, "precondition_required", (":precondition_required",)),
        Failing(delete(path, None), 428, "precondition_required", (":precondition_required",)),
        Failing(post("/houses", name=house["name"]), 409, "unique_conflict", (".body.name:unique_conflict",)),
        Failing(post("/houses", name="New", id=house["id"]), 409, "unique_conflict", (".body.id:unique_conflict",)),
        Failing(delete(f"/authors/{book['author_id']}", 1), 409, "reference_conflict", (".books.author_id:reference_conflict",)),
    ]


def test_a_failure_leaves_nothing_and_says_which_operation_it_was(story: Story) -> None:
    """Whatever fails, and why: the status is that of the failed operation, details begin with its place, and nothing was done."""
    first, last = post("/houses", name=story.unique("First ")), post("/memos", text="after")
    for each in failing(story):
        before = everything(story)
        for operations in ([first, each.operation], [first, each.operation, last]):
            answer = batch(story, *operations)
            assert (answer.status, answer.error["code"]) == (each.status, each.code), answer
            check_fields(answer, *(f"operations[1]{field}" for field in each.fields))
            assert "etag" not in answer.headers
            assert each.status != 428 or "`version` of the operation" in answer.error["hint"]
        assert everything(story) == before, each


def test_a_batch_takes_no_more_than_it_says(story: Story) -> None:
    """BATCH_OPERATIONS_MAX operations are made in one transaction; one more is refused and nothing is made."""
    many = [post("/memos", text=f"many {number}") for number in range(BATCH_OPERATIONS_MAX)]
    answer = batch(story, *many)
    assert [each["status"] for each in answer.data] == [201] * BATCH_OPERATIONS_MAX
    check_fields(batch(story, *many, post("/memos", text="more")), "operations:too_long")
    assert story.get("/memos?text[startswith]=many").meta["total"] == BATCH_OPERATIONS_MAX


def test_one_record_can_be_changed_more_than_once(story: Story) -> None:
    """Each operation sees what the ones before it did: versions go on from one to the next."""
    house = story.house()
    path = f"/houses/{house['id']}"
    answer = batch(story, patch(path, 1, city="A"), patch(path, 2, city="B"), delete(path, 3))
    assert [each["status"] for each in answer.data] == [200, 200, 200]
    refused = batch(
        story, post("/houses", "h", name=story.unique("Twice ")), patch("/houses/$h.id", 1, city="A"), patch("/houses/$h.id", 1, city="B")
    )
    assert (refused.status, refused.error["code"]) == (409, "version_conflict")
    check_fields(refused, "operations[2]:version_conflict")


def test_a_deletion_in_a_batch_does_what_references_say(story: Story) -> None:
    """restrict, cascade and set_null hold within the batch: what the operations before have made clear is clear."""
    book = story.book()
    chapter = story.make("/chapters", title="C", book_id=book["id"], number=1)
    answer = batch(story, delete(f"/books/{book['id']}", 1), delete(f"/authors/{book['author_id']}", 1))
    assert answer.status == 200, answer
    assert story.ask("GET", f"/chapters/{chapter['id']}").status == 404


def test_a_batch_has_one_key(story: Story) -> None:
    """With an Idempotency-Key a batch is made once; its repeat is its first answer, byte for byte."""
    operations = [post("/houses", "h", name=story.unique("Keyed ")), patch("/houses/$h.id", 1, city="A")]
    first = batch(story, *operations, Idempotency_Key="batch-key")
    again = batch(story, *operations, Idempotency_Key="batch-key")
    other = batch(story, *operations[:1], Idempotency_Key="batch-key")
    assert first.status == 200
    assert (again.status, again.content, again.headers["idempotency-replayed"]) == (200, first.content, "true")
    assert (other.status, other.error["code"]) == (422, "idempotency_mismatch")


def test_a_refused_batch_leaves_its_key_free(story: Story) -> None:
    """What failed is not kept."""
    name = story.unique("Free ")
    made = post("/houses", name=name)
    assert batch(story, made, delete(f"/houses/{ABSENT_ID}", 1), Idempotency_Key="free-key").status == 404
    answer = batch(story, made, Idempotency_Key="free-key")
    assert (answer.status, "idempotency-replayed" in answer.headers) == (200, False)


def test_a_batch_can_be_answered_without_a_body(story: Story) -> None:
    """`Prefer: return=minimal` gets 204."""
    answer = batch(story, post("/memos", text="minimal"), Prefer="return=minimal", Idempotency_Key="minimal-key")
    assert (answer.status, answer.headers["preference-applied"]) == (204, "return=minimal")
    again = batch(story, post("/memos", text="minimal"), Prefer="return=minimal", Idempotency_Key="minimal-key")
    assert (again.status, again.headers["idempotency-replayed"]) == (204, "true")
    assert story.get("/memos?text=minimal").meta["total"] == 1


def test_a_batch_is_asked_for_as_any_write(story: Story) -> None:
    """Method, media type, JSON and query are held to the same rules as everywhere."""
    one = {"operations": [post("/memos", text="x")]}
    assert story.ask("GET", "/batch").headers["allow"] == "POST, OPTIONS"
    assert story.ask("POST", "/batch", content=b"{}").error["code"] == "unsupported_media_type"
    assert story.ask("POST", "/batch", json=one, headers={"Accept": "text/html"}).error["code"] == "not_acceptable"
    assert story.ask("POST", "/batch?fields=id", json=one).error["code"] == "unknown_parameter"
    assert story.ask("POST", "/batch", json=one, headers={"Idempotency-Key": "a b"}).error["code"] == "malformed_request"
    broken = story.ask("POST", "/batch", content=b"{", headers={"Content-Type": "application/json"})
    assert broken.error["code"] == "malformed_json"
    check_fields(story.ask("POST", "/batch", json={}), "operations:required")
