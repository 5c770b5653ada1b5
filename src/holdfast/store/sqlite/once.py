"""Once and only once: a write with an idempotency key, which is claimed in the transaction of the write itself.

A repeat gets the rows of the first write, read from its journal entries; an answer is kept only where they do not tell it. What was
erased from the journal cannot be told: then the key is free again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import apsw
import msgspec

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant
from holdfast.base.limits import IDEMPOTENCY_KEPT_S
from holdfast.core.plan import Claim, Delete, Done, Kept, Row, Write
from holdfast.core.view import View
from holdfast.store.sql.render import Renderer

PRUNE_EVERY = 25  # claims between two looks at the oldest: twice as many can go as came, so the table only shrinks
PRUNED_MAX = 50
TIDY_EVERY_US = 60 * 1_000_000  # between two looks at the oldest where no claims come

RunSteps = Callable[[apsw.Connection, Write], tuple[Row | None, ...]]


class _Claimed(NamedTuple):
    """What is kept with a key; status, headers and body only where the journal does not tell them."""

    fingerprint: bytes
    created_at: int
    last_seq: int
    status: int | None
    headers: str
    body: bytes


class Once:
    """Runs writes with a claim, in the thread of the writer. It neither begins nor ends a transaction."""

    def __init__(self, renderer: Renderer, run_steps: RunSteps) -> None:
        self._renderer = renderer
        self._run_steps = run_steps
        self._until_prune = PRUNE_EVERY
        self._tidy_at = 0

    def run(self, connection: apsw.Connection, plan: Write, claim: Claim) -> Done:
        """Tell what the first write under the key did, or run the steps and claim it.

        Raises Refused as the steps do; idempotency_mismatch where the key was used for another request.
        """
        statement = self._renderer.kept(claim.key_hash)
        rows: list[tuple[Any, ...]] = connection.execute(statement.text, statement.values).fetchall()
        found = _Claimed._make(rows[0]) if rows else None
        expired = plan.at - IDEMPOTENCY_KEPT_S * 1_000_000
        if found is not None and found.created_at > expired:
            replayed = self._replay(connection, plan, claim, found)
            if replayed is not None:
                return replayed
        written = self._run_steps(connection, plan)
        if found is not None:
            _execute(connection, self._renderer.drop_kept(claim.key_hash))
        kept = None if claim.keep is None else claim.keep(written)
        headers = None if kept is None else msgspec.json.encode(kept.headers).decode()
        _execute(connection, self._renderer.keep(claim, plan.at, kept, headers))
        self._prune(connection, Instant(expired))
        return Done(written, kept)

    def _replay(self, connection: apsw.Connection, plan: Write, claim: Claim, first: _Claimed) -> Done | None:
        """What the first write did; None where it can no longer be told. Raises Refused idempotency_mismatch."""
        if first.fingerprint != claim.fingerprint:
            raise Refused("idempotency_mismatch")
        if first.status is not None:
            return Done((), Kept(first.status, _decode_headers(first.headers), first.body), replayed=True)
        rows: list[Row | None] = []
        for seq, step in enumerate(plan.steps, start=first.last_seq - len(plan.steps) + 1):
            if isinstance(step, Delete):
                rows.append(None)
                continue
            row = self._read_entry(connection, step.view, seq)
            if row is None:
                return None
            rows.append(row)
        return Done(tuple(rows), replayed=True)

    def _read_entry(self, connection: apsw.Connection, view: View, seq: int) -> Row | None:
        """The record as an entry left it; None where its payload is gone."""
        statement = self._renderer.entry(view, seq)
        found: list[tuple[Any, ...]] = connection.execute(statement.text, statement.values).fetchall()
        if not found or found[0][2] is None:
            return None
        ((record_id, version, text),) = found
        return Row(text, RecordId(record_id), version)

    def tidy(self, connection: apsw.Connection, now: Instant) -> None:
        """Let expired answers go at the end of any group, claims or not: once a minute, and more often while there are many."""
        if now < self._tidy_at:
            return
        _execute(connection, self._renderer.prune_kept(Instant(now - IDEMPOTENCY_KEPT_S * 1_000_000), PRUNED_MAX))
        if connection.changes() < PRUNED_MAX:
            self._tidy_at = now + TIDY_EVERY_US

    def _prune(self, connection: apsw.Connection, expired: Instant) -> None:
        self._until_prune -= 1
        if self._until_prune <= 0:
            self._until_prune = PRUNE_EVERY
            _execute(connection, self._renderer.prune_kept(expired, PRUNED_MAX))


def _execute(connection: apsw.Connection, statement: Any) -> None:
    connection.execute(statement.text, statement.values)


_decode_headers = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
