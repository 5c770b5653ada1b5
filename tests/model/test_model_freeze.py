"""A right declaration comes out of the freezing as it was meant."""

import dataclasses
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import msgspec
import pytest
from examples import library
from typing_extensions import TypeAliasType

from holdfast import Access, Backend, Email, Ref, Resource, Url, anyone, field, is_in, is_null, now, owner, role, this, user
from holdfast.model import types as t
from holdfast.model.catalog import AccessSpec, Catalog, FieldSpec, OnDelete, ResourceSpec, ReverseSpec, Secret
from holdfast.model.rule import Rule
from holdfast.model.rule_text import describe

TYPING = Path(__file__).parents[1] / "typing"


class Genre(Enum):
    NOVEL = "novel"
    ESSAY = "essay"


Isbn = NewType("Isbn", str)


@dataclass
class Size:
    height: Annotated[Decimal, field(places=1, gt=0)]
    notes: dict[str, int | None] = dataclasses.field(default_factory=dict)
    label: str | None = None


class Edition(msgspec.Struct):
    year: Annotated[int, msgspec.Meta(ge=1450)]
    sizes: list[Size] = msgspec.field(default_factory=list)
    printed: bool = True


def freeze_one(annotation: Any, **options: Any) -> FieldSpec:
    """The field of a class with the one field `x`."""
    made: Any = type("Book", (Resource,), {"__annotations__": {"x": annotation}, "x": field(**options), "__module__": __name__})
    return Backend(made).catalog.resources["books"].by_name["x"]


@pytest.mark.parametrize(
    ("annotation", "options", "type_"),
    [
        (str, {}, t.Text(0, 65_535)),
        (str, {"min_length": 1, "max_length": 9, "pattern": "^a"}, t.Text(1, 9, "^a")),
        (str, {"min_length": 70_000}, t.Text(70_000, 70_000)),
        (Isbn, {"max_length": 13}, t.Text(0, 13)),
        (Email, {}, t.Text(0, 254, None, t.TextFormat.EMAIL)),
        (Email, {"max_length": 60}, t.Text(0, 60, None, t.TextFormat.EMAIL)),
        (Url, {}, t.Text(0, 65_535, None, t.TextFormat.URL)),
        (int, {}, t.Integer()),
        (int, {"ge": 1, "le": 9, "multiple_of": 2}, t.Integer(1, 9, 2)),
        (int, {"gt": 1, "lt": 9}, t.Integer(2, 8)),
        (float, {"gt": 0, "le": 1.5, "multiple_of": 0.5}, t.Float(gt=0.0, le=1.5, multiple_of=0.5)),
        (bool, {}, t.Boolean()),
        (Decimal, {"places": 2}, t.Number(2, 18)),
        (
            Decimal,
            {"places": 0, "digits": 3, "lt": 100, "ge": -5, "multiple_of": 5},
            t.Number(0, 3, Decimal(-5), None, None, Decimal(100), Decimal(5)),
        ),
        (Decimal, {"places": 1, "ge": 0.1}, t.Number(1, 18, Decimal("0.1"))),
        (date, {}, t.Date()),
        (datetime, {}, t.Timestamp()),
        (time, {}, t.Time()),
        (timedelta, {}, t.Duration()),
        (UUID, {}, t.Uuid()),
        (Literal["a", "b"], {}, t.Choice(("a", "b"))),
        (Genre, {}, t.Choice(("novel", "essay"), Genre)),
        (list[int], {"min_length": 1, "max_length": 3, "ge": 0}, t.Items(t.Integer(ge=0), min_length=1, max_length=3)),
        (list[str | None], {}, t.Items(t.Text(), item_nullable=True)),
        (list[Annotated[str, field(max_length=5)]], {}, t.Items(t.Text(0, 5))),
        (Annotated[list[Email], field(max_length=5)], {}, t.Items(t.Text(0, 254, None, t.TextFormat.EMAIL), max_length=5)),
        (dict[str, Decimal], {"places": 2}, t.Mapping(t.Number(2))),
        (dict[str, float | None], {"max_length": 2}, t.Mapping(t.Float(), value_nullable=True, max_length=2)),
        (dict[str, list[date]], {}, t.Mapping(t.Items(t.Date()))),
        ("str", {}, t.Text()),
        ("list[Literal['a']]", {}, t.Items(t.Choice(("a",)))),
    ],
    ids=str,
)
def test_annotation_becomes_its_type(annotation: Any, options: Mapping[str, Any], type_: t.FieldType) -> None:
    """Every type of the contract, with every bound, becomes the plain description it means."""
    spec = freeze_one(annotation, **options)

    assert (type_, False, True) == (spec.type, spec.nullable, spec.required)


def test_type_alias_stands_for_its_type() -> None:
    """`type Title = str` of newer Pythons is read as what it stands for."""
    assert freeze_one(TypeAliasType("Title", str), max_length=9).type == t.Text(0, 9)


@pytest.mark.parametrize("annotation", [int | None, Optional[int], None | int, "int | None", Annotated[int | None, "note"]])  # noqa: UP045
def test_none_in_an_annotation_accepts_null(annotation: Any) -> None:
    """X | None in each spelling is nullable, and still required without a default."""
    spec = freeze_one(annotation)

    assert (spec.type, spec.nullable, spec.required) == (t.Integer(), True, True)


def test_nested_objects_are_read_in_depth() -> None:
    """Dataclasses and msgspec structs keep their members, bounds and defaults, one inside the other."""
    found = freeze_one(Edition).type

    assert isinstance(found, t.Nested)
    year, sizes, printed = found.members
    assert (found.name, found.python) == ("Edition", Edition)
    assert (year.type, year.required) == (t.Integer(ge=1450), True)
    assert (sizes.required, sizes.factory, printed.required, printed.default) == (False, list, False, True)
    assert isinstance(sizes.type, t.Items)
    assert isinstance(sizes.type.item, t.Nested)
    height, notes, label = sizes.type.item.members
    assert height == t.Member("height", t.Number(1, gt=Decimal(0)))
    assert (notes.type, notes.factory) == (t.Mapping(t.Integer(), value_nullable=True), dict)
    assert (label.type, label.nullable, label.default) == (t.Text(), True, None)


def test_library_of_the_contract() -> None:
    """The example of the contract freezes to what it says."""
    authors, books, _users = library.backend.catalog.resources.values()

    assert (authors.name, authors.path, authors.table, authors.description) == ("Author", "authors", "authors", "People who write books.")
    assert authors.unique == (("email",),)
    assert authors.reverses[0].name == "books"
    assert (authors.reverses[0].source, authors.reverses[0].member) == ("books", "author_id")
    shown = "id version title author_id price status published_on tags cost created_at updated_at created_by_id"
    assert [each.member for each in books.fields] == shown.split()
    assert books.description == ""
    assert books.unique == (("author_id", "title"),)
    assert books.index == (("created_by_id",),)
    assert [each.name for each in books.search_fields] == ["title"]
    assert (books.require_version, books.cache, books.was, books.python) == (True, "no-store", None, library.Book)
    assert books.by_name["author"] is books.by_member["author_id"]
    assert library.backend.catalog.target(books.by_name["author"]) is authors
    assert library.backend.catalog.referring("authors") == ((books, books.by_name["author"]),)
    assert books.by_name["title"].reference is None


def test_library_access() -> None:
    """read grants list, update grants update_to, and constants are in stored form."""
    access = library.backend.catalog.resources["books"].access

    read = "(this.status == 'published') | (this.created_by == user) | role('editor')"
    update = "role('editor') | (this.created_by == user)"
    assert {each.name: describe(getattr(access, each.name)) for each in dataclasses.fields(AccessSpec)} == {
        "list": read,
        "read": read,
        "create": "role('editor')",
        "update": update,
        "update_to": update,
        "delete": "role('admin')",
    }


def verbs(**rules: Any) -> str:
    """The access of a class, a letter for each verb: a anyone, r role, - nobody."""

    class Book(Resource):
        access = Access(**rules)

    access = Backend(Book).catalog.resources["books"].access
    return "".join(describe(getattr(access, each.name))[0].replace("n", "-") for each in dataclasses.fields(AccessSpec))


def test_grants_fill_in_what_is_not_said() -> None:
    """read stands for list, write for the three writes, update for update_to; the nearer word wins and the rest is denied."""
    some = role("x")

    assert verbs() == "------"
    assert verbs(read=anyone) == "aa----"
    assert verbs(read=anyone, list=some) == "ra----"
    assert verbs(list=anyone) == "a-----"
    assert verbs(write=anyone) == "--aaaa"
    assert verbs(write=anyone, update=some) == "--arra"
    assert verbs(write=anyone, update_to=some) == "--aara"
    assert verbs(update=anyone) == "---aa-"


def test_class_without_access_grants_nothing() -> None:
    """Access is denied unless granted."""

    class Book(Resource):
        title: str

    assert describe(Backend(Book).catalog.resources["books"].access.read) == "nobody"


def test_system_fields_stand_around_the_declared() -> None:
    """id and version come first, times and maker last; the maker is found by two names in Python."""
    spec = freeze_catalog(type("Book", (Resource,), {})).resources["books"]

    assert [(each.name, each.member) for each in spec.fields] == [
        ("id", "id"),
        ("version", "version"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("created_by", "created_by_id"),
    ]
    assert all(each.system and not each.required for each in spec.fields)
    assert [each.nullable for each in spec.fields] == [False, False, False, False, True]
    assert (spec.unique, spec.index) == ((), ())


def freeze_catalog(*classes: Any, **options: Any) -> Catalog:
    """The catalog of some classes."""
    return Backend(*classes, **options).catalog


def test_backend_speaks_for_its_api() -> None:
    """Title, version, description, registration and the rule for versions are kept."""

    class Book(Resource):
        pass

    class Note(Resource, require_version=True):
        pass

    plain, told = freeze_catalog(Book), freeze_catalog(
        Book, Note, title="T", version="2", description="D", require_version=False, registration=True
    )  # fmt: skip

    assert (plain.title, plain.version, plain.description, plain.registration) == ("Holdfast", "1", "", False)
    assert (told.title, told.version, told.description, told.registration) == ("T", "2", "D", True)
    assert [each.require_version for each in told.resources.values()] == [False, True, False]


@pytest.fixture(scope="module")
def face() -> ModuleType:
    """The module that uses every form of declaration, as the type checkers see it, run for real."""
    spec = importlib.util.spec_from_file_location("face_in_use", TYPING / "use.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["face_in_use"] = module  # where its quoted names are looked up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def everything(face: ModuleType) -> ResourceSpec:
    """The class with every option."""
    found: ResourceSpec = face.backend.catalog.resources["all-things"]
    return found


def test_class_keywords(everything: ResourceSpec) -> None:
    """Path, keys, rename, version and cache come out as written, those of a mixin with them."""
    assert (everything.path, everything.table, everything.was) == ("all-things", "all_things", "Anything")
    assert (everything.require_version, everything.cache) == (True, "private, no-cache")
    assert everything.unique == (("code",), ("size", "day"))
    assert everything.index == (("kind",), ("day",), ("created_by_id",))
    assert [describe(each.rule) for each in everything.checks] == ["this.count >= 0", "this.ends > this.starts"]
    assert [each.members for each in everything.checks] == [("count",), ("ends", "starts")]


def test_check_names_are_stable(everything: ResourceSpec) -> None:
    """A constraint keeps its name from start to start, because it names table, members and a hash of the rule."""
    assert [each.name for each in everything.checks] == ["all_things_count_2c5bf88d", "all_things_ends_starts_24e2e562"]


def test_mixin_lends_its_fields(everything: ResourceSpec) -> None:
    """The fields of a mixin come before those of the class."""
    assert [each.name for each in everything.fields[:4]] == ["id", "version", "starts", "ends"]


def test_field_options(everything: ResourceSpec) -> None:
    """Every option of field(...) is kept where it was said, and nowhere else."""
    said: dict[str, dict[str, Any]] = {
        "code": {"immutable": True, "examples": ("abc",)},
        "price": {"default": Decimal("1.50")},
        "token": {"default": None, "description": "A token", "deprecated": True},
        "kind": {"default": "a", "index": True},
        "author": {"on_delete": OnDelete.CASCADE, "reverse": "things"},
        "parent": {"on_delete": OnDelete.SET_NULL, "was": "above", "nullable": True},
        "password": {"secret": Secret.HASHED, "nullable": True},
        "views": {"readonly": True, "default": 0},
        "note": {"search": True},
        "names": {"factory": list},
    }
    plain = FieldSpec("x", "x", t.Boolean())
    for name, options in said.items():
        spec = everything.by_name[name]
        assert {key: getattr(spec, key) for key in options} == options
        elsewhere = {"name", "member", "type", "nullable", "required", "default", "readable_by", "writable_by"}
        rest = {each.name for each in dataclasses.fields(plain)} - {*options, *elsewhere}
        assert {key: getattr(spec, key) for key in rest} == {key: getattr(plain, key) for key in rest}


def test_field_rules_are_settled(everything: ResourceSpec) -> None:
    """readable_by and writable_by are kept as rules."""
    note = everything.by_name["note"]

    assert note.readable_by is not None
    assert note.writable_by is not None
    assert (describe(note.readable_by), describe(note.writable_by)) == ("this.created_by == user", "role('editor')")


def test_rules_are_settled(everything: ResourceSpec) -> None:
    """In a frozen rule, This is on the left of a comparison and `created_by` is the maker."""
    assert describe(everything.access.update_to) == ("(this.starts <= now) & (this.author.email == user.email) & (this.created_by == user)")


def test_references_between_classes(face: ModuleType) -> None:
    """A quoted reference to the own class is found; each reference gives a route on its target."""
    resources = face.backend.catalog.resources

    assert [(each.name, each.source) for each in resources["authors"].reverses] == [("books", "books"), ("things", "all-things")]
    assert [(each.name, each.member) for each in resources["all-things"].reverses] == [("all-things", "parent_id")]


def test_circular_references_in_quotes() -> None:
    """Two classes written inside a function refer to each other, each found among the classes of the Backend."""

    class Egg(Resource):
        hen: "Ref[Hen]"

    class Hen(Resource):
        egg: Ref["Egg"] | None = None

    catalog = freeze_catalog(Egg, Hen)

    assert catalog.resources["eggs"].by_name["hen"].type == t.Reference("hens")
    assert catalog.resources["hens"].by_name["egg"].type == t.Reference("eggs")


def test_two_references_to_one_target_need_one_name() -> None:
    """The second reference says reverse=; a list of both hangs below the target."""

    class Person(Resource):
        name: str

    class Book(Resource):
        author: Ref[Person]
        editor: Ref[Person] = field(reverse="edited_books")

    people = freeze_catalog(Person, Book, registration=False).resources["persons"]

    assert [(each.name, each.member) for each in people.reverses] == [("books", "author_id"), ("edited_books", "editor_id")]
    assert people.reverses[0] != ReverseSpec("books", "books", "author_id"), "specs are compared by identity"


def settle(rule: Rule) -> str:
    """A rule of a class with a field of every kind, after freezing."""

    class Person(Resource):
        name: str
        boss: "Ref[Person] | None" = None

    class Book(Resource):
        title: str
        genre: Genre
        price: Decimal = field(places=2, ge=1)
        length: timedelta
        due: datetime
        day: date
        flag: bool
        count: int
        token: UUID
        author: Ref[Person]
        editor: Ref[Person] = field(reverse="edited")
        tags: list[str]

        access = Access(read=rule)

    return describe(freeze_catalog(Person, Book).resources["books"].access.read)


@pytest.mark.parametrize(
    ("rule", "settled"),
    [
        (this.genre == Genre.NOVEL, "this.genre == 'novel'"),
        (this.genre == "essay", "this.genre == 'essay'"),
        (is_in(this.genre, Genre.NOVEL, "essay"), "is_in(this.genre, 'novel', 'essay')"),
        (this.price > Decimal("0.5"), "this.price > 50"),
        (this.price > 3, "this.price > 300"),
        (this.length < timedelta(seconds=1), "this.length < 1000000"),
        (this.due <= datetime(2026, 1, 1, tzinfo=UTC), "this.due <= '2026-01-01T00:00:00.000000Z'"),
        (this.day <= now, "this.day <= now"),
        (now >= this.due, "this.due <= now"),
        (user == this.token, "this.token == user"),
        (this.flag, "this.flag == 1"),
        (~this.flag & this.flag, "~(this.flag == 1) & (this.flag == 1)"),
        (this.flag == False, "this.flag == 0"),  # noqa: E712  # a comparison builds a rule
        (this.title == None, "this.title == None"),  # noqa: E711  # a comparison builds a rule
        (this.author == UUID(int=1), "this.author == '00000000-0000-0000-0000-000000000001'"),
        (this.author.id == user, "this.author == user"),
        (this.author.boss.id == this.editor, "this.author.boss == this.editor"),
        (this.author == this.token, "this.author == this.token"),
        (this.id == user, "this.id == user"),
        (this.author.boss.boss.name == "x", "this.author.boss.boss.name == 'x'"),
        (this.created_by_id == user, "this.created_by == user"),
        (this.version > 3, "this.version > 3"),
        (this.title < this.title, "this.title < this.title"),
        (is_null(this.tags), "is_null(this.tags)"),
        (is_null(user.email), "is_null(user.email)"),
        (is_in(this.title, "a", user.email), "(this.title == 'a') | (this.title == user.email)"),
        (user.email == "x", "user.email == 'x'"),
        (owner & anyone, "(this.created_by == user) & anyone"),
    ],
    ids=describe,
)
def test_constants_are_brought_into_stored_form(rule: Rule, settled: str) -> None:
    """A rule is settled against the fields it names: constants in stored form, paths shortened, the row on the left."""
    assert settle(rule) == settled


def test_fields_named_like_parameters_warn() -> None:
    """Such a field is allowed, and the catalog says how to filter it."""

    class Book(Resource):
        limit: int
        q: str

    assert freeze_catalog(Book).warnings == (
        "Book.limit: A query parameter has this name. Filter it as limit[eq]=..., or rename it.",
        "Book.q: A query parameter has this name. Filter it as q[eq]=..., or rename it.",
    )


def test_index_on_the_maker_is_made_once() -> None:
    """A rule that asks for the maker brings its index, unless the class has it already."""

    class Book(Resource, index=["created_by"]):
        access = Access(read=owner)

    class Note(Resource):
        access = Access(create=owner)

    catalog = freeze_catalog(Book, Note)

    assert [each.index for each in catalog.resources.values()] == [(("created_by_id",),), (), ()]


def test_check_of_a_mixin_counts_once() -> None:
    """The same condition, said twice, is one constraint."""

    class Dated(Resource, check=[this.a > 0]):
        a: int

    class Book(Dated, check=[this.a > 0]):
        pass

    assert len(freeze_catalog(Book).resources["books"].checks) == 1


def test_long_check_names_fit_a_database() -> None:
    """The name of a constraint stays within the 63 bytes of a PostgreSQL identifier."""
    names = {f"{letter * 40}": int for letter in "ab"}
    rule = getattr(this, "a" * 40) < getattr(this, "b" * 40)
    made: Any = type("Book", (Resource,), {"__annotations__": names, "__module__": __name__}, check=[rule])

    assert len(freeze_catalog(made).resources["books"].checks[0].name) <= 63
