"""Reads in SQL: one record, one page, counts. Everything here is built from shapes and compiled once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from holdfast.core.condition import Condition
from holdfast.core.plan import Order
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.condition import Conditions
from holdfast.store.sql.dialect import Dialect, Element, Truth
from holdfast.store.sql.marks import IDENTITY, Marks
from holdfast.store.sql.rows import TableRow
from holdfast.store.sql.statement import Prepared, at_most, constant, one_if, parameter, whole
from holdfast.store.sql.tables import ROW, Tables
from holdfast.store.sql.view import Views


class ListShape(NamedTuple):
    """What the text of a list depends on.

    limit, offset  positions of values
    deep           many rows are skipped
    dense          many rows are known to pass
    """

    view: View
    where: Condition
    order: tuple[Order, ...]
    limit: int
    offset: int
    deep: bool
    dense: bool


class Reads:
    """Builds the statements that read."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        self._tables = tables
        self._dialect = dialect
        self._conditions = Conditions(tables, dialect)
        self._walked = Conditions(tables, dialect, dense=True)
        self._of_one = Conditions(tables, dialect, alone=True)
        self._views = Views(tables, dialect, self._of_one)
        self._marks = Marks(tables, dialect)

    def one(self, view: View, where: Condition, *, with_epoch: bool = False) -> Prepared:
        """A record by its id (position 0): its JSON, its version, the versions of what is included; the identity epoch where asked for."""
        row = self._tables.row(view.resource)
        included = self._views.included(view, row)
        columns = [self._views.text(view, row, included), row.value("version"), self._views.versions(view, row, included)]
        if with_epoch:
            columns.append(self._marks.value(IDENTITY))
        found = sa.select(*columns).select_from(self._views.joined(row.table, included))
        return self._dialect.prepare(found.where(row.value("id") == parameter(0), self._of_one.build(where, row)))

    def many(self, shape: ListShape) -> Prepared:
        """One page: the JSON of each row, then its sort values."""
        row = self._tables.row(shape.view.resource)
        return self._dialect.prepare(self._in_two_steps(shape, row) if shape.deep or _is_sorted(shape) else self._direct(shape, row))

    def count(self, resource: ResourceSpec, where: Condition) -> Prepared:
        """How many rows there are for which a condition holds."""
        row = self._tables.row(resource)
        return self._dialect.prepare(sa.select(sa.func.count()).select_from(row.table).where(self._conditions.build(where, row)))

    def image(self, resource: ResourceSpec, conditions: tuple[Condition, ...]) -> Prepared:
        """A record by its id (position 0): its row, its version, its image, then for each condition whether it holds."""
        row = self._tables.row(resource)
        holds = [one_if(self._of_one.build(each, row)) for each in conditions]
        found = sa.select(row.value(ROW), row.value("version"), self._views.image(resource, row), *holds)
        return self._dialect.prepare(found.where(row.value("id") == parameter(0)))

    def written(self, view: View, shown: Condition) -> Prepared:
        """Records that were just written, in the order of their rows (position 0 to 1).

        Of each its image, its JSON, what is included of which version, `shown`.
        """
        row = self._tables.row(view.resource)
        included = self._views.included(view, row)
        texts = (self._views.image(view.resource, row), self._views.text(view, row, included), self._views.versions(view, row, included))
        found = sa.select(*texts, one_if(self._of_one.build(shown, row))).select_from(self._views.joined(row.table, included))
        number = row.value(ROW)
        return self._dialect.prepare(found.where(number >= parameter(0), number <= parameter(1)).order_by(number))

    def exists(self, resource: ResourceSpec, where: Condition) -> Prepared:
        """One row (1,) if a record of that id (position 0) exists and the condition holds for it; else none."""
        row = self._tables.row(resource)
        found = sa.select(constant(1)).select_from(row.table).where(row.value("id") == parameter(0))
        return self._dialect.prepare(found.where(self._of_one.build(where, row)))

    def referring_ids(self, source: ResourceSpec, member: str) -> Prepared:
        """The ids of the records whose member is an id (position 0), in order, up to a limit (1)."""
        row = self._tables.row(source)
        referring = sa.select(row.value("id")).where(row.value(member) == parameter(0)).order_by(row.value("id"))
        return self._dialect.prepare(at_most(referring, 1))

    def head(self) -> Prepared:
        """The sequence of the last journal entry; 0 if there is none."""
        return self._dialect.prepare(sa.select(sa.func.coalesce(sa.func.max(self._tables.journal.c.seq), constant(0))))

    def _direct(self, shape: ListShape, row: TableRow) -> sa.Select[Any]:
        included = self._views.included(shape.view, row)
        keys = self._keys(shape, row)
        page = sa.select(self._views.text(shape.view, row, included), *keys).select_from(self._views.joined(row.table, included))
        return self._page(page.where(self._where(shape, row)), shape, keys)

    def _in_two_steps(self, shape: ListShape, row: TableRow) -> sa.Select[Any]:
        """First the rows of the page, then their JSON: what is sorted or skipped stays small, or is read from an index alone.

        Measured on 100,000 rows: three times as fast as `_direct` where 1,000 rows are sorted, twice where 10,000 are skipped; but a
        page that an index serves costs 15 us more.
        """
        keys = self._keys(shape, row)
        first = self._page(sa.select(row.value(ROW), *keys).where(self._where(shape, row)), shape, keys)
        page = first.subquery("hf_page")
        shown = self._tables.beside(shape.view.resource, "shown")
        included = self._views.included(shape.view, shown)
        start = page.join(shown.table, shown.value(ROW) == page.c[ROW])
        columns = [page.c[key.name] for key in keys]
        second = sa.select(self._views.text(shape.view, shown, included), *columns).select_from(self._views.joined(start, included))
        return second.order_by(*self._ordered(shape.order, columns))

    def _where(self, shape: ListShape, row: TableRow) -> Truth:
        """The condition of a page. Where an index gives the order and many rows pass, the first ones in order soon fill it.

        Measured on 1,000,000 rows of which nine in ten pass `status = ? OR created_by_id = ?`, both with an index: 0.2 ms, not 180 ms.
        """
        conditions = self._walked if shape.dense and not _is_sorted(shape) else self._conditions
        return conditions.build(shape.where, row)

    def _keys(self, shape: ListShape, row: TableRow) -> list[sa.Label[Any]]:
        return [self._conditions.value(key.path, row).label(f"hf_key_{place}") for place, key in enumerate(shape.order)]

    def _page(self, found: sa.Select[Any], shape: ListShape, keys: list[sa.Label[Any]]) -> sa.Select[Any]:
        return found.order_by(*self._ordered(shape.order, keys)).limit(whole(shape.limit)).offset(whole(shape.offset))

    def _ordered(self, order: tuple[Order, ...], keys: Sequence[Element]) -> list[sa.UnaryExpression[Any]]:
        return [self._dialect.ordered(key, descending=each.descending) for each, key in zip(order, keys, strict=True)]


def _is_sorted(shape: ListShape) -> bool:
    """Whether the database has to sort: no index begins with the first sort key."""
    first = shape.order[0].path
    return bool(first.steps) or first.field.member not in _leading(shape.view.resource)


def _leading(resource: ResourceSpec) -> frozenset[str]:
    """The members that an index begins with."""
    indexes = (*resource.unique, *resource.index, ("id",))
    return frozenset((*(members[0] for members in indexes), *(each.member for each in resource.fields if each.reference is not None)))
