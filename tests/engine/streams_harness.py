"""What the tests of event streams share: a real worker on a database of its own, and who listens to it."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holdfast import Backend
from holdfast.app.worker import Worker, open_worker
from holdfast.core.exchange import Head, Reply
from holdfast.settings import Settings

HEARD_S = 10.0
PASSWORD = "correct horse battery"  # noqa: S105  # of nobody


class Listener:
    """One who reads a stream as a door does, until it ends or they leave."""

    def __init__(self, reply: Reply) -> None:
        assert reply.status == 200, reply
        assert isinstance(reply.body, AsyncGenerator)
        self._text = ""
        self._more = asyncio.Event()
        self._body = reply.body
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for part in self._body:
            self._text += part.decode()
            self._more.set()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was heard so far."""
        return [json.loads(line[6:]) for line in self._text.splitlines() if line.startswith("data: ")]

    async def hear(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many events."""
        async with asyncio.timeout(HEARD_S):
            while len(self.events) < count:
                self._more.clear()
                await self._more.wait()
        return self.events

    async def end(self) -> None:
        """Wait until the stream has ended by itself."""
        async with asyncio.timeout(HEARD_S):
            await self._reading

    async def leave(self) -> None:
        """Leave, as the door of a client who is gone does."""
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._body.aclose()


class Served:
    """A worker, and who asks it."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def start(self, method: str, path: str, body: Any = None, *, peer: str = "127.0.0.1", **headers: str) -> Awaitable[Reply]:
        """Send a request: what a door would wait for."""
        content = b"" if body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content:
            sent["content-type"] = "application/json"
        opened = self.worker.service.open(Head(method, f"/api/v1{path}", sent, peer, bool(content), time.monotonic()))
        answer = opened if isinstance(opened, Reply) else opened.answer(content)
        return _soon(answer) if isinstance(answer, Reply) else answer

    async def ask(self, method: str, path: str, body: Any = None, *, peer: str = "127.0.0.1", **headers: str) -> Reply:
        """Send a request and wait for its answer."""
        return await self.start(method, path, body, peer=peer, **headers)

    async def make(self, path: str, token: str | None = None, **members: Any) -> None:
        """Make a record."""
        reply = await self.ask("POST", path, members, **bearing(token))
        assert reply.status == 201, reply

    async def open(self, query: str = "", token: str | None = None, *, peer: str = "127.0.0.1") -> Reply:
        """Ask for a stream."""
        return await self.ask("GET", f"/changes{query}", peer=peer, accept="text/event-stream", **bearing(token))

    async def listen(self, query: str = "", token: str | None = None) -> Listener:
        """Begin to listen."""
        return Listener(await self.open(query, token))

    async def sign_in(self, email: str) -> str:
        """A session of a user: its access token."""
        reply = await self.ask("POST", "/auth/login", {"email": email, "password": PASSWORD})
        token: str = body_of(reply)["data"]["access_token"]
        return token


def bearing(token: str | None) -> dict[str, str]:
    """The header that a token is sent in."""
    return {} if token is None else {"authorization": f"Bearer {token}"}


def body_of(reply: Reply) -> dict[str, Any]:
    """The body of a reply as JSON."""
    assert isinstance(reply.body, bytes)
    parsed: dict[str, Any] = json.loads(reply.body)
    return parsed


async def _soon(reply: Reply) -> Reply:
    return reply


@asynccontextmanager
async def working(data: Path, backend: Backend) -> AsyncIterator[Served]:
    """A worker that runs, and that stops as a server does."""
    settings = Settings(data=data, rate_limit="off", login_rate_limit="off")
    async with open_worker(backend.catalog, settings, development=True, quiet=True) as worker:
        yield Served(worker)
        worker.draining()
