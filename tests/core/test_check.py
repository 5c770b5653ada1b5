"""Checks of values that are at hand. That the database agrees is seen in tests/store/test_sql_write.py."""

import pytest

from holdfast import Access, Backend, Resource, anyone, is_in, is_null, signed_in, this
from holdfast.core import check
from holdfast.core.condition import ALWAYS, NEVER, Matches, Stored
from holdfast.model.rule import Always, Nobody


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


class Event(
    Resource,
    check=[
        this.done | is_null(this.reason),
        ~is_in(this.kind, "gone", "lost"),
        (this.kind != "paid") & (this.places >= 1),
    ],
):
    """Something with every kind of check."""

    kind: str
    places: int
    reason: str | None = None
    done: bool = False

    access = Access(read=anyone, write=anyone)


EVENTS = Backend(Event).catalog.resources["events"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, set()),
        ({"reason": "rain"}, {"done", "reason"}),
        ({"reason": "rain", "done": 1}, set()),
        ({"kind": "lost"}, {"kind"}),
        ({"kind": "paid"}, {"kind", "places"}),
        ({"places": 0}, {"kind", "places"}),
    ],
)
def test_every_kind_of_check_is_judged(changed: dict[str, Stored], told: set[str]) -> None:
    """Flags, nulls, choices, comparisons, and what they are combined with."""
    values = {"kind": "open", "places": 1, "reason": None, "done": 0, **changed}

    assert {each.field for each in check.find_broken(EVENTS, values)} == told


def test_rules_that_need_no_record_are_settled() -> None:
    """Always and never; a rule on who asks can be no check."""
    assert (check.check_condition(SPANS, Always()), check.check_condition(SPANS, Nobody())) == (ALWAYS, NEVER)
    assert check.check_condition(EVENTS, this.done) == check.check_condition(EVENTS, this.done == True)  # noqa: E712  # a rule, not a bool
    with pytest.raises(TypeError, match="no check can hold"):
        check.check_condition(SPANS, signed_in)
