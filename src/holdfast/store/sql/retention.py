"""Retention in SQL: which entries of old seals nobody needs any more, and the seal that proves what is left of them."""

from typing import Any

import sqlalchemy as sa

from holdfast.core.journal import EntryHead, Seal
from holdfast.store.sql.dialect import Dialect
from holdfast.store.sql.statement import Prepared, Statement, constant, first, one_if, parameter
from holdfast.store.sql.tables import Tables

HORIZON_SEQ, HORIZON_AT = "horizon_seq", "horizon_at"
"""Facts of hf_meta: up to which sequence entries may have been removed, and up to which time."""


def horizon_of(tables: Tables) -> sa.ScalarSelect[Any]:
    """The sequence up to which entries may have been removed; 0 where all are kept."""
    meta = tables.meta
    found = sa.select(sa.cast(meta.c.value, sa.BigInteger())).where(meta.c.key == constant(HORIZON_SEQ))
    return sa.select(sa.func.coalesce(found.scalar_subquery(), constant(0))).scalar_subquery()


class RetentionStatements:
    """Renders the statements that fold old seals."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        journal, seal = tables.journal, tables.seal
        before = sa.select(*(seal.c[name] for name in Seal._fields)).where(seal.c.last_seq <= parameter(0)).order_by(seal.c.last_seq.desc())
        self._seal_before = dialect.prepare(first(before))
        self._entries = _select_entries(journal, dialect)
        self._remove = dialect.prepare(sa.delete(journal).where(journal.c.seq == parameter(0)))
        between = sa.and_(seal.c.last_seq > parameter(0), seal.c.last_seq < parameter(1))
        self._merge = dialect.prepare(sa.delete(seal).where(between))
        changed = {seal.c[name]: parameter(position) for position, name in enumerate(Seal._fields) if name != "last_seq"}
        self._fold = dialect.prepare(sa.update(seal).values(changed).where(seal.c.last_seq == parameter(0)))

    def seal_before(self, seq: int) -> Statement:
        """No row or one: the last seal (core.journal.Seal) that ends at a sequence or before it."""
        return self._seal_before.bind((seq,))

    def entries(self, after: int, upto: int, until: str) -> Statement:
        """Entries between two sequences, in order: the members of a EntryHead, then 1 or 0 whether a later one of `until` stands for it."""
        return self._entries.bind((after, upto, until))

    def remove(self, seq: int) -> Statement:
        """Take an entry out of the journal."""
        return self._remove.bind((seq,))

    def merge(self, after: int, last: int) -> Statement:
        """Take away the seals between two others, which the second stands for from now on."""
        return self._merge.bind((after, last))

    def fold(self, seal: Seal) -> Statement:
        """Say what a seal proves now."""
        return self._fold.bind(seal)


def _select_entries(journal: sa.Table, dialect: Dialect) -> Prepared:
    """An entry may go once a later one of the same record is old too: so how each record was at `until` (position 2) stays known.

    Those that erase stay: they say why payloads of others are gone.
    """
    later = journal.alias("hf_later")
    about = (later.c.record_id == journal.c.record_id, later.c.resource == journal.c.resource)
    stands = (later.c.seq > journal.c.seq, later.c.operation != constant("erase"), later.c.at <= parameter(2))
    is_done = sa.and_(journal.c.operation != constant("erase"), sa.exists(sa.select(constant(1)).select_from(later).where(*about, *stands)))
    found = sa.select(*(journal.c[name] for name in EntryHead._fields), one_if(is_done))
    return dialect.prepare(found.where(journal.c.seq > parameter(0), journal.c.seq <= parameter(1)).order_by(journal.c.seq))
