"""Canaries: 200 values that must not leave the house, planted everywhere, looked for everywhere."""

import http.client
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from attack_vault import API, backend
from audit.served import Served, serving

from holdfast.app.store import open_audit
from holdfast.settings import Settings

_APP = Path(__file__).with_name("attack_vault.py")
_ROLES = {"admin": ("admin",), "keeper": ("keeper",), "owner": (), "stranger": ()}
_PER_KIND = 25
_KINDS = ("password", "hashed", "encrypted", "hidden", "note", "token", "header", "member")


def _canary(kind: str, number: int) -> str:
    return f"canary-{kind}-{number:03}-q7x9"


CANARIES = [_canary(kind, number) for kind in _KINDS for number in range(_PER_KIND)]
_SETTINGS = {
    "metrics_token": "canary-metrics-token-q7x9",
    "smtp": "smtp://mailer:canary-smtp-q7x9@127.0.0.1:9",
    "app_url": "https://app.example.org",
}
_OF_SETTINGS = ("canary-metrics-token-q7x9", "canary-smtp-q7x9")
_SEEN_BY_KEEPERS = ("canary-hidden", "canary-note")


class Eye:
    """Sends requests and keeps every answer, headers and all, by who got it."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.seen: list[tuple[str, str, bytes]] = []
        self._host = urlsplit(served.address).netloc

    def ask(self, method: str, path: str, body: Any = None, *, who: str = "", headers: dict[str, str] | None = None) -> Any:
        """Send a request; its answer as JSON, None where it is none."""
        sent = {**({"authorization": f"Bearer {self.served.keys[who]}"} if who else {}), **(headers or {})}
        if body is not None and "content-type" not in sent:
            sent["content-type"] = "application/json"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self._host, timeout=30)
        try:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            text = answer.read()
            shown = repr(answer.getheaders()).encode() + text
        finally:
            connection.close()
        self.seen.append((who, f"{method} {path}", shown))
        try:
            return json.loads(text)
        except ValueError:
            return None


@pytest.fixture(scope="module")
def eye(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eye]:
    """A real server with everything planted and every fault provoked."""
    folder = tmp_path_factory.mktemp("canaries")
    (folder / "holdfast.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in _SETTINGS.items()))
    with serving(_APP, folder, _ROLES) as served:
        opened = Eye(served)
        ids = _plant(opened)
        _look(opened, ids)
        _provoke(opened, ids)
        yield opened


def _plant(eye: Eye) -> list[tuple[str, str]]:
    """Records and people that hold them; (folder, file) ids of the owner's."""
    made = []
    for number in range(_PER_KIND):
        folder = eye.ask("POST", f"{API}/folders", {"label": "f"}, who="owner")["data"]["id"]
        secrets = {"code": _canary("hashed", number), "seed": _canary("encrypted", number)}
        file = eye.ask("POST", f"{API}/files", {"name": "plan", "folder_id": folder, **secrets}, who="owner")["data"]["id"]
        eye.ask("PATCH", f"{API}/files/{file}", {"clue": _canary("hidden", number), "version": 1}, who="keeper")
        eye.ask("PATCH", f"{API}/folders/{folder}", {"note": _canary("note", number), "version": 1}, who="keeper")
        made.append((folder, file))
    for number in range(3):  # hashing takes its time
        email = f"p{number}@example.org"
        eye.ask("POST", f"{API}/users", {"email": email, "password": _canary("password", number)}, who="admin")
        eye.ask("POST", f"{API}/auth/login", {"email": email, "password": _canary("password", number)})
    return made


def _look(eye: Eye, ids: list[tuple[str, str]]) -> None:
    """Every route that shows anything, as everyone."""
    folder, file = ids[0]
    for who in (*_ROLES, ""):
        for path in ("files", "folders", "users", "changes"):
            eye.ask("GET", f"{API}/{path}?limit=200", who=who)
        for tail in (f"files/{file}", f"folders/{folder}", f"folders/{folder}/files", "auth/me", "auth/sessions"):
            eye.ask("GET", f"{API}/{tail}", who=who)
        for tail in (f"files/{file}/history", f"folders/{folder}/history", f"files/{file}?include=folder", "files?include=folder&q=plan"):
            eye.ask("GET", f"{API}/{tail}", who=who)
        eye.ask("POST", f"{API}/files/query", {"sort": ["-name"], "limit": 200}, who=who)
        for path in ("/openapi.json", "/healthz", "/readyz", "/docs"):
            eye.ask("GET", path, who=who)


def _provoke(eye: Eye, ids: list[tuple[str, str]]) -> None:
    """Every kind of refusal, with a canary wherever one could be sent."""
    for number in range(_PER_KIND):
        _, file = ids[number]
        password, token = _canary("password", number), _canary("token", number)
        header, member = _canary("header", number), _canary("member", number)
        secrets = {"code": member, "seed": member}
        eye.ask("GET", f"{API}/auth/me", headers={"authorization": f"Bearer {token}"})
        eye.ask("GET", f"{API}/files", headers={"authorization": f"Basic {token}"})
        eye.ask("GET", f"{API}/files?access_token={token}", who="owner")
        eye.ask("GET", f"{API}/files", who="owner", headers={"cookie": f"session={header}", "x-api-key": header, "referer": header})
        eye.ask("POST", f"{API}/auth/refresh", {"refresh_token": token})
        eye.ask("POST", f"{API}/auth/reset/confirm", {"token": token, "password": password})
        eye.ask("POST", f"{API}/files", {"name": 5, **secrets}, who="owner")
        eye.ask("POST", f"{API}/files", {"name": "x" * 100, **secrets}, who="owner")
        eye.ask("POST", f"{API}/files", json.dumps({"name": "x", **secrets}).encode()[:-1], who="owner")
        eye.ask("POST", f"{API}/files", {**secrets, "name": "x"}, who="")
        eye.ask("PATCH", f"{API}/files/{file}", {**secrets, "version": 99}, who="owner")
        eye.ask("PATCH", f"{API}/files/{file}", secrets, who="stranger", headers={"if-match": "*"})
        eye.ask("PUT", f"{API}/files/{file}", {**secrets, "name": "x", "rank": 3}, who="owner", headers={"if-match": "*"})
        eye.ask("POST", f"{API}/files", {**secrets, "name": "x"}, who="owner", headers={"content-type": "text/plain"})
        eye.ask("POST", f"{API}/batch", {"operations": [{"method": "POST", "path": "/files", "body": {**secrets, "nme": 1}}]}, who="owner")
        eye.ask("GET", f"{API}/files?clue={_canary('hidden', number)[:-1]}", who="stranger")
        if number < 3:
            eye.ask("POST", f"{API}/auth/login", {"email": "p0@example.org", "password": password + "!"})
            eye.ask("POST", f"{API}/auth/password", {"current": password, "new": password}, who="owner")
            eye.ask("POST", f"{API}/auth/reset", {"email": f"p{number}@example.org"})  # nobody listens at the mail server
        eye.ask("POST", f"{API}/auth/login", {"email": f"{password}", "password": password})
        eye.ask("POST", f"{API}/auth/login", {"email": "p0@example.org", "pasword": password})


def _planted(eye: Eye) -> list[str]:
    return [*CANARIES, *_OF_SETTINGS, *eye.served.keys.values()]


def test_there_are_enough_canaries() -> None:
    """200 of them, no two alike."""
    assert len(set(CANARIES)) == len(CANARIES) == 200


def test_no_answer_holds_a_canary(eye: Eye) -> None:
    """No body and no header, of whatever status; keepers alone see what is for keepers."""
    shown_to_keepers = 0
    for who, asked, shown in eye.seen:
        for canary in _planted(eye):
            if canary.encode() not in shown:
                continue
            assert canary.startswith(_SEEN_BY_KEEPERS), (who, asked, canary)
            assert who in ("keeper", "admin"), (who, asked, canary)
            shown_to_keepers += 1
    assert shown_to_keepers > 100, "the canaries were not planted"


def test_no_log_line_holds_a_canary(eye: Eye) -> None:
    """The log is one JSON to a line, has the refusals, and nothing that was secret in them."""
    time.sleep(1)  # lines are written in batches
    lines = eye.served.log.read_text().splitlines()
    refused = [each for each in map(json.loads, lines) if each.get("status", 0) >= 400]
    assert len(refused) > 300
    text = "\n".join(lines)
    assert [each for each in _planted(eye) if each in text] == []


def test_no_metric_and_no_document_holds_a_canary(eye: Eye) -> None:
    """/metrics, /openapi.json and /docs say nothing of anyone."""
    for path in ("/metrics", "/openapi.json", "/docs"):
        eye.ask("GET", path)
        assert [each for each in _planted(eye) if each.encode() in eye.seen[-1][2]] == []
    assert b"holdfast" in eye.seen[-3][2], "metrics were refused"


def test_no_process_shows_a_canary(eye: Eye) -> None:
    """Neither the command line nor the environment of the server and its workers."""
    server = psutil.Process(eye.served.pid)
    for process in (server, *server.children(recursive=True)):
        text = "\0".join((*process.cmdline(), *(f"{name}={value}" for name, value in process.environ().items() if name not in os.environ)))
        assert [each for each in _planted(eye) if each in text] == []


def test_no_file_holds_what_must_be_hashed_or_encrypted(eye: Eye) -> None:
    """Passwords, tokens, keys and secret fields stand in no file of the data folder, the journal included."""
    data = eye.served.log.parent / "data"
    secret = [each for each in _planted(eye) if not each.startswith(_SEEN_BY_KEEPERS)]
    for file in (each for each in data.rglob("*") if each.is_file()):
        content = file.read_bytes()
        assert [each for each in secret if each.encode() in content] == [], file
    assert any(_canary("hidden", 1).encode() in each.read_bytes() for each in data.glob("holdfast.db*")), "this is not where it is kept"


def test_no_answer_shows_a_digest_of_secrets(eye: Eye) -> None:
    """The journal has one of each record with secrets, for `verify`; it is in no answer. What was written holds."""
    data = eye.served.log.parent / "data"
    assert any(b'"hf_secrets"' in each.read_bytes() for each in data.glob("holdfast.db*")), "this is not where it is kept"
    assert [(who, asked) for who, asked, shown in eye.seen if b"hf_secrets" in shown] == []
    with open_audit(Settings(data=data), backend.catalog, (), lambda _progress: None) as verifier:
        verifier.run()
        assert verifier.findings == []


def test_no_repr_holds_a_canary() -> None:
    """Settings, and what is wrong with them, show their secrets to nobody."""
    shown = repr(Settings(**_SETTINGS))  # type: ignore[arg-type]  # they are texts
    assert [each for each in _OF_SETTINGS if each in shown] == []
