"""What one resource's routes do: from a whole request to plans, and from their outcome to a reply.

A handler does its steps in the order of refusals (docs/api.md): 406 and 415, then 400, then 422, then what the store finds.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.core.ask.cursor import Cursors
from holdfast.core.ask.lists import ListAsk, ListReader
from holdfast.core.ask.query import check_no_parameters
from holdfast.core.ask.records import CHANGING, CREATING_MANY, DELETING, READING, VIEWING, RecordReader
from holdfast.core.ask.view import ViewReader
from holdfast.core.condition import ALWAYS, Condition, Operator, Path, Test, conjoin
from holdfast.core.document import parse_json
from holdfast.core.entity_tag import Precondition, read_precondition, refuse_preconditions
from holdfast.core.exchange import Reply
from holdfast.core.idempotency import Answer, read_key
from holdfast.core.link import format_links
from holdfast.core.negotiate import check_content_type, prefers_minimal
from holdfast.core.permit import Grants
from holdfast.core.plan import Create, Page, ReadOne, Row
from holdfast.core.planning import BodyReaders, plan_create, plan_delete, plan_update
from holdfast.core.readings import ReadAsOf
from holdfast.core.record_reply import RecordReplies
from holdfast.core.reply import HeaderPolicy
from holdfast.core.validate import Changed, Created, InvalidBody, peek_version, read_version_alone
from holdfast.core.view import View
from holdfast.engine.commit import Committer, only_row
from holdfast.engine.faults import FaultFinder
from holdfast.engine.ids import RecordIds
from holdfast.engine.request import Handler, Request
from holdfast.engine.sealing import Judge, Sealing, sealing_for
from holdfast.model.catalog import Catalog, ResourceSpec, ReverseSpec
from holdfast.ports.journal import Journal
from holdfast.ports.store import Store
from holdfast.ports.world import Clock, Entropy, Secrets


class Records:
    """The handlers of one resource; made once at start, shared by every request."""

    def __init__(
        self,
        catalog: Catalog,
        resource: ResourceSpec,
        *,
        store: Store,
        journal: Journal,
        clock: Clock,
        entropy: Entropy,
        secrets: Secrets,
        cursors: Cursors,
        commits: Committer,
        policy: HeaderPolicy,
        judge: Judge | None = None,
    ) -> None:
        self.resource = resource
        self._catalog = catalog
        self._journal = journal
        self._store, self._clock, self._cursors = store, clock, cursors
        self._ids = RecordIds(clock, entropy)
        self._commits = commits
        views = ViewReader(catalog, resource)
        self._one = RecordReader(catalog, resource, views)
        self._many = ListReader(catalog, resource, cursors, views)
        self._bodies = BodyReaders(catalog)
        self._faults = FaultFinder(catalog, resource, store, views, judge)
        self._replies = RecordReplies(resource, policy)
        self.sealing = Sealing(resource, secrets, judge)

    # Reading

    def read(self, request: Request, _body: bytes) -> Reply | Awaitable[Reply]:
        """GET one record."""
        request.require_json_answer()
        grants, caller = request.known.grants, request.known.caller
        view, _, as_of = self._one.read_query(request.query, READING, visible=grants.visible)
        where = grants.on(self.resource).read
        started_s = self._clock.monotonic_s()
        if as_of is None:
            row = self._store.read_one(ReadOne(request.record_id, view, where, caller))
        else:
            row = self._journal.read_as_of(ReadAsOf(request.record_id, view, as_of, where, caller))
        if row is None or isinstance(row, Row):
            request.store_s = self._clock.monotonic_s() - started_s
            return self._show(row, view, request)
        return self._show_later(row, view, request)

    def _show(self, row: Row | None, view: View, request: Request) -> Reply:
        if row is None:
            raise Refused("not_found")
        return self._replies.read(row, view, request.request_id, request.head.headers.get("if-none-match"))

    async def _show_later(self, waiting: Awaitable[Row | None], view: View, request: Request) -> Reply:
        return self._show(await request.time_store(waiting), view, request)

    def list(self, request: Request, _body: bytes) -> Reply | Awaitable[Reply]:
        """GET a page of the records."""
        request.require_json_answer()
        return self._list(self._many.read_query(request.query, **_sight(request)), ALWAYS, request, links=True)

    def query(self, request: Request, body: bytes) -> Reply | Awaitable[Reply]:
        """POST .../query: a page of the records, asked for in JSON."""
        self._require_json(request)
        check_no_parameters(request.query)
        return self._list(self._many.read_json(parse_json(body), **_sight(request)), ALWAYS, request, links=False)

    def referring(self, parent: "Records", reverse: ReverseSpec) -> Handler:
        """The handler of GET /authors/{id}/books, on the records of books that show this caller their author."""
        path = Path(self.resource.by_member[reverse.member])

        async def handle(request: Request, _body: bytes) -> Reply:
            request.require_json_answer()
            parent_grant = request.grants.require("read", parent.resource)
            ask = self._many.read_query(request.query, **_sight(request), scope=request.path)
            record_id = request.record_id
            await parent._require_readable(record_id, parent_grant.read, request)  # noqa: SLF001 - the same class
            refers = Test(path, Operator.EQUALS, record_id)
            shown = request.grants.on(self.resource).seeing((reverse.member,))
            listed = self._list(ask, conjoin(*shown.values(), refers), request, links=True)
            return listed if isinstance(listed, Reply) else await listed

        return handle

    def _list(self, ask: ListAsk, guard: Condition, request: Request, *, links: bool) -> Reply | Awaitable[Reply]:
        started_s = self._clock.monotonic_s()
        where = conjoin(request.grants.on(self.resource).list, guard)
        page = self._store.read_many(ask.plan(where, request.known.caller))
        if isinstance(page, Page):
            request.store_s += self._clock.monotonic_s() - started_s
            return self._show_page(page, ask, request, links=links)
        return self._show_page_later(page, ask, request, links=links)

    def _show_page(self, page: Page, ask: ListAsk, request: Request, *, links: bool) -> Reply:
        cursor = ask.next_cursor(page, self._cursors)
        header = format_links(request.path, request.query, page=ask.page, limit=ask.limit, next_cursor=cursor) if links else ""
        return self._replies.page(page, ask, request.request_id, next_cursor=cursor, links=header)

    async def _show_page_later(self, waiting: Awaitable[Page], ask: ListAsk, request: Request, *, links: bool) -> Reply:
        return self._show_page(await request.time_store(waiting), ask, request, links=links)

    async def _require_readable(self, record_id: RecordId, where: Condition, request: Request) -> Row:
        row = self._store.read_one(ReadOne(record_id, self._one.default.view, where, request.known.caller))
        if row is not None and not isinstance(row, Row):
            row = await request.time_store(row)
        if row is None:
            raise Refused("not_found")
        return row

    # Writing

    async def create(self, request: Request, body: bytes) -> Reply:
        """POST one record."""
        view = self._open_create(request)

        def answer(rows: tuple[Row | None, ...]) -> Reply:
            return self._replies.created(only_row(rows), view, request.request_id, minimal=_minimal(request))

        bodies = self._bodies.read_by(request.grants, self.resource)
        return await self._create(lambda value: [bodies.read_create(value)], view, answer, request, body)

    async def create_many(self, request: Request, body: bytes) -> Reply:
        """POST .../bulk: an array of records, all or nothing."""
        view = self._open_create(request, CREATING_MANY)

        def answer(rows: tuple[Row | None, ...]) -> Reply:
            made = (row for row in rows if row is not None)
            return self._replies.created_many(made, request.request_id, minimal=_minimal(request))

        bodies = self._bodies.read_by(request.grants, self.resource)
        return await self._create(bodies.read_bulk, view, answer, request, body, step_prefix="[{}]")

    def _open_create(self, request: Request, parameters: tuple[str, ...] = VIEWING) -> View:
        self._require_json(request)
        refuse_preconditions(request.head.headers, "Leave them out: a new record has no version yet, and an id that is taken is 409.")
        return self._one.read_query(request.query, parameters, visible=request.grants.visible).view

    async def _create(
        self, read: Callable[[Any], Sequence[Created]], view: View, answer: Answer, request: Request, body: bytes, step_prefix: str = ""
    ) -> Reply:
        key = read_key(request.head)
        value = parse_json(body)
        created: Sequence[Created] = ()
        try:
            created = read(value)
            self._faults.judge_create(created, step_prefix)
            sent = value if isinstance(value, list) else [value]
            async with sealing_for(request, self.sealing.count_hashes(each.values for each in created)):
                steps = tuple([await self._plan_create(each, said, view, request.grants) for each, said in zip(created, sent, strict=True)])
            return await self._commits.commit(steps, answer, request, key=key, body=value, step_prefix=step_prefix)
        except Refused as refused:
            sound = refused.created if isinstance(refused, InvalidBody) else created
            raise await self._faults.complete_create(refused, sound, step_prefix, request.grants) from refused

    async def replace(self, request: Request, body: bytes) -> Reply:
        """PUT one record."""
        self._require_json(request)
        return await self._change(self._bodies.read_by(request.grants, self.resource).read_replace, request, body)

    async def patch(self, request: Request, body: bytes) -> Reply:
        """PATCH one record with a JSON merge patch."""
        self._require_json(request, patch=True)
        return await self._change(self._bodies.read_by(request.grants, self.resource).read_patch, request, body)

    async def delete(self, request: Request, body: bytes) -> Reply:
        """DELETE one record; a body may say the version."""
        request.require_json_answer()
        if body:
            check_content_type(request.head.header("content-type"))
        ask, key = self._one.read_query(request.query, DELETING), read_key(request.head)
        value = parse_json(body) if body else {}
        expected = self._expect(ask.version, value, request)
        read_version_alone(value)
        step = plan_delete(request.grants, request.record_id, self._one.default.view, expected)

        def answer(_rows: tuple[Row | None, ...]) -> Reply:
            return self._replies.deleted(request.request_id, minimal=_minimal(request))

        return await self._commits.commit((step,), answer, request, key=key, body=value)

    async def _change(self, read: Callable[[Any], Changed], request: Request, body: bytes) -> Reply:
        grants, key = request.grants, read_key(request.head)
        view, query_version, _ = self._one.read_query(request.query, CHANGING, visible=grants.visible)
        value = parse_json(body)
        record_id, expected = request.record_id, self._expect(query_version, value, request)

        def answer(rows: tuple[Row | None, ...]) -> Reply:
            return self._replies.changed(only_row(rows), view, request.request_id, minimal=_minimal(request))

        changed: Changed | None = None
        try:
            changed = read(value)
            async with sealing_for(request, self.sealing.count_hashes([changed.assign])):
                assign = await self.sealing.seal(changed.assign)
            step = plan_update(grants, record_id, view, changed._replace(assign=dict(assign)), expected)
            return await self._commits.commit((step,), answer, request, key=key, body=value)
        except Refused as refused:
            sound = refused.changed if isinstance(refused, InvalidBody) else changed
            raise await self._faults.complete_change(refused, sound, record_id, expected, grants) from refused

    def _expect(self, query_version: int | None, value: Any, request: Request) -> Precondition:
        """The version that the caller has read, before the rest of the body is judged: what cannot be understood is told first."""
        head, required = request.head, self.resource.require_version
        if_none_match = head.header("if-none-match")
        return read_precondition(
            head.header("if-match"), query_version, peek_version(value), required=required, if_none_match=if_none_match
        )

    async def _plan_create(self, created: Created, sent: Any, view: View, grants: Grants) -> Create:
        values = dict(await self.sealing.seal(created.values))
        return plan_create(grants, created.id or self.make_id(), view, Created(created.id, values), sent)

    def make_id(self) -> RecordId:
        """The id of the next new record."""
        return self._ids.make()

    # What every handler needs

    def _require_json(self, request: Request, *, patch: bool = False) -> None:
        request.require_json_answer()
        check_content_type(request.head.header("content-type"), patch=patch)


def _sight(request: Request) -> dict[str, Any]:
    """What a list depends on beside what is asked: what its caller may see, and who that is."""
    return {"visible": request.grants.visible, "caller": request.actor.id or ""}


def _minimal(request: Request) -> bool:
    return prefers_minimal(request.head.header("prefer"))
