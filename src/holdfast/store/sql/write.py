"""Writes in SQL. What must not race is a condition of the statement itself; the caller looks at how many rows it changed."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from holdfast.core.condition import ALWAYS, Condition
from holdfast.model.catalog import SYSTEM_MEMBERS, FieldSpec, ResourceSpec
from holdfast.store.sql.columns import column_type
from holdfast.store.sql.condition import Conditions
from holdfast.store.sql.dialect import Dialect, Element, Truth
from holdfast.store.sql.rows import GivenRow
from holdfast.store.sql.statement import Prepared, constant, given, parameter
from holdfast.store.sql.tables import ROW, Tables

JOURNAL_MEMBERS = (
    *("resource", "record_id", "version", "operation", "before", "after", "actor_id", "request_id", "at"),
    *("before_hash", "after_hash"),
)
"""The columns of a journal entry, in the order in which their values are bound; `seq` is the database's to give."""


class Target(NamedTuple):
    """What must hold for the record that a reference is made to name.

    seen  where this holds for the row as it was, the reference may stay what it was
    """

    field: FieldSpec
    resource: ResourceSpec
    where: Condition
    seen: Condition = ALWAYS


class Bounds(NamedTuple):
    """What a write must stay within: what its row may become, and which records it may refer to."""

    become: Condition
    targets: tuple[Target, ...]


FREE = Bounds(ALWAYS, ())
"""Nothing to look at."""


class Writes:
    """Builds the statements that write."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        self._tables = tables
        self._dialect = dialect
        self._conditions = Conditions(tables, dialect, alone=True)

    def insert(self, resource: ResourceSpec, bounds: Bounds, chosen_id: bool) -> Prepared:  # noqa: FBT001  # a key
        """A new record: the values of SYSTEM_MEMBERS, then those of declared_members. Where it may not be made it has no id, and so fails:

        where it would leave its bounds, and where its id was chosen and is that of a deleted record.

        It returns nothing, and its condition stands in a value: to return its row, and to select it from a condition, make SQLite keep a
        journal of the statement, which doubles its cost. The connection knows the row.
        """
        table = self._tables.table(resource)
        members = (*SYSTEM_MEMBERS, *declared_members(resource))
        values: dict[sa.Column[Any], Element] = {table.c[each]: parameter(position) for position, each in enumerate(members)}
        row = GivenRow(resource, _given(resource, members, 0))
        needed = [] if bounds == FREE else self._within(bounds, row)
        if chosen_id:
            needed.append(sa.not_(self._is_gone(row)))
        if needed:
            values[table.c.id] = sa.case((sa.and_(*needed), values[table.c.id]))
        return self._dialect.prepare(sa.insert(table).values(values))

    def update(self, resource: ResourceSpec, members: tuple[str, ...], bounds: Bounds = FREE) -> Prepared:
        """A changed record, by id (position 0) and the version it must have (1), if it stays within its bounds; then the new values."""
        table = self._tables.table(resource)
        values = {table.c[member]: parameter(position) for position, member in enumerate(members, start=2)}
        change = sa.update(table).values(values).where(table.c.id == parameter(0), table.c.version == parameter(1))
        row = GivenRow(resource, _given(resource, members, 2), self._tables.row(resource))
        return self._dialect.prepare(change if bounds == FREE else change.where(*self._within(bounds, row)))

    def would_hold(self, resource: ResourceSpec, members: tuple[str, ...], condition: Condition, *, is_new: bool) -> Prepared:
        """One row (1,) if a condition would hold for a record once members (from position 1) were given to it; its id at position 0.

        A new record is given all of its members, its id among them.
        """
        if is_new:
            row = GivenRow(resource, _given(resource, members, 1))
            return self._dialect.prepare(sa.select(constant(1)).where(self._conditions.build(condition, row)))
        table = self._tables.row(resource)
        row = GivenRow(resource, _given(resource, members, 1), table)
        found = sa.select(constant(1)).select_from(table.table).where(table.value("id") == parameter(0))
        return self._dialect.prepare(found.where(self._conditions.build(condition, row)))

    def delete(self, resource: ResourceSpec) -> Prepared:
        """A record away, by id (position 0) and the version it must have (1)."""
        table = self._tables.table(resource)
        return self._dialect.prepare(sa.delete(table).where(table.c.id == parameter(0), table.c.version == parameter(1)))

    def searched(self, resource: ResourceSpec) -> Prepared:
        """The row number and the searched members of every record."""
        row = self._tables.row(resource)
        return self._dialect.prepare(sa.select(row.value(ROW), *(row.value(each.member) for each in resource.search_fields)))

    def search_insert(self, resource: ResourceSpec) -> Prepared:
        """The index text (position 1) of a row (0) into the full-text index."""
        return self._dialect.prepare(self._dialect.search_insert(resource, parameter(0), parameter(1)))

    def search_delete(self, resource: ResourceSpec) -> Prepared:
        """The index text of a row (position 0) out of the full-text index."""
        return self._dialect.prepare(self._dialect.search_delete(resource, parameter(0)))

    def journal_insert(self) -> Prepared:
        """A journal entry: JOURNAL_MEMBERS."""
        journal = self._tables.journal
        values = {journal.c[member]: parameter(position) for position, member in enumerate(JOURNAL_MEMBERS)}
        return self._dialect.prepare(sa.insert(journal).values(values))

    def _is_gone(self, row: GivenRow) -> Truth:
        """The id is that of a deleted record."""
        gone = self._tables.gone
        found = sa.select(constant(1)).where(gone.c.resource == constant(row.resource.path), gone.c.record_id == row.value("id"))
        return sa.exists(found)

    def _within(self, bounds: Bounds, row: GivenRow) -> list[Truth]:
        return [self._conditions.build(bounds.become, row), *(self._may_name(each, row) for each in bounds.targets)]

    def _may_name(self, target: Target, row: GivenRow) -> Truth:
        """The reference is null, or what it was seen to be, or names a record for which the condition holds.

        A new record may be its own target.
        """
        value = row.value(target.field.member)
        other = self._tables.below(target.resource, row)
        found = sa.select(constant(1)).select_from(other.table).where(other.value("id") == value)
        ways = [value.is_(None), sa.exists(found.where(self._conditions.build(target.where, other)).correlate_except(other.table))]
        if row.under is not None:
            stays = value.is_not_distinct_from(row.under.value(target.field.member))
            ways.insert(0, stays if target.seen == ALWAYS else sa.and_(stays, self._conditions.build(target.seen, row.under)))
        elif target.resource is row.resource:
            ways.append(sa.and_(value == row.value("id"), self._conditions.build(target.where, row)))
        return sa.or_(*ways)


def declared_members(resource: ResourceSpec) -> tuple[str, ...]:
    """The members that the developer has declared, in order."""
    return tuple(each.member for each in resource.fields if not each.system)


def _given(resource: ResourceSpec, members: Iterable[str], start: int) -> dict[str, Element]:
    """The values of members as parameters, from a position on."""
    return {member: given(position, column_type(resource.by_member[member].type)) for position, member in enumerate(members, start=start)}
