"""Clients that leave: whatever a write waits for when its client goes, it is made wholly or not at all, and its key tells which."""

import asyncio
import json
import time
from collections.abc import Awaitable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from holdfast import Access, Backend, Ref, Resource, anyone, field
from holdfast.app.worker import Worker, open_worker
from holdfast.core.exchange import Head, Reply
from holdfast.settings import Settings
from holdfast.store.sqlite.turn import Turn

TURNS = 8
"""Turns of the loop after which the client leaves, at most: more than any write takes until it waits for the disk."""

OPEN = Access(read=anyone, write=anyone)
_numbers = count()


class Box(Resource):
    name: str = field(search=True)
    code: str | None = field(default=None, secret="encrypted")  # noqa: S106  # how it is kept

    access = OPEN


class Item(Resource, require_version=False):
    name: str
    box: Ref[Box] = field(on_delete="cascade")

    access = OPEN


BACKEND = Backend(Box, Item)

Ask = tuple[str, str, Any]


def start(worker: Worker, ask: Ask, key: str) -> "asyncio.Future[Reply]":
    """Send a request; its future is what the door would wait for."""
    method, path, value = ask
    body = b"" if value is None else json.dumps(value).encode()
    headers = {"content-type": "application/json", "idempotency-key": key}
    opened = worker.service.open(Head(method, f"/api/v1{path}", headers, "127.0.0.1", bool(body), time.monotonic()))
    assert not isinstance(opened, Reply)
    answer = opened.answer(body)
    assert isinstance(answer, Awaitable)
    return asyncio.ensure_future(answer)


async def send(worker: Worker, ask: Ask, key: str | None = None) -> Reply:
    """Send a request and wait for its answer."""
    return await start(worker, ask, key or f"key{next(_numbers)}")


async def count_of(worker: Worker, path: str) -> int:
    """The total of a list."""
    opened = worker.service.open(Head("GET", f"/api/v1{path}", {}, "127.0.0.1", has_body=False, received_s=time.monotonic()))
    assert not isinstance(opened, Reply)
    reply = opened.answer(b"")
    reply = reply if isinstance(reply, Reply) else await reply
    assert isinstance(reply.body, bytes)
    total: int = json.loads(reply.body)["meta"]["total"]
    return total


async def make_box(worker: Worker, name: str, items: int = 0) -> str:
    """A record to work on, with others that go with it."""
    reply = await send(worker, ("POST", "/boxes", {"name": name}))
    assert isinstance(reply.body, bytes)
    box_id: str = json.loads(reply.body)["data"]["id"]
    for _ in range(items):
        assert (await send(worker, ("POST", "/items", {"name": name, "box_id": box_id}))).status == 201
    return box_id


async def _create(_worker: Worker, name: str) -> tuple[Ask, str, int]:
    return ("POST", "/boxes", {"name": name, "code": "x"}), f"/boxes?name={name}", 1


async def _bulk(_worker: Worker, name: str) -> tuple[Ask, str, int]:
    return ("POST", "/boxes/bulk", [{"name": name}] * 3), f"/boxes?name={name}", 3


async def _patch(worker: Worker, name: str) -> tuple[Ask, str, int]:
    box_id = await make_box(worker, "plain")
    return ("PATCH", f"/boxes/{box_id}?version=1", {"name": name}), f"/boxes?name={name}", 1


async def _delete(worker: Worker, name: str) -> tuple[Ask, str, int]:
    box_id = await make_box(worker, name, items=2)
    return ("DELETE", f"/boxes/{box_id}?version=1", None), f"/items?name={name}", -2


async def _batch(_worker: Worker, name: str) -> tuple[Ask, str, int]:
    first = {"method": "POST", "path": "/boxes", "as": "a", "body": {"name": name, "code": "x"}}
    then = {"method": "POST", "path": "/items", "body": {"name": name, "box_id": "$a.id"}}
    return ("POST", "/batch", {"operations": [first, then, then]}), f"/items?name={name}", 2


@pytest.mark.parametrize("busy", [False, True], ids=["free", "held"])
@pytest.mark.parametrize("make", [_create, _bulk, _patch, _delete, _batch])
def test_a_client_that_leaves_has_written_all_or_nothing(tmp_path: Path, make: Any, busy: bool) -> None:  # noqa: FBT001  # a parameter
    """At each turn of the loop: before or after, nothing in between; the repeat under the key ends with exactly one write.

    Where the writer waits for its turn the request is taken out of the queue, and nothing is written.
    """
    settings = Settings(data=tmp_path, rate_limit="off", login_rate_limit="off")

    async def story() -> None:
        async with open_worker(BACKEND.catalog, settings, quiet=True) as worker:
            for turns in range(1, TURNS):
                await leave_after(worker, turns)

    async def leave_after(worker: Worker, turns: int) -> None:
        name, key = f"n{next(_numbers)}", f"key{next(_numbers)}"
        ask, path, change = await make(worker, name)
        before = await count_of(worker, path)
        with ExitStack() as held:
            if busy:
                held.enter_context(turn)
            going = start(worker, ask, key)
            for _ in range(turns):
                await asyncio.sleep(0)
            left = going.cancel()
            await asyncio.wait([going])
        assert (await send(worker, ("POST", "/boxes", {"name": "after"}))).status == 201
        assert left or not busy
        assert await count_of(worker, path) - before in ((0,) if busy else (0, change))
        first, again = await send(worker, ask, key), await send(worker, ask, key)
        assert first.status in (200, 201)
        assert (again.status, again.body) == (first.status, first.body)
        assert ("idempotency-replayed", "true") in again.headers
        assert await count_of(worker, path) == before + change
        assert worker.service.in_flight == 0

    turn = Turn(tmp_path)
    try:
        asyncio.run(story())
    finally:
        turn.close()
