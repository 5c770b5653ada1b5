"""One connection of HTTP/1.1: heads and bodies in, replies out, in order.

A short read is answered in one call, beside all others that arrived in the same turn of the loop: no task, no scope, head and body in
one write. Receipt deadlines, sizes and strict framing live here because they cannot be kept behind ASGI. Whatever a client does, it gets
at most one answer for each request, and nothing of it reaches the log.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from enum import Enum
from typing import cast

from holdfast.base.errors import Refused
from holdfast.core.exchange import Exchange, Head, Reply
from holdfast.http.body import ChunkedBody, CountedBody, IncomingBody
from holdfast.http.door import Door
from holdfast.http.head import END_OF_HEAD, Fields, HeadReader, check_beginning
from holdfast.http.outlet import Outlet, release
from holdfast.http.wire import BODILESS, CONTINUE, encode_reply, encode_stream_head

_log = logging.getLogger("holdfast.http")
_CUT = "The connection ended before the request did."


class _Stage(Enum):
    HEAD = "waiting for a head, or for the rest of one"
    BODY = "receiving a body"
    BUSY = "the answer is being made or streamed"
    LINGER = "the last answer is sent: what still arrives is dropped until the client has read it"
    CLOSED = "closed, perhaps with bytes still to flush"


_HEAD, _BODY, _BUSY, _LINGER, _CLOSED = _Stage


class Connection(asyncio.Protocol):
    """One connection; `Door` holds what it shares with the others of its worker."""

    __slots__ = (
        "_arrived_s",
        "_body",
        "_buffer",
        "_content",
        "_deadline_s",
        "_door",
        "_eof",
        "_exchange",
        "_heads",
        "_keep_alive",
        "_lingered_bytes",
        "_outlet",
        "_peer",
        "_reading",
        "_receiving",
        "_stage",
        "_transport",
        "_work",
    )

    _transport: asyncio.Transport
    _outlet: Outlet

    def __init__(self, door: Door) -> None:
        self._door = door
        self._heads = HeadReader(door.bounds)
        self._peer = ""
        self._stage = _HEAD
        self._buffer = b""  # bytes that are not consumed: the beginning of a head, or requests whose turn has not come
        self._receiving = True  # the first byte of the next head has come; the first head is due from the opening on
        self._deadline_s = time.monotonic() + door.bounds.headers_receipt_s
        self._exchange: Exchange | None = None
        self._content = b""  # the body of the request that has arrived whole, at this time
        self._arrived_s = 0.0
        self._body: IncomingBody | None = None
        self._keep_alive = True
        self._eof = False
        self._work: asyncio.Future[Reply] | asyncio.Task[None] | None = None
        self._reading = True
        self._lingered_bytes = 0

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._outlet = Outlet(self._transport, self._door.bounds)
        address = transport.get_extra_info("peername")
        self._peer = address[0] if isinstance(address, tuple) else ""
        if not self._door.enter(self, self._peer):
            self._refuse_unread(self._door.service.refuse("overloaded", peer=self._peer))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the reason is the client's own affair
        """The connection is gone; what still runs for it is cancelled."""
        self._stage = _CLOSED
        self._buffer = b""
        self._door.leave(self)
        self._outlet.drain()
        self._door.forget_unread(self)
        if self._work is not None:
            self._work.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        try:
            self._consume(data)
        except Exception:  # noqa: BLE001  # the last line of defence: a defect of ours must not become a hanging client
            self._break()

    def eof_received(self) -> bool:
        """The client has ended its side: answer what is complete, refuse what is not."""
        self._eof = True
        if self._stage is _BUSY or (self._stage is _HEAD and END_OF_HEAD in self._buffer):  # the latter waits for its turn
            self._deadline_s = time.monotonic() + self._door.bounds.half_close_s
            return True
        if self._stage is _BODY and self._exchange is not None:
            self._refuse_unread(self._exchange.refuse("malformed_request", _CUT))
        elif self._stage is _HEAD:
            self._end(self._buffer.removeprefix(b"\r\n"))
        return False

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self._outlet.fill()
        self._door.hold_unread(self, self._outlet.waiting_bytes)

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._outlet.drain()
        self._door.forget_unread(self)
        self._resume()

    # What the door calls

    def sweep(self, now_s: float) -> None:
        """Keep the deadlines of receipt, idleness and reading."""
        if self._outlet.is_stalled(now_s):
            self.abort()
        elif now_s >= self._deadline_s:
            self._expire(now_s)

    def leave_if_idle(self, now_s: float) -> None:
        """Close unless a request is under way, or may be: the connection is quite new."""
        bounds = self._door.bounds
        is_new = self._receiving and now_s < self._deadline_s - bounds.headers_receipt_s + bounds.drain_quiet_s
        if self._stage is _LINGER or (self._stage is _HEAD and not self._buffer and not is_new):
            self._close()

    def abort(self) -> None:
        """Close at once, unsent bytes and all."""
        self._stage = _CLOSED
        self._transport.abort()

    # Receiving

    def _consume(self, data: bytes) -> None:
        """Handle what has arrived, in order, until it is used up or its turn has not come."""
        turns = self._door.bounds.pipelined_per_turn
        while data:
            stage = self._stage
            if stage is _HEAD and turns and not self._outlet.is_full:
                turns -= 1
                data = self._receive_head(data)
                if data and self._transport.is_closing():  # reset meanwhile: there is nobody to answer the rest
                    return
            elif stage is _BODY:
                data = self._receive_body(data)
            elif stage is _HEAD or stage is _BUSY:
                self._hold(data)
                if not turns:
                    asyncio.get_running_loop().call_soon(self._resume)
                return
            else:
                self._drop(len(data))
                return

    def _hold(self, data: bytes) -> None:
        self._buffer = data
        if self._stage is _HEAD:
            self._deadline_s = math.inf  # its turn is ours to give; a client that does not read is watched by the outlet
        if len(data) > self._door.bounds.pipelined_bytes_max and self._reading:
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        """Go on with what was held."""
        if self._stage is _CLOSED:
            return
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()
        if self._buffer:
            self.data_received(b"")

    def _drop(self, count: int) -> None:
        self._lingered_bytes += count
        if self._stage is _LINGER and self._lingered_bytes > self._door.bounds.linger_bytes_max:
            self.abort()

    def _receive_head(self, data: bytes) -> bytes:
        arrived = data
        if data[0] == 13 and data.startswith(b"\r\n"):  # one empty line before a request is nothing (RFC 9112, 2.2)
            data = data[2:]
        end = data.find(END_OF_HEAD)
        if end < 0:
            return self._await_head(arrived, data)
        try:
            method, target, fields = self._heads.read(data, end)
        except Refused as refused:
            return self._refuse_framing(refused)
        self._keep_alive = fields.keep_alive
        now_s = time.monotonic()
        opened = self._door.service.open(Head(method, target, fields.headers, self._peer, fields.has_body, now_s))
        if isinstance(opened, Reply):
            if fields.has_body:
                return self._refuse_unread(opened)
            self._respond(opened, now_s, more=len(data) > end + 4)
        elif fields.has_body:
            return self._begin_body(opened, fields, data[end + 4 :], now_s)
        else:
            self._answer_soon(opened, b"", now_s)
        return data[end + 4 :]

    def _await_head(self, arrived: bytes, data: bytes) -> bytes:
        if self._eof:
            return self._end(data)
        if not self._receiving:
            self._receiving = True
            self._deadline_s = time.monotonic() + self._door.bounds.headers_receipt_s
        try:
            if data:
                check_beginning(data, self._door.bounds)
        except Refused as refused:
            return self._refuse_framing(refused)
        self._buffer = arrived
        return b""

    def _end(self, data: bytes) -> bytes:
        """What is left when the client has ended its side: nothing, or the beginning of a head."""
        if data:
            return self._refuse_framing(Refused("malformed_request", _CUT))
        self._close()
        return b""

    def _begin_body(self, exchange: Exchange, fields: Fields, data: bytes, now_s: float) -> bytes:
        length = fields.length
        if length > exchange.body_bytes_max:
            return self._refuse_unread(exchange.refuse("payload_too_large"))
        if not fields.chunked and len(data) >= length:
            self._answer_soon(exchange, data[:length], now_s)
            return data[length:]
        self._exchange = exchange
        self._body = ChunkedBody(exchange.body_bytes_max) if fields.chunked else CountedBody(length)
        self._stage = _BODY
        self._deadline_s = now_s + self._door.bounds.body_receipt_s
        if fields.continues and not data:
            self._outlet.write(CONTINUE)
        return data

    def _receive_body(self, data: bytes) -> bytes:
        body, exchange = self._body, self._exchange
        assert body is not None
        assert exchange is not None
        try:
            rest = body.take(data)
        except Refused as refused:
            return self._refuse_unread(exchange.refuse(refused.code, refused.message))
        if body.done:
            self._body = None
            self._answer_soon(exchange, body.join(), time.monotonic())
        elif self._eof:
            return self._refuse_unread(exchange.refuse("malformed_request", _CUT))
        return rest

    # Refusing

    def _refuse_framing(self, refused: Refused) -> bytes:
        service = self._door.service
        return self._refuse_unread(service.refuse(refused.code, refused.message, hint=refused.hint, peer=self._peer))

    def _refuse_unread(self, reply: Reply) -> bytes:
        """Answer a request that has not arrived whole, and close: where the next one would begin is not known."""
        self._keep_alive = False
        self._respond(reply, 0.0, more=False)
        return b""

    def _break(self) -> None:
        _log.exception("a connection failed")
        if self._stage is _CLOSED or self._stage is _LINGER:
            return
        try:
            self._refuse_unread(self._door.service.refuse("internal_error", peer=self._peer))
        except Exception:  # noqa: BLE001  # nothing can be said any more
            self.abort()

    # Answering

    def _answer_soon(self, exchange: Exchange, body: bytes, now_s: float) -> None:
        self._stage = _BUSY
        self._deadline_s = self._due_s(now_s)
        self._exchange, self._content, self._arrived_s = exchange, body, now_s
        self._door.arrivals.answer_soon(self, exchange)

    def _due_s(self, now_s: float) -> float:
        """When an answer must be sent: a client who has ended its side may be gone."""
        return now_s + self._door.bounds.half_close_s if self._eof else math.inf

    def answer(self) -> Reply | None:
        """The reply to the request that has arrived whole; None if it comes later. For a client who is gone by now nothing is done."""
        exchange, self._exchange = self._exchange, None
        if self._stage is _CLOSED or exchange is None:
            return None
        try:
            reply = exchange.answer(self._content)
            if isinstance(reply, Reply):
                return reply
            work = asyncio.ensure_future(reply)
            self._work = work
            work.add_done_callback(self._answered)
        except Exception:  # noqa: BLE001  # as in data_received
            self._break()
        return None

    def send(self, reply: Reply) -> None:
        """Send the reply that was made at once."""
        try:
            self._respond(reply, self._arrived_s, more=bool(self._buffer))
            if self._buffer:
                self._resume()
        except Exception:  # noqa: BLE001  # as in data_received
            self._break()

    def _answered(self, work: "asyncio.Future[Reply]") -> None:
        self._work = None
        if work.cancelled() or self._stage is _CLOSED:
            self.abort()
            return
        try:
            self._respond(work.result(), time.monotonic(), more=bool(self._buffer))
            self._resume()
        except Exception:  # noqa: BLE001  # as in data_received
            self._break()

    def _respond(self, reply: Reply, now_s: float, *, more: bool) -> None:
        """Send a reply.

        now_s  begins the idle time of a connection that is kept
        more   bytes have come after the request: a client that has ended its side still waits for their answer
        """
        keep_alive = self._keep_alive and not reply.close and not self._door.draining and (more or not self._eof)
        body = reply.body
        if not isinstance(body, bytes):
            self._begin_stream(reply, body, keep_alive=keep_alive)
            return
        opening = self._door.openings[reply.status]
        self._outlet.write(encode_reply(opening, reply, body, keep_alive=keep_alive, minor=self._heads.version_minor))
        self._complete(now_s, keep_alive=keep_alive)

    def _complete(self, now_s: float, *, keep_alive: bool) -> None:
        if keep_alive:
            self._stage = _HEAD
            self._receiving = False
            self._deadline_s = now_s + self._door.bounds.keep_alive_s
        elif not self._eof and self._transport.can_write_eof():
            self._stage = _LINGER  # a close while bytes arrive would be a reset, which can overtake the answer (RFC 9112, 9.6)
            self._deadline_s = time.monotonic() + self._door.bounds.linger_s
            self._transport.write_eof()
        else:
            self._close()

    def _close(self) -> None:
        self._stage = _CLOSED
        self._deadline_s = math.inf
        self._transport.close()

    # Streaming

    def _begin_stream(self, reply: Reply, parts: AsyncIterator[bytes], *, keep_alive: bool) -> None:
        chunked = self._heads.version_minor == 1
        keep_alive = keep_alive and chunked
        self._stage = _BUSY
        self._deadline_s = self._due_s(time.monotonic())
        opening = self._door.openings[reply.status]
        self._outlet.write(encode_stream_head(opening, reply, keep_alive=keep_alive, minor=self._heads.version_minor))
        silent = reply.bare or reply.status in BODILESS
        work = asyncio.ensure_future(release(parts) if silent else self._outlet.write_parts(parts, chunked=chunked))
        self._work = work
        work.add_done_callback(lambda done: self._streamed(done, keep_alive=keep_alive))

    def _streamed(self, work: "asyncio.Task[None]", *, keep_alive: bool) -> None:
        self._work = None
        if work.cancelled() or self._stage is _CLOSED:
            self.abort()
        elif work.exception() is not None:  # without its last chunk, so that the client sees that the stream is cut
            _log.error("a stream failed", exc_info=work.exception())
            self.abort()
        else:
            self._complete(time.monotonic(), keep_alive=keep_alive and not self._door.draining and not (self._eof and not self._buffer))
            self._resume()

    # Deadlines

    def _expire(self, now_s: float) -> None:
        if self._stage is _BODY and self._exchange is not None:
            self._refuse_unread(self._exchange.refuse("request_timeout"))
        elif self._stage is not _HEAD:
            self.abort()
        elif self._buffer:
            self._refuse_framing(Refused("request_timeout"))
        elif self._outlet.waiting_bytes:  # it is not idle: it still reads
            self._deadline_s = now_s + self._door.bounds.keep_alive_s
        else:
            self._close()
