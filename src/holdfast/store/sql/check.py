"""Checks: the rules between the fields of one row, as conditions."""

from holdfast.core.condition import (
    ALWAYS,
    NEVER,
    OPERATORS,
    All,
    Any,
    Condition,
    IsNull,
    Not,
    OneOf,
    Operator,
    Path,
    Stored,
    Test,
    stored_constant,
)
from holdfast.model.catalog import ResourceSpec
from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Compare,
    Membership,
    Negation,
    Nobody,
    NullTest,
    Rule,
    This,
    holds,
    path_of,
)


def check_condition(resource: ResourceSpec, rule: Rule) -> Condition:
    """The condition of a check; its constants are in storage form already. A check knows no caller, no time and no other row.

    Raises TypeError for a rule that no check can hold: the catalog has refused it before.
    """
    match rule:
        case Always():
            return ALWAYS
        case Nobody():
            return NEVER
        case AllOf(parts):
            return All(tuple(check_condition(resource, part) for part in parts))
        case AnyOf(parts):
            return Any(tuple(check_condition(resource, part) for part in parts))
        case Negation(part):
            return Not(check_condition(resource, part))
        case This():
            return check_condition(resource, holds(rule))
        case NullTest(This() as member):
            return IsNull(_path(resource, member))
        case Membership(This() as member, values):
            return OneOf(_path(resource, member), tuple(map(stored_constant, values)))
        case Compare(This() as left, operator, This() as right):
            return Test(_path(resource, left), OPERATORS[operator], _path(resource, right))
        case Compare(This() as left, operator, right):
            return _test(_path(resource, left), OPERATORS[operator], stored_constant(right))
        case _:
            raise TypeError(f"no check can hold {rule!r}")


def _test(path: Path, operator: Operator, value: Stored) -> Condition:
    """A comparison with a constant. `differs` is written as "not equal": SQLAlchemy leaves a constant beside IS NOT out of a CREATE."""
    return Not(Test(path, Operator.EQUALS, value)) if operator is Operator.DIFFERS else Test(path, operator, value)


def _path(resource: ResourceSpec, member: This) -> Path:
    (name,) = path_of(member)
    return Path(resource.by_name[name])
