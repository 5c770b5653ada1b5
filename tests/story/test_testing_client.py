"""holdfast.testing.Client: the whole API in this process, for the tests of those who declare a backend."""

import gc
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from story_library import backend

from holdfast import Access, Backend, Ref, Resource, anyone
from holdfast.base.errors import Misconfigured
from holdfast.testing import Client, Headers, Response


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One client for all of this module."""
    with Client(backend) as client:
        yield client


def test_every_method_has_a_function(client: Client) -> None:
    """Each sends its own method."""
    made = client.post("/api/v1/memos", json={"text": "x"})
    path = made.headers["Location"]

    assert (made.status, made.status_code, made.data["text"]) == (201, 201, "x")
    assert client.get(path).data == made.data
    assert client.head(path).content == b""
    assert client.options(path).headers["ALLOW"].startswith("GET, HEAD")
    assert client.patch(path, json={"text": "y"}).data["version"] == 2
    assert client.put(path, json={"text": "z"}).data["version"] == 3
    assert client.delete(path).json() == {"success": True, "data": None}
    assert client.request("BREW", path).error["code"] == "method_not_allowed"


def test_a_response_shows_its_parts(client: Client) -> None:
    """data, error and meta of the envelope, None where they are not; text, content and json of the body."""
    listed = client.get("/api/v1/memos", params={"limit": 1})
    refused = client.get("/nowhere")

    assert (listed.error, listed.meta["limit"]) == (None, 1)
    assert (refused.data, refused.meta, refused.error["code"]) == (None, None, "not_found")
    assert listed.text.encode() == listed.content
    assert listed.json()["success"] is True
    assert client.head("/api/v1/memos").data is None
    assert "not_found" in repr(refused)
    assert repr(Response(200, Headers([]), b"x" * 5_000)).endswith("...)")


def test_values_of_python_are_sent_in_their_json_form(client: Client) -> None:
    """Decimal, date, datetime and UUID in a body, text, numbers and bools in a query."""
    key = uuid.uuid4()
    body = {"amount": Decimal("1.5"), "day": date(2024, 2, 29), "moment": datetime(2024, 1, 1, tzinfo=UTC), "key": key, "active": True}
    made = client.post("/api/v1/samples", json=body).data

    assert (made["amount"], made["day"], made["moment"]) == ("1.500", "2024-02-29", "2024-01-01T00:00:00.000000Z")
    found = client.get("/api/v1/samples", params={"active": True, "key": key, "amount[gte]": Decimal("1.5"), "day": date(2024, 2, 29)})
    assert found.data == [made]
    assert client.get("/api/v1/samples?active=true", params=[("key", key)]).data == [made]
    assert client.get("/api/v1/samples", params=[("key", key), ("key", key)]).status == 400
    assert client.get("/api/v1/houses?name=東京 & Ä").status == 400  # the text after & is a parameter of its own
    assert client.get("/api/v1/houses", params={"name": "東京 & Ä"}).status == 200


def test_a_body_may_be_sent_as_it_is(client: Client) -> None:
    """Bytes or text, with no Content-Type but the one that is given; a body cannot be given twice."""
    kind = {"Content-Type": "application/json"}

    assert client.post("/api/v1/memos", content='{"text": "ä"}', headers=kind).data["text"] == "ä"
    assert client.post("/api/v1/memos", content=b'{"text": "b"}', headers=list(kind.items())).status == 201
    assert client.post("/api/v1/memos", content=b"{}").error["code"] == "unsupported_media_type"
    assert client.post("/api/v1/memos", json={}, headers={"content-type": "text/plain"}).status == 415
    with pytest.raises(TypeError, match="not both"):
        client.post("/api/v1/memos", json={}, content=b"{}")


def test_what_the_wire_refuses_is_refused_here(client: Client) -> None:
    """Heads pass the parser of the server; a header with a line break never leaves."""
    assert client.get("/" + "x" * 9_000).status == 414
    assert client.get("/", headers={"x-a": "x" * 40_000}).status == 431
    assert client.get("/", headers={"bad name": "x"}).status == 400
    assert client.post("/api/v1/memos", content=b"x" * 1_048_577, headers={"content-type": "application/json"}).status == 413
    with pytest.raises(ValueError, match="line break"):
        client.get("/", headers={"x-a": "x\r\ny: z"})


def test_headers_are_found_in_any_case() -> None:
    """A field that is given twice reads as one."""
    headers = Headers([("ETag", '"1"'), ("vary", "accept"), ("Vary", "origin")])

    assert (headers["etag"], headers["VARY"], len(headers)) == ('"1"', "accept, origin", 2)
    assert "x" not in headers
    assert "accept, origin" in repr(headers)


def test_a_fault_of_ours_shows_its_cause(client: Client) -> None:
    """A test that fails shows the traceback that an answer never has."""
    answer = client.post("/api/v1/traps", json={"name": "x"})

    assert answer.status == 500
    assert "make_plan_once" in str(answer.cause)
    assert "make_plan_once" in repr(answer)
    assert client.get("/healthz").cause is None


def test_many_threads_may_use_one_client(client: Client) -> None:
    """Each gets its own answers."""

    def make(number: int) -> str:
        return str(client.post("/api/v1/memos", json={"text": f"thread {number}"}).data["text"])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(make, range(100))) == [f"thread {number}" for number in range(100)]


def test_each_client_has_its_own_database_and_leaves_nothing() -> None:
    """Two clients do not see each other; closing one, twice too, ends its threads and deletes its folder."""
    before = threading.active_count()
    with Client(backend) as first, Client(backend) as second:
        first.post("/api/v1/memos", json={"text": "x"})
        assert (len(first.get("/api/v1/memos").data), len(second.get("/api/v1/memos").data)) == (1, 0)
    first.close()

    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        first.get("/healthz")


def test_a_forgotten_client_is_closed_when_it_is_collected() -> None:
    """Nothing of it goes on running."""
    before = threading.active_count()
    client = Client(backend)
    assert client.get("/healthz").status == 200
    del client
    gc.collect()

    assert threading.active_count() == before


def test_a_folder_that_is_named_is_kept(tmp_path: Path) -> None:
    """With `data` the next client finds what the last one wrote."""
    with Client(backend, data=tmp_path) as client:
        made = client.post("/api/v1/memos", json={"text": "kept"}).data
    with Client(backend, data=str(tmp_path)) as client:
        assert client.get("/api/v1/memos").data == [made]


def test_rate_limits_are_off(client: Client) -> None:
    """A test may ask as often as it likes."""
    assert {client.get("/api/v1/memos?limit=1&count=none").status for _ in range(700)} == {200}


def test_settings_are_judged() -> None:
    """By name, type and sense, and nothing is left behind by a start that failed."""
    before = threading.active_count()
    with pytest.raises(TypeError, match="prot"):
        Client(backend, prot=1)
    with pytest.raises(msgspec.ValidationError, match="docs"):
        Client(backend, docs="maybe")
    with pytest.raises(Misconfigured, match="database"):
        Client(backend, database="postgresql://localhost/x")
    assert threading.active_count() == before


def test_a_backend_of_the_test_itself() -> None:
    """Classes declared within a test are served too."""

    class Note(Resource):
        """A note."""

        text: str
        about: "Ref[Note] | None" = None

        access = Access(read=anyone, write=anyone)

    with Client(Backend(Note)) as client:
        assert client.post("/api/v1/notes", json={"text": "x"}).status == 201
