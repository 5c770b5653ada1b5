"""Marks in SQL: numbers of the house that only ever move up, each moved in the transaction of what it stands for."""

import sqlalchemy as sa

from holdfast.store.sql.dialect import Dialect, Element
from holdfast.store.sql.statement import Prepared, constant, parameter
from holdfast.store.sql.tables import Tables

IDENTITY = "identity"
"""The identity epoch: it moves with every change of a user, and with every revocation."""

FIRST = 1
"""Where a mark starts in a new database."""


class Marks:
    """Builds the statements on hf_mark."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        self._table = tables.mark
        self._dialect = dialect

    def value(self, key: str) -> Element:
        """A mark, as one more column of a statement."""
        return sa.select(self._table.c.value).where(self._table.c.key == constant(key)).scalar_subquery()

    def find(self, key: str) -> Prepared:
        """One row: where a mark stands."""
        return self._dialect.prepare(sa.select(self._table.c.value).where(self._table.c.key == constant(key)))

    def insert(self) -> Prepared:
        """A new mark: key (position 0), value (1)."""
        return self._dialect.prepare(sa.insert(self._table).values({self._table.c.key: parameter(0), self._table.c.value: parameter(1)}))

    def move(self, key: str) -> Prepared:
        """A mark moved up by one."""
        moved = {self._table.c.value: self._table.c.value + constant(1)}
        return self._dialect.prepare(sa.update(self._table).values(moved).where(self._table.c.key == constant(key)))
