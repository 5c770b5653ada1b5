"""Sealing: the last thing that a group of writes does before its COMMIT."""

from typing import Any

import apsw

from holdfast.core.journal import NO_SEAL, Sign, make_seal
from holdfast.store.sql.journal import JournalStatements
from holdfast.store.sqlite.execute import change, fetch


class Sealer:
    """Seals the entries that the open transaction holds above the last seal: those of every job that was not undone."""

    def __init__(self, statements: JournalStatements, sign: Sign) -> None:
        self._statements = statements
        self._sign = sign

    def __call__(self, connection: apsw.Connection) -> None:
        """Seal what is not sealed yet; nothing where there is nothing. Raises apsw.Error."""
        found = fetch(connection, self._statements.last_seal())
        sealed_to, previous = (found[0][0], found[0][3]) if found else (0, NO_SEAL)
        heads: list[Any] = fetch(connection, self._statements.heads(sealed_to))  # Heads, whose members nobody asks for by name
        if heads:
            change(connection, self._statements.seal_insert(make_seal(previous, heads, self._sign)))
