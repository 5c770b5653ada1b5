"""Once and only once: a write with an idempotency key, which is claimed in the transaction of the write itself.

A repeat gets the rows of the first write, read from its journal entries; an answer is kept only where they do not tell it. What was
erased from the journal cannot be told: then the key is free again.
"""

from collections.abc import Callable
from typing import NamedTuple

import apsw
import msgspec

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant, after, before
from holdfast.base.limits import IDEMPOTENCY_KEPT_S
from holdfast.core.condition import ALWAYS, Condition
from holdfast.core.plan import Claim, Delete, Done, Kept, Row, Shown, Write, told_where
from holdfast.core.view import View
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.execute import change
from holdfast.store.sqlite.sight import is_seen
from holdfast.store.sqlite.transaction import Transaction, build_bare_row

PRUNE_EVERY = 25  # claims between two looks at the oldest: twice as many can go as came, so the table only shrinks
PRUNED_MAX = 50
TIDY_EVERY_S = 60  # between two looks at the oldest where no claims come


Open = Callable[[apsw.Connection, Write], Transaction]
RunSteps = Callable[[Transaction, Write], tuple[Row | None, ...]]


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

    def __init__(self, renderer: Renderer, open_: Open, run_steps: RunSteps) -> None:
        self._renderer = renderer
        self._open = open_
        self._run_steps = run_steps
        self._until_prune = PRUNE_EVERY
        self._tidy_at = 0

    def run(self, connection: apsw.Connection, plan: Write, claim: Claim) -> Done:
        """Tell what the first write under the key did, or run the steps and claim it.

        Raises Refused as the steps do; idempotency_mismatch where the key was used for another request; forbidden where the caller may
        no longer see what the first write told. Raises CallerChanged.
        """
        tx = self._open(connection, plan)
        rows = tx.fetch(self._renderer.claims.find(claim.key_hash))
        found = _Claimed._make(rows[0]) if rows else None
        expired = before(plan.at, IDEMPOTENCY_KEPT_S)
        if found is not None and found.created_at > expired:
            replayed = self._replay(tx, plan, claim, found)
            if replayed is not None:
                return replayed
        written = self._run_steps(tx, plan)
        if found is not None:
            tx.change(self._renderer.claims.delete(claim.key_hash))
        kept = None if claim.keep is None else claim.keep(written)
        headers = None if kept is None else msgspec.json.encode(kept.headers).decode()
        tx.change(self._renderer.claims.insert(claim, plan.at, kept, headers))
        self._prune(connection, expired)
        return Done(written, kept)

    def _replay(self, tx: Transaction, plan: Write, claim: Claim, first: _Claimed) -> Done | None:
        """What the first write did; None where it can no longer be told. Raises Refused: idempotency_mismatch, forbidden."""
        if first.fingerprint != claim.fingerprint:
            raise Refused("idempotency_mismatch")
        if first.status is not None:
            kept = Kept(first.status, _decode_headers(first.headers), first.body)
            for each in claim.shows(kept):
                self._check_seen(tx, each)
            return Done((), kept, replayed=True)
        rows: list[Row | None] = []
        for seq, step in enumerate(plan.steps, start=first.last_seq - len(plan.steps) + 1):
            if isinstance(step, Delete):
                rows.append(None)
                continue
            row = self._read_entry(tx, step.view, seq, told_where(step))
            if row is None:
                return None
            rows.append(row)
        return Done(tuple(rows), replayed=True)

    def _read_entry(self, tx: Transaction, view: View, seq: int, where: Condition) -> Row | None:
        """The record as an entry left it and as its writer was told of it; None where its payload is gone. Raises Refused forbidden."""
        found = tx.fetch(self._renderer.entry(view, seq, where))
        if not found or found[0][2] is None:
            return None
        ((record_id, version, text, was_shown),) = found
        if not was_shown:
            return build_bare_row(record_id, version)
        self._check_seen(tx, Shown(view.resource, record_id, where))
        return Row(text, RecordId(record_id), version)

    def _check_seen(self, tx: Transaction, shown: Shown) -> None:
        """Refuse to tell again what the caller may no longer see. Raises Refused forbidden."""
        if shown.where is not ALWAYS and not is_seen(tx.fetch, self._renderer, shown.resource, shown.id, shown.where):
            raise Refused("forbidden", hint="The first request with this key was done; you may no longer see what it answered.")

    def tidy(self, connection: apsw.Connection, now: Instant) -> None:
        """Let expired answers go at the end of any group, claims or not: once a minute, and more often while there are many."""
        if now < self._tidy_at:
            return
        if change(connection, self._renderer.claims.prune(before(now, IDEMPOTENCY_KEPT_S), PRUNED_MAX)) < PRUNED_MAX:
            self._tidy_at = after(now, TIDY_EVERY_S)

    def _prune(self, connection: apsw.Connection, expired: Instant) -> None:
        self._until_prune -= 1
        if self._until_prune <= 0:
            self._until_prune = PRUNE_EVERY
            change(connection, self._renderer.claims.prune(expired, PRUNED_MAX))


_decode_headers = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
