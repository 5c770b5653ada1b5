"""A lane: one connection that reads, and the moment at which whatever runs on it is stopped."""

from contextlib import suppress
from typing import Any

import apsw

from holdfast.base.limits import ANSWER_BYTES_MAX
from holdfast.core.size import count_bytes
from holdfast.ports.world import Clock
from holdfast.store.sql.statement import Statement
from holdfast.store.sqlite.connection import open_reader
from holdfast.store.sqlite.fault import build_fault, is_damaging
from holdfast.store.sqlite.file import DatabaseFile

STEPS_BETWEEN_LOOKS = 2_000  # virtual machine instructions between two looks at the clock: some ten microseconds

_SURELY_WITHIN = ANSWER_BYTES_MAX // 4  # characters: none has more than four bytes
_BEGIN = Statement("BEGIN", ())
_COMMIT = Statement("COMMIT", ())


class TooSlow(Exception):
    """A read outlived its time and was stopped. The connection is as good as before."""


class Limit:
    """When a read must stop, on the monotonic clock. Another thread may bring it forward."""

    __slots__ = ("stop_at_s",)

    def __init__(self, stop_at_s: float = float("inf")) -> None:
        self.stop_at_s = stop_at_s


class Lane:
    """Runs reads one after another on its own connection, which is opened when it is needed and again after a fault."""

    def __init__(self, file: DatabaseFile, clock: Clock) -> None:
        self._file = file
        self._now_s = clock.monotonic_s
        self._connection: apsw.Connection | None = None
        self._cursor: apsw.Cursor | None = None
        self._begun = 0
        self.limit = Limit()

    def fetch(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Run one statement and fetch its rows to the end. Raises TooSlow, Unavailable, Broken."""
        try:
            return (self._cursor or self._open()).execute(statement.text, statement.values).fetchall()
        except apsw.Error as error:
            raise self._explain(error) from error

    def fetch_within(self, statement: Statement, column: int) -> tuple[list[tuple[Any, ...]], bool]:
        """The same, but no more rows than an answer may have bytes of text in one column, the first always; whether these are all."""
        try:
            return self._fetch_within((self._cursor or self._open()).execute(statement.text, statement.values), column)
        except apsw.Error as error:
            raise self._explain(error) from error

    def _fetch_within(self, cursor: apsw.Cursor, column: int) -> tuple[list[tuple[Any, ...]], bool]:
        rows: list[tuple[Any, ...]] = []
        characters = 0
        for row in cursor:
            rows.append(row)
            characters += len(row[column])
            if characters > _SURELY_WITHIN:
                return self._weigh_rows(cursor, rows, column)
        return rows, True

    def _weigh_rows(self, cursor: apsw.Cursor, rows: list[tuple[Any, ...]], column: int) -> tuple[list[tuple[Any, ...]], bool]:
        """Go on with rows that may be too large: now by bytes, which cost more to count than characters."""
        left = ANSWER_BYTES_MAX - sum(count_bytes(row[column]) for row in rows)
        while left >= 0 or len(rows) == 1:
            row = next(cursor, None)
            if row is None:
                return rows, True
            rows.append(row)
            left -= count_bytes(row[column])
        cursor.close(force=True)  # what is read half would keep its snapshot open
        self._cursor = None if self._connection is None else self._connection.cursor()
        return rows[:-1], False

    def _explain(self, error: apsw.Error) -> Exception:
        """What a failed read means; a connection that may be damaged is given back."""
        if isinstance(error, apsw.InterruptError):
            return TooSlow()
        if is_damaging(error):
            self.close()
        return build_fault(error)

    def begin(self) -> None:
        """Begin a snapshot: what is read until `end` is of one moment; within another snapshot, of that one's."""
        if self._connection is None or not self._connection.in_transaction:  # a connection that was given up took its snapshot along
            self.fetch(_BEGIN)
        self._begun += 1

    def end(self) -> None:
        """End the outermost snapshot, whatever happened in it: one left open would keep the log from ever being emptied."""
        self._begun -= 1
        if not self._begun and self._connection is not None and self._connection.in_transaction:
            self.limit = Limit()
            self.fetch(_COMMIT)

    def close(self) -> None:
        """Give the connection back; the next read opens another."""
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            with suppress(apsw.Error):  # it may be given up because of such an error
                self._file.close(connection)

    def _open(self) -> apsw.Cursor:
        self._connection = self._file.open(open_reader)
        self._connection.set_progress_handler(self._is_late, STEPS_BETWEEN_LOOKS)
        self._cursor = self._connection.cursor()
        return self._cursor

    def _is_late(self) -> bool:
        return self._now_s() > self.limit.stop_at_s
