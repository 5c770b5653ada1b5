"""Rules as written: what the operators build, and what they refuse."""

from operator import and_, eq, or_
from typing import Any, cast

import pytest

from holdfast import anyone, is_in, is_null, now, owner, role, signed_in, this, user
from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Compare,
    Constant,
    Membership,
    Negation,
    Nobody,
    NullTest,
    Rule,
    This,
    operands,
    path_of,
    walk,
)
from holdfast.model.rule_text import describe


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (anyone, "anyone"),
        (Nobody(), "nobody"),
        (signed_in, "signed_in"),
        (owner, "this.created_by == user"),
        (role("a", "b"), "role('a', 'b')"),
        (this.status == "x", "this.status == 'x'"),
        (eq("x", this.status), "this.status == 'x'"),
        (this.a != 1, "this.a != 1"),
        (this.a < 1, "this.a < 1"),
        (this.a <= 1, "this.a <= 1"),
        (this.a > 1, "this.a > 1"),
        (this.a >= now, "this.a >= now"),
        (is_null(this.author.email), "is_null(this.author.email)"),
        (is_in(this.a, 1, 2), "is_in(this.a, 1, 2)"),
        (this.flag | owner, "(this.flag == True) | (this.created_by == user)"),
        (owner | this.flag, "(this.created_by == user) | (this.flag == True)"),
        (this.flag & anyone, "(this.flag == True) & anyone"),
        (~this.flag, "~(this.flag == True)"),
        (~(anyone | owner), "~(anyone | (this.created_by == user))"),
        (anyone & signed_in & role("a"), "anyone & signed_in & role('a')"),
        (anyone | signed_in & role("a"), "anyone | (signed_in & role('a'))"),
        (this.email == user.email, "this.email == user.email"),
    ],
)
def test_rule_reads_as_it_was_written(rule: Rule, text: str) -> None:
    """Operators build the tree that Python's precedence says, and it can be written back."""
    assert describe(rule) == text


def test_a_rule_is_not_compared() -> None:
    """`owner in [anyone]` and `owner == anyone` raise instead of being silently false."""
    with pytest.raises(TypeError, match="Rules are not compared"):
        _ = owner in [anyone, signed_in]
    with pytest.raises(TypeError, match="Rules are not compared"):
        eq(owner, anyone)


def test_unions_and_intersections_are_flat() -> None:
    """a | b | c is one AnyOf of three, and & likewise, whichever is built first."""
    a, b, c = role("a"), role("b"), role("c")

    assert cast("AnyOf", a | b | c).parts == cast("AnyOf", a | (b | c)).parts == (a, b, c)
    assert cast("AllOf", a & b & c).parts == (a, b, c)


@pytest.mark.parametrize("misuse", [bool, lambda rule: rule or anyone, lambda rule: not rule, lambda rule: rule and anyone])
def test_rule_has_no_truth_value(misuse: Any) -> None:
    """or, and, not and if raise, and the message says what to write instead."""
    with pytest.raises(TypeError, match=r"Combine rules with `\|`, `&` and `~`"):
        misuse(this.status == "draft")


def test_field_is_in_no_list() -> None:
    """`in` asks for truth values, so it raises too."""
    with pytest.raises(TypeError, match="test values with is_in"):
        assert this.status in ("draft", "published")


def test_chained_comparison_raises() -> None:
    """1 < this.a < 3 would silently drop its first half, so it raises."""
    with pytest.raises(TypeError, match="no truth value"):
        assert 1 < this.a < 3


@pytest.mark.parametrize("other", [True, "editor", None])
def test_rule_combines_with_rules_only(other: Any) -> None:
    """A value is no rule."""
    for combine in (or_, and_):
        for one, two in ((anyone, other), (other, anyone)):
            with pytest.raises(TypeError, match="combined with rules only"):
                combine(one, two)


@pytest.mark.parametrize("names", [(), ("",), (1,)])
def test_role_needs_names(names: Any) -> None:
    """role() without a name would grant nothing or everything; it raises."""
    with pytest.raises(TypeError, match="one or more role names"):
        role(*names)


def test_every_public_name_is_a_field() -> None:
    """A field may be called as anything inside Holdfast is, because this and user keep only private names."""
    for name in ("path", "as_rule", "left", "id", "index", "count", "parts"):
        assert path_of(getattr(this, name)) == (name,)
        assert path_of(getattr(user, name)) == (name,)


def test_private_names_are_no_fields() -> None:
    """Copying, pickling and inspecting ask for private names; they find none."""
    for name in ("__deepcopy__", "_secret"):
        assert not hasattr(this, name)
        assert not hasattr(user, name)


def test_operands_can_be_kept_in_sets() -> None:
    """An operand is hashed by identity, because == builds a rule."""
    assert len({this.a, this.a, this}) == 3


def test_walk_meets_every_node() -> None:
    """walk gives each node once, parents first; operands gives every side of every leaf."""
    rule = ~(is_null(this.a) | (this.b == 1)) & is_in(this.c, 2) & anyone

    assert [type(each) for each in walk(rule)] == [AllOf, Negation, AnyOf, NullTest, Compare, Membership, Always]
    sides = [each.value if isinstance(each, Constant) else path_of(cast("This", each)) for each in operands(rule)]
    assert sides == [
        ("a",),
        ("b",),
        1,
        ("c",),
        2,
    ]
