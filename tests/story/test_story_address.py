"""The story of an e-mail address that changes: whoever changes it, it was shown to be nobody's."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from story_case import Story, telling
from story_people import Held, add_person, operate

import holdfast
from holdfast import Access, Backend, owner
from holdfast.testing import Response

API = "/api/v1"


class User(holdfast.User):
    """Who may change their own record."""

    access = Access(read=owner, update=owner)


BACKEND = Backend(User)
CATALOG = BACKEND.catalog
ROUTES = ("PATCH", "PUT", "batch")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, Path]]:
    """A service."""
    data = tmp_path_factory.mktemp("address") / "data"
    with telling(BACKEND, data=str(data), login_rate_limit="off", rate_limit="off") as story:
        yield story, data


def _change(held: Held, route: str, user: Mapping[str, Any], **members: Any) -> Response:
    """Change a user in one of the ways; a full update sends back what was read."""
    path, version = f"/users/{user['id']}", user["version"]
    if route == "PUT":
        return held.ask("PUT", path, json={**user, **members})
    if route == "PATCH":
        return held.ask("PATCH", path, json={**members, "version": version})
    operation = {"method": "PATCH", "path": path, "body": members, "version": version}
    return held.ask("POST", "/batch", json={"operations": [operation]})


def _data(answer: Response) -> dict[str, Any]:
    assert answer.status == 200, answer
    return dict(answer.data[0]["data"] if isinstance(answer.data, list) else answer.data)


@pytest.mark.parametrize("route", ROUTES)
def test_a_new_address_is_not_verified(place: tuple[Story, Path], route: str) -> None:
    """A user who changes their own; one that stays, in whatever case, stays verified."""
    story, _ = place
    held = add_person(*place, catalog=CATALOG).sign_in()
    me = held.ask("GET", "/auth/me").data
    assert me["email_verified"]

    same = _data(_change(held, route, me, email=me["email"].title()))
    assert (same["email"], same["email_verified"]) == (me["email"], True)
    new = f"{story.unique('new')}@example.org"
    changed = _data(_change(held, route, same, email=new))
    assert (changed["email"], changed["email_verified"]) == (new, False)
    refused = _change(held, route, changed, email=me["email"], email_verified=True)
    assert refused.status == 422, refused
    assert not _data(_change(held, route, changed, email=me["email"]))["email_verified"]
    told = held.ask("GET", f"/users/{me['id']}/history").data
    assert [each["version"] for each in told if each["after"]["email_verified"]] == [2, 1]


@pytest.mark.parametrize("route", ROUTES)
def test_who_may_verify_may_say_so(place: tuple[Story, Path], route: str) -> None:
    """An admin who changes an address verifies it in the same write, or not at all."""
    story, _ = place
    admin = add_person(*place, "admin", catalog=CATALOG).sign_in()
    user = admin.ask("GET", f"/users/{add_person(*place, catalog=CATALOG).id}").data
    for said in ({}, {"email_verified": True}):
        if route == "PUT":
            user = {**user, "email_verified": False}
        user = _data(_change(admin, route, user, email=f"{story.unique('other')}@example.org", **said))
        assert user["email_verified"] == bool(said)


def test_the_operator_is_no_exception(place: tuple[Story, Path]) -> None:
    """What changes a user beside the service takes the same way."""
    person = add_person(*place, catalog=CATALOG)
    operate(place[1], lambda roster: roster.change(person.email, {"roles": ["admin"]}), CATALOG)
    made = operate(place[1], lambda roster: roster.change(person.email, {"email": f"x{person.email}"}), CATALOG)
    assert (made["email"], made["email_verified"]) == (f"x{person.email}", False)
