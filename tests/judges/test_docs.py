"""The document and its page, as they are served."""

import hashlib
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from html.parser import HTMLParser
from http.client import HTTPResponse
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from holdfast.docs_page import CONTENT_POLICY, load_docs_page

_ROOT = Path(__file__).parents[2]
_VENDORED = _ROOT / "src/holdfast/docs_page"
_TIMEOUT_S = 30


def _get(url: str) -> tuple[HTTPResponse, bytes]:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - our own server
        return answer, answer.read()


@pytest.mark.parametrize("app", ["library", "everything"])
def test_the_served_document_is_valid_openapi(served: Callable[[str], str], app: str) -> None:
    """openapi-spec-validator finds nothing wrong with what /openapi.json answers."""
    _, body = _get(f"{served(app)}/openapi.json")
    validate(json.loads(body))


def test_the_command_writes_what_is_served(served: Callable[[str], str]) -> None:
    """`holdfast openapi` and /openapi.json give the same document."""
    command = [sys.executable, "-m", "holdfast", "openapi", "--app", "examples/library.py"]
    written = subprocess.run(command, cwd=_ROOT, capture_output=True, timeout=_TIMEOUT_S, check=True).stdout
    _, body = _get(f"{served('library')}/openapi.json")
    assert json.loads(written) == json.loads(body)


def test_every_file_of_the_page_is_served_under_the_policy(served: Callable[[str], str]) -> None:
    """The page and its files come with their type and the strict policy, which allows nothing inline and nothing from elsewhere."""
    for name, asset in load_docs_page().items():
        answer, body = _get(f"{served('library')}/docs{'/' if name else ''}{name}")
        assert (body, answer.headers["content-type"]) == (asset.body, asset.content_type)
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"unsafe|https?:|\*", CONTENT_POLICY)


class _Loaded(HTMLParser):
    """Notes what a page loads, and whether any script or style stands in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.files: set[str] = set()
        self.inline: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._within = tag
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        source = given.get("src") if tag == "script" else given.get("href") if tag == "link" else None
        if source is not None:
            self.files.add(source)

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style") and data.strip():
            self.inline.append(data)


def test_the_page_loads_its_own_files_alone() -> None:
    """Everything that the page loads is one of its files, and no script or style stands in it."""
    files = load_docs_page()
    page = _Loaded()
    page.feed(files[""].body.decode())
    assert page.files == {f"docs/{name}" for name in files if name}
    assert page.inline == []


def test_the_vendored_files_are_unchanged() -> None:
    """Each file of Swagger UI has the sum that VENDORED.md names, and its licence stands beside it."""
    sums = dict(re.findall(r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|$", (_VENDORED / "VENDORED.md").read_text(), re.MULTILINE))
    assert len(sums) == 3
    assert {name: hashlib.sha256((_VENDORED / name).read_bytes()).hexdigest() for name in sums} == sums
    assert "Apache License" in (_VENDORED / "LICENSE").read_text()
