"""The house's own facts in SQL: a text by its name."""

import sqlalchemy as sa

from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.statement import Statement, parameter
from holdfast.store.sql.tables import Tables


class MetaStatements:
    """Renders the statements on hf_meta."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        columns = tables.meta.c
        by_key, value = columns.key == parameter(0), {columns.value: parameter(1)}
        self._find = dialect.prepare(sa.select(columns.value).where(by_key))
        self._insert = dialect.prepare(sa.insert(tables.meta).values({columns.key: parameter(0), **value}))
        self._update = dialect.prepare(sa.update(tables.meta).values(value).where(by_key))

    def find(self, key: str) -> Statement:
        """No row or one: a fact."""
        return self._find.bind((key,))

    def insert(self, key: str, value: str) -> Statement:
        """Record a fact."""
        return self._insert.bind((key, value))

    def update(self, key: str, value: str) -> Statement:
        """Change a fact."""
        return self._update.bind((key, value))
