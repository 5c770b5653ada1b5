"""The last use of sessions: remembered on the loop, and written now and then for many at once."""

import asyncio
from contextlib import suppress

import apsw

from holdfast.base.errors import HoldfastError
from holdfast.base.instant import Instant, before
from holdfast.ports.world import Clock
from holdfast.store.sql.statement import Prepared
from holdfast.store.sqlite import execute
from holdfast.store.sqlite.writer import Writer

EVERY_S = 60  # how exact `seen_at` is
DELAY_S = 5.0  # so long uses are collected before they are written together
SESSIONS_MAX = 10_000  # remembered between two writes; beyond it a use is not noted


class Touches:
    """The uses of one process, called on the loop. `statement` writes one, of a session's id and an instant."""

    def __init__(self, statement: Prepared, writer: Writer, clock: Clock) -> None:
        self._statement, self._writer, self._clock = statement, writer, clock
        self._noted: dict[str, Instant] = {}
        self._due: dict[str, Instant] = {}
        self._flushing: asyncio.TimerHandle | None = None

    def note(self, session_id: str, now: Instant) -> None:
        """Remember that a session is used."""
        past = before(now, EVERY_S)
        if self._noted.get(session_id, 0) > past:
            return
        if len(self._noted) >= SESSIONS_MAX:
            self._noted = {each: at for each, at in self._noted.items() if at > past}
            if len(self._noted) >= SESSIONS_MAX:
                return
        self._noted[session_id] = self._due[session_id] = now
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(DELAY_S, self._flush)

    def close(self) -> None:
        """Write what was noted, before the writer ends."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flush()

    def _flush(self) -> None:
        self._flushing = None
        due, self._due = self._due, {}
        with suppress(HoldfastError):  # a full queue has more pressing work: the next use says it again
            future = self._writer.submit(lambda connection: self._write(connection, due), self._clock.monotonic_s() + DELAY_S)
            future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _write(self, connection: apsw.Connection, due: dict[str, Instant]) -> None:
        """In the thread of the writer."""
        for session_id, at in due.items():
            execute.change(connection, self._statement.bind((session_id, at)))
