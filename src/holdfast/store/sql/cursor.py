"""What comes after a cursor, as a condition: the rows beyond the sort values of the last one seen, nulls lowest."""

from holdfast.core.condition import All, Any, Condition, IsNull, Not, Operator, Path, Stored, Test
from holdfast.core.plan import Order


def after_condition(order: tuple[Order, ...], values: tuple[Stored, ...]) -> Condition:
    """The condition that a row stands after the given sort values. One value for each key, the last key unique."""
    assert len(order) == len(values), "a cursor has one value for each sort key"
    key, value = order[0], values[0]
    beyond = _beyond(key, value)
    if len(order) == 1:
        return beyond
    ties = All((Test(key.path, Operator.EQUALS, value), after_condition(order[1:], values[1:])))
    return All((*_bound(key, value), Any((beyond, ties))))


def _beyond(key: Order, value: Stored) -> Condition:
    """The key alone puts the row after the value."""
    if not key.descending:
        return Not(IsNull(key.path)) if value is None else Test(key.path, Operator.GREATER, value)
    lower: Condition = Test(key.path, Operator.LESS, value)
    return Any((lower, IsNull(key.path))) if _may_be_null(key.path) and value is not None else lower


def _bound(key: Order, value: Stored) -> tuple[Condition, ...]:
    """What is true of every row from the value on. It follows from the rest, but only so does an index start at the right place."""
    if value is None or key.path.steps:
        return ()
    if not key.descending:
        return (Test(key.path, Operator.AT_LEAST, value),)
    return () if key.path.field.nullable else (Test(key.path, Operator.AT_MOST, value),)


def _may_be_null(path: Path) -> bool:
    return path.field.nullable or bool(path.steps)
