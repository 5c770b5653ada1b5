"""Conditions in SQL, built from shapes: every value in a shape is the position of a parameter, and none is null.

Unknown counts as false, as it does wherever SQL asks for a condition. Only `Not` would tell the difference, so it asks whether its
part is true, and nothing else here has to think of null.
"""

from collections.abc import Callable
from typing import assert_never

import sqlalchemy as sa

from holdfast.core.condition import All, Any, Condition, IsNull, Matches, Not, OneOf, Operator, Path, Step, Stored, Test
from holdfast.model.catalog import FieldSpec
from holdfast.model.types import Integer, Items
from holdfast.store.sql.dialect import Dialect, Element, Truth
from holdfast.store.sql.rows import Row
from holdfast.store.sql.statement import constant, one_if, parameter
from holdfast.store.sql.tables import ROW, Tables

RANK = FieldSpec(name="rank", member="hf_rank", type=Integer(), system=True)
"""What a search without a sort is ordered by: see decision 004. Its text takes the parameter at START."""

START = 0
"""Where the values of a ranked list hold the expression for texts that begin with what was asked."""

_NOT_AT_START = 2**32  # more than any length


class Conditions:
    """Builds conditions on rows of a catalog.

    alone  the row is found by other means, so its references are followed; else a test through a reference is asked of the targets first.
           Measured on 100,000 targets of which all pass: 8 us for one row that way, 68 ms the other
    dense  most rows pass, so that no index shall collect what one part of an Any or another finds: walking the order costs less
    """

    def __init__(
        self,
        tables: Tables,
        dialect: Dialect,
        value: Callable[[Stored], Element] | None = None,
        *,
        alone: bool = False,
        dense: bool = False,
    ) -> None:
        self._tables = tables
        self._dialect = dialect
        self._value = value or _parameter
        self._alone = alone
        self._dense = dense
        self._of_one = self if alone else Conditions(tables, dialect, value, alone=True)

    def build(self, shape: Condition, row: Row) -> Truth:
        """The condition of a shape on a row."""
        match shape:
            case All(parts):
                return sa.and_(sa.true(), *(self.build(part, row) for part in parts))
            case Any(parts):
                either = sa.or_(sa.false(), *(self.build(part, row) for part in parts))
                return one_if(either) == constant(1) if self._dense else either
            case Not(IsNull(path)):
                return self.value(path, row).is_not(None)
            case Not(part):
                return sa.case((self.build(part, row), sa.false()), else_=sa.true())
            case IsNull(path):
                return self.value(path, row).is_(None)
            case OneOf(path, values):
                return self._reach(path, row, lambda reached: reached.in_([self._value(each) for each in values]))
            case Matches(resource, words):
                (position,) = words
                return self._dialect.matches(resource, row.value(ROW), parameter(int(position)))
            case Test():
                return self._test(shape, row)

    def value(self, path: Path, row: Row) -> Element:
        """The stored value at the end of a path; null where a step leads nowhere or its guard hides the target."""
        if path.field is RANK:
            return self._rank(row)
        if not path.steps:
            return row.value(path.field.member)
        step = path.steps[0]
        target = self._tables.below(step.target, row)
        found = sa.select(self.value(_rest(path), target)).where(self._leads(step, row, target))
        return found.correlate_except(target.table).scalar_subquery()

    def _rank(self, row: Row) -> Element:
        """The length of the first searched field; beyond every length where it does not begin with what was asked."""
        first = row.value(row.resource.search_fields[0].member)
        length = sa.func.coalesce(sa.func.length(first, type_=sa.Integer()), constant(0))
        starts = self._dialect.matches(row.resource, row.value(ROW), parameter(START))
        return length + sa.case((starts, constant(0)), else_=constant(_NOT_AT_START))

    def seen(self, guard: Condition | None, row: Row) -> Truth:
        """The guard of a step or an include, which holds where there is none."""
        return sa.true() if guard is None else self.build(guard, row)

    def _leads(self, step: Step, row: Row, target: Row) -> Truth:
        return sa.and_(target.value("id") == row.value(step.field.member), self._of_one.seen(step.guard, target))

    def _test(self, test: Test, row: Row) -> Truth:
        path, operator, value = test.path, test.operator, test.value
        if isinstance(value, Path):
            return self._compare(self.value(path, row), operator, self.value(value, row), path.field)
        other = self._value(value)
        if operator is Operator.DIFFERS:  # holds for null too, so it cannot ask which targets are reached
            return self._compare(self.value(path, row), operator, other, path.field)
        return self._reach(path, row, lambda reached: self._compare(reached, operator, other, path.field))

    def _reach(self, path: Path, row: Row, test: Callable[[Element], Truth]) -> Truth:
        """A test that is false on null. Asked of the targets first, an index of the target and one of the reference can serve it."""
        if not path.steps:
            return test(self.value(path, row))
        step = path.steps[0]
        target = self._tables.below(step.target, row)
        if self._alone:
            found = sa.select(constant(1)).select_from(target.table).where(self._leads(step, row, target))
            leads = sa.exists(found.where(self._reach(_rest(path), target, test)).correlate_except(target.table))
            return one_if(leads) == constant(1)  # as a value: SQLite makes a join of a bare EXISTS, which costs 35 us more for one row
        reached = sa.select(target.value("id")).where(self._reach(_rest(path), target, test), self.seen(step.guard, target))
        return row.value(step.field.member).in_(reached.correlate_except(target.table))

    def _compare(self, left: Element, operator: Operator, right: Element, field: FieldSpec) -> Truth:
        match operator:
            case Operator.EQUALS:
                return left == right if _is_bound(right) else left.is_not_distinct_from(right)
            case Operator.DIFFERS:
                return left.is_distinct_from(right)
            case Operator.LESS:
                return left < right
            case Operator.AT_MOST:
                return left <= right
            case Operator.GREATER:
                return left > right
            case Operator.AT_LEAST:
                return left >= right
            case Operator.CONTAINS:
                has = self._dialect.has_item if isinstance(field.type, Items) else self._dialect.has_part
                return has(left, right)
            case Operator.CONTAINS_FOLDED:
                return self._dialect.has_part(self._dialect.folded(left), right if _is_bound(right) else self._dialect.folded(right))
            case Operator.ENDS_WITH:
                return self._dialect.ends_with(left, right)
            case Operator.STARTS_WITH:
                return self._dialect.starts_with(left, right)
            case _:
                assert_never(operator)


def _parameter(position: Stored) -> Element:
    assert isinstance(position, int)
    return parameter(position)


def _is_bound(element: Element) -> bool:
    """A value, then, which is never null and folded where it must be; not a path."""
    return isinstance(element, sa.BindParameter)


def _rest(path: Path) -> Path:
    return Path(path.field, path.steps[1:])
