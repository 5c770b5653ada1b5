"""The journal in SQL: its entries, its seals, and what is read from them."""

import sqlalchemy as sa

from holdfast.core.journal import EntryHead, Seal
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.statement import Statement, at_most, first, parameter
from holdfast.store.sql.tables import Tables


class JournalStatements:
    """Renders the statements about entries and seals as such. What shows them as records is in `reading`."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        journal, seal = tables.journal, tables.seal
        heads = sa.select(*(journal.c[name] for name in EntryHead._fields)).order_by(journal.c.seq)
        seals = sa.select(*(seal.c[name] for name in Seal._fields))
        self._heads = dialect.prepare(heads.where(journal.c.seq > parameter(0)))
        self._last_seal = dialect.prepare(first(seals.order_by(seal.c.last_seq.desc())))
        self._seals_after = dialect.prepare(at_most(seals.where(seal.c.last_seq > parameter(0)).order_by(seal.c.last_seq), 1))
        about = (journal.c.resource == parameter(0), journal.c.record_id == parameter(1))
        payload = sa.or_(journal.c.before.is_not(None), journal.c.after.is_not(None))
        emptied = {journal.c.before: sa.null(), journal.c.after: sa.null()}
        self._erase = dialect.prepare(sa.update(journal).values(emptied).where(*about, payload))
        newest = sa.select(journal.c.version).where(*about).order_by(journal.c.seq.desc())
        self._last_version = dialect.prepare(first(newest))
        values = {seal.c[name]: parameter(position) for position, name in enumerate(Seal._fields)}
        self._seal_insert = dialect.prepare(sa.insert(seal).values(values))

    def erase(self, resource: ResourceSpec, record_id: str) -> Statement:
        """Take the payloads out of every entry about a record; their hashes stay."""
        return self._erase.bind((resource.path, record_id))

    def last_version(self, resource: ResourceSpec, record_id: str) -> Statement:
        """No row or one: the version that the last entry about a record tells."""
        return self._last_version.bind((resource.path, record_id))

    def heads(self, after: int) -> Statement:
        """The heads (core.journal.EntryHead) of all entries after a sequence, in order."""
        return self._heads.bind((after,))

    def last_seal(self) -> Statement:
        """No row or one: the last seal (core.journal.Seal)."""
        return self._last_seal.bind(())

    def seals_after(self, seq: int, limit: int) -> Statement:
        """The seals that end after a sequence, in order."""
        return self._seals_after.bind((seq, limit))

    def seal_insert(self, seal: Seal) -> Statement:
        """Add a seal."""
        return self._seal_insert.bind(seal)
