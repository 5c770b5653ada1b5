"""Tokens that are none, and tokens where none belongs: all are refused, and none is taken for nobody."""

import base64
import json

import pytest
from attack_vault import PASSWORD, Vault

from holdfast.testing import Response


def _jwt(head: dict[str, str], payload: dict[str, object], signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in (head, payload))
    return ".".join((*parts, signature))


_CLAIMS: dict[str, object] = {"sub": "admin", "roles": ["admin", "keeper"], "exp": 4_102_444_800, "iss": "holdfast", "aud": "holdfast"}
_JWTS = {
    **{f"alg {each}": _jwt({"alg": each, "typ": "JWT"}, _CLAIMS) for each in ("none", "None", "NONE", "nOnE", "HS256", "RS256", "")},
    "kid path": _jwt({"alg": "HS256", "kid": "../../../../dev/null"}, _CLAIMS, "AAAA"),
    "kid sql": _jwt({"alg": "HS256", "kid": "x' UNION SELECT 'key"}, _CLAIMS, "AAAA"),
    "jku": _jwt({"alg": "RS256", "jku": "http://127.0.0.1:1/jwks.json"}, _CLAIMS, "AAAA"),
    "jwk": _jwt({"alg": "RS256", "jwk": '{"kty":"oct","k":""}'}, _CLAIMS, "AAAA"),
    "x5u": _jwt({"alg": "RS256", "x5u": "http://127.0.0.1:1/c.pem"}, _CLAIMS, "AAAA"),
    "expired": _jwt({"alg": "none"}, _CLAIMS | {"exp": 1}),
}
_SCHEMES = {
    "no scheme": "{token}",
    "another scheme": "Basic {token}",
    "scheme alone": "Bearer",
    "scheme and space": "Bearer ",
    "two spaces and more": "Bearer  {token}  {token}",
    "space and tab": "Bearer \t{token}",
    "tab": "Bearer\t{token}",
    "quoted": 'Bearer "{token}"',
    "with more": "Bearer {token} {token}",
    "with a comma": "Bearer {token},",
    "two in one": "Bearer {token}, Bearer {token}",
    "colon": "Bearer: {token}",
    "shorter": "Bearer {shorter}",
    "longer": "Bearer {token}A",
    "other case": "Bearer {upper}",
    "its prefix alone": "Bearer hf_",
    "a hash": "Bearer 0000000000000000000000000000000000000000000000000000000000000000",
    "percent": "Bearer %68f_",
    "wildcard": "Bearer %",
    "sql": "Bearer ' OR 1=1 --",
    "huge": "Bearer " + "A" * 20_000,
    "not ascii": "Bearer h\xe4",
    "null word": "Bearer null",
    "undefined": "Bearer undefined",
    "empty": "",
}


def _refused(answer: Response) -> None:
    assert answer.status == 401, answer
    assert answer.error["code"] == "unauthenticated", answer
    assert answer.headers["www-authenticate"].startswith("Bearer"), answer.headers


@pytest.mark.parametrize("sent", [*(f"Bearer {each}" for each in _JWTS.values()), *_SCHEMES.values()], ids=[*_JWTS, *_SCHEMES])
def test_what_is_no_token_opens_nothing(vault: Vault, sent: str) -> None:
    """Malformed schemes, huge tokens, JWTs of every kind: 401, on what needs a token and on what anyone may see."""
    token = vault.keeper
    sent = sent.format(token=token, shorter=token[:-1], upper=token.upper()) if "{" in sent else sent
    for path in ("/api/v1/files", "/api/v1/auth/me", "/api/v1/changes", f"/api/v1/files/{vault.file['id']}"):
        _refused(vault.client.get(path, headers={"authorization": sent}))


@pytest.mark.parametrize("sent", ["Bearer {token}", "bearer {token}", "BEARER  {token}", "Bearer      {token}"])
def test_a_token_is_read_in_every_spelling_of_the_standard(vault: Vault, sent: str) -> None:
    """The scheme in any case, and one space or more behind it (RFC 9110, 11.1 and 11.4)."""
    answer = vault.client.get("/api/v1/auth/me", headers={"authorization": sent.format(token=vault.owner)})
    assert answer.status == 200, answer


def test_several_authorization_headers_are_no_token(vault: Vault) -> None:
    """Two headers, alike or not, good or not, in any order: 401, so that no proxy and we can pick different ones."""
    good, bad = f"Bearer {vault.keeper}", "Bearer hf_made_up"
    for pair in ((good, good), (good, bad), (bad, good), (good, f"Bearer {vault.owner}")):
        _refused(vault.client.get("/api/v1/auth/me", headers=[("authorization", each) for each in pair]))
        _refused(vault.client.get("/api/v1/auth/me", headers=[("Authorization", pair[0]), ("aUTHORIZATION", pair[1])]))


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "key", "authorization", "Authorization", "bearer"])
def test_a_token_elsewhere_than_in_its_header_is_not_read(vault: Vault, name: str) -> None:
    """In a query it is refused, in a cookie, in another header or in a body it is as if it were not there."""
    in_query = vault.ask("GET", f"/files?{name}={vault.keeper}")
    assert in_query.status in (400, 401), in_query
    assert vault.keeper not in in_query.text
    _refused(vault.client.get("/api/v1/auth/me", headers={"cookie": f"{name}={vault.keeper}"}))
    _refused(vault.client.get("/api/v1/auth/me", headers={f"x-{name.lower().replace('_', '-')}": vault.keeper}))
    in_form = vault.client.post(
        "/api/v1/files", content=f"{name}={vault.keeper}", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert in_form.status == 401, in_form


@pytest.mark.parametrize(
    "name", ["x-user", "x-user-id", "x-forwarded-user", "remote-user", "x-remote-user", "x-auth-request-email", "x-roles", "x-original-url"]
)
def test_headers_of_proxies_make_nobody_someone(vault: Vault, name: str) -> None:
    """Who a foreign header claims to be is not read."""
    for value in ("admin", "keeper", "1", "/api/v1/auth/me"):
        _refused(vault.client.get("/api/v1/auth/me", headers={name: value}))


def test_a_token_ends_when_it_is_said_to_end(vault: Vault) -> None:
    """Signed out, revoked, traded, password changed, user switched off: the very next request is refused."""
    made = vault.client.sign_in("admin").post("/api/v1/users", json={"email": "ann@example.org", "password": PASSWORD})
    assert made.status == 201, made
    vault.client.sign_out()

    def sign_in() -> dict[str, str]:
        answer = vault.ask("POST", "/auth/login", json={"email": "ann@example.org", "password": PASSWORD})
        assert answer.status == 200, answer
        return dict(answer.data)

    first, second = sign_in(), sign_in()
    assert vault.ask("POST", "/auth/logout", first["access_token"]).status == 200
    _refused(vault.ask("GET", "/auth/me", first["access_token"]))
    assert vault.ask("POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]}).status == 401
    assert vault.ask("GET", "/auth/me", second["access_token"]).status == 200
    admin = vault.client.add_key("admin")
    off = vault.ask("PATCH", f"/users/{made.data['id']}", admin, json={"active": False}, headers={"if-match": "*"})
    assert off.status == 200, off
    _refused(vault.ask("GET", "/auth/me", second["access_token"]))
    assert vault.ask("POST", "/auth/refresh", json={"refresh_token": second["refresh_token"]}).status == 401
    assert vault.ask("POST", "/auth/login", json={"email": "ann@example.org", "password": PASSWORD}).status == 401


def test_one_kind_of_token_is_not_another(vault: Vault) -> None:
    """A refresh token opens no route, an access token and a key trade for nothing."""
    admin = vault.client.add_key("admin")
    vault.ask("POST", "/users", admin, json={"email": "bob@example.org", "password": PASSWORD})
    pair = vault.ask("POST", "/auth/login", json={"email": "bob@example.org", "password": PASSWORD}).data
    _refused(vault.ask("GET", "/auth/me", pair["refresh_token"]))
    for token in (pair["access_token"], vault.keeper):
        assert vault.ask("POST", "/auth/refresh", json={"refresh_token": token}).status == 401
