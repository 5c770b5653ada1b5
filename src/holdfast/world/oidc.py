"""An OpenID provider over HTTP: discovery, the trade of a code, and the verification of ID tokens (OpenID Connect Core 1.0, 3.1.3.7)."""

import asyncio
import hmac
import ssl
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NoReturn
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from holdfast.base.errors import Misconfigured, Refused, Unavailable
from holdfast.base.limits import OIDC_ANSWER_BYTES_MAX, OIDC_ANSWER_S, OIDC_KEPT_S, OIDC_LEEWAY_S, OIDC_RSA_BITS_MIN
from holdfast.core.document import parse_json
from holdfast.ports.oidc import Vouched

KINDS: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The algorithms that count, with the key type and curve of each: none of them takes a shared secret."""

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


class OidcProvider:
    """One provider, for one worker.

    redirect_uri  where it sends browsers back to
    Raises Misconfigured where the extra `oidc` is not installed, or the issuer is no https URL (http on loopback alone).
    """

    def __init__(self, issuer: str, client_id: str, client_secret: str, scopes: str, redirect_uri: str) -> None:
        self.issuer = issuer
        self._jwt, self._http = _load()
        if not _is_allowed(issuer, issuer):
            raise Misconfigured("oidc", "An issuer is no https URL.", "Only a provider on this machine may go without TLS.")
        self._client_id, self._client_secret, self._scopes, self._redirect_uri = client_id, client_secret, scopes, redirect_uri
        self._tls = ssl.create_default_context()
        self._found: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    def __repr__(self) -> str:
        return f"OidcProvider({self.issuer})"

    async def begin(self, state: str, nonce: str, challenge: str, deadline_s: float) -> str:
        """The URL at which a user signs in."""
        place = self._endpoint(await self._discover(deadline_s), "authorization_endpoint")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"

    async def finish(self, code: str, verifier: str, nonce: str, deadline_s: float) -> Vouched:
        """Trade a code for whom it stands for."""
        found = await self._discover(deadline_s)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri, "code_verifier": verifier}
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth: tuple[str, str] | None = None
        if isinstance(methods, list) and "client_secret_basic" not in methods:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        else:
            auth = quote_plus(self._client_id), quote_plus(self._client_secret)  # RFC 6749, 2.3.1
        status, answer = await self._fetch("POST", self._endpoint(found, "token_endpoint"), deadline_s, data=form, auth=auth)
        if status in (400, 401):
            raise _refused()
        token = answer.get("id_token") if status == 200 else None
        if not isinstance(token, str):
            raise _broken()
        return await self._verify(token, nonce, deadline_s)

    async def _verify(self, token: str, nonce: str, deadline_s: float) -> Vouched:
        jwt = self._jwt
        try:
            header = jwt.get_unverified_header(token)
            for part in token.split(".")[:2]:  # what can be read in two ways, as members given twice, vouches for nobody
                parse_json(jwt.utils.base64url_decode(part))
        except (jwt.PyJWTError, Refused, ValueError):
            _refuse()
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in KINDS or "crit" in header or not isinstance(kid, str | None):
            _refuse()
        jwk = await self._find_key(algorithm, kid, deadline_s)
        try:
            key = jwt.PyJWK(jwk, algorithm=algorithm).key
            if KINDS[algorithm][0] == "RSA" and key.key_size < OIDC_RSA_BITS_MIN:
                _refuse()
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._client_id,
                issuer=self.issuer,
                leeway=OIDC_LEEWAY_S,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            _refuse()
        return self._judge(claims, nonce)

    def _judge(self, claims: dict[str, Any], nonce: str) -> Vouched:
        sent, subject, party = claims.get("nonce"), claims["sub"], claims.get("azp")
        if not isinstance(sent, str) or not hmac.compare_digest(sent.encode("utf-8", "replace"), nonce.encode()):
            _refuse()
        many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (many or party is not None) and party != self._client_id:
            _refuse()
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
            _refuse()
        email = claims.get("email")
        return Vouched(subject, email if isinstance(email, str) and claims.get("email_verified") is True else None)

    async def _find_key(self, algorithm: str, kid: str | None, deadline_s: float) -> dict[str, Any]:
        """The key that a token names, from the provider's own list and nowhere else; an unknown name has the list fetched once more."""
        began_s = time.monotonic()
        for _ in range(2):
            if self._keys is None or self._keys[0] + OIDC_KEPT_S < began_s:
                self._keys = time.monotonic(), await self._fetch_keys(deadline_s)
            fit = [each for each in self._keys[1] if _fits(each, algorithm) and (kid is None or each.get("kid") == kid)]
            if len(fit) == 1:
                return fit[0]
            if self._keys[0] >= began_s:
                break
            self._keys = None
        raise _refused()

    async def _fetch_keys(self, deadline_s: float) -> list[dict[str, Any]]:
        found = await self._discover(deadline_s)
        status, answer = await self._fetch("GET", self._endpoint(found, "jwks_uri"), deadline_s)
        keys = answer.get("keys")
        if status != 200 or not isinstance(keys, list):
            raise _broken()
        return [each for each in keys if isinstance(each, dict)]

    async def _discover(self, deadline_s: float) -> dict[str, Any]:
        if self._found is None or self._found[0] + OIDC_KEPT_S < time.monotonic():
            place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, answer = await self._fetch("GET", place, deadline_s)
            if status != 200 or answer.get("issuer") != self.issuer:
                raise _broken()
            self._found = time.monotonic(), answer
        return self._found[1]

    def _endpoint(self, found: dict[str, Any], name: str) -> str:
        place = found.get(name)
        if not isinstance(place, str) or not _is_allowed(place, self.issuer):
            raise _broken()
        return place

    async def _fetch(self, method: str, place: str, deadline_s: float, **more: Any) -> tuple[int, dict[str, Any]]:
        """The status and the members of an answer: no redirect is followed, nothing is decompressed, size and time are bounded."""
        http, body = self._http, bytearray()
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        try:
            async with (
                asyncio.timeout(min(OIDC_ANSWER_S, deadline_s - time.monotonic())),
                http.AsyncClient(verify=self._tls, trust_env=False, follow_redirects=False, timeout=OIDC_ANSWER_S) as client,
                client.stream(method, place, headers=headers, **more) as answer,
            ):
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) > OIDC_ANSWER_BYTES_MAX:
                        raise _broken()
            members = msgspec.json.decode(bytes(body)) if answer.status_code in (200, 400, 401) else {}
        except (http.HTTPError, http.InvalidURL, OSError, TimeoutError, msgspec.DecodeError, UnicodeDecodeError):
            raise _broken() from None
        return answer.status_code, members if isinstance(members, dict) else {}


def _load() -> tuple[ModuleType, ModuleType]:
    try:
        import httpx2  # noqa: PLC0415  # an extra
        import jwt  # noqa: PLC0415  # an extra
    except ImportError:
        raise Misconfigured("oidc", "PyJWT and httpx2 are not installed.", "Install `holdfast[oidc]`.") from None
    return jwt, httpx2


def _is_allowed(place: str, issuer: str) -> bool:
    """Whether a URL is https, or http from this machine to itself."""
    try:
        parts, own = urlsplit(place), urlsplit(issuer)
    except ValueError:
        return False
    if parts.username is not None or parts.fragment or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK and own.hostname in _LOOPBACK)


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    kind, curve = KINDS[algorithm]
    fits = key.get("kty") == kind and curve in (None, key.get("crv"))
    return fits and key.get("alg", algorithm) == algorithm and key.get("use", "sig") == "sig"


def _refused() -> Refused:
    return Refused("invalid_credentials", "The provider did not vouch for a user.", hint="Begin the sign-in again.")


def _refuse() -> NoReturn:
    raise _refused()


def _broken() -> Unavailable:
    return Unavailable("unavailable", "The provider did not answer as it should; nothing was done.")
