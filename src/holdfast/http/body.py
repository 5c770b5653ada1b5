"""The body of a request as it arrives: counted, or in chunks. No I/O; nothing is kept beyond the bound."""

import re
from typing import Protocol

from holdfast.base.errors import Refused
from holdfast.base.limits import CHUNK_EXTENSION_BYTES_MAX, CHUNK_LINE_BYTES_MAX, CHUNKS_MAX, HEADER_COUNT_MAX, TRAILER_BYTES_MAX
from holdfast.http.head import END_OF_HEAD, check_field_lines

_WINDOW_BYTES = 8 * 1024

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})(;[\t\x20-\x7e\x80-\xff]*)?")
_PARTIAL_CHUNK_LINE = re.compile(rb"(?:[0-9A-Fa-f]{1,8}(?:;[\t\x20-\x7e\x80-\xff]*)?\r?)?")


class IncomingBody(Protocol):
    """A body that is still arriving."""

    done: bool
    """The body is complete."""

    def take(self, data: bytes) -> bytes:
        """Take the next bytes; give back those that belong to the next request (empty while not done).

        Raises Refused: malformed_request, payload_too_large, headers_too_large (trailers).
        """
        ...

    def join(self) -> bytes:
        """The whole body, once done."""
        ...


class CountedBody:
    """A body of Content-Length bytes; the caller has checked the length already."""

    __slots__ = ("_missing", "_parts", "done")

    def __init__(self, length: int) -> None:
        self._missing = length
        self._parts: list[bytes] = []
        self.done = False

    def take(self, data: bytes) -> bytes:
        """Take the next bytes, give back what lies beyond."""
        part = data[: self._missing]
        self._parts.append(part)
        self._missing -= len(part)
        self.done = not self._missing
        return data[len(part) :]

    def join(self) -> bytes:
        """The whole body."""
        return b"".join(self._parts)


class ChunkedBody:
    """A body in chunks (RFC 9112, 7.1). Extensions are bounded and dropped, trailers are checked and dropped."""

    __slots__ = ("_bytes_max", "_chunks", "_extension_bytes", "_missing", "_parts", "_pending", "_read", "_size", "done")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._size = 0  # of all chunks announced
        self._chunks = 0
        self._missing = 0  # of the chunk that is arriving
        self._extension_bytes = 0
        self._parts: list[bytes] = []
        self._pending = b""  # an element of the framing that is not whole
        self._read = self._read_chunk_line
        self.done = False

    def take(self, data: bytes) -> bytes:
        """Take the next bytes, give back what lies beyond the last chunk.

        They are read a window at a time: each element copies what is left of its window, so that many small chunks cost no more than
        their number.
        """
        for start in range(0, len(data), _WINDOW_BYTES):
            end = start + _WINDOW_BYTES
            rest = self._take_window(self._pending + data[start:end])
            if self.done:
                return rest + data[end:]
        return b""

    def _take_window(self, window: bytes) -> bytes:
        self._pending = b""
        while window and not self.done:
            window = self._read(window)
        return window

    def join(self) -> bytes:
        """The whole body, without its framing."""
        return b"".join(self._parts)

    def _wait(self, data: bytes) -> bytes:
        self._pending = data
        return b""

    def _read_chunk_line(self, data: bytes) -> bytes:
        end = data.find(b"\r\n", 0, CHUNK_LINE_BYTES_MAX + 2)
        if end < 0:
            if len(data) > CHUNK_LINE_BYTES_MAX or not _PARTIAL_CHUNK_LINE.fullmatch(data):
                raise Refused("malformed_request", "The size of a chunk cannot be read.")
            return self._wait(data)
        line = _CHUNK_LINE.fullmatch(data, 0, end)
        if line is None:
            raise Refused("malformed_request", "The size of a chunk cannot be read.")
        self._begin_chunk(int(line[1], 16), len(line[2] or b""))
        return data[end + 2 :]

    def _begin_chunk(self, size: int, extension_bytes: int) -> None:
        self._size += size
        self._chunks += 1
        self._extension_bytes += extension_bytes
        if self._size > self._bytes_max:
            raise Refused("payload_too_large")
        if self._extension_bytes > CHUNK_EXTENSION_BYTES_MAX:
            raise Refused("malformed_request", "The extensions of the chunks are too long.")
        if self._chunks > CHUNKS_MAX:
            raise Refused("malformed_request")
        self._missing = size
        self._read = self._read_chunk if size else self._read_trailers

    def _read_chunk(self, data: bytes) -> bytes:
        part = data[: self._missing]
        self._parts.append(part)
        self._missing -= len(part)
        if not self._missing:
            self._read = self._read_chunk_end
        return data[len(part) :]

    def _read_chunk_end(self, data: bytes) -> bytes:
        if not b"\r\n".startswith(data[:2]):
            raise Refused("malformed_request", "A chunk is longer than its size, or ends without a line end.")
        if len(data) < 2:
            return self._wait(data)
        self._read = self._read_chunk_line
        return data[2:]

    def _read_trailers(self, data: bytes) -> bytes:
        if data.startswith(b"\r\n"):
            self.done = True
            return data[2:]
        end = data.find(END_OF_HEAD, 0, TRAILER_BYTES_MAX + len(END_OF_HEAD))
        if end < 0:
            if len(data) > TRAILER_BYTES_MAX:
                raise Refused("headers_too_large")
            return self._wait(data)
        check_field_lines(data[: end + 2], HEADER_COUNT_MAX)
        self.done = True
        return data[end + len(END_OF_HEAD) :]
