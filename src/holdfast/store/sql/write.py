"""Writes in SQL. What must not race is a condition of the statement itself; the caller looks at how many rows it changed."""

import sqlalchemy as sa

from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.statement import Prepared, parameter
from holdfast.store.sql.tables import Tables

JOURNAL_MEMBERS = (
    *("resource", "record_id", "version", "operation", "before", "after", "actor_id", "request_id", "at"),
    *("before_hash", "after_hash"),
)
"""The columns of a journal entry, in the order in which their values are bound; `seq` is the database's to give."""


class Writes:
    """Builds the statements that write."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        self._tables = tables
        self._dialect = dialect

    def insert(self, resource: ResourceSpec) -> Prepared:
        """A new record: the values of all fields, in the order of the resource.

        It returns nothing: to return its row doubles its cost on SQLite (which then keeps a journal of the statement), and the
        connection knows the row.
        """
        table = self._tables.table(resource)
        values = {table.c[each.member]: parameter(position) for position, each in enumerate(resource.fields)}
        return self._dialect.prepare(sa.insert(table).values(values))

    def update(self, resource: ResourceSpec, members: tuple[str, ...]) -> Prepared:
        """A changed record, by id (position 0) and the version it must have (1); then the new values."""
        table = self._tables.table(resource)
        values = {table.c[member]: parameter(position) for position, member in enumerate(members, start=2)}
        change = sa.update(table).values(values)
        return self._dialect.prepare(change.where(table.c.id == parameter(0), table.c.version == parameter(1)))

    def delete(self, resource: ResourceSpec) -> Prepared:
        """A record away, by id (position 0) and the version it must have (1)."""
        table = self._tables.table(resource)
        return self._dialect.prepare(sa.delete(table).where(table.c.id == parameter(0), table.c.version == parameter(1)))

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

    def gone_insert(self) -> Prepared:
        """The id of a deleted record, never free again: resource path (position 0), id (1), last version (2)."""
        gone = self._tables.gone
        values = {gone.c.resource: parameter(0), gone.c.record_id: parameter(1), gone.c.version: parameter(2)}
        return self._dialect.prepare(sa.insert(gone).values(values))

    def gone_delete(self) -> Prepared:
        """The id of a record that is undeleted: resource path (position 0), id (1)."""
        gone = self._tables.gone
        return self._dialect.prepare(sa.delete(gone).where(gone.c.resource == parameter(0), gone.c.record_id == parameter(1)))

    def meta_insert(self) -> Prepared:
        """One of the house's own facts: key (position 0), value (1)."""
        meta = self._tables.meta
        return self._dialect.prepare(sa.insert(meta).values({meta.c.key: parameter(0), meta.c.value: parameter(1)}))

    def meta_update(self) -> Prepared:
        """A new value (position 1) for one of the house's own facts (0)."""
        meta = self._tables.meta
        return self._dialect.prepare(sa.update(meta).values({meta.c.value: parameter(1)}).where(meta.c.key == parameter(0)))
