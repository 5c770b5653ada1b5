"""Retention: letting old entries of the journal go, a few at the end of a group, so that what is left is still proved.

Entries older than the setting says are removed where a later one about the same record is that old too. So the journal is at any time
how every record stood at its horizon, and everything since. The seals of what was looked at are folded into the last of them, which
proves the entries that are left and keeps its own value, to which the next seal is chained.
"""

from collections.abc import Sequence

import apsw

from holdfast.base.instant import Instant, after, before, format_instant
from holdfast.core.journal import NO_SEAL, EntryHead, Seal, Sign, fold_seal, take_seals
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.retention import HORIZON_AT, HORIZON_SEQ, RetentionStatements
from holdfast.store.sqlite.execute import change, fetch

STEP_ENTRIES = 200  # looked at in one turn: some milliseconds
STEP_SEALS = 100
PASS_EVERY_S = 3_600  # between two passes over everything that is old


class Retention:
    """Keeps the journal for so many days. Run in the thread of the writer, within the transaction of a group."""

    def __init__(self, renderer: Renderer, sign: Sign, days: int) -> None:
        self._renderer, self._sign, self._age_s = renderer, sign, days * 86_400
        self._statements: RetentionStatements = renderer.retention
        self._next_pass_at = 0
        self._until = ""
        self._place: int | None = None

    def step(self, connection: apsw.Connection, now: Instant) -> None:
        """Look at the next few seals of a pass, or begin one once it is time. Raises apsw.Error."""
        if self._place is None:
            if now < self._next_pass_at:
                return
            self._until, self._place = format_instant(before(now, self._age_s)), 0
        self._place = self._fold_next(connection, self._place)
        if self._place is None:
            self._next_pass_at = after(now, PASS_EVERY_S)

    def _fold_next(self, connection: apsw.Connection, place: int) -> int | None:
        """Fold the seals after a place; the place behind them, None where the pass ends."""
        found = fetch(connection, self._statements.seal_before(place))
        previous = Seal(*found[0]) if found else Seal(0, 0, 0, NO_SEAL)
        rows = fetch(connection, self._renderer.journal.seals_after(previous.last_seq, STEP_SEALS))
        seals = take_seals([Seal(*row) for row in rows], STEP_ENTRIES)
        if not seals:
            return None
        rows = fetch(connection, self._statements.entries(previous.last_seq, seals[-1].last_seq, self._until))
        entries = [(EntryHead._make(row[:-1]), bool(row[-1])) for row in rows]
        young = next((head.seq for head, _ in entries if head.at > self._until), None)
        old = seals if young is None else [each for each in seals if each.last_seq < young]
        if old:
            self._fold(connection, previous, old, [each for each in entries if each[0].seq <= old[-1].last_seq])
        return seals[-1].last_seq if young is None else None

    def _fold(self, connection: apsw.Connection, previous: Seal, seals: Sequence[Seal], entries: list[tuple[EntryHead, bool]]) -> None:
        done = [head.seq for head, is_done in entries if is_done]
        if not done and all(each.folded is not None for each in seals) and len(seals) == 1:
            return
        last = seals[-1]
        self._move_horizon(connection, last.last_seq)
        for seq in done:
            change(connection, self._statements.remove(seq))
        change(connection, self._statements.merge(previous.last_seq, last.last_seq))
        left = [head for head, is_done in entries if not is_done]
        change(connection, self._statements.fold(fold_seal(previous, last, left, self._sign)))

    def _move_horizon(self, connection: apsw.Connection, seq: int) -> None:
        """Say before anything goes that readings do not reach back behind it."""
        for key, value in ((HORIZON_SEQ, str(seq)), (HORIZON_AT, self._until)):
            found = fetch(connection, self._renderer.meta.find(key))
            if not found:
                change(connection, self._renderer.meta.insert(key, value))
            elif (int(value) > int(found[0][0])) if key == HORIZON_SEQ else (value > found[0][0]):
                change(connection, self._renderer.meta.update(key, value))
