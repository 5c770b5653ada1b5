"""What passes between a door and the engine: a request head, its body, and the reply.

A door turns bytes into a Head, asks the engine to open it, hands the body over when it has arrived whole, and sends the Reply.
"""

from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec


class Head(msgspec.Struct):
    """A request head as it arrived.

    method   upper-case, as sent
    target   the raw request target without its fragment, percent-encoding untouched ("/api/v1/books?limit=2")
    headers  by lower-case name (`join_headers`), latin-1; framing headers were checked by the door already
    peer     the address of the client ("127.0.0.1"): the other end of the connection, until a trusted proxy names another
    has_body a body follows (Content-Length above 0, or chunked)
    received_s  monotonic seconds at which the head was complete
    """

    method: str
    target: str
    headers: Mapping[str, str]
    peer: str
    has_body: bool
    received_s: float

    def header(self, name: str) -> str | None:
        """The value of a header by its lower-case name."""
        return self.headers.get(name)


def join_headers(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; of one that stands several times, all values in order (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for name, value in lines:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


class Reply(msgspec.Struct):
    """An answer, ready to be sent.

    headers  (lower-case name, value) in order, without content-length, date and connection: those are the door's.
             Values hold no CR or LF.
    fixed    header lines that never vary, prebuilt as bytes ("name: value\\r\\n" each), sent before `headers`
    lines    header lines of this answer that were made as bytes, sent after `headers`
    body     the whole body, or an iterator of chunks for a stream (files, server-sent events)
    bare     no body may be sent although one is given: HEAD (its content-length is still that of `body`)
    close    close the connection after this answer
    """

    status: int
    body: bytes | AsyncIterator[bytes]
    headers: tuple[tuple[str, str], ...] = ()
    fixed: bytes = b""
    lines: bytes = b""
    bare: bool = False
    close: bool = False


class Exchange(Protocol):
    """One request that was let in and may send its body."""

    body_bytes_max: int
    """The door answers with `refuse("payload_too_large")` as soon as more than this has arrived or was announced."""

    def answer(self, body: bytes) -> Reply | Awaitable[Reply]:
        """Answer the whole request. A short read comes back at once; anything that waits comes back as an awaitable.

        Never raises: what breaks is a 500 Reply. The door cancels the awaitable when its client is gone; a write that is already
        running is finished all the same.
        """
        ...

    def count(self) -> None:
        """Count the request for who sent it, unless that is done; who has no quota left is told so by `answer`."""
        ...

    def refuse(self, code: str, message: str | None = None) -> Reply:
        """The reply for a refusal that the door finds while it receives the body (payload_too_large, request_timeout).

        message  what was wrong, without any value of the caller's: it goes to the log too; default: the catalogue's
        """
        ...


class Service(Protocol):
    """What a door needs from the engine."""

    def open(self, head: Head) -> Exchange | Reply:
        """Let a request in, or refuse it from its head alone.

        A Reply means that the body must not be read: if one follows, the door closes the connection after the answer.
        """
        ...

    def moment(self, arrived: Collection[Exchange]) -> AbstractContextManager[None]:
        """While it is open, everything that is answered is read from one state of what is stored, which saves most of a read's cost.

        That state is not older than the opening: open it once the requests have arrived that are answered within.

        arrived  these requests: they are counted together for who sent them

        Never raises: what cannot be done for all of them at once is done, or fails, in the answer of each.
        """
        ...

    def refuse(
        self, code: str, message: str | None = None, *, peer: str, hint: str | None = None, method: str = "", target: str = ""
    ) -> Reply:
        """The reply to bytes that are no request (malformed_request, uri_too_long, headers_too_large, request_timeout, overloaded).

        message, hint  as of Refused; the message holds no value of the caller's, because it goes to the log too
        Its `close` is always set.
        """
        ...
