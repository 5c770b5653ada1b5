"""Rules, as callers meet them: a story of the example of the contract."""

from collections.abc import Iterator
from typing import Any

import pytest
from examples.library import backend

from holdfast import Access, Backend, Resource, anyone, field, role, this
from holdfast.testing import Client

BOOKS, AUTHORS = "/api/v1/books", "/api/v1/authors"


@pytest.fixture
def client() -> Iterator[Client]:
    """The library, with one author and two books of an editor: a draft and a published one."""
    with Client(backend) as opened:
        yield opened.sign_in("editor")


def _author(client: Client) -> str:
    made = client.post(AUTHORS, json={"name": "Ann", "email": "ann@example.org"})
    assert made.status == 201, made
    return str(made.data["id"])


def _book(client: Client, author: str, **members: str) -> dict[str, str]:
    made = client.post(BOOKS, json={"title": "Sea", "author_id": author, "price": "9.90", "cost": "1.00", **members})
    assert made.status == 201, made
    return dict(made.data)


def test_who_asks_decides_what_is_there(client: Client) -> None:
    """Drafts and costs are for editors; what may not be known is as what is missing; the total counts what is seen."""
    author = _author(client)
    draft, shown = _book(client, author, title="Draft"), _book(client, author, status="published")
    assert [client.get(f"{BOOKS}/{each['id']}").status for each in (draft, shown)] == [200, 200]
    assert client.get(f"{BOOKS}/{shown['id']}").data["cost"] == "1.00"

    client.sign_out()
    hidden, missing = client.get(f"{BOOKS}/{draft['id']}"), client.get(f"{BOOKS}/{author}")
    assert (hidden.status, missing.status) == (404, 404)
    assert hidden.error["message"] == missing.error["message"]
    assert "cost" not in client.get(f"{BOOKS}/{shown['id']}").data
    listed = client.get(BOOKS)
    assert ([each["id"] for each in listed.data], listed.meta["total"]) == ([shown["id"]], 1)
    assert client.get(f"{AUTHORS}/{author}/books").meta["total"] == 1
    assert client.get(f"{BOOKS}?cost=1.00").error["code"] == "unknown_parameter"
    assert client.get(f"{BOOKS}?sort=cost").error["code"] == "invalid_sort"
    assert client.get(f"{BOOKS}/{draft['id']}/history").status == 404


def test_who_may_not_write_is_told_so(client: Client) -> None:
    """401 to nobody, 403 to who is known, before anything is looked at."""
    author = _author(client)
    shown = _book(client, author, status="published")
    for roles, status in ((None, 401), ((), 403)):
        client.sign_out() if roles is None else client.sign_in(*roles)
        assert client.post(BOOKS, json={}).status == status
        assert client.delete(f"{BOOKS}/{shown['id']}").status == status
        assert client.post(f"{BOOKS}/bulk", json=[{}]).status == status
        batch = client.post("/api/v1/batch", json={"operations": [{"method": "POST", "path": "/books", "body": {}}]})
        assert (batch.status, batch.error["details"][0]["field"]) == (status, "operations[0]")
    assert client.patch(f"{BOOKS}/{shown['id']}", json={"title": "x", "version": 1}).status == 403
    client.sign_in("admin")
    assert client.delete(f"{BOOKS}/{shown['id']}?version=1").status == 200


def test_a_field_that_is_not_ones_own_is_unknown(client: Client) -> None:
    """In a body too; and a full update leaves it as it is."""
    author = _author(client)
    shown = _book(client, author, status="published")
    client.sign_in("editor")
    kept = client.put(f"{BOOKS}/{shown['id']}", json={"title": "Sea", "author_id": author, "price": "1", "cost": "2", "version": 1})
    assert kept.status == 200
    assert kept.data["cost"] == "2.00"


def test_users_are_for_admins(client: Client) -> None:
    """Nobody else sees or makes them; a role that no rule names is refused."""
    assert client.get("/api/v1/users").status == 403
    client.sign_in("admin")
    body = {"email": "Bob@Example.org", "password": "correct horse battery staple", "roles": ["editor"]}
    made = client.post("/api/v1/users", json=body)
    assert made.status == 201, made
    assert made.data["email"] == "bob@example.org"
    assert "password" not in made.data
    wrong = client.post("/api/v1/users", json={**body, "email": "c@example.org", "roles": ["editr"]})
    assert [each["field"] for each in wrong.error["details"]] == ["roles[0]"]
    tokens = client.post("/api/v1/auth/login", json={"email": "BOB@example.org", "password": body["password"]}).data
    client.sign_in(token=tokens["access_token"])
    assert client.get("/api/v1/auth/me").data["roles"] == ["editor"]
    assert client.post(AUTHORS, json={"name": "Bob", "email": "bob@example.org"}).status == 201


def test_a_demotion_holds_from_the_next_request_on(client: Client) -> None:
    """For reads and writes, by the same token."""
    author = _author(client)
    draft = _book(client, author)
    token = client.add_key("editor")
    me = client.sign_in(token=token).get("/api/v1/auth/me").data
    assert client.get(f"{BOOKS}/{draft['id']}").status == 200
    client.sign_in("admin")
    assert client.patch(f"/api/v1/users/{me['id']}", json={"roles": [], "version": me["version"]}).status == 200
    client.sign_in(token=token)
    assert client.get(f"{BOOKS}/{draft['id']}").status == 404
    assert client.post(AUTHORS, json={"name": "X", "email": "x@example.org"}).status == 403
    client.sign_in("admin")
    assert client.delete(f"/api/v1/users/{me['id']}?version=2").status == 200
    client.sign_in(token=token)
    assert client.get(f"{BOOKS}/{draft['id']}").status == 401


class Grade(Resource):
    """What only who is promoted may list, add to, or see the mark of."""

    text: str
    mark: int | None = field(default=None, readable_by=role("boss"))

    access = Access(list=role("boss"), read=anyone, create=role("boss"))


@pytest.mark.parametrize(
    ("method", "path", "body", "before", "after"),
    [
        ("GET", "/api/v1/grades", None, (403, "forbidden"), (200, None)),
        ("POST", "/api/v1/grades", {"text": 5}, (403, "forbidden"), (422, "validation_failed")),
        ("GET", "/api/v1/grades/no?fields=mark", None, (400, "unknown_parameter"), (404, "not_found")),
        ("GET", "/api/v1/grades/no?fields=marc", None, (400, "unknown_parameter"), (400, "unknown_parameter")),
    ],
)
def test_a_promotion_and_an_end_hold_for_refusals_too(
    method: str, path: str, body: Any, before: tuple[int, str], after: tuple[int, str | None]
) -> None:
    """What is refused before the store is asked is refused to who asks now, not to who they were when they asked last."""
    with Client(Backend(Grade)) as opened:
        token = opened.add_key()
        me = opened.sign_in(token=token).get("/api/v1/auth/me").data

        def ask() -> tuple[int, str | None]:
            answer = opened.sign_in(token=token).request(method, path, json=body)
            return answer.status, None if answer.error is None else answer.error["code"]

        def change(method: str, version: int, body: Any = None) -> None:
            assert opened.sign_in("admin").request(method, f"/api/v1/users/{me['id']}?version={version}", json=body).status == 200

        assert ask() == before
        change("PATCH", 1, {"roles": ["boss"]})
        assert ask() == after
        change("PATCH", 2, {"roles": []})
        assert ask() == before
        change("DELETE", 3)
        assert ask() == (401, "unauthenticated")


class Project(Resource):
    """Something that its keepers know before everyone does."""

    name: str
    public: bool = False
    access = Access(read=this.public | role("keeper"), write=role("keeper"))


def test_history_shows_no_one_what_was_hidden_then() -> None:
    """A record that was made public tells nothing of before; one that was hidden again is missing; to its keepers it tells everything."""
    with Client(Backend(Project)) as client:
        client.sign_in("keeper")
        path = f"/api/v1/projects/{client.post('/api/v1/projects', json={'name': 'codename Falcon'}).data['id']}"
        for name, public in (("codename Kestrel", False), ("Bird", True), ("Birds", True)):
            assert client.patch(path, json={"name": name, "public": public}, headers={"if-match": "*"}).status == 200
        whole = client.get(f"{path}/history").data
        assert [each["version"] for each in whole] == [4, 3, 2, 1]
        assert whole[-1]["after"]["name"] == "codename Falcon"

        client.sign_out()
        answer = client.get(f"{path}/history")
        assert "codename" not in answer.text
        told = [(each["operation"], each["before"] and each["before"]["name"], each["after"]["name"]) for each in answer.data]
        assert told == [("update", "Bird", "Birds"), ("update", None, "Bird")]
        first = client.get(f"{path}/history?limit=1")
        assert first.meta["next"] == answer.data[0]["seq"]
        second = client.get(f"{path}/history?limit=1&after={first.meta['next']}")
        assert ([*first.data, *second.data], second.meta["next"]) == (answer.data, None)

        assert client.sign_in("keeper").patch(path, json={"public": False}, headers={"if-match": "*"}).status == 200
        assert client.sign_out().get(f"{path}/history").status == 404


class Parcel(Resource):
    """What is weighed while it is open, and made for oneself."""

    state: str = "open"
    weight: int = field(default=0, writable_by=this.state == "open")
    depth: int = field(default=0, writable_by=this.state == "open")
    small: bool = True

    access = Access(read=anyone, write=anyone, create=this.small == True)  # noqa: E712  # a rule


def test_a_creation_names_what_it_may_not_set() -> None:
    """As a change does: 422 read_only at each field that the rule does not grant in the new record, before the rule of the record."""
    parcels = "/api/v1/parcels"
    sealed = {"state": "sealed", "weight": 5, "depth": 0, "small": False}
    with Client(Backend(Parcel)) as opened:
        client = opened.sign_in()
        for path, body, place in (
            (parcels, sealed, ""),
            (f"{parcels}/bulk", [{}, sealed], "[1]."),
            ("/api/v1/batch", {"operations": [{"method": "POST", "path": "/parcels", "body": sealed}]}, "operations[0].body."),
        ):
            refused = client.post(path, json=body)
            assert refused.status == 422, refused
            told = [(each["field"], each["code"]) for each in refused.error["details"]]
            assert told == [(f"{place}weight", "read_only"), (f"{place}depth", "read_only")]
        assert client.post(parcels, json={"state": "sealed", "small": False}).error["code"] == "forbidden"
        assert client.post(parcels, json={"weight": 5, "small": False}).error["code"] == "forbidden"
        assert client.get(parcels).meta["total"] == 0
        assert client.post(parcels, json={"weight": 5}).status == 201
