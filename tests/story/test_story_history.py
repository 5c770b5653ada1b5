"""What the journal tells through the API: history, the record as it was, undeleting, and the changes in order."""

from collections.abc import Iterator
from typing import Any

import pytest
from story_case import Story, telling
from story_library import backend


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """A service for all tests of this file."""
    with telling(backend) as told:
        yield told


def change(story: Story, path: str, **members: Any) -> dict[str, Any]:
    """A record after a change of some members."""
    answer = story.ask("PATCH", path, json=members, headers={"if-match": "*"})
    assert answer.status == 200, answer
    data: dict[str, Any] = answer.data
    return data


def delete(story: Story, path: str) -> None:
    """Delete a record."""
    assert story.ask("DELETE", path, headers={"if-match": "*"}).status == 200


def test_history_tells_each_change_newest_first(story: Story) -> None:
    """Of a created, changed and deleted record, history has three entries with before and after in the form of a read."""
    made = story.book(tags=["a"], published_on="2026-01-02")
    path = f"/books/{made['id']}"
    later = change(story, path, price="12.50")
    delete(story, path)
    answer = story.ask("GET", f"{path}/history")
    assert answer.status == 200
    deleted, updated, created = answer.data
    assert [each["operation"] for each in answer.data] == ["delete", "update", "create"]
    assert [each["version"] for each in answer.data] == [2, 2, 1]
    assert (created["before"], created["after"]) == (None, made)
    assert (updated["before"], updated["after"]) == (made, later)
    assert (deleted["before"], deleted["after"]) == (later, None)
    assert set(created) == {"seq", "operation", "version", "at", "actor_id", "request_id", "before", "after"}
    assert created["at"] == made["created_at"]
    assert deleted["request_id"]
    assert answer.meta == {"limit": 20, "next": None}


def test_history_is_read_in_pages(story: Story) -> None:
    """`limit` and `after` walk the entries from the newest to the oldest, each once."""
    house = story.make("/houses", name=story.unique("H"))
    for number in range(4):
        change(story, f"/houses/{house['id']}", city=f"City {number}")
    seen: list[int] = []
    after = ""
    while True:
        answer = story.ask("GET", f"/houses/{house['id']}/history?limit=2{after}")
        seen += [each["version"] for each in answer.data]
        if answer.meta["next"] is None:
            break
        after = f"&after={answer.meta['next']}"
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/books/00000000-0000-4000-8000-000000000000/history", 404, "not_found"),
        ("/books/nonsense/history", 404, "not_found"),
        ("/books/nonsense/history?limit=0", 400, "invalid_page"),
        ("/books/nonsense/history?after=x", 400, "invalid_cursor"),
        ("/books/nonsense/history?afte=1", 400, "unknown_parameter"),
        ("/books/nonsense?as_of=yesterday", 400, "malformed_request"),
        ("/books/nonsense?as_of=2026-01-01T00:00:00Z&include=author", 400, "malformed_request"),
        ("/books/nonsense?as_of=2026-01-01T00:00:00Z", 404, "not_found"),
        ("/changes?resource=boks", 400, "invalid_filter"),
        ("/changes?after=-1", 400, "invalid_cursor"),
        ("/changes?after=9223372036854775808", 400, "invalid_cursor"),
        ("/changes?after=9000000", 400, "invalid_cursor"),
        ("/changes?limit=201", 400, "invalid_page"),
        ("/changes?page=1", 400, "unknown_parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused(story: Story, path: str, status: int, code: str) -> None:
    """A wrong question is 400 with its code, a record that never was is 404."""
    answer = story.ask("GET", path)
    assert (answer.status, answer.error["code"]) == (status, code)


def test_secrets_never_show_in_the_journal(story: Story) -> None:
    """Neither history nor changes nor the past of a record has the secret or its hash."""
    account = story.make("/accounts", login="mallory", password="correct horse", token="token-of-mallory")  # noqa: S106  # for a test
    path = f"/accounts/{account['id']}"
    told = [story.ask("GET", each).text for each in (f"{path}/history", "/changes?resource=accounts", f"{path}?as_of=2999-01-01T00:00:00Z")]
    for text in told:
        assert "mallory" in text
        assert not any(word in text for word in ("password", "argon2", "aes256gcm", '"token"', "correct horse"))


def test_a_record_is_read_as_it_was(story: Story) -> None:
    """`as_of` shows the version of that time, with its ETag; before its creation and after its deletion there is nothing."""
    made = story.book()
    path = f"/books/{made['id']}"
    now = story.ask("GET", path)
    later = change(story, path, title=story.unique("Later "))
    delete(story, path)
    assert story.ask("GET", path).status == 404
    first = story.ask("GET", f"{path}?as_of={made['updated_at']}")
    assert (first.data, first.headers["etag"]) == (made, now.headers["etag"])
    assert story.ask("GET", f"{path}?as_of={made['updated_at']}", headers={"if-none-match": now.headers["etag"]}).status == 304
    offset = later["updated_at"].replace("Z", "%2B00:00")
    assert story.ask("GET", f"{path}?as_of={offset}&fields=title").data == {"id": made["id"], "version": 2, "title": later["title"]}
    assert story.ask("GET", f"{path}?as_of=2020-01-01T00:00:00Z").status == 404
    assert story.ask("GET", f"{path}?as_of=2999-01-01T00:00:00Z").status == 404


def test_every_type_has_one_form_in_the_journal(story: Story) -> None:
    """A record with a value of every type reads the same from its table and from its entry."""
    sample = story.make(
        "/samples",
        word="wörd", number=-7, ratio=1.0, active=True, amount="1.500", day="2026-01-02", moment="2026-01-02T03:04:05Z",
        hour="03:04:05", span="P1DT2H", key="5e7c1f8e-1f57-4a0c-9b57-0242ac120002", mail="a@example.org", home="https://example.org/",
        colour="green", words=["a", "b"], amounts=["1.10"], numbers={"a": 1}, place={"city": "Bern"}, label={"text": "x"}, limit=3,
    )  # fmt: skip
    path = f"/samples/{sample['id']}"
    assert story.ask("GET", f"{path}/history").data[0]["after"] == sample
    assert story.ask("GET", f"{path}?as_of={sample['created_at']}").data == sample


def test_undelete_continues_the_version(story: Story) -> None:
    """A record deleted at version 2 comes back as it was, at version 3, is found by search, and can be deleted again."""
    made = story.make("/houses", name=story.unique("Phoenix "), city="Bern")
    path = f"/houses/{made['id']}"
    change(story, path, city="Basel")
    delete(story, path)
    answer = story.ask("POST", f"{path}/undelete")
    assert answer.status == 200
    back = answer.data
    assert back == {**made, "version": 3, "city": "Basel", "updated_at": back["updated_at"]}
    assert answer.headers["etag"].startswith('"3-')
    assert story.ask("GET", path).data == back
    found = story.ask("GET", f"/houses?q={made['name'].replace(' ', '%20')}")
    assert [each["id"] for each in found.data] == [made["id"]]
    assert found.meta["total"] == 1
    assert [each["operation"] for each in story.ask("GET", f"{path}/history").data] == ["undelete", "delete", "update", "create"]
    delete(story, path)
    assert story.ask("POST", f"{path}/undelete").data["version"] == 4


def test_undelete_may_name_the_version_that_was_deleted(story: Story) -> None:
    """Another is refused as for other changes, and changes nothing; none, or any, needs no version. Of a living record it is 404 first."""
    made = story.make("/houses", name=story.unique("Versioned "), city="Bern")
    path = f"/houses/{made['id']}"
    change(story, path, city="Basel")
    assert story.ask("POST", f"{path}/undelete", headers={"if-match": '"9"'}).status == 404
    delete(story, path)
    for query, tag, status in (("", '"1"', 412), ("", '"3-0a1b2c3d"', 412), ("?version=1", None, 409), ("?version=3", None, 409)):
        answer = story.ask("POST", f"{path}/undelete{query}", headers={} if tag is None else {"if-match": tag})
        assert (answer.status, answer.error["code"]) == (status, "version_conflict"), answer
        assert answer.headers["etag"].startswith('"2-')
    unequal = story.ask("POST", f"{path}/undelete?version=2", headers={"if-match": '"1"'})
    assert (unequal.status, unequal.error["code"]) == (400, "malformed_request")
    assert story.ask("POST", f"{path}/undelete", headers={"if-match": "2"}).status == 400
    assert story.ask("GET", path).status == 404
    for query, headers in (("?version=2", {}), ("", {"if-match": '"3-0a1b2c3d"'}), ("", {"if-match": "*"})):
        back = story.ask("POST", f"{path}/undelete{query}", headers=headers)
        assert back.status == 200, back
        delete(story, path)


def test_undelete_is_refused_where_the_record_does_not_fit(story: Story) -> None:
    """Not deleted or unknown is 404; a value taken meanwhile 409; a reference that is gone 422; a body that says something 422."""
    author = story.author()
    book = story.book(author_id=author["id"])
    path = f"/books/{book['id']}"
    assert story.ask("POST", f"{path}/undelete").status == 404
    assert story.ask("POST", "/books/00000000-0000-4000-8000-000000000000/undelete").status == 404
    delete(story, path)
    twin = story.book(author_id=author["id"], title=book["title"])
    taken = story.ask("POST", f"{path}/undelete")
    assert (taken.status, taken.error["code"]) == (409, "unique_conflict")
    assert {each["field"] for each in taken.error["details"]} == {"author_id", "title"}
    delete(story, f"/books/{twin['id']}")
    delete(story, f"/authors/{author['id']}")
    missing = story.ask("POST", f"{path}/undelete")
    assert (missing.status, missing.error["details"][0]["code"]) == (422, "reference_missing")
    assert story.ask("POST", f"/authors/{author['id']}/undelete").status == 200
    assert story.ask("POST", f"{path}/undelete", json={"version": 1}).error["details"][0]["code"] == "unknown_member"
    assert story.ask("POST", f"{path}/undelete", json=[1]).status == 422
    assert story.ask("POST", f"{path}/undelete", content="{}").status == 415
    assert story.ask("POST", f"{path}/undelete", json={}, headers={"prefer": "return=minimal"}).status == 204


def test_undelete_cannot_bring_a_secret_back(story: Story) -> None:
    """The journal never held the password, so an account that needs one stays deleted, and the refusal says why."""
    account = story.make("/accounts", login="lost", password="correct horse")  # noqa: S106  # for a test
    delete(story, f"/accounts/{account['id']}")
    answer = story.ask("POST", f"/accounts/{account['id']}/undelete")
    assert (answer.status, answer.error["details"][0]["field"], answer.error["details"][0]["code"]) == (422, "password", "required")


def test_undelete_happens_once_for_one_key(story: Story) -> None:
    """A repeat with the same Idempotency-Key gets the first answer; with a new one there is nothing to undelete."""
    house = story.make("/houses", name=story.unique("Once "))
    path = f"/houses/{house['id']}"
    delete(story, path)
    first, second = (story.ask("POST", f"{path}/undelete", headers={"idempotency-key": f"k{house['id']}"}) for _ in range(2))
    assert (first.status, second.status, first.content) == (200, 200, second.content)
    assert second.headers["idempotency-replayed"] == "true"
    assert story.ask("POST", f"{path}/undelete", headers={"idempotency-key": f"other{house['id']}"}).status == 404


def follow(story: Story, after: int, query: str = "") -> Iterator[dict[str, Any]]:
    """Every change after a sequence, page by page."""
    while True:
        answer = story.ask("GET", f"/changes?after={after}{query}")
        yield from answer.data
        after = answer.meta["next"]
        if after == answer.meta["head"]:
            return


def test_changes_come_in_the_order_of_their_commits(story: Story) -> None:
    """After the head of before, each change is told once and in order, with what it means: created, updated, removed, created."""
    head = story.ask("GET", "/changes").meta["head"]
    house = story.make("/houses", name=story.unique("Changing "))
    path = f"/houses/{house['id']}"
    later = change(story, path, city="Bern")
    author = story.author(house_id=house["id"])
    delete(story, path)
    back = story.ask("POST", f"{path}/undelete").data
    changes = list(follow(story, head, "&limit=2"))
    assert [each["seq"] for each in changes] == list(range(head + 1, head + 7))
    assert [(each["resource"], each["id"], each["operation"], each["version"]) for each in changes] == [
        ("houses", house["id"], "created", 1),
        ("houses", house["id"], "updated", 2),
        ("authors", author["id"], "created", 1),
        ("authors", author["id"], "updated", 2),
        ("houses", house["id"], "removed", 2),
        ("houses", house["id"], "created", 3),
    ]
    assert [each["after"] for each in changes][:2] == [house, later]
    assert (changes[1]["before"], changes[4]["before"], changes[4]["after"], changes[5]["after"]) == (house, None, None, back)
    of_authors = list(follow(story, head, "&resource=authors&limit=1"))
    assert of_authors == [each for each in changes if each["resource"] == "authors"]


def test_allow_names_the_methods_of_the_journal(story: Story) -> None:
    """OPTIONS tells what each route takes, and other methods are refused."""
    assert story.ask("OPTIONS", "/books/x/history").headers["allow"] == "GET, HEAD, OPTIONS"
    assert story.ask("OPTIONS", "/books/x/undelete").headers["allow"] == "POST, OPTIONS"
    assert story.ask("OPTIONS", "/changes").headers["allow"] == "GET, HEAD, OPTIONS"
    assert story.ask("GET", "/books/x/undelete").status == 405
