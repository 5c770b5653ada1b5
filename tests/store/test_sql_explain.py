"""Indexes are used where the contract counts on them: the plans of SQLite itself, on a table of a thousand rows."""

import pytest
from sql_library import MAKERS, SYSTEM, THINGS, Database, maker, thing

from holdfast.base.ids import RecordId
from holdfast.core import condition as c
from holdfast.core.plan import Create, Order, ReadMany, ReadOne
from holdfast.core.view import Include, View
from holdfast.store.sql.statement import Statement

VIEW = View(THINGS, tuple(each for each in THINGS.fields if each.secret is None))
BY_ID = Order(thing("id"))


@pytest.fixture(scope="module")
def database() -> Database:
    """A thousand things."""
    database = Database()
    database.create(MAKERS, {"id": "m", "name": "M", "open": 1})
    for number in range(1_000):
        database.create(THINGS, {"id": f"{number:04}", "order": number, "title": f"t{number}", "integer": number % 7, "maker_id": "m"})
    return database


def listed(where: c.Condition = c.ALWAYS, *keys: Order, after: tuple[c.Stored, ...] | None = None) -> ReadMany:
    """A page of things."""
    return ReadMany(VIEW, where, (*keys, BY_ID), 20, after=after)


def test_a_read_by_id_is_one_search_of_the_index(database: Database) -> None:
    """Id look-up, its includes and its image search by id; what was just written is read by its row."""
    view = View(THINGS, VIEW.fields, (Include(THINGS.by_name["maker"], View(MAKERS, (MAKERS.by_member["name"],))),))
    plain = database.explain(database.render.read_one(ReadOne(RecordId("0001"), VIEW)))
    assert plain == "SEARCH things USING INDEX sqlite_autoindex_things_1 (id=?)"
    included = database.explain(database.render.read_one(ReadOne(RecordId("0001"), view)))
    assert included.splitlines()[0] == plain
    assert "sqlite_autoindex_makers_1 (id=?) LEFT-JOIN" in included.splitlines()[1]
    assert database.explain(database.render.image(THINGS, "0001", c.ALWAYS)) == plain
    written = database.explain(database.render.written(view, 1, 9)).splitlines()
    assert written[0] == "SEARCH things USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    assert written[1:] == included.splitlines()[1:]


def test_a_rule_through_a_reference_is_asked_of_the_one_row(database: Database) -> None:
    """A read by id under a rule on what it refers to looks the target up by its id; it is not made a join, which costs more."""
    plan = ReadOne(RecordId("0001"), VIEW, c.Test(maker("open"), c.Operator.EQUALS, 1))
    assert database.explain(database.render.read_one(plan)).splitlines() == [
        "SEARCH things USING INDEX sqlite_autoindex_things_1 (id=?)",
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH hf_1 USING INDEX sqlite_autoindex_makers_1 (id=?)",
    ]


def test_an_id_that_was_chosen_is_looked_up_among_the_deleted_ones(database: Database) -> None:
    """One search of the primary key beside the insert; ids of our own are looked up nowhere."""
    values = {each.member: None for each in THINGS.fields}
    chosen, ours = (Create(RecordId("n"), VIEW, values, chosen_id=each) for each in (True, False))
    assert "SEARCH hf_gone USING PRIMARY KEY (resource=? AND record_id=?)" in database.explain(database.render.insert(chosen, SYSTEM))
    assert "hf_gone" not in database.explain(database.render.insert(ours, SYSTEM))


@pytest.mark.parametrize(
    ("plan", "index"),
    [
        (listed(), "SCAN things USING INDEX sqlite_autoindex_things_1"),
        (listed(after=("0500",)), "SEARCH things USING INDEX sqlite_autoindex_things_1 (id>?)"),
        (listed(c.Test(thing("integer"), c.Operator.EQUALS, 3)), "SEARCH things USING INDEX things_integer_index (integer=?)"),
        (
            listed(c.Test(thing("integer"), c.Operator.EQUALS, 3), after=("0500",)),
            "SEARCH things USING INDEX things_integer_index (integer=? AND id>?)",
        ),
        (listed(c.Test(thing("maker_id"), c.Operator.EQUALS, "m")), "SEARCH things USING INDEX things_maker_id_index (maker_id=?)"),
        (listed(c.IsNull(thing("choice"))), "SEARCH things USING INDEX things_choice_index (choice=?)"),
        (listed(c.ALWAYS, Order(thing("title"))), "SCAN things USING INDEX things_title_index"),
        (
            listed(c.ALWAYS, Order(thing("title")), after=("t5", "0005")),
            "SEARCH things USING INDEX things_title_index (title>?)",
        ),
        (
            listed(c.Test(thing("title"), c.Operator.STARTS_WITH, "t99"), Order(thing("title"))),
            "SEARCH things USING INDEX things_title_index (title>? AND title<?)",
        ),
    ],
)
def test_a_page_comes_from_an_index_and_is_not_sorted(database: Database, plan: ReadMany, index: str) -> None:
    """The default list, indexed filters, startswith, indexed sorts and their cursors: one index, no temporary b-tree."""
    assert database.explain(database.render.read_many(plan)) == index


def test_a_descending_sort_orders_only_the_ties(database: Database) -> None:
    """-title,id runs down the index; just the ids of equal titles are sorted."""
    statement = database.render.read_many(listed(c.ALWAYS, Order(thing("title"), descending=True), after=("t5", "0005")))
    assert database.explain(statement).splitlines() == [
        "SEARCH things USING INDEX things_title_index (title<?)",
        "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
    ]


def test_a_filter_through_a_reference_starts_at_the_target(database: Database) -> None:
    """maker.name=M finds the makers by their index, and the things by the index of the reference."""
    statement = database.render.count(THINGS, c.Test(maker("name"), c.Operator.EQUALS, "M"))
    explained = database.explain(statement)
    assert "SEARCH hf_1 USING COVERING INDEX makers_name_index (name=?)" in explained
    assert explained.startswith("SEARCH things USING COVERING INDEX things_maker_id_")


def _statements(database: Database) -> list[Statement]:
    return [
        database.render.exists(THINGS, "0001"),
        database.render.referring_ids(THINGS, "maker_id", "m", 5),
        database.render.gone.find(THINGS, "0001"),
        database.render.head(),
        database.render.meta.find("format"),
        database.render.touched(frozenset({"things"}), 1, 2),
        database.render.update(THINGS, "0001", 1, {"title": "a"}),
        database.render.delete(THINGS, "0001", 1),
    ]


def test_nothing_that_a_write_asks_scans_a_table(database: Database) -> None:
    """Every statement of the write path searches."""
    for statement in _statements(database):
        assert "SCAN t" not in database.explain(statement)
        assert "SCAN hf" not in database.explain(statement)
        assert "TEMP B-TREE" not in database.explain(statement)


def test_a_list_that_much_passes_is_walked_in_its_order(database: Database) -> None:
    """Where either of two indexes could collect rows, and many rows pass, the index of the order is walked; nothing is sorted."""
    either = c.Any((c.Test(thing("integer"), c.Operator.EQUALS, 3), c.Test(thing("title"), c.Operator.EQUALS, "t9")))
    for plan in (listed(either), listed(c.All((either, c.Not(c.Test(thing("order"), c.Operator.EQUALS, 1)))), after=("0500",))):
        collected, walked = (database.explain(database.render.read_many(plan, dense=dense)) for dense in (False, True))
        assert "MULTI-INDEX OR" in collected
        assert walked.startswith(
            ("SCAN things USING INDEX sqlite_autoindex_things_1", "SEARCH things USING INDEX sqlite_autoindex_things_1")
        )
        assert "TEMP B-TREE" not in walked
        rows = [database.run(database.render.read_many(plan, dense=dense)) for dense in (False, True)]
        assert rows[0] == rows[1] != []
