"""A declared library with every kind of reference, and plans for it, for the tests of the SQLite store."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from holdfast import Access, Backend, Ref, Resource, anyone, field, is_null, this
from holdfast.base.errors import Answerable
from holdfast.base.ids import RecordId, build_uuid7
from holdfast.core import condition as c
from holdfast.core.journal import hash_payload
from holdfast.core.plan import Create, Delete, Page, ReadMany, ReadOne, Row, Update, Write, WriteStep
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.clock import SystemClock

ALL = Access(read=anyone, write=anyone)
CLOCK = SystemClock()
DICE = random.SystemRandom()  # ids only: processes of one test must not throw the same

Value = TypeVar("Value")


@dataclass
class Address:
    """Where an author lives."""

    city: str
    zip: str | None = None


class Author(Resource):
    """Somebody who writes."""

    name: str = field(search=True)
    email: str | None = field(default=None, unique=True)
    address: Address | None = None
    labels: dict[str, str] = field(default_factory=dict[str, str])
    password: str | None = field(default=None, secret="hashed")  # noqa: S106  # a kind, not a password

    access = ALL


class Book(Resource, unique=[("author", "title")], check=[this.last_page >= this.first_page]):
    """A book cannot be without its author, who cannot go while it stands."""

    title: str = field(search=True)
    author: Ref[Author] = field(on_delete="restrict")
    first_page: int = 1
    last_page: int = 1

    access = ALL


class Chapter(Resource):
    """A chapter goes with its book."""

    title: str
    book: Ref[Book] = field(on_delete="cascade")

    access = ALL


class Note(Resource, check=[~((this.text == "pinned") & is_null(this.chapter))]):
    """A note outlives the chapter it speaks of, unless it is pinned to it."""

    text: str
    chapter: Ref[Chapter] | None = field(default=None, on_delete="set_null")

    access = ALL


class Node(Resource):
    """A node goes with its parent; nodes can stand in a ring."""

    name: str
    parent: Ref["Node"] | None = field(default=None, on_delete="cascade", reverse="children")
    friend: Ref["Node"] | None = field(default=None, on_delete="set_null", reverse="friends")

    access = ALL


CATALOG = Backend(Author, Book, Chapter, Note, Node).catalog
AUTHORS, BOOKS, CHAPTERS, NOTES, NODES, USERS = CATALOG.resources.values()

_DEFAULTS: Mapping[str, Mapping[str, c.Stored]] = {
    "authors": {"name": "Ada", "email": None, "address": None, "labels": "{}", "password": None},
    "books": {"title": "Untitled", "author_id": None, "first_page": 1, "last_page": 1},
    "chapters": {"title": "One", "book_id": None},
    "notes": {"text": "a note", "chapter_id": None},
    "nodes": {"name": "n", "parent_id": None, "friend_id": None},
    "users": {"email": "ada@example.org", "password": None, "roles": "[]", "active": 1, "email_verified": 0},
}


def view(resource: ResourceSpec) -> View:
    """Every member but the secrets."""
    return View(resource, resource.shown_fields, (), "salt")


VIEWS = {path: view(resource) for path, resource in CATALOG.resources.items()}


def make_id() -> RecordId:
    """A new id."""
    return build_uuid7(CLOCK.now() // 1000, DICE.getrandbits(74))


def create(resource: ResourceSpec, record_id: RecordId | None = None, **values: c.Stored) -> Create:
    """A step that makes a record, its members as given or by default; an id that is given counts as chosen by the caller."""
    return Create(record_id or make_id(), VIEWS[resource.path], {**_DEFAULTS[resource.path], **values}, chosen_id=record_id is not None)


def update(made: Create, version: int | None = None, **assign: c.Stored) -> Update:
    """A step that changes a record that a step has made."""
    return Update(made.id, made.view, assign, version=version)


def delete(made: Create, version: int | None = None) -> Delete:
    """A step that deletes a record that a step has made."""
    return Delete(made.id, made.view, version=version)


def write(*steps: WriteStep, within_s: float = 10.0, prefix: str = "", actor_id: str | None = None) -> Write:
    """One write of some steps."""
    return Write(steps, actor_id, "request-1", CLOCK.now(), CLOCK.monotonic_s() + within_s, prefix)


def where(resource: ResourceSpec, member: str, value: c.Stored) -> c.Condition:
    """The member equals the value."""
    return c.Test(c.Path(resource.by_member[member]), c.Operator.EQUALS, value)


def listing(resource: ResourceSpec, condition: c.Condition = c.ALWAYS, **more: Any) -> ReadMany:
    """The first page of a list."""
    return ReadMany(VIEWS[resource.path], condition, **{"order": (), "limit": 20, **more})


async def settle(answer: Value | Awaitable[Value]) -> Value:
    """An answer that may have come at once or may be awaited."""
    return await answer if isawaitable(answer) else answer


async def read(store: SqliteStore, made: Create) -> Row | None:
    """A record as it is shown now."""
    return await settle(store.read_one(ReadOne(made.id, made.view)))


async def page(store: SqliteStore, plan: ReadMany) -> Page:
    """One page of a list."""
    return await settle(store.read_many(plan))


async def total(store: SqliteStore, resource: ResourceSpec, condition: c.Condition = c.ALWAYS) -> int:
    """The total of a list."""
    found = (await page(store, listing(resource, condition, limit=1))).total
    assert found is not None
    return found


async def refusal(answer: Awaitable[object]) -> Answerable:
    """The error that an awaitable must end with."""
    try:
        await answer
    except Answerable as error:
        return error
    raise AssertionError("it was not refused")


def refused(data_dir: Path, *plans: Write) -> Answerable:
    """How the last of some writes is refused, after the others were made."""

    async def story(store: SqliteStore) -> Answerable:
        for plan in plans[:-1]:
            await store.write(plan)
        return await refusal(store.write(plans[-1]))

    return run(data_dir, story)


def places(error: Answerable) -> list[tuple[str, str]]:
    """Where an error says what is wrong."""
    return [(each.field, each.code) for each in error.details]


def shown(row: Row | None) -> dict[str, Any]:
    """The members of a row."""
    assert row is not None
    members: dict[str, Any] = msgspec.json.decode(row.text)
    return members


def run(data_dir: Path, story: Callable[[SqliteStore], Coroutine[Any, Any, Value]]) -> Value:
    """Run a story on a store of a folder, made where it is not there, and close it."""

    async def tell() -> Value:
        store = SqliteStore(CATALOG, data_dir, CLOCK, create=True)
        try:
            return await story(store)
        finally:
            await store.close()

    return asyncio.run(tell())


@contextmanager
def watching_connections(watch: Callable[[apsw.Connection], None]) -> Iterator[None]:
    """Show `watch` every connection that is opened in the block."""
    apsw.connection_hooks.append(watch)
    try:
        yield
    finally:
        apsw.connection_hooks.remove(watch)


def look(data_dir: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a stranger sees in the database, or does to it, on a connection of their own."""
    connection = apsw.Connection(str(data_dir / "holdfast.db"))
    connection.set_busy_timeout(2_000)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def sign(message: bytes) -> bytes:
    """A keyed digest."""
    return hash_payload(f"key{message.hex()}") or b""
