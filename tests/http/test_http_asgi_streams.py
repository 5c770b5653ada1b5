"""Event streams under a foreign server: however it lets go of one, the caller's place is free again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast import Access, Backend, Resource, anyone
from holdfast.app.worker import open_worker
from holdfast.core.readings import Touched
from holdfast.engine import places
from holdfast.http.asgi import AsgiDoor
from holdfast.settings import Settings
from holdfast.store.sqlite.readings import SqliteJournal


class Note(Resource):
    """What everybody may read."""

    text: str

    access = Access(read=anyone, write=anyone)


class Server:
    """A foreign server with one client, who asks for a stream.

    failing  the kind of message at which sending to the client fails
    """

    def __init__(self, door: AsgiDoor, failing: str = "") -> None:
        self.sent: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self._begun, self._failing = asyncio.Event(), failing
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/api/v1/changes", "headers": [(b"accept", b"text/event-stream")]}
        self.answering = asyncio.create_task(door(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == self._failing:
            raise OSError("the client is gone")
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self._begun.set()

    async def begin(self) -> int:
        """Wait until the stream has begun, or was refused: its status."""
        async with asyncio.timeout(10):
            await self._begun.wait()
        status: int = self.sent[0]["status"]
        return status

    async def end(self) -> None:
        """Wait until the door is through, whatever it came to."""
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self.answering


async def _client_leaves(door: AsgiDoor) -> None:
    server = Server(door)
    assert await server.begin() == 200
    server.left.set()
    await server.end()


async def _client_is_gone_already(door: AsgiDoor) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteJournal, "read_touched", lambda *_: asyncio.Future[Touched]())
        server = Server(door)
        server.left.set()
        await server.end()
    assert not server.sent


async def _head_cannot_be_sent(door: AsgiDoor) -> None:
    await Server(door, "http.response.start").end()


async def _body_cannot_be_sent(door: AsgiDoor) -> None:
    await Server(door, "http.response.body").end()


async def _server_cancels(door: AsgiDoor) -> None:
    server = Server(door)
    assert await server.begin() == 200
    server.answering.cancel()
    await server.end()


@pytest.mark.parametrize("end", [_client_leaves, _client_is_gone_already, _head_cannot_be_sent, _body_cannot_be_sent, _server_cancels])
def test_a_place_is_free_again_under_a_foreign_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[AsgiDoor], Awaitable[None]]
) -> None:
    """A caller of one place has it again when their client left, could not be reached, or the server gave them up."""
    monkeypatch.setattr(places, "STREAMS_PER_CALLER_MAX", 1)
    catalog = Backend(Note).catalog
    settings = Settings(data=tmp_path, rate_limit="off")

    async def story() -> None:
        door = AsgiDoor(lambda _slot: open_worker(catalog, settings, development=True, quiet=True))
        async with door.running(), asyncio.timeout(10):
            await end(door)
            while await (held := Server(door)).begin() != 200:
                await held.end()
            assert await Server(door).begin() == 429
            held.left.set()
            await held.end()

    asyncio.run(story())
