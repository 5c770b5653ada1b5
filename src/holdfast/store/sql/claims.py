"""Idempotency keys in SQL: what is kept with them."""

from typing import Any

import sqlalchemy as sa

from holdfast.base.instant import Instant
from holdfast.core.plan import Claim, Kept
from holdfast.store.sql.dialect import Dialect, Element
from holdfast.store.sql.statement import Statement, at_most, parameter
from holdfast.store.sql.tables import Tables

_INSERTED = ("key_hash", "fingerprint", "created_at", "status", "headers", "body")
_FOUND = ("fingerprint", "created_at", "last_seq", "status", "headers", "body")


class ClaimStatements:
    """Renders the statements on hf_idempotency."""

    def __init__(self, tables: Tables, dialect: Dialect) -> None:
        table = tables.idempotency
        by_hash = table.c.key_hash == parameter(0)
        self._find = dialect.prepare(sa.select(*(table.c[each] for each in _FOUND)).where(by_hash))
        values: dict[sa.Column[Any], Element] = {table.c[each]: parameter(position) for position, each in enumerate(_INSERTED)}
        values[table.c.last_seq] = sa.select(sa.func.max(tables.journal.c.seq)).scalar_subquery()
        self._insert = dialect.prepare(sa.insert(table).values(values))
        self._delete = dialect.prepare(sa.delete(table).where(by_hash))
        self._delete_mentioning = dialect.prepare(sa.delete(table).where(dialect.has_part(table.c.body, parameter(0))))
        oldest = at_most(sa.select(table.c.row, table.c.created_at).order_by(table.c.row), 1).subquery()
        expired = sa.select(oldest.c.row).where(oldest.c.created_at <= parameter(0))
        self._prune = dialect.prepare(sa.delete(table).where(table.c.row.in_(expired)))

    def find(self, key_hash: bytes) -> Statement:
        """No row or one: (fingerprint, microseconds since 1970, last sequence, then status, headers as JSON text, body, or nulls)."""
        return self._find.bind((key_hash,))

    def insert(self, claim: Claim, at: Instant, kept: Kept | None, headers: str | None) -> Statement:
        """Claim a key, with the answer where one is kept, and with the last entry of the journal, which is the last of its write.

        `headers` is the JSON text of `kept.headers`.
        """
        answer = (None, None, None) if kept is None else (kept.status, headers, kept.body)
        return self._insert.bind((claim.key_hash, claim.fingerprint, at, *answer))

    def delete(self, key_hash: bytes) -> Statement:
        """Let go of a key."""
        return self._delete.bind((key_hash,))

    def delete_mentioning(self, id: str) -> Statement:  # noqa: A002  # the member's name
        """Let go of every answer that mentions a record. It looks at all of them."""
        return self._delete_mentioning.bind((id.encode(),))

    def prune(self, upto: Instant, limit: int) -> Statement:
        """Let go of those among the `limit` oldest keys that were claimed up to an instant.

        Rows are numbered as they come, so the oldest are the first: however many there are, no more than these are looked at.
        """
        return self._prune.bind((upto, limit))
