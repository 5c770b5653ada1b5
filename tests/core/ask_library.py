"""A small catalog for the tests of asking: books with a field of every type, their authors, and the authors' countries."""

from hashlib import blake2b
from typing import Any

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.core.ask.cursor import Cursors
from holdfast.core.ask.lists import ListReader
from holdfast.core.plan import Row
from holdfast.model.catalog import AccessSpec, Catalog, FieldSpec, ResourceSpec, Secret
from holdfast.model.rule import anyone
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    FieldType,
    Float,
    Integer,
    Items,
    Mapping,
    Member,
    Nested,
    Number,
    Reference,
    Text,
    Time,
    Timestamp,
    Uuid,
)

ACCESS = AccessSpec(anyone, anyone, anyone, anyone, anyone, anyone)

ADDRESS = Nested("Address", (Member("city", Text()),), dict)

BOOK_TYPES: dict[str, FieldType] = {
    "title": Text(min_length=1, max_length=200),
    "pages": Integer(ge=1),
    "weight": Float(ge=0),
    "lent": Boolean(),
    "price": Number(places=2, digits=6),
    "published_on": Date(),
    "opens_at": Time(),
    "seen_at": Timestamp(),
    "length": Duration(),
    "token": Uuid(),
    "status": Choice(("draft", "published")),
    "tags": Items(Text(max_length=10)),
    "scores": Items(Integer()),
    "costs": Items(Number(places=2)),
    "breaks": Items(Duration()),
    "flags": Items(Boolean()),
    "grid": Items(Items(Integer())),
    "labels": Mapping(Text()),
    "address": ADDRESS,
    "limit": Integer(),
}


def build_resource(name: str, path: str, *fields: FieldSpec, **more: Any) -> ResourceSpec:
    """A resource with its system fields around the declared ones."""
    return ResourceSpec(
        name=name,
        path=path,
        table=path,
        description="",
        access=ACCESS,
        fields=(
            FieldSpec("id", "id", Uuid(), system=True),
            FieldSpec("version", "version", Integer(), system=True),
            *fields,
            FieldSpec("created_at", "created_at", Timestamp(), system=True),
            FieldSpec("updated_at", "updated_at", Timestamp(), system=True),
            FieldSpec("created_by", "created_by_id", Uuid(), nullable=True, system=True),
        ),
        **more,
    )


def field(name: str, kind: FieldType, **more: Any) -> FieldSpec:
    """A declared field; a reference is shown as `<name>_id`."""
    return FieldSpec(name, f"{name}_id" if isinstance(kind, Reference) else name, kind, nullable=True, **more)


COUNTRIES = build_resource("Country", "countries", field("name", Text(), search=True), field("ruler", Reference("authors")))
AUTHORS = build_resource(
    "Author",
    "authors",
    field("name", Text(), search=True),
    field("email", Text()),
    field("password", Text(), secret=Secret.HASHED),
    field("country", Reference("countries")),
)
BOOKS = build_resource(
    "Book",
    "books",
    *(field(name, kind, search=name == "title") for name, kind in BOOK_TYPES.items()),
    field("author", Reference("authors")),
    field("editor", Reference("authors")),
    field("cover_key", Text(), secret=Secret.ENCRYPTED),
)
PLAIN = build_resource("Note", "notes", field("text", Text()))
CATALOG = Catalog({each.path: each for each in (BOOKS, AUTHORS, COUNTRIES, PLAIN)})


def sign(message: bytes) -> bytes:
    """A signature for tests: keyed, 32 bytes."""
    return blake2b(message, key=b"test", digest_size=32).digest()


CURSORS = Cursors(sign)
READER = ListReader(CATALOG, BOOKS, CURSORS)

ID = "01890000-0000-7000-8000-000000000001"


def row(version: int = 3, included: str = "", text: str = '{"id":"x"}') -> Row:
    """A row as the store gives it."""
    return Row(text, RecordId(ID), version, included)


def refusal_of(run: Any, *args: Any, **more: Any) -> Refused:
    """The Refused that a call raises."""
    try:
        run(*args, **more)
    except Refused as error:
        return error
    raise AssertionError("nothing was refused")
