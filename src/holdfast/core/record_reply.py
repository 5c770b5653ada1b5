"""Replies with records of one resource. The read of one record is the hot path: one f-string, one tag, one prebuilt block."""

from collections.abc import Iterable

from holdfast.core.ask.lists import ListAsk
from holdfast.core.entity_tag import format_tag, is_unchanged
from holdfast.core.exchange import Reply
from holdfast.core.plan import Page, Row
from holdfast.core.readings import HistoryPage
from holdfast.core.reply import MINIMAL, HeaderPolicy, wrap, wrap_rows
from holdfast.core.routes import API
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec


class RecordReplies:
    """The successful answers about the records of one resource; made once at start."""

    def __init__(self, resource: ResourceSpec, policy: HeaderPolicy | None = None) -> None:
        policy = policy or HeaderPolicy()
        self._place = f"{API}/{resource.path}/"
        self._kept = policy.block(cache=resource.cache)
        self._kept_empty = policy.block(content_type=None, cache=resource.cache)
        self._written = policy.block()
        self._written_empty = policy.block(content_type=None)

    def read(self, row: Row, view: View, request_id: str, if_none_match: str | None = None) -> Reply:
        """200 with the record, or 304 where the caller has it already."""
        tag = format_tag(row, view)
        headers = (("x-request-id", request_id), ("etag", tag))
        if if_none_match is not None and is_unchanged(if_none_match, tag):
            return Reply(304, b"", headers, self._kept_empty)
        return Reply(200, f'{{"success":true,"data":{row.text}}}'.encode(), headers, self._kept)

    def created(self, row: Row, view: View, request_id: str, *, minimal: bool = False) -> Reply:
        """201 with the record and its Location; 204 where the caller prefers `return=minimal`."""
        headers = (("x-request-id", request_id), ("etag", format_tag(row, view)), ("location", self._place + row.id))
        return self._without_body(headers) if minimal else Reply(201, wrap(row.text), headers, self._written)

    def changed(self, row: Row, view: View, request_id: str, *, minimal: bool = False) -> Reply:
        """200 with the record after a change, or 204."""
        headers = (("x-request-id", request_id), ("etag", format_tag(row, view)))
        return self._without_body(headers) if minimal else Reply(200, wrap(row.text), headers, self._written)

    def deleted(self, request_id: str, *, minimal: bool = False) -> Reply:
        """200 with null, or 204."""
        headers = (("x-request-id", request_id),)
        return self._without_body(headers) if minimal else Reply(200, wrap("null"), headers, self._written)

    def created_many(self, rows: Iterable[Row], request_id: str, *, minimal: bool = False) -> Reply:
        """201 with the records in order, or 204; neither Location nor ETag."""
        headers = (("x-request-id", request_id),)
        if minimal:
            return self._without_body(headers)
        return Reply(201, wrap_rows((row.text for row in rows), ""), headers, self._written)

    def page(self, page: Page, ask: ListAsk, request_id: str, *, next_cursor: str | None, links: str = "") -> Reply:
        """200 with one page of a list. meta: total (if counted), page, limit, next; `links` is the value of the Link header."""
        headers = (("x-request-id", request_id), ("link", links)) if links else (("x-request-id", request_id),)
        total = "" if page.total is None else f'"total":{page.total},'
        following = "null" if next_cursor is None else f'"{next_cursor}"'
        meta = f'{{{total}"page":{ask.page},"limit":{ask.limit},"next":{following}}}'
        return Reply(200, wrap_rows(page.rows, meta), headers, self._kept)

    def history(self, page: HistoryPage, limit: int, request_id: str) -> Reply:
        """200 with one page of a history. meta: limit, and the sequence to go on after, null at the end."""
        following = "null" if page.next is None else str(page.next)
        meta = f'{{"limit":{limit},"next":{following}}}'
        return Reply(200, wrap_rows(page.entries, meta), (("x-request-id", request_id),), self._kept)

    def _without_body(self, headers: tuple[tuple[str, str], ...]) -> Reply:
        return Reply(204, b"", (*headers, MINIMAL), self._written_empty)
