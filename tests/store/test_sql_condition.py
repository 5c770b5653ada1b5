"""Conditions in SQL mean what core.condition says, whatever the data."""

from hypothesis import given, settings
from sql_library import MAKERS, THINGS, Database, Oracle
from sql_strategies import World, conditions, worlds

from holdfast.core import condition as c

DATABASE = Database()


@settings(derandomize=True, deadline=None, max_examples=400)
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
