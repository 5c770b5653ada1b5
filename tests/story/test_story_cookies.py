"""Stories of credentials beside the header: the session cookie of browsers and its guard against foreign pages; none in a URL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from story_case import Story, telling
from story_people import BACKEND, LOGIN, PASSWORD, Person, add_person

from holdfast import Access, Backend, Resource, anyone

OWN = {"origin": "https://localhost", "x-csrf": "1"}
"""What a page of the service's own sends; the host of the test client is `localhost`."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, Person]]:
    """A service that takes cookies, also from the pages of one listed origin, and an editor."""
    data = tmp_path_factory.mktemp("cookies") / "data"
    with telling(BACKEND, data=str(data), cookies=True, cors_origins=["https://app.example.org"]) as story:
        yield story, add_person(story, data, "editor")


def _sign_in(place: tuple[Story, Person]) -> str:
    """Sign in by cookie; the Cookie header from then on."""
    story, person = place
    answer = story.ask("POST", LOGIN, json={"email": person.email, "password": PASSWORD, "cookie": True}, headers=OWN)
    assert answer.status == 200, answer
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_cookie_signs_in(place: tuple[Story, Person]) -> None:
    """Set for this host alone, over TLS alone, out of the reach of scripts; the answer holds no token."""
    story, person = place
    answer = story.ask("POST", LOGIN, json={"email": person.email, "password": PASSWORD, "cookie": True}, headers=OWN)

    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-hf=hfa_")
    assert set(attributes) == {"Path=/", "Max-Age=604800", "Secure", "HttpOnly", "SameSite=Strict"}
    assert (answer.data["access_token"], answer.data["refresh_token"], answer.data["token_type"]) == (None, None, "Cookie")
    cookie = name.partition(";")[0]
    assert story.ask("GET", "/auth/me", headers={"cookie": f"theme=dark; {cookie}"}).data["email"] == person.email


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 201),
        ({"origin": "https://app.example.org"}, 201),
        ({"origin": "https://app.example.org.evil.example", "x-csrf": "1"}, 403),
        ({}, 403),
        ({"x-csrf": "1"}, 403),
        ({"origin": "https://localhost"}, 403),
        ({"origin": "https://evil.example", "x-csrf": "1"}, 403),
        ({"origin": "https://localhost.evil.example", "x-csrf": "1"}, 403),
        ({"origin": "null", "x-csrf": "1"}, 403),
        ({"origin": "https://evil.example/localhost", "x-csrf": "1"}, 403),
        ({"origin": "http://[", "x-csrf": "1"}, 403),
        ({"origin": "https://[localhost]", "x-csrf": "1"}, 403),
    ],
)
def test_a_foreign_page_changes_nothing(place: tuple[Story, Person], headers: dict[str, str], status: int) -> None:
    """A change by cookie shows its origin, this host or a listed one, and a header that foreign pages cannot send."""
    story, _ = place
    answer = story.ask("POST", "/notes", json={"text": "hello"}, headers={"cookie": _sign_in(place), **headers})

    assert answer.status == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_a_foreign_page_is_refused(place: tuple[Story, Person], kind: str) -> None:
    """What a form can send is refused whatever it holds."""
    story, _ = place
    headers = {"cookie": _sign_in(place), "origin": "https://evil.example", "content-type": kind}

    assert story.ask("POST", "/notes", content='{"text": "hello"}', headers=headers).status == 403


def test_a_foreign_page_signs_nobody_in(place: tuple[Story, Person]) -> None:
    """Else it could sign people in as somebody else."""
    story, person = place
    body = {"email": person.email, "password": PASSWORD, "cookie": True}

    assert story.ask("POST", LOGIN, json=body).status == 403
    assert story.ask("POST", LOGIN, json=body, headers={"origin": "https://evil.example", "x-csrf": "1"}).status == 403


def test_logout_takes_the_cookie_away(place: tuple[Story, Person]) -> None:
    """The session is dead and the browser is told to forget it."""
    story, _ = place
    cookie = _sign_in(place)
    answer = story.ask("POST", "/auth/logout", headers={"cookie": cookie, **OWN})

    assert answer.status == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert story.ask("GET", "/auth/me", headers={"cookie": cookie}).status == 401


def test_a_session_of_before_is_not_taken_over(place: tuple[Story, Person]) -> None:
    """Whatever cookie was there, a sign-in gives another one."""
    story, person = place
    planted = "__Host-hf=hfa_" + "A" * 43
    body = {"email": person.email, "password": PASSWORD, "cookie": True}
    answer = story.ask("POST", LOGIN, json=body, headers={"cookie": planted, **OWN})

    assert answer.status == 200
    assert not answer.headers["set-cookie"].startswith(planted)


def test_cookies_are_off_unless_set(tmp_path: Path) -> None:
    """Without the setting no cookie is set, and none counts."""
    with telling(BACKEND, data=str(tmp_path / "data")) as story:
        person = add_person(story, tmp_path / "data", "editor")
        held = person.sign_in()
        body = {"email": person.email, "password": PASSWORD, "cookie": True}

        assert story.ask("POST", LOGIN, json=body, headers=OWN).status == 422
        assert story.ask("GET", "/auth/me", headers={"cookie": f"__Host-hf={held.access}"}).status == 401


@pytest.mark.parametrize(
    "name", ["access_token", "token", "api_key", "api-key", "apikey", "API_KEY", "access%5Ftoken", "password", "authorization"]
)
@pytest.mark.parametrize("path", ["/auth/me", "/notes", "/notes/01890a5d-ac96-774b-bcce-b302099a8057", "/changes"])
def test_no_credentials_in_a_url(place: tuple[Story, Person], path: str, name: str) -> None:
    """They are refused wherever they stand, whether they are good or not, and are not repeated."""
    story, person = place
    held = person.sign_in()
    answer = story.ask("GET", f"{path}?{name}={held.access}")

    assert (answer.status, answer.error["code"]) == (400, "unknown_parameter")
    assert held.access not in answer.text


def test_no_token_in_a_url_by_any_name(place: tuple[Story, Person]) -> None:
    """A value that is a token is refused under any name."""
    story, person = place

    assert story.ask("GET", f"/notes?q={person.sign_in().access}").status == 400


def test_an_ended_session_takes_its_cookie_along(place: tuple[Story, Person]) -> None:
    """The first answer that refuses it clears it: it would stand in the way of what anyone may read, and no script can remove it."""
    story, _ = place
    cookie = _sign_in(place)
    session = story.ask("GET", "/auth/sessions", headers={"cookie": cookie}).data
    ended = next(each["id"] for each in session if each["current"])
    assert story.ask("DELETE", f"/auth/sessions/{ended}", headers={"cookie": cookie, **OWN}).status == 200

    for method, path in (("GET", "/notes"), ("POST", "/auth/logout")):
        refused = story.ask(method, path, headers={"cookie": cookie, **OWN})
        assert (refused.status, refused.headers["set-cookie"].partition(";")[0]) == (401, "__Host-hf=")
    assert "set-cookie" not in story.ask("GET", "/notes", headers={"authorization": "Bearer hfa_x"}).headers
    assert story.ask("GET", "/notes").status == 200


class Page(Resource, cache="public, max-age=60"):
    """Something that caches may keep."""

    text: str

    access = Access(read=anyone)


@pytest.mark.parametrize(("cookies", "vary"), [(True, "accept, authorization, cookie"), (False, "accept, authorization")])
def test_what_may_be_kept_varies_by_the_cookie(cookies: bool, vary: str) -> None:  # noqa: FBT001  # a parameter
    """Else a shared cache would give one caller's answer to another."""
    with telling(Backend(Page), cookies=cookies) as story:
        assert story.ask("GET", "/pages").headers["vary"] == vary
