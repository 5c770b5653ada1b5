"""What is wrong with the sound part of a change, beside the record as it is shown."""

from dataclasses import dataclass
from typing import Any

from holdfast import Access, Backend, Resource, anyone, field
from holdfast.core.comparison import compare
from holdfast.core.validate import Changed


@dataclass
class Place:
    """Where somebody lives."""

    city: str
    street: str | None = None


class Person(Resource):
    """Somebody with what may not be changed."""

    login: str = field(immutable=True)
    rank: int | None = field(default=None, readonly=True)
    place: Place | None = None

    access = Access(read=anyone, write=anyone)


PERSON = Backend(Person).catalog.resources["persons"]
SHOWN: dict[str, Any] = {"id": "1", "version": 1, "login": "ada", "rank": None, "place": {"city": "London", "street": None}}


def faults_of(**parts: Any) -> dict[str, str]:
    """The code at each field that is wrong."""
    changed = Changed(**{"assign": {}, "merge": {}, "equal": {}, "version": None, **parts})
    return {each.field: each.code for each in compare(PERSON, changed, SHOWN)}


def test_what_is_equal_is_no_fault() -> None:
    """Null is equal to null."""
    assert faults_of(assign={"login": "eve"}, equal={"login": "ada", "rank": None}) == {}


def test_what_differs_may_not_be_changed() -> None:
    """Every member that is not equal is told."""
    assert faults_of(equal={"login": "eve", "rank": 3}) == {"login": "read_only", "rank": "read_only"}


def test_documents_are_judged_once_merged() -> None:
    """A patch that leaves a document whole is none, one that does not is told at its dotted path."""
    assert faults_of(merge={"place": {"street": "Fleet"}}) == {}
    assert faults_of(merge={"place": {"city": None}}) == {"place.city": "required"}


def test_what_is_not_shown_is_not_compared() -> None:
    """What may only be equal is refused whatever it is; a document that is not seen is not judged once merged."""
    changed = [Changed({}, {"place": {"city": city}}, {"login": login}, None) for login, city in (("ada", "Rome"), ("eve", None))]
    assert [[(each.field, each.code) for each in compare(PERSON, each, {"id": "1"})] for each in changed] == [[("login", "read_only")]] * 2
