"""Declared classes at run time: keyword-only dataclasses with references that load nothing."""

import dataclasses
from typing import Any, ClassVar, cast
from uuid import UUID

import pytest

from holdfast import Access, Ref, Resource, anyone, field
from holdfast.base.errors import Misconfigured

AN_ID = UUID("0190a0a0-0000-7000-8000-000000000001")


class Author(Resource):
    """People who write books."""

    name: str
    shelf: ClassVar[str] = "A"

    def greet(self) -> str:
        """A method is no field."""
        return f"I am {self.name}"


class Book(Resource):
    title: str
    author: Ref[Author]
    tags: list[str] = field(default_factory=list[str])
    views: int = field(default=0, readonly=True)
    code: str | None = field(default=None, secret="encrypted")  # noqa: S106  # the word is part of the declaration


def test_record_is_a_keyword_only_dataclass() -> None:
    """The constructor takes the declared fields and id by keyword, and fills in defaults."""
    author = Author(id=AN_ID, name="Ursula")
    book = Book(title="The Dispossessed", author=author.ref)

    assert [each.name for each in dataclasses.fields(Author)][-1] == "name"
    assert (book.title, book.tags, book.views, author.greet()) == ("The Dispossessed", [], 0, "I am Ursula")
    assert book.tags is not Book(title="x", author=author.ref).tags


@pytest.mark.parametrize("name", ["version", "created_at", "updated_at", "created_by_id", "views", "shelf", "nothing"])
def test_constructor_refuses_what_the_server_sets(name: str) -> None:
    """System fields but id, readonly fields and unknown names are no parameters."""
    with pytest.raises(TypeError, match=name):
        cast("Any", Book)(title="x", author=Ref(Author, AN_ID), **{name: 1})


def test_constructor_refuses_positions() -> None:
    """No value can be given by its place."""
    with pytest.raises(TypeError, match="positional"):
        cast("Any", Author)("Ursula")


@pytest.mark.parametrize("name", ["id", "version", "created_at", "updated_at", "created_by_id"])
def test_unstored_record_has_no_system_values(name: str) -> None:
    """Reading what is only known once the record is stored says so, instead of giving a made-up value."""
    author = Author(name="Ursula")

    assert not hasattr(author, name)
    with pytest.raises(AttributeError, match=f"This Author is not stored yet, so it has no {name}"):
        getattr(author, name)


def test_system_values_can_be_set_once_known() -> None:
    """What loads a record sets its system fields; null is a value of created_by_id."""
    author = Author(id=AN_ID, name="Ursula")
    author.version, author.created_by_id = 3, None

    assert (author.id, author.version, author.created_by_id) == (AN_ID, 3, None)


def test_ref_holds_an_id_and_loads_nothing() -> None:
    """author.ref and Ref(Author, id) are the same reference; equality is by class and id."""
    author = Author(id=AN_ID, name="Ursula")

    assert author.ref == Ref(Author, AN_ID)
    assert author.ref != Ref(Book, AN_ID)
    assert author.ref != AN_ID
    assert hash(author.ref) == hash(Ref(Author, AN_ID))
    assert (author.ref.id, author.ref.target) == (AN_ID, Author)
    assert repr(author.ref) == f"Ref(Author, '{AN_ID}')"


def test_ref_takes_no_text() -> None:
    """An id that is no UUID is refused where it is given."""
    with pytest.raises(TypeError, match="is a UUID, not 'x'"):
        Ref(Author, cast("Any", "x"))


def test_records_are_equal_by_class_and_values() -> None:
    """Two records with the same values are equal, and no record is hashable, because it can change."""
    assert Author(name="a") == Author(name="a")
    assert Author(name="a") != Author(name="b")
    assert Author(name="a") != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Author(name="a"))


def test_repr_hides_secrets() -> None:
    """The value of a secret field never stands in a representation, so never in a log."""
    book = Book(title="x", author=Ref(Author, AN_ID), code="sesame")

    assert repr(book) == f"Book(title='x', author=Ref(Author, '{AN_ID}'), tags=[], views=0, code=***)"


def test_class_itself_shows_its_system_fields() -> None:
    """Reading a system field of the class is no error, as tools that inspect classes do."""
    assert type(cast("Any", Author).version).__name__ == "_Unstored"


def test_dataclass_fields_are_accepted_as_written() -> None:
    """dataclasses.field() works too, for those who know it."""

    class Note(Resource):
        lines: list[str] = dataclasses.field(default_factory=list)

    assert Note().lines == []


def test_access_keeps_what_was_given() -> None:
    """Access keeps the given verbs; they are judged when the class is served."""
    assert list(Access(read=anyone).given) == ["read"]


def test_default_that_would_be_shared_is_refused_at_once() -> None:
    """A list as default breaks the class itself, so it is told where the class is written."""
    with pytest.raises(Misconfigured, match=r"Note\.lines: All records would share"):

        class Note(Resource):
            lines: list[str] = []  # noqa: RUF012  # the mistake under test
