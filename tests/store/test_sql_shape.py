"""Shapes: what a text depends on, and the values taken out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_library import MAKERS, THINGS, Database, maker, thing

from holdfast.base.ids import RecordId
from holdfast.core import condition as c
from holdfast.core.plan import ReadMany, ReadOne
from holdfast.core.view import View
from holdfast.model.types import Duration, Integer, Number, Text
from holdfast.store.sql.shape import Shaper, item_value, prefix_end
from holdfast.store.sql.statement import Prepared, Statement

TITLE, NAME = thing("title"), maker("name")


def taken_apart(condition: c.Condition) -> tuple[c.Condition, list[c.Stored]]:
    """The shape of a condition and its values."""
    shaper = Shaper(" ".join)
    return shaper.condition(condition), shaper.values


@pytest.mark.parametrize(
    ("condition", "shape", "values"),
    [
        (c.ALWAYS, c.ALWAYS, []),
        (c.NEVER, c.NEVER, []),
        (c.Test(TITLE, c.Operator.EQUALS, "a"), c.Test(TITLE, c.Operator.EQUALS, 0), ["a"]),
        (c.Test(TITLE, c.Operator.EQUALS, None), c.IsNull(TITLE), []),
        (c.Test(TITLE, c.Operator.DIFFERS, None), c.Not(c.IsNull(TITLE)), []),
        (c.Test(TITLE, c.Operator.LESS, None), c.NEVER, []),
        (c.Test(TITLE, c.Operator.LESS, NAME), c.Test(TITLE, c.Operator.LESS, NAME), []),
        (c.Test(TITLE, c.Operator.CONTAINS_FOLDED, "ÄSS"), c.Test(TITLE, c.Operator.CONTAINS_FOLDED, 0), ["äss"]),
        (
            c.Test(TITLE, c.Operator.STARTS_WITH, "ab"),
            c.All((c.Test(TITLE, c.Operator.AT_LEAST, 0), c.Test(TITLE, c.Operator.LESS, 1))),
            ["ab", "ac"],
        ),
        (c.Test(TITLE, c.Operator.STARTS_WITH, ""), c.Test(TITLE, c.Operator.AT_LEAST, 0), [""]),
        (c.OneOf(TITLE, ()), c.Any(()), []),
        (c.OneOf(TITLE, (None,)), c.IsNull(TITLE), []),
        (c.OneOf(TITLE, ("a", None)), c.Any((c.OneOf(TITLE, (0,)), c.IsNull(TITLE))), ["a"]),
        (c.OneOf(TITLE, ("a", "b", "c")), c.OneOf(TITLE, (0, 1, 2, 3)), ["a", "b", "c", "c"]),
        (c.Matches(THINGS, ("a", "b")), c.Matches(THINGS, ("0",)), ["a b"]),
        (c.Matches(THINGS, ()), c.ALWAYS, []),
    ],
)
def test_a_shape_holds_positions_and_no_nulls(condition: c.Condition, shape: c.Condition, values: list[c.Stored]) -> None:
    """Each value is replaced by its position; what null means is settled here."""
    assert taken_apart(condition) == (shape, values)


@given(st.text(max_size=5), st.text(max_size=5))
def test_the_range_of_a_prefix_is_exact(prefix: str, text: str) -> None:
    """A text lies from the prefix up to its end exactly if it begins with it; SQLite orders by code point as Python does."""
    for each in (text, prefix + text):
        end = prefix_end(prefix)
        assert each.startswith(prefix) == (prefix <= each and (end is None or each < end))


def test_the_end_of_a_prefix_is_no_surrogate() -> None:
    """Past U+D7FF comes U+E000; past U+10FFFF the place before it."""
    assert [prefix_end(each) for each in ("\ud7ff", "a\U0010ffff", "\U0010ffff", "")] == ["\ue000", "b", None, None]


def test_values_inside_a_list_have_their_json_form() -> None:
    """A stored list is JSON: a decimal and a duration are text there, all else is as stored."""
    assert item_value(Number(places=2), -5) == "-0.05"
    assert item_value(Number(places=2), "1.00") == "1.00"
    assert item_value(Duration(), 1) == "P0DT0H0M0.000001S"
    assert item_value(Integer(), 7) == 7
    assert item_value(Text(), "x") == "x"


@pytest.mark.parametrize(("positions", "bound"), [((), ()), ((0, 1), (7, 8)), ((1,), (8,)), ((2, 0, 2), (9, 7, 9))])
def test_prepared_binds_the_values_at_its_positions(positions: tuple[int, ...], bound: tuple[int, ...]) -> None:
    """A parameter may take any value, one value may go to several."""
    assert Prepared("x", positions).bind([7, 8, 9]) == Statement("x", bound)


def test_plans_of_one_shape_share_one_text() -> None:
    """Only the values differ: the text is the same object, made once."""
    render = Database().render
    plans = [
        ReadMany(View(THINGS, THINGS.fields[:2]), c.All((c.Test(TITLE, c.Operator.EQUALS, name),)), (), limit, offset)
        for name, limit, offset in (("a", 20, 0), ("b", 5, 40))
    ]
    first, second = map(render.read_many, plans)
    assert first.text is second.text
    assert (first.values, second.values) == (("a", 21, 0), ("b", 6, 40))
    views = [View(MAKERS, MAKERS.fields) for _ in range(2)]
    assert render.read_one(ReadOne(RecordId("a"), views[0])).text is render.read_one(ReadOne(RecordId("b"), views[1])).text


def test_what_is_kept_of_a_read_is_kept_for_its_own_condition() -> None:
    """Reads of one shape share a text and never a value, however often and in whatever order they come."""
    render = Database().render
    view = View(THINGS, THINGS.fields[:1])
    asked = [("a", "mine"), ("b", "mine"), ("a", "yours"), ("a", "mine")]
    statements = [render.read_one(ReadOne(RecordId(id_), view, c.Test(TITLE, c.Operator.EQUALS, title))) for id_, title in asked]
    assert asked == [each.values for each in statements]
    assert len({each.text for each in statements}) == 1


def test_values_of_a_caller_never_stand_in_the_text() -> None:
    """Whatever a caller sends is bound, in every kind of statement."""
    render, evil = Database().render, "'); DROP TABLE things; --"
    where = c.Any(
        (
            *(c.Test(TITLE, operator, evil) for operator in c.Operator),
            c.OneOf(NAME, (evil,)),
            c.Test(thing("words"), c.Operator.CONTAINS, evil),
            c.Not(c.Test(maker("name", c.Test(c.Path(MAKERS.by_member["name"]), c.Operator.EQUALS, evil)), c.Operator.DIFFERS, evil)),
        )
    )
    statements = [
        render.read_one(ReadOne(RecordId(evil), View(THINGS, THINGS.fields[:1]), where)),
        render.read_many(ReadMany(View(THINGS, THINGS.fields[:1]), where, (), 1, after=(evil,))),
        render.count(THINGS, c.All((where, c.Matches(THINGS, (evil,))))),
        render.count_delta(THINGS, where, 0, 1),
        render.image(THINGS, evil, where),
        render.exists(THINGS, evil, where),
        render.update(THINGS, evil, 1, {"title": evil}),
        render.referring_ids(THINGS, "maker_id", evil, 1),
    ]
    for statement in statements:
        assert statement is not None
        assert "DROP" not in statement.text
        assert statement.text.count("?") == len(statement.values)
