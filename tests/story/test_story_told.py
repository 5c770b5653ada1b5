"""Stories of what the log says of accounts: one line for each thing that happens, with ids, and never with a secret."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from story_case import Story
from story_mail import receiving
from story_people import LOGIN, OTHER, PASSWORD, Held, Person, operate
from story_server import Server, serving

APP = Path(__file__).with_name("story_people.py")
REGISTERING = """from holdfast import Access, Backend, Resource, anyone


class Page(Resource):
    text: str

    access = Access(read=anyone)


backend = Backend(Page, registration=True)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, whose lines are in order; an editor and an admin."""
    data = tmp_path_factory.mktemp("told") / "data"
    for name, role in (("ann", "editor"), ("root", "admin")):
        operate(data, lambda roster, name=name, role=role: roster.add_user(f"{name}@example.org", PASSWORD, [role], {}))  # type: ignore[misc]
    with serving(data, app=APP, environ={"HOLDFAST_LOGIN_RATE_LIMIT": "off"}) as server:
        yield server


@pytest.fixture
def story(served: Server) -> Story:
    """Whoever asks over a connection of their own."""
    return Story(served.client())


def _sign_in(story: Story, name: str, password: str = PASSWORD) -> Held:
    return Person(story, f"{name}@example.org", "").sign_in(password)


def _events(server: Server, **facts: Any) -> list[dict[str, Any]]:
    """The facts of the events that have these, once the line of a request after them is there."""
    line = server.client().request("GET", "/api/v1/notes").headers["x-request-id"]
    server.line_of(line)
    told = (each["facts"] for each in server.lines() if "security" in each.get("facts", {}))
    return [each for each in told if facts.items() <= each.items()]


def _named(server: Server, **facts: Any) -> list[str]:
    return [each["security"] for each in _events(server, **facts)]


def test_events_are_logged_without_secrets(served: Server, story: Story) -> None:
    """Each attempt has its line with what happened, the request id and ids; no line holds a password, a token or an address tried."""
    held = _sign_in(story, "ann")
    refused = story.ask("POST", LOGIN, json={"email": "nobody@example.org", "password": "wrong but secret"})
    out = held.ask("POST", "/auth/logout")

    assert _named(served, request_id=refused.headers["x-request-id"]) == ["sign_in_refused"]
    assert _named(served, request_id=out.headers["x-request-id"]) == ["signed_out"]
    logged = served.log.read_text() + "".join(each.read_text() for each in (served.data / "log").iterdir())
    for secret in (held.access, held.refresh, PASSWORD, "wrong but secret", "nobody@example.org"):
        assert secret not in logged


def test_what_is_done_to_a_user_is_told_by_whichever_route(served: Server, story: Story) -> None:
    """Made alone, in bulk and in a batch; given roles, revoked, deleted and made again: a line each, with who did it."""
    admin = _sign_in(story, "root")
    by = admin.ask("GET", "/auth/me").data["id"]
    made = admin.ask("POST", "/users", json={"email": "one@example.org", "roles": ["editor"]}).data
    (bulk,) = admin.ask("POST", "/users/bulk", json=[{"email": "two@example.org"}]).data
    path = f"/users/{made['id']}"
    operations = [
        {"method": "PATCH", "path": path, "version": 1, "body": {"roles": ["admin"], "active": False}},
        {"method": "POST", "path": "/notes", "body": {"text": "of no concern"}},
    ]
    assert admin.ask("POST", "/batch", json={"operations": operations}).status == 200
    changes = {"active": True, "password": OTHER, "email": "uno@example.org"}
    assert admin.ask("PATCH", f"{path}?version=2", json=changes).status == 200
    assert admin.ask("DELETE", f"{path}?version=3").status == 200
    assert admin.ask("POST", f"{path}/undelete").status == 200

    assert _named(served, user_id=bulk["id"], by=by, roles=[]) == ["user_made"]
    told = _events(served, user_id=made["id"], by=by)
    assert [(each["security"], each.get("roles")) for each in told] == [
        ("user_made", ["editor"]),
        ("roles_set", ["admin"]),
        ("user_revoked", None),
        ("user_restored", None),
        ("password_changed", None),
        ("email_changed", None),
        ("user_deleted", None),
        ("user_undeleted", None),
    ]


def test_what_was_refused_or_done_before_is_no_change(served: Server, story: Story) -> None:
    """A refused write tells nothing of users, and a repeat under one key is told once."""
    admin = _sign_in(story, "root")
    headers = {"authorization": f"Bearer {admin.access}", "idempotency-key": "once"}
    first, again = (story.ask("POST", "/users", json={"email": "once@example.org"}, headers=headers) for _ in range(2))
    refused = admin.ask("PATCH", f"/users/{first.data['id']}?version=7", json={"roles": ["admin"]})

    assert (again.headers["idempotency-replayed"], refused.status) == ("true", 409)
    assert _named(served, user_id=first.data["id"]) == ["user_made"]


def test_the_first_use_of_a_key_is_told(served: Server, story: Story) -> None:
    """Once, by the name of the key, and never with it."""
    key = operate(served.data, lambda roster: roster.add_key("robot", ["editor"], None, {}))
    held = Held(story, key, "")
    assert not _events(served, key="robot")
    for _ in range(3):
        assert held.ask("POST", "/notes", json={"text": "by a robot"}).status == 201
    (told,) = _events(served, key="robot")
    assert told.keys() == {"security", "peer", "user_id", "session_id", "key"}
    assert key not in served.log.read_text()


def test_each_attempt_to_open_a_registration_is_told(tmp_path: Path) -> None:
    """One that did not say whose it is, one with another's password, and the one that made the account, by its user; no token is there."""
    app, email, token = tmp_path / "pages.py", "new@example.org", ""
    app.write_text(REGISTERING)
    with receiving() as (box, smtp):
        environ = {"HOLDFAST_SMTP": smtp, "HOLDFAST_MAIL_FROM": "pages@example.org", "HOLDFAST_APP_URL": "https://app.example.org"}
        with serving(tmp_path / "data", app=app, environ=environ) as server:
            story = Story(server.client())
            for count, password in enumerate((PASSWORD, OTHER), 1):
                story.ask("POST", "/auth/register", json={"email": email, "password": password})
                token = box.token(email, count)
            sent: list[dict[str, str]] = [{}, {"password": PASSWORD}, {"password": OTHER}]
            told = [story.ask("POST", "/auth/verify-email", json={"token": token, **each}) for each in sent]
            named = [_named(server, request_id=each.headers["x-request-id"]) for each in told]
            logged = server.log.read_text()

    assert [each.status for each in told] == [422, 401, 200]
    assert named == [["email_refused"], ["email_refused"], ["email_verified"]]
    assert [each for each in (token, email, PASSWORD, OTHER) if each in logged] == []


def test_what_fails_beside_a_sign_in_is_told(served: Server, story: Story) -> None:
    """Codes and tokens that are refused are lines too, as is a sign-in that stops for want of a code."""
    operate(served.data, lambda roster: roster.add_user("two@factors.example.org", PASSWORD, [], {}))
    held = Person(story, "two@factors.example.org", "").sign_in()
    answers = [
        held.ask("POST", "/auth/totp/enrol", json={"password": OTHER}),
        made := held.ask("POST", "/auth/totp/enrol", json={"password": PASSWORD}),
        held.ask("POST", "/auth/totp/confirm", json={"totp": "000000"}),
        held.ask("POST", "/auth/totp/confirm", json={"totp": pyotp.TOTP(made.data["secret"]).now()}),
        story.ask("POST", LOGIN, json={"email": "two@factors.example.org", "password": PASSWORD}),
        held.ask("POST", "/auth/totp/disable", json={"password": PASSWORD, "totp": "000000"}),
        story.ask("POST", "/auth/reset/confirm", json={"token": "hft_none", "password": OTHER}),
        story.ask("POST", "/auth/verify-email", json={"token": "hft_none"}),
    ]

    assert [_named(served, request_id=each.headers["x-request-id"]) for each in answers] == [
        ["factor_refused"],
        ["factor_enrolled"],
        ["factor_refused"],
        ["factor_confirmed"],
        ["code_asked"],
        ["factor_refused"],
        ["reset_refused"],
        ["email_refused"],
    ]


def test_attempts_beyond_the_limit_are_told(tmp_path: Path) -> None:
    """As many lines as attempts, refused by the password or by the limit; none names the address that was tried."""
    with serving(tmp_path / "data", app=APP, environ={"HOLDFAST_LOGIN_RATE_LIMIT": "2/hour"}) as server:
        story = Story(server.client())
        sent = [story.ask("POST", LOGIN, json={"email": "guessed@example.org", "password": OTHER}) for _ in range(4)]

        assert [each.status for each in sent] == [401, 401, 429, 429]
        told = [_named(server, request_id=each.headers["x-request-id"]) for each in sent]
        assert told == [["sign_in_refused"], ["sign_in_refused"], ["attempt_limited"], ["attempt_limited"]]
        assert "guessed" not in server.log.read_text()
