"""The public face used as a developer would, for the type checkers alone: every line here must pass both of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, assert_type
from uuid import UUID

import msgspec
from examples.library import Author, Book

from holdfast import Access, Backend, Email, Ref, Resource, Url, anyone, field, is_in, is_null, now, owner, role, signed_in, this, user


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Address:
    street: str
    city: Annotated[str, field(max_length=80)] = "Bern"


class Price(msgspec.Struct):
    amount: Annotated[Decimal, field(places=2)]
    currency: str = "CHF"


class Dated(Resource, check=[this.ends > this.starts], require_version=False):
    """A mixin."""

    starts: datetime
    ends: datetime


class Everything(
    Dated,
    path="all-things",
    unique=["code", ("size", "day")],
    index=[("day",)],
    check=[this.count >= 0],
    was="Anything",
    require_version=True,
    cache="private, no-cache",
):
    code: str = field(min_length=1, max_length=8, pattern=r"^[a-z]+$", immutable=True, examples=["abc"])
    count: int = field(default=0, ge=0, lt=100, multiple_of=5)
    ratio: float = 0.5
    flag: bool = False
    price: Decimal = field(default=Decimal("1.50"), places=2, gt=0)
    day: date
    at: time | None = None
    length: timedelta = timedelta(hours=1)
    token: UUID | None = field(default=None, description="A token", deprecated=True)
    mail: Email | None = None
    site: Url = "https://example.org/"
    kind: Literal["a", "b"] = field(default="a", index=True)
    size: Size = Size.SMALL
    names: list[str] = field(default_factory=list, max_length=5)
    counts: dict[str, int] = field(default_factory=dict[str, int])
    address: Address | None = None
    cost: Price = field(default_factory=lambda: Price(Decimal(1)))
    author: Ref[Author] = field(on_delete="cascade", reverse="things")
    parent: "Ref[Everything] | None" = field(default=None, on_delete="set_null", was="above")
    password: str | None = field(default=None, secret="hashed")  # noqa: S106  # the word is part of the declaration
    views: int = field(default=0, readonly=True)
    note: str | None = field(default=None, readable_by=owner, writable_by=role("editor"), search=True)

    access = Access(
        list=anyone,
        read=this.flag | signed_in & ~is_null(this.mail) | is_in(this.kind, "a", "b"),
        write=role("editor", "admin"),
        update_to=(this.starts <= now) & (this.author.email == user.email) & (user == this.created_by),
    )


backend = Backend(Author, Book, Everything, title="All", version="2", description="Everything", require_version=True, registration=False)

author = Author(id=UUID(int=1), name="Ursula", email="ursula@example.org")
book = Book(title="The Dispossessed", author=author.ref, price=Decimal("9.90"))
thing = Everything(
    id=UUID(int=2),
    code="abc",
    day=date(2026, 1, 1),
    author=Ref(Author, UUID(int=1)),
    starts=datetime(2026, 1, 1, tzinfo=UTC),
    ends=datetime(2026, 1, 2, tzinfo=UTC),
)
thing.parent = thing.ref
thing.flag = True

assert_type(book.author, Ref[Author])
assert_type(book.author.id, UUID)
assert_type(author.ref, Ref[Author])
assert_type(book.published_on, date | None)
assert_type(thing.parent.id, UUID)
assert_type(thing.views, int)


def judge_stored(stored: Book) -> None:
    """The types of what is only there once a record is stored."""
    assert_type(stored.version, int)
    assert_type(stored.created_at, datetime)
    assert_type(stored.created_by_id, UUID | None)
