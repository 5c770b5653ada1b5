"""Deferral: references that are looked at once several statements have run, since they lead in a circle."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw


@contextmanager
def defer_references(connection: apsw.Connection) -> Iterator[None]:
    """Let references lead nowhere for the statements of this block. Whoever opens it asks `dangles` before it ends."""
    connection.pragma("defer_foreign_keys", value=True)
    try:
        yield
    finally:  # the neighbours in the group must not inherit it
        connection.pragma("defer_foreign_keys", value=False)


def dangles(connection: apsw.Connection) -> bool:
    """Whether a reference still leads nowhere."""
    return bool(connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0])
