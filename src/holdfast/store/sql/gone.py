"""The ids of deleted records in SQL: one that was used is never free again."""

import sqlalchemy as sa

from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.statement import Statement, parameter
from holdfast.store.sql.tables import Tables


class GoneStatements:
    """Renders the statements on hf_gone."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        columns = tables.gone.c
        by_id = (columns.resource == parameter(0), columns.record_id == parameter(1))
        self._find = dialect.prepare(sa.select(columns.version).where(*by_id))
        values = {columns.resource: parameter(0), columns.record_id: parameter(1), columns.version: parameter(2)}
        self._insert = dialect.prepare(sa.insert(tables.gone).values(values))
        self._delete = dialect.prepare(sa.delete(tables.gone).where(*by_id))

    def find(self, resource: ResourceSpec, id: str) -> Statement:  # noqa: A002  # the member's name
        """No row or one: the last version of a deleted record."""
        return self._find.bind((resource.path, id))

    def insert(self, resource: ResourceSpec, id: str, version: int) -> Statement:  # noqa: A002  # the member's name
        """Remember the id of a deleted record, so that it is never free again."""
        return self._insert.bind((resource.path, id, version))

    def delete(self, resource: ResourceSpec, id: str) -> Statement:  # noqa: A002  # the member's name
        """Let go of the id of a record that is undeleted."""
        return self._delete.bind((resource.path, id))
