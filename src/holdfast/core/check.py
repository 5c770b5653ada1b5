"""Checks: the rules between the fields of one row, as conditions, and what they say of values that are at hand."""

from collections.abc import Iterator, Mapping

from holdfast.base.errors import Detail
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
    compare,
    stored_constant,
)
from holdfast.core.known import Known, all_known, tell
from holdfast.model.catalog import CheckSpec, ResourceSpec
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


def find_broken(resource: ResourceSpec, values: Mapping[str, Stored], known: Known = all_known) -> Iterator[Detail]:
    """The details of each check that stored values do not keep. A check of a field that has no value yet is left out."""
    for check in resource.checks:
        if values.keys() >= set(check.members) and not _keeps(check_condition(resource, check.rule), values):
            yield from describe_broken(resource, check, known)


def describe_broken(resource: ResourceSpec, check: CheckSpec, known: Known) -> Iterator[Detail]:
    """A detail for each field of a check that is not kept, as far as it is known."""
    return tell(known, resource, check.members, "check_failed", "These values do not go together: {}.")


def _keeps(condition: Condition, values: Mapping[str, Stored]) -> bool:
    match condition:
        case All(parts):
            return all(_keeps(part, values) for part in parts)
        case Any(parts):
            return any(_keeps(part, values) for part in parts)
        case Not(part):
            return not _keeps(part, values)
        case IsNull(path):
            return values[path.field.member] is None
        case OneOf(path, options):
            return values[path.field.member] in options
        case Test(path, operator, value):
            right = values[value.field.member] if isinstance(value, Path) else value
            return compare(values[path.field.member], operator, right)
        case _:
            raise TypeError(f"no check says {condition!r}")
