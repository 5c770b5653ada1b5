"""An OpenID provider for the stories: a server on loopback that signs whatever a test has it sign."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "holdfast-client", "a-client-secret-of-nobody"


@dataclass
class Provider:
    """What the provider knows. `claims` go into the next tokens; `sign` makes a token of claims."""

    issuer: str = ""
    key: Any = field(default_factory=lambda: rsa.generate_private_key(65_537, 2_048))
    algorithm: str = "RS256"
    kid: str = "one"
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    discovery: dict[str, Any] = field(default_factory=dict)

    def jwk(self) -> dict[str, Any]:
        """The public key as it is published."""
        known: dict[str, Any] = json.loads(jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.key.public_key()))
        return {**known, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def use(self, algorithm: str, key: Any) -> None:
        """Sign by another key from now on, under a name of its own."""
        self.algorithm, self.key, self.kid = algorithm, key, f"kid-{time.monotonic_ns()}"

    def authorize(self, place: str) -> str:
        """What a user does at the authorization endpoint: the query of the way back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}
        assert asked["client_id"] == CLIENT
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = f"code-{len(self.fetched)}-{len(self.codes)}"
        self.codes[code] = asked
        return f"state={asked['state']}&code={code}"

    def trade(self, form: dict[str, list[str]], authorization: str) -> dict[str, Any] | None:
        """The token endpoint; None refuses."""
        asked = self.codes.pop(form["code"][0], None)
        if asked is None or not self._knows(form, authorization) or form["redirect_uri"][0] != asked["redirect_uri"]:
            return None
        digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "sub-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        sign = self.sign or self.honest
        return {"access_token": "at", "token_type": "Bearer", "id_token": sign(claims)}

    def _knows(self, form: dict[str, list[str]], authorization: str) -> bool:
        """Whether the client says who it is, in the one way that this provider takes."""
        if self.discovery.get("token_endpoint_auth_methods_supported") == ["client_secret_post"]:
            return not authorization and (form.get("client_id"), form.get("client_secret")) == ([CLIENT], [SECRET])
        return authorization == "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode() and "client_secret" not in form

    def honest(self, claims: dict[str, Any]) -> str:
        """A token as it should be."""
        return jwt.encode(claims, self.key, self.algorithm, headers={"kid": self.kid})


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider on a free port of loopback."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def _send(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:  # the name that the library calls
            """Discovery and keys."""
            provider.fetched.append(self.path)
            base = provider.issuer
            if self.path == "/jwks":
                return self._send(200, {"keys": [provider.jwk()]})
            found = {"issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
            return self._send(200, {**found, "jwks_uri": f"{base}/jwks", **provider.discovery})

        def do_POST(self) -> None:  # the name that the library calls
            """The token endpoint."""
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            answer = provider.trade(form, self.headers.get("authorization", ""))
            self._send(400 if answer is None else 200, answer or {"error": "invalid_grant"})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
