"""The same stories over the wire: `holdfast serve` as a process, with its log, its readiness and its stop."""

import http.client
import json
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from story_case import ABSENT_ID, API, Case, Story, cases, run
from story_server import Server, WireClient, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that do not stop or break theirs."""
    with serving(tmp_path_factory.mktemp("served") / "data") as server:
        yield server


@pytest.fixture
def story(server: Server) -> Story:
    """A story over a connection of its own."""
    return Story(server.client())


def test_a_record_lives_over_the_wire(story: Story) -> None:
    """Made, read, changed, listed and deleted."""
    house = story.house(name="Wire")
    path = f"/houses/{house['id']}"

    read = story.get(path)
    assert read.data == house
    assert story.ask("GET", path, headers={"if-none-match": read.headers["etag"]}).status == 304
    assert story.ask("HEAD", path).headers["content-length"] == str(len(read.content))
    changed = story.ask("PATCH", path, json={"city": "Bath"}, headers={"if-match": read.headers["etag"]})
    assert (changed.status, changed.data["version"]) == (200, 2)
    assert story.get("/houses?name=Wire").data == [changed.data]
    assert story.ask("DELETE", f"{path}?version=2").status == 200
    assert story.ask("GET", path).status == 404


@cases(
    Case("unknown route", "GET", "/nowhere", 404, "not_found"),
    Case("trailing slash", "GET", "/houses/", 404, "not_found", shows=("slash",)),
    Case("method", "PUT", "/houses", 405, "method_not_allowed", json={}, heads={"allow": "GET, HEAD, POST, OPTIONS"}),
    Case("strange method", "BREW", "/houses", 405, "method_not_allowed"),
    Case("options", "OPTIONS", "/houses", 204, heads={"allow": "GET, HEAD, POST, OPTIONS"}),
    Case("not acceptable", "GET", "/houses", 406, "not_acceptable", headers={"accept": "text/html"}),
    Case("no type", "POST", "/houses", 415, "unsupported_media_type", content=b"{}"),
    Case("bad JSON", "POST", "/houses", 400, "malformed_json", content=b"{", headers={"content-type": "application/json"}),
    Case("invalid", "POST", "/houses", 422, "validation_failed", json={"name": ""}, fields=("name:too_short",)),
    Case("absent", "GET", f"/houses/{ABSENT_ID}", 404, "not_found"),
    Case("too long a URL", "GET", f"/houses?name={'x' * 9_000}", 414, "uri_too_long"),
    Case("too large headers", "GET", "/houses", 431, "headers_too_large", headers={"x-filler": "x" * 40_000}),
    Case("kept request id", "GET", "/houses", 200, headers={"x-request-id": "mine-1"}, heads={"x-request-id": "mine-1"}),
    Case("ready", "GET", "/readyz", 200),
    Case("alive", "GET", "/healthz", 200),
    Case("metrics", "GET", "/metrics", 200, shows=("holdfast_requests_total",)),
    Case("docs", "GET", "/docs", 200),
)
def test_the_wire_says_the_same(story: Story, case: Case) -> None:
    """What the server layer refuses has the same form as what the engine does."""
    run(story, case)


def test_a_body_that_is_too_large_is_refused_unread(server: Server) -> None:
    """413 as soon as it is announced, also where the route does not exist."""
    for path in (f"{API}/houses", "/nowhere"):
        answer = server.client().request("POST", path, content=b"x" * 1_048_577, headers={"content-type": "application/json"})
        assert (answer.status, answer.error["code"]) == (413, "payload_too_large")


def test_a_chunked_body_is_taken(server: Server) -> None:
    """A body without a length, in chunks."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
    connection.request("POST", f"{API}/houses", body=iter([b'{"name":', b' "Chunked"}']), headers=headers, encode_chunked=True)

    assert connection.getresponse().status == 201
    connection.close()


# A fault of ours: each layer


def test_a_fault_of_the_engine_is_in_the_log(server: Server, story: Story) -> None:
    """The 500 has the request id alone; the log line of that id has the traceback, and `explain` shows it."""
    answer = story.ask("POST", "/traps", json={"name": "x"})
    request_id = answer.headers["x-request-id"]

    assert answer.status == 500
    line = server.line_of(request_id)
    assert (line["level"], line["status"], line["code"], line["route"]) == ("error", 500, "internal_error", "/api/v1/traps")
    assert "the secret plan is in" in line["cause"]
    assert "make_plan_once" in line["cause"]
    _expect_explained(server, request_id, "the secret plan is in", "POST /api/v1/traps", "500 internal_error")


def test_a_refusal_is_in_the_log_without_its_content(server: Server, story: Story) -> None:
    """A request of a caller has one line with its code, and nothing of its body or query."""
    answer = story.ask("POST", "/accounts?fields=login", json={"login": "ok", "password": "hunter2"})
    line = server.line_of(answer.headers["x-request-id"])

    assert (line["level"], line["status"], line["code"], line["path"]) == ("warning", 422, "validation_failed", "/api/v1/accounts")
    assert "hunter2" not in server.log.read_text()
    _expect_explained(server, answer.headers["x-request-id"], "422 validation_failed")


def test_an_unknown_request_id_cannot_be_explained(server: Server) -> None:
    """Exit status 1, and what to do."""
    done = _explain(server, "no-such-request")

    assert done.returncode == 1
    assert "no-such-request" in done.stdout + done.stderr


def test_a_fault_of_the_store_is_in_the_log(tmp_path: Path) -> None:
    """A table that vanished under the server: reads and writes of it are 500 with nothing internal, the rest goes on."""
    with serving(tmp_path / "data") as server:
        story = Story(server.client())
        memo = story.make("/memos", text="x")
        house = story.house()
        _run_sql(server.data, "PRAGMA foreign_keys = OFF", "DROP TABLE memos")

        for method, path, body in (
            ("GET", f"/memos/{memo['id']}", None),
            ("GET", "/memos", None),
            ("POST", "/memos", {"text": "y"}),
            ("POST", "/memos/bulk", [{"text": "y"}, {"text": "z"}]),
            ("PATCH", f"/memos/{memo['id']}", {"text": "y"}),
            ("DELETE", f"/memos/{memo['id']}", None),
        ):
            answer = story.ask(method, path, json=body)
            assert (answer.status, answer.error["code"]) == (500, "internal_error"), (method, path)
            line = server.line_of(answer.headers["x-request-id"])
            assert "no such table" in line["cause"], line
            assert "Traceback" in line["cause"]
        assert story.get(f"/houses/{house['id']}").data == house
        assert story.house()["version"] == 1
        assert server.stop() == 0


def test_a_fault_of_the_reply_is_in_the_log(tmp_path: Path) -> None:
    """A row that holds what is no JSON: what cannot be shown is 500, and the line has the traceback."""
    with serving(tmp_path / "data") as server:
        story = Story(server.client())
        sample = story.make("/samples", place={"city": "Bath"})
        _run_sql(server.data, "UPDATE samples SET place = '{broken'")

        answer = story.ask("GET", f"/samples/{sample['id']}")
        assert (answer.status, answer.error["code"]) == (500, "internal_error")
        assert "Traceback" in server.line_of(answer.headers["x-request-id"])["cause"]
        assert story.ask("PATCH", f"/samples/{sample['id']}?version=1", json={"place": {"city": "x"}}).status == 500


def test_a_vanished_database_is_unavailable(tmp_path: Path) -> None:
    """A database that was moved away under the server: no write is taken, not ready within two seconds, alive; put back, all goes on."""
    with serving(tmp_path / "data") as server:
        story = Story(server.client())
        story.house()
        for file in server.data.glob("holdfast.db*"):
            file.rename(file.with_name(f"moved-{file.name}"))
        lost = story.ask("POST", "/houses", json={"name": "Lost"})
        assert (lost.status, lost.error["code"]) == (503, "unavailable")

        until_s = time.monotonic() + 2.5
        while (answer := story.ask("GET", "/readyz")).status == 200 and time.monotonic() < until_s:
            time.sleep(0.05)
        assert (answer.status, answer.error["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]
        assert story.ask("GET", "/healthz").status == 200

        for file in server.data.glob("moved-*"):
            file.rename(file.with_name(file.name.removeprefix("moved-")))
        until_s = time.monotonic() + 10
        while story.ask("GET", "/readyz").status != 200 and time.monotonic() < until_s:
            time.sleep(0.05)
        story.house(name="Found")
        names = {each["name"] for each in story.ask("GET", "/houses").data}
        assert ("Found" in names, "Lost" in names) == (True, False)


# Starting and stopping


def test_a_second_start_finds_what_the_first_kept(tmp_path: Path) -> None:
    """What was acknowledged is there after a stop and after a kill; the server stops with exit status 0."""
    with serving(tmp_path / "data") as server:
        first = Story(server.client()).house(name="First")
        assert server.stop() == 0
    with serving(tmp_path / "data") as server:
        story = Story(server.client())
        assert story.get(f"/houses/{first['id']}").data == first
        second = story.house(name="Second")
        server.process.kill()
        server.process.wait()
    with serving(tmp_path / "data") as server:
        assert Story(server.client()).get("/houses?sort=name").data == [first, second]


def test_every_line_of_the_log_is_json(tmp_path: Path) -> None:
    """Start, requests and stop: each line is an object with at, level and event."""
    with serving(tmp_path / "data") as server:
        story = Story(server.client())
        story.house()
        story.ask("GET", "/nowhere")
        server.stop()
        lines = server.lines()

    assert {"POST", "GET"} <= {line.get("method") for line in lines}
    for line in lines:
        assert {"at", "level", "event"} <= set(line)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["at"])


def test_readiness_goes_first_at_a_stop(tmp_path: Path) -> None:
    """After SIGTERM a connection that is open already is told that the service is not ready, and is then closed."""
    with serving(tmp_path / "data") as server:
        client = server.client()
        assert client.request("GET", "/readyz").status == 200
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.15)
        answer = client.request("GET", "/readyz")
        assert (answer.status, answer.error["code"], answer.headers["connection"]) == (503, "unavailable", "close")
        assert server.process.wait(20) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_loses_nothing(tmp_path: Path, workers: int) -> None:
    """Every creation that was answered 201 before, during or after SIGTERM is there at the next start; ids tell which."""
    acknowledged: list[str] = []

    def write(client: WireClient, number: int) -> None:
        try:
            while True:
                answer = client.request("POST", f"{API}/memos", json={"text": f"writer {number}"})
                assert answer.status in (201, 503), answer
                if answer.status == 201:
                    acknowledged.append(answer.data["id"])
        except (OSError, http.client.HTTPException):
            return  # the server closed the connection

    with serving(tmp_path / "data", "--workers", str(workers)) as server:
        writers = [threading.Thread(target=write, args=(server.client(), number)) for number in range(8)]
        for each in writers:
            each.start()
        time.sleep(0.5)
        assert server.stop() == 0
        for each in writers:
            each.join(20)
    with serving(tmp_path / "data") as server:
        story = Story(server.client())
        kept: set[str] = set()
        answer = story.get("/memos?limit=200&fields=id")
        total = answer.meta["total"]
        while True:
            kept.update(each["id"] for each in answer.data)
            if answer.meta["next"] is None:
                break
            answer = story.get(f"/memos?limit=200&fields=id&after={answer.meta['next']}")

    assert len(acknowledged) > 50
    assert set(acknowledged) <= kept
    assert len(kept) == total


def test_two_workers_are_one_service(tmp_path: Path) -> None:
    """What one worker wrote the other reads at once, totals are exact on both, and a stale version is refused whoever wrote."""
    with serving(tmp_path / "data", "--workers", "2") as server:
        clients = [server.client() for _ in range(16)]
        stories = [Story(each) for each in clients]
        total = 0
        for round_ in range(6):
            for index, story in enumerate(stories):
                memo = story.make("/memos", text=f"{round_} {index}")
                total += 1
                other = stories[(index + 7) % len(stories)]
                assert other.get("/memos?limit=1").meta["total"] == total
                assert other.get(f"/memos/{memo['id']}").data == memo
                assert other.get(f"/memos?text[startswith]={round_} &limit=1").meta["total"] == index + 1
        house = stories[0].house()
        answers = [story.ask("PATCH", f"/houses/{house['id']}?version=1", json={"city": "x"}).status for story in stories]
        assert sorted(answers) == [200, *[409] * 15]
        counted = stories[0].ask("GET", "/metrics").text
        assert (
            sum(int(float(each)) for each in re.findall(r'holdfast_requests_total\{[^}]*route="/api/v1/memos"[^}]*\} ([0-9.e+]+)', counted))
            > 0
        )
        assert server.stop() == 0
    pids = {line["worker"] for line in server.lines() if line.get("event") == "request"}
    assert pids == {0, 1}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two workers."""
    with serving(tmp_path_factory.mktemp("pair") / "data", "--workers", "2") as server:
        yield server


class Tally:
    """Counts, from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self, by: int) -> None:
        """Count on."""
        with self._lock:
            self.count += by


def test_totals_are_exact_while_others_write(pair: Server) -> None:
    """No total is below what was acknowledged before it was asked for, or above what was begun before it came."""
    begun, acknowledged, stop = Tally(), Tally(), threading.Event()

    def write(story: Story, number: int) -> None:
        while not stop.is_set():
            batch = [{"text": f"counted {number}"}] * (1 + number % 3)
            begun.add(len(batch))
            assert story.ask("POST", "/memos/bulk", json=batch).status == 201
            acknowledged.add(len(batch))

    def read(story: Story, found: list[tuple[int, int, int]]) -> None:
        while not stop.is_set():
            least = acknowledged.count
            total = story.get("/memos?text[startswith]=counted&limit=1").meta["total"]
            found.append((least, total, begun.count))

    found: list[tuple[int, int, int]] = []
    threads = [threading.Thread(target=write, args=(Story(pair.client()), number)) for number in range(4)]
    threads += [threading.Thread(target=read, args=(Story(pair.client()), found)) for _ in range(3)]
    for each in threads:
        each.start()
    time.sleep(1.5)
    stop.set()
    for each in threads:
        each.join(30)

    assert len(found) > 20
    assert [each for each in found if not each[0] <= each[1] <= each[2]] == []
    story = Story(pair.client())
    assert story.get("/memos?text[startswith]=counted&limit=1").meta["total"] == acknowledged.count == begun.count


def test_no_update_is_lost(pair: Server) -> None:
    """Eight writers count one number up, each from what it read: every success is in the sum, every other was told of its stale version."""
    book = Story(pair.client()).book()
    path, won, refused = f"/books/{book['id']}", Tally(), Tally()
    all_read = threading.Barrier(8)

    def count_up(story: Story) -> None:
        done = 0
        while done < 5:
            read = story.get(path)
            if read.data["version"] == 1:
                all_read.wait(20)  # so that seven of eight are stale at first
            answer = story.ask("PATCH", path, json={"printed": read.data["printed"] + 1}, headers={"if-match": read.headers["etag"]})
            assert answer.status in (200, 412), answer
            done += answer.status == 200
            (won if answer.status == 200 else refused).add(1)

    threads = [threading.Thread(target=count_up, args=(Story(pair.client()),)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)

    final = Story(pair.client()).get(path).data
    assert (final["printed"], final["version"]) == (40, 41)
    assert won.count == 40
    assert refused.count >= 7


def test_one_of_many_equal_creations_wins(pair: Server) -> None:
    """The same unique value from sixteen connections at once: one 201, the others 409."""
    statuses: list[int] = []
    barrier = threading.Barrier(16)

    def create(story: Story) -> None:
        barrier.wait(20)
        statuses.append(story.ask("POST", "/houses", json={"name": "The one"}).status)

    threads = [threading.Thread(target=create, args=(Story(pair.client()),)) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)

    assert sorted(statuses) == [201, *[409] * 15]


def _run_sql(data: Path, *statements: str) -> None:
    with sqlite3.connect(data / "holdfast.db", timeout=5) as connection:
        for each in statements:
            connection.execute(each)
    connection.close()


def _explain(server: Server, request_id: str, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "holdfast", "explain", request_id, "--data", str(server.data), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def _expect_explained(server: Server, request_id: str, *texts: str) -> None:
    done = _explain(server, request_id)
    assert done.returncode == 0, done
    for text in texts:
        assert text in done.stdout
    as_json = json.loads(_explain(server, request_id, "--json").stdout)
    assert request_id in json.dumps(as_json)
