"""Readings of the journal in SQL: entries as records, in their JSON form, by the same expressions as a read of the table."""

import sqlalchemy as sa

from holdfast.core.condition import ALWAYS, Condition
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.condition import Conditions
from holdfast.store.sql.dialect import Dialect, Element
from holdfast.store.sql.retention import horizon_of
from holdfast.store.sql.rows import ImageRow
from holdfast.store.sql.statement import Prepared, at_most, constant, first, one_if, parameter
from holdfast.store.sql.tables import Tables
from holdfast.store.sql.view import Views


class Readings:
    """Builds the statements that read entries as records, and what they changed."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        self._journal = tables.journal
        self._horizon = horizon_of(tables)
        self._dialect = dialect
        self._conditions = Conditions(tables, dialect, alone=True)
        self._views = Views(tables, dialect, self._conditions)

    def as_of(self, view: View, where: Condition) -> Prepared:
        """By id (position 0) and time (1), after its last entry until then: the JSON of the record, its version, its sight, and `where`.

        Its sight is what `Views.versions` tells; of `where` it tells whether it held.
        """
        after = self._journal.c.after
        sight = self._views.versions(view, ImageRow(view.resource, after, self._dialect), ())
        columns = (self._shown(view, after), self._journal.c.version, sight, self._holds(view.resource, where, after))
        found = sa.select(*columns).where(*self._about(view.resource), self._journal.c.at <= parameter(1))
        return self._dialect.prepare(first(found.order_by(self._journal.c.seq.desc())))

    def entry(self, view: View, where: Condition) -> Prepared:
        """By sequence (position 0): id, version, JSON of the record after that entry (null: its payload is gone), whether `where` held."""
        journal = self._journal
        held = self._holds(view.resource, where, journal.c.after)
        found = sa.select(journal.c.record_id, journal.c.version, self._shown(view, journal.c.after), held)
        return self._dialect.prepare(found.where(journal.c.seq == parameter(0), journal.c.resource == constant(view.resource.path)))

    def last_image(self, resource: ResourceSpec, conditions: tuple[Condition, ...]) -> Prepared:
        """By id (position 0): the operation, version and payload `before` of the last entry, and for each condition whether it held."""
        before = self._journal.c.before
        holds = [self._holds(resource, each, before) for each in conditions]
        columns = (self._journal.c.operation, self._journal.c.version, before, *holds)
        return self._dialect.prepare(first(sa.select(*columns).where(*self._about(resource)).order_by(self._journal.c.seq.desc())))

    def history(self, view: View, where: Condition) -> Prepared:
        """By id (position 0), before a sequence (1), as many as asked for (2): (sequence, JSON of the entry), newest first.

        An image for which `where` does not hold is null; an entry of which neither image is in sight is not there. What was erased is
        judged by nothing, and stands for whom every image does.
        """
        journal = self._journal
        before, after = self._in_sight(view.resource, where)
        text = self._dialect.json_object(
            (
                *((name, journal.c[name]) for name in ("seq", "operation", "version", "at", "actor_id", "request_id")),
                ("before", self._dialect.json_text(sa.case((before, self._shown(view, journal.c.before))))),
                ("after", self._dialect.json_text(sa.case((after, self._shown(view, journal.c.after))))),
            )
        )
        found = sa.select(journal.c.seq, text).where(
            journal.c.record_id == parameter(0), journal.c.resource == constant(view.resource.path), journal.c.seq < parameter(1)
        )
        if where != ALWAYS:
            found = found.where(sa.or_(before, after))
        return self._dialect.prepare(at_most(found.order_by(journal.c.seq.desc()), 2))

    def heads(self) -> Prepared:
        """After a sequence (position 0) up to another (1): (sequence, resource path), in order."""
        journal = self._journal
        found = sa.select(journal.c.seq, journal.c.resource).where(journal.c.seq > parameter(0), journal.c.seq <= parameter(1))
        return self._dialect.prepare(found.order_by(journal.c.seq))

    def bounds(self) -> Prepared:
        """One row: the first sequence from which on all are kept, and the last one; null if there is none."""
        last = sa.select(sa.func.max(self._journal.c.seq)).scalar_subquery()
        return self._dialect.prepare(sa.select(self._horizon + constant(1), last))

    def changes(self, view: View, where: Condition) -> Prepared:
        """Of one resource, between two sequences (positions 0 and 1, both included): sequence, JSON, in order.

        What was in sight before and is after is `updated`; what came into sight is `created` and has no `before`; what left it is
        `removed` and has neither. What is in sight at neither time is not there, nor is an entry whose payloads were erased.
        """
        journal = self._journal
        before, after = self._in_sight(view.resource, where)
        kind = sa.case((sa.not_(after), constant("removed")), (sa.not_(before), constant("created")), else_=constant("updated"))
        shown_before = sa.case((sa.and_(before, after), self._shown(view, journal.c.before)))
        shown_after = sa.case((after, self._shown(view, journal.c.after)))
        text = self._dialect.json_object(
            (
                ("seq", journal.c.seq),
                ("resource", journal.c.resource),
                ("id", journal.c.record_id),
                ("operation", kind),
                *((name, journal.c[name]) for name in ("version", "at", "actor_id", "request_id")),
                ("before", self._dialect.json_text(shown_before)),
                ("after", self._dialect.json_text(shown_after)),
            )
        )
        found = sa.select(journal.c.seq, text).where(
            journal.c.seq >= parameter(0), journal.c.seq <= parameter(1), journal.c.resource == constant(view.resource.path)
        )
        return self._dialect.prepare(found.where(sa.or_(before, after)).order_by(journal.c.seq))

    def count_delta(self, resource: ResourceSpec, where: Condition) -> Prepared:
        """By how much the journal entries after one sequence (position 0) up to another (1) changed a count.

        Null where the journal cannot tell: payloads among them were erased, or entries are no longer kept.
        """
        journal = self._journal
        change = self._holds(resource, where, journal.c.after) - self._holds(resource, where, journal.c.before)
        path, since, upto = constant(resource.path), parameter(0), parameter(1)
        is_whole = sa.and_(sa.func.coalesce(sa.func.sum(_is_erased(journal)), constant(0)) == constant(0), self._horizon <= since)
        delta = sa.select(sa.case((is_whole, sa.func.coalesce(sa.func.sum(change), constant(0))))).select_from(journal)
        return self._dialect.prepare(delta.where(journal.c.seq > since, journal.c.seq <= upto, journal.c.resource == path))

    def touched(self, paths: tuple[str, ...]) -> Prepared:
        """Whether the journal has an entry of one of the resources after one sequence (position 0) up to another (1): 1 or 0."""
        journal = self._journal
        entry = sa.select(constant(1)).select_from(journal).where(journal.c.seq > parameter(0), journal.c.seq <= parameter(1))
        return self._dialect.prepare(sa.select(one_if(sa.exists(entry.where(journal.c.resource.in_(map(constant, paths)))))))

    def _about(self, resource: ResourceSpec) -> tuple[sa.ColumnElement[bool], ...]:
        """Entries about the record whose id is at position 0; those that only erase say nothing of its state."""
        columns = self._journal.c
        return (columns.record_id == parameter(0), columns.resource == constant(resource.path), columns.operation != constant("erase"))

    def _shown(self, view: View, image: Element) -> Element:
        """The JSON of an image as the view shows it; null where there is no image."""
        text = self._views.text(view, ImageRow(view.resource, image, self._dialect), ())
        return sa.case((image.is_not(None), text))

    def _in_sight(self, resource: ResourceSpec, where: Condition) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        """Whether there is the image before, and after, and `where` holds for it."""
        before, after = (self._holds(resource, where, self._journal.c[name]) == constant(1) for name in ("before", "after"))
        return before, after

    def _holds(self, resource: ResourceSpec, where: Condition, image: Element) -> Element:
        row = ImageRow(resource, image, self._dialect)
        return one_if(sa.and_(image.is_not(None), self._conditions.build(where, row)))


def _is_erased(journal: sa.Table) -> Element:
    """1 where a payload of an entry is gone although its hash is there, else 0."""
    gone = [sa.and_(journal.c[f"{name}_hash"].is_not(None), journal.c[name].is_(None)) for name in ("before", "after")]
    return one_if(sa.or_(*gone))
