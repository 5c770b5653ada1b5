"""Writes in SQL, and what the schema refuses."""

import apsw
import pytest
from sql_library import ACCESS, MAKERS, NOW, THINGS, Database, resource

from holdfast.core import condition as c
from holdfast.core.check import check_condition, find_broken
from holdfast.core.journal import hash_payload
from holdfast.model.catalog import AccessSpec, Catalog, CheckSpec, FieldSpec
from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Constant,
    Nobody,
    Rule,
    anyone,
    is_in,
    is_null,
    now,
    owner,
    role,
    signed_in,
    this,
    user,
)
from holdfast.model.types import Boolean, Integer, Reference, Text
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.tables import NAME_LENGTH_MAX, object_name


@pytest.fixture
def database() -> Database:
    """One maker and one thing of its."""
    database = Database()
    database.create(MAKERS, {"id": "m", "name": "M", "open": 1})
    database.create(THINGS, {"id": "t", "order": 1, "title": "T", "maker_id": "m"})
    return database


def changed(database: Database) -> int:
    """How many rows the last statement changed."""
    return database.connection.changes()


def test_an_update_needs_the_version_and_sets_what_it_names(database: Database) -> None:
    """The version is part of the statement: a stale one changes nothing."""
    database.run(database.render.update(THINGS, "t", 2, {"title": "late"}))
    stale = changed(database)
    database.run(database.render.update(THINGS, "t", 1, {"order": 5, "title": "new", "version": 2}))
    fresh = changed(database)
    rows = database.connection.execute('select version, title, "order", id from things').fetchall()
    assert (stale, fresh, rows) == (0, 1, [(2, "new", 5, "t")])


def test_a_delete_needs_the_version(database: Database) -> None:
    """The version is part of the statement: a stale one deletes nothing."""
    database.run(database.render.delete(THINGS, "t", 2))
    stale = changed(database)
    database.run(database.render.delete(THINGS, "t", 1))
    assert (stale, changed(database)) == (0, 1)


def test_an_insert_makes_the_row_that_the_connection_tells(database: Database) -> None:
    """The row number ties the record to its search text."""
    row = database.create(THINGS, {"id": "u", "order": 2, "title": "U"})
    assert database.connection.execute("select hf_row from things where id = 'u'").fetchall() == [(row,)]


def test_exists_asks_the_condition_too(database: Database) -> None:
    """A reference may only lead to a record that may be seen."""
    hidden = c.Test(c.Path(MAKERS.by_member["open"]), c.Operator.EQUALS, 0)
    asked = [database.run(database.render.exists(MAKERS, id_, where)) for id_, where in (("m", c.ALWAYS), ("m", hidden), ("x", c.ALWAYS))]
    assert asked == [[(1,)], [], []]


def test_referring_ids_come_in_order_up_to_the_limit(database: Database) -> None:
    """What refers to a record, a bounded number at a time."""
    for number in range(3):
        database.create(THINGS, {"id": f"s{number}", "order": 10 + number, "title": "S", "maker_id": "m"})
    assert database.run(database.render.referring_ids(THINGS, "maker_id", "m", 3)) == [("s0",), ("s1",), ("s2",)]


def test_the_journal_keeps_every_word_of_an_entry(database: Database) -> None:
    """An entry is bound in the order of its columns, and gets the next sequence."""
    for operation in ("create", "delete"):
        database.run(
            database.render.journal_insert(
                resource=THINGS,
                record_id="t",
                version=3,
                operation=operation,
                before="{}",
                after=None,
                actor_id="a",
                request_id="r",
                at=NOW,
            )
        )
    rows = database.connection.execute("select * from hf_journal").fetchall()
    assert rows[1] == (2, "things", "t", 3, "delete", "a", "r", NOW, hash_payload("{}"), None, "{}", None)
    assert database.run(database.render.head()) == [(2,)]


def test_the_head_of_an_empty_journal_is_zero() -> None:
    """Nothing has happened yet."""
    database = Database()
    assert database.run(database.render.head()) == [(0,)]


def test_the_id_of_a_deleted_record_is_remembered_once(database: Database) -> None:
    """hf_gone tells the last version, for its resource alone; a second entry is refused."""
    database.run(database.render.gone.insert(THINGS, "t", 4))
    assert database.run(database.render.gone.find(THINGS, "t")) == [(4,)]
    assert database.run(database.render.gone.find(MAKERS, "t")) == []
    with pytest.raises(apsw.ConstraintError):
        database.run(database.render.gone.insert(THINGS, "t", 5))


def test_facts_of_the_house_are_recorded_and_changed(database: Database) -> None:
    """hf_meta holds one value for a key."""
    database.run(database.render.meta.insert("format", "1"))
    database.run(database.render.meta.update("format", "2"))
    assert database.run(database.render.meta.find("format")) == [("2",)]
    assert database.run(database.render.meta.find("other")) == []


def test_the_identity_epoch_starts_once_and_moves(database: Database) -> None:
    """hf_mark holds one number for a key; the epoch starts at 1 and moves up."""
    database.run(database.render.epoch_insert())
    assert database.run(database.render.epoch()) == [(1,)]
    database.run(database.render.epoch_move())
    assert database.run(database.render.epoch()) == [(2,)]
    with pytest.raises(apsw.ConstraintError):
        database.run(database.render.epoch_insert())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "t"}, "UNIQUE constraint failed: things.id"),
        ({"maker_id": "m", "order": 1}, "UNIQUE constraint failed: things.maker_id, things.order"),
        ({"maker_id": "nobody"}, "FOREIGN KEY constraint failed"),
        ({"span": -(2**62) - 1}, "CHECK constraint failed: things_span_check"),
        ({"truth": 2}, "CHECK constraint failed: things_truth_bool"),
        ({"title": None}, "NOT NULL constraint failed: things.title"),
        ({"order": "x"}, "cannot store TEXT value in INTEGER column things.order"),
        ({"real": "x"}, "cannot store TEXT value in REAL column things.real"),
    ],
)
def test_the_database_itself_refuses_what_is_wrong(database: Database, change: dict[str, c.Stored], message: str) -> None:
    """Ids, unique members, references, checks, bools, nulls and types are kept by the schema."""
    with pytest.raises(apsw.ConstraintError) as caught:
        database.create(THINGS, {"id": "u", "order": 9, "title": "U", **change})
    assert message in str(caught.value)


def test_a_record_that_is_referred_to_cannot_be_deleted(database: Database) -> None:
    """References restrict in the schema, whatever their declaration says: the rest are steps of the journal."""
    with pytest.raises(apsw.ConstraintError):
        database.run(database.render.delete(MAKERS, "m", 1))


def test_nulls_are_distinct_in_unique(database: Database) -> None:
    """Two things without a maker may have one order."""
    for id_ in ("u", "v"):
        database.create(THINGS, {"id": id_, "order": 1, "title": "U"})
    assert database.run(database.render.count(THINGS, c.IsNull(c.Path(THINGS.by_member["maker_id"])))) == [(2,)]


CHECKED = resource(
    "Event",
    "events",
    FieldSpec("starts", "starts", Integer(), nullable=True),
    FieldSpec("ends", "ends", Integer(), nullable=True),
    FieldSpec("kind", "kind", Text(), nullable=True),
    FieldSpec("done", "done", Boolean()),
    FieldSpec("after", "after_id", Reference("events"), nullable=True),
)


def holds(rule: Rule, **record: c.Stored) -> bool:
    """Whether the database accepts a record under a check; what is said beforehand of the same values must agree."""
    event = resource("Event", "events", *CHECKED.fields[2:-3], checks=(CheckSpec("rule", rule, ("id",)),))
    values: dict[str, c.Stored] = {**dict.fromkeys(event.by_member), "id": "e", "done": 0, **record}
    broken = list(find_broken(event, values))
    try:
        Database(Catalog({"events": event})).create(event, {"id": "e", "done": 0, **record})
    except apsw.ConstraintError:
        assert broken
        return False
    assert not broken
    return True


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (this.ends > this.starts, {"ends": 2, "starts": 1}, {"ends": 1, "starts": 1}),
        (this.ends >= this.starts, {"ends": 1, "starts": 1}, {"ends": 0, "starts": 1}),
        (this.ends > this.starts, {"ends": 2, "starts": 1}, {"starts": 1}),
        (is_null(this.ends) | (this.ends > this.starts), {"starts": 1}, {"ends": 1, "starts": 1}),
        (this.starts == this.ends, {}, {"ends": 1}),
        (this.starts != this.ends, {"ends": 1}, {}),
        (this.starts <= Constant(5), {"starts": 5}, {"starts": 6}),
        (is_in(this.kind, "it's", "b"), {"kind": "it's"}, {"kind": "c"}),
        (is_in(this.kind, "b", None), {}, {"kind": "c"}),
        (~is_in(this.kind, "b"), {}, {"kind": "b"}),
        (~this.done, {"done": 0}, {"done": 1}),
        (this.done & (this.kind == "?:x"), {"done": 1, "kind": "?:x"}, {"done": 1}),
        (AllOf((this.done,)), {"done": 1}, {"done": 0}),
        (AnyOf((Always(), Nobody())), {}, None),
        (is_null(this.after), {}, {"after_id": "e"}),
    ],
)
def test_a_check_is_kept_by_the_database(rule: Rule, good: dict[str, c.Stored], bad: dict[str, c.Stored] | None) -> None:
    """Checks are two-valued as every condition: a comparison with null does not hold."""
    assert holds(rule, **good)
    assert bad is None or not holds(rule, **bad)


@pytest.mark.parametrize("rule", [signed_in, role("a"), this.kind == user, this.kind == now, is_in(this.kind, now), is_null(user)])
def test_a_check_that_needs_more_than_the_row_is_refused(rule: Rule) -> None:
    """A check knows no caller and no time."""
    with pytest.raises(TypeError, match=r"no check can hold|is no constant"):
        check_condition(CHECKED, rule)


def test_a_reference_that_restricts_may_come_before_its_target_is_made() -> None:
    """Tables may refer in a circle; the schema is made in one order all the same."""
    left = resource("Left", "lefts", FieldSpec("right", "right_id", Reference("rights"), nullable=True))
    right = resource("Right", "rights", FieldSpec("left", "left_id", Reference("lefts"), nullable=True))
    database = Database(Catalog({"lefts": left, "rights": right}))
    database.create(left, {"id": "l"})
    database.create(right, {"id": "r", "left_id": "l"})
    assert database.run(database.render.count(right, c.ALWAYS)) == [(1,)]


def test_names_that_are_keywords_are_quoted() -> None:
    """Any name a developer may choose is a name to the database."""
    words = ("select", "order", "group", "index", "values", "rowid", "returning", "over", "window", "filter", "été", "X", "x_")
    spec = resource("Table", "table", *(FieldSpec(word, word, Text(), nullable=True) for word in words), index=(("select",),))
    database = Database(Catalog({"table": spec}))
    database.create(spec, {"id": "t", **dict.fromkeys(words, "v")})
    condition = c.All(tuple(c.Test(c.Path(spec.by_member[word]), c.Operator.EQUALS, "v") for word in words))
    assert database.run(database.render.count(spec, condition)) == [(1,)]


def test_long_names_end_in_a_hash_of_the_whole() -> None:
    """Names stay below the bound of databases, and different ones stay different."""
    long = tuple(f"member_number_{number}" for number in range(6))
    first, second = object_name("books", long, "unique"), object_name("books", (*long, "x"), "unique")
    assert object_name("books", ("author_id", "title"), "unique") == "books_author_id_title_unique"
    assert max(len(first), len(second)) <= NAME_LENGTH_MAX
    assert first != second


def test_a_renderer_gives_the_same_schema_each_time() -> None:
    """The schema is a function of the catalog: the order and the names never vary."""
    spec = resource("One", "ones", FieldSpec("a", "a", Integer(ge=0)), access=AccessSpec(anyone, anyone, owner, owner, owner, owner))
    renderer = Renderer(Catalog({"ones": spec}))
    assert renderer.schema() == renderer.schema() == Renderer(Catalog({"ones": spec})).schema()
    assert ACCESS.list is anyone
