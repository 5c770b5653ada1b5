"""Changing and deleting: full update, merge patch, versions, entity tags, and what references do."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from story_case import ABSENT_ID, Case, Story, cases, check_fields, run, telling
from story_library import backend

PASSWORD = "correct horse"  # noqa: S105  # of no account but those made here
FULL = {
    "word": "w",
    "number": 1,
    "ratio": 0.5,
    "active": True,
    "amount": "1.500",
    "day": "2024-01-01",
    "moment": "2024-01-01T00:00:00Z",
    "hour": "01:02:03",
    "span": "PT1S",
    "words": ["x"],
    "amounts": ["1"],
    "numbers": {"a": 1},
    "place": {"city": "Bath"},
    "label": {"text": "t", "at": {"city": "c"}},
}
SYSTEM = ("id", "version", "created_at", "updated_at", "created_by_id")


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One database for all of this module."""
    with telling(backend) as story:
        yield story


# Full update


def test_what_was_read_can_be_put_back(story: Story) -> None:
    """A record of every kind is sent back as it was read: 200, one version more, nothing else changed but updated_at."""
    house = story.house()
    records = {
        "books": story.book(tags=["a", "b"], published_on="2024-01-01"),
        "samples": story.make(
            "/samples",
            **FULL,
            house_id=house["id"],
        ),
        "accounts": story.make("/accounts", login="putback", password=PASSWORD),
        "memos": story.make("/memos", text="x"),
    }
    for path, record in records.items():
        answer = story.ask("PUT", f"/{path}/{record['id']}", json=record)

        assert answer.status == 200, answer
        assert answer.data == {**record, "version": 2, "updated_at": answer.data["updated_at"]}
        assert answer.data["updated_at"] > record["updated_at"]


def test_put_gives_left_out_fields_their_default(story: Story) -> None:
    """An optional field that is left out gets its default; a required one is 422."""
    book = story.book(status="published", tags=["x"], printed=7, published_on="2024-01-01")
    path = f"/books/{book['id']}?version=1"

    check_fields(story.ask("PUT", path, json={"title": "T"}), "author_id:required", "price:required")
    shown = story.ask("PUT", path, json={"title": "T", "author_id": book["author_id"], "price": "1"}).data
    assert (shown["status"], shown["tags"], shown["printed"], shown["published_on"]) == ("draft", [], 0, None)


def test_put_keeps_what_the_caller_cannot_send(story: Story) -> None:
    """Secret, immutable and readonly fields that are left out keep their value."""
    made = story.make("/accounts", login="keepme", password=PASSWORD, nickname="nick")

    shown = story.ask("PUT", f"/accounts/{made['id']}?version=1", json={"about": "new"}).data
    assert (shown["login"], shown["credit"], shown["about"], shown["nickname"]) == ("keepme", 5, "new", None)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_may_not_be_changed_may_be_equal(story: Story, method: str) -> None:
    """System, readonly and immutable members are taken if they equal what is stored, else each is 422 read_only."""
    made = story.make("/accounts", login=f"equal{method.lower()}", password=PASSWORD)
    path = f"/accounts/{made['id']}"
    kept = {name: made[name] for name in (*SYSTEM, "login", "credit")}

    assert story.ask(method, path, json=kept).status == 200
    wrong = {
        "id": ABSENT_ID,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": None,
        "created_by_id": ABSENT_ID,
        "login": "other",
        "credit": 6,
    }
    answer = story.ask(method, f"{path}?version=2", json=wrong)
    assert (answer.status, answer.error["code"]) == (422, "validation_failed")
    check_fields(answer, *(f"{name}:read_only" for name in wrong))


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_every_fault_of_a_change_is_told_at_once(story: Story, method: str) -> None:
    """Invalid values, missing references and members that may not be changed stand in one answer."""
    book = story.book()
    body = {**book, "title": "", "author_id": ABSENT_ID, "created_at": "2020-01-01T00:00:00Z", "id": ABSENT_ID, "nope": 1}
    wanted = ("title:too_short", "author_id:reference_missing", "created_at:read_only", "id:read_only", "nope:unknown_member")

    check_fields(story.ask(method, f"/books/{book['id']}", json=body), *wanted)
    del body["title"], body["nope"]
    body["title"] = "sound"
    check_fields(story.ask(method, f"/books/{book['id']}", json=body), "author_id", "created_at", "id")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_stale_record_that_is_sent_back_is_a_conflict(story: Story, method: str) -> None:
    """What was read before somebody's change is 409 by its version, 412 with If-Match: not 422 for its updated_at."""
    book = story.book()
    tag = story.get(f"/books/{book['id']}").headers["etag"]
    assert story.ask("PATCH", f"/books/{book['id']}?version=1", json={"printed": 1}).status == 200

    by_body = story.ask(method, f"/books/{book['id']}", json=book)
    by_header = story.ask(method, f"/books/{book['id']}", json=book, headers={"if-match": tag})
    assert (by_body.status, by_body.error["code"]) == (409, "version_conflict")
    assert (by_header.status, by_header.error["code"]) == (412, "version_conflict")
    assert by_header.headers["etag"] == story.get(f"/books/{book['id']}").headers["etag"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_included_object_is_refused_with_a_hint(story: Story, method: str) -> None:
    """What was read with an include cannot be sent back with it; the refusal names the member to send."""
    book = story.book()
    shown = story.get(f"/books/{book['id']}?include=author").data
    answer = story.ask(method, f"/books/{book['id']}", json=shown)

    assert answer.status == 422
    check_fields(answer, "author:unknown_member")
    assert "author_id" in answer.error["details"][0]["message"]


def test_a_change_without_a_change_is_a_change(story: Story) -> None:
    """An empty patch is accepted and counts a version, as every accepted change does."""
    memo = story.make("/memos", text="x")

    answer = story.ask("PATCH", f"/memos/{memo['id']}", json={})
    assert (answer.status, answer.data["version"], answer.data["text"]) == (200, 2, "x")


# Merge patch: RFC 7396, and its table of examples where a document can hold them

PATCHES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"numbers": {"a": 1}}, {"numbers": {"a": 2}}, {"numbers": {"a": 2}}),
    ({"numbers": {"a": 1}}, {"numbers": {"b": 2}}, {"numbers": {"a": 1, "b": 2}}),
    ({"numbers": {"a": 1}}, {"numbers": {"a": None}}, {"numbers": {}}),
    ({"numbers": {"a": 1, "b": 2}}, {"numbers": {"a": None}}, {"numbers": {"b": 2}}),
    ({"numbers": {"a": 1}}, {"numbers": {"absent": None}}, {"numbers": {"a": 1}}),
    ({"numbers": {"a": 1}}, {"numbers": {}}, {"numbers": {"a": 1}}),
    ({"words": ["a", "b"]}, {"words": ["c"]}, {"words": ["c"]}),
    ({"words": ["a"]}, {"words": []}, {"words": []}),
    ({"word": "a"}, {"word": None}, {"word": None}),
    ({"word": "a", "number": 1}, {"number": 2}, {"word": "a", "number": 2}),
    (
        {"place": {"city": "a", "street": "s", "floors": 3}},
        {"place": {"city": "b"}},
        {"place": {"city": "b", "street": "s", "floors": 3, "notes": []}},
    ),
    (
        {"place": {"city": "a", "street": "s"}},
        {"place": {"street": None}},
        {"place": {"city": "a", "street": None, "floors": 1, "notes": []}},
    ),
    (
        {"place": {"city": "a", "floors": 3}},
        {"place": {"floors": None}},
        {"place": {"city": "a", "street": None, "floors": 1, "notes": []}},
    ),
    (
        {"place": {"city": "a", "notes": ["x", "y"]}},
        {"place": {"notes": ["z"]}},
        {"place": {"city": "a", "street": None, "floors": 1, "notes": ["z"]}},
    ),
    ({"place": {"city": "a"}}, {"place": None}, {"place": None}),
    ({"place": None}, {"place": {"city": "new"}}, {"place": {"city": "new", "street": None, "floors": 1, "notes": []}}),
    (
        {"label": {"text": "t", "at": {"city": "a", "street": "s"}}},
        {"label": {"at": {"city": "b"}}},
        {"label": {"text": "t", "at": {"city": "b", "street": "s", "floors": 1, "notes": []}}},
    ),
    ({"label": {"text": "t", "at": {"city": "a"}}}, {"label": {"at": None}}, {"label": {"text": "t", "at": None}}),
]


@pytest.mark.parametrize(("before", "patch", "after"), PATCHES)
@pytest.mark.parametrize("kind", ["application/json", "application/merge-patch+json"])
def test_merge_patch(story: Story, before: dict[str, Any], patch: dict[str, Any], after: dict[str, Any], kind: str) -> None:
    """Objects are merged member by member, null takes away, all else replaces."""
    made = story.make("/samples", **before)
    answer = story.ask("PATCH", f"/samples/{made['id']}?version=1", json=patch, headers={"content-type": kind})

    assert answer.status == 200, answer
    assert {name: answer.data[name] for name in after} == after
    assert story.get(f"/samples/{made['id']}").data == answer.data


@cases(
    Case("null for a required field", "PATCH", "/samples/{id}", 422, json={"words": None}, fields=("words:null_not_allowed",)),
    Case(
        "a merge that lacks a required member",
        "PATCH",
        "/samples/{id}",
        422,
        json={"label": {"at": {"floors": 2}}},
        fields=("label.text:required", "label.at.city:required"),
    ),
    Case(
        "taking away a required member",
        "PATCH",
        "/samples/{id}",
        422,
        json={"place": {"city": None}},
        fields=("place.city:null_not_allowed",),
    ),
    Case("an unknown member within", "PATCH", "/samples/{id}", 422, json={"place": {"town": "x"}}, fields=("place.town:unknown_member",)),
    Case("a wrong value within", "PATCH", "/samples/{id}", 422, json={"numbers": {"a": "x"}}, fields=("numbers.a:wrong_type",)),
    Case("a patch that is no object", "PATCH", "/samples/{id}", 422, json=[1], fields=(":wrong_type",)),
    Case(
        "JSON patch",
        "PATCH",
        "/samples/{id}",
        415,
        content=b"[]",
        headers={"content-type": "application/json-patch+json"},
        heads={"accept-patch": "application/json, application/merge-patch+json"},
    ),
    Case("a list cannot be merged", "PATCH", "/samples/{id}", 422, json={"words": {"0": "x"}}, fields=("words:wrong_type",)),
)
def test_patches_that_cannot_be(story: Story, case: Case) -> None:
    """What the record would be is judged as a whole, with dotted paths."""
    made = story.make("/samples", place={"city": "a"})
    run(story, case, {"id": f"{made['id']}?version=1"})
    assert story.get(f"/samples/{made['id']}").data == made


# Versions

TAGS = {
    "none": None,
    "any": "*",
    "own": "{etag}",
    "weak": "W/{etag}",
    "version alone": '"1"',
    "gzip suffix": '"1-{hash}-gzip"',
    "semicolon suffix": '"1-{hash};br"',
    "other hash": '"1-00000000"',
    "several": '"0-x", {etag}',
    "stale": '"7-{hash}"',
    "foreign": '"xyz"',
    "malformed": "1-abc",
}
PASSES = {"any", "own", "weak", "version alone", "gzip suffix", "semicolon suffix", "other hash", "several"}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match(story: Story, method: str, tag: str) -> None:
    """The version part of If-Match counts, weakened, suffixed or not; none is 428, stale 412, malformed 400."""
    made = story.ask("POST", "/houses", json={"name": story.unique("If-Match ")})
    etag, path = made.headers["etag"], f"/houses/{made.data['id']}"
    value = TAGS[tag]
    headers = {} if value is None else {"if-match": value.replace("{etag}", etag).replace("{hash}", etag[3:-1])}
    body = {} if method == "DELETE" else {"json": {"name": made.data["name"]}}

    answer = story.ask(method, path, headers=headers, **body)  # type: ignore[arg-type]  # a body or none

    if tag in PASSES:
        assert answer.status == 200, answer
        assert method == "DELETE" or answer.headers["etag"] == etag.replace('"1-', '"2-')
        return
    status, code = {
        "none": (428, "precondition_required"),
        "malformed": (400, "malformed_request"),
    }.get(tag, (412, "version_conflict"))
    assert (answer.status, answer.error["code"]) == (status, code)
    assert status != 412 or answer.headers["etag"] == etag
    assert story.get(path).data == made.data


@pytest.mark.parametrize(("header", "query", "member"), list(product([None, 1, 2], [None, 1, 2], [None, 1, 2])))
def test_a_version_comes_three_ways(story: Story, header: int | None, query: int | None, member: int | None) -> None:
    """Header, query and body may each say it; two that differ are 400, a stale one is 412 by the header and else 409."""
    house = story.house()
    path = f"/houses/{house['id']}" + (f"?version={query}" if query else "")
    body = {"name": house["name"], **({"version": member} if member else {})}
    answer = story.ask("PATCH", path, json=body, headers={"if-match": f'"{header}-x"'} if header else {})

    said = {each for each in (header, query, member) if each}
    wanted = 428 if not said else 400 if len(said) > 1 else 200 if said == {1} else 412 if header else 409
    assert answer.status == wanted, answer


@cases(
    Case("version zero", "PATCH", "/houses/{id}?version=0", 400, "malformed_request", json={}),
    Case("version minus one", "PATCH", "/houses/{id}?version=-1", 400, "malformed_request", json={}),
    Case("version as text", "PATCH", "/houses/{id}?version=one", 400, "malformed_request", json={}),
    Case("version twice", "PATCH", "/houses/{id}?version=1&version=1", 400, "unknown_parameter", json={}),
    Case("version zero in the body", "PATCH", "/houses/{id}", 422, json={"version": 0}, fields=("version:too_small",)),
    Case("version null in the body", "PATCH", "/houses/{id}", 422, json={"version": None}, fields=("version:null_not_allowed",)),
    Case("version as text in the body", "PATCH", "/houses/{id}", 422, json={"version": "1"}, fields=("version:wrong_type",)),
    Case("a huge version", "PATCH", "/houses/{id}?version=999999999999999999", 409, "version_conflict", json={}),
    Case("a version beyond 64 bits", "PATCH", "/houses/{id}?version=9999999999999999999", 400, "malformed_request", json={}),
)
def test_versions_that_are_none(story: Story, case: Case) -> None:
    """A version is a whole number from 1."""
    run(story, case, {"id": story.house()["id"]})


def test_a_resource_may_do_without_versions(story: Story) -> None:
    """With require_version=False a change without one passes; one that is said still counts."""
    memo = story.make("/memos", text="x")
    path = f"/memos/{memo['id']}"

    assert story.ask("PATCH", path, json={"text": "y"}).status == 200
    assert story.ask("PUT", path, json={"text": "z", "version": 1}).status == 409
    assert story.ask("PATCH", path, json={"text": "z"}, headers={"if-match": '"1"'}).status == 412
    assert story.ask("DELETE", f"{path}?version=1").status == 409
    assert story.ask("DELETE", path).status == 200


def test_a_check_is_judged_on_the_record_as_it_would_be(story: Story) -> None:
    """A check needs the record: a missing record is 404 and a stale version 412 before it, an equal version 422."""
    book = story.book(printed=5, sold=3)
    broken = {"sold": 6}

    assert story.ask("PATCH", f"/books/{ABSENT_ID}?version=1", json=broken).status == 404
    assert story.ask("PATCH", f"/books/{book['id']}", json=broken, headers={"if-match": '"2"'}).status == 412
    assert story.ask("PATCH", f"/books/{book['id']}", json=broken, headers={"if-match": '"1"'}).status == 422


# Entity tags and caching


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ("*", 304),
        ('"x", {etag}', 304),
        ('"1-{hash}-gzip"', 304),
        ('"2-{hash}"', 200),
        ('"1-00000000"', 200),
        ('"1"', 200),
        ("nonsense", 200),
    ],
)
def test_if_none_match(story: Story, header: str, status: int) -> None:
    """304 without a body where the caller has just this answer already, weakened or suffixed or not."""
    made = story.ask("POST", "/houses", json={"name": story.unique("None-Match ")})
    etag = made.headers["etag"]
    sent = {"if-none-match": header.replace("{etag}", etag).replace("{hash}", etag[3:-1])}
    path = f"/houses/{made.data['id']}"

    for method in ("GET", "HEAD"):
        answer = story.ask(method, path, headers=sent)
        assert (answer.status, answer.headers["etag"]) == (status, etag)
        assert status == 200 or "content-type" not in answer.headers


def test_the_tag_tells_what_is_shown(story: Story) -> None:
    """Another view is another tag; a changed included record changes the tag of what includes it."""
    author = story.author()
    book = story.book(author_id=author["id"])
    path = f"/books/{book['id']}"
    plain, some, with_author = (story.get(path + query).headers["etag"] for query in ("", "?fields=title", "?include=author"))

    assert len({plain, some, with_author}) == 3
    assert story.ask("GET", path, headers={"if-none-match": some}).status == 200
    assert story.ask("GET", path + "?fields=title", headers={"if-none-match": some}).status == 304
    story.ask("PATCH", f"/authors/{author['id']}?version=1", json={"name": "Other"})
    changed = story.ask("GET", path + "?include=author", headers={"if-none-match": with_author})
    assert (changed.status, changed.data["author"]["name"]) == (200, "Other")
    assert changed.headers["etag"].startswith('"1-')
    assert story.get(path).headers["etag"] == plain


def test_the_tag_of_any_view_is_a_version(story: Story) -> None:
    """A tag that came with an include is good for If-Match."""
    book = story.book()
    tag = story.get(f"/books/{book['id']}?include=author&fields=title").headers["etag"]

    assert story.ask("PATCH", f"/books/{book['id']}", json={"printed": 1}, headers={"if-match": tag}).status == 200


def test_a_list_has_no_tag_and_may_not_be_kept(story: Story) -> None:
    """Lists have no ETag, and no-store unless the resource says otherwise."""
    answer = story.get("/books")

    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_cache_says_what_may_be_kept(story: Story) -> None:
    """`cache=` is the Cache-Control of reads, which then vary by who asks; writes and errors stay no-store."""
    memo = story.make("/memos", text="x")
    read, listed, missing = (story.ask("GET", path) for path in (f"/memos/{memo['id']}", "/memos", f"/memos/{ABSENT_ID}"))
    unchanged = story.ask("GET", f"/memos/{memo['id']}", headers={"if-none-match": read.headers["etag"]})
    written = story.ask("PATCH", f"/memos/{memo['id']}", json={})

    for answer in (read, listed, unchanged):
        assert answer.headers["cache-control"] == "private, no-cache"
        assert {"accept", "authorization"} <= {each.strip().lower() for each in answer.headers["vary"].split(",")}
    for answer in (missing, written, story.get("/books")):
        assert answer.headers["cache-control"] == "no-store"


# Deleting, and what references say


def test_delete_answers_null(story: Story) -> None:
    """200 with `data: null`; then the record is 404 for every method."""
    house = story.house()
    path = f"/houses/{house['id']}"
    answer = story.ask("DELETE", path, headers={"if-match": '"1"'})

    assert answer.json() == {"success": True, "data": None}
    assert "etag" not in answer.headers
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("PATCH", {}), ("DELETE", None)):
        assert story.ask(method, path, json=body, headers={"if-match": "*"}).status == 404
    assert house["id"] not in story.get("/houses?limit=200").text


def test_delete_takes_a_version_in_a_body(story: Story) -> None:
    """The version of a deletion may stand in a body, as in the query."""
    house = story.house()
    path = f"/houses/{house['id']}"

    assert story.ask("DELETE", path, json={"version": 2}).status == 409
    assert story.ask("DELETE", f"{path}?version=2").status == 409
    assert story.ask("DELETE", path, json={"version": 1, "name": "x"}).status == 422
    assert story.ask("DELETE", path, content=b"{}", headers={"content-type": "text/plain"}).status == 415
    assert story.ask("DELETE", path, json={"version": 1}).status == 200


def test_restrict_refuses_and_names_who_refers(story: Story) -> None:
    """What is referred to by `restrict` stays: 409 names the resource and the member, and nothing changed."""
    book = story.book()
    author = story.get(f"/authors/{book['author_id']}").data
    answer = story.ask("DELETE", f"/authors/{author['id']}?version=1")

    assert (answer.status, answer.error["code"]) == (409, "reference_conflict")
    check_fields(answer, "books.author_id:reference_conflict")
    assert story.get(f"/authors/{author['id']}").data == author
    assert story.ask("DELETE", f"/books/{book['id']}?version=1").status == 200
    assert story.ask("DELETE", f"/authors/{author['id']}?version=1").status == 200


def test_cascade_deletes_what_refers(story: Story) -> None:
    """Chapters go with their book, however deep; totals know it."""
    book = story.book()
    for number in (1, 2, 3):
        story.make("/chapters", title="c", book_id=book["id"], number=number)
    other = story.make("/chapters", title="c", book_id=story.book()["id"], number=1)
    before = story.get("/chapters?limit=1").meta["total"]

    assert story.ask("DELETE", f"/books/{book['id']}?version=1").status == 200
    assert story.get("/chapters?limit=1").meta["total"] == before - 3
    assert story.get(f"/chapters?book_id={book['id']}").data == []
    assert story.get(f"/chapters/{other['id']}").data == other


def test_cascade_goes_around_cycles(story: Story) -> None:
    """Memos that answer each other in a ring go together; one that answers itself goes too."""
    first = story.make("/memos", text="1")
    second = story.make("/memos", text="2", reply_to_id=first["id"])
    third = story.make("/memos", text="3", reply_to_id=second["id"])
    assert story.ask("PATCH", f"/memos/{first['id']}", json={"reply_to_id": third["id"]}).status == 200

    assert story.ask("DELETE", f"/memos/{second['id']}").status == 200
    for each in (first, second, third):
        assert story.ask("GET", f"/memos/{each['id']}").status == 404
    alone = story.make("/memos", text="x")
    story.ask("PATCH", f"/memos/{alone['id']}", json={"reply_to_id": alone["id"]})
    assert story.ask("DELETE", f"/memos/{alone['id']}").status == 200


def test_set_null_changes_who_refers(story: Story) -> None:
    """A reference that is emptied is a change of its record: one version more, so a stale writer is told."""
    house = story.house()
    author = story.author(house_id=house["id"])

    assert story.ask("DELETE", f"/houses/{house['id']}?version=1").status == 200
    shown = story.get(f"/authors/{author['id']}").data
    assert (shown["house_id"], shown["version"]) == (None, 2)
    assert story.ask("PATCH", f"/authors/{author['id']}?version=1", json={"name": "x"}).status == 409


def test_a_record_may_be_restricted_and_emptied_at_once(story: Story) -> None:
    """One author is written by (restrict) and edited by (set null): restrict wins, and the editor stays."""
    author = story.author()
    book = story.book(author_id=author["id"], editor_id=author["id"])

    assert story.ask("DELETE", f"/authors/{author['id']}?version=1").status == 409
    assert story.get(f"/books/{book['id']}").data == book


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_reference_is_judged_by_a_change_too(story: Story, method: str) -> None:
    """A missing target is 422 reference_missing at the member; a deleted one is missing."""
    book = story.book()
    gone = story.author()
    story.ask("DELETE", f"/authors/{gone['id']}?version=1")
    body = {"title": "x", "price": "1", "author_id": gone["id"], "editor_id": ABSENT_ID}

    answer = story.ask(method, f"/books/{book['id']}?version=1", json=body)
    assert answer.status == 422
    check_fields(answer, "author_id:reference_missing", "editor_id:reference_missing")


def test_a_record_may_refer_to_itself(story: Story) -> None:
    """At creation by an id of the client's choice, and by a change."""
    memo_id = "9b2f1a6e-5d0c-4c0e-9f53-6b1d5b0faaaa"
    assert story.make("/memos", id=memo_id, text="self", reply_to_id=memo_id)["reply_to_id"] == memo_id
    assert [each["id"] for each in story.get(f"/memos/{memo_id}/replies").data] == [memo_id]


def test_a_refused_change_leaves_nothing(story: Story) -> None:
    """After a refusal of any kind the record, its version and its search text are as they were."""
    book = story.book(title="Unmoved")
    other = story.book(author_id=book["author_id"], title="Taken")
    path = f"/books/{book['id']}"
    for body in ({"title": "Taken"}, {"title": "New", "author_id": ABSENT_ID}, {"title": "New", "sold": 1}, {"title": "New", "price": "x"}):
        assert story.ask("PATCH", f"{path}?version=1", json=body).status in (409, 422)

    assert story.get(path).data == book
    assert [each["id"] for each in story.get(f"/books?q=unmoved&author_id={book['author_id']}").data] == [book["id"]]
    assert story.get(f"/books?q=new&author_id={book['author_id']}").data == []
    assert story.get(f"/books/{other['id']}").data == other


def test_if_none_match_on_a_write_is_judged(story: Story) -> None:
    """No precondition is passed over: 412 where the record is there, 404 where it is not, 400 with a tag, and nothing is changed."""
    house = story.house()
    path, body = f"/houses/{house['id']}", {"name": story.unique("Never "), "version": 1}
    for method in ("PUT", "PATCH", "DELETE"):
        sent = {"version": 1} if method == "DELETE" else body
        refused = story.ask(method, path, json=sent, headers={"if-none-match": "*"})
        assert (refused.status, refused.error["code"]) == (412, "version_conflict"), method
        assert refused.headers["etag"].startswith('"1-')
        assert story.ask(method, f"/houses/{ABSENT_ID}", json=sent, headers={"if-none-match": "*"}).status == 404
        assert story.ask(method, path, json=sent, headers={"if-none-match": '"7-0"'}).error["code"] == "malformed_request"
    assert story.ask("POST", f"{path}/undelete", headers={"if-none-match": "nonsense"}).status == 400
    assert story.get(path).data == house


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("if-none-match", "*"),
        ("if-none-match", '"1"'),
        ("if-none-match", ""),
        ("if-match", '"1"'),
        ("if-match", "nonsense"),
        ("if-match", ""),
    ],
)
def test_a_precondition_without_a_record_is_refused(story: Story, header: str, value: str) -> None:
    """A creation, a bulk and a batch have no version to compare: 400, and nothing is made."""
    name = story.unique("Never ")
    batch = {"operations": [{"method": "POST", "path": "/houses", "body": {"name": name}}]}
    for path, body in (("/houses", {"name": name}), ("/houses/bulk", [{"name": name}]), ("/batch", batch)):
        refused = story.ask("POST", path, json=body, headers={header: value})
        assert (refused.status, refused.error["code"]) == (400, "malformed_request"), path
        assert refused.error["hint"]
    assert story.get(f"/houses?name={name}").meta["total"] == 0
    assert story.ask("POST", "/houses", json={"name": name}, headers={"if-match": "*"}).status == 201
