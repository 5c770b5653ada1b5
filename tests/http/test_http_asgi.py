"""The ASGI door gives the answers of the protocol, under a foreign server and mounted."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from http_harness import Answer, EchoService, parse_answers, read_to_end, serve, wait_until
from starlette.applications import Starlette
from starlette.routing import Mount

from holdfast.core.exchange import Exchange, Head, Reply
from holdfast.http.asgi import AsgiDoor
from holdfast.http.bounds import Bounds
from holdfast.http.runner import Runner


@dataclass
class EchoRunner:
    """An echo service that knows whether it runs."""

    service: EchoService = field(default_factory=EchoService)
    slot: int = -1
    running: bool = False
    drained: bool = False

    def __call__(self, slot: int) -> AbstractAsyncContextManager[Runner]:
        """Open it."""
        return self._open(slot)

    @asynccontextmanager
    async def _open(self, slot: int) -> AsyncIterator[Runner]:
        self.slot, self.running = slot, True
        yield self
        self.running = False

    def draining(self) -> None:
        """Note it."""
        self.drained = True


@dataclass
class Hosted:
    """A foreign server with our application."""

    port: int
    runner: EchoRunner

    def ask(self, raw: bytes, *, head: bool = False) -> list[Answer]:
        """Send bytes, read answers up to the end of the connection."""
        with self.connect() as sock:
            sock.sendall(raw)
            return parse_answers(read_to_end(sock), head=head)

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), 10)


@pytest.fixture(scope="module")
def hosted() -> Iterator[Hosted]:
    """Stock uvicorn with the door as its application."""
    runner = EchoRunner()
    app = AsgiDoor(runner, slot=7, bounds=Bounds(body_receipt_s=0.5))
    config = uvicorn.Config(app, lifespan="on", log_config=None, access_log=False, server_header=False, http="httptools", ws="none")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert wait_until(lambda: server.started)
    yield Hosted(listener.getsockname()[1], runner)
    server.should_exit = True
    thread.join()
    assert (runner.running, runner.drained) == (False, True)


def request(method: str, target: str, *lines: str, body: str = "") -> bytes:
    """One request that closes its connection."""
    head = [f"{method} {target} HTTP/1.1", "Host: a", "Connection: close", *lines]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", body]).encode()


def test_the_service_opens_with_the_server(hosted: Hosted) -> None:
    """The lifespan opens the service in its slot before the first request."""
    assert (hosted.runner.slot, hosted.runner.running) == (7, True)


@pytest.mark.parametrize(
    "raw",
    [
        request("GET", "/echo?a=%20b&c[d]=e"),
        request("GET", "/%C3%A9%2F?x"),
        request("HEAD", "/echo"),
        request("POST", "/echo", body="hello"),
        request("POST", "/echo", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
        request("POST", "/echo", body="x" * 2_001),
        request("POST", "/echo", "Transfer-Encoding: chunked") + (b"3e8\r\n" + b"x" * 1_000 + b"\r\n") * 3 + b"0\r\n\r\n",
        request("POST", "/refuse", body="hello"),
        request("GET", "/refuse"),
        request("GET", "/slow?s=0.01"),
        request("GET", "/stream?parts=3"),
        request("HEAD", "/stream?parts=3"),
        request("GET", "/status?code=204"),
        request("GET", "/status?code=304"),
        request("GET", "/status?code=200"),
    ],
)
def test_both_doors_give_the_same_answer(hosted: Hosted, raw: bytes) -> None:
    """Status, headers and body are those of the protocol, byte for byte."""
    head = raw.startswith(b"HEAD")
    (ours,) = hosted.ask(raw, head=head)
    with serve() as serving:
        (expected,) = serving.ask(raw, head=head)
    for answer in (ours, expected):
        del answer.headers["date"]
        answer.headers.pop("transfer-encoding", None)  # of a stream without its body: either is right
    assert expected == ours


def test_a_slow_body_is_refused(hosted: Hosted) -> None:
    """The receipt deadline of a body holds behind a foreign server too."""
    with hosted.connect() as sock:
        sock.sendall(request("POST", "/echo", body="hello")[:-1])
        (answer,) = parse_answers(read_to_end(sock))
    assert (answer.status, answer.code) == (408, "request_timeout")


@pytest.mark.parametrize("target", ["/slow?s=60", "/stream?parts=1000000&pause=0.01"])
def test_a_client_that_left_is_not_worked_for(hosted: Hosted, target: str) -> None:
    """What runs for a client is cancelled when it leaves."""
    with hosted.connect() as sock:
        sock.sendall(request("GET", target))
        assert wait_until(lambda: target in hosted.runner.service.answered)
    assert wait_until(lambda: target in hosted.runner.service.cancelled + hosted.runner.service.closed_streams)


def test_a_client_that_leaves_in_its_body_gets_no_answer(hosted: Hosted) -> None:
    """Half a body and the end of the connection reach no answer."""
    before = len(hosted.runner.service.answered)
    with hosted.connect() as sock:
        sock.sendall(request("POST", "/left", body="hello")[:-1])
    assert wait_until(lambda: any(head.target == "/left" for head in hosted.runner.service.opened))
    hosted.ask(request("GET", "/refuse"))
    assert before == len(hosted.runner.service.answered)


Messages = list[dict[str, Any]]


def call(app: Callable[..., Awaitable[None]], scope: dict[str, Any], *messages: dict[str, Any]) -> Messages:
    """Call an ASGI application with what it will receive; what it sent."""
    sent: Messages = []

    async def run() -> None:
        waiting = list(messages)

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.sleep(3_600)
            return waiting.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app(scope, receive, send)

    asyncio.run(run())
    return sent


def http_scope(**more: Any) -> dict[str, Any]:
    """A scope of HTTP/1.1."""
    return {"type": "http", "http_version": "1.1", "method": "GET", "path": "/echo", "query_string": b"", "headers": [], **more}


def opened(door: AsgiDoor, runner: EchoRunner, scope: dict[str, Any], *messages: dict[str, Any]) -> tuple[Head, Messages]:
    """The head that the service saw, and what was sent."""

    async def app(*arguments: Any) -> None:
        async with door.running():
            await door(*arguments)

    sent = call(app, scope, *messages)
    return runner.service.opened[-1], sent


def test_a_prefix_is_taken_off() -> None:
    """Mounted below a path, the service sees its own paths, percent-encoding untouched."""
    runner = EchoRunner()
    scope = http_scope(root_path="/back end", path="/back end/a/é", raw_path=b"/back%20end/a/%C3%A9", query_string=b"q=%41")
    head, _ = opened(AsgiDoor(runner), runner, scope)
    assert (head.target, head.peer) == ("/a/%C3%A9?q=%41", "")
    head, _ = opened(AsgiDoor(runner), runner, http_scope(path="/é"))
    assert head.target == "/%C3%A9"


def test_it_can_be_mounted() -> None:
    """In another application it serves below its mount once that application runs it."""
    runner = EchoRunner()
    door = AsgiDoor(runner)
    app = Starlette(routes=[Mount("/back", app=door)], lifespan=lambda _: _running(door))

    async def app_with_lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with _running(door):
            await app(scope, receive, send)

    _, body = call(app_with_lifespan, http_scope(path="/back/echo", raw_path=b"/back/echo", root_path=""))
    assert json.loads(body["body"])["data"]["target"] == "/echo"


@asynccontextmanager
async def _running(door: AsgiDoor) -> AsyncIterator[None]:
    async with door.running():
        yield


@pytest.mark.parametrize(("method", "has_body"), [("GET", False), ("POST", True), ("DELETE", False)])
def test_http_2_announces_no_body(method: str, has_body: bool) -> None:  # noqa: FBT001  # parametrized
    """Where neither length nor coding is announced, as on HTTP/2, the method tells; no Connection header is sent there."""
    runner = EchoRunner()
    messages: Messages = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]
    head, sent = opened(AsgiDoor(runner), runner, http_scope(http_version="2", method=method), *messages)
    assert has_body == head.has_body
    assert ("ab" if has_body else "") == json.loads(sent[1]["body"])["data"]["body"]
    _, sent = opened(AsgiDoor(runner), runner, http_scope(http_version="2", method="POST", path="/refuse"))
    assert b"connection" not in dict(sent[0]["headers"])


def test_a_door_that_was_not_opened_says_so() -> None:
    """Served without lifespan it does not guess: the mistake is named."""
    with pytest.raises(RuntimeError, match="lifespan"):
        call(AsgiDoor(EchoRunner()), http_scope())


def test_websockets_are_turned_away() -> None:
    """A websocket is closed before it is accepted."""
    assert call(AsgiDoor(EchoRunner()), {"type": "websocket"}) == [{"type": "websocket.close", "code": 1000}]


class FailingRunner(EchoRunner):
    """Fails at its start, or at its end."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self.when = when

    @asynccontextmanager
    async def _open(self, slot: int) -> AsyncIterator[Runner]:
        self.slot = slot
        if self.when == "startup":
            raise OSError("no disk")
        yield self
        raise OSError("no disk")


@pytest.mark.parametrize("when", ["startup", "shutdown"])
def test_a_failure_of_the_lifespan_is_told_to_the_server(when: str) -> None:
    """A service that cannot open or close is reported by the lifespan protocol."""
    sent = call(AsgiDoor(FailingRunner(when)), {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert {"type": f"lifespan.{when}.failed", "message": "no disk"} == sent[-1]


class FixedService(EchoService):
    """Gives one reply to everything."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply

    def open(self, head: Head) -> Exchange | Reply:
        """The reply."""
        self.opened.append(head)
        return self.reply


def test_prebuilt_headers_are_taken_apart_once() -> None:
    """Fixed header lines become pairs, values with colons and all."""
    runner = EchoRunner()
    reply = Reply(200, b"", (("etag", "x"),), b"content-type: application/json\r\nlink: <http://a/>\r\n")
    runner.service = FixedService(reply)

    async def app(*arguments: Any) -> None:
        async with door.running():
            await door(*arguments)

    door = AsgiDoor(runner)
    for _ in range(2):
        start, _ = call(app, http_scope())
        assert start["headers"] == [
            (b"content-type", b"application/json"),
            (b"link", b"<http://a/>"),
            (b"etag", b"x"),
            (b"content-length", b"0"),
        ]


def test_requests_of_one_turn_share_a_moment() -> None:
    """As behind our own door; one that breaks its promise is its own affair, and one that is cancelled gets nothing done."""

    async def ask(door: AsgiDoor, target: str) -> int:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        statuses: list[int] = []
        await door({"type": "http", "method": "GET", "path": target, "headers": []}, receive, send)
        return statuses[0]

    async def story() -> list[int | BaseException]:
        door = AsgiDoor(runner)
        async with door.running():
            asked = [asyncio.create_task(ask(door, f"/{each}")) for each in ("echo/1", "raise", "echo/2", "echo/3")]
            await asyncio.sleep(0)
            asked[2].cancel()
            return await asyncio.gather(*asked, return_exceptions=True)

    runner = EchoRunner()
    answers = asyncio.run(story())
    assert (answers[0], answers[3]) == (200, 200)
    assert [type(each) for each in answers[1:3]] == [RuntimeError, asyncio.CancelledError]
    assert runner.service.moments == [(["/echo/1", "/raise", "/echo/2", "/echo/3"], ["/echo/1", "/raise", "/echo/3"])]
