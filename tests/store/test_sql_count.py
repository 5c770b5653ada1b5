"""Counts, and how the journal changes them."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from sql_library import MAKERS, THINGS, Database, boss, maker, thing
from sql_strategies import THING_IDS, World, conditions, random_thing, worlds

from holdfast.core import condition as c

DATABASE = Database()


def count(condition: c.Condition) -> int:
    """Count things now."""
    ((number,),) = DATABASE.run(DATABASE.render.count(THINGS, condition))
    assert isinstance(number, int)
    return number


def change(dice: Random, id_: str) -> None:
    """Create, change or delete a thing, and write its entry."""
    before = DATABASE.image(THINGS, id_)
    record = random_thing(dice, id_)
    if before is None:
        DATABASE.create(THINGS, record)
        operation = "create"
    elif dice.random() < 0.5:
        operation = "update"
        members = {each.member: record[each.member] for each in THINGS.fields if each.member in record and each.member != "id"}
        DATABASE.run(DATABASE.render.update(THINGS, id_, _version(id_), members))
    else:
        operation = "delete"
        DATABASE.run(DATABASE.render.delete(THINGS, id_, _version(id_)))
        DATABASE.run(DATABASE.render.search_delete(THINGS, before[0]))
    after = DATABASE.image(THINGS, id_)
    DATABASE.journal(THINGS, id_, operation, before and before[1], after and after[1])


def _version(id_: str) -> int:
    ((_, version, _, _),) = DATABASE.run(DATABASE.render.image(THINGS, id_, c.ALWAYS))
    assert isinstance(version, int)
    return version


@settings(derandomize=True, deadline=None, max_examples=150)
@given(worlds, conditions, st.integers(0, 2**32), st.integers(0, 10))
def test_a_count_and_the_delta_of_the_journal_make_the_count_of_now(world: World, condition: c.Condition, seed: int, changes: int) -> None:
    """Over any writes and for any condition, what was counted plus what the journal says is what would be counted again."""
    dice = Random(seed)  # noqa: S311  # test data, the same for the same seed
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        for each in world["makers"].values():
            DATABASE.create(MAKERS, each)
        for _ in range(dice.randrange(6)):
            change(dice, dice.choice(THING_IDS))
        ((since,),) = DATABASE.run(DATABASE.render.head())
        counted = count(condition)
        for _ in range(changes):
            change(dice, dice.choice(THING_IDS))
        ((upto,),) = DATABASE.run(DATABASE.render.head())
        statement = DATABASE.render.count_delta(THINGS, condition, since, upto)
        assert statement is not None
        ((delta,),) = DATABASE.run(statement)
        recounted = count(condition)
        DATABASE.connection.execute("rollback to empty")
    assert upto == since + changes
    assert counted + delta == recounted


def test_a_delta_hears_its_own_resource_and_range_alone() -> None:
    """Entries of other resources, and those outside of the range, change no count."""
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        DATABASE.create(THINGS, {"id": "t", "order": 1, "title": "a"})
        image = DATABASE.image(THINGS, "t")
        assert image is not None
        for spec in (THINGS, MAKERS, THINGS, THINGS):
            DATABASE.journal(spec, "t", "create", None, image[1])
        statement = DATABASE.render.count_delta(THINGS, c.ALWAYS, 1, 3)
        assert statement is not None
        ((delta,),) = DATABASE.run(statement)
        DATABASE.connection.execute("rollback to empty")
    assert delta == 1


def test_there_is_no_delta_for_a_search() -> None:
    """The journal cannot say what the full-text index found, nor deep inside a condition."""
    search = c.All((c.Not(c.Matches(THINGS, ("a",))),))
    assert DATABASE.render.count_delta(THINGS, search, 0, 1) is None


def test_depends_on_names_every_resource_that_is_looked_into() -> None:
    """Steps count wherever they stand: in a test, its value, a null test, a list of values, a guard."""
    inner = c.Test(c.Path(MAKERS.by_member["name"], (c.Step(MAKERS.by_name["boss"], MAKERS),)), c.Operator.EQUALS, "a")
    for condition in (
        c.Test(maker("name"), c.Operator.EQUALS, "a"),
        c.Test(thing("title"), c.Operator.EQUALS, boss("name")),
        c.Not(c.IsNull(maker("name"))),
        c.Any((c.OneOf(maker("name"), ("a",)),)),
        c.IsNull(c.Path(THINGS.by_member["title"], (c.Step(THINGS.by_name["maker"], MAKERS, inner),))),
    ):
        assert c.depends_on(condition) == {"makers"}
    assert c.depends_on(c.All((c.Test(thing("title"), c.Operator.EQUALS, "a"), c.Matches(THINGS, ("a",))))) == frozenset()


def test_touched_says_whether_the_range_has_an_entry_of_the_resources() -> None:
    """since < seq <= upto, and one of the resources."""
    with DATABASE.connection:
        DATABASE.connection.execute("savepoint empty")
        DATABASE.journal(MAKERS, "m", "create", None, "{}")
        DATABASE.journal(THINGS, "t", "create", None, "{}")
        asked = [({"makers"}, 0, 1), ({"makers"}, 1, 2), ({"makers", "things"}, 1, 2), ({"things"}, 0, 1), ({"things"}, 2, 9)]
        found = [DATABASE.run(DATABASE.render.touched(frozenset(paths), since, upto)) for paths, since, upto in asked]
        DATABASE.connection.execute("rollback to empty")
    assert found == [[(1,)], [(0,)], [(1,)], [(0,)], [(0,)]]
