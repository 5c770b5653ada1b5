"""GET /changes: the committed changes in order, a page at a time or as server-sent events.

A listener reads its own next page when its client has taken the last one, so a slow one holds nothing but its place. Those who ask the
same share one reading, whoever they are.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.base.limits import PAGE_LIMIT_MAX
from holdfast.core.ask.journal import ChangesAsk, read_changes_query, read_sequence
from holdfast.core.ask.view import ViewReader
from holdfast.core.exchange import Reply
from holdfast.core.negotiate import prefers_events
from holdfast.core.permit import Grants
from holdfast.core.readings import ChangesPage, ReadChanges, Watched
from holdfast.core.reply import Replies, wrap_rows
from holdfast.engine.follower import HEARTBEAT_S, Follower
from holdfast.engine.places import Places
from holdfast.engine.request import Request
from holdfast.model.catalog import Catalog
from holdfast.ports.journal import Journal
from holdfast.ports.world import Clock

EVENTS_TYPE = "text/event-stream; charset=utf-8"
SHARED_MAX = 64  # readings that listeners may share, the newest; they are let go when the journal is seen to have moved, or nobody listens

_OPENING = b"retry: 2000\n\n"
_HEARTBEAT = b": still here\n\n"
_UNBUFFERED = ("x-accel-buffering", "no")

_Question = tuple[int, int, tuple[tuple[str, Watched], ...]]
"""What a reading is asked: the head of the journal, the sequence after which to begin, and what is watched, with every rule bound to its
caller and its instant.

The answer follows from these alone, so who asks the same may be told the same. The head is in it because a rule may look at other
records: what they are now is what the commits up to the head have made of them.
"""


class _Events(NamedTuple):
    """What a listener is sent of one page, and where it stands then."""

    text: bytes
    next: int
    is_all: bool


class Changes:
    """The handler of the route; made once at start, in the loop that serves it."""

    def __init__(self, catalog: Catalog, *, journal: Journal, clock: Clock, replies: Replies) -> None:
        self._journal, self._clock, self._replies = journal, clock, replies
        self._catalog = catalog
        self._views = {path: ViewReader(catalog, each) for path, each in catalog.resources.items()}
        self._json = replies.policy.block()
        self._events = replies.policy.block(content_type=EVENTS_TYPE)
        self._places = Places()
        self._shared: dict[_Question, asyncio.Future[_Events]] = {}
        self.follower = Follower(journal.head, clock.monotonic_s, self._shared.clear)

    def read(self, request: Request, _body: bytes) -> Reply | Awaitable[Reply]:
        """GET the changes after a sequence: a page, or a stream of events for who prefers that."""
        if prefers_events(request.head.header("accept")):
            return self._listen(request)
        request.require_json_answer()
        ask = read_changes_query(request.query, self._views)
        known = request.known
        page = self._journal.read_changes(ReadChanges(ask.after or 0, ask.limit, self._watch(known.grants, ask.resource), known.caller))
        return self._show(page, ask, request) if isinstance(page, ChangesPage) else self._show_later(page, ask, request)

    def _watch(self, grants: Grants, resource: str | None) -> Mapping[str, Watched]:
        """What a caller may see of the changes. Raises Refused where that is nothing, whatever happens."""
        paths = self._views if resource is None else (resource,)
        seen = {path: grants.on(self._catalog.resources[path]) for path in paths}
        watched = {path: Watched(self._views[path].whole(grants.visible), grant.read) for path, grant in seen.items() if grant.may("read")}
        if not watched:
            raise grants.refusal()
        return watched

    def _show(self, page: ChangesPage, ask: ChangesAsk, request: Request) -> Reply:
        meta = f'{{"limit":{ask.limit},"next":{page.next},"head":{page.head}}}'
        body = wrap_rows((text for _, text in page.changes), meta)
        return Reply(200, body, (("x-request-id", request.request_id),), self._json)

    async def _show_later(self, waiting: Awaitable[ChangesPage], ask: ChangesAsk, request: Request) -> Reply:
        return self._show(await request.time_store(waiting), ask, request)

    # Listening

    async def _listen(self, request: Request) -> Reply:
        """Begin a stream. Its place is taken and its first page is read beforehand: either may be refused."""
        stream = self._stream(request)
        await anext(stream)
        return Reply(200, stream, (("x-request-id", request.request_id), _UNBUFFERED), self._events)

    async def _stream(self, request: Request) -> AsyncGenerator[bytes]:
        """The events for one listener, after Last-Event-ID, else `after`, else from now on, behind an empty part.

        Who has that part has a stream that was begun: it gives its place back however it ends, even if it is only let go.
        """
        with self._places.hold(request.quota_key), self.follower.listening():
            ask = read_changes_query(request.query, self._views)
            after = self._first(request, ask)
            await self._next_events(request, ask.resource, after)
            yield b""
            yield _OPENING
            sent_s = self._clock.monotonic_s()
            while not self.follower.ended:
                heard = self.follower.news
                try:
                    events = await self._next_events(request, ask.resource, after)
                except HoldfastError:
                    return  # the client comes back with Last-Event-ID, and is told then what is wrong
                after = events.next
                now_s = self._clock.monotonic_s()
                if events.text or now_s - sent_s >= HEARTBEAT_S:
                    yield events.text or _HEARTBEAT
                    sent_s = now_s
                await self.follower.go_on(heard if events.is_all else None)

    def _first(self, request: Request, ask: ChangesAsk) -> int:
        """The sequence after which a stream begins."""
        last = request.head.header("last-event-id")
        if last is not None:
            return read_sequence(last)
        return self._journal.head() if ask.after is None else ask.after

    async def _next_events(self, request: Request, resource: str | None, after: int) -> _Events:
        """The next page of a listener, as they are now, read once for all who ask the same."""
        request.renew()
        known = request.known
        watched = self._watch(known.grants, resource)
        question = (self._journal.head(), after, tuple(watched.items()))
        reading = self._shared.get(question)
        if reading is None:
            reading = asyncio.ensure_future(self._read_events(ReadChanges(after, PAGE_LIMIT_MAX, watched, known.caller)))
            self._share(question, reading)
        return await asyncio.shield(reading)

    def _share(self, question: _Question, reading: asyncio.Future[_Events]) -> None:
        """Let others have a reading too; one that fails is for those who wait for it already, and the next is tried anew."""

        def drop_failed(done: asyncio.Future[_Events]) -> None:
            if (done.cancelled() or done.exception() is not None) and self._shared.get(question) is done:
                del self._shared[question]

        if len(self._shared) >= SHARED_MAX:
            del self._shared[next(iter(self._shared))]
        self._shared[question] = reading
        reading.add_done_callback(drop_failed)

    async def _read_events(self, plan: ReadChanges) -> _Events:
        found = self._journal.read_changes(plan)
        page = found if isinstance(found, ChangesPage) else await found
        text = "".join(f"id: {seq}\ndata: {text}\n\n" for seq, text in page.changes).encode()
        return _Events(text, page.next, page.next >= page.head)
