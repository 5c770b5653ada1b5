"""The headers of every answer, of whatever status and from whatever room; origins that are nearly listed; logs that stay lines."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attack_vault import Vault, open_vault
from audit.served import Served, serving

_APP = Path(__file__).with_name("attack_vault.py")
_ORIGIN = "https://app.example.org"
_NEEDED = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"deny",
    b"cache-control": b"no-store",
    b"x-request-id": b"",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The vault behind a real door."""
    with serving(_APP, tmp_path_factory.mktemp("headers"), {"keeper": ("keeper",), "owner": ()}) as opened:
        yield opened


def _send(served: Served, raw: bytes) -> bytes:
    """Everything that is answered to some bytes until the server closes or is silent."""
    url = urlsplit(served.address)
    with socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=5) as wire:
        wire.sendall(raw)
        wire.settimeout(1)
        answered = b""
        try:
            while part := wire.recv(65_536):
                answered += part
        except TimeoutError:
            pass
        return answered


def _request(line: str, *fields: str, body: bytes = b"") -> bytes:
    return "\r\n".join((line, "Host: localhost", *fields, "", "")).encode("latin-1") + body


_RAW = {
    "200": (200, _request("GET /healthz HTTP/1.1")),
    "204": (204, _request("OPTIONS /api/v1/files HTTP/1.1")),
    "400 framing": (400, b"GET / HTTP/1.1\nHost: a\n\n" + b"\r\n\r\n"),
    "400 no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "400 parameter": (400, _request("GET /api/v1/files?x=1 HTTP/1.1", "Authorization: Bearer {owner}")),
    "401": (401, _request("GET /api/v1/auth/me HTTP/1.1")),
    "404": (404, _request("GET /nowhere HTTP/1.1")),
    "405": (405, _request("DELETE /api/v1/files HTTP/1.1", "Authorization: Bearer {owner}")),
    "406": (406, _request("GET /api/v1/files HTTP/1.1", "Authorization: Bearer {owner}", "Accept: text/html")),
    "413": (413, _request("POST /api/v1/files HTTP/1.1", "Authorization: Bearer {owner}", "Content-Length: 99999999")),
    "414": (414, _request("GET /" + "a" * 9_000 + " HTTP/1.1")),
    "415": (415, _request("POST /api/v1/files HTTP/1.1", "Authorization: Bearer {owner}", "Content-Length: 2", body=b"{}")),
    "431": (431, _request("GET / HTTP/1.1", "X-Long: " + "a" * 40_000)),
}


@pytest.mark.parametrize("kind", _RAW)
def test_every_status_has_the_headers(served: Served, kind: str) -> None:
    """nosniff, no frames, no referrer, no store, a request id; no banner: on refusals of the server layer too."""
    status, raw = _RAW[kind]
    answered = _send(served, raw.replace(b"{owner}", served.keys["owner"].encode()))
    head = answered.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 %d" % status), answered[:300]
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    for name, value in _NEEDED.items():
        assert value in lines[name], (kind, name)
    assert not lines.keys() & {b"server", b"x-powered-by", b"via", b"access-control-allow-origin"}


_SMUGGLED = "GET /api/v1/auth/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"), ("Transfer-Encoding: chunked", "Content-Length: {length}"),
        ("Content-Length: 0", "Content-Length: {length}"), ("Content-Length: +{length}",), ("Content-Length: 0x10",),
        ("Transfer-Encoding: xchunked",), ("Transfer-Encoding : chunked",), ("Transfer-Encoding: chunked, identity",),
        ("Content-Length: 0\n",), ("Content-Length: {length}, {length}",), ("X: a\rContent-Length: 0",), ("X: a", " folded: b"),
        ("Authorization: Bearer {key}", "Content-Length: 0", "Content-Length: 1"), ("Authorization: Bearer {key}\x00",),
        ("Authorization: Bearer {key}\nX: y",), ("Authorization : Bearer {key}",),
    ],
)  # fmt: skip
def test_no_identity_is_smuggled(served: Served, fields: tuple[str, ...]) -> None:
    """A request hidden in another one is never answered as the one whose token it holds; bad framing is refused once and closed."""
    key = served.keys["keeper"]
    smuggled = _SMUGGLED.format(key=key)
    sent = [each.format(length=len(smuggled) + 5, key=key) for each in fields]
    answered = _send(
        served, _request("POST /api/v1/files HTTP/1.1", "Content-Type: application/json", *sent) + b"0\r\n\r\n" + smuggled.encode()
    )
    assert answered.count(b"HTTP/1.1 ") == 1, answered
    assert answered.startswith(b"HTTP/1.1 400"), answered[:200]
    assert b"key.invalid" not in answered


@pytest.fixture(scope="module")
def listed() -> Iterator[Vault]:
    """The vault, with one origin listed."""
    with open_vault(cors_origins=(_ORIGIN,)) as opened:
        yield opened


@pytest.mark.parametrize(
    "origin",
    [
        "null", "*", "http://app.example.org", "https://app.example.org:8443", "https://app.example.org.evil.example", "https://evilapp.example.org",
        "https://evil.app.example.org", "https://app.example.org/", "https://app.example.org%60.evil.example", "https://APP.example.org.",
        "https://app.example.org@evil.example", "https://app.example.org, https://evil.example", "https://app-example.org", "file://", "",
    ],
)  # fmt: skip
def test_an_origin_that_is_nearly_listed_is_told_nothing(listed: Vault, origin: str) -> None:
    """No prefix, suffix, port, scheme or list of a listed origin is it; the answer varies by Origin all the same."""
    for who in (None, listed.owner):
        for answer in (
            listed.ask("GET", "/files", who, headers={"origin": origin}),
            listed.ask("OPTIONS", "/files", who, headers={"origin": origin, "access-control-request-method": "POST"}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")], answer
            assert "origin" in answer.headers["vary"].lower()
    shown = listed.ask("GET", "/files", listed.owner, headers={"origin": _ORIGIN})
    assert shown.headers["access-control-allow-origin"] == _ORIGIN


_ODD = ("%0d%0a", "%0a{%22status%22:200}", "%1b[2J%1b[31m", "%e2%80%a8", "%00", "%7f", "%c2%85", "%22}")


def test_log_lines_stay_lines(served: Served) -> None:
    """Line breaks, escapes and quotes in paths, names, headers and bodies: each line of the log is one JSON of ours."""
    key = served.keys["owner"]
    for odd in _ODD:
        text = odd.replace("%22", '"').encode().decode("unicode_escape")
        for target in (f"/api/v1/files/{odd}", f"/{odd}", f"/api/v1/files?{odd}=1", f"/api/v1/files?sort={odd}"):
            _send(served, _request(f"GET {target} HTTP/1.1", f"Authorization: Bearer {key}", "Connection: close", f"X-Request-Id: {odd}"))
        body = json.dumps({text: 1, "name": text}).encode()
        fields = (f"Authorization: Bearer {key}", "Connection: close", "Content-Type: application/json", f"Content-Length: {len(body)}")
        _send(served, _request("POST /api/v1/files HTTP/1.1", *fields, body=body))
        _send(served, b"GET /\x1b[2J HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n")
    time.sleep(1)  # lines are written in batches
    raw = served.log.read_bytes()
    assert not set(raw) & (set(range(32)) - {10})
    assert "\u2028" not in raw.decode()
    lines = [json.loads(line) for line in raw.decode().split("\n") if line]
    assert len([each for each in lines if each.get("status", 0) >= 400]) > len(_ODD) * 3
