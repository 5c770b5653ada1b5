"""Routes: which paths there are, and how one is found."""

import pytest
from examples.library import backend

from holdfast.core.routes import Action, Router, build_routes

ROUTER = Router(build_routes(backend.catalog))
WITH_QUERY = Router(build_routes(backend.catalog, query_method=True))


@pytest.mark.parametrize(
    ("path", "template", "parameter"),
    [
        ("/api/v1/books", "/api/v1/books", ""),
        ("/api/v1/books/bulk", "/api/v1/books/bulk", ""),
        ("/api/v1/books/query", "/api/v1/books/query", ""),
        ("/api/v1/books/7", "/api/v1/books/{id}", "7"),
        ("/api/v1/authors/7/books", "/api/v1/authors/{id}/books", "7"),
        ("/healthz", "/healthz", ""),
        ("/docs", "/docs", ""),
        ("/docs/page.css", "/docs/{asset}", "page.css"),
    ],
)
def test_a_path_finds_its_template_and_parameter(path: str, template: str, parameter: str) -> None:
    """A fixed path wins over one with a parameter, and what stands in the place of the parameter is given back."""
    found = ROUTER.find(path)

    assert found is not None
    assert (found[0].template, found[1]) == (template, parameter)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/books/",
        "/api/v1/books//",
        "/api/v1/books/7/",
        "/api/v1/books/7/authors",
        "/api/v1/authors//books",
        "/api/v1/authors/7/books/",
        "/api/v1/authors/7/8/books",
        "/api/v1/BOOKS",
        "/docs/",
        "/docs/a/b",
        "/healthz/",
        "healthz",
    ],
)
def test_a_path_that_is_not_one_of_ours_finds_nothing(path: str) -> None:
    """An empty step is no parameter, and a slash at the end makes another path."""
    assert ROUTER.find(path) is None


def test_allow_lists_the_methods_of_a_place_in_a_fixed_order() -> None:
    """HEAD stands beside every GET and OPTIONS everywhere; QUERY only where it is switched on."""

    def allow(router: Router, path: str) -> str:
        found = router.find(path)
        assert found is not None
        return found[0].allow

    assert allow(ROUTER, "/api/v1/books") == "GET, HEAD, POST, OPTIONS"
    assert allow(ROUTER, "/api/v1/books/7") == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert allow(ROUTER, "/api/v1/books/bulk") == "POST, OPTIONS"
    assert allow(ROUTER, "/api/v1/authors/7/books") == "GET, HEAD, OPTIONS"
    assert allow(WITH_QUERY, "/api/v1/books") == "GET, HEAD, POST, QUERY, OPTIONS"


def test_the_routes_that_write_say_so() -> None:
    """A query by POST writes nothing."""
    writing = {route.action for route in build_routes(backend.catalog) if route.writes}

    one = {Action.CREATE, Action.REPLACE, Action.PATCH, Action.DELETE, Action.UNDELETE}
    assert writing == {*one, Action.BULK_CREATE, Action.BATCH}


def test_hints_know_every_fixed_path() -> None:
    """The fixed paths are told for nearest names."""
    assert {"/api/v1/books", "/api/v1/books/bulk", "/healthz", "/docs"} <= set(ROUTER.paths)
    assert not any("{" in path for path in ROUTER.paths)
