"""Workers as processes: start, readiness, graceful stop, replacement, rolling restart."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from http_harness import parse_answers, read_answer, read_to_end, wait_until

from holdfast.base.errors import Misconfigured
from holdfast.base.limits import VANISHED_S
from holdfast.http.bounds import Bounds
from holdfast.http.server import bind_sockets, fit_to_open_files

PROGRAM = Path(__file__).with_name("http_app.py")


class Program:
    """A running http_app."""

    def __init__(self, workers: int, mode: str = "good", drain_s: float = 10.0) -> None:
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(workers), mode, str(drain_s)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=_collect, args=(self.process.stdout, self.lines)),
            threading.Thread(target=_collect, args=(self.process.stderr, self.errors)),
        ]

    def start(self) -> None:
        """Begin to read what it says."""
        for each in self._readers:
            each.start()

    @property
    def port(self) -> int:
        """Where it listens; waits for it."""
        assert wait_until(lambda: any(line.startswith("ready") for line in self.lines), 20), self.errors
        return next(int(line.split()[1]) for line in self.lines if line.startswith("ready"))

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def who(self) -> tuple[int, int, bool]:
        """The process, slot and readiness of some worker."""
        with self.connect() as sock:
            sock.sendall(b"GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            (answer,) = parse_answers(read_to_end(sock))
        pid, slot, ready = answer.body.decode().split()
        return int(pid), int(slot), ready == "True"

    def workers(self, count: int) -> dict[int, int]:
        """Slot by process, once so many have been met."""
        met: dict[int, int] = {}

        def meet() -> bool:
            pid, slot, _ = self.who()
            met[pid] = slot
            return len(met) >= count

        assert wait_until(meet, 20), met
        return met

    def stop(self, sig: int = signal.SIGTERM, within_s: float = 20) -> int:
        """Signal it and wait for its end."""
        self.process.send_signal(sig)
        return self.wait(within_s)

    def wait(self, within_s: float = 20) -> int:
        """Wait for its end, and for all it said."""
        status = self.process.wait(within_s)
        for each in self._readers:
            each.join(5)
        return status

    def close(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def _collect(pipe: IO[str], lines: list[str]) -> None:
    for line in pipe:
        lines.append(line.strip())  # noqa: PERF401  # each is looked at as it comes


@contextmanager
def program(workers: int, mode: str = "good", drain_s: float = 10.0) -> Iterator[Program]:
    """Run http_app for as long as the context lasts."""
    running = Program(workers, mode, drain_s)
    running.start()
    try:
        yield running
    finally:
        running.close()


class Load(threading.Thread):
    """Asks one request after the other, reconnecting when told to close, until nobody listens; notes what was lost."""

    def __init__(self, port: int, raw: bytes) -> None:
        super().__init__()
        self.answered = 0
        self.lost: list[str] = []
        self.halt = threading.Event()
        self._port, self._raw = port, raw

    def run(self) -> None:
        """Connect again and again."""
        while not self.halt.is_set():
            try:
                sock = socket.create_connection(("127.0.0.1", self._port), 10)
            except OSError:  # nobody listens any more
                return
            with sock:
                self._ask(sock)

    def _ask(self, sock: socket.socket) -> None:
        while not self.halt.is_set():
            try:
                sock.sendall(self._raw)
                answer = read_answer(sock)
            except (OSError, AssertionError) as error:
                self.lost.append(repr(error))
                return
            if answer.status != 200:
                self.lost.append(str(answer.status))
            self.answered += 1
            if answer.headers.get("connection") == "close":
                return
            time.sleep(0.005)


QUICK = b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW = b"GET /slow?s=0.2 HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_graceful_stop_under_load_loses_nothing(workers: int) -> None:
    """Every request that was sent before and during the stop is answered; then the program ends with status 0, its services closed."""
    with program(workers) as running:
        loads = [Load(running.port, raw) for raw in (QUICK, SLOW) * 3]
        for each in loads:
            each.start()
        assert wait_until(lambda: all(each.answered > 2 for each in loads))
        status = running.stop()
        for each in loads:
            each.join()
    assert status == 0
    assert [lost for each in loads for lost in each.lost] == []
    assert [f"{word} {slot}" for word in ("closed", "draining", "open") for slot in range(workers)] == sorted(
        line for line in running.lines if line[0] in "cdo"
    )
    assert (running.lines[-1], running.errors) == ("stopped", [])


def test_what_outlives_the_drain_is_cut_off() -> None:
    """A request that takes longer than the drain does not keep the program alive; idle connections end before."""
    with program(1, drain_s=0.8) as running, running.connect() as busy, running.connect() as idle:
        idle.sendall(QUICK)
        assert read_answer(idle).status == 200
        busy.sendall(b"GET /slow?s=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        running.who()
        begun_s = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - begun_s < 5
        assert (read_to_end(idle), read_to_end(busy)) == (b"", b"")
    assert "closed 0" in running.lines


def test_readiness_turns_false_before_anything_else() -> None:
    """At the stop the service learns of it while requests are still answered, each of which then closes its connection."""
    with program(1) as running, running.connect() as sock:
        running.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: "draining 0" in running.lines)
        sock.sendall(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n")
        (answer,) = parse_answers(read_to_end(sock))
        assert (answer.body.split()[2], answer.headers["connection"]) == (b"False", "close")
        assert running.wait() == 0


def test_a_second_interrupt_ends_the_wait() -> None:
    """Interrupted twice, the program does not wait for what is under way."""
    with program(1) as running, running.connect() as sock:
        sock.sendall(b"GET /slow?s=60 HTTP/1.1\r\nHost: a\r\n\r\n")
        running.who()
        running.process.send_signal(signal.SIGINT)
        assert wait_until(lambda: "draining 0" in running.lines)
        begun_s = time.monotonic()
        assert running.stop(signal.SIGINT) == 0
        assert time.monotonic() - begun_s < 5


def test_a_dead_worker_is_replaced_at_once_in_its_slot() -> None:
    """When a worker dies the others go on, and a new one takes its slot."""
    with program(2) as running:
        before = running.workers(2)
        assert {0, 1} == set(before.values())
        with running.connect() as sock:
            sock.sendall(b"GET /die HTTP/1.1\r\nHost: a\r\n\r\n")
            with pytest.raises((AssertionError, ConnectionResetError)):
                read_answer(sock)
        begun_s = time.monotonic()
        after = running.workers(2)
        assert time.monotonic() - begun_s < 10
        assert {0, 1} == set(after.values())
        assert len(set(before) & set(after)) == 1
        assert running.stop() == 0


def test_a_stuck_worker_is_replaced() -> None:
    """A worker whose loop no longer turns is killed and replaced, although its process lives."""
    with program(2, "watched") as running:
        before = running.workers(2)
        with running.connect() as sock:
            sock.sendall(b"GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wait_until(lambda: any("is replaced" in line for line in running.errors), 15)
        assert len(set(before) & set(running.workers(2))) == 1
        assert running.stop() == 0


def test_a_worker_that_cannot_start_again_does_not_stop_the_others(tmp_path: Path) -> None:
    """While a replacement fails to start the service goes on with what it has, and recovers by itself."""
    obstacle = tmp_path / "obstacle"
    with program(2, f"fragile:{obstacle}") as running:
        pids = list(running.workers(2))
        obstacle.touch()
        os.kill(pids[0], signal.SIGKILL)
        assert wait_until(lambda: any("could not start" in line for line in running.errors), 10)
        assert pids[1] == running.who()[0]
        obstacle.unlink()
        assert len(running.workers(2)) == 2
        assert running.stop() == 0


def test_a_rolling_restart_loses_nothing() -> None:
    """SIGHUP replaces every worker while requests go on; slots stay unique, and none is higher than the number of workers."""
    with program(2) as running:
        before = running.workers(2)
        loads = [Load(running.port, raw) for raw in (QUICK, SLOW)]
        for each in loads:
            each.start()
        running.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: sum(line.startswith("closed") for line in running.lines) == 2, 20)
        after = running.workers(2)
        for each in loads:
            each.halt.set()
            each.join()
        assert not set(before) & set(after)
        assert (len(set(after.values())), max(after.values()) <= 2) == (2, True)
        assert [lost for each in loads for lost in each.lost] == []
        assert running.stop() == 0


def test_a_stopped_parent_takes_its_workers_along() -> None:
    """Killed outright, the supervisor leaves no orphan that would hold the port."""
    with program(2) as running:
        pids = list(running.workers(2))
        running.process.kill()
        assert wait_until(lambda: not any(_is_running(pid) for pid in pids), 10)


def _is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(
    ("workers", "mode", "name"), [(1, "misconfigured", "Misconfigured"), (2, "misconfigured", "StartFailed"), (2, "broken", "StartFailed")]
)
def test_what_cannot_start_says_so_and_ends(workers: int, mode: str, name: str) -> None:
    """A service that cannot be opened ends the program with an error; it is never announced as ready."""
    with program(workers, mode) as running:
        assert running.wait() == 1
    assert [f"failed {name}"] == running.lines
    if workers > 1:
        assert any(("is wrong. Mend it." if mode == "misconfigured" else "it broke") in line for line in running.errors)


def test_a_taken_port_is_the_operators_to_mend() -> None:
    """A port that is taken, or a host that is not ours, is refused with the next act before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Misconfigured, match="choose another with --port"):
        bind_sockets("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(Misconfigured, match="Name an address"):
        bind_sockets("192.0.2.1", 0)
    with pytest.raises(Misconfigured, match="Name an address"):
        bind_sockets("no-such-host.invalid", 0)


def test_all_addresses_of_a_host_share_a_port() -> None:
    """A name with several addresses is listened on at each, on one port also where any port will do."""
    sockets = bind_sockets("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in sockets}) == 1
    finally:
        for each in sockets:
            each.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such time to set")
def test_a_client_that_vanishes_is_missed_soon() -> None:
    """Every connection has a time in which what was sent must be acknowledged: whoever lost power says no goodbye."""
    (listener,) = bind_sockets("127.0.0.1", 0)
    with listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == VANISHED_S * 1_000


def test_connections_stay_below_the_limit_of_open_files() -> None:
    """As many connections as can be opened, no more."""
    assert fit_to_open_files(Bounds(connections_max=10)).connections_max == 10
    assert fit_to_open_files(Bounds(connections_max=10**9)).connections_max < 10**9
