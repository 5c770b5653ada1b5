"""Stories as data: one request, and what its answer must and must not show. Every answer is held to the form of the contract as well."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, Unpack
from uuid import UUID

import pytest

from holdfast import Backend
from holdfast.base.errors import CATALOGUE, DETAIL_CODES
from holdfast.testing import Client, Headers, Response
from holdfast.testing.client import Parts

API = "/api/v1"
ABSENT_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
"""A sound id that no record has."""

_INTERNAL = re.compile(
    r"(?i)traceback|\.py\b|sqlite|apsw|\bselect\b|\binsert into\b|holdfast\.[a-z]|/etc/|\bhf_[a-z]+|msgspec|KeyError|TypeError"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_NEEDED = {401: "www-authenticate", 405: "allow", 429: "retry-after", 503: "retry-after"}
_RAW = ("/metrics", "/openapi.json", "/docs")


class Asks(Protocol):
    """A client, in this process or over the wire."""

    def request(self, method: str, path: str, **parts: Unpack[Parts]) -> Response:
        """Send one request."""


class Story:
    """A client that judges the form of every answer it gets."""

    def __init__(self, client: Asks) -> None:
        self.client = client
        self._count = 0

    def ask(self, method: str, path: str, **parts: Unpack[Parts]) -> Response:
        """Send one request; the answer has the form of the contract."""
        if path.startswith("/") and not path.startswith((API, "/healthz", "/readyz", *_RAW)) and path != "/":
            path = API + path
        answer = self.client.request(method, path, **parts)
        judge(method, path, answer)
        return answer

    def get(self, path: str, **parts: Unpack[Parts]) -> Response:
        """GET, to be answered 200."""
        answer = self.ask("GET", path, **parts)
        assert answer.status == 200, answer
        return answer

    def make(self, path: str, **members: Any) -> dict[str, Any]:
        """Create a record."""
        answer = self.ask("POST", path, json=members)
        assert answer.status == 201, answer
        made: dict[str, Any] = answer.data
        return made

    def unique(self, word: str = "x") -> str:
        """A text that no other part of the story uses."""
        self._count += 1
        return f"{word}{self._count}"

    def house(self, **members: Any) -> dict[str, Any]:
        """Make a publishing house."""
        return self.make("/houses", **{"name": self.unique("House "), **members})

    def author(self, **members: Any) -> dict[str, Any]:
        """Make an author."""
        return self.make("/authors", **{"name": "Jane", "email": f"{self.unique('jane')}@example.org", **members})

    def book(self, **members: Any) -> dict[str, Any]:
        """Make a book, with an author of its own if none is named."""
        if "author_id" not in members:
            members["author_id"] = self.author()["id"]
        return self.make("/books", **{"title": self.unique("Title "), "price": "10.00", **members})


@contextmanager
def telling(backend: Backend, **settings: Any) -> Iterator[Story]:
    """A story on a database of its own."""
    with Client(backend, **settings) as client:
        yield Story(client)


@dataclass(frozen=True)
class Case:
    """One request and its answer.

    path     may name what the story holds: "/books/{book}"
    code     error.code
    fields   the fields named by error.details, in any order; each may carry its code: "title:too_short"
    shows    texts that the body must have
    hides    texts that it must not have
    heads    header fields that it must have; None: that it must not have
    """

    name: str
    method: str
    path: str
    status: int
    code: str | None = None
    json: Any = None
    content: bytes | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] | None = None
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    heads: Mapping[str, str | None] = field(default_factory=dict)


def cases(*all_cases: Case) -> pytest.MarkDecorator:
    """A test for each case."""
    return pytest.mark.parametrize("case", all_cases, ids=lambda case: case.name)


def run(story: Story, case: Case, names: Mapping[str, str] | None = None) -> Response:
    """Ask what the case asks, and see that the answer is what it says."""
    path = case.path
    for name, value in (names or {}).items():
        path = path.replace(f"{{{name}}}", value)
    answer = story.ask(case.method, path, json=_fill(case.json, names or {}), content=case.content, headers=case.headers)
    assert answer.status == case.status, answer
    if case.code is not None:
        assert answer.error["code"] == case.code, answer
    if case.fields is not None:
        check_fields(answer, *case.fields)
    for text in case.shows:
        assert text in answer.text, answer
    for text in case.hides:
        assert text not in answer.text, answer
    for name, wanted in case.heads.items():
        assert answer.headers.get(name) == wanted, dict(answer.headers)
    return answer


def _fill(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return names.get(value[1:-1], value)
    if isinstance(value, dict):
        return {name: _fill(each, names) for name, each in value.items()}
    return [_fill(each, names) for each in value] if isinstance(value, list) else value


def check_fields(answer: Response, *fields: str) -> None:
    """See that `details` names exactly these fields, with these codes where they are given ("title:too_short")."""
    told = sorted((each["field"], each["code"]) for each in answer.error["details"])
    wanted = sorted(each.partition(":")[::2] for each in fields)
    assert [(name, code if want else "") for (name, code), (_, want) in zip(told, wanted, strict=False)] == wanted, answer
    assert len(told) == len(wanted), answer


def judge(method: str, path: str, answer: Response) -> None:
    """What holds for every answer there is."""
    _judge_headers(answer)
    if method == "HEAD" or answer.status in (204, 304):
        assert answer.content == b""
        return
    if answer.status == 200 and path.startswith(_RAW):
        return
    body = answer.json()
    assert answer.headers["content-length"] == str(len(answer.content))
    if answer.headers["content-type"] == "application/problem+json":
        _judge_problem(body, answer)
        return
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert body["success"] is (answer.status < 400)
    if body["success"]:
        assert set(body) in ({"success", "data"}, {"success", "data", "meta"})
        return
    assert set(body) == {"success", "error"}
    _judge_error(body["error"], answer)


def _judge_headers(answer: Response) -> None:
    headers: Headers = answer.headers
    assert _REQUEST_ID.match(headers["x-request-id"])
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"]
    assert headers["cache-control"]
    assert "server" not in headers
    needed = _NEEDED.get(answer.status)
    assert needed is None or headers[needed]


def _judge_error(error: Mapping[str, Any], answer: Response) -> None:
    assert {"code", "message", "request_id"} <= set(error) <= {"code", "message", "request_id", "details", "hint"}
    assert error["request_id"] == answer.headers["x-request-id"]
    problem = CATALOGUE[error["code"]]
    assert answer.status == problem.status or (error["code"] == "version_conflict" and answer.status in (409, 412))
    for each in error.get("details", ()):
        assert set(each) == {"field", "code", "message"}
        assert each["code"] in DETAIL_CODES
    assert not _INTERNAL.search(answer.text), answer
    if answer.status == 500:
        assert set(error) == {"code", "message", "request_id"}


def _judge_problem(body: Mapping[str, Any], answer: Response) -> None:
    assert body["status"] == answer.status
    assert {"type", "title", "detail", "instance", "code", "request_id"} <= set(body)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert not _INTERNAL.search(answer.text), answer


def is_uuid7(text: str) -> bool:
    """Whether a text is the id that the service makes."""
    return UUID(text).version == 7 and text == str(UUID(text))
