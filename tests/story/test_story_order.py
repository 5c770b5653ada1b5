"""The order of refusals: a request with two faults is told the one that stands first in the table.

413 route-404 405 406 415 400 422 missing-404 428 412/409 unique and reference.

One 422 is not in the pairs: `check_failed` is about the record as it would be, so it is judged after the record was found and its version
compared (test_story_changes).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest
from story_case import ABSENT_ID, Case, Story, cases, run, telling
from story_library import backend


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One database for all of this module."""
    with telling(backend) as story:
        author = story.author()
        story.book(title="Taken", author_id=author["id"])
        story.book(title="Mine", author_id=author["id"])
        yield story


@dataclass(frozen=True)
class Fault:
    """What one fault changes in a sound request, and what it answers alone. Faults of one group cannot stand together."""

    rank: int
    status: int
    code: str
    group: str
    headers: Mapping[str, str | None] = field(default_factory=dict)
    query: str = ""
    content: bytes | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    path: str | None = None


FAULTS = (
    Fault(1, 413, "payload_too_large", "body", content=b'{"title": "' + b"x" * 1_048_576 + b'"}'),
    Fault(2, 404, "not_found", "path", path="/bookz/{book}"),
    Fault(4, 406, "not_acceptable", "accept", headers={"accept": "text/html"}),
    Fault(5, 415, "unsupported_media_type", "type", headers={"content-type": "text/plain"}),
    Fault(5, 415, "unsupported_media_type", "type", headers={"content-type": None}),
    Fault(6, 400, "unknown_parameter", "query", query="?colour=red"),
    Fault(6, 400, "malformed_request", "if-match", headers={"if-match": "no tag"}),
    Fault(6, 400, "malformed_json", "body", content=b'{"title": '),
    Fault(7, 422, "validation_failed", "body", members={"price": "much"}),
    Fault(7, 422, "validation_failed", "reference", members={"author_id": ABSENT_ID}),
    Fault(8, 404, "not_found", "path", path=f"/books/{ABSENT_ID}"),
    Fault(8, 404, "not_found", "path", path="/books/no-id"),
    Fault(9, 428, "precondition_required", "if-match", headers={"if-match": None}),
    Fault(10, 412, "version_conflict", "if-match", headers={"if-match": '"77-0"'}),
    Fault(11, 409, "unique_conflict", "unique", members={"title": "Taken", "author_id": "{author}"}),
)
PAIRS = [
    pytest.param(first, second, id=f"{first.rank}.{first.code}-{second.rank}.{second.code}")
    for first, second in combinations(FAULTS, 2)
    if first.group != second.group
    and first.rank != second.rank
    and not (first.content and second.members)
    and not first.members.keys() & second.members.keys()
]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("fault", [pytest.param(each, id=f"{each.rank}.{each.code}") for each in FAULTS])
def test_each_fault_alone(story: Story, fault: Fault, method: str) -> None:
    """Each fault of the table is found where it stands alone."""
    _expect(story, method, (fault,), fault)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_first_of_two_faults_is_told(story: Story, first: Fault, second: Fault, method: str) -> None:
    """Of two faults in one request the one that stands first in the table is told."""
    _expect(story, method, (first, second), first)


def _expect(story: Story, method: str, faults: tuple[Fault, ...], told: Fault) -> None:
    """Every request here is refused, so one book serves all of them."""
    book = story.get("/books?limit=1&title=Mine").data[0]
    author = {"id": book["author_id"]}
    members: dict[str, Any] = {"title": book["title"], "author_id": author["id"], "price": "10.00"}
    headers: dict[str, str | None] = {"content-type": "application/json", "if-match": '"1-0"'}
    path, query, content = "/books/{book}", "", None
    for fault in faults:
        members |= fault.members
        headers |= fault.headers
        path, query, content = fault.path or path, fault.query or query, fault.content or content
    members = {name: author["id"] if value == "{author}" else value for name, value in members.items()}
    sent = {name: value for name, value in headers.items() if value is not None}
    if "content-type" not in sent and content is None:
        content = json.dumps(members).encode()
    parts: dict[str, Any] = {"content": content} if content is not None else {"json": members}

    answer = story.ask(method, path.replace("{book}", book["id"]) + query, headers=sent, **parts)

    assert (answer.status, answer.error["code"]) == (told.status, told.code), answer


@cases(
    Case("413 before an unknown route's body", "POST", "/bookz", 404, "not_found", json={"a": 1}),
    Case("405 before 406", "PUT", "/books", 405, "method_not_allowed", json={}, headers={"accept": "text/html"}),
    Case("405 before 400", "DELETE", "/books?colour=red", 405, "method_not_allowed"),
    Case("406 before 400 on a list", "GET", "/books?colour=red", 406, "not_acceptable", headers={"accept": "text/html"}),
    Case("406 before 404 on a read", "GET", f"/books/{ABSENT_ID}", 406, "not_acceptable", headers={"accept": "image/png"}),
    Case("400 before 404 on a read", "GET", f"/books/{ABSENT_ID}?colour=red", 400, "unknown_parameter"),
    Case("400 before 404 on a nested list", "GET", f"/authors/{ABSENT_ID}/books?colour=red", 400, "unknown_parameter"),
    Case("400 before 404 on a delete", "DELETE", f"/books/{ABSENT_ID}?version=0", 400, "malformed_request"),
    Case("422 before 404 on a delete", "DELETE", f"/books/{ABSENT_ID}", 422, "validation_failed", json={"title": "x"}),
    Case("404 before 428 on a delete", "DELETE", f"/books/{ABSENT_ID}", 404, "not_found"),
    Case("428 before 409 on a delete", "DELETE", "/authors/{author}", 428, "precondition_required"),
    Case("412 before 409 on a delete", "DELETE", "/authors/{author}", 412, "version_conflict", headers={"if-match": '"9"'}),
    Case("409 alone on a delete", "DELETE", "/authors/{author}", 409, "reference_conflict", headers={"if-match": '"1"'}),
    Case("415 before 400 on a query", "POST", "/books/query", 415, "unsupported_media_type", content=b"{"),
    Case("400 before 422 on a create", "POST", "/books?colour=red", 400, "unknown_parameter", json={"title": 5}),
    Case("422 before 409 on a create", "POST", "/houses", 422, "validation_failed", json={"name": "", "id": ABSENT_ID}),
)
def test_pairs_on_other_routes(story: Story, case: Case) -> None:
    """The same order on every kind of route."""
    author = story.author()
    story.book(author_id=author["id"])
    run(story, case, {"author": author["id"]})
