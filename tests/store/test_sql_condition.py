"""Conditions in SQL mean what core.condition says, whatever the data."""

import pytest
from hypothesis import given, settings
from sql_library import MAKERS, THINGS, Database, Oracle, thing
from sql_strategies import World, conditions, worlds

from holdfast.core import condition as c

DATABASE = Database()


@settings(derandomize=True, deadline=None, max_examples=250)
@given(worlds, conditions)
def test_a_condition_holds_for_the_records_that_the_oracle_names(world: World, condition: c.Condition) -> None:
    """Every operator on every type, with nulls, negation, paths and guards: SQL and the oracle agree, one by one and counted."""
    oracle = Oracle(world)
    expected = {id_ for id_, record in world["things"].items() if oracle.holds(condition, record)}
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        for id_, record in world["makers"].items():
            DATABASE.create(MAKERS, {**record, "id": id_})
        for record in world["things"].values():
            DATABASE.create(THINGS, record)
        found = DATABASE.ids(THINGS, condition, world["things"])
        ((count,),) = DATABASE.run(DATABASE.render.count(THINGS, condition))
        DATABASE.connection.execute("rollback to empty")
    assert found == expected
    assert count == len(expected)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (c.Test(thing("title"), c.Operator.CONTAINS_FOLDED, thing("text")), True),
        (c.Test(thing("title"), c.Operator.CONTAINS, thing("text")), False),
        (c.Test(thing("title"), c.Operator.ENDS_WITH, "Straße AM SEE"), True),
        (c.Test(thing("title"), c.Operator.ENDS_WITH, "An der Straße AM SEE"), False),
        (c.Test(thing("title"), c.Operator.ENDS_WITH, ""), True),
        (c.Test(thing("title"), c.Operator.CONTAINS_FOLDED, "STRASSE am"), True),
        (c.Test(thing("title"), c.Operator.CONTAINS, "%"), False),
        (c.Test(thing("words"), c.Operator.CONTAINS, "a"), True),
        (c.Test(thing("words"), c.Operator.CONTAINS, "b"), False),
        (c.Test(thing("facts"), c.Operator.EQUALS, None), True),
    ],
)
def test_text_and_lists_are_asked_as_people_expect(condition: c.Condition, holds: bool) -> None:  # noqa: FBT001  # a table
    """Case counts unless folded, wildcards are letters, an empty text is in every text."""
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        DATABASE.create(THINGS, {"id": "t", "order": 1, "title": "Straße AM SEE", "text": "am see", "words": '["a","ab"]'})
        found = DATABASE.ids(THINGS, condition, ["t"])
        DATABASE.connection.execute("rollback to empty")
    assert found == ({"t"} if holds else set())
