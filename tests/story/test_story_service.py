"""The service itself: forms of answers, request ids, headers, sizes, the routes beside the resources."""

import json
import re
from collections.abc import Iterator

import pytest
from openapi_spec_validator import validate
from story_case import ABSENT_ID, Case, Story, cases, run, telling
from story_library import backend

from holdfast.testing import Client

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One database for all of this module."""
    with telling(backend) as story:
        yield story


# Forms


@pytest.mark.parametrize(
    "accept", [None, "", "*/*", "application/*", "application/json", "application/json;q=0.1", BROWSER, "APPLICATION/JSON"]
)
def test_what_gets_json(story: Story, accept: str | None) -> None:
    """None, anything, application/* and what a browser sends get JSON, answers and errors alike."""
    headers = {} if accept is None else {"accept": accept}

    assert story.ask("GET", "/books", headers=headers).status == 200
    assert story.ask("GET", f"/books/{ABSENT_ID}", headers=headers).error["code"] == "not_found"


@pytest.mark.parametrize(
    "accept", ["text/html", "text/*", "image/png, text/html;q=0.5", "application/xml", "application/json;q=0", "text/event-stream"]
)
def test_what_gets_406(story: Story, accept: str) -> None:
    """Who takes no JSON is refused, in JSON."""
    for method, path, body in (("GET", "/books", None), ("POST", "/books", {}), ("DELETE", f"/books/{ABSENT_ID}", None)):
        answer = story.ask(method, path, json=body, headers={"accept": accept})
        assert (answer.status, answer.error["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("accept", "problem"),
    [
        ("application/problem+json", True),
        ("application/problem+json, application/json", True),
        ("application/json, application/problem+json;q=0.9", False),
        ("application/json;q=0.5, application/problem+json;q=0.9", True),
        ("application/problem+json, */*;q=0.1", True),
        ("application/*", False),
    ],
)
def test_errors_as_rfc_9457(story: Story, accept: str, *, problem: bool) -> None:
    """Named with q at least that of JSON, problem+json gets errors in its form with the same facts; data stays JSON."""
    for path in ("/nowhere", f"/books/{ABSENT_ID}", "/books?colour=red"):
        answer = story.ask("GET", path, headers={"accept": accept})
        assert (answer.headers["content-type"] == "application/problem+json") is problem
    answer = story.ask("POST", "/houses", json={"name": ""}, headers={"accept": accept})
    body = answer.json()
    facts = body if problem else body["error"]
    assert (facts["code"], facts["details"][0]["field"], facts["request_id"]) == (
        "validation_failed",
        "name",
        answer.headers["x-request-id"],
    )
    assert story.ask("GET", "/books", headers={"accept": accept}).headers["content-type"].startswith("application/json")


def test_a_header_that_stands_twice_is_one_list(story: Story) -> None:
    """RFC 9110, 5.3: several lines of a list are one list; of what is no list two values are none that is sound."""
    house = story.house()
    tags = [("if-match", '"other"'), ("if-match", '"1"')]

    assert story.ask("GET", "/books", headers=[("accept", "text/html"), ("accept", "application/json")]).status == 200
    assert story.ask("PATCH", f"/houses/{house['id']}", json={}, headers=tags).status == 200
    assert (
        story.ask("GET", f"/houses/{house['id']}", headers=[("if-none-match", "nonsense"), ("x", "y"), ("if-none-match", "*")]).status
        == 200
    )
    assert (
        story.ask("POST", "/memos", content=b"{}", headers=[("content-type", "application/json"), ("content-type", "text/plain")]).status
        == 415
    )
    kept = story.ask("GET", "/books", headers=[("x-request-id", "one"), ("x-request-id", "two")]).headers["x-request-id"]
    assert kept not in ("one", "two")


# Request ids


@pytest.mark.parametrize("sent", ["a", "A-b_c.9", "x" * 64, "01234567-89ab"])
def test_an_inbound_request_id_is_kept(story: Story, sent: str) -> None:
    """On answers and errors, also of unknown routes."""
    for path in ("/books", "/nowhere", "/books?colour=red", "/healthz"):
        assert story.ask("GET", path, headers={"x-request-id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", " ", "x" * 65, "a b", "ä", "a/b", 'a"b', "a;b", "<script>"])
def test_another_request_id_is_replaced(story: Story, sent: str) -> None:
    """What is not of the form is replaced by one of ours, never refused."""
    answer = story.ask("GET", "/books", headers={"x-request-id": sent})

    assert answer.status == 200
    assert answer.headers["x-request-id"] not in ("", sent)


def test_request_ids_differ(story: Story) -> None:
    """Each request has its own."""
    assert len({story.ask("GET", "/books").headers["x-request-id"] for _ in range(50)}) == 50


# Sizes


def test_a_url_may_have_eight_kibibytes(story: Story) -> None:
    """8 KiB are read, one byte more is 414."""
    start = "/api/v1/houses?name="
    sound = story.ask("GET", start + "x" * (8 * 1024 - len(start)))
    over = story.ask("GET", start + "x" * (8 * 1024 - len(start) + 1))

    assert sound.status == 200
    assert (over.status, over.error["code"]) == (414, "uri_too_long")


def test_headers_may_have_thirty_two_kibibytes(story: Story) -> None:
    """Beyond 32 KiB, 431."""
    assert story.ask("GET", "/houses", headers={"x-filler": "x" * 30_000}).status == 200
    over = story.ask("GET", "/houses", headers={"x-filler": "x" * 33_000})
    assert (over.status, over.error["code"]) == (431, "headers_too_large")


@cases(
    Case("a search that is too long", "GET", f"/houses?q={'x' * 1_001}", 400, "malformed_request"),
    Case("a search of too many words", "GET", f"/houses?q={'x+' * 17}", 400, "malformed_request"),
    Case("a sort of too many keys", "GET", "/samples?sort=word,number,ratio,active,amount,day,moment,hour,key", 400, "invalid_sort"),
    Case("a path of too many steps", "GET", "/memos?reply_to.reply_to.reply_to.reply_to.text=x", 400, "unknown_parameter"),
)
def test_questions_are_bounded(story: Story, case: Case) -> None:
    """What a question may cost has a bound."""
    run(story, case)


# Headers


def test_answers_say_how_they_may_be_used(story: Story) -> None:
    """nosniff, no referrer, no framing, no-store, no banner: on data, errors, OPTIONS and service routes (judged at every answer here)."""
    for method, path in (
        ("GET", "/books"),
        ("GET", "/nowhere"),
        ("OPTIONS", "/books"),
        ("GET", "/healthz"),
        ("DELETE", "/books"),
        ("GET", "/docs"),
    ):
        headers = story.ask(method, path).headers
        assert "strict-transport-security" not in headers  # no TLS here
        assert "x-powered-by" not in headers
        assert "access-control-allow-origin" not in headers
    assert story.ask("GET", "/books").headers["cache-control"] == "no-store"


def test_an_origin_that_is_not_listed_gets_no_cors_header(story: Story) -> None:
    """Nor does a preflight."""
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}

    for method in ("GET", "OPTIONS"):
        assert not [name for name in story.ask(method, "/books", headers=asked).headers if name.startswith("access-control")]


# The service's own routes


def test_health_and_readiness(story: Story) -> None:
    """Both answer anyone, in the envelope, and may not be kept."""
    for path in ("/healthz", "/readyz"):
        answer = story.get(path)
        assert answer.json()["success"] is True
        assert answer.headers["cache-control"] == "no-store"


def test_metrics_are_for_loopback(story: Story) -> None:
    """Prometheus text with the counts of this very service; not for what was forwarded from elsewhere."""
    story.get("/houses")
    answer = story.ask("GET", "/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "/api/v1/houses" in answer.text
    for header in ("forwarded", "x-forwarded-for", "x-real-ip"):
        forwarded = story.ask("GET", "/metrics", headers={header: "203.0.113.7"})
        assert (forwarded.status, forwarded.error["code"]) == (404, "not_found")


def test_metrics_with_a_token() -> None:
    """The token opens them from anywhere, another does not."""
    with telling(backend, metrics_token="0123456789abcdef") as story:  # noqa: S106  # of this test
        asked = {"x-forwarded-for": "203.0.113.7"}
        assert story.ask("GET", "/metrics", headers={**asked, "authorization": "Bearer 0123456789abcdef"}).status == 200
        for wrong in ("Bearer 0123456789abcdeF", "Bearer", "Basic 0123456789abcdef", "0123456789abcdef", "Bearer é"):
            assert story.ask("GET", "/metrics", headers={**asked, "authorization": wrong}).status == 404


def test_metrics_name_no_path_that_a_caller_made_up(story: Story) -> None:
    """Routes are counted by their template, so that no caller can make new series."""
    for number in range(20):
        story.ask("GET", f"/made-up-{number}")
        story.ask("GET", f"/books/{number}")
        story.ask(f"METHOD{number}", "/books")

    text = story.ask("GET", "/metrics").text
    assert "made-up" not in text
    assert "METHOD" not in text
    assert "/api/v1/books/{id}" in text


def test_the_document_is_openapi_3_1(story: Story) -> None:
    """/openapi.json is a valid document that names every resource."""
    answer = story.ask("GET", "/openapi.json")
    document = json.loads(answer.content)

    assert answer.headers["content-type"].startswith("application/json")
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Publishing"
    assert {f"/api/v1/{path}" for path in backend.catalog.resources} <= set(document["paths"])
    validate(document)


def test_the_docs_page_needs_nothing_from_elsewhere(story: Story) -> None:
    """/docs is a page under a policy that allows its own files alone; all that it names is served here."""
    page = story.ask("GET", "/docs")

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"(src|href)=.?(https?:)?//", page.text)
    for name in re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text):
        assert story.ask("GET", name).status == 200
    assert story.ask("GET", "/docs/../pyproject.toml").status == 404
    assert story.ask("GET", "/docs/absent.js").status == 404


def test_what_probes_add_is_passed_over_and_nothing_else(story: Story) -> None:
    """A load balancer may ask for /healthz?probe=1; elsewhere an unknown parameter is 400."""
    for path in ("/healthz", "/readyz", "/metrics"):
        assert story.ask("GET", f"{path}?probe=1").status == 200
    for path in ("/openapi.json", "/docs", "/docs/index.css"):
        assert story.ask("GET", f"{path}?probe=1").error["code"] == "unknown_parameter"


def test_docs_can_be_switched_off() -> None:
    """Then neither the page nor the document is there."""
    with telling(backend, docs="off") as story:
        for path in ("/docs", "/openapi.json", "/docs/index.css"):
            assert story.ask("GET", path).status == 404
        assert story.ask("GET", "/books").status == 200


def test_docs_for_the_signed_in_are_for_nobody_else() -> None:
    """The document and its page, with all its files."""
    with Client(backend, docs="signed_in") as client:
        paths = ("/openapi.json", "/docs", "/docs/swagger-ui.css")
        assert [client.get(path).status for path in paths] == [401, 401, 401]
        client.sign_in()
        assert [client.get(path).status for path in paths] == [200, 200, 200]


# A fault of ours


def test_a_500_says_nothing_but_its_id(story: Story) -> None:
    """What broke in the engine is told as internal_error and the request id; the client of the tests has the traceback."""
    answer = story.ask("POST", "/traps", json={"name": "x"}, headers={"x-request-id": "sprung"})

    assert answer.status == 500
    assert answer.json() == {
        "success": False,
        "error": {"code": "internal_error", "message": "Something broke on our side.", "request_id": "sprung"},
    }
    assert answer.cause is not None
    assert "the secret plan" in answer.cause
    problem = story.ask("POST", "/traps", json={"name": "x"}, headers={"accept": "application/problem+json"})
    assert (problem.status, problem.json()["code"]) == (500, "internal_error")
    assert story.get("/traps").data == []


@pytest.mark.parametrize(
    ("place", "method", "path"),
    [
        ("holdfast.core.record_reply.format_tag", "GET", "/houses/{house}"),
        ("holdfast.core.record_reply.wrap_rows", "GET", "/houses"),
        ("holdfast.engine.records.format_links", "GET", "/houses"),
        ("holdfast.core.ask.lists.fingerprint", "GET", "/houses"),
        ("holdfast.store.sqlite.reader.Row", "GET", "/houses/{house}"),
        ("holdfast.store.sqlite.steps.settle", "PATCH", "/houses/{house}?version=1"),
        ("holdfast.core.validate.read_members", "POST", "/houses"),
        ("holdfast.engine.pages.render_metrics", "GET", "/metrics"),
    ],
)
def test_a_fault_in_any_room_is_a_500(story: Story, monkeypatch: pytest.MonkeyPatch, place: str, method: str, path: str) -> None:
    """Asking, validating, storing or replying: whichever breaks, the answer says nothing, and afterwards all is well."""

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("the secret plan is in /etc/plans")

    house = story.house()
    path = path.replace("{house}", house["id"])
    with monkeypatch.context() as broken:
        broken.setattr(place, break_down)
        answer = story.ask(method, path, json={} if method != "GET" else None)
    assert (answer.status, answer.error["code"], set(answer.error)) == (500, "internal_error", {"code", "message", "request_id"})
    assert "the secret plan" in str(answer.cause)
    assert story.get(f"/houses/{house['id']}").data == house


def test_a_fault_of_ours_refuses_a_whole_bulk(story: Story) -> None:
    """500, and none of it is made."""
    answer = story.ask("POST", "/traps/bulk", json=[{"name": "a", "plan": "b"}, {"name": "x"}])

    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert story.get("/traps").data == []
