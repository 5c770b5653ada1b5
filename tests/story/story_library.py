"""The backend of the stories: a publishing house in which every kind of field, reference and keyword of the contract occurs."""

from dataclasses import dataclass
from dataclasses import field as member
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Literal
from uuid import UUID

from holdfast import Access, Backend, Email, Ref, Resource, Url, anyone, field, this

OPEN = Access(read=anyone, write=anyone)


class House(Resource):
    """A publishing house; its authors outlive it."""

    name: str = field(min_length=1, max_length=80, search=True, unique=True)
    city: str | None = None

    access = OPEN


class Author(Resource):
    """People who write books."""

    name: str = field(min_length=1, max_length=120, search=True)
    email: Email = field(unique=True)
    house: Ref[House] | None = field(default=None, on_delete="set_null")
    born_on: date | None = None

    access = OPEN


class Book(Resource, unique=[("author", "title")], check=[this.sold <= this.printed], index=["status"]):
    """A book cannot be without its author; an editor may go."""

    title: str = field(min_length=1, max_length=200, search=True)
    author: Ref[Author] = field(on_delete="restrict")
    editor: Ref[Author] | None = field(default=None, on_delete="set_null", reverse="edited-books")
    price: Decimal = field(ge=0, digits=10, places=2)
    status: Literal["draft", "published"] = "draft"
    published_on: date | None = None
    tags: list[str] = field(default_factory=list[str])
    printed: int = field(default=0, ge=0)
    sold: int = field(default=0, ge=0)

    access = OPEN


class Chapter(Resource, unique=[("book", "number")]):
    """A chapter goes with its book."""

    title: str
    book: Ref[Book] = field(on_delete="cascade")
    number: int = field(ge=1)

    access = OPEN


class Colour(Enum):
    """Three colours."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


@dataclass
class Place:
    """Where something is."""

    city: str
    street: str | None = None
    floors: int = 1
    notes: list[str] = member(default_factory=list[str])


@dataclass
class Label:
    """A nested record with a nested record."""

    text: str
    at: Place | None = None


class Sample(Resource, path="samples"):
    """One field of every type."""

    word: str | None = field(default=None, search=True)
    number: int | None = None
    ratio: float | None = None
    active: bool | None = None
    amount: Decimal | None = field(default=None, places=3)
    day: date | None = None
    moment: datetime | None = None
    hour: time | None = None
    span: timedelta | None = None
    key: UUID | None = None
    mail: Email | None = None
    home: Url | None = None
    colour: Colour | None = None
    house: Ref[House] | None = None
    words: list[str] = field(default_factory=list[str])
    amounts: list[Decimal] = field(default_factory=list[Decimal], places=2)
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    place: Place | None = None
    label: Label | None = None
    limit: int | None = None

    access = OPEN


class Account(Resource):
    """Secrets, and fields that may not be changed."""

    login: str = field(min_length=3, max_length=20, pattern="^[a-z]+$", immutable=True, unique=True)
    nickname: str | None = field(default=None, unique=True)
    password: str = field(min_length=8, max_length=100, secret="hashed")  # noqa: S106  # how it is kept
    token: str | None = field(default=None, secret="encrypted")  # noqa: S106  # how it is kept
    credit: int = field(default=5, readonly=True)
    about: str = ""

    access = OPEN


class Memo(Resource, require_version=False, cache="private, no-cache"):
    """Notes that are changed without a version and may be kept by a browser."""

    text: str
    reply_to: Ref["Memo"] | None = field(default=None, on_delete="cascade", reverse="replies")

    access = OPEN


_made: list[str] = []


def make_plan_once() -> str:
    """A default that can be made once, when the declaration is tried, and never again: a developer's fault, met by a caller."""
    if _made:
        raise RuntimeError("the secret plan is in /etc/plans")
    _made.append("plan")
    return "plan"


class Trap(Resource):
    """Breaks inside the engine whenever `plan` is left out."""

    name: str
    plan: str = field(default_factory=make_plan_once)

    access = OPEN


backend = Backend(House, Author, Book, Chapter, Sample, Account, Memo, Trap, title="Publishing")
