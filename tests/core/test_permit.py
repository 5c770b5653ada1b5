"""Permits: what rules become for one caller."""

from datetime import datetime
from typing import Any as AnyValue
from typing import Literal

import pytest

from holdfast import Access, Backend, Ref, Resource, User, anyone, field, is_in, is_null, now, owner, role, signed_in, this, user
from holdfast.base.errors import Misconfigured, Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant
from holdfast.core.actor import NOBODY, Actor
from holdfast.core.ask.visible import EVERYTHING
from holdfast.core.condition import ALWAYS, All, Any, Condition, IsNull, Not, OneOf, Operator, Step, Stored, Test
from holdfast.core.permit import Grants, Permit
from holdfast.core.slots import FREE
from holdfast.model.rule import Compare, Constant, Rule

AT = Instant(1_750_000_000_000_000)  # 2025-06-15T15:06:40Z
ANN = RecordId("0190f5fe-0000-7000-8000-00000000000a")


class Team(Resource):
    """Who belongs together."""

    name: str
    access = Access(read=this.name == user.team_name)


class Person(User):
    """A user in a team."""

    team_name: str | None = None
    limit: int = 0
    access = Access(read=owner)


class Note(Resource):
    """Everything that a rule can look at."""

    state: Literal["open", "shut"] = "open"
    team: Ref[Team] | None = None
    done: bool = False
    weight: int | None = None
    due: datetime | None = None
    hidden: str = field(default="", readable_by=role("auditor"))
    own: str = field(default="", readable_by=owner)
    fixed: str = field(default="", writable_by=role("auditor"))
    drop: str = field(default="", readable_by=role("auditor"), writable_by=signed_in)
    access = Access(read=anyone)


def person(*roles: str, **values: str | int | None) -> Actor:
    """A caller who is signed in."""
    return Actor(
        ANN, frozenset(roles), {"id": ANN, "email": "ann@example.org", "team_name": "red", "limit": 5, "created_at": "2025", **values}, "s1"
    )


def bind(rule: Rule, actor: Actor) -> Condition:
    """A rule on notes, bound."""

    class Bound(Resource, path="notes"):
        state: Literal["open", "shut"] = "open"
        team: Ref[Team] | None = None
        done: bool = False
        weight: int | None = None
        due: datetime | None = None
        access = Access(read=rule)

    catalog = Backend(Bound, Team, Person).catalog
    return Permit(catalog).grant(actor, AT).on(catalog.resources["notes"]).read


def spec_of(condition: Condition) -> str:
    """A condition as text, so that conditions of different catalogs compare."""
    match condition:
        case Test(path, operator, value):
            return f"{path} {operator.value} {value}"
        case OneOf(path, values):
            return f"{path} in {values}"
        case IsNull(path):
            return f"{path} null"
        case Not(part):
            return f"not ({spec_of(part)})"
        case All(parts):
            return " and ".join(map(spec_of, parts)) or "always"
        case Any(parts):
            return " or ".join(map(spec_of, parts)) or "never"
        case _:
            raise AssertionError(condition)


@pytest.mark.parametrize(
    ("rule", "nobody", "ann", "editor"),
    [
        (anyone, "always", "always", "always"),
        (signed_in, "never", "always", "always"),
        (~signed_in, "always", "never", "never"),
        (role("editor"), "never", "never", "always"),
        (~role("editor"), "always", "always", "never"),
        (owner, "never", f"created_by_id eq {ANN}", f"created_by_id eq {ANN}"),
        (owner | role("editor"), "never", f"created_by_id eq {ANN}", "always"),
        (owner & role("editor"), "never", "never", f"created_by_id eq {ANN}"),
        ((this.state == "open") | owner, "state eq open", f"state eq open or created_by_id eq {ANN}", None),
        (this.state != "open", "state ne open", "state ne open", "state ne open"),
        (this.done | this.due.__gt__(now), "done eq 1 or due gt 2025-06-15T15:06:40.000000Z", None, None),
        (~this.done, "not (done eq 1)", "not (done eq 1)", "not (done eq 1)"),
        (is_null(this.weight), "weight null", "weight null", "weight null"),
        (is_in(this.state, "open", "shut"), "state in ('open', 'shut')", None, None),
        (this.team.name == user.team_name, "never", "team.name eq red", "team.name eq red"),
        (this.weight <= user.limit, "never", "weight lte 5", "weight lte 5"),
        (user.limit > this.weight, "never", "weight lt 5", "weight lt 5"),
        (user.team_name == "red", "never", "always", "always"),
        (user.team_name != "blue", "never", "always", "always"),
        (user.limit > 5, "never", "never", "never"),
        (is_null(user.team_name), "never", "never", "never"),
        (user.email == user.team_name, "never", "never", "never"),
        (now > user.created_at, "never", "always", "always"),
    ],
)
def test_a_rule_is_settled_as_far_as_its_caller_settles_it(rule: Rule, nobody: str | None, ann: str | None, editor: str | None) -> None:
    """What it says of roles and of the user is decided; what it says of the row stays."""
    for actor, expected in ((NOBODY, nobody), (person(), ann), (person("editor"), editor)):
        if expected is not None:
            assert spec_of(bind(rule, actor)) == expected


def test_the_admin_is_granted_everything() -> None:
    """Where nothing is granted to anyone, too."""
    catalog = Backend(Note, Team, Person).catalog
    grants = Permit(catalog).grant(person("admin"), AT)
    grant = grants.on(catalog.resources["notes"])
    assert (grant.list, grant.read, grant.create, grant.update, grant.update_to, grant.delete) == (ALWAYS,) * 6
    assert grants.visible is EVERYTHING
    assert grant.bodies is FREE


class _Told(dict[str, Stored]):
    """The values of a user, which tell when they are looked at."""

    looks = 0

    def get(self, key: str, default: AnyValue = None, /) -> AnyValue:
        self.looks += 1
        return super().get(key, default)


def test_rules_are_bound_when_they_are_asked_for() -> None:
    """A request pays for the rules of the resources that it touches, once."""
    resources = Backend(Note, Team, Person).catalog.resources
    values = _Told(team_name="red")
    grants = Permit(Backend(Note, Team, Person).catalog).grant(Actor(ANN, frozenset(), values, "s1"), AT)
    assert grants.on(resources["notes"]) is grants.on(resources["notes"])
    assert values.looks == 0  # what a team shows depends on the user, and nobody asked for teams
    looks = [grants.visible.guard(resources["teams"]) is not None and values.looks for _ in range(2)]
    assert looks[0] == looks[1] > 0


def test_what_is_not_granted_is_refused_by_who_asks() -> None:
    """Who is not signed in may sign in; who is may not."""
    catalog = Backend(Note, Team, Person).catalog
    notes = catalog.resources["notes"]
    for actor, code in ((NOBODY, "unauthenticated"), (person(), "forbidden")):
        with pytest.raises(Refused) as caught:
            Permit(catalog).grant(actor, AT).require("create", notes)
        assert caught.value.code == code


def _notes(actor: Actor) -> tuple[Grants, frozenset[str]]:
    catalog = Backend(Note, Team, Person).catalog
    grants = Permit(catalog).grant(actor, AT)
    return grants, grants.visible.hidden_in(catalog.resources["notes"])


def test_fields_are_hidden_masked_or_locked() -> None:
    """readable_by hides in every row or masks in some; what may not be read may not be written, unless writable_by says so."""
    grants, hidden = _notes(person())
    notes = Backend(Note, Team, Person).catalog.resources["notes"]
    assert hidden == {"hidden", "drop"}
    assert {member: spec_of(where) for member, where in grants.visible.masks_of(notes).items()} == {"own": f"created_by_id eq {ANN}"}
    bodies = grants.on(notes).bodies
    assert (bodies.unknown, bodies.fixed, bodies.kept) == (frozenset({"hidden"}), frozenset({"fixed"}), frozenset({"own", "drop"}))
    assert {member: spec_of(where) for member, where in grants.on(notes).locks(["own", "state"]).items()} == {
        "own": f"created_by_id eq {ANN}"
    }


def test_a_member_is_named_to_who_may_read_or_write_it() -> None:
    """In one record at least; what they may neither read nor write is not named, and what they may only write is not shown."""

    class Slip(Resource):
        open: str = ""
        hidden: str = field(default="", readable_by=role("auditor"))
        drop: str = field(default="", readable_by=role("auditor"), writable_by=signed_in)
        access = Access(read=anyone, create=signed_in)

    catalog = Backend(Slip).catalog
    slips = catalog.resources["slips"]
    grants, audited = (Permit(catalog).grant(actor, AT) for actor in (person(), person("auditor")))

    members = ("open", "hidden", "drop")
    assert [each for each in members if grants.shows(slips, each)] == ["open"]
    assert [each for each in members if grants.names(slips, each)] == ["open", "drop"]
    assert [each for each in members if audited.names(slips, each)] == list(members)


def test_a_reference_names_only_what_its_caller_may_see() -> None:
    """The rule of the target becomes a condition of the write."""
    grants, _ = _notes(person())
    notes = Backend(Note, Team, Person).catalog.resources["notes"]
    assert {member: spec_of(where) for member, where in grants.targets(notes, ["team_id", "state"]).items()} == {"team_id": "name eq red"}


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (user.nam == "x", "names no field of a user"),
        (user.password == "x", "is a secret"),  # noqa: S105  # no password: the name of a field
        (this.weight == user.email, "of different types"),
        (user.limit == "five", "what it can never be"),
        (user.team_name.size == 3, "looks behind"),
        (is_null(user.nam), "names no field of a user"),
    ],
)
def test_a_rule_that_asks_for_no_field_of_a_user_is_refused_at_start(rule: Rule, problem: str) -> None:
    """With the place and the mend."""
    with pytest.raises(Misconfigured, match=problem):
        bind(rule, NOBODY)


def test_a_path_goes_through_references_unguarded() -> None:
    """A rule looks at any record, whatever its caller may see."""
    condition = bind(this.team.name == "red", NOBODY)
    assert isinstance(condition, Test)
    (step,) = condition.path.steps
    assert isinstance(step, Step)
    assert step.guard is None
    assert condition.operator is Operator.EQUALS


def test_one_rule_is_bound_as_those_of_a_grant_are() -> None:
    """For what tells of a rule; an admin is asked nothing."""
    catalog = Backend(Note, Team, Person).catalog
    teams = catalog.resources["teams"]
    permit = Permit(catalog)
    assert permit.bind(teams.access.read, teams, person(), AT) == permit.grant(person(), AT).on(teams).read
    assert permit.bind(teams.access.read, teams, person("admin"), AT) is ALWAYS


def test_comparisons_are_two_valued_on_both_sides() -> None:
    """A member with a member stays, null of the user is no more and no less than anything, and a member has no value by itself."""
    assert spec_of(bind(this.weight == this.weight, person())) == "weight eq weight"
    assert spec_of(bind(user.limit > 3, person(limit=None))) == "never"
    catalog = Backend(Note, Team, Person).catalog
    with pytest.raises(TypeError, match="has no value of its own"):
        Permit(catalog).bind(Compare(Constant(1), "eq", this.weight), catalog.resources["notes"], person(), AT)


def test_who_is_granted_everything_may_name_any_record() -> None:
    """No reference is looked at."""
    catalog = Backend(Note, Team, Person).catalog
    assert Permit(catalog).grant(person("admin"), AT).targets(catalog.resources["notes"], ["team_id"]) == {}
