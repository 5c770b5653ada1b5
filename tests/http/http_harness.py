"""What the tests of the doors share: a small service, a server in a thread, and a client that believes nothing but bytes."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import uvloop

from holdfast.base.errors import CATALOGUE
from holdfast.core.exchange import Exchange, Head, Reply
from holdfast.http.bounds import Bounds
from holdfast.http.door import Door
from holdfast.http.protocol import Connection

FIXED = b"content-type: application/json\r\n"
BODY_BYTES_MAX = 2_000


def refusal(code: str, message: str | None = None, hint: str | None = None) -> Reply:
    """The envelope of an error, as the engine would make it."""
    body = json.dumps({"success": False, "error": {"code": code, "message": message or CATALOGUE[code].message, "hint": hint}}).encode()
    return Reply(CATALOGUE[code].status, body, (), FIXED, close=True)


@dataclass
class EchoExchange:
    """Answers by the path: see EchoService."""

    service: "EchoService"
    head: Head
    body_bytes_max: int = BODY_BYTES_MAX

    def answer(self, body: bytes) -> Reply | Awaitable[Reply]:
        """Answer by the path."""
        url = urlsplit(self.head.target)
        options = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.service.answered.append(self.head.target)
        match url.path:
            case "/slow":
                return self._slow(body, float(options["s"]))
            case "/stream":
                return Reply(200, self._parts(options), (), FIXED, bare=self.head.method == "HEAD")
            case "/status":
                return Reply(int(options["code"]), b"", (("etag", '"1-a"'),))
            case "/big":
                return Reply(200, b"x" * int(options["bytes"]), (), FIXED)
            case "/break":
                return Reply(200, b"{}", (("x-split", "a\r\nset-cookie: b"),))
            case "/fail":
                return self._fail()
            case "/raise":
                raise RuntimeError("an exchange that breaks its promise at once")
            case _:
                return self._echo(body)

    def count(self) -> None:
        """Count it once."""
        self.service.counted.append(self.head.target)

    def refuse(self, code: str, message: str | None = None) -> Reply:
        """A refusal while the body arrives."""
        self.service.refused.append(code)
        return refusal(code, message)

    def _echo(self, body: bytes) -> Reply:
        data = {"method": self.head.method, "target": self.head.target, "body": body.decode("latin-1"), "has_body": self.head.has_body}
        text = json.dumps({"success": True, "data": data}).encode()
        return Reply(200, text, (("x-request-id", "r1"),), FIXED, bare=self.head.method == "HEAD")

    async def _slow(self, body: bytes, seconds: float) -> Reply:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.service.cancelled.append(self.head.target)
            raise
        return self._echo(body)

    async def _fail(self) -> Reply:
        raise RuntimeError("an exchange that breaks its promise")

    async def _parts(self, options: dict[str, str]) -> AsyncIterator[bytes]:
        try:
            for number in range(int(options["parts"])):
                await asyncio.sleep(float(options.get("pause", "0")))
                if options.get("fail") == str(number):
                    raise RuntimeError("the stream broke")
                yield b"%d;" % number * int(options.get("times", "1"))
        finally:
            self.service.closed_streams.append(self.head.target)


@dataclass
class EchoService:
    """Answers by the path: /echo says what it got, /slow?s= takes its time, /stream?parts= streams, /status?code= and /big?bytes= give
    what they are asked for, /break has a header with a line break, /fail raises, /raise at once, /refuse is refused from its head.
    """

    opened: list[Head] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    closed_streams: list[str] = field(default_factory=list)
    moments: list[tuple[list[str], list[str]]] = field(default_factory=list)

    def open(self, head: Head) -> Exchange | Reply:
        """Let everything in but /refuse."""
        self.opened.append(head)
        if head.target.startswith("/refuse"):
            return Reply(401, b'{"success":false}', (("www-authenticate", "Bearer"),), FIXED)
        return EchoExchange(self, head)

    @contextmanager
    def moment(self, arrived: Collection[Exchange]) -> Iterator[None]:
        """Note which requests had come when it was opened, and which were answered within."""
        opened, answered = [head.target for head in self.opened], len(self.answered)
        for each in arrived:
            each.count()
        yield
        self.moments.append((opened, self.answered[answered:]))

    def refuse(
        self,
        code: str,
        message: str | None = None,
        *,
        peer: str,
        hint: str | None = None,
        method: str = "",  # noqa: ARG002  # the names are the Service's
        target: str = "",  # noqa: ARG002  # as above
    ) -> Reply:
        """A refusal of bytes that are no request."""
        assert peer == "127.0.0.1"
        self.refused.append(code)
        return refusal(code, message, hint)


@dataclass
class Serving:
    """A server that runs in a thread of its own."""

    port: int
    service: EchoService
    door: Door
    loop: asyncio.AbstractEventLoop

    def connect(self, *, receive_buffer: int = 0) -> socket.socket:
        """A new connection, with a time limit of 10 s on everything."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", self.port))
        return sock

    def ask(self, raw: bytes, *, head: bool = False) -> "list[Answer]":
        """Send bytes and read every answer up to the end of the connection, which the server must bring about."""
        with self.connect() as sock:
            send_all(sock, raw)
            return parse_answers(read_to_end(sock), head=head)


@dataclass
class Answer:
    """One answer, as its bytes say."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of an error envelope."""
        return str(json.loads(self.body)["error"]["code"])


def parse_answers(data: bytes, *, head: bool = False) -> list[Answer]:
    """Every answer in a row of bytes; fails if a byte is left over or missing. `head`: they answer HEAD and have no body."""
    answers: list[Answer] = []
    while data:
        block, end, data = data.partition(b"\r\n\r\n")
        assert end, f"an answer is cut: {block!r}"
        status_line, *lines = block.decode("latin-1").split("\r\n")
        matched = re.fullmatch(r"HTTP/1\.1 ([1-5][0-9][0-9]) [A-Za-z -]*", status_line)
        assert matched, status_line
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines), "a header is sent twice"
        answer = Answer(int(matched[1]), headers, b"")
        if not head and answer.status >= 200 and answer.status not in (204, 304):
            answer.body, data = take_body(headers, data)
        answers.append(answer)
    return answers


def take_body(headers: dict[str, str], data: bytes) -> tuple[bytes, bytes]:
    """The body that the headers announce, and what follows it."""
    if "content-length" in headers:
        length = int(headers["content-length"])
        assert len(data) >= length, "a body is cut"
        return data[:length], data[length:]
    if headers.get("transfer-encoding") != "chunked":
        assert headers["connection"] == "close"
        return data, b""
    parts: list[bytes] = []
    while True:
        size, end, data = data.partition(b"\r\n")
        assert end, "a chunk is cut"
        length = int(size, 16)
        parts.append(data[:length])
        assert data[length : length + 2] == b"\r\n"
        data = data[length + 2 :]
        if not length:
            return b"".join(parts), data


def send_all(sock: socket.socket, data: bytes) -> None:
    """Send what the server will take; that it closes before the end is its right."""
    try:
        sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return


def read_to_end(sock: socket.socket) -> bytes:
    """Everything up to the end of the connection; fails after 10 s without one."""
    parts: list[bytes] = []
    while True:
        part = sock.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def read_answer(sock: socket.socket, *, head: bool = False) -> Answer:
    """The next answer on a connection that stays open; it must come alone."""
    data = b""
    while b"\r\n\r\n" not in data or not _is_whole(data, head=head):
        part = sock.recv(65536)
        assert part, f"closed after {data!r}"
        data += part
    (answer,) = parse_answers(data, head=head)
    return answer


def _is_whole(data: bytes, *, head: bool) -> bool:
    try:
        parse_answers(data, head=head)
    except (AssertionError, ValueError):
        return False
    return True


@contextmanager
def serve(
    bounds: Bounds | None = None, *, send_buffer: int = 0, make_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
) -> Iterator[Serving]:
    """Run a server in a thread for as long as the context lasts; `send_buffer` is the kernel's part of what a client has not read."""
    loop = make_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_000)
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    service = EchoService()
    door = Door(service, bounds)

    async def start() -> asyncio.Server:
        door.start()
        return await loop.create_server(lambda: Connection(door), sock=listener)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        listener.close()
        door.stop()
        await asyncio.sleep(0.05)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield Serving(listener.getsockname()[1], service, door, loop)
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def wait_until(holds: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Whether something comes true in time."""
    until_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.01)
    return True
