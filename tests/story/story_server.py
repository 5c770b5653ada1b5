"""A real server process for the stories, and a client that speaks to it over a socket."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import quote

import msgspec

from holdfast.testing import Headers, Response
from holdfast.testing.client import Parts

STORY_APP = Path(__file__).with_name("story_library.py")
START_S = 30.0
STOP_S = 30.0

_SERVED = re.compile(r"served at http://([^:]+):(\d+)")


class WireClient:
    """Speaks HTTP/1.1 over one connection that is opened again when the server closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=20)

    def request(self, method: str, path: str, **parts: Unpack[Parts]) -> Response:
        """Send one request and read its answer."""
        body = parts.get("content")
        if parts.get("json") is not None:
            body = msgspec.json.encode(parts["json"])
        headers = dict(parts.get("headers") or {})
        if parts.get("json") is not None and "content-type" not in headers:
            headers["content-type"] = "application/json"
        self._connection.request(method, quote(path, safe="%/?:@!$&'()*+,;=~-._[]"), body=body, headers=headers)
        answer = self._connection.getresponse()
        return Response(answer.status, Headers(answer.getheaders()), answer.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass
class Server:
    """A server process that answers. Its clients are closed when it is left."""

    process: "subprocess.Popen[str]"
    host: str
    port: int
    data: Path
    log: Path
    clients: list[WireClient] = field(default_factory=list)

    def client(self) -> WireClient:
        """A connection of its own."""
        self.clients.append(WireClient(self.host, self.port))
        return self.clients[-1]

    def stop(self) -> int:
        """Ask the server to stop and wait until it has; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def lines(self) -> list[dict[str, Any]]:
        """What it logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def line_of(self, request_id: str) -> dict[str, Any]:
        """The log line of a request; lines are written in batches, so it is waited for."""
        until_s = time.monotonic() + 10
        while time.monotonic() < until_s:
            for line in self.lines():
                if line.get("request_id") == request_id:
                    return line
            time.sleep(0.05)
        raise AssertionError(f"no line of {request_id} in {self.log.read_text()}")


@contextmanager
def serving(data: Path, *flags: str, app: Path = STORY_APP, environ: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server on a free port, killed on leaving if it still runs."""
    log = data.with_name(f"{data.name}.log")
    command = [sys.executable, "-m", "holdfast", "serve", str(app), "--port", "0", "--data", str(data), *flags]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_") and name != "PORT"}
    with log.open("a") as stderr, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**clean, "HOLDFAST_RATE_LIMIT": "off", **(environ or {})}
    ) as process:  # fmt: skip
        try:
            host, port = _await_address(process, log)
            server = Server(process, host, port, data, log)
            yield server
            for each in server.clients:
                each.close()
        finally:
            if process.poll() is None:
                process.kill()


def _await_address(process: "subprocess.Popen[str]", log: Path) -> tuple[str, int]:
    assert process.stdout is not None
    for line in process.stdout:
        found = _SERVED.search(line)
        if found is not None:
            return found[1], int(found[2])
    raise AssertionError(f"the server did not start: {log.read_text()}")
