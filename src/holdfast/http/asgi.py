"""The second door: an ASGI 3 application, for mounting and for foreign servers.

The same service and the same answers. What only a protocol can keep is left to the server in front: framing, head sizes, receipt of heads,
slow readers. A prefix under which it is mounted (`root_path`) is taken off the path.
"""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote

from holdfast.core.exchange import Exchange, Head, Reply, join_headers
from holdfast.http.arrivals import Arrivals
from holdfast.http.bounds import Bounds
from holdfast.http.outlet import release
from holdfast.http.runner import Runner, ServiceFactory
from holdfast.http.wire import BODILESS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_T = TypeVar("_T")

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "QUERY"})
_PATH_SAFE = "/:@!$&'()*+,;=~-._"


class _GoneError(Exception):
    """The client left before its request was whole."""


class AsgiDoor:
    """An ASGI application over a service.

    Under a server that speaks the lifespan protocol the service opens and closes by itself. Mounted in another application, whose lifespan
    does not reach a mounted one, that application enters `running()` in its own lifespan.
    """

    def __init__(self, make_service: ServiceFactory, *, slot: int = 0, bounds: Bounds | None = None) -> None:
        self._make_service, self._slot = make_service, slot
        self._body_receipt_s = (bounds or Bounds()).body_receipt_s
        self._arrivals: Arrivals | None = None  # while the service runs
        self._fixed: dict[bytes, list[tuple[bytes, bytes]]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Runner]:
        """Open the service for as long as the context lasts."""
        async with self._make_service(self._slot) as runner:
            self._arrivals = Arrivals(runner.service)
            gc.collect()
            gc.freeze()  # what lives as long as the service is never looked at again: servers leave a cycle or two behind each request
            try:
                yield runner
            finally:
                self._arrivals = None
                runner.draining()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI scope."""
        if scope["type"] == "lifespan":
            await _keep_lifespan(self.running(), receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrivals = self._arrivals
        if arrivals is None:
            raise RuntimeError("the service does not run: serve with lifespan on, or enter AsgiDoor.running() in your own lifespan")
        head = _build_head(scope)
        opened = arrivals.service.open(head)
        try:
            reply = opened if isinstance(opened, Reply) else await self._exchange(arrivals, opened, head, receive)
        except _GoneError:
            return
        unread = isinstance(opened, Reply) and head.has_body
        try:
            await self._start(reply, scope, send, close=reply.close or unread)
        except BaseException:
            await release(reply.body)
            raise
        silent = reply.bare or reply.status in BODILESS
        if isinstance(reply.body, bytes):
            await send({"type": "http.response.body", "body": b"" if silent else reply.body})
            return
        with contextlib.suppress(_GoneError):
            await _finish_or_leave(_send_stream(reply.body, send, silent=silent), receive)

    async def _exchange(self, arrivals: Arrivals, exchange: Exchange, head: Head, receive: Receive) -> Reply:
        body = await self._receive_body(exchange, head, receive) if head.has_body else b""
        if isinstance(body, Reply):
            return body
        asked = _Asked(exchange, body)
        arrivals.answer_soon(asked, exchange)
        reply = await asked.replied
        return reply if isinstance(reply, Reply) else await _finish_or_leave(reply, receive)

    async def _receive_body(self, exchange: Exchange, head: Head, receive: Receive) -> bytes | Reply:
        announced = head.header("content-length")
        if announced is not None and announced.isdecimal() and int(announced) > exchange.body_bytes_max:
            return exchange.refuse("payload_too_large")
        try:
            async with asyncio.timeout(self._body_receipt_s):
                body = await _join_body(receive, exchange.body_bytes_max)
        except TimeoutError:
            return exchange.refuse("request_timeout")
        return exchange.refuse("payload_too_large") if body is None else body

    async def _start(self, reply: Reply, scope: Scope, send: Send, *, close: bool) -> None:
        headers = self._parse_fixed(reply.fixed) + [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
        if reply.lines:
            headers += _parse_lines(reply.lines)
        if close and scope.get("http_version") in ("1.0", "1.1"):
            headers.append((b"connection", b"close"))
        if isinstance(reply.body, bytes) and reply.status not in BODILESS:
            headers.append((b"content-length", str(len(reply.body)).encode("ascii")))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})

    def _parse_fixed(self, fixed: bytes) -> list[tuple[bytes, bytes]]:
        """The prebuilt header lines as pairs; there are few different blocks, so each is taken apart once."""
        pairs = self._fixed.get(fixed)
        if pairs is None:
            self._fixed[fixed] = pairs = _parse_lines(fixed)
        return pairs


class _Asked:
    """A request that waits for its answer (arrivals.Asker). `replied` is the reply, or what it is to be awaited from."""

    def __init__(self, exchange: Exchange, body: bytes) -> None:
        self._exchange, self._body = exchange, body
        self.replied: asyncio.Future[Reply | Awaitable[Reply]] = asyncio.get_running_loop().create_future()

    def answer(self) -> Reply | None:
        """The reply; None if it comes later."""
        if self.replied.done():  # cancelled
            return None
        try:
            reply = self._exchange.answer(self._body)
        except Exception as error:  # noqa: BLE001  # an exchange that breaks its promise fails its own request
            self.replied.set_exception(error)
            return None
        if isinstance(reply, Reply):
            return reply
        self.replied.set_result(reply)
        return None

    def send(self, reply: Reply) -> None:
        """Let it go on with its reply."""
        if not self.replied.done():
            self.replied.set_result(reply)


def _parse_lines(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Header lines as pairs."""
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines.split(b"\r\n") if line)]


def _build_head(scope: Scope) -> Head:
    headers = join_headers((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    if scope.get("http_version") not in ("1.0", "1.1") and "content-length" not in headers:
        has_body = scope["method"] in _BODY_METHODS  # HTTP/2 and 3 need announce nothing
    client = scope.get("client")
    return Head(scope["method"], _build_target(scope), headers, client[0] if client else "", has_body, time.monotonic())


def _build_target(scope: Scope) -> str:
    raw = scope.get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if raw else quote(scope["path"], safe=_PATH_SAFE)
    if prefix := scope.get("root_path"):
        root = quote(prefix, safe=_PATH_SAFE)
        path = path[len(root) :] or "/" if path.startswith(root) else path
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path


async def _join_body(receive: Receive, bytes_max: int) -> bytes | None:
    """The whole body; None as soon as it is longer than allowed."""
    parts: list[bytes] = []
    left, more = bytes_max, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        part = message.get("body", b"")
        left -= len(part)
        if left < 0:
            return None
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def _finish_or_leave(awaited: Awaitable[_T], receive: Receive) -> _T:
    """What is awaited, or _GoneError as soon as the client has left; then it is cancelled."""
    work = asyncio.ensure_future(awaited)
    left = asyncio.ensure_future(_await_disconnect(receive))
    try:
        await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise _GoneError
        return work.result()
    finally:
        left.cancel()
        work.cancel()


async def _await_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_stream(parts: AsyncIterator[bytes], send: Send, *, silent: bool) -> None:
    try:
        if not silent:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        await release(parts)
    await send({"type": "http.response.body", "body": b""})


async def _keep_lifespan(running: AbstractAsyncContextManager[Runner], receive: Receive, send: Send) -> None:
    await receive()
    try:
        await running.__aenter__()
    except Exception as error:  # noqa: BLE001  # the lifespan protocol carries every failure as a message
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    try:
        await running.__aexit__(None, None, None)
    except Exception as error:  # noqa: BLE001  # as above
        await send({"type": "lifespan.shutdown.failed", "message": str(error)})
        return
    await send({"type": "lifespan.shutdown.complete"})
