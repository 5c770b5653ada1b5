"""Stories of large answers: what would be larger than an answer may be is refused or goes on on the next page; nothing is left out."""

from collections.abc import Iterator

import pytest
from story_case import Story, telling

from holdfast import Access, Backend, Ref, Resource, anyone, field
from holdfast.base.limits import ANSWER_BYTES_MAX

LARGE = "\u00e9" * 500_000  # a megabyte in half as many characters
COUNT = 18


class Scroll(Resource):
    """A text of a megabyte."""

    text: str = field(max_length=600_000)
    read: bool = False

    access = Access(read=anyone, write=anyone)


class Shelf(Resource, path="shelves"):
    """Something small that refers to it."""

    scroll: Ref[Scroll] = field(on_delete="cascade")

    access = Access(read=anyone, write=anyone)


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """More scrolls than an answer holds, and as many shelves for the first of them."""
    with telling(Backend(Scroll, Shelf)) as told:
        scrolls = [told.make("/scrolls", text=LARGE)["id"] for _ in range(COUNT)]
        for _ in range(COUNT):
            told.make("/shelves", scroll_id=scrolls[0])
        yield told


def test_a_page_that_would_be_too_large_is_refused(story: Story) -> None:
    """With what to ask instead, each of which is answered."""
    refused = story.ask("GET", "/scrolls")

    assert (refused.status, refused.error["code"]) == (400, "invalid_page")
    assert "16 MiB" in refused.error["message"]
    assert "fewer" in refused.error["hint"]
    assert len(story.get("/scrolls?limit=10").data) == 10
    assert story.get("/scrolls?fields=read").meta["total"] == COUNT
    assert story.ask("GET", "/scrolls?count=none").status == 400


def test_what_is_included_counts(story: Story) -> None:
    """Small records with one large one in each."""
    assert story.ask("GET", "/shelves?include=scroll").error["code"] == "invalid_page"
    assert len(story.get("/shelves").data) == COUNT


def test_the_feed_goes_on_where_it_was_cut(story: Story) -> None:
    """No page is too large, and together they have every change in order."""
    after, seen = 0, []
    while True:
        answer = story.get(f"/changes?after={after}&limit=200&resource=scrolls")
        assert len(answer.content) < ANSWER_BYTES_MAX + 2_000
        seen += [each["seq"] for each in answer.data]
        after = answer.meta["next"]
        if after == answer.meta["head"]:
            break

    assert seen == sorted(set(seen))
    assert len([each for each in seen if each <= 2 * COUNT]) == COUNT


def test_a_history_goes_on_where_it_was_cut(story: Story) -> None:
    """Each entry has the record before and after."""
    made = story.make("/scrolls", text=LARGE)
    for version in range(1, 11):
        assert story.ask("PATCH", f"/scrolls/{made['id']}", json={"read": bool(version % 2), "version": version}).status == 200
    first = story.get(f"/scrolls/{made['id']}/history?limit=20")
    second = story.get(f"/scrolls/{made['id']}/history?limit=20&after={first.meta['next']}")

    assert len(first.content) < ANSWER_BYTES_MAX + 2_000
    assert [each["version"] for each in (*first.data, *second.data)] == list(range(11, 0, -1))
    assert second.meta["next"] is None


def test_a_batch_whose_records_are_too_large_is_not_done(story: Story) -> None:
    """A few bytes can ask for megabytes back."""
    ids = [each["id"] for each in story.get("/scrolls?fields=read").data][:COUNT]
    operations = [{"method": "PATCH", "path": f"/scrolls/{each}", "version": 1, "body": {"read": True}} for each in ids]
    refused = story.ask("POST", "/batch", json={"operations": operations})

    assert (refused.status, refused.error["code"]) == (413, "payload_too_large")
    assert story.get("/scrolls?version[eq]=2&fields=read").meta["total"] == 0
    assert story.ask("POST", "/batch", json={"operations": operations[:5]}).status == 200


def test_a_bulk_creation_includes_nothing(story: Story) -> None:
    """A thousand new records would each carry the large one."""
    scroll = story.get("/scrolls?limit=1&fields=read").data[0]["id"]
    refused = story.ask("POST", "/shelves/bulk?include=scroll", json=[{"scroll_id": scroll}])

    assert (refused.status, refused.error["code"]) == (400, "unknown_parameter")
    assert story.ask("POST", "/shelves/bulk?fields=scroll_id", json=[{"scroll_id": scroll}]).status == 201
