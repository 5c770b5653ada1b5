"""Asking the journal: the history of a record, and the changes of everything."""

import re
from collections.abc import Collection
from typing import NamedTuple

from holdfast.base.errors import Refused
from holdfast.base.hint import quote, suggest
from holdfast.base.limits import INT_MAX
from holdfast.core.ask.page import check_limit, parse_number
from holdfast.core.ask.query import parse_query, take_single, unknown_parameter
from holdfast.core.invalid import Invalid
from holdfast.core.moments import read_timestamp

_SEQUENCE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")

HISTORY = ("limit", "after")
CHANGES = ("after", "resource", "limit")


class HistoryAsk(NamedTuple):
    """A page of a history: its length, and the sequence that it comes after, which is lower, because the newest come first."""

    limit: int
    after: int | None


class ChangesAsk(NamedTuple):
    """Some changes: how many at most, after which sequence (None: not said), and of which resource alone."""

    limit: int
    after: int | None
    resource: str | None


def read_history_query(text: str) -> HistoryAsk:
    """Read the query of a history; refuses unknown_parameter, invalid_page, invalid_cursor."""
    single = _take(text, HISTORY)
    return HistoryAsk(check_limit(parse_number("limit", single.get("limit"))), _read_optional(single.get("after")))


def read_changes_query(text: str, paths: Collection[str]) -> ChangesAsk:
    """Read the query of the changes; refuses unknown_parameter, invalid_page, invalid_cursor, invalid_filter (no such resource)."""
    single = _take(text, CHANGES)
    resource = single.get("resource")
    if resource is not None and resource not in paths:
        raise Refused("invalid_filter", f"There is no resource {quote(resource)}.", hint=suggest(resource, tuple(paths)))
    return ChangesAsk(check_limit(parse_number("limit", single.get("limit"))), _read_optional(single.get("after")), resource)


def read_sequence(text: str) -> int:
    """Read the sequence of an entry, in a query or as Last-Event-ID; refuses invalid_cursor."""
    if not _SEQUENCE.match(text) or int(text) > INT_MAX:
        raise Refused(
            "invalid_cursor", f"{quote(text)} is not the sequence of a change.", hint="Send `meta.next`, or the `seq` of an entry."
        )
    return int(text)


def read_as_of(text: str) -> str:
    """Read a time in the past as it is stored; refuses malformed_request."""
    try:
        stored: str = read_timestamp(text)
    except Invalid as error:
        raise Refused("malformed_request", f"`as_of` {error}.", hint="Write it as 2026-11-23T13:29:00Z; a `+` in a URL is %2B.") from None
    return stored


def _take(text: str, parameters: tuple[str, ...]) -> dict[str, str]:
    single, rest = take_single(parse_query(text), parameters)
    if rest:
        raise unknown_parameter(rest[0].key, parameters)
    return single


def _read_optional(text: str | None) -> int | None:
    return None if text is None else read_sequence(text)
