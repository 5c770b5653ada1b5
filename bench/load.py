"""A load generator: keep-alive connections, each sending its next prebuilt request as soon as the last answer is whole.

Run as its own process, pinned away from the server, so that neither steals the other's core:

    python -m bench.load PORT[,PORT...] CONNECTIONS SECONDS REQUESTS_FILE

Connections go to the ports in turn.
REQUESTS_FILE holds length-prefixed raw requests (4 bytes, big-endian), sent round robin. Prints one JSON line: counts and latencies.
"""

import asyncio
import itertools
import json
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop


class Counter:
    """What all connections of one run add up."""

    def __init__(self, requests: list[bytes]) -> None:
        self.requests = requests
        self.next = 0
        self.statuses: dict[int, int] = {}
        self.latencies_s: list[float] = []
        self.ends_at = 0.0
        self.bytes_in = 0

    def take(self) -> bytes:
        """The next request of the round."""
        request = self.requests[self.next % len(self.requests)]
        self.next += 1
        return request


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request in flight."""

    def __init__(self, counter: Counter, closed: asyncio.Future[None]) -> None:
        self.counter = counter
        self.closed = closed
        self.buffer = b""
        self.missing = 0
        self.status = 0
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the next request, or close once time is up."""
        now = time.perf_counter()
        if now >= self.counter.ends_at:
            self.transport.close()
            return
        self.sent_at = now
        self.transport.write(self.counter.take())  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        self.counter.bytes_in += len(data)
        if self.missing:
            self.missing -= len(data)
        else:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self.status = int(self.buffer[9:12])
            head = self.buffer[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            self.missing = end + 4 + length - len(self.buffer)
            self.buffer = b""
        if self.missing == 0:
            self.counter.latencies_s.append(time.perf_counter() - self.sent_at)
            self.counter.statuses[self.status] = self.counter.statuses.get(self.status, 0) + 1
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


async def drive(ports: Sequence[int], connections: int, seconds: float, requests: list[bytes]) -> dict[str, object]:
    """Load the servers at these ports and report requests per second, statuses and latencies in milliseconds."""
    loop = asyncio.get_running_loop()
    counter = Counter(requests)
    closed = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    counter.ends_at = started + seconds
    for each, port in zip(closed, itertools.cycle(ports), strict=False):
        await loop.create_connection(lambda each=each: Connection(counter, each), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*closed)
    elapsed = time.perf_counter() - started
    ordered = sorted(counter.latencies_s)
    answered = len(ordered)
    return {
        "requests": answered,
        "per_s": answered / elapsed,
        "statuses": counter.statuses,
        "p50_ms": ordered[answered // 2] * 1000 if answered else 0,
        "p95_ms": ordered[answered * 95 // 100] * 1000 if answered else 0,
        "p99_ms": ordered[answered * 99 // 100] * 1000 if answered else 0,
        "bytes": counter.bytes_in,
    }


def read_requests(path: Path) -> list[bytes]:
    """Read length-prefixed requests."""
    data, at, requests = path.read_bytes(), 0, []
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        requests.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return requests


def write_requests(path: Path, requests: list[bytes]) -> None:
    """Write length-prefixed requests."""
    path.write_bytes(b"".join(struct.pack(">I", len(each)) + each for each in requests))


if __name__ == "__main__":
    ports, connections, seconds, file = sys.argv[1].split(","), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    sys.stdout.write(json.dumps(uvloop.run(drive([int(each) for each in ports], connections, seconds, read_requests(file)))) + "\n")
