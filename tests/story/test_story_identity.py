"""Stories of signing in: tokens, their rotation and their end, passwords, sessions; in this process and over two workers."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
import time_machine
from argon2 import PasswordHasher
from story_case import ABSENT_ID, Case, Story, cases, run, telling
from story_people import BACKEND, LOGIN, OTHER, PASSWORD, Held, Person, add_person, change, operate, verify
from story_server import Server, serving

from holdfast import Access, Backend, User, owner
from holdfast.app.store import open_store
from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.core.plan import Update, Write
from holdfast.core.view import View
from holdfast.engine.auth.roster import Roster
from holdfast.settings import Settings
from holdfast.world import vault
from holdfast.world.clock import SystemClock

APP = Path(__file__).with_name("story_people.py")
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, Path]]:
    """A story in this process, and its data folder."""
    data = tmp_path_factory.mktemp("identity") / "data"
    with telling(BACKEND, data=str(data)) as story:
        yield story, data


@pytest.fixture
def person(place: tuple[Story, Path]) -> Person:
    """A user of their own for each test."""
    story, data = place
    return add_person(story, data)


@pytest.fixture
def traveller(tmp_path: Path) -> Iterator[Person]:
    """A user of a service of their own: the clock of a service never goes back, so a test that goes ahead shares it with none."""
    with telling(BACKEND, data=str(tmp_path / "data")) as story:
        yield add_person(story, tmp_path / "data")


def test_a_session_lives_and_ends(person: Person) -> None:
    """Signed in, known, signed out, unknown from then on; what belonged to the session ends with it."""
    held = person.sign_in()
    assert held.ask("GET", "/auth/me").data["email"] == person.email

    assert held.ask("POST", "/auth/logout").status == 200

    assert not held.lives
    assert held.trade().status == 401


def test_the_tag_of_oneself_is_that_of_the_record(place: tuple[Story, Path]) -> None:
    """Who may read their whole record gets it at /auth/me and at /users with one tag: 304 for either, and a change by it."""
    person = add_person(*place, "admin")
    held = person.sign_in()
    own = {"authorization": f"Bearer {held.access}"}
    me, record = held.ask("GET", "/auth/me"), held.ask("GET", f"/users/{person.id}")
    assert (me.headers["etag"], me.data) == (record.headers["etag"], record.data)
    tagged = {**own, "if-none-match": me.headers["etag"]}
    assert person.story.ask("GET", "/auth/me", headers=tagged).status == 304

    changed = person.story.ask("PATCH", f"/users/{person.id}", json={}, headers={**own, "if-match": me.headers["etag"]})

    assert changed.status == 200
    again = person.story.ask("GET", "/auth/me", headers=tagged)
    assert (again.status, again.headers["etag"]) == (200, changed.headers["etag"])


def test_whatever_the_case_of_the_address(person: Person) -> None:
    """An address signs in however it is written."""
    answer = person.story.ask("POST", LOGIN, json={"email": person.email.upper(), "password": PASSWORD})

    assert answer.status == 200


def test_tokens_are_of_the_form_that_is_documented(person: Person) -> None:
    """Bearer, 15 minutes, prefixes that scanners know, 32 bytes of dice, never the same twice."""
    held, other = person.sign_in(), person.sign_in()

    assert [held.access[:4], held.refresh[:4]] == ["hfa_", "hfr_"]
    assert {len(each) for each in (held.access, held.refresh)} == {4 + 43}
    assert len({held.access, held.refresh, other.access, other.refresh}) == 4


@cases(
    Case("nothing", "POST", LOGIN, 422, json={}, fields=("email:required", "password:required")),
    Case(
        "every fault at once",
        "POST",
        LOGIN,
        422,
        json={"email": "no address", "pasword": "x", "password": 5},
        fields=("email:wrong_format", "password:wrong_type", "pasword:unknown_member"),
        shows=("did you mean `password`?",),
    ),
    Case("no JSON", "POST", LOGIN, 415, content="email=a", headers={"content-type": "application/x-www-form-urlencoded"}),
    Case("an unknown refresh token", "POST", "/auth/refresh", 401, "invalid_credentials", json={"refresh_token": "hfr_x"}),
    Case("me of nobody", "GET", "/auth/me", 401, "unauthenticated", heads={"www-authenticate": 'Bearer realm="api"'}),
    Case("sessions of nobody", "GET", "/auth/sessions", 401, "unauthenticated"),
    Case("logout of nobody", "POST", "/auth/logout", 401, "unauthenticated"),
    Case("another scheme", "GET", "/auth/me", 401, "unauthenticated", headers={"authorization": "Basic aGZhXzo="}),
    Case("no token", "GET", "/auth/me", 401, "unauthenticated", headers={"authorization": "Bearer"}),
    Case("login by GET", "GET", LOGIN, 405, "method_not_allowed", heads={"allow": "POST, OPTIONS"}),
)
def test_what_is_refused(place: tuple[Story, Path], case: Case) -> None:
    """Refusals of the routes of accounts have the codes of all others."""
    run(place[0], case)


def test_who_cannot_sign_in_learns_nothing(place: tuple[Story, Path], person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown address, wrong password, no password, revoked user: one status and body, and one hash computed for each."""
    story, data = place
    computed: list[str] = []
    verify = vault._verify

    def count(sealed: str, text: str) -> bool:
        computed.append(sealed)
        return verify(sealed, text)

    monkeypatch.setattr(vault, "_verify", count)
    revoked, bare = add_person(story, data), add_person(story, data, password=None)
    change(data, revoked.email, active=False)

    told = set()
    for email, password in ((person.email, OTHER), ("nobody@example.org", OTHER), (revoked.email, PASSWORD), (bare.email, OTHER)):
        answer = story.ask("POST", LOGIN, json={"email": email, "password": password})
        error = {**answer.error, "request_id": ""}
        told.add((answer.status, json.dumps(error), frozenset(dict(answer.headers)) - {"x-request-id"}))

    assert [status for status, *_ in told] == [401]
    assert len(computed) == 4
    assert all(each.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for each in computed)


def test_a_refresh_token_works_once(person: Person) -> None:
    """New tokens for the same session; the old refresh token may be sent again for ten seconds, as by a client that was cut off."""
    held = person.sign_in()
    first, again = held.trade(), held.trade()

    assert (first.status, again.status) == (200, 200)
    assert first.data["refresh_token"] != again.data["refresh_token"]
    sessions = held.ask("GET", "/auth/sessions").data
    assert len(sessions) == 1
    assert held.lives


def test_reuse_ends_the_session(traveller: Person) -> None:
    """Later than that it means that somebody has a copy: every token of the session is dead, those of other sessions are not."""
    held, other = traveller.sign_in(), traveller.sign_in()
    traded = held.trade().data
    new = Held(held.story, traded["access_token"], traded["refresh_token"])
    assert new.lives

    with time_machine.travel(time.time() + 11, tick=True):
        assert held.trade().status == 401
        assert not new.lives
        assert not held.lives
        assert new.trade().status == 401
        assert other.lives


def test_tokens_end(traveller: Person) -> None:
    """The access token after 15 minutes, the refresh token after 30 days without use."""
    held = traveller.sign_in()
    now = time.time()
    with time_machine.travel(now + 899, tick=True):
        assert held.lives
    with time_machine.travel(now + 901, tick=True):
        assert not held.lives
        assert held.trade().status == 200

    idle = traveller.sign_in()
    with time_machine.travel(time.time() + 31 * 86_400, tick=True):
        assert idle.trade().status == 401


def test_no_refresh_outlives_the_session(traveller: Person) -> None:
    """However often it is refreshed, a session ends 90 days after its sign-in."""
    held, now = traveller.sign_in(), time.time()
    for day in (29, 58, 87):
        with time_machine.travel(now + day * 86_400, tick=True):
            traded = held.trade().data
            held = Held(held.story, traded["access_token"], traded["refresh_token"])
    with time_machine.travel(now + 91 * 86_400, tick=True):
        assert held.trade().status == 401


def test_a_password_is_changed(place: tuple[Story, Path], person: Person) -> None:
    """The new one signs in, the old one does not; the session of the change goes on and every other one ends."""
    own, other = person.sign_in(), person.sign_in()

    assert own.ask("POST", "/auth/password", json={"current": OTHER, "new": OTHER}).error["code"] == "invalid_credentials"
    assert other.lives
    assert own.ask("POST", "/auth/password", json={"current": PASSWORD, "new": OTHER}).status == 200

    assert own.lives
    assert not other.lives
    assert other.trade().status == 401
    assert person.sign_in(OTHER).lives
    assert person.story.ask("POST", LOGIN, json={"email": person.email, "password": PASSWORD}).status == 401
    assert verify(place[1]) == []


def _weaken(data: Path, person: Person) -> str:
    """Store a hash of their password as one was made by older parameters; that hash."""
    users = BACKEND.catalog.users
    assert users is not None
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    step = Update(RecordId(person.id), View(users, ()), {"password": weak})

    async def work() -> None:
        async with open_store(Settings(data=data), BACKEND.catalog) as store:
            await store.write(Write((step,), None, "operator", CLOCK.now(), CLOCK.monotonic_s() + 10))

    asyncio.run(work())
    return weak


def _hash_of(data: Path, person: Person) -> str:
    connection = apsw.Connection(str(data / "holdfast.db"))
    try:
        ((stored,),) = connection.execute("SELECT password FROM users WHERE id = ?", (person.id,)).fetchall()
    finally:
        connection.close()
    return str(stored)


def test_a_hash_of_older_parameters_is_renewed(place: tuple[Story, Path]) -> None:
    """Once, as a change by the user that the journal knows and that ends no session; `verify` finds nothing before and after it."""
    story, data = place
    admin, person = add_person(story, data, "admin").sign_in(), add_person(story, data)
    weak = _weaken(data, person)
    assert verify(data) == []
    held = person.sign_in()
    renewed = _hash_of(data, person)
    assert renewed != weak
    assert "m=19456,t=2,p=1" in renewed
    assert verify(data) == []
    again = person.sign_in()
    assert _hash_of(data, person) == renewed
    assert held.lives
    assert again.lives
    last, weakened, made = admin.ask("GET", f"/users/{person.id}/history").data
    assert (last["operation"], last["version"], last["actor_id"]) == ("update", 3, person.id)
    assert {name for name in last["after"] if last["after"][name] != last["before"][name]} == {"version", "updated_at"}
    assert (weakened["version"], made["version"]) == (2, 1)


def test_who_signs_in_twice_at_once_is_let_in_twice(place: tuple[Story, Path]) -> None:
    """Both sign-ins renew the hash, one is quicker, and the other sees that its password is that of the new hash."""
    story, data = place
    person = add_person(story, data)
    _weaken(data, person)
    with ThreadPoolExecutor(4) as pool:
        held = list(pool.map(lambda _: person.sign_in(), range(4)))
    assert all(each.lives for each in held)
    assert verify(data) == []


def test_an_edited_password_is_found(place: tuple[Story, Path], person: Person) -> None:
    """Who puts the hash of a password of their own in its place can sign in, and `verify` names the user."""
    _, data = place
    path = str(data / "holdfast.db")
    kept = _hash_of(data, person)
    connection = apsw.Connection(path)
    try:
        for stored in (PasswordHasher().hash(OTHER), None):
            connection.execute("UPDATE users SET password = ? WHERE id = ?", (stored, person.id))
            (finding,) = verify(data)
            assert (finding.check, finding.place) == ("rows", f"users/{person.id}")
            assert "in its secrets (password)." in finding.problem
        connection.execute("UPDATE users SET password = ? WHERE id = ?", (kept, person.id))
    finally:
        connection.close()
    assert verify(data) == []


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("fourteen chars", "too_short"),
        ("x" * 129, "too_long"),
        ("password123456789", "too_common"),
        ("passwordpassword", "too_common"),
        ("123456789012345", "too_common"),
        ("aaaaaaaaaaaaaaaa", "too_common"),
        ("{local} is my name!", "too_common"),
        (None, "null_not_allowed"),
    ],
)
def test_passwords_that_are_refused(person: Person, new: str | None, code: str) -> None:
    """Too short, too long, easily guessed, or given away by the address."""
    text = None if new is None else new.replace("{local}", person.email.partition("@")[0])
    answer = person.sign_in().ask("POST", "/auth/password", json={"current": PASSWORD, "new": text})

    assert answer.status == 422
    assert [(each["field"], each["code"]) for each in answer.error["details"]] == [("new", code)]


def test_the_same_password_however_it_is_composed(person: Person) -> None:
    """What one keyboard writes as one character and another as two is one password."""
    composed, decomposed = "caf\u00e9 caf\u00e9 caf\u00e9 1", "cafe\u0301 cafe\u0301 cafe\u0301 1"
    assert person.sign_in().ask("POST", "/auth/password", json={"current": PASSWORD, "new": decomposed}).status == 200

    assert person.sign_in(composed).lives


def test_passwords_are_compared_whole(person: Person) -> None:
    """Two passwords that differ in their last character alone are two."""
    long = "".join(chr(0x61 + place * 7 % 26) for place in range(127))
    assert person.sign_in().ask("POST", "/auth/password", json={"current": PASSWORD, "new": f"{long}x"}).status == 200

    assert person.story.ask("POST", LOGIN, json={"email": person.email, "password": f"{long}y"}).status == 401
    assert person.sign_in(f"{long}x").lives


def test_sessions_are_listed_and_ended(person: Person) -> None:
    """Newest first, with the present one marked; one can be ended, and nobody else's can."""
    first, second = person.sign_in(), person.sign_in()
    listed = second.ask("GET", "/auth/sessions").data
    assert [each["current"] for each in listed] == [True, False]
    assert all(each["address"] == "127.0.0.1" and each["kind"] == "login" for each in listed)

    assert second.ask("DELETE", f"/auth/sessions/{listed[1]['id']}").status == 200

    assert not first.lives
    assert second.lives
    assert second.ask("DELETE", f"/auth/sessions/{listed[1]['id']}").status == 404
    assert second.ask("DELETE", f"/auth/sessions/{ABSENT_ID}").status == 404


def test_nobody_ends_sessions_of_others(place: tuple[Story, Path], person: Person) -> None:
    """A session of somebody else is as if there were none."""
    story, data = place
    mine, other = person.sign_in(), add_person(story, data).sign_in()
    (session,) = mine.ask("GET", "/auth/sessions").data

    assert other.ask("DELETE", f"/auth/sessions/{session['id']}").status == 404
    assert mine.lives


@pytest.mark.parametrize("members", [{"active": False}, {"password": OTHER}], ids=["revoke", "password"])
def test_what_the_operator_ends(place: tuple[Story, Path], person: Person, members: dict[str, Any]) -> None:
    """A user who is revoked, or gets a new password, is signed out at once, from another process; restoring revives no session."""
    held = person.sign_in()
    change(place[1], person.email, **members)
    assert not held.lives
    assert held.trade().status == 401

    change(place[1], person.email, active=True)
    assert not held.lives
    assert held.trade().status == 401


def test_a_key_acts_as_a_user_of_its_own(tmp_path: Path) -> None:
    """With the roles it was given, until it is revoked or ends; a name can be used again, the old key stays dead."""
    data = tmp_path / "data"
    with telling(BACKEND, data=str(data)) as story:
        add = partial(Roster.add_key, name="importer", more={})
        held = Held(story, operate(data, lambda roster: add(roster, roles=["editor"], expires_at=None)), "")
        me = held.ask("GET", "/auth/me").data
        assert (me["email"], me["roles"]) == ("importer@key.invalid", ["editor"])

        operate(data, lambda roster: roster.revoke_key("importer"))
        assert not held.lives

        again = Held(story, operate(data, lambda roster: add(roster, roles=[], expires_at=roster.after_hours(24))), "")
        assert not held.lives
        assert again.ask("GET", "/auth/me").data["roles"] == []
        with time_machine.travel(time.time() + 86_401, tick=True):
            assert not again.lives


class Own(User):
    """A user who may see and change their own record."""

    access = Access(read=owner, update=owner)


OWN = Backend(Own)


@pytest.mark.parametrize("email", ["deploy@key.invalid", "Deploy@KEY.invalid", "deploy@\N{KELVIN SIGN}ey.invalid"])
def test_nobody_takes_the_address_of_a_key(tmp_path: Path, email: str) -> None:
    """Whoever had it would be who the operator's next key of that name acts as. Refused wherever an address can be given."""
    data = tmp_path / "data"
    with telling(OWN, data=str(data)) as story:
        eve, admin = add_person(story, data, catalog=OWN.catalog), add_person(story, data, "admin", catalog=OWN.catalog)
        held, master = eve.sign_in(), admin.sign_in()
        body, tag = {"email": email}, {"if-match": held.ask("GET", "/auth/me").headers["etag"]}
        bearer = {"authorization": f"Bearer {held.access}"}
        sent = [story.ask(each, f"/users/{eve.id}", json=body, headers={**bearer, **tag}) for each in ("PATCH", "PUT")]
        sent += [master.ask("POST", "/users", json=body), master.ask("POST", "/users/bulk", json=[body])]
        sent += [master.ask("POST", "/batch", json={"operations": [{"method": "POST", "path": "/users", "body": body}]})]
        assert {each.status for each in sent} == {422}, sent
        assert all("which is kept for API keys" in each.text for each in sent), sent
        with pytest.raises(Refused) as refused:
            operate(data, lambda roster: roster.add_user(email, PASSWORD, [], {}), OWN.catalog)
        assert [(each.field, each.code) for each in refused.value.details] == [("email", "wrong_format")]

        key = operate(data, lambda roster: roster.add_key("deploy", ["admin"], None, {}), OWN.catalog)
        assert Held(story, key, "").ask("GET", "/auth/me").data["id"] != eve.id
        assert held.ask("GET", "/auth/me").data["roles"] == []
        (user,) = master.ask("GET", "/users?email=deploy@key.invalid").data
        assert master.ask("PUT", f"/users/{user['id']}", json=user).status == 200, "what was read can be put back"


@pytest.mark.parametrize("way", ["password", "session", "link"])
def test_a_key_never_acts_as_somebody_who_can_sign_in(tmp_path: Path, way: str) -> None:
    """A user with the address of a key, from before that was refused: by password, by another key, by another provider."""
    data = tmp_path / "data"
    with telling(BACKEND, data=str(data)) as story:
        eve = add_person(story, data, password=PASSWORD if way == "password" else None)
    connection = apsw.Connection(str(data / "holdfast.db"))
    with connection:
        connection.execute("UPDATE users SET email = 'deploy@key.invalid' WHERE id = ?", (eve.id,))
        if way == "link":
            connection.execute("INSERT INTO hf_link (issuer, subject, user_id) VALUES ('p', 's', ?)", (eve.id,))
        if way == "session":
            row = (eve.id, CLOCK.now())
            connection.execute("INSERT INTO hf_session (id, user_id, kind, name, created_at) VALUES ('s', ?, 'key', 'eve', ?)", row)
    connection.close()

    with pytest.raises(Refused, match="can sign in") as refused:
        operate(data, lambda roster: roster.add_key("deploy", ["admin"], None, {}))

    assert refused.value.hint is not None
    assert "Choose another name" in refused.value.hint


def test_no_token_is_kept(place: tuple[Story, Path], person: Person) -> None:
    """Neither the database nor its log holds a token or a password."""
    held = person.sign_in()
    held.trade()
    stored = b"".join(each.read_bytes() for each in place[1].glob("holdfast.db*"))

    for secret in (held.access, held.refresh, PASSWORD):
        assert secret.encode() not in stored
        assert secret[4:].encode() not in stored


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers."""
    data = tmp_path_factory.mktemp("served") / "data"
    operate(data, lambda roster: roster.add_user("ann@example.org", PASSWORD, ["editor"], {}))
    environ = {"HOLDFAST_LOGIN_RATE_LIMIT": "off"}
    with serving(data, "--workers", "2", app=APP, environ=environ) as server:
        yield server


def test_an_end_holds_in_every_worker_at_once(served: Server) -> None:
    """What one worker has revoked no worker takes from the next request on."""
    stories = [Story(served.client()) for _ in range(8)]  # connections land on both workers
    for _ in range(5):
        held = Person(stories[0], "ann@example.org", "").sign_in()
        everywhere = [Held(story, held.access, held.refresh) for story in stories]
        assert all(each.lives for each in everywhere)

        assert everywhere[1].ask("POST", "/auth/logout").status == 200

        assert not any(each.lives for each in everywhere)


def test_admins_give_no_easy_passwords(place: tuple[Story, Path]) -> None:
    """The rules of passwords hold for records of users as well; who gets a new password is signed out."""
    story, data = place
    admin, person = add_person(story, data, "admin").sign_in(), add_person(story, data)
    held, path = person.sign_in(), f"/users/{person.id}?version=1"

    for weak in ("short", "passwordpassword"):
        answer = admin.ask("PATCH", path, json={"password": weak})
        assert (answer.status, answer.error["details"][0]["field"]) == (422, "password")
    assert held.lives
    assert admin.ask("PATCH", path, json={"password": OTHER}).status == 200
    assert not held.lives
    assert person.sign_in(OTHER).lives
    assert verify(data) == []


def test_a_batch_gives_no_easy_passwords(place: tuple[Story, Path]) -> None:
    """Within a batch the refusal says which operations it is about, made or changed."""
    story, data = place
    admin, person = add_person(story, data, "admin").sign_in(), add_person(story, data)
    operations = [
        {"method": "POST", "path": "/notes", "body": {"text": "hello"}},
        {"method": "POST", "path": "/users", "body": {"email": "easy@example.org", "password": "passwordpassword"}},
        {"method": "POST", "path": "/users", "body": {"email": "fine@example.org", "password": OTHER}},
        {"method": "PATCH", "path": f"/users/{person.id}", "version": 1, "body": {"password": "short"}},
    ]
    answer = admin.ask("POST", "/batch", json={"operations": operations})

    told = [(each["field"], each["code"]) for each in answer.error["details"]]
    assert told == [("operations[1].body.password", "too_common"), ("operations[3].body.password", "too_short")]


def test_a_bulk_create_gives_no_easy_passwords(place: tuple[Story, Path]) -> None:
    """Every record is judged, and each refusal says which one it is about."""
    story, data = place
    admin = add_person(story, data, "admin").sign_in()
    sent = [
        {"email": "fine@example.org", "password": OTHER},
        {"email": "easy@example.org", "password": "passwordpassword"},
        {"email": "mirabelle@example.org", "password": "mirabelle's garden"},
    ]
    answer = admin.ask("POST", "/users/bulk", json=sent)

    assert answer.status == 422
    assert [(each["field"], each["code"]) for each in answer.error["details"]] == [
        ("[1].password", "too_common"),
        ("[2].password", "too_common"),
    ]


def test_a_password_is_judged_beside_every_other_member(place: tuple[Story, Path]) -> None:
    """All that is wrong is told at once, made or changed."""
    story, data = place
    admin, person = add_person(story, data, "admin").sign_in(), add_person(story, data)
    body = {"password": "short", "active": "yes", "nmae": 1}
    for answer in (
        admin.ask("POST", "/users", json={"email": "many@example.org", **body}),
        admin.ask("PATCH", f"/users/{person.id}?version=1", json=body),
    ):
        details = {(each["field"], each["code"]) for each in answer.error["details"]}
        assert details == {("password", "too_short"), ("active", "wrong_type"), ("nmae", "unknown_member")}


def test_a_role_that_no_rule_names_is_told_with_the_nearest(place: tuple[Story, Path]) -> None:
    """Whoever gives roles by the API learns the name that was meant, as on the command line."""
    admin = add_person(*place, "admin").sign_in()
    answer = admin.ask("POST", "/users", json={"email": "typed@example.org", "roles": ["editor", "edtor"]})
    assert answer.status == 422
    assert answer.error["details"] == [
        {"field": "roles[1]", "code": "not_in_choices", "message": "This must be one of: admin, editor; did you mean `editor`?"}
    ]


def test_a_key_is_not_signed_out(place: tuple[Story, Path]) -> None:
    """A key is no sign-in: it is refused to sign out, and lives on."""
    story, data = place
    held = Held(story, operate(data, lambda roster: roster.add_key("signs-out", [], None, {})), "")
    answer = held.ask("POST", "/auth/logout")

    assert (answer.status, answer.error["code"]) == (403, "forbidden")
    assert "holdfast key revoke" in answer.error["hint"]
    assert held.lives
