"""What may be seen: totals under rules that look elsewhere, and what was once in sight."""

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from sqlite_library import AUTHORS, BOOKS, CLOCK, create, delete, run, settle, total, update, where, write

from holdfast.base.instant import Instant, format_instant
from holdfast.core import condition as c
from holdfast.core.plan import Create, Row, Undelete, Update, WriteStep
from holdfast.core.readings import HistoryPage, ReadAsOf, ReadHistory
from holdfast.core.view import Mask, View
from holdfast.store.sqlite.store import SqliteStore

SEEN_AUTHOR = c.Test(c.Path(AUTHORS.by_member["email"]), c.Operator.DIFFERS, None)


def by_author(member: str, value: c.Stored, guard: c.Condition | None = None) -> c.Condition:
    """A rule through the reference of a book."""
    return c.Test(c.Path(AUTHORS.by_member[member], (c.Step(BOOKS.by_name["author"], AUTHORS, guard),)), c.Operator.EQUALS, value)


RULES = (
    by_author("name", "Ada"),
    by_author("name", "Ada", SEEN_AUTHOR),
    c.Not(by_author("name", "Ada")),
    c.Any((where(BOOKS, "title", "B1"), by_author("name", "Grace"))),
    c.All((c.Not(where(BOOKS, "last_page", 2)), by_author("email", None))),
)


class World:
    """Authors and books as they should be, and the next change of them."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)  # noqa: S311  # test data, the same for the same seed
        self.authors: dict[str, tuple[Create, dict[str, c.Stored]]] = {}
        self.books: dict[str, tuple[Create, dict[str, c.Stored]]] = {}
        self._made = 0

    def change(self) -> WriteStep:
        """One change: of an author more often than not, for that is what moves books in and out of sight."""
        kind = self._dice.choice(("author", "author", "rename", "rename", "rename", "book", "book", "book", "move", "delete"))
        self._made += 1
        if kind == "author" or not self.authors:
            email = self._dice.choice((None, f"{self._made}@e.org"))
            return self._make(self.authors, create(AUTHORS, name=self._name(), email=email))
        author = self._dice.choice(list(self.authors))
        if kind == "rename":
            return self._set(self.authors[author], name=self._name(), email=self._dice.choice((None, f"{self._made}@e.org")))
        if kind == "book" or not self.books:
            return self._make(self.books, create(BOOKS, title=f"B{self._made % 3}-{self._made}", author_id=author))
        book = self._dice.choice(list(self.books))
        if kind == "move":
            return self._set(self.books[book], author_id=author, last_page=self._dice.choice((1, 2)))
        return delete(self.books.pop(book)[0])

    def count(self, rule: c.Condition) -> int:
        """How many books a rule lets be seen."""
        return sum(_holds(rule, values, self.authors) for _, values in self.books.values())

    def _name(self) -> str:
        return self._dice.choice(("Ada", "Grace", "Eve"))

    def _make(self, records: dict[str, tuple[Create, dict[str, c.Stored]]], step: Create) -> Create:
        records[step.id] = (step, dict(step.values))
        return step

    def _set(self, record: tuple[Create, dict[str, c.Stored]], **values: c.Stored) -> WriteStep:
        record[1].update(values)
        return Update(record[0].id, record[0].view, values)


def _holds(rule: c.Condition, book: dict[str, c.Stored], authors: dict[str, tuple[Create, dict[str, c.Stored]]]) -> bool:
    match rule:
        case c.All(parts):
            return all(_holds(part, book, authors) for part in parts)
        case c.Any(parts):
            return any(_holds(part, book, authors) for part in parts)
        case c.Not(part):
            return not _holds(part, book, authors)
        case c.Test(path, c.Operator.EQUALS, value) if not path.steps:
            return book[path.field.member] == value
        case c.Test(path, c.Operator.EQUALS, value):
            author = authors[str(book["author_id"])][1]
            hidden = path.steps[0].guard is not None and author["email"] is None
            return (None if hidden else author[path.field.member]) == value
        case _:
            raise TypeError(rule)


@pytest.mark.parametrize("seed", range(4))
def test_totals_stay_exact_under_rules_through_references(tmp_path: Path, seed: int) -> None:
    """Whatever changes, the records or those that they refer to, a total is that of the records that may be seen now."""
    world = World(seed)

    async def story(store: SqliteStore) -> list[list[tuple[int, int]]]:
        found = []
        for _ in range(60):
            await store.write(write(*(world.change() for _ in range(world.count(c.ALWAYS) % 3 + 1))))
            found.append([(await total(store, BOOKS, rule), world.count(rule)) for rule in RULES])
        return found

    for totals in run(tmp_path, story):
        assert [told for told, _ in totals] == [expected for _, expected in totals]


async def _as_of(store: SqliteStore, made: Create, at: Instant, condition: c.Condition) -> Row | None:
    return await settle(store.journal.read_as_of(ReadAsOf(made.id, made.view, format_instant(at), condition)))


def test_what_was_in_sight_is_told_to_who_may_see_it_now(tmp_path: Path) -> None:
    """A reading of then asks both: the record as it was, and as it is, or as it last was."""
    made = create(AUTHORS, name="Ada")
    ada, grace, either = (where(AUTHORS, "name", "Ada"), where(AUTHORS, "name", "Grace"), c.Not(where(AUTHORS, "name", "Eve")))

    async def seen(store: SqliteStore, at: Instant) -> list[bool]:
        return [await _as_of(store, made, at, rule) is not None for rule in (c.ALWAYS, ada, grace, either)]

    async def story(store: SqliteStore) -> list[list[bool]]:
        await store.write(write(made))
        then = CLOCK.now()
        found = [await seen(store, then)]
        for step in (update(made, name="Grace"), update(made, name="Eve"), update(made, name="Ada"), delete(made)):
            await store.write(write(step))
            found.append(await seen(store, then))
        await store.write(write(Undelete(made.id, made.view)))
        return [*found, await seen(store, then)]

    yes = [True, True, False, True]
    assert run(tmp_path, story) == [yes, [True, False, False, True], [True, False, False, False], yes, yes, yes]


def test_the_history_of_a_deleted_record_is_for_who_might_last_see_it(tmp_path: Path) -> None:
    """Of what they might see then; and a reading of then tells in its ETag which masks held."""
    made = create(AUTHORS, name="Ada")
    mask = Mask(AUTHORS.by_member["email"], where(AUTHORS, "name", "Ada"))
    view = View(AUTHORS, AUTHORS.fields[:2], masks=(mask,))

    async def story(store: SqliteStore) -> list[Any]:
        await store.write(write(made))
        then = CLOCK.now()
        await store.write(write(update(made, name="Grace")))
        await store.write(write(delete(made)))
        plans = [ReadHistory(made.id, made.view, 10, where=where(AUTHORS, "name", name)) for name in ("Ada", "Grace")]
        pages = [await settle(store.journal.read_history(plan)) for plan in plans]
        return [await settle(store.journal.read_as_of(ReadAsOf(made.id, view, format_instant(then)))), *pages]

    row, hidden, shown = run(tmp_path, story)
    assert (row.text, row.included) == (f'{{"id":"{made.id}","version":1,"email":null}}', "1")
    assert (hidden, len(shown.entries)) == (None, 2)


def test_history_tells_only_what_was_in_sight(tmp_path: Path) -> None:
    """Each image is judged by what it was; an entry of which neither may be seen is left out, and counts for no page."""
    made = create(AUTHORS, name="Eve")

    async def story(store: SqliteStore) -> list[HistoryPage]:
        await store.write(write(made))
        for name in ("Mallory", "Ada", "Eve", "Mallory", "Eve", "Ada"):
            await store.write(write(update(made, name=name)))
        pages: list[HistoryPage] = []
        before: int | None = None
        while not pages or before is not None:
            plan = ReadHistory(made.id, made.view, 2, before, where(AUTHORS, "name", "Ada"))
            page = await settle(store.journal.read_history(plan))
            assert page is not None
            pages.append(page)
            before = page.next
        everything = await settle(store.journal.read_history(ReadHistory(made.id, made.view, 20)))
        assert everything is not None
        return [*pages, everything]

    first, second, everything = run(tmp_path, story)
    entries = [msgspec.json.decode(each) for each in (*first.entries, *second.entries)]
    told = [(each["version"], each["before"] and each["before"]["name"], each["after"] and each["after"]["name"]) for each in entries]
    assert told == [(7, None, "Ada"), (4, "Ada", None), (3, None, "Ada")]
    assert (len(first.entries), first.next, second.next) == (2, entries[1]["seq"], None)
    assert "Eve" not in "".join((*first.entries, *second.entries))
    assert len(everything.entries) == 7
