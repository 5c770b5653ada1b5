"""serve and dev, as processes with real sockets."""

import json
import signal
import time
from pathlib import Path

import pytest
from cli_harness import APP, Running, call, running, start
from prometheus_client.parser import text_string_to_metric_families

from holdfast.cli.server import find_open_door
from holdfast.settings import Settings


def test_it_serves_and_stops(library: Path) -> None:
    """serve says where it is, answers, logs each request as JSON, keeps it for explain, and ends with status 0 on SIGTERM."""
    with running("serve", "--port", "0", cwd=library) as server:
        port = server.port()
        server.wait_for("stop  Ctrl-C")
        status, _ = server.get("/api/v1/authors?nmae=x", port, X_Request_Id="it-was-me")
        assert (status, server.stop()) == (400, 0)

    assert f"  docs  http://127.0.0.1:{port}/docs\n" in server.out
    (line,) = [each for each in map(json.loads, server.err) if each["event"] == "request"]
    assert (line["request_id"], line["status"], line["code"]) == ("it-was-me", 400, "unknown_parameter")
    assert "400 unknown_parameter" in call("explain", "it-was-me").out


def test_ctrl_c_is_a_graceful_stop_too(library: Path) -> None:
    """SIGINT ends the server without a traceback, with status 0."""
    with running("serve", "--port", "0", cwd=library) as server:
        server.port()
        server.wait_for("stop  Ctrl-C")
        assert server.stop(signal.SIGINT) == 0

    assert server.err == []


def test_metrics_are_the_sum_of_all_workers(library: Path) -> None:
    """With two workers /metrics counts every request, whichever worker answered it and whichever is asked; a restart keeps the counts."""
    for total in (40, 80):
        with running("serve", "--port", "0", "--workers", "2", cwd=library) as server:
            port = server.port()
            for _ in range(40):
                assert server.get("/api/v1/authors", port)[0] == 200
            assert _await_count(server, port, total) == total
            assert server.stop() == 0
    assert sorted(each.name for each in (library / "data" / "metrics").glob("worker-?.json")) == ["worker-0.json", "worker-1.json"]


def _await_count(server: Running, port: int, total: float) -> float:
    """The count of list requests, asked until it is `total` or no more time is left (workers write once a second)."""
    until, count = time.monotonic() + 10, -1.0
    while count != total and time.monotonic() < until:
        time.sleep(0.1)
        families = text_string_to_metric_families(server.get("/metrics", port)[1])
        samples = [sample for family in families for sample in family.samples]
        count = sum(each.value for each in samples if each.name == "holdfast_requests_total" and each.labels["route"] == "/api/v1/authors")
    return count


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "api.example.org"])  # noqa: S104 - nothing listens there
def test_plain_http_beyond_this_machine_is_warned_of(host: str) -> None:
    """Once, with the mend; not where a proxy was named that can bring TLS."""
    (warning,) = find_open_door(Settings(host=host))

    assert "passwords and tokens can be read" in warning
    assert find_open_door(Settings(host=host, trusted_proxies=("192.0.2.7",))) == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_is_not_warned_of(host: str) -> None:
    """Nobody else reads what stays within it."""
    assert find_open_door(Settings(host=host)) == ()


@pytest.mark.usefixtures("library")
def test_a_taken_port_is_status_2() -> None:
    """A port that somebody holds, and a database of another kind, are told before anything is served."""
    import socket  # noqa: PLC0415 - for this test alone

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        taken = call("serve", "--port", port)
    foreign = call("serve", "--database", "postgresql://me:S3cret@localhost/x", "--port", "0")

    assert (taken.status, foreign.status) == (2, 2)
    assert f"port {port}" in taken.err
    assert "S3cret" not in foreign.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_schema_that_is_behind_is_refused(library: Path, workers: str) -> None:
    """serve does not serve a database that does not fit the classes; it says what differs."""
    (library / "one.jsonl").write_text('{"name": "Ann"}\n')
    assert call("load", "one.jsonl", "--into", "authors").status == 0
    (library / "app.py").write_text(APP.replace("rank: int", "grade: int"))

    with running("serve", "--port", "0", "--workers", workers, cwd=library) as server:
        status = server.process.wait(60)
        server.wait_for("authors.grade")

    assert status == 2
    assert "Traceback" not in "".join(server.err)


def test_an_empty_database_in_the_place_of_another_is_warned_of(library: Path) -> None:
    """Where a key is but no database, serve says so by the name of the folder; on a first start there is nothing to say."""
    for _ in range(2):
        with running("serve", "--port", "0", cwd=library) as server:
            server.port()
            assert server.stop() == 0
        assert "put it back" not in "".join(server.err)
    (library / "data" / "holdfast.db").unlink()

    with running("serve", "--port", "0", cwd=library) as server:
        server.port()
        (line,) = [each for each in map(json.loads, server.err) if each["level"] == "warning"]
        assert server.stop() == 0
    (library / "data" / "holdfast.db").unlink()
    added = call("user", "add", "ann@example.org", "--no-password")

    assert f"{library / 'data'} has the key of a database but no holdfast.db" in line["message"]
    assert f"{library / 'data'} has the key of a database but no holdfast.db" in added.err


def test_a_log_without_its_database_is_kept(library: Path) -> None:
    """No database is made beside the log of another, which SQLite would delete."""
    log = library / "data" / "holdfast.db-wal"
    log.parent.mkdir()
    log.write_bytes(b"what was acknowledged")
    refused = call("serve", "--port", "0")

    assert refused.status == 2
    assert str(log.relative_to(library)) in refused.err
    assert log.read_bytes() == b"what was acknowledged"
    assert not log.with_name("holdfast.db").exists()


def test_a_worker_in_the_place_of_another_makes_no_database(library: Path) -> None:
    """Where the database went while it was served, a new worker does not begin with an empty one."""
    with running("serve", "--port", "0", "--workers", "2", cwd=library) as server:
        server.port()
        for each in (library / "data").glob("holdfast.db*"):
            each.unlink()
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("There is no database yet")
        assert server.stop() == 0

    assert not (library / "data" / "holdfast.db").exists()


def test_dev_serves_what_was_written_last(library: Path) -> None:
    """dev starts again when a file changes; a broken file is told and waited for, and what works again is served."""
    app = library / "app.py"
    with running("dev", "--port", "0", cwd=library) as server:
        port = server.port()
        app.write_text(APP.replace('title="Library"', 'title="Second"'))
        server.wait_for(r"app\.py changed: starting again\.[\s\S]*")
        server.wait_for("Second is served")
        app.write_text("x = (\n")
        server.wait_for(r"SyntaxError[\s\S]*Waiting for a change|Waiting for a change[\s\S]*SyntaxError")
        app.write_text(APP.replace('title="Library"', 'title="Third"'))
        server.wait_for(f"Third is served at http://127.0.0.1:{port}")
        assert server.get("/api/v1/authors", port)[0] == 200
        assert server.stop() == 0


def test_dev_extends_the_schema(library: Path) -> None:
    """A field that is added is served with the records that were there; one that is removed is refused until it is back. All verifies."""
    app, later = library / "app.py", APP.replace("    alive: bool", '    nation: str = "none"\n    alive: bool')
    (library / "one.jsonl").write_text('{"name": "Ann"}\n')
    assert call("load", "one.jsonl", "--into", "authors").status == 0
    with running("dev", "--port", "0", cwd=library) as server:
        port = server.port()
        server.wait_for("Library is served")
        app.write_text(later)
        server.wait_for(r"schema: column authors\.nation added")
        server.wait_for(r"(Library is served[\s\S]*){2}")
        assert '"nation":"none"' in server.get("/api/v1/authors?nation=none", port)[1]
        app.write_text(later.replace("    rank: int | None = field(default=None, ge=1)\n", ""))
        server.wait_for(r"it has column authors\.rank, which no field declares[\s\S]*Waiting for a change")
        app.write_text(later)
        server.wait_for(r"(Library is served[\s\S]*){3}")
        assert server.stop() == 0

    verified, _ = start("verify", cwd=library).communicate()
    assert "Everything holds" in verified


@pytest.mark.usefixtures("library")
def test_dev_does_not_wait_for_a_file_that_is_not_there() -> None:
    """Nobody edits a file that there is not: its name is wrong, which is told as `serve` tells it."""
    result = call("dev", "ap.py", "--port", "0")

    assert (result.status, result.err) == (2, call("serve", "ap.py", "--port", "0").err)
    assert "There is no such file." in result.err


@pytest.mark.usefixtures("library")
def test_dev_refuses_a_taken_port() -> None:
    """dev does not wait for a change where the port is what is wrong."""
    import socket  # noqa: PLC0415 - for this test alone

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        result = call("dev", "--port", str(holder.getsockname()[1]))

    assert result.status == 2
    assert "Something else listens there already." in result.err


def test_registration_without_mail_is_refused(library: Path) -> None:
    """Nobody could ever register: the start is refused with the mend, and doctor tells the same."""
    (library / "app.py").write_text(APP.replace('title="Library"', 'title="Library", registration=True'))

    served, checked = call("serve", "--port", "0"), call("doctor")

    assert (served.status, checked.status) == (2, 1)
    assert "Whoever registers gets a mail" in served.err
    assert "smtp: Whoever registers gets a mail" in checked.out
