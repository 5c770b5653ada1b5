"""Every wrong declaration is refused with its class, its field and a way to mend it."""

# ruff: noqa: S105, S106  # the word secret is part of what is declared, and no secret stands here

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec
import pytest

from holdfast import Access, Backend, Ref, Resource, User, anyone, field, is_in, is_null, now, owner, role, this, user
from holdfast.base.errors import Misconfigured
from holdfast.model.rule import Operand

loose = cast("Any", field)
"""field(...) as a developer without a type checker calls it."""


class Author(Resource):
    name: str
    token: str | None = field(default=None, secret="hashed")
    tags: list[str] = field(default_factory=list[str])


class Colour(IntEnum):
    RED = 1


@dataclass
class Loop:
    inner: "list[Loop]"


@dataclass
class Money:
    amount: Decimal


@dataclass
class Computed:
    total: int = dataclasses.field(init=False)


@dataclass
class Unset:
    text: str = cast("str", None)  # the mistake under test


class Renamed(msgspec.Struct, rename="camel"):
    first_name: str


class Strange(Operand):
    __slots__ = ()

    def __repr__(self) -> str:
        return "Strange()"


class Plain:
    note: str


MISTAKES: list[tuple[str, str, str, Callable[[], Any]]] = []
"""(place, part of the problem, part of the mend, what declares it)."""


def mistake(place: str, problem: str, mend: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Keep a wrong declaration; its function may return classes to be served with Author."""

    def keep(declare: Callable[[], Any]) -> Callable[[], Any]:
        MISTAKES.append((place, problem, mend, declare))
        return declare

    return keep


def one(annotation: Any, value: Any = None, **keywords: Any) -> Any:
    """A class Book with one field `x`, made at run time so that no checker stops it."""
    body: dict[str, Any] = {"__annotations__": {"x": annotation}, "__module__": __name__}
    if value is not None:
        body["x"] = value
    return cast("Any", type)("Book", (Resource,), body, **keywords)


def named(*names: str) -> Any:
    """A class Book with int fields of these names."""
    return cast("Any", type)("Book", (Resource,), {"__annotations__": dict.fromkeys(names, int), "__module__": __name__})


def ruled(rule: Any, **more: Any) -> Any:
    """A class Book whose access is one rule."""

    class Book(Resource):
        title: str
        flag: bool
        count: int
        price: Decimal = field(places=2)
        cost: Decimal = field(places=3)
        due: datetime
        author: Ref[Author]
        status: Literal["draft", "published"] = "draft"
        tags: list[str] = field(default_factory=list[str])

        access = Access(read=rule, **more)

    return Book


@mistake("Novel", "derives from Author, which is served", "mixin")
def _subclass_of_served() -> Any:
    class Novel(Author):
        pages: int

    return [Author, Novel]


@mistake("Novel", "derives from Author, which is served", "mixin")
def _subclass_before_served() -> Any:
    class Novel(Author):
        pages: int

    return [Novel, Author]


@mistake("Book.note", "Plain is no Resource, so the field would be lost", "class Plain(Resource)")
def _plain_mixin() -> Any:
    class Book(Plain, Resource):
        title: str

    return Book


@mistake("Book.editor", "route books to what refers there is taken by author_id of books", "reverse=")
def _two_references() -> Any:
    class Book(Resource):
        author: Ref[Author]
        editor: Ref[Author]

    return [Author, Book]


@mistake("Book.author", "name author_id is taken by author_id", "Rename one")
def _member_clash() -> Any:
    class Book(Resource):
        author_id: UUID
        author: Ref[Author]

    return [Author, Book]


@mistake("Book.b", "was names 'a'", "called before")
def _rename_of_what_is_there() -> Any:
    class Book(Resource):
        a: str
        b: str = field(was="a")

    return Book


@mistake("Member.roles", "Every user has roles, which belongs to Holdfast", "Leave it out")
def _guard_of_users_dropped() -> Any:
    class Member(User):
        roles: list[str] = field(default_factory=list[str])

    return Member


@mistake("Leaf.access", "follows more than 3 references", "nearer field")
def _long_path() -> Any:
    class Leaf(Resource):
        up: "Ref[Leaf] | None" = None

        access = Access(read=this.up.up.up.up.created_at < now)

    return Leaf


MISTAKES.extend(  # what fits a line
    [
        # Classes, their names and keywords
        ("Backend", "serves nothing", "Backend(Author, Book)", list),
        ("Backend", "no resource class", "derive from Resource", lambda: [int]),
        ("Backend", "no resource class", "derive from Resource", lambda: [Resource]),
        ("Backend", "no resource class", "derive from Resource", lambda: [Author(name="x")]),
        ("Backend", "Author is given twice", "Give it once", lambda: [Author, Author]),
        ("Book", "class keyword uniqe is unknown", "`unique`", lambda: one(str, uniqe=["x"])),
        ("Book", "path 'My Books' cannot be used", 'path="blog-posts"', lambda: one(str, path="My Books")),
        ("Book", "path 3 cannot be used", "path=", lambda: one(str, path=3)),
        ("Book", "path users belongs to Holdfast", "Choose another", lambda: one(str, path="users")),
        ("Book", "table hf_books belongs", "Choose another", lambda: one(str, path="hf-books")),
        ("Book", "path authors is that of Author", "Choose another", lambda: [Author, one(str, path="authors")]),
        ("Book", "Two classes have this name", "Rename one", lambda: [one(str), one(str, path="other")]),
        ("Book", "was is 'Book'", "called before", lambda: one(str, was="Book")),
        ("Book", "was is 'Author'", "called before", lambda: [Author, one(str, was="Author")]),
        ("Book", "was is 'a b'", "called before", lambda: one(str, was="a b")),
        ("Book.acess", "Nobody would read this Access", "Call it access", lambda: type("Book", (Resource,), {"acess": Access()})),
        ("Book.check", "check is a class keyword", "(Resource, check=...)", lambda: type("Book", (Resource,), {"check": [this.a > 1]})),
        ("Book.version", "Holdfast sets version itself", "Leave it out", lambda: type("Book", (Resource,), {"version": 3})),
        ("Book.status", "no type, so it is no field", "status: str = ...", lambda: type("Book", (Resource,), {"status": "draft"})),
        ("Book", "require_version is 'no'", "Give it as a bool", lambda: one(str, require_version="no")),
        ("Book", "cache is ''", "Give it as a str", lambda: one(str, cache="")),
        ("Book", r"cache is 'a\r\nb'", "Give it as a str", lambda: one(str, cache="a\r\nb")),
        ("Book", "unique is 'x'", "unique=[", lambda: one(str, unique="x")),
        ("Book", "unique names 'y', which is no field", "Known here", lambda: one(str, unique=["y"])),
        ("Book", "unique holds ('x', 'x')", "each field once", lambda: one(str, unique=[("x", "x")])),
        ("Book", "index holds ()", "each field once", lambda: one(str, index=[()])),
        ("Book", "index names x, a list", "Leave x out", lambda: one(list[str], index=["x"])),
        ("Book", "unique names x, a secret", "Leave x out", lambda: one(str, loose(secret="hashed"), unique=["x"])),
        ("Book", "check is 'x'", "check=[this.ends > this.starts]", lambda: one(str, check="x")),
        # How fields are called and what is said of them
        ("Book.version", "name version belongs to Holdfast", "another name", lambda: named("version")),
        ("Book.created_by", "belongs to Holdfast", "another name", lambda: named("created_by")),
        ("Book.access", "access is no field", "access = Access(...)", lambda: named("access")),
        ("Book._x", "_x cannot be a column", "ASCII letters", lambda: named("_x")),
        ("Book.größe", "cannot be a column", "ASCII letters", lambda: named("größe")),
        ("Book." + "x" * 49, "cannot be a column", "1 to 48", lambda: named("x" * 49)),
        ("Book.hf_row", "keeps the name hf_row", "another name", lambda: named("hf_row")),
        ("Book.rowid", "keeps the name rowid", "another name", lambda: named("rowid")),
        ("Book.X", "name x is taken by x", "Rename one", lambda: named("x", "X")),
        ("Book.x", "The field has no type", "x: str = field(...)", lambda: type("Book", (Resource,), {"x": field()})),
        ("Book.x", "field() knows no max_lenght", "`max_length`", lambda: one(str, loose(max_lenght=3))),
        ("Book.x", "unique is 'yes'", "unique=True", lambda: one(str, loose(unique="yes"))),
        ("Book.x", "both a default and a default_factory", "Keep one", lambda: one(int, loose(default=1, default_factory=int))),
        ("Book.x", "share the default", "default_factory", lambda: one(list[str], [])),
        ("Book.x", "The default is None", "| None", lambda: one(str, loose(default=None))),
        ("Book.x", "default is not valid: 'a' is shorter than 2", "Mend the default", lambda: one(str, loose(default="a", min_length=2))),
        ("Book.x", "default is not valid: 'c' is not one of a, b", "Mend the default", lambda: one(Literal["a", "b"], "c")),
        ("Book.x", "default is not valid: 1 is not of type str", "Mend the default", lambda: one(str, 1)),
        ("Book.x", "default_factory raises TypeError", "needs no argument", lambda: one(int, loose(default_factory=lambda x: x))),
        ("Book.x", "An example is not valid: -1", "Mend the example", lambda: one(int, loose(ge=0, examples=[-1]))),
        ("Book.x", "examples is 'a'", "examples=[...]", lambda: one(str, loose(examples="a"))),
        ("Book.x", "readonly, so nobody", "Give it a default", lambda: one(int, loose(readonly=True))),
        ("Book.x", "was names 'x'", "called before", lambda: one(int, loose(was="x"))),
        ("Book.x", "was names 'a b'", "called before", lambda: one(int, loose(was="a b"))),
        ("Book.x", "was is ''", "Give was as text", lambda: one(int, loose(was=""))),
        ("Book.x", "readable_by is True, which is no rule", "readable_by=role(", lambda: one(int, loose(readable_by=True))),
        # What the fields hold
        ("Book.x", "bytes is not a type that can be kept", "Use str, int", lambda: one(bytes)),
        ("Book.x", "int | str is not a type", "Use str, int", lambda: one(int | str)),
        ("Book.x", "Any is not a type", "Use str, int", lambda: one(Any)),
        ("Book.x", "list is not a type", "list[T]", lambda: one(list)),
        ("Book.x", "set[str] is not a type", "list[T]", lambda: one(set[str])),
        ("Book.x", "names Nowhere, which is not known", "Import Nowhere, or give it to the Backend", lambda: one("Nowhere")),
        ("Book.x", "cannot be read", "Mend the annotation", lambda: one("list[")),
        ("Book.x", "cannot be read", "Mend the annotation", lambda: one("date.nothing")),
        ("Book.x", "The keys are int", "dict[str, ...]", lambda: one(dict[int, str])),
        ("Book.x", "Literal here holds only text", "Literal[", lambda: one(Literal[1, 2])),
        ("Book.x", "values of Colour are not all text", "StrEnum", lambda: one(Colour)),
        ("Book.x", "values of Empty are not all text", "StrEnum", lambda: one(Enum("Empty", []))),
        ("Book.x", "A record holds no other Author", "Ref[Author]", lambda: [Author, one(Author)]),
        ("Book.x", "refers to Author, which is not served", "Backend(..., Author)", lambda: [one(Ref[Author])]),
        ("Book.x", "names Other, which is not known", "give it to the Backend", lambda: [one(Ref["Other"])]),  # type: ignore[name-defined]
        ("Book.x", "holds no Ref", "a resource of its own", lambda: [Author, one(list[Ref[Author]])]),
        ("Book.x.inner", "Loop holds itself", "by Ref", lambda: one(Loop)),
        ("Book.x.amount", "needs its number of decimal places", "places=2", lambda: one(Money)),
        ("Book.x.total", "not taken by the constructor", "init=False", lambda: one(Computed)),
        ("Book.x.text", "The default is None", "| None", lambda: one(Unset)),
        ("Book.x.first_name", "renamed to firstName", "rename=", lambda: one(Renamed)),
        # How far it may go
        ("Book.x", "needs its number of decimal places", "field(places=2)", lambda: one(Decimal)),
        ("Book.x", "digits is 19", "from 1 to 18", lambda: one(Decimal, loose(places=2, digits=19))),
        ("Book.x", "places is 5", "from 0 to 4", lambda: one(Decimal, loose(places=5, digits=4))),
        ("Book.x", "ge is no such number", "within digits and places", lambda: one(Decimal, loose(places=2, ge=Decimal("0.001")))),
        ("Book.x", "ge is 'a', which is no number", "ge=Decimal", lambda: one(Decimal, loose(places=2, ge="a"))),
        ("Book.x", "min_length 3 is above max_length 2", "Swap", lambda: one(str, loose(min_length=3, max_length=2))),
        ("Book.x", "max_length is -1", "whole number", lambda: one(str, loose(max_length=-1))),
        ("Book.x", "min_length is True", "whole number", lambda: one(str, loose(min_length=True))),
        ("Book.x", "No value lies between 3 and 2", "Swap", lambda: one(int, loose(ge=3, le=2))),
        ("Book.x", "No value lies between 1.0 and 1.0", "Swap", lambda: one(float, loose(gt=1.0, le=1.0))),
        ("Book.x", "No int is from 4 to 3", "Widen", lambda: one(int, loose(gt=3, lt=4))),
        ("Book.x", "does not fit in 64 bits", "Keep it from", lambda: one(int, loose(le=2**63))),
        ("Book.x", "both ge and gt", "Keep the narrower", lambda: one(int, loose(ge=3, gt=2))),
        ("Book.x", "ge is 0.5, which is no bound of this type", "a number of the field's type", lambda: one(int, loose(ge=0.5))),
        ("Book.x", "le is nan", "a number of the field's type", lambda: one(float, loose(le=float("nan")))),
        ("Book.x", "multiple_of is not above 0", "above 0", lambda: one(int, loose(multiple_of=0))),
        ("Book.x", "does not compile", "Mend the regular expression", lambda: one(str, loose(pattern="["))),
        ("Book.x", "pattern is no text", "pattern=", lambda: one(str, loose(pattern=3))),
        ("Book.x", "min_length does not apply to date", "it takes no bounds", lambda: one(date, loose(min_length=1))),
        ("Book.x", "ge does not apply to text", "Leave ge out", lambda: one(str, loose(ge=1))),
        ("Book.x", "places does not apply to int", "Leave places out", lambda: one(int, loose(places=1))),
        ("Book.x", "min_length does not apply to Literal", "Leave min_length out", lambda: one(Literal["a"], loose(min_length=1))),
        ("Book.x", "pattern does not apply to int", "Leave pattern out", lambda: one(Annotated[int, loose(pattern="a")])),
        # References, secrets, search and keys
        ("Book.x", "on_delete is for a Ref alone", "Leave on_delete out", lambda: one(str, loose(on_delete="cascade"))),
        ("Book.x", "reverse is for a Ref alone", "Leave reverse out", lambda: one(str, loose(reverse="books"))),
        ("Book.x", "on_delete is 'cascad'", "`cascade`", lambda: [Author, one(Ref[Author], loose(on_delete="cascad"))]),
        ("Book.x", "set_null, but null is not accepted", "| None", lambda: [Author, one(Ref[Author], loose(on_delete="set_null"))]),
        ("Book.x", "route history belongs", "reverse=", lambda: [Author, one(Ref[Author], loose(reverse="history"))]),
        (
            "Book.x",
            "'Edited Books' cannot be part of a path",
            "edited_books",
            lambda: [Author, one(Ref[Author], loose(reverse="Edited Books"))],
        ),
        ("Book.x", "secret is 'plain'", "Known here: `hashed`, `encrypted`", lambda: one(str, loose(secret="plain"))),
        ("Book.x", "A secret is text", "str or str | None", lambda: one(int, loose(secret="hashed"))),
        ("Book.x", "so unique has no meaning", "Leave unique out", lambda: one(str, loose(secret="hashed", unique=True))),
        ("Book.x", "so readable_by has no meaning", "Leave readable_by out", lambda: one(str, loose(secret="hashed", readable_by=anyone))),
        ("Book.x", "Only text is searched", "str or list[str]", lambda: one(int, loose(search=True))),
        ("Book.x", "so unique has no meaning", "Leave unique out", lambda: one(list[str], loose(unique=True))),
        ("Book.x", "so index has no meaning", "Leave index out", lambda: one(dict[str, int], loose(index=True))),
        # Rules
        ("Book.access", "True is no rule", "Write a rule", lambda: [Author, ruled(rule=True)]),
        ("Book.access", "Access knows no wirte", "`write`", lambda: [Author, ruled(anyone, wirte=anyone)]),
        ("Book.access", "this.titel names no field", "`title`", lambda: [Author, ruled(this.titel == "x")]),
        ("Book.access", "`this` alone names no field", "this.<field>", lambda: [Author, ruled(this == "x")]),
        ("Book.access", "knows neither the row nor the user", "user.<field>", lambda: [Author, ruled(now == now)]),  # the mistake
        ("Book.access", "this.author_id names a JSON member", "In Python it is author", lambda: [Author, ruled(this.author_id == user)]),
        ("Book.access", "this.title is no bool", "this.title == ...", lambda: [Author, ruled(this.title)]),
        ("Book.access", "this.count is no bool", "this.count == ...", lambda: [Author, ruled(~this.count)]),
        ("Book.access", "this.title is no Ref", "End the path there", lambda: [Author, ruled(this.title.name == "x")]),
        ("Book.access", "this.author.token is a secret", "another field", lambda: [Author, ruled(this.author.token == "x")]),
        ("Book.access", "this.author.nick names no field", "Known here", lambda: [Author, ruled(owner | (this.author.nick == "x"))]),
        ("Book.access", "'gone' is not one of draft, published", "a value of its type", lambda: [Author, ruled(this.status == "gone")]),
        ("Book.access", "1 is not of type str", "a value of its type", lambda: [Author, ruled(this.title == 1)]),
        ("Book.access", "0.5 is not a Decimal", "a value of its type", lambda: [Author, ruled(this.price > 0.5)]),
        ("Book.access", "this.flag has no order", "==", lambda: [Author, ruled(this.flag > False)]),
        ("Book.access", "this.tags is a list", "is_null(this.tags)", lambda: [Author, ruled(this.tags == ["x"])]),
        ("Book.access", "this.count is put in order with None", "is_null(this.count)", lambda: [Author, ruled(this.count > None)]),
        (
            "Book.access",
            "this.title and this.count are of different types",
            "of one type",
            lambda: [Author, ruled(this.title == this.count)],
        ),
        ("Book.access", "this.price and this.cost are of different types", "of one type", lambda: [Author, ruled(this.price == this.cost)]),
        ("Book.access", "this.title is no id", "user.<field>", lambda: [Author, ruled(this.title == user)]),
        ("Book.access", "this.title is no point in time", "datetime or date", lambda: [Author, ruled(this.title < now)]),
        ("Book.access", "neither the row nor the user", "this.<field>", lambda: [Author, ruled(now == 3)]),
        ("Book.access", "is_in(this.status) names no values", "at least one", lambda: [Author, ruled(is_in(this.status))]),
        ("Book.access", "is_in() begins with a field", "is_in(this.status", lambda: [Author, ruled(is_in(user.email, "x"))]),
        ("Book.access", "is_null() asks for a field", "is_null(this.<field>)", lambda: [Author, ruled(is_null(now))]),
        ("Book.x", "this.y names no field", "Known here", lambda: one(str, loose(readable_by=this.y == 1))),
        ("Book.access", "access is 3", "access = Access(", lambda: type("Book", (Resource,), {"access": 3})),
        ("Book.access", "Strange() cannot be compared", "Compare with a value", lambda: [Author, ruled(this.title == Strange())]),
        ("Book.check", "cannot ask who the caller is", "Move roles to access", lambda: one(int, check=[role("a") | (this.x > 1)])),
        ("Book.check", "cannot know user", "at any time for anyone", lambda: one(str, check=[this.x == user.email])),
        ("Book.check", "cannot know now", "at any time for anyone", lambda: one(datetime, check=[this.x < now])),
        ("Book.check", "cannot look into another record", "same record", lambda: [Author, one(Ref[Author], check=[this.x.name == "a"])]),
        ("Book.check", "3 is no rule", "Write a rule", lambda: one(int, check=[3])),
    ]
)


def serve(declare: Callable[[], Any]) -> None:
    """Declare and freeze."""
    served = declare()
    Backend(*(served if isinstance(served, list) else [served]))


@pytest.mark.parametrize(("place", "problem", "mend", "declare"), MISTAKES, ids=[f"{each[0]}: {each[1]}" for each in MISTAKES])
def test_mistake_names_class_field_and_mend(place: str, problem: str, mend: str, declare: Callable[[], Any]) -> None:
    """A wrong declaration stops the start and says where it is wrong, what is wrong, and how to mend it."""
    with pytest.raises(Misconfigured) as caught:
        serve(declare)

    assert caught.value.place == place
    assert problem in caught.value.problem
    assert mend in caught.value.mend
    assert str(caught.value).startswith(f"{place}: ")


def test_all_mistakes_are_told_at_once() -> None:
    """Mistakes in different classes and fields come in one error, a line each."""

    class Book(Resource):
        price: Decimal
        title: str = loose(max_lenght=3)

    class Shelf(Resource):
        id: UUID

    with pytest.raises(Misconfigured) as caught:
        Backend(Book, Shelf)

    assert [each.split(":")[0] for each in str(caught.value).splitlines()] == ["Book.price", "Book.title", "Shelf.id"]
    assert [each.place for each in caught.value.also] == ["Book.title", "Shelf.id"]


def test_an_unknown_option_of_a_backend_is_told_with_the_nearest() -> None:
    """`titel=` is a mistake like any other in a declaration, not a TypeError."""
    with pytest.raises(Misconfigured) as caught:
        Backend(titel="x")  # type: ignore[arg-type]  # the mistake itself

    assert (caught.value.place, caught.value.mend) == ("Backend", "Did you mean `title`?")
