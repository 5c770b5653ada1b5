"""Lists in SQL: order, pages, cursors."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_library import MAKERS, THINGS, Database, Oracle, boss, maker, thing
from sql_strategies import World, worlds

from holdfast.core import condition as c
from holdfast.core.plan import Order, ReadMany
from holdfast.core.view import View

DATABASE = Database()
BY_ID = Order(thing("id"))
VIEW = View(THINGS, (THINGS.by_member["id"],))
OPEN = c.Test(c.Path(MAKERS.by_member["open"]), c.Operator.EQUALS, 1)

PATHS = (
    *(thing(each) for each in ("text", "integer", "real", "truth", "number", "day", "span", "choice", "title", "version", "maker_id")),
    maker("name"),
    maker("open", OPEN),
    boss("name", OPEN),
)
orders = st.lists(st.builds(Order, st.sampled_from(PATHS), st.booleans()), max_size=3).map(lambda keys: (*keys, BY_ID))


def fill(world: World) -> None:
    """Put a world into the empty database."""
    for each in world["makers"].values():
        DATABASE.create(MAKERS, each)
    for each in world["things"].values():
        DATABASE.create(THINGS, each)


def ids_of(rows: Sequence[tuple[object, ...]]) -> list[str]:
    """The ids in the JSON of the rows."""
    return [msgspec.json.decode(str(row[0]))["id"] for row in rows]


def page(order: tuple[Order, ...], limit: int, after: tuple[c.Stored, ...] | None = None) -> list[tuple[object, ...]]:
    """One page, with the row after it if there is one."""
    return DATABASE.run(DATABASE.render.read_many(ReadMany(VIEW, c.ALWAYS, order, limit, after=after)))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(worlds, orders, st.integers(1, 4))
def test_following_the_cursor_gives_every_row_once_and_in_order(world: World, order: tuple[Order, ...], limit: int) -> None:
    """Whatever the sort, its directions, nulls and duplicates: pages by cursor join to the whole sorted list."""
    expected = [record["id"] for record in Oracle(world).sorted(world["things"].values(), order)]
    found: list[str] = []
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        fill(world)
        whole = ids_of(page(order, 100))
        rows = page(order, limit)
        while rows:
            found.extend(ids_of(rows[:limit]))
            rows = page(order, limit, tuple(rows[limit - 1][1:])) if len(rows) > limit else []  # type: ignore[arg-type]  # stored values
        DATABASE.connection.execute("rollback to empty")
    assert whole == expected
    assert found == expected


@pytest.mark.parametrize("order", [(BY_ID,), (Order(thing("title")), BY_ID), (Order(maker("name"), descending=True), BY_ID)])
def test_an_offset_skips_rows_of_the_same_order(order: tuple[Order, ...]) -> None:
    """Offset and limit cut a page out of the sorted list; one row more than the limit tells that it goes on."""
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        dice = Random(7)  # noqa: S311  # test data, the same each time
        for number in range(9):
            DATABASE.create(THINGS, {"id": f"{number}", "order": number, "title": dice.choice("abc")})
        whole = ids_of(page(order, 9))
        rows = DATABASE.run(DATABASE.render.read_many(ReadMany(VIEW, c.ALWAYS, order, 3, offset=4)))
        DATABASE.connection.execute("rollback to empty")
    assert ids_of(rows) == whole[4:8]


def test_a_deep_offset_gives_the_same_rows_from_an_index_alone() -> None:
    """Beyond a thousand rows the page is found first and fetched then; what it shows is the same."""
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        for number in range(1_010):
            DATABASE.create(THINGS, {"id": f"{number:05}", "order": number, "title": "t"})
        plan = ReadMany(VIEW, c.ALWAYS, (BY_ID,), 3, offset=1_005)
        rows = DATABASE.run(DATABASE.render.read_many(plan))
        explained = DATABASE.explain(DATABASE.render.read_many(plan))
        DATABASE.connection.execute("rollback to empty")
    assert ids_of(rows) == ["01005", "01006", "01007", "01008"]
    assert "COVERING INDEX" in explained


def test_id_is_the_last_sort_key_even_where_the_plan_leaves_it_out() -> None:
    """An order that is not total is made total, so that a page is always the same one."""
    plan = ReadMany(VIEW, c.ALWAYS, (Order(thing("choice")),), 3)
    assert DATABASE.render.read_many(plan).text == DATABASE.render.read_many(ReadMany(VIEW, c.ALWAYS, (*plan.order, BY_ID), 3)).text


def test_a_cursor_with_another_number_of_values_is_a_broken_plan() -> None:
    """A cursor has one value for each sort key."""
    with pytest.raises(AssertionError):
        DATABASE.render.read_many(ReadMany(VIEW, c.ALWAYS, (BY_ID,), 3, after=("a", "b")))


def test_a_cursor_goes_on_to_the_rows_that_a_path_does_not_reach() -> None:
    """Downwards, nulls come last: also those that only a path makes, of a field that is never null itself."""
    order = (Order(maker("open"), descending=True), BY_ID)
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        DATABASE.create(MAKERS, {"id": "m", "open": 1})
        DATABASE.create(THINGS, {"id": "1", "order": 1, "title": "t"})
        DATABASE.create(THINGS, {"id": "2", "order": 2, "title": "t", "maker_id": "m"})
        first, after = page(order, 1), page(order, 1, (1, "2"))
        DATABASE.connection.execute("rollback to empty")
    assert [ids_of(rows[:1]) for rows in (first, after)] == [["2"], ["1"]]
