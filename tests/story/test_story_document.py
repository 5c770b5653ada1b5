"""The served OpenAPI document is true: whatever an operation answers, its status and every header are told, with cookies and without."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest
from openapi_spec_validator import validate
from story_case import ABSENT_ID, Story, telling
from story_document import Documented
from story_mail import Box, receiving
from story_people import LOGIN, OTHER, PASSWORD, Person, add_person
from story_provider import CLIENT, SECRET, Provider, providing
from story_server import serving

from holdfast import Access, Backend, Ref, Resource, anyone, field, role
from holdfast.testing import Client, Response

APP = "https://app.example.org"
OWN = {"origin": "https://localhost", "x-csrf": "1"}
SAFE = ("GET",)
NO_MAIL = {"smtp": "smtp://127.0.0.1:1", "mail_from": "shelves@example.org", "app_url": APP}


class Shelf(Resource, path="shelves"):
    """Anyone may do anything with it: no rule asks for a role."""

    label: str = field(unique=True)

    access = Access(read=anyone, write=anyone)


class Volume(Resource, cache="private, no-cache"):
    """Editors change it; browsers may keep it."""

    title: str
    shelf: Ref[Shelf] = field(on_delete="restrict")

    access = Access(read=anyone, write=role("editor"))


BACKEND = Backend(Shelf, Volume, registration=True)


@dataclass
class Place:
    """A service, the document that it serves, and what its users have elsewhere."""

    client: Client
    documented: Documented
    story: Story
    data: Path
    cookies: bool
    box: Box
    provider: Provider

    def person(self, *roles: str) -> Person:
        """A user who can sign in."""
        return add_person(self.story, self.data, *roles, catalog=BACKEND.catalog)

    def key(self) -> dict[str, str]:
        """The header of a new admin."""
        return {"authorization": f"Bearer {self.client.add_key('admin')}"}

    def cookie(self, person: Person) -> str:
        """The Cookie header of a new session."""
        answer = self.story.ask("POST", LOGIN, json={"email": person.email, "password": PASSWORD, "cookie": True}, headers=OWN)
        assert answer.status == 200, answer
        return answer.headers["set-cookie"].partition(";")[0]


@pytest.fixture(scope="module", params=[False, True], ids=["tokens", "cookies"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service with everything that can be set, without cookies and CORS and with them."""
    data, cookies = tmp_path_factory.mktemp("document") / "data", bool(request.param)
    with receiving() as (box, smtp), providing() as provider:
        settings: dict[str, Any] = {
            "rate_limit": "60000/minute",
            "smtp": smtp,
            "mail_from": "shelves@example.org",
            "app_url": APP,
            "oidc": {"house": {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET}},
            "cookies": cookies,
            "cors_origins": [APP] if cookies else [],
        }
        with Client(BACKEND, data=str(data), **settings) as client:
            documented = Documented(client)
            yield Place(client, documented, Story(documented), data, cookies, box, provider)


def test_the_document_is_valid(place: Place) -> None:
    """By the judgement of openapi-spec-validator, whatever is set."""
    validate(place.documented.document)


def test_cookies_are_told_where_they_count(place: Place) -> None:
    """The scheme and its guard stand in the document of a service that takes cookies, and in no other."""
    document = place.documented.document
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == ({"bearer", "cookie"} if place.cookies else {"bearer"})
    assert ("x-csrf" in document["components"]["parameters"]) is place.cookies
    for _, path, operation in place.documented.operations():
        ways = {way for each in operation["security"] for way in each}
        assert ways in (set(), set(schemes)), path


def test_every_success_is_as_told(place: Place) -> None:
    """Each operation is asked for each success that it tells, and tells each of their headers."""
    _live_with_records(place, "/shelves", {"label": "A"})
    shelf = place.story.make("/shelves", label="kept")
    _live_with_records(place, "/volumes", {"title": "Emma", "shelf_id": shelf["id"]})
    _live_with_records(place, "/users", {"email": "new-1@example.org", "password": PASSWORD})
    place.story.get(f"/shelves/{shelf['id']}/volumes")
    _read_what_is_of_the_service(place)
    _live_with_an_account(place)
    _come_by_mail(place)
    _come_by_a_provider(place)

    assert place.documented.successes() - place.documented.met == set()


def _live_with_records(place: Place, path: str, members: dict[str, Any]) -> None:
    """Everything that can be done with records of one resource, seen by a page of a listed origin."""
    story, headers, unique = place.story, {**place.key(), "origin": APP}, place.story.unique
    minimal = {**headers, "prefer": "return=minimal"}

    def sound() -> dict[str, Any]:
        return {name: each if name in ("shelf_id", "password") else f"{unique()}{each}" for name, each in members.items()}

    repeated, body = {**headers, "idempotency-key": unique("key")}, sound()
    made = _expect(201, story.ask("POST", path, json=body, headers=repeated)).data
    assert story.ask("POST", path, json=body, headers=repeated).headers["idempotency-replayed"] == "true"
    _expect(204, story.ask("POST", path, json=sound(), headers=minimal))
    _expect(201, story.ask("POST", f"{path}/bulk", json=[sound(), sound()], headers=headers))
    _expect(204, story.ask("POST", f"{path}/bulk", json=[sound()], headers=minimal))
    _expect(200, story.ask("GET", f"{path}?limit=1", headers=headers))
    _expect(200, story.ask("POST", f"{path}/query", json={}, headers=headers))

    one = f"{path}/{made['id']}"
    tag = _expect(200, story.ask("GET", one, headers=headers)).headers["etag"]
    _expect(304, story.ask("GET", one, headers={**headers, "if-none-match": tag}))
    for status, way in ((200, headers), (204, minimal)):
        for method in ("PUT", "PATCH"):
            sent = sound() if method == "PUT" else {}
            _expect(status, story.ask(method, one, json=sent, headers={**way, "if-match": "*"}))
        _expect(200, story.ask("GET", f"{one}/history", headers=headers))
        _expect(status, story.ask("DELETE", one, headers={**way, "if-match": "*"}))
        _expect(status, story.ask("POST", f"{one}/undelete", headers=way))

    for stale in ({"json": {"version": 1}}, {"json": {}, "headers": {"if-match": tag}}):
        answer = story.ask("PATCH", one, json=stale["json"], headers={**headers, **stale.get("headers", {})})
        assert answer.status in (409, 412)
        assert answer.headers["etag"] != tag
    _expect(428, story.ask("PATCH", one, json={}, headers=headers))


def _read_what_is_of_the_service(place: Place) -> None:
    story, key = place.story, place.key()
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/changes"):
        _expect(200, story.ask("GET", path, headers=key))
    for status, more in ((200, {}), (204, {"prefer": "return=minimal"})):
        operation = {"method": "POST", "path": "/shelves", "body": {"label": story.unique()}}
        _expect(status, story.ask("POST", "/batch", json={"operations": [operation]}, headers={**key, **more}))


def _live_with_an_account(place: Place) -> None:
    story, person = place.story, place.person()
    other, held = person.sign_in(), person.sign_in()
    me = _expect(200, held.ask("GET", "/auth/me"))
    own = {"authorization": f"Bearer {held.access}"}
    _expect(304, story.ask("GET", "/auth/me", headers={**own, "if-none-match": me.headers["etag"]}))
    assert other.trade().status == 200
    sessions = _expect(200, held.ask("GET", "/auth/sessions")).data
    (living,) = (each["id"] for each in sessions if not each["current"])
    _expect(200, held.ask("DELETE", f"/auth/sessions/{living}"))
    secret = _expect(200, held.ask("POST", "/auth/totp/enrol", json={"password": PASSWORD})).data["secret"]
    codes = _expect(200, held.ask("POST", "/auth/totp/confirm", json={"totp": pyotp.TOTP(secret).now()})).data["recovery_codes"]
    _expect(200, held.ask("POST", "/auth/totp/disable", json={"password": PASSWORD, "totp": codes[0]}))
    _expect(200, held.ask("POST", "/auth/verify-email", json={}))
    _expect(200, held.ask("POST", "/auth/password", json={"current": PASSWORD, "new": OTHER}))
    _expect(200, held.ask("POST", "/auth/logout"))
    if place.cookies:
        cookie = place.cookie(place.person())
        assert "Max-Age=0" in story.ask("POST", "/auth/logout", headers={**OWN, "cookie": cookie}).headers["set-cookie"]


def _come_by_mail(place: Place) -> None:
    story, email = place.story, "newcomer@example.org"
    _expect(200, story.ask("POST", "/auth/register", json={"email": email, "password": PASSWORD}))
    _expect(200, story.ask("POST", "/auth/verify-email", json={"token": place.box.token(email)}))
    _expect(200, story.ask("POST", "/auth/reset", json={"email": email}))
    _expect(200, story.ask("POST", "/auth/reset/confirm", json={"token": place.box.token(email, 2), "password": OTHER}))


def _come_by_a_provider(place: Place) -> None:
    story = place.story
    for query, status in (("", 200), ("?cookie=true", 303)) if place.cookies else (("", 200),):
        place.provider.claims = {"email": f"{story.unique('guest')}@example.org", "email_verified": True, "sub": story.unique("sub")}
        begun = _expect(302, story.ask("GET", f"/auth/oidc/house/start{query}"))
        back = place.provider.authorize(begun.headers["location"])
        cookie = begun.headers["set-cookie"].partition(";")[0]
        _expect(status, story.ask("GET", f"/auth/oidc/house/callback?{back}", headers={"cookie": cookie}))


def _expect(status: int, answer: Response) -> Response:
    assert answer.status == status, answer
    return answer


def test_every_refusal_is_as_told(place: Place) -> None:
    """Each operation is asked in every wrong way, by nobody, by a stranger and by an admin; whatever it answers is told."""
    key, story = place.key(), place.story
    stranger = {"authorization": f"Bearer {place.client.add_key()}"}
    json_type = {"content-type": "application/json"}
    faults: list[dict[str, Any]] = [
        {"json": {}},
        {"json": {}, "headers": stranger},
        {"json": {}, "headers": key},
        {"json": {}, "headers": {**key, "accept": "application/problem+json"}},
        {"content": b"{", "headers": {**key, **json_type}},
        {"content": b"{}", "headers": {**key, "content-type": "text/plain"}},
        {"content": b"{}", "headers": {**key, **json_type, "content-encoding": "gzip"}},
        {"json": {}, "headers": {**key, "accept": "text/html"}},
        {"json": {}, "headers": {**key, "if-match": "no tag", "idempotency-key": ""}},
        {"json": {}, "headers": {**key, "if-match": '"77-0"', "origin": APP}},
        {"json": {}, "headers": {"authorization": "Bearer hfa_of_nobody"}},
        {"json": {}, "headers": {**OWN, "cookie": f"__Host-hf=hfa_{'A' * 43}"}},
        {"content": b" " * 1_048_577, "headers": {**key, **json_type}},
        {"json": {}, "params": {"nonsense": "1"}, "headers": key},
        {"json": {}, "params": {"token": "1"}, "headers": key},
        {"json": {}, "params": {"q": "x" * 8_192}, "headers": key},
        {"json": {}, "headers": {**key, "x-filler": "x" * 33_000}},
    ]
    for method, path in _targets(place):
        for fault in faults:
            sent = fault if method not in SAFE else {name: each for name, each in fault.items() if name in ("headers", "params")}
            story.ask(method, path, **sent)


def _targets(place: Place) -> list[tuple[str, str]]:
    return [(method, path.format(id=ABSENT_ID, provider="house")) for method, path, _ in place.documented.operations()]


def test_a_cookie_from_a_foreign_page_is_told(place: Place) -> None:
    """Exactly those operations answer 403 to a cookie without its page that tell the header which shows it; none where cookies are off."""
    cookie = {"cookie": place.cookie(place.person("admin")) if place.cookies else f"__Host-hf=hfa_{'A' * 43}"}
    guarded = "#/components/parameters/x-csrf"
    for (method, path), (_, _, operation) in zip(_targets(place), place.documented.operations(), strict=True):
        sign_in = {"email": "a@example.org", "password": "x", "cookie": True}
        body = None if method in SAFE else sign_in if operation["operationId"] == "sign_in" else {}
        answer = place.story.ask(method, path, headers=cookie, json=body)
        told = any(each["$ref"] == guarded for each in operation["parameters"] if "$ref" in each)
        assert (answer.status == 403) is told, operation["operationId"]


def test_what_is_wrong_on_our_side_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without room says when to come again; one that breaks says nothing but its id."""

    def break_down(*_: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as full:
        full.setattr("holdfast.engine.service.IN_FLIGHT_REQUESTS_MAX", 0)
        answers = [place.story.ask(method, path) for method, path in _targets(place)]
    assert {each.status for each in answers} == {200, 503}
    with monkeypatch.context() as broken:
        broken.setattr("holdfast.engine.request.check_content_encoding", break_down)
        statuses = {place.story.ask(method, path, json={}).status for method, path in _targets(place) if method not in SAFE}
    assert 500 in statuses


def test_a_quota_that_is_used_up_is_told(tmp_path: Path) -> None:
    """429 says what the quota is and when to come again, on every operation that is counted; so do attempts to sign in."""
    with telling(BACKEND, data=str(tmp_path / "data"), rate_limit="1/hour", **NO_MAIL) as plain:
        documented = Documented(plain.client)
        asked = [(method, path.format(id=ABSENT_ID)) for method, path, _ in documented.operations()]
        answers = [Story(documented).ask(method, path) for method, path in asked]
    assert sum(each.status == 429 for each in answers) == len(answers) - 3  # health, readiness and metrics
    with telling(BACKEND, data=str(tmp_path / "other"), login_rate_limit="1/hour", **NO_MAIL) as plain:
        story = Story(Documented(plain.client))
        assert [story.ask("POST", LOGIN, json={}).status for _ in range(2)] == [422, 429]


def test_events_and_what_is_said_behind_tls_are_told(tmp_path: Path) -> None:
    """Over the wire: the head of a stream, and an answer behind TLS."""
    environ = {"HOLDFAST_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(tmp_path / "data", environ=environ) as server:
        documented = Documented(server.client())
        behind = {"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
        answer = documented.request("GET", "/api/v1/houses", headers=behind)
        assert "strict-transport-security" in answer.headers
        with closing(http.client.HTTPConnection(server.host, server.port, timeout=20)) as stream:
            stream.request("GET", "/api/v1/changes", headers={"accept": "text/event-stream"})
            with stream.getresponse() as head:
                assert head.headers["x-accel-buffering"] == "no"
                operation = documented.document["paths"]["/api/v1/changes"]["get"]
                documented.judge(operation, head.status, dict(head.getheaders()))
