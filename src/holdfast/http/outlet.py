"""What is written to one client, and whether they read it."""

import asyncio
from collections.abc import AsyncIterator

from holdfast.http.bounds import Bounds
from holdfast.http.wire import LAST_CHUNK, encode_chunk


class Outlet:
    """The writing side of a connection."""

    __slots__ = ("_bounds", "_stall_sent", "_stall_since_s", "_transport", "_writable", "_written")

    def __init__(self, transport: asyncio.Transport, bounds: Bounds) -> None:
        self._transport, self._bounds = transport, bounds
        self._writable: asyncio.Event | None = None  # set while the client does not read fast enough
        self._written = 0
        self._stall_sent, self._stall_since_s = 0, 0.0

    @property
    def is_full(self) -> bool:
        """Whether the client reads more slowly than we write."""
        return self._writable is not None

    @property
    def waiting_bytes(self) -> int:
        """How much the client has not read."""
        return self._transport.get_write_buffer_size()

    def fill(self) -> None:
        """The client reads more slowly than we write."""
        self._writable = asyncio.Event()

    def drain(self) -> None:
        """The client has caught up, or is gone."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    def write(self, data: bytes) -> None:
        """Write, whether the client reads or not."""
        self._written += len(data)
        self._transport.write(data)

    async def write_parts(self, parts: AsyncIterator[bytes], *, chunked: bool) -> None:
        """Write a stream to its end, as fast as the client reads, and let go of it whatever happens."""
        try:
            async for part in parts:
                if part:
                    self.write(encode_chunk(part) if chunked else part)
                if self._writable is not None:
                    await self._writable.wait()
            if chunked:
                self.write(LAST_CHUNK)
        finally:
            await release(parts)

    def is_stalled(self, now_s: float) -> bool:
        """Whether the client has not read what waits for it, or only drop by drop, for too long. Asked once a second."""
        waiting_bytes = self.waiting_bytes
        if not waiting_bytes:
            self._stall_since_s = 0.0
            return False
        sent = self._written - waiting_bytes
        if not self._stall_since_s or sent - self._stall_sent >= self._bounds.write_stall_bytes:
            self._stall_since_s, self._stall_sent = now_s, sent
            return False
        return now_s - self._stall_since_s >= self._bounds.write_stall_s


async def release(body: bytes | AsyncIterator[bytes]) -> None:
    """Let go of a body that is read no further."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
