"""What `verify` asks, in SQL: rows beside their last journal entry, entries without their row, references that lead nowhere."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from holdfast.core.journal import EntryHead, Seal
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.store.sql.condition import Conditions
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.journal import JournalStatements
from holdfast.store.sql.sqlite import Sqlite
from holdfast.store.sql.statement import Prepared, Statement, at_most, constant, first, parameter
from holdfast.store.sql.tables import ROW, Tables
from holdfast.store.sql.view import Views


class AuditStatements:
    """Renders the statements of an audit; each is built when it is first asked for and kept."""

    def __init__(self, catalog: Catalog, dialect: Dialect | None = None) -> None:
        self._catalog = catalog
        self._dialect = dialect or Sqlite()
        self._tables = Tables(catalog, self._dialect)
        self._views = Views(self._tables, self._dialect, Conditions(self._tables, self._dialect))
        self._kept: dict[str, Prepared] = {}
        self.journal = JournalStatements(self._tables, self._dialect)

    def last_seq(self) -> Statement:
        """One row: the highest sequence, 0 if there is none."""
        return self._bind("last_seq", (), lambda: sa.select(sa.func.coalesce(sa.func.max(self._tables.journal.c.seq), constant(0))))

    def sealed(self, seq: int) -> Statement:
        """No row or one: the seal that ends at a sequence."""
        return self._bind("sealed", (seq,), lambda: self._select_seals().where(self._tables.seal.c.last_seq == parameter(0)))

    def sealed_before(self, seq: int) -> Statement:
        """No row or one: the last seal that ends before a sequence."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            last = self._tables.seal.c.last_seq
            return first(self._select_seals().where(last < parameter(0)).order_by(last.desc()))

        return self._bind("sealed_before", (seq,), build)

    def entries(self, after: int, upto: int) -> Statement:
        """The members of a EntryHead, then `before` and `after`."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            journal = self._tables.journal
            columns = [journal.c[name] for name in (*EntryHead._fields, "before", "after")]
            return sa.select(*columns).where(journal.c.seq > parameter(0), journal.c.seq <= parameter(1)).order_by(journal.c.seq)

        return self._bind("entries", (after, upto), build)

    def unsealed(self, limit: int) -> Statement:
        """Sequences above the last seal."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            seq = self._tables.journal.c.seq
            sealed_to = sa.select(sa.func.coalesce(sa.func.max(self._tables.seal.c.last_seq), constant(0))).scalar_subquery()
            return at_most(sa.select(seq).where(seq > sealed_to).order_by(seq), 0)

        return self._bind("unsealed", (limit,), build)

    def after_image(self, seq: int) -> Statement:
        """No row or one: the payload `after`."""
        journal = self._tables.journal
        return self._bind("after_image", (seq,), lambda: sa.select(journal.c.after).where(journal.c.seq == parameter(0)))

    def rows(self, resource: ResourceSpec, after: int, limit: int) -> Statement:
        """Row number, id, image; then seq, operation and after_hash of the last entry about the record."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            row = self._tables.row(resource)
            number = row.value(ROW)
            columns = (number, row.value("id"), self._views.image(resource, row).label("hf_image"))
            page = at_most(sa.select(*columns).where(number > parameter(0)).order_by(number), 1).subquery("hf_page")
            last, entry = self._tables.journal.alias("hf_last"), self._tables.journal.alias("hf_entry")
            newest = sa.select(last.c.seq).where(*self._about(resource, last, page.c.id)).order_by(last.c.seq.desc())
            joined = page.outerjoin(entry, entry.c.seq == first(newest).scalar_subquery())
            found = sa.select(page.c[ROW], page.c.id, page.c.hf_image, entry.c.seq, entry.c.operation, entry.c.after_hash)
            return found.select_from(joined).order_by(page.c[ROW])

        return self._bind(f"rows {resource.path}", (after, limit), build)

    def lost(self, resource: ResourceSpec, after: int, upto: int) -> Statement:
        """(seq, id) of records that the journal leaves alive and that are not there."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            journal, table = self._tables.journal, self._tables.table(resource)
            there = sa.exists(sa.select(constant(1)).select_from(table).where(table.c.id == journal.c.record_id))
            return self._last_entries(resource, journal.c.operation.not_in([constant("delete"), constant("erase")])).where(~there)

        return self._bind(f"lost {resource.path}", (after, upto), build)

    def forgotten(self, resource: ResourceSpec, after: int, upto: int) -> Statement:
        """(seq, id) of deleted records whose id is not remembered with their last version."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            journal, gone = self._tables.journal, self._tables.gone
            known = (gone.c.resource == journal.c.resource, gone.c.record_id == journal.c.record_id, gone.c.version == journal.c.version)
            remembered = sa.exists(sa.select(constant(1)).select_from(gone).where(*known))
            return self._last_entries(resource, journal.c.operation == constant("delete")).where(~remembered)

        return self._bind(f"forgotten {resource.path}", (after, upto), build)

    def breaks(self, resource: ResourceSpec, after: int, upto: int) -> Statement:
        """Entries that found another row than the entry before had left: seq and id, seq of the one before, its `after`, their `before`."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            journal, earlier = self._tables.journal, self._tables.journal.alias("hf_earlier")
            entry = self._tables.journal.alias("hf_entry")
            found = sa.select(earlier.c.seq).where(*self._about(resource, earlier, entry.c.record_id), earlier.c.seq < entry.c.seq)
            last = first(found.order_by(earlier.c.seq.desc())).scalar_subquery()
            columns = (entry.c.seq, entry.c.record_id, journal.c.seq.label("before_seq"), journal.c.after, entry.c.before)
            both = sa.select(*columns).select_from(entry.join(journal, journal.c.seq == last))
            between = (entry.c.seq > parameter(0), entry.c.seq <= parameter(1), entry.c.resource == constant(resource.path))
            differs = entry.c.before_hash.is_distinct_from(journal.c.after_hash)
            return both.where(*between, entry.c.operation != constant("erase"), differs).order_by(entry.c.seq)

        return self._bind(f"breaks {resource.path}", (after, upto), build)

    def dangling(self, resource: ResourceSpec, member: FieldSpec, after: int, upto: int) -> Statement:
        """(row number, id) of rows whose member refers to nothing."""

        def build() -> sa.Select[*tuple[Any, ...]]:
            row = self._tables.row(resource)
            target = self._tables.beside(self._catalog.target(member), "target")
            there = sa.exists(sa.select(constant(1)).select_from(target.table).where(target.value("id") == row.value(member.member)))
            number = row.value(ROW)
            found = sa.select(number, row.value("id")).where(number > parameter(0), number <= parameter(1))
            return found.where(row.value(member.member).is_not(None), ~there).order_by(number)

        return self._bind(f"dangling {resource.path} {member.member}", (after, upto), build)

    def unsearchable(self, resource: ResourceSpec, after: int, upto: int) -> Statement:
        """(row number, id) of rows that the full-text index does not know; the id is null where it knows one that is not there."""

        def build() -> sa.CompoundSelect[*tuple[Any, ...]]:
            row, known = self._tables.row(resource), self._dialect.search_rows(resource)
            number = row.value(ROW)
            between = (number > parameter(0), number <= parameter(1))
            missing = sa.select(number, row.value("id")).where(*between, ~sa.exists(sa.select(constant(1)).where(known == number)))
            there = sa.exists(sa.select(constant(1)).select_from(row.table).where(number == known))
            surplus = sa.select(known, sa.null()).where(known > parameter(0), known <= parameter(1), ~there)
            return sa.union_all(missing, surplus)

        return self._bind(f"unsearchable {resource.path}", (after, upto), build)

    def last_row(self, resource: ResourceSpec) -> Statement:
        """One row: the highest row number, 0 if there is none."""
        number = self._tables.row(resource).value(ROW)
        return self._bind(f"last_row {resource.path}", (), lambda: sa.select(sa.func.coalesce(sa.func.max(number), constant(0))))

    def _select_seals(self) -> sa.Select[*tuple[Any, ...]]:
        return sa.select(*(self._tables.seal.c[name] for name in Seal._fields))

    def _last_entries(self, resource: ResourceSpec, kind: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
        """(seq, id) of the entries of a kind between two sequences (positions 0 and 1) that no later one about the record follows."""
        journal, later = self._tables.journal, self._tables.journal.alias("hf_later")
        follows = (
            sa.select(constant(1)).select_from(later).where(*self._about(resource, later, journal.c.record_id), later.c.seq > journal.c.seq)
        )
        between = (journal.c.seq > parameter(0), journal.c.seq <= parameter(1), journal.c.resource == constant(resource.path), kind)
        return sa.select(journal.c.seq, journal.c.record_id).where(*between, ~sa.exists(follows)).order_by(journal.c.seq)

    def _about(self, resource: ResourceSpec, entry: sa.FromClause, record_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
        """Entries about a record; those that only erase say nothing of its state."""
        return (entry.c.record_id == record_id, entry.c.resource == constant(resource.path), entry.c.operation != constant("erase"))

    def _bind(self, name: str, values: tuple[int, ...], build: Callable[[], sa.SelectBase]) -> Statement:
        prepared = self._kept.get(name)
        if prepared is None:
            prepared = self._kept[name] = self._dialect.prepare(build())
        return prepared.bind(values)
