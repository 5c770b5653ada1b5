"""The schema of an empty database: every CREATE statement of a catalog, in order."""

import sqlalchemy as sa

from holdfast.core.check import check_condition
from holdfast.model.catalog import Catalog, CheckSpec, ResourceSpec
from holdfast.store.sql.condition import Conditions
from holdfast.store.sql.dialect import Dialect, Element
from holdfast.store.sql.rows import Row, TableRow
from holdfast.store.sql.shape import Shaper
from holdfast.store.sql.statement import constant
from holdfast.store.sql.tables import Tables, quoted


def render_schema(catalog: Catalog, dialect: Dialect) -> tuple[str, ...]:
    """Every CREATE statement: the house's tables, then each resource's table, indexes and full-text index.

    A table may refer to one that comes after it.
    """
    tables = Tables(catalog, dialect)
    add_checks(tables, catalog, dialect)
    texts = [text for table in tables.house for text in _create_texts(table, dialect)]
    for resource in catalog.resources.values():
        texts.extend(table_texts(tables, resource, dialect))
    return tuple(texts)


def add_checks(tables: Tables, catalog: Catalog, dialect: Dialect) -> None:
    """Add the declared checks to the tables."""
    for resource in catalog.resources.values():
        for check in resource.checks:
            tables.table(resource).append_constraint(_constraint(tables, resource, check, dialect))


def table_texts(tables: Tables, resource: ResourceSpec, dialect: Dialect) -> list[str]:
    """The CREATE statements of one resource: its table, its indexes, its full-text index."""
    return [*_create_texts(tables.table(resource), dialect), *(dialect.search_schema(resource) if resource.search_fields else ())]


def _create_texts(table: sa.Table, dialect: Dialect) -> list[str]:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return [dialect.ddl(sa.schema.CreateTable(table)), *(dialect.ddl(sa.schema.CreateIndex(each)) for each in indexes)]


def _constraint(tables: Tables, resource: ResourceSpec, check: CheckSpec, dialect: Dialect) -> sa.CheckConstraint:
    """A check holds or does not hold, as all conditions: where SQL would let an unknown pass, it fails."""
    shaper = Shaper(dialect.match_expression)
    shape = shaper.condition(check_condition(resource, check.rule))
    conditions = Conditions(tables, dialect, lambda position: _stored(shaper, position))
    row: Row = TableRow(resource, tables.table(resource))
    holds = sa.case((conditions.build(shape, row), sa.literal_column("1")), else_=sa.literal_column("0"))
    return sa.CheckConstraint(holds == sa.literal_column("1"), name=quoted(check.name))


def _stored(shaper: Shaper, position: object) -> Element:
    assert isinstance(position, int)
    return constant(shaper.values[position])
