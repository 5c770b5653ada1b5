"""Stories of guessing: wherever a password, a code or a token could be tried, and wherever mail is caused, attempts are counted.

By the address that they come from, and by the account that they are made on, each without the other.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from story_case import Story, telling
from story_mail import Box, receiving
from story_people import LOGIN, OTHER, PASSWORD, Note, add_person

from holdfast import Backend

BACKEND = Backend(Note, registration=True)
ALLOWED = 4
PROVIDER = {"issuer": "http://127.0.0.1:9", "client_id": "notes", "client_secret": "secret"}  # where nobody is
Place = tuple[Story, Box, Path]

_hosts = itertools.count(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service behind a proxy that allows four attempts, and the mailbox that its mail arrives in."""
    data = tmp_path_factory.mktemp("guesses")
    with (
        receiving() as (box, smtp),
        telling(
            BACKEND,
            data=str(data),
            smtp=smtp,
            mail_from="notes@example.org",
            app_url="https://app.example.org",
            oidc={"house": PROVIDER},
            login_rate_limit=f"{ALLOWED}/hour",
            trusted_proxies=("127.0.0.1",),
        ) as story,
    ):
        yield story, box, data


def _make_address() -> str:
    return f"203.0.113.{next(_hosts)}"


def _ask(story: Story, address: str, method: str, path: str, sent: dict[str, Any] | None, token: str | None = None) -> bool:
    """Whether an attempt is let in."""
    headers = {"x-forwarded-for": address} | ({} if token is None else {"authorization": f"Bearer {token}"})
    return story.ask(method, path, json=sent, headers=headers).status != 429


def _sign_in(account: str) -> dict[str, Any]:
    return {"email": f"{account}@example.org", "password": OTHER}


@pytest.mark.parametrize(
    ("method", "path", "make_body"),
    [
        ("POST", LOGIN, _sign_in),
        ("POST", "/auth/register", _sign_in),
        ("POST", "/auth/verify-email", lambda account: {"token": account}),
        ("POST", "/auth/reset", lambda account: {"email": f"{account}@example.org"}),
        ("POST", "/auth/reset/confirm", lambda account: {"token": account, "password": OTHER}),
        ("GET", "/auth/oidc/house/start", lambda _: None),
        ("GET", "/auth/oidc/house/callback?state=x&code=y", lambda _: None),
    ],
)
def test_an_address_has_so_many_attempts(place: Place, method: str, path: str, make_body: Callable[[str], dict[str, Any] | None]) -> None:
    """On whichever accounts, or with whichever tokens; another address has its own."""
    story, _, _ = place
    address = _make_address()
    asked = [_ask(story, address, method, path, make_body(story.unique("nobody"))) for _ in range(ALLOWED + 1)]

    assert asked == [True] * ALLOWED + [False]
    assert _ask(story, _make_address(), method, path, make_body(story.unique("nobody")))


@pytest.mark.parametrize("path", [LOGIN, "/auth/register", "/auth/reset"])
def test_an_account_has_so_many_attempts(place: Place, path: str) -> None:
    """From whichever addresses, whether it exists or not; another account has its own."""
    story, _, data = place

    def ask(email: str) -> bool:
        members = {"email": email} if path == "/auth/reset" else {"email": email, "password": OTHER}
        return _ask(story, _make_address(), "POST", path, members)

    for email in (add_person(story, data, catalog=BACKEND.catalog).email, f"{story.unique('nobody')}@example.org"):
        assert [ask(email) for _ in range(ALLOWED + 1)] == [True] * ALLOWED + [False]
    assert ask(f"{story.unique('nobody')}@example.org")


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/auth/password", {"current": OTHER, "new": "a third passphrase"}),
        ("/auth/verify-email", {}),
        ("/auth/totp/enrol", {"password": OTHER}),
        ("/auth/totp/confirm", {"totp": "000000"}),
        ("/auth/totp/disable", {"password": OTHER, "totp": "000000"}),
    ],
)
def test_a_session_that_was_taken_over_is_no_way_around(place: Place, path: str, sent: dict[str, Any]) -> None:
    """What its thief may try next counts on the account, beside the sign-in that made it; others do not suffer."""
    story, _, data = place
    first, second = (add_person(story, data, catalog=BACKEND.catalog) for _ in range(2))

    def sign_in(email: str) -> str:
        headers = {"x-forwarded-for": _make_address()}
        answer = story.ask("POST", LOGIN, json={"email": email, "password": PASSWORD}, headers=headers)
        return str(answer.data["access_token"])

    token = sign_in(first.email)
    asked = [_ask(story, _make_address(), "POST", path, sent, token) for _ in range(ALLOWED)]

    assert asked == [True] * (ALLOWED - 1) + [False]
    assert _ask(story, _make_address(), "POST", path, sent, sign_in(second.email))


def _guess(story: Story, token: str, password: str = OTHER) -> bool:
    return _ask(story, _make_address(), "POST", "/auth/verify-email", {"token": token, "password": password})


def test_an_overheard_link_is_no_place_to_try_passwords_at(place: Place) -> None:
    """They count on the account that it is of, beside its sign-ins."""
    story, box, data = place
    person = add_person(story, data, catalog=BACKEND.catalog)
    held = person.sign_in()
    assert _ask(story, _make_address(), "POST", "/auth/verify-email", {}, held.access)
    token = box.token(person.email)
    assert [_guess(story, token) for _ in range(ALLOWED - 1)] == [True] * (ALLOWED - 2) + [False]


def test_a_registration_is_no_place_to_try_passwords_at(place: Place) -> None:
    """They count on its link: who registers an address as often as they may keeps its owner from nothing."""
    story, box, _ = place
    email = f"{story.unique('guessed')}@example.org"

    def register(password: str) -> bool:
        return _ask(story, _make_address(), "POST", "/auth/register", {"email": email, "password": password})

    assert register(PASSWORD)
    token = box.token(email)
    assert [register(OTHER) for _ in range(ALLOWED)] == [True] * (ALLOWED - 1) + [False]
    other = box.token(email, ALLOWED)

    assert [_guess(story, other, PASSWORD) for _ in range(ALLOWED + 1)] == [True] * ALLOWED + [False]
    assert [_guess(story, token) for _ in range(ALLOWED - 1)] == [True] * (ALLOWED - 1)
    sent = {"token": token, "password": PASSWORD}
    assert story.ask("POST", "/auth/verify-email", json=sent, headers={"x-forwarded-for": _make_address()}).status == 200
