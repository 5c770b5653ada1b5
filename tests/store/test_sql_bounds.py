"""What a row may become, judged of the row as it would be: SQL means what core.condition says, for a new row and for a changed one."""

from random import Random

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_library import CATALOG, MAKERS, SYSTEM, THINGS, Database, Oracle, field_path, maker
from sql_strategies import THING_IDS, World, conditions, random_thing, worlds

from holdfast.base.ids import RecordId
from holdfast.core import condition as c
from holdfast.core.plan import Create, Update
from holdfast.core.view import View

DATABASE = Database()
VIEW = View(THINGS, THINGS.fields[:2])
NEW_ID = THING_IDS[-1]
OPEN = c.Test(field_path(MAKERS, "open"), c.Operator.EQUALS, 1)


def fill(world: World) -> None:
    """Put a world into the database."""
    for id_, record in world["makers"].items():
        DATABASE.create(MAKERS, {**record, "id": id_})
    for record in world["things"].values():
        DATABASE.create(THINGS, record)


def is_made(database: Database, step: Create) -> bool:
    """Whether a record was made; one that would leave its bounds has no id, which no table takes."""
    try:
        database.run(database.render.insert(step, SYSTEM))
    except apsw.ConstraintError as error:
        assert "NOT NULL" in str(error)  # noqa: PT017  # another constraint would be another story
        return False
    return True


def creation(record: dict[str, c.Stored], become: c.Condition = c.ALWAYS, **targets: c.Condition) -> Create:
    """A step that makes a thing."""
    values = {each.member: record.get(each.member) for each in THINGS.fields if not each.system}
    return Create(RecordId(str(record["id"])), VIEW, values, become=become, targets=targets)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(worlds, conditions, st.integers(0, 2**32))
def test_a_row_is_made_where_the_oracle_lets_it_be(world: World, become: c.Condition, seed: int) -> None:
    """The statement that inserts and the question whether it would, both against the oracle, references and guards included."""
    record = {**random_thing(Random(seed), NEW_ID), **SYSTEM}  # noqa: S311  # test data, the same for the same seed
    expected = Oracle(world).holds(become, record)
    step = creation(record, become)
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        fill(world)
        asked = DATABASE.run(DATABASE.render.would_hold(step, {**step.values, **SYSTEM}, become))
        made = is_made(DATABASE, step)
        there = DATABASE.ids(THINGS, c.ALWAYS, [NEW_ID])
        DATABASE.connection.execute("rollback to empty")
    assert (bool(asked), made, bool(there)) == (expected,) * 3


@settings(derandomize=True, deadline=None, max_examples=200)
@given(worlds, conditions, st.integers(0, 2**32), st.integers(0, 10))
def test_a_row_is_changed_where_the_oracle_lets_it_be(world: World, become: c.Condition, seed: int, count: int) -> None:
    """What changes is judged as it would be, what stays as it is; other rows are never touched."""
    dice = Random(seed)  # noqa: S311  # test data, the same for the same seed
    before = {**random_thing(dice, NEW_ID), **SYSTEM}
    drawn = {**random_thing(dice, NEW_ID), "version": 2}
    columns = {member: drawn[member] for member in dice.sample(sorted(set(drawn) - {"id", "order"}), count)}
    world["things"].pop(NEW_ID, None)
    expected = Oracle(world).holds(become, {**before, **columns})
    step = Update(RecordId(NEW_ID), VIEW, columns, become=become)
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        fill(world)
        DATABASE.create(THINGS, before)
        asked = DATABASE.run(DATABASE.render.would_hold(step, columns, become))
        changes = -1
        if columns:
            DATABASE.run(DATABASE.render.change(step, 1, columns))
            changes = DATABASE.connection.changes()
        DATABASE.connection.execute("rollback to empty")
    assert bool(asked) == expected
    assert changes == (int(expected) if columns else -1)


@pytest.fixture
def database() -> Database:
    """Two makers, one of them open, and a thing of the closed one."""
    database = Database()
    database.create(MAKERS, {"id": "open", "name": "O", "open": 1})
    database.create(MAKERS, {"id": "closed", "name": "C", "open": 0})
    database.create(THINGS, {"id": "t", "order": 1, "title": "T", "maker_id": "closed"})
    return database


@pytest.mark.parametrize(("target", "made"), [("open", 1), ("closed", 0), (None, 1), ("nobody", 0)])
def test_a_reference_names_what_its_condition_allows(database: Database, target: str | None, made: int) -> None:
    """A record that the condition does not hold for is as good as none; null needs no record."""
    record: dict[str, c.Stored] = {"id": "x", "order": 2, "title": "X", "maker_id": target}
    assert is_made(database, creation(record, maker_id=OPEN)) == bool(made)


@pytest.mark.parametrize(("target", "changed"), [("open", 1), ("closed", 1), (None, 1), ("nobody", 0)])
def test_a_reference_that_stays_is_not_asked_about(database: Database, target: str | None, changed: int) -> None:
    """What a record refers to already may be sent back, whoever can see it."""
    step = Update(RecordId("t"), VIEW, {"maker_id": target}, targets={"maker_id": OPEN})
    database.run(database.render.change(step, 1, {"maker_id": target, "version": 2}))
    assert database.connection.changes() == changed


def test_a_new_record_may_be_its_own_target() -> None:
    """A reference to itself is judged of the record as it would be."""
    database, view = Database(), View(MAKERS, MAKERS.fields[:2])
    for id_, is_open in (("a", 1), ("b", 0)):
        step = Create(RecordId(id_), view, {"name": "N", "boss_id": id_, "open": is_open}, targets={"boss_id": OPEN})
        assert is_made(database, step) == bool(is_open)


def test_what_is_free_keeps_its_text(database: Database) -> None:
    """A step without bounds is the plain statement; steps of one shape share a text, and their values are bound."""
    plain = database.render.insert(creation({"id": "x", "order": 2}), SYSTEM)
    free = database.render.insert(creation({"id": "x", "order": 2}, maker_id=c.ALWAYS), SYSTEM)
    assert plain.text == free.text
    assert "CASE" not in plain.text
    first, second = (
        database.render.insert(creation({"id": "x", "order": 2}, c.Test(maker("name"), c.Operator.EQUALS, name)), SYSTEM) for name in "ab"
    )
    assert first.text is second.text
    assert [set(each.values) & {"a", "b"} for each in (first, second)] == [{"a"}, {"b"}]


def test_a_rule_through_a_reference_follows_it(database: Database) -> None:
    """One row asks one target: it never looks through all of them."""
    by_maker = c.Test(maker("open"), c.Operator.EQUALS, 1)
    update = Update(RecordId("t"), VIEW, {"maker_id": "open"}, become=by_maker, targets={"maker_id": OPEN})
    for statement in (
        database.render.insert(creation({"id": "x", "order": 2}, by_maker, maker_id=OPEN), SYSTEM),
        database.render.change(update, 1, {"maker_id": "open"}),
        database.render.exists(THINGS, "t", by_maker),
        database.render.image(THINGS, "t", by_maker),
    ):
        plan = database.explain(statement)
        assert "sqlite_autoindex_makers_1 (id=?)" in plan
        assert "SCAN hf_" not in plan


def test_every_kind_of_step_is_rendered_for_every_resource() -> None:
    """A bound that no value can meet makes and changes nothing, whatever the resource."""
    database = Database(CATALOG)
    for spec in CATALOG.resources.values():
        values: dict[str, c.Stored] = {each.member: None for each in spec.fields if not each.system}
        step = Create(RecordId("x"), View(spec, spec.fields[:2]), values, become=c.NEVER)
        assert not is_made(database, step)
