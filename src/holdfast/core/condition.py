"""Conditions on rows, bound to their values: what a filter, a permission rule or a check becomes.

A condition names fields and holds stored values; how it reads in SQL is the store's business (`store.sql`). It is two-valued: no
condition is ever unknown, so `Not` is plain negation. `equals` and `differs` treat null as a value; every other test is false on null.

A path that goes through references sees only targets for which the guard of that step holds; else its value is null.

Compiled texts are found by the shape of a condition, for every request: so these are structs, which keep their hash.
"""

import operator
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

import msgspec

from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.rule import CompareOperator, Constant, Operand

Stored = str | int | float | None
"""A value in storage form (see model.types)."""


class Step(msgspec.Struct, frozen=True, cache_hash=True):
    """One reference followed: from a Ref field to the target resource, where `guard` says which targets may be seen."""

    field: FieldSpec
    target: ResourceSpec
    guard: "Condition | None" = None


class Path(msgspec.Struct, frozen=True, cache_hash=True):
    """A field of the row, or of a record that the row refers to. `str(path)` is how a caller writes it: `author.name`."""

    field: FieldSpec
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return ".".join((*(step.field.name for step in self.steps), self.field.member))


class Operator(Enum):
    """What can be asked of one path and one value (or one path and another)."""

    EQUALS = "eq"
    DIFFERS = "ne"
    LESS = "lt"
    AT_MOST = "lte"
    GREATER = "gt"
    AT_LEAST = "gte"
    CONTAINS = "contains"  # text: has the substring; lists: has the element
    CONTAINS_FOLDED = "icontains"  # text, folded by Unicode case
    STARTS_WITH = "startswith"
    ENDS_WITH = "endswith"


class Test(msgspec.Struct, frozen=True, cache_hash=True):
    """A path against a value, or against another path of the same row."""

    path: Path
    operator: Operator
    value: "Stored | Path"

    __test__ = False  # not a test class, whatever its name says to pytest


class OneOf(msgspec.Struct, frozen=True, cache_hash=True):
    """The path equals one of the values; null counts as a value. Empty: never."""

    path: Path
    values: tuple[Stored, ...]


class IsNull(msgspec.Struct, frozen=True, cache_hash=True):
    """The path has no value."""

    path: Path


class Matches(msgspec.Struct, frozen=True, cache_hash=True):
    """Full-text: every word stands in the searched fields, the last one by its beginning. `words` are folded (`core.search`)."""

    resource: ResourceSpec
    words: tuple[str, ...] = ()


class All(msgspec.Struct, frozen=True, cache_hash=True):
    """Every part holds; empty: always."""

    parts: tuple["Condition", ...]


class Any(msgspec.Struct, frozen=True, cache_hash=True):
    """At least one part holds; empty: never."""

    parts: tuple["Condition", ...]


class Not(msgspec.Struct, frozen=True, cache_hash=True):
    """The part does not hold."""

    part: "Condition"


Condition = Test | OneOf | IsNull | Matches | All | Any | Not

ALWAYS = All(())
NEVER = Any(())


def conjoin(*parts: Condition) -> Condition:
    """All of the parts, settled as far as they are."""
    return _join(All, parts, ends=NEVER, passes=ALWAYS)


def disjoin(*parts: Condition) -> Condition:
    """Any of the parts, settled as far as they are."""
    return _join(Any, parts, ends=ALWAYS, passes=NEVER)


def _join(kind: type[All | Any], parts: Iterable[Condition], *, ends: Condition, passes: Condition) -> Condition:
    left = [each for each in parts if each != passes]
    if ends in left:
        return ends
    if len(left) == 1:
        return left[0]
    return kind(tuple(left)) if left else passes


def negate(part: Condition) -> Condition:
    """The opposite of a part."""
    if part == ALWAYS:
        return NEVER
    return ALWAYS if part == NEVER else Not(part)


def walk(condition: Condition) -> Iterator[Condition]:
    """Every node of a condition, those of the guards on its paths included."""
    yield condition
    match condition:
        case All(parts) | Any(parts):
            inner = parts
        case Not(part):
            inner = (part,)
        case _:
            inner = tuple(step.guard for path in paths_of(condition) for step in path.steps if step.guard is not None)
    for each in inner:
        yield from walk(each)


def paths_of(node: Condition) -> tuple[Path, ...]:
    """The paths of one node."""
    match node:
        case Test(path, _, Path() as other):
            return (path, other)
        case Test(path) | OneOf(path) | IsNull(path):
            return (path,)
        case _:
            return ()


def depends_on(condition: Condition) -> frozenset[str]:
    """The paths of the other resources that a condition looks into, those of guards included."""
    return frozenset(step.target.path for node in walk(condition) for path in paths_of(node) for step in path.steps)


# What a rule says, in the words of a condition

OPERATORS: Mapping[CompareOperator, Operator] = {
    "eq": Operator.EQUALS,
    "ne": Operator.DIFFERS,
    "lt": Operator.LESS,
    "le": Operator.AT_MOST,
    "gt": Operator.GREATER,
    "ge": Operator.AT_LEAST,
}


def stored_constant(operand: Operand) -> Stored:
    """The stored value of a constant in a frozen rule. Raises TypeError where it is none."""
    if not isinstance(operand, Constant):
        raise TypeError(f"{operand!r} is no constant")
    stored: Stored = operand.value
    return int(stored) if isinstance(stored, bool) else stored


# What a condition says of values that are at hand

_COMPARE: Mapping[Operator, Callable[[typing.Any, typing.Any], bool]] = {
    Operator.EQUALS: operator.eq,
    Operator.DIFFERS: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


def compare(left: Stored, comparison: Operator, right: Stored) -> bool:
    """Two values compared as the database does it: null is a value to equals and differs, and false to the others."""
    if comparison not in (Operator.EQUALS, Operator.DIFFERS) and (left is None or right is None):
        return False
    return _COMPARE[comparison](left, right)
