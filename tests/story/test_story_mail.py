"""Stories that lead through a mailbox: registration, verification, a forgotten password. The mail goes to a real SMTP server."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import apsw
import pytest
import time_machine
from story_case import Story, check_fields, telling
from story_mail import Box, receiving
from story_people import LOGIN, OTHER, PASSWORD, Held, Person, add_person, operate, verify

from holdfast import Access, Backend, Resource, User, anyone, field, role
from holdfast.engine.auth import registration
from holdfast.engine.auth.roster import Roster
from holdfast.testing import Client
from holdfast.world.vault import Vault


class Page(Resource):
    """Something to read."""

    text: str

    access = Access(read=anyone)


class Member(User):
    """A user with a name and secrets, one of which has a default; some things are for admins to give."""

    name: str
    grade: int = field(default=3, writable_by=role("admin"))
    code: str = field(default="code-of-everyone", secret="hashed", writable_by=role("admin"))  # noqa: S106
    pin: str = field(default="pin-of-everyone", secret="hashed")  # noqa: S106  # a kind
    hint: str | None = field(default=None, secret="encrypted")  # noqa: S106


BACKEND = Backend(Page, Member, registration=True, title="Pages")


@pytest.fixture(scope="module")
def box() -> Iterator[tuple[Box, str]]:
    """A mailbox, and the URL of the SMTP server that leads to it."""
    with receiving() as opened:
        yield opened


@pytest.fixture
def place(box: tuple[Box, str], tmp_path: Path) -> Iterator[tuple[Story, Box, Path]]:
    """A service whose mail arrives in the box."""
    data = tmp_path / "data"
    box[0].mails.clear()
    with telling(BACKEND, data=str(data), smtp=box[1], mail_from="pages@example.org", app_url="https://app.example.org/") as story:
        yield story, box[0], data


def _login(story: Story, email: str, password: str) -> int:
    return story.ask("POST", LOGIN, json={"email": email, "password": password}).status


def _register(place: tuple[Story, Box, Path], email: str, *passwords: str, before: int = 0) -> list[str]:
    """Register an address with each of the passwords; the tokens that are mailed to it. `before` is how many mails it had."""
    story, box, _ = place
    tokens = []
    for count, password in enumerate(passwords, before + 1):
        answer = story.ask("POST", "/auth/register", json={"email": email, "password": password, "name": "Ann"})
        assert (answer.status, answer.text) == (200, '{"success":true,"data":null}')
        tokens.append(box.token(email, count))
    return tokens


def _unique(place: tuple[Story, Box, Path]) -> str:
    return f"p{time.monotonic_ns()}@example.org"


def test_registration_leads_through_the_mailbox(place: tuple[Story, Box, Path]) -> None:
    """Nothing of it is a user until the token comes back; then they can sign in, verified, without roles; the token works once."""
    story, box, _ = place
    email = _unique(place)
    body: dict[str, Any] = {"email": email, "password": PASSWORD, "name": "Ann"}
    assert story.ask("POST", "/auth/register", json=body).data is None
    token = box.token(email)
    assert _login(story, email, PASSWORD) == 401

    assert story.ask("POST", "/auth/verify-email", json={"token": token}).status == 200

    held = Person(story, email, "").sign_in()
    me = held.ask("GET", "/auth/me").data
    assert (me["name"], me["grade"], me["roles"], me["active"], me["email_verified"]) == ("Ann", 3, [], True, True)
    assert story.ask("POST", "/auth/verify-email", json={"token": token}).error["code"] == "invalid_credentials"


def test_registration_seals_every_secret(place: tuple[Story, Box, Path]) -> None:
    """What whoever registers gives for a secret field, or its default, is in no file in clear, before they come back and after."""
    story, box, data = place
    email, hint = _unique(place), "the name of my first dog"
    story.ask("POST", "/auth/register", json={"email": email, "password": PASSWORD, "name": "Ann", "hint": hint})
    token = box.token(email)
    for _ in range(2):
        content = b"".join(each.read_bytes() for each in data.glob("holdfast.db*"))
        assert [each for each in (hint, PASSWORD, "pin-of-everyone", "code-of-everyone") if each.encode() in content] == []
        story.ask("POST", "/auth/verify-email", json={"token": token})
    connection = apsw.Connection(str(data / "holdfast.db"))
    stored = connection.execute("SELECT pin, hint, code FROM users WHERE email = ?", (email,)).fetchall()
    connection.close()
    assert [tuple(str(each)[:10] for each in row) for row in stored] == [("$argon2id$", "aes256gcm:", "$argon2id$")]
    assert verify(data, BACKEND.catalog) == []


def test_registration_tells_nothing_of_who_is_there(place: tuple[Story, Box, Path]) -> None:
    """The answer for a known address is that for an unknown one; its mailbox alone learns, and nothing of the account changes."""
    story, box, data = place
    known, unknown = add_person(story, data, catalog=BACKEND.catalog, name="Bob"), _unique(place)
    told = set()
    for email in (known.email, unknown):
        answer = story.ask("POST", "/auth/register", json={"email": email, "password": OTHER, "name": "Eve"})
        told.add((answer.status, answer.text))

    assert told == {(200, '{"success":true,"data":null}')}
    assert "you have an account" in box.wait(known.email)[0]
    assert known.sign_in().ask("GET", "/auth/me").data["name"] == "Bob"
    assert _login(story, known.email, OTHER) == 401


def test_who_registers_an_address_again_takes_nothing(place: tuple[Story, Box, Path]) -> None:
    """An attacker registers it before its owner and after, and is told what they are. The owner's link works; then theirs are dead."""
    story, _, _ = place
    email, other = _unique(place), _unique(place)
    tokens = _register(place, email, OTHER, PASSWORD, OTHER)
    (elsewhere,) = _register(place, other, OTHER)

    assert story.ask("POST", "/auth/verify-email", json={"token": tokens[1], "password": PASSWORD}).status == 200
    assert [_login(story, email, each) for each in (OTHER, PASSWORD)] == [401, 200]
    for sent in ({"token": token, **beside} for token in tokens for beside in ({}, {"password": OTHER}, {"password": PASSWORD})):
        assert story.ask("POST", "/auth/verify-email", json=sent).error["code"] == "invalid_credentials"
    assert story.ask("POST", "/auth/verify-email", json={"token": elsewhere}).status == 200


def test_of_several_registrations_the_password_tells_which_counts(place: tuple[Story, Box, Path]) -> None:
    """An owner who follows an attacker's link makes no account with it: the page is told to ask for the password, which is another."""
    story, _, data = place
    for passwords in ((OTHER, PASSWORD), (PASSWORD, OTHER)):
        email = _unique(place)
        tokens = dict(zip(passwords, _register(place, email, *passwords), strict=True))
        for token in tokens.values():
            refused = story.ask("POST", "/auth/verify-email", json={"token": token})
            assert (refused.status, refused.error["code"]) == (422, "validation_failed")
            check_fields(refused, "password:required")
        assert story.ask("POST", "/auth/verify-email", json={"token": tokens[OTHER], "password": PASSWORD}).status == 401
        assert [_login(story, email, each) for each in passwords] == [401, 401]

        assert story.ask("POST", "/auth/verify-email", json={"token": tokens[PASSWORD], "password": PASSWORD}).status == 200
        assert [_login(story, email, each) for each in (OTHER, PASSWORD)] == [401, 200]
    assert verify(data, BACKEND.catalog) == []


def test_a_registration_that_is_over_stands_in_nobodys_way(place: tuple[Story, Box, Path]) -> None:
    """A day later it counts no more: the one that came after it needs no password again."""
    story, _, _ = place
    email, start_s = _unique(place), time.time()
    (first,) = _register(place, email, OTHER)
    with time_machine.travel(start_s + 20 * 3_600, tick=True):
        (second,) = _register(place, email, PASSWORD, before=1)
        assert story.ask("POST", "/auth/verify-email", json={"token": second}).status == 422
    with time_machine.travel(start_s + 25 * 3_600, tick=True):
        assert story.ask("POST", "/auth/verify-email", json={"token": first, "password": OTHER}).status == 401
        assert story.ask("POST", "/auth/verify-email", json={"token": second}).status == 200


def test_the_oldest_of_too_many_registrations_goes(place: tuple[Story, Box, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """So many of an address wait at once, and none that is gone makes another count without its password."""
    monkeypatch.setattr(registration, "PENDING_REGISTRATIONS_MAX", 2)
    story, _, _ = place
    email = _unique(place)
    first, second, _ = _register(place, email, PASSWORD, PASSWORD, OTHER)

    assert story.ask("POST", "/auth/verify-email", json={"token": first, "password": PASSWORD}).status == 401
    assert story.ask("POST", "/auth/verify-email", json={"token": second}).status == 422
    assert story.ask("POST", "/auth/verify-email", json={"token": second, "password": PASSWORD}).status == 200


def test_tokens_of_one_address_that_come_at_once_make_one_account(place: tuple[Story, Box, Path]) -> None:
    """Each with its password: the first that is written counts, and the others are void."""
    story, _, data = place
    email = _unique(place)
    passwords = [f"{PASSWORD} {each}" for each in range(4)]
    tokens = _register(place, email, *passwords)

    def send(index: int) -> int:
        sent = {"token": tokens[index], "password": passwords[index]}
        return story.ask("POST", "/auth/verify-email", json=sent).status

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert sorted(answers) == [200, 401, 401, 401]
    assert [_login(story, email, each) for each in passwords] == answers
    assert [each["email"] for each in operate(data, _collect, BACKEND.catalog) if each["email"] == email] == [email]


def test_a_page_that_asks_for_the_password_lets_nobody_take_an_account_over(place: tuple[Story, Box, Path]) -> None:
    """The newest link may be of whoever registered last. With its owner's password it makes no account, and is not used up."""
    story, box, data = place
    email = _unique(place)
    story.ask("POST", "/auth/register", json={"email": email, "password": OTHER, "name": "Eve"})
    token = box.token(email)

    refused = story.ask("POST", "/auth/verify-email", json={"token": token, "password": PASSWORD})
    assert (refused.status, refused.error["code"]) == (401, "invalid_credentials")
    assert _login(story, email, OTHER) == 401
    assert story.ask("POST", "/auth/verify-email", json={"token": token, "password": OTHER}).status == 200
    assert _login(story, email, OTHER) == 200

    known = add_person(story, data, catalog=BACKEND.catalog, name="Bob")
    known.sign_in().ask("POST", "/auth/verify-email", json={})
    sent = {"token": box.token(known.email)}
    assert story.ask("POST", "/auth/verify-email", json={**sent, "password": OTHER}).status == 401
    assert story.ask("POST", "/auth/verify-email", json={**sent, "password": PASSWORD}).status == 200


def test_a_password_without_its_token_is_refused(place: tuple[Story, Box, Path]) -> None:
    """Whoever asks: a page that lost the token learns it."""
    story, _, data = place
    held = add_person(story, data, catalog=BACKEND.catalog, name="Bob").sign_in()
    for ask in (held.ask, story.ask):
        refused = ask("POST", "/auth/verify-email", json={"password": PASSWORD})
        assert (refused.status, refused.error["code"]) == (422, "validation_failed")
        check_fields(refused, "token:required")


def test_a_token_outlives_a_write_that_fails(place: tuple[Story, Box, Path]) -> None:
    """What could not be written did not use it up; what was written did."""
    story, box, data = place
    email = _unique(place)
    story.ask("POST", "/auth/register", json={"email": email, "password": PASSWORD, "name": "Ann"})
    sent = {"token": box.token(email)}
    operate(data, lambda roster: roster.add_user(email, None, [], {"name": "Bob"}), BACKEND.catalog)
    assert story.ask("POST", "/auth/verify-email", json=sent).error["code"] == "unique_conflict"

    operate(data, partial(_move, email=email), BACKEND.catalog)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: story.ask("POST", "/auth/verify-email", json=sent).status, range(4)))

    assert sorted(answers) == [200, 401, 401, 401]
    assert _login(story, email, PASSWORD) == 200


def test_registration_takes_what_anyone_may_give(place: tuple[Story, Box, Path]) -> None:
    """Roles, activity and verification are not for who registers, and every fault is told at once."""
    story, _, _ = place
    body = {"email": "no address", "password": "short", "roles": ["admin"], "active": True, "email_verified": True}
    answer = story.ask("POST", "/auth/register", json=body)

    assert answer.status == 422
    told = {(each["field"], each["code"]) for each in answer.error["details"]}
    assert told == {
        ("email", "wrong_format"),
        ("password", "too_short"),
        ("name", "required"),
        *((each, "unknown_member") for each in ("roles", "active", "email_verified")),
    }


def test_a_forgotten_password(place: tuple[Story, Box, Path]) -> None:
    """The token that is mailed lets one new password be chosen; every session ends, and so does the token."""
    story, box, data = place
    person = add_person(story, data, catalog=BACKEND.catalog, name="Ann")
    held = person.sign_in()
    assert story.ask("POST", "/auth/reset", json={"email": person.email}).data is None
    token = box.token(person.email)

    weak = story.ask("POST", "/auth/reset/confirm", json={"token": token, "password": "password"})
    assert weak.status == 422
    assert story.ask("POST", "/auth/reset/confirm", json={"token": token, "password": OTHER}).status == 200

    assert not held.lives
    assert held.trade().status == 401
    assert _login(story, person.email, PASSWORD) == 401
    assert person.sign_in(OTHER).lives
    assert story.ask("POST", "/auth/reset/confirm", json={"token": token, "password": PASSWORD}).status == 401
    assert verify(data, BACKEND.catalog) == []


def test_the_newest_reset_counts(place: tuple[Story, Box, Path]) -> None:
    """Asked for twice, the first token is dead; half an hour later both are."""
    story, box, data = place
    person = add_person(story, data, catalog=BACKEND.catalog, name="Ann")
    tokens = []
    for count in (1, 2):
        story.ask("POST", "/auth/reset", json={"email": person.email})
        tokens.append(box.token(person.email, count))

    assert story.ask("POST", "/auth/reset/confirm", json={"token": tokens[0], "password": OTHER}).status == 401
    with time_machine.travel(time.time() + 1_801, tick=True):
        assert story.ask("POST", "/auth/reset/confirm", json={"token": tokens[1], "password": OTHER}).status == 401


def test_reset_tells_nothing_of_who_is_there(place: tuple[Story, Box, Path]) -> None:
    """One answer for known, unknown and revoked; only the first gets a mail."""
    story, box, data = place
    known = add_person(story, data, catalog=BACKEND.catalog, name="Ann")
    told = {
        (answer.status, answer.text)
        for answer in (story.ask("POST", "/auth/reset", json={"email": each}) for each in (known.email, _unique(place)))
    }

    assert told == {(200, '{"success":true,"data":null}')}
    box.wait(known.email)


def test_an_address_is_verified(place: tuple[Story, Box, Path]) -> None:
    """Who is signed in asks for a token, and sends it back."""
    story, box, data = place
    person = add_person(story, data, catalog=BACKEND.catalog, name="Ann")
    held: Held = person.sign_in()
    assert held.ask("POST", "/auth/verify-email", json={}).status == 200

    assert story.ask("POST", "/auth/verify-email", json={"token": box.token(person.email)}).status == 200
    assert held.ask("GET", "/auth/me").data["email_verified"] is True
    assert story.ask("POST", "/auth/verify-email", json={}).status == 401


def test_an_address_that_changes_meanwhile_is_not_verified(place: tuple[Story, Box, Path]) -> None:
    """While a new password is being hashed, the address to which its token was mailed is given up: nothing was shown of the new one."""
    story, box, data = place
    for _ in range(3):
        person = add_person(story, data, catalog=BACKEND.catalog, name="Ann")
        story.ask("POST", "/auth/reset", json={"email": person.email})
        body = {"token": box.token(person.email), "password": OTHER}
        with ThreadPoolExecutor(1) as pool:
            confirming = pool.submit(partial(story.ask, "POST", "/auth/reset/confirm", json=body))
            operate(data, partial(_move, email=person.email), BACKEND.catalog)
            assert confirming.result().status in (200, 401, 409)
        (found,) = (each for each in operate(data, _collect, BACKEND.catalog) if each["id"] == person.id)
        assert (found["email"], found["email_verified"]) == (f"x{person.email}", False)


def test_a_password_that_comes_too_late_is_told_the_tag_of_today(place: tuple[Story, Box, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is being hashed its user changes: 409, with the ETag that the record has now; the token works once more."""
    story, box, data = place
    person, admin = (add_person(story, data, *roles, catalog=BACKEND.catalog, name="Ann") for roles in ((), ("admin",)))
    held = admin.sign_in()
    story.ask("POST", "/auth/reset", json={"email": person.email})
    body = {"token": box.token(person.email), "password": OTHER}
    sealing, changed, seal = Event(), Event(), Vault.seal

    async def seal_late(self: Vault, kind: str, text: str) -> str:
        sealing.set()
        await asyncio.to_thread(changed.wait, 20)
        return await seal(self, kind, text)

    with monkeypatch.context() as late, ThreadPoolExecutor(1) as pool:
        late.setattr(Vault, "seal", seal_late)
        confirming = pool.submit(partial(story.ask, "POST", "/auth/reset/confirm", json=body))
        assert sealing.wait(20)
        assert held.ask("PATCH", f"/users/{person.id}?version=1", json={"name": "Bea"}).status == 200
        changed.set()
        answer = confirming.result()

    assert (answer.status, answer.error["code"]) == (409, "version_conflict")
    assert answer.headers["etag"] == held.ask("GET", f"/users/{person.id}").headers["etag"]
    assert [story.ask("POST", "/auth/reset/confirm", json=body).status for _ in range(2)] == [200, 401]


async def _move(roster: Roster, email: str) -> None:
    await roster.change(email, {"email": f"x{email}"})


async def _collect(roster: Roster) -> list[dict[str, Any]]:
    return [each async for each in roster.users()]


def test_registration_needs_a_mailer(capfd: pytest.CaptureFixture[str]) -> None:
    """In tests as in development mails go to the terminal; `serve` refuses to start without a server, since nobody could ever register."""
    with Client(BACKEND) as client:
        sent = {"email": "new@example.org", "password": PASSWORD, "name": "New"}
        assert client.post("/api/v1/auth/register", json=sent).status == 200
    assert "new@example.org" in capfd.readouterr().err


def test_no_registration_unless_declared(tmp_path: Path) -> None:
    """The route is not there where the Backend does not say so."""
    with telling(Backend(Page)) as story:
        assert story.ask("POST", "/auth/register", json={}).status == 404
