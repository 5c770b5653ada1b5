"""Conditions: what they are made of, and what they look into."""

from ask_library import AUTHORS, BOOKS, COUNTRIES

from holdfast.core.condition import ALWAYS, All, Any, IsNull, Matches, Not, OneOf, Operator, Path, Step, Test, depends_on, paths_of, walk

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
