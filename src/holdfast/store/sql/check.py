"""Checks: the rules between the fields of one row, as conditions."""

from collections.abc import Mapping

from holdfast.core.condition import ALWAYS, NEVER, All, Any, Condition, IsNull, Not, OneOf, Operator, Path, Stored, Test
from holdfast.model.catalog import ResourceSpec
from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Compare,
    CompareOperator,
    Constant,
    Membership,
    Negation,
    Nobody,
    NullTest,
    Operand,
    Rule,
    This,
    holds,
    path_of,
)

_OPERATORS: Mapping[CompareOperator, Operator] = {
    "eq": Operator.EQUALS,
    "ne": Operator.DIFFERS,
    "lt": Operator.LESS,
    "le": Operator.AT_MOST,
    "gt": Operator.GREATER,
    "ge": Operator.AT_LEAST,
}

_TURNED: Mapping[CompareOperator, CompareOperator] = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


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
            return OneOf(_path(resource, member), tuple(map(_constant, values)))
        case Compare(This() as left, operator, This() as right):
            return Test(_path(resource, left), _OPERATORS[operator], _path(resource, right))
        case Compare(This() as left, operator, right):
            return _test(_path(resource, left), _OPERATORS[operator], _constant(right))
        case Compare(left, operator, This() as right):
            return _test(_path(resource, right), _OPERATORS[_TURNED[operator]], _constant(left))
        case _:
            raise TypeError(f"no check can hold {rule!r}")


def _test(path: Path, operator: Operator, value: Stored) -> Condition:
    """A comparison with a constant. `differs` is written as "not equal": SQLAlchemy leaves a constant beside IS NOT out of a CREATE."""
    return Not(Test(path, Operator.EQUALS, value)) if operator is Operator.DIFFERS else Test(path, operator, value)


def _path(resource: ResourceSpec, member: This) -> Path:
    (name,) = path_of(member)
    return Path(resource.by_name[name])


def _constant(value: Operand) -> Stored:
    if not isinstance(value, Constant):
        raise TypeError(f"no check can hold {value!r}")
    stored: Stored = value.value
    return int(stored) if isinstance(stored, bool) else stored
