"""The log: one safe JSON line a request, short lines for people, libraries in the same form."""

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from holdfast.base.instant import Instant
from holdfast.base.observe import Observation
from holdfast.engine.log import Log, route_libraries

SEEN = Observation(
    "r1", 1_764_000_000_123_456, "GET", "/api/v1/books/{id}", "/api/v1/books/7", 200, None, 0.00123, 0.0004, 0, 512, "127.0.0.1"
)
FAILED = replace(SEEN, request_id="r2", status=500, code="internal_error", cause="Traceback\n  KeyError: 'x'\npassword='S3cret'")


class Ear:
    """A pipe for standard error, and a folder for the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reading, self._writing = os.pipe()

    def log(self, **options: Any) -> Log:
        """A log of worker 3 that writes here."""
        return Log(folder=self.folder, slot=3, now=lambda: Instant(1_764_000_000_000_000), descriptor=self._writing, **options)

    def text(self) -> str:
        """Everything written to standard error; once, after the log was closed."""
        os.close(self._writing)
        with os.fdopen(self._reading, encoding="utf-8", newline="") as file:
            return file.read()

    def lines(self) -> list[dict[str, Any]]:
        """The same as JSON lines."""
        return [json.loads(line) for line in self.text().split("\n")[:-1]]

    def file(self, name: str) -> list[dict[str, Any]]:
        """The lines of one file."""
        path = self.folder / "log" / name
        return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


@pytest.fixture
def ear(tmp_path: Path) -> Ear:
    """A place to listen."""
    return Ear(tmp_path)


def test_a_request_is_one_line_with_everything(ear: Ear) -> None:
    """The line of a request has its time in UTC, its id, route, status, durations in ms, and the worker."""
    log = ear.log()
    log.take([SEEN])
    log.close()

    expected = {
        "at": "2025-11-24T16:00:00.123456Z",
        "level": "info",
        "event": "request",
        "request_id": "r1",
        "method": "GET",
        "route": "/api/v1/books/{id}",
        "path": "/api/v1/books/7",
        "status": 200,
        "elapsed_ms": 1.23,
        "store_ms": 0.4,
        "bytes_in": 0,
        "bytes_out": 512,
        "peer": "127.0.0.1",
        "worker": 3,
    }
    assert [expected] == ear.lines()
    assert [expected] == ear.file("requests-3.jsonl")


def test_errors_have_a_file_of_their_own(ear: Ear) -> None:
    """A failure on our side goes with its redacted cause to the file of errors, so that traffic cannot push it out."""
    log = ear.log()
    log.take([SEEN, FAILED, SEEN])
    log.close()

    assert [line["request_id"] for line in ear.file("requests-3.jsonl")] == ["r1", "r1"]
    (line,) = ear.file("errors-3.jsonl")
    assert (line["level"], line["code"], line["cause"]) == ("error", "internal_error", "Traceback\n  KeyError: 'x'\npassword=***")
    assert len(ear.lines()) == 3


def test_a_caller_cannot_write_lines(ear: Ear) -> None:
    """Line ends, escapes and control characters in a path or method stay inside their JSON text."""
    log = ear.log()
    log.take([replace(SEEN, path='/a\r\n{"event":"forged"}\x1b[2J\u2028\x85"', method="GET\x85", request_id="x")])
    log.close()

    text = ear.text()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert json.loads(text)["path"] == '/a\r\n{"event":"forged"}\x1b[2J\\u2028\\x85"'


def test_secrets_in_a_path_are_cut_out(ear: Ear) -> None:
    """A credential that somebody put into a URL is not kept."""
    log = ear.log()
    log.take([replace(SEEN, path="/api/v1/books?access_token=S3cret")])
    log.close()

    assert ear.lines()[0]["path"] == "/api/v1/books?access_token=***"


def test_people_get_short_lines(ear: Ear) -> None:
    """As text a request is one short line; a failure shows its id and cause, and no control character of a caller."""
    log = ear.log(text=True)
    log.take([SEEN, replace(FAILED, path="/\x1b[31m")])
    log.close()

    text = ear.text()
    assert "16:00:00 200 GET         1.2 ms  /api/v1/books/7\n" in text
    assert "/\\x1b[31m  internal_error  request r2\n    Traceback\n      KeyError: 'x'\n" in text
    assert [line["request_id"] for name in ("requests", "errors") for line in ear.file(f"{name}-3.jsonl")] == ["r1", "r2"]


def test_colour_is_only_the_status(ear: Ear) -> None:
    """On a terminal the status is coloured by its class."""
    log = ear.log(text=True, colour=True)
    log.take([SEEN, replace(SEEN, status=404, code="not_found")])
    log.close()

    text = ear.text()
    assert "\x1b[32m200\x1b[0m GET" in text
    assert "\x1b[33m404\x1b[0m GET" in text
    assert "not_found\n" in text


def test_without_a_folder_there_are_no_files(ear: Ear) -> None:
    """A log without a data folder writes standard error alone."""
    log = ear.log()
    log.close()
    bare = Log(folder=None, slot=0, now=lambda: Instant(0), descriptor=2)
    bare.beat()
    bare.close()

    assert not (ear.folder / "log").exists()
    assert bare.dropped == 0


@pytest.fixture
def quiet_root() -> Iterator[None]:
    """The root logger is put back, whatever happens."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], root.level = before


@pytest.mark.usefixtures("quiet_root")
def test_libraries_speak_in_the_same_lines(ear: Ear) -> None:
    """What a library logs becomes a line of ours, with its name, its level and its traceback; afterwards all is as before."""
    log = ear.log()
    before = logging.getLogger().handlers[:]
    restore = route_libraries(log)
    logging.getLogger("uvicorn.error").info("Started %s", "token=S3cret")
    logging.getLogger("other").warning("broken %d", "x")
    try:
        int("lost")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Failed")
    restore()
    log.close()

    first, second, third = ear.lines()
    assert (first["level"], first["source"], first["message"]) == ("info", "uvicorn.error", "Started token=***")
    assert (second["level"], second["message"]) == ("warning", "broken %d")
    assert (third["level"], third["message"]) == ("error", "Failed")
    assert "ValueError: " in third["cause"]
    assert before == logging.getLogger().handlers


def test_the_house_speaks_with_facts(ear: Ear) -> None:
    """What the house says has a level, a message and its facts; as text it is one line and its cause."""
    log = ear.log()
    log.say("info", "Started.", port=8000)
    log.close()
    (line,) = ear.lines()
    other = Ear(ear.folder / "other")
    log = other.log(text=True)
    log.say("error", "It broke.", cause="why\nso\n")
    log.close()

    assert (line["event"], line["source"], line["message"], line["facts"]) == ("log", "holdfast", "Started.", {"port": 8000})
    assert other.text() == "16:00:00 It broke.\n    why\n    so\n"
    assert [each["message"] for each in other.file("errors-3.jsonl")] == ["It broke."]


@pytest.mark.parametrize("text", [False, True])
def test_lost_lines_are_told(ear: Ear, text: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """When nobody reads for a while the lost lines are counted, and the log says so as soon as somebody does."""
    log = Log(folder=None, slot=0, now=lambda: Instant(0), text=text, descriptor=ear._writing)
    batch = [replace(SEEN, path="/" + "x" * 255)] * 256
    until = time.monotonic() + 10
    while log.dropped == 0 and time.monotonic() < until:
        log.take(batch)
    dropped = log.dropped
    os.set_blocking(ear._reading, False)
    heard = b""
    while b"were lost here" not in heard and time.monotonic() < until:
        try:
            heard = heard[-500:] + os.read(ear._reading, 65_536)
        except BlockingIOError:
            time.sleep(0.01)
    os.close(ear._reading)
    log.close()
    os.close(ear._writing)

    assert dropped > 0
    assert f"{dropped} log lines were lost here" in heard.decode()
