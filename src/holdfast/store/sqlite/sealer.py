"""Sealing: the last thing that a group of writes does before its COMMIT."""

import apsw

from holdfast.core.journal import NO_SEAL, Head, Sign, make_seal
from holdfast.store.sql.journal import JournalStatements
from holdfast.store.sql.statement import Statement


class Sealer:
    """Seals the entries that the open transaction holds above the last seal: those of every job that was not undone."""

    def __init__(self, statements: JournalStatements, sign: Sign) -> None:
        self._statements = statements
        self._sign = sign

    def __call__(self, connection: apsw.Connection) -> None:
        """Seal what is not sealed yet; nothing where there is nothing. Raises apsw.Error."""
        found = _fetch(connection, self._statements.last_seal())
        sealed_to, previous = (found[0][0], found[0][3]) if found else (0, NO_SEAL)
        heads: list[Head] = _fetch(connection, self._statements.heads(sealed_to))
        if heads:
            statement = self._statements.seal_insert(make_seal(previous, heads, self._sign))
            connection.execute(statement.text, statement.values)


def _fetch(connection: apsw.Connection, statement: Statement) -> list:  # type: ignore[type-arg]  # rows of whatever was selected
    return connection.execute(statement.text, statement.values).fetchall()
