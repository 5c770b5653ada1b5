"""Once, and only once, on a real server that dies between its commit and its answer, and on several workers."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
from cli_harness import APP, running

KILLER = (
    APP
    + '''

import os
import signal
from pathlib import Path

import apsw

_ORDER = Path(__file__).with_name("die")


def _die_on_order(text: str, _nanoseconds: int) -> None:
    """Kill this process the moment a COMMIT has come back, if it was ordered to."""
    if text.startswith("COMMIT") and _ORDER.exists():
        _ORDER.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(connection: apsw.Connection) -> None:
    connection.set_profile(_die_on_order)


apsw.connection_hooks.append(_watch)
'''
)

Answer = tuple[int, dict[str, str], bytes]


def ask(port: int, method: str, path: str, json_body: Any = None, **headers: str) -> Answer | None:
    """One request on a connection of its own; None where the server left without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        body = None if json_body is None else json.dumps(json_body)
        sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, f"/api/v1{path}", body, sent)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except (ConnectionError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def insist(port: int, method: str, path: str, json_body: Any = None, **headers: str) -> Answer:
    """Send a request again, as a client with a key may, until it is answered."""
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        answer = ask(port, method, path, json_body, **headers)
        if answer is not None and answer[0] != 503:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{method} {path} was never answered")


BATCH = {
    "operations": [
        {"method": "POST", "path": "/authors", "as": "a", "body": {"name": "Batched"}},
        {"method": "POST", "path": "/books", "body": {"title": "T", "author_id": "$a.id"}},
    ]
}


def test_a_worker_that_dies_before_its_answer_has_written_once(tmp_path: Path) -> None:
    """kill -9 between commit and answer: the repeat, answered by the next worker and again after a restart, is the one first answer."""
    (tmp_path / "app.py").write_text(KILLER)
    asks = [
        ("/authors", {"name": "Ada"}, "create"),
        ("/authors/bulk", [{"name": "Bob"}, {"name": "Bob"}], "bulk"),
        ("/batch", BATCH, "batch"),
    ]
    answers: dict[str, Answer] = {}
    with running("serve", "app.py", "--port", "0", "--workers", "2", cwd=tmp_path) as server:
        port = server.port()
        for path, body, key in asks:
            (tmp_path / "die").touch()
            assert ask(port, "POST", path, body, Idempotency_Key=key) is None
            assert not (tmp_path / "die").exists()
            answers[key] = insist(port, "POST", path, body, Idempotency_Key=key)
            assert answers[key][1]["idempotency-replayed"] == "true"
        server.stop()
    with running("serve", "app.py", "--port", "0", cwd=tmp_path) as server:
        port = server.port()
        for path, body, key in asks:
            again = insist(port, "POST", path, body, Idempotency_Key=key)
            first = answers[key]
            assert (again[0], again[2]) == (first[0], first[2])
            assert [again[1].get(name) for name in ("etag", "location")] == [first[1].get(name) for name in ("etag", "location")]
        listed = insist(port, "GET", "/authors")
        assert sorted(each["name"] for each in json.loads(listed[2])["data"]) == ["Ada", "Batched", "Bob", "Bob"]
        created = json.loads(answers["create"][2])["data"]
        assert answers["create"][1]["location"] == f"/api/v1/authors/{created['id']}"
        server.stop()
    connection = apsw.Connection(str(tmp_path / "data" / "holdfast.db"))
    entries = connection.execute("SELECT count(*) FROM hf_journal").fetchall()
    connection.close()
    assert entries == [(5,)]


def test_workers_share_their_keys(tmp_path: Path) -> None:
    """One key sent to two workers many times at once is one record, and every answer is the same."""
    (tmp_path / "app.py").write_text(APP)
    with running("serve", "app.py", "--port", "0", "--workers", "2", cwd=tmp_path) as server:
        port = server.port()
        with ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(insist, port, "POST", "/authors", {"name": f"Key{number % 4}"}, Idempotency_Key=f"k{number % 4}")
                for number in range(80)
            ]
            answers = [each.result() for each in asked]
        for number in range(4):
            mine = answers[number::4]
            assert len({each[2] for each in mine}) == 1
            assert [each[0] for each in mine] == [201] * 20
            assert sum("idempotency-replayed" not in each[1] for each in mine) == 1
        server.stop()
