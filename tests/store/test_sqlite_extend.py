"""Extending a database to the classes: what loses nothing is done, whole and at once; what would lose something is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import new_class
from typing import Any
from uuid import UUID, uuid4

import apsw
import pytest
from sqlite_library import ALL, CLOCK

from holdfast import Backend, Ref, Resource, field, this
from holdfast.base.errors import Misconfigured
from holdfast.model.catalog import Catalog
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.connection import open_writer
from holdfast.store.sqlite.schema import extend, prepare


class Mood(Enum):
    """How somebody is."""

    CALM = "calm"
    GLAD = "glad"


def before() -> Catalog:
    """The classes that made the database."""

    class Author(Resource):
        name: str = field(search=True)
        rank: int = field(index=True)
        nick: str | None = None

        access = ALL

    class Book(Resource, check=[this.pages >= 1], unique=["title"]):
        title: str
        pages: int = 1
        author: Ref[Author]

        access = ALL

    return Backend(Author, Book).catalog


def after() -> Catalog:
    """The same later: with something of everything that can be added, loosened, tightened or taken away without loss."""

    class Author(Resource):
        name: str = field(search=True)
        rank: int | None = None
        nick: str = field(default="x", search=True)
        active: bool = True
        quote: str = 'it\'s "so" \n 50 % :x ?'
        price: Decimal = field(default=Decimal("-1.50"), places=2)
        since: datetime = datetime(2020, 2, 29, tzinfo=UTC)
        pause: timedelta = timedelta(hours=-1)
        mood: Mood = Mood.CALM
        ratio: float = 0.1
        token: UUID | None = field(default_factory=uuid4)
        labels: dict[str, str] = field(default_factory=dict[str, str])
        password: str | None = field(default=None, secret="hashed")  # noqa: S106  # a kind, not a password
        mentor: "Ref[Author] | None" = field(default=None, reverse="pupils")

        access = ALL

    class Book(Resource, check=[this.pages <= 1000], unique=[("title", "author")]):
        title: str
        pages: int = field(default=1, index=True)
        author: Ref[Author] = field(index=True)

        access = ALL

    class Shelf(Resource, path="shelves"):
        label: str = field(search=True, unique=True)
        book: Ref[Book]

        access = ALL

    return Backend(Author, Book, Shelf).catalog


def make(folder: Path, catalog: Catalog) -> Path:
    """Make the database of a folder."""
    return prepare(folder, catalog, Renderer(catalog), CLOCK, create=True)


def put_authors(path: Path, *names: str, rank: int = 1) -> None:
    """Put records of the first classes in by hand."""
    insert = "INSERT INTO authors (id, version, name, rank, nick, created_at, updated_at) VALUES (?, 1, ?, ?, 'n', '', '')"
    run(path, *((insert, (name, name, rank)) for name in names))


def run(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Run statements with a connection of ours; the rows of the last."""
    connection = open_writer(path)
    try:
        rows = [connection.execute(text, values).fetchall() for text, values in statements]
    finally:
        connection.close()
    return rows[-1]


def outline(path: Path) -> dict[str, Any]:
    """What a database is made of, apart from the order of its columns and what they are by default."""
    connection = apsw.Connection(str(path))
    tables = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]

    def parts(table: str) -> Iterator[Any]:
        yield sorted((row[1], row[2], row[3], row[5]) for row in connection.execute("SELECT * FROM pragma_table_info(?)", (table,)))
        yield sorted(row[2:7] for row in connection.execute("SELECT * FROM pragma_foreign_key_list(?)", (table,)))
        for index, unique in sorted(connection.execute('SELECT name, "unique" FROM pragma_index_list(?)', (table,))):
            yield index, unique, connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)).fetchall()

    found = {table: list(parts(table)) for table in tables}
    connection.close()
    return found


def test_an_extended_database_is_as_a_new_one(tmp_path: Path) -> None:
    """Tables, columns, keys, indexes and references are those of a database that the later classes made; a start accepts it."""
    path, later = make(tmp_path / "a", before()), after()
    put_authors(path, "Ann")

    done = extend(tmp_path / "a", later)

    assert outline(path) == outline(make(tmp_path / "b", later))
    assert prepare(tmp_path / "a", later, Renderer(later), CLOCK, create=False) == path
    assert {"table shelves added", "column authors.mentor_id added", "unique (title) of books removed"} <= set(done)
    assert extend(tmp_path / "a", later) == ()


def test_records_get_the_defaults_of_new_fields(tmp_path: Path) -> None:
    """In stored form; null where the default is another each time."""
    path, later = make(tmp_path, before()), after()
    put_authors(path, "Ann")

    extend(tmp_path, later)

    columns = "name, active, quote, price, since, pause, mood, ratio, token, labels, mentor_id"
    (row,) = run(path, (f"SELECT {columns} FROM authors", ()))  # noqa: S608  # our own names
    quote = 'it\'s "so" \n 50 % :x ?'
    assert row == ("Ann", 1, quote, -150, "2020-02-29T00:00:00.000000Z", -3_600_000_000, "calm", 0.1, None, "{}", None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE authors SET active = 2",
        "UPDATE authors SET nick = NULL",
        "UPDATE authors SET mentor_id = 'nobody'",
        "INSERT INTO books (id, version, title, pages, author_id, created_at, updated_at) VALUES ('b', 1, 't', 1001, 'Ann', '', '')",
    ],
)
def test_what_was_added_is_kept_by_the_database(tmp_path: Path, statement: str) -> None:
    """Checks, references and the refusal of null hold of what is written from now on."""
    path, later = make(tmp_path, before()), after()
    put_authors(path, "Ann")
    extend(tmp_path, later)

    with pytest.raises(apsw.ConstraintError):
        run(path, (statement, ()))


def test_the_full_text_index_is_filled_anew(tmp_path: Path) -> None:
    """Records that are there are found by members that are searched now."""
    path, later = make(tmp_path, before()), after()
    put_authors(path, "Ann", "Ännchen")

    extend(tmp_path, later)

    found = "SELECT count(*) FROM hf_search_authors WHERE hf_search_authors MATCH ?"
    assert [run(path, (found, (word,))) for word in ("ann", "annchen", "n")] == [[(1,)], [(1,)], [(2,)]]


NAME, RANK, NICK = ("name", str, field(search=True)), ("rank", int, field(index=True)), ("nick", str | None, None)


def changed(*fields: tuple[str, Any, Any], books: bool = True, **keywords: Any) -> Catalog:
    """The first classes with other fields, and class keywords, of the author."""

    def fill(namespace: dict[str, Any]) -> None:
        namespace["__annotations__"] = {name: annotation for name, annotation, _ in fields}
        namespace.update({name: spec for name, _, spec in fields}, access=ALL, __module__=__name__)

    author = new_class("Author", (Resource,), keywords, fill)
    book = {"title": str, "pages": int, "author": Ref[author]}  # type: ignore[valid-type]  # made just now

    def fill_book(namespace: dict[str, Any]) -> None:
        namespace.update(__annotations__=book, pages=1, access=ALL, __module__=__name__)

    parts = {"check": [this.pages >= 1], "unique": ["title"]}
    return Backend(author, *([new_class("Book", (Resource,), parts, fill_book)] if books else [])).catalog


LOSSES = {
    "a field is gone": (changed(NAME, NICK), "it has column authors.rank, which no field declares"),
    "a class is gone": (changed(NAME, RANK, NICK, books=False), "it has table books, which no class declares"),
    "a type is another": (changed(NAME, ("rank", str, field(index=True)), NICK), "column authors.rank is integer, declared as text"),
    "a field has no default": (changed(NAME, RANK, NICK, ("more", int, field())), "it lacks column authors.more"),
    "a default is another each time": (
        changed(NAME, RANK, NICK, ("more", UUID, field(default_factory=uuid4))),
        "it lacks column authors.more",
    ),
    "a secret would be made up": (
        changed(NAME, RANK, NICK, ("more", str, field(default="correct horse battery", secret="hashed"))),  # noqa: S106  # a kind
        "it lacks column authors.more",
    ),
}


@pytest.mark.parametrize(("later", "says"), LOSSES.values(), ids=LOSSES)
def test_what_would_lose_or_invent_something_is_not_done(tmp_path: Path, later: Catalog, says: str) -> None:
    """Nothing is done, and the start says why, and does not send anybody to `dev`."""
    path = make(tmp_path, before())
    put_authors(path, "Ann")
    was = outline(path)

    assert extend(tmp_path, later) == ()

    assert outline(path) == was
    with pytest.raises(Misconfigured, match=says) as refused:
        prepare(tmp_path, later, Renderer(later), CLOCK, create=False)
    assert "holdfast dev" not in str(refused.value)


MORE = ("more", str | None, None)
TIGHTER = {
    "unique": (changed(NAME, RANK, NICK, MORE, unique=["rank"]), "unique (rank) of authors added"),
    "a check": (changed(NAME, RANK, NICK, MORE, check=[this.rank > 1]), "check (authors_rank_"),
    "no null": (changed(NAME, RANK, ("nick", str, field()), MORE), "column authors.nick made text"),
}


@pytest.mark.parametrize(("later", "says"), TIGHTER.values(), ids=TIGHTER)
def test_what_records_do_not_keep_is_refused_and_undone(tmp_path: Path, later: Catalog, says: str) -> None:
    """Two alike, one beyond the check, one without a value: the refusal names it, and what had been added before it is gone again."""
    path = make(tmp_path, before())
    put_authors(path, "Ann", "Bob")
    run(path, ("UPDATE authors SET nick = NULL WHERE id = 'Bob'", ()))
    was = outline(path)

    with pytest.raises(Misconfigured) as refused:
        extend(tmp_path, later)

    assert says in str(refused.value)
    assert "Nothing was changed" in str(refused.value)
    assert outline(path) == was


@pytest.mark.parametrize(("later", "says"), TIGHTER.values(), ids=TIGHTER)
def test_what_records_keep_is_tightened(tmp_path: Path, later: Catalog, says: str) -> None:
    """The same where the records allow it."""
    path = make(tmp_path, before())
    put_authors(path, "Ann", rank=2)

    assert any(says in each for each in extend(tmp_path, later))


def test_a_start_that_refuses_says_that_dev_would_do_it(tmp_path: Path) -> None:
    """Where nothing would be lost."""
    make(tmp_path, before())
    later = after()

    with pytest.raises(Misconfigured, match="start `holdfast dev` on this folder"):
        prepare(tmp_path, later, Renderer(later), CLOCK, create=False)


def test_where_there_is_no_database_nothing_is_made(tmp_path: Path) -> None:
    """That is for the start to do."""
    later = after()

    assert extend(tmp_path / "nowhere", later) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_column_removed_by_hand_is_not_added_again(tmp_path: Path) -> None:
    """Drift is told, not mended: what was in the column is lost already."""
    path = make(tmp_path, before())
    run(path, ("ALTER TABLE authors DROP COLUMN nick", ()))
    later = after()

    assert extend(tmp_path, later) == ()
    with pytest.raises(Misconfigured, match="removed by hand"):
        prepare(tmp_path, later, Renderer(later), CLOCK, create=False)
