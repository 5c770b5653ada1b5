"""doctor: every check can hold and can fail, and nothing is changed."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from cli_harness import APP, call, running


def _checks(*arguments: str) -> dict[str, dict[str, Any]]:
    return {each["check"]: each for each in call("doctor", "--json", *arguments).json()["checks"]}


@pytest.fixture
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port for doctor to look at that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    monkeypatch.setenv("HOLDFAST_PORT", str(port))
    return port


@pytest.mark.usefixtures("free_port")
def test_a_fresh_installation_holds(library: Path) -> None:
    """Before the first start everything holds, and doctor has made nothing."""
    result = call("doctor")

    assert (result.status, result.err) == (0, "")
    assert result.out.endswith("Everything holds.\n")
    assert all(line.startswith("holds  ") for line in result.out.splitlines()[:-2])
    assert [each.name for each in library.iterdir() if each.name != "__pycache__"] == ["app.py"]


def test_a_running_service_holds(library: Path, free_port: int) -> None:
    """While it is served the port is known as ours, and the database opens beside it."""
    with running("serve", "--port", str(free_port), cwd=library) as server:
        server.port()
        server.wait_for("stop  Ctrl-C")
        checks = _checks()

    assert checks["port"]["found"].endswith("is served by Holdfast now")
    assert checks["database"]["found"] == "opens, and its schema is that of the app"
    assert all(each["holds"] for each in checks.values())


@pytest.mark.usefixtures("library", "free_port")
def test_a_port_of_somebody_else_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port held by something that is no Holdfast fails; the status is 1."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HOLDFAST_PORT", str(holder.getsockname()[1]))
        result = call("doctor")

    assert result.status == 1
    assert "FAILS  port" in result.out
    assert "1 of 10 checks do not hold." in result.out


@pytest.mark.usefixtures("library", "free_port")
def test_wrong_settings_fail_without_hiding_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that cannot be read fail; every other check is still told."""
    monkeypatch.setenv("HOLDFAST_PROT", "1")

    checks = _checks()

    assert (checks["settings"]["holds"], checks["settings"]["mend"]) == (False, "Did you mean `HOLDFAST_PORT`?")
    assert checks["app"]["holds"]
    assert len(checks) == 10


@pytest.mark.usefixtures("free_port")
def test_a_wrong_app_or_database_fails(library: Path) -> None:
    """An app that cannot be imported, a file that is no database, and a schema that differs all fail with their mend."""
    data = library / "data"
    data.mkdir()
    (data / "holdfast.db").write_text("not a database at all, whatever its name may say " * 20)
    no_database = _checks()
    (data / "holdfast.db").unlink()
    (library / "one.jsonl").write_text('{"name": "Ann"}\n')
    call("load", "one.jsonl", "--into", "authors")
    (library / "other.py").write_text(APP.replace("rank: int", "grade: int"))
    differs = _checks("--app", "other.py")
    (library / "broken.py").write_text("x = (\n")
    broken = _checks("--app", "broken.py")

    assert "not a SQLite database" in no_database["database"]["found"]
    assert "authors.grade" in differs["database"]["found"]
    assert broken["app"]["mend"] == "Correct this line."


@pytest.mark.usefixtures("free_port")
def test_a_clock_behind_the_data_fails(library: Path) -> None:
    """A file of the data folder that was written in the future says that the clock is wrong."""
    (library / "data").mkdir()
    (library / "data" / "key").write_text("")
    os.utime(library / "data" / "key", (time.time() + 3_600,) * 2)

    assert not _checks()["clock"]["holds"]


@pytest.mark.usefixtures("library", "free_port")
def test_a_folder_that_may_not_be_written_fails() -> None:
    """A data folder below one that takes nothing fails; without that right even for root it is told for a file in the way."""
    Path("data").write_text("in the way")

    assert not _checks()["data"]["holds"]


@pytest.mark.usefixtures("free_port")
def test_forwarding_headers_that_did_not_count_fail(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as they come from where trusted_proxies does not list; a day without them is none."""
    with running("serve", "--port", "0", cwd=library) as server:
        for _ in range(2):
            server.get("/healthz", server.port(), x_forwarded_for="203.0.113.9")
    told = _checks()["proxies"]
    monkeypatch.setenv("HOLDFAST_TRUSTED_PROXIES", "127.0.0.0/8")
    listed = _checks()["proxies"]
    monkeypatch.delenv("HOLDFAST_TRUSTED_PROXIES")
    (library / "data" / "forwarded.json").write_text(f'{{"peer": "127.0.0.1", "at_s": {time.time() - 90_000}}}')

    assert not told["holds"]
    assert "127.0.0.1" in told["found"]
    assert "forwarded.json" in told["mend"]
    assert listed["holds"]
    assert _checks()["proxies"]["holds"]
