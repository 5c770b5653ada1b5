"""routes, openapi, explain."""

from pathlib import Path

import pytest
from cli_harness import call
from msgspec.structs import replace

from holdfast.base.instant import Instant
from holdfast.base.observe import Observation
from holdfast.engine.log import Log


@pytest.mark.usefixtures("library")
def test_routes_are_listed() -> None:
    """Every route is one line with method, path and what it does; as JSON the same rows."""
    text, rows = call("routes"), call("routes", "--json").json()

    assert "GET     /api/v1/authors/{id}/students  list referring\n" in text.out
    assert {"method": "PATCH", "path": "/api/v1/books/{id}", "action": "patch", "resource": "books"} in rows
    assert len(rows) == len(text.out.splitlines())


def test_the_openapi_document_is_written(library: Path) -> None:
    """The document is JSON on standard output, or the same in a file."""
    result = call("openapi")
    assert call("openapi", "--output", "api.json").status == 0

    assert result.json()["info"]["title"] == "Library"
    assert "/api/v1/books/{id}" in result.json()["paths"]
    assert (library / "api.json").read_text("utf-8") == result.out


def _log(folder: Path, *seen: Observation) -> None:
    with Path("/dev/null").open("wb") as nowhere:
        log = Log(folder=folder, slot=0, now=lambda: Instant(0), descriptor=nowhere.fileno())
        log.take(seen)
        log.close()


SEEN = Observation("r1", 1_000_000, "GET", "", "/x\x1b[2J", 500, "internal_error", 0.01, 0.0, 0, 9, "127.0.0.1", "Traceback: \x1b[31mred")


def test_a_request_is_explained(folder: Path) -> None:
    """A request is told by its id, whole, and without anything that a terminal would obey."""
    _log(folder / "elsewhere", SEEN)

    result = call("explain", "r1", "--data", "elsewhere")

    assert result.status == 0
    assert "500 internal_error" in result.out
    assert "Traceback: \\x1b[31mred" in result.out
    assert "\x1b" not in result.out


def test_a_request_is_explained_as_json(folder: Path) -> None:
    """As JSON the lines themselves are given, all that have the id."""
    _log(folder / "data", SEEN, replace(SEEN, at=2_000_000))

    assert [each["at"] for each in call("explain", "r1", "--json").json()] == ["1970-01-01T00:00:02.000000Z", "1970-01-01T00:00:01.000000Z"]
    assert "2 requests came with this id" in call("explain", "r1").out


@pytest.mark.usefixtures("folder")
def test_an_unknown_request_is_status_1() -> None:
    """What is not in the logs is said so, with status 1."""
    result = call("explain", "r\x1b9")

    assert (result.status, result.out) == (1, "")
    assert "No request 'r\\\\x1b9'" in result.err
    assert call("explain", "r9", "--json").json() == []
