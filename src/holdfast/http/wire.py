"""A Reply as the bytes of HTTP/1.1. What is the same for all answers of one second is built once in that second."""

from email.utils import formatdate
from http import HTTPStatus

from holdfast.core.exchange import Reply

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
BODILESS = frozenset({204, 304})
"""Statuses whose answers have neither a body nor a Content-Length."""

_CLOSE = b"connection: close\r\n"
_KEEP_ALIVE = b"connection: keep-alive\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}


class Openings(dict[int, bytes]):
    """The status line and Date of every answer, by status; each is built when it is first asked for, and `turn` moves the date."""

    __slots__ = ("_date_line",)

    def __init__(self, unix_s: float) -> None:
        super().__init__()
        self.turn(unix_s)

    def turn(self, unix_s: float) -> None:
        """Set the date to a wall clock time."""
        self._date_line = f"date: {formatdate(unix_s, usegmt=True)}\r\n".encode("ascii")
        self.clear()

    def __missing__(self, status: int) -> bytes:
        """The opening of an answer with this status."""
        line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        self[status] = opening = line + self._date_line
        return opening


def encode_reply(opening: bytes, reply: Reply, body: bytes, *, keep_alive: bool, minor: int) -> bytes:
    """Head and body of an answer that is known whole.

    body   that of the reply, whose type is narrowed by the caller
    minor  the version of the request, HTTP/1.minor
    """
    headers = encode_headers(reply.headers)
    connection = b"" if keep_alive and minor else _connection(keep_alive=keep_alive)
    if reply.status in BODILESS:
        return b"%b%b%b%b%b\r\n" % (opening, reply.fixed, headers, reply.lines, connection)
    payload = b"" if reply.bare else body
    return b"%b%b%b%bcontent-length: %d\r\n%b\r\n%b" % (opening, reply.fixed, headers, reply.lines, len(body), connection, payload)


def encode_stream_head(opening: bytes, reply: Reply, *, keep_alive: bool, minor: int) -> bytes:
    """The head of an answer whose length is not known: in chunks, or for HTTP/1.0 up to the end of the connection."""
    coding = _CHUNKED if minor and reply.status not in BODILESS else b""
    connection = b"" if keep_alive and minor else _connection(keep_alive=keep_alive)
    return b"".join((opening, reply.fixed, encode_headers(reply.headers), reply.lines, coding, connection, b"\r\n"))


def encode_chunk(part: bytes) -> bytes:
    """One chunk; `part` is not empty, since an empty one would end the stream."""
    return b"%x\r\n%b\r\n" % (len(part), part)


def encode_headers(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Header lines. Raises ValueError if a name or value would begin a line of its own: better a broken answer than a split one."""
    text = ""
    for name, value in headers:
        text += f"{name}: {value}\r\n"
    if text.count("\n") != len(headers) or text.count("\r") != len(headers):
        raise ValueError("a header holds a line break")
    return text.encode("latin-1")


def _connection(*, keep_alive: bool) -> bytes:
    """What must be said where it is not what HTTP/1.1 takes for granted."""
    return _KEEP_ALIVE if keep_alive else _CLOSE
