"""The host: a thread in which the real service runs and answers requests that never were on a wire."""

import asyncio
import itertools
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.worker import Worker, open_worker
from holdfast.base.errors import Refused
from holdfast.base.observe import Observation
from holdfast.core.exchange import Exchange, Head, Reply
from holdfast.http.bounds import Bounds
from holdfast.http.head import END_OF_HEAD, HeadReader
from holdfast.http.wire import BODILESS, encode_headers
from holdfast.model.catalog import Catalog
from holdfast.settings import Settings
from holdfast.testing.response import Headers, Response

ANSWER_S = 60.0
"""No answer takes longer: the deadline of a request is far below."""

_PEER = "127.0.0.1"
_BOUNDS = Bounds()


class Host:
    """A thread with a loop in which the service runs. It knows nothing of the Client, so that a forgotten one can be collected."""

    def __init__(self, catalog: Catalog, settings: Mapping[str, Any]) -> None:
        folder = None if "data" in settings else Path(tempfile.mkdtemp(prefix="holdfast-test-"))
        self._delete = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True) if folder else lambda: None
        self._causes = _Causes()
        self._key_numbers = itertools.count(1)
        self._opened: Future[tuple[Worker, asyncio.AbstractEventLoop]] = Future()
        self._ended = asyncio.Event()
        try:
            built = _build_settings(settings, folder)
            self._thread = threading.Thread(target=self._run, args=(catalog, built), name="holdfast-test", daemon=True)
            self._thread.start()
            self._worker, self._loop = self._opened.result()
        except BaseException:
            self._delete()
            raise

    def answer(self, head: bytes, body: bytes) -> Response:
        """Answer a request, from any thread but that of the service."""
        if not self._thread.is_alive():
            raise RuntimeError("this client is closed")
        return asyncio.run_coroutine_threadsafe(self._answer(head, body), self._loop).result(ANSWER_S)

    def add_key(self, roles: Sequence[str]) -> str:
        """Make a key with these roles; the key itself. From any thread but that of the service."""
        name = f"test-{next(self._key_numbers)}"
        adding = self._worker.roster.add_key(name, roles, None, {})
        return asyncio.run_coroutine_threadsafe(adding, self._loop).result(ANSWER_S)

    def close(self) -> None:
        """Stop the service and delete the folder that was made for it."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._delete()

    def _run(self, catalog: Catalog, settings: Settings) -> None:
        try:
            asyncio.run(self._serve(catalog, settings))
        except BaseException as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _serve(self, catalog: Catalog, settings: Settings) -> None:
        async with open_worker(catalog, settings, development=True, quiet=True, listeners=(self._causes,)) as worker:
            self._opened.set_result((worker, asyncio.get_running_loop()))
            await self._ended.wait()
            worker.draining()

    async def _answer(self, raw: bytes, body: bytes) -> Response:
        """What the door does (holdfast.http.protocol), with a body that has arrived already."""
        service = self._worker.service
        try:
            method, target, fields = HeadReader(_BOUNDS).read(raw, raw.index(END_OF_HEAD))
        except Refused as refused:
            return await self._show(service.refuse(refused.code, refused.message, hint=refused.hint, peer=_PEER))
        opened = service.open(Head(method, target, fields.headers, _PEER, fields.has_body, time.monotonic()))
        return await self._show(opened if isinstance(opened, Reply) else await _exchange(opened, body))

    async def _show(self, reply: Reply) -> Response:
        content = reply.body if isinstance(reply.body, bytes) else b"".join([part async for part in reply.body])
        lines = (reply.fixed + encode_headers(reply.headers) + reply.lines).decode("latin-1").split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]
        if reply.status not in BODILESS:
            headers.append(("content-length", str(len(content))))
        shown = Headers(headers)
        silent = reply.bare or reply.status in BODILESS
        return Response(reply.status, shown, b"" if silent else content, self._causes.take_out(shown.get("x-request-id", "")))


class _Causes:
    """Keeps why requests failed on our side, until their answers are made (engine.observer.Listener)."""

    def __init__(self) -> None:
        self._causes: dict[str, str] = {}

    def take(self, batch: Sequence[Observation]) -> None:
        """Keep the causes of a batch."""
        self._causes.update((each.request_id, each.cause) for each in batch if each.cause is not None)

    def take_out(self, request_id: str) -> str | None:
        """The cause of a request, told once."""
        return self._causes.pop(request_id, None)

    def beat(self) -> None:
        """Nothing is due."""

    def close(self) -> None:
        """Nothing is held."""


async def _exchange(exchange: Exchange, body: bytes) -> Reply:
    if len(body) > exchange.body_bytes_max:
        return exchange.refuse("payload_too_large")
    reply = exchange.answer(body)
    return reply if isinstance(reply, Reply) else await reply


def _build_settings(given: Mapping[str, Any], folder: Path | None) -> Settings:
    """The settings, judged as those of a file are."""
    settings = Settings(**{"data": folder, "rate_limit": "off", "login_rate_limit": "off", **given})
    return msgspec.convert(msgspec.structs.asdict(settings), Settings, strict=False, dec_hook=lambda _, value: Path(value))
