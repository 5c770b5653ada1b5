"""Stories of signing in at an OpenID provider, and of everything that must not sign anybody in."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from story_case import Story, telling
from story_people import BACKEND, PASSWORD, Held, Note, Person, add_person, change, verify
from story_provider import CLIENT, SECRET, Provider, providing
from story_server import serving

from holdfast import Backend, User, field
from holdfast.base.errors import Misconfigured
from holdfast.settings import OidcSettings, read_settings, show_settings
from holdfast.testing import Response

START, CALLBACK = "/auth/oidc/house/start", "/auth/oidc/house/callback"
APP = "https://app.example.org"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider."""
    with providing() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _honest(provider: Provider) -> None:
    provider.claims, provider.sign, provider.discovery = {}, None, {}
    if provider.algorithm != "RS256" or provider.key.key_size < 2_048:
        provider.use("RS256", rsa.generate_private_key(65_537, 2_048))


def _settings(provider: Provider) -> dict[str, Any]:
    oidc = {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET}
    return {"oidc": {"house": oidc, "other": oidc}, "app_url": APP, "login_rate_limit": "off", "rate_limit": "off"}


@pytest.fixture(scope="module")
def place(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, Path]]:
    """A service whose users sign in at the provider, by cookie too."""
    data = tmp_path_factory.mktemp("oidc") / "data"
    with telling(BACKEND, data=str(data), cookies=True, **_settings(provider)) as story:
        yield story, data


@pytest.fixture
def person(place: tuple[Story, Path]) -> Person:
    """A user."""
    return add_person(*place)


def _begin(story: Story, path: str = START) -> tuple[str, str]:
    """Where the browser is sent, and the cookie that it keeps."""
    answer = story.client.request("GET", f"/api/v1{path}")
    assert answer.status == 302, answer
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert set(attributes) == {"Path=/", "Max-Age=600", "Secure", "HttpOnly", "SameSite=Lax"}
    return answer.headers["location"], name


def _come_back(story: Story, query: str, cookie: str | None, path: str = CALLBACK) -> Response:
    return story.ask("GET", f"{path}?{query}", headers={} if cookie is None else {"cookie": cookie})


def _sign_in(story: Story, provider: Provider, start: str = START) -> Response:
    location, cookie = _begin(story, start)
    return _come_back(story, provider.authorize(location), cookie)


def _vouch(provider: Provider, person: Person, **claims: Any) -> None:
    provider.claims = {"sub": f"sub-{person.id}", "email": person.email, "email_verified": True, **claims}


def _refused(answer: Response, person: Person) -> None:
    """Refused, and nothing was opened: neither in the answer nor among the sessions."""
    assert (answer.status, answer.error["code"]) == (401, "invalid_credentials"), answer
    assert "hfa_" not in answer.text + str(dict(answer.headers))
    held = person.sign_in()
    assert len(held.ask("GET", "/auth/sessions").data) == 1
    held.ask("POST", "/auth/logout")


def test_a_user_signs_in(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """By the address first; from then on by the subject alone, whatever the provider says of the address."""
    _vouch(provider, person)
    first = _sign_in(place[0], provider)
    assert first.status == 200, first
    assert Held(place[0], first.data["access_token"], "").ask("GET", "/auth/me").data["email"] == person.email
    assert "__Host-hf-oidc=; Path=/; Max-Age=0" in first.headers["set-cookie"]

    provider.claims = {"sub": f"sub-{person.id}"}
    assert _sign_in(place[0], provider).status == 200


def test_a_browser_keeps_the_session_in_a_cookie(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """Where it was asked for at the start: it goes on to the app, and nowhere else; the answer holds no token then."""
    _vouch(provider, person)
    answer = _sign_in(place[0], provider, f"{START}?cookie=true")

    assert (answer.status, answer.headers["location"]) == (303, APP)
    assert (answer.data["access_token"], answer.data["token_type"]) == (None, "Cookie")
    assert "__Host-hf=hfa_" in answer.headers["set-cookie"]


def test_nothing_that_is_sent_says_where_a_browser_goes(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """Neither the way back nor a header of a proxy that is not trusted; what is refused leads nowhere."""
    story = place[0]
    _vouch(provider, person)
    location, cookie = _begin(story, f"{START}?cookie=true")
    evil = {"cookie": cookie, "x-forwarded-host": "evil.example", "referer": "https://evil.example"}
    query = f"{provider.authorize(location)}&return_to=https://evil.example"
    answer, again = (story.ask("GET", f"{CALLBACK}?{query}", headers=evil) for _ in range(2))

    assert (answer.status, answer.headers["location"]) == (303, APP)
    assert again.status == 401
    assert "location" not in again.headers


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("RS512", lambda: rsa.generate_private_key(65_537, 2_048)),
        ("PS256", lambda: rsa.generate_private_key(65_537, 2_048)),
        ("ES256", lambda: ec.generate_private_key(ec.SECP256R1())),
        ("ES384", lambda: ec.generate_private_key(ec.SECP384R1())),
        ("ES512", lambda: ec.generate_private_key(ec.SECP521R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate),
    ],
)
def test_every_algorithm_that_is_documented_counts(
    place: tuple[Story, Path], provider: Provider, person: Person, algorithm: str, make: Callable[[], Any]
) -> None:
    """RS, PS, ES and EdDSA, each by a key of its kind; a changed token does not, whatever signed the rest."""
    _vouch(provider, person)
    provider.use(algorithm, make())
    assert _sign_in(place[0], provider).status == 200

    provider.sign = lambda claims: _changed(provider.honest(claims), claims)
    assert _sign_in(place[0], provider).error["code"] == "invalid_credentials"


@pytest.mark.parametrize("size", [1_024, 2_047])
def test_a_key_that_is_too_short_signs_nobody_in(place: tuple[Story, Path], provider: Provider, person: Person, size: int) -> None:
    """An RSA key has 2,048 bits at least."""
    _vouch(provider, person)
    provider.use("RS256", rsa.generate_private_key(65_537, size))
    provider.sign = lambda claims: _rs256(provider, claims)

    _refused(_sign_in(place[0], provider), person)


def test_a_curve_is_that_of_its_algorithm(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """A key on another curve is no key of ES256."""
    _vouch(provider, person)
    provider.use("ES256", ec.generate_private_key(ec.SECP384R1()))
    provider.sign = lambda claims: jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": provider.kid})

    _refused(_sign_in(place[0], provider), person)


def test_the_client_says_who_it_is_as_the_provider_takes_it(provider: Provider, tmp_path: Path) -> None:
    """In the form where the provider takes it there alone, else in the header (as the other stories do), never in both."""
    provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    with telling(BACKEND, data=str(tmp_path / "data"), **_settings(provider)) as story:
        _vouch(provider, add_person(story, tmp_path / "data"))
        assert _sign_in(story, provider).status == 200


def test_what_is_sent_to_the_provider(place: tuple[Story, Path], provider: Provider) -> None:
    """The exact way back; other state, nonce and challenge each time; and no secret."""
    first, second = (_begin(place[0])[0] for _ in range(2))

    assert f"{provider.issuer}/authorize?" in first
    assert "redirect_uri=https%3A%2F%2Fapp.example.org%2Fapi%2Fv1%2Fauth%2Foidc%2Fhouse%2Fcallback" in first
    assert SECRET not in first
    assert not set(first.split("&")[4:7]) & set(second.split("&")[4:7])


def _b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _public(provider: Provider) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public: bytes = provider.key.public_key().public_bytes(serialization.Encoding.PEM, form)
    return public


def _hs256(provider: Provider, claims: dict[str, Any]) -> str:
    """Signed with the public key as if it were a shared secret."""
    text = f"{_b64({'alg': 'HS256', 'kid': provider.kid})}.{_b64(claims)}"
    return f"{text}.{_b64(hmac.new(_public(provider), text.encode(), hashlib.sha256).digest())}"


def _rs256(provider: Provider, claims: dict[str, Any] | bytes) -> str:
    """Rightly signed, however short the key is and whatever is signed."""
    text = f"{_b64({'alg': 'RS256', 'kid': provider.kid})}.{_b64(claims)}"
    return f"{text}.{_b64(provider.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


EVIL = rsa.generate_private_key(65_537, 2_048)


def _evil(provider: Provider, claims: dict[str, Any], **header: Any) -> str:
    return jwt.encode(claims, EVIL, "RS256", headers={"kid": provider.kid, **header})


def _embedded(provider: Provider, claims: dict[str, Any]) -> str:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(EVIL.public_key()))
    return _evil(provider, claims, jwk=public, jku=f"{provider.issuer}/evil", x5u=f"{provider.issuer}/evil")


FORGED: dict[str, Callable[[Provider, dict[str, Any]], str]] = {
    "none": lambda p, claims: f"{_b64({'alg': 'none', 'kid': p.kid})}.{_b64(claims)}.",
    "None in capitals": lambda p, claims: f"{_b64({'alg': 'NONE', 'kid': p.kid})}.{_b64(claims)}.",
    "the public key as secret": _hs256,
    "the client secret": lambda p, claims: jwt.encode(claims, SECRET * 2, "HS256", headers={"kid": p.kid}),
    "another key": _evil,
    "embedded keys": _embedded,
    "no signature": lambda p, claims: p.honest(claims).rpartition(".")[0] + ".",
    "changed claims": lambda p, claims: _changed(p.honest(claims), claims),
    "unknown kid": lambda p, claims: jwt.encode(claims, p.key, "RS256", headers={"kid": "two"}),
    "kid as path": lambda _p, claims: jwt.encode(claims, b"x" * 32, "HS256", headers={"kid": "../../../dev/null"}),
    "kid as SQL": lambda _p, claims: jwt.encode(claims, EVIL, "RS256", headers={"kid": "' OR 1=1 --"}),
    "crit": lambda p, claims: jwt.encode(claims, p.key, "RS256", headers={"kid": p.kid, "crit": ["b64"], "b64": True}),
    "two subjects": lambda p, claims: _rs256(p, json.dumps(claims).replace("{", '{"sub": "another", ', 1).encode()),
    "no JSON": lambda p, _claims: _rs256(p, b"[1, 2"),
    "no token": lambda _p, _claims: "not.a-token",
}


def _changed(token: str, claims: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{_b64({**claims, 'sub': 'somebody else'})}.{signature}"


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_opens_nothing(place: tuple[Story, Path], provider: Provider, person: Person, name: str) -> None:
    """Whatever its header claims: only the provider's own keys count, under algorithms that share no secret."""
    _vouch(provider, person)
    provider.sign = lambda claims: FORGED[name](provider, claims)
    before = provider.fetched.count("/jwks")

    _refused(_sign_in(place[0], provider), person)
    assert provider.fetched.count("/jwks") <= before + 1
    assert "/evil" not in provider.fetched


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000},
        {"exp": None},
        {"iat": None},
        {"iat": 2**33},
        {"nbf": 2**33},
        {"sub": None},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_token_for_something_else_opens_nothing(
    place: tuple[Story, Path], provider: Provider, person: Person, claims: dict[str, Any]
) -> None:
    """Rightly signed, but for another client, sign-in or time."""
    _vouch(provider, person, **claims)

    _refused(_sign_in(place[0], provider), person)


@pytest.mark.parametrize(
    "claims", [{"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email": None}], ids=str
)
def test_an_address_that_is_not_verified_takes_no_account(
    place: tuple[Story, Path], provider: Provider, person: Person, claims: dict[str, Any]
) -> None:
    """Whoever writes somebody's address into a provider's form is not them."""
    _vouch(provider, person, **claims)

    _refused(_sign_in(place[0], provider), person)


def test_an_account_that_never_verified_its_address_is_not_handed_over(
    place: tuple[Story, Path], provider: Provider, person: Person
) -> None:
    """Somebody may have made it with a foreign address, and waits for its owner to move in."""
    change(place[1], person.email, email_verified=False)
    _vouch(provider, person)

    _refused(_sign_in(place[0], provider), person)


def test_who_is_not_active_is_refused(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """Before and after the link."""
    _vouch(provider, person)
    assert _sign_in(place[0], provider).status == 200
    change(place[1], person.email, active=False)

    assert _sign_in(place[0], provider).error["code"] == "invalid_credentials"


def test_nobody_is_made_without_registration(place: tuple[Story, Path], provider: Provider) -> None:
    """A stranger whom the provider knows is a stranger here."""
    provider.claims = {"sub": "stranger", "email": "stranger@example.org", "email_verified": True}

    assert _sign_in(place[0], provider).error["code"] == "invalid_credentials"


def test_a_newcomer_gets_an_account_where_anyone_may_register(provider: Provider) -> None:
    """Once; the second time it is the same user. They have no password."""
    provider.claims = {"sub": "newcomer", "email": "New@Example.org", "email_verified": True}
    with telling(Backend(Note, registration=True), smtp="smtp://127.0.0.1:9", **_settings(provider)) as story:
        ids = set()
        for _ in range(2):
            held = Held(story, _sign_in(story, provider).data["access_token"], "")
            me = held.ask("GET", "/auth/me").data
            ids.add(me["id"])
            assert (me["email"], me["email_verified"], me["roles"]) == ("new@example.org", True, [])
        assert len(ids) == 1
        assert story.ask("POST", "/auth/login", json={"email": "new@example.org", "password": PASSWORD}).status == 401


class Guest(User):
    """A user with a secret that has a default."""

    pin: str = field(default="pin-of-everyone", secret="hashed")  # noqa: S106  # a kind


def test_the_secrets_of_a_newcomer_are_sealed(provider: Provider, tmp_path: Path) -> None:
    """A default of a secret field is stored as its hash, as everywhere."""
    provider.claims = {"sub": "guest", "email": "guest@example.org", "email_verified": True}
    backend = Backend(Note, Guest, registration=True)
    with telling(backend, data=str(tmp_path), smtp="smtp://127.0.0.1:9", **_settings(provider)) as story:
        assert _sign_in(story, provider).status == 200
        assert not any(b"pin-of-everyone" in each.read_bytes() for each in tmp_path.glob("holdfast.db*"))
        assert verify(tmp_path, backend.catalog) == []


def test_the_second_factor_is_not_passed_by(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """Who has one signs in with it."""
    held = person.sign_in()
    made = held.ask("POST", "/auth/totp/enrol", json={"password": PASSWORD}).data
    pyotp = pytest.importorskip("pyotp")
    held.ask("POST", "/auth/totp/confirm", json={"totp": pyotp.TOTP(made["secret"]).now()})
    _vouch(provider, person)

    assert _sign_in(place[0], provider).error["code"] == "totp_required"


def test_the_way_back_is_one_browsers_and_works_once(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """Without the cookie, with a foreign one, with a foreign state, at another provider: refused, and the right one is not spent."""
    story = place[0]
    _vouch(provider, person)
    location, cookie = _begin(story)
    query, foreign = provider.authorize(location), _begin(story)[1]
    code = query.partition("&")[2]

    _refused(_come_back(story, query, None), person)
    _refused(_come_back(story, query, foreign), person)
    _refused(_come_back(story, query, f"{cookie}; {foreign}"), person)
    _refused(_come_back(story, f"state=x&{code}", cookie), person)
    _refused(_come_back(story, code, cookie), person)
    _refused(_come_back(story, query, cookie, "/auth/oidc/other/callback"), person)
    assert _come_back(story, f"{query}&state=x", cookie).status == 400
    assert _come_back(story, query, cookie).status == 200
    assert _come_back(story, query, cookie).error["code"] == "invalid_credentials"


def test_a_code_works_once_and_for_its_own_sign_in(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """A code that was used, or was given to another sign-in (PKCE), opens nothing; nor does an answer of another issuer."""
    story = place[0]
    _vouch(provider, person)
    (mine, cookie), (theirs, _) = _begin(story), _begin(story)
    state, code = provider.authorize(mine).split("&")[0], provider.authorize(theirs).split("&")[1]
    _refused(_come_back(story, f"{state}&{code}", cookie), person)
    location, cookie = _begin(story)
    _refused(_come_back(story, f"{provider.authorize(location)}&iss=https://evil.example", cookie), person)
    location, cookie = _begin(story)
    _refused(_come_back(story, f"{provider.authorize(location).split('&')[0]}&error=access_denied", cookie), person)


def test_a_new_key_is_found(place: tuple[Story, Path], provider: Provider, person: Person) -> None:
    """Providers change their keys: an unknown name has the list fetched again, once."""
    _vouch(provider, person)
    assert _sign_in(place[0], provider).status == 200
    before = provider.fetched.count("/jwks")
    provider.use("RS256", rsa.generate_private_key(65_537, 2_048))

    assert _sign_in(place[0], provider).status == 200
    assert provider.fetched.count("/jwks") == before + 1


@pytest.mark.parametrize(
    "found", [{"issuer": "https://evil.example"}, {"authorization_endpoint": "http://evil.example/"}, {"more": "x" * 300_000}]
)
def test_a_wrong_discovery_is_not_followed(provider: Provider, found: dict[str, Any]) -> None:
    """Another issuer, an endpoint without TLS, too much: 503, and nobody is sent anywhere."""
    provider.discovery = found
    with telling(BACKEND, **_settings(provider)) as story:
        answer = story.ask("GET", START)

    assert (answer.status, answer.error["code"]) == (503, "unavailable")
    assert "location" not in answer.headers


def test_other_providers_and_wishes_are_refused(place: tuple[Story, Path]) -> None:
    """A provider that is not set is not there; a way on to elsewhere cannot be asked for."""
    assert place[0].ask("GET", "/auth/oidc/nobody/start").status == 404
    assert place[0].ask("GET", f"{START}?return_to=https://evil.example").status == 400


def test_the_settings_are_checked(tmp_path: Path) -> None:
    """A misspelt member names the right one; the secret shows nowhere; without `app_url` there is no start."""
    table = '[oidc.house]\nissuer = "https://id.example.org"\nclient_id = "a"\nclient_secret = "sesame-sesame"\n'
    (tmp_path / "holdfast.toml").write_text(table)
    settings = read_settings(folder=tmp_path, environ={})
    assert isinstance(settings.oidc["house"], OidcSettings)
    assert "sesame" not in f"{settings!r} {show_settings(settings)} {settings.oidc}"
    (tmp_path / "holdfast.toml").write_text(table + 'scope = "openid"\n')
    with pytest.raises(Misconfigured, match=r"oidc\.house\.scope.*`scopes`"):
        read_settings(folder=tmp_path, environ={})
    (tmp_path / "holdfast.toml").write_text(table.replace("https", "ftp"))
    with pytest.raises(Misconfigured) as wrong:
        read_settings(folder=tmp_path, environ={})
    assert "sesame" not in str(wrong.value)
    with pytest.raises(Misconfigured, match="app_url"), telling(BACKEND, oidc={"house": {**_ID}}):
        pass


_ID = {"issuer": "https://id.example.org", "client_id": "a", "client_secret": "b"}


def test_no_secret_reaches_the_log(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither state, code, cookie, client secret nor tokens, of a whole sign-in at a real server."""
    table = f'app_url = "{APP}"\n[oidc.house]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
    (tmp_path / "holdfast.toml").write_text(table)
    monkeypatch.chdir(tmp_path)
    with serving(tmp_path / "data", app=Path(__file__).with_name("story_people.py")) as server:
        story = Story(server.client())
        person = add_person(story, tmp_path / "data")
        _vouch(provider, person)
        location, cookie = _begin(story)
        query = provider.authorize(location)
        answer = _come_back(story, query, cookie)
        assert answer.status == 200, answer
        refused = _come_back(story, query, cookie)
        server.line_of(refused.headers["x-request-id"])
        server.stop()
        log = server.log.read_text()

    values = [part.partition("=")[2] for part in query.split("&")]
    assert "signed in" in log
    for each in (*values, cookie.partition("=")[2], SECRET, answer.data["access_token"], answer.data["refresh_token"]):
        assert each not in log
