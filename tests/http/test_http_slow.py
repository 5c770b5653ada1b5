"""Clients that are slow on purpose: each is closed at its deadline, and nobody else notices.

The deadlines are shortened to about a second; what is shown for one second holds for ten.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from http_harness import Serving, parse_answers, read_answer, read_to_end, send_all, serve, wait_until

from holdfast.http.bounds import Bounds

pytestmark = pytest.mark.usefixtures("silent")

ATTACKERS = 200
BOUNDS = Bounds(headers_receipt_s=1.0, body_receipt_s=1.0, keep_alive_s=1.0, write_stall_s=1.0, sweep_s=0.1)
GET = b"GET /echo HTTP/1.1\r\nHost: example.org\r\n\r\n"
HEAD = b"GET /echo HTTP/1.1\r\nHost: example.org\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: example.org\r\nContent-Length: 1000\r\n\r\n"
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n"


class GoodClient:
    """Asks all the time on a connection of its own, and notes how it was served."""

    def __init__(self, serving: Serving) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self.slowest_s = 0.0
        self._serving, self._stopped = serving, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        with self._serving.connect() as sock:
            while not self._stopped.is_set():
                begun_s = time.monotonic()
                try:
                    sock.sendall(GET)
                    status = read_answer(sock).status
                except (OSError, AssertionError) as error:
                    self.failures.append(repr(error))
                    return
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun_s)
                self.answered += 1
                if status != 200:
                    self.failures.append(str(status))
                time.sleep(0.005)


@contextmanager
def good_client(serving: Serving) -> Iterator[GoodClient]:
    """A good client for as long as the context lasts."""
    client = GoodClient(serving)
    try:
        yield client
    finally:
        client.stop()


@dataclass
class Outcome:
    """How long the server stood a client, and what it said to it."""

    lasted_s: float
    said: bytes


async def attack(port: int, begin: bytes, drops: bytes) -> Outcome:
    """Send the beginning of a request, then a byte of `drops` every 50 ms, if there are any, until the server closes."""
    begun_s = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = asyncio.ensure_future(reader.read())
    writer.write(begin)
    number = 0
    while not received.done() and time.monotonic() < begun_s + 10:
        await asyncio.wait({received}, timeout=0.05)
        writer.write(drops[number % len(drops) :][:1] if drops else b"")
        number += 1
    lasted_s = time.monotonic() - begun_s
    writer.close()
    return Outcome(lasted_s, await received)


def attack_all(port: int, attacks: list[tuple[bytes, bytes]]) -> list[Outcome]:
    """Attack with many clients at once."""

    async def crowd() -> list[Outcome]:
        return await asyncio.gather(*(attack(port, begin, drops) for begin, drops in attacks))

    return asyncio.run(crowd())


@pytest.mark.parametrize(
    ("begin", "drops"),
    [(b"", HEAD), (HEAD, b"X: " + b"a" * 997), (POST, b"x"), (CHUNKED, b"1\r\nx\r\n"), (CHUNKED + b"ff\r\n", b"x")],
    ids=["head from the first byte", "head in its fields", "body", "chunks", "one chunk"],
)
def test_slow_senders_are_closed_at_their_deadline(begin: bytes, drops: bytes) -> None:
    """200 clients that drip a head or a body are refused and closed at the deadline; a good client is served throughout."""
    with serve(BOUNDS) as serving, good_client(serving) as good:
        outcomes = attack_all(serving.port, [(begin, drops)] * ATTACKERS)
        answered_meanwhile = good.answered
        assert wait_until(lambda: serving.door.connections <= 1)
    assert {408} == {answer.status for outcome in outcomes for answer in parse_answers(outcome.said)}
    assert min(outcome.lasted_s for outcome in outcomes) > 0.8
    assert max(outcome.lasted_s for outcome in outcomes) < 8
    assert answered_meanwhile > 20
    assert not good.failures


def test_mute_and_idle_clients_are_closed_without_a_word() -> None:
    """A client that never asks, and one that has been answered and asks no more, are closed at their deadline; nothing is said to them."""
    with serve(BOUNDS) as serving, good_client(serving) as good:
        outcomes = attack_all(serving.port, [(b"", b""), (GET, b"")] * (ATTACKERS // 2))
        assert wait_until(lambda: serving.door.connections <= 1)
    assert max(outcome.lasted_s for outcome in outcomes) < 8
    assert [len(parse_answers(outcome.said)) for outcome in outcomes] == [0, 1] * (ATTACKERS // 2)
    assert not good.failures


def test_slow_readers_are_cut_off() -> None:
    """200 clients that ask and do not read are aborted when their answer has not moved for the stall time; a good client is served."""
    raw = b"GET /big?bytes=200000 HTTP/1.1\r\nHost: example.org\r\n\r\n"
    with serve(BOUNDS, send_buffer=4_096) as serving, good_client(serving) as good, ExitStack() as stack:
        for _ in range(ATTACKERS):
            sock = stack.enter_context(serving.connect(receive_buffer=2_048))
            sock.sendall(raw)
        before = good.answered
        assert wait_until(lambda: serving.service.answered.count("/big?bytes=200000") == ATTACKERS)
        assert wait_until(lambda: serving.door.connections <= 1, 10)
        assert good.answered - before > 20
    assert not good.failures


def test_readers_drop_by_drop_are_cut_off_too() -> None:
    """Reading a few bytes now and then is no progress: below the rate the client is aborted, although something moves all the time."""
    with (
        serve(Bounds(write_stall_s=0.5, write_stall_bytes=1_000_000, sweep_s=0.1)) as serving,
        serving.connect(receive_buffer=2_048) as sock,
    ):
        sock.sendall(b"GET /big?bytes=20000000 HTTP/1.1\r\nHost: example.org\r\n\r\n")
        until_s = time.monotonic() + 8
        while serving.door.connections == 1 or time.monotonic() < until_s - 7.5:
            assert time.monotonic() < until_s
            sock.recv(1_000)
            time.sleep(0.02)


def test_a_steady_reader_is_not_cut_off() -> None:
    """A client slower than us, but above the rate, gets all of it, though that takes longer than the stall and the idle time."""
    bounds = Bounds(write_stall_s=0.6, write_stall_bytes=1_000, keep_alive_s=0.3, sweep_s=0.05)
    with serve(bounds, send_buffer=32_768) as serving, serving.connect(receive_buffer=65_536) as sock:
        sock.sendall(b"GET /big?bytes=1000000 HTTP/1.1\r\nHost: example.org\r\n\r\n")
        data, begun_s = b"", time.monotonic()
        while part := sock.recv(16_384):
            data += part
            time.sleep(0.02)
        assert time.monotonic() - begun_s > 1
        (answer,) = parse_answers(data)
    assert len(answer.body) == 1_000_000


def test_a_slow_stream_is_no_slow_reader() -> None:
    """A stream that says little, such as server-sent events, lives on beyond every deadline of receipt and idleness."""
    with serve(Bounds(headers_receipt_s=0.2, keep_alive_s=0.2, write_stall_s=0.2, sweep_s=0.05)) as serving, serving.connect() as sock:
        sock.sendall(b"GET /stream?parts=10&pause=0.08 HTTP/1.1\r\nHost: example.org\r\n\r\n")
        assert read_answer(sock).body == b"0;1;2;3;4;5;6;7;8;9;"


def test_waiting_for_its_turn_is_not_slow() -> None:
    """The head deadline does not run while a request waits behind a slow answer: that is our time, not the client's."""
    with serve(Bounds(headers_receipt_s=0.2, keep_alive_s=0.2, sweep_s=0.05)) as serving, serving.connect() as sock:
        sock.sendall(b"GET /slow?s=0.6 HTTP/1.1\r\nHost: example.org\r\n\r\n" + HEAD)
        assert read_answer(sock).status == 200
        send_all(sock, b"Connection: close\r\n\r\n")
        assert [answer.status for answer in parse_answers(read_to_end(sock))] == [200]


def test_a_client_of_keep_alive_may_pause() -> None:
    """Pauses below the idle time cost nothing; each request begins the time anew."""
    with serve(Bounds(keep_alive_s=0.5, headers_receipt_s=0.5, sweep_s=0.05)) as serving, serving.connect() as sock:
        for _ in range(4):
            time.sleep(0.3)
            sock.sendall(GET)
            assert read_answer(sock).status == 200


@pytest.mark.parametrize("raw", [b"GET /big?bytes=300000 HTTP/1.0\r\n\r\n", b"GET /big?bytes=300000 HTTP/1.1\r\nHost: a\r\n\r\n" * 20])
def test_a_stalled_answer_does_not_outlive_its_client(raw: bytes) -> None:
    """A client that never reads is aborted too where its connection is to be closed, and where more of its requests wait."""
    with serve(Bounds(write_stall_s=0.3, sweep_s=0.05), send_buffer=4_096) as serving, serving.connect(receive_buffer=2_048) as sock:
        sock.sendall(raw)
        assert wait_until(lambda: serving.door.connections == 1)
        assert wait_until(lambda: serving.door.connections == 0)
    assert serving.service.answered.count("/big?bytes=300000") < 20


def test_what_nobody_reads_is_bounded() -> None:
    """Of those who do not read what they asked for, the one who has not read for longest is cut off; who reads gets it whole."""
    size = 16_000_000  # of which the system takes some for itself
    ask = b"GET /big?bytes=%d HTTP/1.1\r\nHost: example.org\r\n\r\n" % size
    with serve(bounds=Bounds(unread_bytes_max=2 * size, sweep_s=0.1)) as serving, ExitStack() as stack:
        clients = [stack.enter_context(serving.connect()) for _ in range(6)]
        for each in clients:
            each.sendall(ask)
            time.sleep(0.2)
        assert len(read_to_end_or_reset(clients[-1])) > size
        assert len(read_to_end_or_reset(clients[0])) < size
        with serving.connect() as sock:
            sock.sendall(ask)
            assert len(read_to_end_or_reset(sock)) > size


def read_to_end_or_reset(sock: socket.socket) -> bytes:
    """What arrives up to the end of an answer, or until the connection is cut."""
    sock.shutdown(socket.SHUT_WR)
    try:
        return read_to_end(sock)
    except ConnectionError:
        return b""


def test_a_client_who_has_ended_its_side_waits_for_no_slow_answer() -> None:
    """Nor for the second of two, nor for a stream: it may be gone, and nothing would tell."""
    get = b"GET %s HTTP/1.1\r\nHost: example.org\r\n\r\n"
    with serve(bounds=Bounds(half_close_s=0.4, sweep_s=0.1)) as serving:
        for second, told in ((b"/slow?s=30", 1), (b"/stream?parts=100&pause=0.3", 2)):
            with serving.connect() as sock:
                sock.sendall(get % b"/slow?s=0.2" + get % second)
                sock.shutdown(socket.SHUT_WR)
                begun_s = time.monotonic()
                try:
                    answers = read_to_end(sock)
                except ConnectionError:
                    answers = b""
                assert time.monotonic() - begun_s < 10
                assert answers.count(b"HTTP/1.1 200") in (0, told)
