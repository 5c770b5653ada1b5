"""Asking for a list, by query string or by JSON: everything that one page needs, or one refusal.

Shape errors of a JSON query (unknown members, wrong JSON types) are 422 in details, all at once, as in every body; what the
members say is read as in a query string, with the same 400 codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.base.errors import Refused
from holdfast.base.limits import SEARCH_LENGTH_MAX, SEARCH_WORDS_MAX
from holdfast.core.actor import Caller
from holdfast.core.ask.cursor import Cursor, Cursors
from holdfast.core.ask.filter import FilterReader
from holdfast.core.ask.fingerprint import fingerprint
from holdfast.core.ask.page import check_limit, check_page, parse_number, read_count, refuse_page_with_after
from holdfast.core.ask.path import find_field
from holdfast.core.ask.query import parse_query, split_names, take_single, unknown_parameter
from holdfast.core.ask.shape import MEMBERS, read_shape
from holdfast.core.ask.sort import SortReader
from holdfast.core.ask.view import ViewReader
from holdfast.core.ask.visible import EVERYTHING, Visible
from holdfast.core.condition import ALWAYS, NEVER, Condition, Matches, Stored, conjoin
from holdfast.core.plan import Order, Page, ReadMany
from holdfast.core.search import fold_query
from holdfast.core.view import View
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.model.names import RESERVED_PARAMETERS

_FILTER_INSTEAD = "Filter by a field that you may read: `icontains` finds a part of it."


@dataclass(frozen=True, slots=True)
class ListAsk:
    """One page of a list, as asked for. `page` counts from 1; `fingerprint` binds a cursor to this list and caller."""

    view: View
    where: Condition
    order: tuple[Order, ...]
    limit: int
    page: int
    after: tuple[Stored, ...] | None
    ranked: bool
    count: bool
    fingerprint: bytes

    def plan(self, guard: Condition = ALWAYS, caller: Caller | None = None) -> ReadMany:
        """The plan of this page, seeing only rows for which `guard` holds too."""
        offset = (self.page - 1) * self.limit if self.after is None else 0
        return ReadMany(self.view, conjoin(guard, self.where), self.order, self.limit, offset, self.after, self.ranked, self.count, caller)

    def next_cursor(self, page: Page, cursors: Cursors) -> str | None:
        """The cursor that leads on from `page`; None if the list ends there."""
        return None if page.next is None else cursors.encode(Cursor(self.page + 1, page.next), self.fingerprint)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a caller said, by either way; None: nothing."""

    where: Condition
    sort: Sequence[str] | None = None
    page: int | None = None
    limit: int | None = None
    count: str | None = None
    fields: Sequence[str] | None = None
    include: Sequence[str] | None = None
    q: str | None = None
    after: str | None = None


class ListReader:
    """Reads the asks for lists of one resource; made once at start.

    `parameters` are the names that a list of this resource takes: `q` only where fields are searched.
    """

    def __init__(self, catalog: Catalog, resource: ResourceSpec, cursors: Cursors, views: ViewReader | None = None) -> None:
        self._resource, self._cursors = resource, cursors
        self._members = tuple(each for each in MEMBERS if each != "q" or resource.search_fields)
        self.parameters = tuple(each for each in self._members if each != "filter")
        self._views = views or ViewReader(catalog, resource)
        self._filters = FilterReader(catalog, resource, self.parameters)
        self._sorts = SortReader(catalog, resource)

    def read_query(self, text: str, *, visible: Visible = EVERYTHING, caller: str = "", scope: str = "") -> ListAsk:
        """Read a query string. `caller` and `scope` bind the cursor, see core.ask.fingerprint.

        Refuses 400: malformed_request unknown_parameter invalid_filter invalid_sort invalid_page invalid_cursor.
        """
        single, rest = take_single(parse_query(text), self.parameters)
        for parameter in rest:
            if parameter.operator is None and parameter.name in RESERVED_PARAMETERS and parameter.name not in self._resource.by_member:
                raise unknown_parameter(parameter.name, self.parameters)
        return self._settle(_read_single(self._filters.read_parameters(rest, visible), single), visible, caller, scope)

    def read_json(self, value: Any, *, visible: Visible = EVERYTHING, caller: str = "", scope: str = "") -> ListAsk:
        """Read a JSON query: {"filter", "sort", "page", "limit", "count", "fields", "include", "q", "after"}.

        `sort`, `fields` and `include` are arrays of texts. Refuses as read_query does, and 422 validation_failed for its shape.
        """
        said = read_shape(value, self._members)
        where = self._filters.read_json(said.pop("filter", {}), visible)
        return self._settle(_Said(where, **said), visible, caller, scope)

    def _settle(self, said: _Said, visible: Visible, caller: str, scope: str) -> ListAsk:
        found = self._read_search(said.q)
        if found is not ALWAYS and any(find_field(self._resource, each.member, visible) is None for each in self._resource.search_fields):
            raise Refused("unknown_parameter", "`q` looks into more than you may read, so it is not answered.", hint=_FILTER_INSTEAD)
        where = conjoin(found, said.where)
        order = self._sorts.by_id if said.sort is None else self._sorts.read(said.sort, visible)
        ranked = isinstance(found, Matches) and said.sort is None
        mark = fingerprint(self._resource, where, order, ranked=ranked, caller=caller, scope=scope)
        limit = check_limit(said.limit)
        page, after = self._find_place(said, limit, mark)
        view = self._views.read(said.fields, said.include, visible)
        return ListAsk(view, where, order, limit, page, after, ranked, read_count(said.count), mark)

    def _read_search(self, q: str | None) -> Condition:
        """What a search asks for. An empty one asks for nothing and finds every row; one of signs alone has no words and finds none."""
        words = _read_words(q or "")
        if words:
            return Matches(self._resource, words)
        return NEVER if q and q.strip() else ALWAYS

    def _find_place(self, said: _Said, limit: int, mark: bytes) -> tuple[int, tuple[Stored, ...] | None]:
        if said.after is None:
            return check_page(said.page, limit), None
        if said.page is not None:
            raise refuse_page_with_after()
        return self._cursors.decode(said.after, mark)


def _read_single(where: Condition, single: Mapping[str, str]) -> _Said:
    return _Said(
        where,
        sort=split_names(single.get("sort")),
        page=parse_number("page", single.get("page")),
        limit=parse_number("limit", single.get("limit")),
        count=single.get("count"),
        fields=split_names(single.get("fields")),
        include=split_names(single.get("include")),
        q=single.get("q"),
        after=single.get("after"),
    )


def _read_words(q: str) -> tuple[str, ...]:
    """The folded words of a search."""
    if "\0" in q:
        raise Refused("malformed_request", "`q` may not hold the character U+0000.")
    if len(q) > SEARCH_LENGTH_MAX:
        raise Refused("malformed_request", f"`q` has at most {SEARCH_LENGTH_MAX} characters.")
    words = fold_query(q)
    if len(words) > SEARCH_WORDS_MAX:
        raise Refused("malformed_request", f"`q` has at most {SEARCH_WORDS_MAX} words, not {len(words)}.")
    return words
