"""Routes: what every path and method answers, before any record is looked at."""

from collections.abc import Iterator

import pytest
from story_case import ABSENT_ID, API, Case, Story, cases, run, telling
from story_library import backend

from holdfast.core.routes import Action, build_routes

ROUTES = build_routes(backend.catalog)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE", "BREW", "get")
TEMPLATES = sorted({route.template for route in ROUTES if route.action is not Action.DOCS_ASSET})


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One database for all of this module."""
    with telling(backend) as story:
        yield story


def allowed(template: str) -> set[str]:
    """The methods of a path by its routes."""
    methods = {route.method for route in ROUTES if route.template == template} | {"OPTIONS"}
    return methods | {"HEAD"} if "GET" in methods else methods


@pytest.mark.parametrize("template", TEMPLATES)
def test_options_lists_the_methods_of_every_path(story: Story, template: str) -> None:
    """OPTIONS is 204 with the exact Allow, whether the record exists or not."""
    answer = story.ask("OPTIONS", template.replace("{id}", ABSENT_ID))

    assert answer.status == 204
    assert set(answer.headers["allow"].split(", ")) == allowed(template)
    assert ("accept-patch" in answer.headers) == ("PATCH" in allowed(template))


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_other_method_is_405_with_allow(story: Story, template: str) -> None:
    """A method that a path does not have is 405 and told what there is; methods are case-sensitive."""
    for method in set(METHODS) - allowed(template):
        answer = story.ask(method, template.replace("{id}", ABSENT_ID))

        assert answer.status == 405
        assert method == "HEAD" or answer.error["code"] == "method_not_allowed"
        assert set(answer.headers["allow"].split(", ")) == allowed(template)


@pytest.mark.parametrize("template", [each for each in TEMPLATES if "GET" in allowed(each) and each != "/metrics"])
def test_head_is_get_without_its_body(story: Story, template: str) -> None:
    """HEAD has the status and the fields of GET, its Content-Length too."""
    path = template.replace("{id}", story.book()["id"] if "/books/" in template else ABSENT_ID)
    got, head = story.ask("GET", path), story.ask("HEAD", path)

    assert head.status == got.status
    assert head.content == b""
    varying = {"x-request-id"}
    assert {name: head.headers[name] for name in set(head.headers) - varying} == {
        name: got.headers[name] for name in set(got.headers) - varying
    }


@cases(
    Case("root", "GET", "/", 404, "not_found"),
    Case("unknown resource", "GET", "/api/v1/bookz", 404, "not_found", shows=("Did you mean /api/v1/books",)),
    Case("unknown version", "GET", "/api/v2/books", 404, "not_found"),
    Case("unknown sub-path", "GET", f"/books/{ABSENT_ID}/pages", 404, "not_found"),
    Case("slash after a list", "GET", "/books/", 404, "not_found", shows=("slash",)),
    Case("slash after a record", "GET", f"/books/{ABSENT_ID}/", 404, "not_found", shows=("slash",)),
    Case("slash after a nested list", "GET", f"/authors/{ABSENT_ID}/books/", 404, "not_found", shows=("slash",)),
    Case("slash after a service route", "GET", "/healthz/", 404, "not_found", shows=("slash",)),
    Case("slash on a POST", "POST", "/books/", 404, "not_found", json={}, shows=("slash",)),
    Case("upper case", "GET", "/api/v1/Books", 404, "not_found", shows=("/api/v1/books",)),
    Case("two slashes", "GET", "/api/v1//books", 404, "not_found"),
    Case("encoded letters", "GET", "/api/v1/%62ooks", 200),
    Case("encoded slash is data", "GET", "/api/v1%2Fbooks", 404, "not_found"),
    Case("escape that is no UTF-8", "GET", "/api/v1/books/%ff%fe", 404, "not_found"),
    Case("dot segments are no steps", "GET", "/api/v1/authors/../books", 404, "not_found"),
    Case("an id that is none", "GET", "/books/7", 404, "not_found"),
    Case("an id with a suffix", "GET", f"/books/{ABSENT_ID}.json", 404, "not_found"),
    Case("an id in braces", "GET", f"/books/%7B{ABSENT_ID}%7D", 404, "not_found"),
    Case("an id without hyphens", "GET", f"/books/{ABSENT_ID.replace('-', '')}", 404, "not_found"),
    Case("an absent id", "GET", f"/books/{ABSENT_ID}", 404, "not_found"),
    Case("PUT to an absent id", "PUT", f"/memos/{ABSENT_ID}", 404, "not_found", json={"text": "x"}),
    Case("PATCH to an absent id", "PATCH", f"/memos/{ABSENT_ID}", 404, "not_found", json={"text": "x"}),
    Case("DELETE of an absent id", "DELETE", f"/memos/{ABSENT_ID}", 404, "not_found"),
    Case("PUT with an id that is none", "PUT", "/memos/7", 404, "not_found", json={"text": "x"}),
    Case("nested list of an absent record", "GET", f"/authors/{ABSENT_ID}/books", 404, "not_found"),
    Case("nested list of an id that is none", "GET", "/authors/7/books", 404, "not_found"),
    Case("reverse name of the second reference", "GET", f"/authors/{ABSENT_ID}/edited-books", 404, "not_found"),
    Case("bulk is no id", "GET", "/books/bulk", 405, "method_not_allowed"),
    Case("history has no route yet", "GET", f"/books/{ABSENT_ID}/history", 404, "not_found"),
    Case("batch is no list", "GET", "/batch", 405, "method_not_allowed"),
)
def test_paths(story: Story, case: Case) -> None:
    """What a path that is not quite right answers."""
    run(story, case)


def test_upper_case_ids_name_the_same_record(story: Story) -> None:
    """An id is read without regard to case, and shown in lower case."""
    book = story.book()

    assert story.get(f"/books/{book['id'].upper()}").data == book


def test_query_method_is_off_until_switched_on() -> None:
    """With query_method the method QUERY asks a list by JSON."""
    with telling(backend, query_method=True) as story:
        story.house(name="Alpha")
        answer = story.ask("QUERY", "/houses", json={"filter": {"name": "Alpha"}})

        assert answer.status == 200
        assert [each["name"] for each in answer.data] == ["Alpha"]
        assert "QUERY" in story.ask("OPTIONS", "/houses").headers["allow"]


def test_every_route_of_the_table_is_under_the_api_or_of_the_service() -> None:
    """There is no route that the stories do not know of."""
    assert all(template.startswith((API, "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")) for template in TEMPLATES)
