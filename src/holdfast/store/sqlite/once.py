"""Once and only once: a write with an idempotency key, whose answer is kept in the transaction of the write itself."""

from collections.abc import Callable
from typing import Any

import apsw
import msgspec

from holdfast.base.errors import Refused
from holdfast.base.instant import Instant
from holdfast.base.limits import IDEMPOTENCY_KEPT_S
from holdfast.core.plan import Claim, Kept, Row, Write
from holdfast.store.sql.render import Renderer

PRUNE_EVERY = 25  # claims between two looks at the oldest: twice as many can go as came, so the table only shrinks
PRUNED_MAX = 50
TIDY_EVERY_US = 60 * 1_000_000  # between two looks at the oldest where no claims come

RunSteps = Callable[[apsw.Connection, Write], tuple[Row | None, ...]]


class Once:
    """Runs writes with a claim, in the thread of the writer. It neither begins nor ends a transaction."""

    def __init__(self, renderer: Renderer, run_steps: RunSteps) -> None:
        self._renderer = renderer
        self._run_steps = run_steps
        self._until_prune = PRUNE_EVERY
        self._tidy_at = 0

    def run(self, connection: apsw.Connection, plan: Write, claim: Claim) -> Kept:
        """Replay the answer that is kept with the key, or run the steps and keep theirs.

        Raises Refused as the steps do; idempotency_mismatch where the key was used for another request.
        """
        statement = self._renderer.kept(claim.key_hash)
        found: list[tuple[Any, ...]] = connection.execute(statement.text, statement.values).fetchall()
        expired = plan.at - IDEMPOTENCY_KEPT_S * 1_000_000
        if found and found[0][1] > expired:
            return _replay(claim, *found[0])
        rows = self._run_steps(connection, plan)
        if found:
            _execute(connection, self._renderer.drop_kept(claim.key_hash))
        kept = claim.keep(rows)
        _execute(connection, self._renderer.keep(claim, kept, msgspec.json.encode(kept.headers).decode(), plan.at))
        self._prune(connection, Instant(expired))
        return kept

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


def _replay(claim: Claim, fingerprint: bytes, _at: int, status: int, headers: str, body: bytes) -> Kept:
    if fingerprint != claim.fingerprint:
        raise Refused("idempotency_mismatch")
    return Kept(status, _decode_headers(headers), body, replayed=True)


_decode_headers = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
