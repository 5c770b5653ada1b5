"""GET /changes: the committed changes in order, a page at a time or as server-sent events.

A listener reads its own next page when its client has taken the last one, so a slow one holds nothing but its place. They are asked
alone of the resources that new entries are about. Those who ask the same share one reading, whoever they are.
"""

from collections.abc import AsyncGenerator, Awaitable
from typing import NamedTuple

from holdfast.base.errors import HoldfastError
from holdfast.base.limits import PAGE_LIMIT_MAX
from holdfast.core.ask.journal import ChangesAsk, read_changes_query, read_sequence
from holdfast.core.ask.view import ViewReader
from holdfast.core.exchange import Reply
from holdfast.core.negotiate import prefers_events
from holdfast.core.permit import Grants
from holdfast.core.readings import ChangesPage, ReadChanges, Touched, Watched
from holdfast.core.reply import Replies, wrap_rows
from holdfast.engine.follower import HEARTBEAT_S, Follower
from holdfast.engine.places import Places
from holdfast.engine.request import Request
from holdfast.engine.shared import Shared
from holdfast.model.catalog import Catalog
from holdfast.ports.journal import Journal
from holdfast.ports.world import Clock

EVENTS_TYPE = "text/event-stream; charset=utf-8"
SHARED_MAX = 64  # readings of a kind that are shared, the newest; they are let go when the journal is seen to have moved, or nobody listens

_OPENING = b"retry: 2000\n\n"
_HEARTBEAT = b": still here\n\n"
_UNBUFFERED = ("x-accel-buffering", "no")

_Place = tuple[int, int]
"""The head of the journal, and the sequence after which to begin."""

_Question = tuple[int, int, tuple[tuple[str, Watched], ...]]
"""What a reading is asked: a place, and what is watched of the resources touched since, with every rule bound to its caller and its
instant.

The answer follows from these alone, so who asks the same may be told the same. The head is in it because a rule may look at other
records: what they are now is what the commits up to the head have made of them. It is read up to that head and no further: what is
committed meanwhile may touch a resource that was left out.
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
        self._touched: Shared[_Place, Touched] = Shared(SHARED_MAX)
        self._told: Shared[_Question, _Events] = Shared(SHARED_MAX)
        self.follower = Follower(journal.head, clock.monotonic_s, self._let_go)

    def read(self, request: Request, _body: bytes) -> Reply | Awaitable[Reply]:
        """GET the changes after a sequence: a page, or a stream of events for who prefers that."""
        if prefers_events(request.head.header("accept")):
            return self._listen(request)
        request.require_json_answer()
        ask = read_changes_query(request.query, self._views)
        known = request.known
        watched = {path: self._watch(known.grants, path) for path in self._readable(known.grants, ask.resource)}
        page = self._journal.read_changes(ReadChanges(ask.after or 0, ask.limit, watched, known.caller))
        return self._show(page, ask, request) if isinstance(page, ChangesPage) else self._show_later(page, ask, request)

    def _readable(self, grants: Grants, resource: str | None) -> list[str]:
        """The resources (by path) of which a caller may see changes. Raises Refused where there is none."""
        paths = self._views if resource is None else (resource,)
        readable = [path for path in paths if grants.on(self._catalog.resources[path]).may("read")]
        if not readable:
            raise grants.refusal()
        return readable

    def _watch(self, grants: Grants, path: str) -> Watched:
        return Watched(self._views[path].whole(grants.visible), grants.on(self._catalog.resources[path]).read)

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
        """The next page of a listener, as they are now, read once for all who ask the same; of no reading where nothing can be for them."""
        request.renew()
        known = request.known
        readable = self._readable(known.grants, resource)
        head = self._journal.head()
        touched = await self._touched.ask((head, after), lambda: self._journal.read_touched(after, head))
        watched = {path: self._watch(known.grants, path) for path in readable if path in touched.paths}
        if not watched:
            return _Events(b"", touched.upto, touched.upto == head)
        plan = ReadChanges(after, PAGE_LIMIT_MAX, watched, known.caller, head)
        return await self._told.ask((head, after, tuple(watched.items())), lambda: self._tell(plan))

    def _tell(self, plan: ReadChanges) -> _Events | Awaitable[_Events]:
        page = self._journal.read_changes(plan)
        return _write_events(page, plan) if isinstance(page, ChangesPage) else _write_later(page, plan)

    def _let_go(self) -> None:
        self._touched.clear()
        self._told.clear()


def _write_events(page: ChangesPage, plan: ReadChanges) -> _Events:
    text = "".join(f"id: {seq}\ndata: {text}\n\n" for seq, text in page.changes).encode()
    return _Events(text, page.next, page.next == plan.upto)


async def _write_later(waiting: Awaitable[ChangesPage], plan: ReadChanges) -> _Events:
    return _write_events(await waiting, plan)
