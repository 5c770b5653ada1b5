"""Warnings: what a declaration may say and yet surprises."""

from collections.abc import Mapping
from typing import Any

import pytest

from holdfast import Access, Backend, Ref, Resource, User, anyone, field, is_null, owner, role, signed_in, this, user
from holdfast.model.catalog import Catalog
from holdfast.model.rule import Nobody, Rule
from holdfast.model.rule_text import describe
from holdfast.model.settle import settle


class Place(Resource):
    """What others refer to."""

    name: str
    code: str = field(unique=True)

    access = Access(read=anyone)


def access_of(rules: Mapping[str, Any]) -> Access:
    """Access by verbs that are computed."""
    return Access(**rules)


def warnings_of(rule: Rule, verb: str = "read") -> tuple[str, ...]:
    """The warnings of a resource with one rule."""

    class Thing(Resource):
        name: str = ""
        code: str = field(default="", index=True)
        done: bool = False
        place: Ref[Place] | None = None

        access = access_of({verb: rule})

    return Backend(Place, Thing).catalog.warnings


NEVER = {
    "two that exclude each other": role("a") & ~role("a"),
    "a role of who is not signed in": role("a") & ~signed_in,
    "an owner who is not signed in": owner & ~signed_in,
    "not anyone": ~anyone,
    "below an or": (role("a") & ~signed_in) | ~anyone,
    "whatever the row": ~anyone & (this.name == "x"),
}


@pytest.mark.parametrize("name", NEVER)
def test_a_rule_that_can_never_hold_warns(name: str) -> None:
    """It is told once, with the rule, although two verbs have it."""
    (warning,) = warnings_of(NEVER[name])

    assert warning.startswith("Thing.access: list can hold for nobody but an admin: ")
    assert describe(NEVER[name]).partition(" ")[0] in warning


@pytest.mark.parametrize(
    "rule",
    [
        anyone,
        owner,
        role("admin"),
        role("a"),
        role("a") & role("b"),
        ~signed_in,
        ~owner,
        role("a") | ~role("a"),
        user.email == "a@example.org",
    ],
    ids=describe,
)
def test_a_rule_that_can_hold_does_not(rule: Rule) -> None:
    """Also where several roles are needed, or the one that is granted everything."""
    assert warnings_of(rule) == ()


def test_what_nobody_may_write_and_must_be_sent_warns() -> None:
    """Whoever may create may not write it; a default, or a rule that holds for who creates, mends it."""

    def declare(**options: object) -> Catalog:
        class Thing(Resource):
            code: str = field(**options)  # type: ignore[call-overload, misc]  # any options

            access = Access(read=anyone, create=role("a"))

        return Backend(Thing).catalog

    (warning,) = declare(writable_by=role("b") & ~role("a")).warnings
    assert warning.startswith("Thing.code: It is required, and nobody who may create one may write it.")
    assert declare(writable_by=role("b")).warnings == ()  # who has both roles may
    assert declare(default="", writable_by=role("b") & ~role("a")).warnings == ()


SCANS = {
    "a field": (this.name == "x", "Thing.name has no index"),
    "a field in order": (this.name > "x", "Thing.name has no index"),
    "through a reference": (this.place.name == user.email, "Place.name has no index"),
    "one side of an or": (owner | (this.name == "x"), "Thing.name has no index"),
    "two": ((this.name == "x") | (this.place.name == "y"), "Place.name, Thing.name have no index"),
}


@pytest.mark.parametrize("name", SCANS)
def test_a_list_that_must_look_at_every_row_warns(name: str) -> None:
    """It names the fields that would need an index."""
    rule, told = SCANS[name]
    (warning,) = warnings_of(rule)

    assert told in warning
    assert warning.startswith("Thing.access: Lists look at every row for ")


@pytest.mark.parametrize(
    "rule",
    [
        this.code == "x",
        this.place.code == "x",
        this.place == user.id,
        (this.name == "x") & (this.code == "y"),
        owner & (this.name == "x"),
        this.done,
        ~(this.name == "x"),
        is_null(this.name),
        this.name != "x",
    ],
    ids=describe,
)
def test_what_an_index_serves_or_could_not_serve_does_not(rule: Rule) -> None:
    """Nor is there a warning for a rule of writes, which look at one row."""
    if "place == user" in describe(rule):
        rule = this.created_by == user.id
    assert warnings_of(rule) == ()
    assert warnings_of(this.name == "x", verb="delete") == ()


def test_a_search_that_some_may_not_make_warns() -> None:
    """`q` looks into a field that is not for everyone."""

    class Thing(Resource):
        name: str = field(default="", search=True, readable_by=role("a"))

        access = Access(read=anyone)

    (warning,) = Backend(Thing).catalog.warnings
    assert warning.startswith("Thing.name: `q` looks into it")


def test_a_rule_is_settled_for_a_kind_of_caller() -> None:
    """Roles are decided, rows and values stay, and who is not signed in is never the user."""
    rule = (role("a") & (this.name == "x")) | owner | ~signed_in

    assert describe(settle(rule, None)) == "anyone"
    assert describe(settle(rule, frozenset())) == "this.created_by == user"
    assert describe(settle(rule, frozenset({"a"}))) == "(this.name == 'x') | (this.created_by == user)"
    assert isinstance(settle(owner & role("a"), None), Nobody)
    assert isinstance(settle(is_null(user.email), None), Nobody)


def test_a_rule_of_a_field_that_can_never_hold_warns() -> None:
    """By the name of the field."""

    class Thing(Resource):
        code: str = field(default="", readable_by=role("a") & ~role("a"))

        access = Access(read=anyone)

    (warning,) = Backend(Thing).catalog.warnings
    assert warning.startswith("Thing.code: readable_by can hold for nobody but an admin: ")


def test_a_rule_of_many_roles_is_not_tried() -> None:
    """Their sets would be too many; it is taken to hold for somebody."""
    every = role(*(f"r{number}" for number in range(9)))
    assert warnings_of(every & ~every) == ()


class Member(User):
    """A user who may be in a place, and has a desk."""

    place: Ref[Place] | None = None
    desk: str = ""


def null_warnings_of(rule: Rule) -> list[str]:
    """The warnings of nulls that meet, of a resource with one rule."""

    class Thing(Resource):
        place: Ref[Place] | None = field(default=None, index=True)
        desk: str = field(default="", index=True)
        near: Ref[Place] = field(reverse="near_things")

        access = Access(read=rule)

    return [each for each in Backend(Place, Thing, Member).catalog.warnings if "both are null" in each]


@pytest.mark.parametrize(
    "rule",
    [
        this.place == user.place,
        (this.place == user.place) & role("a"),
        owner | (user.place == this.place),
        (this.place == user.place) & ~is_null(this.desk),
        (this.place == user.place) & is_null(this.place),
    ],
    ids=describe,
)
def test_nulls_that_meet_warn(rule: Rule) -> None:
    """Whoever has nothing would be granted all that belongs to nothing; it is told once, though two verbs have the rule."""
    (warning,) = null_warnings_of(rule)
    assert warning.startswith("Thing.access: ")
    assert "& ~is_null(" in warning


@pytest.mark.parametrize(
    "rule",
    [
        (this.place == user.place) & ~is_null(this.place),
        role("a") & ~is_null(user.place) & ((this.place == user.place) | owner),
        this.near == user.place,
        this.desk == user.desk,
        this.place.name == user.desk,
        this.place != user.place,
        ~(this.place == user.place),
        owner,
        this.place == None,  # noqa: E711  # a rule
    ],
    ids=describe,
)
def test_nulls_that_cannot_meet_or_are_meant_do_not(rule: Rule) -> None:
    """Where one side has always a value, or the rule asks for one."""
    assert null_warnings_of(rule) == []


def role_warnings_of(reading: Rule, writing: Rule, of_field: Rule = signed_in) -> list[str]:
    """The warnings of mistyped roles, of two resources with a rule each."""

    class Desk(Resource):
        access = Access(read=reading)

    class Chair(Resource):
        name: str = field(default="", readable_by=of_field)

        access = Access(read=anyone, write=writing)

    return [each for each in Backend(Desk, Chair).catalog.warnings if "names the role" in each]


@pytest.mark.parametrize("typed", ["stafff", "staf", "satff", "stagf", "Staff", "stafg", "staffs"])
def test_a_role_that_is_nearly_another_warns(typed: str) -> None:
    """It names both and the place: nobody would be told that who is staff may not write."""
    assert role_warnings_of(role("staff"), role(typed)) == [
        f"Chair.access: Nothing else names the role `{typed}`, which is nearly `staff`. If that is meant, write it so."
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("team_a", "team_b"),
        ("level1", "level2"),
        ("level1", "level10"),
        ("a", "b"),
        ("leader", "reader"),
        ("editor", "author"),
        ("co-op", "coop"),
    ],
)
def test_roles_that_are_told_apart_do_not_warn(one: str, other: str) -> None:
    """By a number, by a word of a letter or two, by their beginning."""
    assert role_warnings_of(role(one), role(other)) == []


def test_a_near_role_that_is_named_more_than_once_is_meant() -> None:
    """Whoever names it in two places means it; the one beside it that is named once warns, whichever comes first."""
    assert role_warnings_of(role("staff", "stafff"), role("staff", "stafff")) == []
    (warning,) = role_warnings_of(role("stafff", "staff"), role("staff"))
    assert warning.startswith("Desk.access: Nothing else names the role `stafff`")


def test_a_role_that_is_nearly_admin_warns() -> None:
    """No rule need name admin. The rules of a field are read too."""
    (warning,) = role_warnings_of(anyone, anyone, role("admn"))
    assert warning.startswith("Chair.name: Nothing else names the role `admn`, which is nearly `admin`")


def test_a_role_with_another_hyphen_warns() -> None:
    """Or in another case: of the two the later is told."""
    (warning,) = role_warnings_of(role("shop-staff"), role("Shop_staff"))
    assert "`Shop_staff`, which is nearly `shop-staff`" in warning
