"""Checks of values that are at hand. That the database agrees is seen in tests/store/test_sql_write.py."""

import pytest

from holdfast import Access, Backend, Resource, anyone, this
from holdfast.core import check
from holdfast.core.condition import Matches


class Span(Resource, check=[this.start <= this.end, this.kind != "gone"]):
    """Something with a beginning and an end."""

    kind: str
    start: int
    end: int

    access = Access(read=anyone, write=anyone)


SPANS = Backend(Span).catalog.resources["spans"]


def test_each_check_that_fails_is_told_at_each_of_its_fields() -> None:
    """In the order of the checks."""
    broken = check.find_broken(SPANS, {"kind": "gone", "start": 2, "end": 1})

    assert [(each.field, each.code) for each in broken] == [("start", "check_failed"), ("end", "check_failed"), ("kind", "check_failed")]
    assert list(check.find_broken(SPANS, {"kind": "a", "start": 1, "end": 1})) == []


def test_a_check_of_a_field_without_a_value_is_left_out() -> None:
    """Nobody knows yet whether it would hold."""
    assert list(check.find_broken(SPANS, {"start": 2})) == []


def test_what_no_check_can_say_is_a_defect() -> None:
    """Full-text search is no check."""
    with pytest.raises(TypeError, match="no check says"):
        check._keeps(Matches(SPANS), {})
