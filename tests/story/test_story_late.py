"""Reads that outlive their slice of the loop are run in a thread: the answers are the same, and a read that takes too long is stopped."""

from collections.abc import Iterator

import pytest
from story_case import ABSENT_ID, Story, check_fields, telling
from story_library import backend


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A service for which every read on the loop is too slow: its slice is over before the first step."""
    monkeypatch.setattr("holdfast.store.sqlite.reader.SLICE_S", -1.0)
    monkeypatch.setattr("holdfast.store.sqlite.counter.SLICE_S", -1.0)
    monkeypatch.setattr("holdfast.store.sqlite.lane.STEPS_BETWEEN_LOOKS", 1)
    with telling(backend) as story:
        yield story


def test_late_reads_answer_the_same(late: Story) -> None:
    """Records, lists, nested lists, queries, searches, unchanged records and missing ones."""
    author = late.author(name="Late")
    book = late.book(author_id=author["id"], title="Slow")
    path = f"/books/{book['id']}"

    read = late.get(path)
    assert read.data == book
    assert late.ask("GET", path, headers={"if-none-match": read.headers["etag"]}).status == 304
    assert late.get(f"{path}?include=author").data["author"] == author
    for listed in ("/books", f"/authors/{author['id']}/books", "/books?q=slow", "/books?title[icontains]=SLOW&sort=-author.name"):
        answer = late.get(listed)
        assert (answer.data, answer.meta["total"]) == ([book], 1)
        assert late.get(listed).meta["total"] == 1
    assert late.ask("POST", "/books/query", json={"filter": {"title": "Slow"}}).data == [book]
    for missing in (f"/books/{ABSENT_ID}", "/books/no-id", f"/authors/{ABSENT_ID}/books"):
        assert late.ask("GET", missing).status == 404


def test_late_reads_complete_a_refusal(late: Story) -> None:
    """Missing references and unequal members are found by late reads too."""
    book = late.book()

    check_fields(late.ask("POST", "/books", json={"title": "", "author_id": ABSENT_ID, "price": "1"}), "title", "author_id")
    check_fields(late.ask("PATCH", f"/books/{book['id']}", json={"title": "", "id": ABSENT_ID, "version": 1}), "title", "id")
    assert late.ask("PATCH", f"/books/{book['id']}?version=1", json={"title": "Changed"}).status == 200


@pytest.mark.parametrize("path", ["/memos", "/memos?text[icontains]=x", "/memos?sort=-text", f"/memos/{ABSENT_ID}"])
def test_a_read_that_takes_too_long_is_stopped(late: Story, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """503 deadline_exceeded with Retry-After, and the service goes on."""
    late.ask("POST", "/memos/bulk", json=[{"text": f"memo {number}"} for number in range(100)])
    with monkeypatch.context() as patched:
        patched.setattr("holdfast.store.sqlite.reader.REQUEST_DEADLINE_S", 0.0)
        answer = late.ask("GET", path)
        assert (answer.status, answer.error["code"]) == (503, "deadline_exceeded")
        assert answer.headers["retry-after"]
    assert late.ask("GET", path).status == (404 if ABSENT_ID in path else 200)
