"""What one resource's routes do with the journal: the history of a record, and undeleting it."""

from collections.abc import Awaitable
from typing import Any

from holdfast.base.errors import Refused, detail
from holdfast.core.ask.journal import read_history_query
from holdfast.core.ask.records import CHANGING, RecordReader
from holdfast.core.document import parse_json
from holdfast.core.entity_tag import read_precondition
from holdfast.core.exchange import Reply
from holdfast.core.idempotency import read_key
from holdfast.core.negotiate import check_content_type, prefers_minimal
from holdfast.core.plan import Row
from holdfast.core.planning import plan_undelete
from holdfast.core.readings import HistoryPage, ReadHistory
from holdfast.core.record_reply import RecordReplies
from holdfast.core.reply import HeaderPolicy
from holdfast.engine.commit import Committer, only_row
from holdfast.engine.request import Request
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.ports.journal import Journal


class History:
    """The handlers of one resource; made once at start."""

    def __init__(self, catalog: Catalog, resource: ResourceSpec, *, journal: Journal, commits: Committer, policy: HeaderPolicy) -> None:
        self._journal, self._commits, self._resource = journal, commits, resource
        self._one = RecordReader(catalog, resource)
        self._replies = RecordReplies(resource, policy)

    def read(self, request: Request, _body: bytes) -> Reply | Awaitable[Reply]:
        """GET .../{id}/history: what happened to a record, newest first."""
        request.require_json_answer()
        limit, after = read_history_query(request.query)
        grants = request.grants
        view, where = self._one.read_query("", (), visible=grants.visible).view, grants.on(self._resource).read
        page = self._journal.read_history(ReadHistory(request.record_id, view, limit, after, where, request.known.caller))
        if page is None or isinstance(page, HistoryPage):
            return self._show(page, limit, request)
        return self._show_later(page, limit, request)

    def _show(self, page: HistoryPage | None, limit: int, request: Request) -> Reply:
        if page is None:
            raise Refused("not_found")
        return self._replies.history(page, limit, request.request_id)

    async def _show_later(self, waiting: Awaitable[HistoryPage | None], limit: int, request: Request) -> Reply:
        return self._show(await request.time_store(waiting), limit, request)

    async def undelete(self, request: Request, body: bytes) -> Reply:
        """POST .../{id}/undelete: a deleted record again, with its next version."""
        request.require_json_answer()
        if body:
            check_content_type(request.head.header("content-type"))
        view, version, _ = self._one.read_query(request.query, CHANGING, visible=request.grants.visible)
        key = read_key(request.head)
        value = parse_json(body) if body else {}
        if_match, if_none_match = request.head.header("if-match"), request.head.header("if-none-match")
        expected = read_precondition(if_match, version, None, required=False, if_none_match=if_none_match)
        _check_empty(value)

        def answer(rows: tuple[Row | None, ...]) -> Reply:
            minimal = prefers_minimal(request.head.header("prefer"))
            return self._replies.changed(only_row(rows), view, request.request_id, minimal=minimal)

        step = plan_undelete(request.grants, request.record_id, view, expected)
        return await self._commits.commit((step,), answer, request, key=key, body=value)


def _check_empty(value: Any) -> None:
    """Refuse a body that says something: there is nothing to be said."""
    if not isinstance(value, dict):
        raise Refused("validation_failed", details=[detail("", "wrong_type", "Send no body, or an empty object.")])
    if value:
        raise Refused("validation_failed", details=[detail(name, "unknown_member") for name in value])
