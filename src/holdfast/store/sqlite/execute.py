"""Running a statement on a connection that writes, once: what runs often keeps a cursor (transaction, lane)."""

from typing import Any

import apsw

from holdfast.store.sql.statement import Statement


def fetch(connection: apsw.Connection, statement: Statement) -> list[tuple[Any, ...]]:
    """Run a statement and fetch its rows to the end. Raises apsw.Error."""
    return connection.execute(statement.text, statement.values).fetchall()


def change(connection: apsw.Connection, statement: Statement) -> int:
    """Run a statement that changes rows; how many it changed. Raises apsw.Error."""
    connection.execute(statement.text, statement.values)
    return connection.changes()
