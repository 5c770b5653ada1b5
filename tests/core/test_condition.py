"""Conditions: what they are made of, and what they look into."""

import pytest
from ask_library import AUTHORS, BOOKS, COUNTRIES

from holdfast.core.condition import (
    ALWAYS,
    NEVER,
    All,
    Any,
    IsNull,
    Matches,
    Not,
    OneOf,
    Operator,
    Path,
    Step,
    Test,
    conjoin,
    depends_on,
    disjoin,
    negate,
    paths_of,
    stored_constant,
    walk,
)
from holdfast.model.rule import Constant, now

NAME = Path(AUTHORS.by_member["name"])
TITLE = Path(BOOKS.by_member["title"])
GUARD = IsNull(NAME)
BEHIND = Path(AUTHORS.by_member["name"], (Step(BOOKS.by_name["author"], AUTHORS, GUARD),))
COUNTRY = Path(COUNTRIES.by_member["name"], (Step(BOOKS.by_name["author"], AUTHORS), Step(AUTHORS.by_name["country"], COUNTRIES)))


def test_every_node_is_walked() -> None:
    """Those of the guards on its paths included."""
    behind = Test(BEHIND, Operator.EQUALS, "x")
    whole = All((Any((behind, Not(OneOf(TITLE, ("a",))))), Matches(BOOKS, ("a",))))
    assert set(map(type, walk(whole))) == {All, Any, Not, Test, OneOf, Matches, IsNull}
    assert GUARD in list(walk(whole))
    assert list(walk(ALWAYS)) == [ALWAYS]


def test_the_paths_of_one_node() -> None:
    """Both sides of a comparison; none of what has nodes below it."""
    assert paths_of(Test(TITLE, Operator.EQUALS, NAME)) == (TITLE, NAME)
    assert paths_of(Test(TITLE, Operator.EQUALS, "a")) == paths_of(OneOf(TITLE, ("a",))) == paths_of(IsNull(TITLE)) == (TITLE,)
    assert paths_of(Not(IsNull(TITLE))) == ()


def test_other_resources_are_told() -> None:
    """Every one that a path leads through."""
    assert depends_on(IsNull(TITLE)) == frozenset()
    assert depends_on(Not(Test(COUNTRY, Operator.EQUALS, "x"))) == {AUTHORS.path, COUNTRIES.path}


def test_conditions_are_settled_where_they_can_be() -> None:
    """Always and never are taken out."""
    some = IsNull(TITLE)
    assert conjoin(ALWAYS, some) is some
    assert conjoin(some, NEVER) is NEVER
    assert conjoin() is ALWAYS
    assert disjoin(NEVER, some) is some
    assert disjoin(some, ALWAYS) is ALWAYS
    assert disjoin() is NEVER
    assert negate(ALWAYS) is NEVER
    assert negate(negate(ALWAYS)) is ALWAYS
    assert negate(some) == Not(some)


def test_a_constant_of_a_rule_is_stored_as_a_row_stores_it() -> None:
    """Truth as a number; what is no constant has no value of its own."""
    assert [stored_constant(Constant(each)) for each in (True, "a", None)] == [1, "a", None]
    with pytest.raises(TypeError, match="now is no constant"):
        stored_constant(now)
