"""A client over a real socket, which tells what it knows: done, not done, or nothing certain."""

import asyncio
import json
from contextlib import suppress
from typing import Any, NamedTuple

from chaos.history import Answer, Ask, Content, Told

TIMEOUT_S = 20.0
_TOLD: dict[str, Told] = {
    "not_found": "missing",
    "version_conflict": "stale",
    "unique_conflict": "taken",
    "outcome_unknown": "unknown",
    "overloaded": "refused",
    "unavailable": "refused",
    "deadline_exceeded": "refused",
}


class Got(NamedTuple):
    """An answer as it came."""

    status: int
    body: dict[str, Any]
    closes: bool


class Lost(Exception):
    """No answer came. `sent`: the request may have been received."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("sent" if sent else "not sent")
        self.sent = sent


class Client:
    """One connection, opened when it is needed and again after it was lost. `errors` keeps every answer of 500."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.errors: list[dict[str, Any]] = []

    async def do(self, ask: Ask, key: str | None = None) -> Answer:
        """Perform an ask (history.Do), with an idempotency key where one is given."""
        method, target, body = _render(ask)
        headers = {} if ask.expected is None else {"If-Match": f'"{ask.expected}"'}
        if ask.expected is None and ask.kind in ("replace", "patch", "delete"):
            headers["If-Match"] = "*"
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            got = await asyncio.wait_for(self.request(method, target, headers, body), TIMEOUT_S)
        except Lost as lost:
            return Answer("unknown" if lost.sent else "refused")
        except TimeoutError:
            self.close()
            return Answer("unknown")
        return self._read(got)

    async def request(self, method: str, target: str, headers: dict[str, str], body: dict[str, Any] | None) -> Got:
        """Send one request and receive its answer. Raises Lost."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        try:
            reader, writer = self._streams or await self._connect()
        except OSError as error:
            raise Lost(sent=False) from error
        try:
            writer.write("\r\n".join((*lines, "", "")).encode() + content)
            await writer.drain()
            got = await _receive(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Lost(sent=True) from error
        if got.closes:
            self.close()
        return got

    def close(self) -> None:
        """Close the connection."""
        streams, self._streams = self._streams, None
        if streams is not None:
            with suppress(OSError):
                streams[1].close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams

    def _read(self, got: Got) -> Answer:
        if got.body["success"]:
            data = got.body["data"]
            return Answer("ok", None if data is None else Content(data["version"], data["number"], data["text"]))
        if got.body["error"]["code"] not in _TOLD:
            self.errors.append(got.body["error"])
            return Answer("unknown")
        return Answer(_TOLD[got.body["error"]["code"]])


def _render(ask: Ask) -> tuple[str, str, dict[str, Any] | None]:
    one = f"/api/v1/registers/{ask.register}"
    match ask.kind:
        case "create":
            return "POST", "/api/v1/registers", {"id": ask.register, "number": ask.number, "text": ask.text}
        case "read":
            return "GET", one, None
        case "replace":
            return "PUT", one, {"number": ask.number, "text": ask.text}
        case "patch":
            return "PATCH", one, {"number": ask.number}
        case "delete":
            return "DELETE", one, None


async def _receive(reader: asyncio.StreamReader) -> Got:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = json.loads(await reader.readexactly(int(fields["content-length"])))
    return Got(int(head[0].split(" ")[1]), body, fields.get("connection") == "close")
