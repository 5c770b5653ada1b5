"""Views in SQL: a record as JSON, what is included beside it, and the versions of that."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from holdfast.core.journal import SECRETS
from holdfast.core.view import Include, View
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.store.sql.condition import Conditions
from holdfast.store.sql.dialect import Dialect, Element, Truth
from holdfast.store.sql.rows import Row, TableRow
from holdfast.store.sql.statement import constant
from holdfast.store.sql.tables import Tables


@dataclass(frozen=True, slots=True)
class Included:
    """A record included beside a row: joined where the reference is shown and leads to it, and its guard lets it be seen."""

    include: Include
    row: TableRow
    leads: Truth
    inner: "tuple[Included, ...]"

    def all(self) -> "Iterator[Included]":
        """This one and those inside, outer before inner."""
        yield self
        for each in self.inner:
            yield from each.all()


class Views:
    """Renders views of a catalog."""

    def __init__(self, tables: Tables, dialect: Dialect, conditions: Conditions) -> None:
        self._tables = tables
        self._dialect = dialect
        self._conditions = conditions

    def included(self, view: View, row: Row) -> tuple[Included, ...]:
        """What a view includes beside a row, with a place of its own for each."""
        return self._included(view, row, "")

    def joined(self, start: sa.FromClause, included: tuple[Included, ...]) -> sa.FromClause:
        """The row with what is included joined to it; every join finds at most one record, by its id."""
        for each in (deep for top in included for deep in top.all()):
            start = start.outerjoin(each.row.table, each.leads)
        return start

    def text(self, view: View, row: Row, included: tuple[Included, ...]) -> Element:
        """The JSON of a row: the fields in the order of the view, those that are masked where they may be seen, then what is included."""
        members = [self._member(each, row) for each in (*view.fields, *(mask.field for mask in view.masks))]
        members.extend((each.include.field.name, self._included_text(each)) for each in included)
        masks = [(mask.field.member, self._conditions.build(mask.where, row)) for mask in view.masks]
        return self._dialect.json_masked(members, masks) if masks else self._dialect.json_object(members)

    def versions(self, view: View, row: Row, included: tuple[Included, ...]) -> Element:
        """What of a text its own version does not tell; empty if there is no such thing.

        Which masks held, 1 or 0 each, then the version of what is included, outer before inner, `-` where nothing is shown, each
        followed by the masks of its own: "1,3,-,7".
        """
        found = self._sight(view, row)
        for each in (deep for top in included for deep in top.all()):
            found += [_version_text(each.row), *self._sight(each.include.view, each.row)]
        if not found:
            return constant("")
        text: Element = found[0]
        for part in found[1:]:
            text = text.concat(constant(",")).concat(part)
        return text

    def image(self, resource: ResourceSpec, row: Row) -> Element:
        """The image of a row for the journal: every member in storage form, and for its secrets, if it has any, one digest.

        They go in by name, so that their order in the class says nothing.
        """
        members = _stored(resource, row)
        secrets = sorted(each.member for each in resource.fields if each.secret is not None)
        if secrets:
            members.append((SECRETS, self._dialect.digest((each, row.value(each)) for each in secrets)))
        return self._dialect.json_object(members)

    def stored(self, resource: ResourceSpec, row: Row) -> Element:
        """Every member of a row in storage form, of its secrets nothing."""
        return self._dialect.json_object(_stored(resource, row))

    def _member(self, field: FieldSpec, row: Row) -> tuple[str, Element]:
        assert field.secret is None, f"a view never shows the secret {field.member}"
        return field.member, self._dialect.shown(field.type, row.value(field.member))

    def _sight(self, view: View, row: Row) -> list[Element]:
        return [sa.case((self._conditions.build(mask.where, row), constant("1")), else_=constant("0")) for mask in view.masks]

    def _included(self, view: View, row: Row, place: str) -> tuple[Included, ...]:
        return tuple(self._include(each, row, f"{place}.{each.field.name}") for each in view.includes)

    def _include(self, include: Include, outer: Row, place: str) -> Included:
        row = self._tables.beside(include.view.resource, place)
        seen = (self._conditions.seen(include.where, outer), self._conditions.seen(include.guard, row))
        leads = sa.and_(row.value("id") == outer.value(include.field.member), *seen)
        return Included(include, row, leads, self._included(include.view, row, place))

    def _included_text(self, included: Included) -> Element:
        text = self.text(included.include.view, included.row, included.inner)
        return self._dialect.json_text(sa.case((included.row.value("id").is_not(None), text)))


def _stored(resource: ResourceSpec, row: Row) -> list[tuple[str, Element]]:
    return [(each.member, row.value(each.member)) for each in resource.shown_fields]


def _version_text(row: Row) -> Element:
    return sa.func.coalesce(sa.cast(row.value("version"), sa.Text()), constant("-"))
