"""Idempotency keys in SQL: what is kept with them."""

from typing import Any

import sqlalchemy as sa

from holdfast.store.sql.dialect import Dialect, Element
from holdfast.store.sql.statement import Prepared, at_most, parameter
from holdfast.store.sql.tables import Tables

_INSERTED = ("key_hash", "fingerprint", "created_at", "status", "headers", "body")
_FOUND = ("fingerprint", "created_at", "last_seq", "status", "headers", "body")


class Claims:
    """Builds the statements on hf_idempotency."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        self._table = tables.idempotency
        self._journal = tables.journal
        self._dialect = dialect

    def find(self) -> Prepared:
        """What is kept with a key hash (position 0)."""
        columns = [self._table.c[each] for each in _FOUND]
        return self._dialect.prepare(sa.select(*columns).where(self._table.c.key_hash == parameter(0)))

    def insert(self) -> Prepared:
        """A claimed key: the values of _INSERTED, and the last entry of the journal, which is the last of its write."""
        values: dict[sa.Column[Any], Element] = {self._table.c[each]: parameter(position) for position, each in enumerate(_INSERTED)}
        values[self._table.c.last_seq] = sa.select(sa.func.max(self._journal.c.seq)).scalar_subquery()
        return self._dialect.prepare(sa.insert(self._table).values(values))

    def delete(self) -> Prepared:
        """The answer of a key hash (position 0) away."""
        return self._dialect.prepare(sa.delete(self._table).where(self._table.c.key_hash == parameter(0)))

    def delete_mentioning(self) -> Prepared:
        """Every answer away whose body has the bytes of position 0 in it. It looks at all of them."""
        found = self._dialect.has_part(self._table.c.body, parameter(0))
        return self._dialect.prepare(sa.delete(self._table).where(found))

    def prune(self) -> Prepared:
        """What was kept up to an instant (position 0) away, of the oldest rows, as many as position 1 says.

        Rows are numbered as they come, so the oldest are the first: however many there are, no more than these are looked at.
        """
        in_order = sa.select(self._table.c.row, self._table.c.created_at).order_by(self._table.c.row)
        oldest = at_most(in_order, 1).subquery()
        expired = sa.select(oldest.c.row).where(oldest.c.created_at <= parameter(0))
        return self._dialect.prepare(sa.delete(self._table).where(self._table.c.row.in_(expired)))
