"""Server-sent events of the changes, from real servers: in order, resumed, shared by workers, and never in anybody's way."""

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from story_server import Server, serving

from holdfast.base.limits import STREAMS_PER_CALLER_MAX


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers on one database."""
    with serving(tmp_path_factory.mktemp("events") / "data", "--workers", "2") as served:
        yield served


class Listener:
    """One stream of events."""

    def __init__(self, server: Server, query: str = "", **headers: str) -> None:
        self._connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", f"/api/v1/changes{query}", headers={"accept": "text/event-stream", **named})
        self.answer = self._connection.getresponse()
        self.lines: list[str] = []

    def read(self, count: int) -> list[dict[str, Any]]:
        """The next events; each has the sequence of its change as its id."""
        events: list[dict[str, Any]] = []
        last_id = ""
        while len(events) < count:
            line = self.answer.readline().decode().rstrip("\n")
            self.lines.append(line)
            if line.startswith("id: "):
                last_id = line[4:]
            if line.startswith("data: "):
                events.append(json.loads(line[6:]))
                assert last_id == str(events[-1]["seq"])
        return events

    def close(self) -> None:
        """Leave."""
        self.answer.close()
        self._connection.close()


def make(server: Server, name: str) -> dict[str, Any]:
    """A new house, made over a connection of its own, by whichever worker gets it."""
    client = server.client()
    answer = client.request("POST", "/api/v1/houses", json={"name": name})
    client.close()
    assert answer.status == 201, answer
    data: dict[str, Any] = answer.data
    return data


def test_a_stream_tells_what_is_committed_from_now_on(server: Server) -> None:
    """Without a place to go on from, a listener hears the next changes, by whichever worker they are made, soon and in order."""
    make(server, "Before")
    listener = Listener(server)
    assert (listener.answer.status, listener.answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert listener.answer.headers["cache-control"] == "no-store"
    began_s = time.monotonic()
    made = [make(server, f"Now {number}") for number in range(10)]
    events = listener.read(10)
    assert time.monotonic() - began_s < 5
    assert [each["after"] for each in events] == made
    assert {each["operation"] for each in events} == {"created"}
    listener.close()


def test_a_stream_goes_on_after_the_last_event(server: Server) -> None:
    """With Last-Event-ID, or else `after`, nothing is missed and nothing told twice; `resource` leaves the others out."""
    first = make(server, "First")
    seq = server.client().request("GET", "/api/v1/changes?after=0&limit=200").meta["head"]
    later = [make(server, f"Later {number}") for number in range(3)]
    for listener in (
        Listener(server, last_event_id=str(seq)),
        Listener(server, f"?after={seq}&resource=houses"),
        Listener(server, "?after=0", last_event_id=str(seq)),
    ):
        assert [each["after"]["id"] for each in listener.read(3)] == [each["id"] for each in later]
        listener.close()
    listener = Listener(server, f"?after={seq - 1}")
    assert listener.read(1)[0]["after"]["id"] == first["id"]
    listener.close()


def test_a_stream_that_cannot_be_is_refused_as_any_other_request(server: Server) -> None:
    """A place that was never reached, or is none, is 400 in JSON."""
    for listener in (Listener(server, last_event_id="900000"), Listener(server, last_event_id="x"), Listener(server, "?resource=boks")):
        assert listener.answer.status == 400
        assert listener.answer.headers["content-type"].startswith("application/json")
        listener.close()


def test_a_slow_listener_harms_nobody(server: Server) -> None:
    """While one listener does not read at all, another hears every change at once, and writes go on."""
    slow = socket.create_connection((server.host, server.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    slow.sendall(b"GET /api/v1/changes?after=0 HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n")
    quick = Listener(server)
    client = server.client()
    text = "x" * 80
    for number in range(200):
        client.request("POST", "/api/v1/houses", json={"name": f"Slow {number}", "city": text * 50})
    began_s = time.monotonic()
    assert len(quick.read(200)) == 200
    assert time.monotonic() - began_s < 10
    slow.close()
    quick.close()


def _memory_kib(server: Server) -> int:
    """The proportional memory of the server and its workers."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    total = 0
    for pid in (str(server.process.pid), *children):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="tells memory as Linux does")
def test_a_thousand_idle_listeners_are_cheap_and_all_hear(tmp_path: Path) -> None:
    """1,000 listeners of 20 callers on one worker take less than 100 MB more and next to no time, each hears a change, a stop ends all."""
    with serving(tmp_path / "data") as served:
        client = served.client()
        client.request("GET", "/api/v1/houses")
        before = _memory_kib(served)
        sockets = [_ask(served, peer=f"127.0.0.{2 + number % 20}") for number in range(1_000)]
        for each in sockets:
            assert each.recv(65_536).startswith(b"HTTP/1.1 200")
        grown = _memory_kib(served) - before
        assert grown < 100_000, f"{grown} KiB"
        ticks = _cpu_ticks(served.process.pid)
        time.sleep(1)
        assert _cpu_ticks(served.process.pid) - ticks < 0.2 * os.sysconf("SC_CLK_TCK")
        client.request("POST", "/api/v1/houses", json={"name": "Heard by all"})
        for each in sockets:
            heard = b""
            while b"Heard by all" not in heard:
                part = each.recv(65_536)
                assert part
                heard += part
        assert served.stop() == 0
        for each in sockets:
            each.close()


def test_a_caller_who_has_all_their_streams_is_refused_until_one_ends(tmp_path: Path) -> None:
    """Over the wire: 429 and its mend. Clients that reset before, while or after their stream begins leave no place taken."""
    with serving(tmp_path / "data") as served:
        for number in range(4 * STREAMS_PER_CALLER_MAX):
            with _ask(served) as gone:
                if number % 2:
                    gone.recv(100)
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        held = [_hold(served) for _ in range(STREAMS_PER_CALLER_MAX)]
        refused = served.client().request("GET", "/api/v1/changes", headers={"accept": "text/event-stream"})
        assert (refused.status, refused.error["code"]) == (429, "rate_limited")
        assert refused.headers["retry-after"] == "2"
        assert "Close one" in refused.error["hint"]
        assert served.client().request("GET", "/api/v1/changes").status == 200
        held.pop().close()
        held.append(_hold(served))
        for each in held:
            each.close()


def _ask(server: Server, *, peer: str = "127.0.0.1") -> socket.socket:
    """Ask for a stream from an address."""
    asking = socket.create_connection((server.host, server.port), timeout=10, source_address=(peer, 0))
    asking.sendall(b"GET /api/v1/changes HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n")
    return asking


def _hold(server: Server) -> socket.socket:
    """A stream, asked for until there is a place: the server hears of those who left in its own time."""
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        asking = _ask(server)
        if asking.recv(65_536).startswith(b"HTTP/1.1 200"):
            return asking
        asking.close()
        time.sleep(0.01)
    raise AssertionError("no place became free")


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
